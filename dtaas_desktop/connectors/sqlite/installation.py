"""What change capture adds to a database, and what is there of it.

For each captured table a log and its triggers (`triggers`), and a row of the first of two tables:

captures   number (of log and triggers), the table's name, and what tells this installation from any other: its generation, which
           grows with the time of installing, and a random nonce
consumers  who reads a table's log, up to which entry, and when that was said last (milliseconds since 1970)
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dtaas_desktop.connectors.sqlite.catalog import OURS, Relation, relation
from dtaas_desktop.connectors.sqlite.connection import Connection
from dtaas_desktop.connectors.sqlite.declared import silences
from dtaas_desktop.connectors.sqlite.errors import NoTable
from dtaas_desktop.connectors.sqlite.sql import literal, quoted
from dtaas_desktop.connectors.sqlite.triggers import NOW, log_name, log_start, log_table, triggers
from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.table import TableRef

_MOST = 10_000_000  # things in one schema
_NOT_CAPTURED = "its changes are not captured"
CAPTURES, CONSUMERS = f"{OURS}capture", f"{OURS}consumers"
_TABLES = {
    CAPTURES: f"CREATE TABLE {quoted(CAPTURES)} (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE COLLATE NOCASE,"
    " generation INTEGER NOT NULL, nonce TEXT NOT NULL)",
    CONSUMERS: f"CREATE TABLE {quoted(CONSUMERS)} (consumer TEXT NOT NULL, number INTEGER NOT NULL, seq INTEGER NOT NULL,"
    " seen_at INTEGER NOT NULL, PRIMARY KEY (consumer, number))",
}
_TRIGGER = re.compile(re.escape(OURS) + r"\d+_(?:insert|update|delete)(?:_key|_conflict(?:_\d+)?)?")
_NUMBERED = re.compile(re.escape(OURS) + r"(?:log_)?(\d+)(?:_\w+)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Installed:
    """One table's capture as it was installed. `instance` names it; a later one is greater."""

    table: str
    number: int
    instance: str

    @property
    def log(self) -> str:
        return f"main.{quoted(log_name(self.number))}"


@dataclass(frozen=True, slots=True)
class Piece:
    """A log or a trigger as the schema has it."""

    name: str
    type: str
    table: str
    sql: str


Pieces = Mapping[int, Sequence[Piece]]  # by number


@dataclass(frozen=True, slots=True)
class _Schema:
    """What of a database's schema says whether captures are sound."""

    pieces: Pieces
    silencing: Mapping[str, str]


def installations(connection: Connection) -> dict[str, Installed]:
    """By the tables' names, folded."""
    if not _is_there(connection):
        return {}
    rows = connection.rows(f"SELECT number, name, generation, nonce FROM main.{quoted(CAPTURES)}", _MOST)
    return {folded(row["name"]): Installed(row["name"], row["number"], f"{row['generation']:016d}{row['nonce']}") for row in rows}


def folded(name: str) -> str:
    """A name as SQLite compares names: only ASCII letters lose their case."""
    return "".join(chr(ord(letter) + 32) if "A" <= letter <= "Z" else letter for letter in name)


class Soundness:
    """Which tables' captures are sound. An answer is remembered for as long as the database's schema stays as it is, because a
    turn asks for all of its tables several times. May be used by several threads."""

    def __init__(self) -> None:
        self._remembered: tuple[int, dict[tuple[str, str], Installed | str]] = (-1, {})

    def of(self, connection: Connection, refs: Iterable[TableRef]) -> dict[TableRef, Installed | str]:
        """Each table's capture if it is sound; else what is wrong, to follow a colon. Tables may be gone, or no tables at all."""
        every = installations(connection)
        version = connection.row("SELECT schema_version AS version FROM pragma_schema_version")["version"]
        remembered = self._remembered
        if remembered[0] != version:
            remembered = self._remembered = (version, {})
        known = remembered[1]
        schema: _Schema | None = None
        found: dict[TableRef, Installed | str] = {}
        for ref in refs:
            installed = None if ref.query else every.get(folded(ref.name))
            if installed is None:
                found[ref] = _NOT_CAPTURED
                continue
            key = (ref.name, installed.instance)
            if key not in known:
                schema = _schema(connection) if schema is None else schema
                known[key] = _as_it_is(connection, ref, installed, schema)
            found[ref] = known[key]
        return found


