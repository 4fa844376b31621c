"""Changes from the command line: capture shown, installed and removed, turns, following, reloads, and SIGKILL in the middle."""

import json
import signal
import sqlite3
import sys
from contextlib import closing

import pyarrow.parquet as pq
import pytest

from tests.cli.house import House, until

FOLLOWS = {"transfer": "full load, then changes"}
MIRROR = {"connection": "duck", "write_mode": "mirror"}
FILES = {"connection": "out", "write_mode": "mirror"}


def schema_of(house: House) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(house.database)) as connection:
        return sorted(connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema").fetchall(), key=repr)


def followed(house: House, **task: object) -> None:
    """A table of ten rows, captured, with a task that follows it."""
    house.numbers(10)
    house.imported(options=FOLLOWS, **{"to": [MIRROR]} | task)
    house.must("--enable-capture", "Test")


def mirrored(house: House) -> list[tuple[object, ...]]:
    return sorted(house.in_duckdb("SELECT id, name, x FROM t"))


def in_source(house: House) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(house.database)) as connection:
        return sorted(connection.execute("SELECT id, name, x FROM t").fetchall())


def in_files(house: House) -> list[tuple[object, ...]]:
    """What change files say is there now, by the rules in the manifest's words."""
    rows: dict[object, tuple[object, ...]] = {}
    folder = house.output / "t"
    for file in sorted(house.manifest("t")["files"], key=lambda one: int(one["revision"])):
        content = pq.ParquetFile(folder / file["path"]).read().to_pylist()
        for row in sorted(content, key=lambda one: str(one["__position"])):
            if row["__op"] == "D":
                rows.pop(row["id"], None)
            elif row["__op"] != "U" or row["id"] in rows:
                rows[row["id"]] = (row["id"], row["name"], row["x"])
    return sorted(rows.values())


def test_capture_is_shown_before_it_is_installed_and_leaves_no_trace(house: House) -> None:
    house.numbers(10)
    house.imported(options=FOLLOWS, to=[MIRROR])
    before = schema_of(house)
    shown = house.must("--show-capture", "Test")
    assert "CREATE TRIGGER" in shown
    assert "not captured" in shown
    assert schema_of(house) == before
    code, _, err = house.run("--run-task", "Test")
    assert code == 2
    assert "--enable-capture" in err
    house.must("--enable-capture", "Test")
    assert schema_of(house) != before
    assert "captured" in house.must("--show-capture", "Test")
    told = json.loads(house.must("--show-capture", "Test", "--json"))
    assert [table["on"] for table in told["tables"]] == [True]
    house.must("--disable-capture", "Test")
    assert schema_of(house) == before


def test_a_run_loads_once_and_then_brings_what_changed(house: House) -> None:
    followed(house)
    assert "10 rows" in house.must("--run-task", "Test")
    house.sql("UPDATE t SET id = id + 100 WHERE id > 5", "DELETE FROM t WHERE id = 1", "INSERT INTO t VALUES (7, 'new', 1)")
    assert "changes wait" in house.must("--check-task", "Test")
    out = house.must("--run-task", "Test")
    assert "(changes)" in out
    assert "up to date as of" in out
    assert mirrored(house) == in_source(house)
    assert "nothing waits" in house.must("--check-task", "Test")


def test_a_reload_reads_a_table_again_whatever_happened_to_its_changes(house: House) -> None:
    followed(house)
    house.must("--run-task", "Test")
    house.must("--disable-capture", "Test")
    house.sql("DELETE FROM t WHERE id < 4")
    house.must("--enable-capture", "Test")
    code, out, _ = house.run("--run-task", "Test")
    assert code == 3
    assert "--full-reload" in out
    house.must("--run-task", "Test", "--full-reload", "t")
    assert mirrored(house) == in_source(house)
    house.sql("DELETE FROM t WHERE id = 4")
    house.must("--run-task", "Test", "--full-reload")
    assert mirrored(house) == in_source(house)


def test_a_new_column_arrives_and_is_told_by_check_run_and_history(house: House) -> None:
    followed(house)
    house.must("--run-task", "Test")
    house.sql("ALTER TABLE t ADD COLUMN more TEXT", "UPDATE t SET more = 'm' WHERE id = 3")
    checked = house.must("--check-task", "Test")
    assert "drift: column “more” (text) is new: added at the target" in checked
    assert "added at the target" in house.must("--run-task", "Test")
    assert house.in_duckdb("SELECT id, more FROM t WHERE more IS NOT NULL") == [(3, "m")]
    assert any("is new" in message for (message,) in house.metadata("SELECT message FROM log_line"))


def test_following_brings_changes_within_a_second_and_ends_as_asked(house: House) -> None:
    followed(house, to=[MIRROR, FILES | {"publish_seconds": 0}])
    process = house.start("--run-task", "Test", "--follow")
    until(lambda: house.duckdb.exists() and (house.output / "t" / "_SUCCESS").exists())
    until(lambda: in_files(house) == in_source(house))
    for key in (50, 51):
        house.sql(f"INSERT INTO t VALUES ({key}, 'later', 0)")
        until(lambda: in_files(house) == in_source(house))
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 5, (out, err)
    assert mirrored(house) == in_source(house)
    assert house.metadata("SELECT kind FROM table_run") == [("changes",), ("changes",)]


def test_ctrl_c_ends_following_as_cancelled(house: House) -> None:
    followed(house)
    process = house.start("--run-task", "Test", "--follow", "--json")
    assert process.stdout is not None
    while json.loads(process.stdout.readline())["event"] != "TablePublished":
        pass
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 130


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is a POSIX signal")
@pytest.mark.parametrize("to", [MIRROR, FILES], ids=["duckdb", "files"])
@pytest.mark.timeout(600)  # some fifty runs of the program
def test_killed_at_any_step_of_a_turn_and_run_again_everything_is_equal(house: House, to: dict[str, str]) -> None:
    followed(house, to=[to])
    house.must("--run-task", "Test")
    house.sql("UPDATE t SET x = 0 WHERE id = 2")
    record = house.folder / "steps"
    code, out, err = house.run("--run-task", "Test", order={"record": str(record)})
    assert code == 0, (out, err)
    steps = record.read_text(encoding="utf-8").splitlines()
    assert {"turn:plan", "turn:stage", "turn:release"} <= set(steps)
    shown = mirrored if to is MIRROR else in_files
    for number in range(len(steps)):
        house.sql(
            "UPDATE t SET id = -id",
            f"INSERT INTO t VALUES ({1000 + number}, 'at step {number}', {number})",
            "DELETE FROM t WHERE id = (SELECT max(id) FROM t WHERE id < 100)",
        )
        before = shown(house)
        code, _, _ = house.run("--run-task", "Test", order={"kill": number})
        assert code != 0, steps[number]
        assert shown(house) in (before, in_source(house)), steps[number]
        house.must("--run-task", "Test")
        assert shown(house) == in_source(house), steps[number]
