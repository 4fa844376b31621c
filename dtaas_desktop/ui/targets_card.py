"""What tasks of this workspace have written to a destination."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QStackedWidget

from dtaas_desktop.domain.errors import AppError
from dtaas_desktop.services import browse
from dtaas_desktop.services.browse import WrittenTarget
from dtaas_desktop.ui import words
from dtaas_desktop.ui.context import Context
from dtaas_desktop.ui.tables import Column, RecordModel, RecordTable
from dtaas_desktop.ui.widgets import Card, label

_HEADS = (
    Column[WrittenTarget]("Target", lambda one: one.name, "mono", tip=lambda one: one.location or one.name),
    Column[WrittenTarget]("Task", lambda one: one.task_name, "dim"),
    Column[WrittenTarget]("Rows", lambda one: words.short(one.rows), "figure", width=90, tip=lambda one: words.exact(one.rows)),
    Column[WrittenTarget]("Written", lambda one: words.ago(one.at), "dim", width=110, tip=lambda one: words.moment(one.at)),
)


class TargetsCard(Card):
    """Targets, newest first; opening one goes to the run that wrote it."""

    def __init__(self, context: Context) -> None:
        super().__init__("Written here")
        self._context = context
        self._turn = 0
        self.model = RecordModel(_HEADS, lambda one: (one.task, one.name))
        self.list = RecordTable(context.theme, self.model, "Targets written here", row_height=32)
        self.list.opened.connect(self._open)
        self._said = label("", "dim", wrap=True)
        self._said.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._states = QStackedWidget()
        self._states.addWidget(self._said)
        self._states.addWidget(self.list)
        self.body.addWidget(self._states, 1)

    def show_nothing(self, sentence: str) -> None:
        self._turn += 1
        self.model.show_records([])
        self._said.setText(sentence)
        self._states.setCurrentWidget(self._said)

    def show_connection(self, name: str) -> None:
        """Read what was written to the connection of this name."""
        self.show_nothing("Reading the history …")
        turn, workspace = self._turn, self._context.workspace

        def fill(targets: list[WrittenTarget]) -> None:
            if turn != self._turn:
                return
            if not targets:
                self.show_nothing("No task has written here yet. What tasks write is listed here with its rows.")
                return
            self.model.show_records(targets)
            self._states.setCurrentWidget(self.list)

        def fail(error: AppError) -> None:
            if turn == self._turn:
                self.show_nothing(str(error))

        self._context.background.submit(self, lambda: browse.written_targets(workspace, name), fill, fail)

    def _open(self, target: WrittenTarget) -> None:
        self._context.navigator.go("runs", target.run)
