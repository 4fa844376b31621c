"""Where one types what to look for in the list beneath."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLineEdit


class SearchField(QLineEdit):
    """`down`: the arrow key that leads from here into the list."""

    down = Signal()

    def __init__(self, says: str) -> None:
        super().__init__()
        self.setPlaceholderText(says)
        self.setAccessibleName(says)
        self.setClearButtonEnabled(True)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802  Qt's name
        if event.key() == Qt.Key.Key_Down and event.modifiers() == Qt.KeyboardModifier.NoModifier:
            self.down.emit()
        else:
            super().keyPressEvent(event)
