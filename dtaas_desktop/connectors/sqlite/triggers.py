"""The log of touched keys and the triggers that write it, as SQL text.

They run inside other programs, under whatever SQLite those have: plain statements, no function or syntax newer than 3.7, no
constraint that could fail. A trigger's INSERT follows the outer statement's conflict clause, so the log has nothing to conflict
with. Each table is written unaliased where its own index conditions are repeated, because those may name it.

Keys are logged before a statement acts wherever they are known then: also where it fails or ignores, which costs a harmless entry.
For what follows the change may never run: another trigger can end the statement and leave its rows as they are by then (RAISE(IGNORE),
RAISE(FAIL), or any failure within UPDATE OR FAIL), and by a foreign key an updated row may go with the one that it displaces. Only
after it are known the key of an inserted row, and what REPLACE writes in a key for NULL.

What REPLACE displaces through another unique index fires no delete trigger (unless recursive_triggers is on, which is the
program's choice), so the keys of rows in conflict are logged, too. A row number that no column declares is such an index as well: it
can be written as `rowid`. REPLACE also puts a column's default where NULL is not allowed, and may so displace a row that no value of
the statement names.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from dtaas_desktop.connectors.sqlite.catalog import OURS, Relation
from dtaas_desktop.connectors.sqlite.declared import default_value
from dtaas_desktop.connectors.sqlite.keys import BINARY_COLLATION, UniqueIndex
from dtaas_desktop.connectors.sqlite.sql import quoted
from dtaas_desktop.connectors.sqlite.types import keeps_storage_class

# Milliseconds since 1970, in every SQLite.
NOW = "CAST((julianday('now') - 2440587.5) * 86400000 + 0.5 AS INTEGER)"
_PSEUDO_TABLES = ("new", "old")


def log_name(number: int) -> str:
    return f"{OURS}log_{number}"


def trigger_prefix(number: int) -> str:
    return f"{OURS}{number}_"


def log_columns(relation: Relation) -> list[str]:
    """The log's columns that hold the key, in its order: named by their places, so that renaming a column does not touch them."""
    return [f"k{place}" for place in range(1, len(relation.key) + 1)]


def log_table(relation: Relation, number: int) -> str:
    """Key columns without a type keep values as they are. No AUTOINCREMENT: it would leave sqlite_sequence behind, and as the
    newest entry is never purged, no number is used twice. `token` tells this history from another of a copied file."""
    return f"{log_start(number)}, {', '.join(log_columns(relation))})"


def log_start(number: int) -> str:
    """The part of a log's definition that is the same for every table."""
    return f"CREATE TABLE {quoted(log_name(number))} (seq INTEGER PRIMARY KEY, token, at"


def triggers(relation: Relation, number: int) -> dict[str, str]:
    """The CREATE TRIGGER statements by the triggers' names. The same table always gives the same text."""
    new, old = _entry(relation, number, "NEW"), _entry(relation, number, "OLD")
    bodies = {
        "insert": ("AFTER INSERT", [new]),
        "update": ("BEFORE UPDATE", [old, _moved(relation, number)]),
        "delete": ("BEFORE DELETE", [old]),
    }
    if not relation.stable:
        bodies["update_key"] = (f"AFTER UPDATE{_of(relation, relation.key)}", [f"{new} WHERE {_key_differs(relation)}"])
    conflicts = _conflicts(relation)
    if conflicts:
        touched = [_displaced(relation, number, conflict.condition) for conflict in conflicts]
        bodies["insert_conflict"] = ("BEFORE INSERT", touched)
    for place, conflict in enumerate(conflicts, 1):
        others = f"{conflict.condition} AND NOT ({_same_row(relation)}){conflict.only}"
        bodies[f"update_conflict_{place}"] = (f"BEFORE UPDATE{conflict.of}", [_displaced(relation, number, others)])
    return {
        name: _create(relation, name, event, statements)
        for name, event, statements in ((trigger_prefix(number) + kind, *body) for kind, body in bodies.items())
    }


def untraceable(relation: Relation) -> str:
    """Why triggers cannot follow every row of a table that has a key, as a sentence; empty if they can."""
    if any(None in index.columns for index in relation.unique):
        return "It has a unique index on an expression, through which REPLACE could remove rows unseen."
    if _pseudo(relation) and any(index.where for index in relation.unique):
        return "Its name stands for something else within triggers, and it has a unique index with a condition."
    return ""


def _create(relation: Relation, name: str, event: str, statements: Sequence[str]) -> str:
    body = "".join(f"\n  {statement};" for statement in statements)
    return f"CREATE TRIGGER {quoted(name)} {event} ON {quoted(relation.name)} BEGIN{body}\nEND"


def _entry(relation: Relation, number: int, row: str) -> str:
    return _insert(relation, number, [f"{row}.{quoted(name)}" for name in relation.key])


