"""The table of connectors. A connector's package, and with it its driver, is imported when it is first opened."""

from collections.abc import Callable, Mapping

from pydantic import BaseModel, ValidationError

from dtaas_desktop.domain.connection import CONNECTION_KINDS, Connection, DuckDBSettings, FolderSettings, Role, SqliteSettings
from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.kinds import first_mistake
from dtaas_desktop.domain.ports import Destination, Source
from dtaas_desktop.domain.sqlserver_settings import SqlServerSettings


def open_source(connection: Connection, *, secret: Callable[[str], str]) -> Source:
    """The connection as a source. Opens no file and no socket yet. `secret` resolves references to secrets, when they are needed.

    Raises UserError for an unknown kind, one that cannot be read from, or settings that do not fit.
    """
    settings = _settings(connection, "source")
    if isinstance(settings, SqliteSettings):
        from dtaas_desktop.connectors.sqlite import SqliteSource

        return SqliteSource(settings)
    if isinstance(settings, SqlServerSettings):
        from dtaas_desktop.connectors.sqlserver import SqlServerSource

        return SqlServerSource(settings, secret=secret)
    raise _unusable(connection, "source")


def open_destination(connection: Connection, *, workspace: str) -> Destination:
    """The connection as a destination. Opens no file and no socket yet. `workspace` is the id of ours, which marks what we stage.

    Raises UserError for an unknown kind, one that cannot be written to, or settings that do not fit.
    """
    settings = _settings(connection, "destination")
    if isinstance(settings, FolderSettings):
        from dtaas_desktop.connectors.files import FolderDestination

        return FolderDestination(settings, workspace=workspace)
    if isinstance(settings, DuckDBSettings):
        from dtaas_desktop.connectors.duckdb_file import DuckDBDestination

        return DuckDBDestination(settings, workspace=workspace)
    raise _unusable(connection, "destination")


def means(kind: str, settings: Mapping[str, object]) -> str:
    """What connections of this kind are made with on this computer, in a few words; empty if there is nothing to tell.

    Raises UserError if there is nothing that could. The settings need not be complete.
    """
    if kind != "sqlserver":
        return ""
    from dtaas_desktop.connectors.sqlserver import driver_title

    return f"Driver: {driver_title(str(settings.get('driver', '')))}."


def _settings(connection: Connection, role: Role) -> BaseModel:
    kind = CONNECTION_KINDS.get(connection.kind)
    if kind is None:
        raise UserError(
            f"Connection “{connection.name}” has the unknown kind “{connection.kind}”.",
            remedy="Update the application, or choose another kind.",
        )
    if role not in kind.roles:
        raise _unusable(connection, role)
    try:
        return kind.settings.model_validate(connection.settings)
    except ValidationError as error:
        raise UserError(
            f"Connection “{connection.name}”: {first_mistake(error)}.", remedy="Correct the connection's settings."
        ) from None


def _unusable(connection: Connection, role: Role) -> UserError:
    title = CONNECTION_KINDS[connection.kind].title
    return UserError(
        f"Connection “{connection.name}” is a {title}: it cannot be used as a {role}.", remedy="Choose another connection."
    )
