"""The form of a task: what can be chosen, what is refused, what is kept."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QPushButton, QWidget
from pytestqt.qtbot import QtBot

from dtaas_desktop.domain.connection import Connection
from dtaas_desktop.domain.design import Design, Link, Node
from dtaas_desktop.domain.schedule import Schedule
from dtaas_desktop.domain.table import CellPolicy, TableRef
from dtaas_desktop.domain.table_names import matching, meant, split_names
from dtaas_desktop.domain.task import Task, TaskOptions
from dtaas_desktop.services.workspace import Workspace
from dtaas_desktop.ui.capture_dialog import CaptureDialog
from dtaas_desktop.ui.main_window import MainWindow
from dtaas_desktop.ui.pages.tasks import TasksPage
from dtaas_desktop.ui.task_draft import is_line, new_draft, problems
from dtaas_desktop.ui.task_form import TaskForm
from tests.ui.shop import PATIENCE, answer, click, make_shop, make_task

STEPS = (
    Node("keep", "select", {"columns": ["id", "name"]}),
    Node("call", "rename", {"names": {"name": "title"}}, title="Names"),
)


def edit(window: MainWindow, qtbot: QtBot, task: Task | None = None) -> TaskForm:
    """The form with this task, or a new one, once the source's tables are there."""
    with qtbot.waitActive(window):
        window.activateWindow()
    window.go("tasks", task.uuid if task else "", "edit" if task else "new")
    page = window.page
    assert isinstance(page, TasksPage)
    qtbot.waitUntil(lambda: page.form.isVisible() and page.form.is_shown, timeout=PATIENCE)
    if task is not None and page.form.source.isVisible():
        qtbot.waitUntil(lambda: page.form.source.captures is not None, timeout=PATIENCE)
    return page.form


def page_of(window: MainWindow) -> TasksPage:
    page = window.page
    assert isinstance(page, TasksPage)
    return page


def pick_connection(form: TaskForm, name: str, qtbot: QtBot) -> None:
    """Choose the source connection by keys."""
    form.source.connection.setFocus()
    qtbot.keyClicks(form.source.connection, name[0])
    assert form.source.connection.currentText() == name
    qtbot.waitUntil(lambda: form.source.captures is not None, timeout=PATIENCE)


def save(window: MainWindow, workspace: Workspace, qtbot: QtBot) -> Task:
    """Press Save; the task as it is saved then."""
    click(qtbot, page_of(window).save)
    qtbot.waitUntil(lambda: not page_of(window).form.is_shown, timeout=PATIENCE)
    return workspace.tasks.all()[0]


def test_saving_an_empty_form_says_at_each_field_what_is_missing(
    window: MainWindow, workspace: Workspace, tmp_path: Path, qtbot: QtBot
) -> None:
    make_shop(workspace, tmp_path)
    form = edit(window, qtbot)
    assert form.naming.problem == form.source.problem == form.destination.problem == ""
    click(qtbot, page_of(window).save)
    assert form.naming.problem.startswith("The task needs a name.")
    assert form.source.problem == "Choose where the rows come from."
    assert form.destination.problem == "Choose where the rows go."
    assert form.name.hasFocus()
    qtbot.keyClicks(form.name, "Orders")
    assert form.naming.problem == ""
    assert workspace.tasks.all() == []


def test_tables_are_ticked_searched_and_meant_by_patterns(
    window: MainWindow, workspace: Workspace, tmp_path: Path, qtbot: QtBot
) -> None:
    make_shop(workspace, tmp_path)
    form = edit(window, qtbot)
    qtbot.keyClicks(form.name, "Some")
    pick_connection(form, "Shop", qtbot)
    tables = form.source.tables
    qtbot.keyClicks(tables.search, "cust")
    qtbot.keyClick(tables.search, Qt.Key.Key_Down)
    assert tables.list.hasFocus()
    qtbot.keyClick(tables.list, Qt.Key.Key_Down)
    qtbot.keyClick(tables.list, Qt.Key.Key_Space)
    assert tables.names() == ("customers",)
    tables.search.clear()
    qtbot.keyClicks(tables.patterns, "o*")
    assert [str(one) for one in tables.chosen()] == ["customers", "orders"]
    qtbot.keyClicks(tables.exclude, "ord*")
    assert [str(one) for one in tables.chosen()] == ["customers"]
    form.destination.connection.setCurrentIndex(form.destination.connection.findData("Lake"))
    saved = save(window, workspace, qtbot)
    assert saved.design.node("source").settings == {
        "connection": "Shop",
        "tables": ["customers", "o*"],
        "exclude": ["ord*"],
    }


