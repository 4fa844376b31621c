"""Where the metadata are: found by workspace.json, moved whole or not at all, and good for whole runs in either place."""

import dataclasses
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from sqlalchemy import func, insert, select, update

from dtaas_desktop.domain.connection import Connection
from dtaas_desktop.domain.design import Design, Link, Node
from dtaas_desktop.domain.errors import TransientError, UserError
from dtaas_desktop.domain.events import Event, PartDone
from dtaas_desktop.domain.task import Task, TaskOptions
from dtaas_desktop.engine import plan
from dtaas_desktop.engine.cancel import CancelToken
from dtaas_desktop.services import records
from dtaas_desktop.services.metadata_place import MetadataSettings, check_place, load_place, move_metadata, save_place
from dtaas_desktop.services.run_request import RunRequest
from dtaas_desktop.services.run_service import RunService
from dtaas_desktop.services.settings import AppSettings
from dtaas_desktop.services.workspace import Workspace, open_workspace

UUID = "00000000-0000-4000-8000-00000000000a"
ROWS = 5_000


@contextmanager
def opened(folder: Path) -> Iterator[Workspace]:
    workspace = open_workspace(folder)
    try:
        yield workspace
    finally:
        workspace.close()


def furnish(workspace: Workspace, folder: Path) -> None:
    """A source of ROWS rows, a folder, and a task from one to the other in parts."""
    source = folder / "source.sqlite"
    if not source.exists():
        with closing(sqlite3.connect(source)) as made:
            made.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)")
            made.executemany("INSERT INTO t VALUES (?, ?)", [(i, f"name {i}") for i in range(ROWS)])
            made.commit()
    workspace.connections.save(Connection("in", "sqlite", {"path": str(source)}))
    workspace.connections.save(Connection("out", "folder", {"path": str(folder / "out")}))
    nodes = (
        Node("s", "source", {"connection": "in", "tables": ["t"]}),
        Node("a", "add_column", {"name": "half", "expression": "id / 2"}),
        Node("d", "destination", {"connection": "out"}),
    )
    options = dataclasses.replace(TaskOptions(), reading="resumable", parallel=1)
    workspace.tasks.save(Task(UUID, "Weekly", Design(nodes, (Link("s", "a"), Link("a", "d"))), options))


def run(workspace: Workspace, *, resume: bool = False, cancel: CancelToken | None = None) -> tuple[str, list[Event]]:
    events: list[Event] = []
    outcome = RunService(workspace).run(RunRequest("Weekly", resume=resume), emit=events.append, cancel=cancel or CancelToken())
    return outcome.state, events


def everything(workspace: Workspace) -> dict[str, list[tuple[object, ...]]]:
    with workspace.database.reading() as connection:
        return {
            table.name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
            for table in records.metadata.sorted_tables
        }


