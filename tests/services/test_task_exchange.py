"""Tasks written to files and read from them."""

from pathlib import Path

import pytest

from dtaas_desktop.domain.connection import Connection
from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.services.task_exchange import exported, import_task, read_task_file, write_task_file
from dtaas_desktop.services.workspace import Workspace, open_workspace
from tests.ui.shop import make_shop, make_task


def test_a_task_travels_to_another_workspace_with_its_connections(workspace: Workspace, tmp_path: Path) -> None:
    make_shop(workspace, tmp_path)
    task = make_task(workspace, "Orders", ["orders"])
    write_task_file(tmp_path / "orders.task.json", exported(workspace, task))
    other = open_workspace(tmp_path / "other")
    try:
        other.connections.save(Connection("Lake", "folder", {"path": str(tmp_path)}))
        brought = import_task(other, read_task_file(tmp_path / "orders.task.json"))
        assert (brought.task, brought.added, brought.kept) == (task, ("Shop",), ("Lake",))
        assert other.tasks.named("Orders") == task
        assert other.connections.all()["Lake"].settings == {"path": str(tmp_path)}
    finally:
        other.close()


def test_a_copy_gets_an_identity_and_a_name_of_its_own(workspace: Workspace, tmp_path: Path) -> None:
    make_shop(workspace, tmp_path)
    task = make_task(workspace, "Orders", ["orders"])
    write_task_file(tmp_path / "orders.task.json", exported(workspace, task))
    brought = import_task(workspace, read_task_file(tmp_path / "orders.task.json"), as_copy=True)
    assert brought.task.uuid != task.uuid
    assert brought.task.name == "Orders (2)"


def test_a_file_that_is_no_task_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "picture.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="is not a text file"):
        read_task_file(tmp_path / "picture.json")
    with pytest.raises(UserError, match="cannot be read"):
        read_task_file(tmp_path / "nowhere.json")
    with pytest.raises(UserError, match="cannot be written"):
        write_task_file(tmp_path / "no" / "folder.json", "")
