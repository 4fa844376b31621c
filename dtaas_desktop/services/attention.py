"""What needs somebody's attention: of each task at most one thing, the worst of its latest run."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Literal

from sqlalchemy import Connection, select

from dtaas_desktop.services import records, runs_view
from dtaas_desktop.services.database import Database
from dtaas_desktop.services.due import scheduled_tasks
from dtaas_desktop.services.history import RESUMABLE
from dtaas_desktop.services.local_zone import LocalZone
from dtaas_desktop.services.runs_view import RunRecord
from dtaas_desktop.services.tasks import dismissal
from dtaas_desktop.services.upsert import upsert

Kind = Literal["failed", "drift", "expiring", "interrupted", "paused", "late"]
Action = Literal[
    "resume", "run", "retry table", "reload table", "open run", "edit connection", "edit task", "copy script", "dismiss"
]
LATE_SECONDS = 600
_ORDER: tuple[Kind, ...] = ("failed", "drift", "expiring", "interrupted", "late", "paused")


@dataclass(frozen=True, slots=True)
class AttentionItem:
    """One thing to look after. `title` begins with the task's name; `detail` says what happened and what to do.

    `run` and `table` are where it happened, if anywhere. `at` is when, in seconds since 1970.
    """

    kind: Kind
    task_uuid: str
    task_name: str
    run: str | None
    table: str | None
    title: str
    detail: str
    at: float
    actions: tuple[Action, ...]

    @property
    def mark(self) -> str:
        """What is remembered when it is dismissed: the same again is another one."""
        return f"{self.kind} {self.run or round(self.at)} {self.table or ''}".strip()


class Attention:
    """Finds it out. Nothing expires yet: the changes that the sources of today capture are kept until they are read."""

    def __init__(self, database: Database, zone: tzinfo | None = None) -> None:
        """`zone` is that of the schedules; this machine's, if not given."""
        self._database = database
        self._zone = zone or LocalZone()

    def list(self, now: float) -> Sequence[AttentionItem]:
        """Everything that was not dismissed; failures first, then the newest first."""
        with self._database.reading() as connection:
            latest = runs_view.latest_by_task(connection)
            planned = set(connection.execute(select(records.plans.c.task)).scalars())
            failed = _failed_tables(connection, [run.id for run in latest.values() if run.state in _MAY_HAVE_FAILED])
            names = {row.uuid: row.name for row in connection.execute(select(records.tasks.c.uuid, records.tasks.c.name))}
            late = self._late(connection, now, latest)
            left = {task: _left_failed(connection, run) for task, run in latest.items() if run.state == "done"}
            dismissed = _dismissed(connection)
        found = dict(late)
        for task, run in latest.items():
            item = _of_run(run, names[task], failed.get(run.id), can_resume=run.state in RESUMABLE and task in planned)
            if (before := left.get(task)) is not None:
                item = _of_left(names[task], *before)
            known = found.get(task)
            if item is not None and (known is None or _ORDER.index(item.kind) < _ORDER.index(known.kind)):
                found[task] = item
        items = [item for task, item in found.items() if item.mark != dismissed.get(task)]
        return sorted(items, key=lambda item: (_ORDER.index(item.kind), -item.at))

    def dismiss(self, item: AttentionItem) -> None:
        """Do not list it any more; the task's next failure is another thing."""
        with self._database.writing() as connection:
            upsert(connection, records.settings, {"name": dismissal(item.task_uuid)}, {"value": item.mark})

    def _late(self, connection: Connection, now: float, latest: dict[str, RunRecord]) -> dict[str, AttentionItem]:
        found = {}
        for one in scheduled_tasks(connection, datetime.fromtimestamp(now, UTC), self._zone):
            run = latest.get(one.task)
            if one.due is None or (run is not None and run.state == "running"):
                continue
            due = one.due.timestamp()
            if due < now - LATE_SECONDS:
                detail = f"It was due at {one.due:%H:%M} on {one.due:%d %B} and has not been started. Run it, or look whether schedules are switched on."
                found[one.task] = AttentionItem(
                    "late", one.task, one.name, None, None, f"{one.name} is late", detail, due, ("run", "edit task", "dismiss")
                )
        return found


@dataclass(frozen=True, slots=True)
class _Failed:
    """A table run that failed."""

    source_table: str
    failure: str
    message: str
    remedy: str


_RETRIES_LOOKED_AT = 10  # runs before the latest
_MAY_HAVE_FAILED = ("failed", "partly failed", "running")


