"""The command line as a user meets it: commands, words, exit codes."""

import json
import signal
import subprocess
import sys

import pytest

from tests.cli.house import ROOT, House, until

posix_signals = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to send to another process")


def test_a_task_runs_and_says_what_it_did_where_it_lies_and_how_to_look(house: House) -> None:
    house.numbers(1000)
    name = house.imported()
    out = house.must("--run-task", name)
    assert "1,000" in out
    assert "Done in" in out
    assert "read_parquet" in out
    assert str(house.output) in out
    assert house.published().num_rows == 1000


def test_json_lines_tell_a_program_everything(house: House) -> None:
    house.numbers(10)
    house.imported()
    events = [json.loads(line) for line in house.must("--run-task", "Test", "--json").splitlines()]
    kinds = [event["event"] for event in events]
    assert kinds[0] == "RunStarted"
    assert kinds[-1] == "RunFinished"
    (published,) = [event for event in events if event["event"] == "TablePublished"]
    assert published["counts"] == {"read": 10, "filtered": 0, "rejected": 0, "written": 10, "nulled": 0}


def test_a_second_run_replaces(house: House) -> None:
    house.numbers(10)
    house.imported()
    house.must("--run-task", "Test")
    before = house.data_files()
    house.sql("DELETE FROM t WHERE id > 4")
    house.must("--run-task", "Test")
    assert sorted(house.published().column("id").to_pylist()) == [1, 2, 3, 4]
    assert not before & house.data_files()
    assert house.manifest("t")["revision"] == 2


def test_a_check_tells_what_will_be_done_and_changes_nothing(house: House) -> None:
    house.numbers(10)
    house.imported(to=[{"connection": "out"}, {"connection": "duck", "name": "copy_{table}"}])
    out = house.must("--check-task", "Test")
    assert "out/t: will be created, 3 columns" in out
    assert "duck/copy_t: will be created" in out
    assert list(house.output.iterdir()) == []
    assert not house.duckdb.exists()
    house.must("--run-task", "Test")
    told = json.loads(house.must("--check-task", "Test", "--json"))
    assert [target["intent"] for target in told["tables"][0]["targets"]] == ["revision 1 will be replaced, 3 columns"] * 2


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--run-task", "Nope"], 2, "There is no task “Nope”"),
        (["--import-task", "nowhere.json"], 2, "cannot be read"),
        (["--resume-task", "Test"], 2, "nothing to resume"),
        (["--pause-task", "Test"], 2, "is not running"),
        (["--fly"], 2, "unrecognized arguments"),
    ],
)
def test_mistakes_get_a_sentence_and_exit_code_2(house: House, arguments: list[str], code: int, says: str) -> None:
    house.numbers(1)
    house.imported()
    found, _, err = house.run(*arguments)
    assert found == code
    assert says in err


def test_several_problems_are_counted_and_shown_by_the_check(house: House) -> None:
    house.numbers(1)
    house.imported(tables=["t", "nope", "neither"])
    code, _, err = house.run("--run-task", "Test")
    assert code == 2
    assert "“nope”" in err
    code, out, _ = house.run("--check-task", "Test")
    assert code == 2
    assert "“nope”" in out
    assert "“neither”" in out


def test_an_exported_task_comes_back_the_same_updates_or_is_copied(house: House) -> None:
    house.numbers(1)
    house.imported()
    exported = house.must("--export-task", "Test")
    path = house.folder / "exported.json"
    path.write_text(exported, encoding="utf-8")
    house.must("--import-task", str(path))
    assert house.must("--export-task", "Test") == exported
    house.must("--import-task", str(path), "--as-copy")
    assert house.must("--list-tasks").splitlines() == ["Test  (never run)", "Test (2)  (never run)"]


def test_help_shows_examples_and_exit_codes(house: House) -> None:
    out = house.must("--help")
    assert "examples:" in out
    assert "130 cancelled" in out
    assert house.must("--version").startswith("DTaaS Desktop ")


@posix_signals
def test_sigterm_pauses_and_a_resume_does_not_read_finished_parts_again(house: House) -> None:
    house.numbers(1000)
    house.imported(options={"reading": "resumable", "parallel": 1})
    gate = house.folder / "gate"
    process = house.start("--run-task", "Test", order={"hold": "publish:", "gate": str(gate)})
    until(gate.with_suffix(".held").exists)
    process.send_signal(signal.SIGTERM)
    gate.touch()
    process.communicate(timeout=60)
    # Publishing had begun: it is finished, and there is nothing to resume.
    assert process.returncode == 0
    gate.unlink()
    gate.with_suffix(".held").unlink()
    process = house.start("--run-task", "Test", "--json", order={"hold": "stage:", "gate": str(gate)})
    until(gate.with_suffix(".held").exists)
    process.send_signal(signal.SIGTERM)
    gate.touch()
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 5, out
    assert "paused" in house.must("--list-tasks")
    house.must("--resume-task", "Test")
    assert house.published().num_rows == 1000
    code, _, err = house.run("--resume-task", "Test")
    assert code == 2, err


