"""The hive layout: which folder each row belongs to, found for a whole batch at once."""

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from dtaas_desktop.domain.errors import MissingColumn, UserError
from dtaas_desktop.domain.file_settings import FileSettings, PartitionBy

# Hive's own name for rows without a value; an empty text, which would make an empty name, goes there too, as Hive does it.
NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
_VALUE_LIMIT = 180  # bytes of a folder name

# What Hive itself escapes in partition folders, and what Windows forbids.
_ESCAPED = set("\"#%'*/:=?\\{[]^<>|\x7f") | {chr(code) for code in range(32)}


def problems(settings: FileSettings, schema: pa.Schema) -> Sequence[UserError]:
    """What keeps the layout from working on rows of `schema`; empty when all is well."""
    found: list[UserError] = []
    for level in settings.partition_by:
        if level.column not in schema.names:
            found.append(MissingColumn(level.column, schema.names))
            continue
        kind = schema.field(level.column).type
        if not _partitionable(level, kind):
            wanted = "dates or times of day" if level.unit == "hour" else "dates"
            need = (
                f"its {level.unit} can be taken only of {wanted}" if level.unit != "value" else "such values make no folder names"
            )
            found.append(
                UserError(
                    f"Column “{level.column}” ({kind}) cannot partition: {need}.", remedy="Choose another column, or cast it."
                )
            )
        others = [name for name in schema.names if level.unit != "value" or name != level.column]
        if level.folder.casefold() in {name.casefold() for name in others}:
            found.append(
                UserError(
                    f"The folder name “{level.folder}” of “Partition by” is also the name of a column: readers would show the folder's value there.",
                    remedy=f"Give the level another folder name, for example “{level.column}_{level.unit}”.",
                )
            )
    return found


def _partitionable(level: PartitionBy, kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if level.unit == "hour":
        return bool(pa.types.is_timestamp(kind))
    dated = pa.types.is_timestamp(kind) or pa.types.is_date(kind)
    if level.unit != "value":
        return bool(dated)
    textual = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    return bool(dated or textual or pa.types.is_integer(kind) or pa.types.is_boolean(kind) or pa.types.is_decimal(kind))


class Partitions:
    """Splits batches by the settings' levels; the flat layout is one partition without a name."""

    def __init__(self, settings: FileSettings, schema: pa.Schema) -> None:
        """Raises the first of `problems`."""
        for problem in problems(settings, schema):
            raise problem
        self._levels = settings.partition_by

    def split(self, batch: pa.RecordBatch) -> Iterator[tuple[str, pa.RecordBatch]]:
        """The rows of each partition with its folder (relative, with forward slashes), in their order."""
        if not self._levels or batch.num_rows == 0:
            if batch.num_rows:
                yield "", batch
            return
        levels = [_encoded(level, batch) for level in self._levels]
        codes = pc.cast(levels[0].indices, pa.int64())
        for level in levels[1:]:
            codes = pc.add_checked(pc.multiply_checked(codes, len(level.dictionary)), pc.cast(level.indices, pa.int64()))
        present = pc.unique(codes)
        if len(present) == 1:
            yield _folder(self._levels, levels, present[0].as_py()), batch
            return
        order = pc.array_sort_indices(codes)
        counts = pc.value_counts(codes.take(order))  # of sorted codes: in the order of first appearance
        start = 0
        for entry in counts:
            # A copy, not a slice: one row kept for a rare partition must not keep its whole batch in memory.
            length = entry["counts"].as_py()
            yield _folder(self._levels, levels, entry["values"].as_py()), batch.take(order.slice(start, length))
            start += length


def _encoded(level: PartitionBy, batch: pa.RecordBatch) -> pa.DictionaryArray:
    column = batch.column(batch.schema.get_field_index(level.column))
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if level.unit != "value":
        column = {"year": pc.year, "month": pc.month, "day": pc.day, "hour": pc.hour}[level.unit](column)
    return column.dictionary_encode(null_encoding="encode")


def _folder(levels: Sequence[PartitionBy], encoded: Sequence[pa.DictionaryArray], code: int) -> str:
    names: list[str] = []
    for level, values in zip(reversed(levels), reversed(encoded), strict=True):
        code, index = divmod(code, len(values.dictionary))
        names.append(f"{_escaped(level.folder)}={_value(level, values.dictionary[index])}")
    return "/".join(reversed(names))


def _value(level: PartitionBy, value: pa.Scalar) -> str:
    if not value.is_valid:
        return NO_VALUE
    text = (
        f"{value.as_py():0{2 if level.unit != 'year' else 4}}" if level.unit != "value" else str(value.cast(pa.string()).as_py())
    )
    name = _escaped(text)
    if len(name.encode()) > _VALUE_LIMIT:
        raise UserError(
            f"A value of column “{level.column}” is too long for a folder name: “{text[:40]}…” has {len(text)} characters.",
            remedy="Partition by another column.",
        )
    return name or NO_VALUE


def _escaped(text: str) -> str:
    """`text` as Hive escapes it: %XX, which hive readers undo. Also a space or dot at the end, which Windows would drop."""
    escaped = "".join(f"%{ord(c):02X}" if c in _ESCAPED else c for c in text)
    return f"{escaped[:-1]}%{ord(escaped[-1]):02X}" if escaped.endswith((" ", ".")) else escaped
