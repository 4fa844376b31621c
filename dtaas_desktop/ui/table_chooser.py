"""Which tables of a source: all, or those that are ticked and those whose names are like something, without some."""

from collections.abc import Sequence

from PySide6.QtCore import QSortFilterProxyModel, Qt, Signal
from PySide6.QtGui import QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QAbstractItemView, QHBoxLayout, QListView, QVBoxLayout, QWidget

from dtaas_desktop.domain.table import TableRef
from dtaas_desktop.domain.table_names import matching, meant, split_names
from dtaas_desktop.ui.form_inputs import LinesInput
from dtaas_desktop.ui.radio_choice import RadioChoice
from dtaas_desktop.ui.search_field import SearchField
from dtaas_desktop.ui.section import titled
from dtaas_desktop.ui.theme import mono_font
from dtaas_desktop.ui.widgets import button, label, restyle

_REF = Qt.ItemDataRole.UserRole
_ALL = ("*",)


class TableChooser(QWidget):
    """`changed` tells every edit. Until the source's tables are known, all names stand among the patterns."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._available: tuple[TableRef, ...] | None = None
        self.which = RadioChoice(
            "Which tables",
            {
                "all": ("All tables", "Also those that are made later."),
                "some": ("Chosen tables", "Tick them, or say what their names are like."),
            },
        )
        self.search = SearchField("Search tables")
        self._model = QStandardItemModel(self)
        self._shown = QSortFilterProxyModel(self)
        self._shown.setSourceModel(self._model)
        self._shown.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.list = QListView()
        self.list.setProperty("role", "box")
        self.list.setAccessibleName("Tables")
        self.list.setFont(mono_font())
        self.list.setModel(self._shown)
        self.list.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.list.setUniformItemSizes(True)
        self.list.setFixedHeight(190)
        self._count = label("", "dim")
        self._tick_shown = button("Tick those shown", "link")
        self._tick_none = button("Tick none", "link")
        self.patterns = LinesInput(placeholder="sales_*")
        self.exclude = LinesInput(placeholder="*_old")
        self.patterns.setFixedHeight(64)
        self.exclude.setFixedHeight(64)
        self._unmatched = label("", "body", wrap=True)
        restyle(self._unmatched, tone="amber", size="small")
        self._lay_out()
        self._connect()
        self._adapt()

    def show_names(self, names: Sequence[str], exclude: Sequence[str]) -> None:
        """Show what a source's settings hold."""
        self.which.show_value("all" if tuple(names) == _ALL else "some")
        self.exclude.show_value(tuple(exclude))
        self._spread(tuple(names))

    def show_available(self, tables: Sequence[TableRef] | None) -> None:
        """The source has these tables; None: nobody knows."""
        names = self.names()
        self._available = None if tables is None else tuple(tables)
        self._spread(names)

    def names(self) -> tuple[str, ...]:
        """Names and patterns as a source's settings hold them."""
        if self.which.value == "all":
            return _ALL
        patterns = self.patterns.value()
        assert isinstance(patterns, tuple)
        return (*(str(table) for table in self._ticked()), *patterns)

    def excluded(self) -> tuple[str, ...]:
        value = self.exclude.value()
        assert isinstance(value, tuple)
        return value

    def chosen(self) -> list[TableRef]:
        """The tables that this comes to; empty while the source's tables are not known."""
        return meant(self.names(), self.excluded(), self._available or ())

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.which)
        self._some = QWidget()
        inside = QVBoxLayout(self._some)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(8)
        inside.addWidget(self.search)
        inside.addWidget(self.list)
        ticks = QHBoxLayout()
        ticks.setSpacing(14)
        ticks.addWidget(self._tick_shown)
        ticks.addWidget(self._tick_none)
        ticks.addStretch(1)
        inside.addLayout(ticks)
        column.addWidget(self._some)
        row = QHBoxLayout()
        row.setSpacing(12)
        self._like = titled("Names like", self.patterns, "One a line; * and ? stand for anything.")
        row.addWidget(self._like, 1, Qt.AlignmentFlag.AlignTop)
        row.addWidget(titled("Except", self.exclude, "Names or patterns, one a line."), 1, Qt.AlignmentFlag.AlignTop)
        column.addLayout(row)
        column.addWidget(self._unmatched)
        column.addWidget(self._count)

    def _connect(self) -> None:
        self.which.changed.connect(self._edited)
        self.search.textChanged.connect(self._shown.setFilterFixedString)
        self.search.textChanged.connect(self._adapt)
        self.search.down.connect(self.list.setFocus)
        self._model.itemChanged.connect(self._edited)
        self.patterns.changed.connect(self._edited)
        self.exclude.changed.connect(self._edited)
        self._tick_shown.clicked.connect(self._tick_all_shown)
        self._tick_none.clicked.connect(self._tick_nothing)

    def _spread(self, names: tuple[str, ...]) -> None:
        """Show names as ticks and patterns."""
        if names == _ALL:
            names = ()
        ticked, others = split_names(names, self._available or ())
        self._model.blockSignals(True)
        self._model.clear()
        for table in self._available or ():
            item = QStandardItem(str(table))
            item.setData(table, _REF)
            item.setCheckable(True)
            item.setCheckState(Qt.CheckState.Checked if table in ticked else Qt.CheckState.Unchecked)
            self._model.appendRow(item)
        self._model.blockSignals(False)
        self._shown.invalidate()
        self.patterns.show_value(tuple(others))
        self._adapt()

    def _ticked(self) -> list[TableRef]:
        items = (self._model.item(row) for row in range(self._model.rowCount()))
        return [item.data(_REF) for item in items if item.checkState() == Qt.CheckState.Checked]

    def _tick_all_shown(self) -> None:
        self._tick(range(self._shown.rowCount()), Qt.CheckState.Checked)

    def _tick_nothing(self) -> None:
        self._model.blockSignals(True)
        for row in range(self._model.rowCount()):
            self._model.item(row).setCheckState(Qt.CheckState.Unchecked)
        self._model.blockSignals(False)
        self._edited()

    def _tick(self, rows: range, state: Qt.CheckState) -> None:
        self._model.blockSignals(True)
        for row in rows:
            self._model.itemFromIndex(self._shown.mapToSource(self._shown.index(row, 0))).setCheckState(state)
        self._model.blockSignals(False)
        self._edited()

    def _edited(self) -> None:
        self.list.viewport().update()
        self._adapt()
        self.changed.emit()

    def _adapt(self) -> None:
        some, known = self.which.value == "some", self._available is not None
        self._some.setVisible(some and known)
        self._like.setVisible(some)
        self._tick_shown.setText("Tick those shown" if self.search.text() else "Tick all")
        available = self._available or ()
        patterns = self.patterns.value()
        assert isinstance(patterns, tuple)
        lost = [name for name in patterns if known and some and not matching(name, available)]
        self._unmatched.setText(f"No table matches {', '.join(f'“{name}”' for name in lost)}." if lost else "")
        self._unmatched.setVisible(bool(lost))
        count = len(self.chosen())
        self._count.setText(f"{count:,} of {len(available):,} tables" if known else "")
        self._count.setVisible(known)
