"""From a survey to the plan of a run, and whether a stored plan still says the same."""

import uuid
from collections.abc import Mapping
from dataclasses import replace

from dtaas_desktop.domain.plan import Plan, RoutePlan, TablePlan, fingerprint
from dtaas_desktop.domain.ports import Source
from dtaas_desktop.domain.table import Part, TableDescription, TableRef
from dtaas_desktop.domain.target import Attempt
from dtaas_desktop.domain.task import Task, TaskOptions
from dtaas_desktop.domain.task_file import to_json
from dtaas_desktop.engine.survey import Survey, SurveyedTable
from dtaas_desktop.engine.workers import processors

ROWS_PER_PART = 500_000
BYTES_PER_PART = 64 * 1024 * 1024
WORTH_SPLITTING = 100_000
MOST_PARTS = 1000


def reads_exactly(options: TaskOptions, source: Source) -> bool:
    """Whether everything read from this source in a run is one snapshot."""
    return source.exact_by_default if options.reading == "default" else options.reading == "one moment"


def make_plan(
    survey: Survey, sources: Mapping[str, Source], positions: Mapping[tuple[str, TableRef], str], *, workspace: str
) -> Plan:
    """The plan of a new run: parts, revisions and attempts of every table run. `workspace` begins the plan's id."""
    options = survey.task.options
    plan_id = f"{workspace}-{uuid.uuid4().hex}"
    tables = tuple(
        _table_plan(
            table,
            options,
            sources[table.connection],
            plan_id,
            positions.get((table.connection, table.description.table)),
        )
        for table in survey.tables
    )
    exact = any(reads_exactly(options, sources[table.connection]) for table in survey.tables)
    return Plan(plan_id, survey.task.uuid, design_hash(survey.task), exact, tables)


def design_hash(task: Task) -> str:
    """Equal for tasks that do the same: everything but the name and the place of nodes on the canvas."""
    nodes = tuple(replace(node, x=0.0, y=0.0) for node in task.design.nodes)
    return fingerprint(to_json(replace(task, name="-", design=replace(task.design, nodes=nodes))))


def same_work(stored: Plan, fresh: Plan) -> bool:
    """Whether `stored` may be resumed where `fresh` would be made now: the same design, tables, columns and formats."""

    def essence(plan: Plan) -> list[object]:
        return [
            (t.connection, t.table, t.source_schema, t.columns, t.key, [(r.id, r.steps, r.target) for r in t.routes])
            for t in plan.tables
        ]

    return stored.design_hash == fresh.design_hash and stored.exact == fresh.exact and essence(stored) == essence(fresh)


def _table_plan(table: SurveyedTable, options: TaskOptions, source: Source, plan_id: str, position: str | None) -> TablePlan:
    description = table.description
    parts = source.split(description, _parts_wanted(description, options), exact=reads_exactly(options, source))
    return TablePlan(
        connection=table.connection,
        table=description.table,
        source_schema=description.schema,
        columns=_columns_to_read(table, options),
        key=description.key,
        parts=tuple(parts) or (Part("0"),),
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
