"""What a running run comes to as a whole, from what it tells: rows, rate, percent, time left."""

from dataclasses import dataclass, field

from dtaas_desktop.domain.events import (
    Event,
    RunStarted,
    TableFailed,
    TablePlanned,
    TableProgress,
    TablePublished,
    TableStarted,
)
from dtaas_desktop.domain.table import Counts, total
from dtaas_desktop.engine.meter import RECENT_SECONDS, RecentRate


@dataclass(frozen=True, slots=True)
class Figures:
    """A run at a moment. `percent` is weighted over its table runs by their estimated rows; None while one of them is unknown.

    `rows_added` and `bytes_added` are what was written since the figures that were noted last. `following`: all loads are over, and the run goes
    on with what changes. `stalled` names table runs that were told of no progress lately.
    """

    counts: Counts
    bytes: int
    rows_per_second: float
    percent: float | None
    seconds_left: float | None
    following: bool
    rows_added: int
    bytes_added: int
    stalled: tuple[str, ...]


@dataclass(slots=True)
class _Table:
    estimate: int | None = None
    state: str = "waiting"
    kept: Counts = field(default_factory=Counts)  # by an earlier run
    counts: Counts = field(default_factory=Counts)
    bytes: int = 0
    percent: float | None = None
    heard: float = 0.0  # when it told of progress last
    moving: bool = False


class RunFigures:
    """Adds up what one run tells. `follow`: it was asked to go on with changes.

    Times are in seconds by a clock that never goes back. To take the same event twice changes nothing.
    """

    def __init__(self, now: float, *, follow: bool = False) -> None:
        self._follow = follow
        self._begun = now
        self._started = False
        self._tables: dict[str, _Table] = {}
        self._recent = RecentRate(now)
        self._noted_rows = 0
        self._noted_bytes = 0

    def take(self, at: float, event: Event) -> None:
        """Take in an event that happened at `at`."""
        if isinstance(event, RunStarted):
            self._started = True
        if not isinstance(event, TablePlanned | TableStarted | TableProgress | TablePublished | TableFailed):
            return
        table = self._tables.setdefault(event.table_run, _Table())
        match event:
            case TablePlanned():
                table.estimate = event.rows_estimate
            case TableStarted():
                table.estimate, table.state, table.heard = event.rows_estimate, "running", at
                table.counts = table.kept = event.kept
            case TableProgress():
                table.counts, table.bytes, table.heard, table.moving = event.counts, event.bytes, at, True
                table.percent = event.percent if event.percent is not None else table.percent
            case TablePublished():
                table.state, table.percent = "done", 100.0
            case TableFailed():
                table.state = "failed"

    def at(self, now: float) -> Figures:
        """The figures now."""
        tables = self._tables.values()
        counts, kept = total([table.counts for table in tables]), total([table.kept for table in tables])
        size = sum(table.bytes for table in tables)
        added, bytes_added = counts.written - kept.written - self._noted_rows, size - self._noted_bytes
        rate = self._recent.at(now, counts.read - kept.read)
        following = self._follow and self._started and all(table.state in ("done", "failed") for table in tables)
        percent, left = (None, None) if following else self._ahead(rate)
        return Figures(counts, size, rate, percent, left, following, added, bytes_added, self._stalled(now))

    def noted(self, figures: Figures) -> None:
        """These figures are written: what is added counts from here."""
        self._noted_rows += figures.rows_added
        self._noted_bytes += figures.bytes_added
        for name in figures.stalled:
            self._tables[name].moving = False

    def average(self, now: float) -> float:
        """Rows read a second since the beginning, without what an earlier run had read."""
        read = sum(table.counts.read - table.kept.read for table in self._tables.values())
        return max(0, read) / max(now - self._begun, 1e-3)

    def share(self) -> float | None:
        """How much of the table runs is done, each counting as one, in percent; None if there are none."""
        if not self._tables:
            return None
        return sum(table.percent or 0.0 for table in self._tables.values()) / len(self._tables)

    def _ahead(self, rate: float) -> tuple[float | None, float | None]:
        """Percent and seconds left. Table runs that failed are not waited for."""
        done = whole = 0.0
        open_runs = False
        for table in self._tables.values():
            if table.state == "failed":
                continue
            if table.state == "done":
                weight, share = float(table.counts.read), 1.0
            elif table.estimate is None:
                return None, None
            else:
                open_runs = True
                weight, share = float(max(table.estimate, table.counts.read, 1)), (table.percent or 0.0) / 100
            whole += weight
            done += weight * share
        if not open_runs:
            return (100.0, 0.0) if any(table.state == "done" for table in self._tables.values()) else (None, None)
        return min(99.9, 100 * done / whole), (whole - done) / rate if rate > 0 else None

    def _stalled(self, now: float) -> tuple[str, ...]:
        return tuple(
            name
            for name, table in self._tables.items()
            if table.moving and table.state == "running" and now - table.heard > RECENT_SECONDS
        )
