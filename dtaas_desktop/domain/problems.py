"""What is wrong with a design, found from the drawing alone; engine.survey adds what needs the tables."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from dtaas_desktop.domain.connection import CONNECTION_KINDS, Connection
from dtaas_desktop.domain.design import Design, Node
from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.kinds import KINDS, DestinationSettings, SourceSettings, settings_of


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding, for badges, the Run button and the command line alike. Errors stop a run, warnings do not."""

    severity: Literal["error", "warning"]
    message: str
    node: str = ""
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


def validate(design: Design, connections: Mapping[str, Connection]) -> tuple[Problem, ...]:
    """Everything that is wrong with the drawing itself; empty when it can be planned."""
    found = [*_broken_graph(design)]
    if not found:
        found += [problem for node in design.nodes for problem in _broken_node(node, connections)]
        found += _loose_ends(design)
    return tuple(found)


def _broken_graph(design: Design) -> Iterator[Problem]:
    ids = Counter(node.id for node in design.nodes)
    for node_id, count in ids.items():
        if count > 1:
            yield Problem("error", f"{count} nodes have the id “{node_id}”.", node_id, "Give each node an id of its own.")
    for link in design.links:
        for end in (link.source, link.target):
            if end not in ids:
                yield Problem("error", f"A link ends at “{end}”, which does not exist.", remedy="Remove the link.")
    for link, count in Counter(design.links).items():
        if count > 1:
            yield Problem(
                "error", f"“{link.source}” and “{link.target}” are linked {count} times.", link.source, "Keep one link."
            )
    circle = _circle(design)
    if circle:
        yield Problem("error", f"The links form a circle: {' → '.join(circle)}.", circle[0], "Remove one of these links.")


def _circle(design: Design) -> list[str]:
    """The ids along one circle of links, first and last equal; empty if there is none."""
    following: dict[str, list[str]] = {}
    for link in design.links:
        following.setdefault(link.source, []).append(link.target)
    finished: set[str] = set()
    for start in following:
        path: list[str] = []
        branches = [iter([start])]
        while branches:
            step = next(branches[-1], None)
            if step is None:
                branches.pop()
                if path:
                    finished.add(path.pop())
            elif step in path:
                return [*path[path.index(step) :], step]
            elif step not in finished:
                path.append(step)
                branches.append(iter(following.get(step, ())))
    return []


def _broken_node(node: Node, connections: Mapping[str, Connection]) -> Iterator[Problem]:
    try:
        settings = settings_of(node)
    except UserError as error:
        yield Problem("error", error.message, node.id, error.remedy)
        return
    if not isinstance(settings, SourceSettings | DestinationSettings):
        return
    role = KINDS[node.kind].category
    connection = connections.get(settings.connection)
    if connection is None:
        known = ", ".join(f"“{name}”" for name in sorted(connections)) or "none yet"
        yield Problem(
            "error",
            f"Node “{node.title or node.id}” uses the connection “{settings.connection}”, which does not exist.",
            node.id,
            f"Create it, or choose one of: {known}.",
        )
        return
    kind = CONNECTION_KINDS.get(connection.kind)
    if kind is None:
        yield Problem(
            "error",
            f"Connection “{connection.name}” has the unknown kind “{connection.kind}”.",
            node.id,
            "Update the application.",
        )
    elif role not in kind.roles:
        yield Problem(
            "error",
            f"“{connection.name}” is a {kind.title} and cannot be a {role}.",
            node.id,
            "Choose another connection.",
        )


def _loose_ends(design: Design) -> Iterator[Problem]:
    fed = {link.target for link in design.links}
    feeding = {link.source for link in design.links}
    for category, word in (("source", "source"), ("destination", "destination")):
        if not any(node.kind in KINDS and KINDS[node.kind].category == category for node in design.nodes):
            yield Problem("error", f"The design has no {word}.", remedy=f"Add a {word} node.")
    for node in design.nodes:
        kind = KINDS.get(node.kind)
        if kind is None:
            continue
        name = node.title or node.id
        if not kind.inputs and node.id in fed:
            yield Problem("error", f"Nothing can flow into the source “{name}”.", node.id, "Remove the link.")
        if not kind.outputs and node.id in feeding:
            yield Problem("error", f"Nothing can flow out of the destination “{name}”.", node.id, "Remove the link.")
        if kind.inputs and node.id not in fed:
            yield Problem("error", f"Nothing flows into “{name}”.", node.id, "Link it to a source, or remove it.")
        if kind.outputs and node.id not in feeding:
            yield Problem(
                "error",
                f"Nothing takes what flows out of “{name}”.",
                node.id,
                "Link it to a destination, or remove it.",
            )
