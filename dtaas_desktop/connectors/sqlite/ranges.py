"""How large a table is, and where to cut it into parts of like size, from a few hundred short looks at its row numbers."""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from dtaas_desktop.connectors.sqlite.catalog import Relation
from dtaas_desktop.connectors.sqlite.connection import Connection
from dtaas_desktop.connectors.sqlite.sql import literal, row_bytes
from dtaas_desktop.domain.table import Part

# Counting rows takes 20 ns each from memory; a file of this size is counted in a moment even from a slow disk.
COUNTED_BYTES = 64 * 1024 * 1024
_SAMPLE_ROWS = 30
_CELLS_IN_SAMPLE = 1000
_LOOKS = 16  # for an estimate
_LOOKS_TO_CUT = 200
_DENSE = 0.9


@dataclass(frozen=True, slots=True)
class Size:
    """An estimate; None where only reading everything would tell."""

    rows: int | None = None
    bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Stretch:
    """Row numbers from `low` to `high`, both of which exist, and the estimate of rows among them."""

    low: int
    high: int
    rows: float
    bytes: float = 0.0

    @property
    def width(self) -> int:
        return self.high - self.low + 1


def size_estimate(connection: Connection, relation: Relation) -> Size:
    if relation.kind != "table":
        return Size()
    file_bytes = _file_bytes(connection)
    if relation.rowid is None:
        rows = _counted(connection, relation) if file_bytes <= COUNTED_BYTES else _last_analysis(connection, relation)
        return Size(rows)
    stretches = list(_stretches(connection, relation, _LOOKS))
    estimate = sum(stretch.rows for stretch in stretches)
    per_row = sum(s.bytes for s in stretches) / estimate if estimate else 0.0
    rows = _counted(connection, relation) if file_bytes <= COUNTED_BYTES else round(estimate)
    return Size(rows, round(min(per_row * rows, file_bytes)))


def parts(connection: Connection, relation: Relation, wanted: int, *, exact: bool) -> Sequence[Part]:
    """Half-open ranges of row numbers, open at both ends; one part where row numbers are not there or may change."""
    if wanted <= 1 or relation.rowid is None or not (relation.stable or exact):
        return (Part("0"),)
    stretches = sorted(_stretches(connection, relation, _LOOKS), key=lambda s: s.low)
    if any(stretch.rows < _DENSE * stretch.width for stretch in stretches):  # where there are gaps, it takes more to find them
        stretches = sorted(_stretches(connection, relation, max(_LOOKS_TO_CUT, 8 * wanted)), key=lambda s: s.low)
    rows = sum(stretch.rows for stretch in stretches)
    cuts = sorted(set(_cuts(stretches, rows, wanted)))
    edges = [None, *cuts, None]
    return tuple(Part(f"{index}", low, high, round(rows / (len(cuts) + 1))) for index, (low, high) in enumerate(pairwise(edges)))


def _cuts(stretches: Sequence[Stretch], rows: float, wanted: int) -> Iterator[int]:
    """The row numbers at which the 2nd, 3rd … part begins."""
    passed, number = 0.0, 1
    for stretch in stretches:
        while number < wanted and rows * number / wanted <= passed + stretch.rows:
            share = (rows * number / wanted - passed) / stretch.rows
            cut = stretch.low + int(share * (stretch.width - 1))
            if cut > stretches[0].low:
                yield cut
            number += 1
        passed += stretch.rows


def _stretches(connection: Connection, relation: Relation, most: int) -> Iterator[Stretch]:
    """The row numbers in use as up to `most` stretches. The one with most rows by estimate is halved again and again; each half
    shrinks to the row numbers that exist, so that gaps fall out."""
    first = _stretch(connection, relation, None, None)
    if first is None:
        return
    heap = [(-first.rows, first.low, first)]
    whole: list[Stretch] = []
    while heap and len(heap) + len(whole) < most:
        _, _, widest = heapq.heappop(heap)
        if widest.width <= _SAMPLE_ROWS:
            whole.append(widest)
            continue
        middle = widest.low + widest.width // 2
        for low, high in ((widest.low, middle), (middle, widest.high + 1)):
            half = _stretch(connection, relation, low, high)
            if half is not None:
                heapq.heappush(heap, (-half.rows, half.low, half))
    yield from whole
    yield from (stretch for _, _, stretch in heap)


def _stretch(connection: Connection, relation: Relation, low: int | None, high: int | None) -> Stretch | None:
    """What lies in [low, high): its extent by two seeks; its density by three samples, at both ends and in the middle. Where they
    disagree the estimate is rather too high, so that such a stretch is the next to be halved."""
    rowid = relation.rowid

    def rows_from(start: int | None) -> str:
        # One lower bound only: of two SQLite may seek the first and walk to the second.
        bounds = ([f"{rowid} >= {start}"] if start is not None else []) + ([f"{rowid} < {high}"] if high is not None else [])
        return f"FROM {relation.source} AS r NOT INDEXED WHERE {' AND '.join(bounds) or '1'}"

    rows = rows_from(low)
    ends = connection.row(
        f"SELECT (SELECT {rowid} {rows} ORDER BY {rowid} LIMIT 1) AS low,"
        f" (SELECT {rowid} {rows} ORDER BY {rowid} DESC LIMIT 1) AS high"
    )
    first, last = ends["low"], ends["high"]
    if first is None:
        return None
    names = [c.name for c in relation.columns]
    count = max(2, min(_SAMPLE_ROWS, _CELLS_IN_SAMPLE // len(names)))
    width = last - first + 1
    middle = first + width // 2
    cells = f"SELECT {rowid} AS id, {row_bytes(names)} AS size"
    looks = (
        f"{cells} {rows} ORDER BY {rowid} LIMIT {count}",
        f"{cells} {rows_from(middle)} ORDER BY {rowid} LIMIT {count}",
        f"{cells} {rows} ORDER BY {rowid} DESC LIMIT {count}",
    )
    samples = connection.rows(
        " UNION ALL ".join(
            f"SELECT count(*) AS n, min(id) AS low, max(id) AS high, sum(size) AS size FROM ({look})" for look in looks
        )
    )
    lower, inner, upper = samples
    if lower["n"] < count:
        return Stretch(first, last, lower["n"], lower["size"])
    spans = (lower["high"] - first + 1, inner["high"] - middle + 1, last - upper["low"] + 1)
    density = sum(sample["n"] / span for sample, span in zip(samples, spans, strict=True)) / len(samples)
    estimate = min(width, width * density)
    return Stretch(first, last, estimate, estimate * sum(s["size"] for s in samples) / sum(s["n"] for s in samples))


def _counted(connection: Connection, relation: Relation) -> int:
    return int(connection.row(f"SELECT count(*) AS n FROM {relation.source} AS r")["n"])


def _last_analysis(connection: Connection, relation: Relation) -> int | None:
    """The row count that ANALYZE left behind, if it was ever run."""
    if not connection.row("SELECT count(*) AS n FROM sqlite_schema WHERE name = 'sqlite_stat1'")["n"]:
        return None
    name = literal(relation.ref.name)
    found = connection.rows(f"SELECT max(CAST(stat AS INTEGER)) AS n FROM sqlite_stat1 WHERE tbl = {name} COLLATE NOCASE")
    return None if found[0]["n"] is None else int(found[0]["n"])


def _file_bytes(connection: Connection) -> int:
    found = connection.row("SELECT page_count * page_size AS n FROM pragma_page_count, pragma_page_size")
    return int(found["n"])
