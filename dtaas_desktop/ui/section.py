"""A card of a longer form, with the place where what is wrong with it is said."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QLabel, QVBoxLayout, QWidget

from dtaas_desktop.domain.problems import Problem
from dtaas_desktop.ui.widgets import Card, label, restyle


class Section(Card):
    """`changed` tells every edit of the user."""

    changed = Signal()

    def __init__(self, heading: str) -> None:
        super().__init__(heading)
        self.setAccessibleName(heading)
        self.body.setSpacing(10)
        self._problem = label("", "body", wrap=True)
        restyle(self._problem, tone="red", size="small")
        self._problem.hide()

    def end(self) -> None:
        """Everything is in the card: the place for problems comes last."""
        self.body.addWidget(self._problem)

    @property
    def problem(self) -> str:
        """What is said to be wrong here, or nothing."""
        return self._problem.text()

    def show_problem(self, problem: Problem | None) -> None:
        text = "" if problem is None else str(problem)
        self._problem.setText(text)
        self._problem.setVisible(bool(text))
        restyle(self, tone="red" if text else "")

    def tell(self) -> None:
        self.changed.emit()


def titled(title: str, field: QWidget, note: str | QLabel = "") -> QWidget:
    """A field under its title, which is also its name for screen readers, and over a note; a label where the note will change."""
    made = QWidget()
    column = QVBoxLayout(made)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(5)
    head = label(title, "label")
    head.setBuddy(field)
    field.setAccessibleName(title)
    column.addWidget(head)
    column.addWidget(field)
    if note:
        if isinstance(note, str):
            field.setAccessibleDescription(note)
            note = label(note, "faint", wrap=True)
        restyle(note, size="small")
        column.addWidget(note)
    return made


def show_choices(box: QComboBox, names: list[str], chosen: str, *, nothing: str) -> None:
    """Fill a box with names; one that is chosen but not among them stays to be seen. `nothing` is what stands for none."""
    shown = names if chosen in names or not chosen else [*names, chosen]
    box.blockSignals(True)
    box.clear()
    box.addItem(nothing, "")
    for name in shown:
        box.addItem(name if name in names else f"{name} (does not exist)", name)
    box.setCurrentIndex(max(0, box.findData(chosen)))
    box.blockSignals(False)
