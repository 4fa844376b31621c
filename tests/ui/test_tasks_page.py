"""The page of tasks, with mouse and keys over real workspaces and runs in processes of their own."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDialogButtonBox, QFileDialog, QLabel, QLineEdit, QMenu, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from dtaas_desktop.domain.schedule import Schedule
from dtaas_desktop.domain.task import TaskOptions
from dtaas_desktop.services.source_tables import enable_capture, source_tables
from dtaas_desktop.services.task_exchange import read_task_file
from dtaas_desktop.services.workspace import Workspace
from dtaas_desktop.ui.main_window import MainWindow
from dtaas_desktop.ui.pages.tasks import TasksPage
from tests.ui.held import hold, wait_until_told
from tests.ui.shop import PATIENCE, answer, click, make_shop, make_task, question_of, run_now

CHANGES = TaskOptions(transfer="full load, then changes")


def tasks_page(window: MainWindow, qtbot: QtBot) -> TasksPage:
    """The page, once it has read the tasks."""
    with qtbot.waitActive(window):
        window.activateWindow()
    window.go("tasks")
    page = window.page
    assert isinstance(page, TasksPage)
    qtbot.waitUntil(lambda: page._known is not None, timeout=PATIENCE)
    return page


def choose(page: TasksPage, name: str, qtbot: QtBot) -> None:
    """Click on a task in the list."""
    qtbot.waitUntil(lambda: any(now.task.name == name for now in page.list.model.records), timeout=PATIENCE)
    row = next(at for at, now in enumerate(page.list.model.records) if now.task.name == name)
    table = page.list.table
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=table.visualRect(page.list.model.index(row, 0)).center())


def chosen_name(page: TasksPage) -> str:
    chosen = page.actions_of_task.chosen
    return "" if chosen is None else chosen.task.name


def shown_menu(page: QWidget, qtbot: QtBot) -> QMenu:
    menus: list[QMenu] = []

    def is_open() -> bool:
        menus[:] = [menu for menu in page.findChildren(QMenu) if menu.isVisible()]
        return bool(menus)

    qtbot.waitUntil(is_open, timeout=PATIENCE)
    return menus[0]


def pick(menu: QMenu, text: str, qtbot: QtBot) -> None:
    """Click on an entry of a menu."""
    action = next(action for action in menu.actions() if action.text() == text)
    assert action.isEnabled(), action.toolTip()
    qtbot.mouseClick(menu, Qt.MouseButton.LeftButton, pos=menu.actionGeometry(action).center())


def test_without_tasks_the_page_says_how_to_get_one(window: MainWindow, qtbot: QtBot) -> None:
    page = tasks_page(window, qtbot)
    assert page.body.state.heading.text() == "No tasks yet"
    buttons = {one.text(): one for one in page.body.state.findChildren(QPushButton)}
    assert list(buttons) == ["New task", "Try the sample", "Import a file"]
    click(qtbot, buttons["New task"])
    assert page.form.isVisible()
    assert page.form.name.hasFocus()


def test_the_list_shows_route_schedule_state_and_when_it_is_due(
    window: MainWindow, workspace: Workspace, tmp_path: Path, qtbot: QtBot
) -> None:
    make_shop(workspace, tmp_path)
    task = make_task(workspace, "Nightly", ["orders"], schedule=Schedule("daily", at="02:00"))
    make_task(workspace, "Broken", to={"connection": "Nowhere"})
    run_now(workspace, task)
    page = tasks_page(window, qtbot)
    qtbot.waitUntil(lambda: bool(page.context.runs.due), timeout=PATIENCE)
    rows = {now.task.name: [column.text(now) for column in page.list.model.columns] for now in page.list.model.records}
    assert rows["Nightly"][:4] == ["Nightly", "SQLite file → Folder", "Full load", "Daily at 02:00"]
    assert rows["Nightly"][4] != "—"
    assert rows["Nightly"][5:] == ["Succeeded", "just now"]
    assert rows["Broken"][5:] == ["Never run", "—"]
    choose(page, "Broken", qtbot)
    assert "“Nowhere”, which does not exist" in page.list.panel.mistake.heading_line.text().replace("\u200b", "")


def test_searching_leaves_what_is_like_it(window: MainWindow, workspace: Workspace, tmp_path: Path, qtbot: QtBot) -> None:
    make_shop(workspace, tmp_path)
    for name in ("Alpha", "Beta"):
        make_task(workspace, name)
    page = tasks_page(window, qtbot)
    qtbot.keyClicks(page.list.search, "bet")
    assert [now.task.name for now in page.list.model.records] == ["Beta"]
    qtbot.keyClicks(page.list.search, "x")
    assert not page.list.table.isVisible()
    assert not page.actions_of_task.actions["run"].isEnabled()
    page.list.search.clear()
    qtbot.keyClick(page.list.search, Qt.Key.Key_Down)
    assert page.list.table.hasFocus()


def test_buttons_that_can_do_nothing_say_why(window: MainWindow, workspace: Workspace, tmp_path: Path, qtbot: QtBot) -> None:
    make_shop(workspace, tmp_path)
    make_task(workspace, "Orders", ["orders"])
    page = tasks_page(window, qtbot)
    choose(page, "Orders", qtbot)
    buttons = page.list.panel.buttons
    assert buttons["run"].isEnabled()
    assert buttons["check"].isEnabled()
    for act, reason in (
        ("pause", "It is not running."),
        ("resume", "There is nothing to resume: it never ran."),
        ("latest", "It never ran."),
    ):
        made = buttons[act]  # type: ignore[index]
        assert not made.isEnabled()
        assert made.toolTip() == made.accessibleDescription() == reason
    assert page.actions_of_task.actions["follow"].toolTip() == "It makes full loads only: there are no changes to follow."


def test_a_task_is_run_paused_and_resumed_by_its_buttons(
    window: MainWindow, workspace: Workspace, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_shop(workspace, tmp_path)
    task = make_task(workspace, "Orders", ["orders"])
    gate = hold(monkeypatch, tmp_path)
    page = tasks_page(window, qtbot)
    choose(page, "Orders", qtbot)
    panel = page.list.panel
    click(qtbot, panel.buttons["run"])
    qtbot.waitUntil(lambda: panel.pill.text == "Running" and gate.is_held(), timeout=PATIENCE)
    assert panel.buttons["run"].toolTip() == "It is running already."
    click(qtbot, panel.buttons["pause"])
    wait_until_told(qtbot, workspace, "pause")
    qtbot.waitUntil(lambda: panel.pill.text == "Pausing", timeout=PATIENCE)
    assert not panel.buttons["pause"].isEnabled()
    assert panel.buttons["cancel"].isEnabled()
    gate.open()
    qtbot.waitUntil(lambda: panel.pill.text == "Paused", timeout=PATIENCE)
    qtbot.waitUntil(panel.buttons["resume"].isEnabled, timeout=PATIENCE)
    click(qtbot, panel.buttons["resume"])
    qtbot.waitUntil(lambda: panel.pill.text == "Succeeded", timeout=PATIENCE)
    qtbot.waitUntil(lambda: not page.context.runs.starting, timeout=PATIENCE)
    latest = workspace.history.latest(task.uuid)
    assert latest is not None
    assert latest.rows_written == 50
    click(qtbot, panel.buttons["latest"])
    assert window.page_name == "runs"


def test_why_a_run_could_not_start_is_shown_at_its_task(
    window: MainWindow, workspace: Workspace, tmp_path: Path, qtbot: QtBot
) -> None:
    make_shop(workspace, tmp_path)
    task = make_task(workspace, "Orders", ["orders"])
    page = tasks_page(window, qtbot)
    choose(page, "Orders", qtbot)
    with workspace.task_lock(task.uuid, task.name):
        click(qtbot, page.list.panel.buttons["run"])
        failure = page.list.panel.failure
        qtbot.waitUntil(failure.isVisible, timeout=PATIENCE)
    assert failure.heading_line.text() == "It could not be started"
    assert "Orders" in failure.text.text()
    qtbot.waitUntil(lambda: not page.context.runs.starting, timeout=PATIENCE)


def test_a_task_is_deleted_by_its_key_after_a_question(
    window: MainWindow, workspace: Workspace, tmp_path: Path, qtbot: QtBot
) -> None:
    make_shop(workspace, tmp_path)
    make_task(workspace, "Orders", ["orders"])
    page = tasks_page(window, qtbot)
    choose(page, "Orders", qtbot)
    qtbot.keyClick(page.list.table, Qt.Key.Key_Delete)
    assert answer(qtbot, window, "Keep") == "Delete “Orders”?"
    assert [task.name for task in workspace.tasks.all()] == ["Orders"]
    qtbot.keyClick(page.list.table, Qt.Key.Key_Delete)
    answer(qtbot, window, "Delete")
    qtbot.waitUntil(lambda: not workspace.tasks.all(), timeout=PATIENCE)
    qtbot.waitUntil(lambda: page.body.state.heading.text() == "No tasks yet", timeout=PATIENCE)


def test_a_task_that_another_process_runs_is_not_deleted(
    window: MainWindow, workspace: Workspace, tmp_path: Path, qtbot: QtBot
) -> None:
    make_shop(workspace, tmp_path)
    task = make_task(workspace, "Orders", ["orders"])
    page = tasks_page(window, qtbot)
    choose(page, "Orders", qtbot)
    with workspace.task_lock(task.uuid, task.name):
        qtbot.keyClick(page.list.table, Qt.Key.Key_Delete)
        answer(qtbot, window, "Delete")
        assert answer(qtbot, window, "Close") == "Task “Orders” is running."
    assert [one.name for one in workspace.tasks.all()] == ["Orders"]


def test_the_menu_of_a_task_opens_by_keyboard_and_by_mouse(
    window: MainWindow, workspace: Workspace, tmp_path: Path, qtbot: QtBot
) -> None:
    make_shop(workspace, tmp_path)
    make_task(workspace, "Orders", ["orders"])
    page = tasks_page(window, qtbot)
    choose(page, "Orders", qtbot)
    table = page.list.table
    qtbot.keyClick(table, Qt.Key.Key_F10, Qt.KeyboardModifier.ShiftModifier)
    menu = shown_menu(page, qtbot)
    assert {"Run", "Full reload …", "Duplicate", "Delete …"} <= {action.text() for action in menu.actions()}
    qtbot.keyClick(menu, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: not page.findChildren(QMenu), timeout=PATIENCE)
    where = table.viewport().mapTo(window, table.visualRect(page.list.model.index(0, 1)).center())
    handle = window.windowHandle()
    assert handle is not None
    QTest.mouseClick(handle, Qt.MouseButton.RightButton, Qt.KeyboardModifier.NoModifier, where)
    pick(shown_menu(page, qtbot), "Duplicate", qtbot)
    qtbot.waitUntil(lambda: len(workspace.tasks.all()) == 2, timeout=PATIENCE)
    qtbot.waitUntil(lambda: chosen_name(page) == "Orders (2)", timeout=PATIENCE)


def test_a_check_tells_what_would_happen_and_what_waits(
    window: MainWindow, workspace: Workspace, tmp_path: Path, qtbot: QtBot
) -> None:
    make_shop(workspace, tmp_path)
    shop = workspace.connections.all()["Shop"]
    secret = workspace.secrets.resolve
    enable_capture(shop, [one for one in source_tables(shop, secret=secret).tables if one.name == "orders"], secret=secret)
    task = make_task(workspace, "Live", ["orders"], to={"connection": "Duck", "write_mode": "mirror"}, options=CHANGES)
    run_now(workspace, task)
    page = tasks_page(window, qtbot)
    choose(page, "Live", qtbot)
    click(qtbot, page.list.panel.buttons["check"])
    check = page.list.check
    qtbot.waitUntil(lambda: check.pill.text == "It can run", timeout=PATIENCE)

    def said() -> str:
        return " ".join(label.text() for label in check.findChildren(QLabel) if label.isVisible())

    qtbot.waitUntil(lambda: "Changes will be applied to revision" in said(), timeout=PATIENCE)
    assert "Up to date: nothing waits." in said()
    click(qtbot, check.back)
    assert page.list.panel.isVisible()


def test_a_target_of_somebody_else_is_taken_over_only_when_asked(
    window: MainWindow, workspace: Workspace, tmp_path: Path, qtbot: QtBot
) -> None:
    make_shop(workspace, tmp_path)
    run_now(workspace, make_task(workspace, "First", ["orders"]))
    second = make_task(workspace, "Second", ["orders"])
    page = tasks_page(window, qtbot)
    choose(page, "Second", qtbot)
    click(qtbot, page.list.panel.buttons["check"])
    check = page.list.check
    qtbot.waitUntil(lambda: check.pill.text == "1 thing has to be mended first", timeout=PATIENCE)
    click(qtbot, next(one for one in check.findChildren(QPushButton) if one.text().startswith("Run and take over")))
    answer(qtbot, window, "Run and take over")

    def is_done() -> bool:
        latest = workspace.history.latest(second.uuid)
        return latest is not None and latest.state == "done"

    qtbot.waitUntil(is_done, timeout=PATIENCE)
    qtbot.waitUntil(lambda: not page.context.runs.starting, timeout=PATIENCE)


def test_a_task_whose_tables_failed_says_which_until_they_are_run(
    window: MainWindow, workspace: Workspace, tmp_path: Path, qtbot: QtBot
) -> None:
    make_shop(workspace, tmp_path)
    with closing(sqlite3.connect(tmp_path / "shop.sqlite")) as shop:
        shop.execute("UPDATE orders SET amount = 'many' WHERE id = 3")
        shop.commit()
    task = make_task(workspace, "All of it", ["audit", "customers", "orders"])
    run_now(workspace, task)
    with closing(sqlite3.connect(tmp_path / "shop.sqlite")) as shop:
        shop.execute("UPDATE audit SET amount = 12 WHERE id = 12")
        shop.commit()
    assert run_now(workspace, task, only=("audit",)).state == "done"
    window.go("tasks", task.uuid)
    page = window.page
    assert isinstance(page, TasksPage)
    failure = page.list.panel.failure
    qtbot.waitUntil(failure.isVisible, timeout=PATIENCE)
    assert failure.heading_line.text() == "All of it has a failed table."
    assert "orders" in failure.text.text()
    assert "many" in failure.text.text()


def test_a_full_reload_says_what_it_does_before_it_does_it(
    window: MainWindow, workspace: Workspace, tmp_path: Path, qtbot: QtBot
) -> None:
    make_shop(workspace, tmp_path)
    task = make_task(workspace, "Orders", ["orders"])
    page = tasks_page(window, qtbot)
    choose(page, "Orders", qtbot)
    click(qtbot, page.list.panel.more)
    pick(shown_menu(page, qtbot), "Full reload …", qtbot)
    assert "replaced in one act" in question_of(qtbot, window).accessibleDescription()
    answer(qtbot, window, "Read everything again")
    qtbot.waitUntil(lambda: page.list.panel.pill.text == "Succeeded", timeout=PATIENCE)
    qtbot.waitUntil(lambda: not page.context.runs.starting, timeout=PATIENCE)
    assert workspace.history.latest(task.uuid) is not None


def file_dialog(page: QWidget, qtbot: QtBot) -> QFileDialog:
    dialogs: list[QFileDialog] = []

    def is_open() -> bool:
        dialogs[:] = [one for one in page.findChildren(QFileDialog) if one.isVisible()]
        return bool(dialogs)

    qtbot.waitUntil(is_open, timeout=PATIENCE)
    return dialogs[0]


def choose_path(dialog: QFileDialog, path: Path, verb: QDialogButtonBox.StandardButton, qtbot: QtBot) -> None:
    line = dialog.findChild(QLineEdit, "fileNameEdit")
    assert isinstance(line, QLineEdit)
    line.setText(str(path))
    box = dialog.findChild(QDialogButtonBox)
    assert isinstance(box, QDialogButtonBox)
    click(qtbot, box.button(verb))


def test_a_task_is_exported_to_a_file_and_imported_again(
    window: MainWindow, workspace: Workspace, tmp_path: Path, qtbot: QtBot
) -> None:
    make_shop(workspace, tmp_path)
    task = make_task(workspace, "Orders", ["orders"])
    page = tasks_page(window, qtbot)
    choose(page, "Orders", qtbot)
    click(qtbot, page.list.panel.more)
    pick(shown_menu(page, qtbot), "Export …", qtbot)
    choose_path(file_dialog(page, qtbot), tmp_path / "orders.task.json", QDialogButtonBox.StandardButton.Save, qtbot)
    qtbot.waitUntil((tmp_path / "orders.task.json").exists, timeout=PATIENCE)
    assert read_task_file(tmp_path / "orders.task.json").task == task
    click(qtbot, page.bring)
    choose_path(file_dialog(page, qtbot), tmp_path / "orders.task.json", QDialogButtonBox.StandardButton.Open, qtbot)
    assert answer(qtbot, window, "Add a copy") == "“Orders” is here already"
    qtbot.waitUntil(lambda: len(workspace.tasks.all()) == 2, timeout=PATIENCE)
    assert {one.name for one in workspace.tasks.all()} == {"Orders", "Orders (2)"}


def test_a_task_is_made_and_run_by_keyboard_alone(window: MainWindow, workspace: Workspace, tmp_path: Path, qtbot: QtBot) -> None:
    make_shop(workspace, tmp_path)
    page = tasks_page(window, qtbot)

    def key(*keys: Qt.Key) -> None:
        for one in keys:
            focus = QGuiApplication.focusObject()
            assert isinstance(focus, QWidget), "the keyboard is nowhere"
            qtbot.keyClick(focus, one)

    qtbot.keyClick(window, Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(page.form.name.hasFocus, timeout=PATIENCE)
    qtbot.keyClicks(page.form.name, "All of the shop")
    key(Qt.Key.Key_Tab)
    assert page.form.source.connection.hasFocus()
    key(Qt.Key.Key_Down)
    assert page.form.source.connection.currentText() == "Shop"
    tables = page.form.source.tables
    qtbot.waitUntil(tables.list.isVisible, timeout=PATIENCE)
    seen: list[QWidget] = []
    for _ in range(4):
        key(Qt.Key.Key_Tab)
        focus = QGuiApplication.focusObject()
        assert isinstance(focus, QWidget)
        seen.append(focus)
        if focus is tables.list:
            break
    assert tables.list.hasFocus(), [one.accessibleName() for one in seen]
    key(Qt.Key.Key_Down, Qt.Key.Key_Down, Qt.Key.Key_Space)
    chosen = [str(ref) for ref in tables.chosen()]
    assert len(chosen) == 1
    for _ in range(20):
        if page.form.destination.connection.hasFocus():
            break
        key(Qt.Key.Key_Tab)
    assert page.form.destination.connection.hasFocus()
    key(Qt.Key.Key_Down, Qt.Key.Key_Down)
    assert page.form.destination.connection.currentText() == "Lake"
    qtbot.keyClick(page.form.destination.connection, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)

    def is_done() -> bool:
        task = workspace.tasks.all()[0] if workspace.tasks.all() else None
        latest = workspace.history.latest(task.uuid) if task else None
        return latest is not None and latest.state in ("done", "failed", "partly failed")

    qtbot.waitUntil(is_done, timeout=PATIENCE)
    qtbot.waitUntil(lambda: not page.context.runs.starting, timeout=PATIENCE)
    assert pq.read_table(next((tmp_path / "lake" / chosen[0]).rglob("*.parquet"))).num_rows == 50


@pytest.mark.parametrize(("width", "height"), [(1024, 700), (1440, 900)])
def test_nothing_stands_outside_of_the_window(
    window: MainWindow, workspace: Workspace, tmp_path: Path, qtbot: QtBot, width: int, height: int
) -> None:
    make_shop(workspace, tmp_path)
    make_task(workspace, "The monthly balance sheet of all departments and what belongs to it", ["orders"])
    window.resize(width, height)
    page = tasks_page(window, qtbot)
    choose(page, "The monthly balance sheet of all departments and what belongs to it", qtbot)
    room = QRect(QPoint(0, 0), window.size())
    for made in (*page.list.panel.buttons.values(), page.list.panel.more, page.new, page.bring):
        assert room.contains(QRect(made.mapTo(window, QPoint(0, 0)), made.size())), made.text()
        assert made.width() >= made.minimumSizeHint().width()
    assert not page.list.table.horizontalScrollBar().isVisible()
