"""Incidents after which a saved position holds, or is lost; never silence."""

import shutil
from pathlib import Path

import pytest

from dtaas_desktop.connectors.sqlite import SqliteSource
from dtaas_desktop.connectors.sqlite.pages import ChunkSize
from dtaas_desktop.domain.changes import Changes, Lag, Operation, Position
from dtaas_desktop.domain.errors import PositionLost, UserError
from dtaas_desktop.domain.table import CellPolicy, TableRef
from tests.connectors.sqlite.captured import Copy, T, changes, position, seen, sqlite, stored, write
from tests.connectors.sqlite.databases import database, source_of, writer

U = TableRef("u")
MONTH = 31 * 24 * 3600 * 1000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return database(
        tmp_path / "t.db",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b TEXT)",
        "CREATE TABLE u (k TEXT PRIMARY KEY, n INTEGER)",
        "INSERT INTO t VALUES (1, 'x', 'y')",
    )


@pytest.fixture
def source(path: Path) -> SqliteSource:
    source = source_of(path)
    source.capture.enable([T, U])
    return source


def assert_lost(source: SqliteSource, after: Position, words: str, ref: TableRef = T) -> None:
    """Reading is refused, in words, and it counts as waiting, so that somebody will try."""
    table = source.describe(ref)
    with source.session([ref], exact=True) as session:
        what = Changes(after, session.now().get(ref, after))
        reading = session.read(table, what, columns=[*table.key], cells=CellPolicy())
        with pytest.raises(PositionLost, match=words) as caught:
            reading.__enter__()
    assert f"table {ref} " in caught.value.message
    assert "a full reload" in caught.value.remedy
    lag = source.capture.lag({ref: after})[ref]
    assert lag.changes is not None
    assert lag.changes > 0


def test_first_run_finds_nothing_then_one_change(path: Path, source: SqliteSource) -> None:
    first = position(source)
    assert changes(source, first) == (first, [])
    write(path, "INSERT INTO t VALUES (2, 'x', 'y')")
    _, found = changes(source, first)
    assert [row["id"] for _, row in seen(found)] == [2]


def test_two_runs_up_to_now_lose_nothing_between_them(path: Path, source: SqliteSource) -> None:
    copy = Copy(source)
    for number in range(2, 12):
        write(path, f"INSERT INTO t VALUES ({number}, 'x', 'y')")
        copy.follow()
        write(path, f"UPDATE t SET a = 'z{number}' WHERE id = {number - 1}")
    copy.follow()
    assert copy.values() == sorted(stored(path), key=repr)


def test_a_table_empty_from_the_start_is_filled_later(path: Path, source: SqliteSource) -> None:
    copy = Copy(source, U)
    write(path, "INSERT INTO t VALUES (7, 'other', 'table')")
    assert copy.follow() == []
    write(path, "INSERT INTO u VALUES ('k', 1)")
    assert copy.follow() == [(Operation.PRESENT, {"k": "k", "n": 1})]


def test_changes_cleaned_up_before_they_were_read(path: Path, source: SqliteSource) -> None:
    first, other = position(source), position(source, U)
    write(path, "UPDATE t SET a = 'z'", "INSERT INTO u VALUES ('k', 1)")
    second = position(source)
    write(path, "UPDATE t SET a = 'w'")
    source.capture.release("somebody", {T: position(source)})
    for lost in (first, second):
        assert_lost(source, lost, "were purged, because nobody who needs them was seen")
    assert len(seen(changes(source, other, U)[1])) == 1, "other tables go on"


def test_the_oldest_position_available_is_valid_and_one_below_is_not(path: Path, source: SqliteSource) -> None:
    positions = [position(source)]
    for number in range(5):
        write(path, f"UPDATE t SET a = {number}")
        positions.append(position(source))
    source.capture.release("reader", {T: positions[3]})
    assert len(seen(changes(source, positions[3])[1])) == 1
    assert_lost(source, positions[2], "were purged")


