"""Round, abs and sign: against Python's decimal, digit by digit."""

import decimal
import math
import struct

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dtaas_desktop.domain.errors import UserError
from tests.transforms.every_type import bad_cells, batch, step, whole_and_in_pieces

MODES = {
    "half_away": decimal.ROUND_HALF_UP,
    "half_even": decimal.ROUND_HALF_EVEN,
    "truncate": decimal.ROUND_DOWN,
    "floor": decimal.ROUND_FLOOR,
    "ceiling": decimal.ROUND_CEILING,
}
modes = st.sampled_from(list(MODES))
digits = st.integers(-38, 38) | st.integers(-3, 4)
written = st.builds(
    lambda whole, shift: float(decimal.Decimal(whole).scaleb(shift)), st.integers(-(10**6), 10**6), st.integers(-8, 3)
)
neighbours = st.builds(math.nextafter, written, st.sampled_from([math.inf, -math.inf]))
floats = st.floats() | written | neighbours | st.floats(-1e17, 1e17)


def rounded(number: decimal.Decimal, to: int, mode: str) -> decimal.Decimal:
    with decimal.localcontext(prec=500):
        return number.quantize(decimal.Decimal(1).scaleb(-to), rounding=MODES[mode])


def results(values: pa.Array, **function: object) -> tuple[list[object], set[int]]:
    """What became of the values, and which rows were bad."""
    done = whole_and_in_pieces(step("apply", columns=["x"], function=function, on_bad="null"), batch(x=values), size=3)
    bad = {row for row, *_ in bad_cells(done)}
    assert all(done.rows.column("x")[row].as_py() is None for row in bad)
    return done.rows.column("x").to_pylist(), bad


@settings(max_examples=400, deadline=None)
@given(st.lists(st.none() | floats, min_size=1, max_size=12), digits, modes)
@example([2.675, 1.005, 0.285, -2.5, 2.5, 0.5, 1.5, -0.4, 1e308, 5e-324, 1e22, 4503599627370497.5], 2, "half_away")
@example([n / 100 for n in range(-150, 150)], 2, "floor")
@example([math.nextafter(n / 100, 0) for n in range(1, 300)], 2, "floor")
@example([math.nextafter(n / 1000, 1) for n in range(300)], 3, "ceiling")
@example([1.7976931348623157e308, -1.7976931348623157e308], -308 + 270, "half_away")
def test_fractional_numbers_are_rounded_as_they_are_written(values: list[float | None], to: int, mode: str) -> None:
    found, bad = results(pa.array(values, pa.float64()), name="round", digits=to, rounding=mode)
    for row, (value, result) in enumerate(zip(values, found, strict=True)):
        if value is None or not math.isfinite(value):
            assert repr(result) == repr(value)
            continue
        expected = float(rounded(decimal.Decimal(repr(value)), to, mode))
        assert (row in bad) == math.isinf(expected)
        if row not in bad:
            assert isinstance(result, float)
            # What has no fraction stays as it is; nothing becomes −0.
            assert result == expected
            assert result != 0 or (to >= 0 and abs(value) >= 2**52) or math.copysign(1, result) == 1


@settings(max_examples=150, deadline=None)
@given(st.lists(st.floats(width=32), min_size=1, max_size=12), st.integers(-3, 6), modes)
def test_short_fractional_numbers_too(values: list[float], to: int, mode: str) -> None:
    column = pa.array(values, pa.float32())
    found, bad = results(column, name="round", digits=to, rounding=mode)
    for row, (value, text, result) in enumerate(zip(values, column.cast(pa.string()).to_pylist(), found, strict=True)):
        if not math.isfinite(value):
            assert repr(result) == repr(value)
            continue
        expected = float(rounded(decimal.Decimal(text), to, mode))
        if row in bad:
            assert abs(expected) > 3.4028234e38
        else:
            assert result == struct.unpack("f", struct.pack("f", expected))[0]


@settings(max_examples=200, deadline=None)
@given(st.data(), st.sampled_from(["int8", "int16", "int32", "int64", "uint8", "uint32", "uint64"]), digits, modes)
def test_whole_numbers_are_rounded_to_tens_or_found_too_large(data: st.DataObject, name: str, to: int, mode: str) -> None:
    bits = int(name.lstrip("uint"))
    low, high = (0, 2**bits - 1) if name.startswith("u") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    values = data.draw(st.lists(st.none() | st.integers(low, high) | st.sampled_from([low, high]), min_size=1, max_size=8))
    found, bad = results(pa.array(values, name), name="round", digits=to, rounding=mode)
    for row, (value, result) in enumerate(zip(values, found, strict=True)):
        if value is not None:
            expected = int(rounded(decimal.Decimal(value), min(to, 0), mode))
            assert (row in bad) == (not low <= expected <= high)
            assert row in bad or result == expected


