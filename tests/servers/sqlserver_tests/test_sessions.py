"""Connecting, refusing, encrypting, transactions, cancelling, and the faults that tests put in."""

import threading
import time
from collections.abc import Iterator

import pytest

from tests.servers.sqlserver import Fault, SqlServer
from tests.servers.sqlserver.api import ControlError
from tests.servers.sqlserver.drivers import Driver, native_number
from tests.servers.sqlserver_tests.conftest import NO_MANAGER, Connect

pytest.importorskip("pyodbc", reason=NO_MANAGER, exc_type=ImportError)
import pyodbc

ENCRYPTED = "SELECT CAST(encrypt_option AS varchar(10)) FROM sys.dm_exec_connections WHERE session_id = @@SPID"


@pytest.fixture
def session(connect: Connect, database: str, microsoft: Driver) -> pyodbc.Connection:
    connection = connect(database, using=microsoft)
    connection.execute("CREATE TABLE t(id int PRIMARY KEY, name varchar(20))")
    connection.execute("INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c')")
    return connection


# ---- encryption


@pytest.mark.parametrize(
    ("tls", "wish", "answer"),
    [
        ("unsupported", "no", "FALSE"),
        ("unsupported", "yes", "Encryption not supported"),
        ("optional", "no", "FALSE"),
        ("optional", "yes", "TRUE"),
        ("on", "no", "TRUE"),
        ("on", "yes", "TRUE"),
        ("required", "no", "TRUE"),
        ("required", "yes", "TRUE"),
    ],
)
def test_encryption_is_agreed_as_the_protocol_says(
    server: SqlServer, connect: Connect, microsoft: Driver, tls: str, wish: str, answer: str
) -> None:
    server.control.configure(tls=tls)
    try:
        if answer in {"TRUE", "FALSE"}:
            connection = connect(using=microsoft, encrypt=wish, TrustServerCertificate="yes")
            assert connection.execute(ENCRYPTED).fetchval() == answer
            assert len(connection.execute("SELECT REPLICATE(CAST('x' AS varchar(max)), 1000000)").fetchval()) == 1_000_000
        else:
            with pytest.raises(pyodbc.Error, match=answer):
                connect(using=microsoft, encrypt=wish)
    finally:
        server.control.configure(tls="optional")


def test_an_unknown_certificate_is_refused_by_the_driver(connect: Connect, microsoft: Driver) -> None:
    with pytest.raises(pyodbc.Error, match="certificate verify failed"):
        connect(using=microsoft, encrypt="yes")


def test_strict_encryption_starts_with_tls(server: SqlServer, connect: Connect, microsoft: Driver) -> None:
    connection = connect(using=microsoft, encrypt="strict", ServerCertificate=str(server.certificate))
    assert connection.execute(ENCRYPTED).fetchval() == "TRUE"


def test_freetds_connects_in_clear_and_encrypted(connect: Connect, freetds: Driver) -> None:
    assert connect(using=freetds, Encryption="off").execute(ENCRYPTED).fetchval() == "FALSE"
    assert connect(using=freetds, Encryption="require").execute(ENCRYPTED).fetchval() == "TRUE"


# ---- login


@pytest.fixture
def logins(server: SqlServer, database: str) -> Iterator[None]:
    server.control.run(
        "CREATE LOGIN bob WITH PASSWORD = 'b'; CREATE LOGIN closed WITH PASSWORD = 'o'; ALTER LOGIN closed DISABLE"
    )
    server.control.run("CREATE LOGIN late WITH PASSWORD = 'l'; CREATE LOGIN stuck WITH PASSWORD = 's'")
    server.control.mark("login", "late", expired=1)
    server.control.mark("login", "stuck", locked=1)
    yield
    server.control.run("DROP LOGIN bob; DROP LOGIN closed; DROP LOGIN late; DROP LOGIN stuck")


@pytest.mark.parametrize(
    ("user", "password", "number"),
    [
        ("nobody", "x", 18456),
        ("sa", "wrong", 18456),
        ("closed", "o", 18470),
        ("closed", "wrong", 18456),
        ("late", "l", 18488),
        ("stuck", "s", 18486),
        ("bob", "b", 4060),
    ],
)
def test_a_login_is_refused_with_its_number(
    connect: Connect, database: str, logins: None, microsoft: Driver, user: str, password: str, number: int
) -> None:
    with pytest.raises(pyodbc.Error) as refused:
        connect(database, using=microsoft, user=user, password=password)
    assert native_number(refused.value) == number


