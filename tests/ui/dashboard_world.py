"""A workspace with a past: tasks, and runs written into its history at moments of one's choice."""

import sqlite3
import time
import uuid
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from dtaas_desktop.domain.connection import Connection
from dtaas_desktop.domain.design import Design, Link, Node
from dtaas_desktop.domain.events import RunStarted, TablePlanned, TableProgress, TableStarted
from dtaas_desktop.domain.table import Counts
from dtaas_desktop.domain.task import Task
from dtaas_desktop.services.runs_view import RunState
from dtaas_desktop.services.workspace import Workspace

HOUR, DAY = 3600.0, 86_400.0


def until(qtbot: QtBot, condition: Callable[[], bool], seconds: float = 30) -> None:
    """Wait for it: long enough for a machine that is busy with other tests."""
    qtbot.waitUntil(condition, timeout=int(seconds * 1000))


def add_task(workspace: Workspace, name: str, *, rows: int = 50) -> Task:
    """A task that copies one real table of `rows` rows from a SQLite file into a folder; saved, with its connections."""
    folder = workspace.folder / "systems"
    (folder / "output").mkdir(parents=True, exist_ok=True)
    source = folder / "shop.sqlite"
    if not source.exists():
        make_shop(source, rows)
    workspace.connections.save(Connection("Shop", "sqlite", {"path": str(source)}))
    workspace.connections.save(Connection("Output", "folder", {"path": str(folder / "output")}))
    nodes = (
        Node("from", "source", {"connection": "Shop", "tables": ["orders"]}),
        Node("to", "destination", {"connection": "Output", "name": f"{name.replace(' ', '_').lower()}_{{table}}"}),
    )
    task = Task(str(uuid.uuid4()), name, Design(nodes, (Link("from", "to"),)))
    workspace.tasks.save(task)
    return task


def make_shop(path: Path, rows: int) -> None:
    with closing(sqlite3.connect(path)) as shop:
        shop.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, amount REAL)")
        shop.executemany("INSERT INTO orders VALUES (?, ?)", ((at, at / 4) for at in range(rows)))
        shop.commit()


def add_run(
    workspace: Workspace,
    task: Task,
    *,
    ago: float = 60.0,
    seconds: float = 20.0,
    rows: int = 1000,
    state: RunState | None = "done",
    message: str = "",
    percent: float | None = None,
) -> str:
    """A run that began `ago` seconds before now and took `seconds`; its id. `state` None: it still runs."""
    run = str(uuid.uuid4())
    began = time.time() - ago
    history = workspace.history
    table = ("orders", "orders", "output/orders")
    counts = Counts(read=rows, written=rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time", lambda: began)
        history.begin(run, task=task.uuid, name=task.name, process=1)
        history.note(
            run,
            [
                (began, RunStarted(run, task.name, 1)),
                (began, TablePlanned(*table, "Output", 1, rows)),
                (began, TableStarted(*table, "Output", 1, rows)),
            ],
        )
        patch.setattr(time, "time", lambda: began + seconds)
        progress = TableProgress(*table, counts, rows * 20, 0, 1, rows / seconds, percent, None)
        history.note(run, [(began + seconds, progress)])
        if state is not None:
            history.end(run, state, message=message, failures="fix" if state == "failed" else "")
    return run
