"""What speaks against table runs: targets that are shared or belong to others, and modes that cannot be kept."""

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

from dtaas_desktop.domain.changes import CHANGE_MODES, RESERVED
from dtaas_desktop.domain.ports import Source
from dtaas_desktop.domain.problems import Problem
from dtaas_desktop.domain.table import TableDescription
from dtaas_desktop.domain.target import REJECTED_SUFFIX, same_name_key
from dtaas_desktop.domain.task import Task

if TYPE_CHECKING:
    from dtaas_desktop.engine.survey import SurveyedRoute


def target_problems(runs: Sequence["SurveyedRoute"], take_over: Collection[str]) -> Iterator[Problem]:
    """Targets that two table runs share, or that belong to somebody else."""
    taken: dict[tuple[str, str], tuple[str, str]] = {}
    for run in runs:
        target, node = run.target, run.route.destination.id
        for name in (target.name, target.name + REJECTED_SUFFIX):
            place = (target.connection, same_name_key(name))
            label = (target.owner.table, name)
            if place in taken and taken[place] != label:
                other_table, other_name = taken[place]
                yield Problem(
                    "error",
                    f"Tables {other_table} and {label[0]} would both be written to “{other_name}” in “{target.connection}”.",
                    node,
                    "Make the names differ by more than case, for example with the destination's name template.",
                )
                break
            if place in taken:
                yield Problem(
                    "error",
                    f"Two routes would write table {label[0]} to “{name}” in “{target.connection}”.",
                    node,
                    "Give one destination another name.",
                )
                break
            taken[place] = label
        yield from _owner_problem(run, take_over)


def _owner_problem(run: "SurveyedRoute", take_over: Collection[str]) -> Iterator[Problem]:
    target, state = run.target, run.state
    if target.name in take_over:
        return
    remedy = f"Choose another name or place, or allow the task once to take over “{target.name}”."
    if state.foreign:
        message = f"“{target.name}” in “{target.connection}” already holds something that this application did not write."
        yield Problem("error", message, run.route.destination.id, remedy)
    elif state.owner is not None and state.owner != target.owner:
        whose = (
            "another task" if state.owner.task != target.owner.task else f"table {state.owner.table} at node “{state.owner.node}”"
        )
        message = f"“{target.name}” in “{target.connection}” belongs to {whose}."
        yield Problem("error", message, run.route.destination.id, remedy)


def mode_problems(task: Task, source: Source, table: TableDescription, run: "SurveyedRoute") -> Iterator[Problem]:
    """Why the transfer mode or the write mode cannot be kept for this table."""
    target, node = run.target, run.route.destination.id
    if target.write_mode in CHANGE_MODES:
        reserved = sorted(name for name in target.schema.names if name.casefold() in RESERVED)
        if reserved:
            message = f"Table {table.table} has a column “{reserved[0]}”, a name that “{target.write_mode}” needs for itself."
            yield Problem("error", message, node, "Rename the column in a step before.")
    if target.write_mode == "mirror" and not target.key:
        reason = "its key does not arrive at the target as it is" if table.key else "it has no key"
        message = f"Table {table.table} cannot be mirrored: {reason}."
        remedy = "Keep the key's columns, renamed or cast at most" if table.key else "Give it a primary key at the source"
        yield Problem("error", message, node, f"{remedy}, or choose another write mode.")
    if task.options.transfer != "full load":
        yield from _change_problems(task, source, table, run)


def _change_problems(task: Task, source: Source, table: TableDescription, run: "SurveyedRoute") -> Iterator[Problem]:
    target, node = run.target, run.route.destination.id
    if task.options.transfer == "incremental":
        if target.write_mode not in ("mirror", "append"):
            message = f"What is new in table {table.table} cannot be written with “{target.write_mode}”."
            yield Problem("error", message, node, "Choose “mirror”, or “append” if rows are only ever added.")
    elif target.write_mode not in CHANGE_MODES:
        message = f"Changes of table {table.table} cannot be written with “{target.write_mode}”."
        yield Problem("error", message, node, "Choose “mirror” or “history”, or the transfer “full load”.")
    if source.capture is None:
        message = f"The source of table {table.table} cannot capture changes."
        yield Problem("error", message, run.route.source.id, "Choose the transfer “full load”.")
        return
    state = source.capture.state(table.table)
    if not state.on:
        install = "Switch the capture on; what it does to the source is shown before."
        message = state.reason or f"Changes of table {table.table} are not captured."
        yield Problem("error", message, run.route.source.id, install if state.possible else state.remedy)
    exact = source.exact_by_default if task.options.reading == "default" else task.options.reading == "one moment"
    if task.options.transfer == "full load, then changes" and target.write_mode == "history" and not exact:
        message = f"Table {table.table} cannot be read “resumable” for a history: rows that change meanwhile would come twice."
        yield Problem("error", message, node, "Choose the reading “one moment”, or the write mode “mirror”.")
