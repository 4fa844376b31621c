"""Rows as they are: exact values, NULL told from text, and whatever is selected can be copied."""

import datetime as dt
from decimal import Decimal

import pyarrow as pa
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QAbstractItemModelTester
from pytestqt.qtbot import QtBot

from dtaas_desktop.ui.cell_text import LONG, exact_text, for_tip, shown_text
from dtaas_desktop.ui.data_view import ArrowModel, DataView
from dtaas_desktop.ui.theme import Theme

ROWS = pa.table(
    {
        "id": pa.array([1, 2, None], pa.int64()),
        "name": pa.array(["Åkesson AB", None, "NULL"], pa.large_string()),
        "amount": pa.array([Decimal("1204.50"), Decimal("-0.05"), None], pa.decimal128(12, 2)),
        "photo": pa.array([b"\x00\xff", None, b""], pa.large_binary()),
    }
)


@pytest.fixture
def view(theme: Theme, qtbot: QtBot) -> DataView:
    made = DataView(theme, "First rows")
    qtbot.addWidget(made)
    made.resize(800, 300)
    made.show_table(ROWS)
    with qtbot.waitExposed(made):
        made.show()
    return made


def cell(view: DataView, row: int, column: int, role: Qt.ItemDataRole = Qt.ItemDataRole.DisplayRole) -> object:
    return view.model().index(row, column).data(role)


def press_cell(view: DataView, qtbot: QtBot, row: int, column: int, keys: Qt.KeyboardModifier) -> None:
    place = view.visualRect(view.model().index(row, column)).center()
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, keys, QPoint(place))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (pa.scalar(12_480_112), "12480112"),
        (pa.scalar(0.1, pa.float32()), "0.1"),
        (pa.scalar(1e300), "1e+300"),
        (pa.scalar(Decimal("0E-10")), "0.0000000000"),
        (pa.scalar(True), "true"),
        (pa.scalar(dt.date(9999, 12, 31)), "9999-12-31"),
        (pa.scalar(dt.datetime(2026, 11, 21, 9, 14, 2)), "2026-11-21 09:14:02"),
        (pa.scalar(1, pa.timestamp("ns")), "1970-01-01 00:00:00.000000001"),
        (pa.scalar(500_000, pa.timestamp("us", "Europe/Paris")), "1970-01-01 01:00:00.5+0100"),
        (pa.scalar(36_000_100_000, pa.time64("us")), "10:00:00.1"),
        (pa.scalar(5, pa.duration("ms")), "5 ms"),
        (pa.scalar(b"\x00\xab", pa.binary(2)), "00ab"),
        (pa.array(["a"]).dictionary_encode()[0], "a"),
        (pa.scalar([1, None]), "[1, None]"),
        (pa.scalar("two\nlines\tand \x00"), "two↵lines⇥and ␀"),
        (pa.scalar(None, pa.int8()), None),
    ],
)
def test_a_value_is_shown_exactly_and_on_one_line(value: pa.Scalar, text: str | None) -> None:
    assert shown_text(value) == text


def test_a_huge_text_is_cut_in_the_cell_and_in_its_tooltip_but_not_when_copied() -> None:
    value = pa.scalar("x" * 1_000_000)
    assert shown_text(value) == "x" * 300 + "…"
    assert for_tip(value) == "x" * LONG + "… (1,000,000 characters)"
    assert exact_text(value) == "x" * 1_000_000


def test_huge_bytes_are_cut() -> None:
    shown = shown_text(pa.scalar(b"\xab" * 50_000_000, pa.large_binary()))
    assert shown == "ab" * 150 + "…"


def test_null_is_told_from_a_text_that_reads_so(view: DataView) -> None:
    model = view.model()
    assert isinstance(model, ArrowModel)
    assert model.text(1, 1) is None
    assert model.text(2, 1) == "NULL"
    assert cell(view, 1, 1) == "NULL"


def test_the_head_names_the_columns_and_their_types(view: DataView) -> None:
    heads = [
        (
            view.model().headerData(at, Qt.Orientation.Horizontal),
            view.model().headerData(at, Qt.Orientation.Horizontal, Qt.ItemDataRole.UserRole),
        )
        for at in range(4)
    ]
    assert heads == [("id", "int64"), ("name", "text"), ("amount", "decimal(12,2)"), ("photo", "binary")]


def test_numbers_stand_at_the_right(view: DataView) -> None:
    sides = [cell(view, 0, at, Qt.ItemDataRole.TextAlignmentRole) for at in range(4)]
    right = [isinstance(side, Qt.AlignmentFlag) and bool(side & Qt.AlignmentFlag.AlignRight) for side in sides]
    assert right == [True, False, True, False]


def test_columns_are_wide_enough_for_name_and_type(view: DataView) -> None:
    assert view.columnWidth(2) > 120
    assert all(view.rowHeight(row) == 28 for row in range(3))


def test_what_is_selected_is_copied_with_tabs_and_the_names_above(view: DataView, qtbot: QtBot) -> None:
    press_cell(view, qtbot, 0, 0, Qt.KeyboardModifier.NoModifier)
    press_cell(view, qtbot, 1, 1, Qt.KeyboardModifier.ShiftModifier)
    qtbot.keyClick(view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == "id\tname\n1\tÅkesson AB\n2\t"


def test_one_cell_is_copied_without_a_head(view: DataView, qtbot: QtBot) -> None:
    press_cell(view, qtbot, 0, 2, Qt.KeyboardModifier.NoModifier)
    qtbot.keyClick(view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == "1204.50"


def test_the_keyboard_moves_and_selects_everything(view: DataView, qtbot: QtBot) -> None:
    view.setFocus()
    qtbot.keyClick(view, Qt.Key.Key_Right)
    qtbot.keyClick(view, Qt.Key.Key_Down)
    assert (view.currentIndex().row(), view.currentIndex().column()) == (1, 1)
    qtbot.keyClick(view, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    assert view.selected_text().splitlines()[0] == "id\tname\tamount\tphoto"
    assert view.selected_text().splitlines()[1] == "1\tÅkesson AB\t1204.50\t00ff"


def test_texts_with_tabs_and_breaks_are_quoted_for_spreadsheets(view: DataView) -> None:
    view.show_table(pa.table({"t": ['a\t"b"\nc']}))
    assert view.selected_text() == '"a\t""b""\nc"'


def test_the_model_keeps_the_rules_of_models(qtbot: QtBot) -> None:
    model = ArrowModel()
    QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal, model)
    model.show_table(ROWS)
    model.show_table(pa.table({}))
    assert model.rowCount() == 0


def test_a_table_without_rows_or_columns_is_shown(view: DataView) -> None:
    view.show_table(ROWS.slice(0, 0))
    assert view.model().columnCount() == 4
    view.show_table(pa.table({}))
    assert view.selected_text() == ""


def test_only_cells_that_are_looked_at_are_made_into_texts(view: DataView) -> None:
    wide = pa.table({f"column {at}": pa.array(range(100)) for at in range(500)})
    view.show_table(wide)
    model = view.model()
    assert isinstance(model, ArrowModel)
    view.grab()
    assert model.made < 500 * 31 + 500  # the rows that decide the widths, and what is seen
    assert view.model().columnCount() == 500