def _moved(relation: Relation, number: int) -> str:
    """The key that an update gives to a row. One with NULL displaces nothing, or is not what will be written."""
    whole = " AND ".join(f"NEW.{quoted(name)} IS NOT NULL" for name in relation.key)
    return f"{_entry(relation, number, 'NEW')} WHERE ({_key_differs(relation)}) AND {whole}"


def _written(relation: Relation, name: str) -> str:
    """NEW's cell as REPLACE would write it. Before a statement acts, NEW has NULL where the column's default will be."""
    default = next((c.default for c in relation.columns if c.name == name and c.not_null), "")
    value = default_value(default) if default else ""
    return f"coalesce(NEW.{quoted(name)}, {value})" if value else f"NEW.{quoted(name)}"


def _displaced(relation: Relation, number: int, condition: str) -> str:
    alias = " AS r" if _pseudo(relation) else ""
    key = [f"{_table(relation)}.{quoted(name)}" for name in relation.key]
    return f"{_insert(relation, number, key)} FROM {quoted(relation.name)}{alias} WHERE {condition}"


def _insert(relation: Relation, number: int, key: Sequence[str]) -> str:
    columns = ", ".join(["token", "at", *log_columns(relation)])
    return f"INSERT INTO {quoted(log_name(number))} ({columns}) SELECT random(), {NOW}, {', '.join(key)}"


def _key_differs(relation: Relation) -> str:
    return " OR ".join(_differs(relation, name) for name in relation.key)


def _differs(relation: Relation, name: str) -> str:
    cell = quoted(name)
    differs = f"OLD.{cell} IS NOT NEW.{cell} COLLATE {BINARY_COLLATION}"
    return f"{differs} OR typeof(OLD.{cell}) <> typeof(NEW.{cell})" if name in _loose(relation) else differs


def _same_row(relation: Relation) -> str:
    table = _table(relation)
    return " AND ".join(f"{table}.{quoted(name)} IS OLD.{quoted(name)} COLLATE {BINARY_COLLATION}" for name in relation.key)


@dataclass(frozen=True, slots=True)
class _Conflict:
    """A condition on the rows in conflict with NEW. Of an update: which columns it must set (the text after BEFORE UPDATE), and
    what else must hold."""

    condition: str
    of: str = ""
    only: str = ""


def _conflicts(relation: Relation) -> list[_Conflict]:
    found = [
        _Conflict(_conflict(relation, index), _of_index(relation, index))
        for index in sorted(set(relation.unique), key=lambda index: _place(relation, index))
        if not _tells_the_key(relation, index)
    ]
    if relation.rowid is not None and not relation.stable:
        rowid = relation.rowid.rpartition(".")[2].strip('"')
        found.append(_Conflict(f"{_table(relation)}.{rowid} = NEW.{rowid}", only=f" AND NEW.{rowid} <> OLD.{rowid}"))
    return found


def _place(relation: Relation, index: UniqueIndex) -> tuple[tuple[int, ...], str]:
    """An order that neither the names of indexes nor, where they can be told apart without, those of columns decide."""
    places = {c.name: place for place, c in enumerate(relation.columns)}
    return tuple(places[name] for name in index.columns if name), repr(index)


def _tells_the_key(relation: Relation, index: UniqueIndex) -> bool:
    """Whether rows that conflict through the index have the same key to the last bit: then the statement's own entry is enough."""
    binary = {name for name, order in zip(index.columns, index.collations, strict=True) if order.upper() == BINARY_COLLATION}
    if relation.stable:
        return relation.key[0] in index.columns
    return set(relation.key) <= binary and not _loose(relation)


def _conflict(relation: Relation, index: UniqueIndex) -> str:
    table = _table(relation)
    terms = [
        f"{table}.{quoted(name or '')} = {_written(relation, name or '')} COLLATE {quoted(order)}"
        for name, order in zip(index.columns, index.collations, strict=True)
    ]
    # SQLite uses a partial index only for a query that repeats its condition; the line break ends a comment in it.
    return " AND ".join([*terms, f"({index.where}\n)"] if index.where else terms)


def _of(relation: Relation, columns: Sequence[str]) -> str:
    """UPDATE OF looks at the names an UPDATE sets: a generated column, which changes with others, is never among them."""
    generated = {c.name for c in relation.columns if c.generated}
    return "" if generated.intersection(columns) else f" OF {', '.join(map(quoted, columns))}"


def _of_index(relation: Relation, index: UniqueIndex) -> str:
    # A row can enter a partial index by any column of its condition.
    return "" if index.where else _of(relation, [name for name in index.columns if name])


def _loose(relation: Relation) -> set[str]:
    """Key columns in which values of several storage classes can be equal."""
    return {
        c.name for c in relation.columns if c.name in relation.key and keeps_storage_class(c.declared, strict=relation.strict)
    }


def _pseudo(relation: Relation) -> bool:
    return relation.name.casefold() in _PSEUDO_TABLES


def _table(relation: Relation) -> str:
    return "r" if _pseudo(relation) else quoted(relation.name)
