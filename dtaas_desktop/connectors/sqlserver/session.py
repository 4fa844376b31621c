"""Reads that belong together: each part in a connection of its own moment, or all in one snapshot.

One snapshot over several connections: SQL Server cannot hand a snapshot on, but while a shared lock keeps every writer of the tables
waiting, all that are begun see the same rows. The lock is held for that moment only; where it cannot be had, one connection reads.
"""

import os
import queue
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, suppress

from dtaas_desktop.connectors.sqlserver.harm import HarmMeter
from dtaas_desktop.connectors.sqlserver.odbc import Bulk
from dtaas_desktop.connectors.sqlserver.reader import PartStream
from dtaas_desktop.connectors.sqlserver.relations import Relation
from dtaas_desktop.connectors.sqlserver.select import statement
from dtaas_desktop.connectors.sqlserver.types import Reading
from dtaas_desktop.domain.changes import Changes, Position
from dtaas_desktop.domain.errors import TransientError, UserError
from dtaas_desktop.domain.harm import Harm
from dtaas_desktop.domain.ports import RowStream
from dtaas_desktop.domain.sqlserver_settings import Isolation, SqlServerSettings
from dtaas_desktop.domain.table import CellPolicy, Part, TableDescription, TableRef

_MOST_READERS = 8
_BRIEFLY = 5_000  # milliseconds
_BUFFERS = 96 * 1024 * 1024  # of all connections that read at the same time
_SMALLEST_BUFFER, _LARGEST_BUFFER = 2 * 1024 * 1024, 4 * 1024 * 1024

Connect = Callable[[], Bulk]
Lend = Callable[[], AbstractContextManager[Bulk]]
Readings = Callable[[TableDescription, Sequence[str]], tuple[Relation, Sequence[Reading]]]


class SqlServerSession:
    """Reads parts, each over a connection that `lend` gives for it."""

    def __init__(
        self,
        lend: Callable[[Relation], AbstractContextManager[Bulk]],
        readings: Readings,
        settings: SqlServerSettings,
        meter: HarmMeter,
    ) -> None:
        self._lend, self._readings, self._settings, self._meter = lend, readings, settings, meter
        self._lock = threading.Lock()
        self._reading = 0

    def now(self) -> Mapping[TableRef, Position]:
        return {}

    def harm(self) -> Harm:
        return self._meter.harm

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
        assert isinstance(what, Part)
        with self._opened(table, what, "", columns=columns, cells=cells) as stream:
            yield stream

    @contextmanager
    def read_where(
        self, table: TableDescription, part: Part, condition: str, *, columns: Sequence[str], cells: CellPolicy
    ) -> Iterator[RowStream]:
        """The rows of a part for which a condition in the server's SQL holds; empty: all."""
        with self._opened(table, part, condition, columns=columns, cells=cells) as stream:
            yield stream

    @contextmanager
    def _opened(
        self, table: TableDescription, part: Part, condition: str, *, columns: Sequence[str], cells: CellPolicy
    ) -> Iterator[PartStream]:
        relation, readings = self._readings(table, columns)
        with self._lend(relation) as bulk, self._share() as buffer:
            bulk.subject = str(table.table)
            opened = PartStream(
                bulk,
                relation,
                table,
                part,
                readings,
                condition=condition,
                cells=cells,
                keeps_broken=self._settings.lone_surrogates == "replace",
                buffer=buffer,
                harm=self._meter,
            )
            with closing(opened) as stream:
                yield stream

    @contextmanager
    def _share(self) -> Iterator[int]:
        """The bytes of a buffer, so that all that read at once stay within what is meant for buffers."""
        with self._lock:
            self._reading += 1
            buffer = _BUFFERS // (3 * self._reading)  # two in the driver, one in Arrow
        try:
            yield max(_SMALLEST_BUFFER, min(_LARGEST_BUFFER, buffer))
        finally:
            with self._lock:
                self._reading -= 1


@contextmanager
def fresh_reads(connect: Connect, isolation: Isolation, meter: HarmMeter) -> Iterator[Lend]:
    """Connections that each read at their own moment; but for READ COMMITTED in a transaction a part."""
    idle: queue.SimpleQueue[Bulk] = queue.SimpleQueue()

    @contextmanager
    def lend() -> Iterator[Bulk]:
        try:
            bulk = idle.get_nowait()
        except queue.Empty:
            bulk = connect()
        try:
            if isolation == "read committed":
                yield bulk
            else:
                bulk.run("BEGIN TRANSACTION")
                with meter.transaction():
                    yield bulk
                    if not bulk.failed:
                        bulk.run("COMMIT TRANSACTION")
        except BaseException:
            bulk.close()
            raise
        if bulk.failed:
            bulk.close()
        else:
            idle.put(bulk)

    try:
        yield lend
    finally:
        while not idle.empty():
            idle.get().close()


