"""Rejected rows as they are kept: the whole source row as JSON, so that nothing about it is lost."""

import base64
import datetime
import decimal
import json
import math
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from dtaas_desktop.domain.table import REJECTED


def rejected_rows(
    source: pa.RecordBatch,
    rows: pa.Array,
    *,
    key: Sequence[str],
    node: str,
    columns: Sequence[str | None],
    reasons: Sequence[str],
) -> pa.RecordBatch:
    """The rows of `source` at the indexes `rows`, in the REJECTED shape; one column and reason for each."""
    refused = plain_rows(source.take(rows))
    return pa.RecordBatch.from_arrays(
        [
            pa.array([row_json(row) for row in refused], REJECTED.field("row").type),
            pa.array([key_json(row, key) for row in refused], REJECTED.field("key").type),
            pa.array([node] * len(refused), REJECTED.field("node").type),
            pa.array(columns, REJECTED.field("column").type),
            pa.array(reasons, REJECTED.field("reason").type),
        ],
        schema=REJECTED,
    )


def plain_rows(rows: pa.RecordBatch) -> list[dict[str, Any]]:
    """Rows as Python's values. What Python's types have no room for, parts of a microsecond, becomes text."""
    held = [_whole_microseconds(column) for column in rows.columns]
    found: list[dict[str, Any]] = pa.RecordBatch.from_arrays(held, names=rows.schema.names).to_pylist()
    return found


def _whole_microseconds(values: pa.Array) -> pa.Array:
    kind = values.type
    if not (pa.types.is_temporal(kind) and getattr(kind, "unit", "") == "ns"):
        return values
    if pa.types.is_timestamp(kind):
        coarse: pa.DataType = pa.timestamp("us", kind.tz)
    else:
        coarse = pa.time64("us") if pa.types.is_time(kind) else pa.duration("us")
    try:
        return values.cast(coarse)
    except pa.ArrowInvalid:  # it would lose digits
        return values.cast(pa.string())


def row_json(row: dict[str, Any]) -> str:
    """A row as a JSON object. Decimals, dates and non-finite numbers become text, bytes base64."""
    plain = {name: str(value) if isinstance(value, float) and not math.isfinite(value) else value for name, value in row.items()}
    return json.dumps(plain, ensure_ascii=False, default=_as_text)


def key_json(row: dict[str, Any], key: Sequence[str]) -> str | None:
    """The key's columns of a row as a JSON object; None for a table without a key."""
    return row_json({name: row[name] for name in key if name in row}) if key else None


def _as_text(value: object) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, decimal.Decimal | datetime.date | datetime.time | datetime.timedelta):
        return str(value)
    raise TypeError(f"no JSON form for {type(value).__name__}")
