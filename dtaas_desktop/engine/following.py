"""Following the sources: change turns back to back, with pauses while nothing happens."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from dtaas_desktop.domain.changes import Lag, Position
from dtaas_desktop.domain.errors import AppError, TransientError
from dtaas_desktop.domain.events import Notice
from dtaas_desktop.domain.table import TableRef
from dtaas_desktop.engine.load import load
from dtaas_desktop.engine.phase import Phase, only, table_run_name
from dtaas_desktop.engine.survey import Survey, SurveyedRoute, SurveyedTable
from dtaas_desktop.engine.turn import turn

SHORTEST_PAUSE = 0.05
LONGEST_PAUSE = 0.5  # a change is to be seen within a second
LONGEST_TROUBLE = 30.0
_MEGABYTE = 1_000_000
_BYTES_A_ROW = 100  # where the source has no estimate


@dataclass(slots=True)
class Following:
    """Turn after turn, until the run is asked to stop. `look` surveys the task anew: tables may have got another shape."""

    phase: Phase
    look: Callable[[], Survey]
    _published: dict[str, float] = field(default_factory=dict)  # when each table run was published last (monotonic)
    _left: set[str] = field(default_factory=set)  # table runs that only a person can help
    _trouble: dict[str, tuple[float, float]] = field(default_factory=dict)  # not before (monotonic), and the pause after that

    def follow(self) -> None:
        """Raises Interrupted when asked to stop; returns when no table run is left that could go on."""
        tables: list[SurveyedTable] = []
        while not tables:
            tables = self._looked()
        pause = SHORTEST_PAUSE
        while any(not self._is_left(table, run) for table, run in _routes(tables)):
            self.phase.cancel.check()
            due = self._due(tables)
            if not due:
                self.phase.cancel.wait(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
                continue
            pause = SHORTEST_PAUSE
            tables = self._looked() or tables
            self._turn(_named(tables, due))
            tables = self._looked() or tables

    def _turn(self, tables: list[SurveyedTable]) -> None:
        for table, run in _routes(tables):
            if isinstance(run.due, AppError):
                self.phase.tables.refuse(str(table.description.table), _name(table, run), run.target, run.due)
        loads = only(tables, lambda _, run: run.due == "load")
        try:
            if loads:
                load(self.phase, loads, None)
                self._note(loads)
            changed = only(tables, lambda _, run: run.due == "changes")
            if changed:
                turn(self.phase, changed)
                self._note(changed)
        except TransientError as error:
            self.phase.meter.tell_once(Notice("warning", str(error)))
            for table, run in _routes(tables):
                self._postpone(_name(table, run))

    def _note(self, tables: list[SurveyedTable]) -> None:
        """Remember how each table run ended: when it may go on, if it may."""
        now = time.monotonic()
        for table, run in _routes(tables):
            name = _name(table, run)
            failure = self.phase.tables.failure(name)
            if failure is None:
                self._trouble.pop(name, None)
                if name in self.phase.tables.published_now:
                    self._published[name] = now
            elif failure == "wait":
                self._postpone(name)
            else:
                self._left.add(name)

    def _postpone(self, name: str) -> None:
        _, pause = self._trouble.get(name, (0.0, LONGEST_PAUSE))
        self._trouble[name] = time.monotonic() + pause, min(2 * pause, LONGEST_TROUBLE)

    def _looked(self) -> list[SurveyedTable]:
        """The tables as they are now; none where looking failed for a moment."""
        try:
            return list(self.look().tables)
        except TransientError as error:
            self.phase.meter.tell_once(Notice("warning", str(error)))
            self.phase.cancel.wait(LONGEST_PAUSE)
            return []

    def _is_left(self, table: SurveyedTable, run: SurveyedRoute) -> bool:
        name = _name(table, run)
        return name in self._left or self.phase.tables.failure(name) in ("bug", "fix", "reload")

    def _due(self, tables: list[SurveyedTable]) -> set[str]:
        """The table runs for which something waits that is to be published now."""
        now = time.monotonic()
        free = only(tables, lambda t, r: not self._is_left(t, r) and self._trouble.get(_name(t, r), (0.0, 0.0))[0] <= now)
        due: set[str] = set()
        for table, run in _routes(free):
            if run.state.position is None or run.due == "load":
                due.add(_name(table, run))
        for lag, table, run in self._lags(free):
            if self._is_due(lag, table, run, now):
                due.add(_name(table, run))
        return due

    def _lags(self, tables: list[SurveyedTable]) -> Iterator[tuple[Lag, SurveyedTable, SurveyedRoute]]:
        # Routes of one table may stand at different positions: each set of positions is asked for once.
        rounds: dict[str, list[dict[TableRef, tuple[Position, list[tuple[SurveyedTable, SurveyedRoute]]]]]] = {}
        for table, run in _routes(tables):
            position, ref = run.state.position, table.description.table
            if position is None:
                continue
            for asked in rounds.setdefault(table.connection, []):
                if ref not in asked or asked[ref][0] == position:
                    asked.setdefault(ref, (position, []))[1].append((table, run))
                    break
            else:
                rounds[table.connection].append({ref: (position, [(table, run)])})
        for connection, sets in rounds.items():
            capture = self.phase.systems.sources[connection].capture
            for asked in sets if capture is not None else ():
                assert capture is not None
                try:
                    lags = capture.lag({ref: position for ref, (position, _) in asked.items()})
                except TransientError as error:
                    self.phase.meter.tell_once(Notice("warning", str(error)))
                    continue
                for ref, (_, waiting) in asked.items():
                    yield from ((lags[ref], table, run) for table, run in waiting if ref in lags)

    def _is_due(self, lag: Lag, table: SurveyedTable, run: SurveyedRoute, now: float) -> bool:
        if lag.changes == 0:
            return False
        every = run.settings.publish_seconds
        if every is None:
            every = self.phase.systems.destinations[run.target.connection].publish_seconds
        last = self._published.get(_name(table, run))
        if last is None or now - last >= every:
            return True
        if run.settings.publish_mb is None or lag.changes is None:
            return False
        rows, size = table.description.rows_estimate, table.description.bytes_estimate
        return lag.changes * (size / rows if rows and size else _BYTES_A_ROW) >= run.settings.publish_mb * _MEGABYTE


def _named(tables: list[SurveyedTable], names: set[str]) -> list[SurveyedTable]:
    return only(tables, lambda table, run: _name(table, run) in names)


def _routes(tables: list[SurveyedTable]) -> Iterator[tuple[SurveyedTable, SurveyedRoute]]:
    for table in tables:
        for run in table.routes:
            yield table, run


def _name(table: SurveyedTable, run: SurveyedRoute) -> str:
    return table_run_name(table.connection, table.description.table, run.route.name)
