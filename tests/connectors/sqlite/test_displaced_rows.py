"""Rows that REPLACE takes away without a delete trigger: through every way in which a row can be unique."""

import sqlite3
from contextlib import suppress
from pathlib import Path

import pytest

from dtaas_desktop.domain.changes import Operation
from dtaas_desktop.domain.table import TableRef
from tests.connectors.sqlite.captured import Copy, T, sqlite, stored, write
from tests.connectors.sqlite.databases import database, source_of

DISPLACED = {
    "row number": (
        ["CREATE TABLE t (k TEXT PRIMARY KEY, a INTEGER)", "INSERT INTO t VALUES ('old', 1), ('x', 2)"],
        ["INSERT OR REPLACE INTO t (rowid, k) VALUES (1, 'new')", "UPDATE OR REPLACE t SET rowid = 1 WHERE k = 'x'"],
    ),
    "row number by another name": (
        ["CREATE TABLE t (k TEXT PRIMARY KEY, rowid INTEGER)", "INSERT INTO t VALUES ('old', 1), ('x', 2)"],
        ["INSERT OR REPLACE INTO t (oid, k) VALUES (1, 'new')", "UPDATE OR REPLACE t SET _rowid_ = 1 WHERE k = 'x'"],
    ),
    "unique column": (
        ["CREATE TABLE t (k INTEGER PRIMARY KEY, a TEXT UNIQUE)", "INSERT INTO t VALUES (1, 'a'), (2, 'x')"],
        ["REPLACE INTO t VALUES (3, 'a')", "UPDATE OR REPLACE t SET a = 'a' WHERE k = 2"],
    ),
    "two unique columns at once": (
        [
            "CREATE TABLE t (k INTEGER PRIMARY KEY, a TEXT UNIQUE, b TEXT UNIQUE)",
            "INSERT INTO t VALUES (1, 'a', 'x'), (2, 'y', 'b'), (3, 'z', 'z')",
        ],
        ["REPLACE INTO t VALUES (4, 'a', 'b')", "UPDATE OR REPLACE t SET a = 'a', b = 'b' WHERE k = 3"],
    ),
    "caseless index": (
        [
            "CREATE TABLE t (k INTEGER PRIMARY KEY, a TEXT)",
            "CREATE UNIQUE INDEX i ON t (a COLLATE NOCASE)",
            "INSERT INTO t VALUES (1, 'A'), (2, 'x')",
        ],
        ["REPLACE INTO t VALUES (3, 'a')", "UPDATE OR REPLACE t SET a = 'a' WHERE k = 2"],
    ),
    "caseless primary key": (
        ["CREATE TABLE t (k TEXT PRIMARY KEY COLLATE NOCASE) WITHOUT ROWID", "INSERT INTO t VALUES ('A'), ('x')"],
        ["REPLACE INTO t VALUES ('a')", "UPDATE OR REPLACE t SET k = 'a' WHERE k = 'x'"],
    ),
    "equal numbers of two classes": (
        ["CREATE TABLE t (k PRIMARY KEY NOT NULL, a)", "INSERT INTO t VALUES (1, 'a'), ('x', 'x')"],
        ["REPLACE INTO t VALUES (1.0, 'b')", "UPDATE OR REPLACE t SET k = 1.0 WHERE k = 'x'"],
    ),
    "keys that differ by case alone": (
        [
            "CREATE TABLE t (k TEXT COLLATE NOCASE NOT NULL, a TEXT UNIQUE)",
            "CREATE UNIQUE INDEX i ON t (k COLLATE BINARY)",
            "INSERT INTO t VALUES ('a', 'a'), ('A', 'x')",
        ],
        ["REPLACE INTO t VALUES ('b', 'a')", "UPDATE OR REPLACE t SET a = 'a' WHERE k = 'A' COLLATE BINARY"],
    ),
    "partial index entered by its condition": (
        [
            "CREATE TABLE t (k INTEGER PRIMARY KEY, a TEXT, live INTEGER)",
            "CREATE UNIQUE INDEX i ON t (a) WHERE live",
            "INSERT INTO t VALUES (1, 'a', 1), (2, 'a', 0)",
        ],
        ["REPLACE INTO t VALUES (3, 'a', 1)", "UPDATE OR REPLACE t SET live = 1 WHERE k = 2"],
    ),
    "generated column": (
        [
            "CREATE TABLE t (k INTEGER PRIMARY KEY, a TEXT, g TEXT AS (lower(a)) VIRTUAL UNIQUE)",
            "INSERT INTO t (k, a) VALUES (1, 'A'), (2, 'x')",
        ],
        ["REPLACE INTO t (k, a) VALUES (3, 'a')", "UPDATE OR REPLACE t SET a = 'a' WHERE k = 2"],
    ),
    "default instead of NULL": (
        [
            "CREATE TABLE t (k INTEGER PRIMARY KEY, a TEXT NOT NULL DEFAULT plain UNIQUE, b INT NOT NULL DEFAULT (2 - 1) UNIQUE)",
            "INSERT INTO t VALUES (1, 'plain', 1), (2, 'x', 2)",
        ],
        ["REPLACE INTO t VALUES (3, NULL, 3)", "UPDATE OR REPLACE t SET b = NULL WHERE k = 2"],
    ),
    "a row that goes with the one it displaces": (
        [
            "CREATE TABLE t (k INTEGER PRIMARY KEY, parent INTEGER REFERENCES t (k) ON DELETE CASCADE)",
            "INSERT INTO t VALUES (1, NULL), (2, 1), (3, 1)",
        ],
        ["REPLACE INTO t VALUES (1, NULL)", "UPDATE OR REPLACE t SET k = 1 WHERE k = 2"],
    ),
    "children of a replaced parent": (
        [
            "CREATE TABLE p (id INTEGER PRIMARY KEY, a TEXT UNIQUE)",
            "CREATE TABLE t (k INTEGER PRIMARY KEY, p INTEGER REFERENCES p (id) ON DELETE CASCADE ON UPDATE CASCADE)",
            "INSERT INTO p VALUES (1, 'a'), (2, 'x')",
            "INSERT INTO t VALUES (1, 1), (2, 2)",
        ],
        ["REPLACE INTO p VALUES (3, 'a')", "UPDATE OR REPLACE p SET a = 'a', id = 4 WHERE id = 2"],
    ),
    "a table called new": (
        [
            "CREATE TABLE t (k INTEGER PRIMARY KEY)",
            "CREATE TABLE new (k INTEGER PRIMARY KEY, a TEXT UNIQUE)",
            "INSERT INTO new VALUES (1, 'a'), (2, 'x')",
        ],
        ["REPLACE INTO new VALUES (3, 'a')", "UPDATE OR REPLACE new SET a = 'a' WHERE k = 2"],
    ),
}


