"""Where the metadata of a workspace are: a SQLite file in its folder, or the PostgreSQL database that its workspace.json names."""

import json
import os
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from sqlalchemy import Connection, delete, func, insert, select, text

from dtaas_desktop.domain.connection import CheckStep
from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.kinds import first_mistake
from dtaas_desktop.domain.secret_ref import SecretRef
from dtaas_desktop.services import records
from dtaas_desktop.services.database import Database
from dtaas_desktop.services.secrets import resolve_without_metadata
from dtaas_desktop.services.sqlite_database import open_sqlite

if TYPE_CHECKING:
    from dtaas_desktop.services.postgresql_database import PostgreSQLServer
    from dtaas_desktop.services.workspace import Workspace

FILE = "workspace.json"
SQLITE_FILE = "metadata.sqlite"
_ROWS_AT_ONCE = 1000


class MetadataSettings(BaseModel):
    """The place of the metadata. The address never holds a password."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True)

    kind: Literal["sqlite", "postgresql"] = Field(
        "sqlite",
        title="Kept in",
        description="A SQLite file in the workspace, or a PostgreSQL database that several machines can use.",
        json_schema_extra={"words": {"sqlite": "A SQLite file in the workspace", "postgresql": "A PostgreSQL database"}},
    )
    url: str = Field(
        "",
        title="Address",
        description="postgresql://user@host:port/database, without a password; ?sslmode=require and the like may follow.",
        json_schema_extra={"when": {"kind": "postgresql"}, "placeholder": "postgresql://user@host:5432/database"},
    )
    password: SecretRef = Field(
        "",
        title="Password",
        description="Empty: what the server or a .pgpass file knows.",
        json_schema_extra={"secret": True, "stores": ["keyring", "file"], "when": {"kind": "postgresql"}},
    )

    @field_validator("password")
    @classmethod
    def _outside(cls, value: str) -> str:
        if value.startswith("local:"):
            raise ValueError("it cannot be kept in the database that it opens: use env:, file: or keyring:")
        return value

    @model_validator(mode="after")
    def _addressed(self) -> "MetadataSettings":
        if self.kind == "postgresql":
            from dtaas_desktop.services.postgresql_address import parsed

            parsed(self.url)
        return self


def load_place(folder: Path) -> MetadataSettings:
    """The place that the workspace in this folder uses. Raises UserError if workspace.json cannot be read."""
    file = folder / FILE
    try:
        content = json.loads(file.read_bytes())
        return MetadataSettings.model_validate(content["metadata"])
    except FileNotFoundError:
        return MetadataSettings()
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror}.", remedy="Check its permissions.") from None
    except ValidationError as error:
        raise UserError(f"{file} does not fit: {first_mistake(error)}.", remedy="Correct it.") from None
    except (ValueError, KeyError, TypeError):
        raise UserError(
            f"{file} is damaged.", remedy='Restore it; {"metadata": {"kind": "sqlite"}} stands for the file in the workspace.'
        ) from None


def save_place(folder: Path, place: MetadataSettings) -> None:
    """Let the workspace in this folder use this place from its next opening on. All or nothing."""
    content = {"metadata": place.model_dump(exclude_defaults=True) | {"kind": place.kind}}
    fresh = folder / f"{FILE}.{uuid.uuid4().hex}"
    try:
        with fresh.open("w", encoding="utf-8") as opened:
            json.dump(content, opened, indent=2, ensure_ascii=False)
            opened.write("\n")
            opened.flush()
            os.fsync(opened.fileno())
        fresh.replace(folder / FILE)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise UserError(f"{folder / FILE} cannot be written: {error.strerror}.", remedy="Check the folder.") from None


def server_of(folder: Path, place: MetadataSettings) -> "PostgreSQLServer":
    """The server of a place in PostgreSQL. Raises UserError if its password cannot be had."""
    # Here and not above: a workspace with a SQLite file need not load the driver.
    from dtaas_desktop.services.postgresql_address import parsed
    from dtaas_desktop.services.postgresql_database import PostgreSQLServer

    password = resolve_without_metadata(place.password, folder) if place.password else ""
    return PostgreSQLServer(parsed(place.url), password)


def open_place(folder: Path, place: MetadataSettings) -> Database:
    """The metadata database at this place, made or upgraded as needed. Raises AppError if it cannot be used."""
    if place.kind == "sqlite":
        return open_sqlite(folder / SQLITE_FILE)
    from dtaas_desktop.services.postgresql_database import open_postgresql

    return open_postgresql(server_of(folder, place))


def check_place(folder: Path, place: MetadataSettings) -> Iterator[CheckStep]:
    """Try a place step by step without changing anything; ends at the first step that fails."""
    from dtaas_desktop.services.metadata_check import check

    return check(folder, place)


def move_metadata(workspace: "Workspace", to: MetadataSettings) -> int:
    """Copy all metadata to another place and let the workspace use it from its next opening on; the number of rows.

    The database there must be empty, or hold older metadata of this very workspace, which are replaced. The old ones stay as they are.
    Raises UserError if the place holds anything else or newer runs, TransientError while a task is running.
    """
    if to == load_place(workspace.folder):
        raise UserError("The metadata are there already.", remedy="Choose another place.")
    tasks = {task.uuid: task.name for task in workspace.tasks.all()}
    target = open_place(workspace.folder, to)
    try:
        # Writers are kept out until the place is saved: nobody begins a run or saves a task that the copy would lack.
        with workspace.locks.hold(tasks), workspace.database.writing() as source:
            with target.writing() as there:
                _require_replaceable(source, there, target.place)
                copied = _copy_all(source, there)
            save_place(workspace.folder, to)
    finally:
        target.close()
    return copied


def _require_replaceable(source: Connection, there: Connection, place: str) -> None:
    ours, theirs = identity(source), identity(there)
    if theirs is None and not any(there.execute(select(func.count()).select_from(table)).scalar() for table in _TABLES):
        return
    if theirs != ours:
        raise UserError(f"{place} holds the metadata of another workspace.", remedy="Choose an empty database.")
    if _newest(there) > _newest(source):
        raise UserError(
            f"{place} holds newer runs or tasks of this workspace than the place in use.",
            remedy="Go on with them by saving that place, or choose an empty database.",
        )
    running = there.execute(select(records.runs.c.task_name).where(records.runs.c.state == "running")).scalar()
    if running is not None:
        raise UserError(f"{place} counts a run of “{running}” as running.", remedy="Wait for it, or choose an empty database.")


def identity(connection: Connection) -> str | None:
    """The workspace's id in this database; None in an empty one."""
    table = records.settings
    found = connection.execute(select(table.c.value).where(table.c.name == "workspace")).scalar()
    return None if found is None else str(found)


def _newest(connection: Connection) -> float:
    """When anything was last changed here that one would miss."""
    moments = (func.max(records.runs.c.seen_at), func.max(records.tasks.c.changed_at))
    return max(connection.execute(select(moment)).scalar() or 0.0 for moment in moments)


def _copy_all(source: Connection, there: Connection) -> int:
    for connection in (source, there):
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))  # one waits while the other works
    for table in reversed(_TABLES):
        there.execute(delete(table))
    copied = 0
    for table in _TABLES:
        rows = source.execute(select(table).execution_options(yield_per=_ROWS_AT_ONCE)).mappings()
        for some in rows.partitions():
            there.execute(insert(table), [_plain(row) for row in some])
            copied += len(some)
    if there.dialect.name == "postgresql":
        # Numbers of log lines go on after the copied ones.
        there.execute(
            text(
                "SELECT setval(pg_get_serial_sequence('log_line', 'id'), (SELECT max(id) FROM log_line))"
                " WHERE EXISTS (SELECT FROM log_line)"
            )
        )
    return copied


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(name): value for name, value in row.items()}


_TABLES = records.metadata.sorted_tables
