"""What happened: runs with their table runs, parts and log, and the requests that other processes make of a running one.

Written here; how it is read is in runs_view.
"""

import platform
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sqlalchemy import Connection, delete, insert, or_, select, update

from dtaas_desktop.domain.events import Event, PartDone, SourceCost
from dtaas_desktop.domain.harm import Harm
from dtaas_desktop.services import records, runs_view
from dtaas_desktop.services.activity_sums import RunEnd, add_to_activity, prune_activity
from dtaas_desktop.services.database import Database
from dtaas_desktop.services.run_figures import Figures, RunFigures
from dtaas_desktop.services.run_log import line_of
from dtaas_desktop.services.runs_view import LogLine, PartRecord, RunRecord, RunState, TableRunRecord
from dtaas_desktop.services.source_costs import add_cost, costs_of
from dtaas_desktop.services.table_run_values import NEW, values_of
from dtaas_desktop.services.upsert import upsert

Origin = Literal["command line", "window", "schedule"]
Request = Literal["pause", "cancel"]
RESUMABLE: frozenset[str] = frozenset({"paused", "interrupted", "failed", "partly failed"})
BAD_ENDS: frozenset[str] = frozenset({"failed", "partly failed", "interrupted"})

DIED = "The process of this run ended without a word (killed, or the machine was switched off)."
DIED_REMEDY = "Nothing is lost: resume goes on where it stopped."
_LOG_LINES_KEPT = 20_000  # of a run that goes on: one that follows changes may never end
_PRUNED_AT_A_TIME = 500  # so that nobody waits long for the database


@dataclass(slots=True)
class _Live:
    """A run that this process writes."""

    task: str
    figures: RunFigures


