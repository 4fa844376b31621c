"""A few choices under each other, each with a sentence; one that cannot be chosen says why."""

from collections.abc import Mapping

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QButtonGroup, QRadioButton, QVBoxLayout, QWidget

from dtaas_desktop.ui.widgets import label, restyle

INDENT = 26


class RadioChoice(QWidget):
    """Exactly one of `choices` (value → title, sentence). `changed` when the user chooses."""

    changed = Signal()

    def __init__(self, name: str, choices: Mapping[str, tuple[str, str]]) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self._choices = dict(choices)
        self._group = QButtonGroup(self)
        self.radios: dict[str, QRadioButton] = {}
        self._notes = {value: label(sentence, "faint", wrap=True) for value, (_, sentence) in choices.items()}
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        for value, (title, sentence) in choices.items():
            radio = QRadioButton(title)
            radio.setAccessibleDescription(sentence)
            self._group.addButton(radio)
            self.radios[value] = radio
            note = self._notes[value]
            note.setContentsMargins(INDENT, 0, 0, 8)
            restyle(note, size="small")
            column.addWidget(radio)
            column.addWidget(note)
            radio.toggled.connect(self._toggled)

    @property
    def value(self) -> str:
        """The chosen one; empty if none is."""
        return next((value for value, radio in self.radios.items() if radio.isChecked()), "")

    def show_value(self, value: str) -> None:
        """Choose it, without telling that anything changed."""
        for one, radio in self.radios.items():
            with QSignalBlocker(radio):
                radio.setChecked(one == value)

    def allow(self, refused: Mapping[str, str]) -> None:
        """Those in `refused` cannot be chosen, for the reason given there (shown in the place of the sentence)."""
        for value, radio in self.radios.items():
            reason = refused.get(value, "")
            sentence = reason or self._choices[value][1]
            radio.setEnabled(not reason)
            radio.setToolTip(reason)
            radio.setAccessibleDescription(sentence)
            self._notes[value].setText(sentence)

    def offer(self, values: tuple[str, ...]) -> None:
        """Show only these."""
        for value, radio in self.radios.items():
            radio.setVisible(value in values)
            self._notes[value].setVisible(value in values)

    def _toggled(self, on: bool) -> None:
        if on:
            self.changed.emit()
