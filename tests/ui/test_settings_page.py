"""Settings are saved as soon as they fit, and the metadata move to another place only when asked."""

import time
from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QApplication, QComboBox, QLabel, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from dtaas_desktop.domain.connection import Connection
from dtaas_desktop.services.keyring_store import KeyringState
from dtaas_desktop.services.metadata_place import load_place
from dtaas_desktop.services.secrets import Secrets
from dtaas_desktop.services.settings import AppSettings
from dtaas_desktop.services.workspace import open_workspace
from dtaas_desktop.ui.context import Context
from dtaas_desktop.ui.pages.settings import SettingsPage
from dtaas_desktop.ui.widgets import Pill
from tests.servers.postgresql.server import NoServer, PostgreSQL, running

PASSWORD = "DTAAS_TEST_METADATA_PASSWORD"


@pytest.fixture(autouse=True)
def keyring(monkeypatch: pytest.MonkeyPatch) -> KeyringState:
    """No keyring of the machine is asked."""
    state = KeyringState(False, "", "The keyring is locked.")
    monkeypatch.setattr(Secrets, "keyring_state", lambda self, timeout_seconds=3: state)
    return state


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQL]:
    try:
        with running() as started:
            yield started
    except NoServer as missing:
        pytest.skip(str(missing))


@pytest.fixture
def page(context: Context, qtbot: QtBot) -> SettingsPage:
    made = SettingsPage(context)
    qtbot.addWidget(made)
    made.resize(1000, 700)
    with qtbot.waitExposed(made):
        made.show()
    made.activateWindow()
    made.open()
    qtbot.waitUntil(lambda: made.body.is_full and made.metadata.test_button.isEnabled())
    return made


def stored(context: Context) -> AppSettings:
    return context.workspace.settings.load()


def field(page: SettingsPage, group: str, name: str) -> QWidget:
    return page.forms[group].field(name).input.focus


def retyped(line: QWidget, text: str, qtbot: QtBot) -> None:
    assert isinstance(line, QLineEdit)
    line.setFocus()
    line.selectAll()
    qtbot.keyClicks(line, text)


def texts(within: QWidget) -> list[str]:
    return [one.text() for one in within.findChildren(QLabel) if one.isVisible()]


def test_every_setting_of_the_application_has_its_place_on_the_page(page: SettingsPage) -> None:
    shown = [name for form in page.forms.values() for name in form.field_names()]
    assert sorted(shown) == sorted(AppSettings.model_fields)


def test_the_theme_applies_at_once_and_is_kept(page: SettingsPage, context: Context, qtbot: QtBot) -> None:
    choice = field(page, "Appearance", "theme")
    assert isinstance(choice, QComboBox)
    assert QApplication.focusWidget() is choice
    qtbot.keyClick(choice, Qt.Key.Key_End)
    assert context.theme.choice == "light"
    qtbot.waitUntil(lambda: stored(context).theme == "light")


def test_a_theme_chosen_elsewhere_is_shown_here(page: SettingsPage, context: Context) -> None:
    context.theme.choose("light")
    assert page.forms["Appearance"].values() == {"theme": "light"}


def test_what_fits_is_saved_and_what_does_not_is_said(page: SettingsPage, context: Context, qtbot: QtBot) -> None:
    retyped(field(page, "Runs", "parallel_runs"), "5", qtbot)
    qtbot.waitUntil(lambda: stored(context).parallel_runs == 5)
    qtbot.keyClicks(field(page, "Runs", "parallel_runs"), "5")
    assert page.forms["Runs"].field("parallel_runs").problem == "Enter a whole number from 1 to 16."
    pill = page.header.findChild(Pill)
    assert isinstance(pill, Pill)
    assert pill.text == "Not saved"
    qtbot.waitUntil(lambda: not context.background.is_busy)
    assert stored(context).parallel_runs == 5


def test_quick_typing_ends_with_the_last_value(page: SettingsPage, context: Context, qtbot: QtBot) -> None:
    retyped(field(page, "Runs", "memory_mb"), "51200", qtbot)
    qtbot.waitUntil(lambda: stored(context).memory_mb == 51200)
    qtbot.keyClick(field(page, "Runs", "scheduler"), Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: not stored(context).scheduler)
    assert stored(context).memory_mb == 51200


def test_a_setting_saved_elsewhere_is_not_overwritten(page: SettingsPage, context: Context, qtbot: QtBot) -> None:
    context.workspace.settings.save(stored(context).model_copy(update={"history_days": 7}))
    retyped(field(page, "Runs", "parallel_parts"), "3", qtbot)
    qtbot.waitUntil(lambda: stored(context).parallel_parts == 3)
    assert stored(context).history_days == 7


