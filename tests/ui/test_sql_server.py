"""SQL Server through the window: a connection made by its form, tested, browsed, a task made with it, run, rows verified."""

from collections.abc import Iterator
from typing import TypeVar

import duckdb
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QComboBox, QLabel, QLineEdit, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from dtaas_desktop.domain.connection import CONNECTION_KINDS, Connection
from dtaas_desktop.services.workspace import Workspace
from dtaas_desktop.ui.connection_editor import ConnectionEditor
from dtaas_desktop.ui.context import Context
from dtaas_desktop.ui.forms import Form
from dtaas_desktop.ui.help_view import HelpView
from dtaas_desktop.ui.main_window import MainWindow
from dtaas_desktop.ui.pages.connections import ConnectionsPage
from dtaas_desktop.ui.pages.runs import RunsPage
from dtaas_desktop.ui.pages.tasks import TasksPage
from dtaas_desktop.ui.secret_input import SecretInput
from dtaas_desktop.ui.task_form import TaskForm
from tests.connectors.sqlserver.world import World, world
from tests.ui.shop import PATIENCE, click, run_now

P = TypeVar("P", bound=QWidget)


@pytest.fixture(scope="module")
def server() -> Iterator[World]:
    with world() as found:
        found.run(
            f"CREATE TABLE {found.name('Orders')} (id int IDENTITY NOT NULL PRIMARY KEY, customer nvarchar(40) NOT NULL,"
            " placed datetimeoffset(3) NOT NULL, modified_at datetime2(7) NOT NULL)",
            f"CREATE TABLE {found.name('Plain')} (id int NOT NULL PRIMARY KEY, modified_at datetime2(3))",
            f"INSERT INTO {found.name('Orders')} (customer, placed, modified_at) VALUES"
            " (N'Åsa', '2026-03-01T10:00:00 +02:00', '2026-03-01T10:00:00'), (N'東京', '2026-03-02T10:00:00 +09:00', '2026-03-02T10:00:00')",
        )
        yield found


def page_of(window: MainWindow, kind: type[P]) -> P:
    assert isinstance(window.page, kind)
    return window.page


def typed(form: Form, name: str, text: str, qtbot: QtBot) -> None:
    line = form.field(name).input.focus
    assert isinstance(line, QLineEdit)
    line.setFocus()
    line.selectAll()
    qtbot.keyClicks(line, text)


def chosen(form: Form, name: str, value: object) -> None:
    row = form.field(name)
    row.input.show_value(value)
    row.input.changed.emit()


def ended(editor: ConnectionEditor, qtbot: QtBot) -> bool:
    qtbot.waitUntil(lambda: editor.test_state is not None, timeout=PATIENCE)
    assert editor.test_state is not None
    return editor.test_state.well


def leading(editor: ConnectionEditor) -> dict[str, QPushButton]:
    return {one.text(): one for one in editor.steps.findChildren(QPushButton)}


def test_from_the_form_of_a_connection_to_verified_rows(
    window: MainWindow, workspace: Workspace, server: World, qtbot: QtBot
) -> None:
    with qtbot.waitActive(window):
        window.activateWindow()
    window.go("connections", "", "new")
    page = page_of(window, ConnectionsPage)
    qtbot.waitUntil(page.kinds.isVisible, timeout=PATIENCE)
    click(qtbot, next(card for card in page.kinds.cards if card.accessibleName().startswith("SQL Server")))
    editor = page.editor
    assert editor is not None
    qtbot.keyClicks(editor.name.input.focus, "Shop")
    fill(editor, server, qtbot)
    qtbot.waitUntil(lambda: editor.means.said.text().startswith("Driver: "), timeout=PATIENCE)

    qtbot.keyClick(editor, Qt.Key.Key_T, Qt.KeyboardModifier.ControlModifier)
    assert not ended(editor, qtbot)
    assert editor.steps.steps[-1].fields == ("user", "password", "database")
    replace = editor.form.field("password").input
    assert isinstance(replace, SecretInput)
    click(qtbot, leading(editor)["Go to “Password”"])
    qtbot.waitUntil(replace.focus.hasFocus, timeout=PATIENCE)
    qtbot.keyClick(replace.focus, Qt.Key.Key_Space)  # “Replace”
    qtbot.waitUntil(replace.line.hasFocus, timeout=PATIENCE)
    keep_in_workspace(replace)
    qtbot.keyClicks(replace.line, server.password)
    qtbot.keyClick(editor, Qt.Key.Key_T, Qt.KeyboardModifier.ControlModifier)
    assert ended(editor, qtbot), editor.steps.steps[-1]
    browse(editor, server, qtbot)
    qtbot.keyClick(editor, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: bool(editor.saved_as) and not editor.is_dirty, timeout=PATIENCE)
    assert server.password not in str(workspace.connections.all()["Shop"])

    go_on_with_a_task(window, workspace, server, qtbot)


