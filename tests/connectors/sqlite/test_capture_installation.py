"""Change capture is installed on request, shown before, and removed without trace."""

import os
import re
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from dtaas_desktop.domain.changes import Operation
from dtaas_desktop.domain.errors import TransientError, UserError
from dtaas_desktop.domain.ports import CaptureState
from dtaas_desktop.domain.table import TableRef
from tests.connectors.sqlite.captured import Copy, T, position, stored, write
from tests.connectors.sqlite.databases import database, source_of, writer

ODD = "quo\"te, [x] 's' a.b\n-- 😀 _dtaas"
NAMES = [
    "two words",
    'quo"te',
    "back`tick",
    "[brackets]",
    "semi;colon",
    "order",
    "emoji 😀",
    "a.b",
    "'single'",
    "new\nline",
    "-- no",
    "0",
    " leading",
    "rowid",
    "r",
    "l",
    "n",
    "seq",
    "at",
    "k1",
    "token",
    "new",
    "OLD",
    "_dtaas",
    "_dtaas_mine",
    "_dtaas_log_1",
    "_dtaas_1_insert",
    "x ON y",
    "a WHEN b",
    "END; --",
    "Ünï",
]


def inside(path: Path) -> dict[str, object]:
    """Everything of a database that capture could leave a trace in."""
    return {
        "schema": stored(path, "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name"),
        "user_version": stored(path, "PRAGMA user_version"),
        "application_id": stored(path, "PRAGMA application_id"),
        "journal": stored(path, "PRAGMA journal_mode"),
        "integrity": stored(path, "PRAGMA integrity_check"),
        "foreign keys": stored(path, "PRAGMA foreign_key_check"),
    }


@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
@pytest.mark.parametrize("vacuum", ["NONE", "FULL"])
def test_capture_leaves_no_trace(tmp_path: Path, mode: str, vacuum: str) -> None:
    path = database(
        tmp_path / "t.db",
        f"PRAGMA auto_vacuum = {vacuum}",
        f"PRAGMA journal_mode = {mode}",
        "PRAGMA user_version = 7",
        "PRAGMA application_id = 99",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT UNIQUE)",
        "CREATE TABLE u (k TEXT PRIMARY KEY) WITHOUT ROWID",
        "CREATE TRIGGER mine AFTER INSERT ON t BEGIN INSERT OR IGNORE INTO u VALUES (NEW.a); END",
        "INSERT INTO t VALUES (1, 'x')",
        "ANALYZE",
    )
    before, content = inside(path), stored(path)
    source = source_of(path)
    source.capture.enable([T, TableRef("u")])
    source.capture.hold("task", [T])
    write(path, "INSERT INTO t VALUES (2, 'y')", "ANALYZE")
    assert stored(path, "SELECT count(*) FROM sqlite_stat1 WHERE tbl LIKE '%dtaas%'")[0][0]
    write(path, "DELETE FROM t WHERE id = 2", "DELETE FROM u WHERE k = 'y'")
    source.capture.disable([T])
    assert source.capture.state(TableRef("u")).on
    assert not source.capture.state(T).on
    source.capture.disable([TableRef("u")])
    assert inside(path) == before
    assert stored(path) == content
    assert not stored(path, "SELECT * FROM sqlite_stat1 WHERE tbl LIKE '%dtaas%'")
    source.capture.disable([T, TableRef("never there")])
    assert inside(path) == before


def test_the_script_is_what_enable_does_and_runs_in_any_tool(tmp_path: Path) -> None:
    made = (
        "CREATE TABLE t (k TEXT PRIMARY KEY, a TEXT UNIQUE)",
        f"CREATE TABLE u (id INTEGER PRIMARY KEY, n INT) -- {ODD!r}".replace("\n", ""),
    )
    by_hand, by_us = database(tmp_path / "hand.db", *made), database(tmp_path / "us.db", *made)
    tables = [T, TableRef("U")]
    script = source_of(by_hand).capture.script(tables)
    assert inside(by_hand) == inside(by_us), "showing changes nothing"
    assert script.startswith("-- ")
    connection = sqlite3.connect(by_hand, isolation_level=None)
    connection.executescript(script)
    connection.close()
    source_of(by_us).capture.enable(tables)
    assert inside(by_hand) == inside(by_us)
    for path in (by_hand, by_us):
        source = source_of(path)
        assert source.capture.state(T) == CaptureState(True)
        assert "captured already" in source.capture.script(tables)
        copy = Copy(source)
        write(path, "INSERT INTO t VALUES ('a', 'x')")
        assert [row["k"] for _, row in copy.follow()] == ["a"]


