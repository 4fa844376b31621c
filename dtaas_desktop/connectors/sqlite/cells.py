"""Columns taken apart by storage class: the exact way to read cells, whatever is stored in them.

The driver makes one type of each result column and converts what differs. Asked for the integers, the reals, the texts and the
blobs of a column as four results, each null where the cell is of another class, it has nothing to convert.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc

from dtaas_desktop.connectors.sqlite import fit
from dtaas_desktop.connectors.sqlite.sql import column
from dtaas_desktop.connectors.sqlite.types import BINARY
from dtaas_desktop.domain.table import Column

RESULTS = 4  # for each column
MOST_COLUMNS = 480  # at a time: SQLite returns at most 2,000 results
TYPED_ROW = "0, 0.0, '', x''"  # one value of each class, to fix the types of a stream

_RESULT_TYPES = (pa.int64(), pa.float64(), pa.string(), pa.binary())


def cell_results(name: str, limit: int | None) -> str:
    """The four results of a column. A cell of more than `limit` bytes is not loaded: its size comes as the integer, and a real
    beside it, which no cell has, says so."""
    cell = column(name)
    kind = f"typeof({cell})"
    if limit is None:
        large_size = large_mark = small = ""
    else:
        large = f"{kind} IN ('text', 'blob') AND octet_length({cell}) > {limit}"
        large_size, large_mark = f" WHEN {large} THEN octet_length({cell})", f" WHEN {large} THEN 0.0"
        small = f" AND octet_length({cell}) <= {limit}"
    return (
        f"CASE WHEN {kind} = 'integer' THEN {cell}{large_size} END, CASE WHEN {kind} = 'real' THEN {cell}{large_mark} END,"
        f" CASE WHEN {kind} = 'text'{small} THEN {cell} END, CASE WHEN {kind} = 'blob'{small} THEN {cell} END"
    )


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of a column by storage class. `oversize` marks those that were not loaded (None: there are none)."""

    integers: pa.Array
    reals: pa.Array
    texts: pa.Array
    blobs: pa.Array
    oversize: pa.Array | None = None

    @classmethod
    def of(cls, results: Sequence[pa.Array]) -> "Cells":
        """From the four results; a result without any value may come under any type."""
        typed = [
            result if result.type == expected else pa.nulls(len(result), expected)
            for result, expected in zip(results, _RESULT_TYPES, strict=True)
        ]
        integers, reals, texts, blobs = typed
        if reals.null_count < len(reals) and integers.null_count < len(integers):
            oversize = pc.and_(integers.is_valid(), reals.is_valid())
            if pc.any(oversize).as_py():
                return cls(pc.if_else(oversize, None, integers), pc.if_else(oversize, None, reals), texts, blobs, oversize)
        return cls(integers, reals, texts, blobs)

    def fitted(self, target: Column) -> tuple[pa.Array, pa.Array | None]:
        """The values of `target`'s type, and where a value did not fit (None: everywhere it did). Oversized cells are null and
        no misfits."""
        arms, present = [], []
        for values, fitting in (
            (self.integers, fit.integers),
            (self.reals, fit.reals),
            (self.texts, fit.texts),
            (self.blobs, fit.blobs),
        ):
            if values.null_count < len(values):
                present.append(values.is_valid())
                if target.type == BINARY and not target.declared and values.type in (pa.int64(), pa.float64()):
                    arms.append(fit.numbers_as_bytes(values))
                else:
                    arms.append(fitting(values, target.type))
        if not arms:
            return pa.nulls(len(self.integers), target.type), None
        fitted = pc.coalesce(*arms)
        misfits = pc.and_(reduce(pc.or_, present), fitted.is_null())
        return fitted, misfits if pc.any(misfits).as_py() else None

    def value(self, row: int) -> object:
        """A cell as a plain value: int, float, str, bytes (also for text that is not UTF-8) or None; a phrase if oversized."""
        if self.oversize is not None and self.oversize[row].as_py():
            return "(too large, not read)"
        for values in (self.integers, self.reals, self.blobs):
            if values[row].is_valid:
                return values[row].as_py()
        data = self.texts[row].cast(pa.binary()).as_py()
        try:
            return None if data is None else data.decode()
        except UnicodeDecodeError:
            return data


def cells_of(batch: pa.RecordBatch, *, skip: int) -> Iterator[Cells]:
    """The columns of a result after its first `skip` ones."""
    results = batch.columns[skip:]
    for start in range(0, len(results), RESULTS):
        yield Cells.of(results[start : start + RESULTS])
