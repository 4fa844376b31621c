"""The list of all runs, newest first; older ones are read as one scrolls."""

import time
from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QVBoxLayout, QWidget

from dtaas_desktop.domain.errors import AppError
from dtaas_desktop.domain.task import Task
from dtaas_desktop.services.runs_view import RunRecord
from dtaas_desktop.services.workspace import Workspace
from dtaas_desktop.ui.context import Context
from dtaas_desktop.ui.form_inputs import ChoiceInput
from dtaas_desktop.ui.run_words import ORIGINS, day_of, run_state, seconds_of
from dtaas_desktop.ui.search_field import SearchField
from dtaas_desktop.ui.tables import Column, RecordModel, RecordTable
from dtaas_desktop.ui.widgets import Card, button, label
from dtaas_desktop.ui.words import NOTHING, duration, exact, moment, short

PAGE = 200
_SEARCH_MILLISECONDS = 250
_STATES: tuple[tuple[tuple[str, ...], str], ...] = (
    ((), "All states"),
    (("running",), "Running"),
    (("done",), "Succeeded"),
    (("failed", "partly failed", "interrupted"), "Failed or interrupted"),
    (("paused",), "Paused"),
    (("cancelled",), "Cancelled"),
)
_HOST = 7
_GIVING_WAY = ((6, 900), (5, 760), (3, 620))


def _rate(run: RunRecord) -> str:
    return short(run.rows_per_second) if run.rows_per_second else NOTHING


_COLUMNS: tuple[Column[RunRecord], ...] = (
    Column("Task", lambda run: run.task_name, "strong"),
    Column("Started", lambda run: day_of(run.started_at), "dim", tip=lambda run: moment(run.started_at), width=150),
    Column("State", lambda run: run_state(run)[0], "pill", tone=lambda run: run_state(run)[1], width=132),
    Column("Duration", lambda run: duration(seconds_of(run, time.time())), "figure", width=100),
    Column("Rows", lambda run: exact(run.rows_written), "figure", width=116),
    Column("Rows/s", _rate, "figure", tip=lambda run: f"{run.rows_per_second:,.0f} rows per second", width=84),
    Column("Origin", lambda run: ORIGINS.get(run.origin, run.origin), "dim", width=116),
    Column("Machine", lambda run: run.host or NOTHING, "dim", width=130),
)


