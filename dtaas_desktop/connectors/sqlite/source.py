"""SQLite as a source: what the engine asks, answered with the other modules of this package."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pyarrow as pa

from dtaas_desktop.connectors.sqlite import catalog, ranges
from dtaas_desktop.connectors.sqlite.capture import SqliteCapture
from dtaas_desktop.connectors.sqlite.connection import Connection, Database, check_file
from dtaas_desktop.connectors.sqlite.description import description
from dtaas_desktop.connectors.sqlite.installation import Soundness
from dtaas_desktop.connectors.sqlite.pages import ChunkSize
from dtaas_desktop.connectors.sqlite.session import SqliteSession, fresh_reads, one_moment
from dtaas_desktop.domain.connection import CheckStep, SqliteSettings
from dtaas_desktop.domain.errors import AppError
from dtaas_desktop.domain.table import Part, TableDescription, TableRef

_FEWEST_READERS, _MOST_READERS = 8, 32


class SqliteSource:
    """A SQLite database file. Reading changes nothing in it; only switching change capture on adds to it."""

    exact_by_default = True

    def __init__(self, settings: SqliteSettings, *, chunk: ChunkSize | None = None) -> None:
        self._path = Path(settings.path)
        with suppress(RuntimeError):  # “~somebody” who does not exist
            self._path = self._path.expanduser()
        self._chunk = chunk or ChunkSize()
        self._soundness = Soundness()

    @property
    def capture(self) -> SqliteCapture:
        return SqliteCapture(self._path, self._soundness)

    def check(self) -> Iterator[CheckStep]:
        try:
            check_file(self._path)
        except AppError as error:
            yield CheckStep("The file can be read", False, error.message, error.remedy)
            return
        yield CheckStep("The file can be read", True, f"{self._path.stat().st_size:,} bytes")
        try:
            database = Database(self._path)
        except AppError as error:
            yield CheckStep("It is a SQLite database", False, error.message, error.remedy)
            return
        with database:
            yield CheckStep("It is a SQLite database", True, _MEDIA if database.immutable else "")
            try:
                with database.connection() as connection:
                    found = catalog.table_refs(connection)
                    mode = connection.row("SELECT journal_mode AS mode FROM pragma_journal_mode")["mode"]
            except AppError as error:
                yield CheckStep("Its tables can be listed", False, error.message, error.remedy)
                return
        waiting = "programs may write while it is read" if mode == "wal" else "programs that write wait while it is read"
        yield CheckStep("Its tables can be listed", True, f"{len(found)} tables and views; {waiting}")

    def tables(self) -> Sequence[TableRef]:
        with self._connection() as connection:
            return catalog.table_refs(connection)

    def describe(self, table: TableRef, *, published: pa.Schema | None = None) -> TableDescription:
        with self._connection() as connection:
            connection.begin()  # the columns, their scanned types and the sizes of one moment
            return description(connection, catalog.relation(connection, table), published=published)

    def split(self, table: TableDescription, parts: int, *, exact: bool) -> Sequence[Part]:
        with self._connection() as connection:
            connection.begin()
            return ranges.parts(connection, catalog.relation(connection, table.table), parts, exact=exact)

    @contextmanager
    def session(self, tables: Sequence[TableRef], *, exact: bool) -> Iterator[SqliteSession]:
        with Database(self._path) as database:
            readers = min(max(_FEWEST_READERS, 2 * (os.cpu_count() or 1)), _MOST_READERS)
            with one_moment(database, readers=readers) if exact else fresh_reads(database) as lend:
                yield SqliteSession(database, lend, self._chunk, tables, self._soundness)

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        with Database(self._path) as database, database.connection() as connection:
            yield connection


_MEDIA = "on read-only media: it is read without locks"
