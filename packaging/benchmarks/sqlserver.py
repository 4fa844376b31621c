"""SQL Server → Parquet: the product and its peers over the same tables of the stand-in server, whose processor time is counted apart."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import proof, report, rounds
from benchmarks.data import WORK
from benchmarks.measure import cost
from benchmarks.product import Product, ProductFailed, task
from benchmarks.report import Target
from benchmarks.rounds import Competitor, Result
from benchmarks.sqlserver_data import ORDERS, SHAPES, Shape
from benchmarks.sqlserver_peers import THREADS, present
from benchmarks.sqlserver_server import CELL_BYTES, LARGE_CELLS, PASSWORD, Served, large_content

OURS, OURS_IN_TWO, OURS_SMALL = "DTaaS Desktop", "DTaaS Desktop, two parts", "DTaaS Desktop, a tenth"
OURS_IN_TWO_SMALL = "DTaaS Desktop, two parts, a tenth"
REFERENCE = "arrow-odbc + pyarrow"
IN_TWO = "arrow-odbc, two ranges"
_SECRET = "DTAAS_BENCH_PASSWORD"
_PEERS_FILE = Path(__file__).with_name("sqlserver_peers.py")


def source(served: Served, database: str) -> Mapping[str, object]:
    """The connection as a task file describes it; the password is in a variable."""
    return {
        "kind": "sqlserver",
        "settings": {
            "server": served.server.host,
            "port": served.server.port,
            "database": database,
            "user": "sa",
            "password": f"env:{_SECRET}",
            "encrypt": "no",
            "driver": served.driver,
        },
    }


def ours(product: Product, served: Served, name: str, table: str, parallel: int, expected: proof.Content) -> Competitor:
    """The product with so many parts at a time, one connection each."""
    product.environment[_SECRET] = PASSWORD

    prepare = partial(_prepared, product, source(served, "bench"), table, parallel)
    check = partial(proof.complaint, expected=expected)
    return Competitor(name, 1, _with_server(served, partial(rounds.run_ours, product, prepare, check)))


def _prepared(
    product: Product, connection: Mapping[str, object], table: str, parallel: int, folder: Path
) -> Sequence[str | Path]:
    return product.prepare_task(task(connection, table, folder, options={"parallel": parallel}), folder)


def peer(served: Served, name: str, table: str, expected: proof.Content) -> Competitor:
    def run(folder: Path) -> Result:
        command: list[str | Path] = [sys.executable, "-P", _PEERS_FILE, name, served.connection_string(), table, folder]
        done = cost(command, timeout=rounds.RUN_SECONDS)
        return rounds.result(done, sorted(folder.glob("*.parquet")), partial(proof.complaint, expected=expected))

    return Competitor(name, 1, _with_server(served, run))


def compared(
    product: Product, served: Served, shape: Shape, tenth: bool, count: int, say: Callable[[str], None]
) -> tuple[int, dict[str, list[Result]]]:
    """Everybody over one table, in turns: how many rows it has, and the results by name."""
    rows = shape.rows // 10 if tenth else shape.rows
    table = served.table(shape, rows)
    expected = served.expected(shape, rows)
    competitors = [
        ours(product, served, OURS, table, 1, expected),
        *(peer(served, name, table, expected) for name in present()),
        ours(product, served, OURS_IN_TWO, table, THREADS, expected),
    ]
    if shape is ORDERS and not tenth:
        few = served.table(shape, rows // 10)
        less = served.expected(shape, rows // 10)
        competitors.append(ours(product, served, OURS_SMALL, few, 1, less))
        competitors.append(ours(product, served, OURS_IN_TWO_SMALL, few, THREADS, less))
    served.server.control.warm(f"SELECT * FROM dbo.{table}", database="bench")
    return rows, rounds.in_turns(competitors, count, say)


def large_cells(product: Product, served: Served, count: int, say: Callable[[str], None]) -> dict[str, list[Result]]:
    """The product over a table with a few bytes in each cell, and over one with cells of CELL_BYTES."""
    product.environment[_SECRET] = PASSWORD
    checks: Mapping[str, Callable[[Sequence[Path]], str]] = {
        "small_cells": partial(proof.miscount, expected=LARGE_CELLS),
        "large_cells": partial(proof.complaint, expected=large_content()),
    }
    competitors = []
    for table in served.large_cells():
        prepare = partial(_prepared, product, source(served, "large"), table, 1)
        run = partial(rounds.run_ours, product, prepare, checks[table])
        competitors.append(Competitor(table, 1, _with_server(served, run)))
    return rounds.in_turns(competitors, count, say)


def catalogue(product: Product, served: Served, repetitions: int) -> Mapping[str, Any]:
    """What sqlserver_inside.py answers. Raises ProductFailed."""
    served.many_tables()
    product.environment[_SECRET] = PASSWORD
    inside = Path(__file__).with_name("sqlserver_inside.py")
    asked = WORK / "sqlserver-settings.json"
    asked.write_text(json.dumps(source(served, "many")["settings"]), "utf-8")
    done = product.cost([product.python, "-P", inside, asked, str(repetitions)], timeout=rounds.RUN_SECONDS)
    asked.unlink()
    if done.code != 0:
        raise ProductFailed(done.said)
    answer: Mapping[str, Any] = json.loads(done.said)
    return answer


def tables(tenth: bool) -> Sequence[Shape]:
    return [ORDERS] if tenth else SHAPES


def report_of(shape: Shape, rows: int, results: Mapping[str, Sequence[Result]]) -> Sequence[Target]:
    """Print what one table came to; what was aimed at."""
    columns = len(shape.columns.split(", "))
    few = {name: runs for name, runs in results.items() if name in (OURS_SMALL, OURS_IN_TWO_SMALL)}
    same = {name: runs for name, runs in results.items() if name not in few}
    print(f"\n# SQL Server → Parquet (zstd), {shape.name}, {rows:,} rows × {columns} columns")
    print(f"\n{report.comparison(same, rows, reference=REFERENCE, server=True)}")
    if few:
        print(f"\n{report.comparison(few, rows // 10, reference=OURS_SMALL, server=True)}")
    singles = [results[name] for name in results if name in present() and name != IN_TWO]
    fastest = min((runs for runs in singles if not all(run.failed for run in runs)), key=_seconds, default=results[REFERENCE])
    found = [
        Target(
            f"{shape.name}: rows/s, times the fastest direct reader's", report.speed_ratio(results[OURS], fastest), 0.95, "more"
        ),
        Target(f"{shape.name}: the same in two parts", report.speed_ratio(results[OURS_IN_TWO], fastest), 1.3, "more"),
        Target(f"{shape.name}: peak memory", report.peak(results[OURS]), 400, "less", " MB"),
        Target(f"{shape.name}: the same in two parts", report.peak(results[OURS_IN_TWO]), 400, "less", " MB"),
    ]
    for name, less in ((OURS, OURS_SMALL), (OURS_IN_TWO, OURS_IN_TWO_SMALL)):
        high, low = report.peak(results[name]), report.peak(results[less]) if less in results else None
        if high and low:
            found.append(Target(f"{name}: peak memory, times that of a tenth of the rows", high / low, 1.25, "less"))
    return found


def report_of_cells(results: Mapping[str, Sequence[Result]]) -> Sequence[Target]:
    """Print what large cells came to."""
    base, high = (report.peak(results[name]) for name in ("small_cells", "large_cells"))
    print(
        f"\n# {LARGE_CELLS} rows with cells of {CELL_BYTES / 1e6:.0f} MB in a column nvarchar(max), beside the same rows with 20 bytes"
    )
    print(f"\n{report.comparison(results, LARGE_CELLS, reference='small_cells', server=True)}")
    times = (high - base) / (CELL_BYTES / 1e6) if high and base else None
    return [Target("peak memory of large cells beyond that of small ones, in cells", times, 5, "less")]


def report_of_catalogue(found: Mapping[str, Any]) -> Sequence[Target]:
    """Print what the catalogue came to."""
    read, described = report.span(found["read"]), report.span(found["described"])
    print(f"\n# The catalogue of {found['tables']:,} tables with {found['columns']:,} columns")
    print(f"read in {read} s with {found['statements']} statements; with a description of every table in {described} s")
    return [
        Target("the catalogue is read in", median(found["read"]), 3, "less", " s"),
        Target("statements that takes", found["statements"], 12, "less"),
    ]


def _seconds(runs: Sequence[Result]) -> float:
    return median(run.seconds for run in runs if not run.failed)


def _with_server(served: Served, run: Callable[[Path], Result]) -> Callable[[Path], Result]:
    def measured(folder: Path) -> Result:
        before = served.server.cpu_seconds()
        found = run(folder)
        return replace(found, server=served.server.cpu_seconds() - before)

    return measured
