"""The help, and what the application says about itself."""

import ast
import re
from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QAction, QGuiApplication, QTextBlock, QTextCharFormat
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

import dtaas_desktop
from dtaas_desktop import __version__
from dtaas_desktop.cli import exit_codes
from dtaas_desktop.services.resources import resources_folder
from dtaas_desktop.ui.about import About, parts
from dtaas_desktop.ui.context import Context
from dtaas_desktop.ui.help_topics import topics
from dtaas_desktop.ui.help_view import HelpView
from dtaas_desktop.ui.main_window import MainWindow
from dtaas_desktop.ui.places import ENTRIES
from dtaas_desktop.ui.theme import Theme
from dtaas_desktop.ui.words import state_words
from tests.ui.test_shell import plain_pages

_PROGRAM = Path(dtaas_desktop.__file__).parent


@pytest.fixture
def shell(context: Context, qtbot: QtBot) -> MainWindow:
    shown = MainWindow(context, plain_pages())
    qtbot.addWidget(shown, before_close_func=lambda one: one.close_without_asking())
    with qtbot.waitActive(shown):
        shown.show()
    return shown


def view_of(shell: MainWindow) -> HelpView:
    return shell.findChildren(HelpView)[0]


def test_every_link_leads_to_a_topic_that_exists() -> None:
    names = {topic.name for topic in topics()}
    for topic in topics():
        for target in re.findall(r"\]\(([^)]+)\)", topic.text):
            assert target.startswith("https://") or target.removesuffix(".md") in names, (topic.name, target)


def test_every_page_has_its_topic_and_every_topic_a_title() -> None:
    names = {topic.name for topic in topics()}
    assert {entry.topic for entry in ENTRIES} <= names
    assert all(topic.text.startswith(f"# {topic.title}\n") for topic in topics())


def test_the_states_and_exit_codes_of_the_help_are_those_of_the_program() -> None:
    text = {topic.name: topic.text for topic in topics()}
    for state in ("waiting", "running", "following", "done", "failed", "partly failed", "paused", "cancelled", "interrupted"):
        assert f"| {state_words(state)[0]} |" in text["runs"]
    codes = (0, exit_codes.BUG, exit_codes.FIX, exit_codes.RELOAD, exit_codes.WAIT, exit_codes.PAUSED, exit_codes.CANCELLED)
    assert re.findall(r"^\| (\d+) \|", text["troubleshooting"], re.MULTILINE) == [str(code) for code in codes]


def test_the_shortcuts_of_the_help_are_those_of_the_window(shell: MainWindow) -> None:
    text = next(topic.text for topic in topics() if topic.name == "keyboard")
    for action in shell.actions():
        shown = action.shortcut().toString()
        assert not shown or f"| {shown} |" in text or re.fullmatch(r"Ctrl\+[1-5]", shown), shown


def test_what_the_help_names_in_italics_is_written_in_the_window_just_so() -> None:
    """Buttons, fields, choices, tabs: each is a text of the program, word for word. Quoted commands are not looked at."""
    said = {text.removesuffix(" …") for file in _PROGRAM.rglob("*.py") for text in _texts_of(file)}
    missing = [
        (topic.name, part)
        for topic in topics()
        for named in re.findall(
            r"(?<!\*)\*(?!\*)([^*\n]+)\*(?!\*)", re.sub(r"```.*?```|`[^`]*`", "", topic.text, flags=re.DOTALL)
        )
        for part in named.split(" → ")
        if part.removesuffix(" …") not in said
    ]
    assert not missing


def test_every_key_of_the_help_does_something(window: MainWindow, qtbot: QtBot) -> None:
    known = {action.text(): _keys_of(action) for action in window.actions()}
    found = set().union(*known.values())
    for entry in ENTRIES:
        window.go(entry.name)
        found |= set().union(set(), *(_keys_of(action) for action in window.page.actions()))
    text = next(topic.text for topic in topics() if topic.name == "keyboard")
    listed = set(re.findall(r"(?:Ctrl\+|Alt\+)[^|\s]*|\bF\d+\b", " ".join(re.findall(r"^\| ([^|]+) \|", text, re.MULTILINE))))
    listed = {keys.rstrip(",") if keys != "Ctrl+," else keys for keys in listed} - {"Ctrl+1", "Ctrl+5"}
    assert listed
    assert listed - found == set()


