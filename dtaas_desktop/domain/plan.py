"""The plan of a run: decided and stored before the first row is read, followed to the letter by a resume."""

import hashlib
from dataclasses import dataclass, field

from pydantic import TypeAdapter

from dtaas_desktop.domain.arrow_json import ArrowSchema
from dtaas_desktop.domain.changes import Changes, Kind, Position
from dtaas_desktop.domain.design import Node
from dtaas_desktop.domain.table import Part, PartId, TableRef
from dtaas_desktop.domain.target import Attempt, PlanId, Staged, Target


@dataclass(frozen=True, slots=True)
class JobId:
    """One part of one planned table: what a worker does at a time."""

    table: int
    part: PartId


@dataclass(frozen=True, slots=True)
class RoutePlan:
    """One table run: the transformations in order, the target, and the revision the target had when this was planned.

    `done`: the target already held this plan's work when a resume looked.
    """

    id: str
    steps: tuple[Node, ...]
    target: Target
    after: int
    attempt: Attempt


@dataclass(frozen=True, slots=True)
class TablePlan:
    """One source table: read once for all its routes, in `parts` or, in a change turn, its `changes` as one part.

    `position` is what the targets hold afterwards; None where the source captures no changes.
    """

    connection: str
    table: TableRef
    source_schema: ArrowSchema
    columns: tuple[str, ...]
    key: tuple[str, ...]
    parts: tuple[Part, ...]
    routes: tuple[RoutePlan, ...]
    position: Position | None = None
    rows_estimate: int | None = None
    changes: Changes | None = None
    whole: tuple[str, ...] = ()  # columns whose unchanged values the source has to fetch

    @property
    def kind(self) -> Kind:
        return "load" if self.changes is None else "changes"


@dataclass(frozen=True, slots=True)
class Plan:
    """What one run will do. `exact`: all reads are one snapshot, so a resume starts it again from the beginning."""

    id: PlanId
    task: str
    design_hash: str
    exact: bool
    tables: tuple[TablePlan, ...]


@dataclass(frozen=True, slots=True)
class Progress:
    """What is already done of a stored plan: staged parts by table and route, and routes that were published."""

    staged: tuple[tuple[JobId, str, Staged], ...] = field(default=())
    published: frozenset[tuple[int, str]] = frozenset()  # (table index, route id)

    def of(self, table: int, route: str) -> dict[PartId, Staged]:
        """The staged parts of one table run."""
        return {job.part: staged for job, known, staged in self.staged if job.table == table and known == route}


@dataclass(frozen=True, slots=True)
class Resume:
    """A stored plan and what is done of it."""

    plan: Plan
    progress: Progress

    @property
    def is_load(self) -> bool:
        return all(table.kind == "load" for table in self.plan.tables)


_PLAN = TypeAdapter(Plan)
_STAGED = TypeAdapter(Staged)


def plan_to_json(plan: Plan) -> str:
    return _PLAN.dump_json(plan).decode()


def plan_from_json(text: str) -> Plan:
    """Inverse of `plan_to_json`; ValueError for anything else."""
    return _PLAN.validate_json(text)


def staged_to_json(staged: Staged) -> str:
    return _STAGED.dump_json(staged).decode()


def staged_from_json(text: str) -> Staged:
    """Inverse of `staged_to_json`; ValueError for anything else."""
    return _STAGED.validate_json(text)


def fingerprint(text: str) -> str:
    """A short, stable name for a design or a format: equal texts, equal names."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]
