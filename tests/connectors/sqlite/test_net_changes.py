"""Whatever other programs do to a table, a copy that follows by net changes is equal to it."""

import datetime
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from sqlite3 import Error

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtaas_desktop.connectors.sqlite.catalog import relation
from dtaas_desktop.connectors.sqlite.installation import Installed, captured
from dtaas_desktop.connectors.sqlite.pages import ChunkSize
from dtaas_desktop.connectors.sqlite.turn import turn
from dtaas_desktop.domain.changes import Changes, Operation
from dtaas_desktop.domain.table import CellPolicy, TableRef
from tests.connectors.sqlite.captured import Copy, T, changes, position, seen, sqlite, stored, write
from tests.connectors.sqlite.databases import database, source_of, writer

FETCHES = [ChunkSize(rows=1), ChunkSize(rows=3), ChunkSize()]
LETTERS = ("'a'", "'A'", "'b'", "'B'", "NULL")
NUMBERS = ("1", "2", "3", "-1", "NULL")


@dataclass(frozen=True)
class Shape:
    """A table `t`, with the values that its columns are tried with."""

    statements: Sequence[str]
    values: dict[str, Sequence[str]]
    rowid: bool = True


SHAPES = {
    "integer key, unique text": Shape(
        ["CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT UNIQUE, n INTEGER)"],
        {"id": NUMBERS, "a": LETTERS, "n": ("7", "8")},
    ),
    "caseless text key, unique pair": Shape(
        ["CREATE TABLE t (k TEXT COLLATE NOCASE NOT NULL PRIMARY KEY, a TEXT, n INTEGER, UNIQUE (a, n))"],
        {"k": LETTERS, "a": LETTERS, "n": NUMBERS},
    ),
    "index caseless, column not": Shape(
        ["CREATE TABLE t (k TEXT NOT NULL, a TEXT, n INTEGER UNIQUE, PRIMARY KEY (k COLLATE NOCASE, a COLLATE RTRIM))"],
        {"k": LETTERS, "a": ("'x'", "'x '", "'X'"), "n": NUMBERS},
    ),
    "composite key without rowid": Shape(
        [
            "CREATE TABLE t (y TEXT, a TEXT COLLATE NOCASE, x INTEGER, n INTEGER, PRIMARY KEY (x, y)) WITHOUT ROWID",
            "CREATE UNIQUE INDEX caseless ON t (a)",
            "CREATE UNIQUE INDEX binary ON t (n DESC, a COLLATE BINARY)",
        ],
        {"y": LETTERS, "x": NUMBERS, "a": LETTERS, "n": ("1", "2", "NULL")},
        rowid=False,
    ),
    "no primary key, partial index": Shape(
        [
            "CREATE TABLE t (k TEXT NOT NULL UNIQUE, a TEXT, n INTEGER)",
            "CREATE UNIQUE INDEX positive ON t (a) WHERE /* ) WHERE */ t.n > 0 -- only these\n AND a <> ')'",
        ],
        {"k": LETTERS, "a": LETTERS, "n": ("-1", "1", "2", "NULL")},
    ),
    "generated columns are unique": Shape(
        [
            """CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, n INTEGER, g TEXT AS (lower(a)) UNIQUE,
            h INTEGER AS (n * 2) STORED, UNIQUE (h, a))"""
        ],
        {"id": NUMBERS, "a": LETTERS, "n": NUMBERS},
    ),
    "blob key": Shape(
        ["CREATE TABLE t (k BLOB NOT NULL PRIMARY KEY, a BLOB UNIQUE, n INTEGER)"],
        {"k": ("x'00'", "x'0001'", "x''", "x'ff'"), "a": ("x'00'", "x'01'", "NULL"), "n": NUMBERS},
    ),
    "key of a real number": Shape(
        [
            "CREATE TABLE t (k REAL NOT NULL, a TEXT, n INTEGER, PRIMARY KEY (k, n)) WITHOUT ROWID",
            "CREATE UNIQUE INDEX i ON t (a)",
        ],
        {"k": ("1", "1.5", "'2'", "9007199254740993"), "n": ("1", "2"), "a": LETTERS},
        rowid=False,
    ),
    "children of each other": Shape(
        [
            """CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT UNIQUE, n INTEGER REFERENCES t (id)
            ON DELETE CASCADE ON UPDATE CASCADE, b TEXT REFERENCES t (a) ON DELETE SET NULL ON UPDATE CASCADE)"""
        ],
        {"id": NUMBERS, "a": LETTERS, "n": NUMBERS, "b": LETTERS},
    ),
    "children through another table": Shape(
        [
            """CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT UNIQUE,
            n INTEGER REFERENCES u (id) ON DELETE CASCADE ON UPDATE CASCADE)""",
            "CREATE TABLE u (id INTEGER PRIMARY KEY, t INTEGER REFERENCES t (id) ON DELETE CASCADE ON UPDATE CASCADE)",
            "CREATE TRIGGER child AFTER INSERT ON t BEGIN INSERT OR IGNORE INTO u VALUES (NEW.id, NEW.id); END",
        ],
        {"id": NUMBERS, "a": LETTERS, "n": NUMBERS},
    ),
    "defaults instead of NULL": Shape(
        [
            """CREATE TABLE t (k TEXT NOT NULL DEFAULT 'a' PRIMARY KEY, a TEXT NOT NULL DEFAULT b COLLATE NOCASE UNIQUE,
            n INTEGER NOT NULL DEFAULT (1 + /* one */ 1) UNIQUE)"""
        ],
        {"k": LETTERS, "a": LETTERS, "n": NUMBERS},
    ),
    "other triggers write as well": Shape(
        [
            "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT UNIQUE, n INTEGER UNIQUE)",
            "CREATE TRIGGER before BEFORE INSERT ON t WHEN NEW.n = 1 BEGIN UPDATE OR REPLACE t SET a = NEW.a WHERE n = 2; END",
            "CREATE TRIGGER after AFTER UPDATE OF a ON t BEGIN INSERT OR REPLACE INTO t VALUES (9, NEW.a || '!', 3); END",
        ],
        {"id": NUMBERS, "a": LETTERS, "n": NUMBERS},
    ),
}
CONFLICTS = ("", "OR REPLACE ", "OR REPLACE ", "OR REPLACE ", "OR IGNORE ", "OR FAIL ", "OR ROLLBACK ")


