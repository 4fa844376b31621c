"""Workspaces to look at: an empty one, and one with a month of history, real runs, a failure, and a run that goes on."""

import random
import sqlite3
import time
import uuid
from contextlib import ExitStack, closing, suppress
from pathlib import Path

from sqlalchemy import insert

from dtaas_desktop.domain.connection import Connection
from dtaas_desktop.domain.design import Design, Link, Node
from dtaas_desktop.domain.errors import AppError
from dtaas_desktop.domain.schedule import Schedule
from dtaas_desktop.domain.task import Task, TaskOptions
from dtaas_desktop.engine.cancel import CancelToken
from dtaas_desktop.services import records
from dtaas_desktop.services.run_request import RunRequest
from dtaas_desktop.services.run_service import RunService
from dtaas_desktop.services.workspace import Workspace

_TABLES = {
    "Orders": "id INTEGER NOT NULL PRIMARY KEY, customer TEXT NOT NULL, status TEXT, amount DECIMAL(12,2), ordered_at TIMESTAMP",
    "OrderLines": "id INTEGER NOT NULL PRIMARY KEY, order_id INTEGER NOT NULL, product INTEGER, quantity INTEGER, price DECIMAL(12,2)",
    "Customers": "id INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL, city TEXT, since DATE",
    "Products": "id INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL, price DECIMAL(12,2)",
    "Prices": "product INTEGER NOT NULL, valid_from DATE NOT NULL, price DECIMAL(12,2), PRIMARY KEY (product, valid_from)",
    "A_table_whose_name_is_much_longer_than_anybody_would_wish_for_in_a_list": "id INTEGER NOT NULL PRIMARY KEY, note TEXT",
}
_CUSTOMERS = ("Kestrel Ltd", "Nordwind GmbH", "Åkesson AB", "Café Zoë", "東京商事", "O’Neill & Sons")
_DAY = 86_400.0


def fill(workspace: Workspace, folder: Path, stack: ExitStack) -> dict[str, str]:
    """Fill an empty workspace; files go into `folder`. What must stay open (a run's lock) goes to `stack`.

    The answer: ids of runs by what they are: done, failed, running; and of a task.
    """
    source = folder / "shop.sqlite"
    _make_source(source)
    for connection in (
        Connection("Shop, production", "sqlite", {"path": str(source)}),
        Connection("People", "sqlite", {"path": str(source)}),
        Connection("Data lake", "folder", {"path": str(folder / "lake")}),
        Connection("Analytics", "duckdb", {"path": str(folder / "analytics.duckdb")}),
        Connection("Old archive", "folder", {"path": str(folder / "missing" / "archive")}),
    ):
        workspace.connections.save(connection)
    nightly = _task(
        workspace, "Nightly sales", "Shop, production", ["*"], ["Data lake", "Analytics"], Schedule("daily", at="02:00")
    )
    live = _task(
        workspace, "Orders live", "Shop, production", ["Orders"], ["Analytics"], Schedule("continuous"), name="live_{table}"
    )
    archive = _task(workspace, "CRM to the archive", "Shop, production", ["Customers", "Products"], ["Old archive"], Schedule())
    weekly = _task(
        workspace, "HR weekly", "People", ["Customers"], ["Data lake"], Schedule("weekly", days=(0, 4)), name="hr_{table}"
    )
    found = {"task": nightly.uuid}
    _run(workspace, nightly)
    _spoil(source)
    for task, what in ((nightly, "failed"), (archive, "refused"), (weekly, "done")):
        found[what] = _run(workspace, task)
    _past(workspace, [nightly, live, archive, weekly])
    found["running"] = _going_on(workspace, live, stack)
    return found


