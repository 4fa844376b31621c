"""The sidebar: mark and name, the pages, what runs and what is next; icons only where room is scarce."""

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal, SignalInstance
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QBoxLayout, QButtonGroup, QHBoxLayout, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from dtaas_desktop.ui.icons import icon
from dtaas_desktop.ui.live_runs import LiveRuns
from dtaas_desktop.ui.mark import Mark
from dtaas_desktop.ui.places import Entry
from dtaas_desktop.ui.theme import Theme
from dtaas_desktop.ui.widgets import IconButton, label, restyle
from dtaas_desktop.ui.words import day_and_time

WIDE = 200
NARROW = 56


class Sidebar(QWidget):
    """`chosen` carries the name of a page; the window answers with `show_page` when it is there."""

    chosen = Signal(str)

    def __init__(self, theme: Theme, entries: Sequence[Entry], tools: Sequence[tuple[str, QAction]]) -> None:
        """`tools`: small buttons at the bottom, by icon and the action that each triggers."""
        super().__init__()
        self._theme = theme
        self.setProperty("role", "sidebar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 0, 10, 12)
        column.setSpacing(4)
        self._name = label("DTaaS Desktop")
        restyle(self._name, role="brand")
        column.addLayout(self._head())
        self._group = QButtonGroup(self)
        self._buttons = {entry.name: _Navigation(theme, entry) for entry in entries}
        for name, one in self._buttons.items():
            self._group.addButton(one)
            one.clicked.connect(_Emit(self.chosen, name))
            column.addWidget(one)
        column.addStretch(1)
        self._running, self._next = label("", "faint"), label("", "faint")
        for line in (self._running, self._next):
            line.setContentsMargins(10, 0, 0, 0)
            line.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            column.addWidget(line)
        column.addSpacing(4)
        self._tools = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._tools.setSpacing(0)
        self._add_tools(tools)
        column.addLayout(self._tools)
        self._is_narrow = False
        self.show_narrow(False)

    @property
    def is_narrow(self) -> bool:
        return self._is_narrow

    def show_page(self, name: str) -> None:
        """Mark this page as the one that is shown."""
        self._buttons[name].setChecked(True)

    def show_narrow(self, narrow: bool) -> None:
        """Icons only, or icons with names."""
        self._is_narrow = narrow
        self.setFixedWidth(NARROW if narrow else WIDE)
        for widget in (self._name, self._running, self._next):
            widget.setVisible(not narrow)
        for one in self._buttons.values():
            one.show_narrow(narrow)
        self._tools.setDirection(QBoxLayout.Direction.TopToBottom if narrow else QBoxLayout.Direction.LeftToRight)

    def show_runs(self, runs: LiveRuns) -> None:
        """What runs now and what is next."""
        if runs.trouble is not None:
            self._show_lines("The runs cannot be read", runs.trouble.message, str(runs.trouble))
            return
        if not runs.is_known:
            self._show_lines("Looking for runs …", "", "")
            return
        count = len(runs.running)
        running = "Nothing is running" if not count else f"{count} task{'s' if count != 1 else ''} running"
        due = runs.next_due
        following = "" if due is None else f"Next: {due.task_name}, {day_and_time(due.when.timestamp())}"
        names = ", ".join(f"“{run.task_name}”" for run in runs.running)
        self._show_lines(running, following, f"{running}{': ' if names else ''}{names}")

    def resizeEvent(self, event: object) -> None:  # noqa: N802  Qt's name
        self._elide()

    def _show_lines(self, first: str, second: str, tip: str) -> None:
        self._running.setText(first)
        self._running.setToolTip(tip)
        self._next.setToolTip(second)
        self._next.setAccessibleName(second)
        self._buttons["runs"].show_tip(first)
        self._elide()

    def _elide(self) -> None:
        room = WIDE - 32
        self._next.setText(self._next.fontMetrics().elidedText(self._next.toolTip(), Qt.TextElideMode.ElideRight, room))

    def _head(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setContentsMargins(9, 0, 9, 0)
        row.setSpacing(9)
        row.addWidget(Mark(self._theme))
        row.addWidget(self._name, 1)
        self._name.setFixedHeight(56)
        spacer = QWidget()
        spacer.setFixedSize(0, 56)
        row.addWidget(spacer)
        return row

    def _add_tools(self, tools: Sequence[tuple[str, QAction]]) -> None:
        for at, (name, action) in enumerate(tools):
            if at == len(tools) - 1:
                self._tools.addStretch(1)
            shortcut = action.shortcut().toString()
            one = IconButton(name, f"{action.text()} ({shortcut})" if shortcut else action.text(), self._theme)
            one.setAccessibleName(action.text())
            one.setFixedWidth(36)
            one.clicked.connect(action.trigger)
            self._tools.addWidget(one)


class _Emit:
    """Emits a signal with a value of its own, whatever a button says beside."""

    def __init__(self, signal: SignalInstance, value: str) -> None:
        self._signal, self._value = signal, value

    def __call__(self) -> None:
        self._signal.emit(self._value)


class _Navigation(QPushButton):
    def __init__(self, theme: Theme, entry: Entry) -> None:
        super().__init__()
        self._theme, self._entry, self._tip = theme, entry, ""
        self.setProperty("kind", "navigation")
        self.setAccessibleName(entry.title)
        self.setCheckable(True)
        self.setAutoDefault(True)
        self.setAutoExclusive(True)
        self.setIconSize(QSize(17, 17))
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.toggled.connect(self._paint)
        theme.changed.connect(self._paint)
        self._narrow = False
        self._paint()

    def show_narrow(self, narrow: bool) -> None:
        self._narrow = narrow
        self.setText("" if narrow else f"  {self._entry.title}")
        restyle(self, narrow="true" if narrow else "false")
        self._show_tip()

    def show_tip(self, more: str) -> None:
        self._tip = more
        self._show_tip()

    def _show_tip(self) -> None:
        self.setToolTip("\n".join(filter(None, (self._entry.title if self._narrow else "", self._tip))))

    def _paint(self) -> None:
        tokens = self._theme.tokens
        self.setIcon(icon(self._entry.icon, tokens.text if self.isChecked() else tokens.dim))
