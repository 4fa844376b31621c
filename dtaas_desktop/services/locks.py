"""One active run per task: a lock that is free the moment its process dies.

For good manners only; what keeps two runs from doubling rows is the destination's own fence. Here with lock files of the operating
system; `advisory_locks` has the same in a PostgreSQL server.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Protocol

from filelock import FileLock, Timeout

from dtaas_desktop.domain.errors import TransientError

# Whoever looks whether a lock is free holds it for a moment: a run that begins in this moment tries again.
PATIENCE_SECONDS = 0.3


class Locks(Protocol):
    """The locks of a workspace's tasks, by their UUID."""

    def hold(self, tasks: Mapping[str, str]) -> AbstractContextManager[None]:
        """Hold the locks of these tasks (name by UUID). Raises TransientError if another process, or this one, has one of them."""

    def held(self, tasks: Collection[str]) -> frozenset[str]:
        """Those of the tasks whose lock some process holds right now."""


class FileLocks:
    """A file for each task in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def hold(self, tasks: Mapping[str, str]) -> Iterator[None]:
        with ExitStack() as held:
            for task, name in tasks.items():
                lock = FileLock(self._file(task))
                try:
                    lock.acquire(timeout=PATIENCE_SECONDS, poll_interval=0.02)
                except Timeout:
                    raise already_running(name) from None
                held.callback(lock.release)
            yield

    def held(self, tasks: Collection[str]) -> frozenset[str]:
        return frozenset(task for task in tasks if self._file(task).exists() and not self._is_free(task))

    def _is_free(self, task: str) -> bool:
        lock = FileLock(self._file(task))
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return False
        lock.release()
        return True

    def _file(self, task: str) -> Path:
        return self._folder / f"{task}.lock"


def already_running(name: str) -> TransientError:
    """What is said when the lock of the task of this name is held."""
    return TransientError(f"Task “{name}” is already running.", remedy="Wait for it, or pause it.")
