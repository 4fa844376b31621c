"""Change capture as the engine and the user ask for it: on, off, what is kept for whom, how much waits."""

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from dtaas_desktop.connectors.sqlite.catalog import Relation, relation
from dtaas_desktop.connectors.sqlite.connection import Connection, Database, write_transaction
from dtaas_desktop.connectors.sqlite.consumers import Consumers
from dtaas_desktop.connectors.sqlite.installation import (
    Installed,
    Soundness,
    captured,
    disabling,
    enabling,
    folded,
    installations,
    silencing,
)
from dtaas_desktop.connectors.sqlite.positions import entry, log_of
from dtaas_desktop.connectors.sqlite.sql import quoted
from dtaas_desktop.connectors.sqlite.triggers import untraceable
from dtaas_desktop.connectors.sqlite.turn import key_index, nameless, strange_order
from dtaas_desktop.domain.changes import Lag, Position
from dtaas_desktop.domain.errors import PositionLost, UserError
from dtaas_desktop.domain.ports import CaptureState
from dtaas_desktop.domain.table import TableRef

_SWITCH_ON = "Switch the capture on"
_HEADING = (
    "-- Records the keys of rows that are inserted, updated or deleted, so that DTaaS Desktop can read changes.",
    "-- Each of these tables gets a log and triggers; nothing else is altered, and switching capture off removes it all.",
)


class SqliteCapture:
    """Change capture by triggers that log keys. Nothing is there until `enable`."""

    net = True

    def __init__(self, path: Path, soundness: Soundness) -> None:
        self._path, self._soundness = path, soundness
        self._consumers = Consumers(path, soundness)

    def state(self, table: TableRef) -> CaptureState:
        with self._reading() as connection:
            found = relation(connection, table)
            known = captured(connection, found)
            obstacle = _obstacle(connection, found)
            if isinstance(known, Installed):
                return CaptureState(True, reason=obstacle.reason, remedy=obstacle.remedy) if obstacle else CaptureState(True)
            if obstacle is not None:
                return obstacle
            if not _writable(self._path):
                return CaptureState(
                    False,
                    False,
                    f"“{self._path}” cannot be written here.",
                    "Ask for the right to write to the file and its folder.",
                )
            if folded(found.name) not in installations(connection):
                return CaptureState(False, reason=f"Changes of table {table} are not captured.", remedy=f"{_SWITCH_ON}.")
            return CaptureState(
                False,
                reason=f"Changes of table {table} may have gone by unseen: {known}.",
                remedy=f"{_SWITCH_ON}, then make a full reload of the table.",
            )

    def script(self, tables: Sequence[TableRef]) -> str:
        with self._reading() as connection:
            statements = enabling(connection, _unsound(connection, tables))
        if not statements:
            return "-- Changes of these tables are captured already.\n"
        return "\n".join([*_HEADING, "BEGIN IMMEDIATE;", *(f"{statement};" for statement in statements), "COMMIT;", ""])

    def enable(self, tables: Sequence[TableRef]) -> None:
        with self._reading() as connection:
            if not _unsound(connection, tables):
                return
        with write_transaction(self._path) as connection:
            wanted = _unsound(connection, tables)
            compiled = [_compiles(connection, found) for found in wanted]
            for statement in enabling(connection, wanted):
                connection.run(statement)
            for found, before in zip(wanted, compiled, strict=True):
                if before and not _compiles(connection, found):
                    raise UserError(
                        f"Table {found.ref}: SQLite does not accept the triggers that would capture its changes; nothing was altered.",
                        remedy="Report this with the table's CREATE statement, and choose full loads for it.",
                    )

    def disable(self, tables: Sequence[TableRef]) -> None:
        names = [table.name for table in tables]
        with self._reading() as connection:
            if not disabling(connection, names):
                return
        with write_transaction(self._path) as connection:
            for statement in disabling(connection, names):
                connection.run(statement)

    def hold(self, consumer: str, tables: Collection[TableRef]) -> None:
        """Tables that are not captured, or not any more, are left out: so does `now`, and reading their changes says why.

        Not while a session of this process reads the same file outside of WAL: its readers keep writers out.
        """
        self._consumers.hold(consumer, tables)

    def release(self, consumer: str, upto: Mapping[TableRef, Position]) -> None:
        """Positions that are not of the history that the database has now are left alone. The same holds for sessions as with
        `hold`."""
        self._consumers.release(consumer, upto)

    def lag(self, since: Mapping[TableRef, Position]) -> Mapping[TableRef, Lag]:
        with self._reading() as connection:
            found = self._soundness.of(connection, since)
            return {table: _lag(connection, table, position, found[table]) for table, position in since.items()}

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with Database(self._path) as database, database.connection() as connection:
            connection.begin()
            yield connection


