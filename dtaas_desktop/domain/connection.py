"""Connections: configured systems, by name. Settings hold references to secrets, never secrets."""

from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from dtaas_desktop.domain.design import Settings
from dtaas_desktop.domain.sqlserver_settings import SqlServerSettings

Role = Literal["source", "destination"]


class SqliteSettings(BaseModel):
    """A SQLite database file to read from."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    path: str = Field(
        min_length=1, title="Database file", description="The SQLite file to read.", json_schema_extra={"path": "file"}
    )


class FolderSettings(BaseModel):
    """A folder that tables are written into."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    path: str = Field(
        min_length=1,
        title="Folder",
        description="It is made if it does not exist; its parent must exist.",
        json_schema_extra={"path": "folder"},
    )


class DuckDBSettings(BaseModel):
    """A DuckDB database file that tables are written into."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    path: str = Field(
        min_length=1,
        title="Database file",
        description="The DuckDB file to write; made if it does not exist.",
        json_schema_extra={"path": "new file"},
    )


@dataclass(frozen=True, slots=True)
class ConnectionKind:
    """A system that we can talk to: its name, what it can be used as, and the model of its settings."""

    name: str
    title: str
    roles: frozenset[Role]
    settings: type[BaseModel]
    holds_files: bool = False  # its destinations take FileSettings
    topic: str = "connections"  # of the help (resources/help)


CONNECTION_KINDS: dict[str, ConnectionKind] = {
    kind.name: kind
    for kind in (
        ConnectionKind("sqlserver", "SQL Server", frozenset({"source"}), SqlServerSettings, topic="sql-server"),
        ConnectionKind("sqlite", "SQLite file", frozenset({"source"}), SqliteSettings),
        ConnectionKind("folder", "Folder", frozenset({"destination"}), FolderSettings, holds_files=True),
        ConnectionKind("duckdb", "DuckDB file", frozenset({"destination"}), DuckDBSettings),
    )
}


@dataclass(frozen=True, slots=True)
class Connection:
    """One configured system."""

    name: str
    kind: str
    settings: Settings = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CheckStep:
    """One step of *Test*: what was tried, whether it went well, and if not what to do.

    `fields`: the settings where it can be mended, the likeliest first; none where it cannot be mended there.
    """

    title: str
    ok: bool
    detail: str = ""
    remedy: str = ""
    fields: tuple[str, ...] = ()
