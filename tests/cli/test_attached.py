"""The lines of a run that a window started: nobody who reads them badly can stop the run."""

import json
import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from dtaas_desktop.cli.attached import MOST_WAITING, DetachedLines
from dtaas_desktop.domain.events import Notice, RunFinished, RunStarted, TableFailed, TableProgress
from dtaas_desktop.domain.table import Counts
from tests.cli.house import House, until


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """The end to read from and the one to write to."""
    reader, writer = os.pipe()
    yield reader, writer
    for descriptor in (reader, writer):
        try:
            os.close(descriptor)
        except OSError:
            continue  # the test has closed it


def progress(table: str, rows: int) -> TableProgress:
    return TableProgress(table, table, table, Counts(rows, written=rows), 0, 0, 1, 1.0, None, None)


def all_of(reader: int) -> list[dict[str, Any]]:
    with os.fdopen(reader, encoding="utf-8", closefd=False) as file:
        return [json.loads(line) for line in file]


def test_everything_comes_in_its_order(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    with DetachedLines(writer) as lines:
        lines.tell(RunStarted("r", "Übernacht", 1))
        for number in range(50):
            lines.tell(Notice("info", f"line {number}"))
        lines.say({"event": "Error", "message": "no", "remedy": ""})
        lines.tell(RunFinished("r", "done", Counts(), 1.0))
    os.close(writer)
    told = all_of(reader)
    assert [one["event"] for one in told] == ["RunStarted", *["Notice"] * 50, "Error", "RunFinished"]
    assert told[0]["task"] == "Übernacht"
    assert [one["message"] for one in told[1:-2]] == [f"line {number}" for number in range(50)]


def test_a_full_pipe_stops_nobody_and_the_newest_progress_is_what_is_kept(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    lines = DetachedLines(writer)
    with lines:
        for number in range(20_000):  # some megabytes: far more than a pipe holds, and nobody reads
            lines.tell(progress(f"table {number % 7}", number))
            lines.tell(Notice("info", "x" * 200))
            if number % 1000 == 0:
                lines.tell(TableFailed(f"t{number}", "t", "t", "fix", "no", ""))
        collected: list[dict[str, Any]] = []
        collector = threading.Thread(target=lambda: collected.extend(all_of(reader)))
        collector.start()
    os.close(writer)
    collector.join()
    assert len([one for one in collected if one["event"] == "TableFailed"]) == 20
    newest = {one["table_run"]: one["counts"]["read"] for one in collected if one["event"] == "TableProgress"}
    assert newest == {f"table {number % 7}": number for number in range(19_993, 20_000)}
    assert len([one for one in collected if one["event"] == "Notice"]) < 20_000
    assert len(lines._waiting) <= MOST_WAITING


def test_a_full_pipe_does_not_keep_the_process(pipe: tuple[int, int]) -> None:
    _, writer = pipe
    with DetachedLines(writer) as lines:
        for _ in range(2_000):
            lines.tell(TableFailed("t", "t", "t", "fix", "x" * 100, ""))
    assert lines._thread.is_alive()  # stuck, and left behind: it is a daemon
    os.set_blocking(pipe[0], False)
    while lines._thread.is_alive():
        try:
            os.read(pipe[0], 1 << 16)
        except BlockingIOError:
            lines._thread.join(0.01)


def test_a_reader_that_is_gone_is_no_reason_to_stop(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    os.close(reader)
    with DetachedLines(writer) as lines:
        for number in range(5_000):
            lines.tell(Notice("info", f"line {number}"))
    assert not lines._thread.is_alive()


def test_an_attached_run_tells_what_ended_it(house: House) -> None:
    house.numbers(3)
    house.imported()
    code, out, _ = house.run("--run-task", "Nothing", "--attached")
    assert code == 2
    (told,) = [json.loads(line) for line in out.splitlines()]
    assert told["event"] == "Error"
    assert "no task “Nothing”" in told["message"]
    code, _, err = house.run("--list-tasks", "--attached")
    assert code == 2
    assert "goes with --run-task" in err


def test_one_table_runs_alone(house: House) -> None:
    for table in ("a", "b", "c"):
        house.numbers(10, table)
    house.imported()
    house.must("--run-task", "Test", "--only", "b")
    assert house.published("b").num_rows == 10
    assert not (house.output / "a").exists()
    house.must("--run-task", "Test", "--only", "C")
    assert house.published("c").num_rows == 10
    assert not (house.output / "a").exists()


def test_a_table_to_run_alone_that_does_not_exist_is_said(house: House) -> None:
    house.numbers(3)
    house.imported()
    code, _, err = house.run("--run-task", "Test", "--only", "orders")
    assert code == 2
    assert "matches “orders”, which is to be run alone" in err
    assert "Correct the name" in err


def test_a_failed_table_is_run_again_alone_and_the_others_are_left_as_they_are(house: House) -> None:
    house.numbers(100, "good")
    house.sql("CREATE TABLE bad (id INTEGER PRIMARY KEY, x INTEGER)", "INSERT INTO bad VALUES (1, 'text')")
    house.imported(options={"reading": "resumable"})
    code, _, _ = house.run("--run-task", "Test")
    assert code == 2
    assert house.manifest("good")["revision"] == 1
    house.sql("UPDATE bad SET x = 7")
    house.must("--resume-task", "Test", "--only", "bad")
    assert house.published("bad").column("x").to_pylist() == [7]
    assert house.manifest("good")["revision"] == 1
    states = house.metadata("SELECT state FROM run ORDER BY started_at")
    assert states == [("partly failed",), ("done",)]


def test_after_a_run_of_one_table_a_resume_reads_all_again_and_says_why(house: House) -> None:
    for table in ("a", "b"):
        house.numbers(10, table)
    house.imported(options={"reading": "resumable"})
    gate = house.folder / "gate"
    process = house.start("--run-task", "Test", "--only", "a", order={"hold": "load:stage", "gate": str(gate)})
    held(gate)
    process.send_signal(15)
    gate.touch()
    assert process.wait() == 5
    out = house.must("--resume-task", "Test")
    assert "Everything is read again" in out
    assert (house.published("a").num_rows, house.published("b").num_rows) == (10, 10)


def test_a_run_can_be_cancelled_from_elsewhere(house: House) -> None:
    house.numbers(50)
    house.imported()
    gate = house.folder / "gate"
    process = house.start("--run-task", "Test", order={"hold": "load:stage", "gate": str(gate)})
    held(gate)
    asking = house.start("--cancel-task", "Test")
    until(lambda: house.metadata("SELECT request FROM run") == [("cancel",)])
    for _ in range(2):  # two signs of life later the run has surely read it
        seen = house.metadata("SELECT seen_at FROM run")
        until(lambda: house.metadata("SELECT seen_at FROM run") != seen)  # noqa: B023 - called at once
    gate.touch()
    assert asking.wait() == 0
    assert process.wait() == 130
    assert asking.stdout is not None
    assert "is cancelled" in asking.stdout.read()
    assert house.metadata("SELECT state FROM run") == [("cancelled",)]
    code, _, err = house.run("--cancel-task", "Test")
    assert code == 2
    assert "is not running" in err


def held(gate: Any) -> None:
    until(lambda: gate.with_suffix(".held").exists())
