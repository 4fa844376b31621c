"""The first start: what there is to do in a workspace that is empty. And what comes after the sample."""

import time
from functools import partial

from PySide6.QtCore import QObject, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPainterPath, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from dtaas_desktop.domain.errors import AppError
from dtaas_desktop.domain.task import Task
from dtaas_desktop.services import sample
from dtaas_desktop.services.run_request import RunRequest
from dtaas_desktop.services.workspace import Workspace
from dtaas_desktop.ui.context import Context
from dtaas_desktop.ui.icons import icon
from dtaas_desktop.ui.theme import Theme, body_font
from dtaas_desktop.ui.tokens import Tone
from dtaas_desktop.ui.widgets import ButtonKind, Card, button, label, restyle


class SampleStart(QObject):
    """Installs what is missing of the sample and runs its first task. `began` tells the run; `failed` why there is none."""

    said = Signal(str)
    began = Signal(str)
    failed = Signal(object)

    def __init__(self, context: Context, parent: QObject) -> None:
        super().__init__(parent)
        self._context = context
        self._task: Task | None = None
        self._asked_at: float | None = None
        context.runs.changed.connect(self._look)
        context.runs.event.connect(self._hear)
        context.runs.failed.connect(self._give_up)

    @property
    def is_under_way(self) -> bool:
        return self._asked_at is not None

    def go(self) -> None:
        """Begin; nothing while it is under way."""
        if self.is_under_way:
            return
        self._task, self._asked_at = None, time.time()
        self.said.emit("Making a database of 336,776 flights …")
        self._context.background.submit(self, partial(_install, self._context.workspace), self._start, self._fail)

    def _start(self, found: tuple[Task, str | None]) -> None:
        self._task, running = found
        if running is not None:
            self._done(running)
            return
        self.said.emit("Starting …")
        self._context.runs.start(RunRequest(self._task.name, origin="window"))

    def _hear(self, task: str, event: dict[str, object]) -> None:
        if self._task is not None and task == self._task.uuid and event.get("event") == "RunStarted":
            self._done(str(event["run"]))

    def _look(self) -> None:
        if self._task is None or self._asked_at is None:
            return
        latest = self._context.runs.latest.get(self._task.uuid)
        if latest is not None and latest.started_at >= self._asked_at:  # it may be over already: it takes seconds
            self._done(latest.id)

    def _done(self, run: str) -> None:
        self._task = self._asked_at = None
        self.began.emit(run)

    def _give_up(self, task_name: str, error: AppError) -> None:
        if self._task is not None and task_name == self._task.name:
            self._fail(error)

    def _fail(self, error: AppError) -> None:
        self._task = self._asked_at = None
        self.failed.emit(error)


def _install(workspace: Workspace) -> tuple[Task, str | None]:
    """The sample's first task, there at last, and its run if it runs already."""
    task = sample.install(workspace)[0]
    running = [run.id for run in workspace.history.running() if run.task == task.uuid] if workspace.is_running(task.uuid) else []
    return task, running[0] if running else None


