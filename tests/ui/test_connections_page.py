"""Connections, by mouse and by keyboard alone: made, tested, looked into, renamed, copied, deleted, and never lost by leaving."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit, QMenu, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from dtaas_desktop.domain.connection import CheckStep, Connection
from dtaas_desktop.domain.design import Design, Link, Node
from dtaas_desktop.domain.task import Task
from dtaas_desktop.services import browse
from dtaas_desktop.ui.connection_editor import ConnectionEditor
from dtaas_desktop.ui.context import Context, Place
from dtaas_desktop.ui.main_window import MainWindow
from dtaas_desktop.ui.pages.connections import ConnectionsPage
from dtaas_desktop.ui.question import Question

TASK = "11111111-1111-4111-8111-111111111111"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "shop.sqlite"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT NOT NULL)")
        database.executemany("INSERT INTO item (name) VALUES (?)", [(f"item {at}",) for at in range(1, 251)])
        database.execute("CREATE TABLE customer (id INTEGER PRIMARY KEY, city TEXT)")
        database.commit()
    return path


@pytest.fixture
def page(context: Context, qtbot: QtBot) -> Iterator[ConnectionsPage]:
    made = ConnectionsPage(context)
    qtbot.addWidget(made)
    made.resize(1200, 800)
    with qtbot.waitExposed(made):
        made.show()
    made.activateWindow()
    yield made
    made.left()


def add(context: Context, *connections: Connection) -> None:
    for one in connections:
        context.workspace.connections.save(one)


def opened(page: ConnectionsPage, qtbot: QtBot, item: str = "", act: str = "") -> None:
    page.open(item, act)
    qtbot.waitUntil(lambda: "Reading" not in page.body.state.heading.text() or page.body.is_full)


def editor(page: ConnectionsPage, qtbot: QtBot, name: str) -> ConnectionEditor:
    page.open(name)
    qtbot.waitUntil(lambda: page.editor is not None and page.editor.saved_as == name)
    assert page.editor is not None
    return page.editor


def focused() -> QWidget:
    found = QApplication.focusWidget()
    assert found is not None
    return found


def pressed(within: QWidget, text: str, qtbot: QtBot) -> None:
    def shown() -> list[QPushButton]:
        return [one for one in within.findChildren(QPushButton) if one.text() == text and one.isVisible()]

    qtbot.waitUntil(lambda: bool(shown()))
    found = shown()
    assert len(found) == 1, (text, found)
    qtbot.mouseClick(found[0], Qt.MouseButton.LeftButton)


def question(page: ConnectionsPage, qtbot: QtBot) -> Question:
    qtbot.waitUntil(lambda: page.question is not None and page.question.isVisible())
    assert page.question is not None
    return page.question


def retyped(line: QWidget, text: str, qtbot: QtBot) -> None:
    assert isinstance(line, QLineEdit)
    line.setFocus()
    line.selectAll()
    qtbot.keyClick(line, Qt.Key.Key_Delete)
    qtbot.keyClicks(line, text)


def texts(within: QWidget) -> list[str]:
    return [one.text() for one in within.findChildren(QLabel) if one.isVisible()]


def path_of(one: ConnectionEditor) -> QWidget:
    return one.form.field("path").input.focus


def names(context: Context) -> list[str]:
    return list(context.workspace.connections.all())


def test_an_empty_page_says_what_connections_are_and_how_to_make_one(page: ConnectionsPage, qtbot: QtBot) -> None:
    opened(page, qtbot)
    qtbot.waitUntil(lambda: page.body.state.heading.text() == "No connections yet")
    pressed(page, "New connection", qtbot)
    assert page.body.is_full
    assert page.kinds.isVisible()


def test_a_connection_is_made_tested_mended_and_looked_into_with_the_keyboard_alone(
    page: ConnectionsPage, context: Context, shop: Path, qtbot: QtBot
) -> None:
    opened(page, qtbot, act="new")
    qtbot.waitUntil(page.kinds.isVisible)
    while not focused().accessibleName().startswith("SQLite file"):
        qtbot.keyClick(focused(), Qt.Key.Key_Tab)
    qtbot.keyClick(focused(), Qt.Key.Key_Space)
    made = page.editor
    assert made is not None
    qtbot.waitUntil(lambda: focused() is made.name.input.focus)
    qtbot.keyClicks(focused(), "Shop")
    qtbot.keyClick(focused(), Qt.Key.Key_Tab)
    assert focused() is path_of(made)
    qtbot.keyClicks(focused(), str(shop) + "x")
    qtbot.keyClick(focused(), Qt.Key.Key_T, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: made.test_state is not None)
    assert made.test_state is not None
    assert not made.test_state.well
    assert any(f"{shop}x" in text for text in texts(made.steps))
    assert any(made.steps.steps[-1].remedy in text for text in texts(made.steps))
    assert "They appear here when the test has passed." in texts(made)
    qtbot.keyClick(focused(), Qt.Key.Key_Backspace)
    assert made.is_outdated
    qtbot.keyClick(focused(), Qt.Key.Key_T, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: made.test_state is not None and made.test_state.well)
    assert [step.ok for step in made.steps.steps] == [True, True, True]
    tables = made.tables
    assert tables is not None
    qtbot.waitUntil(lambda: "id" in [one.name for one in tables.details.columns.records])
    qtbot.keyClick(focused(), Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: names(context) == ["Shop"])
    assert context.workspace.connections.all()["Shop"] == Connection("Shop", "sqlite", {"path": str(shop)})
    qtbot.waitUntil(lambda: not made.is_dirty)
    while focused() is not tables.list:
        qtbot.keyClick(focused(), Qt.Key.Key_Tab)
    qtbot.keyClick(focused(), Qt.Key.Key_Down)
    qtbot.waitUntil(lambda: "about 250 rows" in tables.details.figures.text())
    while focused() is not tables.details.tabs.tabBar():
        qtbot.keyClick(focused(), Qt.Key.Key_Tab)
    qtbot.keyClick(focused(), Qt.Key.Key_Right)
    rows = tables.details.rows
    qtbot.waitUntil(lambda: rows.table.num_rows == 100)
    assert rows.table["name"][0].as_py() == "item 1"
    qtbot.keyClick(focused(), Qt.Key.Key_Left, Qt.KeyboardModifier.AltModifier)
    qtbot.waitUntil(lambda: page.list.isVisible() and page.list.current == "Shop")
    assert [line.test[0] for line in page.list.model.records] == ["Test passed"]


def test_steps_arrive_one_by_one_and_leaving_ends_the_test(
    page: ConnectionsPage, context: Context, shop: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, asked = threading.Event(), []

    def slow(connection: Connection, **_: object) -> Iterator[CheckStep]:
        yield CheckStep("First", True)
        go_on.wait(30)
        asked.append("second")
        yield CheckStep("Second", True)
        asked.append("third")
        yield CheckStep("Third", True)

    monkeypatch.setattr(browse, "check", slow)
    add(context, Connection("Shop", "sqlite", {"path": str(shop)}))
    one = editor(page, qtbot, "Shop")
    pressed(one, "Test", qtbot)
    qtbot.waitUntil(lambda: [step.title for step in one.steps.steps] == ["First"])
    assert "Testing …" in texts(one.steps)
    page.left()
    assert not one.steps.is_running
    go_on.set()
    qtbot.waitUntil(lambda: not context.background.is_busy)
    assert asked == ["second"]
    assert one.test_state is None


def test_a_step_that_fails_has_buttons_to_its_fields_also_to_advanced_ones(
    page: ConnectionsPage, context: Context, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(connection: Connection, **_: object) -> Iterator[CheckStep]:
        yield CheckStep("First", True)
        yield CheckStep(
            "Second", False, "It proves nothing.", "Switch on “Trust any certificate”.", ("server_certificate", "not a field")
        )

    monkeypatch.setattr(browse, "check", refused)
    add(context, Connection("Sql", "sqlserver", {"server": "sql", "user": "me", "password": "env:NONE"}))
    one = editor(page, qtbot, "Sql")
    page.resize(1000, 500)
    pressed(one, "Test", qtbot)
    qtbot.waitUntil(lambda: one.test_state is not None)
    ways = [button.text() for button in one.steps.findChildren(QPushButton)]
    assert ways == ["Go to “Server certificate file”", "Go to “Trust any certificate”"]
    pressed(one, ways[0], qtbot)
    field = one.form.field("server_certificate").input.focus
    assert focused() is field
    qtbot.waitUntil(lambda: not field.visibleRegion().isEmpty())
    pressed(one, ways[1], qtbot)
    assert focused() is one.form.field("trust_certificate").input.focus


def test_a_wrong_path_is_led_to(page: ConnectionsPage, context: Context, shop: Path, qtbot: QtBot) -> None:
    add(context, Connection("Shop", "sqlite", {"path": str(shop) + "x"}), Connection("Out", "folder", {"path": "/no/such/place"}))
    for name, title in (("Shop", "Database file"), ("Out", "Folder")):
        one = editor(page, qtbot, name)
        pressed(one, "Test", qtbot)
        qtbot.waitUntil(lambda one=one: one.test_state is not None)  # type: ignore[misc]
        pressed(one, f"Go to “{title}”", qtbot)
        assert focused() is path_of(one)


def test_a_result_counts_only_for_the_settings_it_was_made_with(
    page: ConnectionsPage, context: Context, shop: Path, qtbot: QtBot
) -> None:
    add(context, Connection("Shop", "sqlite", {"path": str(shop)}))
    one = editor(page, qtbot, "Shop")
    pressed(one, "Test", qtbot)
    qtbot.waitUntil(lambda: one.test_state is not None)
    outdated = [one.is_outdated]
    qtbot.keyClicks(path_of(one), "x")
    outdated.append(one.is_outdated)
    assert "The settings were changed after this test. Test again to see whether they work." in texts(one)
    qtbot.keyClick(path_of(one), Qt.Key.Key_Backspace)
    assert [*outdated, one.is_outdated] == [False, True, False]
    retyped(path_of(one), str(shop.with_name("other.sqlite")), qtbot)
    qtbot.keyClick(path_of(one), Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: not one.is_dirty)
    qtbot.keyClick(path_of(one), Qt.Key.Key_Left, Qt.KeyboardModifier.AltModifier)
    qtbot.waitUntil(lambda: [line.place for line in page.list.model.records] == [str(shop.with_name("other.sqlite"))])
    assert [line.test[0] for line in page.list.model.records] == ["Not tested"]


def test_tables_are_searched(page: ConnectionsPage, context: Context, shop: Path, qtbot: QtBot) -> None:
    add(context, Connection("Shop", "sqlite", {"path": str(shop)}))
    one = editor(page, qtbot, "Shop")
    pressed(one, "Test", qtbot)
    tables = one.tables
    assert tables is not None
    qtbot.waitUntil(tables.search.isVisible)
    qtbot.keyClicks(tables.search, "ITE")
    assert tables.list.model().rowCount() == 1
    qtbot.keyClicks(tables.search, "zzz")
    assert tables.list.model().rowCount() == 0
    assert tables.details.figures.text() == "No table is called like “ITEzzz”."


@pytest.mark.parametrize(("typed", "sentence"), [("", "Give it a name."), ("shop", "There is a connection “shop” already.")])
def test_a_missing_or_taken_name_is_said_at_the_field(
    page: ConnectionsPage, context: Context, shop: Path, qtbot: QtBot, typed: str, sentence: str
) -> None:
    add(context, Connection("Shop", "sqlite", {"path": str(shop)}))
    opened(page, qtbot, act="new")
    qtbot.waitUntil(page.kinds.isVisible)
    page.kinds.chosen.emit("sqlite")
    made = page.editor
    assert made is not None
    qtbot.keyClicks(made.name.input.focus, typed)
    qtbot.keyClicks(path_of(made), str(shop))
    pressed(page, "Save", qtbot)
    assert made.name.problem == sentence
    assert focused() is made.name.input.focus
    assert names(context) == ["Shop"]


def test_a_connection_is_renamed_in_the_tasks_that_use_it_too(
    page: ConnectionsPage, context: Context, shop: Path, qtbot: QtBot
) -> None:
    add(context, Connection("Shop", "sqlite", {"path": str(shop)}))
    context.workspace.tasks.save(task_on("Shop"))
    opened(page, qtbot, "Shop", "rename")
    qtbot.waitUntil(lambda: page.editor is not None)
    qtbot.keyClicks(focused(), "Store")  # all of the name was selected
    pressed(page, "Save", qtbot)
    qtbot.waitUntil(lambda: names(context) == ["Store"])
    assert context.workspace.tasks.named("Nightly").design.node("s").settings["connection"] == "Store"
    qtbot.waitUntil(lambda: page.header.title.text() == "Store")


def test_a_duplicate_gets_a_free_name_and_is_open_for_another(
    page: ConnectionsPage, context: Context, shop: Path, qtbot: QtBot
) -> None:
    add(context, Connection("Shop", "sqlite", {"path": str(shop)}))
    opened(page, qtbot)
    qtbot.waitUntil(page.list.isVisible)
    qtbot.keyClick(page.list.list, Qt.Key.Key_D, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: page.editor is not None)
    assert names(context) == ["Shop", "Shop (2)"]
    assert context.workspace.connections.all()["Shop (2)"].settings == {"path": str(shop)}


def task_on(connection: str) -> Task:
    nodes = (
        Node("s", "source", {"connection": connection, "tables": ["item"]}),
        Node("d", "destination", {"connection": "Out"}),
    )
    return Task(TASK, "Nightly", Design(nodes, (Link("s", "d"),)))


def test_what_a_task_uses_is_not_deleted_and_the_task_is_a_link(
    page: ConnectionsPage, context: Context, shop: Path, qtbot: QtBot
) -> None:
    add(context, Connection("Shop", "sqlite", {"path": str(shop)}))
    context.workspace.tasks.save(task_on("Shop"))
    went: list[Place] = []
    context.navigator.asked.connect(went.append)
    opened(page, qtbot)
    qtbot.waitUntil(page.list.isVisible)
    assert [line.users for line in page.list.model.records] == ["1 task"]
    qtbot.keyClick(page.list.list, Qt.Key.Key_Delete)
    asked = question(page, qtbot)
    assert "“Shop” cannot be deleted" in texts(asked)
    pressed(asked, "Nightly", qtbot)
    assert went == [Place("tasks", TASK, "edit")]
    assert names(context) == ["Shop"]


def test_what_no_task_uses_is_deleted_after_a_question(page: ConnectionsPage, context: Context, shop: Path, qtbot: QtBot) -> None:
    add(context, Connection("Shop", "sqlite", {"path": str(shop)}))
    opened(page, qtbot)
    qtbot.waitUntil(page.list.isVisible)
    qtbot.keyClick(page.list.list, Qt.Key.Key_Delete)
    pressed(question(page, qtbot), "Keep", qtbot)
    assert names(context) == ["Shop"]
    page.activateWindow()
    qtbot.waitUntil(lambda: QApplication.focusWidget() is page.list.list)
    qtbot.keyClick(page.list.list, Qt.Key.Key_Delete)
    pressed(question(page, qtbot), "Delete", qtbot)
    qtbot.waitUntil(lambda: names(context) == [])
    qtbot.waitUntil(lambda: page.body.state.heading.text() == "No connections yet")


def test_leaving_with_changes_asks_and_goes_on_after_they_are_given_up(
    page: ConnectionsPage, context: Context, shop: Path, qtbot: QtBot
) -> None:
    add(context, Connection("Shop", "sqlite", {"path": str(shop)}))
    one = editor(page, qtbot, "Shop")
    assert page.may_leave()
    qtbot.keyClicks(path_of(one), "x")
    went: list[str] = []
    page.go_on = lambda: went.append("away")
    assert not page.may_leave()
    pressed(question(page, qtbot), "Keep editing", qtbot)
    assert page.editor is one
    assert went == []
    assert not page.may_leave()
    qtbot.waitUntil(lambda: page.question is not None and page.question.isVisible())
    pressed(question(page, qtbot), "Discard", qtbot)
    assert went == ["away"]
    assert page.may_leave()
    assert context.workspace.connections.all()["Shop"].settings == {"path": str(shop)}


def test_leaving_can_save_first_but_a_mistake_keeps_one_here(
    page: ConnectionsPage, context: Context, shop: Path, qtbot: QtBot
) -> None:
    add(context, Connection("Shop", "sqlite", {"path": str(shop)}))
    one = editor(page, qtbot, "Shop")
    went: list[str] = []
    page.go_on = lambda: went.append("away")
    retyped(one.name.input.focus, "", qtbot)
    assert not page.may_leave()
    pressed(question(page, qtbot), "Save", qtbot)
    assert one.name.problem == "Give it a name."
    assert went == []
    retyped(one.name.input.focus, "Store", qtbot)
    assert not page.may_leave()
    qtbot.waitUntil(lambda: page.question is not None and page.question.isVisible())
    pressed(question(page, qtbot), "Save", qtbot)
    qtbot.waitUntil(lambda: went == ["away"])
    assert names(context) == ["Store"]


def test_the_list_is_searched_and_opened_by_double_click(
    page: ConnectionsPage, context: Context, shop: Path, qtbot: QtBot
) -> None:
    add(context, *(Connection(name, "sqlite", {"path": str(shop)}) for name in ("Sales", "Shop", "Stock")))
    opened(page, qtbot)
    qtbot.waitUntil(page.list.isVisible)
    qtbot.keyClicks(page.list.search, "sto")
    assert [line.connection.name for line in page.list.model.records] == ["Stock"]
    place = page.list.list.visualRect(page.list.list.model().index(0, 0)).center()
    qtbot.mouseDClick(page.list.list.viewport(), Qt.MouseButton.LeftButton, pos=place)
    qtbot.waitUntil(lambda: page.editor is not None and page.editor.saved_as == "Stock")
    qtbot.keyClick(page.header, Qt.Key.Key_Left, Qt.KeyboardModifier.AltModifier)
    qtbot.waitUntil(page.list.isVisible)
    qtbot.keyClicks(page.list.search, "zz")
    assert "No connection matches “stozz”." in texts(page.list)


def test_more_actions_are_in_a_menu(page: ConnectionsPage, context: Context, shop: Path, qtbot: QtBot) -> None:
    add(context, Connection("Shop", "sqlite", {"path": str(shop)}))
    editor(page, qtbot, "Shop")
    more = next(one for one in page.findChildren(QPushButton) if one.accessibleName() == "More actions")
    qtbot.mouseClick(more, Qt.MouseButton.LeftButton)
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    assert [action.text() for action in menu.actions()] == ["Duplicate connection", "Delete connection"]
    place = menu.actionGeometry(menu.actions()[1]).center()
    qtbot.mouseClick(menu, Qt.MouseButton.LeftButton, pos=QPoint(place))
    pressed(question(page, qtbot), "Delete", qtbot)
    qtbot.waitUntil(lambda: names(context) == [])


def test_a_destination_tells_what_was_written_there(
    page: ConnectionsPage, context: Context, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = browse.WrittenTarget("item", TASK, "Nightly", "run-1", 250, 1_700_000_000.0, 2, "/out/item")
    monkeypatch.setattr(browse, "written_targets", lambda workspace, name: [target] if name == "Out" else [])
    add(context, Connection("Out", "folder", {"path": str(tmp_path)}))
    went: list[Place] = []
    context.navigator.asked.connect(went.append)
    one = editor(page, qtbot, "Out")
    targets = one.targets
    assert targets is not None
    qtbot.waitUntil(lambda: targets.model.records == [target])
    targets.list.setFocus()
    targets.list.choose(0)
    qtbot.keyClick(targets.list, Qt.Key.Key_Return)
    assert went == [Place("runs", "run-1")]


def test_a_kind_of_a_newer_version_is_listed_and_left_alone(page: ConnectionsPage, context: Context, qtbot: QtBot) -> None:
    from sqlalchemy import insert

    from dtaas_desktop.services import records

    with context.workspace.database.writing() as connection:
        connection.execute(insert(records.connections).values(name="Future", kind="quantum", settings="{}"))
    said: list[str] = []
    context.navigator.said.connect(said.append)
    opened(page, qtbot, "Future")
    qtbot.waitUntil(lambda: said != [])
    assert "quantum" in said[0]
    assert [line.kind for line in page.list.model.records] == ["quantum (unknown)"]


def test_the_window_goes_where_one_wanted_once_the_changes_are_given_up(
    window: MainWindow, context: Context, shop: Path, qtbot: QtBot
) -> None:
    add(context, Connection("Shop", "sqlite", {"path": str(shop)}))
    window.go("connections", "Shop")
    page = window.page
    assert isinstance(page, ConnectionsPage)
    qtbot.waitUntil(lambda: page.editor is not None)
    assert page.editor is not None
    qtbot.keyClicks(path_of(page.editor), "x")
    window.go("settings")
    assert window.page_name == "connections"
    pressed(question(page, qtbot), "Discard", qtbot)
    qtbot.waitUntil(lambda: window.page_name == "settings")
