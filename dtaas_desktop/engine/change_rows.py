"""What changes of the source are at one target: images through the steps, then signed (mirror) or lettered (history), or taken as they are (append).

Whatever a step does to a row is decided for each image alone, and follows from what became of both: see domain.changes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from dtaas_desktop.domain.changes import SAME, UNCHANGED, Operation, refuse_unpaired
from dtaas_desktop.domain.table import Counts, Rows
from dtaas_desktop.domain.target import Target
from dtaas_desktop.engine.chain import Chain, Passed, carried_on
from dtaas_desktop.engine.key_path import KeyPath

_BEFORES = (Operation.DELETE, Operation.BEFORE)
_AFTERS = (Operation.INSERT, Operation.AFTER, Operation.PRESENT)
_KEYS_ONLY = (Operation.ABSENT, Operation.REFUSED)


@dataclass(frozen=True, slots=True)
class Taken:
    """What a batch of changes came to: rows to stage (Target.staged_schema), rows refused by a step, and counts of changes."""

    batch: pa.RecordBatch
    rejected: pa.RecordBatch | None
    counts: Counts


@dataclass(frozen=True, slots=True)
class _Images:
    """Rows for the target, and for each the row of the source's batch that it comes from."""

    rows: pa.RecordBatch
    of: pa.Array


class ChangeRows:
    """The changes of one table run, batch by batch; one batch depends on no other."""

    def __init__(self, chain: Chain, source: pa.Schema, target: Target) -> None:
        self._chain = chain
        self._target = target
        self._path = KeyPath(chain, source, target.schema)
        self._marks = images_of_columns(chain, source) if target.same else {}

    def take(self, rows: Rows, whole: pa.RecordBatch) -> Taken:
        """`whole` are the rows with all columns of the source, in the order of `rows.changes`."""
        changes = rows.changes
        assert changes is not None
        refuse_unpaired(changes)
        operations = changes.column("operation")
        afters, after_images, passed = self._through(whole, _which(operations, _AFTERS), lenient=False)
        # A before-image that a step refuses was refused when it was written, so it is not at the target; nobody need hear of it again.
        _, before_images, _ = self._through(whole, _which(operations, _BEFORES), lenient=True)
        missing = _without(_where(operations, Operation.PRESENT), after_images.of)
        keys = self._keys_only(whole, pa.concat_arrays([_which(operations, _KEYS_ONLY), missing]))
        if self._target.write_mode == "append":  # of rows that are only ever added
            batch = after_images.rows
        else:
            shaped = self._signed if self._target.write_mode == "mirror" else self._lettered
            batch = shaped(changes, before_images, after_images, keys)
        refused = afters.take(passed.refused)
        counts = _counted(operations, before_images.of, after_images.of, refused)
        return Taken(batch, passed.rejected, counts + Counts(nulled=passed.counts.nulled))

    def _through(self, whole: pa.RecordBatch, indexes: pa.Array, *, lenient: bool) -> tuple[pa.Array, _Images, Passed]:
        """Some rows of the batch through the steps: their indexes, their images, and what the steps said of them."""
        passed = self._chain.apply(whole if len(indexes) == whole.num_rows else whole.take(indexes), lenient=lenient)
        return indexes, _Images(passed.batch, indexes if passed.origin is None else indexes.take(passed.origin)), passed

    def _keys_only(self, whole: pa.RecordBatch, indexes: pa.Array) -> _Images:
        if not len(indexes) or not self._chain.key:
            return _Images(_no_rows(self._target.schema), _NONE)
        keys, kept = self._path.rows(whole.take(indexes))
        return _Images(keys, indexes.take(kept))

    # mirror

    def _signed(self, changes: pa.RecordBatch, befores: _Images, afters: _Images, keys: _Images) -> pa.RecordBatch:
        schema = self._target.staged_schema("changes")
        pieces = []
        for images, sign in ((befores, -1), (afters, 1), (keys, -1)):
            if not images.rows.num_rows:
                continue
            beside = changes.take(images.of)
            count = images.rows.num_rows
            columns = [pa.repeat(pa.scalar(sign, pa.int8()), count), *(beside.column(n) for n in _BESIDE_SIGNED)]
            columns += [self._mark(beside, name, count, known=sign < 0) for name in self._marked(schema)]
            pieces.append(pa.RecordBatch.from_arrays([*columns, *images.rows.columns], schema=schema))
        return _stacked(pieces, schema)

    @staticmethod
    def _marked(schema: pa.Schema) -> list[str]:
        return [name.removeprefix(SAME) for name in schema.names if name.startswith(SAME)]

    def _mark(self, beside: pa.RecordBatch, name: str, count: int, *, known: bool) -> pa.Array:
        mark = UNCHANGED + self._marks[name]
        if known or mark not in beside.schema.names:
            return pa.repeat(pa.scalar(False), count)
        return beside.column(mark)

    # history

    def _lettered(self, changes: pa.RecordBatch, befores: _Images, afters: _Images, keys: _Images) -> pa.RecordBatch:
        schema = self._target.staged_schema("changes")
        operations = changes.column("operation")
        after_letters = pc.if_else(pc.equal(operations.take(afters.of), Operation.AFTER.value), "U", "I")
        before_kept = pc.equal(operations.take(befores.of), Operation.DELETE.value)
        if len(befores.of):
            # An update whose before-image was at the target: its place among the after-images, null if no after-image is.
            partner = pc.index_in(pc.add(befores.of, 1), value_set=afters.of)
            is_update = pc.equal(operations.take(befores.of), Operation.BEFORE.value)
            moved = self._moved(befores.rows, afters.rows, partner)
            before_kept = pc.or_(before_kept, pc.and_(is_update, pc.or_(pc.is_null(partner), moved)))
            known = pc.filter(partner, pc.and_(is_update, pc.and_(pc.is_valid(partner), pc.invert(moved))))
            places = pa.array(range(len(afters.of)), known.type)
            is_after = pc.equal(after_letters, "U")
            after_letters = pc.if_else(pc.and_(is_after, pc.invert(pc.is_in(places, value_set=known))), "I", after_letters)
        else:
            after_letters = pc.if_else(pc.equal(after_letters, "U"), "I", after_letters)
        kept_befores = _Images(befores.rows.filter(before_kept), befores.of.filter(before_kept))
        pieces, order = [], []
        for images, letters in (
            (kept_befores, pa.repeat(pa.scalar("D"), kept_befores.rows.num_rows)),
            (afters, after_letters),
            (keys, pa.repeat(pa.scalar("D"), keys.rows.num_rows)),
        ):
            if images.rows.num_rows:
                beside = changes.take(images.of)
                columns = [letters, beside.column("position"), beside.column("committed_at"), *images.rows.columns]
                pieces.append(pa.RecordBatch.from_arrays(columns, schema=schema))
                order.append(images.of)
        whole = _stacked(pieces, schema)
        return whole if len(pieces) < 2 else whole.take(pc.array_sort_indices(pa.concat_arrays(order)))

    def _moved(self, befores: pa.RecordBatch, afters: pa.RecordBatch, partner: pa.Array) -> pa.Array:
        """For each before-image whether its after-image (by index; null: none) has another key."""
        moved = pa.repeat(pa.scalar(False), befores.num_rows)
        for name in self._target.key:
            before, after = befores.column(name), afters.column(name).take(partner)
            same = pc.fill_null(pc.equal(before, after), False)
            both_null = pc.and_(pc.is_null(before), pc.is_null(after))
            moved = pc.or_(moved, pc.invert(pc.or_(same, both_null)))
        return pc.and_(moved, pc.is_valid(partner))


