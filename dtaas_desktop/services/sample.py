"""The sample: flights that left New York in 2013, as a SQLite database with two tasks on it."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from functools import cache
from pathlib import Path

import pyarrow as pa

from dtaas_desktop.domain.connection import Connection
from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.task import Task
from dtaas_desktop.domain.task_file import from_json
from dtaas_desktop.services.resources import resources_folder
from dtaas_desktop.services.workspace import Workspace

# Primary keys as the data have them; flights and weather have none that is free of nulls and repeats.
_KEYS = {"airlines": "carrier", "airports": "faa", "planes": "tailnum"}


def install(workspace: Workspace) -> Sequence[Task]:
    """Make what is missing of the sample in the workspace; its tasks. What the user changed stays as it is."""
    folder = workspace.folder / "sample"
    database = folder / "flights.sqlite"
    if not database.exists():
        folder.mkdir(parents=True, exist_ok=True)
        make_database(database)
    output = folder / "output"
    output.mkdir(exist_ok=True)
    known = workspace.connections.all()
    for connection in (
        Connection("Sample flights", "sqlite", {"path": str(database)}),
        Connection("Sample folder", "folder", {"path": str(output)}),
        Connection("Sample DuckDB", "duckdb", {"path": str(folder / "flights.duckdb")}),
    ):
        if connection.name not in known:
            workspace.connections.save(connection)
    tasks = {task.uuid: task for task in workspace.tasks.all()}
    for task in shipped():
        if task.uuid not in tasks:
            workspace.tasks.save(task)
            tasks[task.uuid] = task
    return [tasks[task.uuid] for task in shipped()]


@cache
def shipped() -> Sequence[Task]:
    """The sample's tasks as they are shipped, the one to begin with first; by their UUIDs they are known in a workspace."""
    return tuple(from_json(path.read_text(encoding="utf-8")).task for path in sorted(_folder().glob("*.task.json")))


def make_database(path: Path) -> None:
    """Write the sample's five tables into a new SQLite file. All or nothing: the file appears when it is whole."""
    import pyarrow.parquet as pq  # here: the window knows of the sample, and starts without what makes it

    unfinished = path.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    with closing(sqlite3.connect(unfinished)) as connection:
        connection.execute("PRAGMA journal_mode=OFF")
        for source in sorted(_folder().glob("*.parquet")):
            _make_table(connection, source.stem, pq.read_table(source))
        connection.execute("ANALYZE")
        connection.commit()
    unfinished.replace(path)


def _folder() -> Path:
    folder = resources_folder() / "sample"
    if not folder.is_dir():
        raise UserError(f"The sample data are missing: {folder}.", remedy="Install the application again.")
    return folder


def _make_table(connection: sqlite3.Connection, name: str, table: pa.Table) -> None:
    key = _KEYS.get(name)
    # SQLite lets a key be NULL unless told otherwise.
    columns = [f'"{f.name}" {_declared(f.type)}{" NOT NULL PRIMARY KEY" if f.name == key else ""}' for f in table.schema]
    connection.execute(f'CREATE TABLE "{name}" ({", ".join(columns)})')
    holes = ", ".join("?" * table.num_columns)
    for batch in table.to_batches(max_chunksize=20_000):
        values = [_plain(column).to_pylist() for column in batch.columns]
        connection.executemany(f'INSERT INTO "{name}" VALUES ({holes})', zip(*values, strict=True))


def _declared(type_: pa.DataType) -> str:
    if pa.types.is_integer(type_):
        return "INTEGER"
    if pa.types.is_floating(type_):
        return "REAL"
    return "TIMESTAMP" if pa.types.is_timestamp(type_) else "TEXT"


def _plain(column: pa.Array) -> pa.Array:
    import pyarrow.compute as pc

    # SQLite has no type for moments: ISO text is its convention.
    return pc.strftime(column.cast(pa.timestamp("s")), "%Y-%m-%d %H:%M:%S") if pa.types.is_timestamp(column.type) else column
