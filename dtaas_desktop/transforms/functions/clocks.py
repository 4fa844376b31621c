"""Timestamps and the clocks on the wall of their zone."""

import pyarrow as pa
import pyarrow.compute as pc

from dtaas_desktop.transforms.converted import Converted, without
from dtaas_desktop.transforms.dates import DAY_SECONDS, PER_SECOND, YEARS, floor_divided, local_time
from dtaas_desktop.transforms.functions.prepared import unsupported
from dtaas_desktop.transforms.zones import local_seconds, require_known, utc_seconds

# The first and the last moment that nanoseconds in 64 bits hold: microseconds, and nanoseconds beyond them.
_FIRST, _FIRST_FINER = divmod(-(2**63), 1000)
_LAST, _LAST_FINER = divmod(2**63 - 1, 1000)
_OUTSIDE_NANOSECONDS = "outside the years 1677 to 2262, which is all that nanoseconds can hold"


def require_dates(function: str, data_type: pa.DataType) -> None:
    """Raises UserError unless values are dates or timestamps, of a zone that is known."""
    if pa.types.is_timestamp(data_type):
        if data_type.tz is not None:
            require_known(data_type.tz)
    elif not pa.types.is_date(data_type):
        raise unsupported(function, data_type, "dates and timestamps")


def on_clock(values: pa.Array) -> Converted:
    """Dates as date32; timestamps without a zone, by their local clock, nanoseconds cut to microseconds.

    A value outside the years 1 to 9999 is bad, by UTC or by the local clock.
    """
    checked = without(values, YEARS.outside(values))
    if pa.types.is_date(values.type):
        return Converted(checked.values.cast(pa.date32()), checked.bad)
    coarse = without_nanoseconds(checked.values)
    if values.type.tz is None:
        return Converted(coarse, checked.bad)
    local = local_time(coarse)
    again = without(local, YEARS.outside(local))
    return Converted(again.values, checked.bad + again.bad)


def without_nanoseconds(values: pa.Array) -> pa.Array:
    """Timestamps that count nanoseconds in microseconds, cut towards the past; others as they are."""
    if values.type.unit != "ns":
        return values
    return as_timestamps(floor_divided(values.cast(pa.int64()), 1000), pa.timestamp("us", values.type.tz))


def as_timestamps(ticks: pa.Array, target: pa.DataType) -> pa.Array:
    """int64 counts since 1970 in UTC, in the target's unit, as timestamps of its zone."""
    naive = ticks.cast(pa.timestamp(target.unit))
    return naive if target.tz is None else naive.cast(pa.timestamp(target.unit, "UTC")).cast(target)


def finished(ticks: pa.Array, target: pa.DataType, finer: pa.Array | None = None) -> Converted:
    """Counts since 1970 in UTC as the target's type; for nanoseconds, microseconds and what is `finer` (0 to 999).

    Bad are those outside the years 1 to 9999, by UTC or by the local clock, or outside what nanoseconds can hold.
    """
    bad: tuple[tuple[pa.Array, str], ...] = ()
    if target.unit == "ns":
        finer = pa.scalar(0, pa.int64()) if finer is None else finer
        held = without(ticks, (_beyond_nanoseconds(ticks, finer), _OUTSIDE_NANOSECONDS))
        ticks, bad = pc.add(pc.multiply(held.values, 1000), finer), held.bad
    naive = ticks.cast(pa.timestamp(target.unit))
    checked = without(naive, YEARS.outside(naive))
    result = as_timestamps(checked.values.cast(pa.int64()), target)
    bad += checked.bad
    if target.tz is not None:
        local = local_time(without_nanoseconds(result))
        again = without(result, YEARS.outside(local))
        result, bad = again.values, bad + again.bad
    return Converted(result, bad)


def _beyond_nanoseconds(ticks: pa.Array, finer: pa.Array | pa.Scalar) -> pa.Array:
    early = pc.or_(pc.less(ticks, _FIRST), pc.and_(pc.equal(ticks, _FIRST), pc.less(finer, _FIRST_FINER)))
    late = pc.or_(pc.greater(ticks, _LAST), pc.and_(pc.equal(ticks, _LAST), pc.greater(finer, _LAST_FINER)))
    return pc.or_(early, late)


def when_shown(local: pa.Array, zone: str) -> tuple[pa.Array, pa.Array]:
    """The first and the last moment at which the zone's clocks show these local times (all int64 seconds).

    Of times that the clocks skip: what a clock not put forward shows then, and, before it, what one put forward too early shows.
    """
    moments, unclear = utc_seconds(local, zone)
    if not unclear.true_count:
        return moments, moments
    some = local.filter(unclear)
    before, after = (_offset(pc.add(some, shift), zone) for shift in (-DAY_SECONDS, DAY_SECONDS))
    first = pc.replace_with_mask(moments, unclear, pc.subtract(some, before))
    return first, pc.replace_with_mask(moments, unclear, pc.subtract(some, after))


def changes_between(earlier: pa.Array, later: pa.Array, zone: str) -> pa.Array:
    """The moments at which clocks were changed, each the only one after `earlier` and not after `later` (all int64 seconds)."""
    offset = _offset(earlier, zone)
    for _ in range(DAY_SECONDS.bit_length()):
        middle = floor_divided(pc.add(earlier, later), 2)
        unchanged = pc.equal(_offset(middle, zone), offset)
        earlier, later = pc.if_else(unchanged, middle, earlier), pc.if_else(unchanged, later, middle)
    return later


def _offset(moments: pa.Array, zone: str) -> pa.Array:
    return pc.subtract(local_seconds(moments, zone), moments)


def ticks_of_day(unit: str) -> int:
    return DAY_SECONDS * PER_SECOND[unit]
