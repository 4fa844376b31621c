"""The window in this process, offscreen: window_inside.py FOLDER DATABASE SECONDS RUNS; its figures as JSON on standard output.

beat: how late a timer of 10 ms is, at rest and while two runs move the table `flights` of DATABASE over and over, in milliseconds.
growth: resident memory before and after so many simulated runs, in megabytes.
"""

import json
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import psutil
from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from dtaas_desktop.domain.connection import Connection
from dtaas_desktop.domain.design import Design, Link, Node
from dtaas_desktop.domain.task import Task
from dtaas_desktop.services.run_request import RunRequest
from dtaas_desktop.services.runs_view import RunRecord
from dtaas_desktop.services.workspace import Workspace, open_workspace
from dtaas_desktop.ui.background import Background
from dtaas_desktop.ui.context import Context, Navigator
from dtaas_desktop.ui.garbage import Garbage
from dtaas_desktop.ui.live_runs import LiveRuns
from dtaas_desktop.ui.main_window import MainWindow
from dtaas_desktop.ui.theme import Theme

BEAT_MILLISECONDS = 10
_TASKS = ("First", "Second")


def main() -> int:
    folder, database, seconds, runs = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3]), int(sys.argv[4])
    application = QApplication(["dtaas-desktop"])
    garbage = Garbage(application)
    garbage.begin()
    workspace = open_workspace(folder / "workspace")
    tasks = _prepare(workspace, folder, database)
    background, live = Background(), LiveRuns(workspace)
    window = MainWindow(Context(workspace, Theme(application, "dark"), background, live, Navigator()))
    window.resize(1440, 900)
    window.show()
    for task in tasks:  # the dashboard has something to show
        _run_and_wait(live, task)
    window.go("dashboard")
    QTest.qWait(3000)
    idle = _lateness(seconds, lambda: None)
    busy = _lateness(seconds, lambda: _keep_running(live, tasks))
    for task in tasks:
        live.cancel(task.uuid)
    _wait(lambda: not live.running and not live.starting)
    before, after = _growth(live, tasks, runs)
    print(json.dumps({"idle": idle, "busy": busy, "before": before, "after": after}))
    window.close_without_asking()
    live.close("keep")
    background.close()
    workspace.close()
    garbage.end()
    return 0


def _prepare(workspace: Workspace, folder: Path, database: str) -> list[Task]:
    workspace.connections.save(Connection("From", "sqlite", {"path": database}))
    tasks = []
    for name in _TASKS:
        (folder / name).mkdir()
        workspace.connections.save(Connection(name, "folder", {"path": str(folder / name)}))
        nodes = (
            Node("source", "source", {"connection": "From", "tables": ["flights"]}),
            Node("to", "destination", {"connection": name}),
        )
        tasks.append(Task(str(uuid.uuid4()), name, Design(nodes, (Link("source", "to"),))))
        workspace.tasks.save(tasks[-1])
    return tasks


def _run_and_wait(live: LiveRuns, task: Task) -> None:
    live.start(RunRequest(task.name))
    _wait(lambda: task.uuid in live.latest and live.latest[task.uuid].state == "done")


def _keep_running(live: LiveRuns, tasks: list[Task]) -> None:
    alive = {run.task_name for run in live.running} | live.starting
    for task in tasks:
        if task.name not in alive:
            live.start(RunRequest(task.name))


def _lateness(seconds: float, meanwhile: Callable[[], None]) -> list[float]:
    """How much later than 10 ms after the one before each beat came, in milliseconds."""
    late: list[float] = []
    last = time.perf_counter()

    def beat() -> None:
        nonlocal last
        now = time.perf_counter()
        late.append(max(0.0, (now - last) * 1000 - BEAT_MILLISECONDS))
        last = now

    timer = QTimer()
    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.timeout.connect(beat)
    meanwhile()
    QTest.qWait(1500)  # processes start
    last = time.perf_counter()
    timer.start(BEAT_MILLISECONDS)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        QTest.qWait(500)
        meanwhile()
    timer.stop()
    return late[1:]


def _growth(live: LiveRuns, tasks: list[Task], runs: int) -> tuple[float, float]:
    """Megabytes after a tenth of the runs, and after all: what they say goes through the window as that of real ones does."""
    before = 0.0
    for number in range(runs):
        task = tasks[number % len(tasks)]
        run = str(uuid.uuid4())
        for event in _events(run, task, number):
            live.event.emit(task.uuid, event)
        live.ended.emit(RunRecord(run, task.uuid, task.name, "done", time.time() - 1, time.time(), "", "", rows_read=number))
        if number % 100 == 0:
            QApplication.processEvents()
        if number == runs // 10:
            before = _resident()
    QTest.qWait(1000)
    return before, _resident()


def _events(run: str, task: Task, number: int) -> list[dict[str, object]]:
    counts = {"read": number, "filtered": 0, "rejected": 0, "written": number, "nulled": 0}
    table = {"table_run": "From/flights", "table": "flights", "target": "flights", "connection": task.name}
    progress = {"bytes": number, "parts_done": 1, "parts": 2, "rows_per_second": 1e5, "percent": 50.0, "seconds_left": 1.0}
    return [
        {"event": "RunStarted", "run": run, "task": task.name, "tables": 1},
        {"event": "TableStarted", **table, "parts": 2, "rows_estimate": 1000, "kind": "load"},
        {"event": "TableProgress", **table, "counts": counts, **progress},
        {"event": "Notice", "level": "info", "message": f"Run {number}.", "table": "flights"},
        {"event": "RunFinished", "run": run, "state": "done", "counts": counts, "seconds": 1.0},
    ]


def _wait(happened: Callable[[], bool], seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > deadline:
            raise TimeoutError("a run did not come to its end")
        QTest.qWait(50)


def _resident() -> float:
    return float(psutil.Process().memory_info().rss) / 1e6


if __name__ == "__main__":
    sys.exit(main())
