"""What lies at a destination after a run: its first rows, or those that were rejected."""

import pyarrow as pa

from dtaas_desktop.connectors.registry import open_destination
from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.target import Target
from dtaas_desktop.services.journal import stored_plan
from dtaas_desktop.services.run_service import RunService
from dtaas_desktop.services.runs_view import TableRunRecord
from dtaas_desktop.services.workspace import Workspace

FIRST_ROWS = 100


def published_sample(
    workspace: Workspace, task: str, table_run: TableRunRecord, *, limit: int = FIRST_ROWS, rejected: bool = False
) -> pa.Table:
    """At most `limit` rows of a table run's target as it is now, or of the rows that its publish rejected (table.REJECTED shape).

    `task` is the UUID of the run's task. Raises UserError if the target cannot be shown any more, saying why; other AppErrors as the
    destination has them.
    """
    connections = workspace.connections.all()
    if table_run.connection not in connections:
        raise UserError(
            f"The connection “{table_run.connection}” does not exist any more.",
            remedy="Make a connection of this name to look at what was written there.",
        )
    target = _planned(workspace, task, table_run) or _surveyed(workspace, task, table_run)
    destination = open_destination(connections[table_run.connection], workspace=workspace.id)
    return destination.sample(target, limit=limit, rejected=rejected)


def _planned(workspace: Workspace, task: str, table_run: TableRunRecord) -> Target | None:
    """The target as the task's stored plan has it; None if its newest plan is about other targets."""
    stored = stored_plan(workspace.database, task)
    if stored is None:
        return None
    targets = (route.target for table in stored.plan.tables for route in table.routes)
    return next((target for target in targets if _is_of(target, table_run)), None)


def _surveyed(workspace: Workspace, task: str, table_run: TableRunRecord) -> Target:
    """The target as the task would write it now."""
    now = workspace.tasks.by_uuid(task)
    survey = RunService(workspace).check(now.name)
    targets = (run.target for table in survey.tables for run in table.routes)
    found = next((target for target in targets if _is_of(target, table_run)), None)
    if found is not None:
        return found
    raise UserError(
        f"Task “{now.name}” does not write “{table_run.target}” any more.",
        remedy="What it wrote then is still at the destination; look at it there.",
    )


def _is_of(target: Target, table_run: TableRunRecord) -> bool:
    return (target.connection, target.name) == (table_run.connection, table_run.target)
