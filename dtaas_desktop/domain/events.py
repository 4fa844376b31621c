"""What a run tells while it happens: frozen values, small enough for a pipe, free of secrets."""

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Literal

from dtaas_desktop.domain.changes import Kind, Position
from dtaas_desktop.domain.harm import Harm
from dtaas_desktop.domain.table import Counts
from dtaas_desktop.domain.target import Published

State = Literal["done", "failed", "partly failed", "paused", "cancelled"]


@dataclass(frozen=True, slots=True)
class RunStarted:
    run: str
    task: str
    tables: int


@dataclass(frozen=True, slots=True)
class TablePlanned:
    """A table run will begin when those before it leave room; told for all of a plan before the first begins.

    `fidelity`: sentences on columns whose values do not simply arrive as they are, losses first.
    """

    table_run: str
    table: str
    target: str
    connection: str
    parts: int
    rows_estimate: int | None
    kind: Kind = "load"
    fidelity: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TableStarted:
    """A table run begins: a load, or its first change turn. `rows_estimate` is None where the source cannot tell cheaply.

    `kept` and `parts_kept` are what an earlier run has staged of it; the progress counts them too.
    """

    table_run: str
    table: str
    target: str
    connection: str
    parts: int
    rows_estimate: int | None
    kind: Kind = "load"
    kept: Counts = field(default_factory=Counts)
    parts_kept: int = 0


@dataclass(frozen=True, slots=True)
class TableProgress:
    """At most ten a second over all tables. `percent` 0–100 and `seconds_left` are estimates, None while unknown.

    Counts and bytes are those of the whole run, all change turns together; `rows_per_second` is of the last five seconds.
    """

    table_run: str
    table: str
    target: str
    counts: Counts
    bytes: int
    parts_done: int
    parts: int
    rows_per_second: float
    percent: float | None
    seconds_left: float | None


@dataclass(frozen=True, slots=True)
class PartDone:
    """A part is staged for one table run. `began_at` is in seconds since 1970; `bytes` are those of its files."""

    table_run: str
    part: str
    began_at: float
    seconds: float
    rows: int
    bytes: int = 0
    table: str = ""


@dataclass(frozen=True, slots=True)
class TablePublished:
    """A revision became visible: a load, or one change turn with its own counts.

    `as_of`: the moment (seconds since 1970) up to which the target now holds what was committed at the source; None if unknown.
    """

    table_run: str
    table: str
    connection: str
    counts: Counts
    published: Published
    seconds: float
    kind: Kind = "load"
    position: Position | None = None
    as_of: float | None = None


@dataclass(frozen=True, slots=True)
class TableFailed:
    """`kind` is the class of error (fix, reload, wait, bug), which decides the exit code and what can be done; `drift`: the table has
    got another shape, and somebody has to decide.
    """

    table_run: str
    table: str
    target: str
    kind: str
    message: str
    remedy: str
    drift: bool = False


@dataclass(frozen=True, slots=True)
class SourceCost:
    """What a part of the run cost a source; what is told of one connection adds up."""

    connection: str
    harm: Harm


@dataclass(frozen=True, slots=True)
class Notice:
    """A line of the run's log."""

    level: Literal["info", "warning", "error"]
    message: str
    table: str = ""


@dataclass(frozen=True, slots=True)
class RunFinished:
    run: str
    state: State
    counts: Counts
    seconds: float


Event = (
    RunStarted
    | TablePlanned
    | TableStarted
    | TableProgress
    | PartDone
    | TablePublished
    | TableFailed
    | SourceCost
    | Notice
    | RunFinished
)


def to_dict(event: Event) -> dict[str, Any]:
    """The event as plain JSON values, with its class as `event`."""
    return {"event": type(event).__name__} | dataclasses.asdict(event)
