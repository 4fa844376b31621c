"""The dashboard over a workspace with a past: what it shows, what its buttons do, and that it rests while nobody looks."""

import time
from collections.abc import Callable
from functools import partial

import pytest
from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from dtaas_desktop.domain.errors import TransientError
from dtaas_desktop.domain.events import TableStarted
from dtaas_desktop.domain.task import Task
from dtaas_desktop.engine.cancel import CancelToken
from dtaas_desktop.services.attention import Attention, AttentionItem
from dtaas_desktop.services.run_request import RunRequest
from dtaas_desktop.services.run_service import RunService
from dtaas_desktop.services.workspace import Workspace
from dtaas_desktop.ui.attention_view import AttentionView
from dtaas_desktop.ui.context import Context, Place
from dtaas_desktop.ui.dashboard_figures import DashboardFigures, Question, compared, read_figures, share
from dtaas_desktop.ui.pages import dashboard
from dtaas_desktop.ui.pages.dashboard import DashboardPage
from dtaas_desktop.ui.theme import Theme
from dtaas_desktop.ui.window_memory import WindowMemory
from tests.ui.dashboard_world import DAY, HOUR, add_run, add_task, until

Show = Callable[[], DashboardPage]
BUSY = TransientError("The metadata are in use by another process.", remedy="Try again in a moment.")


@pytest.fixture
def asked(context: Context) -> list[Place]:
    """Where the page wants to go."""
    places: list[Place] = []
    context.navigator.asked.connect(places.append)
    return places


@pytest.fixture
def show(context: Context, qtbot: QtBot) -> Show:
    """Show the page and wait until it is not loading any more."""

    kept: list[DashboardPage] = []  # the bot holds widgets weakly

    def shown() -> DashboardPage:
        page = DashboardPage(context)
        kept.append(page)
        qtbot.addWidget(page)
        page.resize(1240, 900)
        with qtbot.waitExposed(page):
            page.show()
        until(qtbot, lambda: page.body.is_full)
        return page

    return shown


def pressed(qtbot: QtBot, parent: QWidget, text: str) -> QPushButton:
    """The button with this text or name, as soon as it is seen."""

    def found() -> list[QPushButton]:
        buttons = parent.findChildren(QPushButton)
        return [one for one in buttons if text in (one.text(), one.accessibleName()) and one.isVisible()]

    until(qtbot, lambda: len(found()) == 1)
    return found()[0]


def click(qtbot: QtBot, target: QAbstractButton) -> None:
    QTest.mouseClick(target, Qt.MouseButton.LeftButton)


def state_of(context: Context, task: Task) -> str | None:
    """The state of its latest run, as the window knows it."""
    run = context.runs.latest.get(task.uuid)
    return None if run is None else run.state


def shows(page: DashboardPage, rows: str) -> bool:
    """Whether the first card has this figure."""
    return page.view.moved.value.text() == rows


def has_width(widget: QWidget, width: int) -> bool:
    return widget.width() == width


def pause_at_once(workspace: Workspace, task: Task) -> None:
    """Run it here, and pause it as soon as it has a plan."""
    cancel = CancelToken()

    def emit(event: object) -> None:
        if isinstance(event, TableStarted):
            cancel.ask("pause")

    assert RunService(workspace).run(RunRequest(task.name), emit=emit, cancel=cancel).state == "paused"


# What it shows


def test_the_cards_tell_what_was_moved_and_what_failed(workspace: Workspace, show: Show) -> None:
    task = add_task(workspace, "Nightly sales")
    add_run(workspace, task, ago=2 * HOUR, rows=336_776)
    add_run(workspace, task, ago=HOUR, rows=0, state="failed", message="The disk is full.")
    view = show().view
    assert (view.moved.value.text(), view.moved.value.toolTip()) == ("337 k", "336,776")
    assert view.moved.foot.text() == "none yesterday"
    assert view.failed.value.text() == "1"
    assert view.failed.foot.text() == "50 % of 2"
    assert view.failed.accessibleName() == "Failed runs: 1, 50 % of 2"
    assert view.running.value.text() == "0"


