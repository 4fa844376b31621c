"""The dashboard: what runs, what ran, what needs attention. Figures are read in the background while the page is seen, and only then."""

import datetime
from collections.abc import Mapping
from functools import partial

from PySide6.QtCore import QTimer
from PySide6.QtGui import QAction, QGuiApplication, QHideEvent, QShowEvent
from PySide6.QtWidgets import QComboBox, QStackedWidget

from dtaas_desktop.domain.errors import AppError
from dtaas_desktop.services.attention import Attention, AttentionItem
from dtaas_desktop.services.run_request import RunRequest
from dtaas_desktop.services.runs_view import RunRecord
from dtaas_desktop.ui.attention_help import capture_script, connection_at_fault
from dtaas_desktop.ui.context import Context
from dtaas_desktop.ui.dashboard_figures import SPANS, DashboardFigures, Question, read_figures
from dtaas_desktop.ui.dashboard_view import DashboardView
from dtaas_desktop.ui.first_start import FirstStart, SampleStart
from dtaas_desktop.ui.page import Page
from dtaas_desktop.ui.task_overview import TaskRow
from dtaas_desktop.ui.widgets import button
from dtaas_desktop.ui.window_memory import WindowMemory
from dtaas_desktop.ui.words import clock

REFRESH_SECONDS = 1.0
REST = 4  # a reading is followed by this many times its own time without one: a slow database is not kept busy
AFTER_ERROR_SECONDS = 5.0


