"""A table as the engine plans with it: columns under their Arrow types, key, size, and what the user should know."""

import pyarrow as pa

from dtaas_desktop.connectors.sqlite import untyped
from dtaas_desktop.connectors.sqlite.catalog import Relation, StoredColumn
from dtaas_desktop.connectors.sqlite.connection import Connection
from dtaas_desktop.connectors.sqlite.ranges import size_estimate
from dtaas_desktop.connectors.sqlite.types import FLOAT64, INT64, MOST_DIGITS, TEXT, declared_type
from dtaas_desktop.domain.table import Column, TableDescription


def description(connection: Connection, relation: Relation, *, published: pa.Schema | None = None) -> TableDescription:
    """What is known of the table without reading it whole, except for columns without a declared type that were never published."""
    declared = {stored.name: declared_type(stored.declared) or _published(stored, published) for stored in relation.columns}
    silent = [stored for stored in relation.columns if declared[stored.name] is None]
    pinned = untyped.pinned_types(connection, relation, silent) if silent else {}
    columns = tuple(
        Column(
            stored.name,
            pinned[stored.name].type if stored.name in pinned else declared[stored.name],
            nullable=not _never_null(relation, stored),
            declared=stored.declared,
            prefilled=stored.generated or bool(stored.default),
        )
        for stored in relation.columns
    )
    size = size_estimate(connection, relation)
    return TableDescription(
        relation.ref,
        columns,
        relation.key,
        relation.kind,
        rows_estimate=size.rows,
        bytes_estimate=size.bytes,
        notes=(*untyped.notes(pinned, kind=relation.kind), *_key_notes(relation), *_decimal_notes(relation)),
    )


def _published(stored: StoredColumn, published: pa.Schema | None) -> pa.DataType | None:
    index = -1 if published is None else published.get_field_index(stored.name)
    if published is None or index < 0:
        return None
    found = published.field(index).type
    return found if found in untyped.PINNABLE else None


def _never_null(relation: Relation, stored: StoredColumn) -> bool:
    """Whether neither NULL nor a misfit made null can come from this column: SQLite must check the type as well as NOT NULL."""
    if relation.stable and stored.key:
        return True
    return relation.strict and stored.not_null and declared_type(stored.declared) in (INT64, FLOAT64)


def _key_notes(relation: Relation) -> tuple[str, ...]:
    if relation.stable or relation.strict or relation.without_rowid:
        return ()
    return tuple(
        f"Key column “{stored.name}” may hold NULL, in several rows: SQLite allows it unless NOT NULL is declared."
        for stored in relation.columns
        if stored.key and not stored.not_null
    )


def _decimal_notes(relation: Relation) -> tuple[str, ...]:
    return tuple(
        f"Column “{stored.name}” is declared {stored.declared}: more than {MOST_DIGITS} digits, so it is read as text."
        for stored in relation.columns
        if declared_type(stored.declared) == TEXT and stored.declared.upper().lstrip().startswith(("DEC", "NUM"))
    )
