"""Parts of dates and times, and the starts of the periods they lie in."""

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from dtaas_desktop.domain.apply_settings import DatePartName, TruncateDate
from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.type_names import name_of_type
from dtaas_desktop.transforms.converted import Converted
from dtaas_desktop.transforms.dates import PER_SECOND, floor_divided, local_days
from dtaas_desktop.transforms.functions.clocks import (
    changes_between,
    finished,
    on_clock,
    require_dates,
    ticks_of_day,
    when_shown,
    without_nanoseconds,
)
from dtaas_desktop.transforms.functions.prepared import Prepared, always, unsupported

_OF_DATES: dict[str, Callable[[pa.Array], pa.Array]] = {
    "year": pc.year,
    "quarter": pc.quarter,
    "month": pc.month,
    "day": pc.day,
    "weekday": lambda values: pc.day_of_week(values, count_from_zero=False, week_start=1),
    "day_of_year": pc.day_of_year,
    "iso_week": pc.iso_week,
    "iso_year": pc.iso_year,
}
_OF_TIMES: dict[str, Callable[[pa.Array], pa.Array]] = {
    "hour": pc.hour,
    "minute": pc.minute,
    "second": pc.second,
    "millisecond": lambda values: _since_second(values, 10**3),
    "microsecond": lambda values: _since_second(values, 10**6),
}
_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}


def date_part(data_type: pa.DataType, part: DatePartName) -> Prepared:
    """As int64; bad are values outside the years 1 to 9999."""
    if not (pa.types.is_date(data_type) or pa.types.is_timestamp(data_type) or pa.types.is_time(data_type)):
        raise unsupported("date_part", data_type, "dates and times")
    if pa.types.is_timestamp(data_type):
        require_dates("date_part", data_type)
    kernel = _OF_DATES.get(part) or _OF_TIMES[part]
    if pa.types.is_time(data_type):
        if part in _OF_DATES:
            raise _has_no(part, data_type)
        return always(pa.int64(), kernel)
    if pa.types.is_date(data_type) and part in _OF_TIMES:
        raise _has_no(part, data_type)

    def convert(values: pa.Array) -> Converted:
        return on_clock(values).then(lambda local: Converted(kernel(local)))

    return Prepared(pa.int64(), convert, may_empty=True)


def truncation(data_type: pa.DataType, unit: str) -> Prepared:
    """The type stays.

    With a zone the period begins by the local clock: days and longer at the first moment that bears the date, hours and shorter
    at the last one before the value that shows the full hour, if clocks showed it twice.
    """
    require_dates(TruncateDate().name, data_type)
    if pa.types.is_date(data_type):
        if unit in ("hour", "minute", "second"):
            raise _has_no(unit, data_type)
        return Prepared(data_type, lambda values: _floored_dates(values, unit), may_empty=True)

    def convert(values: pa.Array) -> Converted:
        local = on_clock(values)
        start = _floored(local.values, unit)
        if data_type.tz is not None:
            start = _begun(start, values, latest=unit in ("hour", "minute", "second"))
        result = finished(start.cast(pa.int64()), data_type)
        return Converted(result.values, local.bad + result.bad)

    return Prepared(data_type, convert, may_empty=True)


def _has_no(part: str, data_type: pa.DataType) -> UserError:
    return UserError(f"{name_of_type(data_type)} has no {part}.", remedy="Choose another part, or cast the column first.")


def _since_second(values: pa.Array, per_second: int) -> pa.Array:
    ticks = values.cast(pa.int32()).cast(pa.int64()) if pa.types.is_time32(values.type) else values.cast(pa.int64())
    unit = PER_SECOND[values.type.unit]
    since = pc.subtract(ticks, pc.multiply(floor_divided(ticks, unit), unit))
    return pc.multiply(since, per_second // unit) if unit <= per_second else pc.divide(since, unit // per_second)


def _floored_dates(values: pa.Array, unit: str) -> Converted:
    days = on_clock(values)
    floored = days.values if unit == "day" else pc.floor_temporal(days.values, unit=unit)
    return Converted(floored.cast(values.type), days.bad)


def _floored(local: pa.Array, unit: str) -> pa.Array:
    """Timestamps without a zone, at most as fine as microseconds."""
    if unit in _SECONDS:
        size = _SECONDS[unit] * PER_SECOND[local.type.unit]
        return pc.multiply(floor_divided(local.cast(pa.int64()), size), size).cast(local.type)
    days = pc.floor_temporal(local_days(local), unit=unit).cast(pa.int32()).cast(pa.int64())
    return pc.multiply(days, ticks_of_day(local.type.unit)).cast(local.type)


def _begun(start: pa.Array, values: pa.Array, *, latest: bool) -> pa.Array:
    """The first moments, in UTC, at which the clocks of the values' zone show the start or more; `latest`: the last before them."""
    per_second, zone = PER_SECOND[start.type.unit], values.type.tz
    first, last = when_shown(floor_divided(start.cast(pa.int64()), per_second), zone)
    skipped = pc.fill_null(pc.greater(first, last), False)
    begun = first
    if latest:
        begun = pc.if_else(
            pc.less_equal(pc.multiply(last, per_second), without_nanoseconds(values).cast(pa.int64())), last, first
        )
    if skipped.true_count:
        begun = pc.replace_with_mask(begun, skipped, changes_between(last.filter(skipped), first.filter(skipped), zone))
    return pc.multiply(begun, per_second).cast(start.type)
