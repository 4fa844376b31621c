"""A task as its form holds it: a simple line from one source to one destination, with everything else of the task kept untouched."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from dtaas_desktop.domain.changes import CHANGE_MODES, WriteMode
from dtaas_desktop.domain.connection import Connection
from dtaas_desktop.domain.design import Design, Link, Node, routes
from dtaas_desktop.domain.kinds import KINDS
from dtaas_desktop.domain.problems import Problem, validate
from dtaas_desktop.domain.schedule import Schedule
from dtaas_desktop.domain.task import Task, TaskOptions, Transfer

Place = Literal["name", "source", "tables", "transfer", "destination", "schedule", "advanced"]
ALL = "*"
_LEFT, _RIGHT, _LINE = 0.0, 440.0, 120.0

TRANSFERS: Mapping[Transfer, tuple[str, str]] = {
    "full load": ("Full load", "Every run reads all rows again."),
    "full load, then changes": (
        "Full load, then changes",
        "The first run reads all rows, and then only what changed since the run before.",
    ),
    "changes": ("Changes", "Only what changes from the first run on; rows that are there already are not read."),
    "incremental": ("Incremental by column", "All rows once, then those in which a column has grown; deleted rows are not seen."),
}
WRITE_MODES: Mapping[WriteMode, tuple[str, str]] = {
    "replace": ("Replace", "Old rows are swapped for new ones in one act; an empty table is never seen."),
    "append": ("Append", "Each run adds its rows to those that are there."),
    "mirror": ("Mirror", "The target is kept equal to the source by key; in folders as change files with the net effect."),
    "history": ("History", "Every change is added, with what happened, when, and in which order."),
}


@dataclass(frozen=True, slots=True)
class Draft:
    """What the form shows and changes. `source` and `destination` are settings as nodes hold them (kinds.SourceSettings and so on)."""

    base: Task
    name: str
    source: Mapping[str, Any]
    destination: Mapping[str, Any]
    options: TaskOptions
    schedule: Schedule
    is_line: bool = True
    steps: tuple[Node, ...] = field(default=())

    @property
    def write_modes(self) -> tuple[WriteMode, ...]:
        """The write modes that fit the transfer mode."""
        if self.options.transfer == "incremental":
            return "mirror", "append"
        return tuple(mode for mode in WRITE_MODES if self.options.transfer == "full load" or mode in CHANGE_MODES)

    @property
    def is_new(self) -> bool:
        return not self.base.name

    def task(self) -> Task:
        """The task as it would be saved."""
        design = self.base.design
        if self.is_line:
            source, destination = _ends(design)
            design = design.with_node(replace(source, settings=dict(self.source)))
            design = design.with_node(replace(destination, settings=dict(self.destination)))
        return replace(self.base, name=self.name.strip(), design=design, options=self.options, schedule=self.schedule)


def new_draft(options: TaskOptions) -> Draft:
    """A task that is still to be filled in."""
    source = Node("source", "source", {"connection": "", "tables": []}, _LEFT, _LINE)
    destination = Node("destination", "destination", {"connection": ""}, _RIGHT, _LINE)
    design = Design((source, destination), (Link(source.id, destination.id),))
    base = Task(str(uuid.uuid4()), "", design, options)
    return Draft(base, "", source.settings, destination.settings, options, Schedule())


def draft_of(task: Task) -> Draft:
    """The draft of a saved task."""
    if not is_line(task.design):
        return Draft(task, task.name, {}, {}, task.options, task.schedule, is_line=False)
    source, destination = _ends(task.design)
    steps = routes(task.design)[0].steps
    return Draft(task, task.name, source.settings, destination.settings, task.options, task.schedule, steps=steps)


def is_line(design: Design) -> bool:
    """Whether it is one source, any number of transformations and one destination in a single line."""
    if len(design.links) != len(design.nodes) - 1 or any(node.kind not in KINDS for node in design.nodes):
        return False
    if validate_graph(design):
        return False
    paths = routes(design)
    if len(paths) != 1 or len(paths[0].steps) + 2 != len(design.nodes):
        return False
    path = paths[0]
    return (
        path.source.kind == "source"
        and path.destination.kind == "destination"
        and all(KINDS[step.kind].category == "transformation" for step in path.steps)
    )


def validate_graph(design: Design) -> bool:
    """Whether the links are broken: they end nowhere, run in circles, or come twice."""
    ids = {node.id for node in design.nodes}
    if len(ids) != len(design.nodes) or any(link.source not in ids or link.target not in ids for link in design.links):
        return True
    # Without a circle each node can be taken away once nothing feeds it.
    left = set(design.links)
    free = ids - {link.target for link in left}
    seen = 0
    while free:
        node = free.pop()
        seen += 1
        gone = {link for link in left if link.source == node}
        left -= gone
        free |= {link.target for link in gone if all(other.target != link.target for other in left)}
    return seen != len(ids)


def problems(draft: Draft, connections: Mapping[str, Connection]) -> dict[Place, Problem]:
    """What is wrong with the draft, at the part of the form where it can be mended; the first of each part."""
    found: dict[Place, Problem] = {}
    task = draft.task()
    if not task.name:
        found["name"] = Problem("error", "The task needs a name.", remedy="Say what it moves, like “Nightly sales”.")
    if draft.schedule.kind == "weekly" and not draft.schedule.days:
        found["schedule"] = Problem("error", "Choose at least one day of the week.")
    if draft.schedule.kind == "continuous" and draft.options.transfer == "full load":
        found["schedule"] = Problem("error", "Only a task with changes can run all the time.", remedy="Choose another transfer.")
    if not draft.is_line:
        return found
    source, destination = _ends(task.design)
    if not draft.source.get("connection"):
        found["source"] = Problem("error", "Choose where the rows come from.", source.id)
    elif not draft.source.get("tables") and not draft.source.get("queries"):
        found["tables"] = Problem("error", "Choose at least one table.", source.id)
    if not draft.destination.get("connection"):
        found["destination"] = Problem("error", "Choose where the rows go.", destination.id)
    if draft.destination.get("write_mode", "replace") not in draft.write_modes:
        found.setdefault("destination", Problem("error", "This write mode does not go with changes.", destination.id))
    places: dict[str, Place] = {source.id: "source", destination.id: "destination"}
    for problem in validate(task.design, connections):
        place = places.get(problem.node)
        if problem.severity == "error" and place is not None and not (place == "source" and "tables" in found):
            found.setdefault(place, problem)
    return found


def kept_words(draft: Draft) -> str:
    """What of the design the form does not change, as sentences; nothing if there is nothing."""
    how = "to change them, export the task, edit the file, and import it"
    if draft.is_line and not draft.steps:
        return ""
    if draft.is_line:
        names = ", ".join(f"“{step.title or KINDS[step.kind].title}”" for step in draft.steps)
        count = len(draft.steps)
        which = "1 transformation" if count == 1 else f"{count} transformations"
        return f"{which}: {names}. They are kept as they are; {how}."
    categories = [KINDS[node.kind].category for node in draft.base.design.nodes if node.kind in KINDS]
    counts = ((categories.count(category), category) for category in ("source", "transformation", "destination"))
    said = ", ".join(f"{count} {word}{'s' if count != 1 else ''}" for count, word in counts)
    return (
        f"This design is more than a line: {said}. Its name, transfer, times and options can be changed here; "
        f"the rest is kept as it is: {how.replace('them', 'it', 1)}."
    )


def _ends(design: Design) -> tuple[Node, Node]:
    path = routes(design)[0]
    return path.source, path.destination
