"""When a task runs by itself, and when that is next, whatever daylight saving does to the clock."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from typing import Literal

ScheduleKind = Literal["on demand", "every", "daily", "weekly", "continuous"]
Unit = Literal["seconds", "minutes", "hours"]

_SECONDS: dict[Unit, int] = {"seconds": 1, "minutes": 60, "hours": 3600}
_DAY = 86_400
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Schedule:
    """on demand: only when somebody says so. every: `every` × `unit`. daily: at `at` (HH:MM, local). weekly: so on `days` (0 is Monday).
    continuous: always, following the changes.
    """

    kind: ScheduleKind = "on demand"
    every: int = 1
    unit: Unit = "hours"
    at: str = "02:00"
    days: tuple[int, ...] = ()

    @property
    def period(self) -> timedelta:
        """What “every” means."""
        return timedelta(seconds=max(1, self.every) * _SECONDS[self.unit])


def words(schedule: Schedule) -> str:
    """The schedule in words: “Every day at 02:00”."""
    match schedule.kind:
        case "on demand":
            return "On demand"
        case "continuous":
            return "Continuous"
        case "daily":
            return f"Every day at {schedule.at}"
        case "weekly":
            return f"{_days_in_words(schedule.days)} at {schedule.at}" if schedule.days else "On no day of the week"
        case "every":
            one = schedule.unit.removesuffix("s")
            return f"Every {one}" if schedule.every == 1 else f"Every {schedule.every} {schedule.unit}"


def short_words(schedule: Schedule) -> str:
    """As `words`, for a column: “Mon, Fri at 02:00”, “Daily at 02:00”."""
    if schedule.kind == "daily":
        return f"Daily at {schedule.at}"
    chosen = sorted(set(schedule.days))
    if schedule.kind != "weekly" or not chosen:
        return words(schedule)
    days = (
        "Daily"
        if len(chosen) == 7
        else ", ".join(_DAYS[day][:3] for day in chosen)
        if len(chosen) < 4
        else f"{len(chosen)} days a week"
    )
    return f"{days} at {schedule.at}"


def next_due(schedule: Schedule, after: datetime, zone: tzinfo) -> datetime | None:
    """The first moment later than `after` (with a time zone) at which the task is due; it shows the clock of `zone`.

    None for what has no such moment: on demand, continuous, a week without days. A local time that daylight saving skips is due at
    the first moment after the gap; one that comes twice is due once, the first time. A period that divides a day begins anew at each
    local midnight; any other goes on evenly.
    """
    # In UTC: Python compares two moments of one zone by what the clocks show, which the doubled hour makes wrong.
    after = after.astimezone(UTC)
    if schedule.kind == "every":
        return _on_the_clock(_next_period(schedule.period, after, zone))
    if schedule.kind not in ("daily", "weekly"):
        return None
    wanted = range(7) if schedule.kind == "daily" else schedule.days
    at = time.fromisoformat(schedule.at)
    # A day before, because a skipped evening may be due on the next day; nine, because a week's only day may be skipped.
    for day in _days_from(after.astimezone(zone).date() - timedelta(days=1), 10):
        if day.weekday() in wanted:
            moment = local_moment(datetime.combine(day, at), zone)
            if moment.astimezone(UTC) > after:
                return _on_the_clock(moment)
    return None


def _on_the_clock(moment: datetime) -> datetime:
    # With a plain offset for its zone: in a doubled hour Python calls a moment of `zone` unequal to itself in any other.
    offset = moment.utcoffset()
    assert offset is not None
    return moment.astimezone(timezone(offset))


def local_moment(wall: datetime, zone: tzinfo) -> datetime:
    """The moment at which clocks of `zone` first show `wall` (without a time zone) or, if they skip it, something later."""
    first = wall.replace(tzinfo=zone, fold=0)
    if _shown(first, zone) == wall:
        return first
    # In a gap the two folds are the same reading by the clocks before and after: the jump lies between them.
    early, late = sorted(wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    while late - early > timedelta(seconds=1):
        middle = early + (late - early) // 2
        if middle.astimezone(zone).replace(tzinfo=None) < wall:
            early = middle
        else:
            late = middle
    return late.replace(microsecond=0).astimezone(zone)


def _shown(moment: datetime, zone: tzinfo) -> datetime:
    return moment.astimezone(UTC).astimezone(zone).replace(tzinfo=None, fold=0)


def _next_period(period: timedelta, after: datetime, zone: tzinfo) -> datetime:
    if _DAY % int(period.total_seconds()):
        passed = (after - _EPOCH) // period
        return (_EPOCH + (passed + 1) * period).astimezone(zone)
    today = after.astimezone(zone).date()
    midnights = [local_moment(datetime.combine(day, time()), zone).astimezone(UTC) for day in _days_from(today, 3)]
    begun = midnights[0]
    following = begun + ((after - begun) // period + 1) * period
    return min(following, *(midnight for midnight in midnights if midnight > after)).astimezone(zone)


def _days_from(day: date, count: int) -> Iterator[date]:
    return (day + timedelta(days=number) for number in range(count))


def _days_in_words(days: tuple[int, ...]) -> str:
    chosen = sorted(set(days))
    if len(chosen) == 7:
        return "Every day"
    if len(chosen) > 2 and chosen == list(range(chosen[0], chosen[-1] + 1)):
        return f"{_DAYS[chosen[0]]} to {_DAYS[chosen[-1]]}"
    names = [_DAYS[day] for day in chosen]
    return "Every " + (names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}")
