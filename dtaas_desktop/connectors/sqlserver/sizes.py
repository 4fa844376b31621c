"""How large the cells of columns without a bound are, asked before they are read: from it follows how many fit into a buffer."""

from collections.abc import Mapping, Sequence

from dtaas_desktop.connectors.sqlserver.odbc import Bulk
from dtaas_desktop.connectors.sqlserver.relations import Relation
from dtaas_desktop.connectors.sqlserver.select import statement
from dtaas_desktop.connectors.sqlserver.types import LONGEST_BOUNDED, Reading

# Cells beyond a cap are fetched one row at a time, which is worth it while they are few.
_CAPS = (256, 2048, LONGEST_BOUNDED, 64 * 1024, 512 * 1024, 4 * 1024 * 1024)
_FEW = 20
_FEW_OF = 0.005
_AT_ONCE = 40  # columns asked about in one statement


def caps(
    bulk: Bulk, relation: Relation, readings: Sequence[Reading], condition: str, *, limit: int, fetchable: bool
) -> Mapping[int, int]:
    """For each large reading (by index) the largest cell that one statement will bring.

    fetchable: whether rows can be found again by a key; otherwise the cap is the largest cell there is, up to `limit`.
    """
    large = [index for index, reading in enumerate(readings) if reading.large]
    found: dict[int, int] = {}
    for start in range(0, len(large), _AT_ONCE):
        some = large[start : start + _AT_ONCE]
        asked = _asked([readings[index].sql for index in some])
        rows, *numbers = bulk.numbers(statement(relation, ", ".join(asked), condition), len(asked))
        for position, index in enumerate(some):
            largest, *beyond = numbers[position * (1 + len(_CAPS)) :][: 1 + len(_CAPS)]
            found[index] = _cap(largest, beyond, rows, limit=limit, fetchable=fetchable)
    return found


def _asked(expressions: Sequence[str]) -> list[str]:
    results = ["COUNT_BIG(*) AS n"]
    for number, expression in enumerate(expressions):
        size = f"CAST(DATALENGTH({expression}) AS bigint)"
        results.append(f"MAX({size}) AS m{number}")
        results += [f"SUM(CASE WHEN {size} > {cap} THEN CAST(1 AS bigint) ELSE 0 END) AS n{number}_{cap}" for cap in _CAPS]
    return results


def _cap(largest: int, beyond: Sequence[int], rows: int, *, limit: int, fetchable: bool) -> int:
    if not fetchable:
        # Room to grow while it is read: such a row cannot be fetched again.
        return max(1, min(limit, largest + largest // 4))
    for cap, count in zip(_CAPS, beyond, strict=True):
        if count <= max(_FEW, _FEW_OF * rows):
            return max(2, min(cap, largest + largest % 2, limit))
    return max(1, min(largest, limit))
