"""The field of a secret: typed once, kept where the user wants, never shown again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import get_args

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from dtaas_desktop.domain.secret_ref import SecretStore
from dtaas_desktop.ui.form_inputs import ChoiceInput, TextInput
from dtaas_desktop.ui.theme import Theme
from dtaas_desktop.ui.widgets import ElidedLabel, IconButton, button, restyle

_PLACES: tuple[tuple[object, str], ...] = (
    ("keyring", "Keep in the keyring"),
    ("local", "Keep in this workspace, encrypted"),
    ("file", "Keep in a private file"),
    ("env", "Take from a variable"),
    ("path", "Take from a file"),
)
_NOT_KEPT = "not-kept-yet"


@dataclass(frozen=True, slots=True)
class EnteredSecret:
    """A secret that was typed and is not kept yet, and where it is to be kept."""

    secret: str = field(repr=False)
    where: SecretStore


class SecretInput(QWidget):
    """Holds a reference. While it is empty, or being replaced, the secret itself can be typed, or where to read it from.

    `describe` says where a reference leads (“in the keyring”). What was typed is `entered`; keep it, then `show_value` the reference.
    """

    changed = Signal()

    def __init__(
        self,
        theme: Theme,
        title: str,
        describe: Callable[[str], str],
        *,
        store: SecretStore,
        stores: Sequence[SecretStore] = get_args(SecretStore),
    ) -> None:
        super().__init__()
        self._title, self._describe = title, describe
        self._store, self._stores = store if store in stores else stores[0], tuple(stores)
        self._reference = ""
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        self._is_entry = True
        self._frame, self._entry = self._kept_view(), self._entry_view(theme)
        column.addWidget(self._frame)
        column.addWidget(self._entry)
        self.show_value("")

    @property
    def widget(self) -> QWidget:
        return self

    @property
    def focus(self) -> QWidget:
        return self.line if self._is_entry else self._replace

    @property
    def entered(self) -> EnteredSecret | None:
        """What was typed to be kept; None if nothing was, or if a place to read it from was named instead."""
        where = self.place.value()
        if not self._is_entry or not self.line.text() or where not in ("keyring", "local", "file"):
            return None
        store: SecretStore = "keyring" if where == "keyring" else "local" if where == "local" else "file"
        return EnteredSecret(self.line.text(), store)

    def value(self) -> object:
        """The reference; one that leads nowhere stands for a secret that is not kept yet."""
        if not self._is_entry:
            return self._reference
        text, where = self.line.text(), self.place.value()
        if not text:
            return ""
        return {"env": f"env:{text.strip()}", "path": f"file:{text.strip()}"}.get(str(where), f"{where}:{_NOT_KEPT}")

    def show_value(self, value: object) -> None:
        self._reference = str(value or "")
        self.line.show_value("")
        self.place.show_value(self._store)
        self._adapt()
        self._kept.setText(f"•••••• {self._describe(self._reference)}" if self._reference else "")
        self._keep.hide()
        self._show_entry(not self._reference)

    def mark(self, wrong: bool) -> None:
        self.line.mark(wrong)
        restyle(self._frame, wrong=wrong)

    def _kept_view(self) -> QFrame:
        view = QFrame()
        view.setProperty("role", "field")
        row = QHBoxLayout(view)
        row.setContentsMargins(9, 0, 6, 0)
        self._kept = ElidedLabel("", "dim")
        self._replace = button("Replace", "link")
        self._replace.setAccessibleName(f"Replace {self._title}")
        self._replace.clicked.connect(self._begin)
        row.addWidget(self._kept, 1)
        row.addWidget(self._replace)
        return view

    def _entry_view(self, theme: Theme) -> QWidget:
        view = QWidget()
        column = QVBoxLayout(view)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        row = QHBoxLayout()
        row.setSpacing(4)
        self.line = TextInput()
        self.line.setAccessibleName(self._title)
        self.line.setInputMethodHints(Qt.InputMethodHint.ImhSensitiveData | Qt.InputMethodHint.ImhNoPredictiveText)
        self._look = IconButton("show", "Show what is typed", theme)
        self._look.setCheckable(True)
        self._look.toggled.connect(self._adapt)
        row.addWidget(self.line, 1)
        row.addWidget(self._look)
        column.addLayout(row)
        self.place = ChoiceInput([(place, words) for place, words in _PLACES if place in (*self._stores, "env", "path")])
        self.place.setAccessibleName(f"Where to keep {self._title}")
        self._keep = button("Leave it as it was", "link")
        self._keep.clicked.connect(self._leave)
        column.addWidget(self.place)
        column.addWidget(self._keep, 0, Qt.AlignmentFlag.AlignLeft)
        self.line.changed.connect(self._tell)
        self.place.changed.connect(self._choose_place)
        return view

    def _begin(self) -> None:
        self._keep.show()
        self._show_entry(True)
        self.line.setFocus()
        self._tell()

    def _leave(self) -> None:
        self.show_value(self._reference)
        self._replace.setFocus()
        self._tell()

    def _choose_place(self) -> None:
        # A secret must not turn into the visible name of a variable.
        self.line.show_value("")
        self._adapt()
        self._tell()

    def _adapt(self) -> None:
        secret = self.place.value() in ("keyring", "local", "file")
        hidden = secret and not self._look.isChecked()
        self.line.setEchoMode(QLineEdit.EchoMode.Password if hidden else QLineEdit.EchoMode.Normal)
        self._look.setVisible(secret)
        hints = {"env": "Name of the environment variable", "path": "Path of the file"}
        self.line.setPlaceholderText(hints.get(str(self.place.value()), ""))

    def _show_entry(self, entry: bool) -> None:
        self._is_entry = entry
        self._frame.setVisible(not entry)
        self._entry.setVisible(entry)

    def _tell(self) -> None:
        self.changed.emit()