def test_a_task_runs_pauses_and_goes_on_with_its_metadata_in_either_place(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "ROWS_PER_PART", ROWS // 4)
    furnish(workspace, tmp_path)
    cancel = CancelToken()

    def pause_after_a_part(event: Event) -> None:
        if isinstance(event, PartDone):
            cancel.ask("pause")

    outcome = RunService(workspace).run(RunRequest("Weekly"), emit=pause_after_a_part, cancel=cancel)
    assert outcome.state == "paused"
    with workspace.database.reading() as connection:
        kept = connection.execute(select(func.count()).select_from(records.staged_parts)).scalar_one()
    assert 1 <= kept < 4
    state, events = run(workspace, resume=True)
    assert state == "done"
    assert 1 <= sum(isinstance(event, PartDone) for event in events) <= 4 - kept
    found = pq.read_table(next((tmp_path / "out").rglob("t-*.parquet")).parent, partitioning=None)
    assert sorted(found["id"].to_pylist()) == list(range(ROWS))
    latest = workspace.history.latest(UUID)
    assert latest is not None
    assert (latest.state, latest.rows_written) == ("done", ROWS)
    assert run(workspace)[0] == "done"
    assert len(workspace.history.runs(task=UUID)) == 3


def test_a_run_in_another_process_is_asked_to_pause_through_the_metadata(workspace: Workspace) -> None:
    workspace.tasks.save(Task(UUID, "Weekly", Design()))
    workspace.history.begin("r", task=UUID, name="Weekly", process=1)
    assert workspace.history.ask(UUID, "pause") == "r"
    assert workspace.history.note("r", []) == "pause"


def test_moving_keeps_every_row_and_the_identity(tmp_path: Path, postgresql: MetadataSettings) -> None:
    folder = tmp_path / "workspace"
    with opened(folder) as workspace:
        furnish(workspace, tmp_path)
        run(workspace)
        workspace.secrets.store("api", "s3cret")
        workspace.settings.save(AppSettings(theme="dark"))
        identity, before = workspace.id, everything(workspace)
        assert move_metadata(workspace, postgresql) == sum(map(len, before.values()))
    with opened(folder) as workspace:
        assert workspace.database.dialect == "postgresql"
        assert (workspace.id, everything(workspace)) == (identity, before)
        assert workspace.secrets.resolve("local:api") == "s3cret"
        assert workspace.settings.load().theme == "dark"
        # The numbers of log lines go on after those that were copied.
        assert run(workspace)[0] == "done"
        after = everything(workspace)
        assert len(after["log_line"]) > len(before["log_line"])
        move_metadata(workspace, MetadataSettings())
    with opened(folder) as workspace:
        assert workspace.database.dialect == "sqlite"
        assert (workspace.id, everything(workspace)) == (identity, after)
        assert run(workspace)[0] == "done"


def test_what_a_place_holds_is_not_overwritten(tmp_path: Path, postgresql: MetadataSettings) -> None:
    other = tmp_path / "other"
    other.mkdir()
    save_place(other, postgresql)
    with opened(other) as workspace:
        workspace.tasks.save(Task(UUID, "Precious", Design()))
    folder = tmp_path / "workspace"
    with opened(folder) as workspace:
        with pytest.raises(UserError, match="holds the metadata of another workspace"):
            move_metadata(workspace, postgresql)
        with pytest.raises(UserError, match="are there already"):
            move_metadata(workspace, MetadataSettings())
    assert load_place(folder) == MetadataSettings()
    with opened(other) as workspace:
        assert [task.name for task in workspace.tasks.all()] == ["Precious"]


def test_newer_metadata_of_the_same_workspace_are_not_overwritten(tmp_path: Path, postgresql: MetadataSettings) -> None:
    with opened(tmp_path) as workspace:
        workspace.tasks.save(Task(UUID, "Weekly", Design()))
        move_metadata(workspace, postgresql)
    with opened(tmp_path) as workspace:
        workspace.tasks.save(Task(UUID, "Renamed since", Design()))
    save_place(tmp_path, MetadataSettings())
    with opened(tmp_path) as workspace:
        with pytest.raises(UserError, match="holds newer runs or tasks"):
            move_metadata(workspace, postgresql)
        workspace.tasks.save(Task(UUID, "Renamed again", Design()))
        move_metadata(workspace, postgresql)
    with opened(tmp_path) as workspace:
        assert workspace.database.dialect == "postgresql"
        assert [task.name for task in workspace.tasks.all()] == ["Renamed again"]


def test_nothing_is_moved_while_a_task_is_running(tmp_path: Path, postgresql: MetadataSettings) -> None:
    with opened(tmp_path) as workspace:
        workspace.tasks.save(Task(UUID, "Weekly", Design()))
        with workspace.task_lock(UUID, "Weekly"), pytest.raises(TransientError, match="“Weekly” is already running"):
            move_metadata(workspace, postgresql)
    assert load_place(tmp_path) == MetadataSettings()


def test_a_move_that_fails_leaves_everything_as_it_was(tmp_path: Path, postgresql: MetadataSettings) -> None:
    with opened(tmp_path) as workspace:
        with workspace.database.writing() as connection:
            # SQLite does not hold texts to their length; PostgreSQL does.
            connection.execute(insert(records.secrets).values(name="n" * 500, ciphertext=""))
            connection.execute(insert(records.settings).values(name="x", value="1"))
        before = everything(workspace)
        with pytest.raises(UserError, match="this long"):
            move_metadata(workspace, postgresql)
        assert everything(workspace) == before
        assert load_place(tmp_path) == MetadataSettings()
        assert "0 tasks" in list(check_place(tmp_path, postgresql))[-1].detail
        with workspace.database.writing() as connection:
            connection.execute(update(records.secrets).values(name="short"))
        move_metadata(workspace, postgresql)


def test_a_place_is_kept_without_what_is_the_default(tmp_path: Path) -> None:
    assert load_place(tmp_path) == MetadataSettings()
    place = MetadataSettings(kind="postgresql", url="postgresql://me@h/db", password="keyring:x")
    save_place(tmp_path, place)
    assert load_place(tmp_path) == place
    save_place(tmp_path, MetadataSettings())
    assert json.loads((tmp_path / "workspace.json").read_text()) == {"metadata": {"kind": "sqlite"}}
    assert [file.name for file in tmp_path.iterdir()] == ["workspace.json"]


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"metadata": 3}', '{"metadata": {"kind": "oracle"}}', "\x00"])
def test_a_damaged_workspace_json_is_said(tmp_path: Path, content: str) -> None:
    (tmp_path / "workspace.json").write_text(content)
    with pytest.raises(UserError, match=r"workspace\.json"):
        open_workspace(tmp_path)


def test_a_password_in_the_metadata_cannot_open_them() -> None:
    with pytest.raises(ValueError, match="cannot be kept in the database that it opens"):
        MetadataSettings(kind="postgresql", url="postgresql://me@h/db", password="local:x")


def test_the_steps_of_a_test_of_the_file(tmp_path: Path) -> None:
    assert [step.ok for step in check_place(tmp_path, MetadataSettings())] == [True]
    assert list(tmp_path.iterdir()) == []
    with opened(tmp_path):
        assert list(check_place(tmp_path, MetadataSettings()))[-1].detail.startswith("It holds metadata of this workspace")
    (tmp_path / "metadata.sqlite").write_bytes(b"this is not a database at all, not even nearly" * 100)
    last = list(check_place(tmp_path, MetadataSettings()))[-1]
    assert (last.ok, "damaged" in last.detail, bool(last.remedy)) == (False, True, True)


def test_settings_come_back_and_unfit_ones_have_their_defaults(workspace: Workspace) -> None:
    assert workspace.settings.load() == AppSettings()
    chosen = AppSettings(theme="light", parallel_runs=3, secret_store="file", export_folder="/x", history_days=7)
    workspace.settings.save(chosen)
    workspace.settings.save(chosen)
    assert workspace.settings.load() == chosen
    stored = {"theme": "light", "parallel_runs": 99, "history_days": "many", "of_a_newer_version": [1]}
    with workspace.database.writing() as connection:
        connection.execute(
            update(records.settings).where(records.settings.c.name == "application").values(value=json.dumps(stored))
        )
    assert workspace.settings.load() == AppSettings(theme="light")
    assert all(field.title and field.description for field in AppSettings.model_fields.values())
