"""Text to dates and times and back, in ISO 8601 and in formats, judged by Python's datetime and zoneinfo."""

import datetime
import locale
import re
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.type_names import name_of_type, type_from_name
from tests.transforms.casting import Bad, outcomes, step
from tests.transforms.test_cast_dates import (
    DAY,
    END,
    EPOCH,
    FIRST,
    NANOSECONDS,
    PER_SECOND,
    SECOND,
    YEARS,
    extras,
    in_years,
    moments,
    offset_at,
    placed,
    rounded,
    stamps,
    ticks,
    timestamp_name,
    units,
    zones,
)

MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
NO_MOMENTS = ["2024-13-01", "2024-1-1", "20240101", "2024-02-30x", "2024-01-01 24:00", "2024-01-01 12", "2024-01-01 12:00:60", ""]
NO_MOMENTS += ["٢٠٢٤-01-01", "2024-01-01 12:00:00.1234567890", "2024-01-01 12:00+15:00", "10000-01-01", "-0001-01-01"]
NO_MOMENTS += ["2024-01-01T12:00:00 UTC", "12:00"]
NOT_ISO = Bad("not a date and time like 2024-12-31 23:59:59")


def text(values: list[str]) -> pa.Array:
    return pa.array(values, pa.large_string())


def shown(moment: int, zone: str | None = None) -> tuple[datetime.datetime, int]:
    """Date and time of a clock to the second, and the nanoseconds that follow."""
    local = moment if zone is None else moment + offset_at(moment, zone)
    return EPOCH + datetime.timedelta(seconds=local // SECOND), local % SECOND


def iso(moment: int, unit: str) -> str:
    at, rest = shown(moment)
    digits = {"s": 0, "ms": 3, "us": 6, "ns": 9}[unit]
    fraction = f".{rest:09}"[: digits + 1] if digits else ""
    return f"{at.year:04}-{at.month:02}-{at.day:02} {at.hour:02}:{at.minute:02}:{at.second:02}{fraction}"


@given(units, st.none() | zones, st.data())
def test_timestamps_are_written_in_iso_8601_and_read_back(unit: str, zone: str | None, data: st.DataObject) -> None:
    values, given_moments = stamps(data, unit, zone)
    ending = "" if zone is None else "Z"
    expected = [iso(moment, unit) + ending if in_years(moment) else YEARS for moment in given_moments]
    written = outcomes(values, "text")
    assert written == expected
    good = [(cell, moment) for cell, moment in zip(written, given_moments, strict=True) if isinstance(cell, str)]
    readable = [pair for pair in good if zone is None or in_years(pair[1] + offset_at(pair[1], zone))]
    back = outcomes(text([cell for cell, _ in readable]), timestamp_name(unit, zone))
    assert back == [ticks(moment, unit) for _, moment in readable]


@st.composite
def iso_texts(draw: st.DrawFn) -> tuple[str, Any]:
    """A text, and its parts: nanoseconds since 1970 on its clock, its offset in minutes or None; or None if it is no such text."""
    moment = draw(moments.filter(in_years))
    at, rest = shown(moment)
    day = f"{at.year:04}-{at.month:02}-{at.day:02}"
    date_only = moment // DAY * DAY
    form = draw(st.integers(0, 12))
    if form == 0:
        return day, (date_only, None)
    if form == 1:
        return f"{day}{draw(st.sampled_from('T '))}{at:%H:%M}", (moment // (60 * SECOND) * 60 * SECOND, None)
    second = moment // SECOND * SECOND
    shown_digits = draw(st.integers(0, 9))
    kept = rest // 10 ** (9 - shown_digits) * 10 ** (9 - shown_digits)
    fraction = draw(st.sampled_from(".,")) + f"{rest:09}"[:shown_digits] if shown_digits else ""
    whole = f"{day}{draw(st.sampled_from('T '))}{at:%H:%M:%S}{fraction}"
    if form < 6:
        return draw(st.sampled_from(["", " ", "\t"])) + whole + draw(st.sampled_from(["", " \n"])), (second + kept, None)
    if form < 10:
        minutes = draw(st.sampled_from([0, 60, -60, 330, -570, 14 * 60, -14 * 60 - 59]))
        sign, size = "-" if minutes < 0 else "+", abs(minutes)
        colon = draw(st.sampled_from(["", ":"]))
        written = f"{sign}{size // 60:02}{colon}{size % 60:02}"
        if minutes % 60 == 0 and draw(st.booleans()):
            written = f"{sign}{size // 60:02}"
        if minutes == 0:
            written = draw(st.sampled_from(["Z", "z", "+00:00", "-00:00"]))
        return whole + draw(st.sampled_from(["", " "])) + written, (second + kept, minutes)
    return draw(st.sampled_from(NO_MOMENTS)), None


@settings(max_examples=60)
@given(units, st.none() | zones, extras, st.lists(iso_texts(), max_size=12))
@example("s", "Europe/Paris", "bad", [("9999-12-31 23:00:00.000000993-0100", (253_402_297_200_000_000_993, -60))])
@example("ms", "UTC", "bad", [("0001-01-01 00:30:00.0001+01:00", (-62_135_594_999_999_900_000, 60))])
@example("us", "UTC", "truncate", [("9999-12-31 23:59:59.9999999-00:30", (253_402_300_799_999_999_900, -30))])
def test_iso_texts_become_the_moment_written_in_them(
    unit: str, zone: str | None, extra: str, drawn: list[tuple[str, Any]]
) -> None:
    target = timestamp_name(unit, zone)
    naive = name_of_type(pa.timestamp(unit))
    expected: list[Any] = []
    for _, parts in drawn:
        if parts is None:
            expected.append(NOT_ISO)
        elif parts[1] is None:
            expected.append(placed(parts[0], naive, unit, zone, extra, utc=False))
        elif zone is None:
            expected.append(Bad(f"has a time zone, which {target} cannot hold"))
        else:
            found = placed(parts[0] - parts[1] * 60 * SECOND, naive, unit, zone, extra, utc=True)
            if found == YEARS and unit == "ns":  # both are true
                found = NANOSECONDS
            elif found == YEARS and rounded(parts[0], unit, extra) is None:  # both are true
                found = Bad(f"has digits that {naive} cannot hold")
            expected.append(found)
    assert outcomes(text([written for written, _ in drawn]), target, extra_digits=extra) == expected


@settings(max_examples=50)
@given(st.lists(iso_texts(), max_size=12))
def test_iso_texts_become_the_date_written_in_them(drawn: list[tuple[str, Any]]) -> None:
    expected = [Bad("not a date like 2024-12-31") if parts is None else parts[0] // DAY for _, parts in drawn]
    assert outcomes(text([written for written, _ in drawn]), "date") == expected


@pytest.mark.parametrize(
    ("written", "target", "expected"),
    [
        ("2023-02-29", "date", Bad("not a day of the calendar")),
        ("1900-02-29", "date", Bad("not a day of the calendar")),
        ("2000-02-29", "date", 11_016),
        ("0000-12-31", "date", YEARS),
        ("0001-01-01", "date", -719_162),
        ("9999-12-31", "date", 2_932_896),
        ("2023-04-31 10:00:00.1234567", "timestamp", Bad("not a day of the calendar")),
        ("0000-01-01 10:00:00.1234567", "timestamp", YEARS),
        ("2262-04-11 23:47:16.854775807", "timestamp(ns)", 2**63 - 1),
        ("2262-04-11 23:47:16.854775808", "timestamp(ns)", NANOSECONDS),
        ("1677-09-21 00:12:43.145224192", "timestamp(ns)", -(2**63)),
        ("1677-09-21 00:12:43.145224191", "timestamp(ns)", NANOSECONDS),
        ("2262-04-12 13:47:16+14:00", "timestamp(ns, UTC)", (2**63 - 1) // SECOND * SECOND),
        ("2024-03-31 02:30:00", "timestamp(s, Europe/Paris)", Bad("a time that clocks in Europe/Paris skipped or showed twice")),
        ("2024-10-27 02:30:00", "timestamp(s, Europe/Paris)", Bad("a time that clocks in Europe/Paris skipped or showed twice")),
        ("2024-10-27 02:30:00+01:00", "timestamp(s, Europe/Paris)", 1_729_992_600),
        ("2124-07-01 12:00:00", "timestamp(s, Europe/Paris)", 4_875_501_600),
        ("2060-03-28 02:30:00", "timestamp(s, Europe/Paris)", Bad("a time that clocks in Europe/Paris skipped or showed twice")),
        ("9999-10-31 02:30:00", "timestamp(s, Europe/Paris)", Bad("a time that clocks in Europe/Paris skipped or showed twice")),
        (
            "2060-11-07 01:30:00",
            "timestamp(s, America/New_York)",
            Bad("a time that clocks in America/New_York skipped or showed twice"),
        ),
        ("23:59:59.999999999", "time(ns)", DAY - 1),
        ("23:59", "time(s)", 86_340),
        ("24:00:00", "time(s)", Bad("not a time like 23:59:59")),
        ("2024-01-01", "time(s)", Bad("not a time like 23:59:59")),
    ],
)
def test_known_texts_become_known_moments(written: str, target: str, expected: Any) -> None:
    assert outcomes(text([written]), target) == [expected]
    assert outcomes(text(["2024-01-01"] * 5 + [written]), target)[5] == expected


@given(units, extras, st.lists(st.integers(0, DAY - 1) | st.integers(0, 86_399).map(lambda s: s * SECOND)))
def test_times_are_written_and_read(unit: str, extra: str, times: list[int]) -> None:
    full = [
        f"{time // SECOND // 3600:02}:{time // SECOND // 60 % 60:02}:{time // SECOND % 60:02}.{time % SECOND:09}"
        for time in times
    ]
    name = name_of_type(type_from_name(f"time({unit})"))
    expected: list[Any] = []
    for time in times:
        found = rounded(time, unit, extra)
        if found is None:
            expected.append(Bad(f"has digits that {name} cannot hold"))
        else:
            expected.append(ticks(found, unit) if found < DAY else Bad("rounds to the next day"))
    assert outcomes(text(full), f"time({unit})", extra_digits=extra) == expected
    counts = [time * PER_SECOND[unit] // SECOND for time in times]
    values = pa.array(counts, pa.int32() if unit in ("s", "ms") else pa.int64()).view(type_from_name(f"time({unit})"))
    digits = {"s": -1, "ms": 3, "us": 6, "ns": 9}[unit]
    assert outcomes(values, "text") == [written[: 9 + digits] for written in full]


LETTERS = list("YymdeHIMSfpbBaAzTF")
pieces = st.sampled_from(
    [f"%{letter}" for letter in LETTERS] + ["%%", ".", "/", "-", " ", ":", "T", "Uhr", "é", "%d.%m.%Y", "%Y-%m-%d %H:%M:%S"]
)
formats = st.lists(pieces, min_size=1, max_size=9).map("".join)


def written(moment: int, form: str, unit: str, zone: str | None) -> str:
    """What a format makes of a moment, by plain arithmetic."""
    at, rest = shown(moment, zone)
    minutes = 0 if zone is None else int(offset_at(moment, zone) / SECOND / 60)
    values = {
        "Y": f"{at.year:04}", "y": f"{at.year % 100:02}", "m": f"{at.month:02}", "d": f"{at.day:02}", "e": f"{at.day:2}",
        "H": f"{at.hour:02}", "I": f"{(at.hour + 11) % 12 + 1:02}", "M": f"{at.minute:02}", "S": f"{at.second:02}",
        "f": f"{rest:09}" if unit == "ns" else f"{rest // 1000:06}", "p": "AM" if at.hour < 12 else "PM",
        "B": MONTHS[at.month - 1], "b": MONTHS[at.month - 1][:3], "A": WEEKDAYS[at.weekday()], "a": WEEKDAYS[at.weekday()][:3],
        "z": f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}", "%": "%",
        "T": f"{at.hour:02}:{at.minute:02}:{at.second:02}", "F": f"{at.year:04}-{at.month:02}-{at.day:02}",
    }  # fmt: skip
    return re.sub("%(.)", lambda letter: values[letter[1]], form)


@settings(max_examples=60)
@given(formats, units, st.none() | zones, st.data())
def test_timestamps_are_written_in_any_format(form: str, unit: str, zone: str | None, data: st.DataObject) -> None:
    values, given_moments = stamps(data, unit, zone)
    if zone is None:
        form = form.replace("%z", "")
        if not form:
            return
    expected = [
        written(moment, form, unit, zone)
        if in_years(moment) and in_years(moment + (offset_at(moment, zone) if zone else 0))
        else YEARS
        for moment in given_moments
    ]
    assert outcomes(values, "text", format=form) == expected


READABLE = [
    "%Y-%m-%d %H:%M:%S.%f",
    "%d.%m.%Y %H:%M:%S",
    "%d/%m/%y %I:%M %p",
    "%b %e, %Y %H:%M",
    "%A %d %B %Y",
    "%Y%m%d%H%M%S",
    "%Y%m%d%H%M%S%f",
]
READABLE += [
    "%H:%M %d%b%Y",
    "%Y-%m-%dT%H:%M:%S.%f%z",
    "%d.%m.%Y %H:%M %z",
    " %F  %T ",
    "%m%d%Y",
    "100%% %Y|%m|%d",
    "%a %b %d %H:%M:%S %Y",
]


@settings(max_examples=60)
@given(st.sampled_from(READABLE), units, st.data())
def test_what_a_format_writes_it_reads_back_as_far_as_it_was_written(form: str, unit: str, data: st.DataObject) -> None:
    zone = "Europe/Paris" if "%z" in form else None
    _, given_moments = stamps(data, unit, zone)
    first_of_minutes = datetime.datetime(1911, 3, 11)  # before, the clocks of Paris were not whole minutes ahead
    given_moments = [
        moment
        for moment in given_moments
        if (since(first_of_minutes) if zone else FIRST) <= moment < END - DAY
        and ("%y" not in form or since(datetime.datetime(1969, 1, 1)) <= moment < since(datetime.datetime(2069, 1, 1)))
    ]
    counts = [ticks(moment, unit) for moment in given_moments]
    texts = outcomes(pa.array(counts, pa.int64()).view(pa.timestamp(unit, zone)), "text", format=form)
    expected = []
    for moment in given_moments:
        local = moment + (offset_at(moment, zone) if zone else 0)
        size = 1 if "%f" in form else SECOND if "%S" in form or "%T" in form else 60 * SECOND if "%M" in form else DAY
        found = local // size * size
        count = ticks(found - (local - moment), unit)
        expected.append(NANOSECONDS if count is None else count)
    assert outcomes(text(texts), timestamp_name(unit, zone), format=form) == expected
    if zone is None:
        dates = outcomes(text(texts), "date", format=form)
        assert dates == [moment // DAY for moment in given_moments]


def since(at: datetime.datetime) -> int:
    return int((at - EPOCH).total_seconds()) * SECOND


STRPTIME = ["%Y-%m-%d", "%d.%m.%Y", "%d.%m.%y", "%m/%d/%Y %H:%M", "%d %b %Y", "%B %d, %Y", "%I:%M:%S %p %d/%m/%Y", "%a %d %b %Y"]


@settings(max_examples=60)
@given(
    st.sampled_from(STRPTIME),
    st.lists(st.text("0123456789./ :-JanuryFebMchpilgstPAMMonWed,", max_size=24), max_size=10),
    st.data(),
)
def test_texts_are_read_in_a_format_as_strptime_reads_them(form: str, noise: list[str], data: st.DataObject) -> None:
    given_moments = data.draw(st.lists(moments.filter(in_years), max_size=10))
    texts = noise + [loosely(written(moment, form, "us", None), data) for moment in given_moments]
    texts = [cell for cell in texts if "  " not in cell]  # strptime takes any number of spaces for one
    expected: list[Any] = []
    for cell in texts:
        try:
            at = datetime.datetime.strptime(cell.strip(), form)  # noqa: DTZ007 (a clock without a zone is meant)
        except ValueError:
            expected.append(None)
        else:
            expected.append(int((at - EPOCH).total_seconds()))
    found = outcomes(text(texts), "timestamp(s)", format=form)
    assert [None if isinstance(cell, Bad) else cell for cell in found] == expected


def loosely(cell: str, data: st.DataObject) -> str:
    """With zeros left out, another case, or a digit changed."""
    change = data.draw(st.sampled_from(["", "zeros", "upper", "lower", "digit"]))
    if change == "zeros":
        return re.sub(r"\b0(?=[0-9])", "", cell)
    if change == "digit" and cell:
        at = data.draw(st.integers(0, len(cell) - 1))
        return cell[:at] + data.draw(st.sampled_from("0123456789 ")) + cell[at + 1 :]
    return {"upper": cell.upper(), "lower": cell.lower()}.get(change, cell)


@pytest.mark.parametrize(
    ("target", "form", "complaint"),
    [
        ("date", "%Y-%m", "lacks the day"),
        ("date", "%d.%m.", "lacks the year"),
        ("timestamp", "%Y-%m-%d %M", "lacks the hour"),
        ("time", "%M:%S", "lacks the hour"),
        ("timestamp", "%Y %y-%m-%d", "same part twice"),
        ("timestamp", "%Y-%m-%d %I:%M", "both %I and %p"),
        ("timestamp", "%Y-%m-%d %z", "time zone, which the type cannot hold"),
        ("date", "%Y-%m-%d %q", "%q, which is not known"),
        ("date", "%Y-%m-%d%", "which is not known"),
    ],
)
def test_a_format_that_cannot_be_read_is_refused_before_any_data(target: str, form: str, complaint: str) -> None:
    with pytest.raises(UserError, match=re.escape(complaint)) as refused:
        step(target, format=form).output_schema(pa.schema([("c", pa.string())]))
    assert "Column “c”" in str(refused.value)


@pytest.mark.parametrize(("source", "form"), [("date", "%H"), ("time", "%Y"), ("timestamp", "%z"), ("date", "%k")])
def test_a_format_that_asks_for_what_values_do_not_have_is_refused(source: str, form: str) -> None:
    with pytest.raises(UserError, match="which"):
        step("text", format=form).output_schema(pa.schema([("c", type_from_name(source))]))


def test_names_of_months_and_days_are_english_whatever_the_language_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LC_ALL", "LC_TIME", "LANG"):
        monkeypatch.setenv(name, "fr_FR.UTF-8")
    before = locale.setlocale(locale.LC_TIME)
    try:
        for other in ("fr_FR.UTF-8", "de_DE.UTF-8", ""):
            try:
                locale.setlocale(locale.LC_TIME, other)
            except locale.Error:
                continue
            assert outcomes(text(["1 März 2024", "1 mars 2024", "1 mar 2024"]), "date", format="%d %B %Y")[2] == 19_783
            values = pa.array([19_783], pa.int32()).view(pa.date32())
            assert outcomes(values, "text", format="%a %d %B %Y") == ["Fri 01 March 2024"]
    finally:
        locale.setlocale(locale.LC_TIME, before)


def test_two_digit_years_from_69_are_of_the_last_century() -> None:
    found = outcomes(text([f"{year:02}-01-01" for year in range(100)]), "date", format="%y-%m-%d")
    years = [(datetime.date(1970, 1, 1) + datetime.timedelta(days=day)).year for day in found]
    assert years == [2000 + year for year in range(69)] + [1900 + year for year in range(69, 100)]


@pytest.mark.parametrize("cell", ["2024111", "202411", "2024011", "20240101x", "2024 0101"])
def test_numbers_without_anything_between_them_are_read_only_in_full(cell: str) -> None:
    assert outcomes(text([cell]), "date", format="%Y%m%d") == [Bad("not a date in the format %Y%m%d")]
