"""From a survey to the plan of a load or of a change turn, and whether a stored plan still says the same."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from dtaas_desktop.domain.changes import Changes, Position
from dtaas_desktop.domain.plan import Plan, RoutePlan, TablePlan, fingerprint
from dtaas_desktop.domain.ports import Source
from dtaas_desktop.domain.schedule import Schedule
from dtaas_desktop.domain.table import Part, TableDescription, TableRef
from dtaas_desktop.domain.target import Attempt
from dtaas_desktop.domain.task import Task, TaskOptions
from dtaas_desktop.domain.task_file import to_json
from dtaas_desktop.engine.change_rows import images_of_columns
from dtaas_desktop.engine.survey import SurveyedRoute, SurveyedTable
from dtaas_desktop.engine.workers import processors

ROWS_PER_PART = 500_000
BYTES_PER_PART = 64 * 1024 * 1024
WORTH_SPLITTING = 100_000
MOST_PARTS = 1000
CHANGES_PART = "changes"

Positions = Mapping[tuple[str, TableRef], Position]  # by connection and table


@dataclass(frozen=True, slots=True)
class Planner:
    """Makes plans for one task. `workspace` begins the id of each plan."""

    task: Task
    sources: Mapping[str, Source]
    workspace: str

    def load(self, tables: Sequence[SurveyedTable], positions: Positions) -> Plan:
        """Read the tables whole: parts, revisions and attempts of every table run."""
        plan_id = self._new_id()
        exact = any(reads_exactly(self.task.options, self.sources[table.connection]) for table in tables)
        plans = [self._table_load(table, plan_id, positions.get((table.connection, table.description.table))) for table in tables]
        return Plan(plan_id, self.task.uuid, design_hash(self.task), exact, tuple(plans))

    def turn(self, tables: Sequence[SurveyedTable], upto: Positions) -> Plan:
        """Read what happened up to these positions. Routes that stand at different positions are read apart.

        A route without a position begins here: nothing is read for it, and its target gets the position.
        """
        plan_id = self._new_id()
        plans: list[TablePlan] = []
        for table in tables:
            end = upto[table.connection, table.description.table]
            by_position: dict[Position | None, list[SurveyedRoute]] = {}
            for route in table.routes:
                by_position.setdefault(route.state.position, []).append(route)
            for position, routes in by_position.items():
                changes = Changes(end if position is None else position, end)
                plans.append(self._table_turn(replace(table, routes=tuple(routes)), plan_id, changes))
        return Plan(plan_id, self.task.uuid, design_hash(self.task), True, tuple(plans))

    def _new_id(self) -> str:
        return f"{self.workspace}-{uuid.uuid4().hex}"

    def _table_load(self, table: SurveyedTable, plan_id: str, position: Position | None) -> TablePlan:
        description, source, options = table.description, self.sources[table.connection], self.task.options
        parts = source.split(description, _parts_wanted(description, options), exact=reads_exactly(options, source))
        return _table_plan(table, options, plan_id, tuple(parts) or (Part("0"),), position)

    def _table_turn(self, table: SurveyedTable, plan_id: str, changes: Changes) -> TablePlan:
        plan = _table_plan(table, self.task.options, plan_id, (Part(CHANGES_PART),), changes.upto)
        return replace(plan, changes=changes, rows_estimate=None, whole=_whole(table))


def reads_exactly(options: TaskOptions, source: Source) -> bool:
    """Whether everything read from this source in a load is one snapshot."""
    return source.exact_by_default if options.reading == "default" else options.reading == "one moment"


def design_hash(task: Task) -> str:
    """Equal for tasks that do the same: everything but the name, the schedule and the place of nodes on the canvas."""
    nodes = tuple(replace(node, x=0.0, y=0.0) for node in task.design.nodes)
    return fingerprint(to_json(replace(task, name="-", schedule=Schedule(), design=replace(task.design, nodes=nodes))))


def covers(stored: Plan, fresh: Plan) -> bool:
    """Whether `stored` may be resumed where `fresh` would be made now: the same design, columns and formats for all of its tables.

    `stored` may have more tables; they are no part of the run.
    """

    def essence(plan: Plan) -> dict[tuple[str, TableRef], object]:
        return {
            (t.connection, t.table): (t.source_schema, t.columns, t.key, t.kind, [(r.id, r.steps, r.target) for r in t.routes])
            for t in plan.tables
        }

    known = essence(stored)
    same = all(known.get(table) == work for table, work in essence(fresh).items())
    return stored.design_hash == fresh.design_hash and stored.exact == fresh.exact and same


def _table_plan(
    table: SurveyedTable, options: TaskOptions, plan_id: str, parts: tuple[Part, ...], position: Position | None
) -> TablePlan:
    description = table.description
    return TablePlan(
        connection=table.connection,
        table=description.table,
        source_schema=description.schema,
        columns=_columns_to_read(table, options),
        key=description.key,
        parts=parts,
        routes=tuple(
            RoutePlan(
                id=run.route.name,
                steps=run.route.steps,
                target=run.target,
                after=run.state.revision,
                attempt=Attempt(plan_id, uuid.uuid4().hex, run.state.revision + 1),
            )
            for run in table.routes
        ),
        position=position,
        rows_estimate=description.rows_estimate,
    )


def _parts_wanted(description: TableDescription, options: TaskOptions) -> int:
    rows, size = description.rows_estimate or 0, description.bytes_estimate or 0
    wanted = max(-(-rows // ROWS_PER_PART), -(-size // BYTES_PER_PART), 1)
    if rows >= WORTH_SPLITTING:
        wanted = max(wanted, options.parallel or processors())
    return min(wanted, MOST_PARTS)


def _columns_to_read(table: SurveyedTable, options: TaskOptions) -> tuple[str, ...]:
    names = tuple(column.name for column in table.description.columns)
    rejecting = "reject" in (options.cells.misfit, options.cells.oversize) or any(run.chain.may_reject for run in table.routes)
    if rejecting:
        return names  # a rejected row is kept whole
    unused = frozenset.intersection(*(run.chain.unused(table.description.schema) for run in table.routes))
    needed = tuple(name for name in names if name not in unused or name in table.description.key)
    return needed or names[:1]


def _whole(table: SurveyedTable) -> tuple[str, ...]:
    """Sparse columns of which some route needs the value even where it did not change: its steps look at it, or its target cannot
    keep what it has."""
    sparse = [column.name for column in table.description.columns if column.sparse]
    kept = [
        {origin for name, origin in images_of_columns(run.chain, table.description.schema).items() if name in run.target.same}
        for run in table.routes
    ]
    return tuple(name for name in sparse if not all(name in origins for origins in kept))