def test_enabling_again_keeps_what_is_sound_and_replaces_what_is_not(tmp_path: Path) -> None:
    path = database(tmp_path / "t.db", "CREATE TABLE t (id INTEGER PRIMARY KEY)", "CREATE TABLE u (id INTEGER PRIMARY KEY)")
    source, both = source_of(path), [T, TableRef("u")]
    source.capture.enable(both)
    before = position(source), position(source, both[1])
    source.capture.enable([*both, TableRef("T")])
    assert (position(source), position(source, both[1])) == before
    write(path, "DROP TRIGGER _dtaas_2_delete")
    assert source.capture.state(both[1]).reason.startswith(
        "Changes of table u may have gone by unseen: the trigger “_dtaas_2_delete”"
    )
    with source.session(both, exact=True) as session:
        assert session.now().keys() == {T}
    source.capture.enable(both)
    assert source.capture.state(both[1]).on
    assert position(source) == before[0]
    assert position(source, both[1]) > before[1]


def test_what_capture_adds_is_listed_nowhere(tmp_path: Path) -> None:
    path = database(tmp_path / "t.db", "CREATE TABLE t (id INTEGER PRIMARY KEY)", "CREATE TABLE _dtaasx (a)")
    source = source_of(path)
    source.capture.enable([T])
    assert [ref.name for ref in source.tables()] == ["_dtaasx", "t"]


@pytest.mark.parametrize("name", NAMES)
def test_absurd_names_are_captured(tmp_path: Path, name: str) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    other = '"u ' + name.replace('"', '""') + '"'
    path = database(
        tmp_path / "t.db",
        f"CREATE TABLE {quoted} ({quoted} TEXT COLLATE NOCASE NOT NULL, id INTEGER NOT NULL, {other} TEXT UNIQUE, PRIMARY KEY ({quoted}, id))",
    )
    source, ref = source_of(path), TableRef(name)
    before = inside(path)
    source.capture.enable([ref])
    copy = Copy(source, ref)
    assert copy.key == (name, "id")
    write(path, f"INSERT INTO {quoted} VALUES ('a', 1, 'x'), ('b', 1, 'y'), ('c', 2, NULL)")
    copy.follow()
    write(path, f"REPLACE INTO {quoted} VALUES ('d', 1, 'x')", f"UPDATE {quoted} SET {quoted} = upper({quoted}) WHERE id = 2")
    assert {operation for operation, _ in copy.follow()} == {Operation.PRESENT, Operation.ABSENT}
    assert copy.values() == sorted(stored(path, f"SELECT * FROM {quoted}"), key=repr)
    source.capture.disable([ref])
    assert inside(path) == before


IMPOSSIBLE = {
    "view": ("v", "CREATE VIEW v AS SELECT 1 AS a", "no triggers"),
    "virtual table": ("v", "CREATE VIRTUAL TABLE v USING fts5(a)", "no triggers"),
    "no key": ("t", "CREATE TABLE t (a INTEGER, b TEXT UNIQUE)", "no key"),
    "partial index is no key": ("t", "CREATE TABLE t (a INTEGER NOT NULL); CREATE UNIQUE INDEX i ON t (a) WHERE a > 0", "no key"),
    "index on an expression": (
        "t",
        "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT); CREATE UNIQUE INDEX i ON t (lower(b))",
        "expression",
    ),
    "null in the key": (
        "t",
        "CREATE TABLE t (a TEXT, b INT, PRIMARY KEY (b, a)); INSERT INTO t VALUES (NULL, 1)",
        "“a” holds NULL",
    ),
    "silenced by another trigger": (
        "t",
        "CREATE TABLE t (a INTEGER PRIMARY KEY); CREATE TRIGGER mute AFTER INSERT ON T BEGIN SELECT raise /**/ (ignore);END",
        "“mute” can end a statement",
    ),
    "condition within triggers": (
        "old",
        "CREATE TABLE old (a INTEGER PRIMARY KEY, b); CREATE UNIQUE INDEX i ON old (b) WHERE b",
        "within triggers",
    ),
}


