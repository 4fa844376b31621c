"""The window itself: pages, sidebar, theme, closing, unexpected errors."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil
import pytest
from PySide6.QtCore import QObject, QSize, Qt
from PySide6.QtWidgets import QApplication, QLabel, QPushButton
from pytestqt.qtbot import QtBot

from dtaas_desktop.domain.errors import TransientError
from dtaas_desktop.domain.schedule import Schedule
from dtaas_desktop.services.run_request import RunRequest
from dtaas_desktop.services.workspace import Workspace
from dtaas_desktop.ui.context import Context
from dtaas_desktop.ui.main_window import MainWindow
from dtaas_desktop.ui.page import Page
from dtaas_desktop.ui.places import ENTRIES, PageFactory
from dtaas_desktop.ui.refused_workspace import RefusedWorkspace
from dtaas_desktop.ui.tokens import DARK, LIGHT
from dtaas_desktop.ui.window_memory import WindowMemory
from tests.ui.held import Gate, hold
from tests.ui.small_task import small_task

PATIENCE = 60_000


class PlainPage(Page):
    """Remembers what it was asked."""

    def __init__(self, context: Context, name: str) -> None:
        super().__init__(context, name.capitalize(), QLabel(name))
        self.opened: list[tuple[str, str]] = []
        self.was_left = 0
        self.refreshed = 0
        self.holds = False

    def open(self, item: str = "", act: str = "") -> None:
        self.opened.append((item, act))

    def left(self) -> None:
        self.was_left += 1

    def refresh(self) -> None:
        self.refreshed += 1

    def may_leave(self) -> bool:
        return not self.holds


def plain_pages() -> Mapping[str, PageFactory]:
    def factory(name: str) -> PageFactory:
        return lambda context: PlainPage(context, name)

    return {entry.name: factory(entry.name) for entry in ENTRIES}


@pytest.fixture
def shell(context: Context, qtbot: QtBot) -> MainWindow:
    """The window with plain pages."""
    shown = MainWindow(context, plain_pages())
    qtbot.addWidget(shown, before_close_func=lambda one: one.close_without_asking())
    shown.resize(1440, 900)
    with qtbot.waitExposed(shown):
        shown.show()
    return shown


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Gate]:
    before = set(psutil.Process().children())  # multiprocessing's tracker, a server of another test
    held = hold(monkeypatch, tmp_path)
    yield held
    held.open()
    for child in set(psutil.Process().children()) - before:
        child.wait(60)


def page(shell: MainWindow) -> PlainPage:
    assert isinstance(shell.page, PlainPage)
    return shell.page


def press(
    qtbot: QtBot, shell: MainWindow, key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.ControlModifier
) -> None:
    qtbot.keyClick(shell, key, modifier)


def dialog(shell: MainWindow, name: str) -> QObject:
    return next(one for one in shell.findChildren(QObject) if type(one).__name__ == name)


def test_the_number_keys_go_to_the_pages_in_the_order_of_the_sidebar(shell: MainWindow, qtbot: QtBot) -> None:
    for key, entry in zip((Qt.Key.Key_1, Qt.Key.Key_2, Qt.Key.Key_3, Qt.Key.Key_4, Qt.Key.Key_5), ENTRIES, strict=True):
        press(qtbot, shell, key)
        assert shell.page_name == entry.name
        assert entry.title in shell.windowTitle()


def test_a_window_that_has_just_opened_has_its_focus_nowhere_and_tab_goes_to_the_first_page(
    shell: MainWindow, qtbot: QtBot
) -> None:
    assert not isinstance(QApplication.focusWidget(), QPushButton)
    qtbot.keyClick(shell.centralWidget(), Qt.Key.Key_Tab)
    first = QApplication.focusWidget()
    assert isinstance(first, QPushButton)
    assert first.accessibleName() == "Dashboard"


def test_a_click_in_the_sidebar_opens_the_page_and_marks_it(shell: MainWindow, qtbot: QtBot) -> None:
    runs = next(one for one in shell.sidebar.findChildren(QPushButton) if one.accessibleName() == "Runs")
    qtbot.mouseClick(runs, Qt.MouseButton.LeftButton)
    assert shell.page_name == "runs"
    assert runs.isChecked()


def test_pages_are_made_when_they_are_first_shown_and_kept(shell: MainWindow, qtbot: QtBot) -> None:
    assert len(shell.findChildren(PlainPage)) == 1
    first = page(shell)
    press(qtbot, shell, Qt.Key.Key_2)
    press(qtbot, shell, Qt.Key.Key_1)
    assert page(shell) is first
    assert first.was_left == 1
    assert len(shell.findChildren(PlainPage)) == 2


def test_a_page_with_unsaved_changes_is_not_left_behind(shell: MainWindow, qtbot: QtBot) -> None:
    page(shell).holds = True
    press(qtbot, shell, Qt.Key.Key_3)
    assert shell.page_name == "dashboard"
    assert not shell.close()
    page(shell).holds = False
    press(qtbot, shell, Qt.Key.Key_3)
    assert shell.page_name == "connections"


def test_pages_ask_for_other_places_with_an_item(shell: MainWindow, context: Context) -> None:
    context.navigator.go("runs", "the run", "log")
    assert shell.page_name == "runs"
    assert page(shell).opened == [("the run", "log")]


def test_new_task_settings_and_refresh_have_keys(shell: MainWindow, qtbot: QtBot) -> None:
    press(qtbot, shell, Qt.Key.Key_N)
    assert (shell.page_name, page(shell).opened[-1]) == ("tasks", ("", "new"))
    press(qtbot, shell, Qt.Key.Key_Comma)
    assert shell.page_name == "settings"
    press(qtbot, shell, Qt.Key.Key_F5, Qt.KeyboardModifier.NoModifier)
    assert page(shell).refreshed == 1


def test_every_action_has_a_name_and_no_key_is_given_twice(shell: MainWindow) -> None:
    keys = [key.toString() for action in shell.actions() for key in action.shortcuts()]
    assert len(keys) == len(set(keys))
    assert all(action.text() for action in shell.actions())


def test_the_sidebar_folds_where_room_is_scarce_and_by_its_key(shell: MainWindow, qtbot: QtBot) -> None:
    assert shell.sidebar.width() == 200
    shell.resize(1024, 700)
    qtbot.waitUntil(lambda: shell.sidebar.width() == 56)
    press(qtbot, shell, Qt.Key.Key_B)
    assert shell.sidebar.width() == 200
    shell.resize(1440, 900)
    press(qtbot, shell, Qt.Key.Key_B)
    assert shell.sidebar.width() == 56
    press(qtbot, shell, Qt.Key.Key_B)
    assert shell.sidebar.width() == 200


@pytest.mark.parametrize("size", [QSize(1440, 900), QSize(1024, 700), QSize(800, 560)])
def test_nothing_of_the_sidebar_is_cut_off(size: QSize, shell: MainWindow, qtbot: QtBot) -> None:
    shell.resize(size)
    qtbot.waitUntil(lambda: shell.size() == size)
    buttons = shell.sidebar.findChildren(QPushButton)
    qtbot.waitUntil(lambda: all(shell.sidebar.rect().contains(one.geometry()) for one in buttons))
    for one in buttons:
        assert one.accessibleName()
        assert one.width() >= one.fontMetrics().horizontalAdvance(one.text())


def test_the_sidebar_says_what_runs_and_what_is_next(
    shell: MainWindow, workspace: Workspace, tmp_path: Path, context: Context, gate: Gate, qtbot: QtBot
) -> None:
    task = small_task(workspace, tmp_path, "Nightly sales", schedule=Schedule("daily", at="02:00"))
    context.runs.start(RunRequest(task.name))

    def texts() -> list[str]:
        return [one.text() for one in shell.sidebar.findChildren(QLabel)]

    qtbot.waitUntil(lambda: "1 task running" in texts(), timeout=PATIENCE)
    qtbot.waitUntil(lambda: any(text.startswith("Next: Nightly sales, ") for text in texts()), timeout=PATIENCE)


def test_a_sentence_appears_and_goes(shell: MainWindow, context: Context, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dtaas_desktop.ui.toast.SHOWN_MILLISECONDS", 10)
    monkeypatch.setattr("dtaas_desktop.ui.toast.PER_LETTER_MILLISECONDS", 1)
    context.navigator.say("Copied.")
    assert shell.toast.isVisible()
    assert shell.toast.text.text() == "Copied."
    qtbot.waitUntil(lambda: not shell.toast.isVisible())


def test_a_long_sentence_fits_into_the_window(shell: MainWindow, context: Context) -> None:
    context.navigator.say("“Nightly sales”: failed. " + "The login of the source lost its right to read the table. " * 4)
    text = shell.toast.text
    assert shell.rect().contains(shell.toast.geometry())
    assert text.height() >= text.heightForWidth(text.width())


def test_a_run_that_could_not_start_is_told(shell: MainWindow, context: Context) -> None:
    context.runs.failed.emit("Small", TransientError("Task “Small” is already running.", remedy="Wait for it."))
    assert shell.toast.text.text() == "Task “Small” is already running. Wait for it."


def test_the_theme_that_was_chosen_is_used_at_once_and_saved(shell: MainWindow, context: Context, qtbot: QtBot) -> None:
    next(action for action in shell.actions() if action.text() == "Use the light theme").trigger()
    assert context.theme.tokens is LIGHT
    qtbot.waitUntil(lambda: context.workspace.settings.load().theme == "light")
    context.theme.choose("dark")
    assert context.theme.tokens is DARK


def test_size_page_and_sidebar_are_remembered(context: Context, qtbot: QtBot) -> None:
    first = MainWindow(context, plain_pages())
    first.resize(800, 612)  # the screen without a screen is 800 wide
    with qtbot.waitActive(first):
        first.show()
    first.go("connections")
    qtbot.keyClick(first, Qt.Key.Key_B, Qt.KeyboardModifier.ControlModifier)
    assert first.close()
    second = MainWindow(context, plain_pages())
    qtbot.addWidget(second)
    assert (second.width(), second.height(), second.page_name, second.sidebar.is_narrow) == (800, 612, "connections", False)
    first.deleteLater()


def test_a_damaged_memory_is_an_empty_one(workspace: Workspace) -> None:
    (workspace.folder / "window.ini").write_bytes(b"\x00\xff[window\ngeometry=@ByteArray(nonsense\npage=[\n")
    memory = WindowMemory(workspace.folder)
    assert (memory.narrow, memory.recent) == (None, [])


def test_the_window_closes_at_once_when_nothing_runs(shell: MainWindow) -> None:
    assert shell.close()


@pytest.mark.parametrize(("verb", "request_left"), [("Keep running", None), ("Pause", "pause"), ("Cancel the run", "cancel")])
def test_closing_asks_what_becomes_of_runs(
    verb: str,
    request_left: str | None,
    shell: MainWindow,
    workspace: Workspace,
    context: Context,
    tmp_path: Path,
    gate: Gate,
    qtbot: QtBot,
) -> None:
    task = small_task(workspace, tmp_path)
    context.runs.start(RunRequest(task.name))
    qtbot.waitUntil(lambda: bool(context.runs.running) and gate.is_held(), timeout=PATIENCE)
    assert not shell.close()
    assert shell.isVisible()
    question = shell.question
    assert question is not None
    chosen = next(one for one in question.buttons if one.text() == verb)
    with qtbot.waitSignal(shell.left, timeout=PATIENCE):
        qtbot.mouseClick(chosen, Qt.MouseButton.LeftButton)
    assert not shell.isVisible()
    assert workspace.history.running()[0].request == request_left


def test_esc_leaves_the_window_open_and_the_runs_alone(
    shell: MainWindow, workspace: Workspace, context: Context, tmp_path: Path, gate: Gate, qtbot: QtBot
) -> None:
    task = small_task(workspace, tmp_path)
    context.runs.start(RunRequest(task.name))
    qtbot.waitUntil(lambda: bool(context.runs.running) and gate.is_held(), timeout=PATIENCE)
    shell.close()
    assert shell.question is not None
    qtbot.keyClick(shell.question, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: shell.question is None)
    assert shell.isVisible()
    assert workspace.history.running()[0].request is None


def test_a_workspace_that_is_refused_can_be_tried_again_or_left(qtbot: QtBot, theme: object, tmp_path: Path) -> None:
    refusal = TransientError("The workspace folder cannot be used: it is on a drive that is gone.", remedy="Plug it in.")
    first = RefusedWorkspace(tmp_path, refusal)
    qtbot.addWidget(first)
    first.show()
    with qtbot.waitSignal(first.chosen) as told:
        qtbot.mouseClick(first.again, Qt.MouseButton.LeftButton)
    assert told.args == [tmp_path]
    second = RefusedWorkspace(tmp_path, refusal)
    qtbot.addWidget(second)
    second.show()
    with qtbot.waitSignal(second.quit):
        qtbot.keyClick(second, Qt.Key.Key_Escape)


def test_calls_into_qt_leave_the_count_of_none_alone(qapp: QApplication) -> None:
    """A bad build of Qt for Python takes one reference to None with every call that returns nothing, and aborts in the end."""
    thing = QObject()
    before = sys.getrefcount(None)
    for _ in range(20_000):
        thing.setObjectName("x")
    assert abs(sys.getrefcount(None) - before) < 1000
