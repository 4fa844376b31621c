"""The changes of a turn as a stream: first the rows that are there now, then the keys of those that are not."""

import threading
from collections.abc import Collection, Generator, Iterable, Iterator, Sequence
from contextlib import closing

import pyarrow as pa
import pyarrow.compute as pc

from dtaas_desktop.connectors.sqlite.catalog import Relation
from dtaas_desktop.connectors.sqlite.installation import Installed
from dtaas_desktop.connectors.sqlite.judgement import Chunk, judged
from dtaas_desktop.connectors.sqlite.paged import PagedRows
from dtaas_desktop.connectors.sqlite.pages import ChunkSize
from dtaas_desktop.connectors.sqlite.positions import DIGITS, place
from dtaas_desktop.connectors.sqlite.read_keys import ReadKeys, has_several_forms
from dtaas_desktop.connectors.sqlite.turn import Turn
from dtaas_desktop.domain.changes import CHANGES, Operation
from dtaas_desktop.domain.table import CellPolicy, Column, Part, Rows, TableDescription

_WHOLE = Part("0")


class ChangeStream:
    """The net changes of a turn: each key once, in no order that means anything. `upto` is the last entry read, which stands for
    the one transaction that they are."""

    def __init__(
        self,
        found: Turn,
        table: TableDescription,
        known: Installed,
        *,
        upto: int,
        columns: Sequence[str],
        cells: CellPolicy,
        size: ChunkSize,
    ) -> None:
        described = {c.name: c for c in table.columns}
        names = [*columns, *(name for name in table.key if name not in set(columns))]
        self._columns = tuple(described[name] for name in names)
        self._key_at = [names.index(name) for name in table.key]
        self._whole = pa.schema([pa.field(c.name, c.type) for c in self._columns])
        self._asked = list(range(len(columns)))
        self.schema = pa.schema([pa.field(c.name, c.type) for c in self._columns[: len(columns)]])
        self._turn, self._table, self._known = found, table, known
        self._read: ReadKeys | None = None
        self._transaction = place(known, upto)
        self._policy, self._size = cells, size
        self._cancelled = threading.Event()
        self._running: Generator[Rows, None, None] | None = None

    def cancel(self) -> None:
        self._cancelled.set()

    def __iter__(self) -> Iterator[Rows]:
        self._running = self._rows()
        return self._running

    def close(self) -> None:
        """End the reading: the connection is free for another part."""
        if self._running is not None:
            self._running.close()
        if not self._turn.connection.failed:
            self._turn.close()
            if self._read is not None:
                self._read.close()

    def _rows(self) -> Generator[Rows, None, None]:
        touched = self._turn.touched
        several = has_several_forms(self._turn.present, [self._columns[at] for at in self._key_at])
        self._read = ReadKeys(self._turn.connection, [self._columns[at] for at in self._key_at]) if several and touched else None
        found = 0
        with closing(self._paged(self._turn.present, self._columns)) as chunks:
            for numbers, chunk in chunks:
                if self._cancelled.is_set():
                    return
                found += len(numbers)
                rows = self._present(numbers, chunk)
                if rows.batch.num_rows or rows.rejected is not None:
                    yield self._as_asked(rows)
        if self._cancelled.is_set():
            return
        if self._read is not None:
            self._read.refuse_repeated(self._table.table)
        if found == touched:
            return
        self._turn.find_absent()
        with closing(self._paged(self._turn.absent, [self._columns[at] for at in self._key_at])) as chunks:
            for numbers, chunk in chunks:
                if self._cancelled.is_set():
                    return
                rows = self._absent(numbers, chunk)
                if rows.batch.num_rows:
                    yield self._as_asked(rows)

    def _paged(self, relation: Relation, columns: Sequence[Column]) -> Generator[tuple[pa.Array, Chunk], None, None]:
        return PagedRows(
            self._turn.connection,
            relation,
            columns,
            part=_WHOLE,
            key=self._table.key,
            policy=self._policy,
            size=self._size,
            cancelled=self._cancelled,
        ).chunks()

    def _present(self, numbers: pa.Array, chunk: Chunk) -> Rows:
        """Rows that are there; of those that were refused only the key, unless the key is what does not fit: then no row of it
        can be at the destination."""
        verdict = judged(chunk, self._table, self._table.key, self._whole, self._policy, required=self._key_at)
        rows = verdict.rows
        kept = _without(len(numbers), verdict.refused)
        batch, changes = rows.batch, self._changes(self._turn.present, numbers.take(kept), Operation.PRESENT)
        if verdict.refused:
            refused = _without(len(numbers), [*kept.to_pylist(), *_unfit(chunk, self._key_at)])
            stubs = self._keys_alone([chunk.arrays[at] for at in self._key_at], refused)
            batch = pa.concat_batches([batch, stubs])
            changes = pa.concat_batches([changes, self._changes(self._turn.present, numbers.take(refused), Operation.REFUSED)])
        if self._read is not None:
            self._read.add([batch.column(at) for at in self._key_at])
        return Rows(batch, rows.rejected, rows.nulled, changes)

    def _absent(self, numbers: pa.Array, chunk: Chunk) -> Rows:
        """Keys of no row. One that does not fit its columns was never at the destination."""
        fit = _without(len(numbers), _unfit(chunk, range(len(chunk.arrays))))
        if self._read is not None and len(fit):
            fit = fit.take(self._read.new([array.take(fit) for array in chunk.arrays]))
        changes = self._changes(self._turn.absent, numbers.take(fit), Operation.ABSENT)
        return Rows(self._keys_alone(chunk.arrays, fit), changes=changes)

    def _keys_alone(self, key: Sequence[pa.Array], rows: pa.Array) -> pa.RecordBatch:
        values = {at: array.take(rows) for at, array in zip(self._key_at, key, strict=True)}
        columns = [values.get(at) for at in range(len(self._columns))]
        return pa.RecordBatch.from_arrays(
            [
                pa.nulls(len(rows), field.type) if array is None else array
                for field, array in zip(self._whole, columns, strict=True)
            ],
            schema=self._whole,
        )

    def _changes(self, relation: Relation, numbers: pa.Array, operation: Operation) -> pa.RecordBatch:
        count = len(numbers)
        seq, at = self._turn.stamps(relation, numbers)
        digits = pc.utf8_lpad(seq.cast(pa.string()), DIGITS, "0")
        return pa.RecordBatch.from_arrays(
            [
                pa.repeat(pa.scalar(operation.value, pa.int8()), count),
                pa.repeat(pa.scalar(self._transaction, pa.string()), count),
                pc.binary_join_element_wise(self._known.instance, digits, "."),
                pc.multiply(at, 1000).cast(CHANGES.field("committed_at").type),
            ],
            schema=CHANGES,
        )

    def _as_asked(self, rows: Rows) -> Rows:
        return Rows(rows.batch.select(self._asked), rows.rejected, rows.nulled, rows.changes)


def _unfit(chunk: Chunk, places: Iterable[int]) -> list[int]:
    """The rows that have a cell in one of these columns that does not fit or was not loaded."""
    masks = [masks[place] for place in places for masks in (chunk.misfits, chunk.oversize) if place in masks]
    return [row for mask in masks for row in pc.indices_nonzero(mask).to_pylist()]


def _without(count: int, rows: Collection[int]) -> pa.Array:
    """The indexes below `count` that are not among `rows`."""
    every = pa.array(range(count), pa.int64())
    return every.filter(pc.invert(pc.is_in(every, value_set=pa.array(rows, pa.int64())))) if rows else every