def test_a_password_may_hold_every_sign(server: SqlServer, connect: Connect, microsoft: Driver) -> None:
    server.control.run("CREATE LOGIN odd WITH PASSWORD = 'a;b}c''d{e=ж '")
    try:
        assert connect(using=microsoft, user="odd", password="a;b}c'd{e=ж ").execute("SELECT SUSER_SNAME()").fetchval() == "odd"
    finally:
        server.control.run("DROP LOGIN odd")


def test_an_unknown_database_is_refused(connect: Connect, microsoft: Driver) -> None:
    with pytest.raises(pyodbc.Error) as refused:
        connect("nowhere", using=microsoft)
    assert native_number(refused.value) == 4060


@pytest.mark.parametrize("number", [40613, 40501, 49918, 49919, 49920, 10928, 10929, 40197, 4221])
def test_a_fault_at_login_shows_its_number(server: SqlServer, connect: Connect, microsoft: Driver, number: int) -> None:
    server.control.fault(Fault("login error", number=number))
    with pytest.raises(pyodbc.Error) as refused:
        connect(using=microsoft, ConnectRetryCount="0")
    assert native_number(refused.value) == number


def test_a_server_that_closes_during_login_is_a_lost_connection(server: SqlServer, connect: Connect, microsoft: Driver) -> None:
    server.control.fault(Fault("login close"))
    with pytest.raises(pyodbc.Error) as lost:
        connect(using=microsoft, ConnectRetryCount="0")
    assert lost.value.args[0] in {"08S01", "08001"}


def test_a_read_only_secondary_wants_the_intent(server: SqlServer, connect: Connect, database: str, microsoft: Driver) -> None:
    server.control.run("CREATE TABLE t(a int)", database=database)
    server.control.configure(read_only_secondary=True)
    try:
        with pytest.raises(pyodbc.Error) as refused:
            connect(database, using=microsoft)
        assert native_number(refused.value) == 978
        connection = connect(database, using=microsoft, ApplicationIntent="ReadOnly")
        with pytest.raises(pyodbc.Error) as written:
            connection.execute("INSERT INTO t VALUES (1)")
        assert native_number(written.value) == 3906
    finally:
        server.control.configure(read_only_secondary=False)


# ---- transactions


def test_a_transaction_is_seen_by_others_when_it_commits(connect: Connect, database: str, session: pyodbc.Connection) -> None:
    session.autocommit = False
    session.execute("INSERT INTO t VALUES (4, 'd')")
    other = connect(database)
    other.execute("SET LOCK_TIMEOUT 50")
    with pytest.raises(pyodbc.Error) as waited:
        other.execute("SELECT COUNT(*) FROM t")
    assert native_number(waited.value) == 1222
    session.commit()
    assert other.execute("SELECT COUNT(*) FROM t").fetchval() == 4
    session.execute("DELETE FROM t")
    session.rollback()
    assert other.execute("SELECT COUNT(*) FROM t").fetchval() == 4
    session.autocommit = True


def test_snapshot_must_be_allowed_and_then_holds_one_view(
    server: SqlServer, connect: Connect, database: str, session: pyodbc.Connection
) -> None:
    session.execute("SET TRANSACTION ISOLATION LEVEL SNAPSHOT")
    session.execute("BEGIN TRAN")
    with pytest.raises(pyodbc.Error) as refused:
        session.execute("SELECT COUNT(*) FROM t")
    assert native_number(refused.value) == 3952
    server.control.run("ALTER DATABASE CURRENT SET ALLOW_SNAPSHOT_ISOLATION ON", database=database)
    session.execute("IF @@TRANCOUNT > 0 ROLLBACK")
    session.execute("BEGIN TRAN")
    assert session.execute("SELECT COUNT(*) FROM t").fetchval() == 3
    connect(database).execute("INSERT INTO t VALUES (4, 'd')")
    assert session.execute("SELECT COUNT(*) FROM t").fetchval() == 3
    session.execute("COMMIT")
    assert session.execute("SELECT COUNT(*) FROM t").fetchval() == 4


