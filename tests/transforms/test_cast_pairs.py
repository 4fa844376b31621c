"""Casts between all pairs of types: what is promised without data holds with any data, in any layout."""

import decimal
import re
from typing import Any

import pyarrow as pa
import pytest

from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.type_names import name_of_type, type_from_name
from tests.transforms.casting import Bad, layouts, outcomes, step

I64 = [0, 1, -1, 2, 127, 128, -128, -129, 255, 256, 2**15, 2**24 + 1, 2**31, 2**53 + 1, 2**63 - 1, -(2**63), 1_700_000_000]
FLOATS = [0.0, -0.0, 1.0, 0.5, -2.5, 0.1, 1e-7, 127.5, 2.0**31, 2.0**53, 2.0**63, 2.0**64, 1e22, 3.4e38, 1e39, 5e-324, 1.7e308]
FLOATS += [float("nan"), float("inf"), float("-inf"), 1_700_000_000.25, 9_007_199_254_740_993.0, -1e16]
DECIMALS = ["0", "1", "-1", "0.01", "-0.005", "0.5", "2.5", "127", "-129", "99999.99", "1E+10", "9E+37", "1E-20"]
TEXTS = ["", " ", "1", " 12 ", "+5", "-0", "1e3", "1_000", "1,000.5", "٣", "0x10", "nan", "Infinity", "true", "No", "é", "🙂" * 3]
TEXTS += ["2024-02-29", "2023-02-29", "0001-01-01", "9999-12-31", "0000-01-01", "2024-12-31 23:59:59.123456789", "1.", ".5", "+"]
TEXTS += ["2024-12-31T23:59:59Z", "2024-03-31 02:30:00", "2024-10-27 02:30:00", "23:59:59.999999999", "9" * 80, "x" * 1000]
TEXTS += ["1677-09-21 00:12:43.145224192", "2262-04-11 23:47:16.854775807", "2262-04-11 23:47:16.854775808", "1e400", "1e-400"]
BYTES = [b"", b"a", b"abcdefgh", b"\xff\xfe", "é".encode(), b"\x00" * 8, b"x" * 300]
TICKS = [0, 1, -1, 999, 86_399, 10**9, -(10**9), 10**15 + 1, 2**31, 253_402_300_799, -62_135_596_800, 2**62, 2**63 - 1, -(2**63)]
TICKS += [253_402_300_799_999_999, -62_135_596_800_000_000, 1_711_848_600, 1_711_848_600_000_000, 4_119_199_200_000_000]

TYPES = [
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64"),
    *("text", "binary", "binary(8)", "date"),
    *(f"decimal({size})" for size in ("9,2", "18,0", "18,18", "38,0", "38,10", "38,38", "50,5", "76,0", "76,38")),
    *(f"time({unit})" for unit in ("s", "ms", "us", "ns")),
    *(f"timestamp({unit})" for unit in ("s", "ms", "us", "ns")),
    *(
        f"timestamp({unit}, {zone})"
        for unit, zone in (("s", "UTC"), ("us", "Europe/Paris"), ("ns", "+02:00"), ("ms", "America/New_York"))
    ),
    *("duration(s)", "duration(ns)"),
]
SOURCES = [type_from_name(name) for name in TYPES] + [
    pa.decimal32(9, 2),
    pa.decimal64(18, 4),
    pa.decimal128(10, -2),
    pa.float16(),
    pa.date64(),
    pa.null(),
    pa.list_(pa.int64()),
    pa.struct([("a", pa.int64())]),
    pa.month_day_nano_interval(),
    pa.timestamp("us", "+02:00"),
    pa.timestamp("ns", "Asia/Kolkata"),
]


def samples(kind: pa.DataType) -> list[Any]:
    """Values at the edges of the type, as Arrow builds them."""
    if pa.types.is_boolean(kind):
        return [True, False]
    if pa.types.is_integer(kind):
        return [value for value in [*I64, 2**64 - 1, 2**63] if fits(value, kind)]
    if pa.types.is_floating(kind):
        return [value for value in FLOATS if kind.bit_width > 16 or value in (0.0, 1.0, 0.5, -2.5)] + [float("nan")]
    if pa.types.is_decimal(kind):
        edge = decimal.Decimal("9" * kind.precision).scaleb(-kind.scale, decimal.Context(prec=80))
        return [edge, edge.copy_negate(), *(decimal.Decimal(text) for text in DECIMALS if fits(decimal.Decimal(text), kind))]
    if pa.types.is_large_string(kind):
        return list(TEXTS)
    if pa.types.is_fixed_size_binary(kind):
        return [value for value in BYTES if len(value) == kind.byte_width]
    if pa.types.is_large_binary(kind):
        return list(BYTES)
    if pa.types.is_null(kind):
        return [None]
    if pa.types.is_nested(kind):
        return [[1], []] if pa.types.is_list(kind) else [{"a": 1}]
    return []


def fits(value: int | decimal.Decimal, kind: pa.DataType) -> bool:
    if isinstance(value, decimal.Decimal):
        unscaled = value.scaleb(kind.scale, decimal.Context(prec=100))
        return unscaled == unscaled.to_integral_value() and abs(unscaled) < 10**kind.precision
    try:
        pa.scalar(value, kind)
    except (pa.ArrowInvalid, OverflowError):
        return False
    return True


