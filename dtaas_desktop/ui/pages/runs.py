"""Runs: all of them, newest first, and one of them in full."""

from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QGuiApplication, QHideEvent, QKeySequence, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QMenu, QPushButton, QStackedWidget

from dtaas_desktop.domain.errors import AppError
from dtaas_desktop.services.history import RESUMABLE
from dtaas_desktop.services.run_request import RunRequest
from dtaas_desktop.services.runs_view import RunRecord
from dtaas_desktop.ui.context import Context
from dtaas_desktop.ui.page import Page
from dtaas_desktop.ui.question import Answer, Question
from dtaas_desktop.ui.run_detail import local_place, open_folder
from dtaas_desktop.ui.run_list import RunList
from dtaas_desktop.ui.run_view import RunView
from dtaas_desktop.ui.run_words import report, run_state, title_of
from dtaas_desktop.ui.widgets import IconButton, button

_NARROW = 1080  # pixels below which the head has no room for all buttons
_LESS = ("retry", "open", "copy")


class RunsPage(Page):
    def __init__(self, context: Context) -> None:
        self._content = QStackedWidget()
        super().__init__(context, "Runs", self._content)
        self.list, self.view = RunList(context), RunView(context)
        self._is_empty = False
        self._content.addWidget(self.list)
        self._content.addWidget(self.view)
        self.buttons: dict[str, QPushButton] = {}
        self.acts: dict[str, QAction] = {}
        for name, text, keys, slot in (
            ("pause", "Pause", "Ctrl+P", self._pause),
            ("cancel", "Cancel", "", self._cancel),
            ("resume", "Resume", "Ctrl+Shift+R", self._resume),
            ("again", "Run again", "Ctrl+R", self._run_again),
            ("retry", "Retry failed tables", "", self._retry_failed),
            ("open", "Open destination", "Ctrl+Shift+O", self._open_destination),
            ("copy", "Copy as text", "Ctrl+Shift+C", self._copy),
        ):
            action = QAction(text, self)
            if keys:
                action.setShortcut(QKeySequence(keys))
            action.triggered.connect(slot)
            self.addAction(action)
            made = button(text)
            made.clicked.connect(action.trigger)
            self.header.add(made)
            self.acts[name], self.buttons[name] = action, made
        self.more = IconButton("more", "More", context.theme)
        self.more.clicked.connect(self._show_more)
        self.header.add(self.more)
        self._back_action = QAction("Back to all runs", self)
        self._back_action.setShortcuts([QKeySequence("Alt+Left"), QKeySequence("Esc")])
        self._back_action.triggered.connect(self.show_list)
        self.addAction(self._back_action)
        self.list.opened.connect(self._open_record)
        self.list.empty.connect(self._show_empty)
        self.list.full.connect(self._show_full)
        self.list.failed.connect(self._show_error)
        self.view.seen.connect(self._show_head)
        self.view.failed.connect(self._show_error)
        self.view.detail.edit.connect(self._edit_task)
        self.view.detail.retry.connect(self._retry_table)
        self.view.detail.reload.connect(self._ask_reload)
        context.runs.failed.connect(self._could_not_start)
        self.body.show_loading("Reading the runs …")
        self._show_head()

    def open(self, item: str = "", act: str = "") -> None:
        """`item` is the id of a run or, with `act` “task”, the UUID of a task whose runs are listed."""
        if act == "task":
            self.list.show_task(item)
            self.show_list()
        elif item:
            self.show_run(item)
        elif not self._shows_run:
            self.show_list()

    def refresh(self) -> None:
        if self._shows_run:
            self.view.refresh()
        else:
            self.list.refresh()

    def left(self) -> None:
        self.view.stop()
        self.list.stop()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802  Qt's name
        super().showEvent(event)
        self.refresh()

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802
        super().hideEvent(event)
        self.left()

    def show_list(self) -> None:
        """Show all runs."""
        self.view.stop()
        self._content.setCurrentWidget(self.list)
        self._content.setFocusProxy(self.list.table)
        self.list.refresh()
        self._show_head()
        if self.body.is_full:
            self.list.table.setFocus()

    def show_run(self, run: str) -> None:
        """Show one run in full."""
        self.list.stop()
        self._content.setCurrentWidget(self.view)
        self._content.setFocusProxy(self.view.table)
        self.body.show_full()
        self.view.show_run(run)
        self._show_head()
        self.view.table.setFocus()

    @property
    def _shows_run(self) -> bool:
        return self._content.currentWidget() is self.view

    def _open_record(self, run: RunRecord) -> None:
        self.show_run(run.id)

    def _show_empty(self) -> None:
        if self._shows_run or (self._is_empty and not self.body.is_full):
            return
        self._is_empty = True
        go = button("Go to the tasks", "primary")
        go.clicked.connect(self._go_to_tasks)
        self.body.show_empty("No runs yet", "A run appears here as soon as a task is started.", [go], mark="runs")

    def _show_full(self) -> None:
        if not self._shows_run:
            self._is_empty = False
            self.body.show_full()

    def _show_error(self, error: AppError) -> None:
        self._is_empty = False
        if self._shows_run:
            self.body.show_error(error, self.show_list)
        else:
            self.body.show_error(error, self.refresh)

    def _go_to_tasks(self) -> None:
        self.context.navigator.go("tasks")

    def _could_not_start(self, name: str, error: AppError) -> None:
        run = self.view.run
        if self._shows_run and self.isVisible() and run is not None and run.task_name == name:
            Question(self.window(), error.message, error.remedy, [Answer("Close")]).open()

    # The head

    def _show_head(self) -> None:
        run = self.view.run if self._shows_run else None
        self._back_action.setEnabled(self._shows_run)
        if run is None:
            self.header.show_title(
                "Run" if self._shows_run else "Runs", crumb="Runs" if self._shows_run else "", back=self.show_list
            )
            self.header.show_pill()
            self.more.hide()
            for name, made in self.buttons.items():
                made.hide()
                self.acts[name].setEnabled(False)
            return
        self.header.show_title(title_of(run), crumb="Runs", back=self.show_list)
        self.header.show_pill(*run_state(run))
        self._allow(run)

    def _allow(self, run: RunRecord) -> None:
        """Each button can be pressed when it does something, and else says why not."""
        running = run.state == "running"
        busy = self.view.why_not_again()
        state = self.view.state
        later = "" if state is None or state.is_latest else "A later run of the task began since: resume that one."
        asked = f"It was asked to {run.request} already, and will at its next batch." if run.request else ""
        failed = [one.source_table for one in self.view.tables if one.state == "failed"]
        reasons = {
            "pause": asked,
            "cancel": asked if run.request == "cancel" else "",
            "resume": busy or later,
            "again": busy,
            "retry": busy,
            "open": "" if self._place() is not None else "Nothing is published on this machine.",
            "copy": "",
        }
        shown = {
            "pause": running,
            "cancel": running,
            "resume": not running and run.state in RESUMABLE,
            "again": not running,
            "retry": not running and bool(failed) and run.state == "partly failed",
        }
        narrow = self.width() < _NARROW
        self.more.setVisible(narrow)
        for name, made in self.buttons.items():
            visible = shown.get(name, True)
            made.setVisible(visible and not (narrow and name in _LESS))
            made.setEnabled(not reasons[name])
            made.setToolTip(reasons[name] or self.acts[name].shortcut().toString(QKeySequence.SequenceFormat.NativeText))
            made.setAccessibleDescription(reasons[name])
            self.acts[name].setEnabled(visible and not reasons[name])

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        if self._shows_run and self.view.run is not None:
            self._allow(self.view.run)

    def _show_more(self) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.setToolTipsVisible(True)
        for name in _LESS:
            menu.addAction(self.acts[name])
        menu.popup(self.more.mapToGlobal(self.more.rect().bottomLeft()))

    # Doing

    def _start(self, request: RunRequest) -> None:
        self.context.runs.start(request)
        self.context.navigator.say(f"“{request.task}” is started")

    def _pause(self) -> None:
        if (run := self.view.run) is not None:
            self.context.runs.pause(run.task)

    def _cancel(self) -> None:
        if (run := self.view.run) is not None:
            self.context.runs.cancel(run.task)

    def _resume(self) -> None:
        if (run := self.view.run) is not None:
            self._named(run, partial(RunRequest, resume=True, origin="window"))

    def _run_again(self) -> None:
        if (run := self.view.run) is not None:
            self._named(run, partial(RunRequest, origin="window"))

    def _retry_failed(self) -> None:
        if (run := self.view.run) is not None:
            failed = tuple(dict.fromkeys(one.source_table for one in self.view.tables if one.state == "failed"))
            self._retry(run, failed)

    def _retry_table(self, table: str) -> None:
        if (run := self.view.run) is not None:
            self._retry(run, (table,))

    def _retry(self, run: RunRecord, tables: tuple[str, ...]) -> None:
        """Run these again; where nothing came after this run, with what it has staged of them."""
        state = self.view.state
        resume = state is not None and state.is_latest and run.state in RESUMABLE
        self._named(run, partial(RunRequest, only=tables, resume=resume, origin="window"))

    def _ask_reload(self, table: str) -> None:
        Question(
            self.window(),
            f"Read “{table}” whole again?",
            "All its rows are read, whatever the destination holds, and replace what is there; where rows are added, they are "
            "added once more. The other tables are left alone.",
            [Answer("Read it again", partial(self._reload, table), "primary"), Answer("Leave it")],
        ).open()

    def _reload(self, table: str) -> None:
        if (run := self.view.run) is not None:
            self._named(run, partial(RunRequest, only=(table,), reload=(table,), origin="window"))

    def _named(self, run: RunRecord, request: "partial[RunRequest]") -> None:
        """Start it under the name that the task has now."""
        job = partial(self.context.workspace.tasks.by_uuid, run.task)
        self.context.background.submit(self, job, lambda task: self._start(request(task.name)), self._say)

    def _say(self, error: AppError) -> None:
        Question(self.window(), error.message, error.remedy, [Answer("Close")]).open()

    def _edit_task(self) -> None:
        if (run := self.view.run) is not None:
            self.context.navigator.go("tasks", run.task, "edit")

    def _place(self) -> Path | None:
        chosen = self.view.table.current
        tables = [chosen] if chosen is not None and chosen.location else [one for one in self.view.tables if one.location]
        return next((place for one in tables if (place := local_place(one.location)) is not None), None)

    def _open_destination(self) -> None:
        place = self._place()
        if place is not None:
            open_folder(place)

    def _copy(self) -> None:
        if (run := self.view.run) is not None:
            QGuiApplication.clipboard().setText(report(run, self.view.tables, self.view.costs))
            self.context.navigator.say("The run is copied as text")
