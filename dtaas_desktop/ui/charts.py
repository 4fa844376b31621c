"""Charts: a drawing with its legend, read by mouse, by the arrow keys and by screen readers."""

from bisect import bisect_left
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from dtaas_desktop.ui.drawings import Drawing, Ink, Mark, Name, Reading, bar_colour, ink_colour
from dtaas_desktop.ui.theme import Theme, body_font
from dtaas_desktop.ui.widgets import label

if TYPE_CHECKING:
    from dtaas_desktop.ui.plot import Canvas

_ENTRY_GAP, _ENTRY_HEIGHT, _MARK_WIDTH = 18, 20, 17


class Chart(QWidget):
    """One chart. Nothing is drawn before it is first seen; what has not changed is not drawn again."""

    def __init__(self, theme: Theme, name: str, *, height: int = 210) -> None:
        super().__init__()
        self._theme = theme
        self._drawing: Drawing | None = None
        self._drawn: Drawing | None = None
        self._canvas: Canvas | None = None
        self._stop: int | None = None
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        self._stage = QWidget()
        self._stage.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._stage.setFixedHeight(height)
        room = QVBoxLayout(self._stage)
        room.setContentsMargins(0, 0, 0, 0)
        self.legend = Legend(theme)
        column.addWidget(self._stage)
        column.addWidget(self.legend)
        column.addStretch(1)
        self._note = label("", "faint")
        self._note.setParent(self._stage)
        self._note.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._pointer = _Pointer(theme, self)
        theme.changed.connect(self._repaint)

    @property
    def drawing(self) -> Drawing | None:
        """What it shows."""
        return self._drawing

    @property
    def reading(self) -> Reading | None:
        """The figures where the pointer stands, by mouse or arrow keys."""
        return None if self._stop is None or self._drawing is None else self._drawing.read(self._stop)

    def show_drawing(self, drawing: Drawing) -> None:
        self._drawing = drawing
        self.setAccessibleDescription(drawing.summary)
        if self.isVisible():
            self._draw()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802  Qt's name
        super().showEvent(event)
        self._draw()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        self._pointer.setGeometry(self.rect())
        self._note.setGeometry(self._stage.rect())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if self._canvas is not None and self._drawing is not None:
            place = event.position()
            inside = self._canvas.room.adjusted(-6, 0, 6, 0).contains(place)
            self._point_at(self._nearest(self._canvas.x(place.x())) if inside else None)

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802
        super().leaveEvent(event)
        self._point_at(None)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        last = len(self._drawing.stops) - 1 if self._drawing is not None else -1
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
        if event.key() in steps and last >= 0:
            now = self._stop if self._stop is not None else last + 1 if event.key() == Qt.Key.Key_Left else -1
            self._point_at(max(0, min(last, now + steps[Qt.Key(event.key())])))
        elif event.key() in (Qt.Key.Key_Home, Qt.Key.Key_End) and last >= 0:
            self._point_at(0 if event.key() == Qt.Key.Key_Home else last)
        elif event.key() == Qt.Key.Key_Escape and self._stop is not None:
            self._point_at(None)
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QEvent) -> None:  # noqa: N802
        self._pointer.update()

    def focusOutEvent(self, event: QEvent) -> None:  # noqa: N802
        self._point_at(None)
        self._pointer.update()

    def _draw(self) -> None:
        if self._drawing is None or self._drawing == self._drawn:
            return
        if self._canvas is None:
            from dtaas_desktop.ui.plot import Canvas

            self._canvas = Canvas(self._stage)
            room = self._stage.layout()
            assert room is not None
            room.addWidget(self._canvas.widget)
            self._note.raise_()
        self._canvas.show(self._drawing, self._theme.tokens)
        self._note.setText(self._drawing.note)
        self.legend.show_names(self._drawing.names)
        self._drawn = self._drawing
        stops = len(self._drawing.stops)
        self._point_at(None if self._stop is None or not stops else min(self._stop, stops - 1))

    def _repaint(self) -> None:
        self._drawn = None
        if self.isVisible():
            self._draw()

    def _nearest(self, x: float) -> int | None:
        assert self._drawing is not None
        stops = self._drawing.stops
        if not stops:
            return None
        after = bisect_left(stops, x)
        near = [at for at in (after - 1, after) if 0 <= at < len(stops)]
        return min(near, key=lambda at: abs(stops[at] - x))

    def _point_at(self, stop: int | None) -> None:
        self._stop = stop
        if self._drawing is None or self._canvas is None:
            return
        reading = self.reading
        self.setAccessibleDescription(self._drawing.summary if reading is None else reading.words)
        if reading is None or stop is None:
            self._pointer.show_reading(None, 0.0, QRectF())
        else:
            self._pointer.show_reading(reading, self._canvas.pixel(self._drawing.stops[stop]), self._canvas.room)