def test_an_update_conflict_under_snapshot_is_3960(
    server: SqlServer, connect: Connect, database: str, session: pyodbc.Connection
) -> None:
    server.control.run("ALTER DATABASE CURRENT SET ALLOW_SNAPSHOT_ISOLATION ON", database=database)
    session.execute("SET TRANSACTION ISOLATION LEVEL SNAPSHOT")
    session.execute("BEGIN TRAN")
    session.execute("SELECT * FROM t").fetchall()
    connect(database).execute("UPDATE t SET name = 'x' WHERE id = 1")
    with pytest.raises(pyodbc.Error) as conflict:
        session.execute("UPDATE t SET name = 'y' WHERE id = 1")
    assert native_number(conflict.value) == 3960
    assert session.execute("SELECT @@TRANCOUNT").fetchval() == 0


def test_a_second_writer_waits_as_long_as_lock_timeout_says(connect: Connect, database: str, session: pyodbc.Connection) -> None:
    session.autocommit = False
    session.execute("INSERT INTO t VALUES (4, 'd')")
    other = connect(database)
    other.execute("SET LOCK_TIMEOUT 50")
    with pytest.raises(pyodbc.Error) as waited:
        other.execute("INSERT INTO t VALUES (5, 'e')")
    assert native_number(waited.value) == 1222
    session.rollback()
    other.execute("INSERT INTO t VALUES (5, 'e')")
    session.autocommit = True


# ---- cancelling


@pytest.mark.parametrize(
    "query",
    [
        "WAITFOR DELAY '00:01:00'",
        "SELECT COUNT_BIG(*) FROM sys.types a, sys.types b, sys.types c, sys.types d, sys.types e, sys.types f, sys.types g",
    ],
    ids=["a wait", "a long computation"],
)
def test_a_running_statement_is_cancelled_and_the_session_goes_on(session: pyodbc.Connection, query: str) -> None:
    session.timeout = 1
    started = time.monotonic()
    with pytest.raises(pyodbc.Error) as cancelled:
        session.execute(query)
    assert cancelled.value.args[0] == "HYT00"
    assert time.monotonic() - started < 20
    session.timeout = 0
    assert session.execute("SELECT COUNT(*) FROM t").fetchval() == 3


def test_a_long_result_is_left_in_the_middle(server: SqlServer, session: pyodbc.Connection) -> None:
    cursor = session.cursor()
    cursor.execute("SELECT a.name, b.name FROM sys.all_columns a, sys.types b, sys.types c, sys.types d, sys.types e")
    assert len(cursor.fetchmany(1000)) == 1000
    cursor.cancel()
    cursor.close()
    assert session.execute("SELECT COUNT(*) FROM t").fetchval() == 3


def test_another_thread_cancels(session: pyodbc.Connection) -> None:
    cursor = session.cursor()
    timer = threading.Timer(0.3, cursor.cancel)
    timer.start()
    with pytest.raises(pyodbc.Error) as cancelled:
        cursor.execute("WAITFOR DELAY '00:01:00'")
    timer.join()
    assert cancelled.value.args[0] == "HY008"


def test_a_killed_session_is_a_lost_connection(connect: Connect, session: pyodbc.Connection) -> None:
    other = connect()
    other.execute(f"KILL {session.execute('SELECT @@SPID').fetchval()}")
    with pytest.raises(pyodbc.Error) as lost:
        session.execute("SELECT 1")
    assert lost.value.args[0] == "08S01"
    with pytest.raises(pyodbc.Error) as unknown:
        other.execute("KILL 32000")
    assert native_number(unknown.value) == 6106


# ---- faults


@pytest.mark.parametrize("number", [1205, 3960, 701, 8645, 9002, 40501, 40613, 49918, 10928, 1222, 8651, 3947])
def test_an_injected_error_comes_once(
    server: SqlServer, connect: Connect, database: str, session: pyodbc.Connection, number: int
) -> None:
    server.control.fault(Fault("error", pattern="from t", number=number))
    session.execute("SELECT 1")
    with pytest.raises(pyodbc.Error) as failed:
        session.execute("SELECT * FROM t")
    assert native_number(failed.value) == number
    assert connect(database).execute("SELECT COUNT(*) FROM t").fetchval() == 3


