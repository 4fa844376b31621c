"""A small question with clear verbs to choose from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from dtaas_desktop.ui.widgets import ButtonKind, button, fit_height, label


@dataclass(frozen=True, slots=True)
class Answer:
    """A button: what it says, and what follows. An answer without `then` only closes the question."""

    verb: str
    then: Callable[[], None] | None = None
    kind: ButtonKind = "normal"


class Question(QDialog):
    """Asks over its parent; `open()` it. The first answer is what Enter chooses; Esc is the last one.

    `links` stand under the text, one a line: ways to where the matter can be settled.
    """

    def __init__(
        self, parent: QWidget | None, heading: str, text: str, answers: Sequence[Answer], *, links: Sequence[Answer] = ()
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(heading)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setAccessibleDescription(text)
        self._answers = (*links, *answers)
        self._given = False
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 22, 24, 20)
        column.setSpacing(10)
        title, body = label(heading, "title", wrap=True), label(text, "dim", wrap=True)
        body.setMinimumWidth(400)
        column.addWidget(title)
        column.addWidget(body)
        self.links: list[QPushButton] = []
        for link in links:
            made = button(link.verb.replace("&", "&&"), "link")
            self.links.append(made)
            column.addWidget(made, 0, Qt.AlignmentFlag.AlignLeft)
        column.addSpacing(10)
        column.addStretch(1)
        row = QHBoxLayout()
        row.setSpacing(10)
        row.addStretch(1)
        self.buttons: list[QPushButton] = []
        for answer in reversed(answers):
            made = button(answer.verb, answer.kind)
            self.buttons.insert(0, made)
            row.addWidget(made)
        # Enter presses the button that has the keyboard; at first that is one that takes nothing away.
        first = next(
            (made for made, answer in zip(self.buttons, answers, strict=True) if answer.kind != "danger"), self.buttons[0]
        )
        for made in (*self.links, *self.buttons):
            made.clicked.connect(self._answer)
        column.addLayout(row)
        first.setDefault(True)
        first.setFocus()  # now that it is in the dialog
        fit_height(self, max(480, row.sizeHint().width() + 48))

    def reject(self) -> None:
        """Esc, or the window's own close button."""
        self._give(len(self._answers) - 1)

    def _answer(self) -> None:
        sender = self.sender()
        self._give(next(at for at, made in enumerate((*self.links, *self.buttons)) if made is sender))

    def _give(self, at: int) -> None:
        if self._given:
            return
        self._given = True
        then = self._answers[at].then
        super().reject()
        if then is not None:
            then()
