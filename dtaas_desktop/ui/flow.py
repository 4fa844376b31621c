"""Buttons beside each other, on the next line where the room ends."""

from collections.abc import Sequence

from PySide6.QtCore import QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QPushButton, QSizePolicy, QWidget


class Flow(QWidget):
    """Those that are hidden take no room; after hiding or showing some, `arrange`."""

    def __init__(self, buttons: Sequence[QPushButton], *, gap: int = 4) -> None:
        """`gap`: pixels between two lines."""
        super().__init__()
        self._buttons, self._gap = list(buttons), gap
        for one in self._buttons:
            one.setParent(self)
        policy = QSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        if not self._buttons:  # shown before it has a parent, it would be a window
            self.hide()

    def arrange(self) -> None:
        """Others of the buttons are shown now."""
        self.updateGeometry()
        self._place(self.width(), move=True)

    def hasHeightForWidth(self) -> bool:  # noqa: N802  Qt's name
        return True

    def heightForWidth(self, width: int) -> int:  # noqa: N802
        return self._place(width, move=False)

    def sizeHint(self) -> QSize:  # noqa: N802
        return QSize(240, self._place(max(240, self.width()), move=False))

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        return QSize(80, self._place(10_000, move=False))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        self._place(self.width(), move=True)

    def _place(self, width: int, *, move: bool) -> int:
        shown = [one for one in self._buttons if not one.isHidden()]
        tall = max((one.sizeHint().height() for one in shown), default=0)
        left, top = 0, 4
        for one in shown:
            wanted = one.sizeHint()
            if left and left + wanted.width() > width:
                left, top = 0, top + tall + self._gap
            if move:
                # The text of a link begins where the text above does.
                begin = left - 3 if one.property("kind") == "link" and not left else left
                one.setGeometry(begin, top + (tall - wanted.height()) // 2, min(wanted.width(), width), wanted.height())
            left += wanted.width() + 8
        return top + tall
