"""Rows of a destination after a run."""

from pathlib import Path

import pytest

from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.table import REJECTED, CellPolicy
from dtaas_desktop.domain.task import Task, TaskOptions
from dtaas_desktop.services.results import published_sample
from dtaas_desktop.services.runs_view import TableRunRecord
from dtaas_desktop.services.workspace import Workspace
from tests.ui.shop import make_shop, make_task, run_now

REJECTING = TaskOptions(cells=CellPolicy(misfit="reject"))


def table_run(workspace: Workspace, task: Task, table: str) -> TableRunRecord:
    latest = workspace.history.latest(task.uuid)
    assert latest is not None
    return next(one for one in workspace.history.table_runs(latest.id) if one.source_table == table)


@pytest.mark.parametrize("connection", ["Lake", "Duck"])
def test_the_first_rows_of_a_target_are_what_was_published(workspace: Workspace, tmp_path: Path, connection: str) -> None:
    make_shop(workspace, tmp_path)
    task = make_task(workspace, "Orders", ["orders"], to={"connection": connection})
    run_now(workspace, task)
    rows = published_sample(workspace, task.uuid, table_run(workspace, task, "orders"), limit=7)
    assert rows.column_names == ["id", "name", "amount"]
    assert sorted(rows.column("name").to_pylist()) == sorted(f"orders {i}" for i in rows.column("id").to_pylist())
    assert rows.num_rows == 7


@pytest.mark.parametrize("connection", ["Lake", "Duck"])
def test_rejected_rows_come_with_their_reason(workspace: Workspace, tmp_path: Path, connection: str) -> None:
    make_shop(workspace, tmp_path)
    task = make_task(workspace, "Audit", ["audit"], to={"connection": connection}, options=REJECTING)
    run_now(workspace, task)
    one = table_run(workspace, task, "audit")
    assert one.counts.rejected == 1
    rows = published_sample(workspace, task.uuid, one, rejected=True)
    assert set(REJECTED.names) <= set(rows.column_names)
    assert rows.num_rows == 1
    assert "twelve" in rows.column("row")[0].as_py()
    assert rows.column("column")[0].as_py() == "amount"


@pytest.mark.parametrize("connection", ["Lake", "Duck"])
def test_where_nothing_was_rejected_there_are_no_rejected_rows(workspace: Workspace, tmp_path: Path, connection: str) -> None:
    make_shop(workspace, tmp_path)
    task = make_task(workspace, "Orders", ["orders"], to={"connection": connection})
    run_now(workspace, task)
    assert published_sample(workspace, task.uuid, table_run(workspace, task, "orders"), rejected=True).num_rows == 0


def test_a_target_that_the_newest_plan_does_not_hold_is_found_by_looking_at_the_task(
    workspace: Workspace, tmp_path: Path
) -> None:
    make_shop(workspace, tmp_path)
    task = make_task(workspace, "Two", ["orders", "customers"])
    run_now(workspace, task)
    customers = table_run(workspace, task, "customers")
    run_now(workspace, task, only=("orders",))
    assert published_sample(workspace, task.uuid, customers).num_rows == 50


def test_a_target_that_the_task_does_not_write_any_more_is_refused_in_words(workspace: Workspace, tmp_path: Path) -> None:
    make_shop(workspace, tmp_path)
    task = make_task(workspace, "Two", ["orders", "customers"])
    run_now(workspace, task)
    customers = table_run(workspace, task, "customers")
    now = make_task(workspace, "Only orders", ["orders"])
    workspace.tasks.delete(task.uuid)
    workspace.tasks.save(Task(task.uuid, "Two", now.design))
    with pytest.raises(UserError, match="does not write “customers” any more"):
        published_sample(workspace, task.uuid, customers)


def test_without_its_connection_a_target_cannot_be_shown(workspace: Workspace, tmp_path: Path) -> None:
    make_shop(workspace, tmp_path)
    task = make_task(workspace, "Orders", ["orders"])
    run_now(workspace, task)
    one = table_run(workspace, task, "orders")
    workspace.tasks.delete(task.uuid)
    workspace.connections.delete("Lake")
    with pytest.raises(UserError, match="“Lake” does not exist any more"):
        published_sample(workspace, task.uuid, one)