def _failed_tables(connection: Connection, runs: Collection[str]) -> dict[str, _Failed]:
    """The first failed table run of each of these runs; one that drifted comes before the others."""
    table = records.table_runs
    asked = select(table.c.run, table.c.source_table, table.c.failure, table.c.message, table.c.remedy)
    asked = asked.where(table.c.run.in_(list(runs)), table.c.state == "failed").order_by(table.c.began_at)
    found: dict[str, _Failed] = {}
    for row in connection.execute(asked):
        if row.run not in found or (row.failure == "drift" != found[row.run].failure):
            found[row.run] = _Failed(row.source_table, row.failure, row.message, row.remedy)
    return found


def _left_failed(connection: Connection, latest: RunRecord) -> tuple[RunRecord, _Failed] | None:
    """A table that failed in an earlier run and was not in any since: the latest run ended well, but was for some tables only."""
    past = runs_view.runs(connection, task=latest.task, states=(), search="", before=latest.started_at, limit=_RETRIES_LOOKED_AT)
    if not any(run.state in ("failed", "partly failed") for run in past):
        return None
    table = records.table_runs
    run_since = set(connection.execute(select(table.c.name).where(table.c.run == latest.id)).scalars())
    for run in past:
        asked = select(table.c.name, table.c.state, table.c.source_table, table.c.failure, table.c.message, table.c.remedy)
        rows = connection.execute(asked.where(table.c.run == run.id).order_by(table.c.began_at)).all()
        if not run_since < {row.name for row in rows}:
            return None  # what came since was all there was
        for row in rows:
            if row.state == "failed" and row.name not in run_since:
                return run, _Failed(row.source_table, row.failure, row.message, row.remedy)
        run_since |= {row.name for row in rows if row.state == "done"}
    return None


def _of_left(name: str, run: RunRecord, failed: _Failed) -> AttentionItem:
    detail = f"{_what_failed(failed)} It was not run since."
    actions: tuple[Action, ...] = ("retry table", "open run", "edit task", "dismiss")
    title = f"{name} has a failed table"
    return AttentionItem(
        "failed", run.task, name, run.id, failed.source_table, title, detail, run.finished_at or run.seen_at, actions
    )


def _dismissed(connection: Connection) -> dict[str, str]:
    table = records.settings
    rows = connection.execute(select(table).where(table.c.name.startswith(dismissal(""))))
    return {row.name.removeprefix(dismissal("")): row.value for row in rows}


def _of_run(run: RunRecord, name: str, failed: _Failed | None, *, can_resume: bool) -> AttentionItem | None:
    at = run.finished_at or run.seen_at
    again: Action = "resume" if can_resume else "run"
    if failed is not None and run.state != "running":
        return _of_table(run, name, failed, at, again)
    if failed is not None:
        return _of_table(run, name, failed, run.seen_at, None)
    if run.state in ("failed", "partly failed"):
        said = run.message if "bug" not in run.failures else "The application made a mistake; the log of the run has the report."
        detail = f"{said} {run.remedy}".strip()
        actions: tuple[Action, ...] = (again, "open run", "edit task", "dismiss")
        return AttentionItem("failed", run.task, name, run.id, None, f"{name} {run.state}", detail, at, actions)
    if run.state == "interrupted":
        detail = f"{run.message} {run.remedy}".strip()
        actions = (again, "open run", "dismiss")
        return AttentionItem("interrupted", run.task, name, run.id, None, f"{name} was interrupted", detail, at, actions)
    if run.state == "paused":
        share = f" at {run.percent:.0f} %" if run.percent is not None else ""
        detail = f"It was paused{share}. Resume goes on where it stopped."
        actions = (again, "open run", "dismiss")
        return AttentionItem("paused", run.task, name, run.id, None, f"{name} is paused", detail, at, actions)
    return None


def _what_failed(failed: _Failed) -> str:
    """Which table, why, and what to do."""
    bug = failed.failure == "bug"
    said = "The application made a mistake; the log of the run has the report." if bug else failed.message
    named = said if said.startswith(f"Table {failed.source_table}") else f"Table {failed.source_table}: {said}"
    return f"{named} {failed.remedy}".strip()


def _of_table(run: RunRecord, name: str, failed: _Failed, at: float, again: Action | None) -> AttentionItem:
    detail = _what_failed(failed)
    drift = failed.failure == "drift"
    words = "waits: a table has changed its shape" if drift else ("has a failed table" if run.state == "running" else run.state)
    if failed.failure == "reload":
        first: tuple[Action, ...] = ("reload table",)
    elif drift:
        first = ("edit task", *((again,) if again else ()))
    else:
        first = (again,) if again else ()
    rest: tuple[Action, ...] = ("open run", "dismiss") if drift else ("open run", "edit task", "dismiss")
    return AttentionItem(
        "drift" if drift else "failed", run.task, name, run.id, failed.source_table, f"{name} {words}", detail, at, first + rest
    )
