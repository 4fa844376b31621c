"""Columns whose declared type says nothing: the stored values decide, once, and the answer is published with the schema."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from dtaas_desktop.connectors.sqlite.catalog import Relation, StoredColumn
from dtaas_desktop.connectors.sqlite.connection import Connection
from dtaas_desktop.connectors.sqlite.fit import EXACT_DOUBLE
from dtaas_desktop.connectors.sqlite.sql import column
from dtaas_desktop.connectors.sqlite.types import BINARY, FLOAT64, INT64, TEXT

_COLUMNS_PER_SCAN = 300
_CLASSES = ("integer", "real", "text", "blob")
PINNABLE = (INT64, FLOAT64, TEXT, BINARY)
_TYPE_WORDS = {INT64: "integers", FLOAT64: "floating-point numbers", TEXT: "text", BINARY: "binary data"}


@dataclass(frozen=True, slots=True)
class Pinned:
    """The type that a column's values need, and what they are."""

    type: pa.DataType
    holds: str


def pinned_types(connection: Connection, relation: Relation, columns: Sequence[StoredColumn]) -> dict[str, Pinned]:
    """The types of the columns by their stored values, from one look at the whole table (one for each 300 columns)."""
    found: dict[str, Pinned] = {}
    for start in range(0, len(columns), _COLUMNS_PER_SCAN):
        group = columns[start : start + _COLUMNS_PER_SCAN]
        seen = connection.row(f"SELECT {', '.join(_looks(group))} FROM {relation.source} AS r")
        for index, stored in enumerate(group):
            classes = frozenset(name for name in _CLASSES if seen[f"{name}{index}"])
            found[stored.name] = _pinned(classes, large_integers=bool(seen[f"large{index}"]))
    return found


def notes(pinned: dict[str, Pinned], *, kind: str) -> tuple[str, ...]:
    """A sentence for each kind of column. Expressions of views and queries never have a type: only mixtures are worth a word."""
    groups: dict[Pinned, list[str]] = defaultdict(list)
    for name, pin in pinned.items():
        if kind == "table" or " and " in pin.holds or pin.holds == _NOTHING:
            groups[pin].append(f"“{name}”")
    sentences = []
    for pin, names in groups.items():
        shown = ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
        verb = "Column {} has" if len(names) == 1 else "Columns {} have"
        sentences.append(
            f"{verb.format(shown)} no declared type; read as {_TYPE_WORDS[pin.type]}, because of holding {pin.holds}."
        )
    return tuple(sentences)


def _looks(columns: Sequence[StoredColumn]) -> list[str]:
    looks = []
    for index, stored in enumerate(columns):
        cell = column(stored.name)
        looks += [f"max(typeof({cell}) = '{name}') AS {name}{index}" for name in _CLASSES]
        large = f"({cell} > {EXACT_DOUBLE} OR {cell} < -{EXACT_DOUBLE})"
        looks.append(f"max(typeof({cell}) = 'integer' AND {large}) AS large{index}")
    return looks


_NOTHING = "no values at all"


def _pinned(classes: frozenset[str], *, large_integers: bool) -> Pinned:
    words = {"integer": "integers", "real": "floating-point numbers", "text": "text", "blob": "binary data"}
    holds = " and ".join(words[name] for name in _CLASSES if name in classes) or _NOTHING
    if "blob" in classes:
        return Pinned(BINARY, holds)
    if "text" in classes or not classes:
        return Pinned(TEXT, holds)
    if "real" not in classes:
        return Pinned(INT64, holds)
    if large_integers and "integer" in classes:
        return Pinned(TEXT, holds + " (some integers are too large for a floating-point number)")
    return Pinned(FLOAT64, holds)
