"""A sentence that shows for a moment at the bottom of the window."""

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QAccessible, QAccessibleEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QWidget

from dtaas_desktop.ui.icons import icon
from dtaas_desktop.ui.theme import Theme
from dtaas_desktop.ui.tokens import Tone
from dtaas_desktop.ui.widgets import IconButton, label, restyle

SHOWN_MILLISECONDS = 4000
PER_LETTER_MILLISECONDS = 40
_BESIDE = 14 + 18 + 10 + 10 + 34 + 8  # the mark, the button and the room between
_MARKS: dict[Tone, str] = {"green": "ok", "red": "error", "amber": "warning"}


class Toast(QFrame):
    """One at a time: a new sentence takes the place of the old one. Long ones stay longer."""

    def __init__(self, theme: Theme, window: QWidget) -> None:
        super().__init__(window)
        self._theme = theme
        self.setProperty("role", "toast")
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 6, 6, 6)
        row.setSpacing(10)
        self._mark, self.text = label(), label("", wrap=True)
        close = IconButton("close", "Close this message", theme)
        close.setFixedWidth(34)
        close.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        close.clicked.connect(self.hide)
        row.addWidget(self._mark)
        row.addWidget(self.text, 1)
        row.addWidget(close)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.hide)
        window.installEventFilter(self)
        self.hide()

    def say(self, sentence: str, tone: Tone = "quiet") -> None:
        """Show the sentence, with the mark of its tone."""
        self.text.setText(sentence)
        mark = _MARKS.get(tone, "info")
        self._mark.setPixmap(icon(mark, self._theme.tokens.ink(tone)).pixmap(18, 18))
        restyle(self, tone=tone)
        self.setAccessibleName(sentence)
        self._place()
        self.show()
        self.raise_()
        self._timer.start(SHOWN_MILLISECONDS + PER_LETTER_MILLISECONDS * len(sentence))
        QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.Alert))

    def hideEvent(self, event: QEvent) -> None:  # noqa: N802  Qt's name
        self._timer.stop()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        if event.type() == QEvent.Type.Resize and self.isVisible():
            self._place()
        return False

    def _place(self) -> None:
        room = self.parentWidget()
        assert room is not None
        self.text.ensurePolished()
        one_line = self.text.fontMetrics().horizontalAdvance(self.text.text()) + _BESIDE + 8
        width = min(560, room.width() - 40, one_line)
        self.setFixedWidth(width)
        height = max(46, self.text.heightForWidth(width - _BESIDE) + 24)
        self.setFixedHeight(height)
        self.move((room.width() - width) // 2, room.height() - height - 20)
