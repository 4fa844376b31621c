"""One typed wrapper around the driver. Nothing else in this package speaks to it.

All reading of a database in this process goes through this one copy of SQLite, never through Python's `sqlite3` as well: POSIX
drops all of a process's locks on a file when *any* descriptor of it is closed, so a second copy of the library would take the
locks from under the first one's snapshot (sqlite.org/howtocorrupt.html §2.2.1).
"""

import os
import stat
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import adbc_driver_manager
import adbc_driver_sqlite
import pyarrow as pa

from dtaas_desktop.connectors.sqlite.errors import NoTable, Unwritable, file_error, translated
from dtaas_desktop.domain.errors import AppError, TransientError, UserError

BUSY_MILLISECONDS = 10_000
_BATCH_ROWS = adbc_driver_sqlite.StatementOptions.BATCH_ROWS.value


class Connection:
    """One SQLite connection. Used by one thread at a time; `closed` twice is harmless."""

    def __init__(self, database: adbc_driver_manager.AdbcDatabase, path: Path) -> None:
        self._path = path
        self.subject = ""  # the table being read, for messages
        self.failed = False  # whether a statement failed in the middle: then its transaction may have ended
        with translated(path):
            self._handle = adbc_driver_manager.AdbcConnection(database)
        self.wait_at_most(BUSY_MILLISECONDS)

    def wait_at_most(self, milliseconds: int) -> None:
        """How long to wait for another program's lock before TransientError."""
        self.run(f"PRAGMA busy_timeout = {milliseconds}")

    def data_version(self) -> int:
        """A number that changes when another connection commits. Only comparable to what the same connection said before."""
        return int(self.row("PRAGMA data_version")["data_version"])

    def whole(self, sql: str, most: int) -> pa.RecordBatch:
        """The whole answer, of at most `most` rows, as one batch.

        The driver looks at all rows of a first batch before it decides the types, so here a column's type is a proof:
        int64, all values are integers; double, all are numbers; string, none is a blob. Columns of nulls are int64.
        """
        with self._translated(sql), self._statement(sql, most + 1) as statement:
            stream, _ = statement.execute_query()
            with pa.RecordBatchReader.from_stream(stream) as reader:
                batch = next(iter(reader), None)
                if batch is None:
                    return pa.RecordBatch.from_pylist([], schema=reader.schema)
                assert batch.num_rows <= most, f"{batch.num_rows} rows where {most} were asked for"
                return batch

    def stream(self, sql: str, batch_rows: int) -> Generator[pa.RecordBatch, None, None]:
        """The answer in batches. The first decides the types, and later values are converted: ask only for typed columns."""
        with self._translated(sql), self._statement(sql, batch_rows) as statement:
            stream, _ = statement.execute_query()
            with pa.RecordBatchReader.from_stream(stream) as reader:
                yield from reader

    def rows(self, sql: str, most: int = 100_000) -> list[dict[str, Any]]:
        """A small answer as plain values; of mixed columns only the text form."""
        batch = self.whole(sql, most)
        with self._translated(sql):
            found: list[dict[str, Any]] = batch.to_pylist()
            return found

    def row(self, sql: str) -> dict[str, Any]:
        """The one row of a small answer."""
        return self.rows(sql, 1)[0]

    def run(self, sql: str) -> None:
        with self._translated(sql), self._statement(sql, 1) as statement:
            statement.execute_update()

    def insert(self, table: str, rows: pa.RecordBatch) -> None:
        """Puts rows into a table with as many columns."""
        sql = f"INSERT INTO {table} VALUES ({', '.join('?' * rows.num_columns)})"
        with self._translated(sql), self._statement(sql, 1) as statement:
            statement.bind_stream(pa.RecordBatchReader.from_batches(rows.schema, [rows]))
            statement.execute_update()

    def begin(self) -> None:
        """Open a read transaction and take its snapshot: SQLite takes it at the first read, not at BEGIN."""
        self.run("BEGIN")
        try:
            self.run("SELECT 1 FROM sqlite_schema LIMIT 1")
        except AppError:
            self.rollback()
            raise

    def rollback(self) -> None:
        self.run("ROLLBACK")

    def close(self) -> None:
        with translated(self._path):
            self._handle.close()

    @contextmanager
    def _statement(self, sql: str, batch_rows: int) -> Iterator[adbc_driver_manager.AdbcStatement]:
        statement = adbc_driver_manager.AdbcStatement(self._handle)
        try:
            statement.set_options(**{_BATCH_ROWS: str(batch_rows)})
            statement.set_sql_query(sql)
            yield statement
        finally:
            statement.close()

    @contextmanager
    def _translated(self, sql: str) -> Iterator[None]:
        try:
            with translated(self._path, self.subject, ask=lambda: self._complaint(sql)):
                yield
        except NoTable:
            raise  # seen before the first step: nothing has happened
        except AppError:
            self.failed = True
            raise

    def _complaint(self, sql: str) -> str:
        """SQLite's message for a statement that failed: this way of running it reports what the other swallows."""
        try:
            with self._statement(sql, 1) as statement:
                statement.execute_update()
        except adbc_driver_manager.Error as error:
            return str(error)
        return ""


