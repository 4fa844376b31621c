"""One window per workspace, with real processes of the application."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from dtaas_desktop.ui.single_instance import SingleInstance, server_name
from tests.cli.house import ROOT

PATIENCE = 60_000
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[subprocess.Popen[str]] = []

    def begin(folder: Path, *words: str, **environment: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "-P", "-m", "dtaas_desktop", "--workspace", str(folder), *words]
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT), "QT_QPA_PLATFORM": "offscreen"} | environment,
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def is_open(folder: Path) -> bool:
    """Whether a window has the workspace, and listens."""
    other = SingleInstance(folder)
    return other.call()


def test_a_second_start_raises_the_first_window_and_ends(start: Start, tmp_path: Path, qtbot: QtBot) -> None:
    first = start(tmp_path / "workspace")
    qtbot.waitUntil(lambda: is_open(tmp_path / "workspace"), timeout=PATIENCE)
    second = start(tmp_path / "workspace")
    assert second.wait(60) == 0
    assert first.poll() is None
    first.send_signal(signal.SIGTERM)
    assert first.wait(60) == 0


def test_a_window_that_was_killed_keeps_nobody_out(start: Start, tmp_path: Path, qtbot: QtBot) -> None:
    first = start(tmp_path / "workspace")
    qtbot.waitUntil(lambda: is_open(tmp_path / "workspace"), timeout=PATIENCE)
    first.kill()
    first.wait()
    second = start(tmp_path / "workspace")
    qtbot.waitUntil(lambda: is_open(tmp_path / "workspace"), timeout=PATIENCE)
    assert second.poll() is None


def test_two_workspaces_have_two_windows(start: Start, tmp_path: Path, qtbot: QtBot) -> None:
    both = [start(tmp_path / "one"), start(tmp_path / "two")]
    qtbot.waitUntil(lambda: is_open(tmp_path / "one") and is_open(tmp_path / "two"), timeout=PATIENCE)
    assert [process.poll() for process in both] == [None, None]


def test_the_one_who_came_first_is_told_to_raise_its_window(tmp_path: Path, qtbot: QtBot) -> None:
    first, second = SingleInstance(tmp_path), SingleInstance(tmp_path)
    assert first.claim()
    with qtbot.waitSignal(first.raised, timeout=PATIENCE):
        assert second.call()
    first.release()
    assert not second.call()
    assert second.claim()
    second.release()


def test_the_name_of_the_server_is_the_folders_however_it_is_written(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "a")
    assert server_name(tmp_path / "a") == server_name(tmp_path / "link") == server_name(tmp_path / "a" / ".." / "a")
    assert server_name(tmp_path / "a") != server_name(tmp_path / "b")
    assert len(server_name(tmp_path / "a")) < 60


def test_without_a_display_the_window_says_what_to_use_instead(start: Start, tmp_path: Path) -> None:
    process = start(tmp_path, QT_QPA_PLATFORM="", DISPLAY="", WAYLAND_DISPLAY="")
    _, said = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "display" in said
    assert "--help" in said
    assert "Traceback" not in said
