"""A field of a form: its title, its input, and one line beneath that helps, or says what is wrong."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from dtaas_desktop.ui.form_inputs import Input
from dtaas_desktop.ui.form_model import FieldSpec
from dtaas_desktop.ui.widgets import label, restyle
from dtaas_desktop.ui.words import lower_first


class FormRow(QWidget):
    """One field. `touched`: the user has edited it, so that its mistakes may be shown. `asked`: it matters beside the others."""

    edited = Signal()

    def __init__(self, spec: FieldSpec, value_input: Input) -> None:
        super().__init__()
        self.spec, self.input = spec, value_input
        self.touched = False
        self.asked = True
        self._shown = ""
        self._apart: QLabel | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(5)
        self._title = label(spec.title.replace("&", "&&"), "label")
        self._called = spec.title
        if spec.kind != "switch":
            self._title.setBuddy(value_input.focus)
            column.addWidget(self._title)
        elif spec.row:  # beside a field that has its title above
            column.addWidget(label("", "label"))
        column.addWidget(value_input.widget)
        self._note = label(spec.help, "faint", wrap=True)
        restyle(self._note, fine=True)
        column.addWidget(self._note)
        column.addStretch(1)
        value_input.focus.setAccessibleName(spec.title)
        value_input.changed.connect(self._edit)
        value_input.focus.setAccessibleDescription(self._described)
        if spec.tip:
            value_input.widget.setToolTip(spec.tip)
        self._show_note()

    @property
    def problem(self) -> str:
        """The mistake that is shown, or nothing."""
        return self._shown

    @property
    def title(self) -> str:
        """What the field is called now."""
        return self._called

    def call(self, title: str) -> None:
        """Give the field another title, for what it means beside the others."""
        if title != self._called:
            self._called = title
            self._title.setText(title.replace("&", "&&"))
            self.input.focus.setAccessibleName(title)

    def show_problem(self, sentence: str) -> None:
        """Say what is wrong in the place of the help; an empty sentence brings the help back."""
        if sentence == self._shown:
            return
        self._shown = sentence
        self._show_note()
        restyle(self._note, tone="red" if sentence else "")
        self.input.mark(bool(sentence))
        self.input.focus.setAccessibleDescription(sentence or self._described)

    def help_apart(self) -> QLabel:
        """The help as a label of its own, for a row that is too narrow for it; what is wrong stays beneath the field."""
        self._apart = label(f"{self.spec.title}: {lower_first(self.spec.help)}" if self.spec.help else "", "faint", wrap=True)
        restyle(self._apart, fine=True)
        self._show_note()
        return self._apart

    @property
    def _described(self) -> str:
        return " ".join(filter(None, (self.spec.help, self.spec.tip)))

    def _show_note(self) -> None:
        text = self._shown or ("" if self._apart is not None else self.spec.help)
        self._note.setText(text)
        self._note.setVisible(bool(text))
        if self._apart is not None:
            shown = self.asked and bool(self.spec.help)
            if not shown or self._apart.parentWidget() is not None:  # shown without a parent, it would be a window
                self._apart.setVisible(shown)

    def ask(self, asked: bool) -> None:
        self.asked = asked
        self.setVisible(asked)
        self._show_note()

    def _edit(self) -> None:
        self.touched = True
        self.edited.emit()
