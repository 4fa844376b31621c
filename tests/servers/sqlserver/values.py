"""Values as stored (types.Value) ↔ values as one computes with: int, Decimal, float, str, bytes, Moment."""

import decimal
import math
import struct
from decimal import Decimal

from tests.servers.sqlserver.collation import WIDE
from tests.servers.sqlserver.errors import SqlError, not_convertible, overflow
from tests.servers.sqlserver.moments import DAY, DAY_1900, LAST_DAY, Moment, moment_of, rounded
from tests.servers.sqlserver.types import INTEGERS, SqlType, Value

Plain = int | float | str | bytes | Decimal | Moment

EXACT = decimal.Context(prec=120, rounding=decimal.ROUND_HALF_UP)
_BIAS = 1 << 135
_GUID_ORDER = (10, 11, 12, 13, 14, 15, 8, 9, 6, 7, 4, 5, 0, 1, 2, 3)  # how SQL Server compares the 16 bytes, most telling first
_GUID_BACK = tuple(_GUID_ORDER.index(at) for at in range(16))
_MONEY = {"money": 2**63, "smallmoney": 2**31}


def whole(value: object) -> int:
    """A stored value that must be an int, as its type says."""
    if not isinstance(value, int):
        raise TypeError(f"an int was expected, not {value!r}")
    return value


def raw(value: object) -> bytes:
    if not isinstance(value, bytes):
        raise TypeError(f"bytes were expected, not {value!r}")
    return value


def scaled(value: Value, kind: SqlType) -> int:
    """A stored decimal or money as an int × 10^scale."""
    return int.from_bytes(value, "big") - _BIAS if isinstance(value, bytes) else whole(value)


def store_scaled(number: int, kind: SqlType) -> Value:
    if kind.name in _MONEY:
        limit = _MONEY[kind.name]
        if not -limit <= number < limit:
            raise overflow(kind.name)
        return number
    if abs(number) >= 10**kind.precision:
        raise overflow("numeric")
    return number if kind.small else (number + _BIAS).to_bytes(17, "big")


def guid_in(wire: bytes) -> bytes:
    return bytes(wire[at] for at in _GUID_ORDER)


def guid_out(stored: bytes) -> bytes:
    return bytes(stored[at] for at in _GUID_BACK)


def datetimeoffset_in(utc: int, offset: int) -> bytes:
    return struct.pack(">QH", utc, offset + 0x8000)


def datetimeoffset_out(stored: bytes) -> tuple[int, int]:
    utc, offset = struct.unpack(">QH", stored)
    return utc, offset - 0x8000


def load(value: Value, kind: SqlType) -> Plain:
    """A stored value (not NULL) as one computes with it."""
    family = kind.family
    if family == "int":
        return whole(value)
    if family == "exact":
        return Decimal(scaled(value, kind)).scaleb(-kind.scale, EXACT)
    if family == "float":
        return float(value) if isinstance(value, float) else float(whole(value))
    if family == "text":
        stored = raw(value)
        if kind.wide:
            return stored.decode(WIDE, "surrogatepass")
        return kind.collation.decode(stored) if kind.collation else stored.decode("cp1252", "sqlserver")
    if family == "moment":
        return load_moment(value, kind)
    return raw(value)


