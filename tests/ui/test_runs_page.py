"""The page of runs: the list, and one run in full, live and afterwards, with mouse and keys."""

import time
from functools import partial
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QRect, Qt, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication, QHelpEvent
from PySide6.QtWidgets import QApplication, QPushButton, QToolTip
from pytestqt.qtbot import QtBot
from sqlalchemy import insert

from dtaas_desktop.domain.table import CellPolicy, Counts
from dtaas_desktop.domain.task import TaskOptions
from dtaas_desktop.services import records
from dtaas_desktop.services.runs_view import PartRecord, RunRecord, TableRunRecord
from dtaas_desktop.services.workspace import Workspace
from dtaas_desktop.ui.main_window import MainWindow
from dtaas_desktop.ui.pages.runs import RunsPage
from dtaas_desktop.ui.run_live import newest, rates_of, told
from dtaas_desktop.ui.run_words import failure_of, report
from dtaas_desktop.ui.table_run_columns import COLUMNS, FILTERED, PROGRESS, REJECTED, UP_TO, hidden_columns
from tests.ui.held import hold, wait_until_told
from tests.ui.shop import PATIENCE, answer, click, make_shop, make_task, run_now

REJECTING = TaskOptions(cells=CellPolicy(misfit="reject"))


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

    def names() -> list[str]:
        return [run.task_name for run in page.list.model.records]

    assert names() == ["Audit", "Orders"]
    row = [column.text(page.list.model.records[1]) for column in page.list.model.columns]
    assert row[0] == "Orders"
    assert row[2] == "Succeeded"
    assert row[4] == "50"
    assert row[6] == "Command line"
    page.list.states.setFocus()
    qtbot.keyClicks(page.list.states, "F")
    qtbot.waitUntil(lambda: names() == ["Audit"], timeout=PATIENCE)
    qtbot.keyClick(page.list.states, Qt.Key.Key_Home)
    qtbot.waitUntil(lambda: len(names()) == 2, timeout=PATIENCE)
    qtbot.keyClicks(page.list.search, "ord")
    qtbot.waitUntil(lambda: names() == ["Orders"], timeout=PATIENCE)
    qtbot.keyClicks(page.list.search, "xyz")
    qtbot.waitUntil(lambda: not page.list.table.isVisible(), timeout=PATIENCE)
    click(qtbot, page.list._clear)
    qtbot.waitUntil(lambda: len(names()) == 2, timeout=PATIENCE)
    page.list.task.setFocus()
    qtbot.keyClicks(page.list.task, "Or")
    qtbot.waitUntil(lambda: names() == ["Orders"], timeout=PATIENCE)


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
    bar = view.samples.tabs.tabBar()
    qtbot.mouseClick(bar, Qt.MouseButton.LeftButton, pos=bar.tabRect(1).center())
    rows = view.samples.first.rows
    qtbot.waitUntil(lambda: rows.isVisible() and rows.table.num_rows == 50, timeout=PATIENCE)
    assert rows.table.column_names == ["id", "name", "amount"]
    qtbot.keyClick(view.table, Qt.Key.Key_Escape)
    qtbot.waitUntil(page.list.isVisible, timeout=PATIENCE)
    assert run.state == "done"


def test_a_failed_table_says_what_to_do_and_is_retried_alone(
    window: MainWindow, workspace: Workspace, tmp_path: Path, qtbot: QtBot
) -> None:
    make_shop(workspace, tmp_path)
    task = make_task(workspace, "All of it", ["audit", "orders"])
    run = run_now(workspace, task)
    page = runs_page(window, qtbot, run.id)
    view = page.view
    qtbot.waitUntil(view.detail.retry_table.isVisible, timeout=PATIENCE)
    assert view.table.current is not None
    assert view.table.current.source_table == "audit"
    assert "amount" in view.detail.message.text()
    assert view.detail.remedy.text()
    assert view.detail.property("tone") == "red"
    click(qtbot, view.detail.copy_report)
    assert "audit" in QGuiApplication.clipboard().text()
    assert page.buttons["retry"].isVisible()
    click(qtbot, view.detail.retry_table)

    def later() -> RunRecord | None:
        latest = workspace.history.latest(task.uuid)
        return latest if latest is not None and latest.id != run.id and latest.state != "running" else None

    qtbot.waitUntil(lambda: later() is not None, timeout=PATIENCE)
    qtbot.waitUntil(lambda: not page.context.runs.starting, timeout=PATIENCE)
    latest = later()
    assert latest is not None
    assert [one.source_table for one in workspace.history.table_runs(latest.id)] == ["audit"]
    qtbot.waitUntil(lambda: page.buttons["resume"].toolTip().startswith("A later run"), timeout=PATIENCE)
    click(qtbot, view.detail.edit_task)
    assert window.page_name == "tasks"


def test_reloading_a_table_asks_first(window: MainWindow, workspace: Workspace, tmp_path: Path, qtbot: QtBot) -> None:
    make_shop(workspace, tmp_path)
    task = make_task(workspace, "All of it", ["audit", "orders"])
    page = runs_page(window, qtbot, run_now(workspace, task).id)
    qtbot.waitUntil(page.view.detail.reload_table.isVisible, timeout=PATIENCE)
    click(qtbot, page.view.detail.reload_table)
    assert answer(qtbot, window, "Leave it") == "Read “audit” whole again?"
    assert page.context.runs.starting == frozenset()