def test_changes_cleaned_up_during_the_read_were_in_its_snapshot(tmp_path: Path) -> None:
    path = database(tmp_path / "w.db", "PRAGMA journal_mode = WAL", "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)")
    source = source_of(path, ChunkSize(rows=2))
    source.capture.enable([T])
    first = position(source)
    write(path, *(f"INSERT INTO t VALUES ({number}, 'x')" for number in range(9)))
    table = source.describe(T)
    with source.session([T], exact=True) as session:
        upto = session.now()[T]
        with session.read(table, Changes(first, upto), columns=["id"], cells=CellPolicy()) as stream:
            rows = iter(stream)
            found = [next(rows)]
            source.capture.release("somebody else", {T: upto})
            assert stored_by_another(path) == 1
            found += rows
    assert sorted(row["id"] for _, row in seen(found)) == list(range(9))  # type: ignore[type-var]
    assert_lost(source, first, "were purged")


def stored_by_another(path: Path) -> int:
    with writer(path) as other:
        assert other.execute("DELETE FROM _dtaas_log_1 WHERE 0") == "done"
    found = source_of(path)
    with found._connection() as connection:
        return int(connection.row("SELECT count(*) AS n FROM _dtaas_log_1")["n"])


def test_the_same_instance_disabled_and_enabled_again(path: Path, source: SqliteSource) -> None:
    before = position(source)
    source.capture.disable([T])
    assert_lost(source, before, "its changes are not captured")
    source.capture.enable([T])
    assert_lost(source, before, "removed and installed again")
    assert position(source) > before


def test_the_database_restored_from_an_older_backup(path: Path, source: SqliteSource, tmp_path: Path) -> None:
    write(path, "UPDATE t SET a = 'z'")
    kept = position(source)
    shutil.copy(path, tmp_path / "backup.db")
    write(path, "UPDATE t SET a = 'w'")
    late = position(source)
    shutil.copy(tmp_path / "backup.db", path)
    assert_lost(source, late, "restored from a backup that is older")
    write(path, "UPDATE t SET a = 'other'", "UPDATE t SET b = 'other'")
    assert_lost(source, late, "went on in another way")
    assert len(seen(changes(source, kept)[1])) == 1
    source.capture.release("task", {T: late})
    assert stored(path, "SELECT count(*) FROM _dtaas_log_1") == [(3,)], "nothing is purged for a position of another history"


def test_a_database_restored_to_before_its_first_change(path: Path, source: SqliteSource, tmp_path: Path) -> None:
    first = position(source)
    shutil.copy(path, tmp_path / "backup.db")
    write(path, "UPDATE t SET a = 'w'")
    late = position(source)
    shutil.copy(tmp_path / "backup.db", path)
    assert_lost(source, late, "restored from a backup")
    assert changes(source, first) == (first, [])


def test_entries_removed_from_the_middle_of_the_log(path: Path, source: SqliteSource) -> None:
    first = position(source)
    write(path, *(f"UPDATE t SET a = {number}" for number in range(5)), "DELETE FROM _dtaas_log_1 WHERE seq = 3")
    with pytest.raises(PositionLost, match="removed 1 entries from the middle"):
        changes(source, first)


def test_a_position_of_another_system_is_none_here(source: SqliteSource) -> None:
    assert_lost(source, "00000027:00000758:0005", "is no position in a SQLite database")


def test_an_idle_table_keeps_its_position_for_years(path: Path, source: SqliteSource) -> None:
    write(path, "UPDATE t SET a = 'z'")
    before = position(source)
    source.capture.hold("task", [T])
    write(
        path, f"UPDATE _dtaas_consumers SET seen_at = seen_at - 24 * {MONTH}", f"UPDATE _dtaas_log_1 SET at = at - 24 * {MONTH}"
    )
    source.capture.release("another", {T: position(source)})
    assert changes(source, before) == (before, [])
    assert source.capture.lag({T: before}) == {T: Lag(0, None)}


