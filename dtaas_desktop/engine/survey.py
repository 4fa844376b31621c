"""Looking before planning: which tables a task reaches, what each becomes, where it goes, and what speaks against it."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
from pydantic import BaseModel

from dtaas_desktop.domain.changes import Kind
from dtaas_desktop.domain.design import Node, Route, routes
from dtaas_desktop.domain.errors import AppError, MissingColumn, PositionLost, UserError
from dtaas_desktop.domain.kinds import DestinationSettings, SourceSettings, settings_of
from dtaas_desktop.domain.plan import fingerprint
from dtaas_desktop.domain.ports import Transform
from dtaas_desktop.domain.problems import Problem
from dtaas_desktop.domain.table import TableDescription, TableRef
from dtaas_desktop.domain.table_names import matching
from dtaas_desktop.domain.target import Owner, Target, TargetState, target_name
from dtaas_desktop.domain.task import Task
from dtaas_desktop.domain.transform_settings import TransformSettings
from dtaas_desktop.engine.chain import Chain, Step, build_chain
from dtaas_desktop.engine.change_rows import images_of_columns
from dtaas_desktop.engine.drift import Drift, Shape, drift
from dtaas_desktop.engine.key_path import KeyPath
from dtaas_desktop.engine.refusals import mode_problems, target_problems
from dtaas_desktop.engine.systems import Systems
from dtaas_desktop.transforms import build
from dtaas_desktop.transforms.conform import Conform


@dataclass(frozen=True, slots=True)
class SurveyedRoute:
    """One table run to be: how its rows change, where they go, and what is there now.

    `due` is what has to happen next: the table is to be read whole, or its changes; an error says why neither can be.
    """

    route: Route
    chain: Chain
    target: Target
    state: TargetState
    settings: DestinationSettings
    drift: Drift
    due: Kind | AppError = "load"


@dataclass(frozen=True, slots=True)
class SurveyedTable:
    """A source table, read once for all its routes."""

    connection: str
    description: TableDescription
    routes: tuple[SurveyedRoute, ...]


@dataclass(frozen=True, slots=True)
class Survey:
    """What a task would do. `problems` of severity error forbid it."""

    task: Task
    tables: tuple[SurveyedTable, ...]
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.severity == "error")


def survey(
    task: Task,
    systems: Systems,
    *,
    take_over: Collection[str] = (),
    reload: Collection[str] = (),
    only: Collection[str] = (),
) -> Survey:
    """Look at every table and target of a task whose design is valid. Changes nothing anywhere.

    `take_over` names targets whose foreign content or other owner the user accepts, `reload` tables (names or patterns) that are to
    be read whole, `only` the tables to look at, if not all. What a user can mend becomes a problem; a system that cannot be reached
    raises.
    """
    problems: list[Problem] = []
    surveyed: list[SurveyedTable] = []
    tables = _tables_of(task, systems, problems)
    for patterns, purpose in ((reload, "read again"), (only, "run alone")):
        for pattern in patterns:
            if not matching(pattern, [table for _, table in tables]):
                message = f"No table of task “{task.name}” matches “{pattern}”, which is to be {purpose}."
                problems.append(Problem("error", message, remedy="Correct the name."))
    if only:
        named = {table for pattern in only for table in matching(pattern, [table for _, table in tables])}
        tables = {place: of_table for place, of_table in tables.items() if place[1] in named}
    for (connection, table), table_routes in tables.items():
        asked = any(matching(pattern, [table]) for pattern in reload)
        look = _Look(task, systems, connection, table, asked)
        try:
            found = look.table(table_routes, problems)
        except UserError as error:
            problems.append(Problem("error", error.message, table_routes[0].source.id, error.remedy))
            continue
        if found.routes:
            surveyed.append(found)
        notes = found.description.notes
        problems.extend(Problem("warning", f"Table {table}: {note}", table_routes[0].source.id) for note in notes)
    problems.extend(target_problems([run for table in surveyed for run in table.routes], take_over))
    return Survey(task, tuple(surveyed), tuple(problems))


def source_tables(task: Task, systems: Systems) -> dict[str, list[TableRef]]:
    """The tables that the task's design names, by connection. Raises UserError for a name that matches none."""
    problems: list[Problem] = []
    found: dict[str, list[TableRef]] = {}
    for connection, ref in _tables_of(task, systems, problems):
        found.setdefault(connection, []).append(ref)
    if problems:
        raise UserError(problems[0].message, remedy=problems[0].remedy)
    return found


