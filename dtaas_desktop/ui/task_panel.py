"""The selected task beside the list: what it moves, when, how it went, and the buttons for what can be done."""

from collections.abc import Mapping

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QMenu, QPushButton, QVBoxLayout, QWidget

from dtaas_desktop.domain.errors import AppError
from dtaas_desktop.domain.task import Task
from dtaas_desktop.ui.context import Context
from dtaas_desktop.ui.task_draft import TRANSFERS
from dtaas_desktop.ui.task_now import Act, TaskNow, tables_words
from dtaas_desktop.ui.widgets import Card, Pill, button, label, restyle
from dtaas_desktop.ui.words import NOTHING, breakable, exact

_FIRST: tuple[tuple[Act, str], ...] = (("run", "Run"), ("resume", "Resume"), ("pause", "Pause"), ("cancel", "Cancel"))
_SECOND: tuple[tuple[Act, str], ...] = (("check", "Check"), ("edit", "Edit"), ("latest", "Latest run"))


class NoticeCard(Card):
    """What went wrong and what to do, in a border of its tone."""

    def __init__(self) -> None:
        super().__init__()
        self.heading_line, self.text = label("", "heading", wrap=True), label("", "dim", wrap=True)
        self.body.addWidget(self.heading_line)
        self.body.addWidget(self.text)
        self.hide()

    def show_notice(self, heading: str, text: str, tone: str) -> None:
        """An empty heading hides it."""
        self.heading_line.setText(heading)
        self.text.setText(text)
        self.text.setVisible(bool(text))
        self.setVisible(bool(heading))
        restyle(self, tone=tone)


class TaskPanel(QWidget):
    """`actions` are those of the page; their buttons follow them."""

    more_wanted = Signal(QPushButton)

    def __init__(self, context: Context, actions: Mapping[Act, QAction]) -> None:
        super().__init__()
        self._actions = actions
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        self.card = Card()
        self.name, self.pill = label("", "title", wrap=True), Pill(context.theme)
        head = QHBoxLayout()
        head.setSpacing(10)
        head.addWidget(self.name, 1)
        head.addWidget(self.pill, 0, Qt.AlignmentFlag.AlignTop)
        self.card.body.addLayout(head)
        self.buttons: dict[Act, QPushButton] = {}
        self.more = button("More …")
        self.card.body.addSpacing(4)
        self.card.body.addLayout(self._row(_FIRST))
        second = self._row(_SECOND)
        second.insertWidget(second.count() - 1, self.more)
        self.card.body.addLayout(second)
        self.more.clicked.connect(self._ask_for_more)
        self._facts = QGridLayout()
        self._facts.setContentsMargins(0, 8, 0, 0)
        self._facts.setHorizontalSpacing(14)
        self._facts.setVerticalSpacing(8)
        self._facts.setColumnStretch(1, 1)
        self.values = {
            name: label("", "body", wrap=True) for name in ("From", "Tables", "To", "Transfer", "Schedule", "Last run")
        }
        for row, (name, value) in enumerate(self.values.items()):
            head_of_row = label(name, "dim")
            head_of_row.setFixedHeight(18)  # the leading of the value beside it
            self._facts.addWidget(head_of_row, row, 0, Qt.AlignmentFlag.AlignTop)
            self._facts.addWidget(value, row, 1)
        self.card.body.addLayout(self._facts)
        self.failure, self.mistake = NoticeCard(), NoticeCard()
        column.addWidget(self.card)
        column.addWidget(self.failure)
        column.addWidget(self.mistake)
        column.addStretch(1)
        self.follow_actions()

    def show_task(self, now: TaskNow, at: float, failed: AppError | None) -> None:
        """`at` is the present moment; `failed`: why it could not be started last."""
        task = now.task
        self.name.setText(breakable(task.name))
        self.pill.show_state(*now.state)
        sources = [node for node in task.design.nodes if node.kind == "source"]
        destinations = [node for node in task.design.nodes if node.kind == "destination"]
        due = now.due_words(at)
        texts = {
            "From": ", ".join(str(node.settings.get("connection", "")) for node in sources),
            "Tables": "; ".join(tables_words(node) for node in sources),
            "To": ", ".join(str(node.settings.get("connection", "")) for node in destinations),
            "Transfer": _transfer(task),
            "Schedule": now.schedule_words + (f"; next {due}" if due != NOTHING else ""),
            "Last run": _last_run(now, at),
        }
        for name, text in texts.items():
            self.values[name].setText(breakable(text or NOTHING))
        if failed is not None:
            self.failure.show_notice("It could not be started", f"{failed.message} {failed.remedy}".strip(), "red")
        elif now.latest is not None and now.latest.message and now.latest.state in ("failed", "interrupted"):
            tone = "red" if now.latest.state == "failed" else "amber"
            message = now.latest.message if "Traceback" not in now.latest.message else "An error that nobody foresaw."
            self.failure.show_notice(message, now.latest.remedy, tone)
        else:
            self.failure.show_notice(*now.trouble, "red")
        problem = now.problem
        mistake = now.never_by_itself if problem is None else (problem.message, problem.remedy)
        self.mistake.show_notice(*mistake, "amber")

    def follow_actions(self) -> None:
        """The buttons can do what their actions can, and say why not."""
        for act, made in self.buttons.items():
            action = self._actions[act]
            made.setEnabled(action.isEnabled())
            made.setToolTip(action.toolTip())
            made.setAccessibleDescription("" if action.isEnabled() else action.toolTip())

    def _row(self, acts: tuple[tuple[Act, str], ...]) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(8)
        for act, text in acts:
            made = button(text)
            made.clicked.connect(self._actions[act].trigger)
            self.buttons[act] = made
            row.addWidget(made)
        row.addStretch(1)
        return row

    def _ask_for_more(self) -> None:
        self.more_wanted.emit(self.more)


def more_menu(owner: QWidget, actions: Mapping[Act, QAction], acts: tuple[Act | None, ...]) -> QMenu:
    """A menu of these actions (None: a line between them) that goes away by itself."""
    menu = QMenu(owner)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    menu.setToolTipsVisible(True)
    for act in acts:
        if act is None:
            menu.addSeparator()
        else:
            menu.addAction(actions[act])
    return menu


def _transfer(task: Task) -> str:
    said = TRANSFERS[task.options.transfer][0]
    columns = {str(node.settings.get("follow_column", "")) for node in task.design.nodes if node.kind == "source"} - {""}
    named = ", ".join(f"“{column}”" for column in sorted(columns))
    return f"{said} {named}" if task.options.transfer == "incremental" and named else said


def _last_run(now: TaskNow, at: float) -> str:
    run = now.latest
    if run is None:
        return "Never"
    rows = f"{exact(run.rows_written)} rows written"
    return f"{now.when(at)}, {rows}" if run.state != "running" else f"Running {now.when(at)}, {rows}"