def _unsound(connection: Connection, tables: Sequence[TableRef]) -> list[Relation]:
    """The tables whose capture is to be installed, each once. Raises UserError for one where it cannot be."""
    wanted: dict[str, Relation] = {}
    for table in tables:
        found = relation(connection, table)
        if isinstance(captured(connection, found), Installed):
            continue
        obstacle = _obstacle(connection, found)
        if obstacle is not None:
            raise UserError(f"Changes of table {table} cannot be captured. {obstacle.reason}", remedy=obstacle.remedy)
        wanted[folded(found.name)] = found
    return list(wanted.values())


def _obstacle(connection: Connection, found: Relation) -> CaptureState | None:
    """Why a table's changes cannot be captured, or followed as it is now."""
    if found.kind != "table" or found.virtual:
        what = "A virtual table has" if found.virtual else f"A {found.kind} has"
        return _impossible(
            f"{what} no triggers that could record changes.", "Choose full loads, or the tables that it reads from."
        )
    if not found.key:
        return _impossible(
            "The table has no key: rows need a primary key, or a unique index on columns that are NOT NULL.",
            "Add such a key or index, or choose full loads.",
        )
    if reason := untraceable(found):
        return _impossible(reason, "Drop that index or make it one on columns, or choose full loads.")
    if silent := silencing(connection).get(folded(found.name)):
        return _impossible(
            f"Its trigger “{silent}” can end a statement before the row that it inserted is recorded: it acts AFTER INSERT, with"
            " RAISE(IGNORE) or RAISE(FAIL).",
            "Make it a BEFORE trigger, let it RAISE(ABORT), or choose full loads.",
        )
    index = key_index(found)
    strange = strange_order(index) if index else ""
    if strange:
        return _impossible(
            f"Its key is sorted by “{strange}”, a collation that another program brings with it; rows cannot be found by it here.",
            "Add a unique index on the same columns with COLLATE BINARY, or choose full loads.",
        )
    nullable = {c.name for c in found.columns if not c.not_null} if not (found.stable or found.without_rowid) else set()
    null = nameless(connection, found, [name for name in found.key if name in nullable])
    if null:
        return _impossible(
            f"The key column “{null}” holds NULL in some rows; without a key they cannot be followed.",
            "Give these rows a key, or choose full loads.",
        )
    return None


def _impossible(reason: str, remedy: str) -> CaptureState:
    return CaptureState(False, False, reason, remedy)


def _writable(path: Path) -> bool:
    return os.access(path, os.W_OK) and os.access(path.absolute().parent, os.W_OK)


def _compiles(connection: Connection, found: Relation) -> bool:
    """Whether SQLite can prepare every kind of statement on the table, with all of its triggers; nothing is carried out."""
    table = quoted(found.name)
    setting = ", ".join(f"{quoted(c.name)} = {quoted(c.name)}" for c in found.columns if not c.generated)
    try:
        for statement in (
            f"INSERT OR REPLACE INTO {table} DEFAULT VALUES",
            f"UPDATE OR REPLACE {table} SET {setting}",
            f"DELETE FROM {table}",
        ):
            connection.run(f"EXPLAIN {statement}")
    except UserError:
        return False
    return True


def _lag(connection: Connection, table: TableRef, position: Position, known: Installed | str) -> Lag:
    if not isinstance(known, Installed):
        return Lag(1, None)
    log = log_of(connection, known)
    try:
        after = entry(connection, table, known, position)
    except PositionLost:
        after = (log.first or 1) - 1
        return Lag(max(1, log.last - after), _recorded(connection, known, after))
    return Lag(log.last - after, _recorded(connection, known, after) if log.last > after else None)


def _recorded(connection: Connection, known: Installed, after: int) -> float | None:
    """When the first entry after another was written, in seconds since 1970."""
    found = connection.rows(f"SELECT at FROM {known.log} WHERE seq > {after} ORDER BY seq LIMIT 1")
    return found[0]["at"] / 1000 if found else None
