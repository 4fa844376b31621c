"""Each type of SQL Server as what is asked of it and what comes out: one place, for full loads and for changes alike.

| SQL Server | asked for | read as |
|---|---|---|
| bit, tinyint, smallint, int, bigint | as it is | bool, uint8, int16, int32, int64 |
| decimal, numeric, money, smallmoney | as it is | decimal128(p,s), (19,4), (10,4) |
| real, float | as it is | float32, float64 |
| date, time(n) | as it is | date32, time64[ns] |
| smalldatetime, datetime, datetime2(n) | as it is | timestamp[s], [ms], [us]; datetime2(7) in nanoseconds or as text by choice |
| datetimeoffset(n) | in UTC, and its offset in minutes | timestamp[us, UTC], and int16 `<name>__offset` |
| char, varchar, nchar, nvarchar | as it is | large_string, padding kept |
| text, ntext, xml, (max), json, vector | as (max), bounded by a probe | large_string |
| binary, varbinary, image | as it is, or bounded by a probe | large_binary |
| rowversion | binary(8) | fixed_size_binary[8] |
| uniqueidentifier | char(36) | large_string, upper case |
| hierarchyid | ToString() | large_string |
| geography, geometry | STAsBinary(), and STSrid | large_binary, and int32 `<name>__srid` |
| sql_variant | its text by its own type, and that type's name | large_string, and large_string `<name>__type` |
| other CLR types | their stored bytes | large_binary |

A seventh digit is cut off where a column is read in microseconds, never rounded: load and changes must agree.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import pyarrow as pa

from dtaas_desktop.connectors.sqlserver.relations import StoredColumn
from dtaas_desktop.connectors.sqlserver.sql import column as qualified
from dtaas_desktop.domain.sqlserver_settings import SqlServerSettings

TEXT, BINARY = pa.large_string(), pa.large_binary()
MICROSECONDS, MICROSECONDS_UTC = pa.timestamp("us"), pa.timestamp("us", "UTC")
NANOSECONDS = pa.timestamp("ns")
OFFSET, SRID, VARIANT_TYPE = "__offset", "__srid", "__type"
LONGEST_BOUNDED = 8000  # bytes: beyond it a type has no bound

Large = Literal["", "text", "unicode", "binary"]

_PLAIN: dict[str, pa.DataType] = {
    "bit": pa.bool_(),
    "tinyint": pa.uint8(),
    "smallint": pa.int16(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "money": pa.decimal128(19, 4),
    "smallmoney": pa.decimal128(10, 4),
    "real": pa.float32(),
    "float": pa.float64(),
    "date": pa.date32(),
    "time": pa.time64("ns"),
    "smalldatetime": pa.timestamp("s"),
    "datetime": pa.timestamp("ms"),
}
_MOMENTS = ("date", "time", "smalldatetime", "datetime", "datetime2", "datetimeoffset")


@dataclass(frozen=True, slots=True)
class Reading:
    """One result column: its name, the type it is read as, and what is asked of the server.

    large: whether it may be larger than a buffer, and if so what it is. surrogates: whether it may hold halves of characters.
    transport: the type the driver is asked for. width: bytes of one value in the driver's buffer, for bounded types.
    """

    name: str
    type: pa.DataType
    sql: str
    origin: str
    large: Large = ""
    surrogates: bool = False
    transport: pa.DataType | None = None
    width: int = 8
    nullable: bool = True

    @property
    def asked(self) -> pa.DataType:
        if self.transport is not None:
            return self.transport
        return {TEXT: pa.string(), BINARY: pa.binary(), MICROSECONDS_UTC: MICROSECONDS}.get(self.type, self.type)


def readings(columns: Sequence[StoredColumn], choices: SqlServerSettings) -> tuple[tuple[Reading, ...], ...]:
    """What each column is read as: its values, then its companions, unless their name is taken."""
    taken = {column.name for column in columns}
    return tuple(
        found if len(found) == 1 else tuple(reading for reading in found if reading is found[0] or reading.name not in taken)
        for found in (readings_of(column, choices) for column in columns)
    )


def readings_of(column: StoredColumn, choices: SqlServerSettings) -> tuple[Reading, ...]:
    """What one column is read as: first its values, then its companions."""
    found = _readings_of(column, choices)
    main = found[0]
    # A cell that does not fit may become null by the task's policy, where the server would never have one.
    if main.type == NANOSECONDS or (main.surrogates and choices.lone_surrogates == "misfit"):
        return (replace(main, nullable=True), *found[1:])
    return found


def _readings_of(column: StoredColumn, choices: SqlServerSettings) -> tuple[Reading, ...]:
    c = qualified(column.name)
    if column.encrypted:  # the client gets the cipher text, whatever the declared type; the server measures none (DATALENGTH)
        large: Large = "binary" if column.max_length < 0 else ""
        return (_reading(column, BINARY, c, large=large, width=_cipher(column.max_length) + 8),)
    if column.type in _PLAIN:
        return (_reading(column, _PLAIN[column.type], c, width=40 if column.type.endswith("money") else 20),)
    make = _MAKERS.get(column.type)
    if make is not None:
        return make(column, c, choices)
    return (_reading(column, BINARY, f"CAST({c} AS varbinary(max))", large="binary"),)


def _cipher(length: int) -> int:
    """Bytes of a value of so many as Always Encrypted stores it: a version, a tag, a vector, and padded blocks of 16; a number is made
    a value of up to 32 bytes first (“Always Encrypted cryptography”)."""
    return 1 + 32 + 16 + (max(length, 32) // 16 + 1) * 16


def _reading(
    column: StoredColumn,
    data_type: pa.DataType,
    sql: str,
    *,
    companion: str = "",
    width: int = 8,
    large: Large = "",
    surrogates: bool = False,
    transport: pa.DataType | None = None,
) -> Reading:
    return Reading(column.name + companion, data_type, sql, column.name, large, surrogates, transport, width, column.nullable)


def _decimal(column: StoredColumn, c: str, _: SqlServerSettings) -> tuple[Reading, ...]:
    data_type = pa.decimal128(column.precision, column.scale)
    if column.precision == column.scale:  # drivers that write -0.5 as it is read need one place more than is made for it
        return (_reading(column, data_type, f"CAST({c} AS varchar(41))", transport=pa.string(), width=84),)
    return (_reading(column, data_type, c, width=41),)


def _datetime2(column: StoredColumn, c: str, choices: SqlServerSettings) -> tuple[Reading, ...]:
    if column.scale < 7 or choices.seven_digits == "microseconds":
        return (_reading(column, MICROSECONDS, c, width=24),)
    text = f"CONVERT(varchar(27), {c}, 121)"
    if choices.seven_digits == "text":
        return (_reading(column, TEXT, text, width=56),)
    # As text on the way: one moment before 1678 would end the whole reading, and its row could not be named.
    return (_reading(column, NANOSECONDS, text, transport=pa.string(), width=56),)


def _datetimeoffset(column: StoredColumn, c: str, choices: SqlServerSettings) -> tuple[Reading, ...]:
    moment = _reading(column, MICROSECONDS_UTC, f"CAST(SWITCHOFFSET({c}, '+00:00') AS datetime2(7))", width=24)
    offset = _reading(column, pa.int16(), f"CAST(DATEPART(tzoffset, {c}) AS smallint)", companion=OFFSET)
    return (moment, offset) if choices.offsets else (moment,)


def _bytes(column: StoredColumn, c: str, _: SqlServerSettings) -> tuple[Reading, ...]:
    return (_reading(column, BINARY, c, large="binary" if column.max_length < 0 else "", width=column.max_length + 8),)


def _text(column: StoredColumn, c: str, _: SqlServerSettings) -> tuple[Reading, ...]:
    unicode = column.type.startswith("n")
    large: Large = ("unicode" if unicode else "text") if column.max_length < 0 else ""
    width = (column.max_length if unicode else 2 * column.max_length) + 10
    return (_reading(column, TEXT, c, large=large, surrogates=unicode, width=width),)


def _large_text(column: StoredColumn, c: str, _: SqlServerSettings) -> tuple[Reading, ...]:
    if column.type == "text":
        return (_reading(column, TEXT, f"CAST({c} AS varchar(max))", large="text"),)
    return (_reading(column, TEXT, f"CAST({c} AS nvarchar(max))", large="unicode", surrogates=column.type == "ntext"),)


def _image(column: StoredColumn, c: str, _: SqlServerSettings) -> tuple[Reading, ...]:
    return (_reading(column, BINARY, f"CAST({c} AS varbinary(max))", large="binary"),)


def _rowversion(column: StoredColumn, c: str, _: SqlServerSettings) -> tuple[Reading, ...]:
    return (_reading(column, pa.binary(8), f"CAST({c} AS binary(8))"),)


def _guid(column: StoredColumn, c: str, _: SqlServerSettings) -> tuple[Reading, ...]:
    return (_reading(column, TEXT, f"CAST({c} AS char(36))", width=76),)


def _hierarchy(column: StoredColumn, c: str, _: SqlServerSettings) -> tuple[Reading, ...]:
    return (_reading(column, TEXT, f"CAST({c}.ToString() AS nvarchar(4000))", width=8004),)


def _shape(column: StoredColumn, c: str, choices: SqlServerSettings) -> tuple[Reading, ...]:
    shape = _reading(column, BINARY, f"{c}.STAsBinary()", large="binary")
    srid = _reading(column, pa.int32(), f"{c}.STSrid", companion=SRID)
    return (shape, srid) if choices.srids else (shape,)


def _variant(column: StoredColumn, c: str, choices: SqlServerSettings) -> tuple[Reading, ...]:
    value = _reading(column, TEXT, variant_text(c), large="unicode", surrogates=True)
    called = f"CAST(SQL_VARIANT_PROPERTY({c}, 'BaseType') AS nvarchar(128))"
    type_name = _reading(column, TEXT, called, companion=VARIANT_TYPE, width=260)
    return (value, type_name) if choices.variant_types else (value,)


_MAKERS: Mapping[str, Callable[[StoredColumn, str, SqlServerSettings], tuple[Reading, ...]]] = {
    **dict.fromkeys(("decimal", "numeric"), _decimal),
    "datetime2": _datetime2,
    "datetimeoffset": _datetimeoffset,
    **dict.fromkeys(("binary", "varbinary"), _bytes),
    **dict.fromkeys(("char", "varchar", "nchar", "nvarchar"), _text),
    **dict.fromkeys(("text", "ntext", "xml", "json", "vector"), _large_text),
    "image": _image,
    **dict.fromkeys(("timestamp", "rowversion"), _rowversion),
    "uniqueidentifier": _guid,
    "hierarchyid": _hierarchy,
    **dict.fromkeys(("geography", "geometry"), _shape),
    "sql_variant": _variant,
}


def is_known(column: StoredColumn) -> bool:
    """Whether the column's type is one of the server's own that this module knows."""
    return column.type in _PLAIN or column.type in _MAKERS


def variant_text(c: str) -> str:
    """The exact text of a sql_variant: each base type by the style that loses nothing (learn.microsoft.com, CAST and CONVERT)."""
    wide = "nvarchar(max)"
    moments = " ".join(f"WHEN '{kind}' THEN CONVERT({wide}, CAST({c} AS {_widest(kind)}), 121)" for kind in _MOMENTS)
    bytes_ = " ".join(f"WHEN '{kind}' THEN CONVERT({wide}, CAST({c} AS varbinary(8000)), 1)" for kind in ("binary", "varbinary"))
    money = " ".join(f"WHEN '{kind}' THEN CONVERT({wide}, CAST({c} AS money), 2)" for kind in ("money", "smallmoney"))
    # A variant cannot become a (max) type in one step. In Unicode, because its code page may be another than the database's; only
    # what does not fit there goes by way of the database's own.
    text = f"CAST(CAST({c} AS nvarchar(4000)) AS {wide})"
    long_text = f"CASE WHEN DATALENGTH({c}) > 4000 THEN CAST(CAST({c} AS varchar(8000)) AS {wide}) ELSE {text} END"
    texts = " ".join(f"WHEN '{kind}' THEN {long_text}" for kind in ("char", "varchar"))
    return (
        f"CASE CAST(SQL_VARIANT_PROPERTY({c}, 'BaseType') AS nvarchar(128))"
        f" WHEN 'float' THEN CONVERT({wide}, CAST({c} AS float), 3) WHEN 'real' THEN CONVERT({wide}, CAST({c} AS real), 3)"
        f" {money} {moments} {bytes_} {texts} ELSE {text} END"
    )


def _widest(kind: str) -> str:
    return f"{kind}(7)" if kind in ("time", "datetime2", "datetimeoffset") else kind
