"""What the dashboard looks like: cards, charts and the table, arranged by the room there is."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QComboBox, QGridLayout, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from dtaas_desktop.domain.task import Task
from dtaas_desktop.services.activity import Summary
from dtaas_desktop.services.runs_view import RunRecord
from dtaas_desktop.ui.attention_view import AttentionView
from dtaas_desktop.ui.charts import Chart
from dtaas_desktop.ui.context import Context
from dtaas_desktop.ui.dashboard_figures import DashboardFigures, compared, share
from dtaas_desktop.ui.figure_card import FigureCard
from dtaas_desktop.ui.first_start import NextSteps
from dtaas_desktop.ui.tables import RecordModel, RecordTable
from dtaas_desktop.ui.task_overview import COLUMNS, GIVING_WAY, TaskRow, task_rows
from dtaas_desktop.ui.theme import Theme
from dtaas_desktop.ui.widgets import Card, button, restyle
from dtaas_desktop.ui.words import exact, short

_MARGIN, _GAP = 20, 14
_FOUR_CARDS, _ATTENTION_BESIDE, _CHARTS_BESIDE = 1000, 900, 700  # from which width on
TASKS_AT_FIRST = 8


class DashboardView(QScrollArea):
    """Shows figures; `opened` tells the row of the table that was opened, `task_chosen` whose runs are to be charted (UUID or None)."""

    opened = Signal(object)
    task_chosen = Signal(object)

    def __init__(self, context: Context) -> None:
        super().__init__()
        theme = context.theme
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        inside = QWidget()
        column = self._column = QVBoxLayout(inside)
        column.setSpacing(_GAP)
        self.warning = _warning()
        self.next_steps = NextSteps(context)
        self.next_steps.hide()
        self.moved = FigureCard(theme, "Rows moved", "accent")
        self.rate = FigureCard(theme, "Rows per second", "violet")
        self.running = FigureCard(theme, "Running now", "green")
        self.failed = FigureCard(theme, "Failed runs", "red")
        self._cards = QGridLayout()
        self._cards.setSpacing(_GAP)
        self.rates = Chart(theme, "Rows per second by task")
        self.outcomes = Chart(theme, "Runs by outcome", height=180)
        self.runs = Chart(theme, "Rows and duration per run", height=180)
        self.attention = AttentionView(theme)
        self.chooser = _chooser()
        self.chooser.activated.connect(self._choose)
        self._beside = _pair(_card("Rows per second by task", self.rates), self.attention, (21, 10))
        runs_card = _card("Rows and duration per run", self.runs)
        runs_card.top.addWidget(self.chooser)
        outcomes_card = _card("Runs by outcome", self.outcomes)
        for card in (outcomes_card, runs_card):
            card.body.setSpacing(4)
            card.heading.setMinimumHeight(26)  # as high as the chooser, so that both charts begin at the same height
        self._charts = _pair(outcomes_card, runs_card, (1, 1))
        self.tasks = TaskTable(theme)
        self.tasks.table.opened.connect(self.opened)
        for widget in (self.warning, self.next_steps):
            column.addWidget(widget)
        for layout in (self._cards, self._beside):
            column.addLayout(layout)
        column.addWidget(self.tasks)
        column.addLayout(self._charts)
        column.addStretch(1)
        self.setWidget(inside)
        self._arrange(1200)

    def show_figures(self, figures: DashboardFigures) -> None:
        self._show_summary(figures.summary, figures.question.span.before)
        self.rates.show_drawing(figures.rates)
        self.outcomes.show_drawing(figures.outcomes)
        self.runs.show_drawing(figures.runs)
        self.attention.show_items(figures.attention)
        self._show_choices(figures.tasks)
        done = figures.sample_done
        if done is not None:
            self.next_steps.show_done(done, figures.latest[done.uuid].rows_written)
        self.next_steps.setVisible(done is not None)

    def show_tasks(
        self, figures: DashboardFigures, latest: Mapping[str, RunRecord], due: Mapping[str, float], now: float
    ) -> None:
        """`latest` and `due` (seconds since 1970) by task UUID."""
        self.tasks.show_rows(task_rows(figures.tasks, figures.routes, latest, due, figures.as_of, now))

    def show_warning(self, text: str) -> None:
        """A sentence above everything; an empty one goes away."""
        self.warning.setVisible(bool(text))
        self.warning.heading.setText(text)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802  Qt's name
        super().resizeEvent(event)
        # The right margin holds the scroll bar, so that nothing moves when it comes.
        self._column.setContentsMargins(_MARGIN, 18, _MARGIN - (self.width() - self.viewport().width()), _MARGIN)
        self._arrange(self.width() - 2 * _MARGIN)

    def _arrange(self, width: int) -> None:
        across = 4 if width >= _FOUR_CARDS else 2
        for at, card in enumerate((self.moved, self.rate, self.running, self.failed)):
            self._cards.addWidget(card, at // across, at % across)
            self._cards.setColumnStretch(at, 1 if at < across else 0)
        for layout, least in ((self._beside, _ATTENTION_BESIDE), (self._charts, _CHARTS_BESIDE)):
            side = QBoxLayout.Direction.LeftToRight if width >= least else QBoxLayout.Direction.TopToBottom
            layout.setDirection(side)
        self.attention.be_beside(width >= _ATTENTION_BESIDE)

    def _show_summary(self, summary: Summary, before: str) -> None:
        change = compared(summary.rows, summary.rows_before, before)
        self.moved.show_figure(short(summary.rows), change, summary.spark_rows, exact=exact(summary.rows))
        now, peak = summary.rows_per_second_now, summary.peak
        self.rate.show_figure(short(now), f"peak {short(peak)}", summary.spark_rate, exact=f"{now:,.0f}")
        self.running.show_figure(exact(summary.running), f"{exact(summary.waiting)} waiting", summary.spark_running)
        failed = share(summary.failed, summary.runs)
        self.failed.show_figure(exact(summary.failed), failed, summary.spark_failed)

    def _show_choices(self, tasks: Sequence[Task]) -> None:
        wanted = [("All tasks", None), *((task.name, task.uuid) for task in tasks)]
        if wanted != [(self.chooser.itemText(at), self.chooser.itemData(at)) for at in range(self.chooser.count())]:
            chosen = self.chooser.currentData()
            self.chooser.clear()
            for name, uuid in wanted:
                self.chooser.addItem(name, uuid)
            self.chooser.setCurrentIndex(max(0, self.chooser.findData(chosen)))

    def _choose(self) -> None:
        self.task_chosen.emit(self.chooser.currentData())


class TaskTable(Card):
    """The tasks, as many as fit at first; the page scrolls, the table does not."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.body.setContentsMargins(6, 4, 6, 6)
        self.body.setSpacing(2)
        self._rows: list[TaskRow] = []
        self._all = False
        self.model: RecordModel[TaskRow] = RecordModel(COLUMNS, lambda row: row.uuid)
        self.table: RecordTable[TaskRow] = RecordTable(theme, self.model, "Tasks")
        self.table.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.more = button("", "link")
        self.more.clicked.connect(self._toggle)
        self.body.addWidget(self.table)
        foot = QHBoxLayout()
        foot.setContentsMargins(7, 2, 0, 2)
        foot.addWidget(self.more)
        foot.addStretch(1)
        self.body.addLayout(foot)

    def show_rows(self, rows: Sequence[TaskRow]) -> None:
        self._rows = list(rows)
        self._show()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        for column, least in GIVING_WAY:
            self.table.setColumnHidden(column, self.width() < least)

    def _show(self) -> None:
        shown = self._rows if self._all else self._rows[:TASKS_AT_FIRST]
        self.model.show_records(shown)
        header, row = self.table.horizontalHeader().height(), self.table.verticalHeader().defaultSectionSize()
        self.table.setFixedHeight(header + row * len(shown) + 1)
        self.more.setVisible(len(self._rows) > TASKS_AT_FIRST)
        self.more.setText("Show fewer" if self._all else f"Show all {len(self._rows)} tasks")

    def _toggle(self) -> None:
        self._all = not self._all
        self._show()


def _card(heading: str, chart: Chart) -> Card:
    card = Card(heading)
    card.body.addWidget(chart, 1)
    return card


def _pair(one: QWidget, other: QWidget, widths: tuple[int, int]) -> QBoxLayout:
    made = QBoxLayout(QBoxLayout.Direction.LeftToRight)
    made.setSpacing(_GAP)
    made.addWidget(one, widths[0])
    made.addWidget(other, widths[1])
    return made


def _chooser() -> QComboBox:
    made = QComboBox()
    made.setAccessibleName("Task whose runs are charted")
    made.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    made.setMinimumContentsLength(14)
    made.addItem("All tasks", None)
    restyle(made, compact="small")
    return made


def _warning() -> Card:
    made = Card(" ")
    made.body.setContentsMargins(16, 10, 16, 10)
    made.heading.setWordWrap(True)
    made.top.setStretch(0, 1)
    made.top.setStretch(1, 0)
    restyle(made, tone="amber")
    made.hide()
    return made
