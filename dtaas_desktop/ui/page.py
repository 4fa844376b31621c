"""A page: a bar with title and actions above a body that is loading, empty, in error or full."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from dtaas_desktop.domain.errors import AppError
from dtaas_desktop.ui.context import Context
from dtaas_desktop.ui.icons import icon
from dtaas_desktop.ui.theme import Theme
from dtaas_desktop.ui.tokens import Tone
from dtaas_desktop.ui.widgets import ElidedLabel, Pill, button, label, restyle, take_out


class Header(QWidget):
    """The bar of a page: a way back, the title, a pill, actions at the right."""

    def __init__(self, theme: Theme, title: str) -> None:
        super().__init__()
        self.setProperty("role", "bar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(56)
        row = QHBoxLayout(self)
        row.setContentsMargins(20, 0, 20, 0)
        row.setSpacing(10)
        self._crumb = button("", "quiet")
        restyle(self._crumb, compact="crumb")
        self._crumb.hide()
        self._back: Callable[[], None] | None = None
        self._crumb.clicked.connect(self._go_back)
        self.title = ElidedLabel(title, "title")
        self._pill = Pill(theme)
        self._pill.hide()
        row.addWidget(self._crumb)
        row.addWidget(self.title)
        row.addWidget(self._pill)
        row.addStretch(1)
        self._actions = QHBoxLayout()
        self._actions.setSpacing(10)
        row.addLayout(self._actions)

    def show_title(self, title: str, *, crumb: str = "", back: Callable[[], None] | None = None) -> None:
        """`crumb` names where this belongs (“Runs”); pressing it calls `back`."""
        self.title.setText(title)
        self._crumb.setText(f"{crumb} ›")
        self._crumb.setAccessibleName(f"Back to {crumb}")
        self._crumb.setVisible(bool(crumb))
        self._back = back

    def show_pill(self, text: str = "", tone: Tone = "quiet") -> None:
        """A state beside the title; an empty text hides it."""
        self._pill.show_state(text, tone)
        self._pill.setVisible(bool(text))

    def add(self, widget: QWidget) -> None:
        """Put an action at the right end."""
        self._actions.addWidget(widget)

    def _go_back(self) -> None:
        if self._back is not None:
            self._back()


class StateView(QWidget):
    """What a body shows instead of its content: a mark, a heading, a sentence or two, and buttons that lead on."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._mark_name = "info"
        column = QVBoxLayout(self)
        column.setAlignment(Qt.AlignmentFlag.AlignCenter)
        column.setSpacing(8)
        self._mark = QLabel()
        self._mark.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.heading, self.text = label("", "title"), label("", "dim", wrap=True)
        self.heading.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.heading.setWordWrap(True)
        self.text.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.text.setFixedWidth(520)
        self._buttons = QHBoxLayout()
        self._buttons.setAlignment(Qt.AlignmentFlag.AlignCenter)
        column.addWidget(self._mark)
        column.addWidget(self.heading)
        column.addWidget(self.text, 0, Qt.AlignmentFlag.AlignCenter)
        column.addSpacing(8)
        column.addLayout(self._buttons)
        theme.changed.connect(self._paint)

    def show_state(self, mark: str, heading: str, text: str, buttons: Sequence[QPushButton] = ()) -> None:
        """`mark`: a key of icons.NAMES, in red for “error”."""
        self._mark_name = mark
        self.heading.setText(heading)
        self.text.setText(text)
        self.text.ensurePolished()
        self.text.setMinimumHeight(self.text.heightForWidth(self.text.width()))  # the layout of a centred widget does not ask
        self.text.setVisible(bool(text))
        while (item := self._buttons.takeAt(0)) is not None:
            old = item.widget()
            if old is not None:
                take_out(old)
        for one in buttons:
            self._buttons.addWidget(one)
        self._paint()

    def _paint(self) -> None:
        tokens = self._theme.tokens
        colour = tokens.red if self._mark_name == "error" else tokens.faint
        self._mark.setPixmap(icon(self._mark_name, colour).pixmap(36, 36))


class Body(QStackedWidget):
    """Either its content or a StateView."""

    def __init__(self, theme: Theme, content: QWidget) -> None:
        super().__init__()
        self.setProperty("role", "body")
        self.content, self.state = content, StateView(theme)
        self.addWidget(content)
        self.addWidget(self.state)

    @property
    def is_full(self) -> bool:
        return self.currentWidget() is self.content

    def show_full(self) -> None:
        """Where something else was shown, the keyboard goes to the content's focus proxy, if it has one."""
        focus: QWidget | None = self.window().focusWidget()  # None, whatever the stubs say, where nothing has the keyboard
        takes = not self.is_full and not (focus is not None and self.content.isAncestorOf(focus))
        self.setCurrentWidget(self.content)
        if takes and self.isVisible() and self.content.focusProxy() is not None:
            self.content.setFocus()

    def show_loading(self, what: str) -> None:
        """`what` is being fetched, as a sentence: “Reading the runs …”."""
        self._show("schedule", what, "")

    def show_empty(self, heading: str, text: str, buttons: Sequence[QPushButton] = (), *, mark: str = "info") -> None:
        """Nothing is there yet; `text` says how to fill it."""
        self._show(mark, heading, text, buttons)

    def show_error(self, error: AppError, again: Callable[[], None] | None = None) -> None:
        """What went wrong, what to do, and a button to try again."""
        buttons = []
        if again is not None:
            retry = button("Try again")
            retry.clicked.connect(lambda: again())  # noqa: PLW0108  Qt would hand it `checked`
            buttons.append(retry)
        self._show("error", error.message, error.remedy, buttons)

    def _show(self, mark: str, heading: str, text: str, buttons: Sequence[QPushButton] = ()) -> None:
        self.state.show_state(mark, heading, text, buttons)
        self.setCurrentWidget(self.state)


class Page(QWidget):
    """One page of the window. Subclasses fill `content`, and may answer `open`, `actions` and `left`."""

    def __init__(self, context: Context, title: str, content: QWidget) -> None:
        super().__init__()
        self.setProperty("role", "page")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.context = context
        self.go_on: Callable[[], object] | None = None  # what the user wanted when `may_leave` was asked last
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self.header = Header(context.theme, title)
        self.body = Body(context.theme, content)
        column.addWidget(self.header)
        column.addWidget(self.body, 1)

    def open(self, item: str = "", act: str = "") -> None:
        """The page comes to the front, for one of its items if `item` is not empty (context.Place)."""

    def left(self) -> None:
        """Another page comes to the front: stop what only matters while this one is seen."""

    def refresh(self) -> None:
        """Read again what is shown here (F5)."""

    @property
    def topic(self) -> str:
        """The topic of the help on what is shown now; empty for that of the page as a whole."""
        return ""

    def may_leave(self) -> bool:
        """Whether other pages may come to the front now; False after the page has asked about unsaved changes itself.

        Once the user has answered that they may go, the page calls `go_on`, which the window has given it before.
        """
        return True

    def actions_now(self) -> Sequence[QAction]:
        """What can be done here now, for the command palette."""
        return [action for action in self.actions() if action.isEnabled() and action.text()]
