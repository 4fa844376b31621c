"""What a source holds: its tables with a search, and of the chosen one its columns, key, sizes and first rows."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QStackedWidget, QTabWidget, QVBoxLayout, QWidget

from dtaas_desktop.domain.connection import Connection
from dtaas_desktop.domain.errors import AppError
from dtaas_desktop.domain.fidelity import Fidelity, Truth, losses
from dtaas_desktop.domain.table import Column as SourceColumn
from dtaas_desktop.domain.table import TableDescription, TableRef
from dtaas_desktop.domain.type_names import name_of_type
from dtaas_desktop.services import browse
from dtaas_desktop.ui import fidelity_words, words
from dtaas_desktop.ui.context import Context
from dtaas_desktop.ui.data_view import DataView
from dtaas_desktop.ui.tables import Column, RecordModel, RecordTable
from dtaas_desktop.ui.tokens import Tone
from dtaas_desktop.ui.widgets import Card, label, restyle

_MOST_NOTES = 4
_TYPE_WIDTHS, _ARRIVES_WIDTH = (96, 150), 102  # pixels; of a narrow and of a wide view
_NARROW = 400
_ARRIVES, _REMARK = 2, 3  # columns of the table of columns


class TablesCard(Card):
    """Tables of one connection. `show_connection` reads them; whatever was asked for another one before is dropped.

    `database_chosen`: the user wants to see another database of the same server.
    """

    database_chosen = Signal(str)

    def __init__(self, context: Context) -> None:
        super().__init__("Tables")
        self._context = context
        self._connection: Connection | None = None
        self._turn = 0
        self._refs: tuple[TableRef, ...] = ()
        self._said = label("", "dim", wrap=True)
        self._said.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.database = QComboBox()
        self.database.setAccessibleName("Database")
        self.database.setPlaceholderText("Database")
        self.database.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.database.setMaximumWidth(200)
        self.database.textActivated.connect(self.database_chosen)
        self.top.addWidget(self.database)
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

    @property
    def shown(self) -> Sequence[TableRef]:
        """The tables in the list, as far as the search leaves them."""
        return self._model.records

    def show_waiting(self, sentence: str = "They appear here when the test has passed.") -> None:
        """Show this instead of tables."""
        self._turn += 1
        self._connection = None
        self._refs = ()
        self.database.hide()
        self._model.show_records([])
        self._say(sentence)

    def show_connection(self, connection: Connection) -> None:
        """Read the tables of this connection, and show them."""
        self.show_waiting("Reading the tables …")
        self._connection = connection
        turn = self._turn

        def fill(found: browse.Contents) -> None:
            if turn == self._turn:
                self._fill_databases(found.databases, str(connection.settings.get("database", "")))
                self._fill(found.tables)

        def fail(error: AppError) -> None:
            if turn == self._turn:
                self._say(str(error))

        secret = self._context.workspace.secrets.resolve
        self._context.background.submit(self, lambda: browse.contents(connection, secret=secret), fill, fail)

    def _fill_databases(self, databases: Sequence[str], current: str) -> None:
        self.database.clear()
        self.database.addItems(databases)
        self.database.setCurrentIndex(databases.index(current) if current in databases else -1)
        self.database.setVisible(len(databases) > 1)

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
        self._told: dict[str, Fidelity] = {}
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        self.figures, self.arrives = label("", "dim", wrap=True), label("", "body", wrap=True)
        self.notes = label("", "dim", wrap=True)
        self.notes.setProperty("tone", "amber")
        self.tabs = QTabWidget()
        self.columns = RecordModel[SourceColumn](self._column_heads(), lambda one: one.name)
        self.table = RecordTable(context.theme, self.columns, "Columns", row_height=28)
        self.about = label("", "dim", wrap=True)  # the chosen column
        restyle(self.about, size="small")
        self.table.chosen.connect(self._tell_column)
        self.rows = DataView(context.theme, "First rows")
        self._rows_said = label("", "dim", wrap=True)
        self.tabs.addTab(self._columns_page(), "Columns")
        self.tabs.addTab(self._rows_page(), "First rows")
        self.tabs.currentChanged.connect(self._read_rows)
        for one in (self.figures, self.arrives, self.notes):
            column.addWidget(one)
        column.addWidget(self.tabs, 1)
        self.show_nothing("")

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802  Qt's name
        super().resizeEvent(event)
        self.table.setColumnWidth(1, _TYPE_WIDTHS[self.width() >= _NARROW])
        if self.table.currentIndex().isValid():
            self.table.scrollTo(self.table.currentIndex())

    def show_nothing(self, sentence: str) -> None:
        self._turn += 1
        self._asked = None
        self.columns.show_records([])
        self.figures.setText(sentence)
        self.arrives.hide()
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
        self._show_fidelity(described)
        said = [note for note in described.notes if note not in losses(described.fidelity)]
        notes = said[:_MOST_NOTES] + ([f"… and {len(said) - _MOST_NOTES} more."] if len(said) > _MOST_NOTES else [])
        self.notes.setText("\n".join(notes))
        self.notes.setToolTip("\n".join(said))
        self.notes.setVisible(bool(notes))
        self.columns.show_records(described.columns)
        self._choose_column(described)
        self.tabs.setTabText(0, f"Columns {len(described.columns):,}")
        self._say_rows("Reading the first rows …")
        self.tabs.show()
        self._read_rows()

    def _show_fidelity(self, described: TableDescription) -> None:
        self._told = fidelity_words.by_column(described)
        self.arrives.setText(fidelity_words.summary(described.fidelity))
        self.arrives.setVisible(bool(described.fidelity))
        lossy = any(one.truth == "lossy" for one in described.fidelity)
        restyle(self.arrives, tone="amber" if lossy else "", role="body" if lossy else "dim")
        self.table.setColumnHidden(_ARRIVES, not described.fidelity)
        self.table.setColumnHidden(_REMARK, bool(described.fidelity))  # what it says stands in the sentence on the chosen column
        self.about.setVisible(bool(described.fidelity))

    def _choose_column(self, described: TableDescription) -> None:
        """The first that does not simply arrive, so that what is lost is read without looking for it."""
        truths: list[Truth] = [
            self._told[column.name].truth if column.name in self._told else "exact" for column in described.columns
        ]
        least: tuple[Truth, ...] = ("lossy", "companion")
        wanted: Truth = next((truth for truth in least if truth in truths), "exact")
        if self._told:
            self.table.choose(truths.index(wanted))
            self._tell_column(self.table.current)

    def _tell_column(self, column: SourceColumn | None) -> None:
        self.about.setText("" if column is None else fidelity_words.sentence(column, self._told))

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

    def _columns_page(self) -> QWidget:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.table, 1)
        column.addWidget(self.about)
        return page

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
            Column("Type", lambda one: name_of_type(one.type), "mono", width=_TYPE_WIDTHS[1], tip=_declared),
            Column(
                "Arrives",
                lambda one: self._mark(one)[0],
                tone=lambda one: self._mark(one)[1],
                width=_ARRIVES_WIDTH,
                tip=self._sentence,
            ),
            Column("", self._remark, "dim", width=88),
        )

    def _mark(self, one: SourceColumn) -> tuple[str, Tone]:
        return fidelity_words.mark(one, self._told)

    def _sentence(self, one: SourceColumn) -> str:
        return fidelity_words.sentence(one, self._told)

    def _remark(self, one: SourceColumn) -> str:
        return "Key" if one.name in self._key else "" if one.nullable else "Not NULL"


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