ALTERED: dict[str, tuple[list[str], str]] = {
    "a trigger dropped": (["DROP TRIGGER _dtaas_1_update"], "the trigger “_dtaas_1_update” is not there"),
    "a trigger changed": (
        ["DROP TRIGGER _dtaas_1_delete", "CREATE TRIGGER _dtaas_1_delete AFTER DELETE ON t BEGIN SELECT 1; END"],
        "somebody changed a trigger",
    ),
    "a unique index added": (["CREATE UNIQUE INDEX i ON t (a)"], "or a unique index was added"),
    "the table dropped and created": (
        ["DROP TABLE t", "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b TEXT)"],
        "its triggers are gone",
    ),
    "the table rebuilt": (
        [
            "CREATE TABLE t2 AS SELECT * FROM t",
            "DROP TABLE t",
            "CREATE TABLE t (id INTEGER PRIMARY KEY, a, b)",
            "INSERT INTO t SELECT * FROM t2",
        ],
        "its triggers are gone",
    ),
    "another table under its name": (
        ["ALTER TABLE t RENAME TO old_t", "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b TEXT)"],
        "its triggers are gone",
    ),
    "the log altered": (["ALTER TABLE _dtaas_log_1 ADD COLUMN more"], "changed a trigger or the log"),
    "the log dropped": (["DELETE FROM t", "DROP TABLE _dtaas_log_1"], "log of its changes was dropped"),
    "everything of ours dropped": (
        [
            "DROP TRIGGER _dtaas_1_insert",
            "DROP TRIGGER _dtaas_1_update",
            "DROP TRIGGER _dtaas_1_delete",
            "DELETE FROM _dtaas_capture WHERE number = 1",
        ],
        "its changes are not captured",
    ),
}


@pytest.mark.parametrize("case", ALTERED)
def test_what_triggers_could_not_see_is_said_and_mended_by_enabling_again(path: Path, source: SqliteSource, case: str) -> None:
    statements, words = ALTERED[case]
    write(path, "UPDATE t SET a = 'z'")
    before = position(source)
    write(path, *statements)
    assert_lost(source, before, words)
    state = source.capture.state(T)
    assert (state.on, state.possible) == (False, True)
    assert words.removeprefix("its changes are ") in state.reason
    assert "capture on" in state.remedy
    with source.session([T, U], exact=True) as session:
        assert session.now().keys() == {U}
    source.capture.enable([T])
    assert source.capture.state(T).on
    assert position(source) > before
    copy = Copy(source)
    write(path, "INSERT INTO t VALUES (50, 'x', 'y')")
    assert [row["id"] for _, row in copy.follow()] == [50]
    source.capture.disable([T, U])
    assert stored(path, "SELECT name FROM sqlite_schema WHERE name LIKE '\\_dtaas%' ESCAPE '\\'") == []


def test_a_unique_index_on_an_expression_ends_capture(path: Path, source: SqliteSource) -> None:
    before = position(source)
    write(path, "CREATE UNIQUE INDEX i ON t (lower(a), a)", "CREATE UNIQUE INDEX j ON t (a, lower(a))")
    assert_lost(source, before, "or a unique index was added")
    state = source.capture.state(T)
    assert (state.on, state.possible) == (False, False)
    assert "expression" in state.reason


def test_a_renamed_table_is_another_one(path: Path, source: SqliteSource) -> None:
    first = position(source)
    write(path, "ALTER TABLE t RENAME TO renamed", "UPDATE renamed SET a = 'z'")
    with pytest.raises(UserError, match="no table or view “t”"):
        source.describe(T)
    with source.session([T, TableRef("renamed")], exact=True) as session:
        assert session.now() == {}
    assert source.capture.lag({T: first})[T].changes == 1
    renamed = TableRef("renamed")
    assert not source.capture.state(renamed).on
    source.capture.enable([renamed])
    assert stored(path, "SELECT count(*) FROM sqlite_schema WHERE tbl_name = 'renamed' AND type = 'trigger'") == [(3,)]
    copy = Copy(source, renamed)
    write(path, "DELETE FROM renamed")
    assert len(copy.follow()) == 1
    source.capture.disable([renamed, T, U])
    assert stored(path, "SELECT name FROM sqlite_schema WHERE name LIKE '\\_dtaas%' ESCAPE '\\'") == []


def test_a_dropped_table_leaves_nothing_that_disabling_does_not_find(path: Path, source: SqliteSource) -> None:
    write(path, "DROP TABLE t")
    source.capture.disable([T])
    source.capture.disable([U])
    assert stored(path, "SELECT name FROM sqlite_schema WHERE type <> 'index'") == [("u",)]