def test_rejected_rows_are_shown_with_their_reason(
    window: MainWindow, workspace: Workspace, tmp_path: Path, qtbot: QtBot
) -> None:
    make_shop(workspace, tmp_path)
    run = run_now(workspace, make_task(workspace, "Audit", ["audit"], options=REJECTING))
    page = runs_page(window, qtbot, run.id)
    samples = page.view.samples
    qtbot.waitUntil(lambda: samples.tabs.tabText(2) == "Rejected rows · 1", timeout=PATIENCE)
    bar = samples.tabs.tabBar()
    qtbot.mouseClick(bar, Qt.MouseButton.LeftButton, pos=bar.tabRect(2).center())
    rows = samples.rejected.rows
    qtbot.waitUntil(lambda: rows.isVisible() and rows.table.num_rows == 1, timeout=PATIENCE)
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
    bar = page.view.samples.tabs.tabBar()
    qtbot.mouseClick(bar, Qt.MouseButton.LeftButton, pos=bar.tabRect(1).center())
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
    from dtaas_desktop.services.run_request import RunRequest

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


def test_the_destination_is_opened_as_a_folder(
    window: MainWindow, workspace: Workspace, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_shop(workspace, tmp_path)
    opened: list[QUrl] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", opened.append)
    lake = runs_page(window, qtbot, run_now(workspace, make_task(workspace, "Lake task", ["orders"])).id)
    qtbot.waitUntil(lake.buttons["open"].isEnabled, timeout=PATIENCE)
    click(qtbot, lake.buttons["open"])
    duck = make_task(workspace, "Duck task", ["orders"], to={"connection": "Duck"})
    page = runs_page(window, qtbot, run_now(workspace, duck).id)
    qtbot.waitUntil(
        lambda: page.view.detail.open_place.isVisible() and "duck" in page.view.detail.location.text(), timeout=PATIENCE
    )
    click(qtbot, page.view.detail.open_place)
    assert [Path(url.toLocalFile()).is_relative_to(tmp_path) for url in opened] == [True, True]
    assert all(Path(url.toLocalFile()).is_dir() for url in opened)


def test_a_run_is_copied_as_text_without_a_traceback(
    window: MainWindow, workspace: Workspace, tmp_path: Path, qtbot: QtBot
) -> None:
    make_shop(workspace, tmp_path)
    page = runs_page(window, qtbot, run_now(workspace, make_task(workspace, "All of it", ["audit", "orders"])).id)
    qtbot.waitUntil(lambda: bool(page.view.tables), timeout=PATIENCE)
    qtbot.keyClick(page.view.table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    text = QGuiApplication.clipboard().text()
    assert text.startswith("All of it: partly failed\n")
    assert "What failed:" in text
    assert "Where to look:" in text
    assert "orders" in text
    assert "50" in text


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


def table_run(**values: object) -> TableRunRecord:
    plain: dict[str, object] = {
        "name": "a",
        "source_table": "orders",
        "connection": "Lake",
        "target": "orders",
        "state": "running",
        "counts": Counts(),
        "bytes": 0,
        "files": 0,
        "parts": 4,
        "parts_done": 0,
        "rows_estimate": None,
        "rows_per_second": 0.0,
        "percent": None,
        "seconds_left": None,
        "seconds": None,
        "revision": None,
        "kind": "load",
        "position": None,
        "as_of": None,
        "location": "",
        "query": "",
        "failure": "",
        "message": "",
        "remedy": "",
        "began_at": 0.0,
    }
    return TableRunRecord(**plain | values)  # type: ignore[arg-type]


def test_figures_never_go_back_to_what_was_written_before() -> None:
    stored = table_run(counts=Counts(read=100, written=100))
    progress = {
        "event": "TableProgress",
        "table_run": "a",
        "counts": {"read": 250, "filtered": 0, "rejected": 0, "written": 250, "nulled": 0},
        "bytes": 9,
        "parts": 4,
        "parts_done": 2,
        "rows_per_second": 10.0,
        "percent": 50.0,
        "seconds_left": 3.0,
    }
    known = told({"a": stored}, progress)
    assert known["a"].counts.read == 250
    assert newest([stored], known, running=True)["a"].counts.read == 250
    assert newest([table_run(counts=Counts(read=300))], known, running=True)["a"].counts.read == 300
    assert newest([stored], known, running=False)["a"].counts.read == 100
    assert told({}, progress) == {}


def test_rates_add_up_to_the_rows_of_the_parts() -> None:
    parts = [PartRecord("a", "1", 0.0, 10.0, 1000), PartRecord("a", "2", 5.0, 5.0, 50), PartRecord("a", "3", 2.0, 4.0, 200)]
    rates = rates_of(parts, 0.0, 20.0, count=40)
    assert sum(rate * 0.5 for rate in rates) == pytest.approx(1250)
    assert rates[30:] == (0.0,) * 10
    assert rates_of([], 0.0, 20.0) == ()


def test_columns_that_say_nothing_give_way_first() -> None:
    plain = [table_run(source_table="dbo.OrderLines")]
    assert hidden_columns(plain, 2000) == {UP_TO}
    assert {FILTERED, REJECTED} <= hidden_columns(plain, 760)
    counted = [table_run(source_table="dbo.OrderLines", counts=Counts(read=5, filtered=2, rejected=1, written=2))]
    assert REJECTED not in hidden_columns(counted, 760)
    assert PROGRESS not in hidden_columns([table_run(source_table="x" * 80)], 600)
    assert len(COLUMNS) == 10


def test_a_bug_is_told_without_its_traceback() -> None:
    message = "Traceback (most recent call last):\n  File …"
    run = RunRecord("r", "t", "Orders", "failed", 0.0, 1.0, message, "", failures=frozenset({"bug"}))
    assert "Traceback" not in " ".join(failure_of(run))
    assert failure_of(run)[1]
    assert "Orders: failed" in report(run, [])


def _has_records(page: RunsPage, count: int) -> bool:
    return len(page.list.model.records) == count
