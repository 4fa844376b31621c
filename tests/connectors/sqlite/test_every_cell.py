"""Random tables of random storage classes under random declared types, against an independent judge."""

import json
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dtaas_desktop.connectors.sqlite import SqliteSource
from dtaas_desktop.connectors.sqlite.pages import ChunkSize
from dtaas_desktop.domain.connection import SqliteSettings
from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.table import CellPolicy, Misfit, TableRef
from tests.connectors.sqlite.databases import rows_of
from tests.connectors.sqlite.judge import DECLARED, MISFIT, Stored, Text, Verdict, stored_rows, verdict

SHAPES = ["key", "rowid", "without rowid", "view", "query"]
CHUNKS = [ChunkSize(rows=1), ChunkSize(rows=3), ChunkSize(), ChunkSize(bytes=1)]

integers = st.one_of(
    st.integers(-3, 3),
    st.sampled_from([2**53, 2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63), 9999, 10000, 20240131]),
    st.integers(-(2**63), 2**63 - 1),
)
reals = st.one_of(
    st.sampled_from(
        [0.0, -0.0, 1.0, 1.5, 0.1 + 0.2, 2.123456789012, 1e300, 5e-324, 2.0**53, 2.0**53 + 2, 2.0**63, -(2.0**63), 12.34]
    ),
    st.sampled_from([float("inf"), float("-inf"), 1234567.0, 1.234567, 123456.7]),
    st.floats(allow_nan=False),
)
days = st.dates().map(str)
clocks = st.times().map(str)
offsets = st.sampled_from(["", "", "", "Z", " Z", "z", "+02:00", "-14:00", "+14:01", "+15:00", "+0200", "+00:60"])
moments = st.builds(lambda day, mark, clock, offset: f"{day}{mark}{clock}{offset}", days, st.sampled_from("T t"), clocks, offsets)
numbers_as_text = st.one_of(
    integers.map(str),
    reals.map(repr),
    reals.map(lambda value: f"{value:e}"),
    st.decimals(allow_nan=False, allow_infinity=False).map(str),
    st.sampled_from(
        ["1e5", "-.5", "5.", "+1.50", "1e-400", "0x10", " 1", "1 ", "٣", "inf", "-inf", "1.000000e+00", "12345678901234567890.12"]
    ),
)
words = st.sampled_from(
    [
        "",
        "true",
        "False",
        "T",
        "f",
        "yes",
        "a\0b",
        "0000-01-01",
        "2024-02-30",
        "2024-01-31 12",
        "2024-01-31 00:00:00",
        "24:00:00",
        "9999-12-31T23:59:59.9999999",
        "2024-01-31 12:00:00.1234560",
        "0001-01-01T00:00+01:00",
        "e-mail",
        "😀",
        "\U0010ffff",
        "12:30",
        "2024-01-31T",
    ]
)
texts = st.one_of(words, days, clocks, moments, numbers_as_text, st.text(max_size=30)).map(
    lambda text: Text(text.encode("utf-8", "surrogatepass"))
)
broken_texts = st.sampled_from([b"\xff", b"abc\xc3", b"\xa9", b"\xed\xa0\x80"]).map(Text)
blobs = st.binary(max_size=20)
values = st.one_of(st.none(), integers, reals, texts, texts, broken_texts, blobs)
alike = st.sampled_from(
    [integers, reals, texts, blobs, days.map(lambda t: Text(t.encode())), moments.map(lambda t: Text(t.encode()))]
)


@st.composite
def columns(draw: st.DrawFn, rows: int) -> list[Stored]:
    """A column: all alike, or alike but for a few, or anything."""
    usual: st.SearchStrategy[Stored] = st.one_of(st.none(), draw(alike))
    column: list[Stored] = [draw(usual) for _ in range(rows)]
    for _ in range(draw(st.integers(0, 2)) if rows else 0):
        column[draw(st.integers(0, rows - 1))] = draw(values)
    return column


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[str], list[list[Stored]]]:
    declared = draw(st.lists(st.sampled_from(DECLARED), min_size=1, max_size=4))
    rows = draw(st.integers(0, 12))
    return declared, [draw(columns(rows)) for _ in declared]


@pytest.fixture
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp())
    yield path
    shutil.rmtree(path)


