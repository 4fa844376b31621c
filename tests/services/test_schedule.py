"""When a task is due, and how its schedule is said and kept."""

import dataclasses
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtaas_desktop.domain.design import Design
from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.schedule import Schedule, next_due, words
from dtaas_desktop.domain.task import Task
from dtaas_desktop.domain.task_file import from_json, schedule_from_dict, to_json
from dtaas_desktop.engine.plan import design_hash
from dtaas_desktop.services.local_zone import LocalZone

BERLIN = ZoneInfo("Europe/Berlin")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")  # its clocks move by half an hour
ZONES = [BERLIN, ZoneInfo("America/New_York"), LORD_HOWE, ZoneInfo("Pacific/Apia"), ZoneInfo("Asia/Beirut"), UTC]
UUID = "00000000-0000-4000-8000-00000000000a"

moments = st.datetimes(datetime(2010, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))
times = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.integers(0, 59))
schedules = st.one_of(
    st.builds(Schedule, st.just("daily"), at=times),
    st.builds(Schedule, st.just("weekly"), at=times, days=st.lists(st.integers(0, 6), min_size=1, unique=True).map(tuple)),
    st.builds(Schedule, st.just("every"), every=st.integers(1, 100), unit=st.sampled_from(["seconds", "minutes", "hours"])),
)


@given(schedules, moments, st.sampled_from(ZONES))
def test_what_is_due_next_is_later_and_nothing_lies_between(schedule: Schedule, after: datetime, zone: ZoneInfo) -> None:
    due = next_due(schedule, after, zone)
    assert due is not None
    due = due.astimezone(UTC)
    assert due > after
    # Asked from anywhere in between, the answer is the same; asked at the moment itself, it is a later one.
    for share in (0.001, 0.5, 0.999):
        between = after + (due - after) * share
        if between < due:
            assert next_due(schedule, between, zone) == due
    following = next_due(schedule, due, zone)
    assert following is not None
    assert following.astimezone(UTC) > due


@given(st.sampled_from(["daily", "weekly"]), times, st.integers(0, 6), moments, st.sampled_from([*ZONES[:3], UTC]))
def test_a_local_time_comes_once_on_its_day(kind: str, at: str, day: int, after: datetime, zone: ZoneInfo) -> None:
    schedule = Schedule("daily", at=at) if kind == "daily" else Schedule("weekly", at=at, days=(day,))
    due = next_due(schedule, after, zone)
    assert due is not None
    again = next_due(schedule, due, zone)
    assert again is not None
    days = (again.date() - due.date()).days
    assert days == (1 if kind == "daily" else 7)
    assert kind == "daily" or due.weekday() == day
    shown = due.replace(tzinfo=None)
    hour, minute = map(int, at.split(":"))
    wanted = shown.replace(hour=hour, minute=minute, second=0, microsecond=0)
    skipped = wanted.replace(tzinfo=zone).astimezone(UTC).astimezone(zone).replace(tzinfo=None) != wanted
    assert shown == wanted or (skipped and shown > wanted)


@given(st.sampled_from([1, 5, 15, 60]), moments, st.sampled_from(ZONES[:3]))
def test_minutes_go_on_evenly_through_the_hours_that_are_skipped_or_come_twice(
    every: int, after: datetime, zone: ZoneInfo
) -> None:
    schedule = Schedule("every", every, "minutes")
    first = next_due(schedule, after, zone)
    assert first is not None
    second = next_due(schedule, first, zone)
    assert second is not None
    gap = second.astimezone(UTC) - first.astimezone(UTC)
    assert gap <= timedelta(minutes=every)
    if zone is not LORD_HOWE:  # where a day can have half an hour less or more
        assert gap == timedelta(minutes=every)