def column(kind: pa.DataType) -> pa.Array:
    """Edge values with nulls at the start, in the middle and at the end."""
    if pa.types.is_date32(kind):
        whole = pa.array([None, 0, -719_162, -719_163, 2_932_896, 2_932_897, None, 19_782, 2**31 - 1, -(2**31), None], pa.int32())
        return whole.view(kind)
    if pa.types.is_date64(kind):
        return pa.array([None, 0, -1, 86_400_000, 86_399_999, None, 2**63 - 1, -(2**63)], pa.int64()).view(kind)
    if pa.types.is_time(kind):
        end = 86_400 * {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[kind.unit]
        whole = [None, 0, 1, end - 1, None, end // 2, 59]
        return pa.array(whole, pa.int32() if kind.bit_width == 32 else pa.int64()).view(kind)
    if pa.types.is_timestamp(kind) or pa.types.is_duration(kind):
        return pa.array([None, *TICKS, None], pa.int64()).view(kind)
    if kind == pa.month_day_nano_interval():
        return pa.array([None, pa.MonthDayNano([1, 2, 3])], kind)
    values = samples(kind)
    return pa.array([None, *values[:3], None, *values[3:], None], kind)


def possible(source: pa.DataType, target: str) -> bool:
    try:
        step(target).output_schema(pa.schema([("c", source)]))
    except UserError as error:
        return not str(error).startswith(
            f"Column “c”: {name_of_type(source)} cannot become {name_of_type(type_from_name(target))}."
        )
    return True


@pytest.mark.parametrize("target", TYPES)
def test_a_cast_is_refused_without_data_or_gives_what_it_promised_on_any_data(target: str) -> None:
    accepted = 0
    for source in SOURCES:
        if not possible(source, target):
            continue
        accepted += 1
        values = column(source)
        whole = outcomes(values, target)
        assert [cell for cell, given in zip(whole, values, strict=True) if not given.is_valid] == [None] * values.null_count
        assert None not in [cell for cell, given in zip(whole, values, strict=True) if given.is_valid], (source, whole)
        for same in layouts(values):
            assert outcomes(same, target) == whole, same.type
        for nothing in (values.slice(0, 0), pa.nulls(3, source), values.slice(0, 1)):
            assert outcomes(nothing, target) == [None] * len(nothing)
    assert accepted >= 2


READABLE = {"bool", "int", "float", "decimal", "text"}
POSSIBLE = {
    "bool": READABLE,
    "int": READABLE | {"timestamp"},
    "float": READABLE,
    "decimal": READABLE,
    "text": READABLE | {"bytes", "date", "time", "timestamp"},
    "bytes": {"bytes", "text"},
    "date": {"date", "timestamp", "text"},
    "time": {"time", "timestamp", "text"},
    "timestamp": {"timestamp", "date", "text", "int", "float", "decimal"},
    "duration": {"duration"},
}
FAMILIES = [
    "bool",
    "uint",
    "int",
    "halffloat",
    "float",
    "double",
    "decimal",
    "text",
    "binary",
    "date",
    "timestamp",
    "time",
    "duration",
]


def family(kind: pa.DataType) -> str:
    found = next((name for name in FAMILIES if name_of_type(kind).startswith(name)), "other")
    return {"uint": "int", "halffloat": "float", "double": "float", "binary": "bytes"}.get(found, found)


def test_only_pairs_with_a_meaning_are_possible() -> None:
    for target in TYPES:
        for source in SOURCES:
            wanted = family(source) in POSSIBLE[family(type_from_name(target))] or pa.types.is_null(source)
            if family(source) == "duration":
                wanted = name_of_type(source) == target
            if pa.types.is_decimal(source) and source.scale < 0:
                wanted = False
            assert possible(source, target) == wanted, (source, target)


def test_rounding_changes_nothing_for_values_that_need_none() -> None:
    for target in TYPES:
        for source in filter(lambda kind: possible(kind, target), SOURCES):
            strict = outcomes(column(source), target)
            rounding = outcomes(column(source), target, extra_digits="half_even")
            for before, after in zip(strict, rounding, strict=True):
                about_digits = isinstance(before, Bad) and re.search("digits that|not a whole number", before.reason)
                assert before == after or about_digits, (source, target)


@pytest.mark.parametrize(
    "target", ["int16", "decimal(18,2)", "timestamp(ms, Europe/Paris)", "date", "text", "float32", "binary(8)"]
)
def test_results_do_not_depend_on_where_batches_are_cut_nor_on_neighbours(target: str) -> None:
    for source in filter(lambda kind: possible(kind, target), SOURCES):
        values = column(source)
        whole = outcomes(values, target)
        alone = [outcomes(values.slice(row, 1), target)[0] for row in range(len(values))]
        assert alone == whole
        repeated = pa.concat_arrays([values] * 5)  # so that it pays to convert every distinct value once
        assert outcomes(repeated, target) == whole * 5
