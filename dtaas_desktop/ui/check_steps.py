"""The steps of a test, shown one by one as they are done, each with what to do if it failed."""

import threading
from collections.abc import Callable, Iterator, Mapping
from functools import partial

from PySide6.QtCore import QObject, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from dtaas_desktop.domain.connection import CheckStep
from dtaas_desktop.domain.errors import AppError
from dtaas_desktop.ui.background import Background
from dtaas_desktop.ui.flow import Flow
from dtaas_desktop.ui.forms import Form
from dtaas_desktop.ui.icons import icon
from dtaas_desktop.ui.theme import Theme
from dtaas_desktop.ui.tokens import Tone
from dtaas_desktop.ui.widgets import button, label, restyle, take_out

_LONGEST_LINE = 62  # letters of what was tried and what came of it, on one line


class CheckSteps(QWidget):
    """Runs tests in the background, one at a time. `ended`: whether every step went well, once the last has arrived.

    A test that is stopped says nothing more; what it was just doing may take until its own time limit. With a form, a step that
    failed has buttons that lead to its fields.
    """

    ended = Signal(bool)

    def __init__(self, theme: Theme, background: Background, form: Form | None = None) -> None:
        super().__init__()
        self._form = form
        self._theme, self._background = theme, background
        self._turn = 0
        self._stop = threading.Event()
        self.steps: list[CheckStep] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(8)
        self._waiting = _StepRow(theme, "quiet", "…", "Testing …")
        self._waiting.hide()
        self._column.addWidget(self._waiting)

    @property
    def is_running(self) -> bool:
        return not self._waiting.isHidden()

    def start(self, steps: Callable[[], Iterator[CheckStep]]) -> None:
        """Begin a test; one that is under way is dropped."""
        self.clear()
        self._waiting.show()
        turn, stop = self._turn, self._stop
        relay = _Relay()
        relay.step.connect(self._take)
        self._background.submit(self, lambda: _all_well(steps, turn, stop, relay), self._finish, self._fail)

    def clear(self) -> None:
        """Stop, and show nothing."""
        self._stop.set()
        self._stop = threading.Event()
        self._turn += 1
        self._waiting.hide()
        self.steps = []
        for row in self._rows():
            take_out(row)

    def fade(self, faded: bool) -> None:
        """Show the steps as those of other settings than the ones at hand."""
        for row in self._rows():
            row.fade(faded)

    def _rows(self) -> list["_StepRow"]:
        return [one for one in self.findChildren(_StepRow) if one is not self._waiting]

    def _take(self, turn: int, step: CheckStep) -> None:
        if turn != self._turn:
            return
        self.steps.append(step)
        row = _row(self._theme, step)
        if self._form is not None and not step.ok:
            meant = self._form.fields_meant(step.fields, step.remedy)
            row.lead_to({title: partial(self._form.focus_field, name) for name, title in meant})
        self._column.insertWidget(self._column.count() - 1, row)
        row.show()

    def _finish(self, result: tuple[int, bool]) -> None:
        turn, well = result
        if turn == self._turn and self.is_running:
            self._waiting.hide()
            self.ended.emit(well)

    def _fail(self, error: AppError) -> None:
        if self.is_running:
            self._take(self._turn, CheckStep("The test could go on", False, error.message, error.remedy))
            self._finish((self._turn, False))


class _Relay(QObject):
    """Carries steps from the thread of the test; lives as long as that needs it."""

    step = Signal(int, object)


def _all_well(steps: Callable[[], Iterator[CheckStep]], turn: int, stop: threading.Event, relay: _Relay) -> tuple[int, bool]:
    well = True
    for step in steps():
        if stop.is_set():
            break
        well = well and step.ok
        relay.step.emit(turn, step)
    return turn, well


def _row(theme: Theme, step: CheckStep) -> "_StepRow":
    if step.ok:
        return _StepRow(theme, "green", "ok", step.title, step.detail, spoken=f"{step.title}, done. {step.detail}")
    # What went wrong is the heading, if it is told in a sentence; what was tried says less then.
    told = step.detail.endswith(".")
    heading, text = (step.detail, step.remedy) if told else (step.title, " ".join(filter(None, (step.detail, step.remedy))))
    return _StepRow(theme, "red", "close", heading, text, spoken=f"{step.title}, failed. {step.detail} {step.remedy}")


class _StepRow(QWidget):
    def __init__(self, theme: Theme, tone: Tone, mark: str, title: str, text: str = "", *, spoken: str = "") -> None:
        super().__init__()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(10)
        self._mark = _Mark(theme, tone, mark)
        row.addWidget(self._mark, 0, Qt.AlignmentFlag.AlignTop)
        beside = tone == "green" and len(title) + len(text) <= _LONGEST_LINE
        texts = QVBoxLayout()
        texts.setSpacing(1)
        self._title = label(title, "faint" if tone == "quiet" else "heading" if tone == "red" else "body", wrap=not beside)
        self._role = self._title.property("role")
        told = QHBoxLayout()
        told.setSpacing(10)
        told.addWidget(self._title)
        texts.addLayout(told)
        if text:
            (told if beside else texts).addWidget(label(text, "dim", wrap=True), 1)
        self._texts = texts
        row.addLayout(texts, 1)
        self.setAccessibleName((spoken or title).strip())
        self.setToolTip(spoken if tone == "red" else "")

    def lead_to(self, fields: Mapping[str, Callable[[], None]]) -> None:
        """Buttons to the fields where it can be mended, by their titles."""
        ways = []
        for title, go in fields.items():
            made = button(f"Go to “{title}”")
            made.clicked.connect(go)
            ways.append(made)
        if ways:
            self._texts.addSpacing(4)
            self._texts.addWidget(Flow(ways, gap=8))

    def fade(self, faded: bool) -> None:
        self._mark.fade(faded)
        restyle(self._title, role="dim" if faded else self._role)


class _Mark(QWidget):
    """A small disc with a tick, a cross or a dot."""

    def __init__(self, theme: Theme, tone: Tone, mark: str) -> None:
        super().__init__()
        self._theme, self._tone, self._mark = theme, tone, mark
        self._faded = False
        self.setFixedSize(18, 18)
        theme.changed.connect(self.update)

    def fade(self, faded: bool) -> None:
        self._faded = faded
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802  Qt's name
        tone: Tone = "quiet" if self._faded else self._tone
        ink, fill = self._theme.tokens.ink(tone), self._theme.tokens.fill(tone)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(fill))
        painter.drawEllipse(QRectF(self.rect()))
        if self._mark == "…":
            painter.setBrush(QColor(ink))
            painter.drawEllipse(QRectF(7.5, 7.5, 3, 3))
        else:
            icon(self._mark, ink).paint(painter, self.rect().adjusted(3, 3, -3, -3))
        painter.end()
