"""Where the axes of charts are marked, and how: 400 k; 14:00, Mon, 21 Nov; 30 s, 5 min. Free of Qt."""

import datetime
import math
from collections.abc import Sequence
from dataclasses import dataclass

from dtaas_desktop.ui.words import short

_HOUR, _DAY = 3600.0, 86_400.0
_DURATIONS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800, 43_200, 86_400)
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")  # not strftime's: Qt lets it speak the system's language
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Tick:
    at: float
    text: str


def figure_ticks(highest: float, *, whole: bool = False) -> tuple[float, tuple[Tick, ...]]:
    """The top of an axis that begins at 0 and holds `highest`, and three to six even marks on it; `whole`: only whole numbers."""
    step = max(_even(highest / 4), 1.0 if whole else 0.5)
    count = max(2, math.ceil(highest / step - 1e-9))
    return step * count, tuple(Tick(step * at, short(round(step * at, 10))) for at in range(count + 1))


def duration_ticks(longest: float, count: int, top: float) -> tuple[float, tuple[Tick, ...]]:
    """The longest duration of a scale of `count` steps that holds `longest` seconds, and its marks spread over an axis up to `top`."""
    step = next((one for one in _DURATIONS if one * count >= longest), math.ceil(longest / count / _DAY) * _DAY)
    marks = tuple(Tick(top * at / count, duration_mark(step * at, step)) for at in range(count + 1))
    return float(step * count), marks


def duration_mark(seconds: float, step: float) -> str:
    """0 · 90 s · 45 min · 36 h: in the unit of the step between the marks."""
    unit, size = ("s", 1.0) if step < 60 else ("min", 60.0) if step < _HOUR else ("h", _HOUR) if step < _DAY else ("d", _DAY)
    return f"{seconds / size:.0f} {unit}" if seconds else "0"


def time_ticks(begin: float, end: float) -> tuple[Tick, ...]:
    """Round local times between two moments: minutes of an hour, hours of a day, days of a week, Mondays of a month."""
    span = end - begin
    day = _local(begin).replace(hour=0, minute=0, second=0, microsecond=0)
    if span <= 2 * _HOUR:
        step, form = datetime.timedelta(minutes=10), _clock
    elif span <= 1.5 * _DAY:
        step, form = datetime.timedelta(hours=4), _clock
    elif span <= 10 * _DAY:
        step, form = datetime.timedelta(days=1), _weekday
    else:
        day -= datetime.timedelta(days=day.weekday())
        step, form = datetime.timedelta(days=7), _date
    found = []
    while (at := day.timestamp()) <= end:
        if at >= begin:
            found.append(Tick(at, form(day)))
        day += step
    return tuple(found)


def run_ticks(starts: Sequence[float], slots: int) -> tuple[Tick, ...]:
    """When some of the runs began, for an axis with as many places as `slots`: the time while all are of one day, else the date."""
    if not starts:
        return ()
    form = _clock if _local(starts[0]).date() == _local(starts[-1]).date() else _date
    every = max(1, slots // 5)
    ticks: list[Tick] = []
    for at in range(0, len(starts), every):
        text = form(_local(starts[at]))
        if not ticks or ticks[-1].text != text:
            ticks.append(Tick(float(at), text))
    return tuple(ticks)


def day_and_time(at: float) -> str:
    """Mon 21 Nov, 14:10, in local time."""
    moment = _local(at)
    return f"{_weekday(moment)} {_date(moment)}, {_clock(moment)}"


def _even(rough: float) -> float:
    """The smallest of 1, 2, 2.5 (but never 2.5 itself: 12.5 has no place) and 5 times a power of ten that is at least `rough`."""
    if rough <= 0:
        return 0.0
    power: float = 10.0 ** math.floor(math.log10(rough))
    factors = (1, 2, 2.5, 5, 10) if power > 1 else (1, 2, 5, 10)
    return next(power * factor for factor in factors if power * factor >= rough * (1 - 1e-9))


def _local(at: float) -> datetime.datetime:
    # Without its zone: adding a day must mean the same time tomorrow, also when the clocks change in between.
    return datetime.datetime.fromtimestamp(at).astimezone().replace(tzinfo=None)


def _clock(moment: datetime.datetime) -> str:
    return f"{moment:%H:%M}"


def _weekday(moment: datetime.datetime) -> str:
    return _DAYS[moment.weekday()]


def _date(moment: datetime.datetime) -> str:
    return f"{moment.day} {_MONTHS[moment.month - 1]}"
