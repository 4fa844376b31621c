"""One active run per task: a lock file of the operating system, free the moment its process dies.

For good manners only; what keeps two runs from doubling rows is the destination's own fence.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from dtaas_desktop.domain.errors import TransientError


@contextmanager
def task_lock(folder: Path, task: str, name: str) -> Iterator[None]:
    """Hold the lock of one task (UUID). Raises TransientError at once if another process holds it."""
    lock = FileLock(folder / f"{task}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise TransientError(f"Task “{name}” is already running.", remedy="Wait for it, or stop it with --pause-task.") from None
    try:
        yield
    finally:
        lock.release()


def is_running(folder: Path, task: str) -> bool:
    """Whether some process holds the task's lock right now."""
    lock = FileLock(folder / f"{task}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    lock.release()
    return False
