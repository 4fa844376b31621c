"""One run of one competitor, measured and proven; and rounds of them in turns."""

import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks import proof
from benchmarks.data import WORK
from benchmarks.measure import Cost, cost
from benchmarks.peers import PEERS
from benchmarks.product import Product, ProductFailed, written
from benchmarks.steps import Step

RUN_SECONDS = 300
OURS = "DTaaS Desktop"
REFERENCE = "DuckDB"
_PEERS_FILE = Path(__file__).with_name("peers.py")


@dataclass(frozen=True, slots=True)
class Result:
    """What a run cost and wrote (bytes). `problem` says what is wrong with it; `failed`, that it is no result at all.

    `server`: processor seconds of the database server meanwhile, where it is measured.
    """

    seconds: float
    cpu: float
    peak: int
    bytes: int
    problem: str = ""
    failed: bool = False
    server: float = 0.0


@dataclass(frozen=True, slots=True)
class Competitor:
    """Somebody who moves the flights of a database into Parquet. `run` gets an empty folder of its own."""

    name: str
    copies: int
    run: Callable[[Path], Result]


def peer(name: str, database: Path, copies: int, expected: proof.Content) -> Competitor:
    def run(folder: Path) -> Result:
        command: list[str | Path] = [sys.executable, "-P", _PEERS_FILE, name, database, folder]
        done = cost(command, timeout=RUN_SECONDS)
        return result(done, sorted(folder.glob("*.parquet")), partial(proof.complaint, expected=expected))

    return Competitor(name, copies, run)


def peers(database: Path, copies: int, expected: proof.Content) -> Sequence[Competitor]:
    return [peer(name, database, copies, expected) for name in PEERS]


def ours(
    product: Product,
    name: str,
    database: Path,
    copies: int,
    *,
    check: Callable[[Sequence[Path]], str],
    steps: Sequence[Step] = (),
) -> Competitor:
    """The product with these steps; `check` says what is wrong with the files that it published."""
    return Competitor(name, copies, partial(run_ours, product, lambda folder: product.prepare(database, folder, steps), check))


def run_ours(
    product: Product,
    prepare: Callable[[Path], Sequence[str | Path]],
    check: Callable[[Sequence[Path]], str],
    folder: Path,
) -> Result:
    """Run the product's command that `prepare` makes for the folder."""
    try:
        command = prepare(folder)
    except ProductFailed as error:
        return failure(str(error))
    return result(product.cost(command, timeout=RUN_SECONDS), written(folder), check)


def result(done: Cost, files: Sequence[Path], check: Callable[[Sequence[Path]], str]) -> Result:
    """What a command came to that should have written these files; `check` says what is wrong with them."""
    if done.code != 0:
        return failure(done.said)
    return Result(done.seconds, done.cpu, done.peak, sum(path.stat().st_size for path in files), check(files))


def in_turns(competitors: Sequence[Competitor], rounds: int, say: Callable[[str], None]) -> dict[str, list[Result]]:
    """All competitors one after the other, as often as said: what changes on the machine meanwhile meets all of them."""
    results: dict[str, list[Result]] = {competitor.name: [] for competitor in competitors}
    for number in range(1, rounds + 1):
        for competitor in competitors:
            folder = WORK / "run"
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            result = competitor.run(folder)
            shutil.rmtree(folder, ignore_errors=True)
            results[competitor.name].append(result)
            outcome = f"failed: {result.problem}" if result.failed else f"{result.seconds:6.2f} s  {result.problem}"
            say(f"round {number} of {rounds}  {competitor.name:<28} {outcome}")
    return results


def failure(said: str) -> Result:
    lines = said.splitlines()
    return Result(0.0, 0.0, 0, 0, lines[-1] if lines else "it said nothing", failed=True)
