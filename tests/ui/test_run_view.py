"""One run in full: figures, tables, rows, timeline and log, live and afterwards."""

import time
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QGuiApplication, QHelpEvent
from PySide6.QtWidgets import QApplication, QToolTip
from pytestqt.qtbot import QtBot
from sqlalchemy import insert

from dtaas_desktop.domain.table import CellPolicy
from dtaas_desktop.domain.task import TaskOptions
from dtaas_desktop.services import records
from dtaas_desktop.services.run_request import RunRequest
from dtaas_desktop.services.runs_view import RunRecord
from dtaas_desktop.services.workspace import Workspace
from dtaas_desktop.ui.main_window import MainWindow
from dtaas_desktop.ui.table_run_columns import REJECTED
from tests.ui.held import hold, wait_until_told
from tests.ui.runs_world import past_run, runs_page, show_tab
from tests.ui.shop import PATIENCE, click, make_shop, make_task, run_now

REJECTING = TaskOptions(cells=CellPolicy(misfit="reject"))


def test_a_finished_run_shows_figures_tables_rows_and_log(
    window: MainWindow, workspace: Workspace, tmp_path: Path, qtbot: QtBot
) -> None:
    make_shop(workspace, tmp_path)
    run = run_now(workspace, make_task(workspace, "Orders", ["orders", "customers"]))
    page = runs_page(window, qtbot)
    qtbot.keyClick(page.list.table, Qt.Key.Key_Return)
    view = page.view
    qtbot.waitUntil(lambda: view.run is not None and bool(view.tables), timeout=PATIENCE)
    assert page.header.title.text().startswith("Orders · ")
    assert view.head.rows.accessibleName() == "Rows: 100"
    assert view.head.progress.accessibleName() == "Progress: 100 %"
    assert not view.head.left.isVisible()
    assert {one.source_table: one.counts.written for one in view.tables} == {"orders": 50, "customers": 50}
    qtbot.waitUntil(lambda: "Done in" in view.log.text.toPlainText(), timeout=PATIENCE)
    assert view.detail.location.text()
    click(qtbot, view.detail.copy_query)
    assert QGuiApplication.clipboard().text() == view.detail.query.text()
    show_tab(view.samples, 1, qtbot)
    rows = view.samples.first.rows
    qtbot.waitUntil(lambda: rows.isVisible() and rows.table.num_rows == 50, timeout=PATIENCE)
    assert rows.table.column_names == ["id", "name", "amount"]
    qtbot.keyClick(view.table, Qt.Key.Key_Escape)
    qtbot.waitUntil(page.list.isVisible, timeout=PATIENCE)
    assert run.state == "done"


def test_first_rows_and_rejected_rows_are_shown_with_their_reason(
    window: MainWindow, workspace: Workspace, tmp_path: Path, qtbot: QtBot
) -> None:
    make_shop(workspace, tmp_path)
    run = run_now(workspace, make_task(workspace, "Audit", ["audit"], options=REJECTING))
    page = runs_page(window, qtbot, run.id)
    samples = page.view.samples
    qtbot.waitUntil(lambda: samples.tabs.tabText(2) == "Rejected rows · 1", timeout=PATIENCE)
    counts = page.view.tables[0].counts
    assert (counts.read, counts.rejected, counts.written) == (50, 1, 49)
    show_tab(samples, 1, qtbot)
    first = samples.first.rows
    qtbot.waitUntil(lambda: first.isVisible() and first.table.num_rows == 49, timeout=PATIENCE)
    show_tab(samples, 2, qtbot)
    rows = samples.rejected.rows
    qtbot.waitUntil(lambda: rows.isVisible() and rows.table.num_rows == 1, timeout=PATIENCE)
    model = rows.model()
    assert model is not None
    assert model.rowCount() == 1
    assert "twelve" in " ".join(str(model.index(0, column).data()) for column in range(model.columnCount()))
    assert {"row", "key", "node", "column", "reason"} <= set(rows.table.column_names)
    assert not page.view.table.isColumnHidden(REJECTED)


def test_rows_that_cannot_be_shown_any_more_are_explained(
    window: MainWindow, workspace: Workspace, tmp_path: Path, qtbot: QtBot
) -> None:
    make_shop(workspace, tmp_path)
    task = make_task(workspace, "Orders", ["orders"])
    run = run_now(workspace, task)
    workspace.tasks.delete(task.uuid)
    page = runs_page(window, qtbot, run.id)
    first = page.view.samples.first
    show_tab(page.view.samples, 1, qtbot)
    qtbot.waitUntil(first.again.isVisible, timeout=PATIENCE)
    assert "does not exist any more" in first.said.text()
    assert page.buttons["again"].toolTip() == "Its task is deleted."
    assert not page.buttons["again"].isEnabled()


