"""One look at the runs of a workspace, as the window takes it every second in a thread of its own."""

import datetime
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.services.run_request import RunRequest
from dtaas_desktop.services.runs_view import RunRecord
from dtaas_desktop.services.scheduler import NextDue, Scheduler
from dtaas_desktop.services.workspace import Workspace

Ask = Literal["pause", "cancel"]
_PRUNE_SECONDS = 6 * 3600.0
_SETTLE_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The runs at one moment. `ended` were running at an earlier look; `asked`: what runs were told, by task (UUID)."""

    running: tuple[RunRecord, ...] = ()
    latest: Mapping[str, RunRecord] = field(default_factory=dict)
    due: Mapping[str, datetime.datetime] = field(default_factory=dict)
    next_due: NextDue | None = None
    ended: tuple[RunRecord, ...] = ()
    asked: Mapping[str, Ask] = field(default_factory=dict)


class RunWatch:
    """Looks, starts what is due, and tidies up; used by one thread at a time."""

    def __init__(self, workspace: Workspace, start: Callable[[RunRequest], None]) -> None:
        """`start` is called for what is due, in the thread that looks."""
        self._workspace = workspace
        self._scheduler = Scheduler(workspace, start)
        self._known: set[str] = set()  # runs that were running, or were told to have begun
        self._pruned_at = self._settled_at = -_PRUNE_SECONDS

    def look(self, asks: Mapping[str, Ask], begun: Collection[str]) -> Snapshot:
        """How things are. `asks`: what tasks (UUID) are to be told; `begun`: runs that said that they began."""
        history = self._workspace.history
        asked = {task: request for task, request in asks.items() if history.ask(task, request) is not None}
        self._tidy()
        self._scheduler.tick()
        running = tuple(history.running())
        self._known |= set(begun) | {run.id for run in running}
        over = self._known - {run.id for run in running}
        self._known -= over
        return Snapshot(
            running=running,
            latest=history.latest_by_task(),
            due=self._scheduler.due_times(),
            next_due=self._scheduler.next(),
            ended=tuple(record for run in sorted(over) if (record := self._record(run)) is not None),
            asked=asked,
        )

    def ask_all(self, runs: Collection[RunRecord], request: Ask) -> None:
        """Tell all of these to stop."""
        for run in runs:
            self._workspace.history.ask(run.task, request)

    def _tidy(self) -> None:
        now = time.monotonic()
        if now - self._settled_at >= _SETTLE_SECONDS:
            self._settled_at = now
            self._workspace.history.settle_dead(self._workspace.is_running)
        if now - self._pruned_at >= _PRUNE_SECONDS:
            self._pruned_at = now
            self._workspace.history.prune(self._workspace.settings.load().history_days)

    def _record(self, run: str) -> RunRecord | None:
        try:
            record = self._workspace.history.run(run)
        except UserError:
            return None  # forgotten meanwhile
        if record.state == "running":
            self._known.add(run)  # it began between the two questions
            return None
        return record