class History:
    """Reads and writes it. Thread-safe; a run is written by one thread at a time."""

    def __init__(self, database: Database, logs: Path | None = None) -> None:
        """`logs`: the folder of the log files of run processes."""
        self._database = database
        self._logs = logs
        self._live: dict[str, _Live] = {}

    def begin(
        self, run: str, *, task: str, name: str, process: int, origin: Origin = "command line", follow: bool = False
    ) -> None:
        """Remember that a run began. Runs of the task that still count as running died without a word: they are interrupted."""
        now = time.time()
        table = records.runs
        with self._database.writing() as connection:
            for dead in connection.execute(select(table).where(table.c.task == task, table.c.state == "running")).all():
                _bury(connection, dead.id, task, dead.started_at, dead.seen_at)
            connection.execute(
                insert(table).values(
                    id=run,
                    task=task,
                    task_name=name,
                    state="running",
                    process=process,
                    host=platform.node()[:100],
                    origin=origin,
                    started_at=now,
                    seen_at=now,
                )
            )
        self._live[run] = _Live(task, RunFigures(time.monotonic(), follow=follow))

    def note(self, run: str, events: list[tuple[float, Event]]) -> Request | None:
        """Write what happened (time, event) and that the run lives; the answer is what other processes ask of it.

        May be called again with the same events if it raised.
        """
        live = self._lives(run)
        now = time.monotonic()
        for _, event in events:
            live.figures.take(now, event)
        figures = live.figures.at(now)
        with self._database.writing() as connection:
            for at, event in events:
                _write(connection, run, at, event)
            _write_log(connection, run, events)
            _write_figures(connection, run, figures)
            add_to_activity(
                connection,
                live.task,
                time.time(),
                rows=figures.rows_added,
                size=figures.bytes_added,
                rate=figures.rows_per_second,
            )
            asked = connection.execute(select(records.runs.c.request).where(records.runs.c.id == run)).scalar()
        live.figures.noted(figures)
        return None if asked is None else ("cancel" if asked == "cancel" else "pause")

    def end(self, run: str, state: RunState, *, failures: str = "", message: str = "", remedy: str = "") -> None:
        """Remember how a run ended. `failures`: classes of failure with commas between; a message goes into the log too."""
        live = self._lives(run)
        now = time.time()
        table = records.runs
        with self._database.writing() as connection:
            started_at = connection.execute(select(table.c.started_at).where(table.c.id == run)).scalar_one()
            values: dict[str, object] = {
                "state": state,
                "finished_at": now,
                "seen_at": now,
                "failures": failures,
                "message": message,
                "remedy": remedy,
                "rows_per_second": live.figures.average(time.monotonic()),
                "seconds_left": None,
                "following": False,
            }
            if state == "done":
                values["percent"] = 100.0
            elif state in ("failed", "partly failed"):
                values["percent"] = live.figures.share()
            connection.execute(update(table).where(table.c.id == run).values(**values))
            if message:
                _log_error(connection, run, now, f"{message} {remedy}".strip())
            _close_table_runs(connection, run, state if state in ("paused", "cancelled") else "interrupted")
            add_to_activity(connection, live.task, now, ended=RunEnd(now - started_at, bad=state in BAD_ENDS))
        del self._live[run]

    def ask(self, task: str, request: Request) -> str | None:
        """Ask the task's running run to stop; its id, or None if none is running. A pause does not undo a cancel."""
        table = records.runs
        with self._database.writing() as connection:
            run = connection.execute(select(table.c.id).where(table.c.task == task, table.c.state == "running")).scalar()
            if run is not None:
                open_to_it = or_(table.c.request.is_(None), table.c.request != "cancel")
                connection.execute(update(table).where(table.c.id == run, open_to_it).values(request=request))
        return run

    def settle_dead(self, is_running: Callable[[str], bool]) -> int:
        """Mark as interrupted the runs that count as running though their task (UUID) runs nowhere; how many there were."""
        table = records.runs
        with self._database.reading() as connection:
            running = connection.execute(select(table).where(table.c.state == "running")).all()
        dead = [row for row in running if not is_running(row.task)]
        settled = 0
        for row in dead:
            # One that ended properly since it was looked at has another state by now, and is left alone.
            with self._database.writing() as connection:
                settled += _bury(connection, row.id, row.task, row.started_at, row.seen_at)
        return settled

    def prune(self, days: int) -> int:
        """Forget runs that ended more than this many days ago, with their log files, and old sums; how many runs."""
        now = time.time()
        pruned = 0
        while deleted := self._prune_some(now - days * 86_400):
            pruned += deleted
        with self._database.writing() as connection:
            prune_activity(connection, now, days)
            for (run,) in connection.execute(select(records.runs.c.id).where(records.runs.c.state == "running")).all():
                _shorten_log(connection, run)
        self._prune_log_files(now - days * 86_400)
        return pruned

    # How it is read

    def run(self, run: str) -> RunRecord:
        """The run with this id. Raises UserError if it is not remembered any more."""
        with self._database.reading() as connection:
            return runs_view.run(connection, run)

    def latest(self, task: str) -> RunRecord | None:
        """The task's newest run."""
        found = self.runs(task=task, limit=1)
        return found[0] if found else None

    def runs(
        self,
        *,
        task: str | None = None,
        states: Collection[str] = (),
        search: str = "",
        before: float | None = None,
        limit: int = 200,
    ) -> list[RunRecord]:
        """Runs, newest first: of a task (UUID), in one of these states, begun before a moment.

        `search` is a part of the name that the task had, in any case, or the beginning of the run's id.
        """
        with self._database.reading() as connection:
            return runs_view.runs(connection, task=task, states=states, search=search, before=before, limit=limit)

    def running(self) -> list[RunRecord]:
        """The runs that count as running, newest first."""
        return self.runs(states=("running",), limit=10_000)

    def latest_by_task(self) -> dict[str, RunRecord]:
        """The newest run of each task there is, by its UUID; tasks that never ran are left out."""
        with self._database.reading() as connection:
            return runs_view.latest_by_task(connection)

    def table_runs(self, run: str) -> list[TableRunRecord]:
        """The run's table runs in the order they began; those that wait come last, in their order."""
        with self._database.reading() as connection:
            return runs_view.table_runs(connection, run)

    def parts(self, run: str) -> list[PartRecord]:
        """The run's finished parts in the order they began; of changes, the latest turn of each table run."""
        with self._database.reading() as connection:
            return runs_view.parts(connection, run)

    def costs(self, run: str) -> dict[str, Harm]:
        """What reading cost the run's sources, by connection; those that do not measure it are left out."""
        with self._database.reading() as connection:
            return costs_of(connection, run)

    def log(
        self,
        run: str,
        *,
        levels: Collection[str] = (),
        search: str = "",
        after_id: int = 0,
        limit: int = 500,
        newest: bool = False,
    ) -> list[LogLine]:
        """Lines of the run's log in their order: of these levels, with this text in message or table, after the line `after_id`.

        Where there are more than `limit`, the first ones, or with `newest` the last ones.
        """
        with self._database.reading() as connection:
            return runs_view.log(connection, run, levels=levels, search=search, after_id=after_id, limit=limit, newest=newest)

    def _lives(self, run: str) -> _Live:
        if run not in self._live:
            with self._database.reading() as connection:
                task = runs_view.run(connection, run).task
            self._live[run] = _Live(task, RunFigures(time.monotonic()))
        return self._live[run]

    def _prune_some(self, ended_before: float) -> int:
        table = records.runs
        old = select(table.c.id).where(table.c.started_at < ended_before, table.c.finished_at < ended_before)
        with self._database.writing() as connection:
            ids = connection.execute(old.order_by(table.c.started_at).limit(_PRUNED_AT_A_TIME)).scalars().all()
            connection.execute(delete(table).where(table.c.id.in_(ids)))
        return len(ids)

    def _prune_log_files(self, written_before: float) -> None:
        if self._logs is None or not self._logs.is_dir():
            return
        for file in self._logs.glob("run-*.log"):
            try:
                if file.stat().st_mtime < written_before:
                    file.unlink()
            except OSError:
                continue  # another process is at it, or has it open: next time


