"""Runs over systems in memory: what is read, what is published, what a failure does and does not touch."""

import threading
from collections import Counter
from dataclasses import dataclass, field, replace
from itertools import pairwise

import pyarrow as pa
import pytest

from dtaas_desktop.domain.design import Design, Link, Node
from dtaas_desktop.domain.errors import TransientError, UserError
from dtaas_desktop.domain.events import Event, Notice, TableFailed, TableProgress, TablePublished
from dtaas_desktop.domain.plan import Resume
from dtaas_desktop.domain.table import Counts
from dtaas_desktop.domain.task import Task, TaskOptions
from dtaas_desktop.engine import retry
from dtaas_desktop.engine.budget import ByteBudget
from dtaas_desktop.engine.cancel import CancelToken
from dtaas_desktop.engine.outcome import RunOutcome
from dtaas_desktop.engine.survey import survey
from dtaas_desktop.engine.systems import Systems
from dtaas_desktop.engine.task_run import TaskRun
from tests.fakes import MemoryDestination, MemoryJournal, MemorySource, Trouble, no_trouble

UUID = "00000000-0000-4000-8000-000000000001"


def batches(*sizes: int) -> list[pa.RecordBatch]:
    found, first = [], 0
    for size in sizes:
        ids = list(range(first, first + size))
        found.append(pa.record_batch({"id": ids, "name": [f"n{i}" for i in ids], "unused": [0] * size}))
        first += size
    return found


@dataclass
class Rig:
    """A task over memory: one source node, any number of routes."""

    source: MemorySource
    destinations: dict[str, MemoryDestination]
    task: Task
    journal: MemoryJournal = field(default_factory=MemoryJournal)
    events: list[Event] = field(default_factory=list)
    cancel: CancelToken = field(default_factory=CancelToken)

    def run(self, resume: Resume | None = None, take_over: tuple[str, ...] = ()) -> RunOutcome:
        systems = Systems({"db": self.source}, self.destinations, lambda reference: reference)
        return TaskRun(
            "run", self.task, systems, self.journal, self.events.append, self.cancel, "w", resume=resume, take_over=take_over
        ).run()

    def told(self, kind: type) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]

    def again(self) -> "Rig":
        return replace(self, events=[], cancel=CancelToken())


def rig(data: dict[str, list[pa.RecordBatch]], *destinations: str, steps: tuple[Node, ...] = (), **options: object) -> Rig:
    names = destinations or ("out",)
    source = Node("s", "source", {"connection": "db", "tables": ["*"]})
    ends = [Node(name, "destination", {"connection": name}) for name in names]
    chain = [source, *steps]
    links = [Link(a.id, b.id) for a, b in pairwise(chain)] + [Link(chain[-1].id, end.id) for end in ends]
    task = Task(UUID, "Test", Design((*chain, *ends), tuple(links)), TaskOptions(**options))  # type: ignore[arg-type]
    return Rig(MemorySource(data), {name: MemoryDestination() for name in names}, task)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "pauses", lambda retries: iter([0.0] * retries))
    monkeypatch.setattr("dtaas_desktop.engine.table_run.pauses", lambda retries: iter([0.0] * retries))


def failing(times: int, error: Exception, what: str, where: str = "") -> Trouble:
    left = [times]
    lock = threading.Lock()

    def trouble(doing: str, place: str) -> None:
        with lock:
            if doing == what and where in place and left[0] > 0:
                left[0] -= 1
                raise error

    return trouble


def ids(destination: MemoryDestination, name: str = "t") -> list[int]:
    return sorted(destination.tables[name].column("id").to_pylist())


def test_every_row_of_every_part_arrives_once() -> None:
    one = rig({"t": batches(25, 0, 7)})
    assert one.run() == RunOutcome("done")
    assert ids(one.destinations["out"]) == list(range(32))
    (published,) = one.told(TablePublished)
    assert isinstance(published, TablePublished)
    assert published.counts == Counts(read=32, written=32)


def test_one_read_feeds_two_routes() -> None:
    one = rig({"t": batches(20, 20)}, "a", "b")
    assert one.run().state == "done"
    assert Counter(one.source.read) == {("t", "0"): 1, ("t", "1"): 1}
    assert ids(one.destinations["a"]) == ids(one.destinations["b"]) == list(range(40))


def test_columns_that_are_dropped_unseen_are_not_read() -> None:
    one = rig({"t": batches(20)}, steps=(Node("d", "drop", {"columns": ["unused"]}),))
    assert one.run().state == "done"
    assert one.source.columns_read == [("id", "name")]
    assert one.destinations["out"].tables["t"].schema.names == ["id", "name"]


@pytest.mark.parametrize("what", ["read", "batch"])
def test_a_passing_fault_of_the_source_is_tried_again(what: str) -> None:
    one = rig({"t": batches(30, 30)}, "a", "b")
    one.source.trouble = failing(2, TransientError("The server is busy."), what, "t/1")
    assert one.run() == RunOutcome("done")
    assert ids(one.destinations["a"]) == ids(one.destinations["b"]) == list(range(60))
    assert one.told(Notice)


