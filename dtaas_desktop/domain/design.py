"""The drawing: nodes joined by links, as an immutable value. Edits make a new one."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

# What JSON can hold. A node keeps its settings raw, so that an unknown kind survives load and save untouched.
Settings = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Node:
    """One box: its kind (see kinds.KINDS), its settings as written, its place on the canvas, a title for people."""

    id: str
    kind: str
    settings: Settings = field(default_factory=dict)
    x: float = 0.0
    y: float = 0.0
    title: str = ""


@dataclass(frozen=True, slots=True, order=True)
class Link:
    """Rows flow from the node `source` to the node `target`."""

    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Design:
    """A directed graph of nodes."""

    nodes: tuple[Node, ...] = ()
    links: tuple[Link, ...] = ()

    def node(self, node_id: str) -> Node:
        """The node with this id; KeyError if there is none."""
        for node in self.nodes:
            if node.id == node_id:
                return node
        raise KeyError(node_id)

    def after(self, node_id: str) -> Iterator[Node]:
        """The nodes that `node_id` feeds, in the order of the links."""
        return (self.node(link.target) for link in self.links if link.source == node_id)

    def with_node(self, node: Node) -> "Design":
        """This design with `node` added, or put in the place of the one with its id."""
        if any(known.id == node.id for known in self.nodes):
            return replace(self, nodes=tuple(node if known.id == node.id else known for known in self.nodes))
        return replace(self, nodes=(*self.nodes, node))


@dataclass(frozen=True, slots=True)
class Route:
    """A path from a source node through transformations to a destination node."""

    source: Node
    steps: tuple[Node, ...]
    destination: Node

    @property
    def name(self) -> str:
        return " → ".join(node.id for node in (self.source, *self.steps, self.destination))


def routes(design: Design) -> tuple[Route, ...]:
    """Every path from a node that nothing feeds to one that feeds nothing. The design has no circles (problems.validate)."""
    fed = {link.target for link in design.links}
    paths = [path for node in design.nodes if node.id not in fed for path in _paths(design, (node,))]
    return tuple(Route(path[0], path[1:-1], path[-1]) for path in paths if len(path) > 1)


def _paths(design: Design, path: tuple[Node, ...]) -> Iterator[tuple[Node, ...]]:
    following = list(design.after(path[-1].id))
    if not following:
        yield path
    for node in following:
        yield from _paths(design, (*path, node))
