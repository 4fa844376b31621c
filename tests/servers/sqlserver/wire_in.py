"""Values as clients send them: parameters of RPC requests (MS-TDS 2.2.6.6), and what a sql_variant holds."""

import struct
from dataclasses import dataclass, replace

from tests.servers.sqlserver.collation import CATALOGUE, Collation, collation
from tests.servers.sqlserver.errors import SqlError, not_understood
from tests.servers.sqlserver.moments import DAY
from tests.servers.sqlserver.types import MAX, SqlType, Value, decimal_type, plain
from tests.servers.sqlserver.values import datetimeoffset_in, guid_in, store_scaled


class Reader:
    def __init__(self, data: bytes, at: int = 0) -> None:
        self.data = data
        self.at = at

    @property
    def left(self) -> int:
        return len(self.data) - self.at

    def take(self, count: int) -> bytes:
        if count < 0 or self.left < count:
            raise SqlError(4002, "The incoming tabular data stream (TDS) protocol stream is incorrect. It ended unexpectedly.")
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "little")

    def text(self, size: int) -> str:
        """Text of as many UTF-16 units as a number of `size` bytes in front says."""
        return self.take(self.number(size) * 2).decode("utf-16-le", "surrogatepass")


_INTEGERS = {1: "tinyint", 2: "smallint", 4: "int", 8: "bigint"}
_FIXED = {
    0x30: "tinyint", 0x32: "bit", 0x34: "smallint", 0x38: "int", 0x7F: "bigint", 0x3B: "real", 0x3E: "float", 0x3C: "money",
    0x7A: "smallmoney", 0x3D: "datetime", 0x3A: "smalldatetime", 0x28: "date", 0x24: "uniqueidentifier",
}  # fmt: skip
_FIXED_SIZE = {0x30: 1, 0x32: 1, 0x34: 2, 0x38: 4, 0x7F: 8, 0x3B: 4, 0x3E: 8, 0x3C: 8, 0x7A: 4, 0x3D: 8, 0x3A: 4, 0x1F: 0}
_LONG = {0xA5: "varbinary", 0xA7: "varchar", 0xAD: "binary", 0xAF: "char", 0xE7: "nvarchar", 0xEF: "nchar"}
_SCALED = {0x29: "time", 0x2A: "datetime2", 0x2B: "datetimeoffset"}
_LEGACY = {0x23: "text", 0x22: "image", 0x63: "ntext"}
_KNOWN_COLLATIONS = {
    collation(name).wire: collation(name)
    for name in (
        "SQL_Latin1_General_CP1_CI_AS", "SQL_Latin1_General_CP1_CS_AS", "Latin1_General_CI_AS", "Latin1_General_CS_AS",
        "Latin1_General_BIN2", "Latin1_General_BIN", "Latin1_General_100_CI_AS_SC_UTF8", "Latin1_General_100_BIN2_UTF8",
        "Cyrillic_General_CI_AS", "Greek_CI_AS", "Polish_CI_AS", "Japanese_CI_AS", "French_CI_AS",
    )
}  # fmt: skip
_BY_LCID = {one.lcid: one for one in reversed(list(_KNOWN_COLLATIONS.values()))}


def collation_of(wire: bytes) -> Collation:
    found = _KNOWN_COLLATIONS.get(wire)
    return found or _BY_LCID.get(int.from_bytes(wire[:4], "little") & 0xFFFFF, CATALOGUE)


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    type: SqlType
    value: Value
    output: bool = False


def read_parameter(reader: Reader, database: Collation) -> Parameter:
    name = reader.text(1)
    flags = reader.number(1)
    kind, value = _typed(reader)
    if (
        kind.family == "text"
        and not kind.wide
        and isinstance(value, bytes)
        and kind.collation
        and kind.collation.codec == database.codec
    ) or (kind.family == "text" and kind.wide):
        kind = replace(kind, collation=database)
    return Parameter(name, kind, value, output=bool(flags & 1))