def made(path: Path, declared: Sequence[str], columns: Sequence[Sequence[Stored]], shape: str) -> tuple[TableRef, str]:
    """The table in a new file; also how the judge may select its rows with the number of each first."""
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA journal_mode = MEMORY")
    names = [f"c{index}" for index in range(len(declared))]
    number = {"key": "id INTEGER PRIMARY KEY", "rowid": "id INTEGER"}.get(shape, "id INTEGER PRIMARY KEY")
    tail = "WITHOUT ROWID" if shape == "without rowid" else ""
    definitions = ", ".join(f"{name} {kind}" for name, kind in zip(names, declared, strict=True))
    connection.execute(f"CREATE TABLE t ({number}, {definitions}) {tail}")
    connection.execute("BEGIN")
    for index, row in enumerate(zip(*columns, strict=True)):
        marks = ", ".join("CAST(? AS TEXT)" if isinstance(value, Text) else "?" for value in row)
        connection.execute(
            f"INSERT INTO t VALUES (?, {marks})", (index * 7, *(bytes(v) if isinstance(v, Text) else v for v in row))
        )
    connection.execute("COMMIT")
    select = f"SELECT id, {', '.join(names)} FROM t ORDER BY id"
    if shape == "view":
        connection.execute(f"CREATE VIEW v AS {select}")
    connection.close()
    return {"view": TableRef("v"), "query": TableRef("q", query=select)}.get(shape, TableRef("t")), select


def plain(value: object) -> object:
    return repr(value) if isinstance(value, float) else value


def check(path: Path, ref: TableRef, select: str, declared: Sequence[str], chunk: ChunkSize, misfit: Misfit) -> None:
    if ref.name != "t":
        declared = ["" if name == "BLOB" else name for name in declared]  # SQLite does not tell them apart through a view
    expected = verdict(stored_rows(path, select), ["INTEGER", *declared])
    source = SqliteSource(SqliteSettings(path=str(path)), chunk=chunk)
    bad = [row for row in expected.rows if MISFIT in row]
    if misfit == "fail" and bad:
        with pytest.raises(UserError) as caught:
            rows_of(source, ref)
        assert f"column “c{bad[0].index(MISFIT) - 1}”" in caught.value.message
        if ref.name == "t":
            number = expected.rows.index(bad[0])
            assert f"id = {number * 7} " in caught.value.message or f"rowid = {number + 1} " in caught.value.message
        return
    rows = rows_of(source, ref, CellPolicy(misfit=misfit))
    assert tuple(str(column.type) for column in source.describe(ref).columns) == expected.types
    found = sorted(tuple(row.values()) for part in rows for row in part.batch.to_pylist())
    for part in rows:
        part.batch.validate(full=True)
    check_rows(found, expected, misfit)
    if misfit == "null":
        assert sum(part.nulled for part in rows) == sum(row.count(MISFIT) for row in expected.rows)
        assert all(part.rejected is None for part in rows)
    if misfit == "reject":
        rejected = [row for part in rows if part.rejected is not None for row in part.rejected.to_pylist()]
        assert sorted(json.loads(row["row"])["id"] for row in rejected) == [row[0] for row in bad]
        assert {row["node"] for row in rejected} <= {"source"}
        columns = {json.loads(row["row"])["id"]: row["column"] for row in rejected}
        assert columns == {row[0]: f"c{row.index(MISFIT) - 1}" for row in bad}


def check_rows(found: list[tuple[object, ...]], expected: Verdict, misfit: Misfit) -> None:
    wanted = [
        tuple(None if value is MISFIT else value for value in row)
        for row in expected.rows
        if misfit == "null" or MISFIT not in row
    ]
    assert [tuple(map(plain, row)) for row in found] == [tuple(map(plain, row)) for row in wanted]


@pytest.mark.parametrize("shape", SHAPES)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(table=tables(), chunk=st.sampled_from(CHUNKS), misfit=st.sampled_from(["fail", "null", "reject"]))
@example(table=(["TEXT"], [[Text(b"a"), 2.123456789012]]), chunk=ChunkSize(), misfit="fail")
@example(table=([""], [[1, 2.5, 2**53 + 1]]), chunk=ChunkSize(), misfit="null")
def test_every_cell_is_read_as_the_policy_says(
    folder: Path, shape: str, table: tuple[list[str], list[list[Stored]]], chunk: ChunkSize, misfit: Misfit
) -> None:
    declared, stored = table
    ref, select = made(folder / "t.db", declared, stored, shape)
    check(folder / "t.db", ref, select, declared, chunk, misfit)
