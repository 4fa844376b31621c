"""The window crashed now and then, because a thread of a pool did what only the thread of the window may."""

import gc
import threading
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from dtaas_desktop.ui import garbage
from dtaas_desktop.ui.background import Background
from dtaas_desktop.ui.garbage import Garbage

PATIENCE = 20_000


class Ring(QObject):
    """Refers to itself, so that only the collector finds it."""

    def __init__(self, destroyed_in: list[threading.Thread]) -> None:
        super().__init__()
        self.itself = self
        self.timer = QTimer()
        self.timer.destroyed.connect(lambda: destroyed_in.append(threading.current_thread()), Qt.ConnectionType.DirectConnection)


@pytest.fixture
def background() -> Iterator[Background]:
    made = Background()
    yield made
    made.close()


def _allocate() -> list[list[int]]:
    return [[number] for number in range(100_000)]


def test_objects_of_the_window_are_destroyed_in_its_thread_whoever_allocates(
    background: Background, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(garbage, "LOOK_MILLISECONDS", 10)
    destroyed_in: list[threading.Thread] = []
    owner = QWidget()
    qtbot.addWidget(owner)
    answers: list[int] = []
    collector = Garbage()
    collector.begin()
    try:
        for _ in range(20):
            Ring(destroyed_in)
        for _ in range(8):
            background.submit(owner, _allocate, lambda made: answers.append(len(made)))
        background._pool.waitForDone()  # the window's thread stands still, so that the others would collect, if any did
        assert destroyed_in == []
        kept: list[list[int]] = []

        def all_gone() -> bool:
            kept.extend([number] for number in range(1000))  # something for the thresholds to count
            return len(destroyed_in) == 20 and len(answers) == 8

        qtbot.waitUntil(all_gone, timeout=PATIENCE)
    finally:
        collector.end()
    assert set(destroyed_in) == {threading.main_thread()}
    assert gc.isenabled()


def test_an_answer_for_nobody_is_let_go(background: Background, qtbot: QtBot) -> None:
    owner = QWidget()
    answers: list[object] = []
    go = threading.Event()
    background.submit(owner, go.wait, answers.append)
    del owner
    go.set()
    qtbot.waitUntil(lambda: not background.is_busy and not background._waiting, timeout=PATIENCE)
    assert answers == []


def test_qt_is_not_imported_in_another_thread(background: Background, qtbot: QtBot) -> None:
    owner = QWidget()
    qtbot.addWidget(owner)
    with qtbot.waitSignal(background.failed_unexpectedly, timeout=PATIENCE) as told:
        background.submit(owner, lambda: __import__("pyqtgraph.nothing"), lambda _: None)
    assert told.args is not None
    assert "is imported in another thread" in str(told.args[0])
