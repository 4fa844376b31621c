"""Ctrl+K, by the keyboard alone."""

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from pytestqt.qtbot import QtBot

from dtaas_desktop.services.workspace import Workspace
from dtaas_desktop.ui.command_palette import CommandPalette
from dtaas_desktop.ui.context import Context
from dtaas_desktop.ui.fuzzy import score
from dtaas_desktop.ui.help_view import HelpView
from dtaas_desktop.ui.main_window import MainWindow
from tests.ui.small_task import small_task
from tests.ui.test_shell import PlainPage, plain_pages

PATIENCE = 60_000


@pytest.fixture
def shell(context: Context, qtbot: QtBot) -> MainWindow:
    shown = MainWindow(context, plain_pages())
    qtbot.addWidget(shown, before_close_func=lambda one: one.close_without_asking())
    with qtbot.waitActive(shown):
        shown.show()
    return shown


def opened(shell: MainWindow, qtbot: QtBot, *, waits_for: str = "") -> CommandPalette:
    """Press Ctrl+K; the palette, with the names of tasks and connections in it."""
    qtbot.waitUntil(shell.isActiveWindow)
    qtbot.keyClick(shell, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: bool([one for one in shell.findChildren(CommandPalette) if one.isVisible()]))
    palette = next(one for one in shell.findChildren(CommandPalette) if one.isVisible())
    qtbot.waitUntil(lambda: any(waits_for in command.text for command in palette.model.commands), timeout=PATIENCE)
    return palette


def texts(palette: CommandPalette) -> list[str]:
    return [command.text for command in palette.model.commands]


def chosen(palette: CommandPalette) -> str:
    return str(palette.list.currentIndex().data())


def test_every_action_of_the_window_and_of_the_page_is_there(shell: MainWindow, qtbot: QtBot) -> None:
    shell.page.addAction(QAction("Do the page's thing", shell.page))
    shut = QAction("Not now", shell.page)
    shut.setEnabled(False)
    shell.page.addAction(shut)
    found = texts(opened(shell, qtbot))
    wanted = {action.text() for action in shell.actions()} - {"Search everything"}
    assert wanted | {"Do the page's thing"} <= set(found)
    assert "Not now" not in found


def test_a_few_letters_and_enter_run_a_task(
    shell: MainWindow, workspace: Workspace, context: Context, tmp_path: Path, qtbot: QtBot
) -> None:
    small_task(workspace, tmp_path, "Nightly sales")
    palette = opened(shell, qtbot, waits_for="Run Nightly sales")
    qtbot.keyClicks(palette.search, "rns")
    assert chosen(palette) == "Run Nightly sales"
    ended: list[object] = []
    context.runs.ended.connect(ended.append)
    qtbot.keyClick(palette.search, Qt.Key.Key_Return)
    assert context.runs.starting == {"Nightly sales"}
    qtbot.waitUntil(lambda: bool(ended) and not context.runs.starting, timeout=PATIENCE)


def test_tasks_connections_and_help_are_opened(shell: MainWindow, workspace: Workspace, tmp_path: Path, qtbot: QtBot) -> None:
    task = small_task(workspace, tmp_path, "Nightly sales")
    for letters, page, item in (
        ("open nightly sales", "tasks", task.uuid),
        ("nightly sales to", "connections", "Nightly sales to"),
    ):
        palette = opened(shell, qtbot, waits_for="Run Nightly sales")
        qtbot.keyClicks(palette.search, letters)
        qtbot.keyClick(palette.search, Qt.Key.Key_Return)
        assert shell.page_name == page
        assert isinstance(shell.page, PlainPage)
        assert shell.page.opened[-1] == (item, "")
    palette = opened(shell, qtbot)
    qtbot.keyClicks(palette.search, "help troubl")
    qtbot.keyClick(palette.search, Qt.Key.Key_Return)
    assert shell.findChildren(HelpView)[0].topic == "troubleshooting"


def test_the_arrows_choose_and_go_round(shell: MainWindow, qtbot: QtBot) -> None:
    palette = opened(shell, qtbot)
    first = chosen(palette)
    qtbot.keyClick(palette.search, Qt.Key.Key_Down)
    assert chosen(palette) != first
    qtbot.keyClick(palette.search, Qt.Key.Key_Up)
    qtbot.keyClick(palette.search, Qt.Key.Key_Up)
    assert chosen(palette) == texts(palette)[-1]
    qtbot.keyClick(palette.search, Qt.Key.Key_PageUp)
    assert chosen(palette) == texts(palette)[-9]


def test_what_was_chosen_before_comes_first_next_time(shell: MainWindow, qtbot: QtBot) -> None:
    palette = opened(shell, qtbot)
    assert texts(palette)[0] != "Runs"
    qtbot.keyClicks(palette.search, "runs")
    assert chosen(palette) == "Runs"
    qtbot.keyClick(palette.search, Qt.Key.Key_Return)
    assert texts(opened(shell, qtbot))[0] == "Runs"


def test_esc_leaves_everything_as_it_was(shell: MainWindow, qtbot: QtBot) -> None:
    palette = opened(shell, qtbot)
    qtbot.keyClicks(palette.search, "settings")
    qtbot.keyClick(palette.search, Qt.Key.Key_Escape)
    assert shell.page_name == "dashboard"
    qtbot.waitUntil(lambda: not shell.findChildren(CommandPalette))


def test_letters_that_nothing_has_are_answered_with_a_sentence(shell: MainWindow, qtbot: QtBot) -> None:
    palette = opened(shell, qtbot)
    qtbot.keyClicks(palette.search, "qqqq")
    assert texts(palette) == []
    qtbot.keyClick(palette.search, Qt.Key.Key_Return)
    assert palette.isVisible()


def test_a_better_answer_has_a_higher_score() -> None:
    def ranked(letters: str, *candidates: str) -> list[str]:
        found = [(points, text) for text in candidates if (points := score(letters, text)) is not None]
        return [text for _, text in sorted(found, reverse=True)]

    assert ranked("rns", "Run Nightly sales", "Open settings", "Runs") == ["Run Nightly sales", "Runs"]
    assert ranked("runs", "Return unsorted rows", "Runs")[0] == "Runs"
    assert ranked("sett", "Open settings", "Show every test task")[0] == "Open settings"
    assert ranked("ÄRGER", "Run ärger", "Run anger") == ["Run ärger"]
    assert score("", "anything") == 0
    assert score("zz", "puzzle") is not None
    assert score("zzz", "puzzle") is None
