"""The list of runs: filtered, searched, scrolled, opened, with mouse and keys."""

import time
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from dtaas_desktop.services.workspace import Workspace
from dtaas_desktop.ui.main_window import MainWindow
from dtaas_desktop.ui.pages.runs import RunsPage
from tests.ui.runs_world import names, past_run, runs_page
from tests.ui.shop import PATIENCE, click, make_shop, make_task, run_now


def test_without_runs_the_page_leads_to_the_tasks(window: MainWindow, qtbot: QtBot) -> None:
    page = runs_page(window, qtbot)
    qtbot.waitUntil(lambda: page.body.state.heading.text() == "No runs yet", timeout=PATIENCE)
    click(qtbot, next(one for one in page.body.state.findChildren(QPushButton) if one.text() == "Go to the tasks"))
    assert window.page_name == "tasks"


def test_the_list_is_filtered_by_state_task_and_search(
    window: MainWindow, workspace: Workspace, tmp_path: Path, qtbot: QtBot
) -> None:
    make_shop(workspace, tmp_path)
    good, bad = make_task(workspace, "Orders", ["orders"]), make_task(workspace, "Audit", ["audit"])
    run_now(workspace, good)
    run_now(workspace, bad)
    page = runs_page(window, qtbot)
    assert names(page) == ["Audit", "Orders"]
    row = [column.text(page.list.model.records[1]) for column in page.list.model.columns]
    assert row[0] == "Orders"
    assert row[2] == "Succeeded"
    assert row[4] == "50"
    assert row[6] == "Command line"
    page.list.states.setFocus()
    qtbot.keyClicks(page.list.states, "F")
    qtbot.waitUntil(lambda: names(page) == ["Audit"], timeout=PATIENCE)
    qtbot.keyClick(page.list.states, Qt.Key.Key_Home)
    qtbot.waitUntil(lambda: len(names(page)) == 2, timeout=PATIENCE)
    qtbot.keyClicks(page.list.search, "ord")
    qtbot.waitUntil(lambda: names(page) == ["Orders"], timeout=PATIENCE)
    qtbot.keyClicks(page.list.search, "xyz")
    qtbot.waitUntil(lambda: not page.list.table.isVisible(), timeout=PATIENCE)
    click(qtbot, page.list._clear)
    qtbot.waitUntil(lambda: len(names(page)) == 2, timeout=PATIENCE)
    page.list.task.setFocus()
    qtbot.keyClicks(page.list.task, "Or")
    qtbot.waitUntil(lambda: names(page) == ["Orders"], timeout=PATIENCE)


def test_a_run_is_opened_and_left_by_the_keyboard(window: MainWindow, workspace: Workspace, tmp_path: Path, qtbot: QtBot) -> None:
    make_shop(workspace, tmp_path)
    run_now(workspace, make_task(workspace, "Customers", ["customers"]))
    run_now(workspace, make_task(workspace, "All of it", ["*"], to={"name": "all_{table}"}))
    page = runs_page(window, qtbot)
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


def test_older_runs_come_as_one_scrolls(window: MainWindow, workspace: Workspace, qtbot: QtBot) -> None:
    now = time.time()
    for number in range(450):
        past_run(workspace, number, began=now - 1000 - number)
    page = runs_page(window, qtbot)
    assert len(page.list.model.records) == 200
    table = page.list.table
    table.setFocus()
    for wanted in (400, 450):
        qtbot.keyClick(table, Qt.Key.Key_End, Qt.KeyboardModifier.ControlModifier)
        qtbot.waitUntil(partial(_has_records, page, wanted), timeout=PATIENCE)
    assert [run.rows_written for run in page.list.model.records] == list(range(450))
    page.list.refresh()
    past_run(workspace, 900, began=now)
    page.list.refresh()
    qtbot.waitUntil(lambda: len(page.list.model.records) == 451, timeout=PATIENCE)
    assert page.list.model.records[0].rows_written == 900


def test_the_runs_of_one_task_are_listed_when_asked_for(
    window: MainWindow, workspace: Workspace, tmp_path: Path, qtbot: QtBot
) -> None:
    make_shop(workspace, tmp_path)
    one, other = make_task(workspace, "One", ["orders"]), make_task(workspace, "Other", ["customers"])
    for task in (one, other, one):
        run_now(workspace, task)
    page = runs_page(window, qtbot, one.uuid, "task")
    qtbot.waitUntil(lambda: [run.task_name for run in page.list.model.records] == ["One", "One"], timeout=PATIENCE)
    assert page.list.task.currentText() == "One"


def _has_records(page: RunsPage, count: int) -> bool:
    return len(page.list.model.records) == count
