"""The configured connections of a workspace."""

import json

from pydantic import ValidationError
from sqlalchemy import delete, insert, select

from dtaas_desktop.domain.connection import CONNECTION_KINDS, Connection
from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.kinds import first_mistake
from dtaas_desktop.services import records
from dtaas_desktop.services.database import Database


class Connections:
    """Reads and changes them; each has a unique name."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> dict[str, Connection]:
        """Every connection by its name."""
        with self._database.reading() as connection:
            rows = connection.execute(select(records.connections).order_by(records.connections.c.name)).all()
        return {row.name: Connection(row.name, row.kind, json.loads(row.settings)) for row in rows}

    def save(self, saved: Connection) -> None:
        """Add it, or put it in the place of the one with its name. Raises UserError for settings that its kind refuses."""
        check_settings(saved)
        with self._database.writing() as connection:
            connection.execute(delete(records.connections).where(records.connections.c.name == saved.name))
            settings = json.dumps(dict(saved.settings), ensure_ascii=False)
            connection.execute(insert(records.connections).values(name=saved.name, kind=saved.kind, settings=settings))


def check_settings(connection: Connection) -> None:
    """Raise UserError if the connection's kind is unknown or refuses its settings."""
    kind = CONNECTION_KINDS.get(connection.kind)
    if kind is None:
        raise UserError(
            f"Connection “{connection.name}” has the unknown kind “{connection.kind}”.",
            remedy=f"Known kinds are: {', '.join(CONNECTION_KINDS)}.",
        )
    try:
        kind.settings.model_validate(connection.settings)
    except ValidationError as error:
        raise UserError(f"Connection “{connection.name}”: {first_mistake(error)}.", remedy="Correct its settings.") from None
