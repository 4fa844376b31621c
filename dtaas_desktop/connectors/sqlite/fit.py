"""Stored values as values of a column's type: what fits, exactly; null for what does not.

One rule for each storage class of SQLite. All four answer an array as long as what they are given, null where the input is null
or the value does not fit: more nulls than before means misfits.
"""

import datetime
import decimal
import re
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dtaas_desktop.connectors.sqlite.types import BINARY, BOOL, DATE, FLOAT64, INT64, TEXT, TIME, TIMESTAMP, TIMESTAMP_UTC

# Up to here every integer is a double of its own.
EXACT_DOUBLE = 2**53
_EXACT = decimal.Context(prec=1000, traps=[decimal.Inexact, decimal.InvalidOperation, decimal.Overflow])


def integers(values: pa.Array, target: pa.DataType) -> pa.Array:
    """INTEGER values (int64)."""
    if target == INT64:
        return values
    if target == FLOAT64:
        return _kept_between(values, -EXACT_DOUBLE, EXACT_DOUBLE).cast(FLOAT64)
    if target == BOOL:
        return _kept_between(values, 0, 1).cast(BOOL)
    if target == TEXT:
        return values.cast(TEXT)
    if pa.types.is_decimal(target):
        whole_digits = target.precision - target.scale
        if whole_digits < 19:
            values = _kept_between(values, 1 - 10**whole_digits, 10**whole_digits - 1)
        # Through a type that surely holds every int64 at this scale: the cast itself checks the precision.
        return values.cast(pa.decimal256(19 + target.scale, target.scale)).cast(target)
    return pa.nulls(len(values), target)


def reals(values: pa.Array, target: pa.DataType) -> pa.Array:
    """REAL values (double). As a decimal or as text a real is its shortest form that gives the same double again."""
    if target == FLOAT64:
        return values
    if target == INT64:
        return pa.array([_whole(value) for value in values.to_pylist()], INT64)
    if target == BOOL:
        return pa.array([{0.0: False, 1.0: True}.get(value) for value in values.to_pylist()], BOOL)
    if target == TEXT:
        return pa.array([None if value is None else repr(value) for value in values.to_pylist()], TEXT)
    if pa.types.is_decimal(target):
        quick = _decimals(values, target)
        return (
            pa.array([_decimal(None if v is None else repr(v), target) for v in values.to_pylist()], target)
            if quick is None
            else quick
        )
    return pa.nulls(len(values), target)


def texts(values: pa.Array, target: pa.DataType) -> pa.Array:
    """TEXT values (string or large_string), whose bytes need not be UTF-8."""
    if target == BINARY:
        return values.cast(BINARY)
    if not is_utf8(values):
        values = _utf8_only(values)
    if target == TEXT:
        return values.cast(TEXT)
    if target == BOOL:
        return _each(values, lambda text: _WORDS.get(text.lower()), target)
    if pa.types.is_decimal(target):
        return _each(values, lambda text: _decimal(text, target), target)
    if target == DATE:
        return _dates(values)
    if target in (TIMESTAMP, TIMESTAMP_UTC):
        return _timestamps(values, target)
    if target == TIME:
        return _each(values, _time, target)
    return pa.nulls(len(values), target)


def blobs(values: pa.Array, target: pa.DataType) -> pa.Array:
    """BLOB values (binary or large_binary)."""
    return values.cast(BINARY) if target == BINARY else pa.nulls(len(values), target)


def numbers_as_bytes(values: pa.Array) -> pa.Array:
    """Numbers as the ASCII of their text: only for columns without a declared type that hold blobs as well."""
    return (integers if values.type == INT64 else reals)(values, TEXT).cast(BINARY)


def is_utf8(values: pa.Array) -> bool:
    try:
        values.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _utf8_only(values: pa.Array) -> pa.Array:
    """The same, null where the bytes are not UTF-8."""

    def text(data: bytes | None) -> str | None:
        try:
            return None if data is None else data.decode()
        except UnicodeDecodeError:
            return None

    return pa.array([text(data) for data in values.cast(BINARY).to_pylist()], TEXT)


def _kept_between(values: pa.Array, low: int, high: int) -> pa.Array:
    extent = pc.min_max(values).as_py()
    if extent["min"] is None or (low <= extent["min"] and extent["max"] <= high):
        return values
    inside = pc.and_(pc.greater_equal(values, low), pc.less_equal(values, high))
    return pc.if_else(inside, values, None)


def _whole(value: float | None) -> int | None:
    return int(value) if value is not None and value.is_integer() and -(2.0**63) <= value < 2.0**63 else None


_WORDS = {"true": True, "t": True, "false": False, "f": False}
_DECIMAL = re.compile(r"[+-]?(?:\d{1,400}(?:\.\d{0,400})?|\.\d{1,400})(?:[eE][+-]?\d{1,3})?", re.ASCII)


