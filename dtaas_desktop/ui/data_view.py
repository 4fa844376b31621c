"""Rows of an Arrow table: names and types in the head, exact values in mono, NULL told from the text “NULL”."""

from itertools import groupby

import pyarrow as pa
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QGuiApplication, QKeyEvent, QKeySequence, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from dtaas_desktop.domain.type_names import name_of_type
from dtaas_desktop.ui.cell_text import for_clipboard, for_tip, is_number, one_line, shown_text
from dtaas_desktop.ui.theme import Theme, body_font, mono_font

Index = QModelIndex | QPersistentModelIndex
ROW_HEIGHT, HEAD_HEIGHT = 28, 32
_NARROWEST, _WIDEST, _PADDING = 64, 320, 12
_SAMPLE = 30  # rows that decide a column's width
_NOTHING = QModelIndex()


class ArrowModel(QAbstractTableModel):
    """The cells of a table, made into texts when they are first looked at."""

    def __init__(self) -> None:
        super().__init__()
        self.table: pa.Table = pa.table({})
        self._texts: dict[tuple[int, int], str | None] = {}

    def show_table(self, table: pa.Table) -> None:
        self.beginResetModel()
        self.table = table.combine_chunks() if table.num_rows else table
        self._texts.clear()
        self.endResetModel()

    def rowCount(self, parent: Index = _NOTHING) -> int:  # noqa: N802  Qt's names
        return 0 if parent.isValid() else int(self.table.num_rows)

    def columnCount(self, parent: Index = _NOTHING) -> int:  # noqa: N802
        return 0 if parent.isValid() else int(self.table.num_columns)

    @property
    def made(self) -> int:
        """How many cells have been made into texts."""
        return len(self._texts)

    def text(self, row: int, column: int) -> str | None:
        """The cell on one line, None for NULL."""
        place = row, column
        if place not in self._texts:
            self._texts[place] = shown_text(self.table.column(column)[row])
        return self._texts[place]

    def clipboard_text(self, rows: list[int], columns: list[int], *, heads: bool) -> str:
        """These cells, tab-separated; the columns' names above them if there is more than one cell."""
        lines = [[self.table.schema.field(column).name for column in columns]] if heads else []
        lines += [[for_clipboard(self.table.column(column)[row]) for column in columns] for row in rows]
        return "\n".join("\t".join(line) for line in lines)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:  # noqa: N802
        if orientation == Qt.Orientation.Vertical or not 0 <= section < self.table.num_columns:
            return None
        field = self.table.schema.field(section)
        kind = name_of_type(field.type)
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return one_line(field.name)
            case Qt.ItemDataRole.UserRole:
                return kind
            case Qt.ItemDataRole.ToolTipRole | Qt.ItemDataRole.AccessibleTextRole:
                return f"{one_line(field.name)}, {kind}{'' if field.nullable else ', never NULL'}"
            case Qt.ItemDataRole.TextAlignmentRole:
                return _side(field.type)
            case _:
                return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        match role:
            case Qt.ItemDataRole.DisplayRole | Qt.ItemDataRole.AccessibleTextRole:
                text = self.text(index.row(), index.column())
                return "NULL" if text is None else text
            case Qt.ItemDataRole.ToolTipRole:
                return for_tip(self.table.column(index.column())[index.row()])
            case Qt.ItemDataRole.TextAlignmentRole:
                return _side(self.table.schema.field(index.column()).type)
            case _:
                return None


def _side(kind: pa.DataType) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if is_number(kind) else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter


class DataView(QTableView):
    """A table of data. Ctrl+C copies the selection, tab-separated; arrows, Home, End and Ctrl+A work as everywhere."""

    def __init__(self, theme: Theme, name: str) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self._data = ArrowModel()
        self.setModel(self._data)
        self._head = _Head(theme, self)
        self.setHorizontalHeader(self._head)
        self.setItemDelegate(_Cells(theme, self._data, self))
        self.setShowGrid(False)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectItems)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setTabKeyNavigation(False)
        self.setWordWrap(False)
        self.verticalHeader().hide()
        self.verticalHeader().setMinimumSectionSize(ROW_HEIGHT)
        self.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        theme.changed.connect(self.viewport().update)

    @property
    def table(self) -> pa.Table:
        return self._data.table

    def show_table(self, table: pa.Table) -> None:
        """Show these rows, from the first one, in columns as wide as their first rows need."""
        self._data.show_table(table)
        metrics = QFontMetrics(mono_font())
        rows = range(min(_SAMPLE, table.num_rows))
        for column in range(table.num_columns):
            texts = [(self._data.text(row, column) or "NULL")[:80] for row in rows]
            widest = max((metrics.horizontalAdvance(text) for text in texts), default=0) + 2 * _PADDING
            wanted = max(_NARROWEST, min(_WIDEST, max(widest, self._head.wanted_width(column))))
            self._head.resizeSection(column, wanted)
        self.scrollToTop()
        if table.num_rows and table.num_columns:
            self.setCurrentIndex(self._data.index(0, 0))
            self.clearSelection()

    def selected_text(self) -> str:
        """The selected cells as tab-separated text; with the columns' names if there is more than one row."""
        chosen = sorted((index.row(), index.column()) for index in self.selectedIndexes())
        if not chosen and self.currentIndex().isValid():
            chosen = [(self.currentIndex().row(), self.currentIndex().column())]
        rows = [row for row, _ in groupby(chosen, key=lambda place: place[0])]
        columns = sorted({column for _, column in chosen})
        return self._data.clipboard_text(rows, columns, heads=len(rows) > 1)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        if event.matches(QKeySequence.StandardKey.Copy):
            QGuiApplication.clipboard().setText(self.selected_text())
        else:
            super().keyPressEvent(event)


