"""Staging images for a mirror: each gets a number, by which the rows that win are fetched when all is known."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pyarrow as pa
import pyarrow.compute as pc

from dtaas_desktop.connectors.files.stage import FileStage, Spot, staging
from dtaas_desktop.domain.file_settings import FileSettings
from dtaas_desktop.domain.ports import Budget
from dtaas_desktop.domain.target import StagedFile

NUMBER = "__row"
_FIELD = pa.field(NUMBER, pa.int64(), nullable=False)


class NumberedStage:
    """A stage whose rows are numbered in the order they come; see ports.Stage."""

    def __init__(self, files: FileStage) -> None:
        self._files = files
        self._count = 0

    @property
    def bytes(self) -> int:
        return self._files.bytes

    def write(self, batch: pa.RecordBatch) -> None:
        numbers = pc.cumulative_sum(pa.repeat(pa.scalar(1, pa.int64()), batch.num_rows), start=self._count - 1)
        self._count += batch.num_rows
        self._files.write(batch.add_column(0, _FIELD, numbers))

    def reject(self, rejected: pa.RecordBatch) -> None:
        self._files.reject(rejected)

    def finish(self) -> Sequence[StagedFile]:
        return self._files.finish()


@contextmanager
def numbered_staging(spot: Spot, settings: FileSettings, images: pa.Schema, budget: Budget) -> Iterator[NumberedStage]:
    """An open stage for images; what it wrote is dropped unless it was finished."""
    with staging(spot, settings, pa.schema([_FIELD, *images]), budget) as files:
        yield NumberedStage(files)
