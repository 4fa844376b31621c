"""Types and values as TDS sends them: TYPE_INFO (MS-TDS 2.2.5.4, 2.2.5.6), TYPE_VARBYTE (2.2.5.2.3), PLP (2.2.5.2.3)."""

import struct
from collections.abc import Callable, Sequence

from tests.servers.sqlserver.collation import CATALOGUE
from tests.servers.sqlserver.moments import DAY, DAY_1900
from tests.servers.sqlserver.types import SqlType, Value, storage_bytes
from tests.servers.sqlserver.values import datetimeoffset_out, guid_out, raw, scaled, whole

Body = Callable[[Value], bytes]
Column = Callable[[Sequence[Value]], list[bytes]]

NULL_PLP = b"\xff" * 8
_CHUNK = 1 << 20
_FIXED = {  # of columns that are NOT NULL
    "tinyint": 0x30, "bit": 0x32, "smallint": 0x34, "int": 0x38, "smalldatetime": 0x3A, "real": 0x3B, "money": 0x3C,
    "datetime": 0x3D, "float": 0x3E, "smallmoney": 0x7A, "bigint": 0x7F,
}  # fmt: skip
_SIZED = {
    "bit": 0x68, "tinyint": 0x26, "smallint": 0x26, "int": 0x26, "bigint": 0x26, "real": 0x6D, "float": 0x6D, "money": 0x6E,
    "smallmoney": 0x6E, "datetime": 0x6F, "smalldatetime": 0x6F, "uniqueidentifier": 0x24,
}  # fmt: skip
_LONG = {"varbinary": 0xA5, "varchar": 0xA7, "binary": 0xAD, "timestamp": 0xAD, "char": 0xAF, "nvarchar": 0xE7, "nchar": 0xEF}
_TEXT_POINTER = {"text": 0x23, "image": 0x22, "ntext": 0x63}
_SCALED = {"time": 0x29, "datetime2": 0x2A, "datetimeoffset": 0x2B}
_SIZES = {
    "bit": 1, "tinyint": 1, "smallint": 2, "int": 4, "bigint": 8, "real": 4, "float": 8, "money": 8, "smallmoney": 4,
    "datetime": 8, "smalldatetime": 4, "uniqueidentifier": 16,
}  # fmt: skip
_CLR = {
    "hierarchyid": "Microsoft.SqlServer.Types.SqlHierarchyId",
    "geography": "Microsoft.SqlServer.Types.SqlGeography",
    "geometry": "Microsoft.SqlServer.Types.SqlGeometry",
}


def user_type(kind: SqlType) -> int:
    return 0x50 if kind.name == "timestamp" else 0


