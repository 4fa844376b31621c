"""Key values as plain values of a plan and as literals of Transact-SQL, exact and in the server's own order.

A value that bounds a part is compared by the server only, never here: text by its collation, GUIDs by their last six bytes first.
"""

from collections.abc import Sequence

import pyarrow as pa

from dtaas_desktop.connectors.sqlserver.relations import StoredColumn
from dtaas_desktop.connectors.sqlserver.sql import column as qualified
from dtaas_desktop.connectors.sqlserver.sql import literal
from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.table import Bound, Part

_INTEGERS = {"tinyint", "smallint", "int", "bigint"}
_MOMENTS = {"date", "time", "smalldatetime", "datetime", "datetime2", "datetimeoffset"}
_TEXTS = {"char", "varchar", "nchar", "nvarchar"}
_BYTES = {"binary", "varbinary"}
_NUMBERS = {"decimal", "numeric", "money", "smallmoney"}


def comparable(column: StoredColumn) -> bool:
    """Whether values of the column can be written down exactly and be compared by the server."""
    known = _INTEGERS | _MOMENTS | _TEXTS | _BYTES | _NUMBERS | {"uniqueidentifier", "bit"}
    return column.type in known and column.max_length >= 0 and not column.encrypted and not column.masked


def plain(column: StoredColumn, expression: str) -> str:
    """SQL for a key value as `value_of` takes it."""
    if column.type in _INTEGERS or column.type == "bit":
        return f"CAST({expression} AS bigint)"
    if column.type in _MOMENTS:
        return f"CONVERT(varchar(40), {expression}, 126)"
    if column.type in ("money", "smallmoney"):
        return f"CONVERT(varchar(50), {expression}, 2)"
    if column.type in _BYTES:
        return f"CONVERT(varchar(max), {expression}, 1)"
    if column.type in _TEXTS:
        # As bytes: no driver can bend them, and half a surrogate pair does not end the reading.
        return f"CAST(CAST({expression} AS nvarchar(4000)) AS varbinary(8000))"
    return f"CAST({expression} AS varchar(50))"


def plain_type(column: StoredColumn) -> pa.DataType:
    """The Arrow type of what `plain` gives."""
    if column.type in _INTEGERS or column.type == "bit":
        return pa.int64()
    return pa.binary() if column.type in _TEXTS else pa.string()


def value_of(column: StoredColumn, found: object) -> int | str | None:
    """What `plain` gave, as a value for a plan; None for one that no plan can hold."""
    if isinstance(found, bytes):
        try:
            text = found.decode("utf-16-le")
        except UnicodeDecodeError:
            return None
        return None if "\0" in text else text
    if isinstance(found, int):
        return found
    return None if found is None else str(found).strip() if column.type not in _TEXTS else str(found)


def literal_of(column: StoredColumn, value: int | str) -> str:
    """The value as a literal of exactly the column's type, so that an index can be used."""
    kind = column.type
    if kind in _INTEGERS or kind == "bit":
        number = int(value)  # beyond int a plain literal would be a decimal, and so would the column be made
        return str(number) if abs(number) < 2**31 else f"CAST({number} AS {kind})"
    text = str(value)
    if kind in _BYTES:
        return f"CAST({_hexadecimal(text)} AS {column_type(column)})"
    if kind in ("char", "varchar"):
        collate = f" COLLATE {_name(column.collation)}" if column.collation else ""
        return f"CAST({literal(text)}{collate} AS {column_type(column)})"
    if kind in _TEXTS:
        collate = f" COLLATE {_name(column.collation)}" if column.collation else ""
        return f"CAST({literal(text)} AS {column_type(column)}){collate}"
    return f"CAST({literal(text)[1:]} AS {column_type(column)})"


def column_type(column: StoredColumn) -> str:
    """The column's type as a CAST takes it, without the alias of a user's type."""
    if column.type in ("decimal", "numeric"):
        return f"{column.type}({column.precision},{column.scale})"
    if column.type in ("time", "datetime2", "datetimeoffset"):
        return f"{column.type}({column.scale})"
    if column.type in _TEXTS | _BYTES:
        length = column.max_length // 2 if column.type.startswith("n") else column.max_length
        return f"{column.type}({length})"
    return column.type


def within(columns: Sequence[StoredColumn], part: Part) -> str:
    """The condition for a row to be in the part; empty for the whole table. A row without a value is in the first part."""
    conditions = []
    if part.low is not None:
        conditions.append(_not_before(columns, _tuple(part.low)))
    if part.high is not None:
        condition = _before(columns, _tuple(part.high))
        empty = [f"{qualified(column.name)} IS NULL" for column in columns if column.nullable]
        conditions.append(f"({' OR '.join([condition, *empty])})" if part.low is None and empty else condition)
    return " AND ".join(conditions)


def equal(columns: Sequence[StoredColumn], values: Sequence[int | str]) -> str:
    """The condition for a row to have this key."""
    return " AND ".join(
        f"{qualified(column.name)} = {literal_of(column, value)}" for column, value in zip(columns, values, strict=True)
    )


def _not_before(columns: Sequence[StoredColumn], bound: Sequence[int | str]) -> str:
    first, value = qualified(columns[0].name), literal_of(columns[0], bound[0])
    if len(bound) == 1:
        return f"{first} >= {value}"
    # The first condition says nothing new, but lets the server seek instead of scan.
    return f"({first} >= {value} AND ({first} > {value} OR {_not_before(columns[1:], bound[1:])}))"


def _before(columns: Sequence[StoredColumn], bound: Sequence[int | str]) -> str:
    first, value = qualified(columns[0].name), literal_of(columns[0], bound[0])
    if len(bound) == 1:
        return f"{first} < {value}"
    return f"({first} <= {value} AND ({first} < {value} OR {_before(columns[1:], bound[1:])}))"


def _tuple(bound: Bound) -> tuple[int | str, ...]:
    return bound if isinstance(bound, tuple) else (bound,)


def _hexadecimal(text: str) -> str:
    digits = text.removeprefix("0x")
    if digits and set(digits.lower()) - set("0123456789abcdef"):
        raise UserError(
            "The stored plan holds a key that is not hexadecimal.", remedy="Start the task anew instead of resuming it."
        )
    return f"0x{digits}"


def _name(collation: str) -> str:
    if not collation.replace("_", "").isalnum():
        raise UserError(f"The collation “{collation}” has an unknown form of name.")
    return collation
