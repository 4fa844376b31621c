"""The window: how soon it is there, what it takes, whether it stays smooth beside two runs, whether it grows."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
from virtual_display import Display, until, virtual_display

from benchmarks import data
from benchmarks.measure import cost
from benchmarks.product import Product

SIMULATED_RUNS = 100_000
_SECONDS = 15
_TITLE = "DTaaS Desktop"


@dataclass(frozen=True)
class Start:
    """One start of the window: seconds until it was visible, and megabytes resident two seconds later."""

    seconds: float
    megabytes: float


@dataclass(frozen=True)
class Inside:
    """Lateness of a 10 ms beat in milliseconds, each beat; megabytes after a tenth of the simulated runs and after all."""

    idle: Sequence[float]
    busy: Sequence[float]
    before: float
    after: float


def starts(product: Product, times: int) -> list[Start]:
    """Start the window so many times on a display without a screen, in a workspace that exists."""
    folder = _fresh("window-start")
    with virtual_display() as display:
        found = [_start(product, folder, display) for _ in range(times + 1)]
    return found[1:]  # the first makes the workspace and compiles what is new


def _start(product: Product, folder: Path, display: Display) -> Start:
    words = [str(word) for word in product.command("--workspace", folder)]
    began = time.monotonic()
    process = subprocess.Popen(words, env=display.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: display.do("search", "--onlyvisible", "--name", _TITLE), "the window")
        seconds = time.monotonic() - began
        time.sleep(2.0)  # what is done after the first painting counts too
        return Start(seconds, float(psutil.Process(process.pid).memory_info().rss) / 1e6)
    finally:
        process.terminate()
        process.wait()


def inside(product: Product, copies: int, runs: int = SIMULATED_RUNS) -> Inside:
    """Beat and growth, measured in the window's own process. Raises RuntimeError with what it said if it failed."""
    folder = _fresh("window")
    command: list[str | Path] = [product.python, "-P", Path(__file__).with_name("window_inside.py"), folder]
    command += [data.flights(copies), str(_SECONDS), str(runs)]
    environment = product.environment | {"QT_QPA_PLATFORM": "offscreen", "PATH": os.environ["PATH"]}
    done = cost(command, timeout=600, environment=environment)
    if done.code != 0:
        raise RuntimeError(done.said)
    answer = json.loads(done.said.splitlines()[-1])
    return Inside(**answer)


def p99(figures: Sequence[float]) -> float:
    """The value that 99 of 100 do not exceed."""
    return sorted(figures)[min(len(figures) - 1, int(len(figures) * 0.99))]


def _fresh(name: str) -> Path:
    folder = data.WORK / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
