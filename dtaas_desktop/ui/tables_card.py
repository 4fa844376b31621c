"""What a source holds: its tables with a search, and of the chosen one its columns, key, sizes and first rows."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QStackedWidget, QTabWidget, QVBoxLayout, QWidget

from dtaas_desktop.domain.connection import Connection
from dtaas_desktop.domain.errors import AppError
from dtaas_desktop.domain.table import Column as SourceColumn
from dtaas_desktop.domain.table import TableDescription, TableRef
from dtaas_desktop.domain.type_names import name_of_type
from dtaas_desktop.services import browse
from dtaas_desktop.ui import words
from dtaas_desktop.ui.context import Context
from dtaas_desktop.ui.data_view import DataView
from dtaas_desktop.ui.tables import Column, RecordModel, RecordTable
from dtaas_desktop.ui.widgets import Card, label

_MOST_NOTES = 4


class TablesCard(Card):
    """Tables of one connection. `show_connection` reads them; whatever was asked for another one before is dropped."""

    def __init__(self, context: Context) -> None:
        super().__init__("Tables")
        self._context = context
        self._connection: Connection | None = None
        self._turn = 0
        self._refs: tuple[TableRef, ...] = ()
        self._said = label("", "dim", wrap=True)
        self._said.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search tables")
        self.search.setAccessibleName("Search tables")
        self.search.setClearButtonEnabled(True)
        self.search.setMaximumWidth(220)
        self.search.textChanged.connect(self._filter)
        self.top.addWidget(self.search)
        self._model = RecordModel[TableRef](
            (Column[TableRef]("Table", str, "mono", tip=str),), lambda ref: (ref.schema, ref.name)
        )
        self.list = RecordTable(context.theme, self._model, "Tables", row_height=28)
        self.list.horizontalHeader().hide()
        self.list.chosen.connect(self._choose)
        self.details = TableDetails(context)
        self._full = QWidget()
        row = QHBoxLayout(self._full)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(14)
        row.addWidget(self.list, 2)
        row.addWidget(self.details, 5)
        self._states = QStackedWidget()
        self._states.addWidget(self._said)
        self._states.addWidget(self._full)
        self.body.addWidget(self._states, 1)
        self.show_waiting()

    def show_waiting(self, sentence: str = "They appear here when the test has passed.") -> None:
        """Show this instead of tables."""
        self._turn += 1
        self._connection = None
        self._refs = ()
        self._model.show_records([])
        self._say(sentence)

    def show_connection(self, connection: Connection) -> None:
        """Read the tables of this connection, and show them."""
        self.show_waiting("Reading the tables …")
        self._connection = connection
        turn = self._turn

        def fill(refs: Sequence[TableRef]) -> None:
            if turn == self._turn:
                self._fill(refs)

        def fail(error: AppError) -> None:
            if turn == self._turn:
                self._say(str(error))

        secret = self._context.workspace.secrets.resolve
        self._context.background.submit(self, lambda: browse.tables(connection, secret=secret), fill, fail)

    def _fill(self, refs: Sequence[TableRef]) -> None:
        self._refs = tuple(refs)
        if not refs:
            self._say("There are no tables in it yet.")
            return
        self.heading.setText(f"Tables · {len(refs):,}")
        self.search.setVisible(len(refs) > 1)
        self._states.setCurrentWidget(self._full)
        self._filter()

    def _filter(self) -> None:
        wanted = self.search.text().strip().casefold()
        found = [ref for ref in self._refs if wanted in str(ref).casefold()]
        self._model.show_records(found)
        if found and self.list.current is None:
            self.list.choose(0)
        elif not found:
            self.details.show_nothing(f"No table is called like “{self.search.text().strip()}”.")

    def _choose(self, ref: TableRef | None) -> None:
        if ref is not None and self._connection is not None:
            self.details.show_table(self._connection, ref)

    def _say(self, sentence: str) -> None:
        self.heading.setText("Tables")
        self.search.hide()
        self.search.clear()
        self._said.setText(sentence)
        self._states.setCurrentWidget(self._said)


class TableDetails(QWidget):
    """One table: figures, notes, and tabs with its columns and its first rows. Rows are read when their tab is opened."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context
        self._turn = 0
        self._asked: tuple[Connection, TableRef] | None = None
        self._key: tuple[str, ...] = ()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        self.figures = label("", "dim", wrap=True)
        self.notes = label("", "dim", wrap=True)
        self.notes.setProperty("tone", "amber")
        self.tabs = QTabWidget()
        self.columns = RecordModel[SourceColumn](self._column_heads(), lambda one: one.name)
        self.table = RecordTable(context.theme, self.columns, "Columns", row_height=28)
        self.rows = DataView(context.theme, "First rows")
        self._rows_said = label("", "dim", wrap=True)
        self.tabs.addTab(self.table, "Columns")
        self.tabs.addTab(self._rows_page(), "First rows")
        self.tabs.currentChanged.connect(self._read_rows)
        for one in (self.figures, self.notes):
            column.addWidget(one)
        column.addWidget(self.tabs, 1)
        self.show_nothing("")

    def show_nothing(self, sentence: str) -> None:
        self._turn += 1
        self._asked = None
        self.columns.show_records([])
        self.figures.setText(sentence)
        self.notes.hide()
        self.tabs.hide()

    def show_table(self, connection: Connection, ref: TableRef) -> None:
        """Describe this table."""
        self.show_nothing(f"Reading {ref} …")
        turn = self._turn

        def fill(described: TableDescription) -> None:
            if turn == self._turn:
                self._asked = (connection, ref)
                self._fill(described)

        def fail(error: AppError) -> None:
            if turn == self._turn:
                self.show_nothing(str(error))

        secret = self._context.workspace.secrets.resolve
        self._context.background.submit(self, lambda: browse.describe(connection, ref, secret=secret), fill, fail)

    def _fill(self, described: TableDescription) -> None:
        self._key = described.key
        self.figures.setText(" · ".join(_figures(described)))
        notes = described.notes[:_MOST_NOTES] + (
            (f"… and {len(described.notes) - _MOST_NOTES} more.",) if len(described.notes) > _MOST_NOTES else ()
        )
        self.notes.setText("\n".join(notes))
        self.notes.setToolTip("\n".join(described.notes))
        self.notes.setVisible(bool(notes))
        self.columns.show_records(described.columns)
        self.tabs.setTabText(0, f"Columns {len(described.columns):,}")
        self._say_rows("Reading the first rows …")
        self.tabs.show()
        self._read_rows()

    def _read_rows(self) -> None:
        if self.tabs.currentIndex() != 1 or self._asked is None:
            return
        connection, ref = self._asked
        self._asked = None  # once for each table
        turn = self._turn

        def fill(sample: browse.Sample) -> None:
            if turn == self._turn:
                self._fill_rows(sample)

        def fail(error: AppError) -> None:
            if turn == self._turn:
                self._say_rows(str(error))

        secret = self._context.workspace.secrets.resolve
        self._context.background.submit(self, lambda: browse.sample_source(connection, ref, secret=secret), fill, fail)

    def _fill_rows(self, sample: browse.Sample) -> None:
        self.rows.show_table(sample.rows)
        self.rows.show()
        cells = "1 cell does" if sample.nulled == 1 else f"{sample.nulled:,} cells do"
        self._rows_said.setText(f"{cells} not fit the column’s type: NULL here." if sample.nulled else "")
        self._rows_said.setVisible(bool(sample.nulled))
        if not sample.rows.num_rows:
            self._say_rows("The table is empty.")

    def _say_rows(self, sentence: str) -> None:
        self.rows.hide()
        self._rows_said.setText(sentence)
        self._rows_said.show()

    def _rows_page(self) -> QWidget:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 4, 0, 0)
        column.setAlignment(Qt.AlignmentFlag.AlignTop)
        column.addWidget(self._rows_said)
        column.addWidget(self.rows, 1)
        return page

    def _column_heads(self) -> tuple[Column[SourceColumn], ...]:
        return (
            Column("Column", lambda one: one.name, "strong"),
            Column("Type", lambda one: name_of_type(one.type), "mono", width=130, tip=_declared),
            Column("", self._remark, "dim", width=88),
        )

    def _remark(self, one: SourceColumn) -> str:
        return "Key" if one.name in self._key else "" if one.nullable else "Never NULL"


def _declared(one: SourceColumn) -> str:
    return f"Declared as {one.declared}" if one.declared else "Declared without a type"


def _figures(described: TableDescription) -> list[str]:
    found = [described.kind.capitalize()]
    if described.rows_estimate is not None:
        found.append(f"about {words.exact(described.rows_estimate)} rows")
    if described.bytes_estimate is not None:
        found.append(words.size(described.bytes_estimate))
    found.append(f"key: {', '.join(described.key)}" if described.key else "no key")
    return found
