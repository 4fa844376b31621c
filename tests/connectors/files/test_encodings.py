"""Which columns of a Parquet file get a dictionary: those of which half the values, or more, repeat."""

import numpy as np
import pyarrow as pa
import pytest

from dtaas_desktop.connectors.files.parquet import encodings

_ROWS = 65_536


@pytest.mark.parametrize(
    ("different", "repeats"), [(1, True), (400, True), (20_000, True), (38_000, True), (45_000, False), (10**9, False)]
)
@pytest.mark.parametrize("kind", [pa.int64(), pa.string(), pa.float64()])
def test_a_dictionary_is_made_where_half_of_the_values_repeat(different: int, repeats: bool, kind: pa.DataType) -> None:
    values = pa.array(np.random.default_rng(7).integers(0, different, _ROWS)).cast(kind)
    assert (len(values.unique()) * 2 <= _ROWS) == repeats
    assert bool(encodings(pa.table({"a": values}))["use_dictionary"]) == repeats


def test_values_that_repeat_only_far_apart_are_found() -> None:
    """As in snapshots of all products, one day after the other."""
    values = pa.array(np.resize(np.arange(30_000), _ROWS))
    assert encodings(pa.table({"a": values}))["use_dictionary"] == ["a"]


def test_truths_and_nothing_get_none() -> None:
    table = pa.table({"truth": pa.array([True] * 9), "nothing": pa.nulls(9), "same": ["x"] * 9})
    assert encodings(table)["use_dictionary"] == ["same"]
