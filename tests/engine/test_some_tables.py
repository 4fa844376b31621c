"""A run of some of a task's tables: what it touches, what it keeps, and what a resume makes of it."""

from collections.abc import Callable

import pytest

from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.events import Event, Notice, PartDone, TableFailed, TablePlanned, TableProgress, TableStarted
from dtaas_desktop.domain.plan import Resume
from dtaas_desktop.domain.table import Counts
from dtaas_desktop.engine.cancel import CancelToken
from dtaas_desktop.engine.meter import Meter
from dtaas_desktop.engine.outcome import RunOutcome
from dtaas_desktop.engine.systems import Systems
from dtaas_desktop.engine.task_run import TaskRun
from tests.engine.test_runs import Rig, batches, failing, ids, rig, stopped_at_part
from tests.fakes import no_trouble


def stopped_at(one: Rig, place: str) -> None:
    """Ask for a pause when this table/part is read."""

    def trouble(doing: str, what: str) -> None:
        if doing == "read" and what == place:
            one.cancel.ask("pause")

    one.source.trouble = trouble


def run(one: Rig, *only: str, resume: Resume | None = None) -> RunOutcome:
    systems = Systems({"db": one.source}, one.destinations, lambda reference: reference)
    return TaskRun("run", one.task, systems, one.journal, one.events.append, one.cancel, "w", resume=resume, only=only).run()


def afresh(one: Rig) -> Rig:
    """For the next run: nothing read and told yet, no more trouble."""
    next_one = one.again()
    next_one.source.trouble = no_trouble
    next_one.source.read = []
    return next_one


def test_only_the_named_tables_are_read_and_written() -> None:
    one = rig({"a": batches(3), "b": batches(4), "c": batches(5)})
    assert run(one, "B", "c*").state == "done"
    assert sorted(one.source.read) == [("b", "0"), ("c", "0")]
    assert set(one.destinations["out"].tables) == {"b", "c"}


def test_a_name_that_fits_no_table_forbids_the_run() -> None:
    one = rig({"a": batches(3)})
    with pytest.raises(UserError, match="matches “orders”, which is to be run alone"):
        run(one, "a", "orders")
    assert one.source.read == []


def test_a_table_that_failed_goes_on_alone_with_the_parts_it_had() -> None:
    one = rig({"a": batches(10), "b": batches(10, 10, 10)}, parallel=1)
    one.source.trouble = failing(1, UserError("Part 1 is broken."), "read", "b/1")
    assert run(one).state == "partly failed"
    two = afresh(one)
    assert run(two, "b", resume=two.journal.resume()).state == "done"
    assert ("a", "0") not in two.source.read
    assert ("b", "0") not in two.source.read
    assert ("b", "1") in two.source.read
    assert ids(two.destinations["out"], "b") == list(range(30))
    states = two.destinations["out"].states
    assert (states["a"].revision, states["b"].revision) == (1, 1)
    assert any(isinstance(event, Notice) and event.message.startswith("Resumed: 1 of 3 parts") for event in two.events)


def test_what_was_left_out_of_a_resume_can_go_on_with_its_parts_afterwards() -> None:
    one = rig({"a": batches(10, 10), "b": batches(10, 10), "c": batches(10)}, parallel=1)
    stopped_at(one, "a/1")
    assert run(one).state == "paused"
    two = afresh(one)
    assert run(two, "b", resume=two.journal.resume()).state == "done"
    assert "a" not in {table for table, _ in two.source.read}
    three = afresh(two)
    assert run(three, resume=three.journal.resume()).state == "done"
    assert ("a", "0") not in three.source.read
    assert ("a", "1") in three.source.read
    assert "b" not in {table for table, _ in three.source.read}
    for name, count in (("a", 20), ("b", 20), ("c", 10)):
        assert ids(three.destinations["out"], name) == list(range(count))
        assert three.destinations["out"].states[name].revision == 1


