"""Starts tasks when their schedules say so, while the application is open."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from sqlalchemy import Connection, insert, select, update

from dtaas_desktop.services import records
from dtaas_desktop.services.due import Scheduled, scheduled_tasks
from dtaas_desktop.services.history import BAD_ENDS, RESUMABLE
from dtaas_desktop.services.local_zone import LocalZone
from dtaas_desktop.services.run_request import RunRequest
from dtaas_desktop.services.runs_view import RunRecord
from dtaas_desktop.services.workspace import Workspace

SHORTEST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(minutes=30)
_APPEARS = timedelta(seconds=60)  # within which a run that was started is in the history, or never will be
_LOOKED_BACK = 8  # runs; the pause does not grow beyond that


@dataclass(frozen=True, slots=True)
class NextDue:
    """What the scheduler starts next; `when` may be past if it waits for room."""

    task: str
    task_name: str
    when: datetime


def utc_now() -> datetime:
    return datetime.now(UTC)


class Scheduler:
    """`tick` is to be called every second or so.

    Of several times that were missed, one run is made up for. A time at which the task runs anyway is passed over. Several
    schedulers may serve one workspace: each time is handled by one of them.
    """

    def __init__(
        self,
        workspace: Workspace,
        start: Callable[[RunRequest], None],
        clock: Callable[[], datetime] = utc_now,
        zone: tzinfo | None = None,
    ) -> None:
        """`start` begins a run and returns at once. `clock` gives moments with a time zone; schedules are in `zone`, this machine's
        if not given.
        """
        self._workspace = workspace
        self._start = start
        self._clock = clock
        self._zone = zone or LocalZone()
        self._started: dict[str, datetime] = {}  # by task UUID: not seen in the history yet

    def tick(self) -> list[str]:
        """Start what is due and has room; the names of the tasks started."""
        settings = self._workspace.settings.load()
        if not settings.scheduler:
            return []
        now = self._clock()
        tasks = [one for one in self._tasks(now) if _may_start(one, now)]
        if not tasks:
            return []
        latest = self._workspace.history.latest_by_task()
        self._forget_seen(now, latest)
        running = {task for task, run in latest.items() if run.state == "running"} | self._started.keys()
        started: list[str] = []
        for one in sorted(tasks, key=lambda one: (one.due or now, one.name)):
            run = latest.get(one.task)
            if one.handled_at is None:
                self._claim(one, now)
            elif one.schedule.kind == "continuous":
                if one.task not in running and len(running) < settings.parallel_runs and self._is_wanted(one, run, now):
                    self._go(one, now, running, started, resume=self._resumes(run))
            elif one.due is not None and one.due <= now:
                if one.task in running:
                    self._claim(one, now)
                elif len(running) < settings.parallel_runs:
                    self._go(one, now, running, started, resume=False)
        return started

    def next(self) -> NextDue | None:
        """What is due next, or waits longest; None if nothing is."""
        if not self._workspace.settings.load().scheduler:
            return None
        times = [NextDue(one.task, one.name, one.due) for one in self._tasks(self._clock()) if one.due is not None]
        return min(times, key=lambda one: one.when.astimezone(UTC), default=None)

    def due_times(self) -> dict[str, datetime]:
        """When each scheduled task (by UUID) is due next; continuous ones are left out."""
        return {one.task: one.due for one in self._tasks(self._clock()) if one.due is not None}

    def _tasks(self, now: datetime) -> list[Scheduled]:
        with self._workspace.database.reading() as connection:
            return scheduled_tasks(connection, now, self._zone)

    def _forget_seen(self, now: datetime, latest: dict[str, RunRecord]) -> None:
        for task, at in list(self._started.items()):
            run = latest.get(task)
            seen = run is not None and run.started_at >= at.timestamp()
            if seen or now - at > _APPEARS:
                del self._started[task]

    def _go(self, one: Scheduled, now: datetime, running: set[str], started: list[str], *, resume: bool) -> None:
        if self._claim(one, now):
            self._started[one.task] = now
            running.add(one.task)
            started.append(one.name)
            follow = one.schedule.kind == "continuous"
            self._start(RunRequest(one.name, resume=resume, follow=follow, origin="schedule"))

    def _claim(self, one: Scheduled, now: datetime) -> bool:
        """Mark every time up to now as handled; False if another scheduler was quicker."""
        table = records.schedule_marks
        with self._workspace.database.writing() as connection:
            if one.handled_at is None:
                if _is_marked(connection, one.task):
                    return False
                connection.execute(insert(table).values(task=one.task, handled_at=now.timestamp()))
                return True
            same = (table.c.task == one.task, table.c.handled_at == one.handled_at)
            return connection.execute(update(table).where(*same).values(handled_at=now.timestamp())).rowcount == 1

    def _is_wanted(self, one: Scheduled, run: RunRecord | None, now: datetime) -> bool:
        """Whether a continuous task that does not run is to be started now."""
        if not one.follows:
            return False  # full loads have no changes to follow; the run would be refused
        if run is None:
            return True
        if run.state in ("paused", "cancelled"):
            return False  # until somebody resumes or runs it
        ended = datetime.fromtimestamp(run.finished_at or run.seen_at, UTC)
        return now >= ended + self._pause(one.task)

    def _pause(self, task: str) -> timedelta:
        """How long to wait after the latest run: longer with every failure in a row."""
        failures = 0
        for run in self._workspace.history.runs(task=task, limit=_LOOKED_BACK):
            if run.state not in BAD_ENDS:
                break
            failures += 1
            if (run.finished_at or run.seen_at) - run.started_at > LONGEST_PAUSE.total_seconds():
                break  # it went well for long
        return min(LONGEST_PAUSE, SHORTEST_PAUSE * (1 << max(0, failures - 1)))

    def _resumes(self, run: RunRecord | None) -> bool:
        """Whether there is something to go on with, so that finished parts are not read again."""
        if run is None or run.state not in RESUMABLE:
            return False
        table = records.plans
        with self._workspace.database.reading() as connection:
            return connection.execute(select(table.c.id).where(table.c.task == run.task).limit(1)).first() is not None


def _may_start(one: Scheduled, now: datetime) -> bool:
    return one.handled_at is None or one.due is None or one.due <= now


def _is_marked(connection: Connection, task: str) -> bool:
    table = records.schedule_marks
    return connection.execute(select(table.c.task).where(table.c.task == task)).first() is not None
