"""Where a task's rows come from: a connection and some of its tables, and what is needed to follow their changes."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout

from dtaas_desktop.domain.connection import CONNECTION_KINDS, Connection, Role
from dtaas_desktop.domain.errors import AppError
from dtaas_desktop.services.source_tables import SourceTables, source_tables
from dtaas_desktop.ui.context import Context
from dtaas_desktop.ui.section import Section, show_choices, titled
from dtaas_desktop.ui.table_chooser import TableChooser
from dtaas_desktop.ui.task_draft import Draft
from dtaas_desktop.ui.widgets import button, label, restyle


class SourceSection(Section):
    """`listed` tells that the source's tables are known now, or are not known any more."""

    listed = Signal()
    connection_wanted = Signal()

    def __init__(self, context: Context) -> None:
        super().__init__("From")
        self._context = context
        self._connections: Mapping[str, Connection] = {}
        self._found: SourceTables | None = None
        self._asked = 0
        self.connection = QComboBox()
        self._new = button("New …")
        self._new.setAccessibleName("New connection")
        self.tables = TableChooser()
        self._said = label("", "dim", wrap=True)
        self._again = button("Try again", "link")
        self._queries = label("", "dim", wrap=True)
        row = QHBoxLayout()
        row.setSpacing(10)
        row.addWidget(titled("Connection", self.connection), 1)
        row.addWidget(self._new, 0, Qt.AlignmentFlag.AlignBottom)
        self.body.addLayout(row)
        self.body.addWidget(self._said)
        again = QHBoxLayout()
        again.addWidget(self._again)
        again.addStretch(1)
        self.body.addLayout(again)
        self.body.addWidget(self.tables)
        self.body.addWidget(self._queries)
        self.end()
        self.connection.currentIndexChanged.connect(self._choose)
        self.tables.changed.connect(self.tell)
        self._again.clicked.connect(self._ask)
        self._new.clicked.connect(self.connection_wanted)

    @property
    def chosen_connection(self) -> Connection | None:
        return self._connections.get(self.connection.currentData() or "")

    @property
    def captures(self) -> bool | None:
        """Whether the source can capture changes; None while nobody knows."""
        return None if self._found is None else self._found.captures

    @property
    def found(self) -> SourceTables | None:
        """What the source has and can; None while nobody knows."""
        return self._found

    def show_draft(self, draft: Draft, connections: Mapping[str, Connection]) -> None:
        self._connections = connections
        show_choices(
            self.connection, usable(connections, "source"), str(draft.source.get("connection", "")), nothing="Choose a connection"
        )
        self.tables.show_names(draft.source.get("tables", ()), draft.source.get("exclude", ()))
        names = [str(query.get("name", "")) for query in draft.source.get("queries", ())]
        self._queries.setText(f"Besides, {len(names)} of its own queries: {', '.join(names)}." if names else "")
        self._queries.setVisible(bool(names))
        self._ask()

    def show_connections(self, connections: Mapping[str, Connection]) -> None:
        """There are other connections now."""
        chosen = str(self.connection.currentData() or "")
        changed = self._connections.get(chosen) != connections.get(chosen)
        self._connections = connections
        show_choices(self.connection, usable(connections, "source"), chosen, nothing="Choose a connection")
        if changed:
            self._ask()

    def applied(self, draft: Draft) -> Draft:
        """The draft with what is chosen here."""
        settings = dict(draft.source) | {"connection": self.connection.currentData() or "", "tables": list(self.tables.names())}
        excluded = list(self.tables.excluded())
        if excluded or "exclude" in settings:
            settings["exclude"] = excluded
        return replace(draft, source=settings)

    def _choose(self) -> None:
        self._ask()
        self.tell()

    def _ask(self) -> None:
        """Read the list of tables; what is asked for meanwhile makes this answer stale."""
        self._asked += 1
        self._found = None
        self._again.hide()
        connection = self.chosen_connection
        self.tables.setVisible(connection is not None)
        self.tables.show_available(None)
        self._say("" if connection is None else f"Reading the tables of “{connection.name}” …")
        if connection is not None:
            number = self._asked
            self._context.background.submit(
                self,
                partial(source_tables, connection, secret=self._context.workspace.secrets.resolve),
                partial(self._list, number),
                partial(self._fail, number),
            )
        self.listed.emit()

    def _list(self, number: int, found: SourceTables) -> None:
        if number != self._asked:
            return
        self._found = found
        self.tables.show_available(found.tables)
        self._say("" if found.tables else "There are no tables in it yet.")
        self.listed.emit()

    def _fail(self, number: int, error: AppError) -> None:
        if number != self._asked:
            return
        self._say(f"Its tables cannot be listed. {error}", tone="amber")
        self._again.show()

    def _say(self, text: str, *, tone: str = "") -> None:
        self._said.setText(text)
        self._said.setVisible(bool(text))
        restyle(self._said, tone=tone)


def usable(connections: Mapping[str, Connection], role: Role) -> list[str]:
    """The names of connections that can be used so."""
    return [
        name for name, one in connections.items() if one.kind in CONNECTION_KINDS and role in CONNECTION_KINDS[one.kind].roles
    ]
