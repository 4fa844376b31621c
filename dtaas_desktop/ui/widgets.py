"""The small parts that pages are made of: cards, pills, buttons, bars, sparklines."""

from collections.abc import Sequence
from typing import Literal

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent, QPen, QPolygonF, QTextLayout, QTextOption
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from dtaas_desktop.ui.icons import icon
from dtaas_desktop.ui.theme import Theme, body_font
from dtaas_desktop.ui.tokens import Tone

ButtonKind = Literal["normal", "primary", "quiet", "danger", "link"]
TextRole = Literal["body", "title", "heading", "figure", "dim", "faint", "label", "mono"]


def label(text: str = "", role: TextRole = "body", *, wrap: bool = False) -> QLabel:
    """A text of one of the few sizes and colours there are; plain text, never markup."""
    made = WrappedLabel(text) if wrap else QLabel(text)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setProperty("role", role)
    made.setWordWrap(wrap)
    if wrap:
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        made.setSizePolicy(policy)
    return made


class WrappedLabel(QLabel):
    """A text of several lines with the leading of a page, 18 px for 13; centred texts have lines of about one length."""

    _LEADING = 18 / 13
    _most = 1000

    def show_at_most(self, lines: int) -> None:
        """End in “…” where there are more lines; the whole text is then its tooltip."""
        self._most = lines

    def hasHeightForWidth(self) -> bool:  # noqa: N802  Qt's name
        return True

    def heightForWidth(self, width: int) -> int:  # noqa: N802
        if self._selectable:
            return super().heightForWidth(width)
        sides = self.contentsMargins()
        lines = self._lines(width - sides.left() - sides.right())
        return len(lines) * self._leading + sides.top() + sides.bottom()

    def sizeHint(self) -> QSize:  # noqa: N802
        """One line a paragraph: what more is needed depends on the width, and the layout asks for it."""
        return QSize(super().sizeHint().width(), self._leading * (self.text().count("\n") + 1))

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        return QSize(super().minimumSizeHint().width(), self._leading)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        if self._selectable:
            super().paintEvent(event)
            return
        room, lines = self.contentsRect(), self._lines(self.contentsRect().width())
        top = room.top()
        if self.alignment() & Qt.AlignmentFlag.AlignVCenter:
            top += max(0, (room.height() - len(lines) * self._leading) // 2)
        side = self.alignment() & Qt.AlignmentFlag.AlignHorizontal_Mask
        painter = QPainter(self)
        painter.setPen(self.palette().color(self.foregroundRole()))
        for at, line in enumerate(lines):
            place = QRect(room.left(), top + at * self._leading, room.width(), self._leading)
            painter.drawText(place, side | Qt.AlignmentFlag.AlignVCenter, line)
        painter.end()

    @property
    def _leading(self) -> int:
        return round(self.fontInfo().pixelSize() * self._LEADING)

    @property
    def _selectable(self) -> bool:
        return bool(self.textInteractionFlags() & Qt.TextInteractionFlag.TextSelectableByMouse)

    def _lines(self, width: int) -> list[str]:
        lines = _wrapped(self.text(), self.font(), width)
        if len(lines) > 1 and self.alignment() & Qt.AlignmentFlag.AlignHCenter:
            least = next(w for w in range(width // 2, width + 8, 8) if len(_wrapped(self.text(), self.font(), w)) == len(lines))
            return _wrapped(self.text(), self.font(), least)
        if len(lines) > self._most:
            rest = " ".join(lines[self._most - 1 :])
            lines = [*lines[: self._most - 1], self.fontMetrics().elidedText(rest, Qt.TextElideMode.ElideRight, max(1, width))]
            self.setToolTip(self.text())
        return lines


def _wrapped(text: str, font: QFont, width: int) -> list[str]:
    """The lines of a text in `width` pixels; a word that is wider is broken anywhere."""
    found = []
    for paragraph in text.split("\n"):
        layout = QTextLayout(paragraph, font)
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        layout.setTextOption(option)
        layout.beginLayout()
        while (line := layout.createLine()).isValid():
            line.setLineWidth(max(1, width))
            found.append(paragraph[line.textStart() : line.textStart() + line.textLength()].rstrip())
        layout.endLayout()
    return found or [""]


class ElidedLabel(QLabel):
    """A text on one line that ends in “…” where it has no room; the whole of it is then its tooltip."""

    def __init__(self, text: str, role: TextRole) -> None:
        super().__init__(text)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setProperty("role", role)

    def minimumSizeHint(self) -> QSize:  # noqa: N802  Qt's name
        return QSize(48, super().minimumSizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        shown = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, self.width())
        self.setToolTip(self.text() if shown != self.text() else "")
        painter = QPainter(self)
        side = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        self.style().drawItemText(painter, self.rect(), int(side), self.palette(), True, shown, self.foregroundRole())
        painter.end()


def button(text: str, kind: ButtonKind = "normal", *, tip: str = "") -> QPushButton:
    """A push button; `text` is also its name for screen readers. Space and Enter press it."""
    made = QPushButton(text)
    made.setAutoDefault(True)  # outside of dialogs, too, Enter presses only such
    made.setProperty("kind", kind)
    made.setCursor(Qt.CursorShape.PointingHandCursor)
    if tip:
        made.setToolTip(tip)
    return made


class IconButton(QPushButton):
    """A quiet button with an icon (icons.NAMES) only; `says` is its tooltip and its name for screen readers."""

    def __init__(self, name: str, says: str, theme: Theme) -> None:
        super().__init__()
        self._icon, self._theme = name, theme
        self.setAutoDefault(True)
        self.setProperty("kind", "quiet")
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setToolTip(says)
        self.setAccessibleName(says)
        self.setIconSize(QSize(18, 18))
        self._paint()
        theme.changed.connect(self._paint)

    def _paint(self) -> None:
        self.setIcon(icon(self._icon, self._theme.tokens.dim))


def restyle(widget: QWidget, **properties: object) -> None:
    """Set properties that the style sheet looks at, and have it look again."""
    for name, value in properties.items():
        widget.setProperty(name, value)
    widget.style().unpolish(widget)
    widget.style().polish(widget)


def take_out(widget: QWidget) -> None:
    """Remove a widget from its window for good, also one that was put there only now.

    A layout shows what is added to it later, from the event loop: one that has left its parent by then would be shown as a
    window of its own, and take the keyboard. What was hidden by a call stays hidden.
    """
    widget.hide()
    widget.setParent(None)
    widget.deleteLater()


def fit_height(dialog: QWidget, width: int) -> None:
    """Give a dialog that is not shown yet this width, and the height that its wrapped texts need at it."""
    for widget in (dialog, *dialog.findChildren(QWidget)):
        widget.ensurePolished()  # before that, texts have another font, and so another height
    rows = dialog.layout()
    assert rows is not None
    rows.invalidate()
    dialog.resize(width, rows.totalHeightForWidth(width))


class Card(QFrame):
    """A panel with a border, an optional heading, and room for whatever belongs together."""

    def __init__(self, heading: str = "", *, role: Literal["card", "raised"] = "card") -> None:
        super().__init__()
        self.setProperty("role", role)
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(16, 14, 16, 16)
        self.body.setSpacing(8)
        self.top = QHBoxLayout()
        self.heading = label(heading, "heading")
        if heading:
            self.top.addWidget(self.heading)
            self.top.addStretch(1)
            self.body.addLayout(self.top)


class SearchCard(Card):
    """A card around a list, with the field that searches it and how many there are over it."""

    def __init__(self, search: QWidget, count: QLabel) -> None:
        super().__init__()
        self.body.setContentsMargins(5, 12, 5, 5)
        self.top.setContentsMargins(9, 0, 9, 0)
        self.top.addWidget(search, 1)
        self.top.addStretch(1)
        self.top.addWidget(count)
        self.body.addLayout(self.top)


class Rule(QFrame):
    """A thin line between things."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "rule")


class Pill(QWidget):
    """A state in a word: a dot and a text on the fill of its tone."""

    def __init__(self, theme: Theme, text: str = "", tone: Tone = "quiet") -> None:
        super().__init__()
        self._theme, self._text, self._tone = theme, text, tone
        self.setFont(body_font(12, body_font().Weight.DemiBold))
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(text)
        theme.changed.connect(self.update)

    @property
    def text(self) -> str:
        return self._text

    def show_state(self, text: str, tone: Tone) -> None:
        self._text, self._tone = text, tone
        self.setAccessibleName(text)
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802  Qt's name
        return QSize(self.fontMetrics().horizontalAdvance(self._text) + 32, 22)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        painter = QPainter(self)
        paint_pill(painter, QRectF(self.rect()), self._text, self._tone, self._theme)
        painter.end()


def paint_pill(painter: QPainter, room: QRectF, text: str, tone: Tone, theme: Theme, *, on_soft: bool = False) -> None:
    """A pill at the left of `room`, centred upright; the painter's font is used. `on_soft`: what is behind it is of the quiet fill."""
    width = min(room.width(), painter.fontMetrics().horizontalAdvance(text) + 32)
    box = QRectF(room.left(), room.center().y() - 11, width, 22)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(theme.tokens.line if on_soft and tone == "quiet" else theme.tokens.fill(tone)))
    painter.drawRoundedRect(box, 11, 11)
    painter.setBrush(QColor(theme.tokens.ink(tone)))
    painter.drawEllipse(QPointF(box.left() + 12, box.center().y()), 3, 3)
    painter.setPen(QColor(theme.tokens.ink(tone)))
    painter.drawText(box.adjusted(21, 0, -8, 0), Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)


class Bar(QWidget):
    """How far something is: 0 to 100, or None while nobody knows."""

    def __init__(self, theme: Theme, *, height: int = 8) -> None:
        super().__init__()
        self._theme = theme
        self._percent: float | None = None
        self._tone: Tone = "accent"
        self.setFixedHeight(height)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def show_progress(self, percent: float | None, tone: Tone = "accent") -> None:
        self._percent, self._tone = percent, tone
        self.setAccessibleName("Progress unknown" if percent is None else f"{percent:.0f} percent")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        painter = QPainter(self)
        paint_bar(painter, QRectF(self.rect()), self._percent, self._tone, self._theme)
        painter.end()


def paint_bar(painter: QPainter, room: QRectF, percent: float | None, tone: Tone, theme: Theme, *, on_soft: bool = False) -> None:
    """A track that fills `room`, and its part that is done. `on_soft`: what is behind it is of the quiet fill."""
    radius = room.height() / 2
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(theme.tokens.line if on_soft else theme.tokens.soft))
    painter.drawRoundedRect(room, radius, radius)
    if percent:
        done = QRectF(room)
        done.setWidth(max(room.height(), room.width() * min(percent, 100.0) / 100))
        painter.setBrush(QColor(theme.tokens.ink(tone)))
        painter.drawRoundedRect(done, radius, radius)


class Sparkline(QWidget):
    """A small line of figures, oldest first, over its shade; nothing while there are fewer than two."""

    def __init__(self, theme: Theme, tone: Tone = "accent") -> None:
        super().__init__()
        self._theme, self._tone = theme, tone
        self._points: tuple[float, ...] = ()
        self.setMinimumSize(80, 30)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def show_points(self, points: Sequence[float], tone: Tone | None = None) -> None:
        self._points = tuple(points)
        self._tone = tone or self._tone
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802
        return QSize(112, 32)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        if len(self._points) < 2:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        top = max(self._points) or 1.0
        room = QRectF(self.rect()).adjusted(1, 2, -1, -1)
        step = room.width() / (len(self._points) - 1)
        line = [
            QPointF(room.left() + at * step, room.bottom() - max(0.0, value) / top * room.height())
            for at, value in enumerate(self._points)
        ]
        shade = QColor(self._theme.tokens.ink(self._tone))
        shade.setAlphaF(0.14)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(shade)
        painter.drawPolygon(QPolygonF([*line, room.bottomRight(), room.bottomLeft()]))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(self._theme.tokens.ink(self._tone)), 1.4))
        painter.drawPolyline(QPolygonF(line))
        painter.end()


class Figure(QWidget):
    """A figure under its name, as in the head of a run."""

    def __init__(self, name: str) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        self._name, self._value = label(name, "dim"), label("—", "figure")
        column.addWidget(self._name)
        column.addWidget(self._value)

    def show_value(self, text: str, exact: str = "") -> None:
        """`exact`: the figure in full, for the tooltip and for screen readers."""
        self._value.setText(text)
        self._value.setToolTip(exact)
        self.setAccessibleName(f"{self._name.text()}: {exact or text}")
