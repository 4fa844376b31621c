"""Tables of records: a model that keeps selection when records change, and delegates for pills, bars and figures."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFocusEvent, QFontMetrics, QKeyEvent, QMouseEvent, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from dtaas_desktop.ui.theme import Theme, body_font, mono_font
from dtaas_desktop.ui.tokens import Tone
from dtaas_desktop.ui.widgets import paint_bar, paint_pill

R = TypeVar("R")
Index = QModelIndex | QPersistentModelIndex
Look = Literal["text", "strong", "dim", "mono", "figure", "pill", "bar"]
_ROLE_RECORD = Qt.ItemDataRole.UserRole


@dataclass(frozen=True)  # no slots: with them, `Column[Record](…)` of a generic class fails on Python 3.11
class Column(Generic[R]):
    """One column: its head, the text of a record in it, and how that looks.

    `tone` colours pills and bars; `percent` fills a bar (None: unknown, an empty track); `bar` tells which records have one at all;
    `tip` is the exact value or the whole text.
    """

    head: str
    text: Callable[[R], str]
    look: Look = "text"
    tone: Callable[[R], Tone] | None = None
    percent: Callable[[R], float | None] | None = None
    bar: Callable[[R], bool] | None = None
    tip: Callable[[R], str] | None = None
    width: int = 0  # pixels; 0: takes what is left


class RecordModel(QAbstractTableModel, Generic[R]):
    """Records as rows. `key` is a record's identity: rows that stay keep their selection while they change."""

    def __init__(self, columns: Sequence[Column[R]], key: Callable[[R], Hashable]) -> None:
        super().__init__()
        self.columns, self._key = tuple(columns), key
        self.records: list[R] = []

    def show_records(self, records: Sequence[R]) -> None:
        """Show these. The same keys in the same order only change their cells; anything else is laid out anew."""
        new = list(records)
        if [self._key(one) for one in new] == [self._key(one) for one in self.records]:
            changed = [row for row, (old, one) in enumerate(zip(self.records, new, strict=True)) if old != one]
            self.records = new
            for row in changed:
                self.dataChanged.emit(self.index(row, 0), self.index(row, len(self.columns) - 1))
            return
        self.layoutAboutToBeChanged.emit()
        before = self.persistentIndexList()
        keys = [self._key(self.records[index.row()]) for index in before]
        self.records = new
        rows = {self._key(one): row for row, one in enumerate(new)}
        after = [self.index(rows[k], i.column()) if k in rows else QModelIndex() for k, i in zip(keys, before, strict=True)]
        self.changePersistentIndexList(before, after)
        self.layoutChanged.emit()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: N802, B008  Qt's signature
        return 0 if parent.isValid() else len(self.records)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: N802, B008
        return 0 if parent.isValid() else len(self.columns)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:  # noqa: N802
        if orientation == Qt.Orientation.Vertical:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self.columns[section].head
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(self.columns[section].look)
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        column, record = self.columns[index.column()], self.records[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole | Qt.ItemDataRole.AccessibleTextRole:
                return column.text(record)
            case Qt.ItemDataRole.ToolTipRole:
                return column.tip(record) if column.tip else column.text(record)
            case Qt.ItemDataRole.TextAlignmentRole:
                return _alignment(column.look)
            case Qt.ItemDataRole.UserRole:
                return record
            case _:
                return None


def _alignment(look: Look) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if look == "figure" else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter


class RecordTable(QTableView, Generic[R]):
    """A quiet table. `opened` carries the record that was double-clicked or entered, `chosen` the one that is current (or None)."""

    opened = Signal(object)
    chosen = Signal(object)

    def __init__(self, theme: Theme, model: RecordModel[R], name: str, *, row_height: int = 38) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self._records = model
        self.setModel(model)
        self.setItemDelegate(_CellDelegate(theme, model.columns, self))
        self.setShowGrid(False)
        self.setMouseTracking(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setTabKeyNavigation(False)
        self.setWordWrap(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(row_height)
        self.verticalHeader().setMinimumSectionSize(20)
        self._lay_out()
        self.selectionModel().currentRowChanged.connect(lambda now, _: self.chosen.emit(self._record(now)))
        theme.changed.connect(self.viewport().update)

    @property
    def current(self) -> R | None:
        """The record of the current row."""
        return self._record(self.currentIndex())

    def choose(self, row: int) -> None:
        self.setCurrentIndex(self._records.index(row, 0))

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802
        super().focusInEvent(event)
        now = self.currentIndex()  # Qt makes the first row current when the keyboard comes, but does not select it
        if now.isValid() and not self.selectionModel().hasSelection():
            self.selectRow(now.row())

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.current is not None:
            self.opened.emit(self.current)
        else:
            super().keyPressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        record = self._record(self.indexAt(event.position().toPoint()))
        if record is not None and event.button() == Qt.MouseButton.LeftButton:
            self.opened.emit(record)

    def _record(self, index: QModelIndex) -> R | None:
        return self._records.records[index.row()] if index.isValid() and index.row() < len(self._records.records) else None

    def _lay_out(self) -> None:
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionsClickable(False)
        header.setFixedHeight(34)
        header.setMinimumSectionSize(40)
        for at, column in enumerate(self._records.columns):
            mode = QHeaderView.ResizeMode.Interactive if column.width else QHeaderView.ResizeMode.Stretch
            header.setSectionResizeMode(at, mode)
            if column.width:
                header.resizeSection(at, column.width)


class _CellDelegate(QStyledItemDelegate):
    """Paints cells: names in semibold, data in mono, pills and bars of their tone."""

    def __init__(self, theme: Theme, columns: Sequence[Column[Any]], parent: QWidget) -> None:
        super().__init__(parent)
        self._theme, self._columns = theme, tuple(columns)
        body = body_font()
        self._fonts = {
            "strong": body_font(13, body.Weight.DemiBold),
            "mono": mono_font(),
            "pill": body_font(12, body.Weight.DemiBold),
        }
        self._body = body

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: N802
        column = self._columns[index.column()]
        self.initStyleOption(option, index)
        metrics = QFontMetrics(self._fonts.get(column.look, self._body))
        return QSize(metrics.horizontalAdvance(str(index.data() or "")) + (44 if column.look == "pill" else 24), 38)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        column, record = self._columns[index.column()], index.data(_ROLE_RECORD)
        tokens = self._theme.tokens
        rect = QRectF(option.rect)
        state = option.state
        painter.save()
        selected = bool(state & QStyle.StateFlag.State_Selected)
        if selected:
            painter.fillRect(rect, QColor(tokens.soft))
        painter.fillRect(QRectF(rect.left(), rect.bottom() - 1, rect.width(), 1), QColor(tokens.soft))
        if state & QStyle.StateFlag.State_HasFocus and self._owner().hasFocus():
            painter.fillRect(QRectF(rect.left(), rect.top(), 2, rect.height() - 1), QColor(tokens.accent))
        painter.setFont(self._fonts.get(column.look, self._body))
        room = rect.adjusted(10, 0, -10, 0)
        text = column.text(record)
        tone: Tone = column.tone(record) if column.tone else "quiet"
        if column.look == "pill":
            paint_pill(painter, room, text, tone, self._theme, on_soft=selected)
        elif column.look == "bar" and column.percent is not None and (column.bar is None or column.bar(record)):
            width = min(104.0, room.width() * 0.6)
            track = QRectF(room.left(), room.center().y() - 3, width, 6)
            paint_bar(painter, track, column.percent(record), tone, self._theme, on_soft=selected)
            self._write(painter, room.adjusted(width + 8, 0, 0, 0), text, tokens.dim, "text")
        else:
            colour = tokens.dim if column.look in ("dim", "bar") else tokens.ink(tone) if column.tone else tokens.text
            self._write(painter, room, text, colour, column.look)
        painter.restore()

    def _write(self, painter: QPainter, room: QRectF, text: str, colour: str, look: Look) -> None:
        painter.setPen(QColor(colour))
        line = painter.fontMetrics().elidedText(text.replace("\n", " "), Qt.TextElideMode.ElideRight, int(room.width()))
        painter.drawText(room, _alignment(look), line)

    def _owner(self) -> QWidget:
        owner = self.parent()
        assert isinstance(owner, QWidget)
        return owner
