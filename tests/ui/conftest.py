"""What the tests of the window share. Offscreen, and strict: Qt's warnings fail (pyproject), and nothing may outlive a test."""

import gc
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from importlib.abc import MetaPathFinder
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

# Before Qt is loaded: the platform is chosen then.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
# No test asks the keyring of whoever runs it; those that are about keyrings set one of their own.
os.environ.setdefault("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")

import psutil
import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QThread, QThreadPool, QTimer
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

from dtaas_desktop.services.workspace import Workspace, open_workspace
from dtaas_desktop.ui.background import Background
from dtaas_desktop.ui.context import Context, Navigator
from dtaas_desktop.ui.live_runs import LiveRuns
from dtaas_desktop.ui.theme import Theme

if TYPE_CHECKING:
    from dtaas_desktop.ui.main_window import MainWindow


def pytest_configure(config: pytest.Config) -> None:
    # Without a screen nothing can be raised or told its smallest size; Qt says so each time.
    config.addinivalue_line("qt_log_ignore", "This plugin does not support")


def pytest_sessionfinish() -> None:
    gc.unfreeze()  # see `nothing_outlives_the_test`


class QtIsImportedByTheWindow(MetaPathFinder):
    """What makes classes of Qt known to PySide may be imported in the thread of the window alone (see ui/plot.py)."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        del path, target
        if fullname.startswith(("PySide6", "pyqtgraph", "dtaas_desktop.ui")):
            assert threading.current_thread() is threading.main_thread(), f"{fullname} is imported in another thread"


@pytest.fixture(scope="session", autouse=True)
def qt_is_imported_by_the_window() -> Iterator[None]:
    guard = QtIsImportedByTheWindow()
    sys.meta_path.insert(0, guard)
    yield
    sys.meta_path.remove(guard)


@pytest.fixture(scope="session")
def shared_theme(qapp: QApplication) -> Theme:
    return Theme(qapp, "dark")


@pytest.fixture
def theme(shared_theme: Theme) -> Theme:
    """The theme of the application, dark at the start of each test."""
    if shared_theme.choice != "dark":
        shared_theme.choose("dark")
    return shared_theme


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    opened = open_workspace(tmp_path / "workspace")
    yield opened
    opened.close()


@pytest.fixture
def context(workspace: Workspace, theme: Theme) -> Iterator[Context]:
    """What pages are given, over a workspace of this test. Bugs in background jobs fail the test."""
    bugs: list[BaseException] = []
    background, runs, navigator = Background(), LiveRuns(workspace), Navigator()
    background.failed_unexpectedly.connect(bugs.append)
    runs.failed_unexpectedly.connect(bugs.append)
    yield Context(workspace, theme, background, runs, navigator)
    runs.close("keep")
    background.close()
    deliver()
    for one in (runs, background, navigator):
        one.deleteLater()
    deliver()
    for bug in bugs:
        raise bug


@pytest.fixture
def window(context: Context, qtbot: QtBot) -> "MainWindow":
    """The whole window, 1440 × 900, shown."""
    from dtaas_desktop.ui.main_window import MainWindow

    shown = MainWindow(context)
    qtbot.addWidget(shown, before_close_func=lambda one: one.close_without_asking())
    shown.resize(1440, 900)
    with qtbot.waitExposed(shown):
        shown.show()
    return shown


@pytest.fixture(autouse=True)
def nothing_outlives_the_test(qapp: QApplication) -> Iterator[None]:
    """Timers, threads, pools, processes and windows that a test has left behind fail it."""
    threads = _threads()
    processes = set(psutil.Process().children(recursive=True))
    gc.disable()  # as in the application (ui.garbage): no other thread is to destroy what belongs to the window
    yield
    gc.enable()
    deliver()
    gc.collect()
    deliver()
    wait_until(lambda: not any(thread.is_alive() for thread in _threads() - threads))
    left: list[str] = [str(thread) for thread in _threads() - threads if thread.is_alive()]
    wait_until(lambda: not _running_since(processes), rounds=500)
    left += [str(child) for child in _running_since(processes)]
    left += [f"window {widget}" for widget in qapp.topLevelWidgets() if widget.isVisible()]
    left += _busy_qt_objects()
    # What is there now was looked at: the next test's turn looks at what is new, not again at some million older objects.
    gc.freeze()
    assert not left, f"left behind: {left}"


def _running_since(before: set[psutil.Process]) -> list[psutil.Process]:
    """Processes that are ours and others' than before; a dead one that a server of the tests has not buried yet is not, nor what
    PostgreSQL begins when it likes (autovacuum)."""
    found = []
    for child in set(psutil.Process().children(recursive=True)) - before:
        with suppress(psutil.NoSuchProcess):
            if child.name() == "postgres" and child.parent() in before:
                continue
            if child.status() != psutil.STATUS_ZOMBIE or child.ppid() == os.getpid():
                found.append(child)
    return found


def _threads() -> set[threading.Thread]:
    # A thread of a Qt pool that asked for `current_thread` stands here as a dummy that never ends; pools are looked at below.
    return {thread for thread in threading.enumerate() if not thread.name.startswith("Dummy-")}


def deliver() -> None:
    """Let Qt deliver what waits: answers of threads, and deletions."""
    QCoreApplication.processEvents()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    QCoreApplication.processEvents()


def wait_until(condition: Callable[[], bool], rounds: int = 3000) -> None:
    """Deliver events until it is so, or for half a minute."""
    for _ in range(rounds):
        if condition():
            return
        QCoreApplication.processEvents()
        QThread.msleep(10)


def _busy_qt_objects() -> list[str]:
    busy: list[str] = []
    for one in gc.get_objects():
        kind = type(one)
        if not issubclass(kind, QTimer | QThread | QThreadPool) or not isValid(one):
            continue
        if isinstance(one, QTimer) and one.isActive():
            busy.append(f"timer of {one.parent()}")
        elif isinstance(one, QThread) and one.isRunning():
            busy.append(f"thread {one}")
        elif isinstance(one, QThreadPool) and one.activeThreadCount():
            busy.append(f"pool of {one.parent()}")
    return busy