@pytest.mark.parametrize("place", [0, 1], ids=["insert", "update"])
@pytest.mark.parametrize("recursive", [False, True])
@pytest.mark.parametrize("case", DISPLACED)
def test_rows_displaced_by_replace_are_missed_by_nobody(tmp_path: Path, case: str, recursive: bool, place: int) -> None:
    made, statements = DISPLACED[case]
    path = database(tmp_path / "t.db", *made[: -1 - case.startswith("children")])
    source = source_of(path)
    ref = TableRef("new") if "new" in case else T
    source.capture.enable([ref])
    copy = Copy(source, ref)
    write(path, *made[-1 - case.startswith("children") :])
    copy.follow()
    before = len(copy.rows)
    write(path, statements[place], recursive=recursive)
    images = copy.follow()
    # As text, because a column without a type was read so while it was empty.
    assert [tuple(map(str, row)) for row in copy.values()] == sorted(
        [tuple(map(str, row)) for row in stored(path, f"SELECT * FROM {ref.name}")], key=repr
    )
    assert Operation.ABSENT in {operation for operation, _ in images}
    assert len(copy.rows) <= before


SILENT = {
    "ignored": ("SELECT RAISE(IGNORE)", ""),
    "failed": ("SELECT RAISE(FAIL, 'no')", ""),
    "failed within": ("INSERT INTO once VALUES (1)", "OR FAIL "),
}


@pytest.mark.parametrize("key", ["INTEGER PRIMARY KEY", "TEXT NOT NULL PRIMARY KEY"])
@pytest.mark.parametrize("case", SILENT)
def test_a_statement_that_another_trigger_ends_after_the_change_is_not_missed(tmp_path: Path, case: str, key: str) -> None:
    ending, conflict = SILENT[case]
    path = database(tmp_path / "t.db", f"CREATE TABLE t (k {key}, a TEXT)", "CREATE TABLE once (n UNIQUE)")
    source = source_of(path)
    source.capture.enable([T])
    copy = Copy(source)
    write(path, "INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c')", "INSERT INTO once VALUES (1)")
    write(path, *(f"CREATE TRIGGER ends_{event} AFTER {event} ON t BEGIN {ending}; END" for event in ("UPDATE", "DELETE")))
    copy.follow()
    for statement in (f"UPDATE {conflict}t SET a = 'z' WHERE k = 1", f"UPDATE {conflict}t SET k = 4 WHERE k = 2"):
        with sqlite(path) as connection, suppress(sqlite3.Error):
            connection.execute(statement)
        assert copy.follow()
        assert copy.values() == sorted(stored(path), key=repr)
    with sqlite(path) as connection, suppress(sqlite3.Error):
        connection.execute("DELETE FROM t WHERE k = 3")
    copy.follow()
    assert copy.values() == sorted(stored(path), key=repr)
