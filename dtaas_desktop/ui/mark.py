"""The application's mark: a rounded square from the accent to the violet of the theme."""

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QLinearGradient, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QWidget

from dtaas_desktop.ui.theme import Theme
from dtaas_desktop.ui.tokens import LIGHT, Tokens


class Mark(QWidget):
    """The mark, 18 pixels wide and high."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.setFixedSize(18, 18)
        theme.changed.connect(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802  Qt's name
        painter = QPainter(self)
        _paint(painter, QRectF(self.rect()), self._theme.tokens)
        painter.end()


def window_icon() -> QIcon:
    """The mark for the title bar and the task bar, in sizes from 16 to 256."""
    found = QIcon()
    for size in (16, 24, 32, 48, 64, 128, 256):
        drawn = QPixmap(size, size)
        drawn.fill(Qt.GlobalColor.transparent)
        painter = QPainter(drawn)
        _paint(painter, QRectF(0, 0, size, size).adjusted(size / 16, size / 16, -size / 16, -size / 16), LIGHT)
        painter.end()
        found.addPixmap(drawn)
    return found


def _paint(painter: QPainter, room: QRectF, tokens: Tokens) -> None:
    colours = QLinearGradient(room.topLeft(), room.bottomRight())
    colours.setColorAt(0, QColor(tokens.accent))
    colours.setColorAt(1, QColor(tokens.violet))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colours)
    painter.drawRoundedRect(room, room.width() * 0.28, room.width() * 0.28)
