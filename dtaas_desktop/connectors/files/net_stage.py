"""Staging a mirror's changes: signed images come in, files with their net effect are left.

What does not fit into little memory is spilled into buckets by a hash of the key, in the order it came, and netted bucket by bucket:
all images of a key are in one of them. A bucket that is too large is summed up piece by piece, and split again if its keys are too
many for that. So memory depends neither on the number of images nor on how they are spread over keys.
"""

import contextlib
from collections.abc import Iterator, Sequence

import pyarrow as pa

from dtaas_desktop.connectors.files import disk
from dtaas_desktop.connectors.files.errors import translated
from dtaas_desktop.connectors.files.formats import stored_schema
from dtaas_desktop.connectors.files.spill import Bucket, Spill
from dtaas_desktop.connectors.files.stage import FileStage, Spot, staging
from dtaas_desktop.domain import faults
from dtaas_desktop.domain.file_settings import FileSettings
from dtaas_desktop.domain.net_effect import net_effect, net_schema, reduced
from dtaas_desktop.domain.ports import Budget
from dtaas_desktop.domain.target import StagedFile

HELD = 32 * 1024 * 1024  # bytes of images that wait in memory
AT_ONCE = 64 * 1024 * 1024  # bytes of images that are netted together
_WORTH_SPILLING = 1024 * 1024
_DEEPEST = 8
_ROWS = 65_536


class NetStage:
    """A stage for signed images; see ports.Stage. `files` takes their net effect."""

    def __init__(self, files: FileStage, spot: Spot, images: pa.Schema, key: Sequence[str], budget: Budget) -> None:
        self._files, self._spot, self._key, self._budget = files, spot, tuple(key), budget
        self._schema = stored_schema(images)
        self._held: list[pa.RecordBatch] = []
        self._held_bytes = 0
        self._charged = 0
        self._spill: Spill | None = None

    @property
    def bytes(self) -> int:
        return self._files.bytes + (self._spill.bytes if self._spill else 0)

    def write(self, batch: pa.RecordBatch) -> None:
        faults.reach("stage:images")
        if batch.schema.names != self._schema.names:
            raise ValueError(f"a batch with columns {batch.schema.names} for images with {self._schema.names}")
        if not batch.num_rows:
            return
        self._held.append(batch.cast(self._schema))
        self._held_bytes += batch.nbytes
        over = self._charge(self._held_bytes)
        if self._held_bytes >= HELD or (over and self._held_bytes >= _WORTH_SPILLING):
            self._spill_held()

    def reject(self, rejected: pa.RecordBatch) -> None:
        self._files.reject(rejected)

    def finish(self) -> Sequence[StagedFile]:
        faults.reach("stage:net")
        if self._spill is not None:
            self._spill_held()
            with self._translated():
                self._net(self._spill)
        elif self._held:
            self._write(net_effect(pa.Table.from_batches(self._held, self._schema), self._key))
        self._let_go()
        return self._files.finish()

    def close(self) -> None:
        """Give back memory and spilled files, however it ended."""
        self._let_go()
        if self._spill is not None:
            self._spill.close()

    def _spill_held(self) -> None:
        faults.reach("stage:spill")
        with self._translated():
            if self._spill is None:
                folder = disk.make_folders(self._spot.places.root, self._spot.folder)
                self._spill = Spill(folder / f"spill-{self._files.token}-", self._schema, self._key)
            self._spill.add(pa.Table.from_batches(self._held, self._schema))
        self._let_go()

    def _let_go(self) -> None:
        self._held, self._held_bytes = [], 0
        self._charge(0)

    def _net(self, spill: Spill) -> None:
        """Write the net effect of all that was spilled, and remove it."""
        for bucket in spill.buckets():
            if bucket.bytes <= AT_ONCE:
                self._charge(bucket.bytes)
                self._write(net_effect(bucket.table(), self._key))
            else:
                self._net_piecewise(spill, bucket)
            bucket.remove()
            self._charge(0)

    def _net_piecewise(self, spill: Spill, bucket: Bucket) -> None:
        """Sum the bucket up piece by piece; from the moment that too many keys are left, split it by more of the hash."""
        sum_so_far, finer = self._schema.empty_table(), None
        for piece in bucket.pieces(HELD):
            if finer is not None:
                finer.add(piece)
                continue
            self._charge(sum_so_far.nbytes + piece.nbytes)
            sum_so_far = reduced(pa.concat_tables([sum_so_far, piece]), self._key).combine_chunks()
            if sum_so_far.nbytes > AT_ONCE and spill.depth < _DEEPEST:
                finer = spill.finer(bucket.number)
                finer.add(sum_so_far)
                sum_so_far = self._schema.empty_table()
        if finer is None:
            self._write(net_effect(sum_so_far, self._key))
            return
        try:
            self._net(finer)
        finally:
            finer.close()

    def _write(self, rows: pa.Table) -> None:
        for batch in rows.to_batches(max_chunksize=_ROWS):
            self._files.write(batch)

    def _charge(self, held: int) -> bool:
        change, self._charged = held - self._charged, held
        return self._budget.charge(change)

    def _translated(self) -> contextlib.AbstractContextManager[None]:
        places = self._spot.places
        return translated(f"Writing “{places.name}”", places.root, needed=self._held_bytes)


@contextlib.contextmanager
def net_staging(
    spot: Spot, settings: FileSettings, images: pa.Schema, *, key: Sequence[str], budget: Budget
) -> Iterator[NetStage]:
    """An open stage for signed images; what it wrote is dropped unless it was finished."""
    with staging(spot, settings, net_schema(images), budget) as files:
        stage = NetStage(files, spot, images, key, budget)
        try:
            yield stage
        finally:
            stage.close()
