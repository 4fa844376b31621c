"""Reads that belong together: moments, locks, transactions, stopping, and what it cost the server."""

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pyarrow as pa
import pytest

from dtaas_desktop.connectors.sqlserver import SqlServerSource
from dtaas_desktop.connectors.sqlserver.reader import PartStream
from dtaas_desktop.domain.errors import TransientError, UserError
from dtaas_desktop.domain.ports import Session
from dtaas_desktop.domain.table import CellPolicy, Part, TableDescription, TableRef
from tests.connectors.sqlserver.world import World
from tests.servers.sqlserver import Fault


def table_of(world: World, rows: int) -> TableRef:
    name = f"t{uuid.uuid4().hex[:10]}"
    world.run(f"CREATE TABLE {world.name(name)} (id int NOT NULL PRIMARY KEY, n int NOT NULL, é nvarchar(20))")
    world.insert(name, [(number, 0, f"Größe {number}") for number in range(rows)])
    return world.ref(name)


def total(session: Session, table: TableDescription, parts: list[Part]) -> tuple[int, int]:
    """Rows, and the sum of n."""
    rows = found = 0
    for part in parts:
        with session.read(table, part, columns=["id", "n"], cells=CellPolicy()) as stream:
            for batch in stream:
                rows += batch.batch.num_rows
                found += sum(batch.batch.column("n").to_pylist())
    return rows, found


def split(source: SqlServerSource, ref: TableRef, wanted: int) -> tuple[TableDescription, list[Part]]:
    table = source.describe(ref)
    return table, list(source.split(table, wanted, exact=False))


def test_names_and_keys_beyond_ascii_are_read(sql_server: World) -> None:
    name = f"Größe [{uuid.uuid4().hex[:6]}] 日本"
    sql_server.run(f"CREATE TABLE {sql_server.name(name)} ([naïve ]] key] nvarchar(20) NOT NULL PRIMARY KEY)")
    words = sorted(["Å", "Ä", "日", "a", "😀", "Привет"])
    sql_server.insert(name, [(word,) for word in words])
    source = sql_server.source()
    table, parts = split(source, sql_server.ref(name), 3)
    with source.session([table.table], exact=False) as session:
        found: list[object] = []
        for part in parts:
            with session.read(table, part, columns=["naïve ] key"], cells=CellPolicy()) as stream:
                found += pa.Table.from_batches([rows.batch for rows in stream], stream.schema).column(0).to_pylist()
    assert sorted(map(str, found)) == words


def test_one_moment_is_one_over_several_tables_and_threads(sql_server: World) -> None:
    refs = [table_of(sql_server, 50), table_of(sql_server, 50)]
    source = sql_server.source()
    described = [split(source, ref, 4) for ref in refs]
    with source.session(refs, exact=True) as session:
        first = total(session, described[0][0], described[0][1][:1])
        with sql_server.connection(autocommit=False) as writer:
            for ref in refs:
                writer.execute(f"UPDATE {sql_server.name(ref.name)} SET n = 1")
            writer.commit()
        rest = total(session, described[0][0], described[0][1][1:])
        other = total(session, *described[1])
        assert session.harm().longest_transaction == 0  # it is not over yet
    assert (first[0] + rest[0], first[1] + rest[1]) == (50, 0)
    assert other == (50, 0)
    assert session.harm().longest_transaction > 0
    with source.session(refs, exact=True) as session:
        assert total(session, *described[1]) == (50, 50)


def test_one_moment_is_refused_where_the_database_allows_no_snapshot(sql_server: World) -> None:
    if sql_server.stand_in is None:
        pytest.skip("a real server's databases are left as they are")
    control = sql_server.stand_in.control
    database = f"d{uuid.uuid4().hex[:8]}"
    control.run(f"CREATE DATABASE [{database}]")
    control.run("CREATE TABLE dbo.t (id int NOT NULL PRIMARY KEY)", database=database)
    source = sql_server.source(database=database)
    with pytest.raises(UserError) as caught, source.session([TableRef("t", "dbo")], exact=True):
        pass
    assert "does not allow snapshots" in caught.value.message
    assert "ALLOW_SNAPSHOT_ISOLATION" in caught.value.remedy
    assert any("snapshots are not allowed" in step.detail for step in source.check())
    control.run(f"DROP DATABASE [{database}]")


