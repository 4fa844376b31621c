"""Finding new rows by a column: what is offered, what it misses, and what is refused, at its field."""

import pytest
from pytestqt.qtbot import QtBot

from dtaas_desktop.domain.ports import GrowingColumn
from dtaas_desktop.domain.table import TableRef
from dtaas_desktop.services.source_tables import GrowingOffer
from dtaas_desktop.ui.follow_column import FollowColumn
from dtaas_desktop.ui.follow_words import Following, column_help, follow_problems, misses

ORDERS, LINES = TableRef("Orders", "sales"), TableRef("Lines", "sales")
VERSION = GrowingColumn("v", "rowversion", "version")
DATE = GrowingColumn("modified_at", "datetime2(3)", "date")
NUMBER = GrowingColumn("id", "int", "number")
ONE = GrowingOffer({ORDERS: (VERSION, DATE, NUMBER)})
BOTH = GrowingOffer({ORDERS: (VERSION, DATE, NUMBER), LINES: (DATE,)})


@pytest.fixture
def field(qtbot: QtBot) -> FollowColumn:
    made = FollowColumn()
    qtbot.addWidget(made)
    with qtbot.waitExposed(made):
        made.show()
    return made


def offered(field: FollowColumn) -> list[str]:
    return [field.column.itemText(at) for at in range(field.column.count())]


def test_only_columns_that_every_table_has_are_offered(field: FollowColumn) -> None:
    field.show_offer(ONE)
    assert offered(field) == ["v", "modified_at", "id"]
    field.show_offer(BOTH)
    assert offered(field) == ["modified_at"]
    field.show_offer(GrowingOffer({ORDERS: (VERSION,), LINES: (DATE,)}))
    assert offered(field) == []
    assert field.column.accessibleDescription() == "The chosen tables have no such column in common: make a task for each."


def test_what_was_typed_stays_while_the_offer_comes(field: FollowColumn, qtbot: QtBot) -> None:
    line = field.column.lineEdit()
    assert line is not None
    qtbot.keyClicks(line, "modified_at")
    field.show_offer(BOTH)
    assert field.following == Following("modified_at", "0", "mirror", BOTH)
    assert field.column.accessibleDescription() == "datetime2(3): a date."


def test_a_mistake_is_said_at_its_field_once_it_was_touched(field: FollowColumn, qtbot: QtBot) -> None:
    field.show_offer(BOTH)
    assert field.problems == []
    with qtbot.waitSignal(field.changed):
        qtbot.keyClicks(field.look_back, "h")
    assert field.problems == ["Enter a number, 0 or more."]
    assert field.following.look_back_value is None
    assert field.reveal()
    assert field.problems == ["Choose the column that says what is new.", "Enter a number, 0 or more."]
    field.focus_problem()
    qtbot.waitUntil(field.column.hasFocus)
    field.show_values("modified_at", 2.0)
    assert field.problems == []
    assert field.look_back.text() == "2"
    assert not field.reveal()


def test_a_column_that_a_table_lacks_is_refused_with_the_name_of_the_table() -> None:
    wrong = follow_problems(Following("v", "0", "mirror", BOTH))
    assert wrong == {
        "column": "New rows of sales.Lines cannot be found by “v”: choose another column, or other tables.",
    }
    assert follow_problems(Following("v", "0", "mirror", None)) == {}


@pytest.mark.parametrize("typed", ["-1", "nan", "inf", "2 h"])
def test_a_look_back_is_a_number_of_nought_or_more(typed: str) -> None:
    assert follow_problems(Following("id", typed, "mirror", ONE))["look back"] == "Enter a number, 0 or more."


def test_appended_rows_are_not_looked_back_at() -> None:
    assert "would be appended again" in follow_problems(Following("id", "5", "append", ONE))["look back"]
    assert follow_problems(Following("id", "", "append", ONE)) == {}


def test_a_rowversion_needs_no_look_back_and_misses_only_deletions(field: FollowColumn) -> None:
    field.show_offer(ONE)
    field.show_values("v", 0)
    assert not field.look_back.isVisible()
    field.show_values("modified_at", 0)
    assert field.look_back.isVisible()
    assert misses(Following("v", "0", "mirror", ONE)) == "Deleted rows are not seen: they stay at the destination."
    assert "rows that are committed late" in misses(Following("modified_at", "0", "mirror", ONE))
    assert "later than the look-back" in misses(Following("modified_at", "3", "mirror", ONE))
    assert "rows that are changed" in misses(Following("modified_at", "0", "append", ONE))


def test_the_help_says_what_the_column_is() -> None:
    assert column_help(Following("v", "0", "mirror", ONE)) == "rowversion: a version that the server raises."
    assert column_help(Following("", "0", "mirror", None)).startswith("A rowversion, a date or a number")
