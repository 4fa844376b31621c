"""How quickly the window's questions are answered when the history holds a million runs.

    .venv/bin/python packaging/benchmarks/history.py [--runs 1000000] [--tasks 200] [FOLDER]

Fills a new workspace (in FOLDER, or one that is removed again) and times every question of the dashboard and of the runs page.
"""

import argparse
import random
import statistics
import tempfile
import time
import uuid
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import insert, update

from dtaas_desktop.domain.design import Design
from dtaas_desktop.domain.schedule import Schedule
from dtaas_desktop.domain.task import Task
from dtaas_desktop.services import records
from dtaas_desktop.services.activity import Activity
from dtaas_desktop.services.activity_sums import HOUR, MINUTE
from dtaas_desktop.services.attention import Attention
from dtaas_desktop.services.scheduler import Scheduler
from dtaas_desktop.services.workspace import Workspace, open_workspace

LIMIT_MS = 300
DAYS = 60
_ROWS_AT_A_TIME = 20_000
_STATES = ("done",) * 93 + ("failed",) * 3 + ("partly failed", "paused", "cancelled", "interrupted")
_BAD = ("failed", "partly failed", "interrupted")


def fill(workspace: Workspace, runs: int, tasks: int, now: float, *, seed: int = 1) -> None:
    """A history of `runs` runs over two months that ends `now`, with the sums, tables and parts that go with it."""
    dice = random.Random(seed)
    names = {str(uuid.UUID(int=dice.getrandbits(128))): f"Task {number:04} of {tasks}" for number in range(tasks)}
    for task, name in names.items():
        workspace.tasks.save(Task(task, name, Design(), schedule=Schedule("every", 15, "minutes")))
    with workspace.database.writing() as connection:
        connection.execute(update(records.schedule_marks).values(handled_at=now))
    sums: dict[tuple[int, int, str], dict[str, float]] = defaultdict(lambda: defaultdict(float))
    step = DAYS * 86_400 / runs
    chosen = list(names)
    made: list[dict[str, Any]] = []
    for number in range(runs):
        made.append(_run(dice, dice.choice(chosen), names, now - DAYS * 86_400 + number * step, number))
        _add(sums, made[-1], now)
        if len(made) == _ROWS_AT_A_TIME or number == runs - 1:
            with workspace.database.writing() as connection:
                connection.execute(insert(records.runs), made)
                if runs - number < 2 * _ROWS_AT_A_TIME:  # the newest ones have details
                    connection.execute(insert(records.table_runs), [_table(run, index) for run in made for index in range(3)])
            made = []
    rows = [{"span": span, "began_at": at, "task": task} | sums[span, at, task] for span, at, task in sums]
    for first in range(0, len(rows), _ROWS_AT_A_TIME):
        with workspace.database.writing() as connection:
            connection.execute(insert(records.activity), rows[first : first + _ROWS_AT_A_TIME])


def _run(dice: random.Random, task: str, names: dict[str, str], started: float, number: int) -> dict[str, Any]:
    state, seconds, rows = dice.choice(_STATES), dice.expovariate(1 / 40), int(dice.expovariate(1 / 200_000))
    return {
        "id": str(uuid.UUID(int=dice.getrandbits(128))),
        "task": task,
        "task_name": names[task],
        "state": state,
        "process": number % 30_000 + 2,
        "started_at": started,
        "seen_at": started + seconds,
        "finished_at": started + seconds,
        "failures": "fix" if state in _BAD else "",
        "message": f"Connection {number % 50} could not be reached." if state == "failed" else "",
        "remedy": "Check its address." if state == "failed" else "",
        "host": "bench",
        "origin": "schedule",
        "rows_read": rows,
        "rows_written": rows,
        "rows_rejected": 0,
        "bytes": rows * 60,
        "rows_per_second": rows / max(seconds, 0.1),
        "percent": 100.0,
        "following": False,
    }


def _table(run: dict[str, Any], index: int) -> dict[str, Any]:
    failed = run["state"] in _BAD and index == 0
    return {
        "run": run["id"],
        "name": f"db/table{index} source → to",
        "began_at": run["started_at"],
        "source_table": f"dbo.table{index}",
        "connection": "out",
        "target": f"table{index}",
        "state": "failed" if failed else "done",
        "failure": "fix" if failed else "",
        "message": "A value is over the limit." if failed else "",
        "rows_read": run["rows_read"] // 3,
        "rows_written": run["rows_read"] // 3,
    }


