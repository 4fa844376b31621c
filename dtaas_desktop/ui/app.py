"""Starts the window over a workspace, and ends it properly."""

import logging
import signal
import sys
from collections.abc import Callable, Sequence
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import FrameType

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QApplication, QWidget

from dtaas_desktop import __version__
from dtaas_desktop.domain.errors import AppError, UserError
from dtaas_desktop.domain.left_out import left_out
from dtaas_desktop.services.settings import AppSettings
from dtaas_desktop.services.workspace import Workspace, default_folder, open_workspace
from dtaas_desktop.ui.background import Background
from dtaas_desktop.ui.context import Context, Navigator
from dtaas_desktop.ui.garbage import Garbage
from dtaas_desktop.ui.live_runs import LiveRuns
from dtaas_desktop.ui.main_window import MainWindow
from dtaas_desktop.ui.mark import window_icon
from dtaas_desktop.ui.refused_workspace import RefusedWorkspace
from dtaas_desktop.ui.single_instance import SingleInstance
from dtaas_desktop.ui.theme import Theme
from dtaas_desktop.ui.unexpected import Unexpected

_LOG_BYTES = 1_000_000
_QUIT_CODE_REFUSED = 2


def main(workspace_folder: Path | None, arguments: Sequence[str]) -> int:
    """Show the window until it is closed; the exit code. `arguments` are Qt's own."""
    with left_out("pandas"):
        return _shown(workspace_folder or default_folder(), arguments)


def _shown(workspace_folder: Path, arguments: Sequence[str]) -> int:
    application = QApplication(["dtaas-desktop", *arguments])
    application.setApplicationName("DTaaS Desktop")
    application.setApplicationDisplayName("DTaaS Desktop")
    application.setApplicationVersion(__version__)
    application.setDesktopFileName("dtaas-desktop")
    application.setWindowIcon(window_icon())
    application.setQuitOnLastWindowClosed(False)
    desk = Desk(application, application.exit)
    desk.unexpected.install()
    _let_signals_close(desk)
    try:
        desk.begin(workspace_folder.absolute())
        return application.exec()
    finally:
        desk.end()
        desk.unexpected.remove()


class Desk(QObject):
    """What lives as long as the application: the look, the workspace that is open, its window."""

    def __init__(self, application: QApplication, leave: Callable[[int], None]) -> None:
        """`leave` ends the application with an exit code."""
        super().__init__()
        self._leave_with = leave
        self.unexpected = Unexpected(self._top_window)
        self.theme = Theme(application)
        self._garbage = Garbage(self)
        self._garbage.begin()
        self.background = Background(self)
        self.background.failed_unexpectedly.connect(self.unexpected.of_background)
        self.window: MainWindow | None = None
        self.refused: RefusedWorkspace | None = None
        self._instance: SingleInstance | None = None
        self._workspace: Workspace | None = None
        self._runs: LiveRuns | None = None
        self._log: logging.Handler | None = None
        self._ticks = QTimer(self)  # Python handles a signal of the system only when it is called

    def begin(self, folder: Path) -> None:
        """Open the workspace in this folder and show its window, or say why not and what else can be done."""
        self._instance = SingleInstance(folder)
        try:
            first = self._instance.claim()
        except OSError as error:
            refusal = UserError(
                f"The workspace folder {folder} cannot be used: {error.strerror or error}.",
                remedy="Choose another folder, or see that you may write in this one.",
            )
            self._refuse(folder, refusal)
            return
        if not first:
            self._call_other(folder)
            return
        self._instance.raised.connect(self.raise_window)
        self._write_log(folder)
        self.background.submit(self, lambda: _open(folder), self._opened, lambda error: self._refuse(folder, error))

    def raise_window(self) -> None:
        """Bring the window to the front."""
        if self.window is not None:
            self.window.setWindowState(self.window.windowState() & ~self.window.windowState().WindowMinimized)
            self.window.show()
            self.window.raise_()
            self.window.activateWindow()

    def keep_ticking(self) -> None:
        """See to it that signals of the system are noticed within half a second."""
        self._ticks.timeout.connect(_nothing)
        self._ticks.start(500)

    def quit(self) -> None:
        """Close the window without a question; runs go on."""
        if self.window is not None:
            self.window.close_without_asking()
        else:
            self._leave_with(0)

    def end(self) -> None:
        """Let go of everything, whatever state it is in."""
        self._ticks.stop()
        if self._runs is not None:
            self._runs.close("keep")
        self.background.close()
        if self._workspace is not None:
            self._workspace.close()
        if self._instance is not None:
            self._instance.release()
        if self._log is not None:
            logging.getLogger().removeHandler(self._log)
            self._log.close()
        self._garbage.end()

    def _opened(self, found: tuple[Workspace, AppSettings]) -> None:
        self._workspace, settings = found
        self.theme.choose(settings.theme)
        self._runs = LiveRuns(self._workspace, self)
        self._runs.failed_unexpectedly.connect(self.unexpected.of_background)
        context = Context(self._workspace, self.theme, self.background, self._runs, Navigator(self))
        self.window = MainWindow(context)
        self.window.left.connect(self._leave)
        self.window.show()

    def _leave(self) -> None:
        self._leave_with(0)

    def _call_other(self, folder: Path) -> None:
        assert self._instance is not None
        if self._instance.call():
            QTimer.singleShot(0, self._leave)
            return
        busy = UserError(
            f"Another window has the workspace {folder}, and it does not answer.",
            remedy="Wait a moment and try again, end that window, or choose another folder.",
        )
        self._refuse(folder, busy)

    def _refuse(self, folder: Path, error: AppError) -> None:
        if self._instance is not None:
            self._instance.release()
        self.refused = RefusedWorkspace(folder, error)
        self.refused.chosen.connect(self._begin_again)
        self.refused.quit.connect(self._give_up)
        self.refused.show()

    def _begin_again(self, folder: Path) -> None:
        self.refused = None
        self.begin(folder)

    def _give_up(self) -> None:
        self._leave_with(_QUIT_CODE_REFUSED)

    def _top_window(self) -> QWidget | None:
        return QApplication.activeModalWidget() or self.window

    def _write_log(self, folder: Path) -> None:
        """Warnings and errors of the window go to logs/window.log of the workspace, where that can be written."""
        try:
            (folder / "logs").mkdir(parents=True, exist_ok=True)
            handler = RotatingFileHandler(
                folder / "logs" / "window.log", maxBytes=_LOG_BYTES, backupCount=1, encoding="utf-8", delay=True
            )
        except OSError:
            return  # opening the workspace says it better
        handler.setLevel(logging.WARNING)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        if self._log is not None:
            logging.getLogger().removeHandler(self._log)
            self._log.close()
        self._log = handler
        logging.getLogger().addHandler(handler)


def _open(folder: Path) -> tuple[Workspace, AppSettings]:
    workspace = open_workspace(folder)
    return workspace, workspace.settings.load()


def _let_signals_close(desk: Desk) -> None:
    def close(_: int, __: FrameType | None) -> None:
        desk.quit()

    if sys.platform != "win32":
        signal.signal(signal.SIGTERM, close)
    signal.signal(signal.SIGINT, close)
    desk.keep_ticking()


def _nothing() -> None:
    return
