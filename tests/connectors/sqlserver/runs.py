"""Tasks that read SQL Server, run by the product's own door, in a workspace of the test."""

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from dtaas_desktop.domain.connection import Connection
from dtaas_desktop.domain.design import Design, Link, Node
from dtaas_desktop.domain.events import Event
from dtaas_desktop.domain.task import Task, TaskOptions
from dtaas_desktop.engine.cancel import CancelToken
from dtaas_desktop.engine.outcome import RunOutcome
from dtaas_desktop.services.run_request import RunRequest
from dtaas_desktop.services.run_service import RunService
from dtaas_desktop.services.workspace import Workspace, open_workspace
from tests.connectors.sqlserver.world import REFERENCE, World


class Office:
    """A workspace with the server as “sql”, a folder “out” and a DuckDB file “duck”."""

    def __init__(self, folder: Path, world: World, workspace: Workspace) -> None:
        self.folder, self.world, self.workspace = folder, world, workspace
        self.events: list[Event] = []
        settings = world.settings.model_dump(mode="json", exclude_defaults=True)
        for name, kind, found in (
            ("sql", "sqlserver", settings),
            ("out", "folder", {"path": str(folder / "out")}),
            ("duck", "duckdb", {"path": str(self.duckdb)}),
        ):
            workspace.connections.save(Connection(name, kind, found))

    @property
    def duckdb(self) -> Path:
        return self.folder / "out.duckdb"

    def task(self, source: dict[str, Any], to: Sequence[dict[str, Any]], options: TaskOptions | None = None) -> str:
        """A task; its name."""
        targets = [Node(f"to{number}", "destination", one) for number, one in enumerate(to)]
        nodes = (Node("source", "source", {"connection": "sql"} | source), *targets)
        links = tuple(Link("source", target.id) for target in targets)
        name = f"Task {uuid.uuid4().hex[:6]}"
        self.workspace.tasks.save(Task(str(uuid.uuid4()), name, Design(nodes, links), options or TaskOptions()))
        return name

    def run(self, task: str, cancel: CancelToken | None = None, **request: Any) -> RunOutcome:
        self.events = []
        service = RunService(self.workspace)
        return service.run(RunRequest(task, **request), emit=self.events.append, cancel=cancel or CancelToken())


@contextmanager
def office(folder: Path, world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    monkeypatch.setenv(REFERENCE.removeprefix("env:"), world.password)
    workspace = open_workspace(folder / "workspace")
    try:
        yield Office(folder, world, workspace)
    finally:
        workspace.close()
