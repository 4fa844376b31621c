"""What the world does to a run: full disks, strange names, huge cells, vanished tables.

The right result or a clear sentence, never half of it.
"""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.cli.house import House, until

NAMES = [
    "plain",
    "with space",
    'quote"d',
    "it's",
    "semi;colon",
    "dot.ted.name",
    "slash/back\\slash",
    "..",
    "select",
    "CON",
    "größe ünïcode",
    "🦄 emoji 🚀",
    "percent%20",
    "a=b",
    "x" * 200,
    "trailing dot.",
    "tab\tnew\nline",
    "[brackets]",
    "back`tick",
    "$dollar {brace}",
]


@contextmanager
def mounted(folder: Path, *options: str) -> Iterator[None]:
    """A file system of its own in `folder`."""
    mount = ["mount", "-t", "tmpfs", *options, "tmpfs", str(folder)]
    if sys.platform != "linux" or os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a file system")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def test_absurd_table_and_column_names_arrive_everywhere(house: House) -> None:
    for i, name in enumerate(NAMES):
        house.sql(f"CREATE TABLE {quoted(name)} (id INTEGER PRIMARY KEY, {quoted(name + ' col')} TEXT)")
        house.sql(f"INSERT INTO {quoted(name)} VALUES (1, 'value {i}')")
    house.imported(to=[{"connection": "out"}, {"connection": "duck"}])
    house.must("--run-task", "Test")
    manifests = [path.parent.name for path in house.output.glob("*/_manifest.json")]
    assert len(manifests) == len(NAMES)
    found = {}
    for folder in manifests:
        manifest = house.manifest(folder)
        (row,) = house.published(folder).to_pylist()
        found[manifest["target"]] = row
    for i, name in enumerate(NAMES):
        assert found[name] == {"id": 1, f"{name} col": f"value {i}"}
        assert house.in_duckdb(f"SELECT {quoted(name + ' col')} FROM {quoted(name)}") == [(f"value {i}",)]


def test_columns_equal_but_for_case_are_fine_in_parquet_and_refused_for_duckdb(house: House) -> None:
    house.sql("CREATE TABLE t (a INTEGER, b INTEGER)", "INSERT INTO t VALUES (1, 2)")
    twins = [("rename", {"names": {"a": "Id", "b": "ID"}})]  # SQLite itself takes such names for one
    house.imported(steps=twins)
    house.must("--run-task", "Test")
    assert house.published().to_pylist() == [{"Id": 1, "ID": 2}]
    house.imported(steps=twins, to=[{"connection": "duck"}])
    code, _, err = house.run("--run-task", "Test")
    assert code == 2
    assert "case" in err