def b_varchar(text: str) -> bytes:
    data = text.encode("utf-16-le", "surrogatepass")
    return bytes([len(data) // 2]) + data


def us_varchar(text: str) -> bytes:
    data = text.encode("utf-16-le", "surrogatepass")
    return struct.pack("<H", len(data) // 2) + data


def type_info(kind: SqlType, *, nullable: bool, database: str = "master", table: Sequence[str] = ()) -> bytes:
    name = kind.name
    if name in _FIXED and not nullable:
        return bytes([_FIXED[name]])
    if name in _SIZED:
        return bytes([_SIZED[name], _SIZES[name]])
    if name in {"decimal", "numeric"}:
        return bytes([0x6A if name == "decimal" else 0x6C, storage_bytes(kind), kind.precision, kind.scale])
    if name == "date":
        return b"\x28"
    if name in _SCALED:
        return bytes([_SCALED[name], kind.scale])
    collation = (kind.collation or CATALOGUE).wire if kind.family == "text" else b""
    if name in _LONG:
        size = 0xFFFF if kind.maximum else kind.length * 2 if kind.wide else kind.length
        return struct.pack("<BH", _LONG[name], size) + collation
    if name in _TEXT_POINTER:
        size = 0x7FFFFFFE if name == "ntext" else 0x7FFFFFFF
        return struct.pack("<BI", _TEXT_POINTER[name], size) + collation + bytes([len(table)]) + b"".join(map(us_varchar, table))
    if name == "xml":
        return b"\xf1\x00"
    if name == "sql_variant":
        return struct.pack("<BI", 0x62, 8009)
    assembly = f"{_CLR[name]}, Microsoft.SqlServer.Types, Version=11.0.0.0, Culture=neutral, PublicKeyToken=89845dcd8080cc91"
    size = 892 if name == "hierarchyid" else 0xFFFF
    return struct.pack("<BH", 0xF0, size) + b_varchar(database) + b_varchar("sys") + b_varchar(name) + us_varchar(assembly)


def _decimal_body(kind: SqlType) -> Body:
    size = storage_bytes(kind) - 1

    def body(value: Value) -> bytes:
        number = scaled(value, kind)
        return (b"\0" if number < 0 else b"\1") + abs(number).to_bytes(size, "little")

    return body


def _time_bytes(scale: int) -> tuple[int, int]:
    return 3 + (scale > 2) + (scale > 4), 10 ** (7 - scale)


def _moment_body(kind: SqlType) -> Body:
    size, step = _time_bytes(kind.scale)

    def time(value: Value) -> bytes:
        return (whole(value) // step).to_bytes(size, "little")

    def datetime2(value: Value) -> bytes:
        day, ticks = divmod(whole(value), DAY)
        return (ticks // step).to_bytes(size, "little") + day.to_bytes(3, "little")

    def datetimeoffset(value: Value) -> bytes:
        utc, offset = datetimeoffset_out(raw(value))
        return datetime2(utc) + struct.pack("<h", offset)

    def datetime(value: Value) -> bytes:
        return struct.pack("<iI", *divmod(whole(value), 25_920_000))

    def smalldatetime(value: Value) -> bytes:
        return struct.pack("<HH", *divmod(whole(value), 1440))

    def date(value: Value) -> bytes:
        return whole(value).to_bytes(3, "little")

    bodies: dict[str, Body] = {
        "time": time, "datetime2": datetime2, "datetimeoffset": datetimeoffset, "datetime": datetime,
        "smalldatetime": smalldatetime, "date": date,
    }  # fmt: skip
    return bodies[kind.name]


def _money(value: Value) -> bytes:
    number = whole(value)
    return struct.pack("<iI", number >> 32, number & 0xFFFFFFFF)


def body(kind: SqlType) -> Body:
    """The bytes of a value without its length."""
    formats = {
        "bit": "<B",
        "tinyint": "<B",
        "smallint": "<h",
        "int": "<i",
        "bigint": "<q",
        "smallmoney": "<i",
        "real": "<f",
        "float": "<d",
    }
    if kind.name in formats:
        return struct.Struct(formats[kind.name]).pack
    if kind.name == "money":
        return _money
    if kind.name in {"decimal", "numeric"}:
        return _decimal_body(kind)
    if kind.family == "moment":
        return _moment_body(kind)
    if kind.family == "guid":
        return lambda value: guid_out(raw(value))
    return raw


def _plp(value: Value) -> bytes:
    data = raw(value)
    chunks = [struct.pack("<Q", len(data))]
    for at in range(0, len(data), _CHUNK):
        piece = data[at : at + _CHUNK]
        chunks += (struct.pack("<I", len(piece)), piece)
    chunks.append(b"\0\0\0\0")
    return b"".join(chunks)


def column(kind: SqlType, *, nullable: bool) -> Column:
    """Stored values of a column → their bytes in ROW tokens."""
    one = body(kind)
    name = kind.name
    if name in _FIXED and not nullable:
        return lambda values: list(map(one, values))
    if name in _LONG and not kind.maximum:
        pack = struct.Struct("<H").pack
        return lambda values: [b"\xff\xff" if v is None else pack(len(v)) + v for v in values]  # type: ignore[arg-type, operator]
    if name in _TEXT_POINTER:
        head = b"\x10" + b"\x2a" * 16 + b"\0" * 8
        return lambda values: [b"\0" if v is None else head + struct.pack("<I", len(raw(v))) + raw(v) for v in values]
    if name == "sql_variant":
        return lambda values: [b"\0\0\0\0" if v is None else struct.pack("<I", len(raw(v))) + raw(v) for v in values]
    if name in _LONG or name == "xml" or kind.family in {"hierarchyid", "spatial"}:
        return lambda values: [NULL_PLP if v is None else _plp(v) for v in values]
    if name in _SIZED and kind.family in {"int", "float"}:
        sized = struct.Struct("<B" + {"real": "f", "float": "d", "smallint": "h", "int": "i", "bigint": "q"}.get(name, "B")).pack
        size = _SIZES[name]
        return lambda values: [b"\0" if v is None else sized(size, v) for v in values]
    size_of = {"date": 3, "time": 0, "datetime2": 3, "datetimeoffset": 5}.get(name)
    prefix = (
        bytes([size_of + (_time_bytes(kind.scale)[0] if name != "date" else 0)])
        if size_of is not None
        else bytes([_SIZES[name] if name in _SIZES else storage_bytes(kind)])
    )
    return lambda values: [b"\0" if v is None else prefix + one(v) for v in values]


def variant(value: Value, kind: SqlType) -> bytes:
    """A sql_variant that holds this value (MS-TDS 2.2.5.5.4)."""
    name = kind.name
    if name == "sql_variant":
        return raw(value)
    if name in _FIXED:
        token, properties = _FIXED[name], b""
    elif name in {"decimal", "numeric"}:
        token, properties = 0x6A if name == "decimal" else 0x6C, bytes([kind.precision, kind.scale])
    elif name in _SCALED:
        token, properties = _SCALED[name], bytes([kind.scale])
    elif name == "date":
        token, properties = 0x28, b""
    elif name == "uniqueidentifier":
        token, properties = 0x24, b""
    elif kind.family == "text":
        size = kind.length * 2 if kind.wide else kind.length
        token, properties = _LONG[name], (kind.collation or CATALOGUE).wire + struct.pack("<H", size)
    else:
        token, properties = _LONG[name], struct.pack("<H", kind.length)
    return bytes([token, len(properties)]) + properties + body(kind)(value)


DATE_1900 = DAY_1900 * DAY
