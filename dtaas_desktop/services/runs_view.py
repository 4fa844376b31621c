"""How the history is read: quickly with a million runs, because each question is one short walk along an index."""

import dataclasses
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal, get_args

from sqlalchemy import ColumnElement, Connection, Row, case, func, or_, select

from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.table import Counts
from dtaas_desktop.services import records

RunState = Literal["running", "done", "failed", "partly failed", "paused", "cancelled", "interrupted"]
TableRunState = Literal["waiting", "running", "done", "failed", "paused", "cancelled", "interrupted"]
RUN_STATES: tuple[RunState, ...] = get_args(RunState)
_FEW = 30  # names that are asked for one by one
_ID_BEGINNING = 6  # characters
_IDS_AT_A_TIME = 500


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run as remembered. Times are seconds since 1970, UTC.

    `rows_per_second` is that of now or, of a run that has ended, its average; `percent` (0–100) and `seconds_left` are None while
    unknown. `following`: it has loaded what was to be loaded, and goes on with what changes. `request`: what was asked of it.
    `failures` are classes of failure: fix, reload, wait, bug.
    """

    id: str
    task: str
    task_name: str
    state: RunState
    started_at: float
    finished_at: float | None
    message: str
    remedy: str
    origin: str = "command line"
    host: str = ""
    process: int = 0
    seen_at: float = 0.0
    request: str | None = None
    failures: frozenset[str] = frozenset()
    rows_read: int = 0
    rows_written: int = 0
    rows_rejected: int = 0
    bytes: int = 0
    rows_per_second: float = 0.0
    percent: float | None = None
    seconds_left: float | None = None
    following: bool = False


@dataclass(frozen=True, slots=True)
class TableRunRecord:
    """One table run as remembered. Counts are those of the whole run, all change turns together; `kind` is that of the latest
    publication. `failure` is fix, reload, wait, bug or drift (the table has got another shape), empty if it did not fail.
    `fidelity`: a line for each way in which columns do not simply arrive as they are.
    """

    name: str
    source_table: str
    connection: str
    target: str
    state: TableRunState
    counts: Counts
    bytes: int
    files: int
    parts: int
    parts_done: int
    rows_estimate: int | None
    rows_per_second: float
    percent: float | None
    seconds_left: float | None
    seconds: float | None
    revision: int | None
    kind: str
    position: str | None
    as_of: float | None
    location: str
    query: str
    failure: str
    message: str
    remedy: str
    began_at: float
    fidelity: str = ""


@dataclass(frozen=True, slots=True)
class PartRecord:
    """A part of a table run, and when it was read and staged."""

    table_run: str
    part: str
    began_at: float
    ended_at: float
    rows_read: int


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line of a run's log. `level` is info, warning or error; `table` is empty where it is about the whole run."""

    id: int
    at: float
    level: str
    table: str
    message: str


def run(connection: Connection, run_id: str) -> RunRecord:
    """Raises UserError if it is not remembered any more."""
    row = connection.execute(select(records.runs).where(records.runs.c.id == run_id)).first()
    if row is None:
        raise UserError("This run is not in the history any more.", remedy="How long runs are kept is a setting.")
    return _run(row)


def runs(
    connection: Connection, *, task: str | None, states: Collection[str], search: str, before: float | None, limit: int
) -> list[RunRecord]:
    """As History.runs."""
    table = records.runs
    asked = select(table).order_by(table.c.started_at.desc()).limit(limit)
    if before is not None:
        asked = asked.where(table.c.started_at < before)
    if task is not None:
        asked = asked.where(table.c.task == task)
    # Each question walks an index from its newest end and stops early; one question with all conditions would have to sort.
    questions = [asked.where(like) for like in _names_like(connection, search)] if search else [asked]
    wanted = frozenset(states) or (frozenset(RUN_STATES) if search else frozenset())
    if wanted:
        questions = [one.where(table.c.state == state) for one in questions for state in sorted(wanted)]
    if _may_be_id(search):
        questions.append(asked.where(table.c.id.between(search.lower(), search.lower() + "g")))
    rows = {row.id: row for one in questions for row in connection.execute(one) if not wanted or row.state in wanted}
    return [_run(row) for row in sorted(rows.values(), key=lambda row: row.started_at, reverse=True)[:limit]]