class RunList(QWidget):
    """`opened` carries a run; `full`, `empty` (there are none at all) and `failed` tell what was found."""

    opened = Signal(object)
    full = Signal()
    empty = Signal()
    failed = Signal(object)

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context
        self._turn = 0
        self._task = ""
        self._tasks: tuple[Task, ...] = ()
        self._whole = False
        self._reading = self._reads_newest = self._older_wanted = False
        self.states, self.task = ChoiceInput(_STATES), QComboBox()
        self.states.setAccessibleName("State")
        self.task.setAccessibleName("Task")
        self.task.addItem("All tasks", "")
        self.search = SearchField("Search by task or run")
        self.model = RecordModel[RunRecord](_COLUMNS, lambda run: run.id)
        self.table = RecordTable[RunRecord](context.theme, self.model, "Runs")
        self._said, self._clear = label("", "dim"), button("Show all runs")
        self._count = label("", "dim")
        self._wait = QTimer(self)
        self._wait.setSingleShot(True)
        self._wait.setInterval(_SEARCH_MILLISECONDS)
        self._lay_out()
        self._wait.timeout.connect(self._begin)
        self.search.textChanged.connect(self._wait.start)
        self.search.down.connect(self.table.setFocus)
        self.states.changed.connect(self._begin)
        self.task.currentIndexChanged.connect(self._choose_task)
        self._clear.clicked.connect(self._show_all)
        self.table.opened.connect(self.opened)
        self.table.verticalScrollBar().valueChanged.connect(self._scrolled)
        context.runs.changed.connect(self._runs_changed)
        context.runs.ended.connect(self._runs_changed)

    def show_task(self, uuid: str) -> None:
        """List only the runs of this task."""
        self._task = uuid
        self.search.blockSignals(True)
        self.search.clear()
        self.search.blockSignals(False)
        self.states.show_value(())
        self.model.show_records([])

    def refresh(self) -> None:
        """Read the newest again; what is shown of older ones stays."""
        self._read(None, PAGE, keep=True)

    def stop(self) -> None:
        """Nobody looks."""
        self._wait.stop()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802  Qt's name
        super().resizeEvent(event)
        self._fit()

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(20, 18, 20, 20)
        card = Card()
        card.body.setContentsMargins(5, 12, 5, 5)
        top = QHBoxLayout()
        top.setContentsMargins(9, 0, 9, 0)
        top.setSpacing(10)
        self.search.setMaximumWidth(300)
        self.states.setFixedWidth(190)
        self.task.setFixedWidth(220)
        top.addWidget(self.search, 1)
        top.addWidget(self.states)
        top.addWidget(self.task)
        top.addStretch(1)
        top.addWidget(self._count)
        self._nothing = QWidget()
        inside = QVBoxLayout(self._nothing)
        inside.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._said.setAlignment(Qt.AlignmentFlag.AlignCenter)
        inside.addWidget(self._said)
        inside.addWidget(self._clear, 0, Qt.AlignmentFlag.AlignCenter)
        self._nothing.hide()
        card.body.addLayout(top)
        card.body.addWidget(self.table, 1)
        card.body.addWidget(self._nothing, 1)
        row.addWidget(card)

    def _fit(self) -> None:
        several = len({run.host for run in self.model.records}) > 1
        for column, least in _GIVING_WAY:
            self.table.setColumnHidden(column, self.width() < least)
        self.table.setColumnHidden(_HOST, not several or self.width() < 1000)

    @property
    def _is_filtered(self) -> bool:
        return bool(self._task or self.search.text().strip() or self.states.value())

    def _begin(self) -> None:
        self._read(None, PAGE)

    def _choose_task(self) -> None:
        self._task = str(self.task.currentData() or "")
        self._begin()

    def _show_all(self) -> None:
        self.show_task("")
        self._begin()

    def _read(self, before: float | None, limit: int, *, keep: bool = False) -> None:
        self._turn += 1
        self._reading, self._reads_newest = True, before is None
        states = next(states for states, _ in _STATES if states == self.states.value())
        job = partial(_runs, self._context.workspace, self._task, states, self.search.text().strip(), before, limit)
        self._context.background.submit(self, job, partial(self._take, self._turn, keep), partial(self._fail, self._turn))

    def _take(self, turn: int, keep: bool, found: tuple[list[RunRecord], tuple[Task, ...]]) -> None:
        """Show what was found; `keep`: with the newer and older ones that are shown already."""
        if turn != self._turn:
            return
        self._reading = False
        runs, tasks = found
        had = self.model.records if keep else []
        shown = runs
        if had and runs:
            ids = {run.id for run in runs}
            newer = [run for run in had if run.started_at > runs[0].started_at and run.id not in ids]
            older = [run for run in had if run.started_at <= runs[-1].started_at and run.id not in ids]
            shown = [*newer, *runs, *older]
        elif had and not self._reads_newest:
            shown = had
        if not (self._reads_newest and had and len(shown) > len(runs)):
            self._whole = len(runs) < PAGE
        self.model.show_records(shown)
        self._show_tasks(tasks)
        self._fit()
        if not shown and not self._is_filtered:
            self.empty.emit()
            return
        self.full.emit()
        self.table.setVisible(bool(shown))
        self._nothing.setVisible(not shown)
        self._said.setText("No run is like this.")
        self._count.setText(f"{len(shown):,}{'' if self._whole else '+'} runs" if len(shown) != 1 else "1 run")
        if shown and not self.table.selectionModel().hasSelection():
            self.table.choose(max(0, self.table.currentIndex().row()))
        if self._older_wanted:  # somebody scrolled to the end while something else was read
            self._older_wanted = False
            self._scrolled(self.table.verticalScrollBar().value())

    def _show_tasks(self, tasks: tuple[Task, ...]) -> None:
        if tasks == self._tasks and self.task.currentData() == self._task:
            return
        self._tasks = tasks
        self.task.blockSignals(True)
        self.task.clear()
        self.task.addItem("All tasks", "")
        for task in tasks:
            self.task.addItem(task.name, task.uuid)
        if self._task and self.task.findData(self._task) < 0:
            self.task.addItem("A task that is deleted", self._task)
        self.task.setCurrentIndex(max(0, self.task.findData(self._task)))
        self.task.blockSignals(False)

    def _fail(self, turn: int, error: AppError) -> None:
        if turn == self._turn:
            self._reading = False
            self.failed.emit(error)

    def _scrolled(self, value: int) -> None:
        bar = self.table.verticalScrollBar()
        if value < bar.maximum() - bar.pageStep() or not self.model.records or self._whole:
            return
        self._older_wanted = self._reading
        if not self._reading:
            self._read(self.model.records[-1].started_at, PAGE, keep=True)

    def _runs_changed(self) -> None:
        """Runs that are shown go on, and others begin."""
        if self.isVisible() and not self._reading and not self._wait.isActive():
            self.refresh()


def _runs(
    workspace: Workspace, task: str, states: Sequence[str], search: str, before: float | None, limit: int
) -> tuple[list[RunRecord], tuple[Task, ...]]:
    history = workspace.history
    runs = history.runs(task=task or None, states=states, search=search, before=before, limit=limit)
    return runs, tuple(workspace.tasks.all())