def test_all_tables_are_one_choice(window: MainWindow, workspace: Workspace, tmp_path: Path, qtbot: QtBot) -> None:
    make_shop(workspace, tmp_path)
    task = make_task(workspace, "Some", ["orders"])
    form = edit(window, qtbot, task)
    click(qtbot, form.source.tables.which.radios["all"])
    assert not form.source.tables.list.isVisible()
    assert len(form.source.tables.chosen()) == 3
    assert save(window, workspace, qtbot).design.node("from").settings["tables"] == ["*"]


def test_a_name_that_the_source_does_not_have_is_said(
    window: MainWindow, workspace: Workspace, tmp_path: Path, qtbot: QtBot
) -> None:
    make_shop(workspace, tmp_path)
    form = edit(window, qtbot, make_task(workspace, "Some", ["orders", "gone"]))
    assert form.source.tables._unmatched.text() == "No table matches “gone”."
    assert form.source.tables.names() == ("orders", "gone")
    assert not form.is_dirty


def test_a_source_that_cannot_be_read_is_told_and_its_names_are_kept(
    window: MainWindow, workspace: Workspace, tmp_path: Path, qtbot: QtBot
) -> None:
    workspace.connections.save(Connection("Shop", "sqlite", {"path": str(tmp_path / "nothing.sqlite")}))
    workspace.connections.save(Connection("Lake", "folder", {"path": str(tmp_path)}))
    task = make_task(workspace, "Some", ["orders", "o*"])
    window.go("tasks", task.uuid, "edit")
    form = page_of(window).form
    again = next(one for one in form.source.findChildren(QPushButton) if one.text() == "Try again")
    qtbot.waitUntil(again.isVisible, timeout=PATIENCE)
    assert form.source.tables.names() == ("orders", "o*")
    with closing(sqlite3.connect(tmp_path / "nothing.sqlite")) as connection:
        connection.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY)")
    click(qtbot, again)
    qtbot.waitUntil(lambda: form.source.captures is not None, timeout=PATIENCE)
    assert form.source.tables.names() == ("orders", "o*")
    assert not form.is_dirty


def test_changes_need_their_capture_which_shows_its_statements_first(
    window: MainWindow, workspace: Workspace, tmp_path: Path, qtbot: QtBot
) -> None:
    make_shop(workspace, tmp_path)
    form = edit(window, qtbot, make_task(workspace, "Live", ["orders", "customers"]))
    transfer = form.transfer
    click(qtbot, transfer.transfer.radios["full load, then changes"])
    qtbot.waitUntil(transfer.capture.isVisible, timeout=PATIENCE)
    assert transfer.said == "2 of 2 tables are not captured yet: nothing at the source keeps their changes."
    click(qtbot, transfer.capture)
    dialogs: list[CaptureDialog] = []

    def is_open() -> bool:
        dialogs[:] = [one for one in window.findChildren(CaptureDialog) if one.isVisible()]
        return bool(dialogs)

    qtbot.waitUntil(is_open, timeout=PATIENCE)
    assert "CREATE TRIGGER" in dialogs[0].script.toPlainText()
    click(qtbot, next(one for one in dialogs[0].findChildren(QPushButton) if one.text() == "Capture changes"))
    qtbot.waitUntil(lambda: transfer.said == "Their changes are captured.", timeout=PATIENCE)
    assert not transfer.capture.isVisible()
    with closing(sqlite3.connect(tmp_path / "shop.sqlite")) as connection:
        assert connection.execute("SELECT count(*) FROM sqlite_schema WHERE type = 'trigger'").fetchone()[0] > 0


