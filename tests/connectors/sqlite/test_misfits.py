"""Values that do not fit, wherever they stand: found, named, counted, kept."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from dtaas_desktop.connectors.sqlite.pages import ChunkSize
from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.table import REJECTED, CellPolicy, Rows, TableRef
from tests.connectors.sqlite.databases import database, rows_of, source_of

T = TableRef("t")
ROWS = 1000
CHUNK = ChunkSize(rows=100)
# Per declared type: a value that fits, and some that do not.
CASES: dict[str, tuple[object, list[object]]] = {
    "INTEGER": (7, ["x", 1.5, b"\0", 1e300, float("inf")]),
    "REAL": (1.5, ["x", b"\0"]),
    "TEXT": ("word", [b"\xff"]),
    "BLOB": (b"\0\1", [5, 2.5]),
    "DECIMAL(10,2)": (12.34, ["x", 1.234, 2**60, b"\0", 1e10]),
    "DATE": ("2024-01-31", ["2024-02-30", 20240131, "31.01.2024", "2024-01-31 10:00:00", 2.5]),
    "TIMESTAMP": ("2024-01-31 10:00:00", ["soon", 1706695200, "2024-01-31 25:00:00", "2024-01-31 10:00:00.1234567"]),
    "TIME": ("10:00:00", ["10 o'clock", "24:00:00", 5]),
    "BOOLEAN": (1, [2, "maybe", 0.5]),
}
PLACES = {
    "first": [0],
    "last": [ROWS - 1],
    "in the middle of a chunk": [550],
    "first of a chunk": [300],
    "in every chunk": range(50, ROWS, 100),
}


def read(path: Path, policy: CellPolicy) -> list[Rows]:
    return rows_of(source_of(path, CHUNK), T, policy)


@pytest.mark.parametrize("declared", CASES)
@pytest.mark.parametrize("place", PLACES)
def test_misfits_in_every_position(tmp_path: Path, declared: str, place: str) -> None:
    fits, misfits = CASES[declared]
    bad = {row: misfits[index % len(misfits)] for index, row in enumerate(PLACES[place])}
    rows = [(number * 3, bad.get(number, fits if number % 7 else None), number) for number in range(ROWS)]
    path = database(
        tmp_path / "t.db",
        f"CREATE TABLE t (id INTEGER PRIMARY KEY, a {declared}, b)",
        rows=[("INSERT INTO t VALUES (?, ?, ?)", rows)],
    )
    with pytest.raises(UserError, match=f"column “a”: the row with id = {min(bad) * 3} holds") as caught:
        read(path, CellPolicy())
    assert caught.value.remedy

    nulled = read(path, CellPolicy(misfit="null"))
    assert sum(part.nulled for part in nulled) == len(bad)
    assert [i for part in nulled for i in part.batch.column("id").to_pylist()] == [row[0] for row in rows]
    values = [v for part in nulled for v in part.batch.column("a").to_pylist()]
    assert [number for number, value in enumerate(values) if value is None] == [n for n in range(ROWS) if n in bad or not n % 7]

    refused = read(path, CellPolicy(misfit="reject"))
    assert sum(part.batch.num_rows for part in refused) == ROWS - len(bad)
    rejected = [part.rejected for part in refused if part.rejected is not None]
    assert all(batch.schema == REJECTED for batch in rejected)
    kept = [row for batch in rejected for row in batch.to_pylist()]
    assert [json.loads(row["key"]) for row in kept] == [{"id": row * 3} for row in sorted(bad)]
    assert [json.loads(row["row"])["b"] for row in kept] == sorted(bad)
    assert {(row["node"], row["column"]) for row in kept} == {("source", "a")}


@pytest.mark.parametrize(
    ("definition", "name"), [("id INTEGER", "rowid"), ("id INTEGER PRIMARY KEY, rowid TEXT", "id"), ("rowid TEXT", "")]
)
def test_the_row_is_named_by_its_key_or_else_its_number(tmp_path: Path, definition: str, name: str) -> None:
    path = database(tmp_path / "t.db", f"CREATE TABLE t ({definition}, a INTEGER)", "INSERT INTO t (a) VALUES (1), ('x')")
    named = f'{name} = 2 holds "x"' if name else "no key holds"
    with pytest.raises(UserError, match=named):
        rows_of(source_of(path), T, columns=["a"])


def test_a_rejected_row_is_kept_as_it_was_stored(tmp_path: Path) -> None:
    stored: Sequence[object] = (9, "x", float("inf"), b"\x00\xff", "a\0b", 2**62, None)
    path = database(
        tmp_path / "t.db",
        "CREATE TABLE t (k TEXT PRIMARY KEY, n INTEGER, r REAL, b BLOB, s TEXT, i INTEGER, z)",
        rows=[("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?)", [stored])],
    )
    (rows,) = read(path, CellPolicy(misfit="reject"))
    assert rows.batch.num_rows == 0
    assert rows.rejected is not None
    (row,) = rows.rejected.to_pylist()
    assert json.loads(row["row"]) == {"k": "9", "n": "x", "r": "inf", "b": "AP8=", "s": "a\0b", "i": 2**62, "z": None}
    assert json.loads(row["key"]) == {"k": "9"}
    assert row["reason"] == 'holds "x", which is not a whole number of at most 64 bits'


def test_text_that_is_not_utf_8_is_a_misfit(tmp_path: Path) -> None:
    path = database(
        tmp_path / "t.db",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b TEXT)",
        # Two halves of one character: valid only if the cells are looked at together.
        "INSERT INTO t VALUES (1, CAST(x'61c3' AS TEXT), 'fine'), (2, CAST(x'a962' AS TEXT), 'fine')",
    )
    with pytest.raises(UserError, match="id = 1 holds the 2 bytes 61c3, which is not text in UTF-8"):
        read(path, CellPolicy())
    assert sum(part.nulled for part in read(path, CellPolicy(misfit="null"))) == 2


@pytest.mark.parametrize(
    ("stored", "read_as", "holds"),
    [
        ([1, 2, None], "int64", "integers"),
        ([1, 2.5], "double", "integers and floating-point numbers"),
        ([2**53 + 1, 2.5], "large_string", "too large"),
        ([1, "x"], "large_string", "integers and text"),
        ([None], "large_string", "no values at all"),
        (["x", b"x", 1], "large_binary", "integers and text and binary data"),
    ],
)
def test_columns_without_a_type_are_pinned_by_their_values_and_it_is_said(
    tmp_path: Path, stored: list[object], read_as: str, holds: str
) -> None:
    path = database(tmp_path / "t.db", "CREATE TABLE t (a)", rows=[("INSERT INTO t VALUES (?)", [(value,) for value in stored])])
    table = source_of(path).describe(T)
    assert str(table.columns[0].type) == read_as
    assert len(table.notes) == 1
    assert "“a” has no declared type" in table.notes[0]
    assert holds in table.notes[0]


def test_a_value_that_came_after_the_type_was_pinned_is_a_misfit(tmp_path: Path) -> None:
    path = database(tmp_path / "t.db", "CREATE TABLE t (a)", "INSERT INTO t VALUES (1)")
    source = source_of(path)
    table = source.describe(T)
    database(path, "INSERT INTO t VALUES ('x')")
    with pytest.raises(UserError, match="rowid = 2"):
        rows_of(source, T, table=table)
