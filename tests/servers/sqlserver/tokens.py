"""Tokens of a server's answer (MS-TDS 2.2.7)."""

import struct
from collections.abc import Sequence

from tests.servers.sqlserver.collation import Collation
from tests.servers.sqlserver.environment import SERVER_NAME
from tests.servers.sqlserver.errors import SqlError
from tests.servers.sqlserver.query import ResultColumn
from tests.servers.sqlserver.types import SqlType, Value
from tests.servers.sqlserver.wire import b_varchar, column, type_info, us_varchar, user_type

DONE, DONE_PROC, DONE_IN_PROC = 0xFD, 0xFE, 0xFF
MORE, ERROR, IN_TRANSACTION, COUNT, ATTENTION = 0x1, 0x2, 0x4, 0x10, 0x20
PROGRAM_VERSION = bytes([16, 0]) + struct.pack(">H", 4175)
SELECT_COMMAND = 0xC1


def done(token: int, status: int, *, command: int = 0, rows: int = 0) -> bytes:
    return struct.pack("<BHHQ", token, status, command, rows)


def login_ack() -> bytes:
    """TDS 7.4 is written 0x74000004 here (2.2.7.14)."""
    body = b"\x01\x74\x00\x00\x04" + b_varchar("Microsoft SQL Server") + PROGRAM_VERSION
    return struct.pack("<BH", 0xAD, len(body)) + body


def change_text(kind: int, new: str, old: str) -> bytes:
    """ENVCHANGE 1 database, 2 language, 4 packet size, 13 database mirroring partner (2.2.7.9)."""
    body = bytes([kind]) + b_varchar(new) + b_varchar(old)
    return struct.pack("<BH", 0xE3, len(body)) + body


def change_bytes(kind: int, new: bytes, old: bytes) -> bytes:
    """ENVCHANGE 7 collation, 8 begin, 9 commit, 10 roll back."""
    body = bytes([kind, len(new)]) + new + bytes([len(old)]) + old
    return struct.pack("<BH", 0xE3, len(body)) + body


def change_collation(collation: Collation) -> bytes:
    return change_bytes(7, collation.wire, b"")


def routing(host: str, port: int) -> bytes:
    """ENVCHANGE 20: go and connect there instead."""
    value = struct.pack("<BH", 0, port) + us_varchar(host)
    body = b"\x14" + struct.pack("<H", len(value)) + value + b"\0\0"
    return struct.pack("<BH", 0xE3, len(body)) + body


def message(error: SqlError, *, token: int = 0xAA, procedure: str = "", line: int = 1) -> bytes:
    """ERROR (0xAA) or INFO (0xAB)."""
    body = struct.pack("<iBB", error.number, error.state, error.severity) + us_varchar(error.text[:2047])
    body += b_varchar(SERVER_NAME) + b_varchar(procedure) + struct.pack("<i", line)
    return struct.pack("<BH", token, len(body)) + body


def information(number: int, text: str, *, severity: int = 0, state: int = 1) -> bytes:
    return message(SqlError(number, text, severity, state), token=0xAB)


def metadata(columns: Sequence[ResultColumn], database: str, table: Sequence[str] = ()) -> bytes:
    """COLMETADATA (2.2.7.4)."""
    parts = [struct.pack("<BH", 0x81, len(columns))]
    for one in columns:
        flags = (
            int(one.nullable) | 0x10 * one.identity | 0x20 * one.computed | (0x08 if not one.identity and not one.computed else 0)
        )
        parts.append(struct.pack("<IH", user_type(one.type), flags))
        parts.append(type_info(one.type, nullable=one.nullable, database=database, table=table))
        parts.append(b_varchar(one.name[:255]))
    return b"".join(parts)


class RowEncoder:
    """Rows of stored values as ROW tokens (2.2.7.19), column by column: that is several times as fast as cell by cell."""

    def __init__(self, columns: Sequence[ResultColumn]) -> None:
        self.encoders = [column(one.type, nullable=one.nullable) for one in columns]

    def encode(self, rows: Sequence[tuple[Value, ...]]) -> list[bytes]:
        columns = [encode(values) for encode, values in zip(self.encoders, zip(*rows, strict=True), strict=True)]
        return list(map(b"".join, zip([b"\xd1"] * len(rows), *columns, strict=True)))


def return_status(value: int) -> bytes:
    return struct.pack("<Bi", 0x79, value)


def return_value(name: str, kind: SqlType, value: Value, ordinal: int) -> bytes:
    """RETURNVALUE (2.2.7.18) of an output parameter."""
    return (
        struct.pack("<BH", 0xAC, ordinal)
        + b_varchar(name)
        + b"\x01"
        + struct.pack("<IH", 0, 1)
        + type_info(kind, nullable=True)
        + column(kind, nullable=True)([value])[0]
    )
