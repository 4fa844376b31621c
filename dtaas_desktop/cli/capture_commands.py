"""Change capture at the sources of a task: shown, installed, removed."""

import json

from dtaas_desktop.cli import exit_codes
from dtaas_desktop.cli.option_hints import with_options
from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.services.run_service import CapturedTables, RunService
from dtaas_desktop.services.workspace import Workspace


def show(workspace: Workspace, name: str, *, as_json: bool) -> int:
    """Each table's state, and the script that would install what is missing."""
    for found in RunService(workspace).captured(name):
        missing = [ref for ref, state in found.tables if state.possible and not state.on]
        script = found.capture.script(missing) if missing else ""
        if as_json:
            tables = [
                {"table": str(ref), "on": state.on, "possible": state.possible, "reason": state.reason, "remedy": state.remedy}
                for ref, state in found.tables
            ]
            print(json.dumps({"connection": found.connection, "tables": tables, "script": script}, ensure_ascii=False))
            continue
        print(f"-- “{found.connection}”")
        for ref, state in found.tables:
            words = "captured" if state.on else with_options(f"not captured. {state.reason} {state.remedy}".strip())
            print(f"-- {ref}: {words}")
        print(script or "-- Nothing would be done.")
    return exit_codes.DONE


def enable(workspace: Workspace, name: str) -> int:
    """Install the capture for all tables of the task that can have it. Raises UserError if one cannot."""
    found = RunService(workspace).captured(name)
    for one in found:
        for ref, state in one.tables:
            if not state.possible:
                raise UserError(f"Changes of table {ref} cannot be captured: {state.reason}", remedy=state.remedy)
    for one in found:
        missing = [ref for ref, state in one.tables if not state.on]
        if missing:
            one.capture.enable(missing)
        for ref, state in one.tables:
            print(f"{one.connection}/{ref}: " + ("was captured already" if state.on else "is captured from now on"))
    return exit_codes.DONE


def disable(workspace: Workspace, name: str) -> int:
    """Remove the capture of all tables of the task, also for other tasks that read their changes."""
    found: list[CapturedTables] = RunService(workspace).captured(name)
    for one in found:
        one.capture.disable([ref for ref, _ in one.tables])
        for ref, _ in one.tables:
            print(f"{one.connection}/{ref}: is not captured any more")
    return exit_codes.DONE