@pytest.mark.parametrize("isolation", ["read committed", "snapshot", "repeatable read"])
def test_every_isolation_reads_every_part(sql_server: World, isolation: str) -> None:
    ref = table_of(sql_server, 100)
    source = sql_server.source(isolation=isolation)
    table, parts = split(source, ref, 5)
    for exact in (False, True):
        with source.session([ref], exact=exact) as session:
            assert total(session, table, parts) == (100, 0)
            transaction = session.harm().longest_transaction
        assert (transaction > 0) == (isolation != "read committed" and not exact)


def test_repeatable_read_as_one_moment_keeps_writers_waiting_until_it_is_over(sql_server: World) -> None:
    ref = table_of(sql_server, 20)
    source = sql_server.source(isolation="repeatable read")
    table, parts = split(source, ref, 2)
    done = threading.Event()

    def write() -> None:
        sql_server.run(f"UPDATE {sql_server.name(ref.name)} SET n = 1")
        done.set()

    writer = threading.Thread(target=write)
    with source.session([ref], exact=True) as session:
        writer.start()
        assert total(session, table, parts) == (20, 0)
        assert not done.is_set()
        assert total(session, table, parts) == (20, 0)
    writer.join(30)
    assert done.is_set()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "the condition never came true"
        time.sleep(0.02)


@contextmanager
def locked(world: World, ref: TableRef) -> Iterator[None]:
    """Somebody has changed a row, and does not commit."""
    with world.connection(autocommit=False) as writer:
        writer.execute(f"UPDATE {world.name(ref.name)} SET n = 7 WHERE id = 3")
        yield
        writer.rollback()


def test_a_locked_row_is_waited_for_as_long_as_set_and_then_tried_again(sql_server: World) -> None:
    ref = table_of(sql_server, 10)
    source = sql_server.source(lock_seconds=1)
    table, parts = split(source, ref, 1)
    with source.session([ref], exact=False) as session:
        with locked(sql_server, ref), pytest.raises(TransientError) as caught:
            total(session, table, parts)
        assert "1222" in caught.value.message
        assert ref.name in caught.value.message
        assert total(session, table, parts) == (10, 0)


def test_a_statement_that_waits_for_a_lock_is_given_up_in_time(sql_server: World) -> None:
    ref = table_of(sql_server, 10)
    source = sql_server.source(query_seconds=1)
    table, parts = split(source, ref, 1)
    with source.session([ref], exact=False) as session:
        with locked(sql_server, ref), pytest.raises(TransientError) as caught:
            total(session, table, parts)
        assert "did not answer in time" in caught.value.message
        assert total(session, table, parts) == (10, 0)


def test_a_cancel_reaches_a_server_that_waits_for_a_lock(sql_server: World) -> None:
    """The session is gone from the server while the lock is still held; it need not come to an end by itself."""
    ref = table_of(sql_server, 10)
    source = sql_server.source()
    table, parts = split(source, ref, 1)

    def reading() -> set[int]:
        text = "SELECT session_id FROM sys.dm_exec_sessions WHERE program_name = 'DTaaS Desktop' AND status = 'running'"
        return {row[0] for row in sql_server.rows(text)}

    before = reading()
    with (
        locked(sql_server, ref),
        source.session([ref], exact=False) as session,
        session.read(table, parts[0], columns=["id"], cells=CellPolicy()) as stream,
    ):
        got: list[object] = []
        reader = threading.Thread(target=lambda: got.extend(stream))
        reader.start()
        until(lambda: bool(reading() - before))
        began = time.monotonic()
        stream.cancel()
        reader.join(30)
        until(lambda: not reading() - before)
        assert time.monotonic() - began < 30  # it is about two seconds; without the cancel it would be a minute
        assert (got, reader.is_alive()) == ([], False)