class Program:
    """Writes statements at random: many that collide, few that mean anything."""

    def __init__(self, shape: Shape, chance: Random) -> None:
        self.shape, self.chance = shape, chance
        self.names = list(shape.values)
        self.number = next((name for name in self.names if "1" in shape.values[name]), None)

    def turn(self) -> list[str]:
        """Transactions, committed, rolled back, or not begun at all."""
        found: list[str] = []
        for _ in range(self.chance.randint(1, 3)):
            some = [self.statement() for _ in range(self.chance.randint(1, 4))]
            end = self.chance.choice(["COMMIT", "COMMIT", "ROLLBACK", ""])
            found += ["BEGIN", *some, end] if end else some
        return found

    def insert(self, conflict: str) -> str:
        return f"INSERT {conflict}INTO t ({', '.join(self.names)}) VALUES ({', '.join(map(self.value, self.names))})"

    def statement(self) -> str:
        chance, names, conflict = self.chance, ", ".join(self.names), self.chance.choice(CONFLICTS)
        kinds = (
            ["insert"] * 6
            + ["update"] * 8
            + ["move", "swap", "upsert", "delete", "row number", "row number", "copy", "savepoint"]
        )
        match chance.choice(kinds):
            case "update":
                return f"UPDATE {conflict}t SET {self.setting()}{self.where()}"
            case "move" if self.number:
                return f"UPDATE {conflict}t SET {self.number} = {self.number} + 1{self.where()}"
            case "swap" if self.number:
                return f"UPDATE {conflict}t SET {self.number} = -{self.number}{self.where()}"
            case "upsert":
                return f"{self.insert('')} ON CONFLICT DO UPDATE SET {self.setting()}"
            case "delete":
                return f"DELETE FROM t{self.where()}"
            case "row number" if self.shape.rowid and chance.random() < 0.5:
                return f"UPDATE {conflict}t SET rowid = {chance.choice(NUMBERS)}{self.where()}"
            case "row number" if self.shape.rowid:
                new = chance.choice(NUMBERS)
                return self.insert(conflict).replace("(", "(rowid, ", 1).replace("VALUES (", f"VALUES ({new}, ", 1)
            case "copy":
                return f"INSERT {conflict}INTO t ({names}) SELECT {names} FROM t"
            case "savepoint":
                return chance.choice(["SAVEPOINT s", "ROLLBACK TO s", "RELEASE s"])
        return self.insert(conflict)

    def value(self, name: str) -> str:
        return self.chance.choice(self.shape.values[name])

    def where(self) -> str:
        name = self.chance.choice([*self.names, *self.names, ""])
        return f" WHERE {name} IS {self.value(name)}" if name else ""

    def setting(self) -> str:
        some = self.chance.sample(self.names, self.chance.randint(1, 2))
        return ", ".join(f"{name} = {self.value(name)}" for name in some)


def carry_out(path: Path, some: Sequence[str], *, recursive: bool) -> None:
    with sqlite(path, recursive=recursive) as connection:
        for statement in some:
            try:
                connection.execute(statement)
            except Error:
                continue  # a constraint, or a COMMIT after OR ROLLBACK: the program goes on
        if connection.in_transaction:
            connection.execute("COMMIT")


