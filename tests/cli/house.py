"""A workspace, a source database and places to write to, with the program run over them as a user would."""

import json
import os
import sqlite3
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from tests.cli.forked import forked

ROOT = Path(__file__).parent.parent.parent
DRIVEN = Path(__file__).parent / "driven.py"


def until(condition: Callable[[], bool], *, seconds: float = 60) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition never came true"
        time.sleep(0.02)


@dataclass
class House:
    """Everything of one test in one folder."""

    folder: Path
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def workspace(self) -> Path:
        return self.folder / "workspace"

    @property
    def database(self) -> Path:
        return self.folder / "source.sqlite"

    @property
    def output(self) -> Path:
        return self.folder / "output"

    @property
    def duckdb(self) -> Path:
        return self.folder / "out.duckdb"

    def sql(self, *statements: str, rows: Sequence[Sequence[object]] = ()) -> None:
        """Run statements on the source; the last one once for each of `rows`, if there are any."""
        with closing(sqlite3.connect(self.database)) as connection:
            for statement in statements[:-1] if rows else statements:
                connection.execute(statement)
            if rows:
                connection.executemany(statements[-1], rows)
            connection.commit()

    def numbers(self, count: int, table: str = "t") -> None:
        """A table of `count` rows: id 1…, text, and a REAL."""
        self.sql(
            f'CREATE TABLE "{table}" (id INTEGER PRIMARY KEY, name TEXT, x REAL)',
            f'INSERT INTO "{table}" VALUES (?, ?, ?)',
            rows=[(i, f"name {i}", i / 4) for i in range(1, count + 1)],
        )

    def task(
        self,
        name: str = "Test",
        *,
        tables: Sequence[str] = ("*",),
        steps: Sequence[tuple[str, dict[str, Any]]] = (),
        to: Sequence[dict[str, Any]] = ({"connection": "out"},),
        options: dict[str, Any] | None = None,
        task_id: str | None = None,
        **source: Any,
    ) -> Path:
        """A task file: source → steps → each of `to`."""
        chain = [{"id": "source", "kind": "source", "settings": {"connection": "db", "tables": list(tables)} | source}]
        chain += [{"id": f"step{i}", "kind": kind, "settings": settings} for i, (kind, settings) in enumerate(steps)]
        ends = [{"id": f"to{i}", "kind": "destination", "settings": settings} for i, settings in enumerate(to)]
        links = [[a["id"], b["id"]] for a, b in pairwise(chain)] + [[chain[-1]["id"], end["id"]] for end in ends]
        document = {
            "format": "dtaas-task",
            "version": 1,
            "uuid": task_id or str(uuid.uuid5(uuid.NAMESPACE_URL, name)),
            "name": name,
            "options": options or {},
            "design": {"nodes": chain + ends, "links": links},
            "connections": {
                "db": {"kind": "sqlite", "settings": {"path": str(self.database)}},
                "out": {"kind": "folder", "settings": {"path": str(self.output)}},
                "duck": {"kind": "duckdb", "settings": {"path": str(self.duckdb)}},
            },
        }
        path = self.folder / "task.json"
        path.write_text(json.dumps(document), encoding="utf-8")
        return path

    def start(self, *arguments: str, order: dict[str, Any] | None = None, **environment: str) -> subprocess.Popen[str]:
        """The program in a process of its own."""
        command = [sys.executable, str(DRIVEN), json.dumps(order or {}), "--workspace", str(self.workspace), *arguments]
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            cwd=ROOT,
            env={**_environment(), **environment},
        )
        self.started.append(process)
        return process

    def run(self, *arguments: str, order: dict[str, Any] | None = None, **environment: str) -> tuple[int, str, str]:
        """Exit code, output, errors of the program, run to its end."""
        command = ["--workspace", str(self.workspace), *arguments]
        code, out, err = forked().run(order or {}, command, _environment() | environment, seconds=110)
        assert "Traceback" not in err, err
        return code, out, err

    def must(self, *arguments: str) -> str:
        """Run what must succeed; its output."""
        code, out, err = self.run(*arguments)
        assert code == 0, (code, out, err)
        return out

    def imported(self, **task: Any) -> str:
        """Import a task made by `task`; its name."""
        self.must("--import-task", str(self.task(**task)))
        return str(task.get("name", "Test"))

    def manifest(self, target: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.output / target / "_manifest.json").read_text(encoding="utf-8"))
        return found

    def published(self, target: str = "t") -> pa.Table:
        """What a reader of the manifest sees, read by pyarrow alone (Parquet)."""
        files = [self.output / target / file["path"] for file in self.manifest(target)["files"]]
        return pa.concat_tables([pq.ParquetFile(file).read() for file in files])

    def in_duckdb(self, query: str) -> list[tuple[Any, ...]]:
        with closing(duckdb.connect(str(self.duckdb), read_only=True)) as connection:
            return connection.execute(query).fetchall()

    def metadata(self, query: str) -> list[tuple[Any, ...]]:
        """Look into the workspace's metadata."""
        with closing(sqlite3.connect(self.workspace / "metadata.sqlite")) as connection:
            return connection.execute(query).fetchall()

    def data_files(self) -> set[str]:
        """Every file below the output that is neither ours nor a marker for readers."""
        return {
            str(path.relative_to(self.output))
            for path in self.output.rglob("*")
            if path.is_file() and "_dtaas" not in path.parts and path.name not in ("_manifest.json", "_SUCCESS")
        }

    def end(self) -> None:
        """End what the test started."""
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.communicate()


def _environment() -> dict[str, str]:
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return os.environ | {"PYTHONPATH": path, "PYTHONWARNINGS": "error"}
