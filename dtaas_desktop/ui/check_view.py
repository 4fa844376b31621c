"""What a task would do, beside the list of tasks, before it does."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from dtaas_desktop.domain.errors import AppError
from dtaas_desktop.ui.check_words import CheckReport, Finding, TableIntent
from dtaas_desktop.ui.context import Context
from dtaas_desktop.ui.theme import mono_font
from dtaas_desktop.ui.widgets import Card, Pill, Rule, button, label, restyle
from dtaas_desktop.ui.words import breakable

_MOST = 200  # tables that are shown one by one


class CheckView(QWidget):
    """`closed`: back to the task; `take_over`: run it although these targets hold something of somebody else."""

    closed = Signal()
    take_over = Signal(tuple)

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        self.card = Card()
        head = QHBoxLayout()
        self.title = label("", "title", wrap=True)
        self.pill = Pill(context.theme)
        self.back = button("Close")
        head.addWidget(self.title, 1)
        head.addWidget(self.back, 0, Qt.AlignmentFlag.AlignTop)
        self.card.body.addLayout(head)
        self.card.body.addWidget(self.pill)
        self._inside = QVBoxLayout()
        self._inside.setSpacing(8)
        self.card.body.addLayout(self._inside)
        column.addWidget(self.card)
        column.addStretch(1)
        self.back.clicked.connect(self.closed)
        self._foreign: tuple[str, ...] = ()

    def show_waiting(self, task: str) -> None:
        """It is being looked at."""
        self._begin(task, Finding("Looking", "", "accent"))
        self._say("Source and destination are asked what is there. Nothing is changed.")

    def show_error(self, task: str, error: AppError) -> None:
        """It could not be looked at."""
        self._begin(task, Finding("It cannot run", "", "red"))
        self._finding(Finding(error.message, error.remedy, "red"))

    def show_report(self, task: str, report: CheckReport) -> None:
        self._begin(task, report.verdict)
        if report.verdict.text:
            self._say(report.verdict.text)
        for finding in report.findings:
            self._finding(finding)
        self._foreign = report.foreign
        if report.foreign:
            go = button("Run and take over …")
            go.clicked.connect(self._ask_to_take_over)
            self._inside.addWidget(go, 0, Qt.AlignmentFlag.AlignLeft)
        for table in report.tables[:_MOST]:
            self._table(table)
        if len(report.tables) > _MOST:
            self._say(f"And {len(report.tables) - _MOST:,} more.")

    def _begin(self, task: str, verdict: Finding) -> None:
        self._foreign = ()
        self.title.setText(f"Check of “{task}”")
        self.pill.show_state(verdict.heading, verdict.tone)
        while (item := self._inside.takeAt(0)) is not None:
            old = item.widget()
            if old is not None:
                old.hide()
                old.deleteLater()

    def _say(self, text: str) -> None:
        self._inside.addWidget(label(text, "dim", wrap=True))

    def _finding(self, finding: Finding) -> None:
        heading = label(finding.heading, "heading", wrap=True)
        restyle(heading, tone=finding.tone)
        self._inside.addWidget(heading)
        if finding.text:
            self._say(finding.text)

    def _table(self, table: TableIntent) -> None:
        self._inside.addWidget(Rule())
        name = label(breakable(table.table), "mono", wrap=True)
        name.setFont(mono_font())
        self._inside.addWidget(name)
        self._inside.addWidget(label(breakable(f"→ {table.target}"), "dim", wrap=True))
        said = label(table.refused or table.intent, "body", wrap=True)
        if table.refused:
            restyle(said, tone="red")
        self._inside.addWidget(said)
        for note in table.notes:
            self._say(note)
        if table.arrives:
            self._say(table.arrives)
        for loss in table.losses:
            lost = label(breakable(loss), "body", wrap=True)
            restyle(lost, tone="amber")
            self._inside.addWidget(lost)
        for companion in table.companions:
            self._say(companion)

    def _ask_to_take_over(self) -> None:
        self.take_over.emit(self._foreign)
