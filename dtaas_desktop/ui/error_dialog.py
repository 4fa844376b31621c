"""Says that something unexpected happened, and goes on."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QCheckBox, QDialog, QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from dtaas_desktop.ui.error_report import ErrorReport
from dtaas_desktop.ui.theme import mono_font
from dtaas_desktop.ui.widgets import button, fit_height, label

_TEXT = (
    "This is a fault of the application. Runs are not affected: they go on in processes of their own. "
    "You can go on too; if something looks wrong, start the application again. "
    "The report holds no data and no secrets of yours: please send it to whoever looks after the application."
)


class ErrorDialog(QDialog):
    """The same error again only counts up. `is_quiet` when the user wants to hear no more of this one."""

    def __init__(self, parent: QWidget | None, report: ErrorReport) -> None:
        super().__init__(parent)
        self.report = report
        self._count = 1
        self.setWindowTitle("Something unexpected happened")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumWidth(560)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 22, 24, 20)
        column.setSpacing(10)
        self.heading = label("Something unexpected happened", "title", wrap=True)
        column.addWidget(self.heading)
        column.addWidget(label(f"While {report.doing}: {report.sentence}", wrap=True))
        column.addWidget(label(_TEXT, "dim", wrap=True))
        self.details = QPlainTextEdit(report.text)
        self.details.setReadOnly(True)
        self.details.setAccessibleName("Report")
        self.details.setFont(mono_font())
        self.details.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.details.setMinimumHeight(220)
        self.details.hide()
        column.addWidget(self.details, 1)
        self.quiet = QCheckBox("Do not show this error again until the next start")
        self.quiet.hide()
        column.addWidget(self.quiet)
        column.addStretch(0)
        column.addLayout(self._buttons())
        self.go_on.setFocus()
        fit_height(self, 600)

    @property
    def is_quiet(self) -> bool:
        return self.quiet.isChecked()

    def count_up(self) -> None:
        """It happened once more."""
        self._count += 1
        self.heading.setText(f"Something unexpected happened, {self._count} times")
        self.quiet.show()

    def _buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(10)
        self.fold, self.copy, self.go_on = button("Show details", "quiet"), button("Copy report"), button("Go on", "primary")
        self.fold.clicked.connect(self._toggle)
        self.copy.clicked.connect(self._copy)
        self.go_on.clicked.connect(self.accept)
        self.go_on.setDefault(True)
        row.addWidget(self.fold)
        row.addStretch(1)
        row.addWidget(self.copy)
        row.addWidget(self.go_on)
        return row

    def _toggle(self) -> None:
        self.details.setVisible(self.details.isHidden())
        self.fold.setText("Show details" if self.details.isHidden() else "Hide details")
        self.adjustSize()

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.report.text)
        self.copy.setText("Copied")
