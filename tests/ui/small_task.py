"""A tiny task to run: one table from SQLite into a folder, in a process that can be held at a step."""

import sqlite3
import uuid
from contextlib import closing
from pathlib import Path

from dtaas_desktop.domain.connection import Connection
from dtaas_desktop.domain.design import Design, Link, Node
from dtaas_desktop.domain.schedule import Schedule
from dtaas_desktop.domain.task import Task
from dtaas_desktop.services.workspace import Workspace


def small_task(
    workspace: Workspace, folder: Path, name: str = "Small", *, rows: int = 100, schedule: Schedule | None = None
) -> Task:
    """Make and save it: table “numbers” of `rows` rows, from folder/NAME.sqlite into folder/NAME."""
    database, output = folder / f"{name}.sqlite", folder / name
    output.mkdir()
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TABLE numbers (id INTEGER PRIMARY KEY, name TEXT)")
        connection.executemany("INSERT INTO numbers VALUES (?, ?)", ((i, f"name {i}") for i in range(1, rows + 1)))
        connection.commit()
    workspace.connections.save(Connection(f"{name} from", "sqlite", {"path": str(database)}))
    workspace.connections.save(Connection(f"{name} to", "folder", {"path": str(output)}))
    nodes = (
        Node("from", "source", {"connection": f"{name} from", "tables": ["numbers"]}),
        Node("to", "destination", {"connection": f"{name} to"}),
    )
    task = Task(str(uuid.uuid4()), name, Design(nodes, (Link("from", "to"),)), schedule=schedule or Schedule())
    workspace.tasks.save(task)
    return task