def test_a_resume_of_more_tables_than_were_planned_reads_everything_again() -> None:
    one = rig({"a": batches(10, 10), "b": batches(10)}, parallel=1)
    stopped_at(one, "a/1")
    assert run(one, "a").state == "paused"
    two = afresh(one)
    assert run(two, resume=two.journal.resume()).state == "done"
    assert sorted(two.source.read) == [("a", "0"), ("a", "1"), ("b", "0")]
    assert any(isinstance(event, Notice) and "one of other tables" in event.message for event in two.events)
    assert ids(two.destinations["out"], "a") == list(range(20))


def told_in_order(events: list[Event], *wanted: Callable[[Event], bool]) -> bool:
    left = iter(events)
    return all(any(one(event) for event in left) for one in wanted)


def test_every_table_is_planned_before_the_first_one_starts() -> None:
    one = rig({name: batches(3) for name in "abcdefgh"})
    assert run(one).state == "done"
    planned = [index for index, event in enumerate(one.events) if isinstance(event, TablePlanned)]
    started = [index for index, event in enumerate(one.events) if isinstance(event, TableStarted)]
    assert len(planned) == len(started) == 8
    assert max(planned) < min(started)
    assert any(isinstance(event, Notice) and event.message.startswith("Planned: 8 tables in 8 parts") for event in one.events)


def test_each_part_is_told_once_with_its_rows_and_a_resume_tells_what_was_kept() -> None:
    one = rig({"t": batches(10, 20, 30)}, "x", "y", parallel=1)
    stopped_at_part(one, "2", "pause")
    assert run(one).state == "paused"
    done = sorted((event.table_run[-1], event.part, event.rows) for event in one.events if isinstance(event, PartDone))
    assert done == [("x", "0", 10), ("x", "1", 20), ("y", "0", 10), ("y", "1", 20)]
    assert isinstance(one.events[-2], Notice)
    assert one.events[-2].message.startswith("Paused, as asked")
    two = afresh(one)
    assert run(two, resume=two.journal.resume()).state == "done"
    kept = [(event.parts_kept, event.kept.read) for event in two.events if isinstance(event, TableStarted)]
    assert kept == [(2, 30), (2, 30)]
    assert [event.rows for event in two.events if isinstance(event, PartDone)] == [30, 30]


def test_a_table_that_drifted_is_told_apart_from_other_failures() -> None:
    one = rig({"t": batches(5), "u": batches(5)}, drift="pause")
    assert run(one).state == "done"
    two = afresh(one)
    two.source.data["t"] = [batch.drop_columns(["unused"]) for batch in batches(5)]
    two.source.trouble = failing(9, UserError("Broken."), "read", "u/")
    assert run(two).state == "failed"
    failed = {event.table: event.drift for event in two.events if isinstance(event, TableFailed)}
    assert failed == {"t": True, "u": False}


def test_the_rate_of_a_resumed_table_does_not_count_what_was_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr("dtaas_desktop.engine.meter.time.monotonic", lambda: clock[0])
    told: list[Event] = []
    meter = Meter(told.append)
    meter.begin("t", table="t", target="t", parts=2, parts_done=1, counts=Counts(900, written=900), rows_estimate=1000)
    clock[0] += 2.0
    meter.add("t", Counts(50, written=50), 10)
    event = told[-1]
    assert isinstance(event, TableProgress)
    assert (event.rows_per_second, event.percent, event.seconds_left) == (25.0, 95.0, 2.0)


def test_a_cancel_says_what_became_of_it() -> None:
    one = rig({"t": batches(10, 10)}, parallel=1)
    one.cancel = CancelToken()
    stopped_at_part(one, "1", "cancel")
    assert run(one).state == "cancelled"
    assert told_in_order(
        one.events,
        lambda event: isinstance(event, Notice) and event.message.startswith("Planned"),
        lambda event: isinstance(event, PartDone),
        lambda event: isinstance(event, Notice) and event.message.startswith("Cancelled, as asked"),
    )
