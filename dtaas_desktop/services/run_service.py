"""Running, checking, pausing and resuming tasks: the only door to the engine for window and command line.

The engine is imported where it is used: while it is, the sources have begun to answer.
"""

import contextlib
import os
import queue
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dtaas_desktop.connectors.registry import open_destination, open_source
from dtaas_desktop.domain.changes import Lag
from dtaas_desktop.domain.errors import AppError, TransientError, UserError
from dtaas_desktop.domain.events import Event, TableProgress
from dtaas_desktop.domain.kinds import DestinationSettings, SourceSettings, settings_of
from dtaas_desktop.domain.plan import Resume
from dtaas_desktop.domain.ports import Capture, CaptureState, Destination, Source, conversation_with
from dtaas_desktop.domain.problems import validate
from dtaas_desktop.domain.table import TableRef
from dtaas_desktop.domain.task import Task
from dtaas_desktop.engine.cancel import CancelToken
from dtaas_desktop.engine.outcome import RunOutcome, failure_class
from dtaas_desktop.engine.systems import Systems
from dtaas_desktop.services.column_followers import follow_columns
from dtaas_desktop.services.history import RESUMABLE, History, Request
from dtaas_desktop.services.journal import MetadataJournal, stored_plan
from dtaas_desktop.services.run_request import RunRequest
from dtaas_desktop.services.runs_view import RunRecord
from dtaas_desktop.services.workspace import Workspace

if TYPE_CHECKING:
    from dtaas_desktop.engine.survey import Survey

NOTE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class CapturedTables:
    """The tables that a task reads from one connection, and whether their changes are captured."""

    connection: str
    capture: Capture
    tables: tuple[tuple[TableRef, CaptureState], ...]