def go_on_with_a_task(window: MainWindow, workspace: Workspace, server: World, qtbot: QtBot) -> None:
    """Made, run, verified, and shown again as it was saved."""
    duck = workspace.folder / "shop.duckdb"
    workspace.connections.save(Connection("Duck", "duckdb", {"path": str(duck)}))
    window.go("tasks", "", "new")
    tasks = page_of(window, TasksPage)
    make_task(tasks.form, server, qtbot)
    click(qtbot, tasks.save)
    qtbot.waitUntil(lambda: not tasks.form.is_shown, timeout=PATIENCE)
    (task,) = workspace.tasks.all()
    (source,) = (node for node in task.design.nodes if node.kind == "source")
    assert (source.settings["follow_column"], source.settings["look_back"]) == ("modified_at", 3.0)

    record = run_now(workspace, task)
    assert record.state == "done"
    with duckdb.connect(str(duck), read_only=True) as database:
        rows = database.execute("SELECT id, customer, placed__offset FROM Orders ORDER BY id").fetchall()
    assert rows == [(1, "Åsa", 120), (2, "東京", 540)]
    window.go("runs", record.id)
    detail = page_of(window, RunsPage).view.detail
    qtbot.waitUntil(lambda: detail.cost.text().startswith("Cost at “Shop”: Read 2 rows"), timeout=PATIENCE)
    qtbot.waitUntil(lambda: "the seventh digit after the second is cut off" in detail.arrives.text(), timeout=PATIENCE)

    window.go("tasks", task.uuid, "edit")
    qtbot.waitUntil(lambda: tasks.form.is_shown and tasks.form.source.found is not None, timeout=PATIENCE)
    follow = tasks.form.transfer.follow
    assert (follow.column.currentText(), follow.look_back.text()) == ("modified_at", "3")
    assert not tasks.form.is_dirty


def fill(editor: ConnectionEditor, server: World, qtbot: QtBot) -> None:
    """All fields, with a password that is wrong."""
    form, settings = editor.form, server.settings
    typed(form, "server", settings.server, qtbot)
    if settings.port is not None:
        typed(form, "port", str(settings.port), qtbot)
    typed(form, "database", settings.database, qtbot)
    typed(form, "instance", settings.instance, qtbot)
    typed(form, "user", settings.user, qtbot)
    chosen(form, "encrypt", settings.encrypt)
    chosen(form, "trust_certificate", settings.trust_certificate)
    password = form.field("password").input
    assert isinstance(password, SecretInput)
    keep_in_workspace(password)
    qtbot.keyClicks(password.line, "not the password")


def keep_in_workspace(password: SecretInput) -> None:
    password.place.show_value("local")
    password.place.changed.emit()


def browse(editor: ConnectionEditor, server: World, qtbot: QtBot) -> None:
    """The table is listed, and what is lost of its columns is said."""
    tables = editor.tables
    assert tables is not None
    name = f"{server.schema}.Orders"
    qtbot.waitUntil(lambda: name in [str(ref) for ref in tables.shown], timeout=PATIENCE)
    tables.list.choose([str(ref) for ref in tables.shown].index(name))
    details = tables.details
    said = "2 of 4 columns arrive exactly, 1 with a companion, 1 loses something."
    qtbot.waitUntil(lambda: details.arrives.text() == said, timeout=PATIENCE)
    assert details.about.text() == (
        "“modified_at”: datetime2(7), never NULL. Loses something: the seventh digit after the second is cut off."
    )
    assert not details.notes.isVisible()
    arrives = [details.columns.index(row, 2).data() for row in range(details.columns.rowCount())]
    assert arrives == ["Exact", "Exact", "Exact, in two", "Companion", "Lossy"]


