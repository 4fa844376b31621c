"""The dashboard's sums and its list of what needs attention."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import get_args

import pytest
from benchmarks.history import fill, questions
from sqlalchemy import delete, insert, select, update

from dtaas_desktop.domain.design import Design
from dtaas_desktop.domain.schedule import Schedule
from dtaas_desktop.domain.task import Task
from dtaas_desktop.services import records
from dtaas_desktop.services.activity import Activity, Range
from dtaas_desktop.services.activity_sums import HOUR, MINUTE, RunEnd, add_to_activity, prune_activity
from dtaas_desktop.services.attention import Attention, AttentionItem
from dtaas_desktop.services.history import DIED
from dtaas_desktop.services.workspace import Workspace

NOW = datetime(2024, 5, 6, 12, 34, 56, tzinfo=UTC).timestamp()
RANGES: tuple[Range, ...] = get_args(Range)
SECONDS: dict[Range, int] = {"1 h": HOUR, "24 h": 24 * HOUR, "7 d": 168 * HOUR, "30 d": 720 * HOUR}


def add(workspace: Workspace, task: str, ago: float, rows: int, *, rate: float = 0.0, ended: RunEnd | None = None) -> None:
    with workspace.database.writing() as connection:
        add_to_activity(connection, task, NOW - ago, rows=rows, size=rows * 10, rate=rate, ended=ended)


@pytest.mark.parametrize("span", RANGES)
def test_a_range_adds_up_and_is_compared_with_the_one_before(workspace: Workspace, span: Range) -> None:
    length = SECONDS[span]
    for ago, rows in ((0, 1), (length * 0.5, 20), (length * 0.9, 300), (length * 1.5, 4_000), (length * 3.5, 50_000)):
        add(workspace, "a", ago, rows, rate=rows)
        add(workspace, "b", ago, rows, ended=RunEnd(2.0, bad=rows == 300))
    summary = Activity(workspace.database, UTC).summary(span, NOW)
    assert (summary.rows, summary.rows_before) == (642, 8_000)
    assert (summary.runs, summary.failed, summary.peak) == (3, 1, 300.0)
    assert sum(summary.spark_rows) == 642
    assert sum(summary.spark_failed) == 1
    sparks = (summary.spark_rows, summary.spark_rate, summary.spark_running, summary.spark_failed)
    assert {len(spark) for spark in sparks} == {len(summary.spark_rows)}
    assert 24 <= len(summary.spark_rows) <= 34


@pytest.mark.parametrize("span", RANGES)
def test_rates_are_even_in_time_and_add_up_to_the_rows(workspace: Workspace, span: Range) -> None:
    length = SECONDS[span]
    for task in range(8):
        add(workspace, f"task-{task}", length * 0.3, 100 * (task + 1))
    workspace.tasks.save(Task("task-7", "Busiest", Design()))
    found = Activity(workspace.database, UTC).rates(span, NOW, most=3)
    assert [one.task_uuid for one in found] == ["task-7", "task-6", "task-5"]
    assert found[0].task_name == "Busiest"
    assert len({len(one.points) for one in found}) == 1
    times = [at for at, _ in found[0].points]
    gaps = {round(late - early) for early, late in pairwise(times[:-1])}
    (gap,) = gaps
    assert NOW - gap <= times[-1] <= NOW
    assert sum(rate for _, rate in found[0].points) * gap == pytest.approx(800)


@pytest.mark.parametrize("span", RANGES)
def test_outcomes_have_no_gaps_and_count_every_run(workspace: Workspace, span: Range) -> None:
    length = SECONDS[span]
    for number in range(20):
        add(workspace, f"task-{number % 3}", length * number / 25, 0, ended=RunEnd(1.0, bad=number % 4 == 0))
    found = Activity(workspace.database, UTC).outcomes(span, NOW)
    assert (sum(one.succeeded for one in found), sum(one.failed for one in found)) == (15, 5)
    width = found[1].at - found[0].at
    assert [one.at for one in found] == [found[0].at + width * index for index in range(len(found))]
    assert found[-1].at <= NOW < found[-1].at + width


def test_nothing_yet_is_nothing(workspace: Workspace) -> None:
    activity = Activity(workspace.database)
    for span in RANGES:
        summary = activity.summary(span, NOW)
        assert (summary.rows, summary.rows_before, summary.peak, summary.running, summary.runs) == (0, 0, 0.0, 0, 0)
        assert activity.rates(span, NOW) == []
        assert not any(bucket.succeeded or bucket.failed for bucket in activity.outcomes(span, NOW))
    assert activity.per_run(None) == []
    assert Attention(workspace.database).list(NOW) == []


def test_what_runs_and_what_waits_right_now(workspace: Workspace) -> None:
    for number in range(3):
        workspace.tasks.save(Task(f"task-{number}", f"Task {number}", Design(), schedule=Schedule("every", 1, "hours")))
    with workspace.database.writing() as connection:
        connection.execute(update(records.schedule_marks).values(handled_at=NOW - 7200))
        connection.execute(update(records.schedule_marks).where(records.schedule_marks.c.task == "task-2").values(handled_at=NOW))
    for task, seen, rate in (("task-0", NOW - 1, 500.0), ("task-9", NOW - 60, 9_000.0)):
        put(workspace, task, "running", seen=seen, rate=rate)
    summary = Activity(workspace.database, UTC).summary("1 h", NOW)
    assert (summary.running, summary.waiting) == (2, 1)
    assert summary.rows_per_second_now == 500.0  # the other one was not heard of for a minute


def test_old_minutes_and_hours_are_dropped(workspace: Workspace) -> None:
    day = 86_400
    for days in (1, 4, 50, 70, 200):
        add(workspace, "a", days * day, 1)
    with workspace.database.writing() as connection:
        prune_activity(connection, NOW, 90)
        table = records.activity
        kept = {span: connection.execute(select(table.c.began_at).where(table.c.span == span)).all() for span in (MINUTE, HOUR)}
    assert {span: len(rows) for span, rows in kept.items()} == {MINUTE: 1, HOUR: 4}


def put(
    workspace: Workspace, task: str, state: str, *, run: str = "", seen: float = NOW, rate: float = 0.0, message: str = ""
) -> str:
    run = run or f"run-{task}-{seen}"
    with workspace.database.writing() as connection:
        connection.execute(
            insert(records.runs).values(
                id=run,
                task=task,
                task_name=task,
                state=state,
                process=1,
                started_at=seen - 10,
                seen_at=seen,
                finished_at=None if state == "running" else seen,
                rows_per_second=rate,
                rows_written=7,
                message=message,
                remedy="Mend it." if message else "",
            )
        )
    return run


def put_table(workspace: Workspace, run: str, table: str, failure: str) -> None:
    with workspace.database.writing() as connection:
        connection.execute(
            insert(records.table_runs).values(
                run=run,
                name=table,
                source_table=table,
                target=table,
                state="failed" if failure else "done",
                failure=failure,
                message=f"{table} is {failure}." if failure else "",
                remedy="Do something." if failure else "",
                began_at=NOW,
            )
        )


def attention(workspace: Workspace) -> dict[str, AttentionItem]:
    return {item.task_uuid: item for item in Attention(workspace.database, UTC).list(NOW)}


def tasks(workspace: Workspace, *names: str) -> None:
    for name in names:
        workspace.tasks.save(Task(name, f"Task {name}", Design()))


def test_the_last_run_of_a_task_says_what_it_needs(workspace: Workspace) -> None:
    tasks(workspace, "fine", "whole", "table", "reload", "drift", "paused", "dead", "cancelled", "live")
    put(workspace, "fine", "failed", seen=NOW - 100, message="Old.")
    put(workspace, "fine", "done")
    put(workspace, "whole", "failed", message="The server cannot be reached.")
    put_table(workspace, put(workspace, "table", "partly failed"), "dbo.Audit", "fix")
    put_table(workspace, put(workspace, "reload", "failed"), "dbo.Audit", "reload")
    drifting = put(workspace, "drift", "failed")
    put_table(workspace, drifting, "dbo.A", "fix")
    put_table(workspace, drifting, "dbo.B", "drift")
    put(workspace, "paused", "paused")
    put(workspace, "dead", "interrupted", message=DIED)
    put(workspace, "cancelled", "cancelled")
    put_table(workspace, put(workspace, "live", "running"), "dbo.C", "fix")
    put(workspace, "deleted", "failed", message="Its task is gone.")
    with workspace.database.writing() as connection:
        connection.execute(insert(records.plans).values(id="p", task="paused", exact=False, content="{}"))
    found = attention(workspace)
    assert {task: item.kind for task, item in found.items()} == {
        "whole": "failed",
        "table": "failed",
        "reload": "failed",
        "drift": "drift",
        "paused": "paused",
        "dead": "interrupted",
        "live": "failed",
    }
    assert found["whole"].detail == "The server cannot be reached. Mend it."
    assert (found["table"].table, found["table"].title) == ("dbo.Audit", "Task table partly failed")
    assert found["reload"].actions[0] == "reload table"
    assert (found["drift"].table, found["drift"].actions[0]) == ("dbo.B", "edit task")
    assert found["paused"].actions[0] == "resume"  # it has a plan
    assert found["dead"].actions[0] == "run"  # it has none
    assert "resume" not in found["live"].actions
    assert all(item.actions[-1] == "dismiss" for item in found.values())
    kinds = [item.kind for item in Attention(workspace.database, UTC).list(NOW)]
    assert kinds.index("drift") < kinds.index("interrupted") < kinds.index("paused")


def test_tables_that_failed_before_still_need_attention_after_another_was_retried_alone(workspace: Workspace) -> None:
    tasks(workspace, "a")
    first = put(workspace, "a", "partly failed", seen=NOW - 90)
    for table, failure in (("orders", ""), ("audit", "fix"), ("people", "fix")):
        put_table(workspace, first, table, failure)
    put_table(workspace, put(workspace, "a", "done", seen=NOW - 60), "audit", "")
    item = attention(workspace)["a"]
    assert (item.kind, item.run, item.table, item.actions[0]) == ("failed", first, "people", "retry table")
    assert item.detail == "Table people: people is fix. Do something. It was not run since."
    put_table(workspace, put(workspace, "a", "done", seen=NOW - 30), "people", "")
    assert attention(workspace) == {}


def test_a_run_of_all_tables_that_ended_well_leaves_nothing_to_look_after(workspace: Workspace) -> None:
    tasks(workspace, "a")
    before = put(workspace, "a", "partly failed", seen=NOW - 90)
    after = put(workspace, "a", "done", seen=NOW - 60)
    for table in ("orders", "audit"):
        put_table(workspace, before, table, "fix" if table == "audit" else "")
        put_table(workspace, after, table, "")
    assert attention(workspace) == {}


def test_what_is_dismissed_stays_away_until_it_happens_again(workspace: Workspace) -> None:
    tasks(workspace, "a")
    put(workspace, "a", "failed", message="No.", seen=NOW - 50)
    item = attention(workspace)["a"]
    Attention(workspace.database, UTC).dismiss(item)
    assert attention(workspace) == {}
    put(workspace, "a", "failed", message="No.")
    again = attention(workspace)["a"]
    assert again.run != item.run
    Attention(workspace.database, UTC).dismiss(again)
    assert attention(workspace) == {}
    workspace.tasks.delete("a")
    with workspace.database.reading() as connection:
        assert connection.execute(select(records.settings).where(records.settings.c.name.startswith("dismissed"))).all() == []


def test_a_task_that_was_due_and_did_not_start_is_late(workspace: Workspace) -> None:
    workspace.tasks.save(Task("a", "Nightly", Design(), schedule=Schedule("daily", at="12:20")))
    put(workspace, "a", "done", seen=NOW - 86_400)

    def mark(ago: timedelta) -> None:
        with workspace.database.writing() as connection:
            connection.execute(update(records.schedule_marks).values(handled_at=NOW - ago.total_seconds()))

    mark(timedelta(minutes=1))
    assert attention(workspace) == {}
    mark(timedelta(days=1))
    item = attention(workspace)["a"]
    assert (item.kind, item.title, item.actions[0]) == ("late", "Nightly is late", "run")
    assert "12:20 on 06 May" in item.detail
    put(workspace, "a", "running", run="now")
    assert attention(workspace) == {}
    with workspace.database.writing() as connection:
        connection.execute(delete(records.runs).where(records.runs.c.id == "now"))
    put(workspace, "a", "failed", message="It failed.")
    assert attention(workspace)["a"].kind == "failed"  # the worse of two


def test_the_latest_runs_that_ended_in_their_order(workspace: Workspace) -> None:
    for number in range(5):
        put(workspace, f"task-{number % 2}", "done", seen=NOW + number)
    put(workspace, "task-0", "running", seen=NOW + 9)
    activity = Activity(workspace.database)
    assert [point.started_at for point in activity.per_run(None, limit=3)] == [NOW - 8, NOW - 7, NOW - 6]
    assert [(point.seconds, point.rows) for point in activity.per_run("task-1")] == [(10.0, 7), (10.0, 7)]


def test_a_large_history_answers_as_the_runs_themselves_would(workspace: Workspace) -> None:
    """The benchmark's history, small, against plain counting over all runs."""
    now = time.time()
    fill(workspace, 3_000, 12, now)
    with workspace.database.reading() as connection:
        runs = connection.execute(select(records.runs).order_by(records.runs.c.started_at.desc())).all()
    assert [run.id for run in workspace.history.runs(limit=500)] == [run.id for run in runs[:500]]
    bad = ("failed", "partly failed", "interrupted")
    found = workspace.history.runs(states=bad, limit=10_000)
    assert [run.id for run in found] == [run.id for run in runs if run.state in bad]
    found = workspace.history.runs(search="Task 0003", states=["failed"], limit=10_000)
    assert [run.id for run in found] == [r.id for r in runs if r.task_name.startswith("Task 0003") and r.state == "failed"]
    latest = workspace.history.latest_by_task()
    for task in {run.task for run in runs}:
        assert latest[task].id == next(run.id for run in runs if run.task == task)
    summary = Activity(workspace.database).summary("30 d", now)
    from_here, from_there = now - 29 * 86_400, now - 31 * 86_400  # the first of its whole buckets begins somewhere between
    assert summary.runs >= sum(run.finished_at >= from_here for run in runs)
    assert summary.runs <= sum(run.finished_at >= from_there for run in runs)
    for name, question in questions(workspace, now).items():
        assert question() is not None, name


def test_an_item_is_another_one_when_its_run_is() -> None:
    item = AttentionItem("failed", "t", "T", "run-1", None, "T failed", "", NOW, ("run",))
    assert item.mark != replace(item, run="run-2").mark
    assert item.mark != replace(item, table="t").mark
