"""Casts one column and gives what became of each cell, in values that Python compares exactly."""

import decimal
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from dtaas_desktop.domain.ports import BAD_CELLS, Applied
from dtaas_desktop.domain.transform_settings import CastColumn, CastSettings
from dtaas_desktop.domain.type_names import type_from_name
from dtaas_desktop.transforms.cast import Cast

SETTINGS = ("extra_digits", "empty_text", "on_bad")


@dataclass(frozen=True)
class Bad:
    """A cell that could not be made."""

    reason: str


def step(target: str, **manner: Any) -> Cast:
    """A cast of the column “c”; bad cells become null unless `on_bad` says otherwise."""
    column = CastColumn(column="c", type=target, **{key: value for key, value in manner.items() if key not in SETTINGS})
    settings = {"on_bad": "null"} | {key: value for key, value in manner.items() if key in SETTINGS}
    return Cast(CastSettings(columns=(column,), **settings))


def applied(values: pa.Array, target: str, **manner: Any) -> Applied:
    """The result of the cast, after checking everything that holds for any cast."""
    cast = step(target, **manner)
    rows = pa.RecordBatch.from_arrays(
        [pa.array(range(len(values)), pa.int64()), values], schema=pa.schema([("before", pa.int64()), ("c", values.type)])
    )
    promised = cast.output_schema(rows.schema)
    assert promised == pa.schema([("before", pa.int64()), ("c", type_from_name(target))])
    result = cast.apply(rows)
    assert result.kept is None
    assert result.rows.schema.equals(promised, check_metadata=True)
    result.rows.validate(full=True)
    assert result.rows.column("before").equals(rows.column("before"))
    if result.bad is not None:
        assert result.bad.schema.equals(BAD_CELLS)
        result.bad.validate(full=True)
        assert result.bad.num_rows > 0
        told = result.bad.column("row").to_pylist()
        assert told == sorted(set(told)), "each bad cell is told once, in the order of the rows"
        assert set(result.bad.column("column").to_pylist()) == {"c"}
        given, made = values.is_null().to_pylist(), result.rows.column("c").is_null().to_pylist()
        assert not any(given[row] for row in told), "an empty cell is not bad"
        assert all(made[row] for row in told)
    return result


def outcomes(values: pa.Array, target: str, **manner: Any) -> list[Any]:
    """For each cell its new value (see `plain`), or Bad; the same with empty cells between them."""
    result = applied(values, target, **manner)
    between_empty_ones(values, target, result, manner)
    cells = plain(result.rows.column("c"))
    for row, reason in [] if result.bad is None else reasons(result):
        cells[row] = Bad(reason)
    return cells


def between_empty_ones(values: pa.Array, target: str, result: Applied, manner: dict[str, Any]) -> None:
    if not len(values) or pa.types.is_string_view(values.type) or pa.types.is_binary_view(values.type):
        return  # Arrow cannot take from views
    spread = pa.array([row // 2 if row % 2 else None for row in range(2 * len(values))], pa.int32())
    again = step(target, **manner).apply(pa.record_batch({"c": values.take(spread)}))
    made = again.rows.column("c")
    assert plain(made.take(pa.array(range(1, len(spread), 2)))) == plain(result.rows.column("c"))
    assert made.null_count == len(values) + result.rows.column("c").null_count
    told = [] if again.bad is None else [((row - 1) // 2, reason) for row, reason in reasons(again)]
    assert told == ([] if result.bad is None else reasons(result))


def reasons(result: Applied) -> list[tuple[int, str]]:
    assert result.bad is not None
    return list(zip(result.bad.column("row").to_pylist(), result.bad.column("reason").to_pylist(), strict=True))


def plain(values: pa.Array) -> list[Any]:
    """Values in which equal means identical: dates and times as numbers in their unit, floats as their bits, decimals with scale."""
    kind = values.type
    if pa.types.is_date32(kind) or pa.types.is_time32(kind):
        return list(values.view(pa.int32()).to_pylist())
    if pa.types.is_date64(kind) or pa.types.is_time64(kind) or pa.types.is_timestamp(kind) or pa.types.is_duration(kind):
        return list(values.view(pa.int64()).to_pylist())
    if pa.types.is_floating(kind):
        return [None if value is None else bits(value, kind) for value in values.to_pylist()]
    if pa.types.is_decimal(kind):
        return [None if value is None else str(value) for value in values.to_pylist()]
    return list(values.to_pylist())


def bits(value: float, kind: pa.DataType) -> str:
    """A float as the text of its bits, all NaN alike."""
    if value != value:
        return "nan"
    return struct.pack({16: "e", 32: "f", 64: "d"}[kind.bit_width], value).hex()


def digits(value: "decimal.Decimal | int", kind: pa.DataType) -> str:
    """What `plain` makes of a decimal of this type."""
    with decimal.localcontext(prec=100):
        return str(decimal.Decimal(value).quantize(decimal.Decimal(1).scaleb(-kind.scale)) + 0)


def layouts(values: pa.Array) -> Sequence[pa.Array]:
    """The same values in other layouts: cut out of a longer array, as a dictionary (cut out of one, too), as views."""
    longer = pa.concat_arrays([values.slice(0, 2), values, values.slice(0, 1)])
    found = [longer.slice(min(2, len(values)), len(values))]
    numbers = pa.array([row if cell.is_valid else None for row, cell in enumerate(values)], pa.int32())
    if not pa.types.is_null(values.type):
        cut = pa.concat_arrays([numbers.slice(0, 1), numbers])
        found.append(pa.DictionaryArray.from_arrays(numbers, values))
        found.append(pa.DictionaryArray.from_arrays(cut, values).slice(len(cut) - len(numbers)))
    if pa.types.is_large_string(values.type):
        found += [values.cast(pa.string()), values.cast(pa.string_view())]
        if len(values):
            found.append(pa.DictionaryArray.from_arrays(numbers, values.cast(pa.string_view())))
    if pa.types.is_large_binary(values.type):
        found += [values.cast(pa.binary()), values.cast(pa.binary_view())]
    return found
