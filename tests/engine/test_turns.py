"""Change turns over systems in memory: what is read whole, what by its changes, what is published together, and what stands aside."""

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise

import pyarrow as pa
import pytest

from dtaas_desktop.domain.changes import Lag
from dtaas_desktop.domain.design import Design, Link, Node
from dtaas_desktop.domain.errors import TransientError, UserError
from dtaas_desktop.domain.events import Event, Notice, TableFailed, TablePublished
from dtaas_desktop.domain.table import TableRef
from dtaas_desktop.domain.task import Task, TaskOptions, Transfer
from dtaas_desktop.engine import following
from dtaas_desktop.engine.cancel import CancelToken
from dtaas_desktop.engine.outcome import RunOutcome
from dtaas_desktop.engine.survey import survey
from dtaas_desktop.engine.systems import Systems
from dtaas_desktop.engine.task_run import TaskRun
from tests.fakes import MemoryCapture, MemoryDestination, MemoryJournal, MemorySource

UUID = "00000000-0000-4000-8000-000000000001"
SCHEMA = pa.schema([pa.field("id", pa.int64(), nullable=False), pa.field("name", pa.large_string())])
Rows = dict[int, str]


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("table_run", "turn_publish"):
        monkeypatch.setattr(f"dtaas_desktop.engine.{module}.pauses", lambda retries: iter([0.0] * retries))
    monkeypatch.setattr(following, "LONGEST_PAUSE", 0.01)
    monkeypatch.setattr(following, "SHORTEST_PAUSE", 0.001)


@dataclass
class World:
    """Two tables, a capture of their keys, and a destination that mirrors them."""

    transfer: Transfer = "full load, then changes"
    tables: dict[str, Rows] = field(default_factory=lambda: {"a": {1: "one", 2: "two"}, "b": {1: "uno"}})
    capture: MemoryCapture = field(default_factory=MemoryCapture)
    out: MemoryDestination = field(default_factory=MemoryDestination)
    settings: dict[str, object] = field(default_factory=dict)
    steps: tuple[Node, ...] = ()
    events: list[Event] = field(default_factory=list)
    cancel: CancelToken = field(default_factory=CancelToken)
    journal: MemoryJournal = field(default_factory=MemoryJournal)
    drift: str = "evolve"

    def __post_init__(self) -> None:
        self.source = MemorySource({}, exact_by_default=True, capture=self.capture)
        self.synced()

    def synced(self) -> None:
        for table, rows in self.tables.items():
            values = [{"id": key, "name": name} for key, name in rows.items()]
            self.source.data[table] = [pa.RecordBatch.from_pylist(values, schema=SCHEMA)]

    def change(self, table: str, key: int, name: str | None) -> None:
        """Set or (None) delete a row, as another program would."""
        if name is None:
            self.tables[table].pop(key, None)
        else:
            self.tables[table][key] = name
        self.synced()  # first, as a run may look in between: a row newer than its position comes again, an older one would be lost
        self.capture.touched.setdefault(table, []).append(key)

    def task(self) -> Task:
        settings = {"connection": "out", "write_mode": "mirror", **self.settings}
        nodes = (Node("s", "source", {"connection": "db", "tables": ["*"]}), *self.steps, Node("to", "destination", settings))
        links = tuple(Link(one.id, other.id) for one, other in pairwise(nodes))
        return Task(UUID, "Test", Design(nodes, links), TaskOptions(transfer=self.transfer, retries=1, drift=self.drift))  # type: ignore[arg-type]

    def systems(self) -> Systems:
        return Systems({"db": self.source}, {"out": self.out}, lambda reference: reference)

    def run(self, *, reload: tuple[str, ...] = (), follow: bool = False) -> RunOutcome:
        self.events.clear()
        self.cancel = CancelToken() if self.cancel.request else self.cancel
        return TaskRun(
            "run", self.task(), self.systems(), self.journal, self.tell, self.cancel, "w", reload=reload, follow=follow
        ).run()

    def tell(self, event: Event) -> None:
        self.events.append(event)

    def at_target(self, table: str) -> Rows:
        return {row["id"]: row["name"] for row in self.out.tables[table].to_pylist()}

    def is_mirrored(self) -> bool:
        return all(name in self.out.tables and self.at_target(name) == rows for name, rows in self.tables.items())

    def told(self, kind: type) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]

    def turns(self) -> list[TablePublished]:
        return [event for event in self.events if isinstance(event, TablePublished) and event.kind == "changes"]


