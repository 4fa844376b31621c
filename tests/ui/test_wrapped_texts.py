"""Texts of several lines: their leading, their room, and what does not fit."""

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from dtaas_desktop.ui.theme import Theme
from dtaas_desktop.ui.widgets import WrappedLabel, fit_height, label

SENTENCE = "A task moves tables from one place to another: once, every night, or all the time."


def wrapped(qtbot: QtBot, text: str) -> WrappedLabel:
    made = label(text, "dim", wrap=True)
    assert isinstance(made, WrappedLabel)
    qtbot.addWidget(made)
    made.ensurePolished()
    return made


def test_lines_have_the_leading_of_a_page(theme: Theme, qtbot: QtBot) -> None:
    one = wrapped(qtbot, SENTENCE)
    assert one.heightForWidth(2000) == 18
    assert one.heightForWidth(300) == 36
    assert wrapped(qtbot, "first\nsecond").heightForWidth(2000) == 36


def test_a_word_that_is_too_long_is_broken_rather_than_cut(theme: Theme, qtbot: QtBot) -> None:
    one = wrapped(qtbot, "x" * 200)
    assert one.heightForWidth(200) >= 5 * 18
    assert "".join(one._lines(200)) == "x" * 200


def test_centred_lines_are_about_as_long_as_each_other(theme: Theme, qtbot: QtBot) -> None:
    one = wrapped(qtbot, SENTENCE)
    one.setAlignment(Qt.AlignmentFlag.AlignCenter)
    long, short = (one.fontMetrics().horizontalAdvance(line) for line in one._lines(460))
    assert short > long * 0.6


def test_what_is_more_than_it_may_show_ends_in_dots_and_is_its_tooltip(theme: Theme, qtbot: QtBot) -> None:
    one = wrapped(qtbot, SENTENCE * 5)
    one.show_at_most(3)
    assert one.heightForWidth(300) == 54
    assert one._lines(300)[-1].endswith("…")
    assert one.toolTip() == SENTENCE * 5


@pytest.mark.parametrize("width", [240, 320, 480])
def test_a_layout_gives_each_text_the_height_that_it_needs(theme: Theme, qtbot: QtBot, width: int) -> None:
    from PySide6.QtWidgets import QVBoxLayout, QWidget

    held = QWidget()
    qtbot.addWidget(held)
    column = QVBoxLayout(held)
    texts = [label(SENTENCE * times, "dim", wrap=True) for times in (1, 2, 3)]
    for text in texts:
        column.addWidget(text)
    fit_height(held, width)
    held.show()
    assert [text.height() for text in texts] == [text.heightForWidth(text.width()) for text in texts]
