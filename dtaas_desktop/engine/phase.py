"""What loads and change turns of a run share: settling targets, opening sessions, and making table runs out of a plan."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace

from dtaas_desktop.domain.changes import Position
from dtaas_desktop.domain.errors import AppError
from dtaas_desktop.domain.events import Notice, SourceCost
from dtaas_desktop.domain.harm import Measured
from dtaas_desktop.domain.plan import Plan, Progress
from dtaas_desktop.domain.ports import Budget, Journal, Session
from dtaas_desktop.domain.table import TableRef
from dtaas_desktop.domain.target import Target
from dtaas_desktop.domain.task import Task
from dtaas_desktop.engine.cancel import CancelToken
from dtaas_desktop.engine.meter import Meter
from dtaas_desktop.engine.plan import Planner, Positions, reads_exactly
from dtaas_desktop.engine.side_by_side import SideBySide
from dtaas_desktop.engine.stage_job import JobRoute, TableJobs
from dtaas_desktop.engine.survey import SurveyedRoute, SurveyedTable
from dtaas_desktop.engine.systems import Systems
from dtaas_desktop.engine.table_run import TableRun


@dataclass(frozen=True, slots=True)
class Phase:
    """The means of one run, for each of its phases."""

    task: Task
    systems: Systems
    journal: Journal
    planner: Planner
    meter: Meter
    tables: SideBySide
    cancel: CancelToken
    workers: Executor
    readers: AbstractContextManager[object]  # entered by a worker while it reads
    budget: Budget

    def settled(self, tables: Sequence[SurveyedTable], keep: Collection[str]) -> list[SurveyedTable]:
        """The tables with the states of their targets after everything decided is finished and dead staging is gone."""
        return [
            replace(
                table,
                routes=tuple(
                    replace(run, state=self.systems.destinations[run.target.connection].settle(run.target, keep))
                    for run in table.routes
                ),
            )
            for table in tables
        ]

    def sessions(self, stack: ExitStack, tables: Sequence[SurveyedTable], *, changes: bool) -> dict[str, Session]:
        """A session for each source connection; exact where the task, or the nature of its changes, asks for it."""
        refs: dict[str, list[TableRef]] = {}
        for table in tables:
            refs.setdefault(table.connection, []).append(table.description.table)
        opened = {}
        for name, of_one in refs.items():
            source = self.systems.sources[name]
            capture = source.capture
            exact = capture is not None and capture.net if changes else reads_exactly(self.task.options, source)
            opened[name] = session = stack.enter_context(source.session(of_one, exact=exact))
            if isinstance(session, Measured):
                stack.callback(self._tell_harm, name, session)
        return opened

    def _tell_harm(self, connection: str, session: Measured) -> None:
        harm = session.harm()
        self.meter.tell(SourceCost(connection, harm))
        self.meter.tell(Notice("info", f"{connection}: {harm.words}"))

    def table_runs(
        self, plan: Plan, tables: Sequence[SurveyedTable], sessions: Mapping[str, Session], progress: Progress
    ) -> list[TableRun]:
        """What there is to run of a plan: those of its tables that are among `tables`."""
        options = self.task.options
        looked_at = {(table.connection, table.description.table): table for table in tables}
        runs = []
        for index, table in enumerate(plan.tables):
            surveyed = looked_at.get((table.connection, table.table))
            if surveyed is None:
                continue
            chains = {run.route.name: run.chain for run in surveyed.routes}
            routes = tuple(
                JobRoute(
                    table_run_name(table.connection, table.table, route.id),
                    route,
                    chains[route.id],
                    self.systems.destinations[route.target.connection],
                )
                for route in table.routes
            )
            jobs = TableJobs(
                description=surveyed.description,
                columns=table.columns,
                cells=options.cells,
                changes=table.changes,
                position=table.position,
                whole=table.whole,
                session=sessions[table.connection],
                budget=self.budget,
                cancel=self.cancel,
                meter=self.meter,
                readers=self.readers,
            )
            runs.append(TableRun(index, plan.id, table, routes, jobs, self.journal, self.workers, options.retries, progress))
        return runs

    def hold(self, tables: Sequence[SurveyedTable]) -> None:
        """From here on the sources keep the tables' changes for these routes; to be asked before the first position is taken."""
        wanted: dict[tuple[str, str], list[TableRef]] = {}
        for table in tables:
            for run in table.routes:
                wanted.setdefault((table.connection, self._consumer(run.target)), []).append(table.description.table)
        for (connection, consumer), refs in wanted.items():
            capture = self.systems.sources[connection].capture
            if capture is not None:
                capture.hold(consumer, refs)

    def release(self, runs: Sequence[TableRun]) -> None:
        """What was published need not be kept for these routes. A source that is busy is asked again after the next turn."""
        done: dict[tuple[str, str], dict[TableRef, Position]] = {}
        for run in runs:
            for route in run.routes:
                if run.table.position is not None and route.table_run in self.tables.published_now:
                    key = run.table.connection, self._consumer(route.plan.target)
                    done.setdefault(key, {})[run.table.table] = run.table.position
        for (connection, consumer), positions in done.items():
            capture = self.systems.sources[connection].capture
            if capture is None or self.task.options.transfer == "full load":
                continue
            try:
                capture.release(consumer, positions)
            except AppError as error:
                self.meter.tell(Notice("warning", f"Captured changes could not be purged yet: {error}"))

    def _consumer(self, target: Target) -> str:
        return f"{self.task.uuid}/{target.owner.node}"


def positions_now(sessions: Mapping[str, Session]) -> Positions:
    return {(name, table): position for name, session in sessions.items() for table, position in session.now().items()}


def table_run_name(connection: str, table: TableRef, route: str) -> str:
    """The name of a table run within its run; unique."""
    return f"{connection}/{table} {route}"


def only(tables: Sequence[SurveyedTable], wanted: Callable[[SurveyedTable, SurveyedRoute], bool]) -> list[SurveyedTable]:
    """The tables with those of their routes that are wanted; tables without any are left out."""
    kept = [replace(table, routes=tuple(run for run in table.routes if wanted(table, run))) for table in tables]
    return [table for table in kept if table.routes]


@contextmanager
def emptied(pool: Executor) -> Iterator[Executor]:
    """The pool, with what has not begun dropped at the end, and the rest waited for."""
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
