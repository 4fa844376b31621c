"""Beneath the table runs: the timeline, and rows of the chosen target, read when they are asked for."""

from collections.abc import Sequence
from functools import partial

import pyarrow as pa
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QTabWidget, QVBoxLayout, QWidget

from dtaas_desktop.domain.errors import AppError
from dtaas_desktop.services.results import FIRST_ROWS, published_sample
from dtaas_desktop.services.runs_view import PartRecord, RunRecord, TableRunRecord
from dtaas_desktop.ui.context import Context
from dtaas_desktop.ui.data_view import DataView
from dtaas_desktop.ui.timeline import Timeline
from dtaas_desktop.ui.widgets import Card, button, label


class SampleView(QWidget):
    """Rows of one target: those that are there now, or those that were rejected."""

    def __init__(self, context: Context, *, rejected: bool) -> None:
        super().__init__()
        self._context, self._rejected = context, rejected
        self._turn = 0
        self._asked: tuple[str, str, int | None] | None = None
        self._what: tuple[RunRecord, TableRunRecord] | None = None
        self.rows = DataView(context.theme, "Rejected rows" if rejected else "First rows")
        self.said = label("", "dim", wrap=True)
        self.said.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.again = button("Try again")
        nothing = QWidget()
        inside = QVBoxLayout(nothing)
        inside.setAlignment(Qt.AlignmentFlag.AlignCenter)
        inside.addWidget(self.said)
        row = QHBoxLayout()
        row.addWidget(self.again, 0, Qt.AlignmentFlag.AlignCenter)
        inside.addLayout(row)
        self._states = QStackedWidget()
        self._states.addWidget(self.rows)
        self._states.addWidget(nothing)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._states)
        self.again.clicked.connect(self._read_again)
        self.say("Choose a table.")

    def say(self, text: str, *, again: bool = False) -> None:
        """Show this sentence in the place of rows."""
        self._turn += 1
        self._asked = None
        self.said.setText(text)
        self.again.setVisible(again)
        self._states.setCurrentIndex(1)

    def show_target(self, run: RunRecord, table: TableRunRecord) -> None:
        """Read the rows of this table run's target, unless they are shown already."""
        asked = (run.id, table.name, table.revision)
        if asked == self._asked:
            return
        self._what = (run, table)
        if self._rejected and not table.counts.rejected:
            self.say("No row was rejected.")
        elif table.revision is None:
            self.say("Nothing is published yet." if run.state == "running" else "This run has published nothing here.")
        else:
            self.say("Reading the rows …")
            self._asked = asked
            job = partial(published_sample, self._context.workspace, run.task, table, limit=FIRST_ROWS, rejected=self._rejected)
            self._context.background.submit(self, job, partial(self._take, self._turn), partial(self._fail, self._turn))

    def _take(self, turn: int, rows: pa.Table) -> None:
        if turn != self._turn:
            return
        if rows.num_rows == 0:
            asked = self._asked
            self.say("The rejected rows of this run are not there any more." if self._rejected else "The target has no rows.")
            self._asked = asked
            return
        self.rows.show_table(rows)
        self._states.setCurrentIndex(0)

    def _fail(self, turn: int, error: AppError) -> None:
        if turn == self._turn:
            self.say(f"{error.message} {error.remedy}".strip(), again=True)

    def _read_again(self) -> None:
        if self._what is not None:
            self.show_target(*self._what)


class RunSamples(Card):
    def __init__(self, context: Context) -> None:
        super().__init__()
        self.body.setContentsMargins(16, 4, 16, 10)
        self._run: RunRecord | None = None
        self._table: TableRunRecord | None = None
        self.timeline = Timeline(context.theme)
        self.first, self.rejected = SampleView(context, rejected=False), SampleView(context, rejected=True)
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.tabBar().setDrawBase(False)
        self.tabs.addTab(self.timeline, "Timeline")
        self.tabs.addTab(self.first, f"First {FIRST_ROWS} rows")
        self.tabs.addTab(self.rejected, "Rejected rows")
        self.tabs.currentChanged.connect(self._show_tab)
        self.body.addWidget(self.tabs)

    def show_run(
        self,
        run: RunRecord,
        tables: Sequence[TableRunRecord],
        parts: Sequence[PartRecord],
        chosen: TableRunRecord | None,
        now: float,
    ) -> None:
        """Show the run as it is at `now`, and rows of the chosen table run's target."""
        self.timeline.show_parts(tables, parts, run.started_at, run.finished_at or now, goes_on=run.state == "running")
        self._run, self._table = run, chosen
        count = chosen.counts.rejected if chosen is not None else 0
        self.tabs.setTabText(2, f"Rejected rows · {count:,}" if count else "Rejected rows")
        self._show_tab()

    def _show_tab(self) -> None:
        shown = self.tabs.currentWidget()
        if not isinstance(shown, SampleView):
            return
        if self._run is None or self._table is None:
            shown.say("Choose a table.")
        else:
            shown.show_target(self._run, self._table)
