"""The locks of tasks in a PostgreSQL server: advisory locks of a session, which ends with its process."""

import hashlib
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress

import psycopg

from dtaas_desktop.services.database import Database
from dtaas_desktop.services.locks import already_running
from dtaas_desktop.services.postgresql_database import PostgreSQLServer

KEEP_SECONDS = 5.0
_Session = psycopg.Connection[tuple[object, ...]]


class AdvisoryLocks:
    """Locks that all processes on all machines see that use this database for this workspace (its id)."""

    def __init__(self, server: PostgreSQLServer, database: Database, workspace: str) -> None:
        self._server = server
        self._database = database
        self._workspace = workspace

    @contextmanager
    def hold(self, tasks: Mapping[str, str]) -> Iterator[None]:
        keys = {self._key(task): name for task, name in tasks.items()}
        session = self._connect()
        try:
            for key, name in keys.items():
                if not _take(session, key):
                    raise already_running(name)
        except psycopg.Error as error:
            session.close()
            raise self._server.explained(error) from None
        except BaseException:
            session.close()
            raise
        keeper = _Keeper(self._server, session, list(keys))
        try:
            yield
        finally:
            keeper.close()

    def held(self, tasks: Collection[str]) -> frozenset[str]:
        # Looked up and not tried: trying would be in the way of a run that begins in this moment.
        with self._database.reading() as connection:
            rows = connection.exec_driver_sql(
                "SELECT (classid::bigint << 32) | objid::bigint FROM pg_locks"
                " WHERE locktype = 'advisory' AND objsubid = 1 AND granted"
                " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            ).all()
        taken = {row[0] for row in rows}
        return frozenset(task for task in tasks if self._key(task) in taken)

    def _connect(self) -> _Session:
        try:
            return self._server.connect(autocommit=True)
        except psycopg.Error as error:
            raise self._server.explained(error) from None

    def _key(self, task: str) -> int:
        # With the workspace: a task that was exported has the same UUID in another one, which may use the same database.
        digest = hashlib.sha256(f"dtaas task {self._workspace} {task}".encode()).digest()
        return int.from_bytes(digest[:8], "big", signed=True)


class _Keeper:
    """Keeps a session from being idle, and takes its locks again should it be cut, so that a long run does not seem dead."""

    def __init__(self, server: PostgreSQLServer, session: _Session, keys: list[int]) -> None:
        self._server, self._session, self._keys = server, session, keys
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="task lock", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Let go of the locks."""
        self._ended.set()
        self._thread.join()
        with suppress(psycopg.Error):
            self._session.execute("SELECT pg_advisory_unlock_all()")  # a server may take its time to notice a closed session
            self._session.close()

    def _keep(self) -> None:
        while not self._ended.wait(KEEP_SECONDS):
            try:
                self._session.execute("SELECT 1")
            except psycopg.Error:
                with suppress(psycopg.Error):
                    self._session.close()
                # While the server is away, or another run has a lock by now, the next round tries again.
                with suppress(psycopg.Error):
                    self._session = self._server.connect(autocommit=True)
                    for key in self._keys:
                        _take(self._session, key)


def _take(session: _Session, key: int) -> bool:
    answer = session.execute("SELECT pg_try_advisory_lock(%s)", (key,)).fetchone()
    return answer is not None and answer[0] is True