class _Pointer(QWidget):
    """The upright line and the figures beside it, above a chart; and the ring while the chart has the focus."""

    def __init__(self, theme: Theme, chart: QWidget) -> None:
        super().__init__(chart)
        self._theme, self._chart = theme, chart
        self._reading: Reading | None = None
        self._x, self._room = 0.0, QRectF()
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFont(body_font(12))

    def show_reading(self, reading: Reading | None, x: float, room: QRectF) -> None:
        if (reading, x, room) != (self._reading, self._x, self._room):
            self._reading, self._x, self._room = reading, x, room
            self.raise_()
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        focused = self._chart.hasFocus()
        if self._reading is None and not focused:
            return
        tokens = self._theme.tokens
        painter = QPainter(self)
        if focused:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(QColor(tokens.accent), 1))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        if self._reading is not None:
            painter.setPen(QPen(QColor(tokens.faint), 1))
            painter.drawLine(QPointF(self._x, self._room.top()), QPointF(self._x, self._room.bottom()))
            self._paint_figures(painter, self._reading)
        painter.end()

    def _paint_figures(self, painter: QPainter, reading: Reading) -> None:
        tokens, metrics = self._theme.tokens, QFontMetricsF(self.font())
        most = max(120.0, self._room.width() * 0.4)
        names = [metrics.elidedText(name, Qt.TextElideMode.ElideRight, most) for _, name, _ in reading.values]
        name_width = max((metrics.horizontalAdvance(name) for name in names), default=0.0)
        value_width = max((metrics.horizontalAdvance(value) for _, _, value in reading.values), default=0.0)
        width = max(metrics.horizontalAdvance(reading.title), 16 + name_width + 16 + value_width) + 20
        left = self._x + 10 if self._x + 10 + width <= self.width() else self._x - 10 - width
        box = QRectF(max(0.0, left), self._room.top(), width, 18.0 * (len(names) + 1) + 12)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(tokens.line), 1))
        painter.setBrush(QColor(tokens.raised))
        painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 7, 7)
        line = QRectF(box.left() + 10, box.top() + 6, width - 20, 18)
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.setPen(QColor(tokens.dim))
        painter.drawText(line, middle | Qt.AlignmentFlag.AlignLeft, reading.title)
        for name, (ink, _, value) in zip(names, reading.values, strict=True):
            line.translate(0, 18)
            _paint_mark(painter, QPointF(line.left(), line.center().y()), ink, "bar", self._theme)
            painter.setPen(QColor(tokens.text))
            painter.drawText(line.adjusted(16, 0, 0, 0), middle | Qt.AlignmentFlag.AlignLeft, name)
            painter.drawText(line, middle | Qt.AlignmentFlag.AlignRight, value)


class Legend(QWidget):
    """The names of a chart with their marks, in as many lines as they need."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._names: tuple[Name, ...] = ()
        self.setFont(body_font(12))
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def show_names(self, names: tuple[Name, ...]) -> None:
        if names != self._names:
            self._names = names
            self.updateGeometry()
        self.update()

    def hasHeightForWidth(self) -> bool:  # noqa: N802
        return True

    def heightForWidth(self, width: int) -> int:  # noqa: N802
        return int(max((top for _, _, top in self._places(width)), default=0.0)) + _ENTRY_HEIGHT

    def sizeHint(self) -> QSize:  # noqa: N802
        return QSize(200, self.heightForWidth(max(200, self.width())))

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        return QSize(80, _ENTRY_HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        metrics = QFontMetricsF(self.font())
        for name, left, top in self._places(self.width()):
            _paint_mark(painter, QPointF(left, top + _ENTRY_HEIGHT / 2), name.ink, name.mark, self._theme)
            painter.setPen(QColor(self._theme.tokens.dim))
            text = metrics.elidedText(name.text, Qt.TextElideMode.ElideRight, self._longest(self.width()))
            room = QRectF(left + _MARK_WIDTH, top, self.width() - left - _MARK_WIDTH, _ENTRY_HEIGHT)
            painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)
        painter.end()

    def _places(self, width: int) -> list[tuple[Name, float, float]]:
        """Each name with its left and top."""
        metrics = QFontMetricsF(self.font())
        found, left, top = [], 0.0, 0.0
        for name in self._names:
            needed = _MARK_WIDTH + min(metrics.horizontalAdvance(name.text), self._longest(width)) + 1
            if left and left + needed > width:
                left, top = 0.0, top + _ENTRY_HEIGHT
            found.append((name, left, top))
            left += needed + _ENTRY_GAP
        return found

    def _longest(self, width: int) -> float:
        return min(180.0, float(width - _MARK_WIDTH))


def _paint_mark(painter: QPainter, at: QPointF, ink: Ink, mark: Mark, theme: Theme) -> None:
    """A line, a square or a dot, its left middle at `at`."""
    colour = QColor((bar_colour if mark == "bar" else ink_colour)(ink, theme.tokens))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    if mark == "line":
        painter.drawRect(QRectF(at.x(), at.y() - 1, 11, 2))
    elif mark == "bar":
        painter.drawRoundedRect(QRectF(at.x() + 1, at.y() - 4, 8, 8), 2, 2)
    else:
        painter.drawEllipse(QPointF(at.x() + 5, at.y()), 3.5, 3.5)
