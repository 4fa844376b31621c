"""Dates, times, timestamps and epoch numbers to one another, judged by Python's datetime and zoneinfo."""

import datetime
import zoneinfo
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtaas_desktop.domain.type_names import name_of_type, type_from_name
from tests.transforms.casting import Bad, outcomes

EPOCH = datetime.datetime(1970, 1, 1)
SECOND = 10**9
DAY = 86_400 * SECOND
PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
UNITS = list(PER_SECOND)
ZONES = ["Europe/Paris", "America/New_York", "UTC", "+02:00", "-09:30", "Asia/Kolkata", "Australia/Lord_Howe", "America/St_Johns"]
YEARS = Bad("outside the years 1 to 9999")
NANOSECONDS = Bad("outside the years 1677 to 2262, which is all that nanoseconds can hold")
FIRST, END = -719_162 * DAY, 2_932_897 * DAY
CLOCK_CHANGES = [
    "2024-03-31 01:00",
    "2024-10-27 01:00",
    "2024-03-10 07:00",
    "2024-11-03 06:00",
    "2060-03-28 01:00",
    "2060-10-31 01:00",
]
CLOCK_CHANGES += ["9999-03-28 01:00", "9999-10-31 01:00", "2024-04-06 15:00", "1911-03-10 23:50", "1883-11-18 17:00"]


def since_1970(text: str) -> int:
    return int((datetime.datetime.fromisoformat(text) - EPOCH).total_seconds()) * SECOND


edges = [FIRST, FIRST + DAY, END - 1, END - DAY, -1, 0, 1, SECOND, 2**63 - 1, -(2**63)]
moments = (  # nanoseconds since 1970, also some outside the years that can be held
    st.integers(FIRST, END - 1)
    | st.integers(since_1970("1900-01-01"), since_1970("2100-01-01"))
    | st.builds(
        lambda text, step: since_1970(text) + step,
        st.sampled_from(CLOCK_CHANGES),
        st.integers(-4 * 3600, 4 * 3600).map(lambda s: s * SECOND),
    )
    | st.builds(lambda edge, step: edge + step, st.sampled_from(edges), st.integers(-2, 2) | st.integers(-DAY, DAY))
    | st.integers(-50 * 365, 130 * 365).map(lambda day: day * DAY)
)
extras = st.sampled_from(["bad", "half_away", "half_even", "truncate"])


def ticks(moment: int, unit: str) -> int | None:
    """Whole units; None where 64 bits do not hold them."""
    count = moment * PER_SECOND[unit] // SECOND
    return count if -(2**63) <= count < 2**63 else None


