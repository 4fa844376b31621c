"""Where to cut a table into parts of like size.

The key's values are sampled (whole pages, picked by the server), ranked in the server's own order, and cut at equal ranks: gaps,
skew and collations need no thought. Bounds are half-open ranges of the leading column of the clustered index; where one value of it
has too many rows, of more columns. Such ranges hold for ever, whether the key is unique or not.
"""

from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise

from dtaas_desktop.connectors.sqlserver import keys
from dtaas_desktop.connectors.sqlserver.connecting import Asking
from dtaas_desktop.connectors.sqlserver.relations import Index, Relation, StoredColumn
from dtaas_desktop.connectors.sqlserver.sql import column as qualified
from dtaas_desktop.connectors.sqlserver.sql import quoted
from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.table import Bound, Part

_RANKED_WHOLE = 50_000  # a table of so many rows is read through its key rather than sampled
_SAMPLE = 5_000
_SAMPLE_FOR_A_PART = 100
_MOST_COLUMNS = 3
_FEW_CUTS = 0.7
# Rows of a heap, or of a columnstore, are found by a key only one by one: the server may read it whole for every part.
_MOST_UNSORTED = 8


def parts(asking: Asking, relation: Relation, wanted: int) -> Sequence[Part]:
    """At most `wanted` ranges that cover the table exactly once; one where no key will do."""
    whole = (Part("0", rows_estimate=relation.rows),)
    index = _splitting_index(relation)
    if wanted <= 1 or index is None:
        return whole
    if not index.clustered:
        wanted = min(wanted, _MOST_UNSORTED)
    columns = _leading(relation, index)
    cuts: list[tuple[int | str, ...]] = []
    for depth in range(1, len(columns) + 1):
        cuts = _cuts(asking, relation, columns[:depth], wanted)
        if len(cuts) >= _FEW_CUTS * (wanted - 1):
            break
    if not cuts:
        return whole
    by = tuple(column.name for column in columns[: len(cuts[0])])
    edges: list[Bound | None] = [None, *(cut[0] if len(cut) == 1 else cut for cut in cuts), None]
    rows = None if relation.rows is None else max(1, relation.rows // (len(edges) - 1))
    return tuple(Part(str(number), low, high, rows, by) for number, (low, high) in enumerate(pairwise(edges)))


def _splitting_index(relation: Relation) -> Index | None:
    if relation.kind != "table" or "external" in relation.traits:
        return None
    usable = [index for index in relation.indexes if keys.comparable(relation.column(index.columns[0]))]
    usable.sort(key=lambda index: (not index.clustered, not index.primary, len(index.columns), index.columns))
    return usable[0] if usable else None


def _leading(relation: Relation, index: Index) -> list[StoredColumn]:
    """The columns to cut by: more than one only where none of them may be empty."""
    columns = [relation.column(name) for name in index.columns[:_MOST_COLUMNS]]
    usable = [columns[0]]
    for column in columns[1:]:
        if column.nullable or not keys.comparable(column) or columns[0].nullable:
            break
        usable.append(column)
    return usable


def _cuts(asking: Asking, relation: Relation, columns: Sequence[StoredColumn], wanted: int) -> list[tuple[int | str, ...]]:
    """Where the 2nd, 3rd … part begins; fewer where values repeat."""
    sample = max(_SAMPLE, _SAMPLE_FOR_A_PART * wanted)
    rows = relation.rows or 0
    found: list[tuple[object, ...]] = []
    if rows > max(_RANKED_WHOLE, 2 * sample) and "memory-optimised" not in relation.traits:
        with suppress(UserError):  # not every server, nor every kind of table, can be sampled
            found = _ranked(
                asking, relation, columns, wanted, f" TABLESAMPLE SYSTEM ({100 * sample / rows:.6f} PERCENT) REPEATABLE (1)"
            )
        if len(found) < wanted - 1:  # too few pages for so many parts
            found = []
    if not found:
        found = _ranked(asking, relation, columns, wanted, "")
    cuts: list[tuple[int | str, ...]] = []
    for row in found:
        values = [keys.value_of(column, value) for column, value in zip(columns, row, strict=True)]
        cut = tuple(value for value in values if value is not None)
        if len(cut) == len(columns) and cut not in cuts[-1:]:
            cuts.append(cut)
    return cuts


def _ranked(
    asking: Asking, relation: Relation, columns: Sequence[StoredColumn], wanted: int, sampled: str
) -> list[tuple[object, ...]]:
    """The keys at which a new share of the rows begins, in the server's order."""
    names = [quoted(f"k{number}") for number in range(len(columns))]
    asked = ", ".join(f"{qualified(column.name)} AS {name}" for column, name in zip(columns, names, strict=True))
    order = ", ".join(qualified(column.name) for column in columns)
    again = ", ".join(f"t.{name}" for name in names)
    plain = ", ".join(keys.plain(column, f"s.{name}") for column, name in zip(columns, names, strict=True))
    tiles = f"SELECT {asked}, NTILE({wanted}) OVER (ORDER BY {order}) AS tile FROM {relation.source} AS r{sampled}"
    numbered = f"SELECT {again}, t.tile, ROW_NUMBER() OVER (PARTITION BY t.tile ORDER BY {again}) AS n FROM ({tiles}) AS t"
    return asking.rows(f"SELECT {plain} FROM ({numbered}) AS s WHERE s.n = 1 AND s.tile > 1 ORDER BY s.tile")
