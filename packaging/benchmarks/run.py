"""The benchmarks. packaging/dev.py bench starts them with the peers' Python, and names the product's in DTAAS_PRODUCT_PYTHON."""

import argparse
import json
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # where this folder is the package `benchmarks`

from benchmarks import changes, data, machine, proof, report, rounds, sqlserver, steps, window
from benchmarks.measure import Cost, cost
from benchmarks.product import Product
from benchmarks.report import Target, percent, times
from benchmarks.rounds import OURS, REFERENCE, Result
from benchmarks.sqlserver_server import served

CHAIN_NAME = "chain of eight"
_FEW_ROWS = 10
_SECTIONS = ("peers", "steps", "start", "changes", "window", "sqlserver")


@dataclass
class Bench:
    """What is measured, how often, and what was found."""

    product: Product
    copies: int
    rounds: int
    repetitions: int
    found: dict[str, object] = field(default_factory=dict)
    targets: list[Target] = field(default_factory=list)


def peers(bench: Bench) -> None:
    """SQLite → Parquet (zstd): everybody over the same rows; the product also over a tenth of them."""
    once = proof.content([data.FLIGHTS])
    rows = once.rows * bench.copies
    database = data.flights(bench.copies)
    expected = once.times(bench.copies)
    print(f"\n# SQLite → Parquet (zstd), {rows:,} rows × {len(once.types)} columns, rounds in turn: {bench.rounds}")
    ours = rounds.ours(bench.product, OURS, database, bench.copies, check=partial(proof.complaint, expected=expected))
    competitors = [ours, *rounds.peers(database, bench.copies, expected)]
    small = f"{OURS}, {once.rows:,} rows"
    if bench.copies > 1:
        check = partial(proof.complaint, expected=once)
        competitors.append(rounds.ours(bench.product, small, data.flights(1), 1, check=check))
    results = rounds.in_turns(competitors, bench.rounds, progress)
    bench.found["peers"] = as_json(results)
    tenth = results.pop(small, None)
    print(f"\n{report.comparison(results, rows, reference=REFERENCE)}")
    mine, theirs = results[OURS], results[REFERENCE]
    bench.targets += [
        Target(f"rows/s, times {REFERENCE}'s", report.speed_ratio(mine, theirs), 1.2, "more"),
        Target(f"bytes, times {REFERENCE}'s", report.ratio(mine, theirs, "bytes"), 1.05, "less"),
        Target("peak memory", report.peak(mine), 400, "less", " MB"),
    ]
    if tenth:
        print(f"\n{report.comparison({small: tenth}, once.rows, reference=small)}")
        large, less = report.peak(mine), report.peak(tenth)
        growth = large / less if large and less else None
        bench.targets.append(Target(f"peak memory, times that of 1/{bench.copies} of the rows", growth, 1.25, "less"))


def transformations(bench: Bench) -> None:
    """Each kind alone and the chain, in whole runs of the product and in memory."""
    once = proof.content([data.FLIGHTS])
    rows = once.rows * bench.copies
    database = data.flights(bench.copies)
    print(f"\n# Transformations, {rows:,} rows, rounds in turn: {bench.rounds}")

    def run(name: str, chosen: Sequence[steps.Step], check: Callable[[Sequence[Path]], str]) -> rounds.Competitor:
        return rounds.ours(bench.product, name, database, bench.copies, check=check, steps=chosen)

    chained = proof.content([data.FLIGHTS], query=steps.CHAIN_IN_SQL).times(bench.copies)
    plain = run(OURS, (), partial(proof.miscount, expected=rows))
    competitors = [plain, run(CHAIN_NAME, steps.CHAIN, partial(proof.complaint, expected=chained))]
    for name, step in steps.ALONE.items():
        kept = proof.content([data.FLIGHTS], query=steps.FILTERS_IN_SQL.get(name, "FROM flights")).rows * bench.copies
        competitors.append(run(name, [step], partial(proof.miscount, expected=kept)))
    results = rounds.in_turns(competitors, bench.rounds, progress)
    bench.found["steps"] = as_json(results)
    memory = in_memory(bench)
    bench.found["steps_in_memory"] = memory
    print(f"\n{steps_table(results, memory)}")
    speed = report.speed_ratio(results[CHAIN_NAME], results[OURS])
    bench.targets.append(Target("chain of eight, of plain speed", speed and 100 * speed, 60, "more", " %"))


