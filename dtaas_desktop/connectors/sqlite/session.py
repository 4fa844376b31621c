"""Reads that belong together: one snapshot over several connections, or a fresh one for each part."""

import queue
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import replace

from dtaas_desktop.connectors.sqlite.catalog import relation
from dtaas_desktop.connectors.sqlite.connection import BUSY_MILLISECONDS, Connection, Database, write_lock
from dtaas_desktop.connectors.sqlite.errors import Unwritable
from dtaas_desktop.connectors.sqlite.pages import ChunkSize, largest_row
from dtaas_desktop.connectors.sqlite.reader import PartStream
from dtaas_desktop.domain.errors import TransientError
from dtaas_desktop.domain.table import CellPolicy, Part, TableDescription, TableRef

_TRIES = 20
_SHORT_WAIT = 200  # milliseconds


class SqliteSession:
    """Reads parts, each with a connection that `lend` gives for it and that is in a read transaction."""

    def __init__(self, database: Database, lend: Callable[[], AbstractContextManager[Connection]], chunk: ChunkSize) -> None:
        self._database, self._lend, self._chunk = database, lend, chunk
        self._largest: dict[TableRef, int | None] = {}  # each table's largest row: found out once, for all its parts

    def now(self) -> Mapping[TableRef, str] | None:
        return None

    @contextmanager
    def read(self, table: TableDescription, part: Part, *, columns: Sequence[str], cells: CellPolicy) -> Iterator[PartStream]:
        with self._lend() as connection:
            found = relation(connection, table.table)
            if table.table not in self._largest:
                self._largest[table.table] = largest_row(connection, found)
            sizes = replace(self._chunk, largest_row=self._largest[table.table])
            with closing(PartStream(connection, found, table, part, columns=columns, cells=cells, size=sizes)) as stream:
                yield stream
        self._database.check_unchanged()


@contextmanager
def fresh_reads(database: Database, chunk: ChunkSize) -> Iterator[SqliteSession]:
    """A session in which each part is read at its own moment: a transaction a part, so that writers wait no longer than that."""
    idle: queue.SimpleQueue[Connection] = queue.SimpleQueue()

    @contextmanager
    def lend() -> Iterator[Connection]:
        try:
            connection = idle.get_nowait()
        except queue.Empty:
            connection = database.connect()
        try:
            connection.begin()
            yield connection
            connection.rollback()
        except BaseException:
            connection.close()
            raise
        idle.put(connection)

    try:
        yield SqliteSession(database, lend, chunk)
    finally:
        while not idle.empty():
            idle.get().close()


@contextmanager
def one_moment(database: Database, chunk: ChunkSize, *, readers: int) -> Iterator[SqliteSession]:
    """A session in which everything is read at the moment it began, by up to `readers` threads at once; more wait their turn."""
    with ExitStack() as stack:
        connections = []
        for _ in range(readers):
            connections.append(database.connect())
            stack.callback(connections[-1].close)
        _begin_together(database, connections)
        yield SqliteSession(database, _Readers(database, connections).lent, chunk)


class _Readers:
    """Connections in the same snapshot, lent one at a time."""

    def __init__(self, database: Database, connections: Sequence[Connection]) -> None:
        self._database = database
        self._free = list(connections)
        self._alive = len(self._free)
        self._changed = threading.Condition()

    @contextmanager
    def lent(self) -> Iterator[Connection]:
        with self._changed:
            self._changed.wait_for(lambda: self._free or not self._alive)
            if not self._alive:
                raise TransientError(
                    f"Reading “{self._database.path}” failed so often that its snapshot is lost.",
                    remedy="The reading starts again.",
                )
            connection = self._free.pop()
        try:
            yield connection
        finally:
            with self._changed:
                if connection.failed:  # SQLite may have ended its transaction, and the next would see a later moment
                    self._alive -= 1
                else:
                    self._free.append(connection)
                self._changed.notify()


def _begin_together(database: Database, connections: Sequence[Connection]) -> None:
    """Open a read transaction on each connection, all at the same state of the database.

    First as a mere reader: if a watching connection saw no commit from before the first to after the last, they agree, and no
    writer was disturbed. Under a constant stream of commits, by holding the writers' lock for that moment.
    """
    with database.connection() as watch:
        for connection in (watch, *connections):
            connection.wait_at_most(_SHORT_WAIT)
        for _ in range(_TRIES):
            if _began_unseen(watch, connections):
                break
        else:
            _begin_locked(database, connections)
    for connection in connections:
        connection.wait_at_most(BUSY_MILLISECONDS)


def _began_unseen(watch: Connection, connections: Sequence[Connection]) -> bool:
    begun: list[Connection] = []
    try:
        before = watch.data_version()
        for connection in connections:
            connection.begin()
            begun.append(connection)
        if watch.data_version() == before:
            return True
    except TransientError:
        pass  # a writer is about to commit and waits for the readers that have begun: let it pass
    for connection in begun:
        connection.rollback()
    return False


def _begin_locked(database: Database, connections: Sequence[Connection]) -> None:
    try:
        with write_lock(database.path):
            for connection in connections:
                connection.begin()
    except Unwritable as error:
        raise TransientError(
            f"“{database.path}” is written all the time, and may not be locked here to take a snapshot.",
            remedy="It is tried again; if it stays so, ask for the right to write to the file, or read it part by part.",
        ) from error
