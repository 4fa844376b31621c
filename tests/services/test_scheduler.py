"""Tasks that start by themselves."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, update

from dtaas_desktop.domain.design import Design
from dtaas_desktop.domain.schedule import Schedule
from dtaas_desktop.domain.task import Task, TaskOptions
from dtaas_desktop.services import records
from dtaas_desktop.services.run_request import RunRequest
from dtaas_desktop.services.scheduler import Scheduler
from dtaas_desktop.services.settings import AppSettings
from dtaas_desktop.services.workspace import Workspace

LIVE = TaskOptions(transfer="full load, then changes")


@dataclass
class World:
    """A workspace whose clock stands still until it is moved, and what its scheduler started."""

    workspace: Workspace
    now: datetime = datetime(2024, 5, 6, 1, 0, tzinfo=UTC)
    started: list[RunRequest] = field(default_factory=list)

    def scheduler(self) -> Scheduler:
        return Scheduler(self.workspace, self.started.append, lambda: self.now, UTC)

    def task(self, name: str, schedule: Schedule, options: TaskOptions | None = None) -> str:
        uuid = f"task-{name}"
        self.workspace.tasks.save(Task(uuid, name, Design(), options or TaskOptions(), schedule))
        self.mark(uuid, self.now)
        return uuid

    def mark(self, uuid: str, at: datetime) -> None:
        table = records.schedule_marks
        with self.workspace.database.writing() as connection:
            connection.execute(update(table).where(table.c.task == uuid).values(handled_at=at.timestamp()))

    def run(self, uuid: str, state: str, *, ended: datetime | None = None, lasted: float = 1.0) -> str:
        """A run in the history."""
        ended = ended or self.now
        run = f"{uuid}-{time.monotonic_ns()}"
        with self.workspace.database.writing() as connection:
            connection.execute(
                insert(records.runs).values(
                    id=run,
                    task=uuid,
                    task_name=uuid,
                    state=state,
                    process=os.getpid(),
                    started_at=ended.timestamp() - lasted,
                    seen_at=ended.timestamp(),
                    finished_at=None if state == "running" else ended.timestamp(),
                )
            )
        return run

    def end(self, run: str, state: str) -> None:
        table = records.runs
        with self.workspace.database.writing() as connection:
            connection.execute(update(table).where(table.c.id == run).values(state=state, finished_at=self.now.timestamp()))


@pytest.fixture
def world(workspace: Workspace) -> World:
    return World(workspace)


def test_a_task_starts_when_it_is_due_and_once(world: World) -> None:
    world.task("Nightly", Schedule("daily", at="02:00"))
    scheduler = world.scheduler()
    assert scheduler.tick() == []
    world.now += timedelta(hours=1)
    assert scheduler.tick() == ["Nightly"]
    assert world.started == [RunRequest("Nightly", origin="schedule")]
    assert scheduler.tick() == []
    world.now += timedelta(hours=23, minutes=59)
    assert scheduler.tick() == []
    world.now += timedelta(minutes=1)
    assert scheduler.tick() == ["Nightly"]


def test_of_many_missed_times_one_run_is_made_up_for(world: World) -> None:
    world.task("Often", Schedule("every", 15, "minutes"))
    world.now += timedelta(days=3, minutes=7)
    scheduler = world.scheduler()
    assert scheduler.tick() == ["Often"]
    assert scheduler.tick() == []
    assert scheduler.due_times()["task-Often"] == world.now.replace(minute=15)


def test_a_new_schedule_does_not_make_up_for_what_was_before_it(world: World) -> None:
    uuid = world.task("Nightly", Schedule("daily", at="02:00"))
    world.mark(uuid, world.now - timedelta(days=5))
    task = world.workspace.tasks.named("Nightly")
    before = datetime.now(UTC)
    world.workspace.tasks.save(Task(uuid, "Nightly", task.design, task.options, Schedule("daily", at="03:00")))
    due = world.scheduler().due_times()[uuid]
    assert due > before
    # Saving it again with the same schedule leaves what is overdue as it is.
    world.mark(uuid, world.now - timedelta(days=5))
    world.workspace.tasks.save(Task(uuid, "Renamed", task.design, task.options, Schedule("daily", at="03:00")))
    assert world.scheduler().tick() == ["Renamed"]


def test_a_task_from_before_there_were_marks_begins_with_the_next_time(world: World) -> None:
    uuid = world.task("Old", Schedule("daily", at="00:30"))
    with world.workspace.database.writing() as connection:
        connection.execute(records.schedule_marks.delete())
    scheduler = world.scheduler()
    assert scheduler.tick() == []
    assert scheduler.due_times()[uuid] == world.now.replace(hour=0, minute=30) + timedelta(days=1)


def test_a_task_that_runs_is_not_started_again_nor_right_after(world: World) -> None:
    uuid = world.task("Slow", Schedule("every", 1, "hours"))
    run = world.run(uuid, "running")
    scheduler = world.scheduler()
    world.now += timedelta(hours=2)
    assert scheduler.tick() == []
    world.now += timedelta(minutes=10)
    world.end(run, "done")
    assert scheduler.tick() == []
    world.now += timedelta(minutes=50)
    assert scheduler.tick() == ["Slow"]


def test_no_more_runs_than_allowed_go_on_at_once_and_the_others_wait(world: World) -> None:
    world.workspace.settings.save(AppSettings(parallel_runs=2))
    for name in ("A", "B", "C"):
        world.task(name, Schedule("daily", at="02:00"))
    by_hand = world.run(world.task("By hand", Schedule()), "running")
    world.now += timedelta(hours=2)
    scheduler = world.scheduler()
    assert scheduler.tick() == ["A"]
    assert scheduler.tick() == []
    run = world.run("task-A", "running", ended=world.now + timedelta(seconds=1), lasted=0.5)
    world.end(by_hand, "done")
    assert scheduler.tick() == ["B"]
    world.now += timedelta(seconds=30)
    assert scheduler.tick() == []
    world.end(run, "done")
    assert scheduler.tick() == ["C"]


def test_a_run_that_never_appears_takes_no_room_for_ever(world: World) -> None:
    world.workspace.settings.save(AppSettings(parallel_runs=1))
    for name in ("A", "B"):
        world.task(name, Schedule("daily", at="02:00"))
    world.now += timedelta(hours=2)
    scheduler = world.scheduler()
    assert scheduler.tick() == ["A"]
    assert scheduler.tick() == []
    world.now += timedelta(seconds=61)
    assert scheduler.tick() == ["B"]


def test_two_schedulers_of_one_workspace_start_it_once(world: World) -> None:
    world.task("Nightly", Schedule("daily", at="02:00"))
    one, two = world.scheduler(), world.scheduler()
    world.now += timedelta(hours=2)
    assert [one.tick(), two.tick()] == [["Nightly"], []]
    assert len(world.started) == 1


def test_a_scheduler_that_looked_before_another_one_started_it_starts_nothing(world: World) -> None:
    uuid = world.task("Nightly", Schedule("daily", at="02:00"))
    world.now += timedelta(hours=2)
    two = world.scheduler()
    read = two._tasks

    def and_meanwhile(now: datetime) -> object:
        found = read(now)
        world.mark(uuid, world.now)
        return found

    two._tasks = and_meanwhile  # type: ignore[method-assign, assignment]
    assert two.tick() == []
    assert world.started == []


def test_nothing_starts_while_schedules_are_switched_off(world: World) -> None:
    world.workspace.settings.save(AppSettings(scheduler=False))
    world.task("Nightly", Schedule("daily", at="02:00"))
    world.now += timedelta(hours=2)
    scheduler = world.scheduler()
    assert scheduler.tick() == []
    assert scheduler.next() is None
    world.workspace.settings.save(AppSettings(scheduler=True))
    assert scheduler.tick() == ["Nightly"]


def test_the_next_is_the_soonest(world: World) -> None:
    scheduler = world.scheduler()
    assert scheduler.next() is None
    world.task("On demand", Schedule())
    world.task("Live", Schedule("continuous"), LIVE)
    assert scheduler.next() is None
    world.task("Late", Schedule("daily", at="23:00"))
    world.task("Soon", Schedule("daily", at="02:00"))
    found = scheduler.next()
    assert found is not None
    assert (found.task_name, found.when) == ("Soon", world.now.replace(hour=2))
    assert set(scheduler.due_times()) == {"task-Late", "task-Soon"}


def test_a_continuous_task_is_started_and_follows(world: World) -> None:
    world.task("Live", Schedule("continuous"), LIVE)
    scheduler = world.scheduler()
    assert scheduler.tick() == ["Live"]
    assert world.started == [RunRequest("Live", follow=True, origin="schedule")]
    assert scheduler.tick() == []


def test_a_continuous_task_of_full_loads_is_not_started(world: World) -> None:
    world.task("Loads", Schedule("continuous"))
    assert world.scheduler().tick() == []


def test_a_continuous_task_that_fails_waits_longer_each_time(world: World) -> None:
    uuid = world.task("Live", Schedule("continuous"), LIVE)
    scheduler = world.scheduler()
    pauses = []
    for _ in range(8):
        world.run(uuid, "failed")
        failed = world.now
        while not scheduler.tick():
            world.now += timedelta(seconds=15)
        pauses.append((world.now - failed) / timedelta(minutes=1))
        world.now += timedelta(seconds=2)
    assert pauses == [1, 2, 4, 8, 16, 30, 30, 30]


def test_a_failure_after_a_long_time_of_going_well_is_the_first_again(world: World) -> None:
    uuid = world.task("Live", Schedule("continuous"), LIVE)
    for _ in range(4):
        world.run(uuid, "interrupted")
        world.now += timedelta(seconds=2)
    world.run(uuid, "failed", lasted=3 * 3600)
    # Runs are ordered by when they began: the long one began before the short ones, which are long past by now.
    with world.workspace.database.writing() as connection:
        connection.execute(
            update(records.runs).where(records.runs.c.state == "interrupted").values(started_at=1.0, finished_at=2.0)
        )
    scheduler = world.scheduler()
    world.now += timedelta(seconds=50)
    assert scheduler.tick() == []
    world.now += timedelta(seconds=15)
    assert scheduler.tick() == ["Live"]


@pytest.mark.parametrize("state", ["paused", "cancelled"])
def test_a_continuous_task_that_somebody_stopped_stays_so_until_somebody_runs_it(world: World, state: str) -> None:
    uuid = world.task("Live", Schedule("continuous"), LIVE)
    world.run(uuid, state)
    scheduler = world.scheduler()
    world.now += timedelta(days=3)
    assert scheduler.tick() == []
    world.run(uuid, "interrupted")
    world.now += timedelta(minutes=2)
    assert scheduler.tick() == ["Live"]


def test_a_continuous_task_goes_on_with_the_parts_it_had(world: World) -> None:
    uuid = world.task("Live", Schedule("continuous"), LIVE)
    world.run(uuid, "interrupted")
    with world.workspace.database.writing() as connection:
        connection.execute(insert(records.plans).values(id="p", task=uuid, exact=False, content="{}"))
    world.now += timedelta(minutes=2)
    assert world.scheduler().tick() == ["Live"]
    assert world.started[0].resume


def test_the_mark_is_made_before_the_run_is_started(world: World) -> None:
    """A start that fails, or a window that dies in it, must not start the task again and again."""
    world.task("Nightly", Schedule("daily", at="02:00"))

    def fail(_: RunRequest) -> None:
        raise OSError("no more processes")

    failing: Callable[[RunRequest], None] = fail
    scheduler = Scheduler(world.workspace, failing, lambda: world.now, UTC)
    world.now += timedelta(hours=2)
    with pytest.raises(OSError, match="no more processes"):
        scheduler.tick()
    assert world.scheduler().tick() == []