def test_the_first_run_loads_and_later_ones_bring_what_changed() -> None:
    world = World()
    assert world.run().state == "done"
    assert world.is_mirrored()
    assert world.turns() == []
    world.change("a", 2, None)
    world.change("a", 3, "three")
    assert world.run().state == "done"
    assert world.is_mirrored()
    (turn,) = world.turns()
    assert (turn.table, turn.counts.read, turn.position) == ("a", 2, world.capture.at("a"))
    assert world.told(TablePublished) == [turn]


def test_rows_that_change_while_they_are_loaded_are_caught_up_with_in_the_same_run() -> None:
    world = World()

    def trouble(doing: str, place: str) -> None:
        if doing == "publish" and place == "a" and "a" not in world.out.tables:
            world.change("a", 1, "one, changed")

    world.out.trouble = trouble
    world.run()
    assert world.is_mirrored()
    assert [turn.table for turn in world.turns()] == ["a"]


def test_with_changes_alone_the_target_begins_empty_and_the_first_change_is_captured() -> None:
    world = World("changes")
    world.run()
    assert world.at_target("a") == world.at_target("b") == {}
    assert world.out.states["a"].position == world.capture.at("a")
    world.run()
    assert world.out.states["a"].revision == 1  # nothing has happened
    world.change("a", 7, "seven")
    world.run()
    assert world.at_target("a") == {7: "seven"}


def test_all_tables_of_a_turn_are_published_in_one_call() -> None:
    world = World()
    world.run()
    world.change("a", 1, "x")
    world.change("b", 1, "y")
    world.out.together.clear()
    world.run()
    assert [sorted(names) for names in world.out.together] == [["a", "b"]]


def test_a_table_whose_changes_are_gone_says_so_and_the_others_go_on_until_it_is_reloaded() -> None:
    world = World()
    world.run()
    world.change("a", 1, "x")
    world.change("b", 1, "y")
    world.capture.lost.add("a")
    outcome = world.run()
    assert outcome.state == "partly failed"
    assert outcome.failures == {"reload"}
    assert world.at_target("b") == {1: "y"}
    assert world.at_target("a")[1] == "one"
    assert world.run(reload=("a",)).state == "done"
    assert world.is_mirrored()


def test_a_table_that_failed_stays_behind_alone_and_catches_up() -> None:
    world = World()
    world.run()
    before = world.out.states["a"].position
    world.change("a", 1, "x")
    world.change("b", 1, "y")

    def trouble(doing: str, place: str) -> None:
        if doing == "write" and place.startswith("a/"):
            raise UserError("no room")

    world.out.trouble = trouble
    assert world.run().failures == {"fix"}
    assert world.out.states["a"].position == before
    assert world.at_target("b") == {1: "y"}
    world.out.trouble = lambda doing, place: None
    world.change("a", 2, None)
    assert world.run().state == "done"
    assert world.is_mirrored()


def test_a_destination_that_is_busy_is_asked_again_with_the_same_rows() -> None:
    world = World()
    world.run()
    world.change("a", 1, "x")
    left = [1]

    def trouble(doing: str, _: str) -> None:
        if doing == "publish" and left[0]:
            left[0] -= 1
            raise TransientError("busy")

    world.out.trouble = trouble
    assert world.run().state == "done"
    assert world.is_mirrored()


