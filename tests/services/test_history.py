"""What is remembered of runs, while they go on and afterwards."""

import os
import time
from pathlib import Path

import pytest
from sqlalchemy import insert, update

from dtaas_desktop.domain.design import Design
from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.events import (
    Event,
    Notice,
    PartDone,
    RunFinished,
    RunStarted,
    TableFailed,
    TablePlanned,
    TableProgress,
    TablePublished,
    TableStarted,
)
from dtaas_desktop.domain.table import Counts
from dtaas_desktop.domain.target import Published
from dtaas_desktop.domain.task import Task
from dtaas_desktop.services import records
from dtaas_desktop.services.activity import Activity
from dtaas_desktop.services.history import DIED, History
from dtaas_desktop.services.run_figures import RunFigures
from dtaas_desktop.services.workspace import Workspace

TASK = "00000000-0000-4000-8000-00000000000a"


def begun(history: History, run: str = "run-1", *, task: str = TASK, name: str = "Nightly", follow: bool = False) -> str:
    history.begin(run, task=task, name=name, process=os.getpid(), origin="window", follow=follow)
    return run


def tell(history: History, run: str, *events: Event) -> None:
    history.note(run, [(time.time(), event) for event in events])


def planned(name: str, rows: int | None) -> TablePlanned:
    return TablePlanned(name, name, name, "out", 4, rows)


def started(name: str, rows: int | None, kept: Counts | None = None) -> TableStarted:
    return TableStarted(name, name, name, "out", 4, rows, "load", kept or Counts(), 1 if kept else 0)


def progress(name: str, rows: int, percent: float | None, *, size: int = 0) -> TableProgress:
    return TableProgress(name, name, name, Counts(rows, written=rows), size, 1, 4, 1000.0, percent, 5.0)


def published(name: str, rows: int) -> TablePublished:
    done = Published(name, 3, rows, 2, 10, "/out", "SELECT 1")
    return TablePublished(name, name, "out", Counts(rows, written=rows), done, 2.0, position="0007")


def test_a_runs_percent_is_weighted_by_the_rows_of_its_tables(workspace: Workspace) -> None:
    history = workspace.history
    run = begun(history)
    tell(history, run, RunStarted(run, "Nightly", 2), planned("small", 100), planned("large", 900))
    assert history.run(run).percent == 0.0
    tell(history, run, started("small", 100), progress("small", 100, 99.0), published("small", 100))
    record = history.run(run)
    assert record.percent == pytest.approx(10.0)
    assert (record.rows_read, record.rows_written, record.origin, record.process) == (100, 100, "window", os.getpid())
    assert record.host
    tell(history, run, started("large", 900), progress("large", 450, 50.0))
    assert history.run(run).percent == pytest.approx(55.0)
    tell(history, run, progress("large", 900, 100.0), published("large", 900))
    assert history.run(run).percent == 100.0


def test_a_percent_is_unknown_while_one_tables_size_is(workspace: Workspace) -> None:
    history = workspace.history
    run = begun(history)
    tell(history, run, planned("known", 100), planned("unknown", None), started("unknown", None), progress("unknown", 7, None))
    record = history.run(run)
    assert (record.percent, record.seconds_left) == (None, None)
    tell(history, run, published("unknown", 7))
    percent = history.run(run).percent
    assert percent is not None
    assert 0 < percent < 10


def test_a_table_that_failed_is_not_waited_for(workspace: Workspace) -> None:
    history = workspace.history
    run = begun(history)
    tell(history, run, planned("good", 100), planned("bad", 100), started("good", 100), progress("good", 50, 50.0))
    assert history.run(run).percent == pytest.approx(25.0)
    tell(history, run, TableFailed("bad", "bad", "bad", "fix", "It is bad.", "Mend it."))
    assert history.run(run).percent == pytest.approx(50.0)


