"""Positions in a table's log of changes, as text; and whether what comes after one is still whole.

`<instance>.<entry, 19 digits>.<token of that entry>`: the instance grows with the time of installing, so a later position is
greater. The token, a random number that the trigger wrote, proves that the log holds the very entry that was read: the same number
in a restored copy of the file is another entry. Entry 0 is the moment of installing, when there was none.
"""

import re
from dataclasses import dataclass

from dtaas_desktop.connectors.sqlite.connection import Connection
from dtaas_desktop.connectors.sqlite.installation import Installed
from dtaas_desktop.domain.changes import Position
from dtaas_desktop.domain.errors import PositionLost
from dtaas_desktop.domain.table import TableRef

DIGITS = 19
_TEXT = re.compile(rf"(?P<instance>\d{{16}}[0-9a-f]{{8}})\.(?P<seq>\d{{{DIGITS}}})\.(?P<token>-?\d+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Log:
    """What a table's log holds: its first and last entry (None, and 0 and 0, if there is none), with the last one's token."""

    first: int | None
    last: int
    token: int


def log_of(connection: Connection, known: Installed) -> Log:
    found = connection.rows(
        f"SELECT (SELECT min(seq) FROM {known.log}) AS first, seq, token FROM {known.log} ORDER BY seq DESC LIMIT 1"
    )
    return Log(found[0]["first"], found[0]["seq"], found[0]["token"]) if found else Log(None, 0, 0)


def newest(connection: Connection, known: Installed) -> Position:
    log = log_of(connection, known)
    return f"{known.instance}.{log.last:0{DIGITS}d}.{log.token}"


def place(known: Installed, seq: int) -> str:
    """The position of a single change."""
    return f"{known.instance}.{seq:0{DIGITS}d}"


def entry(connection: Connection, table: TableRef, known: Installed, position: Position) -> int:
    """The number of the entry at a position, if all entries after it are there. Raises PositionLost if not."""
    found = _TEXT.fullmatch(position)
    if found is None:
        raise lost(table, f"“{position}” is no position in a SQLite database")
    if found["instance"] != known.instance:
        raise lost(table, "capturing its changes was removed and installed again since")
    seq, token, log = int(found["seq"]), int(found["token"]), log_of(connection, known)
    purged = log.first is not None and log.first > 1 and seq < log.first
    if seq > log.last:
        raise lost(table, "the database was restored from a backup that is older than what was read last")
    if purged:
        raise lost(table, "they were purged, because nobody who needs them was seen for a long time")
    if seq and connection.rows(f"SELECT token FROM {known.log} WHERE seq = {seq}") != [{"token": token}]:
        raise lost(table, "the database was restored from a backup, and went on in another way than what was read last")
    return seq


def entries(connection: Connection, table: TableRef, known: Installed, after: int, upto: int) -> int:
    """How many entries there are. Raises PositionLost if one between them is missing."""
    found = connection.row(f"SELECT count(*) AS n FROM {known.log} WHERE seq > {after} AND seq <= {upto}")["n"]
    if found != upto - after:
        raise lost(table, f"somebody removed {upto - after - found:,} entries from the middle of their log")
    return int(found)


def lost(table: TableRef, what: str, *, captured: bool = True) -> PositionLost:
    first = "Make" if captured else "Switch the capture on again, then make"
    return PositionLost(
        f"The changes of table {table} after the last published position are lost: {what}.",
        remedy=f"{first} a full reload of the table.",
    )
