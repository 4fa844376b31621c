"""Large cells: within memory below the limit, refused above it, never multiplied by their neighbours."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from dtaas_desktop.connectors.sqlite.pages import ChunkSize
from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.table import CellPolicy, TableRef
from tests.connectors.sqlite.databases import column_of, database, rows_of, source_of

MEGABYTE = 1024 * 1024
SHAPES = {
    "table": ("CREATE TABLE big (id INTEGER PRIMARY KEY, note INTEGER, body BLOB)", TableRef("big")),
    "without rowid": ("CREATE TABLE big (id INTEGER PRIMARY KEY, note INTEGER, body BLOB) WITHOUT ROWID", TableRef("big")),
    "query": (
        "CREATE TABLE big (id INTEGER PRIMARY KEY, note INTEGER, body BLOB)",
        TableRef("q", query="SELECT id, note, body FROM big"),
    ),
}
# Reads a table in a process of its own and prints rows, bytes, largest batch and peak memory above the start.
READ = """
import resource, sys
from dtaas_desktop.connectors.sqlite import SqliteSource
from dtaas_desktop.domain.connection import SqliteSettings
from dtaas_desktop.domain.table import CellPolicy, Part, TableRef
source = SqliteSource(SqliteSettings(path=sys.argv[1]))
start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
table = source.describe(TableRef(sys.argv[2], query=sys.argv[3]))
rows = held = largest = 0
with source.session([table.table], exact=True) as session:
    with session.read(table, Part("0"), columns=[c.name for c in table.columns], cells=CellPolicy()) as stream:
        for batch in (part.batch for part in stream):
            rows, held, largest = rows + batch.num_rows, held + batch.nbytes, max(largest, batch.nbytes)
print(rows, held, largest, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - start) * 1024)
"""


def large_rows(tmp_path: Path, shape: str, sizes: dict[int, int], *, rows: int = 3000) -> Path:
    path = database(tmp_path / "big.db", SHAPES[shape][0])
    blobs = [(number, number, sizes.get(number, 10)) for number in range(rows)]
    return database(path, rows=[("INSERT INTO big VALUES (?, ?, zeroblob(?))", blobs)])


@pytest.mark.skipif(sys.platform == "win32", reason="measures memory as Unix does")
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    "sizes", [{1500: 60 * MEGABYTE}, dict.fromkeys(range(100, 110), 20 * MEGABYTE)], ids=["60 MB", "10 × 20 MB"]
)
def test_large_cells_are_read_within_a_few_times_the_largest(tmp_path: Path, shape: str, sizes: dict[int, int]) -> None:
    path = large_rows(tmp_path, shape, sizes)
    ref = SHAPES[shape][1]
    answer = subprocess.run(
        [sys.executable, "-c", READ, str(path), ref.name, ref.query], capture_output=True, text=True, check=True
    ).stdout
    rows, held, largest, memory = map(int, answer.split())
    assert rows == 3000
    assert held > sum(sizes.values())
    assert largest < max(sizes.values()) + 17 * MEGABYTE
    assert memory < 3.5 * max(sizes.values()) + 64 * MEGABYTE


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("chunk", [ChunkSize(), ChunkSize(rows=3), ChunkSize(bytes=1)])
def test_cells_over_the_limit_are_refused_with_their_row_and_the_others_stay(
    tmp_path: Path, shape: str, chunk: ChunkSize
) -> None:
    path = large_rows(tmp_path, shape, {0: 1001, 7: 1000, 19: 5000}, rows=20)
    source, ref = source_of(path, chunk), SHAPES[shape][1]
    rows = rows_of(source, ref, CellPolicy(limit=1000, oversize="reject"))
    assert column_of(rows, "id") == list(range(1, 19))
    assert [len(body) for part in rows for body in part.batch.column("body").to_pylist()] == [10] * 6 + [1000] + [10] * 11
    rejected = [row for part in rows if part.rejected is not None for row in part.rejected.to_pylist()]
    assert [json.loads(row["row"])["id"] for row in rejected] == [0, 19]
    assert [row["column"] for row in rejected] == ["body", "body"]
    assert all("1,000 bytes" in row["reason"] for row in rejected)
    with pytest.raises(UserError, match=r"column “body”.*1,000 bytes"):
        rows_of(source, ref, CellPolicy(limit=1000))
    others = rows_of(source, ref, CellPolicy(limit=1000), columns=["id", "note"])
    assert column_of(others, "id") == list(range(20)), "a column that is not read is not in the way"


def test_a_huge_text_where_a_number_is_declared_is_not_loaded_with_others(tmp_path: Path) -> None:
    path = database(
        tmp_path / "big.db",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER)",
        rows=[("INSERT INTO t VALUES (?, ?)", [(1, 5), (2, "x" * 3_000_000), (3, "y" * 3_000_000), (4, 6)])],
    )
    rows = rows_of(source_of(path, ChunkSize(bytes=1_000_000)), TableRef("t"), CellPolicy(misfit="null"))
    assert [part.batch.num_rows for part in rows] == [1, 1, 1, 1]
    assert column_of(rows, "n") == [5, None, None, 6]


def test_computed_columns_count_although_they_are_not_stored(tmp_path: Path) -> None:
    path = database(
        tmp_path / "big.db",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, body BLOB GENERATED ALWAYS AS (zeroblob(1000000 + id)) VIRTUAL)",
        rows=[("INSERT INTO t (id) VALUES (?)", [(number,) for number in range(10)])],
    )
    rows = rows_of(source_of(path, ChunkSize(bytes=2_500_000)), TableRef("t"))
    assert [part.batch.num_rows for part in rows] == [2] * 5


def test_long_defaults_of_added_columns_count_although_they_are_not_stored(tmp_path: Path) -> None:
    path = database(
        tmp_path / "t.db",
        "CREATE TABLE t (id INTEGER PRIMARY KEY)",
        rows=[("INSERT INTO t VALUES (?)", [(number,) for number in range(10)])],
    )
    database(path, f"ALTER TABLE t ADD COLUMN a TEXT DEFAULT '{'x' * 1_000_000}'")
    rows = rows_of(source_of(path, ChunkSize(bytes=2_500_000)), TableRef("t"))
    assert [part.batch.num_rows for part in rows] == [2] * 5
