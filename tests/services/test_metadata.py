"""The metadata database: upgrades, concurrency, refusals; and what is kept in it."""

import multiprocessing
import sqlite3
import stat
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, insert, select, update

from dtaas_desktop.domain.connection import Connection
from dtaas_desktop.domain.design import Design, Node
from dtaas_desktop.domain.errors import TransientError, UserError
from dtaas_desktop.domain.task import Task
from dtaas_desktop.services import database, records
from dtaas_desktop.services.locks import is_running, task_lock
from dtaas_desktop.services.workspace import Workspace, open_workspace

UUID = "00000000-0000-4000-8000-00000000000a"


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    opened = open_workspace(tmp_path / "workspace")
    yield opened
    opened.close()


def test_the_known_revisions_are_those_of_the_migrations() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(database.__file__).parent / "migrations"))
    script = ScriptDirectory.from_config(config)
    assert tuple(reversed([one.revision for one in script.walk_revisions()])) == database.REVISIONS


def test_migrations_make_exactly_the_tables_that_the_code_knows(workspace: Workspace) -> None:
    from alembic.autogenerate import compare_metadata

    engine = create_engine(f"sqlite:///{workspace.folder / 'metadata.sqlite'}")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), records.metadata) == []
    engine.dispose()


def test_a_newer_workspace_is_refused_with_a_sentence(tmp_path: Path) -> None:
    open_workspace(tmp_path).close()
    with closing(sqlite3.connect(tmp_path / "metadata.sqlite")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    with pytest.raises(UserError, match="newer version"):
        open_workspace(tmp_path)


def test_another_applications_database_is_left_alone(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "metadata.sqlite")) as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")
    with pytest.raises(UserError, match="another application"):
        open_workspace(tmp_path)
    with closing(sqlite3.connect(tmp_path / "metadata.sqlite")) as connection:
        assert connection.execute("SELECT name FROM sqlite_schema").fetchall() == [("recipes",)]


def test_a_damaged_database_is_said_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "metadata.sqlite").write_bytes(b"this is not a database at all, not even nearly" * 100)
    with pytest.raises(UserError, match="damaged"):
        open_workspace(tmp_path)


def test_a_workspace_that_cannot_be_made_is_said_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be used"):
        open_workspace(tmp_path / "file" / "workspace")


def _count_up(folder: str, times: int) -> None:
    opened = open_workspace(Path(folder))
    table = records.settings
    for _ in range(times):
        with opened.database.writing() as connection:
            value = int(connection.execute(select(table.c.value).where(table.c.name == "counter")).scalar_one())
            connection.execute(update(table).where(table.c.name == "counter").values(value=str(value + 1)))
    opened.close()


def _open_and_close(folder: str, barrier: object) -> None:
    barrier.wait()  # type: ignore[attr-defined]
    open_workspace(Path(folder)).close()


def _all_succeed(processes: list[multiprocessing.process.BaseProcess]) -> None:
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * len(processes)


def test_four_processes_count_without_losing_one(workspace: Workspace) -> None:
    with workspace.database.writing() as connection:
        connection.execute(insert(records.settings).values(name="counter", value="0"))
    spawn = multiprocessing.get_context("spawn")
    _all_succeed([spawn.Process(target=_count_up, args=(str(workspace.folder), 40)) for _ in range(4)])
    with workspace.database.reading() as connection:
        assert (
            connection.execute(select(records.settings.c.value).where(records.settings.c.name == "counter")).scalar_one() == "160"
        )


def test_four_processes_may_make_the_same_workspace_at_once(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    barrier = spawn.Barrier(4)
    _all_succeed([spawn.Process(target=_open_and_close, args=(str(tmp_path / "new"), barrier)) for _ in range(4)])
    opened = open_workspace(tmp_path / "new")
    assert opened.tasks.all() == []
    opened.close()


def test_an_exception_rolls_a_write_back(workspace: Workspace) -> None:
    def write_and_fail() -> None:
        with workspace.database.writing() as connection:
            connection.execute(insert(records.settings).values(name="x", value="1"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_and_fail()
    with workspace.database.reading() as connection:
        assert connection.execute(select(records.settings).where(records.settings.c.name == "x")).first() is None


def test_a_task_is_updated_by_its_uuid_and_its_name_is_unique(workspace: Workspace) -> None:
    task = Task(UUID, "Nightly", Design((Node("n", "teleport", {"a": [1, None]}),)))
    workspace.tasks.save(task)
    workspace.tasks.save(Task(UUID, "Weekly", task.design))
    assert [known.name for known in workspace.tasks.all()] == ["Weekly"]
    assert workspace.tasks.named("weekly").design == task.design
    with pytest.raises(UserError, match="already called “Weekly”"):
        workspace.tasks.save(Task(UUID.replace("a", "b"), "Weekly", Design()))
    assert workspace.tasks.copy_of(workspace.tasks.named("Weekly")).name == "Weekly (2)"
    with pytest.raises(UserError, match="no task “Monthly”"):
        workspace.tasks.named("Monthly")


def test_a_connection_with_bad_settings_is_not_saved(workspace: Workspace) -> None:
    with pytest.raises(UserError, match="unknown kind “fax”"):
        workspace.connections.save(Connection("c", "fax"))
    with pytest.raises(UserError, match="path"):
        workspace.connections.save(Connection("c", "sqlite", {"pfad": "x"}))
    assert workspace.connections.all() == {}


def test_local_secrets_come_back_and_are_nowhere_in_clear(workspace: Workspace) -> None:
    canary = "canary-4711-überraschung"
    workspace.secrets.store("api", canary)
    assert workspace.secrets.resolve("local:api") == canary
    workspace.secrets.store("api", canary + "2")
    assert workspace.secrets.resolve("local:api") == canary + "2"
    for file in workspace.folder.rglob("*"):
        if file.is_file():
            assert canary.encode() not in file.read_bytes()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no permission bits")
def test_the_key_of_local_secrets_is_private(workspace: Workspace) -> None:
    workspace.secrets.store("api", "x")
    assert stat.S_IMODE((workspace.folder / "secrets.key").stat().st_mode) == 0o600
    assert [file.name for file in workspace.folder.glob("secrets.key*")] == ["secrets.key"]


@pytest.mark.parametrize("reference", ["env:DTAAS_NOT_SET", "local:none", "hunter2", "keyring:x", "env:", ""])
def test_a_secret_that_is_not_there_is_said_without_repeating_what_was_typed(workspace: Workspace, reference: str) -> None:
    with pytest.raises(UserError) as refused:
        workspace.secrets.resolve(reference)
    assert "hunter2" not in str(refused.value)
    assert refused.value.remedy


def test_a_lost_key_is_said_and_not_silently_replaced(workspace: Workspace) -> None:
    workspace.secrets.store("api", "x")
    (workspace.folder / "secrets.key").unlink()
    with pytest.raises(UserError, match="missing"):
        workspace.secrets.resolve("local:api")
    workspace.secrets.store("other", "y")
    with pytest.raises(UserError, match="another one"):
        workspace.secrets.resolve("local:api")


def test_environment_secrets(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DTAAS_TEST_SECRET", "s3cret")
    assert workspace.secrets.resolve("env:DTAAS_TEST_SECRET") == "s3cret"


def test_a_task_runs_once_at_a_time(tmp_path: Path) -> None:
    with task_lock(tmp_path, UUID, "Nightly"):
        assert is_running(tmp_path, UUID)
        with pytest.raises(TransientError, match="already running"), task_lock(tmp_path, UUID, "Nightly"):
            pass
    assert not is_running(tmp_path, UUID)
