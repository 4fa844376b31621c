"""A run as a process of its own, which lives on when the one that started it does not."""

import contextlib
import json
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.services.history import Request
from dtaas_desktop.services.run_request import RunRequest
from dtaas_desktop.services.workspace import open_workspace

CONSOLE_PROGRAM = "dtaas-desktop-cli"  # beside the windowed program in an installation
_BEGINS_WITHIN_SECONDS = 20.0


class RunProcess:
    """One run that was started here.

    The child tells what happens in JSON lines, and drops some rather than wait for a reader that is slow or gone. What it tells is
    in the history too: the lines only come sooner.
    """

    def __init__(self, process: subprocess.Popen[bytes], folder: Path, request: RunRequest, log: Path) -> None:
        self._process = process
        self._folder = folder
        self.request = request
        self.log = log

    @classmethod
    def start(cls, folder: Path, request: RunRequest) -> "RunProcess":
        """Start it and return at once. Raises UserError if no process can be started."""
        logs = folder / "logs"
        log = logs / f"run-{uuid.uuid4().hex}.log"
        try:
            logs.mkdir(parents=True, exist_ok=True)
            with log.open("ab") as errors:
                process = subprocess.Popen(
                    command_line(folder, request),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    cwd=folder,
                    close_fds=True,
                    # A session of its own: neither Ctrl-C in a terminal nor the end of the desktop session is the run's business.
                    start_new_session=True,
                    creationflags=_creation_flags(),
                )
        except OSError as error:
            raise UserError(
                f"The run of “{request.task}” could not be started: {error.strerror or error}.",
                remedy="Check that the application is completely installed and the workspace folder can be written.",
            ) from None
        return cls(process, folder, request, log)

    @property
    def pid(self) -> int:
        return self._process.pid

    def events(self) -> Iterator[dict[str, Any]]:
        """What the run tells, until it ends or closes the pipe; each as domain.events.to_dict has it, or an Error with message and
        remedy. Blocks; lines that are no JSON objects are passed over.
        """
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with contextlib.suppress(ValueError):
                told = json.loads(line)
                if isinstance(told, dict):
                    yield told

    def wait(self, timeout: float | None = None) -> int:
        """The exit code (cli.exit_codes), negative for the signal that killed it. Raises TimeoutError when it takes longer."""
        try:
            code = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"the run of “{self.request.task}” goes on") from None
        self.close()
        with contextlib.suppress(OSError):
            if self.log.stat().st_size == 0:
                self.log.unlink()
        return code

    def poll(self) -> int | None:
        """The exit code if it has ended."""
        return self._process.poll()

    def close(self) -> None:
        """Stop listening; the run goes on."""
        if self._process.stdout is not None:
            self._process.stdout.close()

    def ask(self, request: Request) -> bool:
        """Ask it to pause or to cancel, through the metadata; it does within about a second, at its next batch.

        Blocks until the run can be asked, for one that has just been started; False if it ended instead.
        """
        workspace = open_workspace(self._folder)
        try:
            task = workspace.tasks.named(self.request.task).uuid
            deadline = time.monotonic() + _BEGINS_WITHIN_SECONDS
            while time.monotonic() < deadline:
                newest = workspace.history.latest(task)
                ours = newest is not None and newest.state == "running" and newest.process == self.pid
                if ours and workspace.history.ask(task, request) is not None:
                    return True
                if self._process.poll() is not None:
                    return False
                time.sleep(0.05)
            return False
        finally:
            workspace.close()


def command_line(folder: Path, request: RunRequest) -> list[str]:
    """The command that runs it: of this interpreter, or of the installed program."""
    command = [*_program(), "--attached", f"--workspace={folder}", f"--origin={request.origin}"]
    command.append(f"--{'resume' if request.resume else 'run'}-task={request.task}")
    command += [f"--take-over={name}" for name in sorted(request.take_over)]
    command += [f"--full-reload={name}" for name in sorted(request.reload)]
    command += [f"--only={name}" for name in sorted(request.only)]
    return [*command, "--follow"] if request.follow else command


def _program() -> Sequence[str]:
    if not getattr(sys, "frozen", False):
        # -P: a file called like a library in the current folder must not come before it.
        return [sys.executable, "-P", "-m", "dtaas_desktop"]
    here = Path(sys.executable)
    console = here.with_name(CONSOLE_PROGRAM + here.suffix)
    return [str(console if console.exists() else here)]


def _creation_flags() -> int:
    """On Windows: no window, no Ctrl-C from here, a priority below the window's. Elsewhere the child sees to that (cli.attached)."""
    if sys.platform == "win32":
        return subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW | subprocess.BELOW_NORMAL_PRIORITY_CLASS
    return 0
