"""A small world for the model test: a SQLite source that another program writes to, a task that follows it, and judges of the targets.

The judges share no code with the product: Python's JSON, pyarrow's Parquet reader, DuckDB.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from dtaas_desktop.connectors.duckdb_file import DuckDBDestination
from dtaas_desktop.connectors.files import FolderDestination
from dtaas_desktop.connectors.sqlite import SqliteSource
from dtaas_desktop.connectors.sqlite.pages import ChunkSize
from dtaas_desktop.domain import faults
from dtaas_desktop.domain.connection import DuckDBSettings, FolderSettings, SqliteSettings
from dtaas_desktop.domain.design import Design, Link, Node
from dtaas_desktop.domain.events import Event, TableFailed
from dtaas_desktop.domain.ports import Destination
from dtaas_desktop.domain.table import TableRef
from dtaas_desktop.domain.task import Task, TaskOptions
from dtaas_desktop.engine.cancel import CancelToken
from dtaas_desktop.engine.outcome import RunOutcome
from dtaas_desktop.engine.systems import Systems
from dtaas_desktop.engine.task_run import TaskRun
from tests.fakes import MemoryJournal
from tests.model.other_program import OtherProgram

UUID = "00000000-0000-4000-8000-00000000000a"
Rows = dict[tuple[Any, ...], dict[str, Any]]
Transaction = tuple[list[str], str]

KEYS = {"a": ("id",), "b": ("k", "j")}
TABLES = (
    "CREATE TABLE a (id INTEGER PRIMARY KEY, code TEXT UNIQUE, n INTEGER)",
    "CREATE TABLE b (k TEXT, j INTEGER, n INTEGER, PRIMARY KEY (k, j)) WITHOUT ROWID",
)


class Crash(Exception):
    """The program stops here."""


@dataclass(frozen=True)
class Moment:
    """What the source held at one time: the position and the rows of each table."""

    positions: dict[str, str]
    rows: dict[str, Rows]


@dataclass
class World:
    """Everything of one history. `kind` is the destination: duckdb or folder."""

    folder: Path
    program: OtherProgram
    kind: str = "duckdb"
    write_mode: str = "mirror"
    fetch: int = 32_768
    recursive: bool = False
    moments: list[Moment] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    added: set[tuple[str, str]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.source = SqliteSource(SqliteSettings(path=str(self.database)), chunk=ChunkSize(rows=self.fetch))
        self.program.pragma(self.database, "PRAGMA journal_mode = WAL")
        self.program.write(self.database, [(list(TABLES), "COMMIT")], [])
        assert self.source.capture is not None
        self.source.capture.enable([TableRef(name) for name in KEYS])
        self.write([])

    @property
    def database(self) -> Path:
        return self.folder / "source.sqlite"

    def alter(self, statement: str) -> None:
        """ALTER TABLE … ADD COLUMN, unless the table has that column already."""
        table, column = statement.split()[2], statement.split()[5]
        if (table, column) not in self.added:
            self.added.add((table, column))
            self.write([([statement], "COMMIT")])

    def write(self, transactions: Sequence[Transaction]) -> None:
        """Let the other program write, and remember what there is after each transaction."""
        for transaction in transactions or [([], "COMMIT")]:
            tables = self.program.write(self.database, [transaction], list(KEYS), recursive=self.recursive)
            with self.source.session([TableRef(name) for name in KEYS], exact=True) as session:
                positions = {table.name: position for table, position in session.now().items()}
            rows = {name: {tuple(row[k] for k in KEYS[name]): row for row in found} for name, found in tables.items()}
            self.moments.append(Moment(positions, rows))

    def destination(self) -> Destination:
        if self.kind == "duckdb":
            return DuckDBDestination(DuckDBSettings(path=str(self.folder / "out.duckdb")), workspace="w")
        return FolderDestination(FolderSettings(path=str(self.folder / "out")), workspace="w")

    def task(self) -> Task:
        settings = {"connection": "out", "write_mode": self.write_mode}
        nodes = (
            Node("s", "source", {"connection": "db", "tables": list(KEYS)}),
            Node("to", "destination", settings),
        )
        options = TaskOptions(transfer="full load, then changes", retries=0, parallel=1)
        return Task(UUID, "Model", Design(nodes, (Link("s", "to"),)), options)

    def run(self, hook: Callable[[str], None] | None = None) -> RunOutcome:
        """One run; `hook` is told every named step, and may raise Crash to stop the program there."""
        self.events.clear()
        self.steps.clear()

        def reached(step: str) -> None:
            self.steps.append(step)
            if hook is not None:
                hook(step)

        systems = Systems({"db": self.source}, {"out": self.destination()}, lambda reference: reference)
        faults.hook = reached
        try:
            return TaskRun("run", self.task(), systems, MemoryJournal(), self.events.append, CancelToken(), "w").run()
        finally:
            faults.hook = None

    def failures(self) -> list[str]:
        return [event.message for event in self.events if isinstance(event, TableFailed)]

    # The judges

    def target(self, table: str) -> tuple[str, Rows] | None:
        """Position and rows of a target as an outsider finds them; None if it was never published."""
        return self._in_duckdb(table) if self.kind == "duckdb" else self._in_folder(table)

    def _in_duckdb(self, table: str) -> tuple[str, Rows] | None:
        if not (self.folder / "out.duckdb").exists():
            return None
        with duckdb.connect(str(self.folder / "out.duckdb"), read_only=True) as connection:
            try:
                found = connection.execute("SELECT position FROM _dtaas.targets WHERE name = ?", [table]).fetchall()
            except duckdb.CatalogException:
                return None
            if not found:
                return None
            rows = connection.sql(f'SELECT * FROM "{table}"').to_arrow_table().to_pylist()
        keyed = {tuple(row[name] for name in KEYS[table]): row for row in rows}
        assert len(keyed) == len(rows), f"a key of {table} is there twice"
        return found[0][0], keyed

    def _in_folder(self, table: str) -> tuple[str, Rows] | None:
        path = self.folder / "out" / table / "_manifest.json"
        if not path.exists():
            return None
        manifest = json.loads(path.read_text(encoding="utf-8"))
        rows: Rows = {}
        columns = {one["column"]: None for one in manifest["schema"] if not one["column"].startswith("__")}
        for file in sorted(manifest["files"], key=lambda one: one["revision"]):
            content = pq.ParquetFile(path.parent / file["path"]).read().to_pylist()
            for row in sorted(content, key=lambda one: one["__position"] or ""):
                key = tuple(row[name] for name in KEYS[table])
                values = columns | {name: value for name, value in row.items() if not name.startswith("__")}
                if row["__op"] in ("L", "I") or (row["__op"] == "U" and key in rows):
                    rows[key] = values
                elif row["__op"] == "D":
                    rows.pop(key, None)
        return manifest["position"], rows

    def check(self) -> list[set[int]]:
        """Every published target equals the source at its position. For each table: the moments that fit (indexes)."""
        fitting: list[set[int]] = []
        for table in KEYS:
            found = self.target(table)
            if found is None:
                continue
            position, rows = found
            fits = {
                index
                for index, moment in enumerate(self.moments)
                if moment.positions.get(table) == position and same(moment.rows[table], rows)
            }
            assert fits, f"{table} at {position} holds {rows}, the source never did"
            fitting.append(fits)
        return fitting


def same(source: Rows, target: Rows) -> bool:
    """Whether the target holds the source's rows; columns that the source did not have (yet) must be empty."""
    if source.keys() != target.keys():
        return False
    for key, row in source.items():
        there = target[key]
        if any(name not in there or there[name] != value for name, value in row.items()):
            return False
        if any(value is not None for name, value in there.items() if name not in row):
            return False
    return True
