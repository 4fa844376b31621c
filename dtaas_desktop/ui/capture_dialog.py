"""Before changes are captured: the statements that the source will be given, to read, to copy, or to run."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from dtaas_desktop.services.source_tables import CaptureOffer
from dtaas_desktop.ui.theme import mono_font
from dtaas_desktop.ui.widgets import button, label


class CaptureDialog(QDialog):
    """`confirmed`: switch it on."""

    confirmed = Signal()

    def __init__(self, parent: QWidget, connection: str, offer: CaptureOffer) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Capture changes")
        self.resize(720, 520)
        count = len(offer.missing)
        what = f"“{offer.missing[0]}”" if count == 1 else f"{count:,} tables"
        text = (
            f"These statements make “{connection}” keep note of what changes in {what}. They stay until the capture is removed. "
            "If you may not change the source yourself, copy them for whoever may."
        )
        self.script = QPlainTextEdit(offer.script)
        self.script.setReadOnly(True)
        self.script.setTabChangesFocus(True)
        self.script.setFont(mono_font())
        self.script.setAccessibleName("The statements")
        self.script.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        copy, later, go = button("Copy"), button("Not now"), button("Capture changes", "primary")
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 22, 24, 20)
        column.setSpacing(10)
        column.addWidget(label(f"Capture changes of {what}", "title", wrap=True))
        column.addWidget(label(text, "dim", wrap=True))
        column.addWidget(self.script, 1)
        row = QHBoxLayout()
        row.setSpacing(10)
        row.addWidget(copy)
        row.addStretch(1)
        row.addWidget(later)
        row.addWidget(go)
        column.addLayout(row)
        go.setDefault(True)
        go.setFocus()
        copy.clicked.connect(self._copy)
        later.clicked.connect(self.reject)
        go.clicked.connect(self._confirm)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.script.toPlainText())

    def _confirm(self) -> None:
        self.accept()
        self.confirmed.emit()