@settings(max_examples=250, deadline=None)
@given(
    st.data(),
    st.sampled_from(
        [(5, 2, 32), (9, 9, 32), (18, 4, 64), (38, 10, 128), (38, 0, 128), (76, 38, 256), (75, 0, 256), (40, 40, 256)]
    ),
    digits,
    modes,
)
def test_decimals_are_rounded_exactly_or_found_too_large(
    data: st.DataObject, shape: tuple[int, int, int], to: int, mode: str
) -> None:
    precision, scale, bits = shape
    most = 10**precision - 1
    whole = (
        st.integers(-most, most) | st.sampled_from([most, -most, 0, most // 2, 5 * 10 ** (precision - 1)]) | st.integers(-9, 9)
    )
    values = data.draw(st.lists(st.none() | whole, min_size=1, max_size=8))
    with decimal.localcontext(prec=200):
        numbers = [None if value is None else decimal.Decimal(value).scaleb(-scale) for value in values]
    make = {32: pa.decimal32, 64: pa.decimal64, 128: pa.decimal128, 256: pa.decimal256}[bits]
    found, bad = results(pa.array(numbers, make(precision, scale)), name="round", digits=to, rounding=mode)
    for row, (number, result) in enumerate(zip(numbers, found, strict=True)):
        if number is not None:
            expected = rounded(number, min(to, scale), mode)
            assert (row in bad) == (expected.copy_abs() >= 10 ** (precision - scale))
            assert row in bad or result == expected


def test_abs_takes_the_sign_and_tells_what_has_no_counterpart() -> None:
    least = -(2**63)
    assert results(pa.array([least, -3, 0, None, 2**63 - 1]), name="abs") == ([None, 3, 0, None, 2**63 - 1], {0})
    assert results(pa.array([-128, -127], pa.int8()), name="abs") == ([None, 127], {0})
    assert results(pa.array([2**64 - 1], pa.uint64()), name="abs") == ([2**64 - 1], set())
    found, bad = results(pa.array([-0.0, -math.inf, math.nan, -1.5, None]), name="abs")
    assert (repr(found), bad) == ("[0.0, inf, nan, 1.5, None]", set())
    for make, precision in ((pa.decimal32, 9), (pa.decimal64, 18), (pa.decimal128, 38), (pa.decimal256, 76)):
        most = decimal.Decimal("9" * (precision - 2) + ".99")
        numbers = pa.array([most.copy_negate(), None, decimal.Decimal("0.01")], make(precision, 2))
        assert results(numbers, name="abs") == ([most, None, decimal.Decimal("0.01")], set())


def test_sign_is_one_of_three_and_nan_has_none() -> None:
    assert results(pa.array([-5, 0, 7, None], pa.int64()), name="sign") == ([-1, 0, 1, None], set())
    assert results(pa.array([-0.0, math.nan, -math.inf, 1e-300]), name="sign") == ([0, None, -1, 1], {1})
    assert results(pa.array([decimal.Decimal("-0.01"), decimal.Decimal(0)], pa.decimal32(5, 2)), name="sign") == ([-1, 0], set())


def test_a_bad_cell_tells_its_row_column_value_and_reason() -> None:
    rows = batch(x=pa.array([1.0, math.nan]))
    done = step("apply", columns=["x"], function={"name": "sign"}, output="s", on_bad="reject").apply(rows)
    assert bad_cells(done) == [(1, "s", "nan", "NaN has no sign")]
    done = step("apply", columns=["x"], function={"name": "round", "digits": -2}).apply(batch(x=pa.array([127], pa.int8())))
    assert done.rows.column("x").to_pylist() == [100]
    done = step("apply", columns=["x"], function={"name": "round", "digits": -1}).apply(batch(x=pa.array([127], pa.int8())))
    assert bad_cells(done) == [(0, "x", "127", "outside the range of int8")]


@pytest.mark.parametrize("function", ["abs", "sign", "round"])
@pytest.mark.parametrize("data_type", [pa.large_string(), pa.bool_(), pa.null(), pa.duration("s")], ids=str)
def test_what_is_no_number_is_refused_by_name(function: str, data_type: pa.DataType) -> None:
    with pytest.raises(UserError, match=f"Column “x”: “{function}” works on numbers, not on"):
        step("apply", columns=["x"], function={"name": function}).output_schema(batch(x=pa.nulls(0, data_type)).schema)


def test_long_decimals_are_rounded_right_where_arrow_alone_is_not() -> None:
    digits = pa.decimal256(60, 30)
    value = decimal.Decimal("4" + "9" * 29 + "." + "9" * 30)
    rows = pa.record_batch({"x": pa.array([value, -value, decimal.Decimal(1), None], digits)})
    rounding = step("apply", columns=["x"], function={"name": "round", "digits": 15})
    rounded = rounding.apply(rows).rows.column("x").to_pylist()
    assert rounded == [decimal.Decimal(5) * 10**29, decimal.Decimal(-5) * 10**29, 1, None]