class Database:
    """A database file, opened for reading; gives connections.

    `immutable`: SQLite cannot lock or repair it here (read-only media), so it is read without locks, and `check_unchanged` tells
    whether somebody with more rights wrote meanwhile.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        check_file(path)
        self._handle, self.immutable = _readable(path)
        self._seen = _signature(path) if self.immutable else ()

    def connect(self) -> Connection:
        return Connection(self._handle, self.path)

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A connection for a few statements."""
        connection = self.connect()
        try:
            yield connection
        finally:
            connection.close()

    def check_unchanged(self) -> None:
        if self.immutable and _signature(self.path) != self._seen:
            raise TransientError(
                f"“{self.path}” was changed by another program while it was read without locks.",
                remedy="It is read again. Make its folder writable, and SQLite can protect the reading.",
            )

    def close(self) -> None:
        with translated(self.path):
            self._handle.close()

    def __enter__(self) -> "Database":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def check_file(path: Path) -> None:
    """Raises UserError unless `path` is a file that we may read."""
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            raise UserError(f"“{path}” is not a file.", remedy="Choose the database file itself.")
    except OSError as error:
        raise file_error(path, error) from error
    except ValueError as error:
        raise UserError(f"“{path}” is not a path ({error}).", remedy="Correct the path.") from error
    # Asked, not tried: closing a descriptor of the file would drop the locks that hold a snapshot open in this process, and another
    # program that then closes the database takes itself for the last one, and empties the log that the snapshot is read from.
    if not os.access(path, os.R_OK):
        raise file_error(path, PermissionError())


@contextmanager
def write_lock(path: Path) -> Iterator[Connection]:
    """Holds the lock that writers need, so that nothing is committed meanwhile. Changes no data."""
    handle = _handle(path, "mode=rw")
    try:
        connection = Connection(handle, path)
        try:
            connection.run("BEGIN IMMEDIATE")
            yield connection
        finally:
            connection.close()  # also gives the lock back
    finally:
        handle.close()


@contextmanager
def write_transaction(path: Path) -> Iterator[Connection]:
    """One transaction that writes: committed at the end, rolled back by any error.

    Raises TransientError where another program keeps the lock, UserError where nothing may be written.
    """
    check_file(path)
    try:
        with write_lock(path) as connection:
            yield connection
            connection.run("COMMIT")
    except Unwritable as error:
        raise UserError(
            f"“{path}” cannot be written here, which recording its changes needs.",
            remedy="Ask for the right to write to the file and its folder, or choose full loads.",
        ) from error


def _readable(path: Path) -> tuple[adbc_driver_manager.AdbcDatabase, bool]:
    """The database opened read-only, and whether as immutable.

    A read-only connection cannot roll back what a killed program left behind, nor make the shared memory of a WAL database.
    Whoever may write lets SQLite do that first, as any program that opens the file does. On read-only media nobody writes, and
    without a log beside it the file alone is the whole truth.
    """
    try:
        return _looked_into(path, "mode=ro"), False
    except Unwritable as refused:
        try:
            _looked_into(path, "mode=rw").close()
            return _looked_into(path, "mode=ro"), False
        except Unwritable:
            if any(_size(path, suffix) for suffix in ("-wal", "-journal")):
                raise refused from None
            return _looked_into(path, "mode=ro&immutable=1"), True


def _looked_into(path: Path, mode: str) -> adbc_driver_manager.AdbcDatabase:
    handle = _handle(path, mode)
    try:
        connection = Connection(handle, path)
        try:
            connection.run("SELECT count(*) FROM sqlite_schema")
        finally:
            connection.close()
    except BaseException:
        handle.close()
        raise
    return handle


def _handle(path: Path, mode: str) -> adbc_driver_manager.AdbcDatabase:
    with translated(path):
        return adbc_driver_sqlite.connect(f"{path.absolute().as_uri()}?{mode}")


def _size(path: Path, suffix: str) -> int:
    try:
        return path.with_name(path.name + suffix).stat().st_size
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise file_error(path, error) from error


def _signature(path: Path) -> tuple[int, ...]:
    try:
        found = path.stat()
    except OSError as error:
        raise file_error(path, error) from error
    return (found.st_ino, found.st_size, found.st_mtime_ns, _size(path, "-wal"), _size(path, "-journal"))
