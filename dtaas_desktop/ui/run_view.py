"""One run, live while it goes on and just the same years later: figures, table runs, timeline, rows, log."""

import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QSplitter, QVBoxLayout, QWidget

from dtaas_desktop.domain.errors import AppError
from dtaas_desktop.domain.harm import Harm
from dtaas_desktop.services.runs_view import PartRecord, RunRecord, TableRunRecord
from dtaas_desktop.services.workspace import Workspace
from dtaas_desktop.ui.context import Context
from dtaas_desktop.ui.run_detail import DetailFrame, RunDetail
from dtaas_desktop.ui.run_head import RunHead, Sums
from dtaas_desktop.ui.run_live import newest, rates_of, told
from dtaas_desktop.ui.run_log_view import LogCard
from dtaas_desktop.ui.run_samples import RunSamples
from dtaas_desktop.ui.run_words import table_percent
from dtaas_desktop.ui.table_run_columns import COLUMNS, hidden_columns
from dtaas_desktop.ui.tables import RecordModel, RecordTable
from dtaas_desktop.ui.widgets import Card, label

POLL_MILLISECONDS = 1000
SHOW_MILLISECONDS = 200  # five times a second at most
_RATES = 120
_SIDE = 386  # pixels
_DETAIL_SHARE = 0.55  # of the room beside the tables, at most


@dataclass(frozen=True, slots=True)
class RunSeen:
    """A run as the metadata have it. `is_latest`: no other run of its task began since; `task_exists`: it is not deleted."""

    run: RunRecord
    tables: tuple[TableRunRecord, ...]
    parts: tuple[PartRecord, ...]
    is_latest: bool
    task_exists: bool
    costs: Mapping[str, Harm] = field(default_factory=dict)  # of reading, by source connection


