"""Every page in its states, in both themes, as PNGs in build/screenshots; and a look for texts that do not fit.

A picture's name is page-state-theme-WIDTHxHEIGHT@SCALE.png. Scales are made by processes of their own: Qt takes one scale for life.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from PySide6.QtGui import QPixmap
    from sqlalchemy import Connection

    from dtaas_desktop.services.database import Database
    from dtaas_desktop.services.workspace import Workspace
    from dtaas_desktop.ui.background import Background
    from dtaas_desktop.ui.main_window import MainWindow
    from dtaas_desktop.ui.theme import Theme

ROOT = Path(__file__).resolve().parent.parent
SCALES = (1.0, 1.5, 2.0)
SIZES = ((1024, 700), (1440, 900))
THEMES: tuple[Literal["dark", "light"], ...] = ("dark", "light")
_SETTLED_SECONDS = 0.2
_PATIENCE = 30.0


@dataclass(frozen=True)
class Scene:
    """A picture: what is open, in which workspace, and what the metadata do meanwhile."""

    page: str
    state: str
    workspace: str = "full"  # or empty, or sql server
    item: str = ""  # a key of what screenshot_workspace.fill answers, or a name
    act: str = ""
    metadata: str = "answer"  # or wait, or fail
    afterwards: str = ""  # an action of the window to trigger, by its text
    then: tuple[str, ...] = ()  # what is done on the page (screenshot_steps), with “: ” before what with
    seen: str = ""  # a step that brings into view what the picture is about, at each size again


SCENES = (
    *(
        Scene(page, state, workspace, metadata=metadata)
        for page in ("dashboard", "tasks", "connections", "runs", "settings")
        for state, workspace, metadata in (
            ("full", "full", "answer"),
            ("empty", "empty", "answer"),
            ("loading", "full", "wait"),
            ("error", "full", "fail"),
        )
        if (page, state) != ("settings", "empty")  # settings always have values
    ),
    Scene("tasks", "new", act="new"),
    Scene("tasks", "edit", item="task", act="edit"),
    Scene("connections", "new", act="new"),
    Scene("connections", "edit", item="Shop, production"),
    Scene("runs", "running", item="running"),
    Scene("runs", "failed", item="failed"),
    Scene("runs", "refused", item="refused"),
    Scene("runs", "done", item="done"),
    Scene("runs", "rows", item="done", then=("tab: 1",)),
    Scene("dashboard", "lower", then=("scroll",)),
    Scene("settings", "lower", then=("scroll",)),
    Scene("tasks", "chosen", item="task"),
    Scene("dashboard", "palette", afterwards="Search everything"),
    Scene("dashboard", "help", afterwards="Help"),
    Scene("dashboard", "about", afterwards="About DTaaS Desktop"),
    *(
        Scene(page, state, "sql server", item=item, act=act, then=then, seen=seen)
        for page, state, item, act, then, seen in (
            ("connections", "sqlserver-new", "", "new", ("kind: sqlserver",), ""),
            ("connections", "sqlserver-entra", "", "new", ("kind: sqlserver", "login: entra managed identity"), ""),
            ("connections", "sqlserver-advanced", "Shop, SQL Server", "", (), "advanced"),
            ("connections", "sqlserver-help", "Shop, SQL Server", "", ("help",), ""),
            ("connections", "sqlserver-unreachable", "Wrong port", "", ("test",), ""),
            ("connections", "sqlserver-refused", "Wrong password", "", ("test",), ""),
            ("connections", "sqlserver-browsed", "Shop, SQL Server", "", ("test", "table: sales.Orders"), "column: modified_at"),
            ("tasks", "by-column", "by column", "edit", (), "what is read"),
            ("tasks", "by-column-wrong", "by column", "edit", ("look back: soon",), "what is read"),
            ("tasks", "checked", "whole", "", ("check",), ""),
            ("runs", "measured", "measured", "", ("table: sales.Orders",), ""),
        )
    ),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--into", type=Path, default=ROOT / "build" / "screenshots")
    parser.add_argument("--only", default="", help="scenes whose name (page-state) holds this")
    parser.add_argument("--scale", type=float, help="only this scale")
    parser.add_argument("--theme", choices=THEMES, help="only this theme")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.here:
        return take(options)
    found = 0
    for scale in [options.scale] if options.scale else SCALES:
        surroundings = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "QT_SCALE_FACTOR": str(scale)}
        words = [sys.executable, __file__, "--here", "--into", options.into, "--only", options.only, "--scale", str(scale)]
        words += ["--theme", options.theme] if options.theme else []
        found |= subprocess.run([str(word) for word in words], env=surroundings, check=False).returncode
    print(f"{len(list(options.into.glob('*.png')))} pictures in {options.into}")
    return found


def take(options: argparse.Namespace) -> int:
    """All scenes at the scale of this process; 1 if a text somewhere does not fit."""
    import screenshot_steps
    from PySide6.QtWidgets import QApplication

    from dtaas_desktop.ui.theme import Theme

    application = QApplication(["dtaas-desktop"])
    theme = Theme(application, "dark")
    options.into.mkdir(parents=True, exist_ok=True)
    complaints: set[str] = set()
    scenes = [scene for scene in SCENES if options.only in f"{scene.page}-{scene.state}"]
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        workspaces = _Workspaces(Path(folder), stack)
        scenes = [scene for scene in scenes if workspaces.has(scene.workspace)]
        for scene in scenes:
            with workspaces.window(scene, theme) as window:
                for choice in THEMES:
                    if options.theme not in (None, choice):
                        continue
                    theme.choose(choice)
                    for width, height in SIZES if not scene.afterwards else SIZES[-1:]:  # what floats was put there for one size
                        window.resize(width, height)
                        _settle(window.context.background, waits=scene.metadata == "wait")
                        if scene.seen:
                            screenshot_steps.do(window, scene.seen)
                            _settle(window.context.background)
                        name = f"{scene.page}-{scene.state}-{choice}-{width}x{height}@{options.scale:g}.png"
                        _grab(window).save(str(options.into / name))
                        complaints |= {f"{name}: {complaint}" for complaint in _misfits(window)}
    for complaint in sorted(complaints):
        print(complaint)
    return 1 if complaints else 0


class _Workspaces:
    """The workspaces, each opened once and when it is wanted; a window a scene."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder, self._stack = folder, stack
        self._opened: dict[str, tuple[Workspace, dict[str, str]]] = {}

    def has(self, name: str) -> bool:
        """Whether there can be such a workspace here; if not, the reason is printed."""
        if name != "sql server" or name in self._opened:
            return True
        import screenshot_sqlserver

        reason = screenshot_sqlserver.why_not()
        if reason:
            print(f"No pictures of SQL Server: {reason}.")
        return not reason

    def opened(self, name: str) -> "tuple[Workspace, dict[str, str]]":
        """The workspace, and what is in it by keys (Scene.item)."""
        import screenshot_sqlserver
        import screenshot_workspace

        from dtaas_desktop.services.workspace import open_workspace

        if name not in self._opened:
            workspace = open_workspace(self._folder / name)
            self._stack.callback(workspace.close)
            fill = {"full": screenshot_workspace.fill, "sql server": screenshot_sqlserver.fill}.get(name)
            self._opened[name] = workspace, fill(workspace, self._folder, self._stack) if fill is not None else {}
        return self._opened[name]

    @contextmanager
    def window(self, scene: Scene, theme: "Theme") -> Iterator["MainWindow"]:
        import screenshot_steps

        from dtaas_desktop.ui.background import Background
        from dtaas_desktop.ui.context import Context, Navigator
        from dtaas_desktop.ui.live_runs import LiveRuns
        from dtaas_desktop.ui.main_window import MainWindow

        workspace, known = self.opened(scene.workspace)
        background, runs = Background(), LiveRuns(workspace)
        try:
            with _metadata(workspace.database, scene.metadata):
                window = MainWindow(Context(workspace, theme, background, runs, Navigator()))
                window.resize(*SIZES[-1])
                window.show()
                window.go(scene.page, known.get(scene.item, scene.item), scene.act)
                _settle(background, waits=scene.metadata == "wait")
                for step in scene.then:
                    screenshot_steps.do(window, step)
                    _settle(background, waits=scene.metadata == "wait")
                if scene.afterwards:
                    next(action for action in window.actions() if action.text() == scene.afterwards).trigger()
                    _settle(background, waits=scene.metadata == "wait")
                yield window
            window.close_without_asking()
        finally:
            runs.close("keep")
            background.close()