def test_another_range_shows_the_figures_of_that_time(workspace: Workspace, show: Show, qtbot: QtBot) -> None:
    task = add_task(workspace, "Nightly sales")
    add_run(workspace, task, ago=20 * DAY, rows=700)
    add_run(workspace, task, ago=3 * DAY, rows=30)
    add_run(workspace, task, ago=2 * HOUR, rows=5)
    page = show()
    for key, rows, ended in ((None, "5", 1), (Qt.Key.Key_Down, "35", 2), (Qt.Key.Key_Down, "735", 3), (Qt.Key.Key_Home, "0", 0)):
        if key is not None:
            QTest.keyClick(page.spans, key)
        until(qtbot, partial(shows, page, rows))
        drawing = page.view.outcomes.drawing
        assert drawing is not None
        assert drawing.summary.endswith(f"{ended} succeeded, 0 failed.")
    assert page.spans.currentText() == "Last hour"


@pytest.mark.parametrize(
    ("now", "before", "words"),
    [
        (112, 100, "+12 % on yesterday"),
        (88, 100, "−12 % on yesterday"),
        (100, 100, "±0 % on yesterday"),
        (5000, 100, "50 × yesterday"),
        (5, 0, "none yesterday"),
        (0, 0, "nothing moved yet"),
    ],
)
def test_a_figure_is_compared_with_the_time_before(now: int, before: int, words: str) -> None:
    assert compared(now, before, "yesterday") == words


def test_failures_are_a_share_of_the_runs_that_ended() -> None:
    assert [share(1, 243), share(0, 3), share(120, 240), share(0, 0)] == [
        "0.4 % of 243",
        "0 % of 3",
        "50 % of 240",
        "no run ended",
    ]


def test_the_table_has_what_runs_first_and_each_tasks_latest_run(workspace: Workspace, show: Show, qtbot: QtBot) -> None:
    done, runs, never = (add_task(workspace, name) for name in ("Done", "Running", "Never"))
    add_run(workspace, done, ago=10 * HOUR, state="failed", message="Once upon a time.")
    add_run(workspace, done, ago=600, rows=1234)
    with workspace.task_lock(runs.uuid, runs.name):
        add_run(workspace, runs, ago=1, seconds=1, rows=88, state=None, percent=40)
        page = show()
        rows = page.view.tasks.model.records
        assert [row.name for row in rows] == ["Running", "Done", "Never"]
        assert [row.words[0] for row in rows] == ["Running", "Succeeded", "Never run"]
        assert [row.rows for row in rows] == [88, 1234, None]
        assert rows[0].route == "SQLite file → Folder"
        assert page.view.running.value.text() == "1"
        page.hide()
    assert never.uuid == rows[2].uuid


def test_many_tasks_are_shown_when_asked_for(workspace: Workspace, show: Show, qtbot: QtBot) -> None:
    for number in range(11):
        add_run(workspace, add_task(workspace, f"Task {number}"))
    table = show().view.tasks
    assert len(table.model.records) == 8
    click(qtbot, pressed(qtbot, table, "Show all 11 tasks"))
    assert len(table.model.records) == 11
    click(qtbot, pressed(qtbot, table, "Show fewer"))
    assert len(table.model.records) == 8


def test_the_runs_of_one_task_can_be_charted_alone(workspace: Workspace, show: Show, qtbot: QtBot) -> None:
    one, other = add_task(workspace, "One"), add_task(workspace, "Other")
    add_run(workspace, one, ago=900)
    add_run(workspace, other, ago=600)
    page = show()
    assert page.view.runs.drawing is not None
    assert len(page.view.runs.drawing.stops) == 2
    chooser = page.view.chooser
    chooser.setFocus()
    QTest.keyClick(chooser, Qt.Key.Key_Down)
    assert chooser.currentText() == "One"
    until(qtbot, lambda: page.view.runs.drawing is not None and len(page.view.runs.drawing.stops) == 1)