def in_memory(bench: Bench) -> dict[str, list[float] | str]:
    """Seconds for a million rows of each transformation on batches in memory, or what went wrong."""
    progress("in memory")
    wanted = {CHAIN_NAME: steps.CHAIN} | {name: [step] for name, step in steps.ALONE.items()}
    inside = Path(__file__).with_name("inside.py")
    asked = data.WORK / "steps.json"
    asked.write_text(json.dumps(wanted), "utf-8")
    command: list[str | Path] = [bench.product.python, "-P", inside, data.FLIGHTS, asked, str(bench.repetitions)]
    done = cost(command, timeout=rounds.RUN_SECONDS, environment=bench.product.environment)
    asked.unlink()
    if done.code != 0:
        return dict.fromkeys(wanted, done.said.splitlines()[-1] if done.said else "it said nothing")
    answer: dict[str, list[float] | str] = json.loads(done.said)
    return answer


def steps_table(results: dict[str, list[Result]], memory: dict[str, list[float] | str]) -> str:
    lines = []
    for name, runs in results.items():
        good = [run for run in runs if not run.failed]
        inside = memory.get(name)
        lines.append(
            [
                name if name != OURS else "none",
                report.span([run.seconds for run in good]) if good else "–",
                times(median(run.cpu for run in good)) if good else "–",
                percent(report.speed_ratio(runs, results[OURS])),
                f"{1e6 / median(inside):,.0f}" if isinstance(inside, list) else "–",
                "; ".join(sorted({run.problem for run in runs if run.problem})) or "yes",
            ]
        )
    headings = ["", "wall s (min–max)", "CPU s", "of plain speed", "rows/s in memory", "verified"]
    return report.aligned(headings, lines)


def start(bench: Bench) -> None:
    """What it costs to start at all."""
    print("\n# Start-up")
    product = bench.product
    version = [product.cost(product.command("--version"), timeout=60) for _ in range(bench.repetitions + 1)][1:]
    folder = data.WORK / "run"
    shutil.rmtree(folder, ignore_errors=True)
    command = product.prepare(data.few_flights(_FEW_ROWS), folder)
    few = [product.cost(command, timeout=60) for _ in range(bench.repetitions + 1)][1:]  # the first compiles what is new
    shutil.rmtree(folder, ignore_errors=True)
    lines = [
        [name, report.span([run.seconds for run in runs]), times(median(run.cpu for run in runs)), ended(runs)]
        for name, runs in (("--version", version), (f"a task of {_FEW_ROWS} rows", few))
    ]
    bench.found["start"] = {
        "version": [{"seconds": run.seconds, "cpu": run.cpu} for run in version],
        "few_rows": [{"seconds": run.seconds, "cpu": run.cpu, "peak": run.peak} for run in few],
    }
    print(report.aligned(["", "wall s (min–max)", "CPU s", "ended well"], lines))
    bench.targets += [
        Target("--version, wall", median(run.seconds for run in version), 0.3, "less", " s"),
        Target(f"a task of {_FEW_ROWS} rows, CPU", median(run.cpu for run in few), 1.2, "less", " s"),
    ]


def following(bench: Bench) -> None:
    """Changes, brought over by net effect, and how soon one is seen."""
    tenth = bench.copies < 10
    keys, count = (100_000, 1_000_000) if tenth else (1_000_000, 10_000_000)
    print(f"\n# Changes: {count:,} of one row each, over {keys:,} keys, rounds in turn: {bench.rounds}")
    turns = changes.turns(bench.product, keys, count, bench.rounds, progress)
    bench.found["changes"] = {kind: [asdict(run) for run in runs] for kind, runs in turns.items()}
    lines = []
    for kind, runs in turns.items():
        good = [run for run in runs if not run.problem]
        rate = count / median(run.seconds for run in good) if good else None
        memory = max((run.peak / 1e6 for run in good), default=None)
        wall = report.span([run.seconds for run in good]) if good else "–"
        cpu = times(median(run.cpu for run in good)) if good else "–"
        problems = "; ".join(sorted({run.problem for run in runs if run.problem})) or "yes"
        lines.append(
            [kind, wall, "–" if rate is None else f"{rate:,.0f}", cpu, "–" if memory is None else f"{memory:.0f}", problems]
        )
        aim = 100_000 if kind == changes.FILES else 60_000
        bench.targets += [
            Target(f"changes a second, {kind}", rate, aim, "more"),
            Target(f"peak memory of changes, {kind}", memory, 600, "less", " MB"),
        ]
    print(report.aligned(["", "wall s (min–max)", "changes/s", "CPU s", "peak MB", "verified"], lines))
    seen = changes.seconds_until_seen(bench.product, bench.repetitions)
    bench.found["seconds_until_seen"] = seen
    print(f"A change is seen after {report.span(seen)} s with --follow.")
    bench.targets.append(Target("a change is seen after, at most", max(seen), 1, "less", " s"))


