"""A workspace: one folder with everything the application remembers."""

import uuid
from contextlib import AbstractContextManager
from pathlib import Path

from platformdirs import user_data_path
from sqlalchemy import insert, select

from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.services import records
from dtaas_desktop.services.connections import Connections
from dtaas_desktop.services.database import Database
from dtaas_desktop.services.history import History
from dtaas_desktop.services.locks import FileLocks, Locks
from dtaas_desktop.services.metadata_place import MetadataSettings, identity, load_place, open_place, server_of
from dtaas_desktop.services.secrets import Secrets
from dtaas_desktop.services.settings import Settings
from dtaas_desktop.services.tasks import Tasks


class Workspace:
    """An opened workspace. `id` marks what it stages at destinations."""

    def __init__(self, folder: Path, place: MetadataSettings, database: Database) -> None:
        self.folder = folder
        self.database = database
        self.id = _identity(database)
        self.locks = _locks(folder, place, database, self.id)
        self.settings = Settings(database)
        self.secrets = Secrets(database, folder, self.id)
        self.connections = Connections(database, self.secrets, self.locks)
        self.tasks = Tasks(database, self.is_running)
        self.history = History(database, folder / "logs")

    def task_lock(self, task: str, name: str) -> AbstractContextManager[None]:
        """Hold the lock of one task (UUID). Raises TransientError if another process, or this one, holds it."""
        return self.locks.hold({task: name})

    def is_running(self, task: str) -> bool:
        """Whether some process holds the task's lock right now."""
        return bool(self.locks.held((task,)))

    def running_locks(self) -> frozenset[str]:
        """The tasks (UUIDs) whose lock some process holds right now, of those that are saved or count as running."""
        with self.database.reading() as connection:
            saved = connection.execute(select(records.tasks.c.uuid)).scalars().all()
            running = connection.execute(select(records.runs.c.task).where(records.runs.c.state == "running")).scalars().all()
        return self.locks.held({*saved, *running})

    def close(self) -> None:
        self.database.close()


def default_folder() -> Path:
    """Where the workspace is unless told otherwise: the platform's place for a user's data."""
    return user_data_path("DTaaS Desktop", appauthor=False)


def open_workspace(folder: Path) -> Workspace:
    """Open the workspace in this folder, made if needed, with its metadata where its workspace.json says.

    Raises UserError if it cannot be used, TransientError if the server of its metadata cannot be reached.
    """
    try:
        (folder / "locks").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"The workspace folder {folder} cannot be used: {error.strerror}.",
            remedy="Choose another with --workspace FOLDER.",
        ) from None
    place = load_place(folder)
    database = open_place(folder, place)
    try:
        return Workspace(folder, place, database)
    except BaseException:
        database.close()
        raise


def _locks(folder: Path, place: MetadataSettings, database: Database, workspace: str) -> Locks:
    if place.kind == "sqlite":
        return FileLocks(folder / "locks")
    from dtaas_desktop.services.advisory_locks import AdvisoryLocks

    return AdvisoryLocks(server_of(folder, place), database, workspace)


def _identity(database: Database) -> str:
    with database.reading() as connection:
        known = identity(connection)
    if known is None:
        with database.writing() as connection:
            known = identity(connection)
            if known is None:
                known = uuid.uuid4().hex[:12]
                connection.execute(insert(records.settings).values(name="workspace", value=known))
    return known
