"""The first rows of what is published, in the types they were written in."""

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import csv

from dtaas_desktop.connectors.files.commits import KeptFile, Record, State
from dtaas_desktop.connectors.files.formats import stored_schema
from dtaas_desktop.connectors.files.hexadecimal import is_binary
from dtaas_desktop.domain.file_settings import FileSettings
from dtaas_desktop.domain.table import REJECTED

_BLOCK = 1 << 24


def sample(root: Path, state: State, *, limit: int, rejected: bool) -> pa.Table:
    """At most `limit` rows of the published files, oldest first; without rows if nothing is published."""
    record = state.last
    if record is None:
        return (REJECTED if rejected else pa.schema([])).empty_table()
    newest = stored_schema(REJECTED) if rejected else _newest(state, record)
    pieces: list[pa.Table] = []
    for file in state.files:
        wanted = limit - sum(piece.num_rows for piece in pieces)
        if file.role == ("rejected" if rejected else "data") and file.rows and wanted > 0:
            written = newest if rejected else state.shapes[state.shape_of(file)].schema
            pieces.append(_fitted(_head(root, file, written, wanted, record.settings), newest))
    return pa.concat_tables(pieces) if pieces else newest.empty_table()


def _newest(state: State, record: Record) -> pa.Schema:
    """The columns of the newest files, as they are called and typed now."""
    columns = stored_schema(record.schema)
    beside = [field for field in (state.shapes[-1].schema if state.shapes else ()) if field.name not in columns.names]
    return pa.schema([*beside, *columns])


def _fitted(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    columns = [
        rows[field.name].cast(field.type) if field.name in rows.column_names else pa.nulls(rows.num_rows, field.type)
        for field in schema
    ]
    return pa.table(columns, schema=pa.schema([field.with_nullable(True) for field in schema]))


def _head(root: Path, file: KeptFile, schema: pa.Schema, limit: int, settings: FileSettings) -> pa.Table:
    path = root / file.path
    if settings.format == "parquet":
        with pq.ParquetFile(path) as parquet:
            batches = list(islice(parquet.iter_batches(batch_size=max(1, limit)), 1))
            return pa.Table.from_batches(batches, parquet.schema_arrow).slice(0, limit).cast(schema)
    with pa.input_stream(str(path), compression="detect") as stream:
        if settings.format == "csv":
            return _csv_head(stream, schema, limit)
        rows = list(islice(_objects(stream), limit))
        return pa.table([_from_json([row[field.name] for row in rows], field.type) for field in schema], schema=schema)


def _csv_head(stream: pa.NativeFile, schema: pa.Schema, limit: int) -> pa.Table:
    convert = csv.ConvertOptions(
        column_types={field.name: pa.large_string() for field in schema},
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
    )
    parse = csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False)
    with csv.open_csv(
        stream, read_options=csv.ReadOptions(block_size=_BLOCK), parse_options=parse, convert_options=convert
    ) as reader:
        batch = next(iter(reader), None)
    texts = pa.Table.from_batches([batch] if batch else [], reader.schema).slice(0, limit)
    return pa.table([_from_text(texts[field.name], field.type) for field in schema], schema=schema)


def _objects(stream: pa.NativeFile) -> Iterator[dict[str, Any]]:
    """The objects of a file, in either style: both have one on each line."""
    pending = b""
    while chunk := stream.read(1 << 20):
        *lines, pending = (pending + chunk).split(b"\n")
        for line in (line.strip(b",") for line in lines):
            if line.startswith(b"{"):
                yield json.loads(line)


def _from_json(values: list[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_floating(kind):
        return pa.array([None if value is None else float(value) for value in values], kind)
    plain = pa.types.is_integer(kind) or pa.types.is_boolean(kind) or pa.types.is_duration(kind)
    return pa.array(values, kind) if plain else _from_text(pa.array(values, pa.large_string()), kind)


def _from_text(texts: pa.Array | pa.ChunkedArray, kind: pa.DataType) -> pa.Array | pa.ChunkedArray:
    if is_binary(kind):
        return pa.array([None if text is None else bytes.fromhex(text) for text in texts.to_pylist()], kind)
    if pa.types.is_time(kind):  # Arrow casts texts to moments, not to times
        moments = pc.binary_join_element_wise(pa.scalar("1970-01-01T", texts.type), texts, pa.scalar("", texts.type))
        return moments.cast(pa.timestamp(kind.unit)).cast(kind)
    if pa.types.is_duration(kind):
        return texts.cast(pa.int64()).cast(kind)
    return texts.cast(kind)
