"""The column by which an incremental task finds new rows, and how far it looks back for late ones."""

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from dtaas_desktop.domain.changes import WriteMode
from dtaas_desktop.services.source_tables import GrowingOffer
from dtaas_desktop.ui.follow_words import Following, column_help, follow_problems, look_back_help, misses
from dtaas_desktop.ui.radio_choice import INDENT
from dtaas_desktop.ui.section import titled
from dtaas_desktop.ui.widgets import label, restyle


class FollowColumn(QWidget):
    """`changed` tells every edit. Mistakes are shown once `reveal` was called, or the field was edited."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._offer: GrowingOffer | None = None
        self._write_mode: WriteMode = "mirror"
        self._touched: set[str] = set()
        self.column, self.look_back = _Columns(), QLineEdit()
        self._column_note, self._look_back_note = label("", "faint", wrap=True), label("", "faint", wrap=True)
        self._misses = label("", "body", wrap=True)
        restyle(self._misses, tone="amber", size="small")
        row = QHBoxLayout()
        row.setSpacing(12)
        self._back = titled("Look back", self.look_back, self._look_back_note)
        row.addWidget(titled("Column that grows", self.column, self._column_note), 3, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self._back, 2, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout(self)
        column.setContentsMargins(INDENT, 2, 0, 4)
        column.setSpacing(8)
        column.addLayout(row)
        column.addWidget(self._misses)
        self.column.editTextChanged.connect(self._edit_column)
        self.look_back.textChanged.connect(self._edit_look_back)
        self.show_values("", 0)

    @property
    def following(self) -> Following:
        """What the fields hold."""
        return Following(self.column.currentText().strip(), self.look_back.text(), self._write_mode, self._offer)

    @property
    def problems(self) -> list[str]:
        """What is shown to be wrong now."""
        return [note.text() for note in (self._column_note, self._look_back_note) if note.property("tone") == "red"]

    def show_values(self, column: str, look_back: object) -> None:
        """Show what a source's settings hold; no mistake is shown."""
        self._touched.clear()
        with QSignalBlocker(self.column), QSignalBlocker(self.look_back):
            self.column.setEditText(column)
            whole = isinstance(look_back, float) and look_back.is_integer()
            self.look_back.setText(str(int(look_back) if whole and isinstance(look_back, float) else look_back))
        self._say()

    def show_offer(self, offer: GrowingOffer | None) -> None:
        """These columns could tell; None: nobody knows."""
        self._offer = offer
        typed = self.column.currentText()
        with QSignalBlocker(self.column):
            self.column.clear()
            self.column.addItems([one.name for one in offer.common] if offer is not None else [])
            for at, one in enumerate(offer.common if offer is not None else ()):
                self.column.setItemData(at, one.declared, Qt.ItemDataRole.ToolTipRole)
            self.column.setCurrentIndex(-1)
            self.column.setEditText(typed)
        self._say()

    def show_write_mode(self, mode: WriteMode) -> None:
        """How the destination is written decides what may be looked back at."""
        self._write_mode = mode
        self._say()

    def reveal(self) -> bool:
        """Show every mistake; whether there is one."""
        self._touched = {"column", "look back"}
        self._say()
        return bool(follow_problems(self.following))

    def focus_problem(self) -> None:
        """Put the keyboard into the first field that is wrong."""
        field = self.column if "column" in follow_problems(self.following) else self.look_back
        field.setFocus()

    def _edit_column(self) -> None:
        self._touched.add("column")
        self._say()
        self.changed.emit()

    def _edit_look_back(self) -> None:
        self._touched.add("look back")
        self._say()
        self.changed.emit()

    def _say(self) -> None:
        now = self.following
        wrong = {field: text for field, text in follow_problems(now).items() if field in self._touched}
        _note(self._column_note, self.column, wrong.get("column", ""), column_help(now))
        _note(self._look_back_note, self.look_back, wrong.get("look back", ""), look_back_help(now.measure))
        self._back.setVisible(now.measure != "version")
        self._misses.setText(misses(now))


class _Columns(QComboBox):
    """Names to choose from, or to type: the tables may have others than could be looked at."""

    def __init__(self) -> None:
        super().__init__()
        self.setEditable(True)
        self.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(8)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        line = self.lineEdit()
        assert line is not None
        line.setPlaceholderText("modified_at")

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802  Qt's name
        event.ignore()  # scrolling a form must not change what it holds


def _note(note: QLabel, field: QWidget, wrong: str, helps: str) -> None:
    note.setText(wrong or helps)
    note.setVisible(bool(wrong or helps))
    restyle(note, tone="red" if wrong else "")
    restyle(field, wrong=bool(wrong))
    field.setAccessibleDescription(wrong or helps)
