"""A widget that is taken out of a window is gone, whenever it was put there."""

from PySide6.QtCore import QCoreApplication, QEvent, QObject
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from dtaas_desktop.ui.widgets import label, take_out


class _Windows(QObject):
    """Which kinds of windows were shown."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[str] = []

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802  Qt's name
        if event.type() == QEvent.Type.Show and isinstance(watched, QWidget) and watched.isWindow():
            self.shown.append(type(watched).__name__)
        return False


def test_what_is_taken_out_in_the_moment_it_was_put_in_does_not_become_a_window(qtbot: QtBot, qapp: QApplication) -> None:
    """A test of a connection that was left as a step came in showed that step as a window, which took the keyboard."""
    page = QWidget()
    qtbot.addWidget(page)
    column = QVBoxLayout(page)
    with qtbot.waitExposed(page):
        page.show()
    windows = _Windows()
    qapp.installEventFilter(windows)
    row = label("Server found")
    column.addWidget(row)
    row.show()
    take_out(row)
    for _ in range(3):
        QCoreApplication.processEvents()
    qapp.removeEventFilter(windows)
    assert windows.shown == []
    assert page.findChildren(QWidget) == []
