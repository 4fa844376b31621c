"""The formats as the stage sees them: a format opens encoders, an encoder turns batches into the bytes of one file."""

from typing import Protocol

import pyarrow as pa

from dtaas_desktop.domain.changes import Kind
from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.file_settings import FileSettings
from dtaas_desktop.domain.net_effect import net_schema
from dtaas_desktop.domain.target import Target


class Encoder(Protocol):
    """One open file."""

    @property
    def buffered(self) -> int:
        """Bytes of batches held back, not yet encoded."""
        ...

    def write(self, batch: pa.RecordBatch) -> None: ...
    def flush(self) -> None:
        """Encode what is held back."""
        ...

    def close(self) -> None:
        """Flush and end the file properly; the sink may be closed by it."""
        ...

    def abandon(self) -> None:
        """Let go of everything; the file is worthless."""
        ...


class Format(Protocol):
    """How rows of one schema become files; made once for a stage."""

    @property
    def density(self) -> float:
        """A first guess of bytes in the file for each byte in Arrow memory."""
        ...

    def open(self, sink: pa.NativeFile) -> Encoder: ...
    def close(self) -> None: ...


def file_format(settings: FileSettings, schema: pa.Schema, *, lasting: bool = True) -> Format:
    """The format for rows of `schema`; its library is imported here, on first use. UserError for types it cannot hold.

    Files that are not `lasting` are loaded once, by somebody who holds a few pieces of them in little memory.
    """
    _refuse_nested(schema)
    match settings.format:
        case "parquet":
            from dtaas_desktop.connectors.files.parquet import ParquetFormat

            return ParquetFormat(settings, schema, lasting=lasting)
        case "csv":
            from dtaas_desktop.connectors.files.csv import CsvFormat

            return CsvFormat(settings, schema)
        case "json":
            from dtaas_desktop.connectors.files.json import JsonFormat

            return JsonFormat(settings, schema)


def suffix(settings: FileSettings) -> str:
    """How names of data files end."""
    if settings.format == "parquet":
        return ".parquet"
    style = ".jsonl" if settings.format == "json" and settings.json_style == "lines" else f".{settings.format}"
    return style + {"gzip": ".gz", "zstd": ".zst"}.get(settings.compression, "")


def stored_schema(schema: pa.Schema) -> pa.Schema:
    """`schema` as files hold it: without metadata, every column nullable (policies may have made nulls), no dictionaries, no null type."""
    return pa.schema([pa.field(field.name, _plain(field.type)) for field in schema])


def written_schema(target: Target, kind: Kind) -> pa.Schema:
    """The columns of the target's data files: a mirror's changes are their net effect."""
    staged = target.staged_schema(kind)
    return stored_schema(net_schema(staged) if target.write_mode == "mirror" and kind == "changes" else staged)


def _plain(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_null(kind):
        return pa.string()
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _refuse_nested(schema: pa.Schema) -> None:
    names = schema.names
    if not names:
        raise UserError("A table without columns cannot be written.", remedy="Keep at least one column.")
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if twice:
        raise UserError(f"Two columns have the name “{twice[0]}”.", remedy="Rename one of them.")
    for field in schema:
        if pa.types.is_nested(field.type):
            raise UserError(
                f"Column “{field.name}” is nested ({field.type}); only flat tables are written.",
                remedy="Cast it to text or drop it.",
            )
