"""One moment over many connections, while others write."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pyarrow as pa
import pytest
from tenacity import retry, retry_if_exception_type, stop_after_attempt

from dtaas_desktop.connectors.sqlite import SqliteSource
from dtaas_desktop.connectors.sqlite.pages import ChunkSize
from dtaas_desktop.domain.errors import TransientError
from dtaas_desktop.domain.table import Part, TableRef
from tests.connectors.sqlite.databases import database, source_of, writer
from tests.contracts.source_contract import read_part

ACCOUNTS = TableRef("accounts")
# Moves money between accounts, thousands of times a second: the sum is the same at every moment, and only at one moment.
MOVES = """
import random, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
connection.execute("PRAGMA synchronous = OFF")
print("ready", flush=True)
number = 0
while True:
    number += 1
    a, b = random.randrange(5000), random.randrange(5000)
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("UPDATE accounts SET money = money - 1 WHERE id = ?", (a,))
    connection.execute("UPDATE accounts SET money = money + 1 WHERE id = ?", (b,))
    connection.execute("COMMIT")
"""


def accounts(path: Path, mode: str) -> Path:
    return database(
        path,
        f"PRAGMA journal_mode = {mode}",
        "CREATE TABLE accounts (id INTEGER PRIMARY KEY, money INTEGER, padding TEXT)",
        rows=[("INSERT INTO accounts VALUES (?, 100, ?)", [(number, "x" * 200) for number in range(5000)])],
    )


@retry(retry=retry_if_exception_type(TransientError), stop=stop_after_attempt(5), reraise=True)
def all_parts(source: SqliteSource) -> pa.Table:
    """Read again, as a run does, when a writer that never rests leaves no gap for ten seconds."""
    table = source.describe(ACCOUNTS)
    parts = source.split(table, 8, exact=True)
    with source.session([ACCOUNTS], exact=True) as session, ThreadPoolExecutor(4) as pool:
        return pa.concat_tables(pool.map(partial(read_part, session, table), parts))


@pytest.mark.parametrize("mode", ["WAL", "DELETE"])
def test_a_sum_over_all_parts_is_right_while_money_moves(tmp_path: Path, mode: str) -> None:
    path = accounts(tmp_path / "bank.db", mode)
    source = source_of(path, ChunkSize(rows=100))
    with subprocess.Popen([sys.executable, "-c", MOVES, str(path)], stdout=subprocess.PIPE, text=True) as mover:
        try:
            assert mover.stdout is not None
            assert mover.stdout.readline() == "ready\n"
            for _ in range(4):
                found = all_parts(source)
                assert len(found) == 5000
                assert sum(found.column("money").to_pylist()) == 500_000
        finally:
            mover.kill()


def test_under_constant_commits_the_snapshot_is_taken_under_the_writers_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dtaas_desktop.connectors.sqlite.session._TRIES", 0)
    path = accounts(tmp_path / "bank.db", "WAL")
    source = source_of(path)
    table = source.describe(ACCOUNTS)
    with writer(path, patience=0) as other:
        with source.session([ACCOUNTS], exact=True) as session:
            assert other.execute("UPDATE accounts SET money = 1") == "done", "the lock is held for a moment only"
            assert set(read_part(session, table, Part("0")).column("money").to_pylist()) == {100}
        assert other.execute("BEGIN IMMEDIATE") == "done"
        monkeypatch.setattr("dtaas_desktop.connectors.sqlite.connection.BUSY_MILLISECONDS", 50)
        with pytest.raises(TransientError, match="locked"), source.session([ACCOUNTS], exact=True):
            pass


def test_outside_wal_writers_wait_for_the_session_and_no_longer(tmp_path: Path) -> None:
    path = accounts(tmp_path / "bank.db", "DELETE")
    source = source_of(path)
    with writer(path, patience=0) as other:
        with source.session([ACCOUNTS], exact=True):
            assert other.execute("UPDATE accounts SET money = 1") == "database is locked"
        assert other.execute("UPDATE accounts SET money = 1") == "done"


def test_part_by_part_writers_wait_for_a_part_only(tmp_path: Path) -> None:
    path = accounts(tmp_path / "bank.db", "DELETE")
    source = source_of(path)
    table = source.describe(ACCOUNTS)
    with writer(path, patience=0) as other, source.session([ACCOUNTS], exact=False) as session:
        assert len(read_part(session, table, Part("0", None, 100))) == 100
        assert other.execute("UPDATE accounts SET money = 7") == "done"
        assert set(read_part(session, table, Part("1", 100, None)).column("money").to_pylist()) == {7}


def test_a_session_waits_for_a_writer_that_is_about_to_commit(tmp_path: Path) -> None:
    path = accounts(tmp_path / "bank.db", "DELETE")
    source = source_of(path)
    with writer(path) as other, ThreadPoolExecutor(1) as pool:
        table = source.describe(ACCOUNTS)
        assert other.execute("BEGIN EXCLUSIVE") == "done"
        assert other.execute("UPDATE accounts SET money = 2") == "done"

        def money() -> set[int]:
            with source.session([ACCOUNTS], exact=True) as session:
                return set(read_part(session, table, Part("0")).column("money").to_pylist())

        reading = pool.submit(money)
        assert not reading.done()
        assert other.execute("COMMIT") == "done"
        assert reading.result(timeout=30) == {2}


def test_a_database_that_stays_locked_is_a_transient_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dtaas_desktop.connectors.sqlite.connection.BUSY_MILLISECONDS", 50)
    path = accounts(tmp_path / "bank.db", "DELETE")
    with writer(path) as other:
        assert other.execute("BEGIN EXCLUSIVE") == "done"
        with pytest.raises(TransientError, match="locked"):
            source_of(path).describe(ACCOUNTS)


def test_what_a_killed_writer_left_in_the_wal_is_read(tmp_path: Path) -> None:
    path = accounts(tmp_path / "bank.db", "WAL")
    with writer(path) as other:
        assert other.execute("UPDATE accounts SET money = 9") == "done"
        other.kill()
    source = source_of(path)
    table = source.describe(ACCOUNTS)
    with source.session([ACCOUNTS], exact=True) as session:
        assert set(read_part(session, table, Part("0")).column("money").to_pylist()) == {9}


def test_what_a_killed_writer_left_half_written_is_rolled_back(tmp_path: Path) -> None:
    path = accounts(tmp_path / "bank.db", "DELETE")
    with writer(path) as other:
        assert other.execute("PRAGMA cache_size = 5") == "done"
        assert other.execute("BEGIN") == "done"
        assert other.execute("UPDATE accounts SET money = 3") == "done"
        other.kill()
    assert (tmp_path / "bank.db-journal").exists(), "the writer should have spilled its cache into the file"
    source = source_of(path)
    table = source.describe(ACCOUNTS)
    with source.session([ACCOUNTS], exact=True) as session:
        assert set(read_part(session, table, Part("0")).column("money").to_pylist()) == {100}


def test_a_table_dropped_meanwhile_is_still_in_the_snapshot(tmp_path: Path) -> None:
    path = accounts(tmp_path / "bank.db", "WAL")
    source = source_of(path)
    table = source.describe(ACCOUNTS)
    with writer(path) as other, source.session([ACCOUNTS], exact=True) as session:
        assert other.execute("DROP TABLE accounts") == "done"
        assert len(read_part(session, table, Part("0"))) == 5000


def test_a_snapshot_holds_although_tables_are_described_meanwhile_and_the_last_other_program_leaves(tmp_path: Path) -> None:
    # Closing any descriptor of the file in this process once dropped the locks that kept the other program from emptying the log.
    path = accounts(tmp_path / "bank.db", "WAL")
    source = source_of(path)
    table = source.describe(ACCOUNTS)
    leaving = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('UPDATE accounts SET money = 7'); c.commit(); c.close()"
    )
    with source.session([ACCOUNTS], exact=True) as session:
        source.describe(ACCOUNTS)
        source.split(table, 2, exact=True)
        subprocess.run([sys.executable, "-c", leaving, str(path)], check=True)
        assert set(read_part(session, table, Part("0")).column("money").to_pylist()) == {100}
    with source.session([ACCOUNTS], exact=True) as session:
        assert set(read_part(session, table, Part("0")).column("money").to_pylist()) == {7}
