"""What can be done with the chosen task, as actions for buttons, menus, keys and the command palette."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QFileDialog, QWidget

from dtaas_desktop.domain.errors import AppError
from dtaas_desktop.domain.schedule import Schedule
from dtaas_desktop.domain.task import Task
from dtaas_desktop.services.run_request import RunRequest
from dtaas_desktop.services.task_exchange import exported, write_task_file
from dtaas_desktop.services.workspace import Workspace
from dtaas_desktop.ui.context import Context
from dtaas_desktop.ui.question import Answer, Question
from dtaas_desktop.ui.task_now import Act, TaskNow

_TEXTS: dict[Act, tuple[str, str]] = {
    "run": ("Run", "Ctrl+R"),
    "resume": ("Resume", "Ctrl+Shift+R"),
    "pause": ("Pause", "Ctrl+P"),
    "cancel": ("Cancel the run", ""),
    "follow": ("Run and follow the changes", ""),
    "reload": ("Full reload …", ""),
    "check": ("Check", "Ctrl+T"),
    "edit": ("Edit", "F2"),
    "duplicate": ("Duplicate", "Ctrl+D"),
    "export": ("Export …", "Ctrl+Shift+E"),
    "latest": ("Latest run", "Ctrl+L"),
    "history": ("History of its runs", "Ctrl+H"),
    "delete": ("Delete …", ""),
}
MENU: tuple[Act | None, ...] = (
    *("run", "resume", "pause", "cancel", "follow", "reload", None),
    *("check", "latest", "history", None, "edit", "duplicate", "export", None, "delete"),
)
MORE: tuple[Act | None, ...] = ("follow", "reload", None, "history", None, "duplicate", "export", None, "delete")


class TaskActions(QObject):
    """`changed`: tasks are others now; the argument is the UUID of the one to choose. `edit` and `check` are wanted of the page."""

    changed = Signal(str)
    edit = Signal(object)
    check = Signal(object)

    def __init__(self, context: Context, owner: QWidget) -> None:
        super().__init__(owner)
        self._context, self._owner = context, owner
        self._now: TaskNow | None = None
        self.actions: dict[Act, QAction] = {}
        acts: dict[Act, Callable[[TaskNow], None]] = {
            "run": self._run,
            "resume": self._resume,
            "pause": self._pause,
            "cancel": self._cancel,
            "follow": self._follow,
            "reload": self._ask_reload,
            "check": self._check,
            "edit": self._edit,
            "duplicate": self._duplicate,
            "export": self._export,
            "latest": self._latest,
            "history": self._history,
            "delete": self._ask_delete,
        }
        for act, (text, keys) in _TEXTS.items():
            action = QAction(text, owner)
            action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
            if keys:
                action.setShortcut(QKeySequence(keys))
            action.triggered.connect(partial(self._do, acts[act]))
            self.actions[act] = action
            owner.addAction(action)
        self.show_task(None)

    @property
    def chosen(self) -> TaskNow | None:
        return self._now

    def show_task(self, now: TaskNow | None) -> None:
        """The actions are about this task."""
        self._now = now
        for act, action in self.actions.items():
            reason = "Choose a task." if now is None else now.refusal(act)
            action.setEnabled(not reason)
            keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
            action.setToolTip(reason or (f"{action.text()} ({keys})" if keys else action.text()))

    def start(self, request: RunRequest) -> None:
        self._context.runs.start(request)

    def _do(self, act: Callable[[TaskNow], None]) -> None:
        if self._now is not None:
            act(self._now)

    def _run(self, now: TaskNow) -> None:
        self.start(RunRequest(now.task.name, origin="window"))

    def _resume(self, now: TaskNow) -> None:
        self.start(RunRequest(now.task.name, resume=True, origin="window"))

    def _follow(self, now: TaskNow) -> None:
        self.start(RunRequest(now.task.name, follow=True, origin="window"))

    def _pause(self, now: TaskNow) -> None:
        self._context.runs.pause(now.task.uuid)
        self._context.navigator.say("It pauses at its next batch; what is finished is kept")

    def _cancel(self, now: TaskNow) -> None:
        self._context.runs.cancel(now.task.uuid)
        self._context.navigator.say("It is cancelled at its next batch; what is published stays")

    def _check(self, now: TaskNow) -> None:
        self.check.emit(now.task)

    def _edit(self, now: TaskNow) -> None:
        self.edit.emit(now.task)

    def _latest(self, now: TaskNow) -> None:
        if now.latest is not None:
            self._context.navigator.go("runs", now.latest.id)

    def _history(self, now: TaskNow) -> None:
        self._context.navigator.go("runs", now.task.uuid, "task")

    def _ask_reload(self, now: TaskNow) -> None:
        adds = any(node.settings.get("write_mode") in ("append", "history") for node in now.task.design.nodes)
        then = (
            "Where rows are added, they are added once more." if adds else "The rows at the destination are replaced in one act."
        )
        Question(
            self._owner.window(),
            f"Read all of “{now.task.name}” again?",
            f"Every table is read whole, whatever the destination holds. {then} Changes that wait are contained in it.",
            [
                Answer("Read everything again", partial(self._reload, now.task.name), "primary"),
                Answer("Leave it"),
            ],
        ).open()

    def _reload(self, name: str) -> None:
        self.start(RunRequest(name, reload=("*",), origin="window"))

    def _ask_delete(self, now: TaskNow) -> None:
        Question(
            self._owner.window(),
            f"Delete “{now.task.name}”?",
            "The task and its schedule are gone for good. What it wrote stays at the destinations, and its runs stay in the history.",
            [Answer("Delete", partial(self._delete, now.task), "danger"), Answer("Keep")],
        ).open()

    def _delete(self, task: Task) -> None:
        self._submit(partial(self._context.workspace.tasks.delete, task.uuid), partial(self._deleted, task.name))

    def _deleted(self, name: str, _: None) -> None:
        self._context.navigator.say(f"“{name}” is deleted")
        self.changed.emit("")

    def _duplicate(self, now: TaskNow) -> None:
        self._submit(partial(_duplicated, self._context.workspace, now.task), self._made)

    def _made(self, task: Task) -> None:
        self._context.navigator.say(f"“{task.name}” is made; give it a destination of its own before it runs")
        self.changed.emit(task.uuid)

    def _export(self, now: TaskNow) -> None:
        self._submit(partial(_export_of, self._context.workspace, now.task), partial(self._ask_where, now.task.name))

    def _ask_where(self, name: str, export: tuple[str, str]) -> None:
        folder, text = export
        dialog = QFileDialog(self._owner, "Export the task to", folder or str(Path.home()), "Task files (*.task.json)")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.selectFile(f"{_file_name(name)}.task.json")
        dialog.fileSelected.connect(partial(self._write, text))
        dialog.open()

    def _write(self, text: str, chosen: str) -> None:
        place = Path(chosen if chosen.endswith(".json") else f"{chosen}.task.json")
        self._submit(partial(write_task_file, place, text), partial(self._written, place))

    def _written(self, place: Path, _: None) -> None:
        self._context.navigator.say(f"Exported to {place}")

    def _submit(self, job: Callable[[], object], done: Callable[..., None]) -> None:
        self._context.background.submit(self, job, done, self._say)

    def _say(self, error: AppError) -> None:
        Question(self._owner.window(), error.message, error.remedy, [Answer("Close")]).open()


def _duplicated(workspace: Workspace, task: Task) -> Task:
    copy = replace(workspace.tasks.copy_of(task), schedule=Schedule())
    workspace.tasks.save(copy)
    return copy


def _export_of(workspace: Workspace, task: Task) -> tuple[str, str]:
    """The folder that exports go to, and the file's text."""
    return workspace.settings.load().export_folder, exported(workspace, task)


def _file_name(name: str) -> str:
    return "".join(c if c.isalnum() or c in " -_." else "_" for c in name).strip() or "task"
