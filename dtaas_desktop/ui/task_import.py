"""Bringing a task in from a file: which file, and what to do if the task is here already."""

from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from dtaas_desktop.domain.errors import AppError
from dtaas_desktop.domain.task_file import TaskFile
from dtaas_desktop.services.task_exchange import Imported, import_task, read_task_file
from dtaas_desktop.services.workspace import Workspace
from dtaas_desktop.ui.context import Context
from dtaas_desktop.ui.question import Answer, Question


class TaskImport(QObject):
    """`imported` carries the UUID of the task that is here now."""

    imported = Signal(str)

    def __init__(self, context: Context, owner: QWidget) -> None:
        super().__init__(owner)
        self._context, self._owner = context, owner

    def ask_for_file(self) -> None:
        """Let the user choose a file, and import it."""
        dialog = QFileDialog(self._owner, "Import a task", str(Path.home()), "Task files (*.json)")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self.read)
        dialog.open()

    def read(self, path: str) -> None:
        """Import the task of this file; asks if it is here already."""
        self._context.background.submit(self, partial(_read, self._context.workspace, Path(path)), self._bring, self._say)

    def _bring(self, found: tuple[TaskFile, bool, bool]) -> None:
        held, is_here, name_taken = found
        copy = Answer("Add a copy", partial(self._import, held, True), "primary")
        if is_here:
            replace_it = Answer("Replace it", partial(self._import, held, False), "danger")
            text = "The file holds an earlier or a later state of it, or the same."
            self._ask(f"“{held.task.name}” is here already", text, [copy, replace_it, Answer("Leave it")])
        elif name_taken:
            text = "It can be added under a name with a number."
            self._ask(f"Another task is called “{held.task.name}”", text, [copy, Answer("Leave it")])
        else:
            self._import(held, False)

    def _import(self, held: TaskFile, as_copy: bool) -> None:
        job = partial(import_task, self._context.workspace, held, as_copy=as_copy)
        self._context.background.submit(self, job, self._tell, self._say)

    def _tell(self, brought: Imported) -> None:
        said = f"“{brought.task.name}” is imported"
        if brought.added:
            said += f"; new connections: {', '.join(brought.added)}"
        if brought.kept:
            said += f"; kept as they are here: {', '.join(brought.kept)}"
        self._context.navigator.say(said)
        self.imported.emit(brought.task.uuid)

    def _say(self, error: AppError) -> None:
        self._ask(error.message, error.remedy, [Answer("Close")])

    def _ask(self, heading: str, text: str, answers: list[Answer]) -> None:
        Question(self._owner.window(), heading, text, answers).open()


def _read(workspace: Workspace, path: Path) -> tuple[TaskFile, bool, bool]:
    """What the file holds, whether its task is here already, and whether another one has its name."""
    held = read_task_file(path)
    tasks = workspace.tasks.all()
    is_here = any(task.uuid == held.task.uuid for task in tasks)
    return held, is_here, any(task.name == held.task.name and task.uuid != held.task.uuid for task in tasks)
