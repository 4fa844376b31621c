"""A task as it is now, and what can be done with it; every refusal has its reason. Nothing of Qt."""

import datetime
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from dtaas_desktop.domain.connection import Connection
from dtaas_desktop.domain.design import Node
from dtaas_desktop.domain.problems import Problem, validate
from dtaas_desktop.domain.schedule import words
from dtaas_desktop.domain.task import Task
from dtaas_desktop.services.history import RESUMABLE
from dtaas_desktop.services.runs_view import RunRecord
from dtaas_desktop.ui.task_overview import route
from dtaas_desktop.ui.ticks import day_and_time
from dtaas_desktop.ui.tokens import Tone
from dtaas_desktop.ui.words import NOTHING, ago, duration, state_words

Act = Literal[
    "run", "resume", "pause", "cancel", "follow", "reload", "check", "edit", "duplicate", "export", "latest", "history", "delete"
]
_STOPS: frozenset[Act] = frozenset({"pause", "cancel"})
_STARTS: frozenset[Act] = frozenset({"run", "resume", "follow", "reload"})
_NOTHING_TO_FOLLOW = (
    "It is to run all the time, but makes full loads only: there are no changes to follow. "
    "Edit it, and choose another transfer or another time."
)
_ENDED = {"done": "succeeded", "cancelled": "was cancelled"}


@dataclass(frozen=True, slots=True)
class TaskNow:
    """`latest` is its newest run, `starting` whether one is about to begin, `problem` the first mistake in its design.

    `trouble`: what needs attention though nothing forbids a run, as a heading and a text; empty texts if nothing does.
    """

    task: Task
    route: str
    latest: RunRecord | None = None
    starting: bool = False
    problem: Problem | None = None
    due: float | None = None
    trouble: tuple[str, str] = ("", "")

    @property
    def never_by_itself(self) -> tuple[str, str]:
        """Why its schedule never starts it, as a heading and a text; empty texts if it does."""
        if self.task.schedule.kind != "continuous" or self.task.options.transfer != "full load":
            return "", ""
        return "It never starts by itself", _NOTHING_TO_FOLLOW

    @property
    def is_running(self) -> bool:
        return self.starting or (self.latest is not None and self.latest.state == "running")

    @property
    def state(self) -> tuple[str, Tone]:
        """In a word, with its tone."""
        if self.starting and (self.latest is None or self.latest.state != "running"):
            return "Starting", "accent"
        if self.latest is not None and self.latest.state == "running":
            if self.latest.request is not None:
                return ("Pausing", "amber") if self.latest.request == "pause" else ("Cancelling", "quiet")
            if self.latest.following:
                return state_words("following")
        return state_words(self.latest.state if self.latest else None)

    @property
    def schedule_words(self) -> str:
        return words(self.task.schedule)

    def due_words(self, now: float) -> str:
        """When it runs next by itself: “in 4 min”, “02:00”, “Wed 02:00”."""
        if self.due is None:
            return NOTHING
        if self.due - now < 3600:
            return f"in {duration(max(0.0, self.due - now))}" if self.due > now + 1 else "now"
        return near_moment(self.due, now)

    def when(self, now: float) -> str:
        """How long it has been running, or how long ago it ended."""
        run = self.latest
        if run is None:
            return NOTHING
        if run.state != "running":
            return ago(run.finished_at or run.started_at, now)
        if run.seconds_left is not None and not run.following:
            return f"{duration(run.seconds_left)} left"
        return f"for {duration(max(0.0, now - run.started_at))}"

    def refusal(self, act: Act) -> str:
        """Why this cannot be done now; empty if it can."""
        if act in _STOPS:
            return self._cannot_stop(act)
        if act == "delete" and self.is_running:
            return "It is running: cancel the run first."
        if act in ("latest", "history") and self.latest is None:
            return "It never ran."
        return self._cannot_start(act) if act in _STARTS else ""

    def _cannot_stop(self, act: Act) -> str:
        if not self.is_running:
            return "It is not running."
        asked = self.latest.request if self.latest is not None and self.latest.state == "running" else None
        if asked == "cancel" or asked == act:
            return f"It was asked to {asked} already, and will at its next batch."
        return ""

    def _cannot_start(self, act: Act) -> str:
        if self.is_running:
            return "It is running already."
        if self.problem is not None:
            return f"The task has a mistake. {self.problem}"
        if act == "follow" and self.task.options.transfer == "full load":
            return "It makes full loads only: there are no changes to follow."
        if act == "resume" and (self.latest is None or self.latest.state not in RESUMABLE):
            said = f"its last run {_ENDED.get(self.latest.state, self.latest.state)}" if self.latest else "it never ran"
            return f"There is nothing to resume: {said}."
        return ""


def tasks_now(
    tasks: Collection[Task],
    connections: Mapping[str, Connection],
    latest: Mapping[str, RunRecord],
    *,
    starting: Collection[str] = (),
    due: Mapping[str, datetime.datetime] | None = None,
    trouble: Mapping[str, tuple[str, str]] | None = None,
) -> list[TaskNow]:
    """Every task as it is now, by name. `starting` holds names; `latest`, `due` and `trouble` go by UUID."""
    dues = {uuid: moment.timestamp() for uuid, moment in (due or {}).items()}
    return [
        TaskNow(
            task,
            route(task.design, connections),
            latest.get(task.uuid),
            task.name in starting,
            next((problem for problem in validate(task.design, connections) if problem.severity == "error"), None),
            dues.get(task.uuid),
            (trouble or {}).get(task.uuid, ("", "")),
        )
        for task in sorted(tasks, key=lambda task: task.name.casefold())
    ]


def near_moment(at: float, now: float) -> str:
    """A moment to come: 02:00 · Wed 02:00 · 25 Nov, 02:00, in local time."""
    then, today = (datetime.datetime.fromtimestamp(one).astimezone() for one in (at, now))
    day, clock = day_and_time(at).split(", ")
    days = (then.date() - today.date()).days
    if days == 0:
        return clock
    return f"{day.split()[0]} {clock}" if days < 7 else f"{day.partition(' ')[2]}, {clock}"


def newer(one: RunRecord | None, other: RunRecord | None) -> RunRecord | None:
    """Of two looks at a task's newest run the later one."""
    known = [run for run in (one, other) if run is not None]
    return max(known, key=lambda run: (run.started_at, run.finished_at is not None, run.seen_at), default=None)


def tables_words(node: Node) -> str:
    """The tables that a source node names, in a few words."""
    names = [str(name) for name in node.settings.get("tables", ())] + [
        str(query.get("name", "")) for query in node.settings.get("queries", ())
    ]
    if names == ["*"]:
        return "All tables"
    if len(names) <= 3:
        return ", ".join(names) or NOTHING
    return f"{', '.join(names[:2])} and {len(names) - 2} more"
