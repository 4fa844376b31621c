"""The connections of the workspace as a list, and the kinds that a new one can be of."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QLineEdit, QPushButton, QScrollArea, QVBoxLayout, QWidget

from dtaas_desktop.domain.connection import CONNECTION_KINDS, Connection, ConnectionKind
from dtaas_desktop.ui.icons import icon
from dtaas_desktop.ui.tables import Column, RecordModel, RecordTable
from dtaas_desktop.ui.theme import Theme
from dtaas_desktop.ui.tokens import Tone
from dtaas_desktop.ui.widgets import SearchCard, button, label


@dataclass(frozen=True, slots=True)
class ListedConnection:
    """One line: the connection, the names of the tasks that use it, and how it was tested in this session."""

    connection: Connection
    tasks: tuple[str, ...]
    test: tuple[str, Tone]

    @property
    def kind(self) -> str:
        known = CONNECTION_KINDS.get(self.connection.kind)
        return known.title if known else f"{self.connection.kind} (unknown)"

    @property
    def place(self) -> str:
        """Where it leads, from its settings."""
        found = [
            str(self.connection.settings[key])
            for key in ("path", "server", "account", "bucket")
            if key in self.connection.settings
        ]
        return found[0] if found else ""

    @property
    def users(self) -> str:
        return "No task yet" if not self.tasks else "1 task" if len(self.tasks) == 1 else f"{len(self.tasks):,} tasks"


_HEADS = (
    Column[ListedConnection]("Name", lambda one: one.connection.name, "strong", width=240),
    Column[ListedConnection]("Kind", lambda one: one.kind, width=130),
    Column[ListedConnection]("Where", lambda one: one.place, "dim"),
    Column[ListedConnection](
        "Used by", lambda one: one.users, "dim", width=110, tip=lambda one: "\n".join(one.tasks) or one.users
    ),
    Column[ListedConnection]("Test", lambda one: one.test[0], "pill", tone=lambda one: one.test[1], width=130),
)


class ConnectionList(QWidget):
    """The list with its search. `opened` carries a name; `menu_asked` one, too, with the place where the mouse is."""

    opened = Signal(str)
    menu_asked = Signal(str, object)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._lines: tuple[ListedConnection, ...] = ()
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 20)
        column.setSpacing(12)
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search connections")
        self.search.setAccessibleName("Search connections")
        self.search.setClearButtonEnabled(True)
        self.search.setMaximumWidth(320)
        self.search.textChanged.connect(self._filter)
        self.model = RecordModel(_HEADS, lambda one: one.connection.name)
        self.list = RecordTable(theme, self.model, "Connections")
        self.list.opened.connect(self._open)
        self.list.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.list.customContextMenuRequested.connect(self._ask_menu)
        self._none = label("", "dim")
        self._none.hide()
        self._count = label("", "dim")
        card = SearchCard(self.search, self._count)
        card.body.addWidget(self.list)
        card.body.addWidget(self._none, 1, Qt.AlignmentFlag.AlignCenter)
        column.addWidget(card, 1)

    @property
    def current(self) -> str:
        """The name of the current line, or nothing."""
        line = self.list.current
        return line.connection.name if line is not None else ""

    def show_lines(self, lines: Sequence[ListedConnection]) -> None:
        self._lines = tuple(lines)
        self._filter()

    def choose(self, name: str) -> None:
        """Make this connection current, if it is shown."""
        names = [line.connection.name for line in self.model.records]
        if name in names:
            self.list.choose(names.index(name))

    def _filter(self) -> None:
        wanted = self.search.text().strip().casefold()
        found = [one for one in self._lines if wanted in f"{one.connection.name}\n{one.kind}\n{one.place}".casefold()]
        self.model.show_records(found)
        self._count.setText(f"{len(found):,} connection{'s' if len(found) != 1 else ''}")
        self.list.setVisible(bool(found))
        self._none.setVisible(not found)
        self._none.setText(f"No connection matches “{self.search.text().strip()}”.")
        if found and self.list.current is None:
            self.list.choose(0)

    def _open(self, line: ListedConnection) -> None:
        self.opened.emit(line.connection.name)

    def _ask_menu(self, place: object) -> None:
        if self.current:
            self.menu_asked.emit(self.current, place)


class KindChoice(QScrollArea):
    """Cards of the kinds that a new connection can be of. `chosen` carries the kind's name."""

    chosen = Signal(str)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(20, 18, 20, 20)
        column.setSpacing(10)
        self.cards: list[QPushButton] = []
        for heading, kinds in (
            ("Read from", [kind for kind in CONNECTION_KINDS.values() if "source" in kind.roles]),
            ("Write to", [kind for kind in CONNECTION_KINDS.values() if "source" not in kind.roles]),
        ):
            column.addWidget(label(heading, "heading"))
            grid = QGridLayout()
            grid.setSpacing(12)
            for at, kind in enumerate(kinds):
                card = _KindCard(theme, kind)
                card.clicked.connect(partial(self.chosen.emit, kind.name))
                grid.addWidget(card, at // 2, at % 2)
                self.cards.append(card)
            for place in range(2):
                grid.setColumnStretch(place, 1)
            column.addLayout(grid)
            column.addSpacing(10)
        column.addStretch(1)
        inside.setMaximumWidth(860)
        self.setWidget(inside)
        self.setAlignment(Qt.AlignmentFlag.AlignLeft)


class _KindCard(QPushButton):
    def __init__(self, theme: Theme, kind: ConnectionKind) -> None:
        super().__init__()
        self._theme = theme
        self._tone: Tone = "accent" if "source" in kind.roles else "green"
        self.setAutoDefault(True)
        self.setProperty("kind", "card")
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        description = " ".join((kind.settings.__doc__ or "").split("\n\n")[0].split())
        self.setAccessibleName(f"{kind.title}. {description}")
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 12, 16, 12)
        row.setSpacing(14)
        self._mark = QLabel()
        self._name = "open" if kind.holds_files else "connections"
        texts = QVBoxLayout()
        texts.setSpacing(2)
        texts.addStretch(1)
        texts.addWidget(label(kind.title, "heading"))
        texts.addWidget(label(description, "dim", wrap=True))
        texts.addStretch(1)
        row.addWidget(self._mark)
        row.addLayout(texts, 1)
        for one in self.findChildren(QLabel):
            one.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._paint()
        theme.changed.connect(self._paint)

    def sizeHint(self) -> QSize:  # noqa: N802  Qt's name; a button's own hint does not know of the layout in it
        inside = self.layout()
        return inside.sizeHint() if inside is not None else super().sizeHint()

    def _paint(self) -> None:
        self._mark.setPixmap(icon(self._name, self._theme.tokens.ink(self._tone)).pixmap(24, 24))


def new_button(theme: Theme) -> QPushButton:
    """The button that begins a new connection."""
    made = button("New connection", "primary")
    made.setIcon(icon("add", theme.tokens.on_primary))
    return made
