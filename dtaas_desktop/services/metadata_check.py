"""*Test* of a place for the metadata: each step says what was tried, and what to do if it failed."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
from sqlalchemy import Connection, Table, func, inspect, select, text

from dtaas_desktop.domain.connection import CheckStep
from dtaas_desktop.domain.errors import AppError, TransientError
from dtaas_desktop.services import records
from dtaas_desktop.services.database import REVISIONS, Database, is_foreign
from dtaas_desktop.services.metadata_place import SQLITE_FILE, MetadataSettings, identity, load_place, server_of
from dtaas_desktop.services.postgresql_database import PostgreSQLServer, postgresql_database, usable_or_why
from dtaas_desktop.services.sqlite_database import sqlite_database

_OTHER = "Choose another database for the metadata."


def check(folder: Path, place: MetadataSettings) -> Iterator[CheckStep]:
    """The steps; none changes anything. Ends at the first that fails."""
    try:
        yield from _sqlite(folder) if place.kind == "sqlite" else _postgresql(folder, place)
    except AppError as error:
        yield CheckStep("Look into the database", ok=False, detail=error.message, remedy=error.remedy)


def _sqlite(folder: Path) -> Iterator[CheckStep]:
    file = folder / SQLITE_FILE
    if not file.exists():
        yield CheckStep("Open the file", ok=True, detail=f"{file} will be made.")
        return
    database = sqlite_database(file)
    try:
        with database.reading() as connection:
            yield CheckStep("Open the file", ok=True, detail=str(file))
            yield _contents(folder, connection)
    finally:
        database.close()


def _postgresql(folder: Path, place: MetadataSettings) -> Iterator[CheckStep]:
    try:
        server = server_of(folder, place)
    except AppError as error:
        yield CheckStep("Read the password", ok=False, detail=error.message, remedy=error.remedy, fields=("password",))
        return
    if place.password:
        yield CheckStep("Read the password", ok=True)
    try:
        session = server.connect()
    except psycopg.Error as error:
        yield from _refused(server, server.explained(error))
        return
    with session:
        user, version = session.info.user, session.info.server_version
        encoding = session.info.parameter_status("server_encoding")
    yield CheckStep("Reach the server", ok=True, detail=server.address.server)
    yield CheckStep("Sign in", ok=True, detail=f"As “{user}”.")
    why = usable_or_why(version, encoding)
    yield CheckStep(
        "Look at its version", ok=not why, detail=why or f"PostgreSQL {version // 10_000}", remedy=_OTHER if why else ""
    )
    if why:
        return
    database = postgresql_database(server)
    try:
        yield from _inside(folder, database)
    finally:
        database.close()


def _refused(server: PostgreSQLServer, error: AppError) -> Iterator[CheckStep]:
    reached = not isinstance(error, TransientError)
    yield CheckStep(
        "Reach the server",
        ok=reached,
        detail=server.address.server if reached else error.message,
        remedy="" if reached else error.remedy,
        fields=("url",),
    )
    if reached:
        yield CheckStep("Sign in", ok=False, detail=error.message, remedy=error.remedy, fields=("url", "password"))


def _inside(folder: Path, database: Database) -> Iterator[CheckStep]:
    with database.reading() as connection:
        schema, may_create = connection.execute(
            text("SELECT current_schema(), has_schema_privilege(current_schema(), 'CREATE')")
        ).one()
        yield CheckStep(
            "Make tables",
            ok=bool(may_create),
            detail=f"In the schema “{schema}”." if may_create else "The user may not make tables there.",
            remedy=""
            if may_create
            else f"Have the right given: GRANT USAGE, CREATE ON SCHEMA {schema or 'public'} TO the user of the address.",
        )
        if may_create:
            yield _contents(folder, connection)


def _contents(folder: Path, connection: Connection) -> CheckStep:
    """Whether there is nothing, ours, or something else. An upgrade that is due is no obstacle: opening makes it."""
    title = "Look into the database"
    tables = set(inspect(connection).get_table_names())
    if not tables:
        return CheckStep(title, ok=True, detail="It is empty.")
    if is_foreign(tables):
        return CheckStep(title, ok=False, detail="It holds tables of another application.", remedy=_OTHER)
    revision = connection.execute(text("SELECT max(version_num) FROM alembic_version")).scalar()
    if revision not in REVISIONS:
        detail = f"A newer version of this application made it (revision {revision})."
        return CheckStep(title, ok=False, detail=detail, remedy="Update the application, or choose another database.")
    found = f"{_many(connection, records.tasks, 'task')} and {_many(connection, records.runs, 'run')}"
    if identity(connection) == _own_identity(folder):
        return CheckStep(title, ok=True, detail=f"It holds metadata of this workspace: {found}.")
    return CheckStep(
        title,
        ok=True,
        detail=f"It holds the metadata of another workspace: {found}. They can be used from here, but not be mixed with those of here.",
    )


def _many(connection: Connection, table: Table, what: str) -> str:
    count = connection.execute(select(func.count()).select_from(table)).scalar() or 0
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _own_identity(folder: Path) -> str | None:
    """The id of the workspace as it is now; None if it has none yet or its place does not answer."""
    try:
        place = load_place(folder)
        if place.kind == "sqlite" and not (folder / SQLITE_FILE).exists():
            return None
        database = (
            sqlite_database(folder / SQLITE_FILE) if place.kind == "sqlite" else postgresql_database(server_of(folder, place))
        )
        try:
            with database.reading() as connection:
                return identity(connection) if inspect(connection).has_table(records.settings.name) else None
        finally:
            database.close()
    except AppError:
        return None
