"""Databases for the tests, written by Python's sqlite3: in this process before the product opens them, later by another one."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from dtaas_desktop.connectors.sqlite import SqliteSource
from dtaas_desktop.connectors.sqlite.pages import ChunkSize
from dtaas_desktop.domain.connection import SqliteSettings
from dtaas_desktop.domain.table import CellPolicy, Part, Rows, TableDescription, TableRef

_SCRIPT = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=float(sys.argv[2]))
print("ready", flush=True)
for line in sys.stdin:
    try:
        connection.execute(eval(line)).fetchall()
        print("done", flush=True)
    except sqlite3.Error as error:
        print(error, flush=True)
"""


def database(path: Path, *statements: str, rows: Sequence[tuple[str, Sequence[Sequence[object]]]] = ()) -> Path:
    """A new database: the statements, then rows by executemany."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA synchronous = OFF")
        for statement in statements:
            connection.execute(statement)
        connection.execute("BEGIN")
        for statement, values in rows:
            connection.executemany(statement, values)
        connection.execute("COMMIT")
    finally:
        connection.close()
    return path


def source_of(path: Path, chunk: ChunkSize | None = None) -> SqliteSource:
    return SqliteSource(SqliteSettings(path=str(path)), chunk=chunk)


def rows_of(
    source: SqliteSource,
    ref: TableRef,
    policy: CellPolicy | None = None,
    *,
    columns: Sequence[str] = (),
    table: TableDescription | None = None,
) -> list[Rows]:
    """The whole table as one part, as it comes; `table` as described earlier."""
    known = table or source.describe(ref)
    names = list(columns) or [column.name for column in known.columns]
    with (
        source.session([ref], exact=True) as session,
        session.read(known, Part("0"), columns=names, cells=policy or CellPolicy()) as stream,
    ):
        rows = list(stream)
        assert all(part.batch.schema == stream.schema for part in rows)
        return rows


def column_of(rows: Sequence[Rows], name: str) -> list[object]:
    return [value for part in rows for value in part.batch.column(name).to_pylist()]


class Writer:
    """Another process with one connection."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self._line()

    def execute(self, statement: str) -> str:
        """“done”, or SQLite's complaint."""
        assert self._process.stdin is not None
        self._process.stdin.write(repr(statement) + "\n")
        self._process.stdin.flush()
        return self._line()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


@contextmanager
def writer(path: Path, *, patience: float = 5) -> Iterator[Writer]:
    with subprocess.Popen(
        [sys.executable, "-c", _SCRIPT, str(path), str(patience)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Writer(process)
        finally:
            process.kill()
