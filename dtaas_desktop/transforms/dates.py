"""Dates, times and timestamps to one another and to whole numbers; years 1 to 9999, nothing wraps around.

A timestamp with a zone becomes a date, a time or a timestamp without one by its local time. A timestamp without a zone is local
time in the zone it gets; times that the clocks skipped or showed twice are bad cells.
"""

import datetime
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from dtaas_desktop.transforms.converted import Conversion, Converted, without
from dtaas_desktop.transforms.numbers import ExtraDigits, has_extra_digits, number_to_number, too_large
from dtaas_desktop.transforms.zones import local_seconds, utc_seconds

NANOSECONDS = 10**9
PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
DAY_SECONDS = 86_400
_FIRST_DAY = (datetime.date(1, 1, 1) - datetime.date(1970, 1, 1)).days
_END_DAY = (datetime.date(9999, 12, 31) - datetime.date(1970, 1, 1)).days + 1
_BEYOND_NANOSECONDS = "outside the years 1677 to 2262, which is all that nanoseconds can hold"


@dataclass(frozen=True, slots=True)
class DayRange:
    """Days since 1970, from the first up to but without the end."""

    first: int
    end: int
    reason: str

    def outside(self, values: pa.Array) -> tuple[pa.Array, str]:
        """A check for `without`: which dates, timestamps (their UTC reading) or numbers of days (int64) lie outside."""
        if pa.types.is_date32(values.type):
            numbers, day = values.cast(pa.int32()), 1
        elif pa.types.is_date64(values.type):
            numbers, day = values.cast(pa.int64()), 1000 * DAY_SECONDS
        elif pa.types.is_timestamp(values.type):
            numbers, day = values.cast(pa.int64()), DAY_SECONDS * PER_SECOND[values.type.unit]
        else:
            numbers, day = values, 1
        outside = pa.repeat(pa.scalar(False), len(values))
        if self.first * day >= -(2**63):
            outside = pc.less(numbers, pa.scalar(self.first * day, numbers.type))
        if self.end * day < 2**63:
            outside = pc.or_(outside, pc.greater_equal(numbers, pa.scalar(self.end * day, numbers.type)))
        return outside, self.reason


YEARS = DayRange(_FIRST_DAY, _END_DAY, "outside the years 1 to 9999")
_SAFE_YEARS = DayRange(_FIRST_DAY + 1, _END_DAY - 1, "")  # here no offset leads out of them


def date_to_date(source: pa.DataType, target: pa.DataType, extra: ExtraDigits) -> Conversion | None:
    """Between dates, times and timestamps; None for pairs without a meaning (a date has no time of day)."""
    if pa.types.is_time(source):
        return _time_to_time(target, extra) if pa.types.is_time(target) else None
    if pa.types.is_date(source):
        if pa.types.is_date(target):
            return lambda values: _as_dates(day_numbers(values), target)
        if pa.types.is_timestamp(target):
            return lambda values: _as_dates(day_numbers(values), pa.date32()).then(lambda days: _midnight(days, target))
        return None
    if pa.types.is_date(target):
        return lambda values: in_years(values).then(lambda known: _as_dates(day_numbers(known), target))
    if pa.types.is_time(target):
        return lambda values: in_years(values).then(lambda known: of_day(_nanoseconds_of_day(known), target, extra))
    return _timestamp_to_timestamp(source, target, extra)


def number_to_timestamp(source: pa.DataType, target: pa.DataType, unit: str, extra: ExtraDigits = "bad") -> Conversion:
    """Whole numbers that count `unit` since 1970-01-01 UTC."""
    count = number_to_number(source, pa.int64(), extra)
    naive = pa.timestamp(unit)
    following = _unit_change(pa.timestamp(target.unit), extra)
    reasons = {has_extra_digits(pa.int64()): "not a whole number", too_large(pa.int64()): YEARS.reason}

    def convert(values: pa.Array) -> Converted:
        whole = count(values).in_words(reasons)
        instants = whole.then(lambda numbers: in_years(numbers.cast(naive)))
        return instants.then(following).then(lambda moments: zoned(moments, target))

    return convert


def timestamp_to_number(target: pa.DataType, unit: str, extra: ExtraDigits) -> Conversion:
    """The reverse of `number_to_timestamp`; finer parts than the unit are extra digits."""
    change = _unit_change(pa.timestamp(unit), extra)
    fit = number_to_number(pa.int64(), target, "bad")

    def convert(values: pa.Array) -> Converted:
        return change(_utc_reading(values)).then(lambda moments: fit(moments.cast(pa.int64())))

    return convert


def local_time(values: pa.Array) -> pa.Array:
    """Timestamps without a zone as they are, with one by their local clock; dates as they are."""
    if not pa.types.is_timestamp(values.type) or values.type.tz is None:
        return values
    seconds, rest = local_parts(values)
    return pc.add(pc.multiply(seconds, PER_SECOND[values.type.unit]), rest).cast(pa.timestamp(values.type.unit))