def test_a_running_run_is_seen_live_paused_and_resumed(
    window: MainWindow, workspace: Workspace, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_shop(workspace, tmp_path)
    task = make_task(workspace, "Orders", ["orders", "customers"])
    gate = hold(monkeypatch, tmp_path)
    window.go("tasks", task.uuid)
    window.context.runs.start(RunRequest(task.name, origin="window"))
    qtbot.waitUntil(lambda: gate.is_held() and bool(window.context.runs.running), timeout=PATIENCE)
    page = runs_page(window, qtbot, window.context.runs.running[0].id)
    view = page.view
    qtbot.waitUntil(page.buttons["pause"].isVisible, timeout=PATIENCE)
    assert not page.buttons["again"].isVisible()
    assert not page.buttons["resume"].isVisible()
    qtbot.waitUntil(lambda: any(one.state == "running" for one in view.tables), timeout=PATIENCE)
    click(qtbot, page.buttons["pause"])
    wait_until_told(qtbot, workspace, "pause")
    qtbot.waitUntil(lambda: not page.buttons["pause"].isEnabled(), timeout=PATIENCE)
    gate.open()
    qtbot.waitUntil(lambda: view.run is not None and view.run.state == "paused", timeout=PATIENCE)
    qtbot.waitUntil(lambda: page.buttons["resume"].isVisible() and page.buttons["resume"].isEnabled(), timeout=PATIENCE)
    paused = view.run
    assert paused is not None
    click(qtbot, page.buttons["resume"])

    def resumed() -> RunRecord | None:
        latest = workspace.history.latest(task.uuid)
        return latest if latest is not None and latest.id != paused.id and latest.state == "done" else None

    qtbot.waitUntil(lambda: resumed() is not None, timeout=PATIENCE)
    qtbot.waitUntil(lambda: not page.context.runs.starting, timeout=PATIENCE)


def test_new_lines_are_followed_unless_somebody_reads_above(window: MainWindow, workspace: Workspace, qtbot: QtBot) -> None:
    now = time.time()
    run = past_run(workspace, 1, began=now)

    def add(first: int, count: int) -> None:
        lines = [
            {"run": run, "at": now, "level": "info", "source_table": "", "message": f"line {number}"}
            for number in range(first, first + count)
        ]
        with workspace.database.writing() as connection:
            connection.execute(insert(records.log_lines), lines)

    add(0, 200)
    page = runs_page(window, qtbot, run)
    log = page.view.log
    qtbot.waitUntil(lambda: log.lines == 200, timeout=PATIENCE)
    bar = log.text.verticalScrollBar()
    add(200, 20)
    log.poll()
    qtbot.waitUntil(lambda: log.lines == 220, timeout=PATIENCE)
    assert bar.value() == bar.maximum()
    bar.setValue(50)
    add(220, 20)
    log.poll()
    qtbot.waitUntil(lambda: log.lines == 240, timeout=PATIENCE)
    assert bar.value() == 50


def test_the_log_is_searched_and_filtered(window: MainWindow, workspace: Workspace, tmp_path: Path, qtbot: QtBot) -> None:
    make_shop(workspace, tmp_path)
    page = runs_page(window, qtbot, run_now(workspace, make_task(workspace, "All of it", ["*"])).id)
    log = page.view.log
    qtbot.waitUntil(lambda: "Published 50 rows" in log.text.toPlainText(), timeout=PATIENCE)
    qtbot.keyClicks(log.search, "twelve")
    qtbot.waitUntil(lambda: "Published" not in log.text.toPlainText() and "twelve" in log.text.toPlainText(), timeout=PATIENCE)


def test_a_part_of_the_timeline_tells_of_itself(window: MainWindow, workspace: Workspace, tmp_path: Path, qtbot: QtBot) -> None:
    make_shop(workspace, tmp_path)
    page = runs_page(window, qtbot, run_now(workspace, make_task(workspace, "Orders", ["orders"])).id)
    view = page.view
    qtbot.waitUntil(lambda: view.state is not None and bool(view.state.parts), timeout=PATIENCE)
    assert view.state is not None
    lanes = view.samples.timeline.lanes
    where = lanes.place_of(view.state.parts[0]).center().toPoint()
    QApplication.sendEvent(lanes, QHelpEvent(QHelpEvent.Type.ToolTip, where, lanes.mapToGlobal(where)))
    qtbot.waitUntil(lambda: "50 rows in" in QToolTip.text(), timeout=PATIENCE)
    QToolTip.hideText()
    qtbot.waitUntil(lambda: not QToolTip.isVisible(), timeout=PATIENCE)


def test_a_run_that_is_forgotten_is_explained(window: MainWindow, qtbot: QtBot) -> None:
    window.go("runs", "0" * 36)
    page = window.page
    qtbot.waitUntil(lambda: page.body.state.heading.text() == "This run is not in the history any more.", timeout=PATIENCE)


@pytest.mark.parametrize(("width", "height"), [(1024, 700), (1440, 900)])
def test_nothing_stands_outside_of_the_window(
    window: MainWindow, workspace: Workspace, tmp_path: Path, qtbot: QtBot, width: int, height: int
) -> None:
    make_shop(workspace, tmp_path)
    window.resize(width, height)
    page = runs_page(window, qtbot, run_now(workspace, make_task(workspace, "All of it", ["audit", "orders"])).id)
    qtbot.waitUntil(page.view.detail.retry_table.isVisible, timeout=PATIENCE)
    room = QRect(QPoint(0, 0), window.size())
    for made in (*page.buttons.values(), page.view.detail.edit_task, page.view.detail.copy_report, page.view.log.search):
        if made.isVisible():
            assert room.contains(QRect(made.mapTo(window, QPoint(0, 0)), made.size())), made
            assert made.width() >= made.minimumSizeHint().width()
    assert not page.view.table.horizontalScrollBar().isVisible()