def captured(connection: Connection, table: Relation) -> Installed | str:
    """A table's capture if it is sound; else what is wrong, to follow a colon."""
    known = installations(connection).get(folded(table.name)) if table.kind == "table" else None
    return _NOT_CAPTURED if known is None else _fault(table, known, _schema(connection)) or known


def _as_it_is(connection: Connection, ref: TableRef, known: Installed, schema: _Schema) -> Installed | str:
    try:
        table = relation(connection, ref)
    except NoTable:
        return "the table is gone"
    return _NOT_CAPTURED if table.kind != "table" else _fault(table, known, schema) or known


def _fault(table: Relation, known: Installed, schema: _Schema) -> str:
    """What is wrong with a table's capture, so that changes may have gone by unseen; empty if it is as it would be made now."""
    found = {piece.name: piece for piece in schema.pieces.get(known.number, ())}
    log = found.pop(log_name(known.number), None)
    if log is None:
        return "the log of its changes was dropped"
    expected = triggers(table, known.number)
    here = {name: piece.sql for name, piece in found.items() if folded(piece.table) == folded(table.name)}
    if not here:
        return "its triggers are gone, as when a table is dropped and created again"
    if missing := expected.keys() - here.keys():
        return f"the trigger “{min(missing)}” is not there: it was dropped, or a unique index was added that needs it"
    if here != expected or log.sql != log_table(table, known.number):
        return "its key or its unique indexes are others than when capturing them began, or somebody changed a trigger or the log"
    if silent := schema.silencing.get(folded(table.name)):
        return f"the trigger “{silent}” can end a statement before the row that it inserted is recorded"
    return ""


def _schema(connection: Connection) -> _Schema:
    return _Schema(_pieces(connection), silencing(connection))


def silencing(connection: Connection) -> dict[str, str]:
    """By the tables' folded names: a trigger that can keep ours from acting. Also one that was made before ours, because in which
    order SQLite runs the triggers of a table is not documented."""
    found = connection.rows(
        "SELECT tbl_name, name, sql FROM main.sqlite_schema WHERE type = 'trigger' AND sql LIKE '%raise%'", _MOST
    )
    return {folded(row["tbl_name"]): row["name"] for row in found if silences(row["sql"])}


def _pieces(connection: Connection) -> Pieces:
    """Everything in the database that is named like a log or a trigger of ours."""
    found: dict[int, list[Piece]] = defaultdict(list)
    for row in connection.rows(
        "SELECT name, type, tbl_name, sql FROM main.sqlite_schema"
        f" WHERE type IN ('table', 'trigger') AND name GLOB {literal(OURS + '*[0-9]*')} ORDER BY type DESC, name",
        _MOST,
    ):
        if match := _NUMBERED.fullmatch(row["name"]):
            found[int(match[1])].append(Piece(row["name"], row["type"], row["tbl_name"], row["sql"]))
    return found


def enabling(connection: Connection, tables: Sequence[Relation]) -> list[str]:
    """The statements that install capture for these tables, and remove what is left of earlier ones.

    Raises UserError if something else has the names of our tables.
    """
    if not tables:
        return []
    _refuse_strangers(connection)
    found, pieces = installations(connection), _pieces(connection)
    on_tables = _on_tables(pieces)
    free = max([*pieces, *(known.number for known in found.values())], default=0) + 1
    statements = [] if _is_there(connection) else list(_TABLES.values())
    for table in tables:
        known = found.get(folded(table.name))
        if known is None:
            number, free = free, free + 1
        else:
            number = known.number
        left = _numbers_of(table.name, known, on_tables)
        statements += _removal(left, pieces)
        statements += [f"DELETE FROM {quoted(CONSUMERS)} WHERE number = {old}" for old in left]
        statements += [f"DELETE FROM {quoted(CAPTURES)} WHERE number = {old}" for old in left if old != number]
        statements.append(_registration(table, number, again=known is not None))
        statements.append(log_table(table, number))
        statements += triggers(table, number).values()
    return statements