@pytest.mark.parametrize("kind", ["missing", "corrupt", "folder", "truncated"])
def test_a_source_that_is_not_a_database_gets_a_sentence(house: House, kind: str) -> None:
    house.numbers(20_000)
    house.imported()
    if kind == "truncated":
        data = house.database.read_bytes()
        house.database.write_bytes(data[: len(data) // 2])
    else:
        house.database.unlink()
    if kind == "corrupt":
        house.database.write_bytes(b"garbage" * 1000)
    if kind == "folder":
        house.database.mkdir()
    code, out, err = house.run("--run-task", "Test")
    assert code == 2, (out, err)
    assert str(house.database) in out + err or "FAILED" in out
    assert house.data_files() == set()


def test_a_table_dropped_in_the_middle_of_a_resumable_run_is_named(house: House) -> None:
    house.numbers(200_000)
    house.numbers(10, "other")
    house.imported(options={"reading": "resumable", "parallel": 1})
    gate = house.folder / "gate"
    process = house.start("--run-task", "Test", order={"hold": "stage:", "gate": str(gate)})
    until(gate.with_suffix(".held").exists)
    dropped = "t"
    try:
        house.sql("PRAGMA busy_timeout=0", f"DROP TABLE {dropped}")
    except sqlite3.OperationalError:
        pytest.fail("a resumable run must not lock the source")
    gate.touch()
    out, err = process.communicate(timeout=60)
    assert process.returncode in (0, 2), (out, err)
    if process.returncode == 2:
        assert "“t”" in out or " t" in out
    assert "Traceback" not in err
    assert house.published("other").num_rows == 10


def test_cells_below_the_limit_pass_and_cells_above_it_follow_the_policy(house: House) -> None:
    house.sql("CREATE TABLE t (id INTEGER PRIMARY KEY, b BLOB)", "INSERT INTO t VALUES (1, zeroblob(60000000)), (2, x'00')")
    house.imported()
    house.must("--run-task", "Test")
    cells = {row["id"]: len(row["b"]) for row in house.published().to_pylist()}
    assert cells == {1: 60_000_000, 2: 1}
    house.imported(options={"cells": {"limit": 50_000_000}})
    code, out, _ = house.run("--run-task", "Test")
    assert code == 2
    assert "“b”" in out
    assert house.manifest("t")["revision"] == 1
    house.imported(options={"cells": {"limit": 50_000_000, "oversize": "reject"}})
    house.must("--run-task", "Test")
    assert house.published().column("id").to_pylist() == [2]
    assert house.manifest("t")["rejected_rows"] == 1


def test_an_empty_table_is_published_with_its_columns(house: House) -> None:
    house.sql("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)")
    house.imported(to=[{"connection": "out"}, {"connection": "duck"}])
    house.must("--run-task", "Test")
    assert house.published().schema.names == ["id", "name"]
    assert house.published().num_rows == 0
    assert house.in_duckdb("SELECT count(*) FROM t") == [(0,)]


def test_two_thousand_columns(house: House) -> None:
    columns = ", ".join(f"c{i} INTEGER" for i in range(2000))
    house.sql(f"CREATE TABLE t ({columns})", f"INSERT INTO t (c0, c1999) VALUES {', '.join(f'({i}, {i})' for i in range(500))}")
    house.imported(to=[{"connection": "out"}, {"connection": "duck"}])
    house.must("--run-task", "Test")
    table = house.published()
    assert table.num_columns == 2000
    assert table.column("c1999").to_pylist() == list(range(500))
    assert house.in_duckdb("SELECT sum(c1999) FROM t") == [(sum(range(500)),)]


def test_somebody_elses_files_are_not_touched_without_consent(house: House) -> None:
    house.numbers(5)
    house.imported()
    theirs = house.output / "t" / "budget.xlsx"
    theirs.parent.mkdir()
    theirs.write_text("theirs")
    code, _, err = house.run("--run-task", "Test")
    assert code == 2
    assert "did not write" in err
    assert list(theirs.parent.iterdir()) == [theirs]
    house.must("--run-task", "Test", "--take-over", "t")
    assert theirs.read_text() == "theirs"
    assert house.published().num_rows == 5


def test_somebody_elses_table_in_duckdb_is_not_touched_without_consent(house: House) -> None:
    import duckdb

    house.numbers(5)
    house.imported(to=[{"connection": "duck"}])
    with duckdb.connect(str(house.duckdb)) as connection:
        connection.execute("CREATE TABLE t AS SELECT 42 AS theirs")
    code, _, err = house.run("--run-task", "Test")
    assert code == 2
    assert "did not write" in err
    assert house.in_duckdb("SELECT theirs FROM t") == [(42,)]
    house.must("--run-task", "Test", "--take-over", "t")
    assert house.in_duckdb("SELECT count(*) FROM t") == [(5,)]


def test_a_duckdb_file_that_another_process_has_open_is_waited_for_and_then_said(house: House) -> None:
    import duckdb

    house.numbers(5)
    house.imported(to=[{"connection": "duck"}], options={"retries": 1})
    with duckdb.connect(str(house.duckdb)):
        code, out, err = house.run("--run-task", "Test")
    assert code == 4, (out, err)
    assert str(os.getpid()) in out + err


@pytest.mark.parametrize("connection", ["out", "duck"])
def test_a_full_disk_is_said_and_the_old_data_stay(house: House, connection: str) -> None:
    small = house.folder / "small"
    small.mkdir()
    with mounted(small, "-o", "size=3m"):
        house.sql("CREATE TABLE t (id INTEGER PRIMARY KEY, b BLOB)", "INSERT INTO t VALUES (1, x'01')")
        path = house.task(to=[{"connection": connection}])
        text = path.read_text().replace(str(house.output), str(small)).replace(str(house.duckdb), str(small / "o.duckdb"))
        path.write_text(text)
        house.must("--import-task", str(path))
        house.must("--run-task", "Test")
        before = {p: p.read_bytes() for p in small.rglob("*") if p.is_file() and p.suffix in (".parquet", ".json")}
        house.sql(
            "WITH RECURSIVE n(value) AS (SELECT 2 UNION ALL SELECT value + 1 FROM n WHERE value < 60) "
            "INSERT INTO t SELECT value, randomblob(100000) FROM n"
        )
        code, out, err = house.run("--run-task", "Test")
        assert code == 2, (out, err)
        assert "full" in (out + err).lower()
        after = {p: p.read_bytes() for p in small.rglob("*") if p.is_file() and p.suffix in (".parquet", ".json")}
        assert after == before
        house.sql("DELETE FROM t WHERE id > 3")
        house.must("--run-task", "Test")


def test_a_read_only_folder_is_said(house: House) -> None:
    house.numbers(5)
    house.imported()
    with mounted(house.output, "-o", "ro"):
        code, out, err = house.run("--run-task", "Test")
    assert code == 2
    assert "read-only" in (out + err).lower() or "cannot be written" in out + err


@pytest.mark.parametrize("connection", ["out", "duck"])
def test_a_place_whose_parent_does_not_exist_is_said(house: House, connection: str) -> None:
    house.numbers(5)
    path = house.task(to=[{"connection": connection}])
    gone = str(house.folder / "gone" / "deeper")
    path.write_text(path.read_text().replace(str(house.output), gone).replace(str(house.duckdb), gone + ".duckdb"))
    house.must("--import-task", str(path))
    code, out, err = house.run("--run-task", "Test")
    assert code == 2, (out, err)
    assert "gone" in out + err


def test_a_workspace_on_a_full_disk_is_said(house: House) -> None:
    house.numbers(5)
    house.workspace.mkdir()
    with mounted(house.workspace, "-o", "size=64k"):
        code, out, err = house.run("--import-task", str(house.task()))
        assert code == 2, (out, err)
        assert "full" in err


def test_a_canary_secret_is_nowhere(house: House) -> None:
    canary = "canary-9f8e7d6c5b4a"
    house.numbers(50)
    house.imported(steps=[("apply", {"columns": ["name"], "function": {"name": "hmac", "key": "env:MASK_KEY"}})])
    gate = house.folder / "gate"
    process = house.start("--run-task", "Test", "--json", order={"hold": "publish:", "gate": str(gate)}, MASK_KEY=canary)
    until(gate.with_suffix(".held").exists)
    listed = Path(f"/proc/{process.pid}/cmdline").read_text() if sys.platform == "linux" else ""
    gate.touch()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert canary not in out + err + listed
    assert house.published().column("name").to_pylist()[0] != "name 1"
    for path in house.folder.rglob("*"):
        if path.is_file():
            assert canary.encode() not in path.read_bytes(), path
    code, out, err = house.run("--run-task", "Test")
    assert code == 2
    assert "MASK_KEY" in err


def test_files_read_back_by_parquet_alone_hold_the_same_rows_as_by_the_manifest(house: House) -> None:
    house.numbers(5000)
    hive = {"layout": "hive", "partition_by": [{"column": "id"}]}
    house.sql("DELETE FROM t WHERE id > 30")
    house.imported(to=[{"connection": "out", "files": hive}])
    house.must("--run-task", "Test")
    by_glob = sorted(pq.ParquetFile(path).read().column("id")[0].as_py() for path in house.output.rglob("t-*.parquet"))
    assert by_glob == sorted(house.published().column("id").to_pylist()) == list(range(1, 31))
