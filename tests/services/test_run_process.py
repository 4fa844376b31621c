"""Runs as processes of their own: killed, orphaned, badly listened to, asked to stop, and seen from elsewhere."""

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from dtaas_desktop.domain.connection import Connection
from dtaas_desktop.domain.design import Design, Link, Node
from dtaas_desktop.domain.errors import TransientError, UserError
from dtaas_desktop.domain.task import Task, TaskOptions
from dtaas_desktop.engine.cancel import CancelToken
from dtaas_desktop.services import run_process
from dtaas_desktop.services.history import DIED
from dtaas_desktop.services.run_process import RunProcess, command_line
from dtaas_desktop.services.run_request import RunRequest
from dtaas_desktop.services.run_service import RunService
from dtaas_desktop.services.workspace import Workspace, open_workspace
from tests.cli.house import House, until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="these tests send POSIX signals")
MIRROR = {"connection": "duck", "write_mode": "mirror"}
LIVE = TaskOptions(transfer="full load, then changes")


class Home:
    """A workspace, the house its tasks read from and write to, and the runs that a test started."""

    def __init__(self, house: House, workspace: Workspace) -> None:
        self.house, self.workspace = house, workspace
        self.started: list[RunProcess] = []
        for name, kind, path in (
            ("db", "sqlite", house.database),
            ("out", "folder", house.output),
            ("duck", "duckdb", house.duckdb),
        ):
            workspace.connections.save(Connection(name, kind, {"path": str(path)}))

    @property
    def folder(self) -> Path:
        return self.workspace.folder

    def task(self, to: dict[str, Any] | None = None, options: TaskOptions | None = None) -> str:
        nodes = (
            Node("source", "source", {"connection": "db", "tables": ["*"]}),
            Node("to", "destination", to or {"connection": "out"}),
        )
        task = Task(str(uuid.uuid4()), "Test", Design(nodes, (Link("source", "to"),)), options or TaskOptions())
        self.workspace.tasks.save(task)
        return task.uuid

    def start(self, **request: Any) -> RunProcess:
        started = RunProcess.start(self.folder, RunRequest("Test", origin="window", **request))
        self.started.append(started)
        return started

    def live(self) -> str:
        """A task that follows a table of ten rows; its UUID."""
        self.house.numbers(10)
        task = self.task(MIRROR, LIVE)
        for captured in RunService(self.workspace).captured("Test"):
            captured.capture.enable([ref for ref, _ in captured.tables])
        return task

    def following(self) -> RunProcess:
        """The run of a `live` task, when it has loaded the table."""
        started = self.start(follow=True)
        until(lambda: any(run.following for run in self.workspace.history.running()))
        return started

    def written(self) -> int:
        """Rows and changes that the only running run has written: the target itself cannot be read while it is written."""
        (run,) = self.workspace.history.running()
        return run.rows_written

    def mirrored(self) -> set[int]:
        return {key for (key,) in self.house.in_duckdb("SELECT id FROM t")}


@pytest.fixture
def home(tmp_path: Path, workspace: Workspace) -> Iterator[Home]:
    house = House(tmp_path)
    house.output.mkdir()
    made = Home(house, workspace)
    yield made
    house.end()
    for started in made.started:
        if started.poll() is None:
            os.kill(started.pid, signal.SIGKILL)
        started.wait()
        started.close()


def kinds(events: Iterator[dict[str, Any]]) -> list[str]:
    return [event["event"] for event in events]


def test_a_run_tells_its_story_and_its_end(home: Home) -> None:
    home.house.numbers(1000)
    task = home.task()
    started = home.start()
    told = kinds(started.events())
    assert started.wait() == 0
    assert (told[0], told[-1]) == ("RunStarted", "RunFinished")
    assert {"TablePlanned", "TableStarted", "PartDone", "TablePublished"} <= set(told)
    run = home.workspace.history.latest(task)
    assert run is not None
    assert (run.state, run.origin, run.process, run.rows_written) == ("done", "window", started.pid, 1000)
    assert not started.log.exists()  # it had nothing to complain of
    assert [part.rows_read for part in home.workspace.history.parts(run.id)] == [1000]
    assert any(line.message.startswith("Published 1,000 rows") for line in home.workspace.history.log(run.id))


def test_what_ended_a_run_is_told_and_its_exit_code_says_what_to_do(home: Home) -> None:
    started = RunProcess.start(home.folder, RunRequest("--no such task"))
    home.started.append(started)
    (told,) = list(started.events())
    assert told["event"] == "Error"
    assert "no task “--no such task”" in told["message"]
    assert started.wait() == 2


def test_a_run_has_a_session_and_a_priority_of_its_own(home: Home) -> None:
    home.live()
    started = home.following()
    child = psutil.Process(started.pid)
    assert os.getsid(started.pid) == started.pid != os.getsid(0)
    assert child.nice() >= psutil.Process().nice() + 10 or child.nice() == 19
    os.kill(started.pid, signal.SIGINT)  # what a terminal would send
    home.house.sql("INSERT INTO t VALUES (11, 'later', 0)")
    until(lambda: home.written() == 11)
    assert started.poll() is None


@pytest.mark.parametrize(("request_", "code", "state"), [("pause", 5, "paused"), ("cancel", 130, "cancelled")])
def test_a_run_ends_as_it_is_asked_through_the_metadata(home: Home, request_: Any, code: int, state: str) -> None:
    home.live()
    started = home.following()
    assert started.ask(request_)
    assert started.wait(60) == code
    record = home.workspace.history.runs(limit=1)[0]
    assert (record.state, record.request) == (state, request_)
    assert any("as asked" in line.message for line in home.workspace.history.log(record.id))
    assert started.ask("pause") is False