@contextmanager
def _metadata(database: "Database", manner: str) -> Iterator[None]:
    """Let the metadata answer, keep everybody waiting, or fail, as a busy disk or server would."""
    from dtaas_desktop.domain.errors import TransientError

    answered = threading.Event()
    reading = database.reading

    @contextmanager
    def held_up() -> Iterator["Connection"]:
        if manner == "fail":
            raise TransientError("The metadata database is in use by another process.", remedy="Try again in a moment.")
        answered.wait(_PATIENCE)
        with reading() as connection:
            yield connection

    if manner != "answer":
        database.reading = held_up  # type: ignore[method-assign]
    try:
        yield
    finally:
        answered.set()
        database.reading = reading  # type: ignore[method-assign]


def _settle(background: "Background", *, waits: bool = False) -> None:
    """Let the window come to rest: nothing in the pool for a moment or, where that `waits`, only what is made to wait."""
    from PySide6.QtTest import QTest

    deadline, quiet_since = time.monotonic() + (0.8 if waits else _PATIENCE), time.monotonic()
    while time.monotonic() < deadline and time.monotonic() - quiet_since < _SETTLED_SECONDS:
        QTest.qWait(20)
        if background.is_busy:
            quiet_since = time.monotonic()


def _grab(window: "MainWindow") -> "QPixmap":
    """The window with what floats above it."""
    from PySide6.QtGui import QPainter
    from PySide6.QtWidgets import QApplication

    picture = window.grab()
    painter = QPainter(picture)
    for above in QApplication.topLevelWidgets():
        if above is not window and above.isVisible() and above.parent() is not None:
            place = window.mapFromGlobal(above.mapToGlobal(above.rect().topLeft()))
            room = window.size() - above.size()
            place.setX(min(max(place.x(), 12), max(12, room.width() - 12)))  # without a window manager it may be anywhere
            place.setY(min(max(place.y(), 12), max(12, room.height() - 12)))
            painter.drawPixmap(place, above.grab())
    painter.end()
    return picture


def _misfits(window: "MainWindow") -> Iterator[str]:
    """Labels and buttons that have less room than their text asks for, and widgets of one parent that lie upon each other."""
    from PySide6.QtWidgets import QAbstractButton, QLabel, QWidget

    from dtaas_desktop.ui.widgets import ElidedLabel

    for widget in window.findChildren(QWidget):
        if not widget.isVisible() or widget.visibleRegion().isEmpty():
            continue
        if isinstance(widget, QLabel) and widget.text() and not isinstance(widget, ElidedLabel):
            needed = widget.sizeHint()
            if widget.wordWrap():
                needed.setWidth(0)
                needed.setHeight(widget.heightForWidth(widget.width()))
            if widget.width() < needed.width() or widget.height() < needed.height() - 1:
                yield f"“{widget.text()[:60]}” has {widget.width()}×{widget.height()}, needs {needed.width()}×{needed.height()}"
        elif isinstance(widget, QAbstractButton) and widget.text() and widget.width() < widget.minimumSizeHint().width():
            yield f"button “{widget.text()[:60]}” has {widget.width()}, needs {widget.minimumSizeHint().width()}"


if __name__ == "__main__":
    sys.exit(main())
