"""The inputs of forms: each holds one value, tells when the user changes it, and can be marked as wrong."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from PySide6.QtCore import QSignalBlocker, Qt, Signal, SignalInstance
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QCheckBox, QComboBox, QFileDialog, QHBoxLayout, QLineEdit, QPlainTextEdit, QWidget

from dtaas_desktop.ui.form_model import FieldSpec, PathKind
from dtaas_desktop.ui.widgets import button, restyle


class Input(Protocol):
    """What a form asks of an input. `widget` is laid out, `focus` is what the keyboard reaches and a label belongs to."""

    @property
    def changed(self) -> SignalInstance: ...
    @property
    def widget(self) -> QWidget: ...
    @property
    def focus(self) -> QWidget: ...
    def value(self) -> object:
        """As the model is given it; what is no number yet comes as its text."""
        ...

    def show_value(self, value: object) -> None:
        """Show it, without telling that anything changed."""
        ...

    def mark(self, wrong: bool) -> None: ...


class TextInput(QLineEdit):
    """One line of text. `empty` is the value of an empty field."""

    changed = Signal()

    def __init__(self, *, empty: str | None = "", placeholder: str = "") -> None:
        super().__init__()
        self._empty = empty
        self.setPlaceholderText(placeholder)
        self.textChanged.connect(self._tell)

    @property
    def widget(self) -> QWidget:
        return self

    @property
    def focus(self) -> QWidget:
        return self

    def value(self) -> object:
        return self.text() or self._empty

    def show_value(self, value: object) -> None:
        with QSignalBlocker(self):
            self.setText("" if value is None else str(value))
            self.setCursorPosition(0)

    def mark(self, wrong: bool) -> None:
        restyle(self, wrong=wrong)

    def _tell(self) -> None:
        self.changed.emit()


class NumberInput(TextInput):
    """A number, typed; with `optional` an empty field is None."""

    def __init__(self, *, whole: bool, optional: bool, placeholder: str = "") -> None:
        super().__init__(empty=None if optional else "", placeholder=placeholder)
        self._whole = whole

    def value(self) -> object:
        text = self.text().strip()
        if not text:
            return self._empty
        try:
            return int(text) if self._whole else float(text)
        except ValueError:
            return text  # the model says what is wrong with it

    def show_value(self, value: object) -> None:
        whole = isinstance(value, float) and value.is_integer() and abs(value) < 1e15
        super().show_value(int(value) if whole and isinstance(value, float) else value)


class ChoiceInput(QComboBox):
    """One of a few values, by their words."""

    changed = Signal()

    def __init__(self, choices: Sequence[tuple[object, str]], *, optional: bool = False) -> None:
        super().__init__()
        self._values = ([None] if optional else []) + [value for value, _ in choices]
        self.addItems((["—"] if optional else []) + [words for _, words in choices])
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(8)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.currentIndexChanged.connect(self._tell)

    @property
    def widget(self) -> QWidget:
        return self

    @property
    def focus(self) -> QWidget:
        return self

    def value(self) -> object:
        return self._values[self.currentIndex()]

    def show_value(self, value: object) -> None:
        with QSignalBlocker(self):
            self.setCurrentIndex(self._values.index(value) if value in self._values else 0)

    def mark(self, wrong: bool) -> None:
        restyle(self, wrong=wrong)

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802  Qt's name
        event.ignore()  # scrolling a form must not change what it holds

    def _tell(self) -> None:
        self.changed.emit()


class SwitchInput(QCheckBox):
    """On or off; its text stands beside the box."""

    changed = Signal()

    def __init__(self, text: str) -> None:
        super().__init__(text.replace("&", "&&"))
        self.toggled.connect(self._tell)

    @property
    def widget(self) -> QWidget:
        return self

    @property
    def focus(self) -> QWidget:
        return self

    def value(self) -> object:
        return self.isChecked()

    def show_value(self, value: object) -> None:
        with QSignalBlocker(self):
            self.setChecked(bool(value))

    def mark(self, wrong: bool) -> None:
        restyle(self, wrong=wrong)

    def _tell(self) -> None:
        self.changed.emit()


class LinesInput(QPlainTextEdit):
    """Several texts, one a line; empty lines do not count."""

    changed = Signal()

    def __init__(self, *, placeholder: str = "") -> None:
        super().__init__()
        self.setPlaceholderText(placeholder)
        self.setTabChangesFocus(True)
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.setFixedHeight(88)
        self.textChanged.connect(self._tell)

    @property
    def widget(self) -> QWidget:
        return self

    @property
    def focus(self) -> QWidget:
        return self

    def value(self) -> object:
        return tuple(line.strip() for line in self.toPlainText().splitlines() if line.strip())

    def show_value(self, value: object) -> None:
        lines = [str(one) for one in value] if isinstance(value, list | tuple) else []
        with QSignalBlocker(self):
            self.setPlainText("\n".join(lines))

    def mark(self, wrong: bool) -> None:
        restyle(self, wrong=wrong)

    def _tell(self) -> None:
        self.changed.emit()


class PathInput(QWidget):
    """A path, typed or chosen from the disk."""

    changed = Signal()

    def __init__(self, kind: PathKind, title: str, *, placeholder: str = "") -> None:
        super().__init__()
        self._kind, self._title = kind, title
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        self.line = TextInput(placeholder=placeholder)
        self.browse = button("Browse …")
        self.browse.setAccessibleName(f"Browse for {title}")
        row.addWidget(self.line, 1)
        row.addWidget(self.browse)
        self.line.changed.connect(self._tell)
        self.browse.clicked.connect(self._choose)

    @property
    def widget(self) -> QWidget:
        return self

    @property
    def focus(self) -> QWidget:
        return self.line

    def value(self) -> object:
        return self.line.text().strip()

    def show_value(self, value: object) -> None:
        self.line.show_value(value)
        self.line.setToolTip(str(value or ""))

    def mark(self, wrong: bool) -> None:
        self.line.mark(wrong)

    def _tell(self) -> None:
        self.line.setToolTip(self.line.text())
        self.changed.emit()

    def _choose(self) -> None:
        dialog = QFileDialog(self, self._title, _start_folder(self.line.text()))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if self._kind == "folder":
            dialog.setFileMode(QFileDialog.FileMode.Directory)
        elif self._kind == "new file":
            # The file may be there already: it is opened, not overwritten.
            dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
            dialog.setOption(QFileDialog.Option.DontConfirmOverwrite)
        else:
            dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self.line.setText)
        dialog.open()


def _start_folder(typed: str) -> str:
    try:
        place = Path(typed).expanduser() if typed else Path.home()
    except RuntimeError:
        place = Path.home()
    folder = place if place.is_dir() else place.parent
    return str(folder if folder.is_dir() else Path.home())


def make_input(spec: FieldSpec) -> Input:
    """The input for a field (not for sections and secrets, which need more than their spec)."""
    match spec.kind:
        case "whole number" | "number":
            return NumberInput(whole=spec.kind == "whole number", optional=spec.optional, placeholder=spec.placeholder)
        case "choice":
            return ChoiceInput(spec.choices, optional=spec.optional)
        case "switch":
            return SwitchInput(spec.title)
        case "lines":
            return LinesInput(placeholder=spec.placeholder)
        case "path":
            return PathInput(spec.path, spec.title, placeholder=spec.placeholder)
        case _:
            return TextInput(empty=None if spec.optional else "", placeholder=spec.placeholder)