def test_write_modes_follow_the_transfer(window: MainWindow, workspace: Workspace, tmp_path: Path, qtbot: QtBot) -> None:
    make_shop(workspace, tmp_path)
    form = edit(window, qtbot, make_task(workspace, "Live", ["orders"], to={"connection": "Duck"}))
    mode, transfer = form.destination.mode, form.transfer.transfer
    assert all(radio.isVisible() for radio in mode.radios.values())
    assert not form.destination.publishing.isVisible()
    click(qtbot, transfer.radios["full load, then changes"])
    assert [value for value, radio in mode.radios.items() if radio.isVisible()] == ["mirror", "history"]
    assert mode.value == "mirror"
    assert form.destination.publishing.isVisible()
    assert form.destination.deletes.isVisible()
    click(qtbot, mode.radios["history"])
    assert not form.destination.deletes.isVisible()
    assert form.draft().destination["write_mode"] == "history"


def test_files_are_asked_for_where_the_destination_holds_files(
    window: MainWindow, workspace: Workspace, tmp_path: Path, qtbot: QtBot
) -> None:
    make_shop(workspace, tmp_path)
    files = {"format": "csv", "layout": "hive", "partition_by": [{"column": "id", "name": "part"}]}
    task = make_task(workspace, "Files", ["orders"], to={"files": files})
    form = edit(window, qtbot, task)
    assert form.destination.files.isVisible()
    assert not form.is_dirty
    qtbot.keyClicks(form.destination.partition, "name")
    qtbot.keyClick(form.destination.partition, Qt.Key.Key_Return)
    saved = save(window, workspace, qtbot).design.node("to").settings["files"]
    assert saved["format"] == "csv"
    assert saved["layout"] == "hive"
    assert saved["partition_by"] == [{"column": "name"}, {"column": "id", "name": "part"}]


def test_a_schedule_shows_when_it_is_due(window: MainWindow, workspace: Workspace, tmp_path: Path, qtbot: QtBot) -> None:
    make_shop(workspace, tmp_path)
    form = edit(window, qtbot, make_task(workspace, "Nightly", ["orders"]))
    schedule = form.schedule
    assert schedule.said.text() == "It runs when somebody says so."
    schedule.kind.setFocus()
    qtbot.keyClick(schedule.kind, Qt.Key.Key_Down)
    assert schedule.every.isVisible()
    qtbot.keyClick(schedule.kind, Qt.Key.Key_Down)
    assert schedule.at.isVisible()
    assert schedule.said.text().startswith("Next: ")
    qtbot.keyClick(schedule.kind, Qt.Key.Key_Down)
    click(qtbot, page_of(window).save)
    assert form.timing.problem == "Choose at least one day of the week."
    click(qtbot, schedule.days[2])
    assert form.timing.problem == ""
    assert save(window, workspace, qtbot).schedule == Schedule("weekly", days=(2,))


def test_only_changes_can_run_all_the_time() -> None:
    draft = new_draft(TaskOptions())
    everlasting = Schedule("continuous")
    assert "schedule" in problems(replace(draft, schedule=everlasting), {})
    follows = TaskOptions(transfer="changes")
    assert "schedule" not in problems(replace(draft, schedule=everlasting, options=follows), {})


def test_a_design_that_is_no_line_cannot_run_full_loads_all_the_time_either(
    window: MainWindow, workspace: Workspace, tmp_path: Path, qtbot: QtBot
) -> None:
    make_shop(workspace, tmp_path)
    plain = make_task(workspace, "Imported", ["orders"], schedule=Schedule("continuous"))
    second = Node("again", "destination", {"connection": "Duck"})
    design = replace(plain.design, nodes=(*plain.design.nodes, second), links=(*plain.design.links, Link("from", "again")))
    workspace.tasks.save(replace(plain, design=design))
    form = edit(window, qtbot, plain)
    page = page_of(window)
    click(qtbot, page.save)
    assert page.form.is_shown
    assert "Only a task with changes can run all the time." in form.timing.problem