@pytest.mark.parametrize("case", IMPOSSIBLE)
def test_what_cannot_be_captured_is_refused_with_reason_and_remedy(tmp_path: Path, case: str) -> None:
    name, made, words = IMPOSSIBLE[case]
    path = database(tmp_path / "t.db", *made.split("; "), "CREATE TABLE good (id INTEGER PRIMARY KEY)")
    source, before = source_of(path), inside(path)
    state = source.capture.state(TableRef(name))
    assert (state.on, state.possible) == (False, False)
    assert words in state.reason
    assert state.remedy
    for refused in (source.capture.enable, source.capture.script):
        with pytest.raises(UserError, match=words) as caught:
            refused([TableRef("good"), TableRef(name)])
        assert caught.value.remedy == state.remedy
    assert inside(path) == before, "all or nothing"
    with source.session([TableRef(name)], exact=True) as session:
        assert session.now() == {}


def test_a_trigger_made_later_that_silences_ours_ends_the_capture(tmp_path: Path) -> None:
    path = database(tmp_path / "t.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)")
    source = source_of(path)
    source.capture.enable([T])
    write(path, "CREATE TRIGGER harmless BEFORE UPDATE ON t WHEN NEW.a = 'no' BEGIN SELECT RAISE(IGNORE); END")
    assert source.capture.state(T) == CaptureState(True)
    write(path, "CREATE TRIGGER main.mute AFTER INSERT ON t BEGIN SELECT RAISE(IGNORE); END")
    with source.session([T], exact=True) as session:
        assert session.now() == {}
    state = source.capture.state(T)
    assert (state.on, state.possible) == (False, False)
    assert "“mute” can end a statement" in state.reason
    write(path, "DROP TRIGGER mute")
    assert source.capture.state(T).on


def test_a_query_cannot_be_captured(tmp_path: Path) -> None:
    source = source_of(database(tmp_path / "t.db", "CREATE TABLE t (id INTEGER PRIMARY KEY)"))
    query = TableRef("q", query="SELECT * FROM t")
    assert not source.capture.state(query).possible
    with pytest.raises(UserError, match="A query has no triggers"):
        source.capture.enable([query])


def test_a_key_in_a_foreign_order_cannot_be_captured(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    connection = sqlite3.connect(path, isolation_level=None)
    connection.create_collation("german", lambda a, b: (a > b) - (a < b))
    connection.execute("CREATE TABLE t (k TEXT COLLATE german NOT NULL PRIMARY KEY, a TEXT)")
    connection.execute("CREATE TABLE u (id INTEGER PRIMARY KEY, a TEXT COLLATE german UNIQUE)")
    connection.close()
    source = source_of(path)
    state = source.capture.state(T)
    assert "“german”" in state.reason
    assert "with COLLATE BINARY" in state.remedy
    write(path, "CREATE UNIQUE INDEX binary ON t (k COLLATE BINARY)")
    assert source.capture.state(T).possible
    source.capture.enable([TableRef("u")])
    copy = Copy(source, TableRef("u"))
    connection = sqlite3.connect(path, isolation_level=None)
    connection.create_collation("german", lambda a, b: (a.lower() > b.lower()) - (a.lower() < b.lower()))
    for statement in ("INSERT INTO u VALUES (1, 'a')", "REPLACE INTO u VALUES (2, 'A')"):
        connection.execute(statement)
    connection.close()
    source.capture.enable([T])
    other = Copy(source)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.create_collation("german", lambda a, b: (a.lower() > b.lower()) - (a.lower() < b.lower()))
    for statement in ("INSERT INTO t VALUES ('a', 'a')", "REPLACE INTO t VALUES ('A', 'b')"):
        connection.execute(statement)
    connection.close()
    assert sorted(other.follow()) == [(Operation.PRESENT, {"k": "A", "a": "b"}), (Operation.ABSENT, {"k": "a", "a": None})]
    assert sorted(copy.follow()) == [(Operation.PRESENT, {"id": 2, "a": "A"}), (Operation.ABSENT, {"id": 1, "a": None})]


def test_the_shortest_unique_index_without_null_is_the_key(tmp_path: Path) -> None:
    path = database(
        tmp_path / "t.db",
        "CREATE TABLE t (a TEXT NOT NULL, b TEXT, c TEXT NOT NULL, d TEXT NOT NULL, e AS (c) NOT NULL)",
        "CREATE UNIQUE INDEX z ON t (b)",
        "CREATE UNIQUE INDEX y ON t (a, c)",
        "CREATE UNIQUE INDEX x ON t (d)",
        "CREATE UNIQUE INDEX w ON t (c)",
    )
    source = source_of(path)
    assert source.describe(T).key == ("c",)
    source.capture.enable([T])
    copy = Copy(source)
    write(path, "INSERT INTO t VALUES ('a', 'b', 'c', 'd')", "REPLACE INTO t VALUES ('a2', 'b', 'c2', 'd2')")
    assert [(operation, row["c"]) for operation, row in copy.follow()] == [(Operation.PRESENT, "c2"), (Operation.ABSENT, "c")]


def test_a_partial_index_is_searched_and_not_the_whole_table(tmp_path: Path) -> None:
    path = database(
        tmp_path / "t.db",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, live INT)",
        "CREATE UNIQUE INDEX i ON t (a) WHERE live = 1",
        "CREATE UNIQUE INDEX j ON t (live, a COLLATE NOCASE) WHERE a IS NOT NULL",
    )
    source_of(path).capture.enable([T])
    triggers = stored(path, "SELECT sql FROM sqlite_schema WHERE type = 'trigger' AND name LIKE '%conflict%'")
    selects = [query for (sql,) in triggers for query in re.findall(r"SELECT[^;]*FROM[^;]*(?=;)", str(sql))]
    assert len(selects) == 4
    for query in selects:
        plan = [str(row[3]) for row in stored(path, "EXPLAIN QUERY PLAN " + re.sub(r'(NEW|OLD)\."\w+"', "5", query))]
        assert len(plan) == 1
        assert plan[0].startswith("SEARCH t USING"), plan


