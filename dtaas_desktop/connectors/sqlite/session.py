"""Reads that belong together: one snapshot over several connections, or a fresh one for each part."""

import queue
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import replace

from dtaas_desktop.connectors.sqlite.catalog import Relation, relation
from dtaas_desktop.connectors.sqlite.connection import BUSY_MILLISECONDS, Connection, Database, write_lock
from dtaas_desktop.connectors.sqlite.errors import Unwritable
from dtaas_desktop.connectors.sqlite.installation import Installed, Soundness, captured
from dtaas_desktop.connectors.sqlite.net_changes import ChangeStream
from dtaas_desktop.connectors.sqlite.pages import ChunkSize, largest_row
from dtaas_desktop.connectors.sqlite.positions import entries, entry, lost, newest
from dtaas_desktop.connectors.sqlite.reader import PartStream
from dtaas_desktop.connectors.sqlite.turn import turn
from dtaas_desktop.domain.changes import Changes, Position
from dtaas_desktop.domain.errors import TransientError
from dtaas_desktop.domain.ports import RowStream
from dtaas_desktop.domain.table import CellPolicy, Part, TableDescription, TableRef

_TRIES = 20
_SHORT_WAIT = 200  # milliseconds
_SURVEYED_KEYS = 50_000  # from here on it pays to look for the table's largest row instead of at each row's size

Lend = Callable[[], AbstractContextManager[Connection]]


class SqliteSession:
    """Reads parts and changes, each with a connection that `lend` gives for it and that is in a read transaction."""

    def __init__(
        self,
        database: Database,
        lend: Lend,
        chunk: ChunkSize,
        tables: Sequence[TableRef],
        soundness: Soundness,
    ) -> None:
        self._database, self._lend, self._chunk = database, lend, chunk
        self._tables, self._soundness = tuple(tables), soundness
        self._largest: dict[TableRef, int | None] = {}  # each table's largest row: found out once, for all its parts

    def now(self) -> Mapping[TableRef, Position]:
        with self._lend() as connection:
            found = self._soundness.of(connection, self._tables)
            return {ref: newest(connection, known) for ref, known in found.items() if isinstance(known, Installed)}

    @contextmanager
    def read(
        self,
        table: TableDescription,
        what: Part | Changes,
        *,
        columns: Sequence[str],
        cells: CellPolicy,
        whole: Collection[str] = (),
    ) -> Iterator[RowStream]:
        with self._lend() as connection:
            found = relation(connection, table.table)
            _refuse_grown(found, table)
            opened = (
                self._changes(connection, found, table, what, columns, cells)
                if isinstance(what, Changes)
                else PartStream(connection, found, table, what, columns=columns, cells=cells, size=self._size(connection, found))
            )
            with closing(opened) as stream:
                yield stream
        self._database.check_unchanged()

    def _changes(
        self,
        connection: Connection,
        found: Relation,
        table: TableDescription,
        what: Changes,
        columns: Sequence[str],
        cells: CellPolicy,
    ) -> ChangeStream:
        known = captured(connection, found)
        if not isinstance(known, Installed):
            raise lost(table.table, known, captured=False)
        if table.key != found.key:
            raise lost(table.table, "its key is another one now")
        after, upto = (entry(connection, table.table, known, position) for position in (what.after, what.upto))
        entries(connection, table.table, known, after=after, upto=max(after, upto))
        touched = turn(connection, found, table, known, after=after, upto=upto)
        size = self._size(connection, found) if touched.touched >= _SURVEYED_KEYS else self._chunk
        return ChangeStream(touched, table, known, upto=upto, columns=columns, cells=cells, size=size)

    def _size(self, connection: Connection, found: Relation) -> ChunkSize:
        if found.ref not in self._largest:
            self._largest[found.ref] = largest_row(connection, found)
        return replace(self._chunk, largest_row=self._largest[found.ref])


def _refuse_grown(found: Relation, table: TableDescription) -> None:
    """Raises TransientError if the table got a column after it was described.

    Its rows would be published without that column, and the position with them: the values would not come again.
    """
    new = {column.name for column in found.columns} - {column.name for column in table.columns}
    if new:
        raise TransientError(
            f"Table {table.table} got the column “{min(new)}” while it was being looked at.",
            remedy="The next run or turn takes it along.",
        )


@contextmanager
def fresh_reads(database: Database) -> Iterator[Lend]:
    """Connections that each read at their own moment: a transaction a part, so that writers wait no longer than that."""
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
        yield lend
    finally:
        while not idle.empty():
            idle.get().close()


@contextmanager
def one_moment(database: Database, *, readers: int) -> Iterator[Lend]:
    """Connections that all read at the moment this began, lent to up to `readers` threads at once; more wait their turn."""
    with ExitStack() as stack:
        connections = []
        for _ in range(readers):
            connections.append(database.connect())
            stack.callback(connections[-1].close)
        _begin_together(database, connections)
        yield _Readers(database, connections).lent


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
