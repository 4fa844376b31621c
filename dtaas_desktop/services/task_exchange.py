"""Tasks as files: written for others to have, read from others."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dtaas_desktop.domain.design import Design
from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.task import Task
from dtaas_desktop.domain.task_file import TaskFile, from_json, to_json
from dtaas_desktop.services.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import brought: the task, connections that were added, and those that exist here with other settings and were kept."""

    task: Task
    added: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()


def exported(workspace: Workspace, task: Task) -> str:
    """The text of the task's file, with the connections it names as they are here. No secret is in it."""
    used = connections_of(task.design)
    return to_json(task, [connection for name, connection in workspace.connections.all().items() if name in used])


def read_task_file(path: Path) -> TaskFile:
    """What the file holds. Raises UserError if it cannot be read or is no task file."""
    try:
        return from_json(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        raise UserError(f"{path} is not a text file.", remedy="Choose a task file that was exported before.") from None
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.", remedy="Check the path.") from None


def write_task_file(path: Path, text: str) -> None:
    """Write it, whole or not at all. Raises UserError if the place refuses."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    try:
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(path)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}.", remedy="Choose another place.") from None


def import_task(workspace: Workspace, held: TaskFile, *, as_copy: bool = False) -> Imported:
    """Save the task of a file, and those of its connections that are not known here. One that is there with its UUID is replaced,
    unless `as_copy`.

    Raises UserError if another task has its name.
    """
    known = workspace.connections.all()
    task = workspace.tasks.copy_of(held.task) if as_copy else held.task
    # The task first: if its name is taken, nothing has changed.
    workspace.tasks.save(task)
    added, kept = [], []
    for connection in held.connections:
        if connection.name not in known:
            workspace.connections.save(connection)
            added.append(connection.name)
        elif known[connection.name] != connection:
            kept.append(connection.name)
    return Imported(task, tuple(added), tuple(kept))


def connections_of(design: Design) -> Sequence[str]:
    """The names of the connections that a design uses, each once."""
    names = (node.settings.get("connection") for node in design.nodes if node.kind in ("source", "destination"))
    return list(dict.fromkeys(name for name in names if isinstance(name, str) and name))