def test_the_tables_of_a_run_tell_how_far_each_is(workspace: Workspace) -> None:
    history = workspace.history
    run = begun(history)
    tell(history, run, planned("a", 100), planned("b", 100), planned("c", 100), planned("d", 100))
    tell(history, run, started("b", 100), progress("b", 40, 40.0, size=4000), started("a", 100))
    tell(history, run, published("a", 100), TableFailed("c", "c", "c", "fix", "Gone.", "Mend it.", drift=True))
    found = {one.name: one for one in history.table_runs(run)}
    assert [one.name for one in history.table_runs(run)][-1] == "d"
    assert [found[name].state for name in "abcd"] == ["done", "running", "failed", "waiting"]
    assert (found["b"].counts.read, found["b"].percent, found["b"].bytes, found["b"].seconds_left) == (40, 40.0, 4000, 5.0)
    assert (found["a"].revision, found["a"].files, found["a"].position, found["a"].percent) == (3, 2, "0007", 100.0)
    assert (found["c"].failure, found["c"].message, found["c"].remedy) == ("drift", "Gone.", "Mend it.")
    history.end(run, "paused")
    assert [one.state for one in sorted(history.table_runs(run), key=lambda one: one.name)] == [
        "done",
        "paused",
        "failed",
        "paused",
    ]


def test_what_an_earlier_run_had_done_is_no_activity_of_this_one(workspace: Workspace) -> None:
    history = workspace.history
    run = begun(history)
    tell(history, run, started("t", 1000, kept=Counts(600, written=600)))
    tell(history, run, progress("t", 850, 85.0))
    record = history.run(run)
    assert (record.rows_read, record.rows_written) == (850, 850)
    assert Activity(workspace.database).summary("1 h", time.time()).rows == 250
    assert history.table_runs(run)[0].parts_done == 1


def test_events_that_are_noted_twice_count_once() -> None:
    figures = RunFigures(0.0)
    for _ in range(2):
        for event in (started("t", 100, kept=Counts(10, written=10)), progress("t", 60, 60.0, size=7)):
            figures.take(1.0, event)
    found = figures.at(2.0)
    assert (found.rows_added, found.bytes_added, found.counts.read) == (50, 7, 60)
    figures.noted(found)
    assert figures.at(3.0).rows_added == 0


def test_the_rate_is_of_the_last_seconds_and_sinks_to_nothing_when_nothing_comes() -> None:
    figures = RunFigures(0.0)
    figures.take(0.0, started("t", 10_000))
    rates = []
    for second in range(1, 21):
        figures.take(float(second), progress("t", min(second, 10) * 100, None))
        rates.append(figures.at(float(second)).rows_per_second)
    assert rates[9] == pytest.approx(100.0)
    assert rates[12] == pytest.approx(40.0)
    assert rates[-1] == 0.0
    assert figures.average(20.0) == pytest.approx(50.0)


def test_a_table_that_stands_still_has_no_rate(workspace: Workspace) -> None:
    figures = RunFigures(0.0)
    figures.take(0.0, started("t", 10_000))
    figures.take(1.0, progress("t", 100, None))
    assert figures.at(2.0).stalled == ()
    found = figures.at(9.0)
    assert found.stalled == ("t",)
    figures.noted(found)
    assert figures.at(10.0).stalled == ()


def test_a_run_follows_once_everything_is_loaded(workspace: Workspace) -> None:
    history = workspace.history
    run = begun(history, follow=True)
    tell(history, run)
    assert not history.run(run).following
    tell(history, run, RunStarted(run, "Live", 1), started("t", 100), progress("t", 50, 50.0))
    assert not history.run(run).following
    tell(history, run, published("t", 100))
    record = history.run(run)
    assert record.following
    assert record.percent is None
    history.end(run, "paused")
    assert not history.run(run).following


def test_a_run_that_ended_has_its_average_rate_and_counts_in_the_activity(workspace: Workspace) -> None:
    history = workspace.history
    for number, state in enumerate(("done", "failed", "cancelled")):
        run = begun(history, f"run-{number}")
        tell(history, run, started("t", 100), progress("t", 100, 99.0), published("t", 100))
        history.end(run, state, failures="fix" if state == "failed" else "", message="No." if state == "failed" else "")  # type: ignore[arg-type]
        record = history.run(run)
        assert record.state == state
        assert record.rows_per_second > 0
        assert record.finished_at is not None
    assert history.run("run-0").percent == 100.0
    assert history.run("run-1").failures == {"fix"}
    summary = Activity(workspace.database).summary("1 h", time.time())
    assert (summary.runs, summary.failed, summary.rows, summary.running) == (3, 1, 300, 0)


