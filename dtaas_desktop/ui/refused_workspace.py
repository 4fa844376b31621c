"""What is shown when a workspace cannot be opened: why, and what else can be done."""

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog, QFileDialog, QHBoxLayout, QVBoxLayout

from dtaas_desktop.domain.errors import AppError
from dtaas_desktop.ui.widgets import button, fit_height, label


class RefusedWorkspace(QDialog):
    """`chosen` carries the folder to try next: the same again, or another."""

    chosen = Signal(Path)
    quit = Signal()

    def __init__(self, folder: Path, error: AppError) -> None:
        super().__init__()
        self._folder = folder
        self._decided = False
        self.folders: QFileDialog | None = None
        self.setWindowTitle("DTaaS Desktop")
        self.setMinimumWidth(520)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 22, 24, 20)
        column.setSpacing(10)
        column.addWidget(label("The workspace cannot be opened", "title", wrap=True))
        column.addWidget(label(error.message, wrap=True))
        remedy = label(error.remedy, "dim", wrap=True)
        remedy.setVisible(bool(error.remedy))
        column.addWidget(remedy)
        column.addSpacing(10)
        column.addStretch(1)
        row = QHBoxLayout()
        row.setSpacing(10)
        self.leave, self.again, self.other = button("Quit"), button("Try again"), button("Choose another folder …", "primary")
        row.addWidget(self.leave)
        row.addStretch(1)
        row.addWidget(self.again)
        row.addWidget(self.other)
        column.addLayout(row)
        self.other.setDefault(True)
        self.other.setFocus()
        fit_height(self, 540)
        self.leave.clicked.connect(self.reject)
        self.again.clicked.connect(self._again)
        self.other.clicked.connect(self._ask)

    def reject(self) -> None:
        """Quit, Esc, or the window's own close button."""
        if not self._decided:
            self._decided = True
            super().reject()
            self.quit.emit()

    def _again(self) -> None:
        self._choose(self._folder)

    def _ask(self) -> None:
        self.folders = QFileDialog(self, "Choose a workspace folder", str(self._folder.parent))
        self.folders.setFileMode(QFileDialog.FileMode.Directory)
        self.folders.fileSelected.connect(self._chose)
        self.folders.open()

    def _chose(self, folder: str) -> None:
        self._choose(Path(folder))

    def _choose(self, folder: Path) -> None:
        self._decided = True
        super().accept()
        self.chosen.emit(folder)
