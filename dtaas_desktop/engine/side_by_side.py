"""All table runs of a run at once, and what came of each: a failed table does not stop the others."""

import traceback
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from typing import TypeVar

from dtaas_desktop.domain.errors import AppError, Interrupted, ShapeChanged
from dtaas_desktop.domain.events import State, TableFailed, TablePublished
from dtaas_desktop.domain.table import Counts
from dtaas_desktop.domain.target import Published, Target
from dtaas_desktop.engine.cancel import CancelToken
from dtaas_desktop.engine.meter import Meter
from dtaas_desktop.engine.outcome import Failure, failure_class
from dtaas_desktop.engine.stage_job import JobRoute
from dtaas_desktop.engine.table_run import Outcome, StagedParts, TableRun
from dtaas_desktop.engine.turn_publish import publish_turn

TABLES_AT_A_TIME = 4

_T = TypeVar("_T")


class SideBySide:
    """Runs tables, tells their outcomes, and remembers how each table run ended last."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self.open: list[TableRun] = []  # planned, and perhaps not published
        self.published: set[str] = set()  # names of table runs
        self.published_now: set[str] = set()  # of those of the present load or turn
        self._failures: dict[str, Failure] = {}  # by table run; one that is published later has not failed
        self.counts = Counts()

    @property
    def failures(self) -> frozenset[Failure]:
        return frozenset(self._failures.values())

    def failure(self, table_run: str) -> Failure | None:
        """How the table run failed last; None if it was published since, or never failed."""
        return self._failures.get(table_run)

    @property
    def state(self) -> State:
        if not self._failures:
            return "done"
        return "partly failed" if self.published - self._failures.keys() else "failed"

    def run_all(self, runs: list[TableRun], *, as_of: float) -> None:
        """Load them all. Raises Interrupted, after everything in flight has come to rest."""
        self._begin(runs)
        for run, result in _all_at_once(runs, TableRun.run).items():
            for route in runs[run].routes:
                self._tell(runs[run], route, _of(result, route.plan.id), as_of)

    def turn(self, runs: list[TableRun], *, as_of: float, retries: int, cancel: CancelToken) -> dict[str, Outcome]:
        """Stage the changes of all, then publish what succeeded together; the answer is by table run. Raises Interrupted."""
        self._begin(runs)
        staged: list[tuple[TableRun, Mapping[str, StagedParts | AppError]]] = []
        for index, result in _all_at_once(runs, TableRun.stage).items():
            run = runs[index]
            if isinstance(result, AppError):
                staged.append((run, dict.fromkeys((route.plan.id for route in run.routes), result)))
            elif isinstance(result, BaseException):
                for route in run.routes:
                    self._tell(run, route, result, as_of)
            else:
                staged.append((run, result))
        outcomes = publish_turn(staged, retries=retries, cancel=cancel)
        for run, _ in staged:
            for route in run.routes:
                self._tell(run, route, outcomes[route.table_run], as_of)
        return outcomes

    def _begin(self, runs: list[TableRun]) -> None:
        self.open, self.published_now = runs, set()
        for run in runs:
            run.tell_planned()

    def refuse(self, table: str, table_run: str, target: Target, error: AppError) -> None:
        """A table run that could not begin."""
        drift = isinstance(error, ShapeChanged)
        self._failed(table, table_run, target, failure_class(error), error.message, error.remedy, drift=drift)

    def _tell(self, run: TableRun, route: JobRoute, outcome: Outcome | BaseException, as_of: float) -> None:
        table = str(run.table.table)
        if isinstance(outcome, AppError):
            self.refuse(table, route.table_run, route.plan.target, outcome)
        elif isinstance(outcome, BaseException):
            self._bug(table, route.table_run, route.plan.target, outcome)
        else:
            self._succeeded(run, route, outcome, as_of)

    def _succeeded(self, run: TableRun, route: JobRoute, published: Published, as_of: float) -> None:
        seconds = self._meter.end(route.table_run)
        self.published.add(route.table_run)
        self.published_now.add(route.table_run)
        self._failures.pop(route.table_run, None)
        counts = self._meter.counts(route.table_run)
        self.counts += counts
        connection, table = route.plan.target.connection, run.table
        moment = as_of if table.position is not None else None
        event = TablePublished(
            route.table_run, str(table.table), connection, counts, published, seconds, table.kind, table.position, moment
        )
        self._meter.tell(event)

    def _bug(self, table: str, table_run: str, target: Target, error: BaseException) -> None:
        report = "".join(traceback.format_exception(error))
        self._failed(table, table_run, target, "bug", report, "This is a fault of the application: please report it.")

    def _failed(
        self, table: str, table_run: str, target: Target, kind: Failure, message: str, remedy: str, *, drift: bool = False
    ) -> None:
        self._failures[table_run] = kind
        self._meter.tell(TableFailed(table_run, table, target.name, kind, message, remedy, drift))


def _of(result: Mapping[str, _T] | BaseException, route: str) -> _T | BaseException:
    return result if isinstance(result, BaseException) else result[route]


def _all_at_once(runs: Sequence[TableRun], call: Callable[[TableRun], _T]) -> dict[int, _T | BaseException]:
    """What each call gave or raised, by the run's index. Raises Interrupted when all have come to rest."""
    results: dict[int, _T | BaseException] = {}
    interrupted: Interrupted | None = None
    with ThreadPoolExecutor(TABLES_AT_A_TIME, thread_name_prefix="table") as pool:
        futures: dict[Future[_T], int] = {pool.submit(call, run): index for index, run in enumerate(runs)}
        for future in as_completed(futures):
            error = future.exception()
            if isinstance(error, Interrupted):
                interrupted = error
            else:
                results[futures[future]] = error if error is not None else future.result()
    if interrupted:
        raise interrupted
    return results
