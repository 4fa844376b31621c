"""What makes a table's rows unique: the key a row is known by, and every index through which REPLACE can displace one."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from dtaas_desktop.connectors.sqlite.connection import Connection
from dtaas_desktop.connectors.sqlite.declared import condition
from dtaas_desktop.connectors.sqlite.sql import literal

BINARY_COLLATION = "BINARY"
COLLATIONS = (BINARY_COLLATION, "NOCASE", "RTRIM")  # SQLite's own; others come with the program that uses them


class Declared(Protocol):
    """The part of a stored column that a key depends on."""

    @property
    def name(self) -> str: ...
    @property
    def not_null(self) -> bool: ...
    @property
    def key(self) -> int: ...


@dataclass(frozen=True, slots=True, order=True)
class UniqueIndex:
    """A unique index, also that of a PRIMARY KEY or of a UNIQUE constraint.

    columns: None for an expression. collations: one for each column. where: the condition of a partial index, as it was written.
    """

    columns: tuple[str | None, ...]
    collations: tuple[str, ...]
    where: str = ""
    primary: bool = False


def unique_indexes(connection: Connection, table: str) -> tuple[UniqueIndex, ...]:
    name = literal(table)
    rows = connection.rows(
        "SELECT l.name, l.origin, l.partial, x.cid, x.name AS column_name, x.coll"
        f" FROM pragma_index_list({name}, 'main') AS l JOIN pragma_index_xinfo(l.name, 'main') AS x"
        ' WHERE l."unique" AND x.key ORDER BY l.seq, x.seqno'
    )
    found = defaultdict(list)
    for row in rows:
        found[row["name"]].append(row)
    return tuple(_index(connection, index) for index in found.values())


def _index(connection: Connection, rows: Sequence[dict[str, Any]]) -> UniqueIndex:
    first, where = rows[0], ""
    if first["partial"]:
        where = condition(connection.row(f"SELECT sql FROM main.sqlite_schema WHERE name = {literal(first['name'])}")["sql"])
    return UniqueIndex(
        tuple(row["column_name"] if row["cid"] >= 0 else None for row in rows),
        tuple(row["coll"] for row in rows),
        where,
        first["origin"] == "pk",
    )


def key_of(columns: Sequence[Declared], unique: Sequence[UniqueIndex]) -> tuple[str, ...]:
    """The declared primary key; else the columns of the shortest unique index that holds every row and no NULL; else nothing.

    It depends on the columns alone, not on the names or the age of indexes, which VACUUM and dumps may change.
    """
    primary = sorted((c for c in columns if c.key), key=lambda c: c.key)
    if primary:
        return tuple(c.name for c in primary)
    places = {c.name: place for place, c in enumerate(columns) if c.not_null}
    usable = [
        [places[name] for name in index.columns if name is not None]
        for index in unique
        if not index.where and all(name in places for name in index.columns)
    ]
    chosen = min(usable, key=lambda index: (len(index), index), default=[])
    return tuple(columns[place].name for place in chosen)
