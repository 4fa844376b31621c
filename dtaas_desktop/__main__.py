"""Chooses what to start. Qt is never imported for the command line."""

import atexit
import os
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

# Looked at by libraries while they are imported: threads for the algebra of matrices, which nobody needs here (they spin), and
# plugins, which would be looked for in the metadata of all that is installed.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")


def main() -> int:
    """The exit code of the program."""
    from dtaas_desktop.cli.main import main as command_line

    return command_line(sys.argv[1:], window)


def window(workspace: Path | None, arguments: Sequence[str]) -> int:
    """Show the window, or say what it lacks here."""
    from importlib.util import find_spec

    missing = [name for name in ("PySide6", "shiboken6", "qtawesome") if find_spec(name) is None]
    if missing:
        return _say(f"The window needs {missing[0]}, which is not installed here.", "pip install 'dtaas-desktop[app]'")
    if not _has_display():
        return _say("There is no display to show the window on.", "")
    from dtaas_desktop.ui.app import main as show

    return show(workspace, arguments)


def _has_display() -> bool:
    if sys.platform in ("win32", "darwin"):
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))


def _say(what: str, install: str) -> int:
    remedy = f"Install it with {install}, or use" if install else "Use"
    sys.stderr.write(f"{what}\n{remedy} the command line: dtaas-desktop --help shows what it can do.\n")
    return 2


def _leave(code: int) -> None:
    """End the process. What a command had to do is done and on the disk: taking the interpreter apart with all that was loaded would
    cost each of them a third of a second."""
    if "PySide6" in sys.modules or threading.active_count() > 1:
        sys.exit(code)
    atexit._run_exitfuncs()
    with suppress(OSError, ValueError):  # a pipe that nobody reads any more
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    _leave(main())