def rows(path: Path) -> list[tuple[object, ...]]:
    return sorted(stored(path), key=repr)


@pytest.mark.parametrize("name", SHAPES)
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), recursive=st.booleans(), fetch=st.sampled_from(FETCHES))
def test_a_copy_follows_any_history(name: str, seed: int, recursive: bool, fetch: ChunkSize) -> None:
    program = Program(SHAPES[name], Random(seed))
    with tempfile.TemporaryDirectory() as folder:
        path = database(Path(folder) / "t.db", *SHAPES[name].statements)
        source = source_of(path, fetch)
        source.capture.enable([T])
        copy = Copy(source)
        carry_out(path, [program.insert("OR IGNORE ") for _ in range(6)], recursive=recursive)
        for _ in range(3):
            copy.follow()
            assert copy.values() == rows(path)
            carry_out(path, program.turn(), recursive=recursive)
        copy.follow()
        assert copy.values() == rows(path)
        assert copy.follow() == []


@pytest.mark.parametrize("fetch", FETCHES)
def test_a_chain_of_keys_moves_by_one(tmp_path: Path, fetch: ChunkSize) -> None:
    path = database(tmp_path / "t.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)")
    source = source_of(path, fetch)
    source.capture.enable([T])
    copy = Copy(source)
    write(path, _FIFTY)
    copy.follow()
    for statement in ("UPDATE t SET id = id - 1000", "UPDATE t SET id = id - 1", "UPDATE t SET id = -id"):
        write(path, statement)
        assert {operation for operation, _ in copy.follow()} == {Operation.PRESENT, Operation.ABSENT}
        assert copy.values() == rows(path)


_FIFTY = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50) INSERT INTO t SELECT -i, i FROM n"


@pytest.mark.parametrize("name", SHAPES)
def test_touched_rows_are_looked_up_and_not_searched_for(tmp_path: Path, name: str) -> None:
    source = source_of(database(tmp_path / "t.db", *SHAPES[name].statements))
    source.capture.enable([T])
    table = source.describe(T)
    with source._connection() as connection:
        found = relation(connection, T)
        known = captured(connection, found)
        assert isinstance(known, Installed)
        touched = turn(connection, found, table, known, after=0, upto=9)
        number = touched.present.rowid
        plan = connection.rows(
            f"EXPLAIN QUERY PLAN SELECT r.* FROM {touched.present.paged} WHERE {number} > 5 ORDER BY {number} LIMIT 9"
        )
    steps = [step["detail"] for step in plan]
    assert len(steps) == 2, steps
    assert steps[0].startswith("SEARCH l USING INTEGER PRIMARY KEY")
    assert steps[1].startswith("SEARCH r USING"), steps


def test_of_many_tables_only_those_that_changed_have_changes(tmp_path: Path) -> None:
    tables = [TableRef(f"t{number}") for number in range(60)]
    path = database(tmp_path / "t.db", *(f"CREATE TABLE {ref} (id INTEGER PRIMARY KEY)" for ref in tables))
    source = source_of(path)
    source.capture.enable(tables)
    with source.session(tables, exact=True) as session:
        before = session.now()
    write(path, "INSERT INTO t7 VALUES (1)", "INSERT INTO t33 VALUES (1), (2)")
    lag = source.capture.lag(before)
    assert {ref.name: found.changes for ref, found in lag.items() if found.changes} == {"t7": 1, "t33": 2}
    with source.session(tables, exact=True) as session:
        assert {ref.name for ref, now in session.now().items() if now != before[ref]} == {"t7", "t33"}


def test_vacuum_between_turns_changes_nothing(tmp_path: Path) -> None:
    path = database(tmp_path / "t.db", "CREATE TABLE t (k TEXT PRIMARY KEY, a INTEGER)", "PRAGMA auto_vacuum = FULL")
    source = source_of(path)
    source.capture.enable([T])
    copy = Copy(source)
    write(path, "INSERT INTO t VALUES ('a', 1), ('b', 2), ('c', 3)", "DELETE FROM t WHERE k = 'a'", "VACUUM")
    copy.follow()
    assert copy.values() == rows(path) == [("b", 2), ("c", 3)]
    write(path, "VACUUM")
    assert copy.follow() == []
    write(path, "UPDATE t SET a = 9 WHERE k = 'c'", "VACUUM", "INSERT INTO t VALUES ('d', 4)")
    assert [row["k"] for _, row in copy.follow()] == ["c", "d"]
    assert copy.values() == rows(path)


