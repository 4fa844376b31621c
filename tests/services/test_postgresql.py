"""Metadata in a PostgreSQL server: what it refuses, what it says, and what happens when it, or one of us, dies."""

import json
import logging
import multiprocessing
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from dtaas_desktop.domain.errors import TransientError, UserError
from dtaas_desktop.services import records
from dtaas_desktop.services.advisory_locks import AdvisoryLocks
from dtaas_desktop.services.metadata_place import MetadataSettings, check_place, load_place, save_place, server_of
from dtaas_desktop.services.postgresql_address import parsed
from dtaas_desktop.services.postgresql_errors import explained_answer
from dtaas_desktop.services.workspace import Workspace, open_workspace
from tests.servers.postgresql.server import NoServer, PostgreSQL, running

UUID = "00000000-0000-4000-8000-00000000000a"
CANARY = "canary-4711-pass%word/@:'\""


@pytest.fixture
def place(postgresql: MetadataSettings) -> MetadataSettings:
    """Only PostgreSQL, here."""
    return postgresql


@pytest.fixture
def own_server() -> Iterator[PostgreSQL]:
    """A server that a test may stop."""
    try:
        with running() as started:
            if started.process is None:
                pytest.skip("the server of DTAAS_TEST_POSTGRESQL is not ours to stop")
            yield started
    except NoServer as missing:
        pytest.skip(str(missing))


@contextmanager
def opened(folder: Path, place: MetadataSettings) -> Iterator[Workspace]:
    folder.mkdir(exist_ok=True)
    save_place(folder, place)
    workspace = open_workspace(folder)
    try:
        yield workspace
    finally:
        workspace.close()


@contextmanager
def role(server: PostgreSQL, rights: str = "", password: str = "x") -> Iterator[str]:
    """A user of the server's; its name."""
    name = f"dtaas_role_{os.getpid()}"
    quoted = password.replace("'", "''")
    server.sql(f"CREATE ROLE {name} LOGIN PASSWORD '{quoted}' {rights}")
    try:
        yield name
    finally:
        server.sql(f"DROP ROLE {name}")


def test_a_newer_database_is_refused(folder: Path, server: PostgreSQL, place: MetadataSettings) -> None:
    open_workspace(folder).close()
    server.sql("UPDATE alembic_version SET version_num = '9999'", parsed(place.url).database)
    with pytest.raises(UserError, match=r"newer version of this application .*9999"):
        open_workspace(folder)


def test_another_applications_database_is_left_alone(folder: Path, server: PostgreSQL, place: MetadataSettings) -> None:
    database = parsed(place.url).database
    server.sql("CREATE TABLE recipes (name text)", database)
    with pytest.raises(UserError, match="another application"):
        open_workspace(folder)
    tables = server.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'", database)
    assert tables == [("recipes",)]


def test_a_schema_of_its_own_may_share_a_database(folder: Path, server: PostgreSQL, place: MetadataSettings) -> None:
    database = parsed(place.url).database
    server.sql("CREATE TABLE recipes (name text)", database)
    server.sql("CREATE SCHEMA dtaas", database)
    with opened(folder, place.model_copy(update={"url": f"{place.url}?options=-csearch_path%3Ddtaas"})) as workspace:
        assert workspace.tasks.all() == []
    assert server.sql("SELECT count(*) FROM dtaas.setting", database) == [(1,)]


def test_a_database_that_is_not_in_utf_8_is_refused(folder: Path, server: PostgreSQL, place: MetadataSettings) -> None:
    server.sql("CREATE DATABASE dtaas_latin ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'")
    try:
        save_place(folder, place.model_copy(update={"url": server.url("dtaas_latin")}))
        with pytest.raises(UserError, match="keeps text as LATIN1"):
            open_workspace(folder)
    finally:
        server.sql("DROP DATABASE dtaas_latin WITH (FORCE)")


def test_a_message_with_a_null_character_is_kept(workspace: Workspace) -> None:
    with workspace.database.writing() as connection:
        connection.execute(insert(records.settings).values(name="x", value="a\0b"))
    with workspace.database.reading() as connection:
        assert connection.execute(select(records.settings.c.value).where(records.settings.c.name == "x")).scalar() == "a␀b"