def test_nothing_is_wider_than_a_small_window(workspace: Workspace, show: Show, qtbot: QtBot) -> None:
    task = add_task(workspace, "A task whose name is so long that no table of a small window could ever show the whole of it")
    add_run(workspace, task, state="failed", message="A word" + "andanother" * 30 + " and many more words. " * 10)
    page = show()
    for width in (820, 1000, 1240, 1700):
        page.resize(width, 640)
        until(qtbot, partial(has_width, page.view, width))
        inside, room = page.view.widget(), page.view.viewport().width()
        assert inside is not None
        assert inside.width() <= room
        assert page.view.moved.foot.width() >= page.view.moved.foot.sizeHint().width()  # not cut off
        for child in (page.view.moved, page.view.failed, page.view.rates, page.view.attention, page.view.tasks, page.view.runs):
            left = child.mapTo(inside, QPoint(0, 0)).x()
            assert 0 <= left <= left + child.width() <= room
        until(qtbot, lambda: page.view.tasks.table.horizontalScrollBar().maximum() == 0)


# What its buttons do


def test_new_task_goes_to_the_tasks(workspace: Workspace, show: Show, qtbot: QtBot, asked: list[Place]) -> None:
    add_run(workspace, add_task(workspace, "Nightly sales"))
    click(qtbot, show().new_task)
    assert asked == [Place("tasks", "", "new")]


def test_a_row_opens_its_run_by_double_click_and_its_task_by_enter(
    workspace: Workspace, show: Show, qtbot: QtBot, asked: list[Place]
) -> None:
    ran, never = add_task(workspace, "Ran"), add_task(workspace, "Never")
    run = add_run(workspace, ran)
    table = show().view.tasks.table
    QTest.mouseDClick(table.viewport(), Qt.MouseButton.LeftButton, pos=table.visualRect(table.model().index(0, 0)).center())
    table.choose(1)
    QTest.keyClick(table, Qt.Key.Key_Return)
    assert asked == [Place("runs", run), Place("tasks", never.uuid)]


def test_resume_of_an_item_starts_the_run_which_ends_well(
    workspace: Workspace, show: Show, qtbot: QtBot, context: Context
) -> None:
    task = add_task(workspace, "Nightly sales")
    pause_at_once(workspace, task)
    page = show()
    (item,) = page.view.attention.items
    assert item.kind == "paused"
    click(qtbot, pressed(qtbot, page.view.attention, "Resume"))
    until(qtbot, lambda: state_of(context, task) == "done", 60)
    assert context.runs.latest[task.uuid].rows_written == 50
    until(qtbot, lambda: not page.view.attention.items)
    until(qtbot, lambda: page.view.tasks.model.records[0].words[0] == "Succeeded")
    until(qtbot, lambda: not context.runs.starting)


def test_the_other_remedies_ask_for_what_they_say(
    workspace: Workspace, show: Show, qtbot: QtBot, context: Context, asked: list[Place], monkeypatch: pytest.MonkeyPatch
) -> None:
    task = add_task(workspace, "Nightly sales")
    run = add_run(workspace, task, state="failed", message="The disk is full.")
    started: list[RunRequest] = []
    monkeypatch.setattr(context.runs, "start", started.append)
    attention = show().view.attention
    click(qtbot, pressed(qtbot, attention, "Open run"))
    click(qtbot, pressed(qtbot, attention, "Edit task"))
    assert asked == [Place("runs", run), Place("tasks", task.uuid, "edit")]
    again = pressed(qtbot, attention, "Run again")
    click(qtbot, again)
    assert started == [RunRequest("Nightly sales", origin="window")]
    assert not again.isEnabled()  # until it has begun, or could not
    context.runs.failed.emit("Nightly sales", BUSY)
    assert again.isEnabled()


def test_a_dismissed_item_stays_away(workspace: Workspace, show: Show, qtbot: QtBot) -> None:
    task = add_task(workspace, "Nightly sales")
    add_run(workspace, task, state="failed", message="The disk is full.")
    page = show()
    click(qtbot, pressed(qtbot, page.view.attention, "Dismiss what “Nightly sales” needs"))
    until(qtbot, lambda: not page.view.attention.items)
    assert not Attention(workspace.database).list(time.time())


