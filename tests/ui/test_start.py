"""How the window starts: what it loads, what it says where it cannot, what it remembers."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from dtaas_desktop.cli.main import COMMANDS, main, parser
from dtaas_desktop.services.workspace import open_workspace
from dtaas_desktop.ui.app import Desk
from dtaas_desktop.ui.theme import Theme
from tests.cli.house import ROOT

PATIENCE = 60_000
# Each costs a tenth of a second or some ten megabytes, and nobody needs them before a page asks for them.
LATER = (
    "pyarrow.compute",
    "pyarrow.parquet",
    "pandas",
    "pyqtgraph",
    "duckdb",
    "alembic",
    "cryptography",
    "psycopg",
    "keyring",
    "qtawesome",
)

SHOWN = """
import json, sys
from pathlib import Path
from dtaas_desktop.ui import app
from dtaas_desktop.ui.main_window import MainWindow

def shown(window, event):
    print(json.dumps(sorted(sys.modules)), flush=True)
    window.context.navigator.destroyed.connect(lambda: None)
    app.QTimer.singleShot(0, window.close_without_asking)

MainWindow.showEvent = shown
sys.exit(app.main(Path(sys.argv[1]), ()))
"""


def test_the_window_starts_without_what_only_pages_and_runs_need(tmp_path: Path) -> None:
    open_workspace(tmp_path / "workspace").close()  # a new one is made with Alembic
    done = subprocess.run(
        [sys.executable, "-c", SHOWN, str(tmp_path / "workspace")],
        cwd=ROOT,
        env=os.environ | {"QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    loaded = set(json.loads(done.stdout.splitlines()[0]))
    assert loaded.isdisjoint(LATER), loaded & set(LATER)


def test_without_a_command_the_window_is_asked_for_with_the_workspace(tmp_path: Path) -> None:
    asked: list[tuple[Path | None, Sequence[str]]] = []

    def window(folder: Path | None, arguments: Sequence[str]) -> int:
        asked.append((folder, arguments))
        return 7

    assert main(["--workspace", str(tmp_path)], window) == 7
    assert main([], window) == 7
    assert main(["--workspace", str(tmp_path), "--list-tasks"], window) == 0
    assert asked == [(tmp_path, ()), (None, ())]


def test_every_command_of_the_command_line_keeps_the_window_closed() -> None:
    others = {
        "help",
        "version",
        "workspace",
        "as_copy",
        "take_over",
        "full_reload",
        "only",
        "follow",
        "json",
        "attached",
        "origin",
    }
    assert set(COMMANDS) == {action.dest for action in parser()._actions} - others


@pytest.fixture
def desk(qapp: QApplication, theme: Theme) -> Iterator[Desk]:
    made = Desk(qapp, lambda code: None)
    yield made
    if made.window is not None:
        made.window.close_without_asking()
        made.window.deleteLater()
    if made.refused is not None:
        made.refused.close()
        made.refused.deleteLater()
    made.end()
    made.deleteLater()
    theme.choose("dark")


def test_a_workspace_that_cannot_be_used_is_told_and_another_one_can_be_chosen(desk: Desk, tmp_path: Path, qtbot: QtBot) -> None:
    (tmp_path / "file").write_text("in the way")
    desk.begin(tmp_path / "file" / "workspace")
    qtbot.waitUntil(lambda: desk.refused is not None, timeout=PATIENCE)
    assert desk.refused is not None
    qtbot.mouseClick(desk.refused.other, Qt.MouseButton.LeftButton)
    folders = desk.refused.folders
    assert folders is not None
    folders.fileSelected.emit(str(tmp_path / "workspace"))
    qtbot.waitUntil(lambda: desk.window is not None, timeout=PATIENCE)
    assert desk.window is not None
    assert desk.window.isVisible()
    assert desk.window.context.workspace.folder == tmp_path / "workspace"


def test_the_saved_theme_is_there_from_the_start(desk: Desk, tmp_path: Path, qtbot: QtBot) -> None:
    workspace = open_workspace(tmp_path / "workspace")
    workspace.settings.save(workspace.settings.load().model_copy(update={"theme": "light"}))
    workspace.close()
    desk.begin(tmp_path / "workspace")
    qtbot.waitUntil(lambda: desk.window is not None, timeout=PATIENCE)
    assert not desk.theme.tokens.dark


def test_an_unexpected_error_goes_into_the_log_of_the_workspace(desk: Desk, tmp_path: Path, qtbot: QtBot) -> None:
    desk.begin(tmp_path / "workspace")
    qtbot.waitUntil(lambda: desk.window is not None, timeout=PATIENCE)
    desk.unexpected.of_background(LookupError("nothing there"))
    assert desk.unexpected.dialog is not None
    desk.unexpected.dialog.close()
    assert "LookupError: nothing there" in (tmp_path / "workspace" / "logs" / "window.log").read_text(encoding="utf-8")
