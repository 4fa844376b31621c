"""The sample is what its README and its maker say."""

import pyarrow as pa
import pyarrow.parquet
import pytest
from make_sample import FOLDER, TABLES

ROWS = {"airlines": 16, "airports": 1_458, "flights": 336_776, "planes": 3_322, "weather": 26_115}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_has_its_types_and_rows(name: str) -> None:
    file = pa.parquet.ParquetFile(FOLDER / f"{name}.parquet")
    assert dict(zip(file.schema_arrow.names, file.schema_arrow.types, strict=True)) == TABLES[name]
    assert file.metadata.num_rows == ROWS[name]
    assert f"## {name}: {ROWS[name]:,} rows" in (FOLDER / "README.md").read_text("utf-8")


def test_it_is_small() -> None:
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) <= 8_000_000


def test_unknown_times_are_null_and_never_a_number() -> None:
    flights = pa.parquet.read_table(FOLDER / "flights.parquet")
    assert {name: flights[name].null_count for name in ("dep_time", "arr_time", "arr_delay", "tailnum", "time_hour")} == {
        "dep_time": 8_255,
        "arr_time": 8_713,
        "arr_delay": 9_430,
        "tailnum": 2_512,
        "time_hour": 0,
    }