HARMLESS = {
    "a column added": ["ALTER TABLE t ADD COLUMN c TEXT DEFAULT 'new'"],
    "a column dropped": ["ALTER TABLE t DROP COLUMN b"],
    "a column renamed": ['ALTER TABLE t RENAME COLUMN b TO "b (new)"'],
    "the key renamed": ['ALTER TABLE t RENAME COLUMN id TO "the key"'],
    "the key renamed twice": ["ALTER TABLE t RENAME COLUMN id TO a2", "ALTER TABLE t RENAME COLUMN a2 TO id2"],
    "an index added": ["CREATE INDEX i ON t (a)"],
    "a trigger of the user": ["CREATE TRIGGER mine AFTER INSERT ON t BEGIN UPDATE t SET b = 'm' WHERE id = NEW.id; END"],
    "another table": ["CREATE TABLE other (id INTEGER PRIMARY KEY)"],
    "vacuum": ["VACUUM"],
    "reindex and analyze": ["REINDEX", "ANALYZE"],
}


@pytest.mark.parametrize("case", HARMLESS)
def test_what_leaves_capture_valid(path: Path, source: SqliteSource, case: str) -> None:
    first = position(source)
    write(
        path,
        "INSERT INTO t (a) VALUES ('before')",
        *HARMLESS[case],
        "INSERT INTO t (a) VALUES ('after')",
        "DELETE FROM t WHERE a = 'x'",
    )
    assert source.capture.state(T).on
    _, found = changes(source, first)
    key = source.describe(T).key[0]
    assert {row[key]: (operation, row["a"]) for operation, row in seen(found)} == {
        1: (Operation.ABSENT, None),
        2: (Operation.PRESENT, "before"),
        3: (Operation.PRESENT, "after"),
    }


def test_unique_columns_may_be_renamed(tmp_path: Path) -> None:
    path = database(
        tmp_path / "t.db",
        "CREATE TABLE t (k TEXT NOT NULL UNIQUE, a TEXT, live INT, UNIQUE (a, live))",
        "CREATE UNIQUE INDEX i ON t (a) WHERE live = 1",
    )
    source = source_of(path)
    source.capture.enable([T])
    copy = Copy(source)
    write(path, "INSERT INTO t VALUES ('1', 'a', 1)")
    copy.follow()
    for old, new in (("a", "z z"), ("live", "is live"), ("k", "key"), ("key", "Key")):
        write(path, f'ALTER TABLE t RENAME COLUMN "{old}" TO "{new}"')
        assert source.capture.state(T).on, (old, new)
    write(path, "REPLACE INTO t VALUES ('2', 'a', 1)")
    images = seen(changes(source, copy.position)[1])
    assert [(operation, row["Key"]) for operation, row in images] == [(Operation.PRESENT, "2"), (Operation.ABSENT, "1")]


def test_state_says_what_lies_ahead_while_capture_is_on(tmp_path: Path) -> None:
    path = database(tmp_path / "t.db", "CREATE TABLE t (k TEXT PRIMARY KEY, a)")
    source = source_of(path)
    source.capture.enable([T])
    write(path, "INSERT INTO t VALUES (NULL, 1)")
    state = source.capture.state(T)
    assert state.on
    assert "“k” holds NULL" in state.reason


@pytest.mark.parametrize("attempt", range(2))
def test_rows_without_a_key_are_never_skipped(tmp_path: Path, attempt: int) -> None:
    path = database(tmp_path / "t.db", "CREATE TABLE t (k TEXT, n INT, a TEXT, PRIMARY KEY (n, k))")
    source = source_of(path)
    source.capture.enable([T])
    first = position(source)
    write(path, "INSERT INTO t VALUES ('k', 1, 'x'), (NULL, 2, 'y')")
    with pytest.raises(UserError, match="Table t: rows with NULL in the key column “k”"):
        changes(source, first)
    write(path, "UPDATE t SET k = 'j' WHERE k IS NULL" if attempt else "DELETE FROM t WHERE k IS NULL")
    with pytest.raises(PositionLost, match="NULL in the key column “k”"):
        changes(source, first)
    after = position(source)
    with sqlite(path) as connection:
        assert connection.execute("UPDATE t SET a = 'z'").rowcount == 1 + attempt
    assert len(seen(changes(source, after)[1])) == 1 + attempt