@posix_signals
def test_ctrl_c_cancels_and_leaves_no_staging(house: House) -> None:
    house.numbers(1000)
    house.imported()
    gate = house.folder / "gate"
    process = house.start("--run-task", "Test", order={"hold": "stage:", "gate": str(gate)})
    until(gate.with_suffix(".held").exists)
    process.send_signal(signal.SIGINT)
    gate.touch()
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert house.data_files() == set()
    assert [path for path in (house.output / "_dtaas").rglob("*") if path.is_file() and "staging" in path.parts] == []


def test_another_process_can_pause_a_run(house: House) -> None:
    house.numbers(1000)
    house.imported(options={"reading": "resumable"})
    gate = house.folder / "gate"
    process = house.start("--run-task", "Test", order={"hold": "stage:", "gate": str(gate)})
    until(gate.with_suffix(".held").exists)
    pausing = house.start("--pause-task", "Test")
    # Let go only when the run has surely read the request: two signs of life after the request was there.
    until(lambda: house.metadata("SELECT request FROM run WHERE state = 'running'") == [("pause",)])
    for _ in range(2):
        seen = house.metadata("SELECT seen_at FROM run")
        until(lambda: house.metadata("SELECT seen_at FROM run") != seen)  # noqa: B023 - called at once
    gate.touch()
    out, err = pausing.communicate(timeout=60)
    assert pausing.returncode == 0, err
    assert "is paused" in out
    process.communicate(timeout=60)
    assert process.returncode == 5


def test_the_same_task_runs_once_at_a_time(house: House) -> None:
    house.numbers(1000)
    house.imported()
    gate = house.folder / "gate"
    process = house.start("--run-task", "Test", order={"hold": "stage:", "gate": str(gate)})
    until(gate.with_suffix(".held").exists)
    code, _, err = house.run("--run-task", "Test")
    assert code == 4
    assert "already running" in err
    gate.touch()
    process.communicate(timeout=60)
    assert process.returncode == 0


@pytest.mark.parametrize("connection", ["out", "duck"])
def test_with_the_lock_forced_away_the_destination_refuses_the_second(house: House, connection: str) -> None:
    house.numbers(100)
    house.imported(to=[{"connection": connection, "write_mode": "append"}])
    gate = house.folder / "gate"
    slow = house.start("--run-task", "Test", order={"hold": "publish:", "gate": str(gate)})
    until(gate.with_suffix(".held").exists)
    for lock in (house.workspace / "locks").glob("*.lock"):
        lock.unlink()
    quick = house.run("--run-task", "Test")
    gate.touch()
    _, err = slow.communicate(timeout=60)
    codes = sorted([quick[0], slow.returncode])
    assert codes[0] == 0, (quick, err)
    assert codes[1] in (2, 4), (quick, err)
    rows = house.published().num_rows if connection == "out" else house.in_duckdb("SELECT count(*) FROM t")[0][0]
    assert rows == 100


def test_a_failed_table_does_not_stop_the_others(house: House) -> None:
    house.numbers(10, "good")
    house.sql("CREATE TABLE bad (id INTEGER PRIMARY KEY, n INTEGER)", "INSERT INTO bad VALUES (1, 'seven')")
    house.imported()
    code, out, _ = house.run("--run-task", "Test")
    assert code == 2
    assert "bad" in out
    assert "FAILED" in out
    assert house.published("good").num_rows == 10
    house.sql("UPDATE bad SET n = 7")
    house.must("--run-task", "Test")
    assert house.published("bad").to_pylist() == [{"id": 1, "n": 7}]


def test_the_version_is_told_without_loading_what_a_run_needs() -> None:
    code = (
        "import sys\nfrom dtaas_desktop.cli.main import main\n"
        "try: main(['--version'])\nexcept SystemExit: pass\n"
        "print(sorted({'pyarrow', 'pydantic', 'sqlalchemy', 'duckdb', 'rich', 'PySide6'} & set(sys.modules)))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert told.splitlines()[-1] == "[]"
