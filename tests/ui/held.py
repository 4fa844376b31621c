"""Runs started by the window, held at a named step of theirs until the test lets them go on."""

import json
import sys
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from dtaas_desktop.services import run_process
from dtaas_desktop.services.workspace import Workspace
from tests.cli.house import DRIVEN, ROOT


@dataclass(frozen=True)
class Gate:
    """`is_held` once a run waits here."""

    file: Path

    def is_held(self) -> bool:
        return self.file.with_suffix(".held").exists()

    def open(self) -> None:
        """Let it go on, and those that come later."""
        self.file.touch()


def hold(monkeypatch: pytest.MonkeyPatch, folder: Path, step: str = "stage") -> Gate:
    """From now on every run that is started waits at its first step whose name begins with `step`."""
    gate = Gate(folder / "gate")
    program = [sys.executable, str(DRIVEN), json.dumps({"hold": step, "gate": str(gate.file)})]
    monkeypatch.setattr(run_process, "_program", lambda: program)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return gate


def wait_until_told(qtbot: QtBot, workspace: Workspace, request: str) -> None:
    """Wait until the running run has read that it is to pause or to cancel: a run reads it whenever it writes that it lives."""
    qtbot.waitUntil(lambda: workspace.history.running()[0].request == request, timeout=60_000)
    for _ in range(2):  # it obeys a moment after it has written
        now = time.time()
        qtbot.waitUntil(partial(_has_written, workspace, now), timeout=60_000)


def _has_written(workspace: Workspace, since: float) -> bool:
    return workspace.history.running()[0].seen_at > since
