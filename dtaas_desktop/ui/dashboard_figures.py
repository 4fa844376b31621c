"""Everything the dashboard shows, read in one go in the background."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from dtaas_desktop.domain.task import Task
from dtaas_desktop.services import sample
from dtaas_desktop.services.activity import Activity, Range, Summary
from dtaas_desktop.services.attention import Attention, AttentionItem
from dtaas_desktop.services.runs_view import RunRecord
from dtaas_desktop.services.workspace import Workspace
from dtaas_desktop.ui.drawings import Drawing, lasting_inks, outcomes_drawing, rates_drawing, runs_drawing
from dtaas_desktop.ui.task_overview import route
from dtaas_desktop.ui.tokens import DARK
from dtaas_desktop.ui.words import short

MOST_SERIES = len(DARK.series)


@dataclass(frozen=True, slots=True)
class Span:
    """A range of time to choose: what it is called, and what the same span before it is."""

    range: Range
    seconds: int
    title: str
    before: str


SPANS = (
    Span("1 h", 3600, "Last hour", "the hour before"),
    Span("24 h", 86_400, "Last 24 hours", "yesterday"),
    Span("7 d", 7 * 86_400, "Last 7 days", "last week"),
    Span("30 d", 30 * 86_400, "Last 30 days", "last month"),
)


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be read: a span, the task (UUID) of the chart of runs or None for all, the colours that tasks have already."""

    span: Span
    task: str | None
    inks: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class DashboardFigures:
    """The answer. `as_of`: up to when following runs (ids) have brought over what was committed; `took`: seconds it cost to read."""

    question: Question
    at: float
    summary: Summary
    rates: Drawing
    outcomes: Drawing
    runs: Drawing
    attention: tuple[AttentionItem, ...]
    tasks: tuple[Task, ...]
    routes: Mapping[str, str]
    latest: Mapping[str, RunRecord]
    as_of: Mapping[str, float]
    inks: Mapping[str, int]
    took: float

    @property
    def only_sample(self) -> bool:
        """Whether there is no task but the sample's."""
        return {task.uuid for task in self.tasks} <= {task.uuid for task in sample.shipped()}

    @property
    def is_first_start(self) -> bool:
        return self.only_sample and not any(task.uuid in self.latest for task in self.tasks)

    @property
    def sample_done(self) -> Task | None:
        """The sample's first task once it has succeeded, while there is nothing else."""
        first = sample.shipped()[0].uuid
        done = self.only_sample and first in self.latest and self.latest[first].state == "done"
        return next(task for task in self.tasks if task.uuid == first) if done else None


def read_figures(workspace: Workspace, question: Question) -> DashboardFigures:
    """Read them. Raises AppError if the metadata cannot be read."""
    began = time.perf_counter()
    now = time.time()
    activity = Activity(workspace.database)
    # In steps that are less than a pixel, so that a chart in which nothing happens is not drawn again.
    step = question.span.seconds / 720
    end = -(-now // step) * step
    span = (end - question.span.seconds, end)
    words = question.span.title.lower()
    series = activity.rates(question.span.range, now, most=MOST_SERIES)
    inks = lasting_inks(question.inks, [one.task_uuid for one in series], MOST_SERIES)
    latest = workspace.history.latest_by_task()
    tasks, connections = tuple(workspace.tasks.all()), workspace.connections.all()
    return DashboardFigures(
        question=question,
        at=now,
        summary=activity.summary(question.span.range, now),
        rates=rates_drawing(series, inks, span, words),
        outcomes=outcomes_drawing(activity.outcomes(question.span.range, now), span, words),
        runs=runs_drawing(activity.per_run(question.task)),
        attention=tuple(Attention(workspace.database).list(now)),
        tasks=tasks,
        routes={task.uuid: route(task.design, connections) for task in tasks},
        latest=latest,
        as_of=_as_of(workspace, latest),
        inks=inks,
        took=time.perf_counter() - began,
    )


def compared(now: int, before: int, what: str) -> str:
    """+12 % on yesterday; where a percentage says nothing, words."""
    if before == 0:
        return f"none {what}" if now else "nothing moved yet"
    change = (now - before) / before * 100
    if change >= 1000:
        return f"{short(now / before)} × {what}"
    return f"{'+' if change > 0 else '−' if round(change) < 0 else '±'}{abs(change):.0f} % on {what}"


def share(part: int, whole: int) -> str:
    """0.4 % of 243; words where there is nothing to take a part of."""
    if whole == 0:
        return "no run ended"
    percent = part / whole * 100
    return f"{percent:.{1 if 0 < percent < 10 else 0}f} % of {short(whole)}"


def _as_of(workspace: Workspace, latest: Mapping[str, RunRecord]) -> dict[str, float]:
    found = {}
    for run in latest.values():
        if run.state == "running" and run.following:
            moments = [table.as_of for table in workspace.history.table_runs(run.id) if table.as_of is not None]
            if moments:
                found[run.id] = min(moments)
    return found
