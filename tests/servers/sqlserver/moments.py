"""Dates and times: reading their text, and writing it in the styles of CONVERT ("CAST and CONVERT", "Date and time styles")."""

import re
from dataclasses import dataclass

from tests.servers.sqlserver.types import SqlType

DAY = 864_000_000_000  # in 100 ns
MINUTE = 600_000_000
_BEFORE_MONTH = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)
DAY_1900 = 693_595  # days from 0001-01-01 to 1900-01-01
LAST_DAY = 3_652_058  # 9999-12-31
MONTHS = (
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
)
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class Moment:
    """Local days since 0001-01-01, 100 ns since midnight, minutes east of UTC; `has_date` is false of a bare time."""

    day: int
    ticks: int
    offset: int = 0
    has_date: bool = True
    has_time: bool = True

    @property
    def absolute(self) -> int:
        return self.day * DAY + self.ticks

    @property
    def utc(self) -> int:
        return self.absolute - self.offset * MINUTE


def moment_of(absolute: int, offset: int = 0) -> Moment:
    day, ticks = divmod(absolute, DAY)
    return Moment(day, ticks, offset)


def leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def month_days(year: int, month: int) -> int:
    return 29 if month == 2 and leap(year) else (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month - 1]


def day_number(year: int, month: int, day: int) -> int | None:
    """Days since 0001-01-01 in the proleptic Gregorian calendar; None if there is no such day."""
    if not (1 <= year <= 9999 and 1 <= month <= 12 and 1 <= day <= month_days(year, month)):
        return None
    before = year - 1
    leaps = before // 4 - before // 100 + before // 400
    return before * 365 + leaps + _BEFORE_MONTH[month - 1] + (month > 2 and leap(year)) + day - 1


