"""Tables of records keep what the user chose while the records change under them."""

from dataclasses import dataclass, replace

import pytest
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from dtaas_desktop.ui.tables import Column, RecordModel, RecordTable
from dtaas_desktop.ui.theme import Theme


@dataclass(frozen=True, slots=True)
class Planet:
    name: str
    moons: int


COLUMNS = (
    Column[Planet]("Planet", lambda planet: planet.name, "strong"),
    Column[Planet]("Moons", lambda planet: f"{planet.moons:,}", "figure", width=90, tip=lambda planet: f"{planet.moons} moons"),
    Column[Planet]("Known", lambda planet: f"{planet.moons} %", "bar", percent=lambda planet: planet.moons, width=160),
    Column[Planet]("State", lambda planet: "Far" if planet.moons else "Near", "pill", tone=lambda _: "green", width=110),
)
EARTH, MARS, SATURN = Planet("Earth", 1), Planet("Mars", 2), Planet("Saturn", 274)


@pytest.fixture
def model() -> RecordModel[Planet]:
    found = RecordModel(COLUMNS, lambda planet: planet.name)
    QAbstractItemModelTester(found, QAbstractItemModelTester.FailureReportingMode.Fatal, found)
    return found


@pytest.fixture
def table(qapp: QApplication, qtbot: QtBot, model: RecordModel[Planet]) -> RecordTable[Planet]:
    shown = RecordTable(Theme(qapp, "dark"), model, "Planets")
    qtbot.addWidget(shown)
    shown.resize(600, 300)
    shown.show()
    return shown


def test_cells_say_what_the_columns_make_of_a_record(model: RecordModel[Planet]) -> None:
    model.show_records([SATURN])
    assert [model.index(0, column).data() for column in range(4)] == ["Saturn", "274", "274 %", "Far"]
    assert model.index(0, 1).data(Qt.ItemDataRole.ToolTipRole) == "274 moons"
    assert model.headerData(1, Qt.Orientation.Horizontal) == "Moons"
    assert model.index(0, 0).data(Qt.ItemDataRole.UserRole) == SATURN


def test_the_selection_follows_its_record(table: RecordTable[Planet], model: RecordModel[Planet]) -> None:
    model.show_records([EARTH, MARS, SATURN])
    table.choose(1)
    model.show_records([SATURN, EARTH, replace(MARS, moons=3)])
    assert table.current == Planet("Mars", 3)
    model.show_records([SATURN])
    assert table.current is None


def test_a_changed_record_repaints_only_its_row(qtbot: QtBot, model: RecordModel[Planet]) -> None:
    model.show_records([EARTH, MARS, SATURN])
    with qtbot.waitSignal(model.dataChanged) as changed:
        model.show_records([EARTH, replace(MARS, moons=3), SATURN])
    first, last = changed.args[:2]
    assert isinstance(first, QModelIndex)
    assert (first.row(), last.row()) == (1, 1)


def test_enter_and_double_click_open_a_record(qtbot: QtBot, table: RecordTable[Planet], model: RecordModel[Planet]) -> None:
    model.show_records([EARTH, MARS])
    table.choose(0)
    table.setFocus()
    with qtbot.waitSignal(table.opened) as entered:
        qtbot.keyClick(table, Qt.Key.Key_Down)
        qtbot.keyClick(table, Qt.Key.Key_Return)
    assert entered.args == [MARS]
    where = table.visualRect(model.index(0, 0)).center()
    with qtbot.waitSignal(table.opened) as clicked:
        qtbot.mouseDClick(table.viewport(), Qt.MouseButton.LeftButton, pos=where)
    assert clicked.args == [EARTH]


def test_a_table_paints_pills_and_bars_in_both_themes(
    qapp: QApplication, table: RecordTable[Planet], model: RecordModel[Planet]
) -> None:
    model.show_records([EARTH, MARS, SATURN])
    theme = Theme(qapp, "dark")
    dark = table.grab().toImage()
    theme.choose("light")
    light = table.grab().toImage()
    assert dark != light
    colours = {dark.pixelColor(x, y).name() for x in range(0, dark.width(), 2) for y in range(0, dark.height(), 2)}
    assert theme.tokens.bg not in colours
    assert "#123527" in colours, "the fill of a green pill"


def test_an_empty_table_has_no_current_record_and_opens_nothing(qtbot: QtBot, table: RecordTable[Planet]) -> None:
    with qtbot.assertNotEmitted(table.opened):
        qtbot.keyClick(table, Qt.Key.Key_Return)
    assert table.current is None
