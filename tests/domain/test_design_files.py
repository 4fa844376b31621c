"""Task files: lossless for what we write, a sentence for everything else."""

import json
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtaas_desktop.domain.connection import Connection
from dtaas_desktop.domain.design import Design, Link, Node
from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.table import CellPolicy
from dtaas_desktop.domain.task import Task, TaskOptions
from dtaas_desktop.domain.task_file import TaskFile, from_json, to_json

names = st.text(min_size=1, max_size=30)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
finite = st.floats(allow_nan=False, allow_infinity=False)
nodes = st.builds(Node, names, names, st.dictionaries(st.text(), json_values, max_size=4), finite, finite, st.text(max_size=20))
designs = st.builds(
    Design,
    st.lists(nodes, max_size=5).map(tuple),
    st.lists(st.builds(Link, names, names), max_size=5).map(tuple),
)
options = st.builds(
    TaskOptions,
    st.sampled_from(["full load", "changes", "full load, then changes"]),
    st.sampled_from(["evolve", "ignore", "pause"]),
    st.sampled_from(["default", "one moment", "resumable"]),
    st.builds(
        CellPolicy, st.sampled_from(["fail", "null", "reject"]), st.integers(1, 2**40), st.sampled_from(["fail", "reject"])
    ),
    st.integers(0, 256),
    st.integers(2**20, 2**50),
    st.integers(0, 100),
)
tasks = st.builds(Task, st.uuids().map(str), st.text(min_size=1, max_size=200), designs, options)
connections = st.dictionaries(names, st.tuples(names, st.dictionaries(st.text(), json_values, max_size=3)), max_size=3)


@given(tasks, connections)
def test_a_task_survives_being_written_and_read(task: Task, held: dict[str, tuple[str, dict[str, object]]]) -> None:
    known = tuple(Connection(name, kind, settings) for name, (kind, settings) in sorted(held.items()))
    assert from_json(to_json(task, known)) == TaskFile(task, known)


@given(tasks)
def test_the_same_task_is_always_the_same_text(task: Task) -> None:
    text = to_json(task)
    assert to_json(from_json(text).task) == text
    assert text.endswith("}\n")


def task_text(**changes: object) -> str:
    return json.dumps(json.loads(to_json(Task(str(uuid.uuid4()), "Nightly", Design()))) | changes)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not a readable task file"),
        ("nonsense", "not a readable task file"),
        ("[1, 2]", "not a task file"),
        ("{}", "not a task file"),
        ("null", "not a task file"),
        ("[" * 100_000, "not a readable task file"),
        (task_text(version=2), "format 2; this application reads up to 1"),
        (task_text(version=0), "makes no sense"),
        (task_text(version="1"), "makes no sense"),
        (task_text(version=True), "makes no sense"),
        (task_text(uuid="me"), "damaged at uuid"),
        (task_text(name=""), "damaged at name"),
        (task_text(colour="red"), "damaged at colour"),
        (task_text(design={"nodes": [{"id": 7, "kind": "source"}], "links": []}), "damaged at design.nodes.0.id"),
        (task_text(options={"parallel": -1}), "damaged at options.parallel"),
        ('{"format": "dtaas-task", "version": NaN}', "not a readable task file"),
        ('{"format": "dtaas-task", "version": 1e999}', "not a readable task file"),
        ('{"format": "dtaas-task", "name": "\\ud800"}', "not a readable task file"),
    ],
)
def test_other_files_newer_formats_and_nonsense_are_refused_with_a_sentence(text: str, says: str) -> None:
    with pytest.raises(UserError, match=says) as refused:
        from_json(text)
    assert refused.value.remedy


def test_an_older_format_is_brought_up_step_by_step() -> None:
    steps = {
        1: lambda document: document | {"title": document["name"] + "!"},
        2: lambda document: {key: value for key, value in document.items() if key != "title"} | {"name": document["title"]},
    }
    held = from_json(task_text(), upgrades=steps, version=3)
    assert held.task.name == "Nightly!"


def test_an_unknown_kind_of_node_is_kept_as_it_is() -> None:
    strange = Node("n", "teleport", {"to": ["mars", None]}, 1.5, -2.0, "Beam")
    task = Task(str(uuid.uuid4()), "t", Design((strange,)))
    assert from_json(to_json(task)).task.design.nodes == (strange,)