@pytest.mark.parametrize("what", ["stage", "write", "publish"])
def test_a_passing_fault_of_one_destination_does_not_touch_the_other(what: str) -> None:
    one = rig({"t": batches(30, 30)}, "a", "b")
    one.destinations["b"].trouble = failing(2, TransientError("The network is gone."), what)
    assert one.run() == RunOutcome("done")
    assert ids(one.destinations["a"]) == ids(one.destinations["b"]) == list(range(60))
    for published in one.told(TablePublished):
        assert isinstance(published, TablePublished)
        assert published.counts == Counts(read=60, written=60)


@pytest.mark.parametrize("what", ["stage", "write", "publish"])
def test_a_route_that_fails_for_good_leaves_the_other_undisturbed(what: str) -> None:
    one = rig({"t": batches(30, 30)}, "a", "b")
    one.destinations["b"].trouble = failing(99, UserError("The folder is read-only."), what)
    assert one.run() == RunOutcome("partly failed", frozenset({"fix"}))
    assert ids(one.destinations["a"]) == list(range(60))
    assert "t" not in one.destinations["b"].tables
    (failed,) = one.told(TableFailed)
    assert isinstance(failed, TableFailed)
    assert failed.message == "The folder is read-only."


def test_faults_that_do_not_pass_end_the_table_after_bounded_tries() -> None:
    one = rig({"t": batches(10), "u": batches(10)}, retries=2)
    one.source.trouble = failing(99, TransientError("The server is busy."), "read", "t/")
    assert one.run() == RunOutcome("partly failed", frozenset({"wait"}))
    assert ids(one.destinations["out"], "u") == list(range(10))


def test_a_bug_in_one_table_is_reported_and_does_not_stop_the_others() -> None:
    one = rig({"t": batches(10), "u": batches(10)})
    one.source.trouble = failing(1, ZeroDivisionError("oops"), "batch", "t/")
    assert one.run() == RunOutcome("partly failed", frozenset({"bug"}))
    assert ids(one.destinations["out"], "u") == list(range(10))
    (failed,) = one.told(TableFailed)
    assert isinstance(failed, TableFailed)
    assert "ZeroDivisionError: oops" in failed.message


def test_staged_parts_that_vanish_are_staged_again_before_publishing() -> None:
    one = rig({"t": batches(10, 10, 10)})
    destination = one.destinations["out"]

    def vanish(doing: str, _: str) -> None:
        if doing == "publish" and not lost:
            lost.append(True)
            for name in [name for name in destination.staging if "/1/" in name]:
                del destination.staging[name]

    lost: list[bool] = []
    destination.trouble = vanish
    assert one.run() == RunOutcome("done")
    assert ids(destination) == list(range(30))
    assert Counter(one.source.read)[("t", "1")] == 2


def stopped_at_part(one: Rig, part: str, request: str) -> None:
    def ask(doing: str, place: str) -> None:
        if doing == "batch" and place == f"t/{part}":
            one.cancel.ask("pause" if request == "pause" else "cancel")

    one.source.trouble = ask


def test_a_pause_keeps_finished_parts_and_a_resume_reads_only_the_rest() -> None:
    one = rig({"t": batches(10, 10, 10, 10)}, parallel=1)
    stopped_at_part(one, "2", "pause")
    assert one.run().state == "paused"
    assert one.destinations["out"].tables == {}
    two = one.again()
    two.source.trouble = no_trouble
    two.source.read = []
    assert two.run(resume=two.journal.resume()) == RunOutcome("done")
    assert two.source.read == [("t", "2"), ("t", "3")]
    assert ids(two.destinations["out"]) == list(range(40))
    (published,) = two.told(TablePublished)
    assert isinstance(published, TablePublished)
    assert published.counts == Counts(read=40, written=40)


def test_a_cancel_drops_what_was_staged() -> None:
    one = rig({"t": batches(10, 10, 10)}, parallel=1)
    stopped_at_part(one, "1", "cancel")
    assert one.run().state == "cancelled"
    assert one.destinations["out"].staging == {}
    assert one.destinations["out"].tables == {}


def test_a_snapshot_that_is_over_is_read_again_from_the_beginning() -> None:
    one = rig({"t": batches(10, 10)}, parallel=1, reading="one moment")
    stopped_at_part(one, "1", "pause")
    assert one.run().state == "paused"
    two = one.again()
    two.source.trouble = no_trouble
    two.source.read = []
    assert two.run(resume=two.journal.resume()).state == "done"
    assert two.source.read == [("t", "0"), ("t", "1")]
    assert any(isinstance(event, Notice) and "one moment" in event.message for event in two.events)


def test_a_changed_design_is_not_resumed_with_old_parts() -> None:
    one = rig({"t": batches(10, 10)}, parallel=1)
    stopped_at_part(one, "1", "pause")
    one.run()
    changed = rig({"t": batches(10, 10)}, steps=(Node("d", "drop", {"columns": ["unused"]}),))
    two = replace(one.again(), task=changed.task)
    two.source.trouble = no_trouble
    assert two.run(resume=two.journal.resume()).state == "done"
    assert two.destinations["out"].tables["t"].schema.names == ["id", "name"]
    assert two.destinations["out"].tables["t"].num_rows == 20