def test_an_item_keeps_its_buttons_while_its_words_change(qtbot: QtBot, theme: Theme) -> None:
    view = AttentionView(theme)
    qtbot.addWidget(view)
    told: list[tuple[AttentionItem, str]] = []
    view.acted.connect(lambda item, action: told.append((item, action)))
    one = AttentionItem("failed", "u", "Sales", "r", "orders", "Sales failed", "It broke.", time.time(), ("reload table",))
    view.show_items([one])
    view.show()
    reload = pressed(qtbot, view, "Reload table")
    later = AttentionItem(
        "failed", "u", "Sales", "r", "orders", "Sales failed", "It broke <twice>.", time.time(), ("reload table",)
    )
    view.show_items([later])
    assert pressed(qtbot, view, "Reload table") is reload
    click(qtbot, reload)
    assert told == [(later, "reload table")]


# Loading, errors, rest


def test_it_says_that_it_is_loading_until_the_figures_are_there(workspace: Workspace, context: Context, qtbot: QtBot) -> None:
    add_run(workspace, add_task(workspace, "Nightly sales"))
    page = DashboardPage(context)
    qtbot.addWidget(page)
    page.show()
    assert not page.body.is_full
    assert page.body.state.heading.text() == "Reading the figures …"
    until(qtbot, lambda: page.body.is_full)


def test_an_error_is_explained_and_can_be_tried_again(
    workspace: Workspace, context: Context, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_run(workspace, add_task(workspace, "Nightly sales"), rows=42)
    reading = Reading(monkeypatch)
    reading.broken = True
    page = DashboardPage(context)
    qtbot.addWidget(page)
    page.show()
    until(qtbot, lambda: page.body.state.heading.text() == BUSY.message)
    assert page.body.state.text.text() == BUSY.remedy
    reading.broken = False
    click(qtbot, pressed(qtbot, page, "Try again"))
    until(qtbot, lambda: page.body.is_full)
    assert page.view.moved.value.text() == "42"


def test_figures_that_cannot_be_renewed_stay_and_say_how_old_they_are(
    workspace: Workspace, show: Show, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_run(workspace, add_task(workspace, "Nightly sales"), rows=42)
    reading = Reading(monkeypatch)
    page = show()
    reading.broken = True
    QTest.keyClick(page.spans, Qt.Key.Key_Home)
    until(qtbot, page.view.warning.isVisible)
    assert "These figures are of" in page.view.warning.heading.text()
    assert BUSY.message in page.view.warning.heading.text()
    assert page.view.moved.value.text() == "42"
    reading.broken = False
    QTest.keyClick(page.spans, Qt.Key.Key_End)
    until(qtbot, page.view.warning.isHidden)


def test_the_time_that_was_chosen_is_there_again_after_a_restart(workspace: Workspace, show: Show, qtbot: QtBot) -> None:
    add_run(workspace, add_task(workspace, "Nightly sales"))
    page = show()
    until(qtbot, page.spans.isVisible)
    assert page.spans.currentText() == "Last 24 hours"
    page.spans.setFocus()
    qtbot.keyClick(page.spans, Qt.Key.Key_End)
    assert WindowMemory(workspace.folder).span == "Last 30 days"
    page.hide()
    other = show()
    assert other.spans.currentText() == "Last 30 days"
    other.hide()


def test_a_page_that_is_not_seen_reads_nothing(
    workspace: Workspace, show: Show, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, context: Context
) -> None:
    add_run(workspace, add_task(workspace, "Nightly sales"))
    reading = Reading(monkeypatch)
    page = show()
    until(qtbot, lambda: reading.calls >= 2)  # by itself
    page.left()
    page.hide()
    context.background.close()  # what was on its way is over
    calls = reading.calls
    page.spans.setCurrentIndex(3)
    page.refresh()
    context.runs.refresh()
    with qtbot.waitSignal(context.runs.changed, timeout=10_000):
        add_run(workspace, add_task(workspace, "Another"))
    assert not [timer for timer in page.findChildren(QTimer) if timer.isActive()]
    assert reading.calls == calls
    page.show()
    until(qtbot, lambda: reading.calls > calls)
    page.hide()


class Reading:
    """Counts how often the page reads, and fails when told to."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.calls, self.broken = 0, False
        patch.setattr(dashboard, "read_figures", self)

    def __call__(self, workspace: Workspace, question: Question) -> DashboardFigures:
        self.calls += 1
        if self.broken:
            raise BUSY
        return read_figures(workspace, question)
