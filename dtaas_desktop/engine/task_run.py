"""A whole run: look, decide, write the plan down, then all tables side by side; what happened to each is told and returned."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from dtaas_desktop.domain.errors import Interrupted, UserError
from dtaas_desktop.domain.events import Event, Notice, RunFinished, RunStarted, State
from dtaas_desktop.domain.plan import Plan, Progress
from dtaas_desktop.domain.ports import Journal, Session
from dtaas_desktop.domain.table import TableRef
from dtaas_desktop.domain.target import TargetState
from dtaas_desktop.domain.task import Task
from dtaas_desktop.engine import workers
from dtaas_desktop.engine.budget import ByteBudget
from dtaas_desktop.engine.cancel import CancelToken
from dtaas_desktop.engine.meter import Meter
from dtaas_desktop.engine.plan import make_plan, reads_exactly, same_work
from dtaas_desktop.engine.side_by_side import Failure, SideBySide
from dtaas_desktop.engine.stage_job import JobRoute, TableJobs
from dtaas_desktop.engine.survey import Survey, SurveyedTable, Systems, survey, with_states
from dtaas_desktop.engine.table_run import TableRun


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """How a run ended: its state, and the class of every failure."""

    state: State
    failures: frozenset[Failure] = frozenset()


@dataclass(frozen=True, slots=True)
class Resume:
    """A stored plan and what is done of it."""

    plan: Plan
    progress: Progress


@dataclass(frozen=True, slots=True)
class TaskRun:
    """One run of a task. `keep`: plans of this workspace whose staging must survive the cleaning."""

    id: str
    task: Task
    systems: Systems
    journal: Journal
    emit: Callable[[Event], None]
    cancel: CancelToken
    workspace: str
    resume: Resume | None = None
    take_over: Collection[str] = field(default=())

    def run(self) -> RunOutcome:
        """Run to the end, or to the batch border after a pause or cancel was asked for.

        Raises AppError when nothing could begin; a failure of single tables is in the outcome.
        """
        started = time.monotonic()
        meter = Meter(self.emit)
        tables = SideBySide(meter)
        try:
            with ExitStack() as stack:
                plan, surveyed, sessions, progress = self._decide(stack, meter)
                runs = self._table_runs(stack, plan, surveyed, sessions, progress, meter)
                meter.tell(RunStarted(self.id, self.task.name, sum(len(run.routes) for run in runs)))
                tables.run_all(runs)
            state: State = tables.state
        except Interrupted as interrupted:
            state = "paused" if interrupted.request == "pause" else "cancelled"
            if state == "cancelled":
                self._drop_staging(tables)
        meter.tell(RunFinished(self.id, state, tables.counts, time.monotonic() - started))
        return RunOutcome(state, frozenset(tables.failures))

    def _decide(
        self, stack: ExitStack, meter: Meter
    ) -> tuple[Plan, dict[tuple[str, TableRef], SurveyedTable], dict[str, Session], Progress]:
        surveyed = survey(self.task, self.systems, take_over=self.take_over)
        for problem in surveyed.problems:
            meter.tell(Notice("warning", str(problem)))
        if surveyed.errors:
            first = surveyed.errors[0]
            more = f" ({len(surveyed.errors) - 1} more problems: see --check-task.)" if len(surveyed.errors) > 1 else ""
            raise UserError(first.message + more, remedy=first.remedy)
        self.cancel.check()
        keep = {self.resume.plan.id} if self.resume and not self.resume.plan.exact else set()
        surveyed = self._settled(surveyed, keep)
        sessions = self._sessions(stack, surveyed)
        # The position is read before the first row: after it, changes made during the scan would be lost.
        positions = {(name, table): p for name, session in sessions.items() for table, p in (session.now() or {}).items()}
        plan = make_plan(surveyed, self.systems.sources, positions, workspace=self.workspace)
        progress = Progress()
        if self.resume:
            stale = _why_not(self.resume, plan, surveyed)
            if stale is None:
                plan, progress = self.resume.plan, self.resume.progress
                meter.tell(Notice("info", f"Resumed: {len(progress.staged)} finished parts are kept."))
            else:
                meter.tell(Notice("warning", f"Everything is read again: {stale}"))
                self._settled(surveyed, set())
        self.journal.plan(plan)
        return plan, {(t.connection, t.description.table): t for t in surveyed.tables}, sessions, progress

    def _settled(self, surveyed: Survey, keep: Collection[str]) -> Survey:
        states: dict[tuple[str, str], TargetState] = {}
        for table in surveyed.tables:
            for run in table.routes:
                target = run.target
                states[target.connection, target.name] = self.systems.destinations[target.connection].settle(target, keep)
        return with_states(surveyed, states)

    def _sessions(self, stack: ExitStack, surveyed: Survey) -> dict[str, Session]:
        tables: dict[str, list[TableRef]] = {}
        for table in surveyed.tables:
            tables.setdefault(table.connection, []).append(table.description.table)
        sources = self.systems.sources
        return {
            name: stack.enter_context(sources[name].session(refs, exact=reads_exactly(self.task.options, sources[name])))
            for name, refs in tables.items()
        }

    def _table_runs(
        self,
        stack: ExitStack,
        plan: Plan,
        surveyed: Mapping[tuple[str, TableRef], SurveyedTable],
        sessions: Mapping[str, Session],
        progress: Progress,
        meter: Meter,
    ) -> list[TableRun]:
        options = self.task.options
        pool = stack.enter_context(_emptied(workers.threads(options.parallel)))
        budget = ByteBudget(options.memory)
        runs = []
        for index, table in enumerate(plan.tables):
            looked_at = surveyed[table.connection, table.table]
            chains = {run.route.name: run.chain for run in looked_at.routes}
            description = looked_at.description
            routes = tuple(
                JobRoute(
                    table_run(plan, index, route.id),
                    route,
                    chains[route.id],
                    self.systems.destinations[route.target.connection],
                )
                for route in table.routes
            )
            jobs = TableJobs(description, table.columns, options.cells, sessions[table.connection], budget, self.cancel, meter)
            runs.append(TableRun(index, plan.id, table, routes, jobs, self.journal, pool, options.retries, progress))
        return runs

    def _drop_staging(self, tables: SideBySide) -> None:
        for run in tables.runs:
            for route in run.routes:
                if route.table_run not in tables.published:
                    route.destination.discard(route.plan.target, route.plan.attempt)


def table_run(plan: Plan, index: int, route: str) -> str:
    """The name of a table run within its plan; unique."""
    return f"{plan.tables[index].connection}/{plan.tables[index].table} {route}"


def _why_not(resume: Resume, fresh: Plan, surveyed: Survey) -> str | None:
    """Why a stored plan cannot be gone on with; None if it can."""
    stored = resume.plan
    if stored.exact:
        return "this task reads everything as of one moment, and that moment is over."
    if not same_work(stored, fresh):
        return "the design, the tables or the formats have changed since."
    states = {(r.target.connection, r.target.name): r.state for table in surveyed.tables for r in table.routes}
    for index, table in enumerate(stored.tables):
        for route in table.routes:
            state = states[route.target.connection, route.target.name]
            published = (index, route.id) in resume.progress.published
            if state.revision != route.after and state.plan != stored.id and not published:
                return f"“{route.target.name}” was published by another run since."
    return None


@contextmanager
def _emptied(pool: Executor) -> Iterator[Executor]:
    """The pool, with what has not begun dropped at the end, and the rest waited for."""
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
