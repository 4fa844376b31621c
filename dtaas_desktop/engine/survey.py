"""Looking before planning: which tables a task reaches, what each becomes, where it goes, and what speaks against it."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from pydantic import BaseModel

from dtaas_desktop.domain.design import Node, Route, routes
from dtaas_desktop.domain.errors import MissingColumn, UserError
from dtaas_desktop.domain.kinds import DestinationSettings, SourceSettings, settings_of
from dtaas_desktop.domain.ports import Destination, Source, Transform
from dtaas_desktop.domain.problems import Problem
from dtaas_desktop.domain.table import TableDescription, TableRef
from dtaas_desktop.domain.target import REJECTED_SUFFIX, Owner, Target, TargetState, same_name_key, target_name
from dtaas_desktop.domain.task import Task
from dtaas_desktop.domain.transform_settings import TransformSettings
from dtaas_desktop.engine.chain import Chain, build_chain
from dtaas_desktop.transforms import build


@dataclass(frozen=True, slots=True)
class Systems:
    """The opened systems of a task by connection name, and how to resolve a reference to a secret."""

    sources: Mapping[str, Source]
    destinations: Mapping[str, Destination]
    secret: Callable[[str], str]


@dataclass(frozen=True, slots=True)
class SurveyedRoute:
    """One table run to be: how its rows change, where they go, and what is there now."""

    route: Route
    chain: Chain
    target: Target
    state: TargetState


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


def survey(task: Task, systems: Systems, *, take_over: Collection[str] = ()) -> Survey:
    """Look at every table and target of a task whose design is valid. Changes nothing anywhere.

    `take_over` names targets whose foreign content or other owner the user accepts. What a user can mend becomes a problem; a
    system that cannot be reached raises.
    """
    problems: list[Problem] = []
    found: dict[tuple[str, TableRef], list[Route]] = {}
    for route in routes(task.design):
        settings = settings_of(route.source)
        assert isinstance(settings, SourceSettings)
        source = systems.sources[settings.connection]
        tables, unmatched = _chosen_tables(settings, source.tables())
        for pattern in unmatched:
            message = f"No table of “{settings.connection}” matches “{pattern}”."
            problem = Problem("error", message, route.source.id, "Correct the name, or remove it.")
            if problem not in problems:
                problems.append(problem)
        for table in tables:
            found.setdefault((settings.connection, table), []).append(route)

    surveyed: list[SurveyedTable] = []
    for (connection, table), table_routes in found.items():
        try:
            description = systems.sources[connection].describe(table)
        except UserError as error:
            problems.append(Problem("error", error.message, table_routes[0].source.id, error.remedy))
            continue
        runs = []
        for route in table_routes:
            try:
                runs.append(_surveyed_route(task, connection, description, route, systems))
            except UserError as error:
                problems.append(Problem("error", error.message, route.destination.id, error.remedy))
        if runs:
            surveyed.append(SurveyedTable(connection, description, tuple(runs)))
        problems.extend(Problem("warning", f"Table {table}: {note}", table_routes[0].source.id) for note in description.notes)
    problems.extend(_refusals(surveyed, take_over))
    return Survey(task, tuple(surveyed), tuple(problems))


def _chosen_tables(settings: SourceSettings, available: Sequence[TableRef]) -> tuple[list[TableRef], list[str]]:
    """The tables that the settings name, each once, and the names that match none."""
    chosen: dict[TableRef, None] = {}
    unmatched: list[str] = []
    excluded = {table for pattern in settings.exclude for table in _matching(pattern, available)}
    for pattern in settings.tables:
        matches = _matching(pattern, available)
        if not matches:
            unmatched.append(pattern)
        chosen.update((table, None) for table in matches if table not in excluded)
    chosen.update((TableRef(query.name, query=query.sql), None) for query in settings.queries)
    return list(chosen), unmatched


def _matching(pattern: str, available: Sequence[TableRef]) -> list[TableRef]:
    # A table may really be called “a*”: an exact name wins over a pattern, and exact case over any case.
    for wanted, fold in ((pattern, str), (pattern.casefold(), str.casefold)):
        exact = [table for table in available if wanted in (fold(table.name), fold(str(table)))]
        if exact:
            return exact
    regex = re.compile("".join({"*": ".*", "?": "."}.get(c, re.escape(c)) for c in pattern), re.IGNORECASE | re.DOTALL)
    return [table for table in available if regex.fullmatch(table.name) or regex.fullmatch(str(table))]


def _surveyed_route(task: Task, connection: str, description: TableDescription, route: Route, systems: Systems) -> SurveyedRoute:
    settings = settings_of(route.destination)
    assert isinstance(settings, DestinationSettings)
    chain = chain_of(route.steps, description, secret=systems.secret)
    schema = chain.output_schema(description.schema)
    if not schema.names:
        raise UserError(f"Table {description.table}: no column is left to write.", remedy="Keep at least one column.")
    repeated = sorted({name for name in schema.names if schema.names.count(name) > 1})
    if repeated:
        raise UserError(
            f"Table {description.table}: the column name “{repeated[0]}” comes twice.",
            remedy="Rename one of the columns.",
        )
    target = Target(
        connection=settings.connection,
        name=target_name(settings.name, description.table, connection=connection, task=task.name),
        schema=schema.remove_metadata(),
        key=_key_images(chain, description),
        write_mode=settings.write_mode,
        owner=Owner(task.uuid, str(description.table), route.destination.id),
        files=settings.files,
    )
    return SurveyedRoute(route, chain, target, systems.destinations[settings.connection].inspect(target))


def chain_of(nodes: Sequence[Node], description: TableDescription, *, secret: Callable[[str], str]) -> Chain:
    """The transformations of `nodes` that apply to this table."""
    steps: list[tuple[str, str, BaseModel]] = []
    for node in nodes:
        settings = settings_of(node)
        assert isinstance(settings, TransformSettings)
        if not settings.tables or any(_matching(pattern, [description.table]) for pattern in settings.tables):
            steps.append((node.title or node.id, node.kind, settings))

    def build_step(kind: str, settings: BaseModel) -> Transform:
        return build(kind, settings, secret=secret)

    def skips(settings: BaseModel, _: MissingColumn) -> bool:
        return isinstance(settings, TransformSettings) and settings.missing_column == "skip"

    return build_chain(
        steps, description.schema, table=str(description.table), key=description.key, build=build_step, skips=skips
    )


def _key_images(chain: Chain, description: TableDescription) -> tuple[str, ...]:
    """The source key's columns under their names at the target; empty if any of them does not arrive one-to-one."""
    names = list(description.key)
    schema = description.schema
    for step in chain.steps:
        lineage = step.transform.lineage(schema)
        images = {inputs[0]: output for output, inputs in lineage.inputs.items() if output in lineage.distinct}
        if any(name not in images for name in names):
            return ()
        names = [images[name] for name in names]
        schema = step.transform.output_schema(schema)
    return tuple(names)