def test_a_run_can_be_asked_before_it_has_begun(home: Home) -> None:
    home.live()
    started = home.start(follow=True)
    assert started.ask("pause")
    assert started.wait(60) == 5


def test_a_killed_run_is_settled_as_interrupted_and_goes_on_when_resumed(home: Home) -> None:
    task = home.live()
    started = home.following()
    assert home.workspace.history.settle_dead(home.workspace.is_running) == 0
    os.kill(started.pid, signal.SIGKILL)
    assert started.wait(60) == -signal.SIGKILL
    until(lambda: home.workspace.history.settle_dead(home.workspace.is_running) == 1)
    record = home.workspace.history.latest(task)
    assert record is not None
    assert (record.state, record.message) == ("interrupted", DIED)
    home.house.sql("INSERT INTO t VALUES (11, 'meanwhile', 0)")
    again = home.start(resume=True)
    assert again.wait(60) == 0
    assert home.mirrored() == set(range(1, 12))


def test_the_end_of_the_one_who_started_it_is_not_the_end_of_a_run(home: Home) -> None:
    home.live()
    script = """
import sys, time
from pathlib import Path
from dtaas_desktop.services.run_process import RunProcess
from dtaas_desktop.services.run_request import RunRequest
started = RunProcess.start(Path(sys.argv[1]), RunRequest("Test", follow=True))
print(started.pid, flush=True)
for event in started.events():
    pass
"""
    parent = subprocess.Popen([sys.executable, "-c", script, str(home.folder)], stdout=subprocess.PIPE, text=True)
    home.house.started.append(parent)
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    try:
        until(lambda: any(run.following for run in home.workspace.history.running()))
        parent.kill()
        parent.wait()
        for key in (11, 12, 13):  # each tells something into the broken pipe
            home.house.sql(f"INSERT INTO t VALUES ({key}, 'later', 0)")
            until(lambda: home.written() == key)  # noqa: B023 - called at once
        record = RunService(home.workspace).pause("Test", wait_seconds=60)
        assert record.state == "paused"
        psutil.wait_procs([child], timeout=30)
        assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
        assert home.mirrored() == set(range(1, 14))
    finally:
        if child.is_running():
            child.kill()


def test_a_run_does_not_wait_for_a_reader_who_does_not_read(home: Home) -> None:
    for number in range(60):
        home.house.numbers(2, f"a table with quite a long name, number {number}")
    task = home.task()
    started = home.start()
    until(lambda: started.poll() is not None, seconds=100)
    record = home.workspace.history.latest(task)
    assert record is not None
    assert (record.state, record.rows_written) == ("done", 120)
    assert len(home.workspace.history.table_runs(record.id)) == 60
    assert kinds(started.events())[0] == "RunStarted"
    assert started.wait() == 0


def test_a_run_does_not_mind_that_nobody_listens(home: Home) -> None:
    home.house.numbers(1000)
    home.task()
    started = home.start()
    started.close()
    assert started.wait(100) == 0
    assert home.house.published().num_rows == 1000


def test_a_run_that_was_started_elsewhere_is_seen_and_can_be_stopped(home: Home) -> None:
    task = home.live()
    home.following()
    elsewhere = open_workspace(home.folder)
    try:
        assert elsewhere.is_running(task)
        (run,) = elsewhere.history.running()
        assert (run.task_name, run.following, run.rows_written) == ("Test", True, 10)
        with pytest.raises(TransientError, match="already running"):
            RunService(elsewhere).run(RunRequest("Test"), emit=lambda _: None, cancel=CancelToken())
        with pytest.raises(UserError, match="is running"):
            elsewhere.tasks.delete(task)
        assert RunService(elsewhere).cancel("Test", wait_seconds=60).state == "cancelled"
        until(lambda: not elsewhere.is_running(task))
    finally:
        elsewhere.close()


def test_one_waits_only_as_long_as_one_says(home: Home) -> None:
    home.live()
    started = home.following()
    with pytest.raises(TimeoutError):
        started.wait(0.01)


def test_the_command_says_everything_that_was_asked(tmp_path: Path) -> None:
    asked = RunRequest("-Nightly", resume=True, take_over={"b", "a"}, reload={"*"}, only={"-t"}, follow=True, origin="schedule")
    command = command_line(tmp_path, asked)
    assert command[:4] == [sys.executable, "-P", "-m", "dtaas_desktop"]
    assert command[4:] == [
        "--attached",
        f"--workspace={tmp_path}",
        "--origin=schedule",
        "--resume-task=-Nightly",
        "--take-over=a",
        "--take-over=b",
        "--full-reload=*",
        "--only=-t",
        "--follow",
    ]


@pytest.mark.parametrize("suffix", ["", ".exe"])
def test_an_installed_program_starts_its_console_sibling(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str) -> None:
    window = tmp_path / f"dtaas-desktop{suffix}"
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", str(window))
    assert command_line(tmp_path, RunRequest("T"))[0] == str(window)
    console = tmp_path / f"{run_process.CONSOLE_PROGRAM}{suffix}"
    console.touch()
    assert command_line(tmp_path, RunRequest("T"))[:2] == [str(console), "--attached"]


def test_a_program_that_is_missing_is_said_in_a_sentence(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(home.folder / "gone"))
    with pytest.raises(UserError, match="could not be started"):
        RunProcess.start(home.folder, RunRequest("Test"))
