"""SIGKILL at every step of a real run, then the same command again: exactly the right rows, no orphan, no half."""

import sys

import pyarrow.parquet as pq
import pytest

from tests.cli.house import House

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is a POSIX signal"),
    pytest.mark.timeout(600),  # dozens of runs of the program
]

ROWS = 300


def steps_of_a_run(house: House) -> list[str]:
    record = house.folder / "steps"
    code, out, err = house.run("--run-task", "Test", order={"record": str(record)})
    assert code == 0, (out, err)
    return record.read_text(encoding="utf-8").splitlines()


def distinct(steps: list[str]) -> list[int]:
    """The number of the first, and of the last, occurrence of each step."""
    first = {step: i for i, step in reversed(list(enumerate(steps)))}
    last = dict(zip(steps, range(len(steps)), strict=True))
    return sorted({*first.values(), *last.values()})


def exact(house: House, write_mode: str, runs: int) -> None:
    """The destination holds the source's rows once (or once for each of `runs`), and nothing else lies about."""
    table = house.published()
    expected = sorted(list(range(1, ROWS + 1)) * (runs if write_mode == "append" else 1))
    assert sorted(table.column("id").to_pylist()) == expected
    manifest = house.manifest("t")
    named = {f"t/{file['path']}" for file in manifest["files"]}
    assert house.data_files() == named
    by_glob = [i for path in house.output.rglob("t-*.parquet") for i in pq.ParquetFile(path).read().column("id").to_pylist()]
    assert sorted(by_glob) == expected
    staging = [path for path in (house.output / "_dtaas").rglob("*") if path.is_file() and "staging" in path.parts]
    assert staging == []


@pytest.mark.parametrize("write_mode", ["replace", "append"])
def test_killed_at_any_step_and_run_again_gives_exactly_the_right_rows(house: House, write_mode: str) -> None:
    house.numbers(ROWS)
    house.imported(to=[{"connection": "out", "write_mode": write_mode}], options={"parallel": 1})
    steps = steps_of_a_run(house)
    assert len(set(steps)) >= 6, steps
    runs = 1
    for number in distinct(steps):
        code, _, _ = house.run("--run-task", "Test", order={"kill": number})
        assert code != 0, steps[number]
        before = house.manifest("t")["revision"]
        house.must("--run-task", "Test")
        # A kill after the decision published its set; a kill before it published nothing. Either way it shows as whole revisions.
        published = house.manifest("t")["revision"] - before + (before - runs)
        assert published in (1, 2), steps[number]
        runs += published
        exact(house, write_mode, runs)


def test_killed_at_any_step_the_duckdb_file_holds_exactly_the_right_rows(house: House) -> None:
    house.numbers(ROWS)
    house.imported(to=[{"connection": "duck", "write_mode": "append"}], options={"parallel": 1})
    steps = steps_of_a_run(house)
    runs = 1
    for number in distinct(steps):
        code, _, _ = house.run("--run-task", "Test", order={"kill": number})
        assert code != 0, steps[number]
        house.must("--run-task", "Test")
        ((rows, keys),) = house.in_duckdb("SELECT count(*), count(DISTINCT id) FROM t")
        assert keys == ROWS
        assert rows % ROWS == 0
        assert rows // ROWS - runs in (1, 2), steps[number]
        runs = rows // ROWS
        assert [path for path in house.folder.glob("out.duckdb*") if path.is_file() and path != house.duckdb] == []


def test_killed_between_parts_a_resumable_run_goes_on_with_the_rest(house: House) -> None:
    house.numbers(1_200_000)
    house.imported(options={"reading": "resumable", "parallel": 1})
    record = house.folder / "steps"
    house.must("--check-task", "Test")
    gate_steps = ["stage:open", "stage:finish"]
    code, out, err = house.run("--run-task", "Test", order={"record": str(record)})
    assert code == 0, (out, err)
    steps = record.read_text(encoding="utf-8").splitlines()
    opened = [i for i, step in enumerate(steps) if step.startswith(gate_steps[0])]
    assert len(opened) >= 3, steps
    code, _, _ = house.run("--run-task", "Test", order={"kill": opened[-1]})
    assert code != 0
    record.unlink()
    code, out, err = house.run("--resume-task", "Test", order={"record": str(record)})
    assert code == 0, (out, err)
    resumed = [step for step in record.read_text(encoding="utf-8").splitlines() if step.startswith(gate_steps[0])]
    assert len(resumed) <= 2, "only the part being read is read again, and the one before it if it was not durable yet"
    assert sorted(house.published().column("id").to_pylist()) == list(range(1, 1_200_001))
