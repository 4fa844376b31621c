"""The figures of a run at a glance, how the rate went, and how far it is."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout

from dtaas_desktop.services.runs_view import RunRecord
from dtaas_desktop.ui.context import Context
from dtaas_desktop.ui.run_words import run_state, seconds_of
from dtaas_desktop.ui.widgets import Bar, Card, Figure, Sparkline
from dtaas_desktop.ui.words import NOTHING, clock, duration, exact, short, size

_SPARK = 340  # pixels at most


@dataclass(frozen=True, slots=True)
class Sums:
    """Over all table runs, as fresh as they are known. `as_of`: up to when all targets hold what was committed."""

    rows: int
    bytes: int
    rate: float
    as_of: float | None = None
    share: float | None = None  # of the table runs, in percent, how much of them is published


class RunHead(Card):
    def __init__(self, context: Context) -> None:
        super().__init__()
        self.setAccessibleName("Figures of the run")
        self.progress, self.up_to = Figure("Progress"), Figure("Up to")
        self.rows, self.rate, self.written = Figure("Rows"), Figure("Rows per second"), Figure("Written")
        self.left, self.took = Figure("Left"), Figure("Took")
        self.spark, self.bar = Sparkline(context.theme), Bar(context.theme)
        self.spark.setMaximumWidth(_SPARK)
        self.spark.setAccessibleName("Rows per second over time")
        row = QHBoxLayout()
        row.setSpacing(34)
        for figure in (self.progress, self.up_to, self.rows, self.rate, self.written, self.left, self.took):
            row.addWidget(figure, 0, Qt.AlignmentFlag.AlignTop)
        row.addStretch(1)
        row.addWidget(self.spark, 3, Qt.AlignmentFlag.AlignBottom)
        self.body.addLayout(row)
        self.body.addSpacing(4)
        self.body.addWidget(self.bar)

    def show_run(self, run: RunRecord, sums: Sums, rates: Sequence[float], now: float) -> None:
        """Show the run as it is at `now`."""
        running = run.state == "running"
        word, tone = run_state(run)
        percent = 100.0 if run.state == "done" or run.following else run.percent if running else sums.share
        self.progress.setVisible(not run.following)
        self.up_to.setVisible(run.following)
        self.progress.show_value(NOTHING if percent is None else f"{int(percent)} %")
        self.up_to.show_value(NOTHING if sums.as_of is None else clock(sums.as_of))
        self.rows.show_value(short(sums.rows), exact(sums.rows))
        self.rate.show_value(short(sums.rate) if sums.rate else NOTHING, f"{sums.rate:,.0f}")
        self.written.show_value(size(sums.bytes) if sums.bytes else NOTHING, f"{sums.bytes:,} bytes")
        self.left.setVisible(running and not run.following)
        self.left.show_value(duration(run.seconds_left))
        self.took.setVisible(not running)
        self.took.show_value(duration(seconds_of(run, now)))
        self.spark.show_points(rates, tone if tone != "quiet" else "accent")
        self.spark.setVisible(len(rates) > 1)
        self.bar.show_progress(percent, tone)
        self.bar.setToolTip(word)
