"""Others read what we publish by the manifest's own recipes, and get every value back."""

import datetime as dt
import json
import math
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pytest

from dtaas_desktop.connectors.files import FolderDestination
from dtaas_desktop.domain.connection import FolderSettings
from dtaas_desktop.domain.file_settings import FileSettings, PartitionBy
from tests.contracts.publications import publish_table, target_for

SETTINGS = {
    "parquet": FileSettings(),
    "parquet-gzip": FileSettings(compression="gzip"),
    "csv": FileSettings(format="csv"),
    "csv-gzip": FileSettings(format="csv", compression="gzip"),
    "csv-zstd": FileSettings(format="csv", compression="zstd"),
    "jsonl": FileSettings(format="json"),
    "jsonl-zstd": FileSettings(format="json", compression="zstd"),
    "jsonl-text": FileSettings(format="json", json_floats="text"),
    "json-array": FileSettings(format="json", json_style="array"),
    "json-array-gzip-text": FileSettings(format="json", json_style="array", json_floats="text", compression="gzip"),
    "csv-hive": FileSettings(format="csv", layout="hive", partition_by=(PartitionBy(column="bool", unit="value"),)),
}

TEXTS = [
    "",
    None,
    "NULL",
    "NA",
    "nan",
    "null",
    '"',
    '""',
    "a,b",
    "a\nb",
    "\r\n",
    "a\\b",
    "\t",
    " lead and trail ",
    "😀🇨🇭é",
    "é",
    "\x00\x01",
    "0x00",
]
TEXTS += ["true", "1e5", "2020-01-01", "#", "\\N", "'", "x" * 100_000]


def hostile() -> pa.Table:
    floats = [math.nan, math.inf, -math.inf, -0.0, 0.1, 5e-324, 1.7976931348623157e308, 1 / 3, 1e16, None]
    moments = [
        dt.datetime(1, 1, 1),
        dt.datetime(9999, 12, 31, 23, 59, 59, 999999),
        dt.datetime(1969, 12, 31, 23, 59, 59, 1),
        None,
    ]
    whole = [moment.replace(microsecond=0) if moment else None for moment in moments]
    zoned = [moment.replace(tzinfo=dt.UTC) if moment else None for moment in moments]
    columns: dict[str, tuple[list[Any], pa.DataType]] = {
        "text": (TEXTS, pa.large_string()),
        "string": (TEXTS[:10], pa.string()),
        "binary": ([b"", None, b"\x00", b"\xff\xfe", bytes(range(256)), b"\n\",'"], pa.large_binary()),
        "fixed": ([b"\x00" * 8, None, b"\xff" * 8], pa.binary(8)),
        "bool": ([True, False, None], pa.bool_()),
        "int64": ([-(2**63), 2**63 - 1, None, 2**53 + 1, 0], pa.int64()),
        "uint64": ([2**64 - 1, 0, None], pa.uint64()),
        "uint8": ([255, 0, None], pa.uint8()),
        "int16": ([-32768, 32767, None], pa.int16()),
        "int32": ([-(2**31), 2**31 - 1, None], pa.int32()),
        "float64": (floats, pa.float64()),
        "float32": ([math.nan, math.inf, -math.inf, None, 1.1, 3.4028234663852886e38, 1e-45, 16777217.0], pa.float32()),
        "dec38": ([Decimal("9" * 38), Decimal("-" + "9" * 38), Decimal(0), None], pa.decimal128(38, 0)),
        "dec38_38": ([Decimal("0." + "9" * 38), Decimal("1E-38"), None], pa.decimal128(38, 38)),
        "dec9_2": ([Decimal("-1234567.89"), Decimal("0.00"), Decimal("0.01"), None], pa.decimal128(9, 2)),
        "dec20_10": ([Decimal("1E-10"), Decimal("-1E-10"), None], pa.decimal128(20, 10)),
        "stamp_us": (moments, pa.timestamp("us")),
        "stamp_ms": (whole, pa.timestamp("ms")),
        "stamp_s": (whole, pa.timestamp("s")),
        "stamp_ns": ([0, 1, 2**63 - 2, -(2**62), None], pa.timestamp("ns")),
        "stamp_utc": (zoned, pa.timestamp("us", "UTC")),
        "date": ([dt.date(1, 1, 1), dt.date(9999, 12, 31), None, dt.date(2024, 2, 29)], pa.date32()),
        "time_us": ([dt.time(0), dt.time(23, 59, 59, 999999), None], pa.time64("us")),
        "time_s": ([dt.time(0), dt.time(23, 59, 59), None], pa.time32("s")),
        "time_ns": ([0, 86_399_999_999_999, None], pa.time64("ns")),
        "nothing": ([None], pa.string()),
        'a "quoted", name\n': ([1, None], pa.int32()),
        "select": (["x", None], pa.string()),
        "emoji 😀": (["x", None], pa.string()),
    }
    rows = max(len(values) for values, _ in columns.values()) * 2
    return pa.table({name: pa.array((values * rows)[:rows], kind) for name, (values, kind) in columns.items()})


