"""The sample as a newcomer meets it: run twice, and judged by DuckDB and pyarrow alone."""

import hashlib
import json
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.cli.house import ROOT, House

FLIGHTS = ROOT / "resources" / "sample" / "flights.parquet"
TABLES = ("airlines", "airports", "flights", "planes", "weather")

# The first task in other words: what its steps make of the flights.
EXPECTED = f"""
    SELECT CAST(year AS SMALLINT) AS year, CAST(month AS TINYINT) AS month, CAST(day AS TINYINT) AS day, dep_time, sched_dep_time,
        dep_delay, arr_time, sched_arr_time, arr_delay, carrier, flight, carrier || ' ' || flight AS flight_number,
        tailnum AS tail_number, origin, dest AS destination, air_time, distance,
        round(distance / (air_time / 60.0), 1) AS speed_mph, time_hour AS scheduled_hour_utc
    FROM '{FLIGHTS.as_posix()}' WHERE dep_time IS NOT NULL
"""


@pytest.fixture(scope="module")
def ran_twice(tmp_path_factory: pytest.TempPathFactory) -> tuple[House, str, str]:
    house = House(tmp_path_factory.mktemp("sample"))
    outputs: list[str] = []
    hashes: list[dict[str, str]] = []
    try:
        for _ in range(2):
            outputs.append(house.must("--run-sample"))
            hashes.append(content_hash(house))
    finally:
        house.end()
    assert hashes[0] == hashes[1]
    return house, outputs[0], outputs[1]


def rows_hash(table: pa.Table) -> str:
    """A hash of all rows, whatever their order."""
    digests = sorted(hashlib.sha256(repr(sorted(row.items())).encode()).digest() for row in table.to_pylist())
    return hashlib.sha256(b"".join(digests)).hexdigest()


def content_hash(house: House) -> dict[str, str]:
    """Hashes of what DuckDB and the manifests' readers find in the places that the sample writes to."""
    output = house.workspace / "sample" / "output"
    with duckdb.connect(str(house.workspace / "sample" / "flights.duckdb"), read_only=True) as connection:
        table = connection.sql("SELECT * FROM flights WHERE month = 3").to_arrow_table()
    return {"duckdb": rows_hash(table), "by month": rows_hash(by_month(output, 3))} | {
        name: hashlib.sha256(b"".join(sorted(csv_lines(output / f"{name}_csv")))).hexdigest() for name in TABLES
    }


def csv_lines(folder: Path) -> list[bytes]:
    manifest = json.loads((folder / "_manifest.json").read_text(encoding="utf-8"))
    return [line for file in manifest["files"] for line in (folder / file["path"]).read_bytes().splitlines()]


def by_month(output: Path, month: int) -> pa.Table:
    files = sorted((output / "flights_by_month" / f"month={month}").glob("*.parquet"))
    return pa.concat_tables([pq.ParquetFile(file).read() for file in files])


def test_the_flights_are_what_the_steps_say_in_both_places(ran_twice: tuple[House, str, str]) -> None:
    house, _, _ = ran_twice
    sample = house.workspace / "sample"
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{(sample / 'flights.duckdb').as_posix()}' AS ours (READ_ONLY)")
        pattern = (sample / "output" / "flights_by_month").as_posix() + "/**/*.parquet"
        for found in ("ours.flights", f"read_parquet('{pattern}', hive_partitioning = false)"):
            names = [column[0] for column in connection.execute(f"DESCRIBE SELECT * FROM {found}").fetchall()]
            wanted = ", ".join(f'"{name}"' for name in names)
            for one, other in ((found, "expected"), ("expected", found)):
                difference = f"WITH expected AS ({EXPECTED}) SELECT count(*) FROM (SELECT {wanted} FROM {one} EXCEPT ALL SELECT {wanted} FROM {other})"
                assert connection.execute(difference).fetchone() == (0,)
            assert connection.execute(f"SELECT count(*) FROM {found}").fetchone() == (328_521,)


def test_all_tables_are_whole_in_csv(ran_twice: tuple[House, str, str]) -> None:
    house, _, _ = ran_twice
    for name in TABLES:
        source = pq.ParquetFile(FLIGHTS.with_name(f"{name}.parquet")).metadata.num_rows
        folder = house.workspace / "sample" / "output" / f"{name}_csv"
        manifest = json.loads((folder / "_manifest.json").read_text(encoding="utf-8"))
        assert manifest["rows"] == source
        assert manifest["revision"] == 2


def test_the_summary_says_how_many_rows_went_where_and_what_to_ask(ran_twice: tuple[House, str, str]) -> None:
    _, first, second = ran_twice
    for output in (first, second):
        assert "336,776" in output  # read
        assert "8,255" in output  # filtered: cancelled flights
        assert "328,521" in output  # written
        assert "Where to look:" in output
        assert "SELECT count(*) FROM read_parquet(" in output