@pytest.mark.parametrize(
    ("zone", "at", "after", "due"),
    [
        ("Europe/Berlin", "02:30", "2024-03-30T12:00+01:00", "2024-03-31T03:00+02:00"),  # 02:30 does not exist
        ("Europe/Berlin", "02:30", "2024-10-26T12:00+02:00", "2024-10-27T02:30+02:00"),  # it comes twice: the first
        ("Europe/Berlin", "02:30", "2024-10-27T02:30+02:00", "2024-10-28T02:30+01:00"),  # and not the second
        ("Europe/Berlin", "02:40", "2024-10-27T02:30+01:00", "2024-10-28T02:40+01:00"),  # asked between the two
        ("America/New_York", "02:15", "2024-03-09T12:00-05:00", "2024-03-10T03:00-04:00"),
        ("Australia/Lord_Howe", "02:15", "2024-10-05T12:00+10:30", "2024-10-06T02:30+11:00"),  # half an hour is skipped
        ("Australia/Lord_Howe", "01:45", "2024-04-06T12:00+11:00", "2024-04-07T01:45+11:00"),
        ("Pacific/Apia", "02:00", "2011-12-29T12:00-10:00", "2011-12-31T00:00+14:00"),  # a whole day was skipped
        ("Asia/Beirut", "00:30", "2024-03-30T12:00+02:00", "2024-03-31T01:00+03:00"),  # midnight does not exist
    ],
)
def test_daylight_saving(zone: str, at: str, after: str, due: str) -> None:
    found = next_due(Schedule("daily", at=at), datetime.fromisoformat(after), ZoneInfo(zone))
    assert found == datetime.fromisoformat(due)
    assert found is not None
    assert found.utcoffset() == datetime.fromisoformat(due).utcoffset()


def test_a_period_that_divides_the_day_begins_anew_at_midnight() -> None:
    found = datetime(2024, 3, 30, 17, 59, tzinfo=BERLIN)
    hours = []
    for _ in range(6):
        due = next_due(Schedule("every", 6), found, BERLIN)
        assert due is not None
        hours.append(f"{due:%d %H:%M}")
        found = due
    assert hours == ["30 18:00", "31 00:00", "31 07:00", "31 13:00", "31 19:00", "01 00:00"]


def test_what_never_comes_due_says_so() -> None:
    now = datetime(2024, 1, 1, tzinfo=UTC)
    for schedule in (Schedule(), Schedule("continuous"), Schedule("weekly", days=())):
        assert next_due(schedule, now, BERLIN) is None


@pytest.mark.parametrize(
    ("schedule", "said"),
    [
        (Schedule(), "On demand"),
        (Schedule("continuous"), "Continuous"),
        (Schedule("every", 15, "minutes"), "Every 15 minutes"),
        (Schedule("every"), "Every hour"),
        (Schedule("daily", at="02:00"), "Every day at 02:00"),
        (Schedule("weekly", at="06:30", days=(3, 0)), "Every Monday and Thursday at 06:30"),
        (Schedule("weekly", at="06:30", days=(0, 1, 2, 3, 4)), "Monday to Friday at 06:30"),
        (Schedule("weekly", days=()), "On no day of the week"),
    ],
)
def test_a_schedule_in_words(schedule: Schedule, said: str) -> None:
    assert words(schedule) == said


@given(schedules)
def test_a_schedule_comes_back_from_a_task_file(schedule: Schedule) -> None:
    task = Task(UUID, "Nightly", Design(), schedule=schedule)
    assert from_json(to_json(task)).task == task
    assert schedule_from_dict(dataclasses.asdict(schedule)) == schedule


def test_a_file_from_before_there_were_schedules_is_on_demand_and_stays_as_it_was() -> None:
    text = to_json(Task(UUID, "Nightly", Design()))
    assert "schedule" not in text
    assert from_json(text).task.schedule == Schedule()


@pytest.mark.parametrize("broken", ['"at": "25:00"', '"every": 0', '"days": [7]', '"kind": "sometimes"', '"days": [true]'])
def test_a_schedule_that_makes_no_sense_is_refused(broken: str) -> None:
    text = to_json(Task(UUID, "Nightly", Design())).replace('"design"', f'"schedule": {{{broken}}}, "design"')
    with pytest.raises(UserError, match="damaged at"):
        from_json(text)


def test_another_schedule_is_no_reason_to_read_everything_again() -> None:
    task = Task(UUID, "Nightly", Design())
    assert design_hash(task) == design_hash(dataclasses.replace(task, schedule=Schedule("daily")))


@given(moments)
def test_the_zone_of_this_machine_is_that_of_its_clock(moment: datetime) -> None:
    zone = LocalZone()
    shown = moment.astimezone(zone)
    assert shown.replace(tzinfo=None) == moment.astimezone().replace(tzinfo=None)
    assert shown.astimezone(UTC) == moment