def latest_by_task(connection: Connection) -> dict[str, RunRecord]:
    """As History.latest_by_task."""
    table, tasks = records.runs, records.tasks
    newest = (
        select(table.c.id)
        .where(table.c.task == tasks.c.uuid)
        .order_by(table.c.started_at.desc())
        .limit(1)
        .correlate(tasks)
        .scalar_subquery()
    )
    # As a list of ids: a join would make SQLite look up the newest run once for every run there is.
    ids = [run_id for (run_id,) in connection.execute(select(newest).select_from(tasks)) if run_id is not None]
    found: dict[str, RunRecord] = {}
    for first in range(0, len(ids), _IDS_AT_A_TIME):
        chosen = select(table).where(table.c.id.in_(ids[first : first + _IDS_AT_A_TIME]))
        found |= {row.task: _run(row) for row in connection.execute(chosen)}
    return found


def table_runs(connection: Connection, run_id: str) -> list[TableRunRecord]:
    """As History.table_runs."""
    table = records.table_runs
    waits_last = case((table.c.state == "waiting", 1), else_=0)
    asked = select(table).where(table.c.run == run_id).order_by(waits_last, table.c.began_at, table.c.name)
    return [_table_run(row) for row in connection.execute(asked)]


def parts(connection: Connection, run_id: str) -> list[PartRecord]:
    """As History.parts."""
    table = records.part_runs
    asked = select(table).where(table.c.run == run_id).order_by(table.c.began_at, table.c.table_run, table.c.part)
    return [PartRecord(row.table_run, row.part, row.began_at, row.ended_at, row.rows_read) for row in connection.execute(asked)]


def log(
    connection: Connection,
    run_id: str,
    *,
    levels: Collection[str],
    search: str,
    after_id: int,
    limit: int,
    newest: bool,
) -> list[LogLine]:
    """As History.log."""
    table = records.log_lines
    asked = select(table).where(table.c.run == run_id, table.c.id > after_id)
    if levels:
        asked = asked.where(table.c.level.in_(levels))
    if search:
        by_text = table.c.message.icontains(search, autoescape=True)
        asked = asked.where(or_(by_text, table.c.source_table.icontains(search, autoescape=True)))
    rows = connection.execute(asked.order_by(table.c.id.desc() if newest else table.c.id).limit(limit)).all()
    lines = [LogLine(row.id, row.at, row.level, row.source_table, row.message) for row in rows]
    return lines[::-1] if newest else lines


def names(connection: Connection) -> list[str]:
    """Every name that a task had when it ran, in order."""
    table = records.runs
    known = select(func.min(table.c.task_name).label("name")).cte("names", recursive=True)
    # From one name to the next along the index: DISTINCT would read every run.
    following = select(func.min(table.c.task_name)).where(table.c.task_name > known.c.name).scalar_subquery()
    known = known.union_all(select(following).where(known.c.name.is_not(None)))
    return list(connection.execute(select(known.c.name).where(known.c.name.is_not(None))).scalars())


def _names_like(connection: Connection, search: str) -> list[ColumnElement[bool]]:
    """Conditions on the name of a task, of which a run that is found has to fulfil one."""
    table = records.runs
    like = [name for name in names(connection) if search.casefold() in name.casefold()]
    if len(like) <= _FEW:
        return [table.c.task_name == name for name in like]
    # So many fit that the newest runs are soon found among all. The + keeps SQLite from taking the index of names for it.
    return [(table.c.task_name + "").in_(like)]


def _may_be_id(search: str) -> bool:
    return len(search) >= _ID_BEGINNING and re.fullmatch("[0-9a-f-]+", search.lower()) is not None


def _run(row: Row[Any]) -> RunRecord:
    values = {name: getattr(row, name) for name in _RUN_FIELDS}
    values["failures"] = frozenset(filter(None, row.failures.split(",")))
    return RunRecord(**values)


def _table_run(row: Row[Any]) -> TableRunRecord:
    counts = Counts(row.rows_read, row.rows_filtered, row.rows_rejected, row.rows_written, row.cells_nulled)
    return TableRunRecord(counts=counts, **{name: getattr(row, name) for name in _TABLE_RUN_FIELDS})


_RUN_FIELDS = tuple(field.name for field in dataclasses.fields(RunRecord))
_TABLE_RUN_FIELDS = tuple(field.name for field in dataclasses.fields(TableRunRecord) if field.name != "counts")
