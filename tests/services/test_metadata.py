"""The metadata database: upgrades, concurrency, refusals; and what is kept in it."""

import multiprocessing
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import insert, select, text, update

from dtaas_desktop.domain.connection import Connection
from dtaas_desktop.domain.design import Design, Node
from dtaas_desktop.domain.errors import TransientError, UserError
from dtaas_desktop.domain.task import Task
from dtaas_desktop.services import database as database_module
from dtaas_desktop.services import records
from dtaas_desktop.services.metadata_place import MetadataSettings, server_of
from dtaas_desktop.services.postgresql_database import postgresql_database
from dtaas_desktop.services.sqlite_database import sqlite_database
from dtaas_desktop.services.workspace import Workspace, open_workspace

UUID = "00000000-0000-4000-8000-00000000000a"


def test_the_known_revisions_are_those_of_the_migrations() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(database_module.__file__).parent / "migrations"))
    script = ScriptDirectory.from_config(config)
    assert tuple(reversed([one.revision for one in script.walk_revisions()])) == database_module.REVISIONS


def test_migrations_make_exactly_the_tables_that_the_code_knows(workspace: Workspace) -> None:
    with workspace.database.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), records.metadata) == []


def test_an_older_workspace_is_upgraded_with_all_it_holds(folder: Path, place: MetadataSettings) -> None:
    _make_revision(folder, place, "0001")
    opened = open_workspace(folder)
    with opened.database.reading() as connection:
        run = connection.execute(select(records.runs)).one()
        assert compare_metadata(MigrationContext.configure(connection), records.metadata) == []
    assert (run.id, run.host, run.origin, run.rows_written, run.following) == ("r", "", "command line", 0, False)
    opened.close()
    copies = [file.name for file in folder.iterdir() if ".before-0001-" in file.name]
    assert len(copies) == (1 if place.kind == "sqlite" else 0)


def _make_revision(folder: Path, place: MetadataSettings, revision: str) -> None:
    database = (
        sqlite_database(folder / "metadata.sqlite") if place.kind == "sqlite" else postgresql_database(server_of(folder, place))
    )
    config = Config()
    config.set_main_option("script_location", str(Path(database_module.__file__).parent / "migrations"))
    with database.writing() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        columns = "id, task, task_name, state, process, started_at, seen_at, failures, message, remedy"
        connection.execute(text(f"INSERT INTO run ({columns}) VALUES ('r', 't', 'T', 'done', 1, 1.5, 2.5, '', '', '')"))
    database.close()


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


def test_four_processes_may_make_the_same_workspace_at_once(folder: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    barrier = spawn.Barrier(4)
    _all_succeed([spawn.Process(target=_open_and_close, args=(str(folder), barrier)) for _ in range(4)])
    opened = open_workspace(folder)
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


def test_a_task_runs_once_at_a_time(workspace: Workspace) -> None:
    workspace.tasks.save(Task(UUID, "Nightly", Design()))
    with workspace.task_lock(UUID, "Nightly"):
        assert workspace.is_running(UUID)
        assert workspace.running_locks() == {UUID}
        with pytest.raises(TransientError, match="already running"), workspace.task_lock(UUID, "Nightly"):
            pass
    assert not workspace.is_running(UUID)
    assert workspace.running_locks() == frozenset()
