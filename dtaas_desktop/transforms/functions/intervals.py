"""Dates and timestamps some time later or earlier."""

import pyarrow as pa
import pyarrow.compute as pc

from dtaas_desktop.domain.apply_settings import AddInterval
from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.type_names import name_of_type
from dtaas_desktop.transforms.converted import Conversion, Converted, without
from dtaas_desktop.transforms.dates import PER_SECOND, YEARS, floor_divided, local_days, local_time
from dtaas_desktop.transforms.functions.clocks import (
    as_timestamps,
    finished,
    on_clock,
    require_dates,
    ticks_of_day,
    when_shown,
    without_nanoseconds,
)
from dtaas_desktop.transforms.functions.prepared import Prepared

_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_DAYS = {"day": 1, "week": 7}
_MICROSECONDS = {"hour": 3600 * 10**6, "minute": 60 * 10**6, "second": 10**6, "millisecond": 10**3, "microsecond": 1}
_MOST_DAYS = 366 * 10_000  # beyond it every date leaves the years 1 to 9999
_DAYS_BEFORE_1970 = 719_162
_LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_BEFORE = tuple(sum(_LENGTHS[:month]) for month in range(12))


def addition(data_type: pa.DataType, settings: AddInterval) -> Prepared:
    """The type stays; a result outside the years 1 to 9999, or outside what nanoseconds can hold, is bad.

    With a zone, days and longer move the local clock: a time that it skips gives the one that a clock not put forward would
    show, and one that it shows twice stays on its side, or becomes the first. Hours and shorter are time that passes.
    """
    require_dates(settings.name, data_type)
    if settings.unit in _MICROSECONDS:
        return Prepared(data_type, _passing(data_type, settings), may_empty=True)
    if pa.types.is_date(data_type):
        return Prepared(data_type, lambda values: _moved_dates(values, settings), may_empty=True)
    return Prepared(data_type, lambda values: _moved_timestamps(values, settings), may_empty=True)


def _passing(data_type: pa.DataType, settings: AddInterval) -> Conversion:
    if pa.types.is_date(data_type):
        raise UserError(
            f"{name_of_type(data_type)} has no time of day to add to.",
            remedy="Choose days or longer, or cast to timestamp first.",
        )
    # Nanoseconds are moved by whole microseconds, which leave room for what does not fit.
    per_second = min(PER_SECOND[data_type.unit], 10**6)
    shift, rest = divmod(settings.amount * _MICROSECONDS[settings.unit], 10**6 // per_second)
    if rest:
        raise UserError(
            f"{name_of_type(data_type)} cannot hold an interval of {settings.amount} {settings.unit}.",
            remedy="Cast the column to a finer timestamp first.",
        )

    def convert(values: pa.Array) -> Converted:
        checked = without(values, YEARS.outside(values))
        if abs(shift) >= _MOST_DAYS * 86_400 * per_second:
            return checked.then(_all_outside)
        ticks = without_nanoseconds(checked.values).cast(pa.int64())
        moved = finished(pc.add(ticks, shift), data_type, _finer(checked.values, ticks))
        return Converted(moved.values, checked.bad + moved.bad)

    return convert


def _moved_dates(values: pa.Array, settings: AddInterval) -> Converted:
    days = on_clock(values).then(lambda fitting: _moved_days(fitting, settings))
    return Converted(days.values.cast(values.type), days.bad)


def _moved_timestamps(values: pa.Array, settings: AddInterval) -> Converted:
    clock = on_clock(values)
    unit, zone = clock.values.type.unit, values.type.tz
    local = clock.values.cast(pa.int64())
    days = local_days(clock.values)
    moved = _moved_days(days, settings)
    since_midnight = pc.subtract(local, _midnights(days, unit))
    shown = pc.add(_midnights(moved.values, unit), since_midnight)
    ticks = without_nanoseconds(values).cast(pa.int64())
    finer = _finer(values, ticks)
    if zone is not None:
        shown = _moments(shown, pc.subtract(local, ticks), pa.timestamp(unit, zone))
    result = finished(shown, values.type, finer)
    return Converted(result.values, clock.bad + moved.bad + result.bad)


def _moments(shown: pa.Array, offset: pa.Array, clock: pa.DataType) -> pa.Array:
    """When a clock shows these local times (int64), in UTC; `offset`: what it was ahead of UTC before the move."""
    kept = pc.subtract(shown, offset)
    right = pc.equal(local_time(as_timestamps(kept, clock)).cast(pa.int64()), shown)
    if right.true_count == len(right) - right.null_count:
        return kept
    per_second = PER_SECOND[clock.unit]
    seconds = floor_divided(shown, per_second)
    first, _ = when_shown(seconds, clock.tz)
    return pc.if_else(right, kept, pc.add(shown, pc.multiply(pc.subtract(first, seconds), per_second)))


def _finer(values: pa.Array, microseconds: pa.Array) -> pa.Array | None:
    if values.type.unit != "ns":
        return None
    return pc.subtract(values.cast(pa.int64()), pc.multiply(microseconds, 1000))


def _midnights(days: pa.Array, unit: str) -> pa.Array:
    return pc.multiply(days.cast(pa.int32()).cast(pa.int64()), ticks_of_day(unit))


def _moved_days(days: pa.Array, settings: AddInterval) -> Converted:
    """date32."""
    if settings.unit in _DAYS:
        shift = settings.amount * _DAYS[settings.unit]
        if abs(shift) >= _MOST_DAYS:
            return _all_outside(days)
        moved = pc.add(days.cast(pa.int32()), pa.scalar(shift, pa.int32())).cast(pa.date32())
        return without(moved, YEARS.outside(moved))
    months = settings.amount * _MONTHS[settings.unit]
    return _all_outside(days) if abs(months) >= 12 * 10_000 else _moved_months(days, months)


def _moved_months(days: pa.Array, months: int) -> Converted:
    total = pc.add(pc.add(pc.multiply(pc.year(days), 12), pc.month(days)), months - 1)
    years = floor_divided(total, 12)
    checked = without(years, (pc.or_(pc.less(years, 1), pc.greater(years, 9999)), YEARS.reason))
    year, month = checked.values, pc.subtract(total, pc.multiply(years, 12))
    leap = _is_leap(year)
    length = pc.add(pa.array(_LENGTHS, pa.int64()).take(month), pc.and_(leap, pc.equal(month, 1)).cast(pa.int64()))
    day = pc.min_element_wise(pc.day(days), length)
    before_month = pc.add(pa.array(_BEFORE, pa.int64()).take(month), pc.and_(leap, pc.greater(month, 1)).cast(pa.int64()))
    number = pc.add(pc.add(_days_before_year(year), before_month), pc.subtract(day, _DAYS_BEFORE_1970 + 1))
    return Converted(number.cast(pa.int32()).cast(pa.date32()), checked.bad)


def _is_leap(year: pa.Array) -> pa.Array:
    def divisible(by: int) -> pa.Array:
        return pc.equal(pc.multiply(pc.divide(year, by), by), year)

    return pc.or_(pc.and_not(divisible(4), divisible(100)), divisible(400))


def _days_before_year(year: pa.Array) -> pa.Array:
    """Days from 1 January of the year 1."""
    past = pc.subtract(year, 1)
    leap_days = pc.add(pc.subtract(pc.divide(past, 4), pc.divide(past, 100)), pc.divide(past, 400))
    return pc.add(pc.multiply(past, 365), leap_days)


def _all_outside(values: pa.Array) -> Converted:
    return without(values, (pc.is_valid(values), YEARS.reason))
