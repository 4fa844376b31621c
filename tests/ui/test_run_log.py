"""The log of a run with very many lines."""

import time
from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot
from sqlalchemy import insert

from dtaas_desktop.services import records
from dtaas_desktop.services.workspace import Workspace
from dtaas_desktop.ui.context import Context
from dtaas_desktop.ui.run_log_view import LogCard
from tests.ui.shop import PATIENCE

RUN = "00000001-0000-4000-8000-000000000000"


def written(workspace: Workspace, first: int, count: int) -> None:
    """Lines of the run, every ten thousandth an error."""
    lines = [
        {
            "run": RUN,
            "at": time.time(),
            "level": "error" if number % 10_000 == 7 else "info",
            "source_table": "orders",
            "message": f"line {number}",
        }
        for number in range(first, first + count)
    ]
    with workspace.database.writing() as connection:
        connection.execute(insert(records.log_lines), lines)


@pytest.fixture
def log(context: Context, workspace: Workspace, qtbot: QtBot) -> Iterator[LogCard]:
    now = time.time()
    with workspace.database.writing() as connection:
        values = {"id": RUN, "task": "t", "task_name": "T", "state": "done", "process": 1, "started_at": now, "seen_at": now}
        connection.execute(insert(records.runs).values(**values))
    shown = LogCard(context)
    qtbot.addWidget(shown)
    shown.resize(400, 500)
    with qtbot.waitActive(shown):
        shown.show()
        shown.activateWindow()
    yield shown
    shown.stop()


def test_a_hundred_thousand_lines_are_read_page_by_page(log: LogCard, workspace: Workspace, qtbot: QtBot) -> None:
    written(workspace, 0, 100_000)
    log.show_run(RUN)
    qtbot.waitUntil(lambda: log.lines == 500, timeout=PATIENCE)
    bar = log.text.verticalScrollBar()
    assert bar.value() == bar.maximum(), "it begins at its end"
    assert log.text.toPlainText().endswith("line 99999")
    bar.setValue(bar.minimum())
    qtbot.waitUntil(lambda: log.lines == 1000, timeout=PATIENCE)
    assert bar.value() > bar.minimum(), "what was read stays where it was"
    assert log.text.toPlainText().splitlines()[0].endswith("orders: line 99000")
    log.levels.setFocus()
    qtbot.keyClick(log.levels, Qt.Key.Key_End)
    qtbot.waitUntil(lambda: log.lines == 10, timeout=PATIENCE)
    qtbot.keyClicks(log.search, "30007")
    qtbot.waitUntil(lambda: log.lines == 1, timeout=PATIENCE)
    qtbot.keyClicks(log.search, "x")
    qtbot.waitUntil(lambda: log.said.text() == "No line is like this.", timeout=PATIENCE)


def test_the_end_stays_in_sight_when_there_is_less_room(log: LogCard, workspace: Workspace, qtbot: QtBot) -> None:
    written(workspace, 0, 200)
    log.show_run(RUN)
    qtbot.waitUntil(lambda: log.lines == 200, timeout=PATIENCE)
    bar = log.text.verticalScrollBar()
    log.resize(400, 260)
    qtbot.waitUntil(lambda: bar.value() == bar.maximum(), timeout=PATIENCE)
    written(workspace, 200, 5)
    log.poll()
    qtbot.waitUntil(lambda: log.lines == 205, timeout=PATIENCE)
    assert bar.value() == bar.maximum()
