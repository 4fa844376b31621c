"""What is kept for whom, what is purged, and how much waits."""

import time
from pathlib import Path

import pytest

from dtaas_desktop.connectors.sqlite import SqliteSource
from dtaas_desktop.domain.changes import Lag
from dtaas_desktop.domain.errors import PositionLost
from dtaas_desktop.domain.table import TableRef
from tests.connectors.sqlite.captured import T, changes, position, seen, stored, write
from tests.connectors.sqlite.databases import database, source_of, writer

U = TableRef("u")
DAY = 24 * 3600 * 1000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return database(
        tmp_path / "t.db",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)",
        "CREATE TABLE u (id INTEGER PRIMARY KEY)",
    )


@pytest.fixture
def source(path: Path) -> SqliteSource:
    source = source_of(path)
    source.capture.enable([T, U])
    return source


def entries(path: Path) -> list[object]:
    return [seq for (seq,) in stored(path, "SELECT seq FROM _dtaas_log_1 ORDER BY seq")]


def insert(path: Path, *ids: int) -> None:
    write(path, *(f"INSERT INTO t VALUES ({number}, 'x')" for number in ids))


def test_neither_of_two_consumers_loses_what_the_other_has_read(path: Path, source: SqliteSource) -> None:
    for consumer in ("slow", "quick"):
        source.capture.hold(consumer, [T, U])
    first = position(source)
    insert(path, 1, 2, 3)
    middle = position(source)
    source.capture.release("quick", {T: middle})
    assert entries(path) == [1, 2, 3]
    insert(path, 4)
    source.capture.release("quick", {T: position(source)})
    assert len(seen(changes(source, first)[1])) == 4
    source.capture.release("slow", {T: middle})
    assert entries(path) == [3, 4]
    source.capture.hold("slow", [T])
    assert len(seen(changes(source, middle)[1])) == 1
    source.capture.release("slow", {T: position(source)})
    assert entries(path) == [4], "the newest gives the next its number"
    insert(path, 5)
    assert entries(path) == [4, 5]


def test_numbers_are_never_used_twice(path: Path, source: SqliteSource) -> None:
    insert(path, 1)
    kept = position(source)
    source.capture.release("task", {T: kept})
    write(path, "BEGIN", "INSERT INTO t VALUES (2, 'x')", "ROLLBACK", "VACUUM")
    insert(path, 3)
    assert entries(path) == [1, 2]
    assert [row["id"] for _, row in seen(changes(source, kept)[1])] == [3]


def test_a_consumer_is_registered_once_at_the_end_and_then_only_refreshed(path: Path, source: SqliteSource) -> None:
    insert(path, 1, 2)
    source.capture.hold("task", [T])
    insert(path, 3)
    recorded = stored(path, "SELECT consumer, number, seq, seen_at FROM _dtaas_consumers")
    assert [row[:3] for row in recorded] == [("task", 1, 2)]
    assert abs(float(str(recorded[0][3])) / 1000 - time.time()) < 60
    source.capture.hold("task", [T, U])
    assert stored(path, "SELECT consumer, number, seq FROM _dtaas_consumers") == [("task", 1, 2), ("task", 2, 0)]
    write(path, f"UPDATE _dtaas_consumers SET seen_at = seen_at - {DAY}")
    source.capture.hold("task", [T])
    ages = stored(path, "SELECT number, (SELECT max(seen_at) FROM _dtaas_consumers) - seen_at FROM _dtaas_consumers")
    assert ages[0] == (1, 0)
    assert float(str(ages[1][1])) >= DAY - 60_000


def test_holding_what_is_held_disturbs_no_writer(path: Path, source: SqliteSource) -> None:
    source.capture.hold("task", [T, U])
    with writer(path) as other:
        assert other.execute("BEGIN IMMEDIATE") == "done"
        source.capture.hold("task", [T])
        source.capture.release("task", {T: position(source)})