def _add(sums: dict[tuple[int, int, str], dict[str, float]], run: dict[str, Any], now: float) -> None:
    for span in (MINUTE, HOUR):
        if span == MINUTE and run["started_at"] < now - 3 * 86_400:
            continue
        one = sums[span, int(run["finished_at"]) // span * span, run["task"]]
        one["rows_written"] += run["rows_written"]
        one["bytes"] += run["bytes"]
        one["runs"] += 1
        one["failed"] += run["state"] in _BAD
        one["seconds"] += run["finished_at"] - run["started_at"]
        one["peak"] = max(one["peak"], run["rows_per_second"])


def questions(workspace: Workspace, now: float) -> dict[str, Callable[[], object]]:
    """Everything that the window asks of a history, by what it is for."""
    history, activity, attention = workspace.history, Activity(workspace.database), Attention(workspace.database)
    some = workspace.tasks.all()[0]
    last = history.runs(limit=200)[-1]
    scheduler = Scheduler(workspace, lambda _: None)
    found: dict[str, Callable[[], object]] = {}
    for span in ("1 h", "24 h", "7 d", "30 d"):
        found[f"dashboard: summary, {span}"] = lambda span=span: activity.summary(span, now)  # type: ignore[misc]
        found[f"dashboard: rates, {span}"] = lambda span=span: activity.rates(span, now)  # type: ignore[misc]
        found[f"dashboard: outcomes, {span}"] = lambda span=span: activity.outcomes(span, now)  # type: ignore[misc]
    return found | {
        "dashboard: latest run of each task": history.latest_by_task,
        "dashboard: needs attention": lambda: attention.list(now),
        "dashboard: runs of one task": lambda: activity.per_run(some.uuid),
        "dashboard: runs of all tasks": lambda: activity.per_run(None),
        "running runs": history.running,
        "dead runs": lambda: history.settle_dead(workspace.is_running),
        "scheduler: tick": scheduler.tick,
        "runs: first page": history.runs,
        "runs: second page": lambda: history.runs(before=last.started_at),
        "runs: page a month ago": lambda: history.runs(before=now - 30 * 86_400),
        "runs: of one task": lambda: history.runs(task=some.uuid),
        "runs: failed": lambda: history.runs(states=["failed", "partly failed", "interrupted"]),
        "runs: failed, of one task": lambda: history.runs(task=some.uuid, states=["failed", "interrupted"]),
        "runs: search, one name": lambda: history.runs(search=some.name),
        "runs: search, every name": lambda: history.runs(search="task"),
        "runs: search, no name": lambda: history.runs(search="nothing like it"),
        "runs: search, id": lambda: history.runs(search=last.id[:8]),
        "runs: search, one name, failed": lambda: history.runs(search=some.name, states=["failed"]),
        "runs: search, every name, failed": lambda: history.runs(search="task", states=["failed"]),
        "run: its tables": lambda: history.table_runs(last.id),
        "run: its log": lambda: history.log(last.id),
    }


def timed(question: Callable[[], object], *, times: int = 5) -> float:
    """Milliseconds, the median of some tries."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        question()
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken)


def main() -> None:
    """Fill, ask, tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "folder", nargs="?", type=Path, help="a workspace to fill; one with PostgreSQL is named in its workspace.json"
    )
    parser.add_argument("--runs", type=int, default=1_000_000)
    parser.add_argument("--tasks", type=int, default=200)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        workspace = open_workspace(options.folder or Path(temporary))
        try:
            now, began = time.time(), time.perf_counter()
            fill(workspace, options.runs, options.tasks, now)
            print(f"{options.runs:,} runs of {options.tasks} tasks, filled in {time.perf_counter() - began:.0f} s")
            taken = {name: timed(question) for name, question in questions(workspace, now).items()}
            for name, milliseconds in taken.items():
                print(f"{name:<40} {milliseconds:8.1f} ms{'  TOO SLOW' if milliseconds > LIMIT_MS else ''}")
        finally:
            workspace.close()


if __name__ == "__main__":
    main()