def test_our_names_taken_by_somebody_else_are_no_reason_to_stop_reading(tmp_path: Path) -> None:
    path = database(tmp_path / "t.db", "CREATE TABLE t (id INTEGER PRIMARY KEY)", "CREATE TABLE _dtaas_capture (mine)")
    source = source_of(path)
    with source.session([T], exact=True) as session:
        assert session.now() == {}
    assert not source.capture.state(T).on
    with pytest.raises(UserError, match="“_dtaas_capture” that is not as"):
        source.capture.enable([T])
    source.capture.disable([T])
    assert stored(path, "SELECT name FROM sqlite_schema WHERE type = 'table'") == [("t",), ("_dtaas_capture",)]


def test_a_locked_database_is_worth_waiting_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dtaas_desktop.connectors.sqlite.connection.BUSY_MILLISECONDS", 20)
    path = database(tmp_path / "t.db", "CREATE TABLE t (id INTEGER PRIMARY KEY)", "CREATE TABLE u (id INTEGER PRIMARY KEY)")
    source = source_of(path)
    source.capture.enable([T])
    first = position(source)
    write(path, "INSERT INTO t VALUES (1)")
    last = position(source)
    before = inside(path)
    with writer(path) as other:
        assert other.execute("BEGIN IMMEDIATE") == "done"
        attempts: list[Callable[[], None]] = [
            lambda: source.capture.enable([TableRef("u")]),
            lambda: source.capture.disable([T]),
            lambda: source.capture.hold("task", [T]),
            lambda: source.capture.release("task", {T: last}),
        ]
        for attempt in attempts:
            with pytest.raises(TransientError, match="written by another program"):
                attempt()
        assert source.capture.state(T).on
        assert source.capture.lag({T: first})[T].changes == 1
        assert other.execute("COMMIT") == "done"
    assert inside(path) == before
    source.capture.enable([TableRef("u")])


def test_triggers_that_sqlite_does_not_accept_are_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = database(tmp_path / "t.db", "CREATE TABLE t (id INTEGER PRIMARY KEY)")
    monkeypatch.setattr("dtaas_desktop.connectors.sqlite.triggers.NOW", "no_such_function()")
    before = inside(path)
    with pytest.raises(UserError, match="nothing was altered"):
        source_of(path).capture.enable([T])
    assert inside(path) == before


ASK = """
import os, sys
from dtaas_desktop.connectors.sqlite import SqliteSource
from dtaas_desktop.domain.connection import SqliteSettings
from dtaas_desktop.domain.errors import AppError
from dtaas_desktop.domain.table import TableRef

source, t = SqliteSource(SqliteSettings(path=sys.argv[1])), TableRef("t")
source.capture.state(t)
os.setuid(65534)
print(source.capture.state(t))
try:
    source.capture.enable([t])
except AppError as error:
    print(type(error).__name__, error)
"""


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="takes rights away from a process by changing its user"
)
@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
def test_a_file_that_may_not_be_written_cannot_be_captured(mode: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        path = database(Path(folder) / "t.db", f"PRAGMA journal_mode = {mode}", "CREATE TABLE t (id INTEGER PRIMARY KEY)")
        path.chmod(0o444)
        done = subprocess.run([sys.executable, "-c", ASK, str(path)], capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    state, refused = done.stdout.splitlines()
    assert "on=False, possible=False" in state
    assert "cannot be written here" in state
    assert refused.startswith("UserError")
    assert "cannot be written here" in refused
