"""The stand-in for SQL Server with the benchmark's tables, which it keeps from one bench to the next and sends as they lie there."""

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks import proof
from benchmarks.data import ROOT, WORK
from benchmarks.sqlserver_data import Shape, parquet

if TYPE_CHECKING:
    import pyodbc

    from tests.servers.sqlserver import SqlServer

PASSWORD = "Benchmark 1"  # of a server that only this machine can reach
MANY_TABLES, THEIR_COLUMNS = 10_000, 20
CELL_BYTES, LARGE_CELLS = 60_000_000, 3


@dataclass
class Served:
    """A running server; tables are in the database `bench`, many empty ones in `many`, large cells in `large`."""

    server: "SqlServer"
    driver: str
    contents: dict[tuple[str, int], proof.Content] = field(default_factory=dict)

    def connection_string(self, database: str = "bench") -> str:
        return self.server.connection_string(driver=self.driver, database=database)

    def table(self, shape: Shape, rows: int) -> str:
        """The name of a table with so many rows, loaded if it is not there."""
        name, control = f"{shape.name}_{rows}", self.server.control
        file = parquet(shape, rows, WORK / "sqlserver-data")
        if (shape.name, rows) not in self.contents:
            self.contents[shape.name, rows] = proof.content([file])
            if not self._has(name):
                control.run(f"CREATE TABLE dbo.{name}({shape.columns})", database="bench")
                control.load(f"dbo.{name}", file, database="bench")
                control.freeze(f"dbo.{name}", database="bench")
                control.run(f"CREATE TABLE dbo.{name}_loaded(one int)", database="bench")
        return name

    def large_cells(self) -> tuple[str, str]:
        """Two tables of the database `large`: one with cells of a few bytes, one with some of CELL_BYTES."""
        with self._connected("large") as connection:
            for name, length in (("small_cells", 10), ("large_cells", CELL_BYTES // 2)):
                if connection.execute(f"SELECT OBJECT_ID('dbo.{name}')").fetchone()[0] is None:
                    connection.execute("BEGIN TRANSACTION")
                    connection.execute(f"CREATE TABLE dbo.{name}(id int NOT NULL PRIMARY KEY, body nvarchar(max))")
                    for number in range(LARGE_CELLS):
                        connection.execute(f"INSERT INTO dbo.{name} VALUES (?, ?)", number, _letters(number, length))
                    connection.execute("COMMIT")
        return "small_cells", "large_cells"

    def many_tables(self) -> None:
        """Fill the database `many`."""
        with self._connected("many") as connection:
            there = connection.execute("SELECT COUNT(*) FROM sys.tables").fetchone()[0]
        if not there:
            self.server.control.many_tables(MANY_TABLES, THEIR_COLUMNS, database="many")

    def expected(self, shape: Shape, rows: int) -> proof.Content:
        """What was inserted."""
        return self.contents[shape.name, rows]

    def _has(self, name: str) -> bool:
        with self._connected("bench") as connection:
            found = connection.execute(f"SELECT OBJECT_ID('dbo.{name}'), OBJECT_ID('dbo.{name}_loaded')").fetchone()
        if found[0] is not None and found[1] is None:  # it was interrupted while it was loaded
            self.server.control.run(f"DROP TABLE dbo.{name}", database="bench")
        return found[1] is not None

    @contextmanager
    def _connected(self, database: str) -> "Iterator[pyodbc.Connection]":
        import pyodbc

        with closing(pyodbc.connect(self.connection_string(database), autocommit=True)) as connection:
            yield connection


def large_content() -> proof.Content:
    """What large_cells holds."""
    texts = [_letters(number, CELL_BYTES // 2) for number in range(LARGE_CELLS)]
    with NamedTemporaryFile(suffix=".parquet") as file:
        pq.write_table(pa.table({"id": pa.array(range(LARGE_CELLS), pa.int32()), "body": pa.array(texts)}), file.name)
        return proof.content([Path(file.name)])


def _letters(number: int, length: int) -> str:
    """Of two bytes each, in UTF-16 as in UTF-8."""
    return ("éàüßñ"[number % 5] + "öäøåî") * (length // 6) + "é" * (length % 6)


@contextmanager
def served(python: Path) -> Iterator[Served]:
    """A server that `python` runs. Raises LookupError without an ODBC driver."""
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))  # where `tests` is
    from tests.servers.sqlserver import SqlServer
    from tests.servers.sqlserver.drivers import drivers

    found = drivers()
    if not found:
        raise LookupError("no ODBC driver for SQL Server")
    folder = WORK / "sqlserver"
    with SqlServer.started(folder=folder, password=PASSWORD, python=python) as server:
        for database in ("bench", "large", "many"):
            if not server.control.has_database(database):
                server.control.run(f"CREATE DATABASE {database}")
        yield Served(server, found[0].name)