def test_the_log_tells_what_a_person_wants_to_know_and_can_be_searched(workspace: Workspace) -> None:
    history = workspace.history
    run = begun(history)
    tell(
        history,
        run,
        RunStarted(run, "Nightly", 1),
        Notice("info", "Planned: 1 table in 2 parts."),
        Notice("warning", "A deadlock. Trying again in 0.5 s.", "dbo.Orders"),
        PartDone("orders", "0", time.time(), 3.2, 612_004, 98_000_000, "dbo.Orders"),
        published("orders", 612_004),
        TableFailed("audit", "dbo.Audit", "audit", "fix", "A value of 73 MB is over the limit.", "Raise the limit."),
        RunFinished(run, "partly failed", Counts(612_004, written=612_004), 9.0),
    )
    lines = history.log(run)
    assert [line.level for line in lines] == ["info", "info", "warning", "info", "info", "error", "error"]
    assert lines[3].message == "Part 0: 612,004 rows staged, 98.0 MB, in 3.2 s."
    assert lines[4].message == "Published 612,004 rows to out/orders, revision 3; up to position 0007."
    assert [line.table for line in history.log(run, levels=["warning", "error"])] == ["dbo.Orders", "dbo.Audit", ""]
    assert [line.message for line in history.log(run, search="73 mb")] == [lines[5].message]
    assert [line.id for line in history.log(run, search="AUDIT")] == [lines[5].id]
    assert history.log(run, search="100%_of") == []
    assert history.log(run, after_id=lines[2].id, limit=2) == lines[3:5]
    assert history.log(run, newest=True, limit=2) == lines[-2:]
    history.end(run, "failed", message="It could not begin.", remedy="Mend it.")
    assert history.log(run)[-1].message == "It could not begin. Mend it."


def test_the_timeline_has_every_part_and_of_changes_the_latest_turn(workspace: Workspace) -> None:
    history = workspace.history
    run = begun(history)
    tell(
        history,
        run,
        PartDone("t", "0", 100.0, 2.0, 10),
        PartDone("t", "1", 101.0, 3.0, 20),
        PartDone("t", "changes", 110.0, 1.0, 5),
    )
    tell(history, run, PartDone("t", "changes", 120.0, 1.0, 6))
    found = [(part.part, part.began_at, part.ended_at, part.rows_read) for part in history.parts(run)]
    assert found == [("0", 100.0, 102.0, 10), ("1", 101.0, 104.0, 20), ("changes", 120.0, 121.0, 6)]


def test_a_cancel_overrides_a_pause_and_not_the_reverse(workspace: Workspace) -> None:
    history = workspace.history
    assert history.ask(TASK, "pause") is None
    run = begun(history)
    assert history.note(run, []) is None
    assert history.ask(TASK, "pause") == run
    assert history.note(run, []) == "pause"
    assert history.ask(TASK, "cancel") == run
    assert history.ask(TASK, "pause") == run
    assert history.note(run, []) == "cancel"
    assert history.run(run).request == "cancel"


def test_runs_whose_process_died_are_interrupted_and_living_ones_are_left_alone(workspace: Workspace) -> None:
    history = workspace.history
    dead = begun(history, "dead", task=TASK)
    living = begun(history, "living", task=TASK.replace("a", "b"))
    tell(history, dead, started("t", 100), progress("t", 50, 50.0))
    assert history.settle_dead(lambda task: task != TASK) == 1
    assert history.settle_dead(lambda task: task != TASK) == 0
    record = history.run(dead)
    assert (record.state, record.message, record.finished_at) == ("interrupted", DIED, record.seen_at)
    assert "resume" in record.remedy
    assert record.percent == 50.0
    assert history.table_runs(dead)[0].state == "interrupted"
    assert history.log(dead)[-1].level == "error"
    assert [run.id for run in history.running()] == [living]


def test_a_run_that_died_is_settled_by_the_next_run_of_its_task_too(workspace: Workspace) -> None:
    history = workspace.history
    begun(history, "dead")
    begun(history, "next")
    assert history.run("dead").state == "interrupted"
    assert history.run("dead").message == DIED


