"""When the parts of a run were read: one lane for each table run, time from left to right."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QHelpEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QScrollArea, QToolTip, QWidget

from dtaas_desktop.services.runs_view import PartRecord, TableRunRecord
from dtaas_desktop.ui.run_words import table_state
from dtaas_desktop.ui.theme import Theme, body_font, mono_font
from dtaas_desktop.ui.tokens import Tone
from dtaas_desktop.ui.words import clock, duration, exact, short

_LANE, _BAR, _HEAD = 24, 12, 24  # pixels
_NAMES = 190  # pixels at most for the names at the left
_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14_400, 28_800, 86_400)
_MARKS = 6


@dataclass(frozen=True, slots=True)
class Lane:
    """A table run's name, its tone, and its parts."""

    name: str
    tone: Tone
    parts: tuple[PartRecord, ...]


def lanes_of(tables: Sequence[TableRunRecord], parts: Sequence[PartRecord]) -> tuple[Lane, ...]:
    """A lane for each table run that began, in their order."""
    by_name: dict[str, list[PartRecord]] = {}
    for part in parts:
        by_name.setdefault(part.table_run, []).append(part)
    several = len({one.connection for one in tables}) > 1
    return tuple(
        Lane(
            f"{one.source_table} → {one.connection}" if several else one.source_table,
            "accent" if table_state(one)[1] == "quiet" else table_state(one)[1],
            tuple(by_name.get(one.name, ())),
        )
        for one in tables
        if one.state != "waiting" or one.name in by_name
    )


class Timeline(QScrollArea):
    """Scrolls when there are more lanes than room."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName("Timeline of the parts")
        self.lanes = _Lanes(theme)
        self.setWidget(self.lanes)

    def show_parts(
        self, tables: Sequence[TableRunRecord], parts: Sequence[PartRecord], began: float, ended: float, *, goes_on: bool = False
    ) -> None:
        """Show parts between two moments (seconds since 1970). `goes_on`: there may come more."""
        self.lanes.show_lanes(lanes_of(tables, parts), began, max(ended, began + 0.1), goes_on=goes_on)
        self.setAccessibleDescription(f"{len(parts)} parts of {len(tables)} table runs in {duration(ended - began)}")


class _Lanes(QWidget):
    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._lanes: tuple[Lane, ...] = ()
        self._began, self._ended, self._goes_on = 0.0, 1.0, True
        self.setMouseTracking(True)
        theme.changed.connect(self.update)

    def show_lanes(self, lanes: tuple[Lane, ...], began: float, ended: float, *, goes_on: bool) -> None:
        self._lanes, self._began, self._ended, self._goes_on = lanes, began, ended, goes_on
        self.setMinimumHeight(_HEAD + _LANE * len(lanes))
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802  Qt's name
        return QSize(400, _HEAD + _LANE * len(self._lanes))

    def part_at(self, x: float, y: float) -> PartRecord | None:
        """The part whose bar is there."""
        row = int((y - _HEAD) // _LANE)
        if y < _HEAD or row >= len(self._lanes):
            return None
        for part in reversed(self._lanes[row].parts):
            bar = self._bar(row, part)
            if bar.left() - 1 <= x <= bar.right() + 1:
                return part
        return None

    def place_of(self, part: PartRecord) -> QRectF:
        """Where a part's bar is."""
        row = next(at for at, lane in enumerate(self._lanes) if part in lane.parts)
        return self._bar(row, part)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            part = self.part_at(event.pos().x(), event.pos().y())
            if part is None:
                QToolTip.hideText()
            else:
                QToolTip.showText(event.globalPos(), part_words(part), self)
            return True
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if not self._lanes:
            painter.setFont(body_font())
            painter.setPen(QColor(self._theme.tokens.dim))
            painter.drawText(
                self.rect(), Qt.AlignmentFlag.AlignCenter, "Nothing is read yet." if self._goes_on else "Nothing was read."
            )
            painter.end()
            return
        self._paint_scale(painter)
        first = max(0, (event.rect().top() - _HEAD) // _LANE)
        last = min(len(self._lanes), (event.rect().bottom() - _HEAD) // _LANE + 1)
        for row in range(first, last):
            self._paint_lane(painter, row)
        painter.end()

    def _paint_scale(self, painter: QPainter) -> None:
        tokens = self._theme.tokens
        painter.setFont(body_font(11))
        span = self._ended - self._began
        step = next((step for step in _STEPS if span / step <= _MARKS), span / _MARKS)
        room = self._room()
        at = 0.0
        while at <= span:
            x = room.left() + at / span * room.width()
            painter.setPen(QColor(tokens.soft))
            painter.drawLine(int(x), _HEAD - 4, int(x), self.height())
            painter.setPen(QColor(tokens.faint))
            text = f"{at:g} s" if step < 60 else duration(at) if at else "0 s"
            if x + 40 < self.width():
                painter.drawText(int(x) + 3, _HEAD - 8, text)
            at += step

    def _paint_lane(self, painter: QPainter, row: int) -> None:
        tokens, lane = self._theme.tokens, self._lanes[row]
        top = _HEAD + row * _LANE
        painter.setFont(mono_font(11))
        painter.setPen(QColor(tokens.dim))
        room = self._room()
        names = QRectF(0, top, room.left() - 12, _LANE)
        name = painter.fontMetrics().elidedText(lane.name, Qt.TextElideMode.ElideMiddle, int(names.width()))
        painter.drawText(names, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, name)
        painter.setPen(Qt.PenStyle.NoPen)
        fill = QColor(tokens.ink(lane.tone))
        fill.setAlphaF(0.72)
        painter.setBrush(fill)
        for part in lane.parts:
            painter.drawRoundedRect(self._bar(row, part), 3, 3)

    def _room(self) -> QRectF:
        metrics = QFontMetrics(mono_font(11))
        longest = max((metrics.horizontalAdvance(lane.name) for lane in self._lanes), default=0)
        left = min(longest + 14, _NAMES, self.width() // 3)
        return QRectF(left, 0, max(40, self.width() - left - 14), self.height())

    def _bar(self, row: int, part: PartRecord) -> QRectF:
        room, span = self._room(), self._ended - self._began
        left = room.left() + (part.began_at - self._began) / span * room.width()
        right = room.left() + (part.ended_at - self._began) / span * room.width()
        return QRectF(left, _HEAD + row * _LANE + (_LANE - _BAR) / 2, max(3.0, right - left - 1), _BAR)


def part_words(part: PartRecord) -> str:
    """A part for a tooltip."""
    took = part.ended_at - part.began_at
    rate = f", {short(part.rows_read / took)} rows/s" if took > 0 else ""
    what = "Changes" if part.part == "changes" else f"Part {part.part}"
    return f"{what}\n{exact(part.rows_read)} rows in {duration(took)}{rate}\n{clock(part.began_at)} – {clock(part.ended_at)}"