def test_no_key_means_two_things_on_a_page(window: MainWindow, qtbot: QtBot) -> None:
    """Qt would do neither."""
    for entry in ENTRIES:
        window.go(entry.name)
        keys = [key for action in (*window.actions(), *window.page.actions()) for key in _keys_of(action)]
        assert sorted(keys) == sorted(set(keys)), entry.name


def test_f1_opens_the_topic_of_the_page_in_one_window(shell: MainWindow, qtbot: QtBot) -> None:
    for entry in ENTRIES:
        shell.go(entry.name)
        qtbot.keyClick(shell, Qt.Key.Key_F1)
        assert view_of(shell).topic == entry.topic
    assert len(shell.findChildren(HelpView)) == 1


@pytest.fixture
def view(theme: Theme, context: Context, shell: MainWindow, qtbot: QtBot) -> HelpView:
    qtbot.keyClick(shell, Qt.Key.Key_F1)
    return view_of(shell)


def test_the_search_finds_topics_by_their_words_and_marks_the_places(view: HelpView, qtbot: QtBot) -> None:
    qtbot.keyClicks(view.search, "daylight")
    assert [view.list.item(row).text() for row in range(view.list.count())] == ["Schedules"]
    assert view.topic == "schedules"
    assert len(view.text.extraSelections()) >= 1
    assert "aylight" in view.text.textCursor().block().text()
    view.search.clear()
    assert view.list.count() == len(topics())
    assert view.text.extraSelections() == []


def test_words_that_no_topic_has_leave_the_text_and_say_so(view: HelpView, qtbot: QtBot) -> None:
    before = view.topic
    qtbot.keyClicks(view.search, "xylophone")
    assert view.list.count() == 0
    assert view.topic == before


def test_a_link_leads_to_its_topic(view: HelpView) -> None:
    view.text.anchorClicked.emit(QUrl("secrets.md"))
    assert view.topic == "secrets"
    assert view.list.currentItem().text() == "Secrets"


def test_headings_links_and_code_have_the_look_of_the_application(view: HelpView, theme: Theme) -> None:
    view.open_topic("secrets")
    first = view.text.document().begin()
    assert _format(first).font().pixelSize() == 22
    html = view.text.toHtml()
    assert theme.tokens.accent in html
    assert "JetBrains Mono" in html
    theme.choose("light")
    assert theme.tokens.accent in view.text.toHtml()


def test_esc_closes_the_help(view: HelpView, shell: MainWindow, qtbot: QtBot) -> None:
    qtbot.keyClick(view, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: not shell.findChildren(HelpView))


def test_about_names_version_parts_and_licences_and_can_be_copied(shell: MainWindow, context: Context, qtbot: QtBot) -> None:
    shell.open_about()
    about = shell.findChildren(About)[0]
    copy = next(one for one in about.findChildren(QPushButton) if one.text() == "Copy")
    qtbot.mouseClick(copy, Qt.MouseButton.LeftButton)
    copied = QGuiApplication.clipboard().text()
    assert f"DTaaS Desktop {__version__}" in copied
    assert "PySide6_Essentials" in copied or "PySide6-Essentials" in copied
    assert "pyarrow" in copied
    assert copied.count("SIL OPEN FONT LICENSE") == 2
    about.close()


def test_every_part_has_a_licence() -> None:
    found = parts()
    assert len(found) > 20
    assert [part.name for part in found if not part.licence or part.licence == "see its own files"] == []


def test_each_font_comes_with_its_licence() -> None:
    folder = resources_folder() / "fonts"
    families = {file.stem.split("-")[0] for file in folder.iterdir() if file.suffix in (".otf", ".ttf")}
    assert {Path(file).stem.removesuffix("-OFL") for file in folder.glob("*-OFL.txt")} == families


def _keys_of(action: QAction) -> set[str]:
    return {keys.toString() for keys in action.shortcuts()}


def _texts_of(file: Path) -> set[str]:
    parsed = ast.parse(file.read_text(encoding="utf-8"))
    return {node.value for node in ast.walk(parsed) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def _format(block: QTextBlock) -> QTextCharFormat:
    return block.begin().fragment().charFormat()
