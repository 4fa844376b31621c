"""The metadata in a SQLite file: beside the workspace's other files, for one machine."""

import sqlite3
import time
from contextlib import closing
from functools import partial
from pathlib import Path

from sqlalchemy import URL, Connection, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DatabaseError, DBAPIError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from dtaas_desktop.domain.errors import AppError, TransientError, UserError
from dtaas_desktop.services.database import BUSY_SECONDS, Database


def open_sqlite(path: Path) -> Database:
    """The database in this file, made or upgraded as needed. Raises UserError for a newer, damaged or foreign file."""
    database = sqlite_database(path)
    try:
        database.upgrade(partial(_copy, path))
    except BaseException:
        database.close()
        raise
    return database


def sqlite_database(path: Path) -> Database:
    """The database in this file as it is; nothing is opened yet."""
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
        hide_parameters=True,
    )
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return Database(engine, place=str(path), reading={"dtaas_reading": True}, explain=partial(_explained, str(path)))


def _prepare(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    # The driver's own transactions begin late and lose updates between processes (240 of 600 in a trial); `_begin` begins ours.
    assert isinstance(connection, sqlite3.Connection)
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    reading = connection.get_execution_options().get("dtaas_reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _copy(path: Path, revision: str) -> None:
    copy = path.with_name(f"{path.name}.before-{revision}-{time.strftime('%Y%m%d-%H%M%S')}")
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)


def _explained(place: str, error: DBAPIError) -> AppError | None:
    cause = str(error.orig)
    if isinstance(error, DatabaseError) and ("not a database" in cause or "malformed" in cause):
        return UserError(f"{place} is damaged: {cause}.", remedy="Restore a copy of it, or choose another --workspace.")
    if not isinstance(error, OperationalError):
        return None
    if "locked" in cause or "busy" in cause:
        return TransientError(f"{place} is in use by another process.", remedy="Try again in a moment.")
    if "disk is full" in cause or "full" in cause:
        return UserError(f"{place} cannot grow: the disk is full.", remedy="Free some space.")
    if "readonly" in cause or "unable to open" in cause:
        return UserError(f"{place} cannot be written: {cause}.", remedy="Check the workspace folder and its permissions.")
    return UserError(f"{place} gave an error: {cause}.", remedy="Check the disk, or choose another --workspace.")
