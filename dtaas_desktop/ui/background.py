"""Short jobs off the event loop: test, list, preview, read the metadata. The answer comes back to the thread of the window."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from weakref import ReferenceType, ref

from PySide6.QtCore import QObject, QRunnable, QThreadPool, Signal
from PySide6.QtWidgets import QWidget
from shiboken6 import isValid

from dtaas_desktop.domain.errors import AppError

T = TypeVar("T")


class Background(QObject):
    """A pool of threads for short jobs. `failed_unexpectedly` tells a bug: an exception that no one foresaw."""

    failed_unexpectedly = Signal(object)
    _arrived = Signal(object, object, object)  # a job's number, its result, its exception

    def __init__(self, parent: QObject | None = None, *, threads: int = 4) -> None:
        super().__init__(parent)
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(threads)
        # Here and not with the job: what belongs to the window is let go in its thread, never in one of the pool.
        self._waiting: dict[int, _Waiting[Any]] = {}
        self._numbers = itertools.count()
        self._arrived.connect(self._deliver)

    def submit(
        self,
        owner: QWidget | QObject,
        job: Callable[[], T],
        done: Callable[[T], None],
        failed: Callable[[AppError], None] | None = None,
    ) -> None:
        """Run `job` in a thread, then `done` with its result, or `failed` with its AppError, in the thread of the window.

        Nothing is called once `owner` is destroyed. Any other exception is a bug and goes to `failed_unexpectedly`.
        """
        number = next(self._numbers)
        self._waiting[number] = _Waiting(ref(owner), job, done, failed)
        self._pool.start(_Job(number, job, self._arrived.emit))

    @property
    def is_busy(self) -> bool:
        """Whether a job runs or waits."""
        return self._pool.activeThreadCount() > 0

    def close(self) -> None:
        """Wait for what runs; drop what has not begun."""
        self._pool.clear()
        self._pool.waitForDone()
        self._waiting.clear()

    def _deliver(self, number: int, result: Any, error: BaseException | None) -> None:
        waiting = self._waiting.pop(number, None)
        owner = None if waiting is None else waiting.owner()
        if waiting is None or owner is None or not isValid(owner):
            return
        if error is None:
            waiting.done(result)
        elif isinstance(error, AppError) and waiting.failed is not None:
            waiting.failed(error)
        else:
            self.failed_unexpectedly.emit(error)


@dataclass(frozen=True, slots=True)
class _Waiting(Generic[T]):
    """Who waits for a job's answer. The job is kept with it, so that what it holds outlives its thread's use of it."""

    owner: ReferenceType[QObject]
    job: Callable[[], T]
    done: Callable[[T], None]
    failed: Callable[[AppError], None] | None


class _Job(QRunnable):
    def __init__(
        self, number: int, job: Callable[[], object], answer: Callable[[int, object, BaseException | None], None]
    ) -> None:
        super().__init__()
        self._number, self._job, self._answer = number, job, answer

    def run(self) -> None:
        try:
            result = self._job()
        except BaseException as error:  # noqa: BLE001  told to the window: a thread of the pool has nobody else to tell
            self._answer(self._number, None, error)
        else:
            self._answer(self._number, result, None)