def _decimal(text: str | None, target: pa.DataType) -> decimal.Decimal | None:
    if text is None or not _DECIMAL.fullmatch(text):
        return None
    try:
        value = decimal.Decimal(text).quantize(decimal.Decimal((0, (1,), -target.scale)), context=_EXACT)
    except (decimal.Inexact, decimal.InvalidOperation):
        return None
    return value if value.adjusted() < target.precision - target.scale or not value else None


_DAY = r"(?P<day>\d{4}-\d{2}-\d{2})"
_CLOCK = r"(?P<clock>\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6}(?=0*(?!\d))0*)?)?)"
_DATE_TEXT = re.compile(rf"{_DAY}(?:[T ]00:00(?::00(?:\.0+)?)?)?", re.ASCII)
_TIMESTAMP_TEXT = re.compile(rf"{_DAY}(?:[T ]{_CLOCK} ?(?P<offset>Z|z|[+-]\d{{2}}:\d{{2}})?)?", re.ASCII)
_TIME_TEXT = re.compile(_CLOCK, re.ASCII)


def _decimals(values: pa.Array, target: pa.DataType) -> pa.Array | None:
    """All reals as decimals by Arrow, unless one does not fit. Arrow's own check cannot be trusted with many digits (it takes
    2e-63 for a zero of ten places), so neither exponents nor numbers near the limit are left to it."""
    largest = pc.max(pc.abs(values)).as_py()
    if largest is None or largest > 0.9 * 10.0 ** (target.precision - target.scale):
        return None
    texts = values.cast(pa.string())
    return None if pc.any(pc.match_substring(texts, "e")).as_py() else _cast(texts, target)


def _each(values: pa.Array, of: Callable[[str], Any], target: pa.DataType) -> pa.Array:
    return pa.array([None if text is None else of(text) for text in values.to_pylist()], target)


def _dates(values: pa.Array) -> pa.Array:
    parsed = _cast_times(values, DATE)  # accepts YYYY-MM-DD and nothing else
    return _each(values, _date, DATE) if parsed is None else parsed


def _timestamps(values: pa.Array, target: pa.DataType) -> pa.Array:
    # Arrow's parser, six times as fast, takes what ours takes and more (hours alone, offsets without a colon). By the lengths of
    # the texts the difference is seen: 10, 16, 19 and 21–26 without an offset, 17 and 20 with a Z.
    lengths = pc.min_max(pc.binary_length(values)).as_py()
    if lengths["min"] is not None and lengths["min"] == lengths["max"]:
        if lengths["max"] in _PLAIN_LENGTHS:
            parsed = _cast_times(values, TIMESTAMP)
            if parsed is not None:
                return parsed.cast(target)
        elif lengths["max"] in (17, 20) and pc.all(pc.ends_with(values, "Z")).as_py():
            parsed = _cast_times(values, TIMESTAMP_UTC)
            if parsed is not None:
                return parsed.cast(target)
    return _each(values, _timestamp, TIMESTAMP).cast(target)


_PLAIN_LENGTHS = {10, 16, 19, 21, 22, 23, 24, 25, 26}


_FIRST_DAY = pa.scalar(datetime.date.min, DATE)


def _cast(values: pa.Array, target: pa.DataType) -> pa.Array | None:
    """All values converted by Arrow, unless one cannot be."""
    try:
        return values.cast(target)
    except pa.ArrowInvalid:
        return None


def _cast_times(values: pa.Array, target: pa.DataType) -> pa.Array | None:
    """All values parsed by Arrow, unless one is no time; the year 0, which Arrow knows and Python does not, is none."""
    parsed = _cast(values, target)
    if parsed is None:
        return None
    early = pc.any(pc.less(parsed, _FIRST_DAY.cast(TIMESTAMP).cast(target))).as_py()
    return None if early else parsed


def _date(text: str) -> datetime.date | None:
    found = _DATE_TEXT.fullmatch(text)
    try:
        return datetime.date.fromisoformat(found["day"]) if found else None
    except ValueError:
        return None


def _timestamp(text: str) -> datetime.datetime | None:
    found = _TIMESTAMP_TEXT.fullmatch(text)
    if not found:
        return None
    try:
        moment = datetime.datetime.combine(
            datetime.date.fromisoformat(found["day"]), _clock(found["clock"] or "00:00"), datetime.UTC
        )
        return (moment - _offset(found["offset"])).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None


def _time(text: str) -> datetime.time | None:
    try:
        return _clock(text) if _TIME_TEXT.fullmatch(text) else None
    except ValueError:
        return None


def _clock(text: str) -> datetime.time:
    hours, fraction, rest = text.partition(".")
    return datetime.time.fromisoformat(f"{hours}.{rest[:6]:0<6}" if fraction else hours)


def _offset(text: str | None) -> datetime.timedelta:
    if text is None or text in "Zz":
        return datetime.timedelta()
    hours, minutes = int(text[1:3]), int(text[4:6])
    if hours > 14 or minutes > 59:
        raise ValueError("no such offset")  # SQLite's own limit is 14 hours
    return datetime.timedelta(hours=hours, minutes=minutes) * (-1 if text[0] == "-" else 1)
