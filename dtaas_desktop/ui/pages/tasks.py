"""Tasks: the list of them, and the form in which one is made or changed."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from PySide6.QtGui import QAction, QKeySequence, QShowEvent
from PySide6.QtWidgets import QStackedWidget

from dtaas_desktop.domain.connection import Connection
from dtaas_desktop.domain.errors import AppError
from dtaas_desktop.domain.task import Task, TaskOptions
from dtaas_desktop.services.attention import Attention
from dtaas_desktop.services.run_request import RunRequest
from dtaas_desktop.services.run_service import RunService
from dtaas_desktop.services.runs_view import RunRecord
from dtaas_desktop.services.workspace import Workspace
from dtaas_desktop.ui.check_words import CheckReport, report_of
from dtaas_desktop.ui.context import Context
from dtaas_desktop.ui.page import Page
from dtaas_desktop.ui.question import Answer, Question
from dtaas_desktop.ui.task_actions import TaskActions
from dtaas_desktop.ui.task_draft import Draft, draft_of, new_draft
from dtaas_desktop.ui.task_form import TaskForm
from dtaas_desktop.ui.task_import import TaskImport
from dtaas_desktop.ui.task_limits import MB
from dtaas_desktop.ui.task_list import TaskList
from dtaas_desktop.ui.task_now import newer, tasks_now
from dtaas_desktop.ui.widgets import button


@dataclass(frozen=True, slots=True)
class Known:
    """What the page has read."""

    tasks: tuple[Task, ...]
    connections: Mapping[str, Connection]
    latest: Mapping[str, RunRecord]
    fresh: TaskOptions  # options of a new task
    trouble: Mapping[str, tuple[str, str]]  # tables that failed, as a heading and a text, by task


class TasksPage(Page):
    def __init__(self, context: Context) -> None:
        self._content = QStackedWidget()
        super().__init__(context, "Tasks", self._content)
        self._known: Known | None = None
        self._failed: dict[str, AppError] = {}
        self._starting: frozenset[str] = frozenset()
        self._then: Callable[[], None] | None = None  # to do once the tasks are read
        self._wanted = ""
        self._away_for_connection = self._is_empty = False
        self.actions_of_task, self.importing = TaskActions(context, self), TaskImport(context, self)
        self.list, self.form = TaskList(context, self.actions_of_task), TaskForm(context)
        self._content.addWidget(self.list)
        self._content.addWidget(self.form)
        self._content.setFocusProxy(self.list.table)
        self.new, self.bring = button("New task", "primary"), button("Import …")
        self.save, self.save_and_run, self.leave = button("Save"), button("Save and run", "primary"), button("Back", "quiet")
        for made in (self.bring, self.new, self.leave, self.save, self.save_and_run):
            self.header.add(made)
        self._connect(context)
        self._save_action = self._action("Save the task", self._save_only, QKeySequence.StandardKey.Save)
        self._run_action = self._action("Save the task and run it", self._save_then_run, QKeySequence("Ctrl+Return"))
        self._back_action = self._action("Back to the tasks", self._back, QKeySequence("Alt+Left"))
        self._action("Import a task", self.importing.ask_for_file, QKeySequence("Ctrl+Shift+I"))
        self.body.show_loading("Reading the tasks …")
        self._show_mode()

    def open(self, item: str = "", act: str = "") -> None:
        """`item` is the UUID of a task. `act`: new, edit, check, import; without one the task is chosen in the list."""
        if self._away_for_connection and not item and not act:
            self._away_for_connection = False
            self.refresh()
            return
        match act:
            case "new":
                self._read_then(self._begin_new)
            case "edit":
                self._read_then(partial(self._with_task, item, self._edit))
            case "check":
                self._read_then(partial(self._with_task, item, self._check))
            case "import":
                self.importing.ask_for_file()
            case _:
                self._wanted = item
                self.refresh()
                if not self._is_editing and self.body.is_full:
                    self.list.table.setFocus()

    def refresh(self) -> None:
        self.context.background.submit(self, partial(_read, self.context.workspace), self._show, self._cannot_read)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802  Qt's name
        super().showEvent(event)
        if self._known is not None:
            self.refresh()

    def may_leave(self) -> bool:
        if not self.form.is_dirty or self._away_for_connection:
            return True
        self._ask_unsaved(self._go_on)
        return False

    def _connect(self, context: Context) -> None:
        self.new.clicked.connect(self._begin_new)
        self.bring.clicked.connect(self.importing.ask_for_file)
        self.save.clicked.connect(self._save_only)
        self.save_and_run.clicked.connect(self._save_then_run)
        self.leave.clicked.connect(self._back)
        self.actions_of_task.edit.connect(self._edit)
        self.actions_of_task.check.connect(self._check)
        self.actions_of_task.changed.connect(self._tasks_changed)
        self.importing.imported.connect(self._tasks_changed)
        self.list.check.take_over.connect(self._ask_take_over)
        self.form.changed.connect(self._show_mode)
        self.form.connection_wanted.connect(self._go_make_connection)
        context.runs.changed.connect(self._show_runs)
        context.runs.ended.connect(self._run_ended)
        context.runs.failed.connect(self._could_not_start)

    def _action(self, text: str, act: Callable[[], None], keys: QKeySequence | QKeySequence.StandardKey) -> QAction:
        made = QAction(text, self)
        made.setShortcut(keys)
        made.triggered.connect(act)
        self.addAction(made)
        return made

    # Reading

    def _read_then(self, act: Callable[[], None]) -> None:
        self._then = act
        self.refresh()

    def _show(self, known: Known) -> None:
        self._known = known
        self._show_runs()
        if self._is_editing:
            self.form.show_connections(known.connections)
        then, self._then = self._then, None
        if then is not None:
            then()
        elif self._wanted:
            self.list.choose(self._wanted)
        self._wanted = ""

    def _cannot_read(self, error: AppError) -> None:
        if self._known is None:
            self._is_empty = False
            self.body.show_error(error, self.refresh)
        else:
            self.context.navigator.say(str(error))

    def _show_runs(self) -> None:
        """The runs have changed: show the tasks with them."""
        known = self._known
        if known is None:
            return
        runs = self.context.runs
        latest = {
            task.uuid: run
            for task in known.tasks
            if (run := newer(known.latest.get(task.uuid), runs.latest.get(task.uuid))) is not None
        }
        for name in runs.starting - self._starting:
            self._failed.pop(name, None)
        self._starting = runs.starting
        now = tasks_now(known.tasks, known.connections, latest, starting=runs.starting, due=runs.due, trouble=known.trouble)
        self.list.show_tasks(now, self._failed)
        if self._is_editing or known.tasks:
            self._is_empty = False
            self.body.show_full()
        else:
            self._show_empty()
        self._show_mode()

    def _show_empty(self) -> None:
        if self._is_empty and not self.body.is_full:
            return  # it is said already: new buttons would take the keyboard from the old ones
        self._is_empty = True
        make, sample, bring = button("New task", "primary"), button("Try the sample"), button("Import a file")
        make.clicked.connect(self._begin_new)
        sample.clicked.connect(self._try_sample)
        bring.clicked.connect(self.importing.ask_for_file)
        text = "A task moves tables from one place to another: once, every night, or all the time."
        self.body.show_empty("No tasks yet", text, [make, sample, bring], mark="tasks")

    def _could_not_start(self, name: str, error: AppError) -> None:
        self._failed[name] = error
        self._show_runs()

    def _run_ended(self, _: RunRecord) -> None:
        if self.isVisible():
            self.refresh()

    def _tasks_changed(self, uuid: str) -> None:
        self._wanted = uuid
        self.refresh()

    def _with_task(self, uuid: str, act: Callable[[Task], None]) -> None:
        known = self._known
        task = next((task for task in known.tasks if task.uuid == uuid), None) if known else None
        if task is None:
            self.context.navigator.say("This task does not exist any more")
            return
        self.list.choose(uuid)
        act(task)

    # The form

    @property
    def _is_editing(self) -> bool:
        return self._content.currentWidget() is self.form

    def _begin_new(self) -> None:
        if self._known is None:
            self._read_then(self._begin_new)
        elif self.form.is_dirty:
            self._ask_unsaved(self._begin_new)
        else:
            self._show_draft(new_draft(self._known.fresh))

    def _edit(self, task: Task) -> None:
        if self.form.is_dirty:
            self._ask_unsaved(partial(self._edit, task))
        else:
            self._show_draft(draft_of(task))

    def _show_draft(self, draft: Draft) -> None:
        assert self._known is not None
        self.form.show_draft(draft, self._known.connections)
        self._content.setCurrentWidget(self.form)
        self.body.show_full()
        self._show_mode()
        self.form.focus_first()

    def _show_mode(self) -> None:
        """The header is about the list or about the task in the form."""
        editing = self._is_editing and self.form.is_shown
        is_empty = self._known is not None and not self._known.tasks and not editing
        for made in (self.new, self.bring):
            made.setVisible(not editing and not is_empty)
        for made in (self.leave, self.save, self.save_and_run):
            made.setVisible(editing)
        for action in (self._save_action, self._run_action, self._back_action):
            action.setEnabled(editing)
        if not editing:
            self.header.show_title("Tasks")
            self.header.show_pill()
            self.list.setEnabled(True)
            return
        self.actions_of_task.show_task(None)
        draft = self.form.draft()
        self.header.show_title(draft.name.strip() or "New task", crumb="Tasks", back=self._back)
        dirty = self.form.is_dirty
        self.header.show_pill("Draft, not saved" if draft.is_new else "Changed, not saved" if dirty else "", "quiet")

    def _back(self) -> None:
        if self.form.is_dirty:
            self._ask_unsaved(self._leave_form)
        else:
            self._leave_form()

    def _leave_form(self) -> None:
        self.form.clear()
        self._content.setCurrentWidget(self.list)
        self._show_runs()
        self.list.table.setFocus()

    def _ask_unsaved(self, then: Callable[[], None]) -> None:
        name = self.form.draft().name.strip() or "the new task"
        Question(
            self.window(),
            f"Save the changes of “{name}”?" if name != "the new task" else "Save the new task?",
            "They are lost otherwise.",
            [
                Answer("Save", partial(self._save, then), "primary"),
                Answer("Discard", partial(self._discard, then), "danger"),
                Answer("Keep editing"),
            ],
        ).open()

    def _discard(self, then: Callable[[], None]) -> None:
        self._leave_form()
        then()

    def _go_on(self) -> None:
        if self.go_on is not None:
            self.go_on()

    def _go_make_connection(self) -> None:
        self._away_for_connection = True  # what is in the form stays there meanwhile
        self.context.navigator.go("connections", act="new")

    def _save_only(self) -> None:
        self._save(self._stay)

    def _stay(self) -> None:
        self.context.navigator.say("Saved")

    def _save_then_run(self) -> None:
        name = self.form.draft().name.strip()
        self._save(partial(self._run_saved, name))

    def _run_saved(self, name: str) -> None:
        self._failed.pop(name, None)
        self.context.runs.start(RunRequest(name, origin="window"))

    def _save(self, then: Callable[[], None]) -> None:
        """Save what the form holds, if it may be, leave it, and go on."""
        if not self.form.is_shown or self.form.find_problems():
            return
        task = self.form.draft().task()
        job = partial(self.context.workspace.tasks.save, task)
        self.context.background.submit(self, job, partial(self._saved, task, then), self._not_saved)

    def _saved(self, task: Task, then: Callable[[], None], _: None) -> None:
        self._wanted = task.uuid
        self.form.clear()
        self._content.setCurrentWidget(self.list)
        self._read_then(partial(self._after_save, task.uuid, then))

    def _after_save(self, uuid: str, then: Callable[[], None]) -> None:
        self.list.choose(uuid)
        self.list.table.setFocus()
        then()

    def _not_saved(self, error: AppError) -> None:
        Question(self.window(), error.message, error.remedy, [Answer("Close")]).open()

    # Check

    def _check(self, task: Task) -> None:
        self.list.check.show_waiting(task.name)
        self.list.show_check()
        job = partial(_look, self.context.workspace, task.name)
        self.context.background.submit(self, job, partial(self._checked, task), partial(self._not_checked, task))

    def _checked(self, task: Task, report: CheckReport) -> None:
        self.list.check.show_report(task.name, report)

    def _not_checked(self, task: Task, error: AppError) -> None:
        self.list.check.show_error(task.name, error)

    def _ask_take_over(self, targets: tuple[str, ...]) -> None:
        chosen = self.actions_of_task.chosen
        if chosen is None:
            return
        names = ", ".join(f"“{name}”" for name in targets[:5]) + (" and others" if len(targets) > 5 else "")
        run = partial(self.context.runs.start, RunRequest(chosen.task.name, take_over=targets, origin="window"))
        text = f"{names}: from this run on they belong to “{chosen.task.name}”, and what is there now is replaced or added to."
        Question(
            self.window(), "Take over what others wrote?", text, [Answer("Run and take over", run, "danger"), Answer("Leave it")]
        ).open()

    def _try_sample(self) -> None:
        self.context.navigator.go("dashboard", act="sample")


def _read(workspace: Workspace) -> Known:
    settings = workspace.settings.load()
    fresh = TaskOptions(parallel=settings.parallel_parts, memory=settings.memory_mb * MB)
    failed = (item for item in Attention(workspace.database).list(time.time()) if item.table is not None)
    trouble = {item.task_uuid: (f"{item.title}.", item.detail) for item in failed}
    return Known(tuple(workspace.tasks.all()), workspace.connections.all(), workspace.history.latest_by_task(), fresh, trouble)


def _look(workspace: Workspace, name: str) -> CheckReport:
    service = RunService(workspace)
    surveyed = service.check(name)
    return report_of(surveyed, service.lags(surveyed))
