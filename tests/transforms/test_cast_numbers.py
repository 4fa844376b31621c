"""Numbers to numbers, and text to numbers and back, judged by Python's integers, decimals and fractions."""

import decimal
import struct
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtaas_desktop.domain.type_names import name_of_type, type_from_name
from tests.transforms.casting import Bad, bits, digits, outcomes

INTEGERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
DECIMALS = ["decimal(1,0)", "decimal(5,5)", "decimal(18,2)", "decimal(38,0)", "decimal(38,10)", "decimal(38,38)", "decimal(50,5)"]
DECIMALS += ["decimal(76,0)", "decimal(76,38)", "decimal(76,76)"]
FLOATS = ["float32", "float64"]
EXTRA = ["bad", "half_away", "half_even", "truncate"]
ROUNDING = {"half_away": decimal.ROUND_HALF_UP, "half_even": decimal.ROUND_HALF_EVEN, "truncate": decimal.ROUND_DOWN}
WIDE = decimal.Context(prec=1200, Emin=-999_999, Emax=999_999)

targets = st.sampled_from(INTEGERS + DECIMALS + FLOATS)
extras = st.sampled_from(EXTRA)


def bounds(name: str) -> tuple[int, int]:
    width = int(name.lstrip("uint"))
    return (0, 2**width - 1) if name.startswith("u") else (-(2 ** (width - 1)), 2 ** (width - 1) - 1)


def integers_at_edges() -> st.SearchStrategy[int]:
    edges = sorted({edge + step for name in INTEGERS for edge in bounds(name) for step in (-1, 0, 1)} | {2**24 + 1, 2**53 + 1})
    return st.sampled_from(edges) | st.integers(-(2**63), 2**64 - 1) | st.integers(-300, 300)


@st.composite
def decimals_of(draw: st.DrawFn, kind: pa.DataType) -> Decimal:
    unscaled = draw(
        st.integers(-(10**kind.precision) + 1, 10**kind.precision - 1)
        | integers_at_edges().filter(lambda number: abs(number) < 10**kind.precision)
        | st.integers(0, min(kind.precision, 20)).map(lambda zeros: 5 * 10**zeros).filter(lambda n: n < 10**kind.precision)
    )
    return Decimal(unscaled).scaleb(-kind.scale, WIDE)


def nearest(number: Fraction, kind: pa.DataType) -> float:
    """The float of this type that is nearest; a tie goes to the even one; infinity beyond the range."""
    try:
        guess = float(number)
    except OverflowError:
        return float("inf") if number > 0 else float("-inf")
    if kind == pa.float64():
        return guess
    largest = struct.unpack("f", struct.pack("I", 0x7F7FFFFF))[0]
    if abs(number) >= Fraction(largest) + Fraction(2) ** 103:
        return float("inf") if number > 0 else float("-inf")
    code = struct.unpack("I", struct.pack("f", min(abs(guess), largest)))[0]
    near = [
        (abs(Fraction(struct.unpack("f", struct.pack("I", c))[0]) - abs(number)), c % 2, c)
        for c in (code - 1, code, code + 1)
        if c >= 0 and c <= 0x7F7FFFFF
    ]
    found = struct.unpack("f", struct.pack("I", min(near)[2]))[0]
    return float(-found if number < 0 else found)


def judged(number: Decimal, target: str, extra: str) -> Any:
    """What an exact number becomes."""
    kind = type_from_name(target)
    if target in FLOATS:
        found = nearest(Fraction(number), kind)
        return bits(found, kind) if abs(found) != float("inf") else Bad(f"outside the range of {target}")
    unit = Decimal(1).scaleb(0 if target in INTEGERS else -kind.scale)
    rounded = number.quantize(unit, rounding=ROUNDING.get(extra, decimal.ROUND_DOWN), context=WIDE)
    if extra == "bad" and rounded != number:
        return Bad(f"has digits that {name_of_type(kind)} cannot hold")
    if target in INTEGERS:
        low, high = bounds(target)
        return int(rounded) if low <= rounded <= high else Bad(f"outside the range of {target}")
    if rounded.copy_abs() >= Decimal(10) ** (kind.precision - kind.scale):
        return Bad(f"outside the range of {name_of_type(kind)}")
    return digits(rounded, kind)


def judged_to_float(number: Decimal, target: str, extra: str, scale: int) -> Any:
    """An integer or a decimal: its digits must come back, unless rounding was asked for."""
    kind = type_from_name(target)
    found = nearest(Fraction(number), kind)
    if abs(found) == float("inf"):
        return Bad(f"outside the range of {target}")
    back = Decimal(found).quantize(Decimal(1).scaleb(-scale), context=WIDE)
    return Bad(f"has digits that {target} cannot hold") if extra == "bad" and back != number else bits(found, kind)


@given(st.sampled_from(INTEGERS), targets, extras, st.data())
def test_an_integer_becomes_exactly_that_number_or_a_bad_cell(source: str, target: str, extra: str, data: st.DataObject) -> None:
    low, high = bounds(source)
    numbers = data.draw(st.lists(integers_at_edges().filter(lambda number: low <= number <= high), max_size=20))
    found = outcomes(pa.array(numbers, type_from_name(source)), target, extra_digits=extra)
    if target in FLOATS:
        assert found == [judged_to_float(Decimal(number), target, extra, 0) for number in numbers]
    else:
        assert found == [judged(Decimal(number), target, extra) for number in numbers]


