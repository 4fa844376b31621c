"""What becomes of cells that do not fit or are too large: the task's policy, applied to a chunk of rows."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from dtaas_desktop.connectors.sqlite.types import BINARY, BOOL, DATE, FLOAT64, INT64, TEXT, TIME, TIMESTAMP, TIMESTAMP_UTC
from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.rejects import key_json, row_json
from dtaas_desktop.domain.table import REJECTED, CellPolicy, Column, Rows, TableDescription

NODE = "source"
_SHOWN = 100
_WANTED = {
    INT64: "a whole number of at most 64 bits",
    FLOAT64: "a number that a double holds exactly",
    BOOL: "0, 1, true or false",
    DATE: "a date like 2024-01-31",
    TIMESTAMP: "a time like 2024-01-31 12:00:00, with at most six digits after the second",
    TIMESTAMP_UTC: "a time like 2024-01-31 12:00:00Z, with at most six digits after the second",
    TIME: "a time of day like 12:00:00, with at most six digits after the second",
    TEXT: "text in UTF-8",
    BINARY: "binary data",
}


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows as they were read, one array for each of `columns`, and by column where cells did not fit or were not loaded.

    `raw` gives rows (by index) as stored, by column name; it may hold more than `columns`, such as the key.
    """

    columns: Sequence[Column]
    arrays: Sequence[pa.Array]
    raw: Callable[[Sequence[int]], Sequence[Mapping[str, object]]]
    misfits: Mapping[int, pa.Array] = field(default_factory=dict)
    oversize: Mapping[int, pa.Array] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Fault:
    row: int
    column: int
    too_large: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a chunk: its rows, and the indexes of those that were refused, in the order of `rows.rejected`."""

    rows: Rows
    refused: Sequence[int] = ()


def judged(
    chunk: Chunk,
    table: TableDescription,
    key: Sequence[str],
    schema: pa.Schema,
    policy: CellPolicy,
    *,
    required: Collection[int] = (),
) -> Verdict:
    """The rows that stay, those refused, and how many cells became null. `key` names what a row is known by; a misfit in one of
    the `required` columns (by index) never becomes null: its row is refused. Raises UserError for the first bad cell if the
    policy is to fail."""
    batch = pa.RecordBatch.from_arrays(list(chunk.arrays), schema=schema)
    if not chunk.misfits and not chunk.oversize:
        return Verdict(Rows(batch))
    failing = _faults(chunk, misfits=policy.misfit == "fail", oversize=policy.oversize == "fail")
    if failing:
        first = min(failing.values(), key=lambda fault: fault.row)
        row = chunk.raw([first.row])[0]
        raise UserError(
            f"Table {table.table}, column “{chunk.columns[first.column].name}”: the row with {_shown_key(row, key)} "
            f"{_reason(chunk, first, row, policy)}.",
            remedy=(
                "Raise the largest cell allowed in the task's options, or let such rows be rejected."
                if first.too_large
                else "Correct it at the source, read the table with a query that converts the column, or let the task make such "
                "cells empty or reject their rows."
            ),
        )
    refusing = _faults(chunk, misfits=policy.misfit == "reject", oversize=True, required=required)
    indexes = sorted(refusing)
    kept = pc.invert(pc.is_in(pa.array(range(batch.num_rows), pa.int64()), value_set=pa.array(indexes, pa.int64())))
    nulled = 0
    if policy.misfit == "null":
        nulled = sum(pc.sum(pc.and_(mask, kept)).as_py() or 0 for mask in chunk.misfits.values())
    if not indexes:
        return Verdict(Rows(batch, nulled=nulled))
    rows = chunk.raw(indexes)
    faults = [refusing[index] for index in indexes]
    names = [column.name for column in chunk.columns]
    rejected = pa.RecordBatch.from_arrays(
        [
            pa.array([row_json({name: row[name] for name in names}) for row in rows], REJECTED.field("row").type),
            pa.array([key_json(dict(row), key) for row in rows], REJECTED.field("key").type),
            pa.array([NODE] * len(rows), REJECTED.field("node").type),
            pa.array([names[fault.column] for fault in faults], REJECTED.field("column").type),
            pa.array(
                [_reason(chunk, fault, row, policy) for fault, row in zip(faults, rows, strict=True)],
                REJECTED.field("reason").type,
            ),
        ],
        schema=REJECTED,
    )
    return Verdict(Rows(batch.filter(kept), rejected, nulled), indexes)


def _faults(chunk: Chunk, *, misfits: bool, oversize: bool, required: Collection[int] = ()) -> dict[int, _Fault]:
    """The first fault of each faulty row, by columns from the left; misfits in `required` columns always count."""
    found: dict[int, _Fault] = {}
    for masks, too_large, wanted in ((chunk.oversize, True, oversize), (chunk.misfits, False, misfits)):
        for column, mask in masks.items():
            if not wanted and (too_large or column not in required):
                continue
            for row in pc.indices_nonzero(mask).to_pylist():
                if row not in found or column < found[row].column:
                    found[row] = _Fault(row, column, too_large)
    return found


def _reason(chunk: Chunk, fault: _Fault, row: Mapping[str, object], policy: CellPolicy) -> str:
    column = chunk.columns[fault.column]
    if fault.too_large:
        return f"holds a cell of more than {policy.limit:,} bytes, the largest allowed"
    wanted = _WANTED.get(column.type)
    if wanted is None:
        wanted = f"a number with at most {column.type.precision} digits, {column.type.scale} of them after the point"
    return f"holds {_shown(row[column.name])}, which is not {wanted}"


def _shown(value: object) -> str:
    if isinstance(value, bytes):
        return f"the {len(value):,} bytes {value[: _SHOWN // 4].hex()}" + ("…" if len(value) > _SHOWN // 4 else "")
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _shown_key(row: Mapping[str, object], key: Sequence[str]) -> str:
    return ", ".join(f"{name} = {_shown(row[name])}" for name in key) if key else "no key"
