"""CSV: a header, quoted texts; nothing is null, "" is the empty text; binary as hexadecimal digits."""

import pyarrow as pa
from pyarrow import csv

from dtaas_desktop.connectors.files.decimals import needs_plain_text, plain_text
from dtaas_desktop.connectors.files.formats import Encoder, stored_schema
from dtaas_desktop.connectors.files.hexadecimal import hexadecimal, is_binary
from dtaas_desktop.connectors.files.text_sink import TextSink
from dtaas_desktop.domain.file_settings import FileSettings

_BATCH_ROWS = 4096


class CsvFormat:
    """CSV as pyarrow writes it: RFC 4180 with every text in quotes and “\\n” at line ends."""

    def __init__(self, settings: FileSettings, schema: pa.Schema) -> None:
        self.settings = settings
        self.density = 0.15 if settings.compression in ("gzip", "zstd") else 1.0
        self.schema = pa.schema([pa.field(field.name, _written(field.type)) for field in stored_schema(schema)])

    def open(self, sink: pa.NativeFile) -> Encoder:
        return _CsvFile(self, sink)

    def close(self) -> None:
        pass


class _CsvFile:
    buffered = 0

    def __init__(self, kind: CsvFormat, sink: pa.NativeFile) -> None:
        self._schema = kind.schema
        self._sink = TextSink(kind.settings, sink)
        options = csv.WriteOptions(include_header=True, quoting_style="needed", batch_size=_BATCH_ROWS)
        self._writer = csv.CSVWriter(self._sink.stream, kind.schema, write_options=options)

    def write(self, batch: pa.RecordBatch) -> None:
        columns = [_text(column, field.type) for column, field in zip(batch.columns, self._schema, strict=True)]
        self._writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=self._schema))

    def flush(self) -> None:
        pass

    def close(self) -> None:
        self._writer.close()
        self._sink.close()

    def abandon(self) -> None:
        self._sink.abandon()


def _written(kind: pa.DataType) -> pa.DataType:
    """The type that stands for `kind` in the file, where pyarrow cannot write it itself."""
    if is_binary(kind) or needs_plain_text(kind):
        return pa.large_string()
    if pa.types.is_float16(kind):
        return pa.float32()
    if pa.types.is_timestamp(kind) and kind.tz:
        return pa.timestamp(kind.unit, "UTC")
    return pa.int64() if pa.types.is_duration(kind) else kind


def _text(column: pa.Array, kind: pa.DataType) -> pa.Array:
    if is_binary(column.type):
        return hexadecimal(column)
    return plain_text(column) if needs_plain_text(column.type) else column.cast(kind)