@given(st.sampled_from(DECIMALS), targets, extras, st.data())
def test_a_decimal_becomes_that_number_rounded_only_as_asked(source: str, target: str, extra: str, data: st.DataObject) -> None:
    kind = type_from_name(source)
    numbers = data.draw(st.lists(decimals_of(kind), max_size=12))
    found = outcomes(pa.array(numbers, kind), target, extra_digits=extra)
    if target in FLOATS:
        assert found == [judged_to_float(number, target, extra, kind.scale) for number in numbers]
    else:
        assert found == [judged(number, target, extra) for number in numbers]


@given(st.sampled_from(["int64", "uint64", "int32"]), st.sampled_from(FLOATS), st.data())
def test_a_whole_number_that_a_float_would_change_is_bad(source: str, target: str, data: st.DataObject) -> None:
    low, high = bounds(source)
    near = st.sampled_from([2**24, 2**25, 2**31 - 64, 2**53, 2**54, 2**63 - 512, 2**64 - 2048]) | st.integers(0, 63).map(
        lambda bit: 1 << bit
    )
    numbers = data.draw(st.lists(st.builds(lambda number, step: number + step, near, st.integers(-3, 3)), max_size=12))
    numbers = [number for number in [*numbers, *(-number for number in numbers)] if low <= number <= high]
    expected = [judged_to_float(Decimal(number), target, "bad", 0) for number in numbers]
    assert outcomes(pa.array(numbers, type_from_name(source)), target) == expected


@pytest.mark.parametrize("scale", [1, 38, 75, 76])
@pytest.mark.parametrize("extra", EXTRA)
def test_the_greatest_decimals_are_rounded_like_any_other(scale: int, extra: str) -> None:
    kind = pa.decimal256(76, scale)
    texts = [
        "9" * 76,
        "9" * (76 - scale) + "0" * scale,
        "9" * (76 - scale) + "4" + "9" * (scale - 1),
        "9" * 75 + "4",
        "5" + "0" * 75,
    ]
    numbers = [Decimal(sign + text).scaleb(-scale, WIDE) for text in texts for sign in ("", "-")]
    for target in ("int64", "decimal(38,0)", "decimal(76,0)", "decimal(76,37)", "decimal(38,37)", f"decimal(76,{scale - 1})"):
        assert outcomes(pa.array(numbers, kind), target, extra_digits=extra) == [
            judged(number, target, extra) for number in numbers
        ]


@pytest.mark.parametrize("narrow", [pa.decimal32(9, 4), pa.decimal64(18, 9)])
@given(target=targets, extra=extras, data=st.data())
@settings(max_examples=25)
def test_narrow_decimals_become_what_wide_ones_do(narrow: pa.DataType, target: str, extra: str, data: st.DataObject) -> None:
    numbers = data.draw(st.lists(decimals_of(narrow) | st.none(), max_size=8))
    wide = pa.array(numbers, pa.decimal128(narrow.precision, narrow.scale))
    for name in (target, "text", "bool"):
        assert outcomes(pa.array(numbers, narrow), name, extra_digits=extra) == outcomes(wide, name, extra_digits=extra)


def as_held(number: float, source: str) -> Decimal:
    """A fractional number as it is written; a whole one beyond the type's own digits as it is held."""
    limit = 2**24 if source == "float32" else 2**53
    if abs(number) >= limit:
        return Decimal(int(number))
    return Decimal(repr(number)) if source == "float64" else Decimal(shortest(number))


def shortest(number: float) -> str:
    """The shortest text that reads back as this float32."""
    for precision in range(1, 10):
        text = f"{number:.{precision}g}"
        if struct.pack("f", float(text)) == struct.pack("f", number):
            return text
    raise AssertionError(number)


@given(st.sampled_from(FLOATS), targets, extras, st.data())
def test_a_fractional_number_becomes_what_is_written_rounded_only_as_asked(
    source: str, target: str, extra: str, data: st.DataObject
) -> None:
    width: Literal[32, 64] = 32 if source == "float32" else 64
    edges = [float(edge) for name in INTEGERS for edge in bounds(name) if width == 64 or name in ("int8", "uint8", "int16")]
    numbers = data.draw(
        st.lists(
            st.floats(width=width)
            | st.floats(-1000, 1000, width=width)
            | st.sampled_from([0.5, -0.5, 1.5, 2.5, -2.5, 0.125, 1.125, *edges])
            | st.sampled_from([edge + 0.5 for edge in edges if abs(edge) < 2**20]),
            max_size=12,
        )
    )
    kind = type_from_name(target)
    expected: list[Any] = []
    for number in numbers:
        if target == "float64" or target == source:
            expected.append(bits(number, kind))
        elif target == "float32":
            near = nearest(Fraction(number), kind) if abs(number) < float("inf") else number
            out = abs(near) == float("inf") and abs(number) != float("inf")
            expected.append(
                Bad("outside the range of float32")
                if out
                else bits(-near if number == 0 and str(number) == "-0.0" and near == 0 and str(near) == "0.0" else near, kind)
            )
        elif abs(number) == float("inf") or number != number:
            expected.append(Bad("not a finite number"))
        else:
            exact = Decimal(number) if target in INTEGERS else as_held(number, source)
            expected.append(judged(exact, target, extra))
    assert outcomes(pa.array(numbers, type_from_name(source)), target, extra_digits=extra) == expected