def test_other_steps_or_harm_at_the_target_ask_for_a_reload() -> None:
    world = World()
    world.run()
    world.change("a", 1, "x")
    world.steps = (Node("r", "rename", {"names": {"name": "word"}, "tables": ["a"]}),)
    outcome = world.run()
    assert outcome.failures == {"reload"}
    assert "transformations" in str(world.told(TableFailed)[0])
    world.steps = ()
    world.out.states["a"] = replace(world.out.states["a"], harm="its table is gone")
    assert world.run().failures == {"reload"}
    assert "its table is gone" in str(world.told(TableFailed)[0])
    world.out.states["a"] = replace(world.out.states["a"], harm="")
    assert world.run().state == "done"
    assert world.is_mirrored()


def test_what_the_modes_cannot_keep_is_a_problem_before_anything_happens() -> None:
    world = World(settings={"write_mode": "append"})
    world.capture.off.add("b")
    found = [str(problem) for problem in survey(world.task(), world.systems()).errors]
    assert any("cannot be written with “append”" in text for text in found)
    assert any("It was never installed." in text and "Switch the capture on" in text for text in found)
    world.source.key = ()
    world.settings = {}
    assert any("it has no key" in str(problem) for problem in survey(world.task(), world.systems()).errors)
    world.source.key = ("id",)
    world.source.capture = None
    assert any("cannot capture changes" in str(problem) for problem in survey(world.task(), world.systems()).errors)
    with pytest.raises(UserError):
        world.run()
    assert world.out.tables == {}


def test_the_source_keeps_what_a_task_has_yet_to_read_and_no_more() -> None:
    world = World()
    world.run()
    world.change("a", 1, "x")
    consumer = f"{UUID}/to"
    assert world.capture.held[consumer, "a"] == 0
    world.run()
    assert world.capture.held == {(consumer, "a"): 1, (consumer, "b"): 0}


def test_a_reload_of_a_table_that_does_not_exist_is_said() -> None:
    with pytest.raises(UserError, match="No table of task “Test” matches “c”"):
        World().run(reload=("c",))


# Following


def test_full_loads_cannot_be_followed() -> None:
    with pytest.raises(UserError, match="no changes to follow"):
        World("full load").run(follow=True)


@dataclass
class Follower:
    """A run with --follow in a thread; `until` waits for a condition."""

    world: World
    outcomes: list[RunOutcome] = field(default_factory=list)

    def __enter__(self) -> "Follower":
        self.thread = threading.Thread(target=lambda: self.outcomes.append(self.world.run(follow=True)))
        self.thread.start()
        return self

    def until_following(self) -> None:
        """Wait until all is loaded and caught up with: only then does the run ask how much there is to bring over."""
        asked, lag = threading.Event(), self.world.capture.lag

        def counted(since: Mapping[TableRef, str]) -> Mapping[TableRef, Lag]:
            asked.set()
            return lag(since)

        self.world.capture.lag = counted  # type: ignore[method-assign]
        self.until(asked.is_set)

    def until(self, condition: Callable[[], bool]) -> None:
        deadline = threading.Event()
        for _ in range(2000):
            if condition():
                return
            deadline.wait(0.005)
        raise AssertionError("the condition never came true")

    def __exit__(self, *_: object) -> None:
        self.world.cancel.ask("pause")
        self.thread.join(10)
        assert not self.thread.is_alive()


def test_changes_are_brought_over_as_they_happen_until_the_run_is_asked_to_pause() -> None:
    world = World()
    with Follower(world) as follower:
        follower.until(world.is_mirrored)
        for key in range(10, 14):
            world.change("a", key, f"row {key}")
            follower.until(world.is_mirrored)
        world.change("b", 1, None)
        follower.until(world.is_mirrored)
    assert follower.outcomes[0].state == "paused"
    assert len(world.turns()) >= 5


def test_a_table_that_is_lost_while_following_is_left_and_the_others_go_on() -> None:
    world = World()
    with Follower(world) as follower:
        follower.until(world.is_mirrored)
        world.capture.lost.add("a")
        world.change("a", 1, "x")
        follower.until(lambda: bool(world.told(TableFailed)))
        world.change("b", 5, "y")
        follower.until(lambda: world.at_target("b") == world.tables["b"])
    assert world.at_target("a")[1] == "one"
    assert follower.outcomes[0].failures == {"reload"}


