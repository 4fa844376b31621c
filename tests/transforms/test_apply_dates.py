"""Parts of dates, truncation and intervals: against Python's datetime and zoneinfo, local clocks and their changes included."""

import calendar
import datetime
import zoneinfo
from collections.abc import Callable

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dtaas_desktop.domain.errors import UserError
from tests.transforms.every_type import bad_cells, batch, step, whole_and_in_pieces

Moment = datetime.datetime
UTC = datetime.UTC
EPOCH = Moment(1970, 1, 1)
DAY = datetime.timedelta(days=1)
PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
ZONES = ["Europe/Paris", "America/New_York", "Australia/Lord_Howe", "America/Havana", "Pacific/Apia", "Asia/Kathmandu", "UTC"]
PARTS: dict[str, Callable[[Moment], int]] = {
    "year": lambda m: m.year,
    "quarter": lambda m: (m.month + 2) // 3,
    "month": lambda m: m.month,
    "day": lambda m: m.day,
    "weekday": lambda m: m.isoweekday(),
    "day_of_year": lambda m: m.timetuple().tm_yday,
    "iso_week": lambda m: m.isocalendar().week,
    "iso_year": lambda m: m.isocalendar().year,
    "hour": lambda m: m.hour,
    "minute": lambda m: m.minute,
    "second": lambda m: m.second,
    "millisecond": lambda m: m.microsecond // 1000,
    "microsecond": lambda m: m.microsecond,
}
DATE_PARTS = list(PARTS)[:8]
UNITS = ["year", "quarter", "month", "week", "day", "hour", "minute", "second"]
units = st.sampled_from(["s", "ms", "us", "ns"])
# Around the changes of clocks of all these zones (the two of a year, midnight ones, Samoa's lost day), and anywhere.
changes = [
    Moment(2024, 3, 31, 1),
    Moment(2024, 10, 27, 1),
    Moment(2024, 3, 10, 7),
    Moment(2024, 11, 3, 6),
    Moment(2024, 4, 6, 15),
]
changes += [
    Moment(2024, 10, 5, 15, 30),
    Moment(2024, 3, 10, 5),
    Moment(2024, 11, 3, 5),
    Moment(2011, 12, 30, 10),
    Moment(2050, 10, 30, 1),
]
near = st.builds(lambda m, s: m + datetime.timedelta(seconds=s), st.sampled_from(changes), st.integers(-200_000, 200_000))
anywhere = st.datetimes(Moment(1, 1, 3), Moment(9999, 12, 29))
modern = st.datetimes(Moment(1900, 1, 1), Moment(2037, 1, 1))
moments = st.lists(st.none() | near | modern | anywhere, min_size=1, max_size=6)


def ticks(moment: Moment, unit: str) -> int:
    return (moment - EPOCH) // datetime.timedelta(microseconds=1) * PER_SECOND[unit] // 10**6


def column(values: list[Moment | None], unit: str, zone: str | None = None) -> pa.Array:
    counts = [None if value is None else ticks(value, unit) for value in values]
    return pa.array(counts, pa.int64()).cast(pa.timestamp(unit, zone))


