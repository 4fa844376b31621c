"""Sums for the dashboard, over the last hour to the last month, as quick with a million runs as with ten."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Literal

from sqlalchemy import Connection, Label, func, select

from dtaas_desktop.services import records
from dtaas_desktop.services.activity_sums import HOUR, MINUTE
from dtaas_desktop.services.database import Database
from dtaas_desktop.services.due import scheduled_tasks
from dtaas_desktop.services.local_zone import LocalZone

Range = Literal["1 h", "24 h", "7 d", "30 d"]
SPARK_POINTS = 32
_HEARD_SECONDS = 10  # a running run tells its figures every second


@dataclass(frozen=True, slots=True)
class _Grain:
    """How a range is looked at: its length, the spans it is summed from, and the width of a point in a chart, in seconds."""

    length: int
    span: int
    point: int
    outcomes: int  # the width of a bar of outcomes


_GRAINS: Mapping[Range, _Grain] = {
    "1 h": _Grain(HOUR, MINUTE, MINUTE, 5 * MINUTE),
    "24 h": _Grain(24 * HOUR, MINUTE, 10 * MINUTE, HOUR),
    "7 d": _Grain(7 * 24 * HOUR, HOUR, HOUR, 6 * HOUR),
    "30 d": _Grain(30 * 24 * HOUR, HOUR, 6 * HOUR, 24 * HOUR),
}


@dataclass(frozen=True, slots=True)
class Summary:
    """A range at a glance. Rows are rows written; `rows_before` those of as long a time before. `peak`: the most rows a second.

    `running`: runs right now. `waiting`: scheduled tasks that are due and wait for room. `failed`: of the `runs` that ended in the
    range, those that failed, wholly or in part, or were interrupted. The sparks are about 32 points each, oldest first: rows, rows a
    second, tasks that ran at the same time, failed runs.
    """

    rows: int
    rows_before: int
    rows_per_second_now: float
    peak: float
    running: int
    waiting: int
    runs: int
    failed: int
    spark_rows: tuple[float, ...]
    spark_rate: tuple[float, ...]
    spark_running: tuple[float, ...]
    spark_failed: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Series:
    """Rows written a second by one task: (seconds since 1970 at the middle of a point, its average), oldest first, without gaps."""

    task_uuid: str
    task_name: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Bucket:
    """Runs that ended in the time from `at` on (seconds since 1970)."""

    at: float
    succeeded: int
    failed: int


@dataclass(frozen=True, slots=True)
class RunPoint:
    """One run that has ended."""

    started_at: float
    seconds: float
    rows: int
    state: str
    run: str = ""
    task_name: str = ""


class Activity:
    """Reads the sums. `now` is in seconds since 1970."""

    def __init__(self, database: Database, zone: tzinfo | None = None) -> None:
        """`zone` is that of the schedules; this machine's, if not given."""
        self._database = database
        self._zone = zone or LocalZone()

    def summary(self, span: Range, now: float) -> Summary:
        """The range at a glance."""
        grain = _GRAINS[span]
        width = -(-grain.length // SPARK_POINTS // grain.span) * grain.span
        start = _start(grain.length, width, now)
        with self._database.reading() as connection:
            sums = _sums(connection, grain.span, start, now, width)
            before = _rows(connection, grain.span, start - (now - start), start)
            running, rate = _running(connection, now)
            waiting = _waiting(connection, now, self._zone)
        spans = [sums.get(at, _NOTHING) for at in range(start, int(now) + 1, width)]
        seconds = [max(1.0, min(width, now - at)) for at in range(start, int(now) + 1, width)]
        averages = tuple(max(0.0, one.rows / length) for one, length in zip(spans, seconds, strict=True))
        return Summary(
            rows=sum(one.rows for one in spans),
            rows_before=before,
            rows_per_second_now=rate,
            peak=max((one.peak for one in spans), default=0.0),
            running=running,
            waiting=waiting,
            runs=sum(one.runs for one in spans),
            failed=sum(one.failed for one in spans),
            spark_rows=tuple(float(max(0, one.rows)) for one in spans),
            spark_rate=averages,
            spark_running=tuple(
                one.active * grain.span / max(length, grain.span) for one, length in zip(spans, seconds, strict=True)
            ),
            spark_failed=tuple(float(one.failed) for one in spans),
        )

    def rates(self, span: Range, now: float, most: int = 6) -> list[Series]:
        """The tasks that wrote the most rows in the range, at most so many, the busiest first."""
        grain = _GRAINS[span]
        start = _start(grain.length, grain.point, now)
        table = records.activity
        here = (table.c.span == grain.span, table.c.began_at >= start, table.c.began_at <= now)
        bucket = _bucket(start, grain.point)
        written = func.sum(table.c.rows_written)
        busiest = select(table.c.task).where(*here).group_by(table.c.task).having(written > 0).order_by(written.desc())
        with self._database.reading() as connection:
            tasks = list(connection.execute(busiest.limit(most)).scalars())
            asked = select(table.c.task, bucket, written.label("rows")).where(*here, table.c.task.in_(tasks))
            rows = {
                (row.task, int(row.bucket)): int(row.rows) for row in connection.execute(asked.group_by(table.c.task, bucket))
            }
            names = {task: _name(connection, task) for task in tasks}
        points = [(at, max(1.0, min(grain.point, now - at))) for at in range(start, int(now) + 1, grain.point)]
        return [
            Series(
                task,
                names[task],
                tuple((at + seconds / 2, max(0.0, rows.get((task, at), 0) / seconds)) for at, seconds in points),
            )
            for task in tasks
        ]

    def outcomes(self, span: Range, now: float) -> list[Bucket]:
        """How runs ended, oldest first, without gaps."""
        grain = _GRAINS[span]
        start = _start(grain.length, grain.outcomes, now)
        with self._database.reading() as connection:
            sums = _sums(connection, grain.span, start, now, grain.outcomes)
        found = [(at, sums.get(at, _NOTHING)) for at in range(start, int(now) + 1, grain.outcomes)]
        return [Bucket(float(at), one.runs - one.failed, one.failed) for at, one in found]

    def per_run(self, task: str | None, limit: int = 60) -> list[RunPoint]:
        """The latest runs that ended, of a task (UUID) or of all, oldest first."""
        table = records.runs
        asked = select(table).where(table.c.finished_at.is_not(None)).order_by(table.c.started_at.desc()).limit(limit)
        if task is not None:
            asked = asked.where(table.c.task == task)
        with self._database.reading() as connection:
            rows = connection.execute(asked).all()
        return [
            RunPoint(row.started_at, row.finished_at - row.started_at, row.rows_written, row.state, row.id, row.task_name)
            for row in reversed(rows)
        ]


@dataclass(frozen=True, slots=True)
class _Sums:
    rows: int = 0
    runs: int = 0
    failed: int = 0
    peak: float = 0.0
    active: int = 0  # minutes or hours in which a task ran, of all tasks


_NOTHING = _Sums()


def _start(length: int, width: int, now: float) -> int:
    """Where the first of the points begins, of which the last one holds `now`; points lie at multiples of their width."""
    return (int(now) // width + 1) * width - -(-length // width) * width


def _bucket(start: int, width: int) -> Label[int]:
    began_at = records.activity.c.began_at
    return (began_at - (began_at - start) % width).label("bucket")


def _sums(connection: Connection, span: int, start: int, now: float, width: int) -> dict[int, _Sums]:
    table, bucket = records.activity, _bucket(start, width)
    asked = select(
        bucket,
        func.sum(table.c.rows_written).label("rows"),
        func.sum(table.c.runs).label("runs"),
        func.sum(table.c.failed).label("failed"),
        func.max(table.c.peak).label("peak"),
        func.count().label("active"),
    ).where(table.c.span == span, table.c.began_at >= start, table.c.began_at <= now)
    return {
        int(row.bucket): _Sums(int(row.rows), int(row.runs), int(row.failed), float(row.peak), int(row.active))
        for row in connection.execute(asked.group_by(bucket))
    }


def _rows(connection: Connection, span: int, start: float, end: float) -> int:
    table = records.activity
    written = select(func.sum(table.c.rows_written))
    return int(
        connection.execute(written.where(table.c.span == span, table.c.began_at >= start, table.c.began_at < end)).scalar() or 0
    )


def _running(connection: Connection, now: float) -> tuple[int, float]:
    """Runs right now, and the rows they read a second; one that was not heard of lately adds no rows."""
    table = records.runs
    rows = connection.execute(select(table.c.rows_per_second, table.c.seen_at).where(table.c.state == "running")).all()
    return len(rows), sum(row.rows_per_second for row in rows if row.seen_at > now - _HEARD_SECONDS)


def _waiting(connection: Connection, now: float, zone: tzinfo) -> int:
    moment = datetime.fromtimestamp(now, UTC)
    table = records.runs
    running = set(connection.execute(select(table.c.task).where(table.c.state == "running")).scalars())
    tasks = scheduled_tasks(connection, moment, zone)
    return sum(one.due is not None and one.due <= moment and one.task not in running for one in tasks)


def _name(connection: Connection, task: str) -> str:
    tasks, runs = records.tasks, records.runs
    name = connection.execute(select(tasks.c.name).where(tasks.c.uuid == task)).scalar()
    if name is None:  # deleted since
        newest = select(runs.c.task_name).where(runs.c.task == task).order_by(runs.c.started_at.desc()).limit(1)
        name = connection.execute(newest).scalar()
    return str(name or "a deleted task")
