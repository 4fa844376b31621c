"""The metadata database: brought up to date, used in short transactions.

What depends on the dialect is in `sqlite_database` and `postgresql_database`; both promise the same of `reading` and `writing`.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from dtaas_desktop.domain.errors import AppError, TransientError, UserError

# The revisions of migrations/versions in order. Known here so that a start with nothing to do need not import Alembic (0.3 s).
REVISIONS = ("0001", "0002", "0003")
BUSY_SECONDS = 20

Explain = Callable[[DBAPIError], AppError | None]  # a driver's error in the user's words; None: a bug of ours


class Database:
    """A metadata database. Thread-safe. Writers queue, also those of other processes, so that what one reads stays true until it ends."""

    def __init__(self, engine: Engine, *, place: str, reading: Mapping[str, object], explain: Explain) -> None:
        """`place` names it in sentences; `reading` are the execution options of a transaction that only reads."""
        self._engine = engine
        self._place = place
        self._reading = reading
        self._explain = explain

    @property
    def place(self) -> str:
        """What it is called in sentences."""
        return self._place

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._engine.dialect.name

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that only reads; it sees one state throughout."""
        with self._translated(), self._engine.connect() as connection:
            yield connection.execution_options(**self._reading)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that writes; committed at the end, rolled back by an exception."""
        with self._translated(), self._engine.begin() as connection:
            yield connection

    def upgrade(self, before: Callable[[str], None]) -> None:
        """Make or upgrade the tables. `before` is called with the old revision when there is one to be upgraded.

        Raises UserError for a database that is newer, or another application's.
        """
        with self.reading() as connection:
            found = _revision(connection)
        if found == REVISIONS[-1]:
            return
        if found in REVISIONS[:-1]:
            before(str(found))
        with self.writing() as connection:
            # Several processes may come here at once: the first upgrades while it alone may write, the others see it done.
            found = _revision(connection)
            if found == REVISIONS[-1]:
                return
            self._refuse(found, set(inspect(connection).get_table_names()))
            _run_migrations(connection)

    def close(self) -> None:
        self._engine.dispose()

    def _refuse(self, found: str | None, tables: set[str]) -> None:
        if is_foreign(tables):
            raise UserError(
                f"{self._place} is a database of another application.",
                remedy="Choose another --workspace, or another database for the metadata.",
            )
        if found is not None and found not in REVISIONS:
            raise UserError(
                f"The workspace was last used by a newer version of this application (its metadata has revision {found}).",
                remedy="Update the application, or choose another --workspace.",
            )

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            explained = self._explain(error)
            if explained is None:
                raise
            raise explained from error
        except PoolTimeout:
            raise TransientError(
                f"{self._place} is busy: all connections to it are in use.", remedy="Try again in a moment."
            ) from None


def is_foreign(tables: set[str]) -> bool:
    """Whether a database with these tables belongs to another application."""
    return bool(tables) and not {"alembic_version", "setting", "staged_part"} <= tables


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return str(connection.execute(text("SELECT max(version_num) FROM alembic_version")).scalar_one())


def _run_migrations(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