@pytest.fixture
def many(workspace: Workspace) -> Workspace:
    """Three tasks with 40 runs each, a second apart; every fourth failed."""
    with workspace.database.writing() as connection:
        for number, name in enumerate(("Alpha", "Beta", "Über 100%")):
            for run in range(40):
                connection.execute(
                    insert(records.runs).values(
                        id=f"{number:02x}{run:02x}0000-0000-4000-8000-000000000000",
                        task=f"task-{number}",
                        task_name=name,
                        state="failed" if run % 4 == 0 else "done",
                        process=1,
                        started_at=1000.0 + 3 * run + number,
                        seen_at=1001.0 + 3 * run + number,
                        finished_at=1001.0 + 3 * run + number,
                    )
                )
    return workspace


def test_runs_are_listed_newest_first_and_page_by_page(many: Workspace) -> None:
    history = many.history
    times = [run.started_at for run in history.runs()]
    assert times == sorted(times, reverse=True)
    assert len(times) == 120
    paged: list[float] = []
    before = None
    while page := history.runs(before=before, limit=50):
        paged += [run.started_at for run in page]
        before = paged[-1]
    assert paged == times


def test_runs_are_found_by_task_state_and_name(many: Workspace) -> None:
    history = many.history
    assert {run.task_name for run in history.runs(task="task-1")} == {"Beta"}
    assert len(history.runs(states=["failed"])) == 30
    assert len(history.runs(states=["failed", "done"], limit=70)) == 70
    assert len(history.runs(task="task-1", states=["failed"])) == 10
    assert {run.task_name for run in history.runs(search="A")} == {"Alpha", "Beta"}
    assert {run.task_name for run in history.runs(search="ÜBER")} == {"Über 100%"}
    assert len(history.runs(search="0%", states=["failed"], limit=5)) == 5
    assert history.runs(search="_") == []
    assert [run.id[:8] for run in history.runs(search="01070000")] == ["01070000"]
    latest = history.latest("task-2")
    assert latest is not None
    assert latest.started_at == max(run.started_at for run in history.runs())


def test_the_latest_run_of_each_task_that_exists(many: Workspace) -> None:
    for task, name in (("task-0", "Alpha"), ("task-2", "Renamed since"), ("task-9", "Never ran")):
        many.tasks.save(Task(task, name, Design()))
    found = many.history.latest_by_task()
    assert {task: run.started_at for task, run in found.items()} == {"task-0": 1117.0, "task-2": 1119.0}


def test_old_runs_are_forgotten_with_their_logs_and_running_ones_never(many: Workspace) -> None:
    history = many.history
    run = begun(history)
    tell(history, run, Notice("info", "Here."))
    with many.database.writing() as connection:
        connection.execute(update(records.runs).where(records.runs.c.id == run).values(started_at=5.0))
    logs = many.folder / "logs"
    logs.mkdir(exist_ok=True)
    for name, age in (("run-old.log", 40), ("run-new.log", 1), ("other.log", 40)):
        (logs / name).write_text("x")
        os.utime(logs / name, (time.time() - age * 86_400,) * 2)
    assert history.prune(30) == 120
    assert history.prune(30) == 0
    assert [left.id for left in history.runs()] == [run]
    assert [line.message for line in history.log(run)] == ["Here."]
    assert sorted(file.name for file in logs.iterdir()) == ["other.log", "run-new.log"]


def test_a_run_that_is_forgotten_is_said_in_a_sentence(workspace: Workspace) -> None:
    with pytest.raises(UserError, match="not in the history"):
        workspace.history.run("nothing")


def test_a_task_is_deleted_with_its_plans_and_not_while_it_runs(workspace: Workspace, tmp_path: Path) -> None:
    workspace.tasks.save(Task(TASK, "Nightly", Design()))
    run = begun(workspace.history)
    with workspace.task_lock(TASK, "Nightly"), pytest.raises(UserError, match="is running"):
        workspace.tasks.delete(TASK)
    assert workspace.tasks.by_uuid(TASK).name == "Nightly"
    workspace.history.end(run, "done")
    workspace.tasks.delete(TASK)
    workspace.tasks.delete(TASK)
    assert workspace.tasks.all() == []
    assert workspace.history.run(run).task_name == "Nightly"
    with pytest.raises(UserError, match="does not exist any more"):
        workspace.tasks.by_uuid(TASK)
