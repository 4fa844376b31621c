"""What is asked about connections before something is lost."""

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtWidgets import QWidget

from dtaas_desktop.domain.task import Task
from dtaas_desktop.ui.question import Answer, Question

_MOST_LINKS = 12


def unsaved(parent: QWidget, name: str, save: Callable[[], None], discard: Callable[[], None]) -> Question:
    """Changes would be lost; an empty `name` is a connection that was never saved."""
    heading = f"Save the changes to “{name}”?" if name else "Save the new connection?"
    answers = (Answer("Save", save, "primary"), Answer("Discard", discard, "danger"), Answer("Keep editing"))
    return Question(parent, heading, "They are lost if you leave without saving.", answers)


def may_delete(parent: QWidget, name: str, delete: Callable[[], None]) -> Question:
    """Nothing uses the connection."""
    text = "Its settings and the secrets kept for it go. What was written to it stays where it is."
    return Question(parent, f"Delete “{name}”?", text, (Answer("Delete", delete, "danger"), Answer("Keep")))


def still_used(parent: QWidget, name: str, users: Sequence[Task], go: Callable[[str, str, str], None]) -> Question:
    """Tasks use the connection: links to them."""
    count = "One task uses" if len(users) == 1 else f"{len(users):,} tasks use"
    links = [Answer(task.name, partial(go, "tasks", task.uuid, "edit")) for task in users[:_MOST_LINKS]]
    more = f" The first {len(links)} of them:" if len(users) > len(links) else ""
    text = f"{count} it. Give them another connection, or delete them first.{more}"
    return Question(parent, f"“{name}” cannot be deleted", text, (Answer("Close"),), links=links)