def test_the_page_says_that_an_imported_task_never_starts_by_itself(
    window: MainWindow, workspace: Workspace, tmp_path: Path, qtbot: QtBot
) -> None:
    make_shop(workspace, tmp_path)
    task = make_task(workspace, "Imported", ["orders"], schedule=Schedule("continuous"))
    window.go("tasks", task.uuid)
    panel = page_of(window).list.panel
    qtbot.waitUntil(panel.mistake.isVisible, timeout=PATIENCE)
    assert panel.mistake.heading_line.text() == "It never starts by itself"
    assert panel.buttons["run"].isEnabled()


def test_advanced_options_are_kept_and_changed(window: MainWindow, workspace: Workspace, tmp_path: Path, qtbot: QtBot) -> None:
    make_shop(workspace, tmp_path)
    odd = TaskOptions(cells=CellPolicy("reject", 1_000_000, "reject"), memory=100_000_001, retries=7, drift="pause")
    form = edit(window, qtbot, make_task(workspace, "Odd", ["orders"], options=odd))
    assert not form.is_dirty
    click(qtbot, form._more)
    retries = form.limits.field("retries").input.focus
    retries.setFocus()
    qtbot.keyClick(retries, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClicks(retries, "2000")
    click(qtbot, page_of(window).save)
    assert form.limits.field("retries").problem == "Enter a whole number from 0 to 100."
    qtbot.keyClick(retries, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClicks(retries, "2")
    saved = save(window, workspace, qtbot).options
    assert (saved.retries, saved.drift, saved.cells.misfit) == (2, "pause", "reject")


def test_transformations_are_kept_untouched_and_named(
    window: MainWindow, workspace: Workspace, tmp_path: Path, qtbot: QtBot
) -> None:
    make_shop(workspace, tmp_path)
    task = make_task(workspace, "Steps", ["orders"], steps=STEPS)
    form = edit(window, qtbot, task)
    assert form._kept_text.text().startswith("2 transformations: “Select”, “Names”.")
    qtbot.keyClicks(form.name, "New name")
    saved = save(window, workspace, qtbot)
    assert saved.name == "New name"
    assert [saved.design.node(step.id) for step in STEPS] == list(STEPS)
    assert saved.design.links == task.design.links


def test_a_design_that_is_no_line_is_shown_as_such_and_only_its_options_change(
    window: MainWindow, workspace: Workspace, tmp_path: Path, qtbot: QtBot
) -> None:
    make_shop(workspace, tmp_path)
    source = Node("s", "source", {"connection": "Shop", "tables": ["orders"]})
    nodes = (source, Node("a", "destination", {"connection": "Lake"}), Node("b", "destination", {"connection": "Duck"}))
    task = Task("2cb5a1f0-0000-4000-8000-000000000001", "Fork", Design(nodes, (Link("s", "a"), Link("s", "b"))))
    workspace.tasks.save(task)
    form = edit(window, qtbot, task)
    assert not form.source.isVisible()
    assert not form.destination.isVisible()
    assert "1 source, 0 transformations, 2 destinations" in form._kept_text.text()
    qtbot.keyClicks(form.name, "Branches")
    saved = save(window, workspace, qtbot)
    assert (saved.name, saved.design) == ("Branches", task.design)


def test_leaving_a_changed_form_asks_and_goes_on_after_the_answer(
    window: MainWindow, workspace: Workspace, tmp_path: Path, qtbot: QtBot
) -> None:
    make_shop(workspace, tmp_path)
    form = edit(window, qtbot, make_task(workspace, "Orders", ["orders"]))
    qtbot.keyClicks(form.name, "Other")
    window.go("settings")
    assert answer(qtbot, window, "Keep editing") == "Save the changes of “Other”?"
    assert window.page_name == "tasks"
    assert form.name.text() == "Other"
    window.go("settings")
    answer(qtbot, window, "Save")
    qtbot.waitUntil(lambda: window.page_name == "settings", timeout=PATIENCE)
    assert [task.name for task in workspace.tasks.all()] == ["Other"]


def test_a_discarded_change_is_gone(window: MainWindow, workspace: Workspace, tmp_path: Path, qtbot: QtBot) -> None:
    make_shop(workspace, tmp_path)
    form = edit(window, qtbot, make_task(workspace, "Orders", ["orders"]))
    qtbot.keyClicks(form.name, "Other")
    click(qtbot, page_of(window).leave)
    answer(qtbot, window, "Discard")
    assert not form.isVisible()
    assert [task.name for task in workspace.tasks.all()] == ["Orders"]


def test_a_name_that_is_taken_is_refused_and_the_form_stays(
    window: MainWindow, workspace: Workspace, tmp_path: Path, qtbot: QtBot
) -> None:
    make_shop(workspace, tmp_path)
    make_task(workspace, "Taken")
    form = edit(window, qtbot, make_task(workspace, "Orders", ["orders"]))
    qtbot.keyClicks(form.name, "Taken")
    click(qtbot, page_of(window).save)
    assert answer(qtbot, window, "Close") == "Another task is already called “Taken”."
    assert form.isVisible()
    assert form.is_dirty


def test_a_connection_made_meanwhile_can_be_chosen_and_what_was_typed_is_there_still(
    window: MainWindow, workspace: Workspace, tmp_path: Path, qtbot: QtBot
) -> None:
    form = edit(window, qtbot)
    qtbot.keyClicks(form.name, "Orders")
    new = next(one for one in form.source.findChildren(QPushButton) if one.accessibleName() == "New connection")
    click(qtbot, new)
    assert window.page_name == "connections"
    make_shop(workspace, tmp_path)
    window.go("tasks")
    qtbot.waitUntil(lambda: form.source.connection.count() > 1, timeout=PATIENCE)
    assert form.isVisible()
    assert form.name.text() == "Orders"


@pytest.mark.parametrize("width", [1024, 1440])
def test_every_field_has_a_name_and_the_keyboard_goes_down_the_form(
    window: MainWindow, workspace: Workspace, tmp_path: Path, qtbot: QtBot, width: int
) -> None:
    make_shop(workspace, tmp_path)
    window.resize(width, 700)
    form = edit(window, qtbot, make_task(workspace, "Orders", ["orders"]))
    form.name.setFocus()
    seen: list[QWidget] = []
    for _ in range(40):
        focus = QGuiApplication.focusObject()
        assert isinstance(focus, QWidget)
        if seen and not form.isAncestorOf(focus):
            break
        seen.append(focus)
        qtbot.keyClick(focus, Qt.Key.Key_Tab)
    names = [one.accessibleName() or getattr(one, "text", str)() for one in seen]
    assert all(names), [type(one) for one in seen]
    order = [
        names.index(name)
        for name in ("Name", "Connection", "Chosen tables", "Names like", "Except", "Full load", "Write mode")
        if name in names
    ]
    assert order == sorted(order)
    assert seen.index(form.source.connection) < seen.index(form.destination.connection) < seen.index(form.schedule.kind)
    assert not form.horizontalScrollBar().isVisible()


def test_a_line_is_told_from_other_designs() -> None:
    source, one, other = Node("s", "source"), Node("d", "destination"), Node("e", "destination")
    step = Node("t", "drop")
    assert is_line(Design((source, one), (Link("s", "d"),)))
    assert is_line(Design((source, step, one), (Link("s", "t"), Link("t", "d"))))
    assert not is_line(Design((source, one, other), (Link("s", "d"), Link("s", "e"))))
    assert not is_line(Design((source, step), (Link("s", "t"),)))
    assert not is_line(Design((step, one), (Link("t", "d"), Link("d", "t"))))
    assert not is_line(Design((source, Node("x", "unknown"), one), (Link("s", "x"), Link("x", "d"))))
    assert not is_line(Design())


def test_names_mean_tables_as_runs_understand_them() -> None:
    tables = [TableRef("Orders", "dbo"), TableRef("orders_old", "dbo"), TableRef("a*", "dbo")]
    assert matching("orders", tables) == [tables[0]]
    assert matching("dbo.Orders", tables) == [tables[0]]
    assert matching("a*", tables) == [tables[2]]
    assert meant(("*",), ("*_old",), tables) == [tables[0], tables[2]]
    assert split_names(("dbo.Orders", "o*", "gone"), tables) == ([tables[0]], ["o*", "gone"])