def _refusals(tables: Sequence[SurveyedTable], take_over: Collection[str]) -> Iterator[Problem]:
    """Targets that two table runs share, that belong to somebody else, or that cannot take these columns."""
    taken: dict[tuple[str, str], tuple[str, str]] = {}
    for table in tables:
        for run in table.routes:
            target, node = run.target, run.route.destination.id
            for name in (target.name, target.name + REJECTED_SUFFIX):
                place = (target.connection, same_name_key(name))
                label = (str(table.description.table), name)
                if place in taken and taken[place] != label:
                    other_table, other_name = taken[place]
                    yield Problem(
                        "error",
                        f"Tables {other_table} and {label[0]} would both be written to “{other_name}” in “{target.connection}”.",
                        node,
                        "Make the names differ by more than case, for example with the destination's name template.",
                    )
                    break
                if place in taken:
                    yield Problem(
                        "error",
                        f"Two routes would write table {label[0]} to “{name}” in “{target.connection}”.",
                        node,
                        "Give one destination another name.",
                    )
                    break
                taken[place] = label
            yield from _owner_problem(run, take_over)
            yield from _append_problem(run)


def _owner_problem(run: SurveyedRoute, take_over: Collection[str]) -> Iterator[Problem]:
    target, state = run.target, run.state
    if target.name in take_over:
        return
    remedy = f"Choose another name or place, or allow it once with --take-over “{target.name}”."
    if state.foreign:
        message = f"“{target.name}” in “{target.connection}” already holds something that this application did not write."
        yield Problem("error", message, run.route.destination.id, remedy)
    elif state.owner is not None and state.owner != target.owner:
        whose = (
            "another task" if state.owner.task != target.owner.task else f"table {state.owner.table} at node “{state.owner.node}”"
        )
        message = f"“{target.name}” in “{target.connection}” belongs to {whose}."
        yield Problem("error", message, run.route.destination.id, remedy)


def _append_problem(run: SurveyedRoute) -> Iterator[Problem]:
    target, state = run.target, run.state
    if target.write_mode != "append" or state.schema is None or state.schema.equals(target.schema):
        return
    before = {field.name: str(field.type) for field in state.schema}
    now = {field.name: str(field.type) for field in target.schema}
    changed = sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
    if not changed:
        return  # only the order of the columns, or whether they may be empty
    yield Problem(
        "error",
        f"“{target.name}” was published with other columns; appending needs the same: {', '.join(changed[:10])} differ.",
        run.route.destination.id,
        "Bring the columns back into the old shape, use “replace”, or choose another name.",
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