def _tables_of(task: Task, systems: Systems, problems: list[Problem]) -> dict[tuple[str, TableRef], list[Route]]:
    """Every table that the design names, by connection, with the routes that start there."""
    found: dict[tuple[str, TableRef], list[Route]] = {}
    for route in routes(task.design):
        settings = settings_of(route.source)
        assert isinstance(settings, SourceSettings)
        tables, unmatched = _chosen_tables(settings, systems.sources[settings.connection].tables())
        for pattern in unmatched:
            message = f"No table of “{settings.connection}” matches “{pattern}”."
            problem = Problem("error", message, route.source.id, "Correct the name, or remove it.")
            if problem not in problems:
                problems.append(problem)
        for table in tables:
            found.setdefault((settings.connection, table), []).append(route)
    return found


def _chosen_tables(settings: SourceSettings, available: Sequence[TableRef]) -> tuple[list[TableRef], list[str]]:
    """The tables that the settings name, each once, and the names that match none."""
    chosen: dict[TableRef, None] = {}
    unmatched: list[str] = []
    excluded = {table for pattern in settings.exclude for table in matching(pattern, available)}
    for pattern in settings.tables:
        matches = matching(pattern, available)
        if not matches:
            unmatched.append(pattern)
        chosen.update((table, None) for table in matches if table not in excluded)
    chosen.update((TableRef(query.name, query=query.sql), None) for query in settings.queries)
    return list(chosen), unmatched


@dataclass(frozen=True, slots=True)
class _Look:
    """A look at one table and the targets of its routes. `reload`: the user wants it read whole."""

    task: Task
    systems: Systems
    connection: str
    ref: TableRef
    reload: bool

    def table(self, table_routes: Sequence[Route], problems: list[Problem]) -> SurveyedTable:
        source = self.systems.sources[self.connection]
        description = source.describe(self.ref)
        runs: list[SurveyedRoute] = []
        for route in table_routes:
            try:
                runs.append(self._route(description, route))
            except UserError as error:
                problems.append(Problem("error", error.message, route.destination.id, error.remedy))
        published = next((run.state.source for run in runs if run.due != "load" and run.state.source is not None), None)
        if published is not None and not _same_types(description, published):
            # Where the source declares no type, rows that came since must not change what was published.
            pinned = source.describe(self.ref, published=published)
            if pinned != description:
                description, runs = pinned, [self._route(pinned, run.route) for run in runs]
        for run in runs:
            problems.extend(mode_problems(self.task, source, description, run))
        return SurveyedTable(self.connection, description, tuple(runs))

    def _route(self, description: TableDescription, route: Route) -> SurveyedRoute:
        settings = settings_of(route.destination)
        assert isinstance(settings, DestinationSettings)
        destination = self.systems.destinations[settings.connection]
        chain = chain_of(route.steps, description, secret=self.systems.secret)
        schema = _checked_schema(chain, description)
        target = Target(
            connection=settings.connection,
            name=target_name(settings.name, description.table, connection=self.connection, task=self.task.name),
            schema=schema,
            key=KeyPath(chain, description.schema, schema).names(),
            write_mode=settings.write_mode,
            owner=Owner(self.task.uuid, str(description.table), route.destination.id),
            files=settings.files,
            deletes=settings.deletes,
            steps=_steps_name(route.steps, settings),
            source=description.schema.remove_metadata(),
        )
        state = destination.inspect(target)
        due = self._due(target, state)
        found = self._drift(Shape(description, chain, target.key), target, state, due)
        if found.reload and due == "changes":
            if self.task.options.loads_first:
                due = "load"
                found = replace(self._drift(Shape(description, chain, target.key), target, state, due), reload=found.reload)
            else:
                due = _lost(target, f"{found.reload}, so that changes alone do not bring it up to date")
        if found.refused is not None:
            due = found.refused
        if not found.schema.equals(schema):
            chain = replace(chain, steps=(*chain.steps, Step("the target's columns", Conform(found.schema))))
        target = replace(target, schema=found.schema, renamed=found.renamed)
        if destination.keeps_unchanged and target.write_mode == "mirror":
            target = replace(target, same=_sparse_images(chain, description, target))
        return SurveyedRoute(route, chain, target, state, settings, found, due)

    def _due(self, target: Target, state: TargetState) -> Kind | AppError:
        transfer = self.task.options.transfer
        if transfer == "full load" or self.reload:
            return "load"
        if state.foreign or state.revision == 0:
            return "load" if self.task.options.loads_first else "changes"
        if state.position is None:
            if self.task.options.loads_first:
                return "load"
            return _lost(target, "it was published without a position in the source's changes")
        if state.harm:
            return _lost(target, state.harm)
        if state.steps != target.steps:
            return _lost(target, "its transformations or its write mode have changed since it was published")
        return "changes"

    def _drift(self, now: Shape, target: Target, state: TargetState, due: Kind | AppError) -> Drift:
        changes = due == "changes"
        swapped = target.write_mode == "replace" or (target.write_mode == "mirror" and target.deletes == "hard")
        if isinstance(due, AppError):
            return Drift(now.schema)
        return drift(now, state, policy=self.task.options.drift, keeps=changes or not swapped, changes=changes)