class RunView(QWidget):
    """`seen`: something of the run changed; `failed`: it cannot be read (AppError)."""

    seen = Signal()
    failed = Signal(object)

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context
        self._run_id = ""
        self._turn = 0
        self._state: RunSeen | None = None
        self._known: dict[str, TableRunRecord] = {}
        self._rates: deque[float] = deque(maxlen=_RATES)
        self._past: tuple[float, ...] = ()
        self.head, self.detail = RunHead(context), RunDetail(context)
        self.log, self.samples = LogCard(context), RunSamples(context)
        self.model = RecordModel[TableRunRecord](COLUMNS, lambda one: one.name)
        self.table = RecordTable[TableRunRecord](context.theme, self.model, "Tables of the run")
        self._poll_timer, self._show_timer = _timer(self, POLL_MILLISECONDS), _timer(self, SHOW_MILLISECONDS)
        self._poll_timer.timeout.connect(self._poll)
        self._show_timer.timeout.connect(self._show)
        self._lay_out()
        self.table.chosen.connect(self._choose)
        context.runs.event.connect(self._take_event)
        context.runs.changed.connect(self._runs_changed)

    @property
    def state(self) -> RunSeen | None:
        """The run as it was read last."""
        return self._state

    @property
    def run(self) -> RunRecord | None:
        return None if self._state is None else self._state.run

    @property
    def costs(self) -> Mapping[str, Harm]:
        """What reading has cost the sources, by connection, as far as it is known."""
        return {} if self._state is None else self._state.costs

    @property
    def tables(self) -> list[TableRunRecord]:
        """The table runs as they are shown."""
        return list(self._known.values())

    def show_run(self, run: str) -> None:
        """Show this run and keep up with it."""
        if run != self._run_id:
            self._run_id, self._state, self._known = run, None, {}
            self._rates.clear()
            self._past = ()
            self.model.show_records([])
            self.samples.first.say("Choose a table.")
            self.samples.rejected.say("Choose a table.")
            self.log.show_run(run)
        self._poll()

    def refresh(self) -> None:
        """Read it again now."""
        if self._run_id:
            self._poll()

    def stop(self) -> None:
        """Nobody looks: read nothing more."""
        self._turn += 1
        self._poll_timer.stop()
        self._show_timer.stop()
        self.log.stop()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802  Qt's name
        super().resizeEvent(event)
        self._fit()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 20)
        column.setSpacing(14)
        column.addWidget(self.head)
        card = Card()
        card.body.setContentsMargins(5, 8, 5, 5)
        card.body.addWidget(self.table)
        self._no_tables = label("", "dim", wrap=True)
        self._no_tables.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._no_tables.setMargin(24)
        card.body.addWidget(self._no_tables, 1)
        left = QSplitter(Qt.Orientation.Vertical)
        left.setChildrenCollapsible(False)
        left.setHandleWidth(14)
        left.addWidget(card)
        left.addWidget(self.samples)
        left.setStretchFactor(0, 3)
        left.setStretchFactor(1, 2)
        left.setSizes([620, 380])
        card.setMinimumHeight(130)
        self.samples.setMinimumHeight(130)
        side = QWidget()
        beside = QVBoxLayout(side)
        beside.setContentsMargins(0, 0, 0, 0)
        beside.setSpacing(14)
        self._detail_scroll = DetailFrame(self.detail)
        beside.addWidget(self._detail_scroll)
        beside.addWidget(self.log, 1)
        self._side = side
        row = QHBoxLayout()
        row.setSpacing(14)
        row.addWidget(left, 1)
        row.addWidget(side)
        column.addLayout(row, 1)

    def _fit(self) -> None:
        width = 330 if self.width() < 1000 else _SIDE
        self._side.setFixedWidth(width)
        hidden = hidden_columns(self.model.records, self.width() - width - 64)
        for column in range(len(COLUMNS)):
            self.table.setColumnHidden(column, column in hidden)
        # The log keeps its part of the room beside the tables.
        self._detail_scroll.show_at_most(max(150, int((self.height() - self.head.height()) * _DETAIL_SHARE)))

    # Reading

    def _poll(self) -> None:
        self._poll_timer.stop()
        self._turn += 1
        job = partial(_read, self._context.workspace, self._run_id)
        self._context.background.submit(self, job, partial(self._take, self._turn), partial(self._fail, self._turn))
        if self._state is not None:
            self.log.poll()

    def _take(self, turn: int, seen: RunSeen) -> None:
        if turn != self._turn:
            return
        first = self._state is None
        running = seen.run.state == "running"
        self._state = seen
        self._known = newest(seen.tables, self._known, running=running)
        self._past = rates_of(seen.parts, seen.run.started_at, seen.run.finished_at or time.time())
        if running:
            self._rates.append(self._sums().rate)
        self._show()
        if first:
            self._choose_first()
        if running and self.isVisible():
            self._poll_timer.start()
        elif not running:
            self.log.poll()

    def _fail(self, turn: int, error: AppError) -> None:
        if turn != self._turn:
            return
        if self._state is None:
            self.failed.emit(error)
        elif self.isVisible():
            self._poll_timer.start()

    def _runs_changed(self) -> None:
        """Somebody else may have begun to run the task, or to stop it."""
        if self.isVisible() and self._state is not None and not self._poll_timer.isActive():
            latest = self._context.runs.latest.get(self._state.run.task)
            if latest is not None and (latest.id == self._run_id) != self._state.is_latest:
                self._poll()
        if self.isVisible() and self._state is not None:
            self.detail.show_table(self._state.run, self.table.current, why_not=self.why_not_again())
            self.seen.emit()

    def _take_event(self, task: str, event: dict[str, Any]) -> None:
        state = self._state
        if state is None or state.run.task != task or state.run.state != "running" or not state.is_latest:
            return
        self._known = told(self._known, event)
        if event["event"] == "RunFinished":
            self._poll_timer.start(SHOW_MILLISECONDS)
        elif not self._show_timer.isActive() and self.isVisible():
            self._show_timer.start()

    # Showing

    def _sums(self) -> Sums:
        assert self._state is not None
        run, tables = self._state.run, self._known.values()
        if run.state != "running" or not tables:
            shares = [table_percent(one) or 0.0 for one in tables]
            return Sums(run.rows_read, run.bytes, run.rows_per_second, share=sum(shares) / len(shares) if shares else run.percent)
        rows, size = sum(one.counts.read for one in tables), sum(one.bytes for one in tables)
        rate = sum(one.rows_per_second for one in tables if one.state == "running")
        moments = [one.as_of for one in tables if one.as_of is not None]
        return Sums(max(rows, run.rows_read), max(size, run.bytes), rate or run.rows_per_second, min(moments, default=None))

    def _show(self) -> None:
        state = self._state
        if state is None:
            return
        now = time.time()
        running = state.run.state == "running"
        live = tuple(self._rates)
        self.head.show_run(state.run, self._sums(), live if running and len(live) > 8 else self._past, now)
        self.model.show_records(self.tables)
        self.table.setVisible(bool(self.tables))
        self._no_tables.setVisible(not self.tables)
        self._no_tables.setText("Looking at the tables …" if running else "The run ended before it came to a table.")
        self._fit()
        self._show_chosen(now)
        self.seen.emit()

    def _choose(self, _: TableRunRecord | None) -> None:
        self._show_chosen(time.time())

    def _choose_first(self) -> None:
        """The first one that failed, else the first."""
        failed = [row for row, one in enumerate(self.model.records) if one.state == "failed"]
        if self.model.records:
            self.table.choose(failed[0] if failed else 0)

    def _show_chosen(self, now: float) -> None:
        state = self._state
        if state is None:
            return
        chosen = self.table.current
        if chosen is None and self.model.records and not self.table.currentIndex().isValid():
            self._choose_first()
            return
        self.detail.show_costs(state.costs)
        self.detail.show_table(state.run, chosen, why_not=self.why_not_again())
        self.samples.show_run(state.run, self.tables, state.parts, chosen, now)

    def why_not_again(self) -> str:
        """Why nothing of this run can be run again now; empty if it can."""
        state = self._state
        if state is None:
            return "It is not read yet."
        if not state.task_exists:
            return "Its task is deleted."
        running = any(run.task == state.run.task for run in self._context.runs.running)
        if state.run.state == "running" or running or state.run.task_name in self._context.runs.starting:
            return "The task is running."
        return ""


def _read(workspace: Workspace, run_id: str) -> RunSeen:
    history = workspace.history
    run = history.run(run_id)
    latest = history.latest(run.task)
    parts: Sequence[PartRecord] = history.parts(run_id)
    exists = any(task.uuid == run.task for task in workspace.tasks.all())
    newest_one = latest is None or latest.id == run_id
    return RunSeen(run, tuple(history.table_runs(run_id)), tuple(parts), newest_one, exists, history.costs(run_id))


def _timer(owner: QWidget, milliseconds: int) -> QTimer:
    made = QTimer(owner)
    made.setSingleShot(True)
    made.setInterval(milliseconds)
    return made
