"""The metadata database: opened, brought up to date, used in short transactions. All that depends on the dialect is here."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from dtaas_desktop.domain.errors import AppError, TransientError, UserError

# The revisions of migrations/versions in order. Known here so that a start with nothing to do need not import Alembic (0.3 s).
REVISIONS = ("0001",)
BUSY_SECONDS = 20


class Database:
    """A metadata database at its newest revision. Thread-safe."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that only reads; it sees one state throughout."""
        with _translated(), self._engine.connect() as connection:
            yield connection.execution_options(dtaas_reading=True)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that writes; committed at the end, rolled back by an exception."""
        with _translated(), self._engine.begin() as connection:
            yield connection

    def close(self) -> None:
        self._engine.dispose()


def open_sqlite(path: Path) -> Database:
    """The database in this file, made or upgraded as needed. Raises UserError for a newer, damaged or foreign file."""
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False})
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    with _translated(str(path)):
        _upgrade(engine, path)
    return Database(engine)


def _prepare(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    # The driver's own transactions begin late and lose updates between processes (240 of 600 in a trial); `_begin` begins ours.
    assert isinstance(connection, sqlite3.Connection)
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    reading = connection.get_execution_options().get("dtaas_reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _upgrade(engine: Engine, path: Path) -> None:
    with engine.connect() as connection:
        found = _revision(connection)
        if found == REVISIONS[-1]:
            return
    if found is not None and found in REVISIONS:
        _copy(path, found)
    with engine.begin() as connection:
        # Several processes may come here at once: the first upgrades under the write lock, the others see it done.
        found = _revision(connection)
        if found == REVISIONS[-1]:
            return
        if found is not None and found not in REVISIONS:
            raise UserError(
                f"The workspace was last used by a newer version of this application (its metadata has revision {found}).",
                remedy="Update the application, or choose another --workspace.",
            )
        if found is None and inspect(connection).get_table_names():
            raise UserError(f"{path} is a database of another application.", remedy="Choose another --workspace.")
        _run_migrations(connection)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one())


def _run_migrations(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _copy(path: Path, revision: str) -> None:
    copy = path.with_name(f"{path.name}.before-{revision}-{time.strftime('%Y%m%d-%H%M%S')}")
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)


@contextmanager
def _translated(place: str = "The metadata database") -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        raise _explained(place, error) from error
    except DatabaseError as error:
        if "not a database" in str(error.orig) or "malformed" in str(error.orig):
            raise UserError(
                f"{place} is damaged: {error.orig}.", remedy="Restore a copy of it, or choose another --workspace."
            ) from None
        raise


def _explained(place: str, error: OperationalError) -> AppError:
    cause = str(error.orig)
    if "locked" in cause or "busy" in cause:
        return TransientError(f"{place} is in use by another process.", remedy="Try again in a moment.")
    if "disk is full" in cause or "full" in cause:
        return UserError(f"{place} cannot grow: the disk is full.", remedy="Free some space.")
    if "readonly" in cause or "unable to open" in cause:
        return UserError(f"{place} cannot be written: {cause}.", remedy="Check the workspace folder and its permissions.")
    return UserError(f"{place} gave an error: {cause}.", remedy="Check the disk, or choose another --workspace.")
