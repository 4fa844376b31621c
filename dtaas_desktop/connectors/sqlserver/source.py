"""SQL Server as a source: what the engine asks, answered with the other modules of this package."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import replace
from functools import partial

import pyarrow as pa

from dtaas_desktop.connectors.sqlserver import incremental, ranges
from dtaas_desktop.connectors.sqlserver.catalog import Catalog
from dtaas_desktop.connectors.sqlserver.check import check_steps
from dtaas_desktop.connectors.sqlserver.connecting import Connector
from dtaas_desktop.connectors.sqlserver.description import description
from dtaas_desktop.connectors.sqlserver.errors import NoTable
from dtaas_desktop.connectors.sqlserver.fidelity import measured
from dtaas_desktop.connectors.sqlserver.harm import HarmMeter
from dtaas_desktop.connectors.sqlserver.incremental import ColumnCapture, Growth, IncrementalSession, growth_of
from dtaas_desktop.connectors.sqlserver.odbc import Bulk, make_ready
from dtaas_desktop.connectors.sqlserver.relations import Database, Relation
from dtaas_desktop.connectors.sqlserver.session import SqlServerSession, fresh_reads, one_moment
from dtaas_desktop.connectors.sqlserver.talk import Talk
from dtaas_desktop.connectors.sqlserver.types import Reading, readings
from dtaas_desktop.domain.changes import Position
from dtaas_desktop.domain.connection import CheckStep
from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.fidelity import Fidelity
from dtaas_desktop.domain.ports import GrowingColumn
from dtaas_desktop.domain.sqlserver_settings import SqlServerSettings
from dtaas_desktop.domain.table import Part, TableDescription, TableRef
from dtaas_desktop.domain.table_names import matching

_FRESH_SECONDS = 60
_DATABASES = (
    "SELECT d.name FROM sys.databases AS d WHERE HAS_DBACCESS(d.name) = 1"
    " AND d.name NOT IN ('master', 'tempdb', 'model', 'msdb') ORDER BY d.name"
)


class SqlServerSource:
    """A database of a SQL Server. Reading changes nothing in it."""

    exact_by_default = False
    capture = None

    def __init__(self, settings: SqlServerSettings, *, secret: Callable[[str], str]) -> None:
        self._settings = settings
        self._connector = Connector(settings, secret)
        self._lock = threading.Lock()
        self._seen: tuple[float, Catalog, Database] | None = None
        self._talk = Talk(self._connector.control)

    def check(self) -> Iterator[CheckStep]:
        return check_steps(self._settings, self._connector)

    def tables(self) -> Sequence[TableRef]:
        with self._catalog() as (catalog, _):
            return catalog.tables()

    def describe(self, table: TableRef, *, published: pa.Schema | None = None) -> TableDescription:
        with self._catalog() as (catalog, database):
            return description(catalog.relation(table), self._settings, collation=database.collation)

    def split(self, table: TableDescription, parts: int, *, exact: bool) -> Sequence[Part]:
        with self._catalog() as (catalog, _):
            relation = catalog.relation(table.table)
            catalog.connection.about(str(table.table))
            return ranges.parts(catalog.connection, relation, parts)

    @contextmanager
    def session(self, tables: Sequence[TableRef], *, exact: bool) -> Iterator[SqlServerSession]:
        meter = HarmMeter()
        looked_up: dict[TableRef, Relation] = {}  # as they were at the session's first read of each

        def relation_of(table: TableRef) -> Relation:
            if table not in looked_up:
                looked_up[table] = self.relation(table)
            return looked_up[table]

        isolation = self._settings.isolation
        with ExitStack() as stack:
            if exact:
                relations = [relation_of(table) for table in tables]
                how = "snapshot" if isolation == "read committed" else isolation
                # A replica goes on while we hold locks there: two connections could not be given one moment.
                with self._catalog() as (_, database):
                    alone = database.read_only
                lend = stack.enter_context(one_moment(self._connector.bulk, relations, how, meter, alone=alone))
                in_memory = lend
            else:
                lend = in_memory = stack.enter_context(fresh_reads(self._connector.bulk, isolation, meter))
                if isolation != "read committed":  # which is all that tables in memory allow outside of a transaction
                    committed = partial(self._connector.bulk, "read committed")
                    in_memory = stack.enter_context(fresh_reads(committed, "read committed", meter))

            def lent(relation: Relation) -> AbstractContextManager[Bulk]:
                with self._lock:
                    self._talk.end()
                return in_memory() if relation.in_memory else lend()

            def asked(table: TableDescription, columns: Sequence[str]) -> tuple[Relation, Sequence[Reading]]:
                return self._readings(relation_of(table.table), columns)

            yield SqlServerSession(lent, asked, self._settings, meter)

    @contextmanager
    def conversation(self, tables: Sequence[str]) -> Iterator[None]:
        def look() -> None:
            with self._known() as (catalog, _):
                available = catalog.tables()
                for table in dict.fromkeys(table for name in tables for table in matching(name, available)):
                    with suppress(UserError):  # told to whoever asks for it
                        catalog.relation(table)
            with suppress(UserError):
                make_ready()

        with self._talk.held(look):
            yield

    def following(self, column: str, look_back: float, *, once: bool) -> "FollowingSource":
        """The same database, with new rows found by a column."""
        return FollowingSource(self, column, look_back, once=once)

    def databases(self) -> Sequence[str]:
        with self._lock, self._talk.asking() as asking:
            return [str(name) for (name,) in asking.rows(_DATABASES)]

    def growing(self, table: TableRef) -> Sequence[GrowingColumn]:
        return incremental.growing(self.relation(table))

    def measured(self, table: TableRef) -> Sequence[Fidelity]:
        """How truly each column arrives, with what its values say where the declaration leaves it open. Reads the whole table."""
        with self._catalog() as (catalog, database):
            relation = catalog.relation(table)
            said = description(relation, self._settings, collation=database.collation).fidelity
            catalog.connection.about(str(table))
            return measured(catalog.connection, relation, said)

    def relation(self, table: TableRef) -> Relation:
        with self._catalog() as (catalog, _):
            return catalog.relation(table)

    def positions(self, tables: Mapping[TableRef, Growth]) -> Mapping[TableRef, Position]:
        """How far the tables are by the columns that grow."""
        known = {table: (self.relation(table), growth) for table, growth in tables.items()}
        with self._catalog() as (catalog, _):
            return incremental.positions(catalog.connection, known)

    def _readings(self, relation: Relation, columns: Sequence[str]) -> tuple[Relation, Sequence[Reading]]:
        known = {reading.name: reading for of_one in readings(relation.columns, self._settings) for reading in of_one}
        for name in columns:
            if name not in known:
                raise NoTable(
                    f"Table {relation.ref} no longer has the column “{name}”.",
                    remedy="Run the task again: it looks at the table anew.",
                )
        return relation, [known[name] for name in columns]

    @contextmanager
    def _catalog(self) -> Iterator[tuple[Catalog, Database]]:
        """The catalogue, for one thread at a time. What was read of it is kept for a minute; a connection is opened for what was not."""
        self._talk.await_look()
        with self._known() as known:
            yield known

    @contextmanager
    def _known(self) -> Iterator[tuple[Catalog, Database]]:
        with self._lock, self._talk.asking() as asking:
            if self._seen is None or time.monotonic() - self._seen[0] > _FRESH_SECONDS:
                catalog = Catalog(asking)
                self._seen = time.monotonic(), catalog, catalog.database()
            _, catalog, database = self._seen
            catalog.connection = asking
            yield catalog, database


class FollowingSource:
    """A database whose new and changed rows are found by a column that grows."""

    exact_by_default = False

    def __init__(self, source: SqlServerSource, column: str, look_back: float, *, once: bool) -> None:
        self._source, self._column, self._look_back, self._once = source, column, look_back, once
        self._upto: dict[TableRef, Position] = {}  # as they were asked for last: a load's parts end there
        self.capture = ColumnCapture(column, self._growth)

    def check(self) -> Iterator[CheckStep]:
        return self._source.check()

    def conversation(self, tables: Sequence[str]) -> AbstractContextManager[None]:
        return self._source.conversation(tables)

    def tables(self) -> Sequence[TableRef]:
        return self._source.tables()

    def describe(self, table: TableRef, *, published: pa.Schema | None = None) -> TableDescription:
        described = self._source.describe(table, published=published)
        if not self.capture.state(table).on:
            return described
        return replace(described, notes=(*described.notes, incremental.said(self._growth(table))))

    def split(self, table: TableDescription, parts: int, *, exact: bool) -> Sequence[Part]:
        upto = self._upto.get(table.table)
        return [replace(part, upto=upto) for part in self._source.split(table, parts, exact=exact)]

    @contextmanager
    def session(self, tables: Sequence[TableRef], *, exact: bool) -> Iterator[IncrementalSession]:
        followed = {table: self._growth(table) for table in tables if self.capture.state(table).on}

        def now() -> Mapping[TableRef, Position]:
            found = self._source.positions(followed)
            self._upto |= found
            return found

        with self._source.session(tables, exact=exact) as session:
            yield IncrementalSession(session, followed, now)

    def _growth(self, table: TableRef) -> Growth:
        return growth_of(self._source.relation(table), self._column, self._look_back, once=self._once)