def offset_at(moment: int, zone: str) -> int:
    """How much the zone's clock is ahead of UTC, in nanoseconds, at a moment in UTC (also just outside of Python's years)."""
    rules = rules_of(zone)
    inside = min(max(moment // SECOND, FIRST // SECOND + 86_400), END // SECOND - 86_401)
    found = (EPOCH + datetime.timedelta(seconds=inside)).replace(tzinfo=datetime.UTC).astimezone(rules).utcoffset()
    assert found is not None
    return round(found.total_seconds()) * SECOND


def offsets_on_clock(moment: int, zone: str) -> tuple[int, int]:
    """The same for what the zone's clock shows, before and after if it was changed then."""
    inside = min(max(moment // SECOND, FIRST // SECOND + 86_400), END // SECOND - 86_401)
    shown = EPOCH + datetime.timedelta(seconds=inside)
    found = [shown.replace(tzinfo=rules_of(zone), fold=fold).utcoffset() for fold in (0, 1)]
    first, second = (round(offset.total_seconds()) * SECOND for offset in found if offset is not None)
    return first, second


def rules_of(zone: str) -> datetime.tzinfo:
    if zone[0] not in "+-":
        return zoneinfo.ZoneInfo(zone)
    return datetime.datetime.strptime(zone, "%z").tzinfo or datetime.UTC


def in_years(moment: int) -> bool:
    return FIRST <= moment < END


def rounded(moment: int, unit: str, extra: str) -> int | None:
    """Nanoseconds as a multiple of the unit; None if digits are lost that must not be."""
    size = SECOND // PER_SECOND[unit]
    count, rest = divmod(moment, size)
    if extra == "bad" and rest:
        return None
    up = 2 * rest > size or (2 * rest == size and (extra == "half_away" or count % 2 == 1))
    return (count + (up and extra not in ("bad", "truncate"))) * size


def placed(moment: int, target: str, unit: str, zone: str | None, extra: str, *, utc: bool) -> Any:
    """A moment of UTC, or of a clock without a zone, as timestamp of this unit and zone."""
    if not in_years(moment):
        return YEARS
    found = rounded(moment, unit, extra)
    if found is None:
        return Bad(f"has digits that {target} cannot hold")
    if not in_years(found):
        return YEARS
    if ticks(found, unit) is None:
        return NANOSECONDS
    if zone is not None and not utc:
        before, after = offsets_on_clock(found, zone)
        if before != after:
            return Bad(f"a time that clocks in {zone} skipped or showed twice")
        found -= before
    if zone is not None and not (in_years(found) and in_years(found + offset_at(found, zone))):
        return YEARS
    count = ticks(found, unit)
    return NANOSECONDS if count is None else count


units = st.sampled_from(UNITS)
zones = st.sampled_from(ZONES)


def timestamp_name(unit: str, zone: str | None) -> str:
    return name_of_type(pa.timestamp(unit, zone))


def stamps(data: st.DataObject, unit: str, zone: str | None) -> tuple[pa.Array, list[int]]:
    """Timestamps, and the same in nanoseconds since 1970."""
    counts = [
        count for count in (ticks(moment, unit) for moment in data.draw(st.lists(moments, max_size=15))) if count is not None
    ]
    return pa.array(counts, pa.int64()).view(pa.timestamp(unit, zone)), [count * SECOND // PER_SECOND[unit] for count in counts]


@given(units, units, st.none() | zones, st.none() | zones, extras, st.data())
def test_timestamps_change_unit_and_zone_as_python_says(
    unit: str, to: str, zone: str | None, to_zone: str | None, extra: str, data: st.DataObject
) -> None:
    values, given_moments = stamps(data, unit, zone)
    target = timestamp_name(to, to_zone)
    expected: list[Any] = []
    for moment in given_moments:
        if unit == to and zone == to_zone:
            expected.append(moment * PER_SECOND[to] // SECOND)
        elif not in_years(moment):
            expected.append(YEARS)
        elif zone is not None and to_zone is None:
            local = moment + offset_at(moment, zone)
            held = ticks(local, unit) is not None
            expected.append(placed(local, name_of_type(pa.timestamp(to)), to, None, extra, utc=False) if held else NANOSECONDS)
        else:
            expected.append(placed(moment, name_of_type(pa.timestamp(to)), to, to_zone, extra, utc=zone is not None))
    assert outcomes(values, target, extra_digits=extra) == expected


@settings(max_examples=60)
@given(units, st.none() | zones, units, extras, st.data())
def test_timestamps_become_the_date_and_the_time_of_their_local_clock(
    unit: str, zone: str | None, time_unit: str, extra: str, data: st.DataObject
) -> None:
    values, given_moments = stamps(data, unit, zone)
    dates: list[Any] = []
    times: list[Any] = []
    for moment in given_moments:
        local = moment if zone is None else moment + offset_at(moment, zone)
        dates.append(local // DAY if in_years(moment) and in_years(local) else YEARS)
        of_day = rounded(local % DAY, time_unit, extra)
        name = name_of_type(type_from_name(f"time({time_unit})"))
        if not in_years(moment):
            times.append(YEARS)
        elif of_day is None:
            times.append(Bad(f"has digits that {name} cannot hold"))
        else:
            times.append(ticks(of_day, time_unit) if of_day < DAY else Bad("rounds to the next day"))
    assert outcomes(values, "date", extra_digits=extra) == dates
    assert outcomes(values, f"time({time_unit})", extra_digits=extra) == times


@settings(max_examples=60)
@given(st.lists(st.integers(-719_164, 2_932_900) | st.integers(-(2**31), 2**31 - 1)), units, st.none() | zones)
def test_dates_become_the_midnight_of_the_zone_they_get(days: list[int], unit: str, zone: str | None) -> None:
    expected = [placed(day * DAY, "", unit, zone, "bad", utc=False) for day in days]
    target = timestamp_name(unit, zone)
    assert outcomes(pa.array(days, pa.int32()).view(pa.date32()), target) == expected
    with_hours = pa.array([day * 86_400_000 + 3_600_000 for day in days], pa.int64()).view(pa.date64())
    assert outcomes(with_hours, target) == expected
    assert outcomes(with_hours, "date") == [day if in_years(day * DAY) else YEARS for day in days]


@settings(max_examples=60)
@given(units, units, extras, st.lists(st.integers(0, DAY - 1) | st.sampled_from([0, DAY - 1, DAY // 2, 500_000, 1_500_000_000])))
def test_times_change_unit(unit: str, to: str, extra: str, times: list[int]) -> None:
    source, target = type_from_name(f"time({unit})"), type_from_name(f"time({to})")
    counts = [ticks(time, unit) for time in times]
    expected: list[Any] = []
    for count in counts:
        assert count is not None
        found = rounded(count * SECOND // PER_SECOND[unit], to, extra)
        if found is None:
            expected.append(Bad(f"has digits that {name_of_type(target)} cannot hold"))
        else:
            expected.append(ticks(found, to) if found < DAY else Bad("rounds to the next day"))
    width = pa.int32() if source.bit_width == 32 else pa.int64()
    assert outcomes(pa.array(counts, width).view(source), f"time({to})", extra_digits=extra) == expected


@given(units, units, st.none() | zones, extras, st.lists(st.integers(-(2**63), 2**63 - 1) | moments), st.data())
def test_whole_numbers_count_units_since_1970(
    epoch_unit: str, unit: str, zone: str | None, extra: str, numbers: list[int], data: st.DataObject
) -> None:
    numbers = [number for number in numbers if -(2**63) <= number < 2**63]
    target = timestamp_name(unit, zone)
    expected = [
        placed(number * SECOND // PER_SECOND[epoch_unit], name_of_type(pa.timestamp(unit)), unit, zone, extra, utc=True)
        for number in numbers
    ]
    manner = {"epoch_unit": epoch_unit, "extra_digits": extra}
    assert outcomes(pa.array(numbers, pa.int64()), target, **manner) == expected

    values, given_moments = stamps(data, unit, zone)
    back: list[Any] = []
    for moment in given_moments:
        found = rounded(moment, epoch_unit, extra)
        count = None if found is None else ticks(found, epoch_unit)
        if found is None:
            back.append(Bad(f"has digits that {name_of_type(pa.timestamp(epoch_unit))} cannot hold"))
        elif UNITS.index(epoch_unit) > UNITS.index(unit) and not in_years(moment):
            back.append(YEARS)
        else:
            back.append(NANOSECONDS if count is None else count)
    assert outcomes(values, "int64", **manner) == back


@pytest.mark.parametrize(
    ("values", "target", "manner", "expected"),
    [
        ([1.5], "timestamp", {}, Bad("not a whole number")),
        ([1.5], "timestamp", {"extra_digits": "half_away"}, 2_000_000),
        ([float("nan")], "timestamp", {}, Bad("not a finite number")),
        ([1e300], "timestamp", {}, YEARS),
        ([1500], "timestamp(s)", {"epoch_unit": "ms"}, Bad("has digits that timestamp(s) cannot hold")),
        ([1500], "timestamp(s)", {"epoch_unit": "ms", "extra_digits": "truncate"}, 1),
        ([pa.scalar(1_700_000_000, pa.timestamp("s"))], "int16", {}, Bad("outside the range of int16")),
    ],
)
def test_numbers_that_count_no_moment_are_bad(values: list[Any], target: str, manner: dict[str, str], expected: Any) -> None:
    assert outcomes(pa.array(values), target, **manner) == [expected]
