"""Text to numbers and numbers to text, judged by Python's float and decimal."""

import decimal
import re
from decimal import Decimal
from typing import Any, Literal

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dtaas_desktop.domain.type_names import type_from_name
from tests.transforms.casting import Bad, bits, digits, outcomes
from tests.transforms.test_cast_numbers import DECIMALS, FLOATS, INTEGERS, ROUNDING, WIDE, bounds, decimals_of, judged, shortest

extras = st.sampled_from(["bad", "half_away", "half_even", "truncate"])
formats = st.sampled_from([(".", ""), (".", ","), (",", "."), (",", " "), (".", "'"), (".", "_"), (",", "")])
runs = st.text("0123456789", min_size=1, max_size=25)


@st.composite
def written_numbers(draw: st.DrawFn, point: str, thousands: str) -> str:
    """Mostly numbers in this format, some nearly."""
    whole = draw(runs | st.sampled_from(["", "0", "007", "9" * 40, "1" + "0" * 90]))
    if thousands and len(whole) > 3 and draw(st.booleans()):
        whole = f"{int(whole):,}".replace(",", thousands)
    fraction = draw(st.sampled_from(["", point, point + "5", point + "50", point + "0" * 30]) | runs.map(lambda run: point + run))
    exponent = draw(
        st.sampled_from([""] * 6 + ["e3", "E+2", "e-4", "e0", "e-400", "e400", "e-999999999", "e", "e5.0", "e0000000000003"])
    )
    text = draw(st.sampled_from(["", "", "-", "+", "+-"])) + whole + fraction + exponent
    if draw(st.integers(0, 9)) == 0:
        at = draw(st.integers(0, len(text)))
        text = (
            text[:at]
            + draw(st.sampled_from([".", ",", " ", "_", "'", "x", "٣", "\u202f", "\u00a0", "\n", "-", "²", "０"]))
            + text[at:]
        )
    return draw(st.sampled_from(["", " ", "\t", "\u00a0", "\u3000"])) + text + draw(st.sampled_from(["", " ", "\r\n"]))


odd_words = st.sampled_from(
    ["nan", "NaN", "-nan", "inf", "+INF", "-Infinity", "infinit", "1_000", "", " ", "+", ".", "0x10", "1e", "𝟙"]
)


def read(text: str, point: str, thousands: str) -> Decimal | None:
    """The number that a text is in this format, by plain rules; None if it is none."""
    text = text.strip()
    if thousands == " ":
        text = text.translate({0xA0: " ", 0x2009: " ", 0x202F: " "})
    sign = text[:1] if text[:1] in ("+", "-") else ""
    mantissa, _, exponent = text[len(sign) :].replace("E", "e").partition("e")
    if "e" in text.lower() and not re.fullmatch("[+-]?0*[0-9]{1,9}", exponent):
        return None
    whole, dot, fraction = mantissa.partition(point)
    groups = whole.split(thousands) if thousands and "e" not in text.lower() else [whole]
    if len(groups) > 1:
        inner = [len(group) for group in groups[1:-1]]
        if not 1 <= len(groups[0]) <= 3 or any(size not in (2, 3) for size in inner) or len(groups[-1]) != 3:
            return None
    number = "".join(groups)
    if not set(number + fraction) <= set("0123456789") or not number + fraction:
        return None
    return Decimal(f"{sign}{number or 0}{'.' if dot else ''}{fraction}e{exponent or 0}")


def not_finite(text: str, kind: pa.DataType) -> Any:
    word = text.strip().lower().lstrip("+")
    return (
        bits(float(word), kind)
        if word in ("nan", "-nan", "inf", "-inf", "infinity", "-infinity") and text.strip()[:2] != "+-"
        else None
    )


