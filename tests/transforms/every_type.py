"""Columns of every type that a table may have, in several layouts, and what every step must hold for them."""

import datetime
import decimal
import functools
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
from pydantic import BaseModel

from dtaas_desktop.domain.ports import Applied, Transform
from dtaas_desktop.domain.transform_settings import (
    ApplySettings,
    ConcatenateSettings,
    ReplaceSettings,
    SplitSettings,
)
from dtaas_desktop.transforms import build

_MODELS: Mapping[str, type[BaseModel]] = {
    "replace": ReplaceSettings,
    "concatenate": ConcatenateSettings,
    "split": SplitSettings,
    "apply": ApplySettings,
}
_D = decimal.Decimal
_WHOLE_TYPES = (pa.int8(), pa.int32(), pa.int64(), pa.uint16(), pa.uint64())
_INTEGERS = {
    t: [0, 1, None, 2 ** (t.bit_width - pa.types.is_signed_integer(t)) - 1, -(2 ** (t.bit_width - 1)) if "u" not in str(t) else 7]
    for t in _WHOLE_TYPES
}
_NAN, _INF = float("nan"), float("inf")
_TEXTS = ["", "a,b", None, "éß😀 e\u0301", '{"a": 1.10}', "n/a", " x "]
_DAYS = [datetime.date(1, 1, 1), datetime.date(9999, 12, 31), None, datetime.date(1970, 1, 1), datetime.date(2024, 2, 29)]
_MOMENTS = [-62_135_596_800, 253_402_300_799, None, 0, 1_711_846_800]  # seconds: the years 1 and 9999, a change of clocks
_SHORT_MOMENTS = [-(2**63), 2**63 - 1, None, 0, 1_711_846_800_123_456_789]


@functools.cache
def values_of_every_type() -> dict[pa.DataType, pa.Array]:
    arrays = {t: pa.array(values, t) for t, values in _INTEGERS.items()}
    arrays |= {t: pa.array([0.0, -0.0, None, _NAN, _INF, -_INF, 2.675, -1.5], t) for t in (pa.float32(), pa.float64())}
    decimals = (pa.decimal32(9, 2), pa.decimal64(18, 4), pa.decimal128(38, 10), pa.decimal256(76, 20), pa.decimal256(50, 0))
    arrays |= {t: pa.array([_most(t), None, _D(0), _D("-1.5") if t.scale else _D(-1)], t) for t in decimals}
    arrays |= {t: pa.array(_TEXTS, t) for t in (pa.large_string(), pa.string(), pa.string_view())}
    arrays |= {t: pa.array([b"", b"\xff\x00", None, b"ab"], t) for t in (pa.large_binary(), pa.binary(), pa.binary_view())}
    arrays |= {pa.binary(2): pa.array([b"\xff\x00", None, b"ab"], pa.binary(2))}
    arrays |= {t: pa.array(_DAYS, t) for t in (pa.date32(), pa.date64())}
    arrays |= {
        t: pa.array([0, None, 86_399 * 10 ** (3 * n)], t)
        for n, t in enumerate((pa.time32("s"), pa.time32("ms"), pa.time64("us"), pa.time64("ns")))
    }
    kinds = [(unit, zone) for zone in (None, "America/New_York") for unit in ("s", "us", "ns")]
    for unit, zone in (*kinds, ("ms", "+05:30")):
        seconds = {"s": 1, "ms": 10**3, "us": 10**6}.get(unit)
        ticks = _SHORT_MOMENTS if seconds is None else [moment and moment * seconds for moment in _MOMENTS]
        arrays[pa.timestamp(unit, zone)] = pa.array(ticks, pa.int64()).cast(pa.timestamp(unit, zone))
    arrays |= {pa.duration(unit): pa.array([1, None], pa.duration(unit)) for unit in ("s", "us")}
    arrays |= {pa.bool_(): pa.array([True, None, False]), pa.null(): pa.nulls(3)}
    arrays |= {pa.list_(pa.int64()): pa.array([[1], None, []], pa.list_(pa.int64()))}
    arrays |= {pa.struct([("a", pa.int64())]): pa.array([{"a": 1}, None], pa.struct([("a", pa.int64())]))}
    return arrays


def _most(data_type: pa.DataType) -> decimal.Decimal:
    return _D("9" * (data_type.precision - data_type.scale) + "." + "9" * data_type.scale)


def layouts_of(values: pa.Array) -> Iterator[pa.Array]:
    """The same type as it may come: whole, behind an offset, without rows, as a dictionary, with a null among its values."""
    yield values
    yield values.slice(1)
    yield values.slice(0, 0)
    if not (pa.types.is_nested(values.type) or pa.types.is_null(values.type)):
        count = len(values)
        indices = pa.array([None, *range(count), *range(count)], pa.int32())
        yield pa.DictionaryArray.from_arrays(indices, values)
        yield pa.DictionaryArray.from_arrays(indices, values).slice(2, 3)


def step(kind: str, secret: str = "key", /, **settings: Any) -> Transform:
    return build(kind, _MODELS[kind].model_validate(settings), secret=lambda _: secret)


def batch(**columns: pa.Array) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))


def texts(values: list[str | None]) -> pa.Array:
    return pa.array(values, pa.large_string())


def comparable(values: pa.Array) -> list[str]:
    """For each value what tells it from others: NaN is itself, −0 is not 0, and years do not matter."""
    if pa.types.is_dictionary(values.type) and "view" not in str(values.type):
        values = values.dictionary_decode()
    if pa.types.is_timestamp(values.type) or pa.types.is_duration(values.type):
        values = values.cast(pa.int64())
    return [repr(value) for value in values.to_pylist()]


def bad_cells(applied: Applied, first: int = 0) -> list[tuple[int, str, str, str]]:
    if applied.bad is None:
        return []
    return [(cell["row"] + first, cell["column"], cell["value"], cell["reason"]) for cell in applied.bad.to_pylist()]


def whole_and_in_pieces(transform: Transform, rows: pa.RecordBatch, size: int = 2) -> Applied:
    """What the step gives. It must be what it promised, and no other when the rows come in pieces."""
    promised = transform.output_schema(rows.schema)
    whole = transform.apply(rows)
    assert whole.rows.schema == promised
    assert promised.metadata == rows.schema.metadata
    whole.rows.validate(full=True)
    for field, column in zip(promised, whole.rows.columns, strict=True):
        assert field.nullable or column.null_count == 0
    lineage = transform.lineage(rows.schema)
    assert sorted(lineage.inputs) == sorted(promised.names)
    pieces = [(start, transform.apply(rows.slice(start, size))) for start in range(0, rows.num_rows, size)]
    for number in range(len(promised)):
        together = [value for _, piece in pieces for value in comparable(piece.rows.column(number))]
        assert together == comparable(whole.rows.column(number))
    if transform.on_bad != "fail":  # which tells the first bad cell only
        assert [cell for start, piece in pieces for cell in bad_cells(piece, start)] == bad_cells(whole)
    return whole
