"""What counts as wider is what holds every value exactly: Arrow's own checked casts are the judge."""

import itertools

import pyarrow as pa
import pytest

from dtaas_desktop.domain.widening import is_extension, is_wider

INTEGERS = [pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()]
FLOATS = [pa.float16(), pa.float32(), pa.float64()]
DECIMALS = [
    pa.decimal128(5, 0),
    pa.decimal128(5, 2),
    pa.decimal128(7, 2),
    pa.decimal128(10, 0),
    pa.decimal128(20, 0),
    pa.decimal128(22, 2),
]


def edges(kind: pa.DataType) -> list[int]:
    bits = kind.bit_width
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if pa.types.is_signed_integer(kind) else (0, 2**bits - 1)
    return [low, high, high - 1, 0]


def holds(values: pa.Array, new: pa.DataType) -> bool:
    try:
        return bool(values.cast(new).cast(values.type).equals(values))
    except pa.ArrowInvalid:
        return False


@pytest.mark.parametrize(("old", "new"), list(itertools.product(INTEGERS, [*INTEGERS, *FLOATS[1:], *DECIMALS])), ids=str)
def test_integers_fit_where_their_edges_do(old: pa.DataType, new: pa.DataType) -> None:
    assert is_wider(old, new) == holds(pa.array(edges(old), old), new)


@pytest.mark.parametrize(("old", "new"), list(itertools.product(DECIMALS, DECIMALS)), ids=str)
def test_decimals_fit_where_their_largest_does(old: pa.DataType, new: pa.DataType) -> None:
    largest = pa.array(["9" * (old.precision - old.scale) + "." + "9" * old.scale]).cast(old)
    assert is_wider(old, new) == holds(largest, new)


WIDER = [
    (pa.float32(), pa.float64()),
    (pa.string(), pa.large_string()),
    (pa.large_string(), pa.string()),
    (pa.binary(8), pa.large_binary()),
    (pa.timestamp("s"), pa.timestamp("us")),
    (pa.timestamp("ms", "UTC"), pa.timestamp("us", "UTC")),
    (pa.time32("s"), pa.time64("us")),
    (pa.dictionary(pa.int32(), pa.string()), pa.large_string()),
    (pa.date32(), pa.date32()),
]
NOT_WIDER = [
    (pa.float64(), pa.float32()),
    (pa.float64(), pa.decimal128(38, 10)),
    (pa.date32(), pa.timestamp("us")),
    (pa.timestamp("us"), pa.timestamp("ms")),
    (pa.timestamp("us"), pa.timestamp("ns")),
    (pa.timestamp("us"), pa.timestamp("us", "UTC")),
    (pa.large_binary(), pa.binary(8)),
    (pa.int64(), pa.string()),
    (pa.bool_(), pa.int8()),
    (pa.string(), pa.binary()),
]


@pytest.mark.parametrize(("old", "new"), WIDER, ids=str)
def test_these_are_wider(old: pa.DataType, new: pa.DataType) -> None:
    assert is_wider(old, new)


@pytest.mark.parametrize(("old", "new"), NOT_WIDER, ids=str)
def test_these_are_not(old: pa.DataType, new: pa.DataType) -> None:
    assert not is_wider(old, new)


def test_a_schema_extends_another_by_columns_and_wider_types_in_any_order() -> None:
    old = pa.schema([("a", pa.int32()), ("b", pa.string())])
    assert is_extension(old, pa.schema([("new", pa.bool_()), ("b", pa.large_string()), ("a", pa.int64())]))
    assert not is_extension(old, pa.schema([("a", pa.int64())]))
    assert not is_extension(old, pa.schema([("a", pa.int16()), ("b", pa.string())]))
