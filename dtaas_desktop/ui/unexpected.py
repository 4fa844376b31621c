"""Where bugs end: every exception that no one foresaw, from whatever thread, becomes a line of the log and a dialog."""

import logging
import sys
import threading
from collections.abc import Callable
from types import TracebackType

from PySide6.QtCore import QMessageLogContext, QObject, QtMsgType, Signal, qInstallMessageHandler
from PySide6.QtWidgets import QWidget

from dtaas_desktop.ui.error_dialog import ErrorDialog
from dtaas_desktop.ui.error_report import ErrorReport, clean, report_of

_LOG = logging.getLogger(__name__)
_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}


class Unexpected(QObject):
    """Install it once; `parent_of_dialogs` says over which window a dialog belongs."""

    _arrived = Signal(object)

    def __init__(self, parent_of_dialogs: Callable[[], QWidget | None]) -> None:
        super().__init__()
        self._parent_of_dialogs = parent_of_dialogs
        self._quiet: set[tuple[str, str, int]] = set()
        self.dialog: ErrorDialog | None = None
        self._arrived.connect(self._show)
        self._hooks = (sys.excepthook, threading.excepthook)

    def install(self) -> None:
        """Take over the hooks of Python and Qt."""
        self._hooks = (sys.excepthook, threading.excepthook)
        sys.excepthook, threading.excepthook = self._of_python, self._of_thread
        qInstallMessageHandler(_log_message)

    def remove(self) -> None:
        """Give the hooks back."""
        sys.excepthook, threading.excepthook = self._hooks
        qInstallMessageHandler(None)
        if self.dialog is not None:
            self.dialog.close()

    def report(self, error: BaseException, doing: str) -> None:
        """Log the error and show it, once if it comes again and again. From any thread."""
        report = report_of(error, doing)
        _LOG.error("%s", report.text)
        self._arrived.emit(report)

    def of_background(self, error: BaseException) -> None:
        """A job of a pool failed."""
        self.report(error, "working in the background")

    def _of_python(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            return
        self.report(error.with_traceback(trace), "answering a key, a click or a timer")

    def _of_thread(self, told: threading.ExceptHookArgs) -> None:
        if told.exc_value is not None and not issubclass(told.exc_type, SystemExit):
            name = told.thread.name if told.thread else "of its own"
            self.report(told.exc_value.with_traceback(told.exc_traceback), f"working in the thread “{name}”")

    def _show(self, report: ErrorReport) -> None:
        if report.place in self._quiet:
            return
        if self.dialog is not None:
            # One dialog at a time: whatever follows while it is open is in the log, and mostly follows from the first.
            if self.dialog.report.place == report.place:
                self.dialog.count_up()
            return
        self.dialog = ErrorDialog(self._parent_of_dialogs(), report)
        self.dialog.finished.connect(self._forget)
        self.dialog.open()

    def _forget(self) -> None:
        if self.dialog is not None and self.dialog.is_quiet:
            self._quiet.add(self.dialog.report.place)
        self.dialog = None
        below = self._parent_of_dialogs()
        if below is not None and below.isVisible():
            below.activateWindow()  # not every window system gives the keyboard back to where it came from


def _log_message(kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
    _LOG.log(_LEVELS.get(kind, logging.WARNING), "Qt: %s", clean(message))
