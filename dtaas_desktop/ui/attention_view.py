"""The list of what needs attention: what happened, in words, and what can be done about it, as buttons."""

import html
from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from dtaas_desktop.services.attention import Action, AttentionItem
from dtaas_desktop.ui.flow import Flow
from dtaas_desktop.ui.theme import Theme, body_font
from dtaas_desktop.ui.tokens import Tone
from dtaas_desktop.ui.widgets import Card, IconButton, WrappedLabel, button, label, restyle
from dtaas_desktop.ui.words import ago

WORDS: dict[Action, str] = {
    "resume": "Resume",
    "run": "Run again",
    "retry table": "Retry table",
    "reload table": "Reload table",
    "open run": "Open run",
    "edit connection": "Edit connection",
    "edit task": "Edit task",
    "copy script": "Copy script",
}
_UNLIMITED, _TALLEST = 16_777_215, 380  # pixels; the first is Qt's
_PAST = frozenset({"failed", "drift", "interrupted", "paused"})
_BAD = frozenset({"failed"})


def tone_of(item: AttentionItem) -> Tone:
    return "red" if item.kind in _BAD else "amber"


class AttentionView(Card):
    """`acted` tells which item's button was pressed, and what it asks for."""

    acted = Signal(object, str)

    def __init__(self, theme: Theme) -> None:
        super().__init__("Needs attention")
        self._theme = theme
        self._items: list[_Item] = []
        self._beside = True
        self._nothing = label("Nothing needs attention.", "faint")
        inside = _Inside()
        self._list = QVBoxLayout(inside)
        self._list.setContentsMargins(0, 2, 4, 0)
        self._list.setSpacing(12)
        self._list.addWidget(self._nothing)
        self._list.addStretch(1)
        self._scroll = QScrollArea()
        self._scroll.setWidget(inside)
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.body.addWidget(self._scroll, 1)
        self.setMinimumWidth(260)

    @property
    def items(self) -> tuple[AttentionItem, ...]:
        return tuple(one.item for one in self._items)

    def show_items(self, items: Sequence[AttentionItem]) -> None:
        """Show these. What is there already keeps its buttons, and with them the focus."""
        known = {_key(one.item): one for one in self._items}
        shown = []
        for at, item in enumerate(items):
            widget = known.pop(_key(item), None)
            if widget is None:
                widget = _Item(self._theme, item)
                widget.acted.connect(self.acted)
            widget.show_item(item)
            if self._list.indexOf(widget) != at + 1:
                self._list.insertWidget(at + 1, widget)
            shown.append(widget)
        for gone in known.values():
            self._list.removeWidget(gone)
            gone.hide()
            gone.deleteLater()
        self._items = shown
        self._nothing.setVisible(not shown)
        self._fit()
        count = f" ({len(shown)})" if len(shown) > 1 else ""
        self.heading.setText(f"Needs attention{count}")

    def free(self, task_name: str) -> None:
        """What was asked for this task did not come about: its buttons can be pressed again."""
        for one in self._items:
            if one.item.task_name == task_name:
                one.setEnabled(True)

    def be_beside(self, beside: bool) -> None:
        """Take the height of what is beside it, and scroll; or, standing alone, that of the items as far as that is sensible."""
        self._beside = beside
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802  Qt's name
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        if self._beside:
            self.setMinimumHeight(0)
            self.setMaximumHeight(_UNLIMITED)
        else:
            width = self._scroll.viewport().width()
            wanted = self._list.heightForWidth(width) if self._list.hasHeightForWidth() else self._list.sizeHint().height()
            self.setFixedHeight(min(_TALLEST, wanted + 14 + 20 + 8 + 16))


def _key(item: AttentionItem) -> tuple[object, ...]:
    return item.task_uuid, item.kind, item.run, item.table, item.actions


class _Inside(QWidget):
    """As high as its texts need at its width: a layout alone would ask for the height at no width at all."""

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        return QSize(120, 0)


class _Item(QWidget):
    acted = Signal(object, str)

    def __init__(self, theme: Theme, item: AttentionItem) -> None:
        super().__init__()
        self.item = item
        self._rest = ""  # what the title says after the name of the task
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(10)
        row.addWidget(_Badge(theme, tone_of(item)), 0, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout()
        column.setSpacing(2)
        self._title = QLabel()
        self._title.setTextFormat(Qt.TextFormat.RichText)
        self._title.setWordWrap(True)
        self._detail = label("", "dim", wrap=True)
        assert isinstance(self._detail, WrappedLabel)
        self._detail.show_at_most(3)
        top = QHBoxLayout()
        top.setSpacing(6)
        top.addWidget(self._title, 1)
        column.addLayout(top)
        column.addWidget(self._detail)
        for text in (self._title, self._detail):
            policy = QSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
            policy.setHeightForWidth(True)
            text.setSizePolicy(policy)
        self._remedies = Flow([self._remedy(action) for action in item.actions if action != "dismiss"])
        column.addWidget(self._remedies)
        row.addLayout(column, 1)
        if "dismiss" in item.actions:
            dismiss = IconButton("close", f"Dismiss what “{item.task_name}” needs", theme)
            restyle(dismiss, compact="tiny")
            dismiss.setIconSize(QSize(13, 13))
            dismiss.clicked.connect(self._dismiss)
            top.addWidget(dismiss, 0, Qt.AlignmentFlag.AlignTop)

    def show_item(self, item: AttentionItem) -> None:
        if item != self.item or not self._rest:
            self.item = item
            self._detail.setText(item.detail)
            self._detail.setVisible(bool(item.detail))
        when = f" · {ago(item.at)}" if item.kind in _PAST else ""
        rest = f"{item.title.removeprefix(item.task_name).strip()}{when}"
        if rest != self._rest:
            self._rest = rest
            self._title.setText(f"<b>{html.escape(item.task_name)}</b> {html.escape(rest)}")
            self.setAccessibleName(f"{item.task_name} {rest}. {item.detail}")

    def _remedy(self, action: Action) -> QPushButton:
        made = button(WORDS[action], "link" if action.startswith(("open", "edit")) else "normal")
        restyle(made, compact="small")
        made.setProperty("action", action)
        made.setAccessibleName(f"{WORDS[action]}: {self.item.task_name}")
        made.clicked.connect(self._act)
        return made

    def _act(self) -> None:
        pressed = self.sender()
        assert pressed is not None
        action = str(pressed.property("action"))
        if action in ("resume", "run", "retry table", "reload table"):
            self.setEnabled(False)  # until the run shows, or could not be started: twice would be once too often
        self.acted.emit(self.item, action)

    def _dismiss(self) -> None:
        self.acted.emit(self.item, "dismiss")


class _Badge(QWidget):
    """An exclamation mark on the fill of its tone."""

    def __init__(self, theme: Theme, tone: Tone) -> None:
        super().__init__()
        self._theme, self._tone = theme, tone
        self.setFixedSize(18, 18)
        theme.changed.connect(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._theme.tokens.fill(self._tone)))
        painter.drawEllipse(QRectF(self.rect()))
        painter.setFont(body_font(11, body_font().Weight.Bold))
        painter.setPen(QColor(self._theme.tokens.ink(self._tone)))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, "!")
        painter.end()
