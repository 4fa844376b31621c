"""Change turns in processes of their own, and how soon a change is seen at a destination that is followed."""

import json
import os
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from benchmarks import data
from benchmarks.measure import cost
from benchmarks.product import Product

FILES, DUCKDB = "Parquet change files", "DuckDB mirror"
_KINDS = {FILES: "files", DUCKDB: "duckdb"}
_INSIDE = Path(__file__).with_name("changes_inside.py")
_SECONDS = 1800
_PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn from the reader to what was published: seconds of the whole process, and what was wrong with the result."""

    seconds: float
    cpu: float
    peak: int
    problem: str


def turns(product: Product, keys: int, count: int, rounds: int, progress: Callable[[str], None]) -> Mapping[str, Sequence[Turn]]:
    """Rounds in turn over both destinations; each begins with a fresh load that is not measured."""
    found: dict[str, list[Turn]] = {name: [] for name in _KINDS}
    for number in range(rounds):
        for name, kind in _KINDS.items():
            progress(f"round {number + 1}: {name}")
            found[name].append(_turn(product, kind, keys, count))
    return found


def _turn(product: Product, kind: str, keys: int, count: int) -> Turn:
    folder = data.WORK / "changes"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    path = os.pathsep.join(filter(None, [str(_INSIDE.parent.parent), product.environment.get("PYTHONPATH")]))
    environment = {**product.environment, "PYTHONPATH": path}
    words: list[str | Path] = [kind, folder, str(keys), str(count)]
    try:
        load, turn, look = (
            cost([product.python, _INSIDE, phase, *words], timeout=_SECONDS, environment=environment)
            for phase in ("load", "turn", "look")
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for phase in (load, turn, look):
        if phase.code != 0:
            return Turn(turn.seconds, turn.cpu, turn.peak, phase.said.splitlines()[-1] if phase.said else "it said nothing")
    answer = {**json.loads(turn.said.splitlines()[-1]), **json.loads(look.said.splitlines()[-1])}
    right = answer["state"] == "done" and answer["found"] == answer["expected"]
    return Turn(turn.seconds, turn.cpu, turn.peak, "" if right else f"{answer}")


def seconds_until_seen(product: Product, repetitions: int) -> list[float]:
    """From the commit of one row in SQLite until the folder's manifest shows it, with the product following."""
    folder = data.WORK / "follow"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "out").mkdir(parents=True)
    database = folder / "source.sqlite"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)")
    (folder / "task.json").write_text(json.dumps(_task(database, folder / "out")), "utf-8")
    workspace = ("--workspace", folder / "workspace")
    for words in (("--import-task", folder / "task.json"), ("--enable-capture", "Follow")):
        done = product.cost(product.command(*workspace, *words), timeout=60)
        if done.code != 0:
            raise RuntimeError(done.said)
    command = [str(word) for word in product.command(*workspace, "--run-task", "Follow", "--follow")]
    follower = subprocess.Popen(command, env=dict(product.environment), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _until(lambda: _rows(folder) == 0)
        return [_seen(database, folder, number) for number in range(1, repetitions + 1)]
    finally:
        follower.terminate()
        follower.wait(60)
        shutil.rmtree(folder, ignore_errors=True)


def _seen(database: Path, folder: Path, number: int) -> float:
    with closing(sqlite3.connect(database, timeout=30)) as connection:
        connection.execute("INSERT INTO t VALUES (?, 'a row')", (number,))
        connection.commit()
    committed = time.perf_counter()
    _until(lambda: _rows(folder) == number)
    return time.perf_counter() - committed


def _rows(folder: Path) -> int | None:
    """Rows in the manifest: nothing but inserts happens here, so each change adds one. None while there is no manifest."""
    try:
        rows: int = json.loads((folder / "out" / "t" / "_manifest.json").read_text("utf-8"))["rows"]
    except FileNotFoundError:
        return None
    return rows


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError("a change was not seen in time")
        time.sleep(0.005)


def _task(database: Path, output: Path) -> Mapping[str, object]:
    settings = {"connection": "out", "write_mode": "mirror", "publish_seconds": 0}
    return {
        "format": "dtaas-task",
        "version": 1,
        "uuid": "00000000-0000-4000-8000-00000000f011",
        "name": "Follow",
        "options": {"transfer": "full load, then changes"},
        "design": {
            "nodes": [
                {"id": "s", "kind": "source", "settings": {"connection": "db", "tables": ["t"]}},
                {"id": "d", "kind": "destination", "settings": settings},
            ],
            "links": [["s", "d"]],
        },
        "connections": {
            "db": {"kind": "sqlite", "settings": {"path": str(database)}},
            "out": {"kind": "folder", "settings": {"path": str(output)}},
        },
    }
