"""Servers that lack a view, a function or a setting, tables with rules of their own, and what the browser service tells."""

import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pyarrow as pa
import pytest

from dtaas_desktop.connectors.sqlserver import SqlServerSource, connecting
from dtaas_desktop.connectors.sqlserver.fidelity import measured
from dtaas_desktop.connectors.sqlserver.keys import literal_of
from dtaas_desktop.connectors.sqlserver.relations import StoredColumn
from dtaas_desktop.connectors.sqlserver.types import readings_of
from dtaas_desktop.domain.errors import TransientError, UserError
from dtaas_desktop.domain.sqlserver_settings import SqlServerSettings
from dtaas_desktop.domain.table import CellPolicy, TableRef
from tests.connectors.sqlserver.world import World
from tests.servers.sqlserver import Fault

ROWS = 300


@pytest.fixture
def ref(sql_server: World) -> TableRef:
    name = f"t{uuid.uuid4().hex[:10]}"
    sql_server.run(
        f"CREATE TABLE {sql_server.name(name)} (id int NOT NULL PRIMARY KEY, at datetimeoffset(3), t nvarchar(max), d decimal(9,2))"
    )
    sql_server.run(
        *(
            f"INSERT INTO {sql_server.name(name)} VALUES ({n}, '2024-02-29T12:00:00.123+01:00', N'text {n}', {n}.25)"
            for n in (1, 2)
        )
    )
    sql_server.insert(name, [(n, None, f"text {n}", 0) for n in range(3, ROWS + 1)])
    return sql_server.ref(name)


def read(source: SqlServerSource, ref: TableRef, *, exact: bool = False) -> pa.Table:
    table = source.describe(ref)
    names = [column.name for column in table.columns]
    batches = []
    with source.session([ref], exact=exact) as session:
        for part in source.split(table, 4, exact=exact):
            with session.read(table, part, columns=names, cells=CellPolicy()) as stream:
                batches += [rows.batch for rows in stream]
    return pa.Table.from_batches(batches).sort_by("id")


LACKING = {
    "sizes": ("sys\\.partitions", 208),
    "pages": ("sys\\.allocation_units", 208),
    "indexes": ("sys\\.indexes", 208),
    "change tracking": ("change_tracking_tables", 208),
    "databases": ("sys\\.databases", 208),
    "extended traits of tables": ("sys\\.tables", 208),
    "a property of the server": ("SERVERPROPERTY", 195),
    "a setting of the session": ("DEADLOCK_PRIORITY", 102),
    "samples": ("TABLESAMPLE", 494),
    "what may be read": ("HAS_PERMS_BY_NAME", 195),
}


