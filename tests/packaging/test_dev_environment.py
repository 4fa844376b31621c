"""An environment is whole, or it is made again: whatever happened to it, and whoever interrupted its making."""

import io
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import dev_environment
import pytest
from dev_environment import Environment, follow_pip
from dev_system import Need, SetupFailed

NEED = Need("a library", "libwanted1", lambda: True)


class Interrupted(BaseException):
    """Stands for SIGKILL: nothing of ours runs after it."""


@pytest.fixture
def locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "locks"
    folder.mkdir()
    for name in ("core", "dev"):
        (folder / f"{name}.txt").write_text(f"{name}-package==1.0 \\\n    --hash=sha256:00\n")
    monkeypatch.setattr(dev_environment, "LOCKS", folder)
    return folder


@pytest.fixture
def environment(tmp_path: Path, locks: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
    """An environment whose `venv` and `pip` only make the files that theirs would be known by."""
    made = Environment(tmp_path / "env", product=True)
    monkeypatch.setattr(dev_environment, "provide", lambda needs: None)

    def venv(command: Sequence[str], **_: object) -> "subprocess.CompletedProcess[str]":
        site(made.folder).mkdir(parents=True)
        made.scripts.mkdir(parents=True, exist_ok=True)
        made.python.touch()
        return subprocess.CompletedProcess(command, 0, stdout="")

    def pip(command: Sequence[str], total: int, folder: Path, log: io.TextIOBase) -> int:
        for lock in command[command.index("-r") + 1 :: 2]:
            (site(folder) / f"{Path(lock).stem}_package").mkdir()
        return 0

    monkeypatch.setattr(subprocess, "run", venv)
    monkeypatch.setattr(dev_environment, "follow_pip", pip)
    return made


def site(folder: Path) -> Path:
    return folder / ("Lib" if sys.platform == "win32" else "lib/python3.11") / "site-packages"


def test_the_first_use_makes_it_and_later_ones_leave_it(environment: Environment, capsys: pytest.CaptureFixture[str]) -> None:
    assert not environment.is_ready(["core"])
    assert environment.ensure(["core"], [NEED]) == environment.python
    assert "env is ready: " in capsys.readouterr().out
    before = environment.stamp.stat().st_mtime_ns
    environment.ensure(["core"], [NEED])
    assert environment.stamp.stat().st_mtime_ns == before
    assert capsys.readouterr().out == ""


def test_the_product_is_known_in_it_and_has_its_command(environment: Environment) -> None:
    environment.ensure(["core"], [])
    assert (site(environment.folder) / "dtaas-desktop.pth").read_text().strip() == str(dev_environment.ROOT)
    name = "dtaas-desktop.cmd" if sys.platform == "win32" else "dtaas-desktop"
    assert "-m dtaas_desktop" in (environment.scripts / name).read_text()


def test_another_lock_is_added_to_what_is_there(environment: Environment) -> None:
    environment.ensure(["core"], [])
    (site(environment.folder) / "kept").touch()
    environment.ensure(["core", "dev"], [])
    assert {"core_package", "dev_package", "kept"} <= {entry.name for entry in site(environment.folder).iterdir()}
    assert environment.is_ready(["core", "dev"])
    assert environment.is_ready(["dev"])


BREAKAGES: dict[str, Callable[[Environment], object]] = {
    "its Python is gone": lambda broken: broken.python.unlink(),
    "a package is gone": lambda broken: shutil.rmtree(site(broken.folder) / "core_package"),
    "its packages are gone": lambda broken: shutil.rmtree(site(broken.folder)),
    "the stamp is gone": lambda broken: broken.stamp.unlink(),
    "the stamp is cut": lambda broken: broken.stamp.write_text(broken.stamp.read_text()[:20]),
    "the stamp is something else": lambda broken: broken.stamp.write_text("[1]"),
    "it was never finished": lambda broken: broken.stamp.write_text(json.dumps(dev_environment.UNFINISHED)),
    "it was moved": lambda broken: broken.stamp.write_text(
        broken.stamp.read_text().replace(json.dumps(str(dev_environment.ROOT)), '"/elsewhere"')
    ),
    "a lock has changed": lambda broken: (dev_environment.LOCKS / "core.txt").write_text("core-package==2.0\n"),
}


@pytest.mark.parametrize("breakage", BREAKAGES)
def test_a_broken_one_is_noticed_and_made_again(environment: Environment, breakage: str) -> None:
    environment.ensure(["core"], [])
    BREAKAGES[breakage](environment)
    left_over = environment.folder / "left-over"
    left_over.touch()
    assert not environment.is_ready(["core"])
    environment.ensure(["core"], [])
    assert environment.is_ready(["core"])
    assert not left_over.exists()


@pytest.mark.parametrize("step", ["_create", "_install", "_add_product", "_site"])
def test_one_that_was_killed_while_it_was_made_is_made_again(
    environment: Environment, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    real = getattr(Environment, step)

    def killed(*arguments: object) -> None:
        real(*arguments)
        raise Interrupted

    with monkeypatch.context() as patch:
        patch.setattr(Environment, step, killed)
        with pytest.raises(Interrupted):
            environment.ensure(["core"], [])
    assert not environment.is_ready(["core"])
    environment.ensure(["core"], [])
    assert environment.is_ready(["core"])


def test_adding_a_lock_and_being_killed_does_not_leave_it_ready(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment.ensure(["core"], [])
    with monkeypatch.context() as patch:
        patch.setattr(Environment, "_install", lambda self, locks: (_ for _ in ()).throw(Interrupted))
        with pytest.raises(Interrupted):
            environment.ensure(["core", "dev"], [])
    assert not environment.is_ready(["core"])


def test_a_folder_that_is_not_ours_is_kept_under_another_name(environment: Environment) -> None:
    environment.folder.mkdir()
    (environment.folder / "mine").write_text("precious")
    environment.ensure(["core"], [])
    assert (environment.folder.with_name("env-old1") / "mine").read_text() == "precious"
    assert environment.is_ready(["core"])


def test_a_command_with_a_new_need_looks_at_the_system_again(environment: Environment) -> None:
    environment.ensure(["core"], [])
    assert environment.is_ready(["core"])
    assert not environment.is_ready(["core"], [NEED])
    environment.ensure(["core"], [NEED])
    assert environment.is_ready(["core"], [NEED])


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("WARNING: Retrying after NewConnectionError('Failed to establish')\nERROR: No matching distribution", "No network: "),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES\npip could not"),
    ],
)
def test_a_failed_installation_says_why(environment: Environment, monkeypatch: pytest.MonkeyPatch, said: str, told: str) -> None:
    def pip(command: object, total: object, folder: object, log: io.TextIOBase) -> int:
        log.write(said)
        return 1

    monkeypatch.setattr(dev_environment, "follow_pip", pip)
    with pytest.raises(SetupFailed) as failure:
        environment.ensure(["core"], [])
    assert str(failure.value).startswith(told)
    assert not environment.is_ready(["core"])


def test_pip_is_followed_package_by_package(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = """\
Ignoring tzdata: markers 'sys_platform == "win32"' don't match your environment
Requirement already satisfied: rich==15.0.0 in ./site-packages
Collecting pyarrow==26.0.1 (from -r core.txt (line 3))
  Downloading pyarrow-26.0.1-cp311-cp311-manylinux_2_28_x86_64.whl.metadata (3.3 kB)
  Downloading pyarrow-26.0.1-cp311-cp311-manylinux_2_28_x86_64.whl (55.0 MB)
  Using cached annotated_types-0.8.0-py3-none-any.whl (13 kB)
Installing collected packages: pyarrow, annotated-types
"""
    log = io.StringIO()
    assert follow_pip([sys.executable, "-c", f"print({words!r}, end='')"], 4, tmp_path, log) == 0
    assert capsys.readouterr().out.splitlines() == [
        "    2 of 3  pyarrow 26.0.1  55.0 MB",
        "    3 of 3  annotated-types 0.8.0  13 kB",
        "  unpacking 2 packages",
    ]
    assert log.getvalue() == words


def test_pips_own_failure_is_the_result(tmp_path: Path) -> None:
    assert follow_pip([sys.executable, "-c", "raise SystemExit(3)"], 1, tmp_path, io.StringIO()) == 3


@pytest.mark.skipif(sys.platform == "win32", reason="the lock of this test is POSIX")
def test_the_lock_is_free_when_its_holder_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "env.lock"
    holder = f"""
import sys, time
sys.path.insert(0, {str(dev_environment.ROOT / "packaging")!r})
import dev_environment, pathlib
with dev_environment._alone(pathlib.Path({str(path)!r})):
    print("held", flush=True)
    time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", holder], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with path.open("a+b") as file:
            assert not dev_environment._locked(file)
            process.kill()
            process.wait()
            assert dev_environment._locked(file)