def disabling(connection: Connection, names: Iterable[str]) -> list[str]:
    """The statements that remove capture from tables, which need not exist any more."""
    found, pieces = installations(connection), _pieces(connection)
    on_tables = _on_tables(pieces)
    going = sorted({number for name in names for number in _numbers_of(name, found.get(folded(name)), on_tables)})
    staying = {known.number for known in found.values()}.difference(going)
    statements = _removal(going if staying else [*going, *_ownerless(found, pieces)], pieces)
    if not _is_there(connection):
        return statements
    if not staying:
        return [*statements, *(f"DROP TABLE {quoted(name)}" for name in _TABLES)]
    return [
        *statements,
        *(f"DELETE FROM {quoted(name)} WHERE number = {number}" for name in _TABLES for number in going),
    ]


def _registration(table: Relation, number: int, *, again: bool) -> str:
    generation = f"max({NOW}, coalesce((SELECT max(generation) FROM {quoted(CAPTURES)}), 0) + 1)"
    nonce = "lower(hex(randomblob(4)))"
    if again:
        return (
            f"UPDATE {quoted(CAPTURES)} SET name = {literal(table.name)}, generation = {generation}, nonce = {nonce}"
            f" WHERE number = {number}"
        )
    return (
        f"INSERT INTO {quoted(CAPTURES)} (number, name, generation, nonce)"
        f" VALUES ({number}, {literal(table.name)}, {generation}, {nonce})"
    )


def _removal(numbers: Iterable[int], pieces: Pieces) -> list[str]:
    """Drops the numbers' triggers, wherever renaming tables has taken them, and logs."""
    return [
        f"DROP {piece.type.upper()} {quoted(piece.name)}"
        for number in numbers
        for piece in pieces.get(number, ())
        if _ours(number, piece)
    ]


def _on_tables(pieces: Pieces) -> Mapping[str, set[int]]:
    """The numbers of our triggers by the folded names of the tables that they are on."""
    found: dict[str, set[int]] = defaultdict(set)
    for number, some in pieces.items():
        for piece in some:
            if piece.type == "trigger" and _ours(number, piece):
                found[folded(piece.table)].add(number)
    return found


def _numbers_of(table: str, known: Installed | None, on_tables: Mapping[str, set[int]]) -> list[int]:
    """A table's own number, and those of our triggers that came to it when another table was renamed."""
    return sorted(on_tables.get(folded(table), set()) | ({known.number} if known else set()))


def _ownerless(found: Mapping[str, Installed], pieces: Pieces) -> list[int]:
    """The numbers of logs that no table is registered for, as when somebody removed a part of what was installed."""
    known = {installed.number for installed in found.values()}
    return [number for number, some in pieces.items() if number not in known and any(_is_log(number, piece) for piece in some)]


def _ours(number: int, piece: Piece) -> bool:
    """Whether it is to be dropped: not a thing of somebody else that is called so."""
    return _is_log(number, piece) or (piece.type == "trigger" and _TRIGGER.fullmatch(piece.name) is not None)


def _is_log(number: int, piece: Piece) -> bool:
    return piece.type == "table" and piece.sql.startswith(log_start(number))


def _is_there(connection: Connection) -> bool:
    return _named_like_ours(connection) == _TABLES


def _refuse_strangers(connection: Connection) -> None:
    found = _named_like_ours(connection)
    if found and found != _TABLES:
        raise UserError(
            f"The database has a table “{min(found)}” that is not as change capture makes it.",
            remedy=f"Rename or drop what is called {CAPTURES} or {CONSUMERS}; then switch capture on again.",
        )


def _named_like_ours(connection: Connection) -> dict[str, str]:
    names = ", ".join(literal(name) for name in _TABLES)
    rows = connection.rows(f"SELECT name, sql FROM main.sqlite_schema WHERE name COLLATE NOCASE IN ({names})")
    return {row["name"]: row["sql"] for row in rows}
