"""Functions of dates and times ("Date and Time Data Types and Functions")."""

import datetime as dt
import os
from collections.abc import Callable

from tests.servers.sqlserver import syntax as s
from tests.servers.sqlserver.binder import Expr
from tests.servers.sqlserver.collation import narrow_text, wide
from tests.servers.sqlserver.errors import SqlError
from tests.servers.sqlserver.expressions import Expressions
from tests.servers.sqlserver.functions import as_int, as_text, function, number, values
from tests.servers.sqlserver.moments import (
    DAY,
    DAY_1900,
    LAST_DAY,
    MINUTE,
    MONTHS,
    WEEKDAYS,
    Moment,
    civil,
    clock,
    day_number,
    moment_of,
    month_days,
    read_moment,
    zone_words,
)
from tests.servers.sqlserver.scope import Scope
from tests.servers.sqlserver.types import BIGINT, DATE, DATETIME, GUID, INT, SqlType, Value
from tests.servers.sqlserver.values import datetimeoffset_in, load, load_moment, raw, store_moment

_PARTS = {
    "year": "year", "yy": "year", "yyyy": "year", "quarter": "quarter", "qq": "quarter", "q": "quarter", "month": "month", "mm": "month",
    "m": "month", "dayofyear": "dayofyear", "dy": "dayofyear", "y": "dayofyear", "day": "day", "dd": "day", "d": "day",
    "week": "week", "wk": "week", "ww": "week", "weekday": "weekday", "dw": "weekday", "hour": "hour", "hh": "hour",
    "minute": "minute", "mi": "minute", "n": "minute", "second": "second", "ss": "second", "s": "second",
    "millisecond": "millisecond", "ms": "millisecond", "microsecond": "microsecond", "mcs": "microsecond",
    "nanosecond": "nanosecond", "ns": "nanosecond", "tzoffset": "tzoffset", "tz": "tzoffset", "iso_week": "iso_week", "isowk": "iso_week",
}  # fmt: skip
_TICKS = {"week": 7 * DAY, "day": DAY, "dayofyear": DAY, "weekday": DAY, "hour": 60 * MINUTE, "minute": MINUTE, "second": 10_000_000,
          "millisecond": 10_000, "microsecond": 10}  # fmt: skip
DATETIME2, OFFSET = SqlType("datetime2", scale=7), SqlType("datetimeoffset", scale=7)


def _part(node: s.Node) -> str:
    name = node.parts[0].lower() if isinstance(node, s.Column) and len(node.parts) == 1 else ""
    if name not in _PARTS:
        raise SqlError(155, f"'{name}' is not a recognized datepart option.", severity=15)
    return _PARTS[name]


def _moment(e: Expressions, value: Expr) -> Expr:
    """Text counts as datetime2, a number as datetime."""
    if value.known.family == "moment":
        return value
    return e.binder.convert(value, DATETIME2 if value.known.family == "text" else DATETIME)


def read_part(moment: Moment, part: str) -> int:
    year, month, day = civil(moment.day)
    hour, minute, second, fraction = clock(moment.ticks)
    first = day_number(year, 1, 1) or 0
    found: dict[str, Callable[[], int]] = {
        "year": lambda: year, "quarter": lambda: (month + 2) // 3, "month": lambda: month, "day": lambda: day,
        "dayofyear": lambda: moment.day - first + 1, "week": lambda: (moment.day - first + (first + 1) % 7) // 7 + 1,
        "weekday": lambda: (moment.day + 1) % 7 + 1, "hour": lambda: hour, "minute": lambda: minute, "second": lambda: second,
        "millisecond": lambda: fraction // 10_000, "microsecond": lambda: fraction // 10, "nanosecond": lambda: fraction * 100,
        "tzoffset": lambda: moment.offset, "iso_week": lambda: dt.date(year, month, day).isocalendar()[1],
    }  # fmt: skip
    return found[part]()


