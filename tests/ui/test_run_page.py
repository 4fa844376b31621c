"""The runs page: the list of what ran, and one run in full, with the mouse and the keyboard."""

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from dtaas_desktop.domain.table import CellPolicy
from dtaas_desktop.domain.task import TaskOptions
from dtaas_desktop.services.run_request import RunRequest
from dtaas_desktop.services.runs_view import RunRecord
from dtaas_desktop.services.workspace import Workspace
from dtaas_desktop.ui.main_window import MainWindow
from dtaas_desktop.ui.pages.runs import RunsPage
from dtaas_desktop.ui.run_samples import RunSamples, SampleView
from tests.ui.shop import PATIENCE, answer, click, make_shop, make_task, run_now


@pytest.fixture
def asked(window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> list[RunRequest]:
    """What would be started."""
    requests: list[RunRequest] = []
    monkeypatch.setattr(window.context.runs, "start", requests.append)
    return requests


def page_of(window: MainWindow, qtbot: QtBot, run: RunRecord | None = None) -> RunsPage:
    window.go("runs", run.id if run else "")
    page = window.page
    assert isinstance(page, RunsPage)
    if run is None:
        qtbot.waitUntil(lambda: page.body.is_full and bool(page.list.model.records), timeout=PATIENCE)
    else:
        qtbot.waitUntil(lambda: page.view.run is not None and page.view.run.id == run.id, timeout=PATIENCE)
    return page


def names(page: RunsPage) -> list[str]:
    return [run.task_name for run in page.list.model.records]


def test_without_runs_the_page_leads_to_the_tasks(window: MainWindow, qtbot: QtBot) -> None:
    window.go("runs")
    page = window.page
    assert isinstance(page, RunsPage)
    qtbot.waitUntil(lambda: page.body.state.heading.text() == "No runs yet", timeout=PATIENCE)


def test_runs_are_found_by_state_and_name_and_opened_by_the_keyboard(
    window: MainWindow, workspace: Workspace, tmp_path: Path, qtbot: QtBot
) -> None:
    make_shop(workspace, tmp_path)
    run_now(workspace, make_task(workspace, "Customers", ["customers"]))
    run_now(workspace, make_task(workspace, "All of it", ["*"], to={"name": "all_{table}"}))
    page = page_of(window, qtbot)
    assert names(page) == ["All of it", "Customers"]
    qtbot.keyClicks(page.list.search, "custom")
    qtbot.waitUntil(lambda: names(page) == ["Customers"], timeout=PATIENCE)
    page.list.search.clear()
    qtbot.waitUntil(lambda: len(names(page)) == 2, timeout=PATIENCE)
    page.list.table.setFocus()
    page.list.table.choose(0)
    qtbot.keyClick(page.list.table, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: page.view.run is not None and page.view.run.task_name == "All of it", timeout=PATIENCE)
    assert page.header.title.text().startswith("All of it · ")
    qtbot.keyClick(page, Qt.Key.Key_Escape)
    qtbot.waitUntil(page.list.table.isVisible, timeout=PATIENCE)


def test_a_table_that_failed_says_why_and_can_be_run_again_alone(
    window: MainWindow, workspace: Workspace, tmp_path: Path, qtbot: QtBot, asked: list[RunRequest]
) -> None:
    make_shop(workspace, tmp_path)
    task = make_task(workspace, "All of it", ["*"])
    page = page_of(window, qtbot, run_now(workspace, task))
    detail = page.view.detail
    qtbot.waitUntil(detail.retry_table.isVisible, timeout=PATIENCE)
    assert "audit" in detail.heading_line.text()
    assert "twelve" in detail.message.text()
    assert detail.remedy.text()
    states = {table.source_table: table.state for table in page.view.tables}
    assert states == {"audit": "failed", "customers": "done", "orders": "done"}
    click(qtbot, detail.retry_table)
    qtbot.waitUntil(lambda: len(asked) == 1, timeout=PATIENCE)
    assert (asked[0].task, list(asked[0].only), asked[0].resume) == ("All of it", ["audit"], True)
    click(qtbot, detail.reload_table)
    answer(qtbot, window, "Read it again")
    qtbot.waitUntil(lambda: len(asked) == 2, timeout=PATIENCE)
    assert list(asked[1].reload) == ["audit"]
    click(qtbot, page.buttons["retry"])
    qtbot.waitUntil(lambda: len(asked) == 3, timeout=PATIENCE)
    assert list(asked[2].only) == ["audit"]
    click(qtbot, detail.copy_report)
    assert "twelve" in QGuiApplication.clipboard().text()
    click(qtbot, detail.edit_task)
    qtbot.waitUntil(lambda: window.page_name == "tasks", timeout=PATIENCE)


def test_a_run_is_copied_as_text_and_run_again(
    window: MainWindow, workspace: Workspace, tmp_path: Path, qtbot: QtBot, asked: list[RunRequest]
) -> None:
    make_shop(workspace, tmp_path)
    page = page_of(window, qtbot, run_now(workspace, make_task(workspace, "Customers", ["customers"])))
    click(qtbot, page.buttons["copy"])
    text = QGuiApplication.clipboard().text()
    assert "Customers" in text
    assert "50" in text
    click(qtbot, page.buttons["again"])
    qtbot.waitUntil(lambda: [request.task for request in asked] == ["Customers"], timeout=PATIENCE)
    assert page.buttons["pause"].isHidden()
    assert page.buttons["resume"].isHidden()


def test_first_rows_and_rejected_rows_are_shown(window: MainWindow, workspace: Workspace, tmp_path: Path, qtbot: QtBot) -> None:
    make_shop(workspace, tmp_path)
    options = TaskOptions(cells=CellPolicy(misfit="reject"))
    page = page_of(window, qtbot, run_now(workspace, make_task(workspace, "Audit", ["audit"], options=options)))
    samples = page.view.samples
    qtbot.waitUntil(lambda: bool(page.view.tables) and page.view.table.current is not None, timeout=PATIENCE)
    counts = page.view.tables[0].counts
    assert (counts.read, counts.rejected, counts.written) == (50, 1, 49)
    assert rows_in(samples, 1, samples.first, qtbot)[0] == 49
    assert samples.first.rows.isVisible()
    count, shown = rows_in(samples, 2, samples.rejected, qtbot)
    assert count == 1
    assert "twelve" in shown


def rows_in(samples: RunSamples, tab: int, view: SampleView, qtbot: QtBot) -> tuple[int, str]:
    """How many rows a tab shows, and the first of them as one text."""
    bar = samples.tabs.tabBar()
    qtbot.mouseClick(bar, Qt.MouseButton.LeftButton, pos=bar.tabRect(tab).center())
    qtbot.waitUntil(view.rows.isVisible, timeout=PATIENCE)
    model = view.rows.model()
    assert model is not None
    return model.rowCount(), " ".join(str(model.index(0, column).data()) for column in range(model.columnCount()))


def test_the_log_is_searched_and_filtered(window: MainWindow, workspace: Workspace, tmp_path: Path, qtbot: QtBot) -> None:
    make_shop(workspace, tmp_path)
    page = page_of(window, qtbot, run_now(workspace, make_task(workspace, "All of it", ["*"])))
    log = page.view.log
    qtbot.waitUntil(lambda: "Published 50 rows" in log.text.toPlainText(), timeout=PATIENCE)
    qtbot.keyClicks(log.search, "twelve")
    qtbot.waitUntil(lambda: "Published" not in log.text.toPlainText() and "twelve" in log.text.toPlainText(), timeout=PATIENCE)


def test_a_run_that_is_forgotten_says_so(window: MainWindow, qtbot: QtBot) -> None:
    window.go("runs", "00000000-0000-4000-8000-000000000000")
    page = window.page
    qtbot.waitUntil(lambda: "not in the history any more" in page.body.state.heading.text(), timeout=PATIENCE)