@given(st.sampled_from(INTEGERS + DECIMALS + FLOATS), extras, formats, st.data())
def test_a_text_becomes_the_number_written_in_it_or_a_bad_cell(
    target: str, extra: str, form: tuple[str, str], data: st.DataObject
) -> None:
    point, thousands = form
    texts = data.draw(st.lists(written_numbers(point, thousands) | odd_words, max_size=12))
    kind = type_from_name(target)
    expected: list[Any] = []
    for text in texts:
        number = read(text, point, thousands)
        if number is None:
            word = not_finite(text, kind) if target in FLOATS else None
            expected.append(Bad("not a number") if word is None else word)
        elif target == "float64":
            found = float(number)
            expected.append(Bad("outside the range of float64") if abs(found) == float("inf") else bits(found, kind))
        elif number and number.adjusted() > 80:  # the greatest type has 76 digits
            expected.append(Bad(f"outside the range of {target}"))
        elif number and number.adjusted() < -400:
            rest = Decimal("1e-100").copy_sign(number)
            expected.append(bits(-0.0 if number < 0 else 0.0, kind) if target in FLOATS else judged(rest, target, extra))
        else:
            found = judged(number, target, extra)
            expected.append(bits(-0.0, kind) if target in FLOATS and found == bits(0.0, kind) and number.is_signed() else found)
    assert (
        outcomes(pa.array(texts, pa.large_string()), target, extra_digits=extra, decimal_point=point, thousands=thousands)
        == expected
    )


@pytest.mark.parametrize(
    ("text", "target", "manner", "expected"),
    [
        ("1e3", "int16", {}, 1000),
        ("1_000", "int16", {}, Bad("not a number")),
        ("1_000", "int16", {"thousands": "_"}, 1000),
        (" 12 ", "int8", {}, 12),
        ("+5", "uint8", {}, 5),
        ("٣", "int8", {}, Bad("not a number")),
        ("-0", "uint8", {}, 0),
        ("1\u202f234,5", "decimal(9,2)", {"thousands": " ", "decimal_point": ","}, "1234.50"),
        ("12,34,567.8", "decimal(9,2)", {"thousands": ","}, "1234567.80"),
        ("1,2345", "int32", {"thousands": ","}, Bad("not a number")),
        ("1,23", "int32", {"thousands": ","}, Bad("not a number")),
        ("12,345,67", "int32", {"thousands": ","}, Bad("not a number")),
        ("1.5", "decimal(9,2)", {"decimal_point": ","}, Bad("not a number")),
        ("1.00", "int8", {}, 1),
        ("1.01", "int8", {}, Bad("has digits that int8 cannot hold")),
        ("0.005", "decimal(4,2)", {"extra_digits": "half_away"}, "0.01"),
        ("0.005", "decimal(4,2)", {"extra_digits": "half_even"}, "0.00"),
        ("-0.009", "decimal(4,2)", {"extra_digits": "truncate"}, "0.00"),
        ("99.995", "decimal(4,2)", {"extra_digits": "half_away"}, Bad("outside the range of decimal(4,2)")),
        ("9" * 76, "decimal(76,0)", {}, "9" * 76),
        ("9" * 38 + "e0", "decimal(38,0)", {}, "9" * 38),
        ("1" + "0" * 76, "decimal(76,0)", {}, Bad("outside the range of decimal(76,0)")),
        ("18446744073709551615", "uint64", {}, 2**64 - 1),
        ("18446744073709551616", "uint64", {}, Bad("outside the range of uint64")),
    ],
)
def test_known_texts_become_known_numbers(text: str, target: str, manner: dict[str, str], expected: Any) -> None:
    assert outcomes(pa.array([text, None], pa.large_string()), target, **manner) == [expected, None]


@given(st.lists(st.floats(), max_size=20), st.lists(st.floats(width=32), max_size=20))
@example([123456789.0, 5e-324, 1.7976931348623157e308, -0.0], [16777217.0, 1.1754943508222875e-38])
def test_a_float_becomes_a_text_that_reads_back_as_the_same_float(doubles: list[float], singles: list[float]) -> None:
    for numbers, name in ((doubles, "float64"), (singles, "float32")):
        kind = type_from_name(name)
        texts = outcomes(pa.array(numbers, kind), "text")
        assert [bits(float(text), kind) for text in texts] == [bits(number, kind) for number in numbers]
        assert outcomes(pa.array(texts, pa.large_string()), name) == [bits(number, kind) for number in numbers]


