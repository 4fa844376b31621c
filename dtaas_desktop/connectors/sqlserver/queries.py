"""A query as something to select from: its columns as the server describes them, or, where it cannot, as the driver does."""

import datetime as dt
import uuid
from collections.abc import Callable
from decimal import Decimal

from dtaas_desktop.connectors.sqlserver.connecting import Asking
from dtaas_desktop.connectors.sqlserver.odbc import Described
from dtaas_desktop.connectors.sqlserver.relations import Relation, StoredColumn
from dtaas_desktop.connectors.sqlserver.sql import literal, selectable
from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.table import TableRef

_INTEGERS = {3: "tinyint", 5: "smallint", 10: "int"}
_MOST = {"nvarchar": 4000, "varbinary": 8000}


def query_relation(connection: Asking, ref: TableRef, type_of: Callable[[int, int | None], tuple[str, str]]) -> Relation:
    """`type_of` names a type by the ids of its system and its user type. Raises UserError for what cannot be read like a table."""
    before, source = selectable(ref.query)
    columns = _columns(connection, ref, before, source, type_of)
    if not columns:
        raise UserError(f"Query “{ref.name}” gives no columns.", remedy="Write a SELECT that gives at least one.")
    names = [column.name for column in columns]
    if not all(names):
        raise UserError(f"Query “{ref.name}” has a column without a name.", remedy="Give every column a name: … AS name.")
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise UserError(
            f"Query “{ref.name}” has two columns “{repeated[0]}”.", remedy="Give one of them another name: … AS name."
        )
    return Relation(ref, "query", source, columns, before=before)


def _columns(
    connection: Asking, ref: TableRef, before: str, source: str, type_of: Callable[[int, int | None], tuple[str, str]]
) -> tuple[StoredColumn, ...]:
    nothing = f"{before}SELECT TOP (0) * FROM {source} AS r"
    try:
        rows = connection.rows(
            "SELECT d.name, d.system_type_id, d.system_type_name, d.max_length, d.precision, d.scale, d.collation_name, d.is_nullable,"
            " d.error_number, d.error_message, d.user_type_id"
            f" FROM sys.dm_exec_describe_first_result_set({literal(f'{before}SELECT * FROM {source} AS r')}, NULL, 0) AS d"
            " WHERE ISNULL(d.is_hidden, 0) = 0 ORDER BY d.column_ordinal"
        )
    except UserError:  # a compatible server may not have it
        return tuple(map(_as_described, connection.described(nothing)))
    wrong = next((row for row in rows if row[8] is not None), None)
    if wrong is not None:
        connection.run(nothing)  # the server's own error says it best
        raise UserError(f"Query “{ref.name}” cannot be read: {wrong[9]}.", remedy="Correct the query.")
    return tuple(
        StoredColumn(
            name=row[0] or "",
            type=type_of(row[1], row[10])[0] or str(row[2] or "").lower().split("(", 1)[0],
            max_length=row[3],
            precision=row[4],
            scale=row[5],
            collation=row[6] or "",
            nullable=row[7] is None or bool(row[7]),
        )
        for row in rows
    )


def _as_described(column: Described) -> StoredColumn:
    """The type by what a driver makes of it: texts as Unicode, what it knows as bytes only as bytes."""
    kind, size, scale = column.kind, column.size, column.scale
    if kind is int:
        return StoredColumn(column.name, _INTEGERS.get(size, "bigint"))
    if kind is Decimal:
        return StoredColumn(column.name, "decimal", precision=size, scale=scale)
    if kind in (dt.datetime, dt.time):
        return StoredColumn(column.name, "datetime2" if kind is dt.datetime else "time", scale=scale)
    if issubclass(kind, bytes | bytearray) and scale:
        return StoredColumn(column.name, "datetimeoffset", scale=scale)
    plain = {bool: "bit", float: "float", dt.date: "date", uuid.UUID: "uniqueidentifier"}.get(kind)
    if plain is not None:
        return StoredColumn(column.name, plain)
    type_ = "varbinary" if issubclass(kind, bytes | bytearray) else "nvarchar"
    bounded = 0 < size <= _MOST[type_]
    return StoredColumn(column.name, type_, max_length=(size * 2 if type_ == "nvarchar" else size) if bounded else -1)
