"""The keys touched between two entries of a log, each once, beside the table as it is now.

They are put into a temporary table and numbered; a row that is there now is then found through its number, so that changes are
read by pages exactly as parts are, whatever the key is made of.

A key is the same as another if it has the same bytes, whatever the column's collation: the table's own index finds the rows that
are equal to its mind, BINARY then decides. Values of several storage classes that SQLite holds to be equal (1 and 1.0) are one key
where they are read as one value, and two where they are read as text or bytes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from dtaas_desktop.connectors.sqlite.catalog import Relation, StoredColumn
from dtaas_desktop.connectors.sqlite.connection import Connection
from dtaas_desktop.connectors.sqlite.installation import Installed
from dtaas_desktop.connectors.sqlite.keys import BINARY_COLLATION, COLLATIONS, UniqueIndex
from dtaas_desktop.connectors.sqlite.positions import lost
from dtaas_desktop.connectors.sqlite.sql import quoted
from dtaas_desktop.connectors.sqlite.triggers import log_columns
from dtaas_desktop.connectors.sqlite.types import BINARY, TEXT, keeps_storage_class
from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.table import TableDescription

_TOUCHED, _GONE = 'temp."_dtaas_touched"', 'temp."_dtaas_gone"'


@dataclass(frozen=True, slots=True)
class Turn:
    """touched: how many keys. present: the table's rows that have one of them, by its number. absent: the keys of no row, as a
    relation of its own; empty until `find_absent`."""

    connection: Connection
    touched: int
    present: Relation
    absent: Relation
    _number: str
    _seq: str
    _at: str
    _same: str

    def find_absent(self) -> None:
        columns = f"{self._seq}, {self._at}, {_names(self.present)}"
        self.connection.run(
            f"INSERT INTO {_GONE} ({columns}) SELECT {columns} FROM {_TOUCHED} AS l"
            f" WHERE NOT EXISTS (SELECT 1 FROM {self.present.source} AS r WHERE {self._same}) ORDER BY l.{self._number}"
        )

    def stamps(self, relation: Relation, numbers: pa.Array) -> tuple[pa.Array, pa.Array]:
        """For numbers of `present` or `absent`, ascending: the entries that touched those keys last, and when (milliseconds)."""
        if not len(numbers):
            return numbers, numbers
        first, last = numbers[0].as_py(), numbers[-1].as_py()
        table = _GONE if relation is self.absent else _TOUCHED
        found = self.connection.whole(
            f"SELECT {self._seq} AS seq, {self._at} AS at FROM {table}"
            f" WHERE {self._number} >= {first} AND {self._number} <= {last} ORDER BY {self._number}",
            last - first + 1,
        )
        rows = found.take(pc.subtract(numbers, pa.scalar(first, pa.int64())))
        return rows.column(0), rows.column(1)

    def close(self) -> None:
        """Drop the temporary tables; the connection may serve another read."""
        for table in (_TOUCHED, _GONE):
            self.connection.run(f"DROP TABLE IF EXISTS {table}")


def turn(connection: Connection, relation: Relation, table: TableDescription, known: Installed, *, after: int, upto: int) -> Turn:
    """Raises UserError or PositionLost if a row without a key was touched."""
    number, seq, at = _spare(relation.key, "n"), _spare(relation.key, "seq"), _spare(relation.key, "at")
    keys = _names(relation)
    logged = log_columns(relation)
    apart = [f"typeof({name})" for name, key in zip(logged, relation.key, strict=True) if _told_apart(relation, table, key)]
    for name in (_TOUCHED, _GONE):
        connection.run(f"DROP TABLE IF EXISTS {name}")
        connection.run(f"CREATE TEMP TABLE {name.removeprefix('temp.')} ({number} INTEGER PRIMARY KEY, {seq}, {at}, {keys})")
    connection.run(
        f"INSERT INTO {_TOUCHED} ({seq}, {at}, {keys}) SELECT max(seq), at, {', '.join(logged)} FROM {known.log}"
        f" WHERE seq > {after} AND seq <= {upto} GROUP BY {', '.join([*logged, *apart])}"
    )
    _refuse_nulls(connection, relation)
    touched = int(connection.row(f"SELECT count(*) AS n FROM {_TOUCHED}")["n"])
    same = " AND ".join(_same(relation, table, key) for key in relation.key)
    present = replace(
        relation, rowid=f"l.{number}", joined=f"{_TOUCHED} AS l CROSS JOIN {relation.source} AS r ON {same}", stable=False
    )
    columns = tuple(StoredColumn(key, "", not_null=True, key=place) for place, key in enumerate(relation.key, 1))
    absent = Relation(relation.ref, "table", _GONE, columns, rowid=f"r.{number}", key=relation.key)
    return Turn(connection, touched, present, absent, number, seq, at, same)


def _same(relation: Relation, table: TableDescription, key: str) -> str:
    cell = quoted(key)
    terms = [f"r.{cell} = l.{cell} COLLATE {BINARY_COLLATION}"]
    order = _collation(relation, key)
    if order.upper() != BINARY_COLLATION:
        terms.insert(0, f"r.{cell} = l.{cell} COLLATE {quoted(order)}")
    if _told_apart(relation, table, key):
        terms.append(f"typeof(r.{cell}) = typeof(l.{cell})")
    return " AND ".join(terms)


def _told_apart(relation: Relation, table: TableDescription, key: str) -> bool:
    """Whether equal values of different storage classes are read as different ones."""
    declared = next(c.declared for c in relation.columns if c.name == key)
    read_as = next(c.type for c in table.columns if c.name == key)
    return keeps_storage_class(declared, strict=relation.strict) and read_as in (TEXT, BINARY)


def key_index(relation: Relation) -> UniqueIndex | None:
    """The index that the key's rows are found by, in an order that SQLite knows if there is one; None where the key is the row
    number."""
    whole = [index for index in relation.unique if not index.where and set(index.columns) == set(relation.key)]
    return min(whole, key=lambda index: (bool(strange_order(index)), not index.primary, index), default=None)


def strange_order(index: UniqueIndex) -> str:
    """A collation of the index that is not one of SQLite's own; empty if all are."""
    return next((order for order in index.collations if order.upper() not in COLLATIONS), "")


def _collation(relation: Relation, key: str) -> str:
    index = key_index(relation)
    return index.collations[index.columns.index(key)] if index else BINARY_COLLATION


def _refuse_nulls(connection: Connection, relation: Relation) -> None:
    for key in relation.key:
        if not connection.rows(f"SELECT 1 AS found FROM {_TOUCHED} AS r WHERE r.{quoted(key)} IS NULL LIMIT 1"):
            continue
        if nameless(connection, relation, [key]):
            raise UserError(
                f"Table {relation.ref}: rows with NULL in the key column “{key}” were changed; without a key they cannot be followed.",
                remedy="Give these rows a key, then make a full reload of the table.",
            )
        raise lost(relation.ref, f"rows with NULL in the key column “{key}” were changed, and could not be followed")


def nameless(connection: Connection, relation: Relation, keys: Sequence[str]) -> str:
    """The first of these key columns that holds NULL in some row; empty if none does."""
    for key in keys:
        if connection.rows(f"SELECT 1 AS found FROM {relation.source} AS r WHERE r.{quoted(key)} IS NULL LIMIT 1"):
            return key
    return ""


def _names(relation: Relation) -> str:
    return ", ".join(quoted(name) for name in relation.key)


def _spare(taken: tuple[str, ...], name: str) -> str:
    """A column's name that no key column has."""
    while name in {other.casefold() for other in taken}:
        name += "_"
    return name