def local_parts(values: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Timestamps as whole seconds since 1970 by their local clock, and what remains in their unit (both int64, the rest not negative)."""
    ticks, per_second = values.cast(pa.int64()), PER_SECOND[values.type.unit]
    seconds = floor_divided(ticks, per_second)
    rest = pc.subtract(ticks, pc.multiply(seconds, per_second))
    return seconds if values.type.tz in (None, "UTC") else local_seconds(seconds, values.type.tz), rest


def local_days(values: pa.Array) -> pa.Array:
    """The date32 of each timestamp, by its local clock; null outside the years 1 to 9999."""
    return _as_dates(day_numbers(values), pa.date32()).values


def in_years(values: pa.Array) -> Converted:
    """The dates or timestamps (their UTC reading) of the years 1 to 9999; others are bad."""
    return without(values, YEARS.outside(values))


def zoned(moments: pa.Array, target: pa.DataType) -> Converted:
    """Timestamps without a zone that count in UTC, as instants of the target's type. Years hold by UTC and by the local clock."""
    if target.tz is None:
        return in_years(moments)
    return in_years(moments).then(lambda known: in_local_years(_as_instants(known, target)))


def in_zone(target: pa.DataType) -> Conversion:
    """Local times to the target's type; skipped or repeated local times of its zone are bad."""
    if target.tz in (None, "UTC"):
        return lambda values: zoned(values, target)

    def convert(values: pa.Array) -> Converted:
        known = in_years(values)
        seconds, rest = local_parts(known.values)
        utc, unclear = utc_seconds(seconds, target.tz)
        clear = without(utc, (unclear, f"a time that clocks in {target.tz} skipped or showed twice"))
        moments = _recombined(clear.values, rest, target.unit).then(in_years)
        return Converted(_as_instants(moments.values, target), known.bad + clear.bad + moments.bad)

    return convert


def assembled(days: pa.Array, nanoseconds: pa.Array, unit: str, extra: ExtraDigits) -> Converted:
    """Timestamps without a zone out of dates of the years 1 to 9999 and nanoseconds since midnight (also before it, or after the day)."""
    ticks = _rounded_ticks(nanoseconds, NANOSECONDS // PER_SECOND[unit], pa.timestamp(unit), extra)
    seconds = floor_divided(ticks.values, PER_SECOND[unit])
    rest = pc.subtract(ticks.values, pc.multiply(seconds, PER_SECOND[unit]))
    midnight = pc.multiply(day_numbers(days), DAY_SECONDS)
    moments = _recombined(pc.add(midnight, seconds), rest, unit).then(in_years)  # rounding up may leave the year 9999
    return Converted(moments.values, ticks.bad + moments.bad)


def of_day(nanoseconds: pa.Array, target: pa.DataType, extra: ExtraDigits) -> Converted:
    """Times of day out of nanoseconds since midnight."""
    per_second = PER_SECOND[target.unit]
    ticks = _rounded_ticks(nanoseconds, NANOSECONDS // per_second, target, extra)
    checked = without(ticks.values, (pc.greater_equal(ticks.values, DAY_SECONDS * per_second), "rounds to the next day"))
    values = checked.values.cast(pa.int32()) if target.bit_width == 32 else checked.values
    return Converted(values.cast(target), ticks.bad + checked.bad)


def floor_divided(ticks: pa.Array, divisor: int) -> pa.Array:
    """int64 quotients, rounded down (Arrow's division rounds towards zero)."""
    if divisor == 1:
        return ticks
    cut = pc.divide(ticks, divisor)
    below = pc.and_(pc.less(ticks, 0), pc.not_equal(pc.multiply(cut, divisor), ticks))
    return pc.subtract(cut, below.cast(pa.int64())) if below.true_count else cut


def _as_instants(moments: pa.Array, target: pa.DataType) -> pa.Array:
    return moments.cast(pa.timestamp(target.unit, "UTC")).cast(target)


def in_local_years(instants: pa.Array) -> Converted:
    """The timestamps whose local clock shows the years 1 to 9999; others are bad. They must hold by UTC already."""
    near_the_ends, _ = _SAFE_YEARS.outside(instants)
    if not near_the_ends.true_count:
        return Converted(instants)
    return without(instants, YEARS.outside(day_numbers(instants)))


def day_numbers(values: pa.Array) -> pa.Array:
    """Days since 1970 (int64) of dates, and of timestamps by their local clock."""
    if pa.types.is_date32(values.type):
        return values.cast(pa.int32()).cast(pa.int64())
    if pa.types.is_date64(values.type):
        return floor_divided(values.cast(pa.int64()), 1000 * DAY_SECONDS)
    return floor_divided(local_parts(values)[0], DAY_SECONDS)


def _as_dates(days: pa.Array, target: pa.DataType) -> Converted:
    known = without(days, YEARS.outside(days))
    return Converted(known.values.cast(pa.int32()).cast(pa.date32()).cast(target), known.bad)


def _utc_reading(values: pa.Array) -> pa.Array:
    """The same instants as timestamps without a zone that count in UTC."""
    unit = values.type.unit
    return values if values.type.tz is None else values.cast(pa.timestamp(unit, "UTC")).cast(pa.timestamp(unit))


def _time_to_time(target: pa.DataType, extra: ExtraDigits) -> Conversion:
    def convert(values: pa.Array) -> Converted:
        ticks = values.cast(pa.int32()).cast(pa.int64()) if values.type.bit_width == 32 else values.cast(pa.int64())
        return of_day(pc.multiply(ticks, NANOSECONDS // PER_SECOND[values.type.unit]), target, extra)

    return convert


def _midnight(days: pa.Array, target: pa.DataType) -> Converted:
    zero = pa.repeat(pa.scalar(0, pa.int64()), len(days))
    return assembled(days, zero, target.unit, "bad").then(in_zone(target))


def _timestamp_to_timestamp(source: pa.DataType, target: pa.DataType, extra: ExtraDigits) -> Conversion:
    change = _unit_change(pa.timestamp(target.unit), extra)
    if source.tz is None:
        return lambda values: in_years(values).then(change).then(in_zone(target))
    if target.tz is not None:
        return lambda values: in_years(_utc_reading(values)).then(change).then(lambda moments: zoned(moments, target))

    def convert(values: pa.Array) -> Converted:
        known = in_years(values)
        local = _recombined(*local_parts(known.values), source.unit).then(in_years).then(change).then(in_years)
        return Converted(local.values, known.bad + local.bad)

    return convert


def _unit_change(target: pa.DataType, extra: ExtraDigits) -> Conversion:
    """Timestamps without a zone in another unit."""

    def convert(values: pa.Array) -> Converted:
        before, after = PER_SECOND[values.type.unit], PER_SECOND[target.unit]
        if before == after:
            return Converted(values)
        if before > after:
            ticks = _rounded_ticks(values.cast(pa.int64()), before // after, target, extra)
            return Converted(ticks.values.cast(target), ticks.bad)
        known = in_years(values)
        if target.unit != "ns":
            return Converted(known.values.cast(target), known.bad)
        seconds, rest = local_parts(known.values)
        moments = _recombined(seconds, pc.multiply(rest, after // before), target.unit)
        return Converted(moments.values, known.bad + moments.bad)

    return convert


def _recombined(seconds: pa.Array, rest: pa.Array, unit: str) -> Converted:
    """Timestamps without a zone out of whole seconds and a rest in the unit that is less than one."""
    ticks = pc.add(pc.multiply(seconds, PER_SECOND[unit]), rest).cast(pa.timestamp(unit))
    if unit != "ns":
        return Converted(ticks)
    least, least_rest = divmod(-(2**63), NANOSECONDS)
    most, most_rest = divmod(2**63 - 1, NANOSECONDS)
    before = pc.or_(pc.less(seconds, least), pc.and_(pc.equal(seconds, least), pc.less(rest, least_rest)))
    after = pc.or_(pc.greater(seconds, most), pc.and_(pc.equal(seconds, most), pc.greater(rest, most_rest)))
    return without(ticks, (pc.or_(before, after), _BEYOND_NANOSECONDS))


def _rounded_ticks(ticks: pa.Array, divisor: int, target: pa.DataType, extra: ExtraDigits) -> Converted:
    """int64 counts divided by `divisor`: towards the past when cut, to the later neighbour for a half away."""
    if divisor == 1:
        return Converted(ticks)
    cut = floor_divided(ticks, divisor)
    rest = pc.subtract(ticks, pc.multiply(cut, divisor))
    if extra == "bad":
        return without(cut, (pc.not_equal(rest, 0), has_extra_digits(target)))
    if extra in ("truncate", "floor"):
        return Converted(cut)
    if extra == "ceiling":
        return Converted(pc.add(cut, pc.greater(rest, 0).cast(pa.int64())))
    half = divisor // 2
    up = pc.greater_equal(rest, half) if extra == "half_away" else pc.greater(rest, half)
    if extra == "half_even":
        odd = pc.equal(pc.bit_wise_and(cut, 1), 1)
        up = pc.or_(up, pc.and_(pc.equal(rest, half), odd))
    return Converted(pc.add(cut, up.cast(pa.int64())))


def _nanoseconds_of_day(values: pa.Array) -> pa.Array:
    seconds, rest = local_parts(values)
    since = pc.subtract(seconds, pc.multiply(floor_divided(seconds, DAY_SECONDS), DAY_SECONDS))
    return pc.add(pc.multiply(since, NANOSECONDS), pc.multiply(rest, NANOSECONDS // PER_SECOND[values.type.unit]))
