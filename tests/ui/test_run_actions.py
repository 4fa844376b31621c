"""What can be done with a run: retry, reload, copy, open; and a run that could not begin."""

from contextlib import suppress
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QRect, Qt, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from pytestqt.qtbot import QtBot

from dtaas_desktop.domain.connection import Connection
from dtaas_desktop.domain.errors import AppError
from dtaas_desktop.services.runs_view import RunRecord
from dtaas_desktop.services.workspace import Workspace
from dtaas_desktop.ui.main_window import MainWindow
from tests.ui.runs_world import runs_page, started_instead
from tests.ui.shop import PATIENCE, answer, click, make_shop, make_task, run_now


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


def test_the_buttons_of_a_failed_table_ask_for_what_they_say(
    window: MainWindow, workspace: Workspace, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_shop(workspace, tmp_path)
    task = make_task(workspace, "All of it", ["*"])
    asked = started_instead(window, monkeypatch)
    page = runs_page(window, qtbot, run_now(workspace, task).id)
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
    assert answer(qtbot, window, "Leave it") == "Read “audit” whole again?"
    assert len(asked) == 1
    assert page.context.runs.starting == frozenset()
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


def test_a_run_is_copied_by_its_button_and_run_again(
    window: MainWindow, workspace: Workspace, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_shop(workspace, tmp_path)
    asked = started_instead(window, monkeypatch)
    page = runs_page(window, qtbot, run_now(workspace, make_task(workspace, "Customers", ["customers"])).id)
    click(qtbot, page.buttons["copy"])
    text = QGuiApplication.clipboard().text()
    assert "Customers" in text
    assert "50" in text
    click(qtbot, page.buttons["again"])
    qtbot.waitUntil(lambda: [request.task for request in asked] == ["Customers"], timeout=PATIENCE)
    assert page.buttons["pause"].isHidden()
    assert page.buttons["resume"].isHidden()


@pytest.mark.parametrize(("width", "height"), [(1024, 700), (1440, 900)])
def test_a_run_that_could_not_begin_says_so_with_all_its_buttons_in_sight(
    window: MainWindow, workspace: Workspace, tmp_path: Path, qtbot: QtBot, width: int, height: int
) -> None:
    make_shop(workspace, tmp_path)
    workspace.connections.save(Connection("Lake", "folder", {"path": str(tmp_path / "gone" / "lake")}))
    task = make_task(workspace, "Nowhere", ["orders", "customers"])
    with suppress(AppError):
        run_now(workspace, task)
    latest = workspace.history.latest(task.uuid)
    assert latest is not None
    window.resize(width, height)
    page = runs_page(window, qtbot, latest.id)
    detail = page.view.detail
    qtbot.waitUntil(detail.copy_report.isVisible, timeout=PATIENCE)
    assert detail.heading_line.text() == "The run could not begin"
    frame = detail.parentWidget()
    assert frame is not None
    qtbot.waitUntil(lambda: detail.height() <= frame.height(), timeout=PATIENCE)
    for made in (detail.edit_task, detail.copy_report):
        assert frame.rect().contains(QRect(made.mapTo(frame, QPoint(0, 0)), made.size())), made.text()
    assert not page.view.table.isVisible()
    click(qtbot, detail.copy_report)
    assert "does not exist" in QGuiApplication.clipboard().text()


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
