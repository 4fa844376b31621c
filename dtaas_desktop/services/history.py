"""What happened: runs with their table runs and log, and the requests that other processes make of a running one."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Row, insert, select, update

from dtaas_desktop.domain.events import Event, Notice, TableFailed, TableProgress, TablePublished, TableStarted
from dtaas_desktop.domain.table import Counts
from dtaas_desktop.services import records
from dtaas_desktop.services.database import Database

RunState = Literal["running", "done", "failed", "partly failed", "paused", "cancelled", "interrupted"]
RESUMABLE: frozenset[str] = frozenset({"paused", "interrupted", "failed", "partly failed"})


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run as remembered. Times are seconds since 1970, UTC."""

    id: str
    task: str
    task_name: str
    state: RunState
    started_at: float
    finished_at: float | None
    message: str
    remedy: str


class History:
    """Reads and writes it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, run: str, *, task: str, name: str, process: int) -> None:
        """Remember that a run began. Runs of the task that still count as running died without a word: they are interrupted."""
        now = time.time()
        table = records.runs
        with self._database.writing() as connection:
            connection.execute(
                update(table).where(table.c.task == task, table.c.state == "running").values(state="interrupted", finished_at=now)
            )
            connection.execute(
                insert(table).values(
                    id=run,
                    task=task,
                    task_name=name,
                    state="running",
                    process=process,
                    started_at=now,
                    seen_at=now,
                    failures="",
                )
            )

    def end(self, run: str, state: RunState, *, failures: str = "", message: str = "", remedy: str = "") -> None:
        now = time.time()
        with self._database.writing() as connection:
            connection.execute(
                update(records.runs)
                .where(records.runs.c.id == run)
                .values(state=state, finished_at=now, seen_at=now, failures=failures, message=message, remedy=remedy)
            )
            connection.execute(
                update(records.table_runs)
                .where(records.table_runs.c.run == run, records.table_runs.c.state == "running")
                .values(state=state if state in ("paused", "cancelled") else "interrupted")
            )

    def note(self, run: str, events: list[tuple[float, Event]]) -> Literal["pause", "cancel"] | None:
        """Write what happened (time, event) and that the run lives; the answer is what other processes ask of it."""
        with self._database.writing() as connection:
            for at, event in events:
                if isinstance(event, Notice):
                    line = {
                        "run": run,
                        "at": at,
                        "level": event.level,
                        "source_table": event.table,
                        "message": event.message,
                    }
                    connection.execute(insert(records.log_lines).values(**line))
                    continue
                name, values = _table_run_values(event)
                if name is None:
                    continue
                table = records.table_runs
                changed = connection.execute(update(table).where(table.c.run == run, table.c.name == name).values(**values))
                if changed.rowcount == 0:
                    connection.execute(insert(table).values(run=run, name=name, began_at=at, **_BLANK | values))
            connection.execute(update(records.runs).where(records.runs.c.id == run).values(seen_at=time.time()))
            asked = connection.execute(select(records.runs.c.request).where(records.runs.c.id == run)).scalar()
        return None if asked is None else ("cancel" if asked == "cancel" else "pause")

    def ask(self, task: str, request: Literal["pause", "cancel"]) -> str | None:
        """Ask the task's running run to stop; its id, or None if none is running."""
        table = records.runs
        with self._database.writing() as connection:
            run = connection.execute(select(table.c.id).where(table.c.task == task, table.c.state == "running")).scalar()
            if run is not None:
                connection.execute(update(table).where(table.c.id == run).values(request=request))
        return run

    def run(self, run: str) -> RunRecord:
        """The run with this id."""
        with self._database.reading() as connection:
            return _record(connection.execute(select(records.runs).where(records.runs.c.id == run)).one())

    def latest(self, task: str) -> RunRecord | None:
        """The task's newest run."""
        table = records.runs
        with self._database.reading() as connection:
            row = connection.execute(
                select(table).where(table.c.task == task).order_by(table.c.started_at.desc()).limit(1)
            ).first()
        return None if row is None else _record(row)

    def table_runs(self, run: str) -> list[Mapping[str, Any]]:
        """The run's table runs as in records.table_runs, in the order they began."""
        table = records.table_runs
        with self._database.reading() as connection:
            return [
                dict(row)
                for row in connection.execute(select(table).where(table.c.run == run).order_by(table.c.began_at)).mappings()
            ]

    def log(self, run: str) -> list[tuple[float, str, str, str]]:
        """The run's log: time, level, table, message."""
        table = records.log_lines
        with self._database.reading() as connection:
            rows = connection.execute(select(table).where(table.c.run == run).order_by(table.c.id)).all()
        return [(row.at, row.level, row.source_table, row.message) for row in rows]


_BLANK: dict[str, Any] = {"source_table": "", "target": "", "state": "running"}


def _record(row: Row[Any]) -> RunRecord:
    return RunRecord(row.id, row.task, row.task_name, row.state, row.started_at, row.finished_at, row.message, row.remedy)


def _table_run_values(event: Event) -> tuple[str | None, dict[str, Any]]:
    """The table run that an event is about, and the columns it changes."""
    match event:
        case TableStarted():
            return event.table_run, {
                "source_table": event.table,
                "target": event.target,
                "connection": event.connection,
                "parts": event.parts,
                "rows_estimate": event.rows_estimate,
                "kind": event.kind,
                "state": "running",
            }
        case TableProgress():
            return event.table_run, _count_values(event.counts) | {"bytes": event.bytes, "parts_done": event.parts_done}
        case TablePublished():
            published = event.published
            # Counts and bytes are those of the whole run, and come with the progress that was told just before.
            return event.table_run, {
                "state": "done",
                "seconds": event.seconds,
                "revision": published.revision,
                "files": published.files,
                "kind": event.kind,
                "position": event.position,
                "as_of": event.as_of,
                "location": published.location,
                "query": published.query,
                "message": "",
                "remedy": "",
            }
        case TableFailed():
            return event.table_run, {
                "source_table": event.table,
                "target": event.target,
                "state": "failed",
                "message": event.message,
                "remedy": event.remedy,
            }
        case _:
            return None, {}


def _count_values(counts: Counts) -> dict[str, int]:
    return {
        "rows_read": counts.read,
        "rows_filtered": counts.filtered,
        "rows_rejected": counts.rejected,
        "rows_written": counts.written,
        "cells_nulled": counts.nulled,
    }
