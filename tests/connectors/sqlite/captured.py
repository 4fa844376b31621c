"""A captured table, written by Python's sqlite3 while the product is not looking, and a copy that follows by net changes alone."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from dtaas_desktop.connectors.sqlite import SqliteSource
from dtaas_desktop.domain.changes import CHANGES, Changes, Operation, Position
from dtaas_desktop.domain.table import CellPolicy, Rows, TableDescription, TableRef

T = TableRef("t")
Row = dict[str, object]


@contextmanager
def sqlite(path: Path, *, recursive: bool = False) -> Iterator[sqlite3.Connection]:
    """Another program's connection, in autocommit. Only while the product has nothing open here."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA recursive_triggers = {'ON' if recursive else 'OFF'}")
        yield connection
    finally:
        connection.close()


def write(path: Path, *statements: str, recursive: bool = False) -> None:
    with sqlite(path, recursive=recursive) as connection:
        for statement in statements:
            connection.execute(statement)


def stored(path: Path, sql: str = "SELECT * FROM t") -> list[tuple[object, ...]]:
    with sqlite(path) as connection:
        return connection.execute(sql).fetchall()


def position(source: SqliteSource, ref: TableRef = T) -> Position:
    with source.session([ref], exact=True) as session:
        return session.now()[ref]


def changes(
    source: SqliteSource,
    after: Position,
    ref: TableRef = T,
    *,
    columns: Sequence[str] = (),
    cells: CellPolicy | None = None,
    table: TableDescription | None = None,
) -> tuple[Position, list[Rows]]:
    """One turn: everything after a position, up to now."""
    table = table or source.describe(ref)
    names = list(columns) or [column.name for column in table.columns]
    with source.session([ref], exact=True) as session:
        upto = session.now()[ref]
        with session.read(table, Changes(after, upto), columns=names, cells=cells or CellPolicy()) as stream:
            found = list(stream)
            for rows in found:
                assert rows.changes is not None
                assert rows.changes.schema == CHANGES
                assert rows.changes.num_rows == rows.batch.num_rows
                assert rows.batch.schema == stream.schema
            return upto, found


def seen(found: Sequence[Rows]) -> list[tuple[Operation, Row]]:
    return [
        (Operation(change["operation"]), row)
        for rows in found
        for change, row in zip((rows.changes or pa.table({})).to_pylist(), rows.batch.to_pylist(), strict=True)
    ]


class Copy:
    """The rows by key, as they are known from changes."""

    def __init__(self, source: SqliteSource, ref: TableRef = T) -> None:
        self.source, self.ref = source, ref
        self.table = source.describe(ref)
        self.key = self.table.key
        self.rows: dict[tuple[object, ...], Row] = {}
        self.position = position(source, ref)

    def follow(self) -> list[tuple[Operation, Row]]:
        self.position, found = changes(self.source, self.position, self.ref, table=self.table)
        images = seen(found)
        keys = [tuple(row[name] for name in self.key) for _, row in images]
        assert len(set(keys)) == len(keys), "a key came twice"
        for (operation, row), key in zip(images, keys, strict=True):
            if operation == Operation.PRESENT:
                self.rows[key] = row
            else:
                assert operation == Operation.ABSENT
                assert all(value is None for name, value in row.items() if name not in self.key)
                self.rows.pop(key, None)
        return images

    def values(self) -> list[tuple[object, ...]]:
        return sorted((tuple(row.values()) for row in self.rows.values()), key=repr)
