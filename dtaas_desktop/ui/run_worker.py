"""Supervises one run process: passes its events to the window, and says how it began and ended."""

import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from PySide6.QtCore import QObject, QRunnable, Signal

from dtaas_desktop.domain.errors import AppError, TransientError, UserError
from dtaas_desktop.services.run_process import RunProcess
from dtaas_desktop.services.run_request import RunRequest

_DETACHED = None


class RunEvents(QObject):
    """What a worker says, from its thread: connect slots of objects that live in the window's."""

    told = Signal(str, object)  # the task's UUID, an event as domain.events.to_dict makes it
    failed = Signal(str, object)  # the task's name, the AppError that kept the run from beginning
    gone = Signal(object)  # the worker: its process has ended, or nobody looks after it any more
    broken = Signal(object)  # an exception that no one foresaw


class Process(Protocol):
    """What is needed of a run process (services.run_process)."""

    def events(self) -> Any: ...
    def wait(self) -> int: ...


class RunWorker(QRunnable):
    """Starts the run of a request, then listens until its process ends or `detach` is called."""

    def __init__(self, folder: Path, request: RunRequest, task_uuid: Callable[[str], str]) -> None:
        """`task_uuid` finds the UUID of a task by its name; it is called in the worker's thread."""
        super().__init__()
        self.setAutoDelete(False)  # Python owns it: the window keeps it until `gone`
        self.request = request
        self.task = ""  # its UUID, as soon as it is known
        self.says = RunEvents()
        self._folder, self._task_uuid = folder, task_uuid
        self._lines: queue.SimpleQueue[dict[str, Any] | int | BaseException | None] = queue.SimpleQueue()

    def run(self) -> None:
        try:
            self._supervise()
        except AppError as error:
            self.says.failed.emit(self.request.task, error)
        except BaseException as error:  # noqa: BLE001  told to the window: a thread of the pool has nobody else to tell
            self.says.broken.emit(error)
        finally:
            self.says.gone.emit(self)

    def detach(self) -> None:
        """Look after the process no longer; it goes on by itself. From any thread."""
        self._lines.put(_DETACHED)

    def _supervise(self) -> None:
        self.task = self._task_uuid(self.request.task)
        process = RunProcess.start(self._folder, self.request)
        # A thread that waits in a pipe cannot be called back; a daemon that ends with its process, or with the window's, need not be.
        threading.Thread(target=self._pump, args=(process,), name="run events", daemon=True).start()
        begun, refusal = False, None
        while isinstance(line := self._lines.get(), dict):
            begun = begun or line["event"] == "RunStarted"
            if line["event"] == "Error":
                refusal = UserError(line["message"], remedy=line["remedy"])
            self.says.told.emit(self.task, line)
        if isinstance(line, BaseException):
            raise line
        if isinstance(line, int) and line != 0 and not begun:
            raise refusal or TransientError(
                f"The run of “{self.request.task}” ended before it began (exit code {line}).",
                remedy=f"What its process said is in {self._folder / 'logs'}.",
            )

    def _pump(self, process: Process) -> None:
        try:
            for event in process.events():
                self._lines.put(event)
            self._lines.put(process.wait())
        except BaseException as error:  # noqa: BLE001  raised again by the worker
            self._lines.put(error)
