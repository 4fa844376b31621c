"""All table runs of a run at once, and what came of each: a failed table does not stop the others."""

import traceback
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from typing import Literal

from dtaas_desktop.domain.errors import AppError, Interrupted, PositionLost, TransientError
from dtaas_desktop.domain.events import State, TableFailed, TablePublished
from dtaas_desktop.domain.table import Counts
from dtaas_desktop.domain.target import Published
from dtaas_desktop.engine.meter import Meter
from dtaas_desktop.engine.stage_job import JobRoute
from dtaas_desktop.engine.table_run import Outcome, TableRun

TABLES_AT_A_TIME = 4

Failure = Literal["bug", "fix", "reload", "wait"]


class SideBySide:
    """Runs tables, tells their outcomes, and remembers the class of every failure."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self.runs: list[TableRun] = []
        self.published: set[str] = set()  # names of table runs
        self.failures: set[Failure] = set()
        self.counts = Counts()

    @property
    def state(self) -> State:
        if not self.failures:
            return "done"
        return "partly failed" if self.published else "failed"

    def run_all(self, runs: list[TableRun]) -> None:
        """Run them all. Raises Interrupted, after everything in flight has come to rest."""
        self.runs = runs
        interrupted: Interrupted | None = None
        with ThreadPoolExecutor(TABLES_AT_A_TIME, thread_name_prefix="table") as pool:
            futures = {pool.submit(run.run): run for run in runs}
            for future in as_completed(futures):
                error = future.exception()
                if isinstance(error, Interrupted):
                    interrupted = error
                else:
                    self._tell_all(futures[future], future, error)
        if interrupted:
            raise interrupted

    def _tell_all(self, run: TableRun, future: Future[dict[str, Outcome]], error: BaseException | None) -> None:
        if error is not None and not isinstance(error, AppError):
            report = "".join(traceback.format_exception(error))
            for route in run.routes:
                self._failed(run, route, "bug", report, "This is a fault of the application: please report it.")
            return
        for route in run.routes:
            outcome = error if isinstance(error, AppError) else future.result()[route.plan.id]
            if isinstance(outcome, AppError):
                self._failed(run, route, failure_class(outcome), outcome.message, outcome.remedy)
            else:
                self._succeeded(run, route, outcome)

    def _succeeded(self, run: TableRun, route: JobRoute, published: Published) -> None:
        seconds = self._meter.end(route.table_run)
        counts = self._meter.counts(route.table_run)
        self.published.add(route.table_run)
        self.counts += counts
        target = route.plan.target
        self._meter.tell(TablePublished(route.table_run, str(run.table.table), target.connection, counts, published, seconds))

    def _failed(self, run: TableRun, route: JobRoute, kind: Failure, message: str, remedy: str) -> None:
        self.failures.add(kind)
        target = route.plan.target
        self._meter.tell(TableFailed(route.table_run, str(run.table.table), target.name, kind, message, remedy))


def failure_class(error: AppError) -> Failure:
    """What the user can do about an error."""
    if isinstance(error, PositionLost):
        return "reload"
    return "wait" if isinstance(error, TransientError) else "fix"
