"""Cells that could not be made: gathered as masks while a step works, told in the BAD_CELLS shape at the end."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from dtaas_desktop.domain.ports import BAD_CELLS
from dtaas_desktop.domain.table import Misfit
from dtaas_desktop.transforms.texts import shown, without_views

_SHOWN_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class BadMask:
    """Rows (true in `mask`, without nulls) whose cell in the output column `column` could not be made out of `values`."""

    mask: pa.Array
    column: str
    values: pa.Array
    reason: str


def gathered(masks: Sequence[BadMask], on_bad: Misfit) -> pa.RecordBatch | None:
    """All bad cells in the order of their rows; under “fail” only the first. None when there are none."""
    indices = [pc.indices_nonzero(mask.mask) for mask in masks]
    if not any(len(rows) for rows in indices):
        return None
    if on_bad == "fail":
        # Naming every bad cell of a batch that fails anyway would only cost time.
        first = min(int(rows[0].as_py()) for rows in indices if len(rows))
        indices = [rows.slice(0, 1) if len(rows) and rows[0].as_py() == first else rows.slice(0, 0) for rows in indices]
    batches = [_told(mask, rows) for mask, rows in zip(masks, indices, strict=True) if len(rows)]
    if len(batches) == 1:
        return batches[0] if on_bad != "fail" else batches[0].slice(0, 1)
    table = pa.Table.from_batches(batches, BAD_CELLS)
    # The sort is stable: cells of one row stay in the order of the columns.
    order = pc.sort_indices(table.column("row"))
    batch = table.take(order).combine_chunks().to_batches()[0]
    return batch.slice(0, 1) if on_bad == "fail" else batch


def _told(mask: BadMask, rows: pa.Array) -> pa.RecordBatch:
    values = without_views(mask.values).take(rows)
    return pa.RecordBatch.from_arrays(
        [
            rows.cast(pa.int64()),
            pa.repeat(pa.scalar(mask.column, pa.string()), len(rows)),
            shown(values, _SHOWN_CHARACTERS),
            pa.repeat(pa.scalar(mask.reason, pa.string()), len(rows)),
        ],
        schema=BAD_CELLS,
    )
