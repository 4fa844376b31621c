"""Constants out of JSON as values of a column's type: exactly, or refused."""

import datetime
import json
import math
import struct
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.type_names import type_from_name
from dtaas_desktop.transforms.constants import constant, natural_type

INTEGERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]


def refused(value: Any, kind: pa.DataType) -> bool:
    try:
        constant(value, kind)
    except UserError:
        return True
    return False


@given(
    st.sampled_from(INTEGERS),
    st.integers() | st.integers(-300, 300) | st.sampled_from([2**63, 2**63 - 1, 2**64 - 1, 2**64, -(2**63)]),
)
def test_a_whole_number_fits_an_integer_type_exactly_or_is_refused(name: str, number: int) -> None:
    kind = type_from_name(name)
    low, high = (0, 2**kind.bit_width - 1) if name[0] == "u" else (-(2 ** (kind.bit_width - 1)), 2 ** (kind.bit_width - 1) - 1)
    if low <= number <= high:
        for value in (number, str(number)):
            assert constant(value, kind).as_py() == number
            assert constant(value, kind).type == kind
    else:
        assert refused(number, kind)
        assert refused(str(number), kind)


@given(st.integers() | st.integers(-(2**70), 2**70) | st.sampled_from([2**24, 2**24 + 1, 2**53, 2**53 + 1]))
def test_a_whole_number_that_a_float_would_change_is_refused(number: int) -> None:
    try:
        single: float | None = struct.unpack("f", struct.pack("f", number))[0]
    except OverflowError:
        single = None
    if single is not None and int(single) == number:
        assert constant(number, pa.float32()).as_py() == number
    elif abs(number) < 2**53:  # beyond, Python itself rounds twice on the way to 32 bits
        assert refused(number, pa.float32())
    if abs(number) < 2**1000 and int(float(number)) == number:
        assert constant(number, pa.float64()).as_py() == number
    else:
        assert refused(number, pa.float64())


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_fractional_number_is_itself_as_float_and_as_it_is_written_as_decimal(number: float) -> None:
    number = json.loads(json.dumps(number))
    assert math.copysign(1, constant(number, pa.float64()).as_py()) == math.copysign(1, number)
    assert constant(number, pa.float64()).as_py() == number
    wide = pa.decimal256(76, 38)
    written = Decimal(repr(number))
    if abs(written) < Decimal(10) ** 38 and (not written or written.as_tuple().exponent >= -38):  # type: ignore[operator]
        assert constant(number, wide).as_py() == written
    else:
        assert refused(number, wide)


@pytest.mark.parametrize(
    ("value", "name", "expected"),
    [
        ("12.50", "decimal(5,2)", Decimal("12.50")),
        (12, "decimal(5,2)", Decimal(12)),
        (0.1, "decimal(5,2)", Decimal("0.10")),
        ("yes", "bool", True),
        (False, "bool", False),
        (True, "text", "true"),
        (1, "text", "1"),
        (1.5, "text", "1.5"),
        ("", "text", ""),
        ("2024-02-29", "date", datetime.date(2024, 2, 29)),
        ("12:30", "time", datetime.time(12, 30)),
        ("2024-02-29 12:30", "timestamp", datetime.datetime(2024, 2, 29, 12, 30)),
        ("2024-02-29T12:30:00Z", "timestamp(us, UTC)", datetime.datetime(2024, 2, 29, 12, 30, tzinfo=datetime.UTC)),
        ("0x00ff", "binary", b"\x00\xff"),
        ("é", "binary", "é".encode()),
        ("0x0011223344556677", "binary(8)", bytes.fromhex("0011223344556677")),
        ("NaN", "float64", None),
    ],
)
def test_known_constants_become_known_values(value: Any, name: str, expected: Any) -> None:
    found = constant(value, type_from_name(name))
    assert found.type == type_from_name(name)
    assert found.as_py() == expected if expected is not None else math.isnan(found.as_py())


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (1, "bool"),
        (True, "int8"),
        (True, "date"),
        (True, "binary"),
        (5, "binary"),
        (5, "date"),
        (1.5, "int8"),
        ("12.505", "decimal(5,2)"),
        ("1000", "decimal(5,2)"),
        ("", "int8"),
        ("2023-02-29", "date"),
        ("2024-01-01 00:00:00.0000001", "timestamp"),
        ("2024-01-01T00:00:00Z", "timestamp"),
        ("2024-03-31 02:30", "timestamp(us, Europe/Paris)"),
        ("0xabc", "binary"),
        ("0x00", "binary(8)"),
        (1e39, "float32"),
        ("5", "duration(s)"),
    ],
)
def test_constants_that_do_not_fit_are_refused(value: Any, name: str) -> None:
    assert refused(value, type_from_name(name))


@pytest.mark.parametrize("kind", [pa.decimal32(9, 2), pa.decimal64(18, 2)])
def test_constants_for_narrow_decimals_have_that_type_also_where_they_take_the_long_way(kind: pa.DataType) -> None:
    for value in ("12.5", "1e3", "1.50000", 7):
        assert constant(value, kind).type == kind
        assert constant(value, kind).as_py() == Decimal(str(value))
    assert refused("1e30", kind)


def test_constants_for_dates_with_hours_have_that_type() -> None:
    for value in ("2024-02-29", "2024-02-29 12:00"):
        assert constant(value, pa.date64()) == pa.scalar(datetime.date(2024, 2, 29), pa.date64())
    assert refused("2023-02-29", pa.date64())


@pytest.mark.parametrize("kind", [pa.string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())])
def test_constants_for_any_layout_of_text_are_plain_text(kind: pa.DataType) -> None:
    assert constant("x", kind) == pa.scalar("x", pa.large_string())
    assert constant(None, kind) == pa.scalar(None, pa.large_string())


@pytest.mark.parametrize("kind", [pa.binary(), pa.binary_view(), pa.large_binary(), pa.dictionary(pa.int8(), pa.binary())])
def test_constants_for_any_layout_of_bytes_are_those_bytes(kind: pa.DataType) -> None:
    assert constant("x", kind).as_py() == b"x"


def test_nothing_said_of_the_type_it_is_the_one_the_value_has() -> None:
    found = [natural_type(value) for value in (True, 7, 1.5, "x", None)]
    assert found == [pa.bool_(), pa.int64(), pa.float64(), pa.large_string(), pa.large_string()]


@pytest.mark.parametrize("kind", [pa.list_(pa.int8()), pa.float16(), pa.decimal128(5, -2), pa.month_day_nano_interval()])
def test_types_without_constants_say_so(kind: pa.DataType) -> None:
    with pytest.raises(UserError, match="cannot become"):
        constant("1", kind)