def load_moment(value: Value, kind: SqlType) -> Moment:
    if kind.name == "date":
        return Moment(whole(value), 0, has_time=False)
    if kind.name == "time":
        return Moment(DAY_1900, whole(value), has_date=False)
    if kind.name == "datetime2":
        return moment_of(whole(value))
    if kind.name == "datetimeoffset":
        utc, offset = datetimeoffset_out(raw(value))
        return moment_of(utc + offset * 600_000_000, offset)
    if kind.name == "smalldatetime":
        return moment_of(whole(value) * 600_000_000 + DAY_1900 * DAY)
    days, ticks = divmod(whole(value), 25_920_000)
    return Moment(days + DAY_1900, (ticks * 10 + 1) // 3 * 10_000)  # whole milliseconds: .000, .003, .007


def store(value: Plain, kind: SqlType) -> Value:
    """A computed value as `kind` stores it; SqlError when it does not fit."""
    family = kind.family
    if family == "int":
        return store_integer(whole(value), kind)
    if family == "exact":
        number = value if isinstance(value, Decimal) else Decimal(whole(value))
        return store_scaled(int(number.scaleb(kind.scale, EXACT).to_integral_value(decimal.ROUND_HALF_UP, EXACT)), kind)
    if family == "float":
        return store_float(value, kind)
    if family == "text":
        text = value if isinstance(value, str) else raw(value).decode(WIDE, "surrogatepass")
        return fit_text(text, kind)
    if family == "moment":
        if not isinstance(value, Moment):
            raise TypeError(f"a Moment was expected, not {value!r}")
        return store_moment(value, kind)
    return raw(value)


def store_integer(number: int, kind: SqlType) -> int:
    if kind.name == "bit":
        return int(number != 0)
    low, high = INTEGERS[kind.name]
    if not low <= number <= high:
        if kind.name in {"tinyint", "smallint"}:
            raise SqlError(220, f"Arithmetic overflow error for data type {kind.name}, value = {number}.", state=2)
        raise overflow(kind.name)
    return number


def store_float(value: object, kind: SqlType) -> float:
    number = float(value) if isinstance(value, (int, float, Decimal)) else math.nan
    if kind.name == "real":
        try:
            number = struct.unpack("<f", struct.pack("<f", number))[0]
        except OverflowError:
            number = math.inf
    if not math.isfinite(number):
        raise overflow(kind.name)
    return number


def fit_text(text: str, kind: SqlType, *, cut: bool = True) -> bytes:
    """Text as `kind` stores it: cut and padded to its length. Without `cut`, too long a text is error 2628."""
    stored = text.encode(WIDE, "surrogatepass") if kind.wide else (kind.collation.encode(text) if kind.collation else b"")
    return fit(stored, kind, cut=cut)


def fit(stored: bytes, kind: SqlType, *, cut: bool = True) -> bytes:
    if kind.maximum:
        return stored
    size, blank = (kind.length * 2, b" \0") if kind.wide else (kind.length, b" " if kind.family == "text" else b"\0")
    if len(stored) > size:
        rest = stored[size:]
        if not cut and kind.family == "text" and rest.strip(blank):
            raise SqlError(2628, "String or binary data would be truncated in table '', column ''. Truncated value: ''.")
        if not cut and kind.family == "binary":
            raise SqlError(2628, "String or binary data would be truncated in table '', column ''. Truncated value: ''.")
        return stored[:size]
    if kind.name in {"char", "nchar", "binary", "timestamp"}:
        return stored + blank * ((size - len(stored)) // len(blank))
    return stored


def store_moment(moment: Moment, kind: SqlType) -> Value:
    """Rounded to the type's grain; 242 and 8115 outside of its range."""
    out_of_range = SqlError(242, f"The conversion to a {kind.name} data type resulted in an out-of-range value.", state=3)
    if kind.name == "date":
        return moment.day
    if kind.name == "time":
        return rounded(moment.ticks, kind.scale) % DAY
    last: int = (LAST_DAY + 1) * DAY - 10 ** (7 - kind.scale)  # rounding never leaves the year 9999
    if kind.name == "datetime2":
        absolute = rounded(moment.absolute, kind.scale)
        return min(absolute, last)
    if kind.name == "datetimeoffset":
        absolute = rounded(moment.absolute, kind.scale)
        utc = min(absolute, last) - moment.offset * 600_000_000
        if not 0 <= utc < (LAST_DAY + 1) * DAY:
            raise not_convertible("datetimeoffset", "datetimeoffset")
        return datetimeoffset_in(utc, moment.offset)
    days = moment.day - DAY_1900
    if kind.name == "smalldatetime":
        minutes = days * 1440 + (moment.ticks // 10_000 + 30_001) // 60_000  # 29.998 s round down, 29.999 s up
        if not 0 <= minutes < 65536 * 1440:
            raise out_of_range
        return minutes
    if moment.day < 639_905:  # 1753-01-01
        raise out_of_range
    ticks = days * 25_920_000 + (moment.ticks * 3 + 50_000) // 100_000
    return min(ticks, (LAST_DAY - DAY_1900 + 1) * 25_920_000 - 1)
