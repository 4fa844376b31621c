"""The storage: one SQLite file for all databases of the server, a connection of its own for each session's process.

Write-ahead logging gives each statement, or each SNAPSHOT transaction, a consistent view while somebody else writes. SQLite lets
one transaction write at a time: a second one waits, as for a lock, and gets error 1222 after LOCK_TIMEOUT.
"""

import sqlite3
from collections.abc import Callable, Hashable, Mapping, Sequence
from pathlib import Path

from tests.servers.sqlserver.collation import collation
from tests.servers.sqlserver.errors import KNOWN, SqlError, not_understood, overflow
from tests.servers.sqlserver.types import Value

Row = tuple[Value, ...]
Argument = Value | str  # the catalogue keeps its names as text


class Interrupted(Exception):
    """A running statement was stopped: by the client's attention, a kill or a closed connection."""


class Engine:
    """Runs SQLite's SQL with functions that are written in Python, registered once each by what they are."""

    def __init__(self, path: Path) -> None:
        self.db = sqlite3.connect(path, isolation_level=None, timeout=0, cached_statements=256, check_same_thread=False)
        for pragma in ("journal_mode=WAL", "synchronous=OFF", "cache_size=-65536", "temp_store=MEMORY", "mmap_size=1073741824"):
            self.db.execute(f"PRAGMA {pragma}").close()
        self.db.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 32766)
        self.db.setlimit(sqlite3.SQLITE_LIMIT_FUNCTION_ARG, 127)
        self._names: dict[Hashable, str] = {}
        self._failure: SqlError | None = None
        self._aggregates: list[type] = []

    def close(self) -> None:
        self.db.close()

    def watch(self, stop: Callable[[], bool]) -> None:
        """Ask `stop` now and then while a statement runs; true interrupts it."""
        self.db.set_progress_handler(lambda: int(stop()), 200_000)

    def function(self, key: Hashable, arguments: int, compute: Callable[..., Value], *, deterministic: bool = True) -> str:
        """SQLite's name of a Python function; NULL in any argument is handed on, an SqlError reaches who runs the statement."""
        name = self._names.get(key)
        if name is None:
            name = f"f{len(self._names)}"
            self._names[key] = name
            self.db.create_function(name, arguments, self._guarded(compute), deterministic=deterministic)
        return name

    def order(self, name: str, *, wide: bool) -> str:
        """The function that makes sort keys of a collation; indexes name it, so its name says what it is."""
        function = f"key_{name}_{'wide' if wide else 'narrow'}".lower()
        if function not in self._names:
            self._names[function] = function
            compute = collation(name).key(wide=wide)
            self.db.create_function(function, 1, lambda value: None if value is None else compute(value), deterministic=True)
        return function

    def _guarded(self, compute: Callable[..., Value]) -> Callable[..., Value]:
        def run(*arguments: Value) -> Value:
            try:
                return compute(*arguments)
            except SqlError as error:
                self._failure = error
                raise
            except (ArithmeticError, LookupError, TypeError, ValueError) as error:
                self._failure = not_understood(f"{error!r} in a function (a fault of the stand-in itself)")
                raise

        return run

    def aggregate(self, key: Hashable, arguments: int, start: Callable[[], "Aggregate"]) -> str:
        name = self._names.get(key)
        if name is None:
            name = f"f{len(self._names)}"
            self._names[key] = name
            engine = self

            class Adapter:
                def __init__(self) -> None:
                    self.inner = start()

                def step(self, *values: Value) -> None:
                    try:
                        self.inner.step(*values)
                    except SqlError as error:
                        engine._failure = error
                        raise

                def finalize(self) -> Value:
                    try:
                        return self.inner.result()
                    except SqlError as error:
                        engine._failure = error
                        raise

            self.db.create_aggregate(name, arguments, Adapter)  # type: ignore[arg-type]
        return name

    def run(self, sql: str, parameters: Mapping[str, Value] | Sequence[Argument] = ()) -> sqlite3.Cursor:
        try:
            return self.db.execute(sql, parameters)
        except sqlite3.Error as error:
            raise self.translated(error) from error

    def rows(self, cursor: sqlite3.Cursor, count: int) -> list[Row]:
        try:
            return cursor.fetchmany(count)
        except sqlite3.Error as error:
            raise self.translated(error) from error

    def one(self, sql: str, parameters: Sequence[Argument] = ()) -> tuple[Argument, ...] | None:
        found: tuple[Argument, ...] | None = self.db.execute(sql, parameters).fetchone()
        return found

    def translated(self, error: sqlite3.Error) -> Exception:
        """The error as SQL Server gives it; what has no counterpart stays as it is, and ends the session loudly."""
        failure, self._failure = self._failure, None
        if failure is not None:
            return failure
        code = getattr(error, "sqlite_errorcode", 0)
        if code == sqlite3.SQLITE_INTERRUPT:
            return Interrupted()
        if code == sqlite3.SQLITE_BUSY_SNAPSHOT:
            return SqlError(3960, KNOWN[3960][1])
        if code & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            return SqlError(1222, "Lock request time out period exceeded.", state=51)
        text = str(error)
        if "integer overflow" in text:
            return overflow("int")
        return error


class Aggregate:
    """What an aggregate of T-SQL computes; `result` is asked once."""

    def step(self, *values: Value) -> None:
        raise NotImplementedError

    def result(self) -> Value:
        raise NotImplementedError