@function("DATEPART", "DATENAME")
def datepart(e: Expressions, scope: Scope, node: s.Call) -> Expr:
    part = _part(node.arguments[0])
    value = _moment(e, e.value(node.arguments[1], scope))
    kind = value.known
    if kind.name == "date" and part in {"hour", "minute", "second", "millisecond", "microsecond", "nanosecond", "tzoffset"}:
        raise SqlError(9810, f"The datepart {part} is not supported by date function {node.name.lower()} for data type date.")
    if node.name == "DATEPART":
        return e.binder.apply(("datepart", part, kind), INT, lambda v: read_part(load_moment(v, kind), part), [value])

    def name(v: Value) -> Value:
        moment = load_moment(v, kind)
        words = {
            "month": lambda: MONTHS[civil(moment.day)[1] - 1],
            "weekday": lambda: WEEKDAYS[moment.day % 7],
            "tzoffset": lambda: zone_words(moment.offset),
        }
        return wide(words[part]() if part in words else str(read_part(moment, part)))

    return e.binder.apply(("datename", part, kind), SqlType("nvarchar", 30, collation=e.binder.collation), name, [value])


@function("YEAR", "MONTH", "DAY")
def simple_part(e: Expressions, scope: Scope, node: s.Call) -> Expr:
    return datepart(e, scope, s.Call("DATEPART", (s.Column((node.name,)), *node.arguments)))


@function("DATEADD")
def dateadd(e: Expressions, scope: Scope, node: s.Call) -> Expr:
    part = _part(node.arguments[0])
    count, value = (e.value(one, scope) for one in node.arguments[1:])
    value = e.binder.convert(value, DATETIME) if value.known.family != "moment" else value
    kind = value.known

    def compute(n: Value, v: Value) -> Value:
        return store_moment(_add(load_moment(v, kind), part, number(n)), kind)

    return e.binder.apply(("dateadd", part, kind), kind, compute, [e.binder.convert(count, BIGINT), value])


def _add(moment: Moment, part: str, count: int) -> Moment:
    if part in {"year", "quarter", "month"}:
        year, month, day = civil(moment.day)
        months = year * 12 + month - 1 + count * {"year": 12, "quarter": 3, "month": 1}[part]
        year, month = months // 12, months % 12 + 1
        number_of_day = day_number(year, month, min(day, month_days(year, month)))
        absolute = None if number_of_day is None else number_of_day * DAY + moment.ticks
    elif part == "nanosecond":
        absolute = moment.absolute + (count + 50) // 100
    else:
        absolute = moment.absolute + count * _TICKS[part]
    if absolute is None or not 0 <= absolute < (LAST_DAY + 1) * DAY:
        raise SqlError(517, "Adding a value to a 'datetime' column caused an overflow.")
    return moment_of(absolute, moment.offset)


@function("DATEDIFF", "DATEDIFF_BIG")
def datediff(e: Expressions, scope: Scope, node: s.Call) -> Expr:
    part = _part(node.arguments[0])
    ends = [_moment(e, e.value(one, scope)) for one in node.arguments[1:]]
    kind = BIGINT if node.name.endswith("BIG") else INT
    one, two = ends[0].known, ends[1].known

    def compute(a: Value, b: Value) -> Value:
        difference = _border(load_moment(b, two), part) - _border(load_moment(a, one), part)
        if kind is INT and not -(2**31) <= difference < 2**31:
            raise SqlError(
                535, "The datediff function resulted in an overflow. Try to use datediff with a less precise datepart."
            )
        return difference

    return e.binder.apply(("datediff", part, one, two, kind.name), kind, compute, ends)