def test_a_row_that_came_and_went_or_never_was_is_only_absent(tmp_path: Path) -> None:
    path = database(tmp_path / "t.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)")
    source = source_of(path)
    source.capture.enable([T])
    copy = Copy(source)
    write(path, "INSERT INTO t VALUES (1, 'x')", "DELETE FROM t", "DELETE FROM t WHERE id = 2")
    assert copy.follow() == [(Operation.ABSENT, {"id": 1, "a": None})]
    write(path, "BEGIN", "INSERT INTO t VALUES (3, 'x')", "ROLLBACK")
    assert copy.follow() == []


def test_changes_carry_their_position_and_time(tmp_path: Path) -> None:
    path = database(tmp_path / "t.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)")
    source = source_of(path)
    source.capture.enable([T])
    before = position(source)
    began = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=1)
    write(path, "INSERT INTO t VALUES (1, 'x'), (2, 'y')", "UPDATE t SET a = 'z' WHERE id = 1", "DELETE FROM t WHERE id = 2")
    after, found = changes(source, before)
    rows = [row for part in found for row in (part.changes or pa.table({})).to_pylist()]
    assert [row["operation"] for row in rows] == [Operation.PRESENT, Operation.ABSENT]
    assert before < rows[0]["position"] < rows[1]["position"] < after
    assert {row["transaction"] for row in rows} == {rows[1]["position"]}
    assert all(began <= row["committed_at"] <= datetime.datetime.now(datetime.UTC) for row in rows)
    write(path, "INSERT INTO t VALUES (3, 'x')")
    later, (part,) = changes(source, after)
    assert part.changes is not None
    assert after < part.changes["position"][0].as_py() < later
    assert part.changes["transaction"][0].as_py() > rows[0]["transaction"]


def test_changes_made_while_a_turn_is_read_are_the_next_ones(tmp_path: Path) -> None:
    path = database(tmp_path / "t.db", "PRAGMA journal_mode = WAL", "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)", _FIFTY)
    source = source_of(path, ChunkSize(rows=7))
    source.capture.enable([T])
    first = position(source)
    write(path, "UPDATE t SET a = 'first'")
    table = source.describe(T)
    with writer(path) as other, source.session([T], exact=True) as session:
        upto = session.now()[T]
        assert other.execute("UPDATE t SET a = 'second'") == "done"
        assert other.execute("DELETE FROM t WHERE id = -50") == "done"
        assert session.now()[T] == upto
        with session.read(table, Changes(first, upto), columns=["id", "a"], cells=CellPolicy()) as stream:
            images = seen(list(stream))
    assert [operation for operation, _ in images] == [Operation.PRESENT] * 50
    assert {row["a"] for _, row in images} == {"first"}
    _, found = changes(source, upto)
    assert Counter(operation for operation, _ in seen(found)) == {Operation.PRESENT: 49, Operation.ABSENT: 1}


def test_two_programs_write_at_once(tmp_path: Path) -> None:
    path = database(tmp_path / "t.db", "PRAGMA journal_mode = WAL", "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT UNIQUE)")
    source = source_of(path)
    source.capture.enable([T])
    copy = Copy(source)
    with writer(path) as one, writer(path, patience=0) as other:
        for number in range(30):
            assert one.execute("BEGIN IMMEDIATE") == "done"
            assert one.execute(f"REPLACE INTO t VALUES ({number}, 'a{number % 7}')") == "done"
            assert other.execute(f"DELETE FROM t WHERE id = {number - 3}") == "database is locked"
            assert one.execute("COMMIT" if number % 4 else "ROLLBACK") == "done"
            assert other.execute(f"UPDATE OR REPLACE t SET a = 'a{number % 5}' WHERE id = {number}") == "done"
            if number % 3 == 0:
                copy.follow()
    copy.follow()
    assert copy.values() == rows(path)
    assert 0 < len(copy.rows) <= 7


def test_a_read_that_is_cancelled_or_left_does_not_spoil_the_next(tmp_path: Path) -> None:
    path = database(tmp_path / "t.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)")
    source = source_of(path, ChunkSize(rows=5))
    source.capture.enable([T])
    first = position(source)
    write(path, _FIFTY, "DELETE FROM t WHERE id % 2")
    table = source.describe(T)
    with source.session([T], exact=True) as session:
        what = Changes(first, session.now()[T])
        for _ in range(20):
            with session.read(table, what, columns=["id"], cells=CellPolicy()) as stream:
                assert next(iter(stream)).batch.num_rows == 5
                stream.cancel()
                assert list(stream) == []
        with session.read(table, what, columns=["a", "id"], cells=CellPolicy()) as stream:
            images = seen(list(stream))
    assert Counter(operation for operation, _ in images) == {Operation.PRESENT: 25, Operation.ABSENT: 25}