class DashboardPage(Page):
    def __init__(self, context: Context) -> None:
        self._content = QStackedWidget()
        super().__init__(context, "Dashboard", self._content)
        self.sample = SampleStart(context, self)
        self.view, self.first_start = DashboardView(context), FirstStart(context, self.sample)
        self._content.addWidget(self.view)
        self._content.addWidget(self.first_start)
        self.spans = QComboBox()
        self.spans.setAccessibleName("Time shown")
        for span in SPANS:
            self.spans.addItem(span.title, span)
        self._memory = WindowMemory(context.workspace.folder)
        self.spans.setCurrentIndex(max(0, self.spans.findText(self._memory.span or SPANS[1].title)))
        self.spans.setMinimumWidth(150)
        self.new_task = button("New task", "primary")
        self.header.add(self.spans)
        self.header.add(self.new_task)
        self._figures: DashboardFigures | None = None
        self._task: str | None = None
        self._asked = 0
        self._seen = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._ask)
        self._connect(context)
        self._make_actions()
        self._show_loading()

    def open(self, item: str = "", act: str = "") -> None:
        """`act` “sample”: try the sample."""
        if self.isVisible():
            self._come()
        if act == "sample":
            self.sample.go()

    def refresh(self) -> None:
        self._ask()

    def left(self) -> None:
        self._seen = False
        self._timer.stop()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802  Qt's name
        super().showEvent(event)
        self._come()

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802
        super().hideEvent(event)
        self.left()

    def _come(self) -> None:
        if not self._seen:
            self._seen = True
            self._ask()

    def _connect(self, context: Context) -> None:
        self.spans.currentIndexChanged.connect(self._choose_span)
        self.new_task.clicked.connect(self._new_task)
        self.view.opened.connect(self._open_row)
        self.view.task_chosen.connect(self._choose_task)
        self.view.attention.acted.connect(self._act)
        self.sample.began.connect(self._open_sample_run)
        self.sample.failed.connect(self._sample_failed)
        context.runs.changed.connect(self._show_tasks)
        context.runs.failed.connect(self._could_not_start)

    def _make_actions(self) -> None:
        action = QAction("Try the sample", self)
        action.triggered.connect(self.sample.go)
        self.addAction(action)

    # Reading

    def _ask(self) -> None:
        if not self._seen:
            return
        if self.window().isMinimized():
            self._timer.start(int(REFRESH_SECONDS * 1000))
            return
        self._timer.stop()
        self._asked += 1
        question = Question(self.spans.currentData(), self._task, {} if self._figures is None else self._figures.inks)
        job = partial(read_figures, self.context.workspace, question)
        self.context.background.submit(self, job, partial(self._answer, self._asked), partial(self._no_answer, self._asked))

    def _answer(self, number: int, figures: DashboardFigures) -> None:
        if number != self._asked:
            return  # something else was asked for meanwhile
        self._figures = figures
        self.view.show_warning("")
        first = figures.is_first_start or self.sample.is_under_way
        if not first:
            self.view.show_figures(figures)
            self._show_tasks()
        self.spans.setVisible(not first)
        self.new_task.setVisible(not first)
        self._content.setCurrentWidget(self.first_start if first else self.view)
        self.body.show_full()
        self._again(max(REFRESH_SECONDS, REST * figures.took))

    def _no_answer(self, number: int, error: AppError) -> None:
        if number != self._asked:
            return
        if self._figures is None:
            self.body.show_error(error, self._retry)
        else:
            self.view.show_warning(f"These figures are of {clock(self._figures.at)}. {error}")
        self._again(AFTER_ERROR_SECONDS)

    def _again(self, seconds: float) -> None:
        if self._seen:
            self._timer.start(int(seconds * 1000))

    def _retry(self) -> None:
        self._show_loading()
        self._ask()

    def _show_loading(self) -> None:
        self.body.show_loading("Reading the figures …")

    def _show_tasks(self) -> None:
        figures = self._figures
        if figures is None or not self._seen or figures.is_first_start:
            return
        runs = self.context.runs
        latest = {task: _newer(figures.latest.get(task), runs.latest.get(task)) for task in {*figures.latest, *runs.latest}}
        self.view.show_tasks(figures, latest, _seconds(runs.due), datetime.datetime.now(datetime.UTC).timestamp())

    # Doing

    def _new_task(self) -> None:
        self.context.navigator.go("tasks", act="new")

    def _choose_span(self) -> None:
        self._memory.keep_span(self.spans.currentText())
        self._ask()

    def _choose_task(self, task: str | None) -> None:
        self._task = task
        self._ask()

    def _open_row(self, row: TaskRow) -> None:
        if row.run is not None:
            self.context.navigator.go("runs", row.run)
        else:
            self.context.navigator.go("tasks", row.uuid)

    def _open_sample_run(self, run: str) -> None:
        if self.isVisible():  # who went elsewhere meanwhile stays there
            self.context.navigator.go("runs", run)

    def _sample_failed(self, error: AppError) -> None:
        if self._content.currentWidget() is not self.first_start:  # which says it itself
            self.context.navigator.say(f"The sample could not be started. {error}")

    def _could_not_start(self, task_name: str, _: AppError) -> None:
        self.view.attention.free(task_name)

    def _act(self, item: AttentionItem, action: str) -> None:
        """Do what a button of an item says."""
        runs, navigator = self.context.runs, self.context.navigator
        match action:
            case "resume":
                runs.start(RunRequest(item.task_name, resume=True, origin="window"))
            case "run":
                runs.start(RunRequest(item.task_name, origin="window"))
            case "retry table":
                runs.start(RunRequest(item.task_name, only=(item.table,) if item.table else (), origin="window"))
            case "reload table":
                runs.start(RunRequest(item.task_name, reload=(item.table,) if item.table else (), origin="window"))
            case "open run":
                navigator.go("runs", item.run or "")
            case "edit connection":
                job = partial(connection_at_fault, self.context.workspace, item)
                self.context.background.submit(self, job, self._edit_connection, self._said)
            case "edit task":
                navigator.go("tasks", item.task_uuid, "edit")
            case "copy script":
                self._copy(item)
            case "dismiss":
                self._dismiss(item)

    def _copy(self, item: AttentionItem) -> None:
        job = partial(capture_script, self.context.workspace, item.task_name)
        self.context.background.submit(self, job, self._copied, self._said)

    def _copied(self, script: str) -> None:
        QGuiApplication.clipboard().setText(script)
        self.context.navigator.say("The script is copied.")

    def _edit_connection(self, name: str) -> None:
        self.context.navigator.go("connections", name, "edit")

    def _said(self, error: AppError) -> None:
        self.context.navigator.say(str(error))

    def _dismiss(self, item: AttentionItem) -> None:
        attention = Attention(self.context.workspace.database)
        self.context.background.submit(self, partial(attention.dismiss, item), self._ask_again, self._said)

    def _ask_again(self, _: None) -> None:
        self._ask()


def _newer(one: RunRecord | None, other: RunRecord | None) -> RunRecord:
    """Of two looks at a task's latest run the later one."""
    known = [run for run in (one, other) if run is not None]
    return max(known, key=lambda run: (run.started_at, run.finished_at is not None, run.seen_at))


def _seconds(due: Mapping[str, datetime.datetime]) -> dict[str, float]:
    return {task: moment.timestamp() for task, moment in due.items()}