@pytest.mark.parametrize("lacking", LACKING)
def test_a_server_that_lacks_something_is_read_all_the_same(
    sql_server: World, ref: TableRef, lacking: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dtaas_desktop.connectors.sqlserver.ranges._RANKED_WHOLE", 50)
    monkeypatch.setattr("dtaas_desktop.connectors.sqlserver.ranges._SAMPLE", 20)
    monkeypatch.setattr("dtaas_desktop.connectors.sqlserver.ranges._SAMPLE_FOR_A_PART", 20)
    pattern, number = LACKING[lacking]
    with sql_server.fault(Fault("error", pattern=pattern, number=number, text=f"Without {lacking}.", times=10_000)):
        source = sql_server.source()
        assert read(source, ref).column("id").to_pylist() == list(range(1, ROWS + 1))
        steps = list(source.check())
    assert all(step.ok for step in steps), steps
    described = source.describe(ref)
    assert (described.rows_estimate is None) == (lacking == "sizes")
    assert described.key == (() if lacking == "indexes" else ("id",))


def test_a_query_is_described_by_the_driver_where_the_server_cannot(sql_server: World, ref: TableRef) -> None:
    query = TableRef(
        "mine",
        query=f"SELECT id, at, t, d, CAST(1 AS bit) AS b, CAST(0x01 AS varbinary(4)) AS v FROM {sql_server.name(ref.name)}",
    )
    with sql_server.fault(Fault("error", pattern="dm_exec_describe", number=208, text="Not there.", times=10_000)):
        found = read(sql_server.source(), query)
    expected = read(sql_server.source(), query)
    assert found.num_rows == ROWS
    if "tds" not in sql_server.driver.lower():
        assert found.equals(expected.cast(found.schema))
    assert found.column("d").to_pylist()[:3] == expected.column("d").to_pylist()[:3]


@pytest.mark.parametrize("isolation", ["read committed", "snapshot", "repeatable read"])
def test_a_table_in_memory_is_read_under_the_rules_of_its_own(sql_server: World, ref: TableRef, isolation: str) -> None:
    """Sessions of the level SNAPSHOT may not read it (41332), transactions only with a hint (41368), and it takes no table locks."""
    if sql_server.stand_in is None:
        pytest.skip("such tables cannot be made on every server")
    database = sql_server.settings.database
    sql_server.stand_in.control.mark("object", f"{ref.schema}.{ref.name}", database=database, memory_optimized=1)
    source = sql_server.source(isolation=isolation)
    for exact in (False, True):
        assert read(source, ref, exact=exact).num_rows == ROWS
    other = f"t{uuid.uuid4().hex[:10]}"
    sql_server.run(f"CREATE TABLE {sql_server.name(other)} (id int)")
    with pytest.raises(UserError) as caught, source.session([ref, sql_server.ref(other)], exact=True):
        pass
    assert "memory-optimised" in caught.value.message


def test_a_replica_gives_one_moment_to_one_connection_only(sql_server: World, ref: TableRef) -> None:
    """There our lock keeps nobody from going on, so that a second connection would begin at a later moment."""
    if sql_server.stand_in is None:
        pytest.skip("a real server's replicas are left as they are")
    control = sql_server.stand_in.control
    text = "SELECT COUNT(*) FROM sys.dm_exec_sessions WHERE program_name = 'DTaaS Desktop' AND open_transaction_count > 0"

    def reading() -> int:
        source = sql_server.source()
        with source.session([ref], exact=True):
            return int(sql_server.rows(text)[0][0])

    assert reading() > 1
    control.configure(read_only_secondary=True)
    try:
        source = sql_server.source()
        with source.session([ref], exact=True):
            opened = [one for one in control.sessions() if one["program"] == "DTaaS Desktop" and one["depth"]]
            assert len(opened) == 1
    finally:
        control.configure(read_only_secondary=False)


def test_encrypted_columns_are_asked_for_as_they_are(sql_server: World) -> None:
    """The server can neither measure nor compare what it cannot read."""
    sealed = StoredColumn("c", "nvarchar", max_length=100, scale=7, encrypted=True)
    (reading,) = readings_of(sealed, sql_server.settings)
    assert (reading.sql, reading.type, reading.large) == ("r.[c]", pa.large_binary(), "")
    assert reading.width >= 65 + 100
    name = f"t{uuid.uuid4().hex[:10]}"
    sql_server.run(f"CREATE TABLE {sql_server.name(name)} (id int NOT NULL PRIMARY KEY, c datetime2(7))")
    source = sql_server.source()
    relation = source.relation(sql_server.ref(name))
    said = source.describe(sql_server.ref(name)).fidelity
    hidden = replace(relation, columns=(relation.columns[0], replace(relation.columns[1], encrypted=True)))
    asking = connecting.Asking(lambda: pytest.fail("nothing is asked"))
    assert measured(asking, hidden, said) == tuple(said)


def test_integers_beyond_int_are_literals_of_their_own_type() -> None:
    assert literal_of(StoredColumn("k", "bigint"), 5) == "5"
    assert literal_of(StoredColumn("k", "bigint"), 2**33) == "CAST(8589934592 AS bigint)"
    assert literal_of(StoredColumn("k", "bigint"), -(2**63)) == "CAST(-9223372036854775808 AS bigint)"


@contextmanager
def browser(answer: bytes, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bytes]]:
    """A SQL Server Browser that answers the second time only: datagrams are lost."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as told:
        told.bind(("127.0.0.1", 0))
        monkeypatch.setattr(connecting, "_BROWSER_PORT", told.getsockname()[1])
        asked: list[bytes] = []

        def serve() -> None:
            while True:
                question, address = told.recvfrom(100)
                if question == b"end":
                    return
                asked.append(question)
                if len(asked) > 1 and answer:
                    told.sendto(b"\x05" + len(answer).to_bytes(2, "little") + answer, address)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield asked
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
                last.sendto(b"end", told.getsockname())
            thread.join()


def test_the_port_of_an_instance_is_asked_from_the_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    told = b"ServerName;TCP;InstanceName;SQLEXPRESS;IsClustered;No;Version;16.0.1000.6;np;\\\\TCP\\pipe\\sql\\query;tcp;51433;;"
    with browser(told, monkeypatch) as asked:
        assert connecting.instance_port("127.0.0.1", "SQLEXPRESS", 1.5) == 51433
    assert asked == [b"\x04SQLEXPRESS\0"] * 2
    with browser(told.replace(b"tcp;51433;", b""), monkeypatch), pytest.raises(UserError):
        connecting.instance_port("127.0.0.1", "SQLEXPRESS", 1.5)
    with browser(b"", monkeypatch), pytest.raises(TransientError):
        connecting.instance_port("127.0.0.1", "SQLEXPRESS", 0.3)


def test_an_address_of_ipv6_is_reached(sql_server: World) -> None:
    if sql_server.stand_in is None or not socket.has_ipv6:
        pytest.skip("a forwarder to the stand-in is needed")
    with forwarded(sql_server.stand_in.port) as port:
        settings = SqlServerSettings.model_validate(sql_server.settings.model_dump() | {"server": "::1", "port": port})
        steps = list(SqlServerSource(settings, secret=sql_server.secret).check())
    assert all(step.ok for step in steps), steps


@contextmanager
def forwarded(to: int) -> Iterator[int]:
    """A port of ::1 behind which 127.0.0.1 answers."""
    listening = socket.socket(socket.AF_INET6)
    try:
        listening.bind(("::1", 0))
    except OSError:
        pytest.skip("this computer has no IPv6")
    listening.listen()
    threads: list[threading.Thread] = []

    def carry(one: socket.socket, other: socket.socket) -> None:
        with one, other:
            while data := one.recv(65_536):
                other.sendall(data)
            other.shutdown(socket.SHUT_WR)

    def accept() -> None:
        while True:
            try:
                client, _ = listening.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", to))
            for one, other in ((client, server), (server.dup(), client.dup())):
                threads.append(threading.Thread(target=carry, args=(one, other)))
                threads[-1].start()

    threads.append(threading.Thread(target=accept))
    threads[0].start()
    try:
        yield int(listening.getsockname()[1])
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        for thread in threads:
            thread.join(10)
