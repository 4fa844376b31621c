"""A workspace: one folder with everything the application remembers."""

import uuid
from pathlib import Path

from platformdirs import user_data_path
from sqlalchemy import insert, select

from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.services import records
from dtaas_desktop.services.connections import Connections
from dtaas_desktop.services.database import Database, open_sqlite
from dtaas_desktop.services.history import History
from dtaas_desktop.services.secrets import Secrets
from dtaas_desktop.services.tasks import Tasks


class Workspace:
    """An opened workspace. `id` marks what it stages at destinations."""

    def __init__(self, folder: Path, database: Database) -> None:
        self.folder = folder
        self.database = database
        self.connections = Connections(database)
        self.tasks = Tasks(database)
        self.history = History(database)
        self.secrets = Secrets(database, folder / "secrets.key")
        self.id = _identity(database)

    @property
    def locks(self) -> Path:
        return self.folder / "locks"

    def close(self) -> None:
        self.database.close()


def default_folder() -> Path:
    """Where the workspace is unless told otherwise: the platform's place for a user's data."""
    return user_data_path("DTaaS Desktop", appauthor=False)


def open_workspace(folder: Path) -> Workspace:
    """Open the workspace in this folder, made if needed. Raises UserError if it cannot be used."""
    try:
        (folder / "locks").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"The workspace folder {folder} cannot be used: {error.strerror}.",
            remedy="Choose another with --workspace FOLDER.",
        ) from None
    return Workspace(folder, open_sqlite(folder / "metadata.sqlite"))


def _identity(database: Database) -> str:
    table = records.settings
    wanted = select(table.c.value).where(table.c.name == "workspace")
    with database.reading() as connection:
        known = connection.execute(wanted).scalar()
    if known is None:
        with database.writing() as connection:
            known = connection.execute(wanted).scalar()
            if known is None:
                known = uuid.uuid4().hex[:12]
                connection.execute(insert(table).values(name="workspace", value=known))
    return str(known)
