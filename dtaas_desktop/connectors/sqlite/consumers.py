"""Who reads which log, how far they are, and purging what none of them needs any more.

A consumer that was not seen for 30 days keeps nothing from being purged. The newest entry of a log always stays: it gives the next
one its number, and positions their proof.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from dtaas_desktop.connectors.sqlite.connection import Connection, Database, write_transaction
from dtaas_desktop.connectors.sqlite.installation import CONSUMERS, Installed, Soundness, installations
from dtaas_desktop.connectors.sqlite.positions import entry, log_of
from dtaas_desktop.connectors.sqlite.sql import literal, quoted
from dtaas_desktop.connectors.sqlite.triggers import NOW
from dtaas_desktop.domain.changes import Position
from dtaas_desktop.domain.errors import PositionLost
from dtaas_desktop.domain.table import TableRef

_FORGOTTEN = 30 * 24 * 3600 * 1000  # milliseconds
_REFRESHED = 3600 * 1000
_PURGED_AT_ONCE = 20_000  # entries: some 20 ms of keeping other writers out


class Consumers:
    """The consumers recorded in one database."""

    def __init__(self, path: Path, soundness: Soundness) -> None:
        self._path, self._soundness = path, soundness

    def hold(self, consumer: str, tables: Collection[TableRef]) -> None:
        """Registers a consumer at the end of the tables' logs, unless it is known there; says that it was seen."""
        with self._reading() as connection:
            if not self._to_hold(connection, consumer, tables):
                return  # nothing to write: other programs need not wait
        with write_transaction(self._path) as connection:
            for known, seq in self._to_hold(connection, consumer, tables):
                _note(connection, consumer, known, seq)

    def release(self, consumer: str, upto: Mapping[TableRef, Position]) -> None:
        """Moves a consumer forward, and removes what nobody needs any more in pieces: between them other programs may write."""
        with self._reading() as connection:
            published = self._published(connection, upto)
            moving = _to_release(connection, consumer, published)
            if not moving and not any(_needless(connection, known) for known, _ in published):
                return
        if moving:
            with write_transaction(self._path) as connection:
                for known, seq in _to_release(connection, consumer, self._published(connection, upto)):
                    _note(connection, consumer, known, seq)
        while self._purged(upto):
            pass

    def _to_hold(self, connection: Connection, consumer: str, tables: Collection[TableRef]) -> list[tuple[Installed, int]]:
        sound = [known for known in self._soundness.of(connection, tables).values() if isinstance(known, Installed)]
        recorded = _recorded(connection, consumer)
        return [(known, log_of(connection, known).last) for known in sound if _due(recorded, known)]

    def _published(self, connection: Connection, upto: Mapping[TableRef, Position]) -> list[tuple[Installed, int]]:
        """The positions that belong to the history which the database has now."""
        found = []
        for table, known in self._soundness.of(connection, upto).items():
            if isinstance(known, Installed):
                with suppress(PositionLost):
                    found.append((known, entry(connection, table, known, upto[table])))
        return found

    def _purged(self, tables: Collection[TableRef]) -> bool:
        """Removes one piece; False if there was nothing to remove."""
        left = _PURGED_AT_ONCE
        with write_transaction(self._path) as connection:
            for known in self._soundness.of(connection, tables).values():
                needless = min(left, _needless(connection, known)) if isinstance(known, Installed) else 0
                if isinstance(known, Installed) and needless:
                    first = f"(SELECT min(seq) FROM {known.log})"
                    connection.run(f"DELETE FROM {known.log} WHERE seq < {first} + {needless}")
                left -= needless
                if not left:
                    break
        return left == 0

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with Database(self._path) as database, database.connection() as connection:
            connection.begin()
            yield connection


@dataclass(frozen=True, slots=True)
class _Record:
    seq: int
    due: bool  # whether it is time to say again that the consumer was seen


def _recorded(connection: Connection, consumer: str) -> dict[int, _Record]:
    """A consumer's places, by the numbers of the logs."""
    if not installations(connection):
        return {}
    rows = connection.rows(
        f"SELECT number, seq, seen_at < {NOW} - {_REFRESHED} AS due FROM main.{quoted(CONSUMERS)}"
        f" WHERE consumer = {literal(consumer)}"
    )
    return {row["number"]: _Record(row["seq"], bool(row["due"])) for row in rows}


def _due(recorded: Mapping[int, _Record], known: Installed) -> bool:
    return known.number not in recorded or recorded[known.number].due


def _to_release(connection: Connection, consumer: str, published: Sequence[tuple[Installed, int]]) -> list[tuple[Installed, int]]:
    recorded = _recorded(connection, consumer)
    return [(known, seq) for known, seq in published if _due(recorded, known) or recorded[known.number].seq < seq]


def _note(connection: Connection, consumer: str, known: Installed, seq: int) -> None:
    """Never backwards: what was published stays so."""
    connection.run(
        f"INSERT INTO main.{quoted(CONSUMERS)} (consumer, number, seq, seen_at)"
        f" VALUES ({literal(consumer)}, {known.number}, {seq}, {NOW})"
        " ON CONFLICT (consumer, number) DO UPDATE SET seq = max(seq, excluded.seq), seen_at = excluded.seen_at"
    )


def _needless(connection: Connection, known: Installed) -> int:
    """How many of a log's entries, from the first, nobody needs."""
    log = log_of(connection, known)
    found = connection.row(
        f"SELECT min(seq) AS least FROM main.{quoted(CONSUMERS)}"
        f" WHERE number = {known.number} AND seen_at >= {NOW} - {_FORGOTTEN}"
    )["least"]
    least = log.last if found is None else min(found, log.last)
    return max(0, least - log.first) if log.first is not None else 0
