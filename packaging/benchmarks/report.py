"""Medians, ratios within a round, and tables of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from benchmarks.rounds import Result


@dataclass(frozen=True, slots=True)
class Target:
    """A figure that is aimed at. `value` is None if it could not be measured."""

    what: str
    value: float | None
    bound: float
    better: Literal["more", "less"]
    unit: str = ""

    @property
    def reached(self) -> bool:
        if self.value is None:
            return False
        return self.value >= self.bound if self.better == "more" else self.value <= self.bound

    def row(self) -> list[str]:
        sign = "≥" if self.better == "more" else "≤"
        value = "–" if self.value is None else _figure(self.value)
        return [
            self.what,
            f"{sign} {_figure(self.bound)}{self.unit}",
            f"{value}{self.unit}",
            "reached" if self.reached else "missed",
        ]


def ratio(ours: Sequence[Result], theirs: Sequence[Result], figure: Literal["seconds", "bytes", "cpu"]) -> float | None:
    """The median of ours / theirs within a round; None unless both have a result in the same round."""
    pairs = zip(ours, theirs, strict=True)
    ratios = [getattr(a, figure) / getattr(b, figure) for a, b in pairs if not a.failed and not b.failed and getattr(b, figure)]
    return median(ratios) if ratios else None


def speed_ratio(ours: Sequence[Result], theirs: Sequence[Result]) -> float | None:
    """How many times as many rows a second, over the same rows: the median of the rounds' ratios."""
    return ratio(theirs, ours, "seconds")


def peak(runs: Sequence[Result]) -> float | None:
    """The highest of the runs, in MB."""
    return max((run.peak / 1e6 for run in runs if not run.failed), default=None)


def comparison(results: Mapping[str, Sequence[Result]], rows: int, *, reference: str, server: bool = False) -> str:
    """A line for each competitor over the same `rows`; with `server`, also the processor time of the server."""
    headings = ["", "wall s (min–max)", "rows/s", "CPU s", *(["server's"] if server else [])]
    headings += ["peak MB", "MB written", "speed ×", "size ×", "verified"]
    lines = []
    for name, runs in results.items():
        good = [run for run in runs if not run.failed]
        problems = sorted({run.problem for run in runs if run.problem})
        verdict = "; ".join(problems) or "yes"
        if not good:
            lines.append([name, *["–"] * (len(headings) - 2), verdict])
            continue
        lines.append(
            [
                name,
                span([run.seconds for run in good]),
                f"{rows / median(run.seconds for run in good):,.0f}",
                f"{median(run.cpu for run in good):.2f}",
                *([f"{median(run.server for run in good):.2f}"] if server else []),
                f"{max(run.peak for run in good) / 1e6:.0f}",
                f"{median(run.bytes for run in good) / 1e6:.2f}",
                times(speed_ratio(runs, results[reference])),
                times(ratio(runs, results[reference], "bytes")),
                verdict,
            ]
        )
    return aligned(headings, lines)


def aligned(headings: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A table as text: the first column and the last to the left, figures to the right."""
    table = [list(headings), *map(list, lines)]
    widths = [max(len(line[column]) for line in table) for column in range(len(headings))]
    last = len(headings) - 1

    def cell(text: str, column: int) -> str:
        return f"{text:<{widths[column]}}" if column in (0, last) else f"{text:>{widths[column]}}"

    written = ["  ".join(cell(text, column) for column, text in enumerate(line)).rstrip() for line in table]
    return "\n".join([written[0], "─" * (sum(widths) + 2 * last), *written[1:]])


def span(seconds: Sequence[float]) -> str:
    """The median, and the least and the most."""
    if len(seconds) == 1:
        return f"{seconds[0]:.2f}"
    return f"{median(seconds):.2f} ({min(seconds):.2f}–{max(seconds):.2f})"


def times(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.0f} %"


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2f}"