def held(values: list[Moment | None], unit: str) -> list[Moment | None]:
    """The moments that the unit can hold, cut to it."""
    cut = {"s": 10**6, "ms": 1000}.get(unit, 1)
    low, high = (Moment(1677, 9, 22), Moment(2262, 4, 10)) if unit == "ns" else (Moment.min, Moment.max)
    return [v.replace(microsecond=v.microsecond // cut * cut) if v is not None and low < v < high else None for v in values]


def local(moment: Moment, zone: str) -> Moment:
    return moment.replace(tzinfo=UTC).astimezone(zoneinfo.ZoneInfo(zone))


def back(moment: Moment) -> Moment:
    return moment.astimezone(UTC).replace(tzinfo=None)


def done(values: pa.Array, **function: object) -> tuple[list[int | None], set[int]]:
    """int64 of the results, and the rows of bad cells."""
    applied = whole_and_in_pieces(step("apply", columns=["t"], function=function, on_bad="null"), batch(t=values), size=4)
    result = applied.rows.column("t")
    if function["name"] != "date_part":
        assert result.type == values.type
    if pa.types.is_date32(result.type):
        result = result.cast(pa.int32())
    return result.cast(pa.int64()).to_pylist(), {row for row, *_ in bad_cells(applied)}


@settings(max_examples=150, deadline=None)
@given(moments, units, st.sampled_from(list(PARTS)), st.none() | st.sampled_from(ZONES))
def test_a_part_is_what_the_local_clock_shows(values: list[Moment | None], unit: str, part: str, zone: str | None) -> None:
    values = held(values, unit)
    expected = [v and PARTS[part](v if zone is None else local(v, zone)) for v in values]
    assert done(column(values, unit, zone), name="date_part", part=part) == (expected, set())
    if part in DATE_PARTS:
        days = pa.array([v and v.date() for v in values], pa.date32())
        of_days = [v and PARTS[part](v) for v in values]
        assert (
            done(days, name="date_part", part=part)
            == (of_days, set())
            == done(days.cast(pa.date64()), name="date_part", part=part)
        )


@settings(max_examples=40, deadline=None)
@given(st.lists(st.none() | st.times(), max_size=5), st.sampled_from(list(PARTS)[8:]))
def test_parts_of_times(values: list[datetime.time | None], part: str) -> None:
    expected = [None if v is None else PARTS[part](Moment.combine(EPOCH.date(), v)) for v in values]
    assert done(pa.array(values, pa.time64("us")), name="date_part", part=part) == (expected, set())
    assert done(pa.array(values, pa.time64("us")).cast(pa.time64("ns")), name="date_part", part=part) == (expected, set())


def start_of(moment: Moment, unit: str) -> Moment:
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    match unit:
        case "year":
            return day.replace(month=1, day=1)
        case "quarter":
            return day.replace(month=(day.month + 2) // 3 * 3 - 2, day=1)
        case "month":
            return day.replace(day=1)
        case "week":
            return day - day.weekday() * DAY
        case "day":
            return day
        case "hour":
            return moment.replace(minute=0, second=0, microsecond=0)
        case "minute":
            return moment.replace(second=0, microsecond=0)
        case _:
            return moment.replace(microsecond=0)


def first_shown(start: Moment, value: Moment, zone: str, *, latest: bool) -> Moment:
    """By trying: the first moment (UTC) whose local clock shows `start` or, where it is skipped, more; `latest`: before `value`."""
    rules = zoneinfo.ZoneInfo(zone)
    tries = {back(start.replace(tzinfo=rules, fold=fold)) for fold in (0, 1)}
    exact = sorted(moment for moment in tries if local(moment, zone).replace(tzinfo=None) == start)
    if exact:
        earlier = [moment for moment in exact if moment <= value]
        return earlier[-1] if latest and earlier else exact[0]
    low, high = min(tries), max(tries)
    while high - low > datetime.timedelta(seconds=1):
        middle = low + (high - low) // 2
        middle = middle.replace(microsecond=0)
        low, high = (low, middle) if local(middle, zone).replace(tzinfo=None) >= start else (middle, high)
    return high


@settings(max_examples=200, deadline=None)
@given(moments, units, st.sampled_from(UNITS), st.sampled_from([None, *ZONES]))
def test_a_period_starts_when_the_local_clock_first_shows_it(
    values: list[Moment | None], unit: str, period: str, zone: str | None
) -> None:
    values = held(values, unit)
    expected: list[int | None] = []
    bad = set()
    for row, value in enumerate(values):
        if value is None:
            expected.append(None)
            continue
        if zone is None:
            start = start_of(value, period)
        else:
            shown = start_of(local(value, zone).replace(tzinfo=None), period)
            start = first_shown(shown, value, zone, latest=period in ("hour", "minute", "second"))
        count = ticks(start, unit)
        fits = count >= -(2**63)
        expected.append(count if fits else None)
        bad |= set() if fits else {row}
    assert done(column(values, unit, zone), name="truncate_date", unit=period) == (expected, bad)
    if period in UNITS[:5]:
        days = [v and v.date() for v in values]
        starts = [v and (start_of(v, period) - EPOCH).days for v in values]
        assert done(pa.array(days, pa.date32()), name="truncate_date", unit=period) == (starts, set())


def moved(moment: Moment, amount: int, unit: str) -> Moment | None:
    """By the calendar; None outside the years 1 to 9999."""
    months = {"month": 1, "quarter": 3, "year": 12}.get(unit)
    try:
        if months is None:
            return moment + amount * {"day": 1, "week": 7}[unit] * DAY
        year, month = divmod(moment.year * 12 + moment.month - 1 + amount * months, 12)
        return moment.replace(year=year, month=month + 1, day=min(moment.day, calendar.monthrange(year, month + 1)[1]))
    except (OverflowError, ValueError, calendar.IllegalMonthError):
        return None


amounts = st.integers(-60, 60) | st.sampled_from([-(10**12), 10**12, 100_000, -2000, 7999, -10_000])


@settings(max_examples=250, deadline=None)
@given(moments, units, st.sampled_from(["year", "quarter", "month", "week", "day"]), amounts, st.sampled_from([None, *ZONES]))
@example([Moment(2024, 1, 31), Moment(2023, 12, 31), Moment(2024, 2, 29), Moment(2000, 3, 31)], "us", "month", 1, None)
def test_days_and_longer_move_the_local_clock(
    values: list[Moment | None], unit: str, by: str, amount: int, zone: str | None
) -> None:
    values = held(values, unit)
    expected: list[int | None] = []
    for value in values:
        if value is None:
            expected.append(None)
            continue
        shown = value if zone is None else local(value, zone)
        later = moved(shown.replace(tzinfo=None), amount, by)
        if later is not None and zone is not None:
            rules = zoneinfo.ZoneInfo(zone)
            exact = [
                m
                for fold in (0, 1)
                if local(m := back(later.replace(tzinfo=rules, fold=fold)), zone).replace(tzinfo=None) == later
            ]
            same = [m for m in exact if local(m, zone).utcoffset() == shown.utcoffset()]
            # fold 0 of a skipped time has the offset from before the change.
            try:
                later = same[0] if same else back(later.replace(tzinfo=rules))
            except OverflowError:
                later = None
        count = None if later is None else ticks(later, unit)
        expected.append(count if count is not None and -(2**63) <= count < 2**63 else None)
    bad = {row for row, (value, count) in enumerate(zip(values, expected, strict=True)) if value is not None and count is None}
    assert done(column(values, unit, zone), name="add_interval", unit=by, amount=amount) == (expected, bad)
    days = [v and v.date() for v in values]
    later_days = [v and moved(v, amount, by) for v in values]
    of_days = [None if v is None else (v.replace(hour=0, minute=0, second=0, microsecond=0) - EPOCH).days for v in later_days]
    assert done(pa.array(days, pa.date32()), name="add_interval", unit=by, amount=amount)[0] == of_days


@settings(max_examples=100, deadline=None)
@given(moments, units, st.sampled_from(["hour", "minute", "second"]), amounts, st.sampled_from([None, *ZONES]))
def test_hours_and_shorter_are_time_that_passes(
    values: list[Moment | None], unit: str, by: str, amount: int, zone: str | None
) -> None:
    values = held(values, unit)
    seconds = amount * {"hour": 3600, "minute": 60, "second": 1}[by]
    expected: list[int | None] = []
    for value in values:
        if value is None:
            expected.append(None)
            continue
        count = ticks(value, "us") + seconds * 10**6
        in_years = ticks(Moment.min, "us") <= count <= ticks(Moment.max, "us")
        if in_years and zone is not None:
            try:
                local(EPOCH + datetime.timedelta(microseconds=count), zone)
            except OverflowError:
                in_years = False
        count = count * PER_SECOND[unit] // 10**6
        expected.append(count if in_years and -(2**63) <= count < 2**63 else None)
    bad = {row for row, (value, found) in enumerate(zip(values, expected, strict=True)) if value is not None and found is None}
    assert done(column(values, unit, zone), name="add_interval", unit=by, amount=amount) == (expected, bad)


def written(zone: str, name: str, *texts: str, **more: object) -> list[str]:
    """What a function of dates makes of timestamps with offsets."""
    values = pa.array([Moment.fromisoformat(text) for text in texts], pa.timestamp("s", zone))
    applied = step("apply", columns=["t"], function={"name": name, **more}).apply(batch(t=values))
    return [value.isoformat() for value in applied.rows.column("t").to_pylist()]


def test_a_skipped_time_moves_on_by_what_is_skipped_and_a_repeated_one_stays_on_its_side() -> None:
    days = ("2024-03-30T02:30+01:00", "2024-10-26T02:30+02:00", "2024-10-28T02:30+01:00")
    assert written("Europe/Paris", "add_interval", *days) == [
        "2024-03-31T03:30:00+02:00",
        "2024-10-27T02:30:00+02:00",
        "2024-10-29T02:30:00+01:00",
    ]
    assert written("Europe/Paris", "add_interval", "2024-04-01T02:30+02:00", "2024-10-28T02:30+01:00", amount=-1) == [
        "2024-03-31T03:30:00+02:00",
        "2024-10-27T02:30:00+01:00",
    ]


def test_each_of_two_equal_hours_of_the_clock_has_its_own_start() -> None:
    twice = ("2024-10-27T02:30+02:00", "2024-10-27T02:30+01:00", "2024-10-27T03:30+01:00")
    hours = ["2024-10-27T02:00:00+02:00", "2024-10-27T02:00:00+01:00", "2024-10-27T03:00:00+01:00"]
    assert written("Europe/Paris", "truncate_date", *twice, unit="hour") == hours
    # In Havana midnight came twice: the day began at the first.
    havana = ("2024-11-03T00:30-04:00", "2024-11-03T00:30-05:00", "2024-11-03T12:00-05:00")
    assert written("America/Havana", "truncate_date", *havana, unit="day") == ["2024-11-03T00:00:00-04:00"] * 3


def test_a_day_without_a_midnight_starts_with_its_first_moment() -> None:
    assert written("America/Havana", "truncate_date", "2024-03-10T12:00-04:00", unit="day") == ["2024-03-10T01:00:00-04:00"]
    # In Toronto the last half hour of 30 March 1919 and the first of the next day were skipped together.
    assert written("America/Toronto", "truncate_date", "1919-03-31T12:00-04:00", unit="day") == ["1919-03-31T00:30:00-04:00"]


def test_nanoseconds_keep_their_last_digits_up_to_both_ends_of_what_they_hold() -> None:
    ends = pa.array([-(2**63), 2**63 - 1, -1, 1, None], pa.int64()).cast(pa.timestamp("ns"))
    assert done(ends, name="add_interval", unit="microsecond", amount=0)[0] == [-(2**63), 2**63 - 1, -1, 1, None]
    assert done(ends, name="add_interval", unit="day", amount=0)[0] == [-(2**63), 2**63 - 1, -1, 1, None]
    day = 86_400 * 10**9
    assert done(ends, name="add_interval", unit="day", amount=1) == ([-(2**63) + day, None, day - 1, day + 1, None], {1})
    assert done(ends, name="truncate_date", unit="second") == ([None, 9_223_372_036 * 10**9, -(10**9), 0, None], {0})


def test_values_outside_the_years_1_to_9999_are_bad_cells() -> None:
    outside = pa.array([-62_135_596_801, 253_402_300_800, 2**62, -(2**63), 0], pa.int64()).cast(pa.timestamp("s"))
    for function in (
        {"name": "date_part"},
        {"name": "truncate_date"},
        {"name": "add_interval", "unit": "hour"},
        {"name": "add_interval"},
    ):
        assert done(outside, **function)[1] == {0, 1, 2, 3}
    # In Paris the year 9999 ends an hour earlier.
    assert done(pa.array([253_402_300_799], pa.int64()).cast(pa.timestamp("s", "Europe/Paris")), name="date_part") == (
        [None],
        {0},
    )


@pytest.mark.parametrize(
    ("data_type", "function", "message"),
    [
        (pa.date32(), {"name": "date_part", "part": "hour"}, "date has no hour"),
        (pa.time64("us"), {"name": "date_part", "part": "month"}, "time has no month"),
        (pa.date32(), {"name": "truncate_date", "unit": "minute"}, "date has no minute"),
        (pa.date32(), {"name": "add_interval", "unit": "hour"}, "date has no time of day"),
        (
            pa.timestamp("s"),
            {"name": "add_interval", "unit": "millisecond", "amount": 1500},
            "cannot hold an interval of 1500 millisecond",
        ),
        (pa.time64("us"), {"name": "add_interval"}, "“add_interval” works on dates and timestamps, not on time"),
        (pa.int64(), {"name": "date_part"}, "“date_part” works on dates and times, not on int64"),
        (pa.timestamp("s", "Atlantis/Centre"), {"name": "truncate_date"}, "There is no time zone “Atlantis/Centre”"),
    ],
)
def test_what_has_no_meaning_is_refused_by_name(data_type: pa.DataType, function: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=f"Column “t”: .*{message}"):
        step("apply", columns=["t"], function=function).output_schema(batch(t=pa.nulls(0, data_type)).schema)


def test_intervals_of_whole_ticks_fit_coarse_timestamps() -> None:
    assert done(column([Moment(1970, 1, 1)], "s"), name="add_interval", unit="millisecond", amount=2000) == ([2], set())
