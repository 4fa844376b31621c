"""Counting while it happens: figures per table run, told at most ten times a second."""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from dtaas_desktop.domain.events import Event, Notice, PartDone, TableProgress
from dtaas_desktop.domain.table import Counts

_INTERVAL = 0.1
RECENT_SECONDS = 5.0


class RecentRate:
    """How fast a total has grown over about the last five seconds, a second."""

    def __init__(self, now: float, total: float = 0.0) -> None:
        """`now` is by a clock that never goes back, in seconds."""
        self._samples = deque([(now, total)])

    def at(self, now: float, total: float) -> float:
        """Take the total in; the rate now, 0 or more."""
        while len(self._samples) > 1 and self._samples[1][0] <= now - RECENT_SECONDS:
            self._samples.popleft()
        began, before = self._samples[0]
        if now - self._samples[-1][0] >= _INTERVAL:
            self._samples.append((now, total))
        return max(0.0, total - before) / max(now - began, 1e-6)


@dataclass(slots=True)
class _Figures:
    table: str
    target: str
    parts: int
    rows_estimate: int | None
    started: float
    recent: RecentRate
    kept: int  # rows that an earlier run read
    counts: Counts = field(default_factory=Counts)
    before: Counts = field(default_factory=Counts)
    bytes: int = 0
    parts_done: int = 0
    untold: bool = False


class Meter:
    """Collects what the workers report; every method is thread-safe. `emit` is never called by two threads at once."""

    def __init__(self, emit: Callable[[Event], None]) -> None:
        self._emit = emit
        self._figures: dict[str, _Figures] = {}
        self._lock = threading.Lock()
        self._telling = threading.RLock()
        self._told = 0.0
        self._told_notices: set[Notice] = set()

    def tell(self, event: Event) -> None:
        """Pass an event on, in turn with the progress events."""
        with self._telling:
            self._emit(event)

    def tell_once(self, notice: Notice) -> None:
        """Pass a notice on, unless this run has told it before: every look at a task finds the same."""
        with self._telling:
            if notice not in self._told_notices:
                self._told_notices.add(notice)
                self._emit(notice)

    def begin(
        self,
        table_run: str,
        *,
        table: str,
        target: str,
        parts: int,
        parts_done: int,
        counts: Counts,
        rows_estimate: int | None,
    ) -> None:
        """Count a table run from here; `parts_done` and `counts` are what an earlier run already staged.

        What a table run counted before in this run (a load, earlier change turns) stays in its figures.
        """
        with self._lock:
            known = self._figures.get(table_run)
            before, size = (known.counts, known.bytes) if known else (Counts(), 0)
            now = time.monotonic()
            self._figures[table_run] = _Figures(
                table,
                target,
                parts,
                rows_estimate,
                now,
                RecentRate(now, (before + counts).read),
                counts.read,
                counts=before + counts,
                before=before,
                bytes=size,
                parts_done=parts_done,
            )

    def knows(self, table_run: str) -> bool:
        """Whether the table run was counted before in this run."""
        with self._lock:
            return table_run in self._figures

    def add(self, table_run: str, counts: Counts, written_bytes: int) -> None:
        """Add what one batch came to."""
        with self._lock:
            figures = self._figures[table_run]
            figures.counts += counts
            figures.bytes += written_bytes
            figures.untold = True
        self._tell_progress()

    def part_done(self, part: PartDone) -> None:
        """Count a part that is staged, and pass it on."""
        with self._lock:
            figures = self._figures[part.table_run]
            figures.parts_done = min(figures.parts_done + 1, figures.parts)  # one that was lost is staged again
            figures.untold = True
        self.tell(part)
        self._tell_progress()

    def end(self, table_run: str) -> float:
        """Tell the last progress of a table run; its seconds since `begin`."""
        with self._lock:
            figures = self._figures[table_run]
            figures.untold = False
            event = _progress(table_run, figures)
        self.tell(event)
        return time.monotonic() - figures.started

    def counts(self, table_run: str) -> Counts:
        """What a table run has come to since `begin`."""
        with self._lock:
            figures = self._figures[table_run]
            return figures.counts - figures.before

    def _tell_progress(self) -> None:
        # Whoever comes within the interval leaves: its figures are told by the next one, or by `end`.
        now = time.monotonic()
        with self._lock:
            open_runs = [(name, figures) for name, figures in self._figures.items() if figures.untold]
            if now - self._told < _INTERVAL * max(1, len(open_runs)):
                return
            self._told = now
            events = []
            for name, figures in open_runs:
                figures.untold = False
                events.append(_progress(name, figures))
        for event in events:
            self.tell(event)


def _progress(table_run: str, figures: _Figures) -> TableProgress:
    now = time.monotonic()
    read = (figures.counts - figures.before).read
    average = (read - figures.kept) / max(now - figures.started, 1e-6)
    expected = figures.rows_estimate
    percent: float | None = None
    left: float | None = None
    if figures.parts and figures.parts_done == figures.parts:
        percent, left = 100.0, 0.0
    elif expected:
        # An estimate can be wrong; 99 until the parts say that all is read.
        percent = min(99.0, 100.0 * read / expected)
        # By the average: what is left would jump up and down with the rate of the moment.
        left = max(0.0, expected - read) / average if average > 0 else None
    return TableProgress(
        table_run,
        figures.table,
        figures.target,
        figures.counts,
        figures.bytes,
        figures.parts_done,
        figures.parts,
        figures.recent.at(now, figures.counts.read),
        percent,
        left,
    )
