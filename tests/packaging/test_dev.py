"""packaging/dev.py: what a person types, and what it runs."""

import ast
import runpy
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import dev
import pytest
from dev_environment import ROOT, Environment
from dev_system import Need, SetupFailed

DEV = ROOT / "packaging" / "dev.py"
PYTHON = Path("python-of-the-environment")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The environments asked for: folder, then locks; none is made."""
    environments: list[tuple[str, ...]] = []

    def ensure(self: Environment, locks: Sequence[str], needs: Sequence[Need]) -> Path:
        environments.append((self.folder.name, *locks))
        return PYTHON

    monkeypatch.setattr(Environment, "ensure", ensure)
    monkeypatch.chdir(ROOT)
    return environments


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, asked: list[tuple[str, ...]]) -> list[str]:
    """The words of the command that is handed over to."""
    words: list[str] = []

    def hand_over(command: Sequence[str | Path]) -> int:
        words.extend(map(str, command))
        return 7

    monkeypatch.setattr(dev, "hand_over", hand_over)
    return words


def test_demo_without_a_display_needs_only_the_core_and_passes_arguments_on(
    run: list[str], asked: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dev, "has_display", lambda: False)
    assert dev.main(["demo", "--json"]) == 7
    assert asked == [(".venv", "core")]
    assert run == [
        str(PYTHON),
        "-P",
        "-m",
        "dtaas_desktop",
        "--workspace",
        str(ROOT / "demo-workspace"),
        "--run-sample",
        "--json",
    ]


@pytest.mark.parametrize(("code", "shown"), [(0, True), (2, False)])
def test_demo_with_a_display_runs_the_sample_and_opens_the_window_on_it(
    code: int, shown: bool, run: list[str], asked: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    before: list[list[str]] = []

    def finish(command: Sequence[str | Path], **_: object) -> "subprocess.CompletedProcess[bytes]":
        before.append([str(word) for word in command])
        return subprocess.CompletedProcess(command, code)

    monkeypatch.setattr(dev, "has_display", lambda: True)
    monkeypatch.setattr("subprocess.run", finish)
    assert dev.main(["demo"]) == (7 if shown else code)
    program = [str(PYTHON), "-P", "-m", "dtaas_desktop", "--workspace", str(ROOT / "demo-workspace")]
    assert before == [[*program, "--run-sample"]]
    assert run == (program if shown else [])
    assert asked == [(".venv", "core", "app")]


def test_app_opens_the_window(run: list[str], asked: list[tuple[str, ...]]) -> None:
    assert dev.main(["app", "--workspace", "somewhere"]) == 7
    assert asked == [(".venv", "core", "app")]
    assert run == [str(PYTHON), "-P", "-m", "dtaas_desktop", "--workspace", "somewhere"]


def test_tests_run_on_all_cores_with_the_arguments_given(run: list[str], asked: list[tuple[str, ...]]) -> None:
    assert dev.main(["test", "tests/domain", "-k", "x"]) == 7
    assert asked == [(".venv", "core", "app", "dev")]
    cores = str(dev.usable_cores())
    assert run == [str(PYTHON), "-m", "pytest", "-n", cores, "--dist", "worksteal", "tests/domain", "-k", "x"]


@pytest.mark.parametrize("choice", [["-n0"], ["-n", "4"], ["--numprocesses=2"], ["--pdb"]])
def test_a_choice_of_processes_is_left_alone(run: list[str], choice: list[str]) -> None:
    dev.main(["test", *choice])
    assert run == [str(PYTHON), "-m", "pytest", *choice]


def test_bench_has_an_environment_for_the_product_and_one_for_its_peers(run: list[str], asked: list[tuple[str, ...]]) -> None:
    dev.main(["bench", "--rounds", "1"])
    assert asked == [(".venv", "core", "app"), (".venv-bench", "bench")]
    assert run[1:] == [str(ROOT / "packaging" / "benchmarks" / "run.py"), "--rounds", "1"]


@pytest.mark.parametrize("arguments", [[], ["tset"]])
def test_no_or_an_unknown_command_is_refused_naming_the_known_ones(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        dev.main(arguments)
    assert ended.value.code == 2
    assert "usage: python3 packaging/dev.py COMMAND" in capsys.readouterr().err


def test_a_failed_set_up_is_a_sentence_and_an_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def ensure(*_: object) -> Path:
        raise SetupFailed("No network: connect.")

    monkeypatch.setattr(Environment, "ensure", ensure)
    assert dev.main(["demo"]) == 2
    assert capsys.readouterr().err == "No network: connect.\n"


@pytest.mark.usefixtures("asked")
def test_check_runs_all_four_tools_and_fails_with_any_of_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran: list[str] = []

    def tool(command: Sequence[Path], **_: object) -> "subprocess.CompletedProcess[bytes]":
        ran.append(command[0].name)
        return subprocess.CompletedProcess(command, int(command[0].name == "mypy"), stdout=b"a.py:1: wrong")

    monkeypatch.setattr(subprocess, "run", tool)
    assert dev.main(["check"]) == 1
    assert ran == ["ruff", "ruff", "mypy", "lint-imports"]
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[-3] for line in lines if line.endswith(" s")] == ["ok", "ok", "FAILED", "ok"]
    assert lines.count("a.py:1: wrong") == 1


def test_an_old_python_is_told_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 2, "final", 0))
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(DEV), run_name="__main__")
    assert "needs Python 3.11 or newer" in str(ended.value.code)
    assert "is Python 3.9" in str(ended.value.code)


def test_an_old_python_can_read_as_far_as_that_sentence() -> None:
    ast.parse(DEV.read_text("utf-8"), feature_version=(3, 6))


def test_the_folder_packaging_does_not_hide_the_library_of_that_name() -> None:
    assert not (ROOT / "packaging" / "__init__.py").exists()
    told = subprocess.run(
        [sys.executable, "-c", "import packaging.version; print(packaging.__file__)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "site-packages" in told.stdout