@contextmanager
def one_moment(
    connect: Connect, tables: Sequence[Relation], isolation: Isolation, meter: HarmMeter, *, alone: bool = False
) -> Iterator[Lend]:
    """Connections that all read at the moment this began, lent to one thread each; more wait their turn. `alone`: one connection only.

    With REPEATABLE READ shared locks keep the tables as they are instead, and whoever wants to change them waiting. Tables in memory
    know neither: a transaction reads them in a snapshot of their own, which begins with its first read. Raises UserError if they are
    mixed with others.
    """
    in_memory = [table for table in tables if table.in_memory]
    if in_memory and len(in_memory) < len(tables):
        raise UserError(
            f"Table {in_memory[0].ref} is memory-optimised: the server reads it at one moment with its like only.",
            remedy="Read such tables in a task of their own, or choose the reading “resumable”.",
        )
    with ExitStack() as stack, meter.transaction():

        def opened(isolation: Isolation) -> Bulk:
            bulk = connect()
            stack.callback(bulk.close)
            bulk.run(f"SET TRANSACTION ISOLATION LEVEL {isolation.upper()}")
            return bulk

        if isolation == "repeatable read" and not in_memory:
            _lock(opened("read committed"), tables)
            readers = [opened("read committed") for _ in range(_readers())]
            yield _Readers(readers).lent
            return
        level: Isolation = "read committed" if in_memory else "snapshot"
        readers = [opened(level) for _ in range(_readers() if _lockable(tables) and not alone else 1)]
        if len(readers) > 1:
            try:
                with closing(connect()) as holder:
                    holder.run(f"SET LOCK_TIMEOUT {_BRIEFLY}")
                    _lock(holder, tables)
                    for reader in readers:
                        _begin(reader, tables)
            except TransientError:
                # Somebody writes all the time, and we shall not keep them waiting.
                readers = [opened("snapshot")]
                _begin(readers[0], tables)
        else:
            _begin(readers[0], tables)
        yield _Readers(readers).lent
        for reader in readers:
            with suppress(TransientError):  # nothing was changed: what is lost here is only good manners
                reader.run("IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION")


class _Readers:
    """Connections in the same snapshot, lent one at a time."""

    def __init__(self, readers: Sequence[Bulk]) -> None:
        self._free = list(readers)
        self._alive = len(self._free)
        self._changed = threading.Condition()

    @contextmanager
    def lent(self) -> Iterator[Bulk]:
        with self._changed:
            self._changed.wait_for(lambda: self._free or not self._alive)
            if not self._alive:
                raise TransientError("The snapshot that was being read is lost.", remedy="The reading starts again.")
            bulk = self._free.pop()
        try:
            yield bulk
        finally:
            with self._changed:
                if bulk.failed:  # its transaction may have ended, and the next would see a later moment
                    self._alive -= 1
                else:
                    self._free.append(bulk)
                self._changed.notify()


def _readers() -> int:
    return min(_MOST_READERS, 2 * (os.cpu_count() or 1))


def _lockable(tables: Sequence[Relation]) -> bool:
    """Whether a lock on what is named keeps its rows as they are: not so for a query, and for a view only by the server's grace."""
    return all(table.kind == "table" and not table.traits for table in tables)


def _lock(bulk: Bulk, tables: Sequence[Relation]) -> None:
    """Begin a transaction that holds a shared lock on each table, always in the same order."""
    bulk.run("BEGIN TRANSACTION")
    for table in sorted(tables, key=lambda table: table.ref):
        inner = statement(table, "TOP (1) 1 AS one", hint=" WITH (TABLOCK, HOLDLOCK)")
        bulk.numbers(f"SELECT COUNT_BIG(*) AS n FROM ({inner}) AS q", 1)


def _begin(bulk: Bulk, tables: Sequence[Relation]) -> None:
    """Begin the snapshot: it is taken when a statement first touches data, not at BEGIN."""
    bulk.run("BEGIN TRANSACTION")
    table = min(tables, key=lambda table: (table.kind, table.ref))
    bulk.numbers(statement(table, "TOP (1) CAST(1 AS bigint) AS n"), 1)
