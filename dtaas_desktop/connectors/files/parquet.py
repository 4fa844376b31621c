"""Parquet: row groups of useful size, dictionaries where they pay, nothing lost in any type."""

from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from random import Random

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dtaas_desktop.connectors.files.formats import Encoder, stored_schema
from dtaas_desktop.domain.file_settings import FileSettings

ROW_GROUP_ROWS = 524_288
ROW_GROUP_BYTES = 16 * 1024 * 1024  # two are held at a time; measured: larger ones cost memory and save nothing
# Of files that are only loaded from: DuckDB holds some row groups at a time, which counts where its memory is limited.
_LOADED_ROWS = 65_536
_LOADED_BYTES = 8 * 1024 * 1024
_ZSTD_LEVEL = 1  # measured on flights: level 3 saves 1 % of the bytes for 4 % of the time
_SAMPLE_CELLS = 4_000_000
_GLANCE, _UNIQUE = 4_096, 0.97  # of 45,000 like values, which just do not repay a dictionary, 0.956 of so many rows are different
_LARGE_CELL = 64 * 1024  # bytes, of an average cell


class ParquetFormat:
    """Parquet 2.6 files; zstd unless told otherwise. Which columns get a dictionary is decided by the first rows of the stage."""

    density = 0.2

    def __init__(self, settings: FileSettings, schema: pa.Schema, *, lasting: bool = True) -> None:
        self.group_rows, self.group_bytes = (ROW_GROUP_ROWS, ROW_GROUP_BYTES) if lasting else (_LOADED_ROWS, _LOADED_BYTES)
        self.schema = stored_schema(schema)
        self.codec = {"default": "zstd"}.get(settings.compression, settings.compression)
        self._options: dict[str, object] | None = None

    def open(self, sink: pa.NativeFile) -> Encoder:
        return _ParquetFile(self, sink)

    def close(self) -> None:
        pass

    def writer(self, sink: pa.NativeFile, first: pa.Table | None) -> pq.ParquetWriter:
        if self._options is None and first is not None:
            self._options = encodings(first)
        return pq.ParquetWriter(
            sink,
            self.schema,
            version="2.6",
            compression=self.codec,
            compression_level=_ZSTD_LEVEL if self.codec == "zstd" else None,
            **(self._options or {}),
        )


class _ParquetFile:
    """Holds batches back until they make a row group; only then is a table made of them, without copying.

    A full row group is encoded by a thread of its own while the next one is gathered: never more than one at a time.
    """

    def __init__(self, kind: ParquetFormat, sink: pa.NativeFile) -> None:
        self._format = kind
        self._sink = sink
        self._writer: pq.ParquetWriter | None = None
        self._batches: list[pa.RecordBatch] = []
        self._rows = 0
        self._gathered = 0
        self._encoder: ThreadPoolExecutor | None = None
        self._encoding: Future[None] | None = None
        self._encoded = 0  # bytes of Arrow memory that are, or were, being encoded

    @property
    def buffered(self) -> int:
        encoding = self._encoding
        return self._gathered + (self._encoded if encoding is not None and not encoding.done() else 0)

    def write(self, batch: pa.RecordBatch) -> None:
        self._batches.append(batch)
        self._rows += batch.num_rows
        self._gathered += batch.nbytes
        if self._gathered >= 2 * self._format.group_bytes:  # very large cells: no two of them are held
            self.flush()
            del batch
            pa.default_memory_pool().release_unused()  # a driver's buffers come from elsewhere
        elif self._rows >= self._format.group_rows or self._gathered >= self._format.group_bytes:
            self._encode()

    def flush(self) -> None:
        self._encode()
        self._settle()

    def close(self) -> None:
        self.flush()
        if self._encoder is not None:
            self._encoder.shutdown()
        if self._writer is None:
            self._writer = self._format.writer(self._sink, None)
        self._writer.close()

    def abandon(self) -> None:
        if self._encoder is not None:
            self._encoder.shutdown()  # it writes into a sink that is about to be closed
        if self._writer is not None:
            self._writer.is_open = False  # its finalizer would write a footer into the closed sink
        self._writer, self._batches, self._encoding = None, [], None

    def _encode(self) -> None:
        """Begin to encode what was gathered, after what is being encoded."""
        if not self._batches:
            return
        self._settle()
        if self._encoder is None:
            self._encoder = ThreadPoolExecutor(1, thread_name_prefix="row group")
        self._encoding = self._encoder.submit(self._write_group, self._batches)
        self._encoded = self._gathered
        self._batches, self._rows, self._gathered = [], 0, 0

    def _write_group(self, batches: list[pa.RecordBatch]) -> None:
        table = pa.Table.from_batches(batches).cast(self._format.schema)
        batches.clear()
        if self._writer is None:
            self._writer = self._format.writer(self._sink, table)
        self._writer.write_table(table, row_group_size=self._format.group_rows)
        del table
        pa.default_memory_pool().release_unused()  # it keeps what each thread has freed

    def _settle(self) -> None:
        """Wait until nothing is being encoded. Raises what went wrong with it."""
        encoding, self._encoding = self._encoding, None
        if encoding is not None:
            encoding.result()


def encodings(first: pa.Table) -> dict[str, object]:
    """Dictionaries for columns whose values repeat; deltas for unique integers, plain pages for the rest.

    Columns of very large cells get no least and greatest value either: the encoder would hold several copies of them.
    """
    rows = max(1_000, min(65_536, _SAMPLE_CELLS // first.num_columns))
    sample = first.slice(0, rows)
    usual = [name for name in first.column_names if sample[name].nbytes <= _LARGE_CELL * sample.num_rows]
    repeated = [name for name in usual if _repeats(sample[name])]
    plain = {
        field.name: "DELTA_BINARY_PACKED"
        for field in first.schema
        if field.name not in repeated and (pa.types.is_int64(field.type) or pa.types.is_int32(field.type))
    }
    found: dict[str, object] = {"use_dictionary": repeated or False}
    if plain:
        found["column_encoding"] = plain
    if len(usual) < first.num_columns:
        found["write_statistics"] = usual or False
    return found


def _repeats(column: pa.ChunkedArray) -> bool:
    if pa.types.is_boolean(column.type) or pa.types.is_null(column.type):
        return False
    if len(column) > _GLANCE:
        # A few rows, from all over, are enough where nearly all values differ, or half of them repeat: the more rows, the more repeat.
        different = pc.count_distinct(column.take(_some(len(column)))).as_py() / _GLANCE
        if different <= 0.5 or different > _UNIQUE:
            return bool(different <= 0.5)
    return bool(pc.count_distinct(column).as_py() * 2 <= len(column))


@cache
def _some(rows: int) -> pa.Array:
    """The same _GLANCE of so many rows each time, in no rhythm that data could share."""
    return pa.array(sorted(Random(1).sample(range(rows), _GLANCE)), pa.int64())