def _write(connection: Connection, run: str, at: float, event: Event) -> None:
    if isinstance(event, PartDone):
        key = {"run": run, "table_run": event.table_run, "part": event.part}
        done = {"began_at": event.began_at, "ended_at": event.began_at + event.seconds, "rows_read": event.rows}
        upsert(connection, records.part_runs, key, done)
        return
    if isinstance(event, SourceCost):
        add_cost(connection, run, event)
        return
    name, values = values_of(event, at)
    if name is not None:
        upsert(connection, records.table_runs, {"run": run, "name": name}, values, new=NEW | {"began_at": at} | values)


def _write_log(connection: Connection, run: str, events: list[tuple[float, Event]]) -> None:
    lines = [
        {"run": run, "at": at, "level": line[0], "source_table": line[1], "message": line[2]}
        for at, event in events
        if (line := line_of(event)) is not None
    ]
    if lines:
        connection.execute(insert(records.log_lines), lines)


def _log_error(connection: Connection, run: str, at: float, message: str) -> None:
    connection.execute(insert(records.log_lines).values(run=run, at=at, level="error", source_table="", message=message))


def _write_figures(connection: Connection, run: str, figures: Figures) -> None:
    table = records.runs
    values = {
        "seen_at": time.time(),
        "rows_read": figures.counts.read,
        "rows_written": figures.counts.written,
        "rows_rejected": figures.counts.rejected,
        "bytes": figures.bytes,
        "rows_per_second": figures.rows_per_second,
        "percent": figures.percent,
        "seconds_left": figures.seconds_left,
        "following": figures.following,
    }
    connection.execute(update(table).where(table.c.id == run).values(**values))
    for name in figures.stalled:
        one = records.table_runs
        connection.execute(update(one).where(one.c.run == run, one.c.name == name).values(rows_per_second=0.0))


def _close_table_runs(connection: Connection, run: str, state: str) -> None:
    table = records.table_runs
    open_ones = table.c.state.in_(("running", "waiting"))
    closed = {"state": state, "rows_per_second": 0.0, "seconds_left": None}
    connection.execute(update(table).where(table.c.run == run, open_ones).values(**closed))


def _bury(connection: Connection, run: str, task: str, started_at: float, seen_at: float) -> int:
    """Mark a run that died as interrupted, unless it ended properly meanwhile: 1 or 0."""
    table = records.runs
    closed = {
        "state": "interrupted",
        "finished_at": seen_at,
        "message": DIED,
        "remedy": DIED_REMEDY,
        "rows_per_second": 0.0,
        "seconds_left": None,
        "following": False,
    }
    died = connection.execute(update(table).where(table.c.id == run, table.c.state == "running").values(**closed)).rowcount
    if died:
        _close_table_runs(connection, run, "interrupted")
        _log_error(connection, run, seen_at, f"{DIED} {DIED_REMEDY}")
        add_to_activity(connection, task, seen_at, ended=RunEnd(max(0.0, seen_at - started_at), bad=True))
    return died


def _shorten_log(connection: Connection, run: str) -> None:
    table = records.log_lines
    kept = select(table.c.id).where(table.c.run == run).order_by(table.c.id.desc()).offset(_LOG_LINES_KEPT).limit(1)
    last = connection.execute(kept).scalar()
    if last is not None:
        connection.execute(delete(table).where(table.c.run == run, table.c.id <= last))