def _border(moment: Moment, part: str) -> int:
    """How many borders of the part lie before the moment (an offset counts in UTC)."""
    year, month, _ = civil(moment.day)
    if part in {"year", "quarter", "month"}:
        return (year * 12 + month - 1) // {"year": 12, "quarter": 3, "month": 1}[part]
    if part == "week":
        return (moment.utc // DAY + 1) // 7
    return moment.utc * 100 if part == "nanosecond" else moment.utc // _TICKS[part]


def _now(e: Expressions, *, local: bool) -> int:
    """100 ns since 0001-01-01; the stand-in's clock runs in UTC, local time too."""
    return int(e.binder.environment.now * 10_000_000) + 719_162 * DAY


@function("GETDATE", "CURRENT_TIMESTAMP", "GETUTCDATE")
def getdate(e: Expressions, scope: Scope, node: s.Call) -> Expr:
    return e.binder.constant(store_moment(moment_of(_now(e, local=True)), DATETIME), DATETIME)


@function("SYSDATETIME", "SYSUTCDATETIME")
def sysdatetime(e: Expressions, scope: Scope, node: s.Call) -> Expr:
    return e.binder.constant(_now(e, local=True), DATETIME2)


@function("SYSDATETIMEOFFSET")
def sysdatetimeoffset(e: Expressions, scope: Scope, node: s.Call) -> Expr:
    return e.binder.constant(datetimeoffset_in(_now(e, local=True), 0), OFFSET)


@function("SWITCHOFFSET", "TODATETIMEOFFSET")
def switchoffset(e: Expressions, scope: Scope, node: s.Call) -> Expr:
    value, zone = values(e, scope, node, 2)
    minutes = as_int(e, zone) if zone.known.family == "int" else _zone_minutes(e, zone)
    switch = node.name == "SWITCHOFFSET"
    scale = value.known.scale if value.known.name in {"datetime2", "datetimeoffset", "time"} else 7
    kind = SqlType("datetimeoffset", scale=scale)
    value = e.binder.convert(value, kind if switch else SqlType("datetime2", scale=scale))

    def compute(v: Value, n: Value) -> Value:
        if not -840 <= number(n) <= 840:
            raise SqlError(9812, "The timezone provided to builtin function switchoffset is invalid.")
        if switch:
            utc = int.from_bytes(raw(v)[:8], "big")
            return datetimeoffset_in(utc, number(n))
        return datetimeoffset_in(number(v) - number(n) * MINUTE, number(n))

    return e.binder.apply((node.name, kind), kind, compute, [value, minutes])


def _zone_minutes(e: Expressions, zone: Expr) -> Expr:
    def compute(v: Value) -> Value:
        moment = read_moment(f"00:00:00 {narrow_text(raw(v))}")
        if moment is None:
            raise SqlError(9812, "The timezone provided to builtin function switchoffset is invalid.")
        return moment.offset

    return e.binder.apply(("zone",), INT, compute, [as_text(e, zone, wide=True)])


@function("EOMONTH")
def eomonth(e: Expressions, scope: Scope, node: s.Call) -> Expr:
    value, *months = values(e, scope, node, 1, 2)

    def compute(v: Value, n: Value = 0) -> Value:
        year, month, _ = civil(_add(moment_of(number(v) * DAY), "month", number(n)).day)
        return day_number(year, month, month_days(year, month))

    return e.binder.apply(
        ("eomonth", len(months)), DATE, compute, [e.binder.convert(value, DATE), *(as_int(e, one) for one in months)]
    )


@function("DATEFROMPARTS")
def datefromparts(e: Expressions, scope: Scope, node: s.Call) -> Expr:
    parts = [as_int(e, one) for one in values(e, scope, node, 3)]

    def compute(y: Value, m: Value, d: Value) -> Value:
        day = day_number(number(y), number(m), number(d))
        if day is None:
            raise SqlError(289, "Cannot construct data type date, some of the arguments have values which are not valid.")
        return day

    return e.binder.apply(("datefromparts",), DATE, compute, parts)


@function("ISDATE")
def isdate(e: Expressions, scope: Scope, node: s.Call) -> Expr:
    text = as_text(e, values(e, scope, node, 1)[0])
    kind = text.known

    def compute(v: Value) -> Value:
        moment = read_moment(str(load(v, kind)))
        return int(moment is not None and moment.day >= DAY_1900 - 53_690)

    return e.binder.apply(("isdate", kind), INT, compute, [text])


@function("NEWID", "NEWSEQUENTIALID")
def newid(e: Expressions, scope: Scope, node: s.Call) -> Expr:
    name = e.binder.engine.function(("newid",), 0, lambda: os.urandom(16), deterministic=False)
    return Expr(f"{name}()", GUID, False)
