"""The dashboard's table of tasks: what each is doing now, or what became of it last."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dtaas_desktop.domain.connection import CONNECTION_KINDS, Connection
from dtaas_desktop.domain.design import Design
from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.kinds import DestinationSettings, SourceSettings, settings_of
from dtaas_desktop.domain.task import Task
from dtaas_desktop.services.runs_view import RunRecord
from dtaas_desktop.ui.tables import Column
from dtaas_desktop.ui.ticks import day_and_time
from dtaas_desktop.ui.tokens import Tone
from dtaas_desktop.ui.words import NOTHING, ago, clock, duration, exact, moment, short, state_words

UNNAMED = "—"


@dataclass(frozen=True, slots=True)
class TaskRow:
    """One task. `state` is a run's state or “following”, None if it never ran; texts are ready to be shown."""

    uuid: str
    name: str
    route: str
    run: str | None
    state: str | None
    percent: float | None
    progress: str
    rows: int | None
    rate: float | None
    lag: str
    when: str
    when_exactly: str

    @property
    def words(self) -> tuple[str, Tone]:
        return state_words(self.state)


COLUMNS: tuple[Column[TaskRow], ...] = (
    Column("Task", lambda row: row.name, "strong"),
    Column("Route", lambda row: row.route, "dim"),
    Column("State", lambda row: row.words[0], "pill", tone=lambda row: row.words[1], width=132),
    Column(
        "Progress",
        lambda row: row.progress,
        "bar",
        tone=lambda row: row.words[1],
        percent=lambda row: row.percent,
        bar=lambda row: row.state not in (None, "following"),
        width=164,
    ),
    Column("Rows", lambda row: exact(row.rows), "figure", width=116),
    Column(
        "Rows/s",
        lambda row: NOTHING if row.rate is None else short(row.rate),
        "figure",
        tip=lambda row: NOTHING if row.rate is None else f"{row.rate:,.0f} rows per second",
        width=78,
    ),
    Column("Lag", lambda row: row.lag, "figure", width=76),
    Column("When", lambda row: row.when, "dim", tip=lambda row: row.when_exactly, width=118),
)
# What gives way first when the window is narrow: column number, and the width of the table below which it goes.
GIVING_WAY = ((6, 980), (1, 860), (5, 700))


def task_rows(
    tasks: Sequence[Task],
    routes: Mapping[str, str],
    latest: Mapping[str, RunRecord],
    due: Mapping[str, float],
    as_of: Mapping[str, float],
    now: float,
) -> list[TaskRow]:
    """A row for each task: those that run first, in the order of their names, then the others, the one that ran last first.

    `routes` (see `route`) and runs are by task (UUID). `due` says when a task (UUID) runs by itself; `as_of` up to when a following run (id) has brought over what was committed.
    """

    def place(task: Task) -> tuple[bool, float, str]:
        run = latest.get(task.uuid)
        running = run is not None and run.state == "running"
        return (not running, 0.0 if running or run is None else -(run.finished_at or run.started_at), task.name.casefold())

    def never(task: Task) -> bool:
        return task.uuid not in latest

    return [
        _row(task, routes[task.uuid], latest.get(task.uuid), due.get(task.uuid), as_of, now)
        for task in sorted(tasks, key=lambda task: (never(task), *place(task)))
    ]


def route(design: Design, connections: Mapping[str, Connection]) -> str:
    """From which kinds of system to which, as the design has them: “SQLite → folder, DuckDB file”."""
    kinds: tuple[dict[str, None], dict[str, None]] = ({}, {})
    for node in design.nodes:
        try:
            settings = settings_of(node)
        except UserError:
            continue  # shown as a problem where the task is edited
        if isinstance(settings, SourceSettings | DestinationSettings):
            side = kinds[isinstance(settings, DestinationSettings)]
            connection = connections.get(settings.connection)
            kind = CONNECTION_KINDS.get(connection.kind) if connection else None
            side[kind.title if kind else f"“{settings.connection}”"] = None
    return " → ".join(", ".join(side) or UNNAMED for side in kinds)


def _row(task: Task, route: str, run: RunRecord | None, due: float | None, as_of: Mapping[str, float], now: float) -> TaskRow:
    next_time = f"Due {moment(due)}" if due is not None else ""
    if run is None:
        when = f"due {_soon(due, now)}" if due is not None else NOTHING
        return TaskRow(
            task.uuid, task.name, route, None, None, None, NOTHING, None, None, NOTHING, when, next_time or "It never ran"
        )
    running = run.state == "running"
    following = running and run.following
    held = as_of.get(run.id) if following else None
    percent = 100.0 if run.state == "done" else run.percent
    exactly = f"Began {moment(run.started_at)}" if running else f"Ended {moment(run.finished_at or run.started_at)}"
    return TaskRow(
        uuid=task.uuid,
        name=task.name,
        route=route,
        run=run.id,
        state="following" if following else run.state,
        percent=percent,
        progress=_progress(percent, held, following),
        rows=run.rows_written,
        rate=run.rows_per_second if running or run.state == "done" else None,
        lag=duration(max(0.0, now - held)) if held is not None else NOTHING,
        when=_when(run, following, now),
        when_exactly=f"{exactly}\n{next_time}".strip(),
    )


def _progress(percent: float | None, held: float | None, following: bool) -> str:
    if following:
        return f"up to {clock(held)}" if held is not None else "waiting for changes"
    return NOTHING if percent is None else f"{int(percent)} %"


def _soon(due: float, now: float) -> str:
    """02:00 today or within half a day, else with its day."""
    text = day_and_time(due)
    return text.rpartition(", ")[2] if due - now < 43_200 or day_and_time(now)[:10] == text[:10] else text


def _when(run: RunRecord, following: bool, now: float) -> str:
    if run.state != "running":
        return ago(run.finished_at or run.started_at, now)
    if following:
        return NOTHING
    return f"{duration(run.seconds_left)} left" if run.seconds_left is not None else f"for {duration(now - run.started_at)}"
