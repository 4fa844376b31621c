"""An independent reading of a SQLite table: row by row with Python's own sqlite3, and the policy in plain words of Python.

Shares no code with the product. Never used while the product has the same file open in this process: two copies of SQLite in one
process lose each other's locks.
"""

import datetime
import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path


class Text(bytes):
    """The bytes of a TEXT value, to tell it from a BLOB."""


class Misfit:
    """Stands for a value that the declared type does not take."""

    def __repr__(self) -> str:
        return "MISFIT"


MISFIT = Misfit()
Stored = int | float | Text | bytes | None


@dataclass(frozen=True)
class Verdict:
    """What a table must be read as: type names by column, and its rows with MISFIT where a value does not fit."""

    types: tuple[str, ...]
    rows: list[tuple[object, ...]]


def stored_rows(path: Path, sql: str) -> list[tuple[Stored, ...]]:
    connection = sqlite3.connect(path)
    try:
        connection.text_factory = Text
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def verdict(rows: Sequence[Sequence[Stored]], declared: Sequence[str]) -> Verdict:
    columns = [[row[index] for row in rows] for index in range(len(declared))]
    types = [_TYPES.get(name) or _pinned(column) for name, column in zip(declared, columns, strict=True)]
    judged = [
        [read(value, kind, declared=bool(name)) for value in column]
        for column, kind, name in zip(columns, types, declared, strict=True)
    ]
    return Verdict(tuple(types), [tuple(column[index] for column in judged) for index in range(len(rows))])


_TYPES = {
    "INTEGER": "int64",
    "BIGINT": "int64",
    "REAL": "double",
    "DOUBLE PRECISION": "double",
    "BOOLEAN": "bool",
    "DATE": "date32[day]",
    "TIMESTAMP": "timestamp[us]",
    "DATETIME": "timestamp[us]",
    "TIMESTAMPTZ": "timestamp[us, tz=UTC]",
    "TIME": "time64[us]",
    "TEXT": "large_string",
    "VARCHAR(5)": "large_string",
    "JSON": "large_string",
    "UUID": "large_string",
    "BLOB": "large_binary",
    "DECIMAL(10,2)": "decimal128(10, 2)",
    "NUMERIC(38,10)": "decimal128(38, 10)",
    "DECIMAL(4)": "decimal128(4, 0)",
    "DECIMAL(38,38)": "decimal128(38, 38)",
    "DECIMAL(19)": "decimal128(19, 0)",
}
DECLARED = [*_TYPES, "", "NUMERIC", "ODD THING"]


def _pinned(values: Sequence[Stored]) -> str:
    classes = {type(value) for value in values if value is not None}
    if bytes in classes:
        return "large_binary"
    if Text in classes or not classes:
        return "large_string"
    if classes == {int}:
        return "int64"
    if any(isinstance(value, int) and abs(value) > 2**53 for value in values):
        return "large_string"
    return "double"


def read(value: Stored, kind: str, *, declared: bool) -> object:
    if value is None:
        return None
    if kind == "large_binary":
        if isinstance(value, Text | bytes):
            return bytes(value)
        return MISFIT if declared else str(value).encode()
    if isinstance(value, bytes) and not isinstance(value, Text):
        return MISFIT
    if isinstance(value, Text):
        try:
            text = value.decode("utf-8")
        except UnicodeDecodeError:
            return MISFIT
        return _of_text(text, kind)
    return _of_number(value, kind)


def _of_number(value: int | float, kind: str) -> object:
    if kind == "large_string":
        return str(value)
    finite = isinstance(value, int) or value - value == 0
    if kind == "double":
        return float(value) if isinstance(value, float) or abs(value) <= 2**53 else MISFIT
    if not finite:
        return MISFIT
    if kind == "int64":
        return int(value) if value == int(value) and -(2**63) <= int(value) < 2**63 else MISFIT
    if kind == "bool":
        return bool(value) if value in (0, 1) else MISFIT
    if kind.startswith("decimal"):
        return _decimal(str(value), kind)
    return MISFIT


def _of_text(text: str, kind: str) -> object:
    if kind == "large_string":
        return text
    if kind == "bool":
        return {"true": True, "t": True, "false": False, "f": False}.get(text.lower(), MISFIT)
    if kind.startswith("decimal"):
        return _decimal(text, kind)
    if kind.startswith("date32"):
        day, _, midnight = text.replace(" ", "T", 1).partition("T")
        if "T" in text.replace(" ", "T", 1) and not re.fullmatch("00:00(:00([.]0+)?)?", midnight, re.ASCII):
            return MISFIT
        return _day(day) or MISFIT
    if kind.startswith("timestamp"):
        return _moment(text, aware="UTC" in kind)
    if kind.startswith("time64"):
        return _clock(text)
    return MISFIT


def _decimal(text: str, kind: str) -> object:
    precision, scale = (int(part) for part in re.findall(r"\d+", kind.removeprefix("decimal128")))
    if not re.fullmatch(r"[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]{1,3})?", text):
        return MISFIT
    mantissa, _, exponent = text.lower().partition("e")
    units = Fraction(mantissa.rstrip(".") if mantissa.endswith(".") else mantissa) * Fraction(10) ** (int(exponent or 0) + scale)
    if units.denominator != 1 or abs(units.numerator) >= 10**precision:
        return MISFIT
    return Decimal(units.numerator).scaleb(-scale) if abs(units.numerator) < 10**28 else _big(units.numerator, scale)


def _big(units: int, scale: int) -> Decimal:
    return Decimal((int(units < 0), tuple(int(digit) for digit in str(abs(units))), -scale))


def _day(text: str) -> datetime.date | None:
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
        return None
    try:
        return datetime.date(int(text[:4]), int(text[5:7]), int(text[8:]))
    except ValueError:
        return None


def _clock(text: str) -> object:
    if not re.fullmatch(r"\d\d:\d\d(:\d\d([.]\d+)?)?", text, re.ASCII):
        return MISFIT
    fraction = text.partition(".")[2]
    if fraction[6:].strip("0"):
        return MISFIT
    try:
        return datetime.time(int(text[:2]), int(text[3:5]), int(text[6:8] or 0), int(fraction[:6].ljust(6, "0")))
    except ValueError:
        return MISFIT


def _moment(text: str, *, aware: bool) -> object:
    day = _day(text[:10])
    if day is None:
        return MISFIT
    rest, offset, clock = text[10:], datetime.timedelta(), datetime.time()
    if rest:
        if rest[0] not in " T":
            return MISFIT
        rest = rest[1:]
        zone = re.search(r" ?([zZ]|[+-]\d\d:\d\d)$", rest, re.ASCII)
        if zone:
            rest = rest[: zone.start()]
            if zone[1] not in "zZ":
                hours, minutes = int(zone[1][1:3]), int(zone[1][4:])
                if hours > 14 or minutes > 59:
                    return MISFIT
                offset = datetime.timedelta(hours=hours, minutes=minutes) * (-1 if zone[1][0] == "-" else 1)
        found = _clock(rest)
        if not isinstance(found, datetime.time):
            return MISFIT
        clock = found
    try:
        moment = datetime.datetime.combine(day, clock) - offset
    except OverflowError:
        return MISFIT
    return moment.replace(tzinfo=datetime.UTC) if aware else moment