def _make_source(path: Path) -> None:
    dice = random.Random(1)
    with closing(sqlite3.connect(path)) as connection:
        for table, columns in _TABLES.items():
            connection.execute(f'CREATE TABLE "{table}" ({columns})')
        moment = "2026-11-21 09:14:{:02d}"
        orders = [
            (
                i,
                dice.choice(_CUSTOMERS),
                dice.choice(["open", "shipped", None]),
                f"{dice.random() * 9000:.2f}",
                moment.format(i % 60),
            )
            for i in range(100_000, 130_000)
        ]
        connection.executemany("INSERT INTO Orders VALUES (?, ?, ?, ?, ?)", orders)
        lines = [(i, 100_000 + i // 3, i % 50, 1 + i % 7, f"{dice.random() * 90:.2f}") for i in range(90_000)]
        connection.executemany("INSERT INTO OrderLines VALUES (?, ?, ?, ?, ?)", lines)
        customers = [(i, name, "Göteborg", "2019-03-01") for i, name in enumerate(_CUSTOMERS)]
        connection.executemany("INSERT INTO Customers VALUES (?, ?, ?, ?)", customers)
        connection.executemany("INSERT INTO Products VALUES (?, ?, ?)", [(i, f"Product {i}", "9.90") for i in range(50)])
        prices = [(i, f"2026-{1 + m:02d}-01", "9.90") for i in range(50) for m in range(12)]
        connection.executemany("INSERT INTO Prices VALUES (?, ?, ?)", prices)
        connection.commit()


def _spoil(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE Prices SET price = 'on request' WHERE product = 7 AND valid_from = '2026-03-01'")
        connection.commit()


def _task(
    workspace: Workspace,
    title: str,
    source: str,
    tables: list[str],
    destinations: list[str],
    schedule: Schedule,
    *,
    name: str = "{table}",
) -> Task:
    nodes = [Node("source", "source", {"connection": source, "tables": tables})]
    nodes += [Node(f"to-{i}", "destination", {"connection": to, "name": name}) for i, to in enumerate(destinations)]
    links = tuple(Link("source", node.id) for node in nodes[1:])
    task = Task(str(uuid.uuid4()), title, Design(tuple(nodes), links), TaskOptions(), schedule)
    workspace.tasks.save(task)
    return task


def _run(workspace: Workspace, task: Task) -> str:
    with suppress(AppError):  # it is in the history, which is what it is for
        RunService(workspace).run(RunRequest(task.name), emit=lambda event: None, cancel=CancelToken())
    latest = workspace.history.latest(task.uuid)
    assert latest is not None
    return latest.id


def _past(workspace: Workspace, tasks: list[Task]) -> None:
    """A month of runs and their sums, as the history would have written them."""
    dice = random.Random(2)
    now = time.time()
    runs: list[dict[str, object]] = []
    sums: list[dict[str, object]] = []
    hour_now = int(now) // 3600 * 3600
    for number, task in enumerate(tasks):
        rate = 90_000.0 + 70_000 * number
        for hour in range(hour_now - 30 * 24 * 3600, hour_now + 1, 3600):
            rate = min(360_000.0, max(40_000.0, rate + dice.uniform(-30_000, 31_000)))
            seconds, bad = 20 + 60 * dice.random(), dice.random() < 0.02
            if now - hour < 600:
                continue  # the runs of this hour are those that are really made
            runs.append(_past_run(task, hour + 60.0, seconds, int(rate * seconds), rate, "failed" if bad else "done"))
            if hour < hour_now:
                sums.append(_sum(task, 3600, hour, rate, seconds, bad))
            if now - hour < 3 * _DAY:
                minutes = min(60, int(now - hour) // 60)
                ends = ([(seconds, bad)] + [None] * 59)[:minutes]
                sums += [_minute(task, hour + 60 * at, rate * dice.uniform(0.85, 1.15), end) for at, end in enumerate(ends)]
    with workspace.database.writing() as connection:
        connection.execute(insert(records.runs), runs)
        connection.execute(insert(records.activity), sums)


def _minute(task: Task, at: int, rate: float, end: tuple[float, bool] | None) -> dict[str, object]:
    seconds, bad = end or (0.0, False)
    return _sum(task, 60, at, rate, seconds, bad) | {"runs": int(end is not None)}


def _sum(task: Task, span: int, at: int, rate: float, seconds: float, bad: bool) -> dict[str, object]:
    rows = int(rate * span)
    sums = {"rows_written": rows, "bytes": rows * 40, "runs": 1, "failed": int(bad), "seconds": seconds, "peak": rate}
    return {"span": span, "began_at": at, "task": task.uuid} | sums


def _past_run(task: Task, at: float, seconds: float, rows: int, rate: float, state: str) -> dict[str, object]:
    return {
        "id": str(uuid.uuid4()),
        "task": task.uuid,
        "task_name": task.name,
        "state": state,
        "process": 1,
        "origin": "schedule",
        "started_at": at,
        "seen_at": at + seconds,
        "finished_at": at + seconds,
        "rows_read": rows,
        "rows_written": rows,
        "bytes": rows * 40,
        "rows_per_second": rate,
        "failures": "wait" if state == "failed" else "",
        "message": "The metadata of the source could not be read in time." if state == "failed" else "",
        "remedy": "Try again in a moment." if state == "failed" else "",
    }


def _going_on(workspace: Workspace, task: Task, stack: ExitStack) -> str:
    """A run that counts as running, because this process holds its lock."""
    stack.enter_context(workspace.task_lock(task.uuid, task.name))
    run, now = str(uuid.uuid4()), time.time()
    record = _past_run(task, now - 252, 0.0, 12_480_112, 214_000.0, "running") | {
        "finished_at": None,
        "seen_at": now + 3600,
        "percent": 64.0,
        "seconds_left": 240.0,
        "bytes": 1_900_000_000,
    }
    states = (
        ("Orders", "running", 58.0),
        ("OrderLines", "running", 41.0),
        ("Customers", "done", 100.0),
        ("Prices", "waiting", 0.0),
    )
    tables = [
        {
            "run": run,
            "name": f"Shop/{name}→Analytics",
            "began_at": now - 250 + at,
            "source_table": name,
            "connection": "Analytics",
            "target": f"live_{name}",
            "state": state,
            "rows_read": int(7_204_331 * percent / 100),
            "rows_filtered": 102_461 if at == 0 else 0,
            "rows_written": int(7_204_331 * percent / 100) - (102_461 if at == 0 else 0),
            "bytes": int(9e6 * percent),
            "parts": 12,
            "parts_done": int(12 * percent / 100),
            "rows_estimate": 7_204_331,
            "rows_per_second": 107_000.0,
            "percent": percent,
            "seconds_left": 120.0,
        }
        for at, (name, state, percent) in enumerate(states)
    ]
    record |= {name: sum(int(str(one[name])) for one in tables) for name in ("rows_read", "rows_written", "bytes")}
    parts = [
        {
            "run": run,
            "table_run": table["name"],
            "part": str(part),
            "began_at": now - 250 + 20 * part,
            "ended_at": now - 232 + 20 * part,
            "rows_read": 600_000,
        }
        for table, done in ((tables[0], 7), (tables[1], 5), (tables[2], 12))
        for part in range(done)
    ]
    lines = [
        {"run": run, "at": now - 250 + 9 * at, "level": level, "source_table": table, "message": message}
        for at, (level, table, message) in enumerate(
            (
                ("info", "", "Planned: 4 tables in 48 parts, all as of one moment."),
                ("warning", "Orders", "Part 3: the database is locked, again in 2 s."),
                ("info", "Customers", "Published 7,204,331 rows to Analytics/live_Customers, revision 3."),
            )
        )
    ]
    with workspace.database.writing() as connection:
        connection.execute(insert(records.runs).values(**record | {"id": run}))
        for table, rows in ((records.table_runs, tables), (records.part_runs, parts), (records.log_lines, lines)):
            for row in rows:
                connection.execute(insert(table).values(**row))
    return run
