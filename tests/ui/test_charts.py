"""Charts: what they show as values, and that they are drawn late, read by mouse and keys, and follow the theme."""

import datetime
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QGraphicsView
from pytestqt.qtbot import QtBot

from dtaas_desktop.services.activity import Bucket, RunPoint, Series
from dtaas_desktop.ui.charts import Chart, Legend
from dtaas_desktop.ui.drawings import Drawing, Name, bar_colour, lasting_inks, outcomes_drawing, rates_drawing, runs_drawing
from dtaas_desktop.ui.theme import Theme
from dtaas_desktop.ui.ticks import duration_ticks, figure_ticks, run_ticks, time_ticks
from dtaas_desktop.ui.tokens import DARK, LIGHT, contrast
from tests.ui.dashboard_world import until

NOON = datetime.datetime(2026, 11, 24, 12, 0).astimezone().timestamp()
HOUR, DAY = 3600.0, 86_400.0


def rates(count: int = 3, points: int = 24) -> Drawing:
    step = DAY / points
    series = [
        Series(f"t{at}", f"Task {at}", tuple((NOON - DAY + (one + 0.5) * step, 1000.0 * (at + 1) * one) for one in range(points)))
        for at in range(count)
    ]
    return rates_drawing(series, lasting_inks({}, [one.task_uuid for one in series], 6), (NOON - DAY, NOON), "last 24 hours")


@pytest.fixture
def chart(qtbot: QtBot, theme: Theme) -> Chart:
    made = Chart(theme, "Rows per second by task")
    qtbot.addWidget(made)
    made.resize(640, 260)
    return made


# Ticks


def test_an_axis_of_figures_has_round_marks_in_the_words_of_the_window() -> None:
    top, ticks = figure_ticks(361_000)
    assert top == 400_000
    assert [tick.text for tick in ticks] == ["0", "100 k", "200 k", "300 k", "400 k"]


@given(st.floats(min_value=1e-3, max_value=1e15))
def test_every_figure_fits_under_the_top_of_its_axis_with_few_marks(highest: float) -> None:
    top, ticks = figure_ticks(highest)
    assert top >= highest * (1 - 1e-6)
    assert 3 <= len(ticks) <= 6
    assert len({tick.text for tick in ticks}) == len(ticks)


def test_counts_of_runs_are_marked_with_whole_numbers() -> None:
    assert [tick.text for tick in figure_ticks(1, whole=True)[1]] == ["0", "1", "2"]
    assert [tick.text for tick in figure_ticks(0, whole=True)[1]] == ["0", "1", "2"]
    assert [tick.text for tick in figure_ticks(7, whole=True)[1]] == ["0", "2", "4", "6", "8"]


@given(st.floats(min_value=0.1, max_value=40 * DAY), st.integers(2, 5))
def test_every_duration_fits_on_its_scale_and_no_two_marks_read_the_same(longest: float, count: int) -> None:
    highest, ticks = duration_ticks(longest, count, 500.0)
    assert highest >= longest
    assert len({tick.text for tick in ticks}) == count + 1
    assert ticks[-1].at == 500.0


def test_a_scale_of_ninety_seconds_is_marked_in_seconds() -> None:
    assert [tick.text for tick in duration_ticks(91, 4, 1.0)[1]] == ["0", "30 s", "60 s", "90 s", "120 s"]


def test_time_is_marked_by_minutes_hours_days_or_weeks() -> None:
    assert [tick.text for tick in time_ticks(NOON - HOUR, NOON)] == [
        "11:00",
        "11:10",
        "11:20",
        "11:30",
        "11:40",
        "11:50",
        "12:00",
    ]
    assert [tick.text for tick in time_ticks(NOON - DAY, NOON)] == ["12:00", "16:00", "20:00", "00:00", "04:00", "08:00", "12:00"]
    assert [tick.text for tick in time_ticks(NOON - 7 * DAY, NOON)] == ["Wed", "Thu", "Fri", "Sat", "Sun", "Mon", "Tue"]
    assert [tick.text for tick in time_ticks(NOON - 30 * DAY, NOON)] == ["26 Oct", "2 Nov", "9 Nov", "16 Nov", "23 Nov"]


def test_runs_of_one_day_are_marked_by_the_hour_and_others_by_the_date() -> None:
    assert [tick.text for tick in run_ticks([NOON, NOON + 60], 24)] == ["12:00"]
    assert [tick.text for tick in run_ticks([NOON - DAY * (9 - at) for at in range(10)], 24)] == ["15 Nov", "19 Nov", "23 Nov"]


# Drawings


def test_a_task_keeps_its_colour_while_others_come_and_go() -> None:
    first = lasting_inks({}, ["a", "b", "c"], 6)
    assert first == {"a": 0, "b": 1, "c": 2}
    assert lasting_inks(first, ["c", "d", "a"], 6) == {"c": 2, "a": 0, "d": 1}


def test_the_summary_of_rates_says_the_figures_in_words() -> None:
    drawing = rates(1)
    assert drawing.summary == "Rows per second by task, last 24 hours. Task 0: 23 k rows per second now, 23 k at most."
    assert drawing.read(3).values == ((0, "Task 0", "3 k"),)


