"""Runs as the window sees them, with real processes of a tiny task."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
from pytestqt.qtbot import QtBot

from dtaas_desktop.domain.errors import AppError
from dtaas_desktop.domain.schedule import Schedule
from dtaas_desktop.services.run_request import RunRequest
from dtaas_desktop.services.runs_view import RunRecord
from dtaas_desktop.services.workspace import Workspace
from dtaas_desktop.ui.context import Context
from dtaas_desktop.ui.live_runs import LiveRuns
from tests.cli.house import ROOT
from tests.ui.held import hold, wait_until_told
from tests.ui.small_task import small_task

PATIENCE = 60_000


@pytest.fixture
def runs(context: Context) -> LiveRuns:
    return context.runs


@pytest.fixture(autouse=True)
def _no_run_outlives_the_test() -> Iterator[None]:
    yield
    for child in psutil.Process().children():
        if child.status() == psutil.STATUS_ZOMBIE or "--attached" in child.cmdline():
            child.kill()
            child.wait()


def ended(runs: LiveRuns) -> list[RunRecord]:
    """Fills up with the runs that end."""
    found: list[RunRecord] = []
    runs.ended.connect(found.append)
    return found


def test_a_run_is_started_told_of_while_it_runs_and_seen_to_end(
    runs: LiveRuns, workspace: Workspace, tmp_path: Path, qtbot: QtBot
) -> None:
    task = small_task(workspace, tmp_path)
    over, told = ended(runs), list[tuple[str, dict[str, Any]]]()
    runs.event.connect(lambda uuid, event: told.append((uuid, event)))
    runs.start(RunRequest(task.name))
    assert runs.starting == {"Small"}
    qtbot.waitUntil(lambda: bool(over), timeout=PATIENCE)
    assert [(run.task, run.state, run.rows_written, run.origin) for run in over] == [(task.uuid, "done", 100, "window")]
    assert runs.latest[task.uuid].id == over[0].id
    qtbot.waitUntil(lambda: not runs.starting, timeout=PATIENCE)
    assert {uuid for uuid, _ in told} == {task.uuid}
    names = [event["event"] for _, event in told]
    assert (names[0], names[-1]) == ("RunStarted", "RunFinished")


def test_a_run_is_paused_in_the_middle_and_resumed_to_the_end(
    runs: LiveRuns, workspace: Workspace, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = small_task(workspace, tmp_path)
    gate, over = hold(monkeypatch, tmp_path), ended(runs)
    runs.start(RunRequest(task.name))
    qtbot.waitUntil(lambda: gate.is_held() and bool(runs.running), timeout=PATIENCE)
    runs.pause(task.uuid)
    wait_until_told(qtbot, workspace, "pause")
    gate.open()
    qtbot.waitUntil(lambda: bool(over), timeout=PATIENCE)
    assert over[0].state == "paused"
    qtbot.waitUntil(lambda: not runs.starting, timeout=PATIENCE)
    runs.start(RunRequest(task.name, resume=True))
    qtbot.waitUntil(lambda: len(over) == 2, timeout=PATIENCE)
    assert over[-1].state == "done"
    assert over[-1].rows_written == 100


def test_a_pause_that_is_asked_before_the_run_has_begun_reaches_it(
    runs: LiveRuns, workspace: Workspace, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = small_task(workspace, tmp_path)
    gate, over = hold(monkeypatch, tmp_path), ended(runs)
    runs.start(RunRequest(task.name))
    runs.pause(task.uuid)
    qtbot.waitUntil(lambda: bool(runs.running), timeout=PATIENCE)
    wait_until_told(qtbot, workspace, "pause")
    gate.open()
    qtbot.waitUntil(lambda: bool(over), timeout=PATIENCE)
    assert over[0].state == "paused"


def test_a_cancelled_run_leaves_nothing(
    runs: LiveRuns, workspace: Workspace, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = small_task(workspace, tmp_path)
    gate, over = hold(monkeypatch, tmp_path), ended(runs)
    runs.start(RunRequest(task.name))
    qtbot.waitUntil(lambda: gate.is_held() and bool(runs.running), timeout=PATIENCE)
    runs.cancel(task.uuid)
    wait_until_told(qtbot, workspace, "cancel")
    gate.open()
    qtbot.waitUntil(lambda: bool(over), timeout=PATIENCE)
    assert over[0].state == "cancelled"
    assert not list((tmp_path / "Small").rglob("*.parquet"))


def test_a_run_whose_process_is_killed_is_shown_as_interrupted(
    runs: LiveRuns, workspace: Workspace, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = small_task(workspace, tmp_path)
    gate, over = hold(monkeypatch, tmp_path), ended(runs)
    runs.start(RunRequest(task.name))
    qtbot.waitUntil(lambda: gate.is_held() and bool(runs.running), timeout=PATIENCE)
    os.kill(runs.running[0].process, signal.SIGKILL)
    qtbot.waitUntil(lambda: bool(over), timeout=PATIENCE)
    assert over[0].state == "interrupted"
    assert over[0].remedy
    assert runs.latest[task.uuid].state == "interrupted"


def test_a_run_that_a_command_line_started_is_seen_and_can_be_stopped(
    runs: LiveRuns, workspace: Workspace, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = small_task(workspace, tmp_path)
    gate, over = hold(monkeypatch, tmp_path), ended(runs)
    from dtaas_desktop.services.run_process import _program

    command = [*_program(), f"--workspace={workspace.folder}", f"--run-task={task.name}", "--json"]
    other = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=ROOT)
    try:
        qtbot.waitUntil(lambda: gate.is_held() and bool(runs.running), timeout=PATIENCE)
        assert runs.running[0].origin == "command line"
        assert runs.ours == ()
        runs.cancel(task.uuid)
        wait_until_told(qtbot, workspace, "cancel")
        gate.open()
        qtbot.waitUntil(lambda: bool(over), timeout=PATIENCE)
        assert over[0].state == "cancelled"
        assert other.wait(60) == 130
    finally:
        other.kill()
        other.wait()


def test_a_run_that_cannot_begin_says_why(runs: LiveRuns, workspace: Workspace, tmp_path: Path, qtbot: QtBot) -> None:
    task = small_task(workspace, tmp_path)
    (tmp_path / "Small.sqlite").unlink()
    refused: list[tuple[str, AppError]] = []
    runs.failed.connect(lambda name, error: refused.append((name, error)))
    over = ended(runs)
    runs.start(RunRequest("Nobody's task"))
    runs.start(RunRequest(task.name))
    qtbot.waitUntil(lambda: len(refused) + len(over) == 2 and not runs.starting, timeout=PATIENCE)
    assert refused[0][0] == "Nobody's task"
    assert "Nobody's task" in refused[0][1].message
    said = over[0].message if over else refused[1][1].message
    assert "Small.sqlite" in said


def test_a_task_that_is_just_being_started_is_not_started_twice(
    runs: LiveRuns, workspace: Workspace, tmp_path: Path, qtbot: QtBot
) -> None:
    task = small_task(workspace, tmp_path)
    over = ended(runs)
    runs.start(RunRequest(task.name))
    runs.start(RunRequest(task.name))
    qtbot.waitUntil(lambda: bool(over) and not runs.starting, timeout=PATIENCE)
    assert len(workspace.history.runs(task=task.uuid)) == 1


def test_what_is_due_is_started_by_itself(runs: LiveRuns, workspace: Workspace, tmp_path: Path, qtbot: QtBot) -> None:
    task = small_task(workspace, tmp_path, schedule=Schedule("every", every=1, unit="seconds"))
    over = ended(runs)
    qtbot.waitUntil(lambda: bool(over), timeout=PATIENCE)
    workspace.tasks.save(replace(task, schedule=Schedule()))
    qtbot.waitUntil(lambda: not runs.starting and not runs.running, timeout=PATIENCE)
    assert (over[0].state, over[0].origin) == ("done", "schedule")


def test_the_next_due_time_is_known(runs: LiveRuns, workspace: Workspace, tmp_path: Path, qtbot: QtBot) -> None:
    task = small_task(workspace, tmp_path, schedule=Schedule("every", every=6, unit="hours"))
    qtbot.waitUntil(lambda: runs.next_due is not None, timeout=PATIENCE)
    assert runs.next_due is not None
    assert runs.next_due.task_name == "Small"
    assert timedelta() < runs.due[task.uuid] - datetime.now(UTC) <= timedelta(hours=6)


@pytest.mark.parametrize(("how", "state"), [("keep", "done"), ("pause", "paused"), ("cancel", "cancelled")])
def test_runs_go_on_or_stop_when_the_window_closes_as_was_asked(
    how: Any, state: str, runs: LiveRuns, workspace: Workspace, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = small_task(workspace, tmp_path)
    gate = hold(monkeypatch, tmp_path)
    runs.start(RunRequest(task.name))
    qtbot.waitUntil(lambda: gate.is_held() and bool(runs.running), timeout=PATIENCE)
    child = psutil.Process(runs.running[0].process)
    closed: list[bool] = []
    runs.closed.connect(lambda: closed.append(True))
    runs.close(how)
    qtbot.waitUntil(lambda: bool(closed), timeout=PATIENCE)
    assert child.is_running()
    asked = workspace.history.running()[0].request
    assert asked == (None if how == "keep" else how)
    if how != "keep":
        wait_until_told(qtbot, workspace, how)
    gate.open()
    qtbot.waitUntil(lambda: workspace.history.running() == [], timeout=PATIENCE)
    latest = workspace.history.latest(task.uuid)
    assert latest is not None
    assert latest.state == state
    qtbot.waitUntil(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, timeout=PATIENCE)


def test_a_workspace_that_cannot_be_read_is_said_and_tried_again(
    runs: LiveRuns, workspace: Workspace, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dtaas_desktop.domain.errors import TransientError

    def fail() -> list[RunRecord]:
        raise TransientError("The server of the metadata does not answer.", remedy="Check the network.")

    monkeypatch.setattr(workspace.history, "running", fail)
    qtbot.waitUntil(lambda: runs.trouble is not None, timeout=PATIENCE)
    assert runs.trouble is not None
    assert "does not answer" in runs.trouble.message
    monkeypatch.undo()
    qtbot.waitUntil(lambda: runs.trouble is None, timeout=PATIENCE)


def test_the_runs_of_a_window_that_is_killed_go_on(tmp_path: Path, workspace: Workspace, qtbot: QtBot) -> None:
    task = small_task(workspace, tmp_path)
    gate_file = tmp_path / "gate"
    window = subprocess.Popen(
        [sys.executable, str(Path(__file__).parent / "window_with_a_run.py"), str(workspace.folder), task.name, str(gate_file)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT), "QT_QPA_PLATFORM": "offscreen"},
    )
    try:
        qtbot.waitUntil(gate_file.with_suffix(".held").exists, timeout=PATIENCE)
    finally:
        window.kill()
        window.wait()
    run = workspace.history.running()[0]
    assert psutil.pid_exists(run.process)
    gate_file.touch()
    qtbot.waitUntil(lambda: workspace.history.running() == [], timeout=PATIENCE)
    latest = workspace.history.latest(task.uuid)
    assert latest is not None
    assert (latest.id, latest.state, latest.rows_written) == (run.id, "done", 100)
    qtbot.waitUntil(lambda: not psutil.pid_exists(run.process) or _is_zombie(run.process), timeout=PATIENCE)


def _is_zombie(process: int) -> bool:
    return bool(psutil.Process(process).status() == psutil.STATUS_ZOMBIE)