def test_a_passing_trouble_while_following_is_waited_out() -> None:
    world = World()
    with Follower(world) as follower:
        follower.until(world.is_mirrored)
        left = [6]

        def trouble(doing: str, _: str) -> None:
            if doing == "publish" and left[0]:
                left[0] -= 1
                raise TransientError("busy")

        world.out.trouble = trouble
        world.change("a", 1, "x")
        follower.until(world.is_mirrored)
    assert follower.outcomes[0].failures == frozenset()


@pytest.mark.parametrize(("settings", "waits"), [({"publish_seconds": 3600}, True), ({"publish_seconds": 0}, False)])
def test_changes_are_gathered_as_long_as_the_policy_says(settings: dict[str, object], waits: bool) -> None:
    world = World(settings=settings)
    with Follower(world) as follower:
        follower.until_following()
        world.change("a", 1, "first")  # the first is published at once
        follower.until(world.is_mirrored)
        world.change("a", 1, "second")
        world.change("b", 1, "another table has its own clock")
        follower.until(lambda: world.at_target("b") == world.tables["b"])
        if waits:
            assert world.at_target("a")[1] == "first"
        else:
            follower.until(world.is_mirrored)


def test_enough_megabytes_are_published_before_the_seconds_are_over() -> None:
    world = World(settings={"publish_seconds": 3600, "publish_mb": 0.001})
    with Follower(world) as follower:
        follower.until_following()
        world.change("a", 1, "first")
        follower.until(world.is_mirrored)
        for key in range(100, 120):
            world.change("a", key, "more")
        follower.until(lambda: 100 in world.at_target("a"))


# Drift, through the engine


def wider(world: World, column: pa.Field, values: list[object], *, prefilled: bool = False) -> None:
    """Every table gets one more column."""
    describe = world.source.describe

    def described(table: TableRef, *, published: pa.Schema | None = None):  # type: ignore[no-untyped-def]
        found = describe(table, published=published)
        return replace(found, columns=(*found.columns[:-1], replace(found.columns[-1], prefilled=prefilled)))

    for name, (batch,) in list(world.source.data.items()):
        extra = pa.array(values[: batch.num_rows], column.type)
        world.source.data[name] = [batch.append_column(column, extra)]
    world.source.describe = described  # type: ignore[method-assign]
    world.synced = lambda: None  # type: ignore[method-assign]


def test_a_new_column_is_added_at_the_target_and_told() -> None:
    world = World()
    world.run()
    wider(world, pa.field("more", pa.int64()), [10, 20])
    world.capture.touched.setdefault("a", []).append(1)
    assert world.run().state == "done"
    assert {row["id"]: row["more"] for row in world.out.tables["a"].to_pylist()} == {1: 10, 2: None}
    assert any("column “more” (int64) is new: added at the target" in str(notice) for notice in world.told(Notice))


def test_a_new_column_that_filled_itself_makes_the_table_be_read_again() -> None:
    world = World()
    world.run()
    wider(world, pa.field("more", pa.int64()), [5, 5], prefilled=True)
    assert world.run().state == "done"
    assert {row["id"]: row["more"] for row in world.out.tables["a"].to_pylist()} == {1: 5, 2: 5}
    assert any("is read again" in str(notice) for notice in world.told(Notice))


def test_with_changes_alone_it_asks_for_a_reload_instead() -> None:
    world = World("changes")
    world.run()
    wider(world, pa.field("more", pa.int64()), [5, 5], prefilled=True)
    assert world.run().failures == {"reload"}


@pytest.mark.parametrize(("policy", "state", "columns"), [("ignore", "done", 2), ("pause", "failed", 2)])
def test_a_new_column_is_ignored_or_stops_the_table_as_the_task_says(policy: str, state: str, columns: int) -> None:
    world = World(drift=policy)
    world.run()
    wider(world, pa.field("more", pa.int64()), [10, 20])
    world.capture.touched.setdefault("a", []).append(1)
    assert world.run().state == state
    assert world.out.tables["a"].num_columns == columns


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    before = threading.active_count()
    yield
    assert threading.active_count() <= before