def test_moving_a_node_on_the_canvas_changes_nothing_for_a_resume() -> None:
    one = rig({"t": batches(10, 10)}, parallel=1)
    stopped_at_part(one, "1", "pause")
    one.run()
    design = one.task.design
    moved = replace(design, nodes=tuple(replace(node, x=node.x + 50) for node in design.nodes))
    two = replace(one.again(), task=replace(one.task, design=moved, name="Renamed"))
    two.source.trouble = no_trouble
    two.source.read = []
    assert two.run(resume=two.journal.resume()).state == "done"
    assert two.source.read == [("t", "1")]


def test_a_crash_after_publishing_is_recognised_and_nothing_is_doubled() -> None:
    one = rig({"t": batches(10, 10)})
    assert one.run().state == "done"
    one.journal.done.clear()  # the answer was lost
    two = one.again()
    two.source.read = []
    assert two.run(resume=two.journal.resume()).state == "done"
    assert two.source.read == []
    assert two.destinations["out"].states["t"].revision == 1


def test_a_second_runner_is_refused_by_the_destination_itself() -> None:
    one = rig({"t": batches(10)})

    def other_runs_first(doing: str, _: str) -> None:
        if doing == "publish" and not other:
            other.append(True)
            assert replace(one, journal=MemoryJournal(), events=[]).run().state == "done"

    other: list[bool] = []
    one.destinations["out"].trouble = other_runs_first
    assert one.run() == RunOutcome("failed", frozenset({"fix"}))
    assert one.destinations["out"].states["t"].revision == 1
    assert ids(one.destinations["out"]) == list(range(10))


def test_another_tasks_target_is_refused_until_the_user_says_otherwise() -> None:
    one = rig({"t": batches(10)})
    one.run()
    two = replace(one.again(), task=replace(one.task, uuid=UUID.replace("1", "2")), journal=MemoryJournal())
    with pytest.raises(UserError, match="belongs to another task") as refused:
        two.run()
    assert "take over" in refused.value.remedy
    assert two.run(take_over=("t",)).state == "done"


def surveyed(one: Rig) -> list[str]:
    systems = Systems({"db": one.source}, one.destinations, lambda reference: reference)
    return [problem.message for problem in survey(one.task, systems).problems]


def test_tables_whose_targets_differ_only_by_case_are_a_problem() -> None:
    found = surveyed(rig({"Orders": batches(1), "ORDERS": batches(1)}))
    assert any("would both be written to" in message for message in found)


def test_a_table_named_like_anothers_rejects_is_a_problem() -> None:
    assert any("would both be written to" in message for message in surveyed(rig({"t": batches(1), "t__rejected": batches(1)})))


def test_two_routes_to_one_target_are_a_problem() -> None:
    one = rig({"t": batches(1)})
    design = one.task.design
    twin = Node("out2", "destination", {"connection": "out"})
    doubled = replace(design, nodes=(*design.nodes, twin), links=(*design.links, Link("s", "out2")))
    assert any("Two routes would write" in message for message in surveyed(replace(one, task=replace(one.task, design=doubled))))


def test_a_pattern_that_matches_nothing_is_a_problem() -> None:
    one = rig({"t": batches(1)})
    source = Node("s", "source", {"connection": "db", "tables": ["t", "order_*"]})
    task = replace(one.task, design=one.task.design.with_node(source))
    assert surveyed(replace(one, task=task)) == ["No table of “db” matches “order_*”."]


def test_a_table_called_like_a_pattern_is_meant_by_its_exact_name() -> None:
    one = rig({"a*": batches(1), "ab": batches(1)})
    source = Node("s", "source", {"connection": "db", "tables": ["a*"]})
    one.task = replace(one.task, design=one.task.design.with_node(source))
    assert one.run().state == "done"
    assert list(one.destinations["out"].tables) == ["a*"]


def test_progress_is_told_at_most_ten_times_a_second() -> None:
    one = rig({f"t{i}": batches(*[10] * 50) for i in range(5)})
    assert one.run().state == "done"
    finished = one.events[-1]
    seconds = getattr(finished, "seconds", 0.0)
    assert len(one.told(TableProgress)) <= 5 + 10 * (seconds + 0.1)


def test_the_bytes_that_batches_held_are_all_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    budgets: list[ByteBudget] = []

    class Watched(ByteBudget):
        def __init__(self, limit: int) -> None:
            super().__init__(limit)
            budgets.append(self)

    monkeypatch.setattr("dtaas_desktop.engine.task_run.ByteBudget", Watched)
    one = rig({"t": batches(30)}, "a", "b")
    one.destinations["b"].trouble = failing(99, UserError("no"), "write")
    one.run()
    assert budgets[0].held == 0
    assert budgets[0].peak > 0