def written(number: Decimal, scale: int, point: str, thousands: str) -> str:
    """As Python writes it with so many digits after the point, in other marks."""
    text = format(number or Decimal(0), f",.{scale}f" if thousands else f".{scale}f")
    return text.translate({ord(","): thousands or None, ord("."): point})


@st.composite
def numbers_of(draw: st.DrawFn, source: str) -> int | Decimal:
    kind = type_from_name(source)
    if source not in INTEGERS:
        return draw(decimals_of(kind))
    low, high = bounds(source)
    return draw(st.integers(low, high) | st.sampled_from([low, high, 0, 100, -(high // 10)]).filter(lambda number: number >= low))


@settings(max_examples=60)
@given(st.sampled_from(INTEGERS + DECIMALS), formats, st.data())
def test_a_number_becomes_a_text_that_reads_back_as_the_same_number(
    source: str, form: tuple[str, str], data: st.DataObject
) -> None:
    kind = type_from_name(source)
    point, thousands = form
    values = data.draw(st.lists(numbers_of(source), max_size=10))
    scale = 0 if source in INTEGERS else kind.scale
    texts = outcomes(pa.array(values, kind), "text", decimal_point=point, thousands=thousands)
    assert texts == [written(Decimal(value), scale, point, thousands) for value in values]
    back = outcomes(pa.array(texts, pa.large_string()), source, decimal_point=point, thousands=thousands)
    assert back == [value if source in INTEGERS else digits(value, kind) for value in values]


@settings(max_examples=60)
@given(st.sampled_from(INTEGERS + DECIMALS), extras, formats, st.integers(0, 38), st.data())
def test_numbers_become_texts_with_just_so_many_decimals(
    source: str, extra: str, form: tuple[str, str], decimals: int, data: st.DataObject
) -> None:
    values = data.draw(st.lists(numbers_of(source), max_size=10))
    point, thousands = form
    expected: list[Any] = []
    for value in map(Decimal, values):
        rounded = value.quantize(Decimal(1).scaleb(-decimals), rounding=ROUNDING.get(extra, decimal.ROUND_DOWN), context=WIDE)
        refused = extra == "bad" and rounded != value
        text = written(rounded, decimals, point, thousands)
        expected.append(Bad(f"has more than {decimals} digits after the point") if refused else text)
    manner = {"decimals": decimals, "extra_digits": extra, "decimal_point": point, "thousands": thousands}
    assert outcomes(pa.array(values, type_from_name(source)), "text", **manner) == expected


def test_huge_numbers_are_written_out_also_beside_empty_cells_and_infinity() -> None:
    values = pa.array([1e22, None, float("inf"), float("nan"), -1e16, 0.5])
    expected = ["1" + "0" * 22 + ".0", None, "inf", "nan", "-1" + "0" * 16 + ".0", "0.5"]
    assert outcomes(values, "text", decimals=1) == expected
    assert outcomes(values.slice(0, 3), "text", decimals=1) == expected[:3]
    assert outcomes(values.slice(0, 2), "text", decimals=1) == expected[:2]


@settings(max_examples=60)
@given(st.sampled_from(FLOATS), extras, st.integers(0, 38), st.data())
def test_fractional_numbers_become_texts_with_just_so_many_decimals(
    source: str, extra: str, decimals: int, data: st.DataObject
) -> None:
    width: Literal[32, 64] = 32 if source == "float32" else 64
    numbers = data.draw(
        st.lists(st.floats(width=width) | st.floats(-1e6, 1e6).map(lambda x: x if width == 64 else 0.5), max_size=10)
    )
    expected: list[Any] = []
    for number in numbers:
        if number != number or abs(number) == float("inf"):
            expected.append(str(number))
            continue
        value = Decimal(repr(number) if width == 64 else shortest(number))
        rounded = value.quantize(Decimal(1).scaleb(-decimals), rounding=ROUNDING.get(extra, decimal.ROUND_DOWN), context=WIDE)
        refused = extra == "bad" and rounded != value
        expected.append(
            Bad(f"has more than {decimals} digits after the point") if refused else written(rounded, decimals, ".", "")
        )
    assert outcomes(pa.array(numbers, type_from_name(source)), "text", decimals=decimals, extra_digits=extra) == expected