class _Head(QHeaderView):
    """Names in semibold, types beside them in a fainter hand."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._theme = theme
        self._name_font, self._type_font = body_font(12, body_font().Weight.DemiBold), body_font(12)
        self.setFixedHeight(HEAD_HEIGHT)
        self.setMinimumSectionSize(40)
        self.setHighlightSections(False)
        self.setSectionsClickable(True)
        theme.changed.connect(self.viewport().update)

    def wanted_width(self, column: int) -> int:
        name, kind = self._texts(column)
        names, kinds = QFontMetrics(self._name_font), QFontMetrics(self._type_font)
        return names.horizontalAdvance(name) + kinds.horizontalAdvance(kind) + 6 + 2 * _PADDING

    def sizeHint(self) -> QSize:  # noqa: N802
        return QSize(super().sizeHint().width(), HEAD_HEIGHT)

    def paintSection(self, painter: QPainter, rect: QRect, column: int) -> None:  # noqa: N802
        name, kind = self._texts(column)
        tokens = self._theme.tokens
        painter.save()
        painter.fillRect(QRect(rect.left(), rect.bottom(), rect.width(), 1), QColor(tokens.line))
        room = rect.adjusted(_PADDING, 0, -_PADDING, 0)
        names, kinds = QFontMetrics(self._name_font), QFontMetrics(self._type_font)
        name = names.elidedText(name, Qt.TextElideMode.ElideRight, room.width())
        left = room.width() - names.horizontalAdvance(name) - 6
        kind = kinds.elidedText(kind, Qt.TextElideMode.ElideRight, left) if left > 24 else ""
        used = names.horizontalAdvance(name) + (6 + kinds.horizontalAdvance(kind) if kind else 0)
        right = self.model().headerData(column, Qt.Orientation.Horizontal, Qt.ItemDataRole.TextAlignmentRole)
        if isinstance(right, Qt.AlignmentFlag) and right & Qt.AlignmentFlag.AlignRight:
            room.setLeft(room.right() - used + 1)
        middle = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        painter.setFont(self._name_font)
        painter.setPen(QColor(tokens.text))
        painter.drawText(room, middle, name)
        painter.setFont(self._type_font)
        painter.setPen(QColor(tokens.faint))
        painter.drawText(room.adjusted(names.horizontalAdvance(name) + 6, 0, 0, 0), middle, kind)
        painter.restore()

    def _texts(self, column: int) -> tuple[str, str]:
        ask = self.model().headerData
        across = Qt.Orientation.Horizontal
        return str(ask(column, across) or ""), str(ask(column, across, Qt.ItemDataRole.UserRole) or "")


class _Cells(QStyledItemDelegate):
    def __init__(self, theme: Theme, model: ArrowModel, view: DataView) -> None:
        super().__init__(view)
        self._theme, self._model, self._view = theme, model, view
        self._font = mono_font()

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        tokens, rect, state = self._theme.tokens, option.rect, option.state
        painter.save()
        if state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, QColor(tokens.accent_fill))
        painter.fillRect(QRect(rect.left(), rect.bottom(), rect.width(), 1), QColor(tokens.soft))
        if state & QStyle.StateFlag.State_HasFocus and self._view.hasFocus():
            painter.setPen(QColor(tokens.accent))
            painter.drawRect(rect.adjusted(0, 0, -1, -1))
        text = self._model.text(index.row(), index.column())
        painter.setFont(self._font)
        painter.setPen(QColor(tokens.faint if text is None else tokens.text))
        room = rect.adjusted(_PADDING, 0, -_PADDING, 0)
        line = QFontMetrics(self._font).elidedText("NULL" if text is None else text, Qt.TextElideMode.ElideRight, room.width())
        painter.drawText(room, _side(self._model.table.schema.field(index.column()).type), line)
        painter.restore()
