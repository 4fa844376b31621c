"""A whole run: look, then load what has to be read whole, then bring the rest up to date by its changes, once or on and on."""

import threading
import time
from collections.abc import Callable, Collection
from contextlib import ExitStack
from dataclasses import dataclass, field

from dtaas_desktop.domain.errors import AppError, Interrupted, UserError
from dtaas_desktop.domain.events import Event, Notice, RunFinished, RunStarted, State
from dtaas_desktop.domain.plan import Resume
from dtaas_desktop.domain.ports import Journal
from dtaas_desktop.domain.task import Task
from dtaas_desktop.engine import workers
from dtaas_desktop.engine.budget import ByteBudget
from dtaas_desktop.engine.cancel import CancelToken
from dtaas_desktop.engine.following import Following
from dtaas_desktop.engine.load import load
from dtaas_desktop.engine.meter import Meter
from dtaas_desktop.engine.outcome import RunOutcome
from dtaas_desktop.engine.phase import Phase, emptied, only, table_run_name
from dtaas_desktop.engine.plan import Planner
from dtaas_desktop.engine.side_by_side import SideBySide
from dtaas_desktop.engine.survey import Survey, SurveyedTable, survey
from dtaas_desktop.engine.systems import Systems
from dtaas_desktop.engine.turn import turn

_FINISHING = 1  # parts that are made durable while as many as the task allows are read
_ENDED = {
    "paused": "Paused, as asked: what is published stays, and finished parts are kept for a resume where the source allows one.",
    "cancelled": "Cancelled, as asked: what is published stays, and what was only staged is dropped.",
}


@dataclass(frozen=True, slots=True)
class TaskRun:
    """One run of a task.

    `reload`: tables (names or patterns) that are read whole whatever their targets hold. `only`: the tables to run, if not all of the
    task's. `follow`: change turns follow one another
    until somebody asks the run to stop.
    """

    id: str
    task: Task
    systems: Systems
    journal: Journal
    emit: Callable[[Event], None]
    cancel: CancelToken
    workspace: str
    resume: Resume | None = None
    take_over: Collection[str] = field(default=())
    reload: Collection[str] = field(default=())
    only: Collection[str] = field(default=())
    follow: bool = False

    def run(self) -> RunOutcome:
        """Run to the end, or to the batch border after a pause or cancel was asked for.

        Raises AppError when nothing could begin; a failure of single tables is in the outcome.
        """
        started = time.monotonic()
        meter = Meter(self.emit)
        tables = SideBySide(meter)
        options = self.task.options
        readers = options.parallel or workers.processors()
        try:
            with ExitStack() as stack:
                phase = Phase(
                    task=self.task,
                    systems=self.systems,
                    journal=self.journal,
                    planner=Planner(self.task, self.systems.sources, self.workspace),
                    meter=meter,
                    tables=tables,
                    cancel=self.cancel,
                    workers=stack.enter_context(emptied(workers.threads(readers + _FINISHING))),
                    readers=threading.BoundedSemaphore(readers),
                    budget=ByteBudget(options.memory),
                )
                self._go(phase)
            state: State = tables.state
        except Interrupted as interrupted:
            state = "paused" if interrupted.request == "pause" else "cancelled"
            if state == "cancelled":
                self._drop_staging(tables)
            meter.tell(Notice("info", _ENDED[state]))
        meter.tell(RunFinished(self.id, state, tables.counts, time.monotonic() - started))
        return RunOutcome(state, tables.failures)

    def _go(self, phase: Phase) -> None:
        if self.follow and self.task.options.transfer == "full load":
            raise UserError(
                f"Task “{self.task.name}” makes full loads only: there are no changes to follow.",
                remedy="Set its transfer to “full load, then changes”, or run it without following changes.",
            )
        surveyed = self._surveyed(phase.meter, self.reload)
        phase.meter.tell(RunStarted(self.id, self.task.name, sum(len(table.routes) for table in surveyed.tables)))
        self._refuse(phase, surveyed.tables)
        loads = only(surveyed.tables, lambda _, run: run.due == "load")
        resume = self.resume if self.resume and self.resume.is_load else None
        if loads:
            load(phase, loads, resume)
        if self.task.options.transfer == "full load":
            return
        if loads:  # their targets have positions now
            surveyed = self._surveyed(phase.meter, ())
        turn(phase, only(surveyed.tables, lambda _, run: run.due == "changes"))
        if self.follow:
            Following(phase, lambda: self._surveyed(phase.meter, (), following=True)).follow()

    def _surveyed(self, meter: Meter, reload: Collection[str], *, following: bool = False) -> Survey:
        """What there is to do. Raises UserError if something forbids the run; one that is under way goes on with the other tables."""
        surveyed = survey(self.task, self.systems, take_over=self.take_over, reload=reload, only=self.only)
        for problem in surveyed.problems:
            meter.tell_once(Notice("warning", str(problem)))
        for table in surveyed.tables:
            for run in table.routes:
                for finding in run.drift.findings:
                    meter.tell_once(Notice("warning", f"{run.target.name}: {finding}.", str(table.description.table)))
                if run.drift.reload and run.due == "load":
                    message = f"{run.target.name} is read again: {run.drift.reload}."
                    meter.tell_once(Notice("warning", message, str(table.description.table)))
        if surveyed.errors and not (following and surveyed.tables):
            first = surveyed.errors[0]
            others = len(surveyed.errors) - 1
            more = f"Check the task to see {f'{others} more problems' if others > 1 else 'one more problem'}." if others else ""
            raise UserError(first.message, remedy=f"{first.remedy} {more}".strip())
        self.cancel.check()
        return surveyed

    def _refuse(self, phase: Phase, tables: Collection[SurveyedTable]) -> None:
        for table in tables:
            for run in table.routes:
                if isinstance(run.due, AppError):
                    ref = table.description.table
                    name = table_run_name(table.connection, ref, run.route.name)
                    phase.tables.refuse(str(ref), name, run.target, run.due)

    def _drop_staging(self, tables: SideBySide) -> None:
        for run in tables.open:
            for route in run.routes:
                if route.table_run not in tables.published_now:
                    route.destination.discard(route.plan.target, route.plan.attempt)
