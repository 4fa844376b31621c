"""Designs and tasks as JSON files: stable, diffable, with a format number and one upgrade step per older format.

A task file names connections and may describe them (kind and settings, secrets only as references), so that it can be
imported where they do not exist yet. It never holds a secret.
"""

import dataclasses
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, NoReturn

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dtaas_desktop.domain.connection import Connection
from dtaas_desktop.domain.design import Design, Link, Node
from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.kinds import first_mistake
from dtaas_desktop.domain.schedule import Schedule, ScheduleKind, Unit
from dtaas_desktop.domain.table import CellPolicy
from dtaas_desktop.domain.task import DriftPolicy, Reading, Task, TaskOptions, Transfer

FORMAT = "dtaas-task"
VERSION = 1

# Step n turns format n into n + 1; there is none yet.
Upgrade = Callable[[dict[str, Any]], dict[str, Any]]
UPGRADES: Mapping[int, Upgrade] = {}


@dataclass(frozen=True, slots=True)
class TaskFile:
    """What a task file holds: the task, and the connections it names as they were where it was exported."""

    task: Task
    connections: tuple[Connection, ...] = ()


def to_json(task: Task, connections: Sequence[Connection] = ()) -> str:
    """The file's text: one value a line, keys in a fixed order, ends with a newline."""
    document = {
        "format": FORMAT,
        "version": VERSION,
        "uuid": task.uuid,
        "name": task.name,
        "options": dataclasses.asdict(task.options),
        **({} if task.schedule == Schedule() else {"schedule": dataclasses.asdict(task.schedule)}),
        "design": design_to_dict(task.design),
        "connections": {
            c.name: {"kind": c.kind, "settings": dict(c.settings)} for c in sorted(connections, key=lambda c: c.name)
        },
    }
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def from_json(text: str, *, upgrades: Mapping[int, Upgrade] = UPGRADES, version: int = VERSION) -> TaskFile:
    """Inverse of `to_json`. Raises UserError for other files, newer formats and nonsense, saying which and where."""
    document = _parse(text)
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise UserError("This is not a task file of DTaaS Desktop.", remedy="Export a task to get one.")
    found = document.get("version")
    if not isinstance(found, int) or isinstance(found, bool) or found < 1:
        raise UserError(f"The task file's format number {found!r} makes no sense.", remedy="Export the task again.")
    if found > version:
        raise UserError(
            f"The task file has format {found}; this application reads up to {version}.",
            remedy="Update the application.",
        )
    for number in range(found, version):
        document = upgrades[number](document)
    try:
        return _File.model_validate(document).value()
    except ValidationError as error:
        raise UserError(
            f"The task file is damaged at {first_mistake(error)}.", remedy="Export the task again, or mend the line."
        ) from None


def design_to_dict(design: Design) -> dict[str, Any]:
    """The design as plain JSON values."""
    return {
        "nodes": [
            {"id": n.id, "kind": n.kind, "title": n.title, "x": n.x, "y": n.y, "settings": dict(n.settings)} for n in design.nodes
        ],
        "links": [[link.source, link.target] for link in design.links],
    }


def options_from_dict(values: Mapping[str, Any]) -> TaskOptions:
    """Inverse of `dataclasses.asdict` on TaskOptions; ValidationError for anything else."""
    return _Options.model_validate(values).value()


def schedule_from_dict(values: Mapping[str, Any]) -> Schedule:
    """Inverse of `dataclasses.asdict` on Schedule; ValidationError for anything else."""
    return _Schedule.model_validate(values).value()


def design_from_dict(values: Mapping[str, Any]) -> Design:
    """Inverse of `design_to_dict`; ValidationError for anything else."""
    return _Design.model_validate(values).value()


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, defer_build=True)


class _Node(_Model):
    id: str
    kind: str
    title: str = ""
    x: float = 0.0
    y: float = 0.0
    settings: dict[str, Any] = Field(default_factory=dict)


class _Design(_Model):
    nodes: list[_Node]
    links: list[tuple[str, str]]

    # In strict mode a JSON array is no tuple; links are read leniently, their members strictly.
    model_config = ConfigDict(extra="forbid", strict=False, allow_inf_nan=False, defer_build=True)

    def value(self) -> Design:
        return Design(tuple(Node(**node.model_dump()) for node in self.nodes), tuple(Link(*link) for link in self.links))


class _Cells(_Model):
    misfit: str = Field("fail", pattern="^(fail|null|reject)$")
    limit: int = Field(64 * 1024 * 1024, ge=1)
    oversize: str = Field("fail", pattern="^(fail|reject)$")


class _Options(_Model):
    transfer: Transfer = "full load"
    drift: DriftPolicy = "evolve"
    reading: Reading = "default"
    cells: _Cells = Field(default_factory=_Cells)
    parallel: int = Field(0, ge=0, le=256)
    memory: int = Field(256 * 1024 * 1024, ge=1024 * 1024)
    retries: int = Field(3, ge=0, le=100)

    def value(self) -> TaskOptions:
        fields = self.model_dump()
        return TaskOptions(**fields | {"cells": CellPolicy(**fields["cells"])})


class _Schedule(_Model):
    kind: ScheduleKind = "on demand"
    every: int = Field(1, ge=1, le=1_000_000)
    unit: Unit = "hours"
    at: str = Field("02:00", pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$")
    days: tuple[Annotated[int, Field(ge=0, le=6, strict=True)], ...] = Field((), strict=False)  # in JSON an array

    def value(self) -> Schedule:
        return Schedule(self.kind, self.every, self.unit, self.at, self.days)


class _Connection(_Model):
    kind: str
    settings: dict[str, Any] = Field(default_factory=dict)


class _File(_Model):
    format: str
    version: int
    uuid: str = Field(pattern="^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")
    name: str = Field(min_length=1, max_length=200)
    options: _Options = Field(default_factory=_Options)
    schedule: _Schedule = Field(default_factory=_Schedule)
    design: _Design
    connections: dict[str, _Connection] = Field(default_factory=dict)

    def value(self) -> TaskFile:
        task = Task(self.uuid, self.name, self.design.value(), self.options.value(), self.schedule.value())
        return TaskFile(task, tuple(Connection(name, c.kind, c.settings) for name, c in self.connections.items()))


def _parse(text: str) -> Any:
    def refuse(constant: str) -> NoReturn:
        raise ValueError(f"{constant} is not JSON")

    def number(digits: str) -> float:
        value = float(digits)
        if not math.isfinite(value):
            raise ValueError(f"the number {digits[:20]} is too large")
        return value

    try:
        document = json.loads(text, parse_constant=refuse, parse_float=number)
        text.encode()
        json.dumps(document, ensure_ascii=False).encode()  # refuses lone surrogates, which no file could hold
    except (ValueError, RecursionError) as error:
        raise UserError(f"This is not a readable task file: {error}.", remedy="Export the task again.") from None
    return document