def civil(day: int) -> tuple[int, int, int]:
    """Year, month, day of a day number."""
    cycles, rest = divmod(day, 146_097)
    centuries = min(rest // 36_524, 3)
    rest -= centuries * 36_524
    fours, rest = divmod(rest, 1461)
    years = min(rest // 365, 3)
    rest -= years * 365
    year = cycles * 400 + centuries * 100 + fours * 4 + years + 1
    month = 1
    while rest >= month_days(year, month):
        rest -= month_days(year, month)
        month += 1
    return year, month, rest + 1


_TIME = r"(?P<h>\d{1,2}):(?P<m>\d{1,2})(?::(?P<s>\d{1,2})(?:[.:](?P<f>\d{1,9}))?)?\s*(?P<half>[AaPp][Mm])?"
_ZONE = r"\s*(?P<zone>Z|[+-]\d{1,2}:?\d{2})"
_FORMS = (
    r"(?P<Y>\d{4})[-/.](?P<M>\d{1,2})[-/.](?P<D>\d{1,2})",
    r"(?P<Y>\d{4})(?P<M>\d{2})(?P<D>\d{2})",
    r"(?P<M>\d{1,2})[-/.](?P<D>\d{1,2})[-/.](?P<Y>\d{4})",
    r"(?P<N>[A-Za-z]{3,9})\.?\s+(?P<D>\d{1,2}),?\s+(?P<Y>\d{4})",
    r"(?P<D>\d{1,2})\s+(?P<N>[A-Za-z]{3,9}),?\s+(?P<Y>\d{4})",
)
_PATTERNS = [re.compile(rf"(?:{form})(?:(?:\s+|T){_TIME}(?:{_ZONE})?)?") for form in _FORMS]
_PATTERNS.append(re.compile(rf"{_TIME}(?:{_ZONE})?"))


def read_moment(text: str, style: int = 0) -> Moment | None:
    """The moment that a text says in the us_english format (month before day), or None."""
    text = text.strip()
    if not text:
        return Moment(DAY_1900, 0)
    for pattern in _PATTERNS:
        if match := pattern.fullmatch(text):
            return _moment(match.groupdict(), day_first=style in {3, 4, 5, 103, 104, 105})
    return None


def _moment(found: dict[str, str | None], *, day_first: bool) -> Moment | None:
    day: int | None = DAY_1900
    if found.get("Y"):
        month = int(found.get("M") or 0)
        if name := found.get("N"):
            month = next((at for at, one in enumerate(MONTHS, 1) if one.lower().startswith(name.lower())), 0)
        number = int(found["D"] or 0)
        day = day_number(int(found["Y"] or 0), *((number, month) if day_first and not found.get("N") else (month, number)))
    if day is None:
        return None
    if not found.get("h"):
        return Moment(day, 0, has_time=False)
    hour, minute, second = (int(found.get(part) or 0) for part in "hms")
    if half := found.get("half"):
        hour = hour % 12 + (12 if half.upper() == "PM" else 0)
    if hour > 23 or minute > 59 or second > 59:
        return None
    digits = (found.get("f") or "").ljust(8, "0")
    fraction = int(digits[:7]) + (int(digits[7]) >= 5)
    offset = 0
    zone = found.get("zone")
    if zone and zone != "Z":
        offset = (-1 if zone[0] == "-" else 1) * (int(zone[1:-2].rstrip(":")) * 60 + int(zone[-2:]))
    return Moment(day, (hour * 3600 + minute * 60 + second) * 10_000_000 + fraction, offset, has_date=bool(found.get("Y")))


def rounded(ticks: int, scale: int) -> int:
    step: int = 10 ** (7 - scale)
    return (ticks + step // 2) // step * step


def clock(ticks: int) -> tuple[int, int, int, int]:
    seconds, fraction = divmod(ticks, 10_000_000)
    return seconds // 3600, seconds // 60 % 60, seconds % 60, fraction


def zone_words(offset: int) -> str:
    return f"{'-' if offset < 0 else '+'}{abs(offset) // 60:02}:{abs(offset) % 60:02}"


def write_moment(moment: Moment, kind: SqlType, style: int) -> str | None:
    """The text of a date or time; None for a style that is not documented (or not learnt)."""
    year, month, day = civil(moment.day)
    hour, minute, second, fraction = clock(moment.ticks)
    scale = {"datetime": 3, "smalldatetime": 0, "date": 0}.get(kind.name, kind.scale)
    digits = f".{fraction:07}"[: scale + 1] if scale else ""
    iso_day, iso_time = f"{year:04}-{month:02}-{day:02}", f"{hour:02}:{minute:02}:{second:02}"
    zone = f" {zone_words(moment.offset)}" if kind.name == "datetimeoffset" else ""
    half = f"{hour % 12 or 12:>2}:{minute:02}{'AM' if hour < 12 else 'PM'}"
    days = {
        101: f"{month:02}/{day:02}/{year:04}", 102: f"{year:04}.{month:02}.{day:02}", 103: f"{day:02}/{month:02}/{year:04}",
        104: f"{day:02}.{month:02}.{year:04}", 105: f"{day:02}-{month:02}-{year:04}", 106: f"{day:02} {MONTHS[month - 1][:3]} {year}",
        107: f"{MONTHS[month - 1][:3]} {day:02}, {year}", 110: f"{month:02}-{day:02}-{year:04}",
        111: f"{year:04}/{month:02}/{day:02}", 112: f"{year:04}{month:02}{day:02}", 23: iso_day,
        12: f"{year % 100:02}{month:02}{day:02}", 1: f"{month:02}/{day:02}/{year % 100:02}",
    }  # fmt: skip
    if style in days:
        return days[style]
    if style in {8, 24, 108}:
        return iso_time
    if style in {14, 114}:
        return f"{iso_time}:{f'{fraction:07}'[: scale or 3]}"
    if style in {0, 100} and kind.name in {"datetime", "smalldatetime"}:
        return f"{MONTHS[month - 1][:3]} {day:>2} {year} {half}"
    if style in {126, 127}:
        shown = "" if kind.name == "datetime" and fraction == 0 else digits
        return {"date": iso_day, "time": iso_time + shown}.get(
            kind.name, f"{iso_day}T{iso_time}{shown}" + ("Z" if style == 127 and zone else zone.strip())
        )
    if style in {0, 20, 21, 25, 100, 120, 121}:
        short = style in {20, 120}
        return {"date": iso_day, "time": iso_time + ("" if short else digits)}.get(
            kind.name, f"{iso_day} {iso_time}{'' if short else digits}{zone}"
        )
    return None
