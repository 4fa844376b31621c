"""Questions by the keyboard: Enter presses what one sees, and never takes anything away by itself."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from dtaas_desktop.ui.question import Answer, Question
from dtaas_desktop.ui.theme import Theme


@pytest.fixture
def given() -> list[str]:
    return []


@pytest.fixture
def owner(theme: Theme, qtbot: QtBot) -> QWidget:
    shown = QWidget()
    qtbot.addWidget(shown)
    shown.show()
    return shown


def ask(qtbot: QtBot, owner: QWidget, answers: list[Answer]) -> Question:
    asked = Question(owner, "Save the changes?", "They are lost otherwise.", answers)
    asked.open()
    with qtbot.waitActive(asked):
        asked.activateWindow()
    return asked


def three(given: list[str]) -> list[Answer]:
    return [
        Answer("Save", lambda: given.append("save"), "primary"),
        Answer("Discard", lambda: given.append("discard"), "danger"),
        Answer("Keep editing", lambda: given.append("keep")),
    ]


def test_enter_presses_the_answer_that_has_the_keyboard(owner: QWidget, qtbot: QtBot, given: list[str]) -> None:
    asked = ask(qtbot, owner, three(given))
    keep = asked.buttons[2]
    keep.setFocus()
    qtbot.keyClick(keep, Qt.Key.Key_Return)
    assert given == ["keep"]


def test_enter_alone_gives_the_first_answer(owner: QWidget, qtbot: QtBot, given: list[str]) -> None:
    asked = ask(qtbot, owner, three(given))
    qtbot.keyClick(asked, Qt.Key.Key_Return)
    assert given == ["save"]


def test_enter_alone_never_takes_anything_away(owner: QWidget, qtbot: QtBot, given: list[str]) -> None:
    answers = [Answer("Delete", lambda: given.append("delete"), "danger"), Answer("Keep", lambda: given.append("keep"))]
    asked = ask(qtbot, owner, answers)
    assert asked.focusWidget() is asked.buttons[1], asked.focusWidget()
    qtbot.keyClick(asked, Qt.Key.Key_Return)
    assert given == ["keep"]


def test_esc_gives_the_last_answer(owner: QWidget, qtbot: QtBot, given: list[str]) -> None:
    asked = ask(qtbot, owner, three(given))
    qtbot.keyClick(asked, Qt.Key.Key_Escape)
    assert given == ["keep"]
