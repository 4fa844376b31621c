"""One phase of the change benchmark in a process of its own: changes_inside.py PHASE KIND FOLDER KEYS CHANGES.

PHASE is load, turn or look, KIND is files or duckdb. Load and turn say as JSON how the run ended; look, apart because it takes memory of
its own, how many rows are there and the sum of their n, as read by DuckDB, and how many there should be.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import duckdb

from benchmarks.generated_changes import Generated
from dtaas_desktop.connectors.registry import open_destination
from dtaas_desktop.domain.connection import Connection
from dtaas_desktop.domain.design import Design, Link, Node
from dtaas_desktop.domain.errors import AppError
from dtaas_desktop.domain.events import Event, Notice, TableFailed
from dtaas_desktop.domain.plan import JobId, Plan
from dtaas_desktop.domain.target import PlanId, Published, Staged
from dtaas_desktop.domain.task import Task, TaskOptions
from dtaas_desktop.engine.cancel import CancelToken
from dtaas_desktop.engine.systems import Systems
from dtaas_desktop.engine.task_run import TaskRun


class _Forgetful:
    """A journal for runs that nobody resumes."""

    def plan(self, plan: Plan) -> None:
        pass

    def staged(self, plan: PlanId, job: JobId, results: Mapping[str, Staged | AppError]) -> None:
        pass

    def published(self, plan: PlanId, table: int, route: str, outcome: Published | AppError) -> None:
        pass


def told(event: Event) -> None:
    if isinstance(event, TableFailed | Notice):
        print(event, file=sys.stderr)


def main(phase: str, kind: str, folder: Path, keys: int, changes: int) -> None:
    place = folder / ("out.duckdb" if kind == "duckdb" else "out")
    destination = open_destination(
        Connection("out", "folder" if kind == "files" else "duckdb", {"path": str(place)}), workspace="bench"
    )
    nodes = (
        Node("s", "source", {"connection": "db", "tables": ["t"]}),
        Node("d", "destination", {"connection": "out", "write_mode": "mirror"}),
    )
    options = TaskOptions(transfer="full load, then changes")
    task = Task("00000000-0000-4000-8000-00000000bebe", "Benchmark", Design(nodes, (Link("s", "d"),)), options)
    source = Generated(keys, changes, 0 if phase == "load" else changes)
    if phase == "look":
        print(json.dumps({"expected": source.expected(), "found": found(kind, place)}))
        return
    systems = Systems({"db": source}, {"out": destination}, lambda reference: reference)
    outcome = TaskRun("run", task, systems, _Forgetful(), told, CancelToken(), "bench").run()
    print(json.dumps({"state": outcome.state}))


def found(kind: str, place: Path) -> tuple[int, int]:
    """Rows and the sum of n, by the query that readers are given."""
    if kind == "duckdb":
        with duckdb.connect(str(place), read_only=True) as connection:
            return answered(connection, "FROM t")
    manifest = json.loads((place / "t" / "_manifest.json").read_text("utf-8"))
    with duckdb.connect() as connection:
        connection.execute("SET memory_limit = '1GB'")
        connection.execute(f"SET file_search_path = '{place / 't'}'")
        *before, last = duckdb.extract_statements(manifest["readers"]["current_state"]["duckdb"])
        for statement in before:
            connection.execute(statement)
        return answered(connection, f"FROM ({last.query.rstrip().rstrip(';')})")


def answered(connection: duckdb.DuckDBPyConnection, source: str) -> tuple[int, int]:
    row = connection.execute(f"SELECT count(*), sum(n)::BIGINT {source}").fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5]))
