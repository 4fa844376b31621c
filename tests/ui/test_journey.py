"""A newcomer's first half hour, with the mouse: the sample is started, paused, left, found again, resumed, and right."""

from pathlib import Path
from typing import TypeVar

import duckdb
import pyarrow.parquet as pq
import pytest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from dtaas_desktop.services import sample
from dtaas_desktop.services.workspace import Workspace
from dtaas_desktop.ui.context import Context, Navigator
from dtaas_desktop.ui.live_runs import LiveRuns
from dtaas_desktop.ui.main_window import MainWindow
from dtaas_desktop.ui.pages.dashboard import DashboardPage
from dtaas_desktop.ui.pages.runs import RunsPage
from tests.ui.conftest import deliver
from tests.ui.held import hold, wait_until_told
from tests.ui.shop import PATIENCE, answer, click

P = TypeVar("P", bound=QWidget)
FLOWN = 328_521  # flights of the shipped file that have a departure time; the sample leaves the others out


@pytest.mark.timeout(400)
def test_from_the_first_start_to_verified_rows(
    context: Context, workspace: Workspace, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = hold(monkeypatch, tmp_path)
    window = shown(context, qtbot)
    dashboard = page_of(window, DashboardPage)
    qtbot.waitUntil(dashboard.first_start.isVisible, timeout=PATIENCE)
    click(qtbot, dashboard.first_start.try_sample)
    qtbot.waitUntil(gate.is_held, timeout=PATIENCE)
    qtbot.waitUntil(lambda: window.page_name == "runs", timeout=PATIENCE)
    runs = page_of(window, RunsPage)
    qtbot.waitUntil(lambda: runs.buttons["pause"].isVisible() and runs.buttons["pause"].isEnabled(), timeout=PATIENCE)
    click(qtbot, runs.buttons["pause"])
    wait_until_told(qtbot, workspace, "pause")

    window.close()
    answer(qtbot, window, "Keep running")
    qtbot.waitUntil(lambda: not window.isVisible(), timeout=PATIENCE)
    context.runs.close("keep")
    deliver()
    gate.open()
    task = sample.shipped()[0]
    qtbot.waitUntil(lambda: state_of(workspace, task.uuid) == "paused", timeout=PATIENCE)
    assert not list((workspace.folder / "sample" / "output").glob("*/*.parquet")), "nothing of a paused run may be seen"

    again = Context(workspace, context.theme, context.background, LiveRuns(workspace), Navigator())
    window = shown(again, qtbot)
    window.go("runs", latest_run(workspace, task.uuid))
    runs = page_of(window, RunsPage)
    qtbot.waitUntil(lambda: runs.buttons["resume"].isVisible() and runs.buttons["resume"].isEnabled(), timeout=PATIENCE)
    click(qtbot, runs.buttons["resume"])
    qtbot.waitUntil(lambda: state_of(workspace, task.uuid) == "done", timeout=PATIENCE)
    qtbot.waitUntil(lambda: not again.runs.running and not again.runs.starting, timeout=PATIENCE)
    window.close()
    qtbot.waitUntil(lambda: not window.isVisible(), timeout=PATIENCE)
    again.runs.close("keep")
    deliver()
    again.runs.deleteLater()
    again.navigator.deleteLater()

    written = workspace.folder / "sample"
    assert sum(pq.read_metadata(file).num_rows for file in (written / "output").rglob("flights*.parquet")) == FLOWN
    with duckdb.connect(str(written / "flights.duckdb"), read_only=True) as database:
        assert database.execute("SELECT count(*) FROM flights").fetchone() == (FLOWN,)


def shown(context: Context, qtbot: QtBot) -> MainWindow:
    window = MainWindow(context)
    qtbot.addWidget(window, before_close_func=lambda one: one.close_without_asking())
    window.resize(1440, 900)
    with qtbot.waitExposed(window):
        window.show()
    return window


def page_of(window: MainWindow, kind: type[P]) -> P:
    page = window.page
    assert isinstance(page, kind)
    return page


def latest_run(workspace: Workspace, task: str) -> str:
    found = workspace.history.latest(task)
    assert found is not None
    return found.id


def state_of(workspace: Workspace, task: str) -> str:
    found = workspace.history.latest(task)
    return "never run" if found is None else found.state
