"""What remedies need beyond what an item of attention knows. Read in the background."""

from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.services.attention import AttentionItem
from dtaas_desktop.services.workspace import Workspace


def capture_script(workspace: Workspace, task_name: str) -> str:
    """The statements that let the changes of a task's tables be captured, for somebody who may run them."""
    from dtaas_desktop.services.run_service import (
        RunService,
    )  # brings the engine, which the window otherwise leaves to run processes

    scripts = []
    for captured in RunService(workspace).captured(task_name):
        missing = [table for table, state in captured.tables if not state.on]
        if missing:
            scripts.append(captured.capture.script(missing))
    if not scripts:
        raise UserError(f"All tables of “{task_name}” are captured.", remedy="Resume the task.")
    return "\n".join(scripts)


def connection_at_fault(workspace: Workspace, item: AttentionItem) -> str:
    """The connection that the failed table is about. Raises UserError if that is not known."""
    tables = workspace.history.table_runs(item.run) if item.run else []
    failed = [table for table in tables if table.state == "failed" and item.table in (None, table.source_table)]
    if not failed:
        raise UserError(f"“{item.task_name}” does not tell which connection failed.", remedy="Open the run and look at its log.")
    return failed[0].connection
