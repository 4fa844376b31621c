"""The page of runs as tests come to it, and runs that are only remembered."""

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot
from sqlalchemy import insert

from dtaas_desktop.services import records
from dtaas_desktop.services.run_request import RunRequest
from dtaas_desktop.services.workspace import Workspace
from dtaas_desktop.ui.main_window import MainWindow
from dtaas_desktop.ui.pages.runs import RunsPage
from dtaas_desktop.ui.run_samples import RunSamples
from tests.ui.shop import PATIENCE


def runs_page(window: MainWindow, qtbot: QtBot, item: str = "", act: str = "") -> RunsPage:
    """The page, once it has read what is asked for."""
    with qtbot.waitActive(window):
        window.activateWindow()
    window.go("runs", item, act)
    page = window.page
    assert isinstance(page, RunsPage)
    if item and not act:
        qtbot.waitUntil(lambda: page.view.run is not None and page.view.run.id == item, timeout=PATIENCE)
    else:
        qtbot.waitUntil(
            lambda: bool(page.list.model.records) or page.body.state.heading.text() == "No runs yet", timeout=PATIENCE
        )
    return page


def past_run(workspace: Workspace, number: int, *, name: str = "Past", state: str = "done", began: float) -> str:
    """A run that is only remembered."""
    run = f"{number:08d}-0000-4000-8000-000000000000"
    with workspace.database.writing() as connection:
        connection.execute(
            insert(records.runs).values(
                id=run,
                task=f"task of {name}",
                task_name=name,
                state=state,
                process=1,
                started_at=began,
                seen_at=began,
                finished_at=began + 60,
                rows_written=number,
            )
        )
    return run


def names(page: RunsPage) -> list[str]:
    """The tasks of the runs that are listed."""
    return [run.task_name for run in page.list.model.records]


def show_tab(samples: RunSamples, tab: int, qtbot: QtBot) -> None:
    """Click on a tab beneath the tables."""
    bar = samples.tabs.tabBar()
    qtbot.mouseClick(bar, Qt.MouseButton.LeftButton, pos=bar.tabRect(tab).center())


def started_instead(window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> list[RunRequest]:
    """What would be started from now on; nothing is."""
    requests: list[RunRequest] = []
    monkeypatch.setattr(window.context.runs, "start", requests.append)
    return requests
