"""Sources of incremental tasks: those whose new rows are found by a column."""

from collections.abc import Mapping

from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.kinds import DestinationSettings, SourceSettings, settings_of
from dtaas_desktop.domain.ports import ColumnFollower, Source
from dtaas_desktop.domain.task import Task


def follow_columns(task: Task, sources: Mapping[str, Source]) -> dict[str, Source]:
    """The sources of the task by connection, each following the column that its nodes name.

    Raises UserError where none is named, several are, or the system cannot.
    """
    wanted: dict[str, tuple[str, float]] = {}
    for node in task.design.nodes:
        settings = settings_of(node)
        if not isinstance(settings, SourceSettings):
            continue
        name, asked = settings.connection, (settings.follow_column, settings.look_back)
        if not settings.follow_column:
            raise UserError(
                f"Task “{task.name}” is incremental, but no column says what is new in “{name}”.",
                remedy="Name the column that grows at the source, or choose another transfer.",
            )
        if wanted.setdefault(name, asked) != asked:
            raise UserError(
                f"Two sources of task “{task.name}” read “{name}” by different columns.",
                remedy="Make two tasks of it, or name the same column and look-back in both.",
            )
    # Rows are appended once and for all; a mirror absorbs what comes again.
    once = any(settings.write_mode == "append" for settings in _destinations(task))
    followed: dict[str, Source] = {}
    for name, (column, look_back) in wanted.items():
        source = sources[name]
        if not isinstance(source, ColumnFollower):
            raise UserError(f"“{name}” cannot find new rows by a column.", remedy="Choose another transfer.")
        followed[name] = source.following(column, look_back, once=once)
    return followed


def _destinations(task: Task) -> list[DestinationSettings]:
    found = [settings_of(node) for node in task.design.nodes]
    return [settings for settings in found if isinstance(settings, DestinationSettings)]
