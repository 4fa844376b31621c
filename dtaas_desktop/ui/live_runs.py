"""The runs of the workspace as the window knows them: started here or elsewhere, running, last of each task, next due."""

import datetime
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from PySide6.QtCore import QObject, QThreadPool, QTimer, Signal

from dtaas_desktop.domain.errors import AppError
from dtaas_desktop.services.run_request import RunRequest
from dtaas_desktop.services.runs_view import RunRecord
from dtaas_desktop.services.scheduler import NextDue
from dtaas_desktop.services.workspace import Workspace
from dtaas_desktop.ui.background import Background
from dtaas_desktop.ui.run_watch import Ask, RunWatch, Snapshot
from dtaas_desktop.ui.run_worker import RunWorker

LOOK_MILLISECONDS = 1000
SOON_MILLISECONDS = 500
AFTER_TROUBLE_MILLISECONDS = 5000
_MOST_PROCESSES = 64


class LiveRuns(QObject):
    """Starts, stops and watches runs. All of its signals come in the thread of the window."""

    changed = Signal()  # the properties below, at most twice a second
    # A task's UUID and an event (domain.events.to_dict) of its run, if it was started here. Nobody overrides QObject.event here.
    event = Signal(str, dict)  # type: ignore[assignment]
    ended = Signal(object)  # the RunRecord of a run that was running
    failed = Signal(str, object)  # a task's name, and the AppError for which its run could not begin or be stopped
    failed_unexpectedly = Signal(object)  # a bug: an exception that no one foresaw
    closed = Signal()  # after `close`: nothing goes on here any more
    _due = Signal(object)

    def __init__(self, workspace: Workspace, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._workspace = workspace
        self._watch = RunWatch(workspace, self._due.emit)
        self._snapshot, self._known = Snapshot(), False
        self._asks: dict[str, Ask] = {}
        self._begun: set[str] = set()
        self._workers: list[RunWorker] = []
        self._spent: deque[RunWorker] = deque(maxlen=8)  # the pool may still be leaving the last of them
        self._trouble: AppError | None = None
        self._looking = self._closing = False
        self._background = Background(self, threads=1)
        self._background.failed_unexpectedly.connect(self._stumble)
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(_MOST_PROCESSES)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._look)
        self._due.connect(self.start)
        self._timer.start(0)

    @property
    def is_known(self) -> bool:
        """Whether the runs have been looked at already."""
        return self._known

    @property
    def running(self) -> tuple[RunRecord, ...]:
        """What runs now, wherever it was started, newest first."""
        return self._snapshot.running

    @property
    def latest(self) -> Mapping[str, RunRecord]:
        """The newest run of each task, by its UUID."""
        return self._snapshot.latest

    @property
    def due(self) -> Mapping[str, datetime.datetime]:
        """When tasks (UUID) run next by their schedule."""
        return self._snapshot.due

    @property
    def next_due(self) -> NextDue | None:
        return self._snapshot.next_due

    @property
    def ours(self) -> tuple[RunRecord, ...]:
        """What runs now and was started by a window or its scheduler."""
        return tuple(run for run in self.running if run.origin != "command line")

    @property
    def starting(self) -> frozenset[str]:
        """Names of tasks whose run was started here and has not begun yet, or has not been seen to have ended."""
        return frozenset(worker.request.task for worker in self._workers)

    @property
    def trouble(self) -> AppError | None:
        """Why the runs cannot be looked at just now."""
        return self._trouble

    def start(self, request: RunRequest) -> None:
        """Start a run in a process of its own; `failed` tells if it could not begin. A task that is just being started is left alone."""
        if self._closing or request.task in self.starting:
            return
        asked_here = replace(request, origin="window") if request.origin == "command line" else request
        worker = RunWorker(self._workspace.folder, asked_here, self._uuid_of)
        worker.says.told.connect(self._take)
        worker.says.failed.connect(self.failed)
        worker.says.broken.connect(self.failed_unexpectedly)
        worker.says.gone.connect(self._let_go)
        self._workers.append(worker)
        self._pool.start(worker)
        self.changed.emit()

    def pause(self, task: str) -> None:
        """Ask the task's (UUID) run to pause, wherever it runs; one that is about to begin is asked as soon as it has."""
        self._ask(task, "pause")

    def cancel(self, task: str) -> None:
        """Ask the task's (UUID) run to cancel, wherever it runs."""
        self._ask(task, "cancel")

    def refresh(self) -> None:
        """Look again soon, not only at the next second."""
        if not self._looking and not self._closing and self._timer.remainingTime() > SOON_MILLISECONDS:
            self._timer.start(SOON_MILLISECONDS)

    def close(self, how: Literal["keep", "pause", "cancel"] = "keep") -> None:
        """Stop watching; runs started by a window go on, or are asked to pause or cancel first. `closed` tells when that is done."""
        if self._closing:
            return
        self._closing = True
        self._timer.stop()
        if how == "keep" or not self.ours:
            self._end()
            return
        runs, request = self.ours, how
        self._background.submit(self, lambda: self._watch.ask_all(runs, request), self._end_after, self._end_in_trouble)

    def _uuid_of(self, name: str) -> str:
        return self._workspace.tasks.named(name).uuid

    def _ask(self, task: str, request: Ask) -> None:
        if self._asks.get(task) != "cancel":
            self._asks[task] = request
        if not self._looking and not self._closing:
            self._look()

    def _look(self) -> None:
        if self._looking or self._closing:
            return
        self._looking = True
        self._timer.stop()
        asks, begun = dict(self._asks), frozenset(self._begun)
        self._background.submit(self, lambda: self._watch.look(asks, begun), self._show, self._tell_trouble)

    def _show(self, seen: Snapshot) -> None:
        first, self._known = not self._known, True
        had, self._snapshot = self._snapshot, seen
        was_in_trouble, self._trouble = self._trouble is not None, None
        self._looking = False
        self._begun -= {run.id for run in (*seen.running, *seen.ended)}
        self._asks = {task: ask for task, ask in self._asks.items() if seen.asked.get(task) != ask and self._lives(task)}
        self._wait(LOOK_MILLISECONDS)
        if first or was_in_trouble or replace(had, ended=(), asked={}) != replace(seen, ended=(), asked={}):
            self.changed.emit()
        for run in seen.ended:
            self.ended.emit(run)

    def _lives(self, task: str) -> bool:
        starting = {worker.task for worker in self._workers}
        return task in starting or "" in starting or any(run.task == task for run in self.running)

    def _tell_trouble(self, error: AppError) -> None:
        self._looking = False
        changed = self._trouble is None or self._trouble.message != error.message
        self._trouble = error
        self._wait(AFTER_TROUBLE_MILLISECONDS)
        if changed:
            self.changed.emit()

    def _stumble(self, error: BaseException) -> None:
        self._looking = False
        self._wait(AFTER_TROUBLE_MILLISECONDS)
        self.failed_unexpectedly.emit(error)

    def _wait(self, milliseconds: int) -> None:
        if not self._closing:
            self._timer.start(SOON_MILLISECONDS if self._asks else milliseconds)

    def _take(self, task: str, event: dict[str, Any]) -> None:
        if event["event"] == "RunStarted":
            self._begun.add(event["run"])
            self.refresh()
        self.event.emit(task, event)

    def _let_go(self, worker: RunWorker) -> None:
        self._workers.remove(worker)
        self._spent.append(worker)
        if not self._closing:
            self.changed.emit()
            self.refresh()

    def _end_after(self, _: None) -> None:
        self._end()

    def _end_in_trouble(self, error: AppError) -> None:
        self.failed.emit("", error)
        self._end()

    def _end(self) -> None:
        for worker in self._workers:
            worker.detach()
        self._pool.waitForDone()
        self._background.close()
        self.closed.emit()