def make_task(form: TaskForm, server: World, qtbot: QtBot) -> None:
    """An incremental task of one table, with the column chosen from those that are offered."""
    qtbot.waitUntil(lambda: form.isVisible() and form.is_shown, timeout=PATIENCE)
    qtbot.keyClicks(form.name, "Orders by column")
    choose(form.source.connection, "Shop")
    qtbot.waitUntil(lambda: form.source.found is not None, timeout=PATIENCE)
    qtbot.keyClicks(form.source.tables.search, f"{server.schema}.Orders")
    tick = next(one for one in form.source.findChildren(QPushButton) if one.text() == "Tick those shown")
    click(qtbot, tick)
    radios = form.transfer.transfer.radios
    assert not radios["changes"].isEnabled()
    radios["incremental"].setFocus()
    qtbot.keyClick(radios["incremental"], Qt.Key.Key_Space)
    follow = form.transfer.follow
    qtbot.waitUntil(lambda: follow.column.count() == 3, timeout=PATIENCE)
    assert [follow.column.itemText(at) for at in range(3)] == ["modified_at", "placed", "id"]
    choose(form.destination.connection, "Duck")
    assert form.find_problems()
    assert follow.problems == ["Choose the column that says what is new."]
    follow.column.setFocus()
    qtbot.keyClick(follow.column, Qt.Key.Key_Down)
    assert follow.column.currentText() == "modified_at"
    follow.look_back.selectAll()
    qtbot.keyClicks(follow.look_back, "3")


def choose(box: QComboBox, name: str) -> None:
    box.setCurrentIndex(box.findData(name))


def test_another_database_is_looked_into_from_the_list_of_tables(context: Context, server: World, qtbot: QtBot) -> None:
    if server.stand_in is None:
        pytest.skip("it makes a database, which a real server need not allow")
    server.run("CREATE DATABASE [second]")
    kept = context.workspace.secrets.keep(server.password, name="sql", where="local")
    settings = server.settings.model_dump(mode="json", exclude_defaults=True) | {"password": kept}
    editor = ConnectionEditor(context, Connection("Shop", "sqlserver", settings), new=False, others=())
    qtbot.addWidget(editor)
    editor.show()
    editor.test()
    assert ended(editor, qtbot)
    tables = editor.tables
    assert tables is not None
    qtbot.waitUntil(tables.database.isVisible, timeout=PATIENCE)
    assert tables.database.currentText() == server.settings.database
    tables.database.setFocus()
    qtbot.keyClicks(tables.database, "second")
    tables.database.textActivated.emit("second")
    assert editor.form.values()["database"] == "second"
    assert not ended(editor, qtbot)
    assert editor.steps.steps[-1].detail == "This login sees no table in the database."
    editor.stop()


def test_only_fields_that_go_with_the_login_are_asked(context: Context, qtbot: QtBot) -> None:
    form = Form(CONNECTION_KINDS["sqlserver"].settings, context)
    qtbot.addWidget(form)
    form.show()
    wanted = {
        "sql": ("User", "Password"),
        "windows": (),
        "entra service principal": ("Client id", "Client secret"),
        "entra managed identity": ("Client id (empty: the machine's own)",),
        "entra interactive": ("User",),
    }
    for login, titles in wanted.items():
        chosen(form, "login", login)
        asked = [form.field(name) for name in ("user", "password") if form.field(name).asked]
        assert tuple(row.title for row in asked) == titles
    words = [form.field("login").input.focus.itemText(at) for at in range(5)]  # type: ignore[attr-defined]
    assert ["untested" in one for one in words] == [False, False, False, True, True]
    heading = next(one for one in form.findChildren(QLabel) if one.text() == "Certificate")
    assert not heading.isHidden()
    chosen(form, "encrypt", "no")
    assert heading.isHidden()
    assert not form.field("trust_certificate").asked
    assert not form.field("server_certificate").asked


def test_the_help_of_the_form_is_that_of_sql_server(window: MainWindow, workspace: Workspace, qtbot: QtBot) -> None:
    workspace.connections.save(Connection("Shop", "sqlserver", {"server": "sql", "user": "me", "password": "env:X"}))
    window.go("connections", "Shop")
    page = page_of(window, ConnectionsPage)
    qtbot.waitUntil(lambda: page.editor is not None, timeout=PATIENCE)
    assert page.editor is not None
    asked = next(one for one in page.editor.findChildren(QPushButton) if one.accessibleName() == "Help on SQL Server")
    click(qtbot, asked)
    (view,) = window.findChildren(HelpView)
    assert view.topic == "sql-server"
    view.close()
    QApplication.processEvents()