class RunService:
    """Runs tasks of one workspace in this process."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def run(self, request: RunRequest, *, emit: Callable[[Event], None], cancel: CancelToken) -> RunOutcome:
        """Run a task to its end and remember what happened.

        Raises AppError if it could not begin; TransientError if it is already running.
        """
        workspace = self._workspace
        task = workspace.tasks.named(request.task)
        with workspace.task_lock(task.uuid, task.name):
            resume = self._resume(task) if request.resume else None
            run = str(uuid.uuid4())
            workspace.history.begin(
                run, task=task.uuid, name=task.name, process=os.getpid(), origin=request.origin, follow=request.follow
            )
            with _Chronicle(workspace.history, run, emit, cancel) as chronicle:
                try:
                    with self._systems(task) as systems:
                        from dtaas_desktop.engine.task_run import TaskRun

                        outcome = TaskRun(
                            id=run,
                            task=task,
                            systems=systems,
                            journal=MetadataJournal(workspace.database, run),
                            emit=chronicle.emit,
                            cancel=cancel,
                            workspace=workspace.id,
                            resume=resume,
                            take_over=request.take_over,
                            reload=request.reload,
                            only=request.only,
                            follow=request.follow,
                        ).run()
                except AppError as error:
                    chronicle.close()
                    workspace.history.end(
                        run, "failed", failures=failure_class(error), message=error.message, remedy=error.remedy
                    )
                    raise
                except BaseException:
                    # A bug, or the interpreter is going down: remembered, then passed on as it is.
                    chronicle.close()
                    workspace.history.end(run, "failed", failures="bug", message=traceback.format_exc())
                    raise
            workspace.history.end(run, outcome.state, failures=",".join(sorted(outcome.failures)))
            return outcome

    def check(self, name: str, *, take_over: Collection[str] = (), reload: Collection[str] = ()) -> "Survey":
        """What the task would do and what speaks against it; changes nothing."""
        task = self._workspace.tasks.named(name)
        problems = validate(task.design, self._workspace.connections.all())
        if any(problem.severity == "error" for problem in problems):
            from dtaas_desktop.engine.survey import Survey

            return Survey(task, (), problems)
        with self._systems(task) as systems:
            from dtaas_desktop.engine.survey import survey

            return survey(task, systems, take_over=take_over, reload=reload)

    def lags(self, surveyed: "Survey") -> dict[tuple[str, str], Lag]:
        """What waits for the targets of a look at a task, by connection and target name; those without a position are left out."""
        found: dict[tuple[str, str], Lag] = {}
        if surveyed.task.options.transfer == "full load" or not surveyed.tables:
            return found
        with self._systems(surveyed.task) as systems:
            for table in surveyed.tables:
                capture, ref = systems.sources[table.connection].capture, table.description.table
                for run in table.routes:
                    if capture is not None and run.state.position is not None:
                        lag = capture.lag({ref: run.state.position}).get(ref)
                        if lag is not None:
                            found[run.target.connection, run.target.name] = lag
        return found

    def captured(self, name: str) -> list[CapturedTables]:
        """The tables of a task by source connection, with the state of their capture. Raises UserError where none can be had."""
        task = self._workspace.tasks.named(name)
        found = []
        with self._systems(task) as systems:
            from dtaas_desktop.engine.survey import source_tables

            for connection, refs in source_tables(task, systems).items():
                capture = systems.sources[connection].capture
                if capture is None:
                    raise UserError(
                        f"“{connection}” cannot capture changes.", remedy="Choose the transfer “full load” for this task."
                    )
                found.append(CapturedTables(connection, capture, tuple((ref, capture.state(ref)) for ref in refs)))
        return found

    def pause(self, name: str, *, wait_seconds: float) -> RunRecord:
        """Ask the task's running run, in whatever process, to pause, and wait for it.

        Raises UserError if none is running, TransientError if it has not paused in time (it will at the next batch border).
        """
        return self._stop(name, "pause", wait_seconds)

    def cancel(self, name: str, *, wait_seconds: float) -> RunRecord:
        """As `pause`, but what was only staged is dropped, and there is nothing to resume."""
        return self._stop(name, "cancel", wait_seconds)

    def _stop(self, name: str, request: Request, wait_seconds: float) -> RunRecord:
        task = self._workspace.tasks.named(name)
        running = self._workspace.is_running(task.uuid)
        run = self._workspace.history.ask(task.uuid, request) if running else None
        if run is None:
            raise UserError(f"Task “{task.name}” is not running.", remedy="Nothing needs to be done.")
        deadline = time.monotonic() + wait_seconds
        while time.monotonic() < deadline:
            record = self._workspace.history.run(run)
            if record.state != "running":
                return record
            time.sleep(0.1)
        raise TransientError(
            f"Task “{task.name}” was asked to {request} but has not yet.",
            remedy="It will at its next batch; look again in a moment.",
        )

    def _resume(self, task: Task) -> Resume:
        latest = self._workspace.history.latest(task.uuid)
        # The lock is held here, so a run that still counts as running has died.
        if latest is None or not (latest.state in RESUMABLE or latest.state == "running"):
            state = f"its last run is {latest.state}" if latest else "it has never run"
            raise UserError(f"Task “{task.name}” has nothing to resume: {state}.", remedy="Run it from the beginning.")
        resume = stored_plan(self._workspace.database, task.uuid)
        if resume is None:
            raise UserError(f"Task “{task.name}” stopped before it had a plan.", remedy="Run it from the beginning.")
        return resume

    @contextlib.contextmanager
    def _systems(self, task: Task) -> Iterator[Systems]:
        """The systems that the design names, opened; sources that are asked over a connection begin to answer.

        Raises UserError for the first error of the design.
        """
        connections = self._workspace.connections.all()
        for problem in validate(task.design, connections):
            if problem.severity == "error":
                raise UserError(problem.message, remedy=problem.remedy)
        named: dict[str, list[str]] = {}  # tables by the connection of a source
        written = []
        for node in task.design.nodes:
            settings = settings_of(node)
            if isinstance(settings, SourceSettings):
                named.setdefault(settings.connection, []).extend(settings.tables)
            elif isinstance(settings, DestinationSettings):
                written.append(settings.connection)
        secret = self._workspace.secrets.resolve
        sources: dict[str, Source] = {name: open_source(connections[name], secret=secret) for name in named}
        if task.options.transfer == "incremental":
            sources = follow_columns(task, sources)
        with contextlib.ExitStack() as stack:
            for name, source in sources.items():
                stack.enter_context(conversation_with(source, named[name]))
            destinations: dict[str, Destination] = {
                name: open_destination(connections[name], workspace=self._workspace.id) for name in dict.fromkeys(written)
            }
            yield Systems(sources, destinations, secret)


class _Chronicle:
    """Passes events on at once, and writes them into the history once a second from a thread of its own.

    The same second brings what other processes ask of the run.
    """

    def __init__(self, history: History, run: str, emit: Callable[[Event], None], cancel: CancelToken) -> None:
        self._history, self._run, self._emit, self._cancel = history, run, emit, cancel
        self._events: queue.SimpleQueue[tuple[float, Event]] = queue.SimpleQueue()
        self._unwritten: list[tuple[float, Event]] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep_noting, name="chronicle", daemon=True)

    def __enter__(self) -> "_Chronicle":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def emit(self, event: Event) -> None:
        self._events.put((time.time(), event))
        self._emit(event)

    def close(self) -> None:
        """Write what is left; further calls do nothing."""
        if not self._ended.is_set():
            self._ended.set()
            self._thread.join()
            self._note()

    def _keep_noting(self) -> None:
        while not self._ended.wait(NOTE_SECONDS):
            # A metadata database that is busy for long must not end the run: the next second writes what is left.
            with contextlib.suppress(TransientError):
                self._note()

    def _note(self) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                self._unwritten.append(self._events.get_nowait())
        self._unwritten = _newest_progress(self._unwritten)
        request = self._history.note(self._run, self._unwritten)
        self._unwritten = []
        if request is not None:
            self._cancel.ask(request)


def _newest_progress(events: list[tuple[float, Event]]) -> list[tuple[float, Event]]:
    """The events without progress that a later one of the same table run makes stale."""
    newest = {event.table_run: index for index, (_, event) in enumerate(events) if isinstance(event, TableProgress)}
    return [
        (at, event)
        for index, (at, event) in enumerate(events)
        if not isinstance(event, TableProgress) or newest[event.table_run] == index
    ]
