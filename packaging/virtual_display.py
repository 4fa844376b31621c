"""A display without a screen, and hands in it: for programs that start the window as a user would."""

import contextlib
import os
import struct
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

PATIENCE = 60.0  # seconds; another job may have the machine
_PAUSE = 0.05
T = TypeVar("T")


class NeverHappened(Exception):
    """What was waited for did not come; the text says what."""


@dataclass(frozen=True)
class Display:
    """A running X server with a window manager. `environment` is what a program needs to appear on it."""

    environment: Mapping[str, str]
    frame: Path  # the picture, as the server keeps it: an XWD file

    def do(self, *words: str) -> str:
        """Run xdotool; what it said."""
        done = subprocess.run(["xdotool", *words], env=self.environment, capture_output=True, text=True, check=False)
        return done.stdout.strip()

    def window(self, title: str) -> str:
        """The id of the visible window whose title holds these words, brought to the front. Raises NeverHappened."""
        found = until(lambda: self.do("search", "--onlyvisible", "--name", title), f"a window “{title}” on the display")
        window = found.splitlines()[-1]
        self.do("windowactivate", "--sync", window)
        return window

    def write(self, text: str) -> None:
        """Type it."""
        self.do("type", "--delay", "15", text)

    def press(self, key: str) -> None:
        """A key or a chord, as xdotool names them: Return, ctrl+k."""
        self.do("key", key)

    def save_screenshot(self, png: Path) -> None:
        """The whole display as a PNG."""
        from PySide6.QtGui import QImage

        raw = self.frame.read_bytes()
        # X11/XWDFile.h: 25 big-endian words, the window's name, the colour map (12 bytes an entry), the pixels.
        head = struct.unpack(">25I", raw[:100])
        size, width, height, line, colours = head[0], head[4], head[5], head[12], head[19]
        image = QImage(raw[size + 12 * colours :], width, height, line, QImage.Format.Format_RGB32)
        png.parent.mkdir(parents=True, exist_ok=True)
        if not image.copy().save(str(png)):
            raise NeverHappened(f"{png} could not be written")


def until(look: Callable[[], T], what: str, *, patience: float = PATIENCE) -> T:
    """The first true answer of `look`. Raises NeverHappened(`what`) after `patience` seconds."""
    deadline = time.monotonic() + patience
    while True:
        answer = look()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise NeverHappened(f"Never seen within {patience:.0f} s: {what}.")
        time.sleep(_PAUSE)


@contextlib.contextmanager
def virtual_display(size: str = "1440x900") -> Iterator[Display]:
    """An Xvfb of this size with openbox in it; both end with the context."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        reader, writer = os.pipe()
        server = stack.enter_context(
            _program(
                ["Xvfb", "-displayfd", str(writer), "-screen", "0", f"{size}x24", "-nolisten", "tcp", "-fbdir", folder],
                pass_fds=[writer],
            )
        )
        os.close(writer)
        with os.fdopen(reader) as answer:
            number = answer.readline().strip()  # empty if the server could not start
        if not number or server.poll() is not None:
            raise NeverHappened("Xvfb did not start")
        environment = {key: value for key, value in os.environ.items() if key != "WAYLAND_DISPLAY"}
        environment |= {"DISPLAY": f":{number}", "QT_QPA_PLATFORM": "xcb"}
        stack.enter_context(_program(["openbox", "--sm-disable"], environment=environment))
        yield Display(environment, Path(folder) / "Xvfb_screen0")


@contextlib.contextmanager
def _program(
    command: list[str], *, environment: Mapping[str, str] | None = None, pass_fds: list[int] | None = None
) -> Iterator["subprocess.Popen[bytes]"]:
    started = subprocess.Popen(
        command, env=environment, pass_fds=pass_fds or (), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield started
    finally:
        started.terminate()
        started.wait()