class FirstStart(QWidget):
    """Three ways to begin."""

    def __init__(self, context: Context, start: SampleStart) -> None:
        super().__init__()
        self._navigator, self._sample = context.navigator, start
        column = QVBoxLayout(self)
        column.setContentsMargins(32, 24, 32, 24)
        column.setSpacing(6)
        column.addStretch(2)
        column.addWidget(_centred("Move your first tables", "title"))
        column.addWidget(
            _centred("Say where rows come from and where they go; every run proves that none was lost or doubled.", "dim")
        )
        column.addSpacing(18)
        self._ways = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._ways.setSpacing(14)
        self._make_ways(context.theme)
        self._ways.setContentsMargins(0, 0, 0, 0)
        self._inside = QWidget()
        self._inside.setLayout(self._ways)
        column.addWidget(self._inside, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(3)
        self.try_sample.clicked.connect(self._sample.go)
        self.make_own.clicked.connect(self._make_own)
        self.open_file.clicked.connect(self._open_file)
        start.said.connect(self._show_step)
        start.began.connect(self._show_ready)
        start.failed.connect(self._show_failure)

    def _make_ways(self, theme: Theme) -> None:
        self.try_sample, sample_card = _way(
            theme,
            "start",
            "accent",
            "Try the sample",
            "336,776 real flights go from SQLite through a few transformations into Parquet, CSV and DuckDB. It takes seconds and needs no account.",
            "primary",
        )
        sample_card.body.insertWidget(3, SampleRoute(theme))
        self.state = label("", "dim", wrap=True)
        self.state.hide()
        sample_card.body.addWidget(self.state)
        self.make_own, own_card = _way(
            theme,
            "connections",
            "green",
            "Make your own",
            "Begin with a connection to a database you have. Then choose its tables and where they go.",
        )
        self.open_file, file_card = _way(
            theme,
            "log",
            "violet",
            "Open a task file",
            "Somebody gave you a task as a .json file: import it with the connections it names.",
        )
        others = QVBoxLayout()
        others.setSpacing(14)
        others.addWidget(own_card, 1)
        others.addWidget(file_card, 1)
        self._ways.addWidget(sample_card, 3)
        self._ways.addLayout(others, 2)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802  Qt's name
        super().resizeEvent(event)
        wide = self.width() >= 720
        self._ways.setDirection(QBoxLayout.Direction.LeftToRight if wide else QBoxLayout.Direction.TopToBottom)
        self._inside.setFixedWidth(min(860, self.width() - 64))

    def _make_own(self) -> None:
        self._navigator.go("connections", act="new")

    def _open_file(self) -> None:
        self._navigator.go("tasks", act="import")

    def _show_step(self, step: str) -> None:
        self.try_sample.setEnabled(False)
        self._tell(step, "")

    def _show_ready(self) -> None:
        self.try_sample.setEnabled(True)
        self.state.hide()

    def _show_failure(self, error: AppError) -> None:
        self.try_sample.setEnabled(True)
        self._tell(str(error), "red")

    def _tell(self, text: str, tone: str) -> None:
        restyle(self.state, tone=tone)
        self.state.setText(text)
        self.state.show()


class NextSteps(Card):
    """After the sample: its design is there to be changed, or it is time for tables of one's own."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._navigator = context.navigator
        self._task = ""
        row = QHBoxLayout()
        row.setSpacing(12)
        row.addWidget(Emblem(context.theme, "ok", "green"), 0, Qt.AlignmentFlag.AlignTop)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(label("The sample is done", "heading"))
        self._text = label("", "dim", wrap=True)
        words.addWidget(self._text)
        row.addLayout(words, 1)
        self.change, self.make_own = button("Change it"), button("Make your own")
        for one in (self.change, self.make_own):
            row.addWidget(one, 0, Qt.AlignmentFlag.AlignVCenter)
        self.body.addLayout(row)
        self.change.clicked.connect(self._change)
        self.make_own.clicked.connect(self._make_own)

    def show_done(self, task: Task, rows: int) -> None:
        """`rows`: how many the run of the sample's `task` wrote."""
        self._task = task.uuid
        self._text.setText(
            f"{rows:,} rows were written, each counted. Change the task and run it again, or connect a database of your own."
        )

    def _change(self) -> None:
        self._navigator.go("tasks", self._task, "edit")

    def _make_own(self) -> None:
        self._navigator.go("connections", act="new")


class Emblem(QWidget):
    """An icon on a square of its tone."""

    def __init__(self, theme: Theme, name: str, tone: Tone) -> None:
        super().__init__()
        self._theme, self._name, self._tone = theme, name, tone
        self.setFixedSize(36, 36)
        theme.changed.connect(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        tokens = self._theme.tokens
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(tokens.fill(self._tone)))
        painter.drawRoundedRect(QRectF(self.rect()), 9, 9)
        icon(self._name, tokens.ink(self._tone)).paint(painter, self.rect().adjusted(8, 8, -8, -8))
        painter.end()


class SampleRoute(QWidget):
    """The sample in one picture: a source, what happens on the way, three destinations."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.setFont(body_font(12, body_font().Weight.Medium))
        self.setMinimumSize(300, 132)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("From SQLite through transformations into Parquet, CSV and DuckDB")
        theme.changed.connect(self.update)

    def sizeHint(self) -> QSize:  # noqa: N802
        return QSize(440, 132)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        room = QRectF(self.rect()).adjusted(1, 8, -1, -8)
        width, middle = min(118.0, room.width() * 0.28), room.center().y()
        source = QRectF(room.left(), middle - 15, width, 30)
        steps = QRectF(room.center().x() - width / 2, middle - 15, width, 30)
        ends = [QRectF(room.right() - width, room.top() + at * 43, width, 30) for at in range(3)]
        self._link(painter, source, steps)
        for end in ends:
            self._link(painter, steps, end)
        self._node(painter, source, "SQLite", "accent")
        self._node(painter, steps, "Transform", "violet")
        for end, name in zip(ends, ("Parquet", "CSV", "DuckDB"), strict=True):
            self._node(painter, end, name, "green")
        painter.end()

    def _link(self, painter: QPainter, one: QRectF, other: QRectF) -> None:
        begin, end = QPointF(one.right(), one.center().y()), QPointF(other.left(), other.center().y())
        bend = (end.x() - begin.x()) / 2
        path = QPainterPath(begin)
        path.cubicTo(begin + QPointF(bend, 0), end - QPointF(bend, 0), end)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(self._theme.tokens.faint), 1.5))
        painter.drawPath(path)

    def _node(self, painter: QPainter, box: QRectF, text: str, tone: Tone) -> None:
        tokens = self._theme.tokens
        painter.setPen(QPen(QColor(tokens.line), 1))
        painter.setBrush(QColor(tokens.raised))
        painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 8, 8)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(tokens.ink(tone)))
        painter.drawEllipse(QPointF(box.left() + 14, box.center().y()), 3.5, 3.5)
        painter.setPen(QColor(tokens.text))
        shown = QFontMetricsF(self.font()).elidedText(text, Qt.TextElideMode.ElideRight, box.width() - 32)
        painter.drawText(box.adjusted(25, 0, -6, 0), Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, shown)


def _way(theme: Theme, mark: str, tone: Tone, heading: str, text: str, kind: ButtonKind = "normal") -> tuple[QPushButton, Card]:
    card = Card()
    card.body.setContentsMargins(18, 18, 18, 18)
    head = QHBoxLayout()
    head.setSpacing(12)
    head.addWidget(Emblem(theme, mark, tone))
    head.addWidget(label(heading, "title"), 1)
    card.body.addLayout(head)
    card.body.addWidget(label(text, "dim", wrap=True))
    card.body.addSpacing(6)
    card.body.addStretch(1)
    press = button(heading, kind)
    card.body.addWidget(press, 0, Qt.AlignmentFlag.AlignLeft)
    return press, card


def _centred(text: str, role: str) -> QLabel:
    made = label(text, "title" if role == "title" else "dim", wrap=True)
    made.setAlignment(Qt.AlignmentFlag.AlignHCenter)
    return made