def in_the_window(bench: Bench) -> None:
    """How soon the window is there, what it takes, whether it stays smooth and does not grow."""
    print("\n# The window")
    begun = window.starts(bench.product, min(bench.repetitions, 5))
    found = window.inside(bench.product, bench.copies)
    bench.found["window"] = {"starts": [asdict(one) for one in begun], "inside": asdict(found)}
    seconds, memory = [one.seconds for one in begun], [one.megabytes for one in begun]
    print(f"shown after {report.span(seconds)} s, {report.span(memory)} MB resident")
    idle, busy = window.p99(found.idle), window.p99(found.busy)
    print(f"a beat of 10 ms is late by p99 {idle:.1f} ms at rest, {busy:.1f} ms beside two runs ({len(found.busy):,} beats)")
    print(f"{window.SIMULATED_RUNS:,} simulated runs: {found.before:.0f} MB after a tenth, {found.after:.0f} MB after all")
    bench.targets += [
        Target("the window is shown after", median(seconds), 1.5, "less", " s"),
        Target("memory of the window", max(memory), 220, "less", " MB"),
        Target("a beat of 10 ms beside two runs is late by, p99", busy, 16, "less", " ms"),
        Target("growth by simulated runs", 100 * (found.after / found.before - 1), 10, "less", " %"),
    ]


def from_sql_server(bench: Bench) -> None:
    """SQL Server (the stand-in) → Parquet (zstd): everybody over the same tables; very large cells; a large catalogue."""
    with served(bench.product.python) as server:
        tables: dict[str, object] = {}
        for shape in sqlserver.tables(bench.copies < 10):
            rows, results = sqlserver.compared(bench.product, server, shape, bench.copies < 10, bench.rounds, progress)
            tables[shape.name] = {"rows": rows, "results": as_json(results)}
            bench.targets += sqlserver.report_of(shape, rows, results)
        cells = sqlserver.large_cells(bench.product, server, bench.rounds, progress)
        found = sqlserver.catalogue(bench.product, server, bench.repetitions)
    bench.found["sqlserver"] = {"tables": tables, "cells": as_json(cells), "catalogue": found}
    bench.targets += [*sqlserver.report_of_cells(cells), *sqlserver.report_of_catalogue(found)]


def main(arguments: Sequence[str]) -> int:
    options = grammar().parse_args(arguments)
    python = os.environ.get("DTAAS_PRODUCT_PYTHON")
    if not python:
        print("Start the benchmarks with: python3 packaging/dev.py bench", file=sys.stderr)
        return 2
    quick = options.quick
    bench = Bench(Product(Path(python)), 1 if quick else 10, options.rounds or (1 if quick else 3), 3 if quick else 7)
    facts = machine.facts(bench.product.python)
    print(", ".join(f"{name} {value}" for name, value in facts.items() if not isinstance(value, dict)))
    sections = {"peers": peers, "steps": transformations, "start": start, "changes": following, "window": in_the_window}
    sections["sqlserver"] = from_sql_server
    for name in options.only or _SECTIONS:
        sections[name](bench)
    print(f"\n# Targets\n{report.aligned(['', 'aim', 'measured', ''], [target.row() for target in bench.targets])}")
    if options.json:
        answer = {
            "machine": facts,
            "copies": bench.copies,
            "rounds": bench.rounds,
            **bench.found,
            "targets": [asdict(target) | {"reached": target.reached} for target in bench.targets],
        }
        options.json.write_text(json.dumps(answer, indent=1, ensure_ascii=False), "utf-8")
    return 0


def grammar() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(
        prog="dev.py bench", description="Measure the product and its peers on the same data, in turns."
    )
    found.add_argument("--rounds", type=int, help="how often everybody has a turn (3)")
    found.add_argument(
        "--quick", action="store_true", help="one round on a tenth of the data: shows that all runs, measures little"
    )
    found.add_argument("--only", action="append", choices=_SECTIONS, help="one section only; can be repeated")
    found.add_argument("--json", type=Path, metavar="FILE", help="write all figures of all rounds as JSON")
    return found


def ended(runs: Sequence[Cost]) -> str:
    return "; ".join(sorted({run.said.splitlines()[-1] if run.said else "no" for run in runs if run.code != 0})) or "yes"


def as_json(results: dict[str, list[Result]]) -> dict[str, list[dict[str, object]]]:
    return {name: [asdict(run) for run in runs] for name, runs in results.items()}


def progress(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