def test_a_cancel_reaches_a_server_that_is_silent(sql_server: World) -> None:
    ref = table_of(sql_server, 10)
    source = sql_server.source()
    table, parts = split(source, ref, 1)
    with source.session([ref], exact=False) as session:
        with (
            sql_server.fault(Fault("wait", pattern=f"AS c0.*{ref.name}", seconds=60)),
            session.read(table, parts[0], columns=["id"], cells=CellPolicy()) as stream,
        ):
            timer = threading.Timer(0.3, stream.cancel)
            timer.start()
            began = time.monotonic()
            assert list(stream) == []
            assert time.monotonic() - began < 10  # without the cancel it waits for a minute
            timer.join()
        assert total(session, table, parts) == (10, 0), "the session goes on with another connection"


def test_a_cancel_stops_a_server_that_sends_slowly(sql_server: World) -> None:
    ref = table_of(sql_server, 200)
    source = sql_server.source()
    table, parts = split(source, ref, 1)
    with (
        sql_server.fault(Fault("slow", pattern=f"AS c0.*{ref.name}", rows=1, seconds=0.5)),
        source.session([ref], exact=False) as session,
        session.read(table, parts[0], columns=["id"], cells=CellPolicy()) as stream,
    ):
        timer = threading.Timer(0.3, stream.cancel)
        timer.start()
        began = time.monotonic()
        assert list(stream) == []
        assert time.monotonic() - began < 20  # of the 100 seconds that it would take
        timer.join()


def test_the_harm_is_measured(sql_server: World) -> None:
    ref = table_of(sql_server, 300)
    source = sql_server.source()
    table, parts = split(source, ref, 3)
    with source.session([ref], exact=False) as session:
        total(session, table, parts)
        harm = session.harm()
    assert (harm.statements, harm.rows, harm.longest_transaction) == (3, 300, 0)
    assert harm.bytes >= 300 * 8
    assert 0 < harm.longest_statement < 60
    assert "300 rows" in harm.words


def test_a_column_that_was_dropped_is_told(sql_server: World) -> None:
    ref = table_of(sql_server, 3)
    source = sql_server.source()
    table, parts = split(source, ref, 1)
    sql_server.run(f"ALTER TABLE {sql_server.name(ref.name)} DROP COLUMN n")
    with pytest.raises(UserError) as caught, source.session([ref], exact=False) as session:
        total(session, table, parts)
    assert ref.name in caught.value.message


def test_a_part_that_ends_while_it_is_told_to_stop_ends_well(sql_server: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pause that came in the moment a part was read to its end made the table fail: a thread was waited for before it began."""
    source = sql_server.source()
    table, parts = split(source, table_of(sql_server, 10), 1)
    wrong: list[BaseException] = []

    class EndsMeanwhile(threading.Timer):
        def start(self) -> None:
            ending.start()
            ending.join(0.2)  # it may have to wait for us
            super().start()

    def end() -> None:
        try:
            part.close()
        except RuntimeError as error:
            wrong.append(error)

    with source.session([table.table], exact=False) as session:
        with session.read(table, parts[0], columns=["id"], cells=CellPolicy()) as stream:
            assert isinstance(stream, PartStream)
            part = stream
            assert sum(rows.batch.num_rows for rows in stream) == 10
            ending = threading.Thread(target=end)
            monkeypatch.setattr("dtaas_desktop.connectors.sqlserver.reader.threading.Timer", EndsMeanwhile)
            stream.cancel()
            ending.join()
            monkeypatch.undo()
        assert wrong == []
        assert total(session, table, parts) == (10, 0)
