"""What a run does not need it does not load: everybody waits for that at every start."""

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

_PROGRAM = """
import sys
from dtaas_desktop.__main__ import main
code = main()
print("loaded:", *sorted({name.split(".")[0] for name in sys.modules}), file=sys.stderr)
sys.exit(code)
"""


def loaded(arguments: list[str]) -> set[str]:
    """The packages in memory when the command line has done what it is told."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", _PROGRAM, *arguments], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(done.stderr.splitlines()[-1].removeprefix("loaded: ").split())


@pytest.mark.parametrize(
    ("steps", "needed"), [([], set()), ([{"expression": "id > 1"}], {"duckdb"})], ids=["plain", "expression"]
)
def test_a_run_loads_duckdb_for_an_expression_only_and_never_numpy_pandas_or_qt(
    tmp_path: Path, steps: list[dict[str, str]], needed: set[str]
) -> None:
    with closing(sqlite3.connect(tmp_path / "shop.sqlite")) as database:
        database.execute("CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT)")
        database.executemany("INSERT INTO item (name) VALUES (?)", [("a",), ("b",)])
        database.commit()
    (tmp_path / "out").mkdir()
    nodes = [
        {"id": "s", "kind": "source", "settings": {"connection": "shop", "tables": ["item"]}},
        *({"id": f"f{number}", "kind": "filter", "settings": settings} for number, settings in enumerate(steps)),
        {"id": "d", "kind": "destination", "settings": {"connection": "out"}},
    ]
    names = [node["id"] for node in nodes]
    task = {
        "format": "dtaas-task",
        "version": 1,
        "uuid": "11111111-1111-4111-8111-111111111111",
        "name": "Copy",
        "design": {"nodes": nodes, "links": [list(pair) for pair in pairwise(names)]},
        "connections": {
            "shop": {"kind": "sqlite", "settings": {"path": str(tmp_path / "shop.sqlite")}},
            "out": {"kind": "folder", "settings": {"path": str(tmp_path / "out")}},
        },
    }
    (tmp_path / "task.json").write_text(json.dumps(task), "utf-8")
    workspace = ["--workspace", str(tmp_path / "workspace")]
    loaded([*workspace, "--import-task", str(tmp_path / "task.json")])
    assert {"duckdb", "numpy", "pandas", "PySide6", "rich"} & loaded([*workspace, "--run-task", "Copy"]) == needed
