"""Looking at a connection before anything is moved: does it work, what tables are there, what do their rows look like.

Everything takes a Connection as a value: it need not be saved. `secret` resolves references to secrets.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain

import pyarrow as pa
from sqlalchemy import func, select

from dtaas_desktop.connectors.registry import means as connection_means
from dtaas_desktop.connectors.registry import open_destination, open_source
from dtaas_desktop.domain.connection import CONNECTION_KINDS, CheckStep, Connection
from dtaas_desktop.domain.errors import AppError
from dtaas_desktop.domain.ports import HoldsDatabases, conversation_with
from dtaas_desktop.domain.table import CellPolicy, Part, TableDescription, TableRef
from dtaas_desktop.domain.table_names import by_schema
from dtaas_desktop.domain.task import Task
from dtaas_desktop.services import records
from dtaas_desktop.services.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Sample:
    """The first rows of a table. `nulled` cells did not fit their column's type and are NULL here."""

    rows: pa.Table
    nulled: int = 0


@dataclass(frozen=True, slots=True)
class Contents:
    """What is in a source: its tables by schema, and the databases of the same server, if it has several."""

    tables: tuple[TableRef, ...]
    databases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WrittenTarget:
    """What a task wrote to a destination last. `at` is in seconds since 1970; `run` is the id of the run."""

    name: str
    task: str
    task_name: str
    run: str
    rows: int
    at: float
    revision: int
    location: str


def check(connection: Connection, *, workspace: str, secret: Callable[[str], str]) -> Iterator[CheckStep]:
    """The steps of *Test*, each as soon as it is done. Settings that do not fit are a step that fails; a name is not needed."""
    try:
        kind = CONNECTION_KINDS.get(connection.kind)
        roles = kind.roles if kind is not None else frozenset({"source"})  # an unknown one is refused when it is opened
        steps: list[Iterator[CheckStep]] = []
        if "source" in roles:
            steps.append(open_source(connection, secret=secret).check())
        if "destination" in roles:
            steps.append(open_destination(connection, workspace=workspace).check())
        for step in chain.from_iterable(steps):
            # A file or folder has one setting that decides everything.
            in_path = not step.ok and not step.fields and kind is not None and "path" in kind.settings.model_fields
            yield replace(step, fields=("path",)) if in_path else step
    except AppError as error:
        yield CheckStep("The test could go on", False, error.message, error.remedy)


def means(kind: str, settings: Mapping[str, object]) -> str:
    """What connections of this kind are made with on this computer, as a sentence or nothing. The settings need not be complete."""
    return connection_means(kind, settings)


def contents(connection: Connection, *, secret: Callable[[str], str]) -> Contents:
    """The tables and views of a source, and what other databases there are."""
    source = open_source(connection, secret=secret)
    databases: Sequence[str] = ()
    with conversation_with(source):
        found = by_schema(source.tables())
        if isinstance(source, HoldsDatabases):
            with suppress(AppError):  # only a convenience, which some servers do not grant
                databases = source.databases()
    return Contents(found, tuple(databases))


def describe(connection: Connection, table: TableRef, *, secret: Callable[[str], str]) -> TableDescription:
    """Columns, key, sizes and what the user should know of a table of a source."""
    return open_source(connection, secret=secret).describe(table)


def sample_source(connection: Connection, table: TableRef, limit: int = 100, *, secret: Callable[[str], str]) -> Sample:
    """The first rows of a table as the source gives them; only they are read."""
    source = open_source(connection, secret=secret)
    described = source.describe(table)
    batches: list[pa.RecordBatch] = []
    wanted, nulled = limit, 0
    names = [column.name for column in described.columns]
    cells = CellPolicy(misfit="null", oversize="reject")
    with (
        source.session([table], exact=False) as session,
        session.read(described, Part("first", most=limit), columns=names, cells=cells) as stream,
    ):
        for rows in stream:
            batches.append(rows.batch.slice(0, wanted))
            nulled += rows.nulled
            wanted -= rows.batch.num_rows
            if wanted <= 0:
                stream.cancel()
                break
    schema = batches[0].schema if batches else described.schema
    return Sample(pa.Table.from_batches(batches, schema=schema), nulled)


def used_by(tasks: Sequence[Task]) -> Mapping[str, tuple[Task, ...]]:
    """For each connection that the tasks' designs name, the tasks that do, in the order given."""
    found: dict[str, list[Task]] = {}
    for task in tasks:
        names = {str(node.settings.get("connection", "")) for node in task.design.nodes}
        for name in names - {""}:
            found.setdefault(name, []).append(task)
    return {name: tuple(users) for name, users in found.items()}


def written_targets(workspace: Workspace, connection: str) -> list[WrittenTarget]:
    """What tasks of this workspace have written to a destination, newest first: one entry per target and task."""
    written, runs = records.table_runs, records.runs
    place = func.row_number().over(partition_by=(runs.c.task, written.c.target), order_by=written.c.began_at.desc())
    newest = (
        select(
            written.c.target,
            written.c.run,
            written.c.rows_written,
            written.c.began_at,
            written.c.as_of,
            written.c.revision,
            written.c.location,
            runs.c.task,
            runs.c.task_name,
            runs.c.finished_at,
            place.label("place"),
        )
        .join(runs, runs.c.id == written.c.run)
        .where(written.c.connection == connection, written.c.revision.is_not(None))
        .subquery()
    )
    wanted = select(newest).where(newest.c.place == 1).order_by(newest.c.began_at.desc(), newest.c.target)
    with workspace.database.reading() as reading:
        return [
            WrittenTarget(
                row.target,
                row.task,
                row.task_name,
                row.run,
                row.rows_written,
                row.finished_at or row.began_at,
                row.revision,
                row.location,
            )
            for row in reading.execute(wanted)
        ]
