"""The seams: what the engine asks of sources, transformations, destinations and of whoever remembers for it.

Few methods, because what a connector need not know it cannot get wrong. Every method may raise the errors of domain.errors and
nothing else: drivers' exceptions are translated inside the connector.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import pyarrow as pa

from dtaas_desktop.domain.changes import Changes, Kind, Lag, Position
from dtaas_desktop.domain.connection import CheckStep
from dtaas_desktop.domain.errors import AppError
from dtaas_desktop.domain.plan import JobId, Plan
from dtaas_desktop.domain.table import CellPolicy, Misfit, Part, PartId, Rows, TableDescription, TableRef
from dtaas_desktop.domain.target import Attempt, PlanId, Publication, Published, Staged, StagedFile, Target, TargetState


class Budget(Protocol):
    """One limit in bytes for all batches and open writers of a run; every method is thread-safe."""

    def charge(self, amount: int) -> bool:
        """Count `amount` more bytes (negative: fewer). True if the whole is now over the limit: close your largest writer."""
        ...


class RowStream(Protocol):
    """Rows of one part, or images of changes in their order. Iterating pulls; nothing is read ahead beyond one batch."""

    @property
    def schema(self) -> pa.Schema: ...
    def __iter__(self) -> Iterator[Rows]: ...
    def cancel(self) -> None:
        """Stop reading soon; callable from any thread. The iteration then ends with Interrupted or simply early."""
        ...


class Session(Protocol):
    """Reads that belong together. `read` may be called from several threads at once."""

    def now(self) -> Mapping[TableRef, Position]:
        """A boundary of whole transactions as one position per table; tables whose changes are not captured are left out.

        In an exact session it is the moment of the snapshot; in others, ask before reading.
        """
        ...

    def read(
        self,
        table: TableDescription,
        what: Part | Changes,
        *,
        columns: Sequence[str],
        cells: CellPolicy,
        whole: Collection[str] = (),
    ) -> AbstractContextManager[RowStream]:
        """Rows of a part, or images of changes (Rows.changes), in the columns and types of `table`, restricted to `columns`.

        Changes come in their order, both images of an update in one batch. Columns in `whole` are never marked unchanged: the
        source fetches them. Raises PositionLost if what comes after `what.after` is no longer whole, also in the middle.
        """
        ...


@dataclass(frozen=True, slots=True)
class CaptureState:
    """Whether a table's changes are captured. `reason` says in a sentence why they are not, or cannot be; `remedy` what to do."""

    on: bool
    possible: bool = True
    reason: str = ""
    remedy: str = ""


class Capture(Protocol):
    """The source's own change capture. `consumer` names who reads a table's changes: what none of them needs any more may go."""

    net: bool  # whether changes come as net changes, which are true in one snapshot only: read them in an exact session

    def state(self, table: TableRef) -> CaptureState: ...
    def script(self, tables: Sequence[TableRef]) -> str:
        """What `enable` would do, as statements to read or to hand to whoever may run them."""
        ...

    def enable(self, tables: Sequence[TableRef]) -> None: ...
    def disable(self, tables: Sequence[TableRef]) -> None:
        """Stop capturing these tables, and leave no trace."""
        ...

    def hold(self, consumer: str, tables: Collection[TableRef]) -> None:
        """From now on keep the tables' changes for this consumer; ask before the first `now`."""
        ...

    def release(self, consumer: str, upto: Mapping[TableRef, Position]) -> None:
        """The consumer has published everything up to these positions; what nobody needs any more is purged."""
        ...

    def lag(self, since: Mapping[TableRef, Position]) -> Mapping[TableRef, Lag]:
        """What waits after these positions; cheap enough to ask several times a second. Lost positions count as waiting."""
        ...


class Source(Protocol):
    """A system that tables are read from."""

    exact_by_default: bool  # whether TaskOptions.reading “default” means one snapshot

    @property
    def capture(self) -> Capture | None:
        """None if the system cannot capture changes."""
        ...

    def check(self) -> Iterator[CheckStep]: ...
    def tables(self) -> Sequence[TableRef]: ...
    def describe(self, table: TableRef, *, published: pa.Schema | None = None) -> TableDescription:
        """What is known of the table. `published`: its schema as it was read last; where the source declares no type, that one stays."""
        ...

    def split(self, table: TableDescription, parts: int, *, exact: bool) -> Sequence[Part]:
        """At most `parts` ranges (at least one) that cover the table exactly once.

        With `exact` the ranges need only hold within one snapshot; without it they must hold for ever: only a stable key will do.
        """
        ...

    def session(self, tables: Sequence[TableRef], *, exact: bool) -> AbstractContextManager[Session]:
        """`exact`: everything read in it, by however many threads, is one snapshot."""
        ...


@runtime_checkable
class Converses(Protocol):
    """A source that is asked over a connection, which takes time to open."""

    def conversation(self, tables: Sequence[str]) -> AbstractContextManager[None]:
        """Within it questions share a connection, until the first row is read. It is opened, and what these tables (names or
        patterns) are is looked up, at once in a thread of its own: the first question waits for that, and raises what it raised.
        """
        ...


def conversation_with(source: Source, tables: Sequence[str] = ()) -> AbstractContextManager[None]:
    """A conversation, if the source has any: else nothing."""
    return source.conversation(tables) if isinstance(source, Converses) else nullcontext()