def test_a_keyring_that_cannot_be_used_is_said_with_an_alternative(page: SettingsPage, context: Context, qtbot: QtBot) -> None:
    sentence = "The keyring is locked. Keep secrets in this workspace or in private files instead."
    qtbot.waitUntil(lambda: sentence in texts(page))
    store = field(page, "Secrets", "secret_store")
    qtbot.keyClick(store, Qt.Key.Key_Down)
    qtbot.waitUntil(lambda: stored(context).secret_store == "local")
    assert sentence not in texts(page)


def test_old_runs_are_forgotten_on_demand_and_counted(page: SettingsPage, context: Context, qtbot: QtBot) -> None:
    history = context.workspace.history
    history.begin("old", task="t", name="Nightly", process=1)
    history.end("old", "done")
    backdate(context, "old", time.time() - 100 * 86_400)
    history.begin("new", task="t", name="Nightly", process=1)
    history.end("new", "done")
    said: list[str] = []
    context.navigator.said.connect(said.append)
    qtbot.mouseClick(page.prune_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: said == ["One run was forgotten."])
    assert [run.id for run in history.runs()] == ["new"]


def backdate(context: Context, run: str, at: float) -> None:
    from sqlalchemy import update

    from dtaas_desktop.services import records

    table = records.runs
    with context.workspace.database.writing() as connection:
        connection.execute(update(table).where(table.c.id == run).values(started_at=at, seen_at=at, finished_at=at))


def test_the_folder_of_the_workspace_is_shown_and_opened(
    page: SettingsPage, context: Context, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    went: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: went.append(url.toLocalFile()))
    assert str(context.workspace.folder) in texts(page)
    qtbot.mouseClick(page.folder_button, Qt.MouseButton.LeftButton)
    assert went == [str(context.workspace.folder)]


# Where the metadata are


def chosen_postgresql(page: SettingsPage, qtbot: QtBot, url: str) -> None:
    kind = page.metadata.form.field("kind").input.focus
    kind.setFocus()
    qtbot.keyClick(kind, Qt.Key.Key_Down)
    retyped(page.metadata.form.field("url").input.focus, url, qtbot)


def test_the_place_in_use_is_shown_and_cannot_be_used_again(page: SettingsPage) -> None:
    assert page.metadata.form.values() == {"kind": "sqlite"}
    assert not page.metadata.form.field("url").isVisible()
    assert not page.metadata.use_button.isEnabled()


def test_an_address_with_a_password_is_refused_without_repeating_it(page: SettingsPage, qtbot: QtBot) -> None:
    chosen_postgresql(page, qtbot, "postgresql://me:hush@localhost/db")
    assert not any("hush" in text for text in texts(page.metadata))
    assert page.metadata.form.problems()
    qtbot.mouseClick(page.metadata.use_button, Qt.MouseButton.LeftButton)
    assert page.metadata.question is None


def test_a_server_that_does_not_answer_is_a_failing_step(page: SettingsPage, context: Context, qtbot: QtBot) -> None:
    chosen_postgresql(page, qtbot, "postgresql://me@127.0.0.1:1/db")
    qtbot.mouseClick(page.metadata.test_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: bool(page.metadata.steps.steps) and not page.metadata.steps.is_running, timeout=30_000)
    assert not page.metadata.steps.steps[-1].ok
    remedy = page.metadata.steps.steps[-1].remedy
    qtbot.waitUntil(lambda: remedy in " ".join(texts(page.metadata)), timeout=30_000)
    assert load_place(context.workspace.folder).kind == "sqlite"


def test_the_metadata_are_tested_and_copied_to_postgresql(
    page: SettingsPage, context: Context, qtbot: QtBot, server: PostgreSQL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PASSWORD, server.password)
    context.workspace.connections.save(Connection("Out", "folder", {"path": "/out"}))
    with server.database() as name:
        chosen_postgresql(page, qtbot, server.url(name))
        place = page.metadata.form.field("password").input.widget.findChild(QComboBox)
        assert isinstance(place, QComboBox)
        place.setCurrentText("Take from a variable")
        qtbot.keyClicks(page.metadata.form.field("password").input.focus, PASSWORD)
        qtbot.mouseClick(page.metadata.test_button, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda: bool(page.metadata.steps.steps) and not page.metadata.steps.is_running, timeout=30_000)
        assert [step for step in page.metadata.steps.steps if not step.ok] == []
        assert "It can be used." in texts(page.metadata)
        qtbot.mouseClick(page.metadata.use_button, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda: page.metadata.question is not None, timeout=30_000)
        asked = page.metadata.question
        assert asked is not None
        assert any("rows were copied" in text for text in texts(asked))
        qtbot.mouseClick(asked.buttons[-1], Qt.MouseButton.LeftButton)
        assert not page.metadata.use_button.isEnabled()
        moved = load_place(context.workspace.folder)
        assert (moved.kind, moved.password) == ("postgresql", f"env:{PASSWORD}")
        reopened = open_workspace(context.workspace.folder)
        try:
            assert list(reopened.connections.all()) == ["Out"]
        finally:
            reopened.close()