def test_a_deadlock_rolls_the_transaction_back(server: SqlServer, session: pyodbc.Connection) -> None:
    session.autocommit = False
    session.execute("INSERT INTO t VALUES (9, 'z')")
    server.control.fault(Fault("error", pattern="update t", number=1205))
    with pytest.raises(pyodbc.Error) as victim:
        session.execute("UPDATE t SET name = ''")
    assert victim.value.args[0] == "40001"
    session.rollback()
    session.autocommit = True
    assert session.execute("SELECT COUNT(*) FROM t").fetchval() == 3


def test_a_session_ends_after_some_rows(server: SqlServer, session: pyodbc.Connection) -> None:
    server.control.fault(Fault("kill", pattern="from t", rows=2))
    cursor = session.cursor()
    rows: list[pyodbc.Row] = []
    cursor.execute("SELECT id FROM t ORDER BY id")
    with pytest.raises(pyodbc.Error):
        rows.extend(iter(cursor.fetchone, None))
    assert [row[0] for row in rows] == [1, 2]


def test_an_error_comes_after_some_rows(server: SqlServer, session: pyodbc.Connection) -> None:
    server.control.fault(Fault("error", pattern="from t", number=8645, rows=2))
    cursor = session.cursor()
    cursor.execute("SELECT id FROM t ORDER BY id")
    assert cursor.fetchone()[0] == 1
    with pytest.raises(pyodbc.Error) as failed:
        cursor.fetchall()
    assert native_number(failed.value) == 8645


def test_a_connection_is_cut_in_the_middle(server: SqlServer, session: pyodbc.Connection) -> None:
    server.control.fault(Fault("cut", pattern="REPLICATE", amount=100_000))
    with pytest.raises(pyodbc.Error) as lost:
        session.execute("SELECT REPLICATE(CAST('x' AS varchar(max)), 1000000)").fetchall()
    assert lost.value.args[0] in {"08S01", "HY000"}


def test_slow_rows_and_a_throttle_take_their_time(server: SqlServer, session: pyodbc.Connection) -> None:
    server.control.fault(Fault("slow", pattern="from t", rows=1, seconds=0.1))
    started = time.monotonic()
    assert len(session.execute("SELECT * FROM t").fetchall()) == 3
    assert time.monotonic() - started >= 0.3
    server.control.fault(Fault("throttle", pattern="REPLICATE", amount=100_000))
    started = time.monotonic()
    session.execute("SELECT REPLICATE(CAST('x' AS varchar(max)), 50000)").fetchval()
    assert time.monotonic() - started >= 0.4


def test_the_control_connection_tells_sessions_and_processor_time(server: SqlServer, session: pyodbc.Connection) -> None:
    spid = session.execute("SELECT @@SPID").fetchval()
    assert spid in {one["spid"] for one in server.control.sessions()}
    before = server.cpu_seconds()
    session.execute("SELECT COUNT_BIG(*) FROM sys.types a, sys.types b, sys.types c, sys.types d").fetchval()
    assert server.cpu_seconds() >= before > 0
    with pytest.raises(ControlError) as refused:
        server.control.run("SELECT * FROM nowhere")
    assert refused.value.number == 208


def test_a_server_ends_with_everything_it_started(driver: Driver) -> None:
    with SqlServer.started() as own:
        connection = pyodbc.connect(own.connection_string(driver=driver.name), autocommit=True)
        process, folder = own.process, own.folder
    assert process.returncode == 0
    assert not folder.exists()
    with pytest.raises(pyodbc.Error):
        connection.execute("SELECT 1")


def test_a_folder_keeps_the_databases(tmp_path_factory: pytest.TempPathFactory, driver: Driver) -> None:
    folder = tmp_path_factory.mktemp("kept")
    with SqlServer.started(folder=folder) as first:
        first.control.run("CREATE DATABASE kept")
        first.control.run("CREATE TABLE t(a int); INSERT INTO t VALUES (7)", database="kept")
    with SqlServer.started(folder=folder) as second:
        connection = pyodbc.connect(second.connection_string(driver=driver.name, database="kept"), autocommit=True)
        assert connection.execute("SELECT a FROM t").fetchval() == 7
        connection.close()
