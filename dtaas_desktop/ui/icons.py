"""Icons by their meaning, drawn from the Phosphor font that qtawesome carries, in a colour of the theme."""

import json
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QIcon, QIconEngine, QPainter, QPixmap

# What the application means by each, and Phosphor's name for it.
NAMES = {
    "dashboard": "squares-four",
    "tasks": "tree-structure",
    "connections": "database",
    "runs": "clock",
    "settings": "gear",
    "search": "magnifying-glass",
    "run": "play",
    "pause": "pause",
    "cancel": "stop",
    "close": "x",
    "ok": "check",
    "warning": "warning",
    "error": "warning-circle",
    "again": "arrow-clockwise",
    "open": "folder-open",
    "copy": "copy",
    "add": "plus",
    "delete": "trash",
    "edit": "pencil-simple",
    "more": "dots-three",
    "help": "question",
    "info": "info",
    "back": "arrow-left",
    "table": "table",
    "key": "key",
    "follow": "lightning",
    "schedule": "hourglass",
    "log": "file-text",
    "dark": "moon",
    "light": "sun",
    "filter": "funnel",
    "down": "caret-down",
    "right": "caret-right",
    "start": "rocket-launch",
    "keyboard": "keyboard",
    "chart": "chart-line",
    "external": "arrow-square-out",
    "show": "eye",
    "hide": "eye-slash",
    "sidebar": "layout",
    "book": "book-open",
}


def icon(name: str, colour: str) -> QIcon:
    """The icon of this meaning (a key of NAMES) in a colour #rrggbb; KeyError for others."""
    letter = _letters()[NAMES[name]]
    return QIcon(_Glyph(chr(int(letter, 16)), colour))


class _Glyph(QIconEngine):
    """One letter of the font of icons, sharp in any size."""

    def __init__(self, letter: str, colour: str) -> None:
        super().__init__()
        self._letter, self._colour = letter, colour

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        font = QFont(_family())
        font.setPixelSize(round(rect.height() * 0.9))
        painter.save()
        painter.setFont(font)
        painter.setPen(QColor(self._colour))
        if mode == QIcon.Mode.Disabled:
            painter.setOpacity(0.45)
        painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, self._letter)
        painter.restore()

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        drawn = QPixmap(size)
        drawn.fill(Qt.GlobalColor.transparent)
        painter = QPainter(drawn)
        self.paint(painter, QRect(QPoint(0, 0), size), mode, state)
        painter.end()
        return drawn

    def clone(self) -> QIconEngine:
        return _Glyph(self._letter, self._colour)


@cache
def _letters() -> dict[str, str]:
    """The letters of Phosphor by their names, as hexadecimal numbers."""
    found: dict[str, str] = json.loads(next(_folder().glob("phosphor-charmap-*.json")).read_text(encoding="utf-8"))
    return found


@cache
def _family() -> str:
    number = QFontDatabase.addApplicationFont(str(next(_folder().glob("phosphor-[0-9]*.ttf"))))
    return QFontDatabase.applicationFontFamilies(number)[0]


def _folder() -> Path:
    # Only the files of the package are wanted: its code loads eight fonts and half of Qt, a third of the window's start.
    spec = find_spec("qtawesome")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return Path(spec.submodule_search_locations[0]) / "fonts"