@runtime_checkable
class HoldsDatabases(Protocol):
    """A source that is one of several databases of a server."""

    def databases(self) -> Sequence[str]:
        """Those that the same login may open, in the order of their names, without the system's own."""
        ...


Measure = Literal["version", "date", "number"]


@dataclass(frozen=True, slots=True)
class GrowingColumn:
    """A column by which new rows can be found: a version that the system itself raises with each change, a date, or a number."""

    name: str
    declared: str
    measure: Measure


@runtime_checkable
class ColumnFollower(Protocol):
    """A source that can find new rows by a column that grows, where changes cannot be captured."""

    def growing(self, table: TableRef) -> Sequence[GrowingColumn]:
        """The columns of a table that could tell what is new, the surest first."""
        ...

    def following(self, column: str, look_back: float, *, once: bool) -> Source:
        """The same system, capturing changes that way. `look_back`: hours for dates, units for numbers; `once`: no row may come twice,
        because no key absorbs it.
        """
        ...


@dataclass(frozen=True, slots=True)
class Lineage:
    """Where a transformation's outputs come from.

    inputs: for each output column the input columns its value depends on. distinct: outputs that are one-to-one images of a
    single input (kept or renamed). deciders: inputs that decide which rows stay.
    """

    inputs: Mapping[str, tuple[str, ...]]
    distinct: frozenset[str] = frozenset()
    deciders: frozenset[str] = frozenset()


# Cells a transformation could not make: index into the rows it was given, output column, the offending value as text, the reason.
BAD_CELLS = pa.schema(
    [
        pa.field("row", pa.int64(), nullable=False),
        pa.field("column", pa.string(), nullable=False),
        pa.field("value", pa.large_string()),
        pa.field("reason", pa.string(), nullable=False),
    ]
)


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of a batch. `kept`: for each output row the index of its input row (int64, ascending); None when all were kept.

    `bad` (BAD_CELLS shape) lists cells that could not be made; they are null in `rows`, and the engine applies `on_bad`.
    """

    rows: pa.RecordBatch
    kept: pa.Array | None = None
    bad: pa.RecordBatch | None = None


class Transform(Protocol):
    """A pure function of rows: preview and run cannot disagree, and the answer cannot depend on where batches are cut."""

    @property
    def on_bad(self) -> Misfit:
        """What the user chose for cells that cannot be made."""
        ...

    def output_schema(self, schema: pa.Schema) -> pa.Schema:
        """The schema of `apply`'s rows. Raises MissingColumn, or UserError for what cannot work."""
        ...

    def lineage(self, schema: pa.Schema) -> Lineage: ...
    def apply(self, rows: pa.RecordBatch) -> Applied: ...


class Stage(Protocol):
    """An open, invisible attempt at one part. Leaving the context without `finish` drops what was written."""

    def write(self, batch: pa.RecordBatch) -> None: ...
    def reject(self, rejected: pa.RecordBatch) -> None:
        """Keep refused rows (table.REJECTED shape) for the target's own publish."""
        ...

    @property
    def bytes(self) -> int:
        """Bytes given to storage so far; for progress."""
        ...

    def finish(self) -> Sequence[StagedFile]:
        """Close, make durable, and say what was left; afterwards the attempt never changes."""
        ...


class Destination(Protocol):
    """A system that tables are written to. It holds the truth: position, revision, plan and owner of every target."""

    def check(self) -> Iterator[CheckStep]: ...
    def inspect(self, target: Target) -> TargetState:
        """What is there. Changes nothing."""
        ...

    publish_seconds: float  # how long changes may be gathered before they are published, unless the user says otherwise
    keeps_unchanged: bool  # whether a mirror can leave a cell as it is there (Target.same)

    def settle(self, target: Target, keep: Collection[PlanId]) -> TargetState:
        """Finish what was decided, clean the staging of this workspace's dead plans (all but `keep`), and say what is there."""
        ...

    def stage(
        self, target: Target, part: PartId, *, attempt: Attempt, budget: Budget, kind: Kind = "load"
    ) -> AbstractContextManager[Stage]:
        """A stage for rows of `target.staged_schema(kind)`. Changes of one target are staged as one part, in their order."""
        ...

    def discard(self, target: Target, attempt: Attempt) -> None:
        """Drop everything staged under the attempt; not an error if there is nothing."""
        ...

    def publish(self, publications: Sequence[Publication]) -> Sequence[Published | AppError]:
        """Each target's new revision with its position, one act per target at least.

        A system with transactions publishes all that can be published in one; what cannot does not keep the others from it.
        Answers in the order given. Refused (UserError) if the target moved past `after`; StagedLost if staged data is gone. A
        target that already holds the publication's plan is answered with what it published then.
        """
        ...

    def sample(self, target: Target, *, limit: int, rejected: bool = False) -> pa.Table: ...


class Journal(Protocol):
    """Where the engine remembers; services give it, tests fake it. Every method is thread-safe and durable on return."""

    def plan(self, plan: Plan) -> None: ...
    def staged(self, plan: PlanId, job: JobId, results: Mapping[str, Staged | AppError]) -> None:
        """What a job gave for each of its routes (by RoutePlan.id)."""
        ...

    def published(self, plan: PlanId, table: int, route: str, outcome: Published | AppError) -> None: ...