def _lost(target: Target, reason: str) -> PositionLost:
    return PositionLost(
        f"“{target.name}” in “{target.connection}” must be read again: {reason}.",
        remedy=f"Make a full reload of “{target.owner.table}”.",
    )


def _checked_schema(chain: Chain, description: TableDescription) -> pa.Schema:
    schema = chain.output_schema(description.schema).remove_metadata()
    if not schema.names:
        raise UserError(f"Table {description.table}: no column is left to write.", remedy="Keep at least one column.")
    repeated = sorted({name for name in schema.names if schema.names.count(name) > 1})
    if repeated:
        raise UserError(
            f"Table {description.table}: the column name “{repeated[0]}” comes twice.",
            remedy="Rename one of the columns.",
        )
    return schema


def _steps_name(steps: Sequence[Node], settings: DestinationSettings) -> str:
    """A short name for what makes a target's rows what they are: equal for equal work."""
    content = [[node.kind, dict(node.settings)] for node in steps] + [settings.write_mode, settings.deletes]
    return fingerprint(json.dumps(content, sort_keys=True))


def _sparse_images(chain: Chain, description: TableDescription, target: Target) -> tuple[str, ...]:
    sparse = {column.name for column in description.columns if column.sparse} - chain.looked_at(description.schema)
    images = images_of_columns(chain, description.schema)
    return tuple(name for name in target.schema.names if images.get(name) in sparse and name not in target.key)


def _same_types(description: TableDescription, published: pa.Schema) -> bool:
    known = {field.name: field.type for field in published}
    return all(known.get(column.name, column.type) == column.type for column in description.columns)


def chain_of(nodes: Sequence[Node], description: TableDescription, *, secret: Callable[[str], str]) -> Chain:
    """The transformations of `nodes` that apply to this table."""
    steps: list[tuple[str, str, BaseModel]] = []
    for node in nodes:
        settings = settings_of(node)
        assert isinstance(settings, TransformSettings)
        if not settings.tables or any(matching(pattern, [description.table]) for pattern in settings.tables):
            steps.append((node.title or node.id, node.kind, settings))

    def build_step(kind: str, settings: BaseModel) -> Transform:
        return build(kind, settings, secret=secret)

    def skips(settings: BaseModel, _: MissingColumn) -> bool:
        return isinstance(settings, TransformSettings) and settings.missing_column == "skip"

    return build_chain(
        steps, description.schema, table=str(description.table), key=description.key, build=build_step, skips=skips
    )


def with_states(surveyed: Survey, states: Mapping[tuple[str, str], TargetState]) -> Survey:
    """The survey with newer states of its targets, by (connection, target name)."""
    return replace(
        surveyed,
        tables=tuple(
            replace(table, routes=tuple(replace(r, state=states[r.target.connection, r.target.name]) for r in table.routes))
            for table in surveyed.tables
        ),
    )
