"""Rows too many for memory, in files by a hash of their key. Within a bucket they keep their order."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from dtaas_desktop.domain.net_effect import comparable

_BITS = 6
BUCKETS = 1 << _BITS
_OPTIONS = pa.ipc.IpcWriteOptions(compression="lz4")


@dataclass(frozen=True, slots=True)
class Bucket:
    """One file of rows. `bytes` is what they take in memory."""

    number: int
    path: Path
    bytes: int

    def batches(self) -> Iterator[pa.RecordBatch]:
        with pa.OSFile(str(self.path)) as source, pa.ipc.open_stream(source) as reader:
            yield from reader

    def table(self) -> pa.Table:
        return pa.Table.from_batches(list(self.batches())).combine_chunks()

    def pieces(self, size: int) -> Iterator[pa.Table]:
        """The rows in tables of about `size` bytes each."""
        held: list[pa.RecordBatch] = []
        held_bytes = 0
        for batch in self.batches():
            held.append(batch)
            held_bytes += batch.nbytes
            if held_bytes >= size:
                yield pa.Table.from_batches(held)
                held, held_bytes = [], 0
        if held:
            yield pa.Table.from_batches(held)

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)


class Spill:
    """Files whose names begin with `prefix`. `depth`: how often their rows were split before."""

    def __init__(self, prefix: Path, schema: pa.Schema, key: Sequence[str], *, depth: int = 0) -> None:
        self.depth = depth
        self.bytes = 0  # in memory, of all rows added
        self._prefix, self._schema, self._key = prefix, schema, tuple(key)
        self._writers: dict[int, pa.ipc.RecordBatchStreamWriter] = {}
        self._sinks: list[pa.NativeFile] = []
        self._sizes: dict[int, int] = {}
        self._connection = duckdb.connect(":memory:")
        self._connection.execute(
            "SET threads = 1; SET python_enable_replacements = false; SET enable_external_access = false; SET lock_configuration = true"
        )

    def add(self, rows: pa.Table) -> None:
        rows = rows.combine_chunks()
        codes = self._codes(rows)
        rows = rows.take(pc.array_sort_indices(codes)).combine_chunks()  # stable: their order stays
        counts = {entry["values"].as_py(): entry["counts"].as_py() for entry in pc.value_counts(codes)}
        start = 0
        for number in sorted(counts):
            piece = rows.slice(start, counts[number])
            self._writer(number).write_table(piece)
            self._sizes[number] = self._sizes.get(number, 0) + piece.nbytes
            start += counts[number]
        self.bytes += rows.nbytes

    def buckets(self) -> list[Bucket]:
        """All buckets with rows; nothing can be added any more."""
        self._end()
        return [Bucket(number, self._path(number), size) for number, size in sorted(self._sizes.items())]

    def finer(self, number: int) -> "Spill":
        """A spill for the rows of one bucket, by the next bits of their hashes."""
        return Spill(self._prefix.with_name(f"{self._prefix.name}{number:02}-"), self._schema, self._key, depth=self.depth + 1)

    def close(self) -> None:
        """Remove what is left."""
        with contextlib.suppress(OSError):  # a full disk complains at closing, too
            self._end()
        self._connection.close()
        for number in self._sizes:
            with contextlib.suppress(OSError):  # settle comes by again
                self._path(number).unlink(missing_ok=True)

    def _codes(self, rows: pa.Table) -> pa.Array:
        names = [f"k{index}" for index in range(len(self._key))]
        keys = pa.Table.from_arrays([_hashable(comparable(rows[name])) for name in self._key], names=names)
        self._connection.register("keys", keys)
        query = f"SELECT ((hash({', '.join(names)}) >> {_BITS * self.depth}) & {BUCKETS - 1})::INTEGER FROM keys"
        codes = self._connection.sql(query).to_arrow_table().column(0).combine_chunks()
        self._connection.unregister("keys")
        return codes

    def _writer(self, number: int) -> pa.ipc.RecordBatchStreamWriter:
        if number not in self._writers:
            self._sizes[number] = 0
            self._sinks.append(pa.OSFile(str(self._path(number)), "wb"))
            self._writers[number] = pa.ipc.new_stream(self._sinks[-1], self._schema, options=_OPTIONS)
        return self._writers[number]

    def _end(self) -> None:
        for writer in self._writers.values():
            writer.close()
        for sink in self._sinks:
            sink.close()
        self._writers, self._sinks = {}, []

    def _path(self, number: int) -> Path:
        return self._prefix.with_name(f"{self._prefix.name}{number:02}")


def _hashable(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column in a type that DuckDB takes whatever the values are."""
    kind = column.type
    if pa.types.is_temporal(kind):
        return column.cast(pa.int32() if kind.bit_width == 32 else pa.int64())
    return column.cast(pa.large_string()) if pa.types.is_decimal256(kind) else column
