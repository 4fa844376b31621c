"""The product, driven as its users do without a window: a task file is imported, then the task runs in a process of its own."""

import json
import os
import uuid
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.data import TABLE
from benchmarks.measure import Cost, cost
from benchmarks.steps import Step

PREPARING_SECONDS = 120
_TASK = "Benchmark"


class ProductFailed(Exception):
    """The product refused what the benchmarks need; the text is what it said."""


class Product:
    """The product of one environment, named by its Python."""

    def __init__(self, python: Path) -> None:
        self.python = python
        # As installed: compiled modules are kept. A shell that forbids that would be measured, not the product.
        self.environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}

    def command(self, *arguments: str | Path) -> Sequence[str | Path]:
        return [self.python, "-P", "-m", "dtaas_desktop", *arguments]

    def cost(self, command: Sequence[str | Path], *, timeout: float) -> Cost:
        return cost(command, timeout=timeout, environment=self.environment)

    def prepare(self, database: Path, folder: Path, steps: Sequence[Step] = ()) -> Sequence[str | Path]:
        """Make a workspace with a task that writes the table to Parquet in `folder`/output; the command that runs it."""
        return self.prepare_task(task({"kind": "sqlite", "settings": {"path": str(database)}}, TABLE, folder, steps), folder)

    def prepare_task(self, wanted: Mapping[str, Any], folder: Path) -> Sequence[str | Path]:
        """Make a workspace with this task; the command that runs it."""
        (folder / "output").mkdir(parents=True)
        file = folder / "task.json"
        file.write_text(json.dumps(wanted), "utf-8")
        done = self.cost(
            self.command("--workspace", folder / "workspace", "--import-task", file),
            timeout=PREPARING_SECONDS,
        )
        if done.code != 0:
            raise ProductFailed(done.said)
        return self.command("--workspace", folder / "workspace", "--run-task", _TASK)


def task(
    source: Mapping[str, Any],
    table: str,
    folder: Path,
    steps: Sequence[Step] = (),
    *,
    options: Mapping[str, Any] | None = None,
) -> Mapping[str, Any]:
    """A task file: the table of the connection `source`, the steps, flat Parquet files in `folder`/output."""
    nodes: list[dict[str, Any]] = [
        {"id": "source", "kind": "source", "settings": {"connection": "database", "tables": [table]}},
        *({"id": f"step{number}", "kind": kind, "settings": settings} for number, (kind, settings) in enumerate(steps)),
        {"id": "folder", "kind": "destination", "settings": {"connection": "folder"}},
    ]
    return {
        "format": "dtaas-task",
        "version": 1,
        "uuid": str(uuid.uuid4()),
        "name": _TASK,
        "options": dict(options or {}),
        "design": {"nodes": nodes, "links": [[a["id"], b["id"]] for a, b in pairwise(nodes)]},
        "connections": {
            "database": dict(source),
            "folder": {"kind": "folder", "settings": {"path": str(folder / "output")}},
        },
    }


def written(folder: Path) -> Sequence[Path]:
    """The Parquet files that a run of `prepare`'s command has published."""
    output = folder / "output"
    return sorted(path for path in output.rglob("*.parquet") if "_dtaas" not in path.relative_to(output).parts)