def test_a_name_that_is_too_long_is_said(workspace: Workspace) -> None:
    with pytest.raises(UserError, match="cannot keep a text that is this long"), workspace.database.writing() as connection:
        connection.execute(insert(records.secrets).values(name="n" * 201, ciphertext=""))


def test_a_wrong_password_and_an_unknown_database_are_said(
    folder: Path, server: PostgreSQL, place: MetadataSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_place(folder, place.model_copy(update={"url": server.url("dtaas_nowhere")}))
    with pytest.raises(UserError, match="There is no database “dtaas_nowhere”") as refused:
        open_workspace(folder)
    assert 'CREATE DATABASE "dtaas_nowhere"' in refused.value.remedy
    save_place(folder, place)
    monkeypatch.setenv(place.password.removeprefix("env:"), "wrong")
    with pytest.raises(UserError, match="the user or the password is wrong"):
        open_workspace(folder)
    save_place(folder, place.model_copy(update={"password": ""}))
    monkeypatch.setenv("PGPASSFILE", str(folder / "none"))
    with pytest.raises(UserError, match="asks for a password, and none is given"):
        open_workspace(folder)
    steps = list(check_place(folder, load_place(folder)))
    assert [(step.title, step.ok) for step in steps] == [("Reach the server", True), ("Sign in", False)]


def test_a_user_who_may_not_make_tables_is_told_what_to_grant(
    folder: Path, server: PostgreSQL, place: MetadataSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = parsed(place.url).database
    server.sql("REVOKE CREATE ON SCHEMA public FROM PUBLIC", database)
    with role(server) as user:
        monkeypatch.setenv("DTAAS_TEST_ROLE", "x")
        poor = MetadataSettings(kind="postgresql", url=server.url(database, user=user), password="env:DTAAS_TEST_ROLE")
        save_place(folder, poor)
        with pytest.raises(UserError, match="permission denied") as refused:
            open_workspace(folder)
        assert "GRANT CREATE" in refused.value.remedy
        last = list(check_place(folder, poor))[-1]
        assert (last.title, last.ok) == ("Make tables", False)


def test_too_many_connections_are_temporary(folder: Path, server: PostgreSQL, place: MetadataSettings) -> None:
    database = parsed(place.url).database
    with role(server, "CONNECTION LIMIT 1") as user, server.connect() as _:
        save_place(folder, place.model_copy(update={"url": server.url(database, user=user), "password": "env:DTAAS_TEST_ROLE"}))
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DTAAS_TEST_ROLE", "x")
            taken = server_of(folder, load_place(folder)).connect()
            try:
                with pytest.raises(TransientError, match="takes no more connections"):
                    open_workspace(folder)
            finally:
                taken.close()


def test_the_steps_of_a_test_name_what_is_there(folder: Path, server: PostgreSQL, place: MetadataSettings) -> None:
    titles = ["Read the password", "Reach the server", "Sign in", "Look at its version", "Make tables", "Look into the database"]
    steps = list(check_place(folder, place))
    assert [step.title for step in steps if step.ok] == titles
    assert steps[-1].detail == "It is empty."
    with opened(folder, place):
        assert list(check_place(folder, place))[-1].detail == "It holds metadata of this workspace: 0 tasks and 0 runs."
    with opened(folder.with_name("other"), MetadataSettings()) as other:
        assert "another workspace" in list(check_place(other.folder, place))[-1].detail
    server.sql("UPDATE alembic_version SET version_num = '9999'", parsed(place.url).database)
    assert "newer version" in list(check_place(folder, place))[-1].detail


def test_a_connection_cut_in_the_middle_is_temporary_and_the_next_one_works(
    workspace: Workspace, server: PostgreSQL, place: MetadataSettings
) -> None:
    database = parsed(place.url).database

    def write_and_be_cut() -> None:
        with workspace.database.writing() as connection:
            connection.execute(insert(records.settings).values(name="x", value="1"))
            server.sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'")
            connection.execute(insert(records.settings).values(name="y", value="1"))

    with pytest.raises(TransientError, match="was cut"):
        write_and_be_cut()
    with workspace.database.reading() as connection:
        assert connection.execute(select(records.settings.c.name).where(records.settings.c.name.in_(("x", "y")))).all() == []


def test_a_stopped_server_is_said_and_a_restarted_one_used_again(
    tmp_path: Path, own_server: PostgreSQL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DTAAS_TEST_OWN", own_server.password)
    place = MetadataSettings(kind="postgresql", url=own_server.url("postgres"), password="env:DTAAS_TEST_OWN")
    with opened(tmp_path, place) as workspace:
        assert workspace.tasks.all() == []
        own_server.stop()
        with pytest.raises(TransientError, match="cannot be reached") as away:
            workspace.tasks.all()
        assert str(own_server.port) in away.value.message
        assert "Check that it runs" in away.value.remedy
        steps = list(check_place(tmp_path, place))
        assert [(step.title, step.ok) for step in steps] == [("Read the password", True), ("Reach the server", False)]
        own_server.start()
        assert workspace.tasks.all() == []


def test_a_lock_comes_back_after_its_connection_was_cut(
    workspace: Workspace, server: PostgreSQL, place: MetadataSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dtaas_desktop.services.advisory_locks.KEEP_SECONDS", 0.02)
    database = parsed(place.url).database
    with workspace.task_lock(UUID, "Nightly"):
        holders = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1"
        ((first,),) = server.sql(holders, database)
        server.sql(f"SELECT pg_terminate_backend({first})", database)
        until = multiprocessing.get_context("spawn").Event()
        while not (found := [pid for (pid,) in server.sql(holders, database) if pid != first]):
            until.wait(0.02)
        assert len(found) == 1
        assert workspace.is_running(UUID)
    assert not workspace.is_running(UUID)


def test_two_workspaces_in_schemas_of_one_database_do_not_lock_each_other(workspace: Workspace, place: MetadataSettings) -> None:
    other = AdvisoryLocks(server_of(workspace.folder, place), workspace.database, "another workspace")
    with workspace.task_lock(UUID, "Nightly"), other.hold({UUID: "Nightly"}):
        assert workspace.is_running(UUID)


def test_the_password_is_nowhere(
    folder: Path,
    server: PostgreSQL,
    place: MetadataSettings,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    database = parsed(place.url).database
    said: list[str] = []
    with role(server, "SUPERUSER", CANARY) as user:
        for password in (CANARY, f"{CANARY}-wrong"):
            monkeypatch.setenv("DTAAS_TEST_CANARY", password)
            url = server.url(database, user=user)
            for address in (url, server.url("dtaas_nowhere", user=user), f"postgresql://{user}@127.0.0.1:1/{database}"):
                chosen = MetadataSettings(kind="postgresql", url=address, password="env:DTAAS_TEST_CANARY")
                said += [repr(chosen), str(chosen), *map(repr, check_place(folder, chosen)), *_said_when_opened(folder, chosen)]
        server.sql(f"DROP OWNED BY {user}", database)
    for text in (*said, caplog.text, *(repr(record.__dict__) for record in caplog.records)):
        assert "canary" not in text
    for file in folder.rglob("*"):
        assert not file.is_file() or b"canary" not in file.read_bytes()


def _said_when_opened(folder: Path, place: MetadataSettings) -> Iterator[str]:
    try:
        with opened(folder, place) as workspace:
            yield from map(
                repr, (workspace, workspace.database, workspace.locks, vars(workspace.locks), vars(workspace.database))
            )
            with workspace.database.reading() as connection:
                yield repr(connection.connection.dbapi_connection)
    except (UserError, TransientError) as error:
        problem: BaseException | None = error
        while problem is not None:
            yield f"{problem!r} {problem} {vars(problem)}"
            problem = problem.__cause__ or problem.__context__


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:canary@host/db",
        "postgresql://me:can/ary@canary@host/db",
        "postgresql://me@host/db?password=canary",
        "postgresql://me@host/db?sslpassword=canary",
        "postgres://me:canary@host:99999/db",
    ],
)
def test_an_address_with_a_password_is_refused_without_repeating_it(tmp_path: Path, url: str) -> None:
    with pytest.raises(ValueError, match="must not stand in the address") as refused:
        MetadataSettings(kind="postgresql", url=url)
    assert "canary" not in str(refused.value)
    (tmp_path / "workspace.json").write_text(json.dumps({"metadata": {"kind": "postgresql", "url": url}}))
    with pytest.raises(UserError, match="must not stand in the address") as said:
        open_workspace(tmp_path)
    assert "canary" not in str(said.value)


@pytest.mark.parametrize("url", ["", "db", "mysql://host/db", "postgresql://", "postgresql://me@host", "postgresql://h:port/db"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="an address looks like postgresql://user@host:port/database"):
        MetadataSettings(kind="postgresql", url=url)


def test_addresses_are_understood() -> None:
    assert str(parsed("postgres://me@h/db")) == "The PostgreSQL database “db” on h:5432"
    assert parsed("postgresql://me@[::1]:5433/db").server == "[::1]:5433"
    assert parsed("postgresql:///db?host=/run/postgresql").server == "/run/postgresql"
    assert dict(parsed("postgresql://m%40e@h/d%20b?sslmode=require").parameters) == {
        "dbname": "d b",
        "host": "h",
        "port": "5432",
        "user": "m@e",
        "sslmode": "require",
    }


@pytest.mark.parametrize(
    ("message", "state", "kind", "words"),
    [
        ("server closed the connection unexpectedly\n\tThis probably means", "", TransientError, "was cut: server closed"),
        ('connection failed: connection to server at "h", port 1 failed: FATAL:  the database system is starting up', "",
         TransientError, "is not ready: the database system is starting up."),
        ("failed to resolve host 'nowhere': [Errno -2] Name or service not known", "", TransientError, "cannot be reached"),
        ("connection timeout expired", "", TransientError, "cannot be reached"),
        ('FATAL:  no pg_hba.conf entry for host "1.2.3.4", user "me", database "db", no encryption', "", UserError, "does not let us in"),
        ("SSL error: certificate verify failed", "", UserError, "No secure connection"),
        ('invalid connection option "colour"', "", UserError, "is not understood"),
        ("cannot execute INSERT in a read-only transaction", "25006", UserError, "can only be read"),
        ("could not extend file: No space left on device", "53100", UserError, "cannot grow"),
        ("canceling statement due to lock timeout", "55P03", TransientError, "in use by another process"),
        ("deadlock detected", "40P01", TransientError, "in use by another process"),
        ("terminating connection due to administrator command", "57P01", TransientError, "was cut"),
        ("terminating connection due to idle-in-transaction timeout", "25P03", TransientError, "stopped what we did"),
        ('relation "task" does not exist\nLINE 1: SELECT', "42P01", UserError, 'lost tables of the workspace: relation "task"'),
        ("something new", "XX000", UserError, "gave an error: something new."),
    ],
)  # fmt: skip
def test_each_answer_has_its_sentence(message: str, state: str, kind: type[Exception], words: str) -> None:
    error = explained_answer(parsed("postgresql://me@h/db"), message, state)
    assert type(error) is kind
    assert words in str(error)
    assert error is not None
    assert error.remedy


def test_a_fault_of_ours_stays_one() -> None:
    assert explained_answer(parsed("postgresql://me@h/db"), "duplicate key value", "23505", fault=True) is None


def _hold_for_ever(folder: str, held: Event) -> None:
    workspace = open_workspace(Path(folder))
    with workspace.task_lock(UUID, "Nightly"), workspace.database.writing():
        held.set()
        multiprocessing.get_context("spawn").Event().wait()


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no SIGKILL")
def test_a_killed_process_frees_its_lock_and_lets_others_write(workspace: Workspace) -> None:
    spawn = multiprocessing.get_context("spawn")
    held = spawn.Event()
    process = spawn.Process(target=_hold_for_ever, args=(str(workspace.folder), held))
    process.start()
    try:
        assert held.wait(60)
        assert workspace.is_running(UUID)
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join(60)
        waiting = spawn.Event()
        while workspace.is_running(UUID):
            waiting.wait(0.02)
        with workspace.task_lock(UUID, "Nightly"), workspace.database.writing() as connection:
            connection.execute(insert(records.settings).values(name="x", value="1"))
    finally:
        process.kill()
        process.join(60)