def test_who_was_not_seen_for_a_month_holds_nothing_and_is_told(path: Path, source: SqliteSource) -> None:
    for consumer in ("gone", "here"):
        source.capture.hold(consumer, [T])
    first = position(source)
    insert(path, 1, 2)
    write(path, f"UPDATE _dtaas_consumers SET seen_at = seen_at - 29 * {DAY} WHERE consumer = 'gone'")
    source.capture.release("here", {T: position(source)})
    assert entries(path) == [1, 2]
    write(path, f"UPDATE _dtaas_consumers SET seen_at = seen_at - 2 * {DAY} WHERE consumer = 'gone'")
    source.capture.release("here", {T: position(source)})
    assert entries(path) == [2]
    source.capture.hold("gone", [T])
    with pytest.raises(PositionLost, match="nobody who needs them was seen"):
        changes(source, first)
    loaded = position(source)
    insert(path, 3)
    source.capture.release("gone", {T: loaded})
    assert len(seen(changes(source, loaded)[1])) == 1


def test_consumers_of_one_table_do_not_hold_another(path: Path, source: SqliteSource) -> None:
    source.capture.hold("other", [U])
    source.capture.hold("task", [T])
    insert(path, 1, 2, 3)
    source.capture.release("task", {T: position(source)})
    assert entries(path) == [3]


def test_releasing_goes_forward_only(path: Path, source: SqliteSource) -> None:
    source.capture.hold("slow", [T])
    insert(path, 1)
    older = position(source)
    insert(path, 2)
    source.capture.release("task", {T: position(source)})
    write(path, f"UPDATE _dtaas_consumers SET seen_at = seen_at - {DAY}")
    source.capture.release("task", {T: older})
    assert stored(path, "SELECT consumer, seq FROM _dtaas_consumers ORDER BY consumer") == [("slow", 0), ("task", 2)]


def test_releasing_and_holding_what_is_not_captured_does_nothing(path: Path, source: SqliteSource) -> None:
    insert(path, 1)
    last = position(source)
    source.capture.release("task", {TableRef("never there"): last, U: last})
    source.capture.disable([T])
    source.capture.release("task", {T: last})
    source.capture.hold("task", [T, TableRef("never there"), TableRef("q", query="SELECT 1")])
    assert stored(path, "SELECT * FROM _dtaas_consumers") == []


def test_a_long_log_is_purged_in_pieces(path: Path, source: SqliteSource, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dtaas_desktop.connectors.sqlite.consumers._PURGED_AT_ONCE", 7)
    insert(path, *range(30))
    write(path, *(f"INSERT INTO u VALUES ({number})" for number in range(10)))
    source.capture.release("task", {T: position(source), U: position(source, U)})
    assert entries(path) == [30]
    assert stored(path, "SELECT seq FROM _dtaas_log_2") == [(10,)]


def test_lag_counts_what_waits_and_since_when(path: Path, source: SqliteSource) -> None:
    first, other = position(source), position(source, U)
    assert source.capture.lag({T: first, U: other}) == {T: Lag(0, None), U: Lag(0, None)}
    insert(path, 1, 2)
    write(path, "UPDATE _dtaas_log_1 SET at = 1700000000500 WHERE seq = 1")
    lag = source.capture.lag({T: first, U: other})
    assert lag == {T: Lag(2, 1700000000.5), U: Lag(0, None)}
    middle = position(source)
    insert(path, 3)
    oldest = source.capture.lag({T: middle})[T].oldest
    assert oldest is not None
    assert abs(oldest - time.time()) < 60


def test_lag_sees_at_once_that_capture_was_spoiled(path: Path, source: SqliteSource) -> None:
    last = position(source)
    for _ in range(2):
        assert source.capture.lag({T: last})[T].changes == 0
    write(path, "DROP TRIGGER _dtaas_1_insert")
    assert source.capture.lag({T: last})[T].changes == 1
    source.capture.disable([T])
    assert source.capture.lag({T: last, TableRef("q", query="SELECT 1"): last}) == {
        T: Lag(1, None),
        TableRef("q", query="SELECT 1"): Lag(1, None),
    }