_BESIDE_SIGNED = ("transaction", "position", "committed_at")
_NONE = pa.nulls(0, pa.int64())


def images_of_columns(chain: Chain, schema: pa.Schema) -> dict[str, str]:
    """For each column at the end that holds just the values of one source column: that column."""
    origin = {name: name for name in schema.names}
    for step in chain.steps:
        origin = carried_on(origin, step.transform.lineage(schema))
        schema = step.transform.output_schema(schema)
    return origin


def _counted(operations: pa.Array, befores: pa.Array, afters: pa.Array, refused: pa.Array) -> Counts:
    """Changes: an update is one. Written is what reached the target in one way or another, and was not refused."""
    total = len(operations)
    read = total - len(_where(operations, Operation.BEFORE)) - len(_where(operations, Operation.REFUSED))
    updates = _where(operations, Operation.BEFORE)
    # Each change under the index of its last image.
    reached = pa.concat_arrays([afters, _which(operations, (Operation.ABSENT,))])
    deleted = befores.filter(pc.is_in(befores, value_set=_where(operations, Operation.DELETE)))
    left = pc.add(befores.filter(pc.is_in(befores, value_set=updates)), 1)
    reached = pc.unique(pa.concat_arrays([reached, deleted, left]))
    written = len(_without(reached, refused))
    return Counts(read=read, written=written, rejected=len(refused), filtered=read - written - len(refused))


def _which(operations: pa.Array, wanted: Sequence[Operation]) -> pa.Array:
    return pc.indices_nonzero(pc.is_in(operations, value_set=pa.array(wanted, pa.int8()))).cast(pa.int64())


def _where(operations: pa.Array, operation: Operation) -> pa.Array:
    return pc.indices_nonzero(pc.equal(operations, operation.value)).cast(pa.int64())


def _without(indexes: pa.Array, others: pa.Array) -> pa.Array:
    return indexes.filter(pc.invert(pc.is_in(indexes, value_set=others)))


def _no_rows(schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array([], field.type) for field in schema], schema=schema)


def _stacked(pieces: Sequence[pa.RecordBatch], schema: pa.Schema) -> pa.RecordBatch:
    if not pieces:
        return _no_rows(schema)
    return pieces[0] if len(pieces) == 1 else pa.concat_batches(pieces)
