"""What becomes of cells that do not fit or are too large: the task's policy, applied to a batch of rows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from dtaas_desktop.connectors.sqlserver.select import Taken
from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.rejects import key_json, plain_rows, row_json
from dtaas_desktop.domain.table import REJECTED, CellPolicy, Rows

NODE = "source"
_NOT_READ = "(too large, not read)"
_BROKEN = "half of a surrogate pair, which no UTF-8 text can hold"
_MISFIT = "a moment outside of 1677-09-21 to 2262-04-11, which nanoseconds cannot hold"


@dataclass(frozen=True, slots=True)
class Judge:
    """Applies a policy to batches of one table. `schema` is that of the rows; `key` names what a row is known by."""

    table: str
    schema: pa.Schema
    key: Sequence[str]
    policy: CellPolicy

    def rows(self, taken: Taken) -> Rows:
        """The rows that stay, those refused, and how many cells became null. Cells larger than the policy's limit are refused with
        their row; so are, or become null, misfits and halves of characters. Raises UserError if the policy is to fail."""
        batch = pa.RecordBatch.from_arrays(list(taken.arrays), schema=self.schema)
        oversize = {index: pc.fill_null(pc.greater(sizes, self.policy.limit), False) for index, sizes in taken.sizes.items()}
        oversize = {index: mask for index, mask in oversize.items() if pc.any(mask).as_py()}
        misfits = {**taken.misfits, **taken.broken}
        if not oversize and not misfits:
            return Rows(batch)
        if self.policy.oversize == "fail":
            self._fail(batch, oversize, lambda _: self._too_large())
        if self.policy.misfit == "fail":
            self._fail(batch, misfits, lambda index: self._reason(index, taken))
        nulled = 0
        if self.policy.misfit == "null" and misfits:
            batch, nulled = self._without(batch, misfits, oversize)
            misfits = {}
        return self._refused(batch, taken, oversize, misfits, nulled)

    def _without(
        self, batch: pa.RecordBatch, misfits: Mapping[int, pa.Array], oversize: Mapping[int, pa.Array]
    ) -> tuple[pa.RecordBatch, int]:
        """The batch with misfits as nulls, and how many there are in rows that stay."""
        columns, nulled = list(batch.columns), 0
        gone = _any(list(oversize.values()), batch.num_rows)
        for index, mask in misfits.items():
            columns[index] = pc.if_else(mask, pa.scalar(None, columns[index].type), columns[index])
            nulled += pc.sum(pc.and_not(mask, gone)).as_py() or 0
        return pa.RecordBatch.from_arrays(columns, schema=self.schema), nulled

    def _refused(
        self, batch: pa.RecordBatch, taken: Taken, oversize: Mapping[int, pa.Array], misfits: Mapping[int, pa.Array], nulled: int
    ) -> Rows:
        refused = _any([*oversize.values(), *misfits.values()], batch.num_rows)
        indexes = pc.indices_nonzero(refused).to_pylist()
        if not indexes:
            return Rows(batch, nulled=nulled)
        names = self.schema.names
        found = []
        for row, values in zip(indexes, plain_rows(batch.take(pa.array(indexes, pa.int64()))), strict=True):
            large = [index for index, mask in oversize.items() if mask[row].as_py()]
            for index in large:
                values[names[index]] = _NOT_READ
            index = min(large or [index for index, mask in misfits.items() if mask[row].as_py()])
            reason = self._too_large() if large else self._reason(index, taken)
            found.append((row_json(values), key_json(values, self.key), NODE, names[index], reason))
        rejected = pa.RecordBatch.from_arrays(
            [pa.array(column, field.type) for column, field in zip(zip(*found, strict=True), REJECTED, strict=True)],
            schema=REJECTED,
        )
        return Rows(batch.filter(pc.invert(refused)), rejected, nulled)

    def _fail(self, batch: pa.RecordBatch, masks: Mapping[int, pa.Array], reason: Callable[[int], str]) -> None:
        for index, mask in masks.items():
            bad = pc.index(mask, True).as_py()
            if bad >= 0:
                row = plain_rows(batch.slice(bad, 1))[0]
                shown = ", ".join(f"{name} = {row[name]!r}" for name in self.key if name in row) or f"number {bad + 1} of a batch"
                raise UserError(
                    f"Table {self.table}, column “{self.schema.names[index]}”: the row with {shown} {reason(index)}.",
                    remedy="Raise the largest cell allowed in the task's options, correct it at the source, or let such rows be rejected.",
                )

    def _too_large(self) -> str:
        return f"holds a cell of more than {self.policy.limit:,} bytes, the largest allowed"

    def _reason(self, index: int, taken: Taken) -> str:
        return f"holds {_BROKEN if index in taken.broken else _MISFIT}"


def _any(masks: Sequence[pa.Array], rows: int) -> pa.Array:
    found = pa.repeat(pa.scalar(False), rows)
    for mask in masks:
        found = pc.or_(found, mask)
    return found
