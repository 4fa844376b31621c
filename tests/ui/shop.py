"""A shop to look at: a SQLite database with a few tables, tasks on it, and runs of them that are over."""

import sqlite3
import uuid
from collections.abc import Mapping, Sequence
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton, QWidget
from pytestqt.qtbot import QtBot

from dtaas_desktop.domain.connection import Connection
from dtaas_desktop.domain.design import Design, Link, Node
from dtaas_desktop.domain.schedule import Schedule
from dtaas_desktop.domain.task import Task, TaskOptions
from dtaas_desktop.engine.cancel import CancelToken
from dtaas_desktop.services.run_request import RunRequest
from dtaas_desktop.services.run_service import RunService
from dtaas_desktop.services.runs_view import RunRecord
from dtaas_desktop.services.workspace import Workspace
from dtaas_desktop.ui.question import Question

PATIENCE = 60_000  # milliseconds
TABLES = ("audit", "customers", "orders")


def make_shop(workspace: Workspace, folder: Path, *, rows: int = 50) -> None:
    """The database with its tables (in `audit` one amount is no number), and connections to it, a folder and a DuckDB file."""
    with closing(sqlite3.connect(folder / "shop.sqlite")) as connection:
        for table in TABLES:
            connection.execute(f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, name TEXT, amount REAL)")
            values = ((i, f"{table} {i}", i * 1.5) for i in range(1, rows + 1))
            connection.executemany(f"INSERT INTO {table} VALUES (?, ?, ?)", values)
        connection.execute("UPDATE audit SET amount = 'twelve' WHERE id = 12")
        connection.commit()
    (folder / "lake").mkdir()
    workspace.connections.save(Connection("Shop", "sqlite", {"path": str(folder / "shop.sqlite")}))
    workspace.connections.save(Connection("Lake", "folder", {"path": str(folder / "lake")}))
    workspace.connections.save(Connection("Duck", "duckdb", {"path": str(folder / "duck.duckdb")}))


def make_task(
    workspace: Workspace,
    name: str,
    tables: Sequence[str] = ("*",),
    *,
    to: Mapping[str, Any] | None = None,
    options: TaskOptions | None = None,
    schedule: Schedule | None = None,
    steps: Sequence[Node] = (),
) -> Task:
    """A saved task from the shop; into the lake unless told otherwise."""
    source = Node("from", "source", {"connection": "Shop", "tables": list(tables)})
    destination = Node("to", "destination", {"connection": "Lake"} | dict(to or {}))
    nodes = (source, *steps, destination)
    links = tuple(Link(one.id, other.id) for one, other in pairwise(nodes))
    task = Task(str(uuid.uuid4()), name, Design(nodes, links), options or TaskOptions(), schedule or Schedule())
    workspace.tasks.save(task)
    return task


def run_now(workspace: Workspace, task: Task, **asked: Any) -> RunRecord:
    """Run it in this process to its end."""
    RunService(workspace).run(RunRequest(task.name, **asked), emit=lambda _: None, cancel=CancelToken())
    found = workspace.history.latest(task.uuid)
    assert found is not None
    return found


def click(qtbot: QtBot, widget: QWidget) -> None:
    """Click in the middle of something that is seen and can be used."""
    qtbot.waitUntil(widget.isVisible, timeout=PATIENCE)
    assert widget.isEnabled(), f"it is disabled: {widget.toolTip()}"
    qtbot.mouseClick(widget, Qt.MouseButton.LeftButton)


def question_of(qtbot: QtBot, window: QWidget) -> Question:
    """The question that is asked now."""
    found: list[Question] = []

    def is_asked() -> bool:
        found[:] = [one for one in window.findChildren(Question) if one.isVisible()]
        return bool(found)

    qtbot.waitUntil(is_asked, timeout=PATIENCE)
    return found[-1]


def answer(qtbot: QtBot, window: QWidget, verb: str) -> str:
    """Press the button with this verb; what was asked."""
    asked = question_of(qtbot, window)
    title = asked.windowTitle()
    click(qtbot, next(one for one in asked.findChildren(QPushButton) if one.text() == verb))
    return title
