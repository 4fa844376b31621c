"""JSON: one object a line, or one array with an object on each line. DuckDB makes the text, many times faster than Python.

Numbers are exact: integers as they are, fractional numbers in the shortest form that reads back equal, decimals as texts. JSON has
no NaN and no infinity: they are the texts "NaN", "Infinity", "-Infinity" (as in the JSON form of Protocol Buffers). Dates and times
are ISO texts, instants end in Z; binary is hexadecimal digits.
"""

from functools import cache

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from dtaas_desktop.connectors.files.errors import json_translated
from dtaas_desktop.connectors.files.formats import Encoder, stored_schema
from dtaas_desktop.connectors.files.hexadecimal import hexadecimal, is_binary
from dtaas_desktop.connectors.files.sql_types import literal
from dtaas_desktop.connectors.files.text_sink import TextSink
from dtaas_desktop.domain.file_settings import FileSettings

_SEPARATOR = ",\n"
_UTC = pa.scalar("Z", pa.large_string())
_NOTHING = pa.scalar("", pa.large_string())


@cache  # a new one costs as much as writing ten thousand rows, and a run may write thousands of files
def _duckdb() -> duckdb.DuckDBPyConnection:
    """It can reach nothing but the rows it is given. With one thread, each query runs in the thread that asks."""
    found = duckdb.connect(":memory:")
    found.execute(
        "SET threads = 1; SET python_enable_replacements = false; SET enable_external_access = false; SET lock_configuration = true"
    )
    return found


class JsonFormat:
    """Holds a DuckDB connection of its own."""

    def __init__(self, settings: FileSettings, schema: pa.Schema) -> None:
        self.settings = settings
        self.array = settings.json_style == "array"
        self.density = 0.2 if settings.compression in ("gzip", "zstd") else 2.0
        self._schema = stored_schema(schema)
        # Columns by number: DuckDB takes names that differ only by case for one.
        self._names = [f"c{index}" for index in range(len(self._schema))]
        pairs = [
            f"{literal(field.name)}, {_expression(name, field.type, settings)}"
            for name, field in zip(self._names, self._schema, strict=True)
        ]
        line = f"json_object({', '.join(pairs)})::VARCHAR"
        self._query = (
            f"SELECT {literal(_SEPARATOR)} || {line} FROM batch" if self.array else f"SELECT {line} || chr(10) FROM batch"
        )
        self._connection = _duckdb().cursor()

    def open(self, sink: pa.NativeFile) -> Encoder:
        return _JsonFile(self, sink)

    def close(self) -> None:
        self._connection.close()

    def text(self, batch: pa.RecordBatch) -> memoryview:
        """The rows as the bytes of the file: each with its line end, or (array) each after its separator."""
        columns = [_prepared(column) for column in batch.columns]
        self._connection.register("batch", pa.Table.from_arrays(columns, names=self._names))
        with json_translated():
            lines = self._connection.sql(self._query).to_arrow_table().column(0).combine_chunks().cast(pa.large_string())
        self._connection.unregister("batch")
        starts = pa.Array.from_buffers(pa.int64(), len(lines) + 1, [None, lines.buffers()[1]], offset=lines.offset)
        return memoryview(lines.buffers()[2])[starts[0].as_py() : starts[-1].as_py()]


class _JsonFile:
    buffered = 0

    def __init__(self, kind: JsonFormat, sink: pa.NativeFile) -> None:
        self._format = kind
        self._sink = TextSink(kind.settings, sink)
        self._empty = True
        if kind.array:
            self._sink.stream.write(b"[\n")

    def write(self, batch: pa.RecordBatch) -> None:
        text = self._format.text(batch)
        first = self._format.array and self._empty
        self._sink.stream.write(text[len(_SEPARATOR) :] if first else text)
        self._empty = False

    def flush(self) -> None:
        pass

    def close(self) -> None:
        if self._format.array:
            self._sink.stream.write(b"]\n" if self._empty else b"\n]\n")
        self._sink.close()

    def abandon(self) -> None:
        self._sink.abandon()


def _prepared(column: pa.Array) -> pa.Array:
    """The column in a type that DuckDB reads exactly; dates and times as the texts they become (DuckDB has infinities among them)."""
    kind = column.type
    if pa.types.is_null(kind):
        return column.cast(pa.string())
    if is_binary(kind):
        return hexadecimal(column)
    if pa.types.is_timestamp(kind):
        text = pc.replace_substring(column.cast(pa.timestamp(kind.unit)).cast(pa.large_string()), " ", "T")  # the instant in UTC
        return pc.binary_join_element_wise(text, _UTC, _NOTHING) if kind.tz else text
    if pa.types.is_date(kind) or pa.types.is_time(kind) or pa.types.is_decimal256(kind):
        return column.cast(pa.large_string())
    if pa.types.is_float16(kind):
        return column.cast(pa.float32())
    return column.cast(pa.int64()) if pa.types.is_duration(kind) else column


def _expression(name: str, kind: pa.DataType, settings: FileSettings) -> str:
    """The column, as `_prepared`, the way json_object should see it."""
    if pa.types.is_floating(kind):
        finite = f"to_json({name})" if settings.json_floats == "number" else f"to_json({name}::VARCHAR)"
        special = f"to_json(CASE WHEN isnan({name}) THEN 'NaN' WHEN {name} > 0 THEN 'Infinity' ELSE '-Infinity' END)"
        return f"CASE WHEN {name} IS NULL THEN NULL WHEN isfinite({name}) THEN {finite} ELSE {special} END"
    return f"{name}::VARCHAR" if pa.types.is_decimal128(kind) else name
