"""The drawing and what can be wrong with it."""

import pytest

from dtaas_desktop.domain.connection import Connection
from dtaas_desktop.domain.design import Design, Link, Node, routes
from dtaas_desktop.domain.problems import validate

CONNECTIONS = {
    "db": Connection("db", "sqlite", {"path": "a.db"}),
    "out": Connection("out", "folder", {"path": "out"}),
    "odd": Connection("odd", "telegraph"),
}
SOURCE = Node("s", "source", {"connection": "db", "tables": ["*"]})
OTHER_SOURCE = Node("s2", "source", {"connection": "db", "tables": ["x"]})
DROP = Node("t", "drop", {"columns": ["a"]})
DESTINATION = Node("d", "destination", {"connection": "out"})
OTHER_DESTINATION = Node("d2", "destination", {"connection": "out", "name": "copy_{table}"})


def design(*nodes: Node, links: str) -> Design:
    return Design(nodes, tuple(Link(*pair.split(">")) for pair in links.split()))


def messages(drawn: Design) -> list[str]:
    return [problem.message for problem in validate(drawn, CONNECTIONS)]


def test_a_source_linked_to_a_destination_has_no_problem() -> None:
    assert messages(design(SOURCE, DESTINATION, links="s>d")) == []


def test_every_path_is_a_route() -> None:
    drawn = design(SOURCE, OTHER_SOURCE, DROP, DESTINATION, OTHER_DESTINATION, links="s>t s2>t t>d t>d2 s>d2")
    assert [route.name for route in routes(drawn)] == ["s → t → d", "s → t → d2", "s → d2", "s2 → t → d", "s2 → t → d2"]


@pytest.mark.parametrize(
    ("drawn", "says"),
    [
        (Design(), "no source"),
        (design(SOURCE, links=""), "no destination"),
        (design(SOURCE, SOURCE, DESTINATION, links="s>d"), "2 nodes have the id “s”"),
        (design(SOURCE, DESTINATION, links="s>d d>gone"), "ends at “gone”"),
        (design(SOURCE, DESTINATION, links="s>d s>d"), "linked 2 times"),
        (design(SOURCE, DROP, DESTINATION, links="s>t t>t t>d"), "circle: t → t"),
        (design(SOURCE, DESTINATION, OTHER_SOURCE, links="s>d"), "Nothing takes what flows out of “s2”"),
        (design(SOURCE, DESTINATION, OTHER_DESTINATION, links="s>d"), "Nothing flows into “d2”"),
        (design(SOURCE, DROP, DESTINATION, links="s>d t>d"), "Nothing flows into “t”"),
        (design(SOURCE, DESTINATION, DROP, links="s>d d>t"), "flow out of the destination"),
        (design(SOURCE, OTHER_SOURCE, DESTINATION, links="s>s2 s2>d"), "flow into the source"),
        (design(SOURCE, Node("x", "teleport"), DESTINATION, links="s>x x>d"), "unknown kind “teleport”"),
        (design(Node("s", "source", {"connection": "db"}), DESTINATION, links="s>d"), "name at least one table"),
        (
            design(Node("s", "source", {"connection": "nope", "tables": ["a"]}), DESTINATION, links="s>d"),
            "“nope”, which does not exist",
        ),
        (design(Node("s", "source", {"connection": "out", "tables": ["a"]}), DESTINATION, links="s>d"), "cannot be a source"),
        (
            design(Node("s", "source", {"connection": "odd", "tables": ["a"]}), DESTINATION, links="s>d"),
            "unknown kind “telegraph”",
        ),
        (design(SOURCE, Node("d", "destination", {"connection": "out", "write_mode": "burn"}), links="s>d"), "write_mode"),
    ],
)
def test_what_is_wrong_with_a_drawing_is_said(drawn: Design, says: str) -> None:
    found = messages(drawn)
    assert any(says in message for message in found), found


def test_a_long_circle_is_found_and_shown() -> None:
    nodes = [Node(f"n{i}", "drop", {"columns": ["a"]}) for i in range(2000)]
    links = tuple(Link(f"n{i}", f"n{(i + 1) % 2000}") for i in range(2000))
    (only,) = messages(Design(tuple(nodes), links))
    assert only.startswith("The links form a circle: n0 → n1 →")