def test_without_rows_a_chart_says_so() -> None:
    drawing = rates(0)
    assert drawing.note == "No rows were moved in this time."
    assert drawing.summary.endswith("No rows were moved.")


def test_outcomes_stand_on_each_other_and_end_where_their_last_bar_ends() -> None:
    buckets = [Bucket(NOON - DAY + at * HOUR, at, 2) for at in range(24)]
    drawing = outcomes_drawing(buckets, (NOON - DAY, NOON), "last 24 hours")
    good, bad = drawing.bars
    assert bad.bottoms == good.heights
    assert (drawing.left, drawing.right) == (NOON - DAY, NOON)
    assert drawing.summary == "Runs that ended, last 24 hours: 276 succeeded, 48 failed."
    assert drawing.read(5).values == (("green", "Succeeded", "5"), ("red", "Failed", "2"))


def test_failed_runs_have_bars_of_their_own_and_durations_a_scale_of_their_own() -> None:
    points = [RunPoint(NOON + at * 60, 10.0 + at, 100, "failed" if at == 2 else "done") for at in range(4)]
    drawing = runs_drawing(points)
    assert [len(bars.xs) for bars in drawing.bars] == [3, 1]
    assert drawing.far_ticks[-1].text == "20 s"
    assert drawing.dots[0].ys[0] == pytest.approx(drawing.top / 2)
    assert [name.text for name in drawing.names] == ["Rows", "Rows of a failed run", "Duration"]


def test_colours_of_lines_and_bars_stand_out_from_the_card() -> None:
    for tokens in (DARK, LIGHT):
        colours = [*tokens.series, *(bar_colour(ink, tokens) for ink in (0, "green", "red"))]
        assert min(contrast(colour, tokens.panel) for colour in colours) >= 3


# The widget


def test_pyqtgraph_is_loaded_by_the_first_chart_that_is_drawn_and_not_before() -> None:
    code = "import sys, dtaas_desktop.ui.pages.dashboard; print('pyqtgraph' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"


def test_a_chart_that_is_not_seen_draws_nothing(chart: Chart, qtbot: QtBot) -> None:
    chart.show_drawing(rates())
    assert len(chart.findChildren(QGraphicsView)) == 0
    with qtbot.waitExposed(chart):
        chart.show()
    assert len(chart.findChildren(QGraphicsView)) == 1


def test_the_arrow_keys_read_the_figures_and_say_them(chart: Chart, qtbot: QtBot) -> None:
    chart.show_drawing(rates())
    with qtbot.waitExposed(chart):
        chart.show()
    chart.setFocus()
    assert "Task 2" in chart.accessibleDescription()
    QTest.keyClick(chart, Qt.Key.Key_Left)
    assert chart.reading is not None
    assert chart.reading.values[0] == (0, "Task 0", "23 k")
    assert chart.accessibleDescription().endswith("Task 0 23 k, Task 1 46 k, Task 2 69 k")
    QTest.keyClick(chart, Qt.Key.Key_Home)
    assert chart.reading.values[2] == (2, "Task 2", "0")
    QTest.keyClick(chart, Qt.Key.Key_Escape)
    assert chart.reading is None


def test_the_mouse_reads_the_nearest_figures_and_leaves_them(chart: Chart, qtbot: QtBot) -> None:
    chart.show_drawing(rates())
    with qtbot.waitExposed(chart):
        chart.show()
    QTest.mouseMove(chart, QPoint(600, 80))
    until(qtbot, lambda: chart.reading is not None)
    assert chart.reading is not None
    assert chart.reading.values[0][2] in ("22 k", "23 k")
    QTest.mouseMove(chart, QPoint(10, 250))
    until(qtbot, lambda: chart.reading is None)


def test_a_chart_is_painted_in_the_colours_of_the_theme(chart: Chart, qtbot: QtBot, theme: Theme) -> None:
    chart.show_drawing(outcomes_drawing([Bucket(NOON, 5, 0), Bucket(NOON + HOUR, 5, 5)], (NOON, NOON + 2 * HOUR), "last hour"))
    with qtbot.waitExposed(chart):
        chart.show()
    assert bar_colour("green", DARK) in colours(chart)
    theme.choose("light")
    until(qtbot, lambda: bar_colour("green", LIGHT) in colours(chart))
    assert bar_colour("green", DARK) not in colours(chart)


def test_a_legend_takes_more_lines_where_there_is_less_room(qtbot: QtBot, theme: Theme) -> None:
    legend = Legend(theme)
    qtbot.addWidget(legend)
    legend.show_names(tuple(Name(at, f"A task with the number {at}", "line") for at in range(4)))
    assert legend.heightForWidth(1000) == 20
    assert legend.heightForWidth(120) == 80


def colours(chart: Chart) -> set[str]:
    """The colours of the pixels of its middle column, and of one at a quarter."""
    image: QImage = chart.grab().toImage()
    columns = (image.width() // 3, 2 * image.width() // 3)
    return {QColor(image.pixel(x, y)).name() for x in columns for y in range(image.height())}
