"""What a database holds: its tables and views, their columns and keys."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from dtaas_desktop.connectors.sqlite.connection import Connection
from dtaas_desktop.connectors.sqlite.errors import NoTable
from dtaas_desktop.connectors.sqlite.keys import UniqueIndex, key_of, unique_indexes
from dtaas_desktop.connectors.sqlite.sql import column, literal, quoted, subselect
from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.table import TableRef

_ROWID_NAMES = ("rowid", "_rowid_", "oid")
_SHORT_DEFAULT = 100
OURS = "_dtaas_"  # what change capture adds to a database begins with it
_PROBE = quoted("the query being described")


@dataclass(frozen=True, slots=True)
class StoredColumn:
    """A column as SQLite declares it. `key`: its place in the primary key from 1, or 0."""

    name: str
    declared: str
    not_null: bool
    key: int
    generated: bool = False
    default: str = ""  # as it is written; empty for none, or NULL


@dataclass(frozen=True, slots=True)
class Relation:
    """Something to select from, as SQLite sees it.

    source: its text after FROM, to be aliased `r`. rowid: the expression of its row numbers, None if it has none that we may page
    by. stable: whether the rowid is declared as the primary key, so that VACUUM does not renumber it. tree: the name of the
    b-tree that holds all of its values; None if some are computed, or filled in by a long default. name: as the database has it,
    whatever the case of the reference. joined: the whole text after FROM where rows are found through another table's numbers.
    """

    ref: TableRef
    kind: Literal["table", "view", "query"]
    source: str
    columns: tuple[StoredColumn, ...]
    rowid: str | None = None
    stable: bool = False
    strict: bool = False
    without_rowid: bool = False
    tree: str | None = None
    name: str = ""
    key: tuple[str, ...] = ()
    unique: tuple[UniqueIndex, ...] = ()
    virtual: bool = False
    joined: str = ""

    @property
    def paged(self) -> str:
        """The text after FROM to read by row numbers."""
        return self.joined or f"{self.source} AS r NOT INDEXED"


def table_refs(connection: Connection) -> list[TableRef]:
    """Tables and views that a person made: no internal ones, no shadows of virtual tables, none of change capture."""
    found = connection.rows("SELECT name FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'view', 'virtual')")
    return sorted(TableRef(row["name"]) for row in found if not row["name"].casefold().startswith(("sqlite_", OURS)))


def relation(connection: Connection, ref: TableRef) -> Relation:
    """Looks a table, view or query up. Raises UserError if it is not there."""
    connection.subject = str(ref)
    return _query(connection, ref) if ref.query else _stored(connection, ref)


def _stored(connection: Connection, ref: TableRef) -> Relation:
    if ref.schema not in ("", "main"):
        raise NoTable(f"There is no schema “{ref.schema}” in a SQLite file.", remedy="Leave the schema empty.")
    name = literal(ref.name)
    found = connection.rows(f"SELECT name, type, wr, strict FROM pragma_table_list({name}) WHERE schema = 'main'")
    if not found:
        raise NoTable(
            f"There is no table or view “{ref.name}” in the database.",
            remedy="It may have been renamed or dropped: choose the tables of the task again.",
        )
    kind, without_rowid, strict = found[0]["type"], bool(found[0]["wr"]), bool(found[0]["strict"])
    info = f"pragma_table_xinfo({name}, 'main')"
    columns = _columns(connection, info, seen_through_view=kind == "view")
    ordinary = kind == "table"
    elsewhere = f"hidden = 2 OR length(dflt_value) > {_SHORT_DEFAULT}"
    stored_whole = ordinary and not connection.row(f"SELECT count(*) AS n FROM {info} WHERE {elsewhere}")["n"]
    rowid, stable = _rowid(connection, name, columns) if ordinary and not without_rowid else (None, False)
    unique = unique_indexes(connection, found[0]["name"]) if ordinary else ()
    return Relation(
        ref,
        "view" if kind == "view" else "table",
        f"main.{quoted(found[0]['name'])}",
        columns,
        rowid,
        stable,
        strict,
        without_rowid,
        found[0]["name"] if stored_whole else None,
        found[0]["name"],
        key_of(columns, unique),
        unique,
        kind == "virtual",
    )


def _query(connection: Connection, ref: TableRef) -> Relation:
    # Only a view tells the declared types of a query's columns; a temporary one lives in this connection alone.
    source = subselect(ref.query)
    connection.run(f"CREATE TEMP VIEW {_PROBE} AS SELECT * FROM {source}")
    try:
        columns = _columns(
            connection, f"pragma_table_xinfo({literal('the query being described')}, 'temp')", seen_through_view=True
        )
    finally:
        connection.run(f"DROP VIEW temp.{_PROBE}")
    return Relation(ref, "query", source, columns)


def _columns(connection: Connection, info: str, *, seen_through_view: bool) -> tuple[StoredColumn, ...]:
    # hidden = 1: arguments and commands of virtual tables; 2 and 3: generated columns, which hold values like others.
    filled = "CASE WHEN upper(trim(dflt_value)) <> 'NULL' THEN dflt_value ELSE '' END"
    rows = connection.rows(
        f'SELECT name, type, "notnull" AS required, pk, hidden, {filled} AS filled FROM {info} WHERE hidden <> 1 ORDER BY cid'
    )
    names = [row["name"] for row in rows]
    if not names:
        raise UserError(f"{connection.subject} has no columns that can be read.")
    return tuple(
        StoredColumn(
            row["name"],
            _declared(row["type"], seen_through_view),
            bool(row["required"]),
            int(row["pk"]),
            bool(row["hidden"]),
            row["filled"],
        )
        for row in rows
    )


def _declared(kind: str | None, seen_through_view: bool) -> str:
    # For a view's column SQLite says BLOB where nothing is declared as well.
    return "" if kind is None or (seen_through_view and kind == "BLOB") else kind


def _rowid(connection: Connection, name: str, columns: Sequence[StoredColumn]) -> tuple[str | None, bool]:
    """The expression of an ordinary table's row number, and whether it is the declared primary key.

    A key column is the row number itself only if SQLite made no index for the key: “INTEGER PRIMARY KEY DESC” is none.
    """
    keys = [c for c in columns if c.key]
    if len(keys) == 1 and keys[0].declared.upper() == "INTEGER":
        indexed = connection.row(f"SELECT count(*) AS n FROM pragma_index_list({name}, 'main') WHERE origin = 'pk'")["n"]
        if not indexed:
            return column(keys[0].name), True
    taken = {c.name.casefold() for c in columns}
    free = next((alias for alias in _ROWID_NAMES if alias not in taken), None)
    return (column(free) if free else None), False
