"""The first start: an empty workspace offers three ways to begin, and the sample leads to its run and beyond."""

from collections.abc import Sequence

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton
from pytestqt.qtbot import QtBot

from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.task import Task
from dtaas_desktop.services import sample
from dtaas_desktop.services.run_request import RunRequest
from dtaas_desktop.services.workspace import Workspace
from dtaas_desktop.ui.context import Context, Place
from dtaas_desktop.ui.pages.dashboard import DashboardPage
from tests.ui.dashboard_world import add_run, add_task, until

PATIENCE = 90  # seconds: the sample's database is made, and a process is started


@pytest.fixture
def asked(context: Context) -> list[Place]:
    """Where the page wants to go."""
    places: list[Place] = []
    context.navigator.asked.connect(places.append)
    return places


@pytest.fixture
def page(context: Context, qtbot: QtBot) -> DashboardPage:
    """The dashboard of an empty workspace."""
    made = DashboardPage(context)
    qtbot.addWidget(made)
    made.resize(1000, 700)
    with qtbot.waitExposed(made):
        made.show()
    until(qtbot, made.first_start.isVisible)
    return made


def click(qtbot: QtBot, target: QAbstractButton) -> None:
    QTest.mouseClick(target, Qt.MouseButton.LeftButton)


def test_an_empty_workspace_offers_three_ways_to_begin(page: DashboardPage, qtbot: QtBot, asked: list[Place]) -> None:
    click(qtbot, page.first_start.make_own)
    click(qtbot, page.first_start.open_file)
    assert asked == [Place("connections", "", "new"), Place("tasks", "", "import")]
    assert page.first_start.try_sample.isEnabled()
    assert not page.new_task.isVisible()  # one primary button a page


def test_the_sample_is_made_and_run_and_then_there_is_more_to_do(
    page: DashboardPage, qtbot: QtBot, asked: list[Place], context: Context, workspace: Workspace
) -> None:
    click(qtbot, page.first_start.try_sample)
    assert not page.first_start.try_sample.isEnabled()
    until(qtbot, lambda: bool(asked), PATIENCE)
    task = sample.shipped()[0]
    assert [place.page for place in asked] == ["runs"]
    assert workspace.history.run(asked[0].item).task == task.uuid
    until(qtbot, lambda: [run.state for run in context.runs.latest.values()] == ["done"], PATIENCE)
    until(qtbot, page.view.next_steps.isVisible, PATIENCE)
    click(qtbot, page.view.next_steps.change)
    click(qtbot, page.view.next_steps.make_own)
    assert asked[1:] == [Place("tasks", task.uuid, "edit"), Place("connections", "", "new")]
    until(qtbot, lambda: not context.runs.starting, PATIENCE)


def test_a_sample_that_is_there_is_run_again(
    workspace: Workspace, context: Context, qtbot: QtBot, asked: list[Place], monkeypatch: pytest.MonkeyPatch
) -> None:
    task = sample_is_there(workspace, monkeypatch)[0]
    add_run(workspace, task, ago=3600)
    started: list[RunRequest] = []
    monkeypatch.setattr(context.runs, "start", started.append)
    page = DashboardPage(context)
    qtbot.addWidget(page)
    page.show()
    until(qtbot, page.view.isVisible)
    page.open(act="sample")
    until(qtbot, lambda: started == [RunRequest(task.name, origin="window")])
    assert asked == []
    context.runs.event.emit(task.uuid, {"event": "RunStarted", "run": "the new run"})
    assert asked == [Place("runs", "the new run")]


def test_a_sample_that_runs_already_is_not_started_but_shown(
    workspace: Workspace, context: Context, qtbot: QtBot, asked: list[Place], monkeypatch: pytest.MonkeyPatch
) -> None:
    task = sample_is_there(workspace, monkeypatch)[0]
    started: list[RunRequest] = []
    monkeypatch.setattr(context.runs, "start", started.append)
    with workspace.task_lock(task.uuid, task.name):
        run = add_run(workspace, task, ago=5, state=None)
        page = DashboardPage(context)
        qtbot.addWidget(page)
        page.show()
        page.open(act="sample")
        until(qtbot, lambda: asked == [Place("runs", run)])
        page.hide()
    assert started == []


def test_a_sample_that_cannot_be_made_says_why_and_can_be_tried_again(
    page: DashboardPage, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, asked: list[Place]
) -> None:
    def refuse(_: Workspace) -> Sequence[Task]:
        raise UserError("The disk is full.", remedy="Free some space.")

    monkeypatch.setattr(sample, "install", refuse)
    click(qtbot, page.first_start.try_sample)
    until(qtbot, page.first_start.try_sample.isEnabled)
    assert page.first_start.state.text() == "The disk is full. Free some space."
    assert asked == []


def test_a_sample_that_cannot_be_started_says_why(
    page: DashboardPage, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, workspace: Workspace, context: Context
) -> None:
    task = sample_is_there(workspace, monkeypatch)[0]
    started: list[RunRequest] = []
    monkeypatch.setattr(context.runs, "start", started.append)
    click(qtbot, page.first_start.try_sample)
    until(qtbot, lambda: bool(started))
    context.runs.failed.emit(task.name, UserError("No more processes can be started.", remedy="Close some."))
    assert page.first_start.state.text() == "No more processes can be started. Close some."
    assert page.first_start.try_sample.isEnabled()


def test_who_went_elsewhere_meanwhile_stays_there(
    page: DashboardPage, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, workspace: Workspace, context: Context, asked: list[Place]
) -> None:
    task = sample_is_there(workspace, monkeypatch)[0]
    started: list[RunRequest] = []
    monkeypatch.setattr(context.runs, "start", started.append)
    click(qtbot, page.first_start.try_sample)
    until(qtbot, lambda: bool(started))
    page.left()
    page.hide()
    context.runs.event.emit(task.uuid, {"event": "RunStarted", "run": "the run"})
    assert asked == []


def test_a_workspace_with_a_task_of_ones_own_begins_with_the_dashboard(
    workspace: Workspace, context: Context, qtbot: QtBot
) -> None:
    add_task(workspace, "Mine")
    page = DashboardPage(context)
    qtbot.addWidget(page)
    page.show()
    until(qtbot, page.view.isVisible)
    assert page.new_task.isVisible()


def sample_is_there(workspace: Workspace, patch: pytest.MonkeyPatch) -> Sequence[Task]:
    """The sample's tasks, saved; its data, which take seconds to make, are left out."""
    tasks = sample.shipped()
    for task in tasks:
        workspace.tasks.save(task)
    patch.setattr(sample, "install", lambda _: tasks)
    return tasks
