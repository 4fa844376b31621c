"""Declared types as Arrow types, by one plain policy. The data decides only where nothing is declared.

| declared | read as |
|---|---|
| INT, INTEGER, BIGINT and the like | int64 |
| REAL, DOUBLE, FLOAT | float64 |
| DECIMAL(p,s), NUMERIC(p,s), NUMBER(p,s), p ≤ 38 | decimal128(p,s) (more digits: text) |
| BOOLEAN, BOOL, BIT | bool: 0 or 1, or the words true, false, t, f in any case |
| DATE | date32 from YYYY-MM-DD, also with a time of midnight |
| TIMESTAMP, DATETIME and the like | timestamp[us] from ISO 8601 text with a blank or T, up to 6 digits of a second's fraction |
| the same WITH TIME ZONE, TIMESTAMPTZ | timestamp[us, UTC] |
| TIME | time64[us] from HH:MM[:SS[.ffffff]] |
| CHAR, TEXT, CLOB, STRING, JSON, UUID, XML … | large_string |
| BLOB, BINARY, BYTEA … | large_binary |
| anything else, or nothing (views' and queries' expressions) | `None` here: the stored values decide, see `untyped` |

An offset (Z, +02:00) is applied as SQLite's own datetime() does: what is read is UTC, with and without time zone.
SQLite's affinity may have stored a number where text is declared (NUMERIC affinity turns '007' in a STRING column into 7 on
insert); numbers in text columns are read as their shortest exact text.
"""

import re

import pyarrow as pa

INT64, FLOAT64, BOOL = pa.int64(), pa.float64(), pa.bool_()
TEXT, BINARY = pa.large_string(), pa.large_binary()
DATE, TIME = pa.date32(), pa.time64("us")
TIMESTAMP, TIMESTAMP_UTC = pa.timestamp("us"), pa.timestamp("us", "UTC")

MOST_DIGITS = 38

_NAMES: tuple[tuple[pa.DataType, str], ...] = (
    (INT64, "INT, INTEGER, TINYINT, SMALLINT, MEDIUMINT, BIGINT, BIG INT, LONG, SERIAL, BIGSERIAL, YEAR"),
    (INT64, "INT2, INT4, INT8, INT16, INT32, INT64, UINT8, UINT16, UINT32, UINT64"),
    (FLOAT64, "REAL, DOUBLE, DOUBLE PRECISION, FLOAT, FLOAT4, FLOAT8"),
    (BOOL, "BOOLEAN, BOOL, BIT"),
    (DATE, "DATE"),
    (TIMESTAMP, "TIMESTAMP, DATETIME, DATETIME2, SMALLDATETIME, TIMESTAMP WITHOUT TIME ZONE, TIMESTAMP_NTZ"),
    (TIMESTAMP_UTC, "TIMESTAMPTZ, TIMESTAMP WITH TIME ZONE, DATETIMEOFFSET, TIMESTAMP_TZ"),
    (TIME, "TIME, TIME WITHOUT TIME ZONE"),
    (TEXT, "JSON, UUID, GUID, UNIQUEIDENTIFIER, XML, STRING, ENUM"),
    (BINARY, "BLOB, TINYBLOB, MEDIUMBLOB, LONGBLOB, BINARY, VARBINARY, BYTEA, IMAGE"),
)
_BY_NAME = {name: arrow for arrow, names in _NAMES for name in names.split(", ")}
_DECIMALS = {"DECIMAL", "NUMERIC", "NUMBER", "DEC"}
_SHAPE = re.compile(r"(?P<name>[^()]*)(?:\((?P<arguments>[^()]*)\))?(?P<rest>[^()]*)")


def declared_type(declared: str) -> pa.DataType | None:
    """The Arrow type of a declared type; None where only the values can tell."""
    shape = _SHAPE.fullmatch(declared.upper())
    if shape is None:
        return None
    words = [word for word in f"{shape['name']} {shape['rest']}".split() if word != "UNSIGNED"]
    name = " ".join(words)
    numbers = [part.strip() for part in (shape["arguments"] or "").split(",") if part.strip()]
    if name in _DECIMALS:
        return _decimal(numbers)
    if name == "BIT" and numbers not in ([], ["1"]):
        return None
    if name in _BY_NAME:
        return _BY_NAME[name]
    if any(word in name for word in ("CHAR", "TEXT", "CLOB")):
        return TEXT
    return None


def _decimal(numbers: list[str]) -> pa.DataType | None:
    if not 1 <= len(numbers) <= 2 or not all(number.isdecimal() for number in numbers):
        return None
    precision, scale = int(numbers[0]), int(numbers[1]) if len(numbers) == 2 else 0
    if not 0 <= scale <= precision or precision == 0:
        return None
    return pa.decimal128(precision, scale) if precision <= MOST_DIGITS else TEXT


def has_real_affinity(declared: str) -> bool:
    """Whether SQLite turns every integer of such a column into a real when it is read (sqlite.org/datatype3.html §3.1)."""
    name = declared.upper()
    if any(word in name for word in ("INT", "CHAR", "CLOB", "TEXT", "BLOB")):
        return False
    return any(word in name for word in ("REAL", "FLOA", "DOUB"))


def keeps_storage_class(declared: str, *, strict: bool) -> bool:
    """Whether a column stores each value just as it is given (BLOB affinity, or ANY in a STRICT table): 1, 1.0 and '1' side by side."""
    name = declared.upper()
    if strict:
        return name in ("ANY", "BLOB")
    return not name or ("BLOB" in name and not any(word in name for word in ("INT", "CHAR", "CLOB", "TEXT")))