def _typed(reader: Reader) -> tuple[SqlType, Value]:
    token = reader.number(1)
    if token == 0x1F:
        return plain("int"), None
    if token in _FIXED_SIZE:
        kind = plain(_FIXED[token])
        return kind, from_body(kind, reader.take(_FIXED_SIZE[token]))
    if token in {0x26, 0x68, 0x6D, 0x6E, 0x6F, 0x24}:
        declared, size = reader.number(1), reader.number(1)
        kind = _sized(token, size or declared)
        return kind, from_body(kind, reader.take(size)) if size else None
    if token in {0x6A, 0x6C}:
        reader.number(1)
        kind = decimal_type(reader.number(1), reader.number(1))
        return _short(reader, kind)
    if token == 0x28:
        return _short(reader, plain("date"))
    if token in _SCALED:
        return _short(reader, SqlType(_SCALED[token], scale=reader.number(1)))
    if token in _LONG:
        return _long(reader, _LONG[token])
    if token in _LEGACY:
        reader.number(4)
        kind = SqlType(_LEGACY[token], MAX, collation=collation_of(reader.take(5)) if token != 0x22 else None)
        size = reader.number(4)
        return kind, None if size == 0xFFFFFFFF else reader.take(size)
    if token == 0xF1:
        if reader.number(1):
            raise not_understood("a parameter of typed XML")
        data = plp(reader)
        return SqlType("xml", MAX), data if data is None else data.removeprefix(b"\xff\xfe")
    if token == 0x62:
        reader.number(4)
        size = reader.number(4)
        return plain("sql_variant"), reader.take(size) if size else None
    raise not_understood(f"a parameter of the TDS type 0x{token:02X}")


def _sized(token: int, size: int) -> SqlType:
    if token == 0x26:
        return plain(_INTEGERS[size])
    names = {0x6D: {4: "real", 8: "float"}, 0x6E: {4: "smallmoney", 8: "money"}, 0x6F: {4: "smalldatetime", 8: "datetime"}}
    return plain("bit" if token == 0x68 else "uniqueidentifier" if token == 0x24 else names[token][size])


def _short(reader: Reader, kind: SqlType) -> tuple[SqlType, Value]:
    size = reader.number(1)
    return kind, from_body(kind, reader.take(size)) if size else None


def _long(reader: Reader, name: str) -> tuple[SqlType, Value]:
    size = reader.number(2)
    ordering = collation_of(reader.take(5)) if "char" in name else None
    if size == 0xFFFF:
        return SqlType(name, MAX, collation=ordering), plp(reader)
    kind = SqlType(name, max(size // 2 if name.startswith("n") else size, 1), collation=ordering)
    length = reader.number(2)
    return kind, None if length == 0xFFFF else reader.take(length)


def plp(reader: Reader) -> bytes | None:
    if reader.number(8) == 2**64 - 1:
        return None
    chunks = []
    while size := reader.number(4):
        chunks.append(reader.take(size))
    return b"".join(chunks)


def from_body(kind: SqlType, data: bytes) -> Value:
    """The bytes of a value, without length, as stored."""
    name = kind.name
    if name in {"bit", "tinyint"}:
        return data[0]
    if name in {"smallint", "int", "bigint", "smallmoney"}:
        return int.from_bytes(data, "little", signed=True)
    if name in {"real", "float"}:
        return float(struct.unpack("<f" if name == "real" else "<d", data)[0])
    if name == "money":
        high, low = struct.unpack("<iI", data)
        return int(high << 32 | low)
    if name in {"decimal", "numeric"}:
        number = int.from_bytes(data[1:], "little")
        return store_scaled(number if data[0] else -number, kind)
    if name == "uniqueidentifier":
        return guid_in(data)
    if kind.family == "moment":
        return _moment(kind, data)
    return data


def _moment(kind: SqlType, data: bytes) -> Value:
    if kind.name == "date":
        return int.from_bytes(data, "little")
    if kind.name == "datetime":
        days, ticks = struct.unpack("<iI", data)
        return int(days * 25_920_000 + ticks)
    if kind.name == "smalldatetime":
        days, minutes = struct.unpack("<HH", data)
        return int(days * 1440 + minutes)
    size = 3 + (kind.scale > 2) + (kind.scale > 4)
    step: int = 10 ** (7 - kind.scale)
    ticks = int.from_bytes(data[:size], "little") * step
    if kind.name == "time":
        return ticks
    absolute = int.from_bytes(data[size : size + 3], "little") * DAY + ticks
    if kind.name == "datetime2":
        return absolute
    return datetimeoffset_in(absolute, int.from_bytes(data[size + 3 :], "little", signed=True))


def variant_content(stored: bytes) -> tuple[SqlType, Value]:
    """What a sql_variant holds: its base type and value."""
    token, count = stored[0], stored[1]
    properties, data = stored[2 : 2 + count], stored[2 + count :]
    if token in _FIXED:
        kind = plain(_FIXED[token])
    elif token in {0x6A, 0x6C}:
        kind = SqlType("decimal" if token == 0x6A else "numeric", precision=properties[0], scale=properties[1])
    elif token in _SCALED:
        kind = SqlType(_SCALED[token], scale=properties[0])
    else:
        name = _LONG[token]
        size = int.from_bytes(properties[-2:], "little")
        is_text = "char" in name
        length = size // 2 if name.startswith("n") else size
        kind = SqlType(name, length, collation=collation_of(properties[:5]) if is_text else None)
    return kind, from_body(kind, data)