def canonical(table: pa.Table) -> list[tuple[str, ...]]:
    """Rows as texts, sorted: equal lists are equal contents. Timestamps by their instant, NaN equal to NaN, -0.0 not to 0.0."""
    columns = [[repr(value) for value in _plain(column)] for column in table.columns]
    return sorted(zip(*columns, strict=True))


def _plain(column: pa.ChunkedArray) -> list[Any]:
    if pa.types.is_timestamp(column.type) or pa.types.is_time(column.type):
        factor = {"s": 10**9, "ms": 10**6, "us": 1000, "ns": 1}[column.type.unit]
        storage = pa.int32() if column.type.bit_width == 32 else pa.int64()
        return [None if value is None else value * factor for value in column.cast(storage).to_pylist()]
    return list(column.to_pylist())


@pytest.fixture
def published(tmp_path: Path, request: pytest.FixtureRequest) -> tuple[pa.Table, Path]:
    table, settings = hostile(), SETTINGS[request.param]
    destination = FolderDestination(FolderSettings(path=str(tmp_path)), workspace="w")
    publish_table(destination, target_for("t", table.schema, files=settings), table)
    return table, tmp_path / "t"


each_format = pytest.mark.parametrize("published", SETTINGS, indirect=True)


def _run(published: tuple[pa.Table, Path], reader: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.chdir(published[1])
    names: dict[str, Any] = {}
    exec(json.loads(Path("_manifest.json").read_text(encoding="utf-8"))["readers"][reader], names)  # noqa: S102 (it is what is published)
    return names


@each_format
def test_pyarrow_gets_every_value_back(published: tuple[pa.Table, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    table = _run(published, "pyarrow", monkeypatch)["table"]
    assert table.schema.types == published[0].schema.types
    assert canonical(table) == canonical(published[0])


@each_format
def test_pandas_gets_every_value_back(published: tuple[pa.Table, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    frame = _run(published, "pandas", monkeypatch)["frame"]
    assert isinstance(frame, pd.DataFrame)
    back = pa.table([pa.chunked_array(frame[name].array.__arrow_array__()) for name in frame.columns], names=list(frame.columns))
    assert canonical(back) == canonical(published[0])


@each_format
def test_duckdb_gets_every_value_back(published: tuple[pa.Table, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(published[1])
    query = json.loads(Path("_manifest.json").read_text(encoding="utf-8"))["readers"]["duckdb"]
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        table = connection.sql(query).to_arrow_table()
    assert table.column_names == published[0].column_names
    assert canonical(table) == canonical(published[0])


@each_format
def test_a_sample_shows_the_first_rows_in_their_types(published: tuple[pa.Table, Path]) -> None:
    table, folder = published
    destination = FolderDestination(FolderSettings(path=str(folder.parent)), workspace="w")
    sample = destination.sample(target_for("t", table.schema), limit=5)
    assert sample.num_rows == 5
    assert sample.schema.types == table.schema.types
    assert set(canonical(sample)) <= set(canonical(table))
