"""Short jobs off the event loop: test, list, preview, read the metadata. The answer comes back to the thread of the window."""

from collections.abc import Callable
from typing import Generic, TypeVar
from weakref import ref

from PySide6.QtCore import QObject, QRunnable, QThreadPool, Signal
from PySide6.QtWidgets import QWidget
from shiboken6 import isValid

from dtaas_desktop.domain.errors import AppError

T = TypeVar("T")


class Background(QObject):
    """A pool of threads for short jobs. `failed_unexpectedly` tells a bug: an exception that no one foresaw."""

    failed_unexpectedly = Signal(object)

    def __init__(self, parent: QObject | None = None, *, threads: int = 4) -> None:
        super().__init__(parent)
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(threads)
        self._open: set[QObject] = set()  # answers under way: nothing else keeps them until the event loop delivers them

    def submit(
        self,
        owner: QWidget | QObject,
        job: Callable[[], T],
        done: Callable[[T], None],
        failed: Callable[[AppError], None] | None = None,
    ) -> None:
        """Run `job` in a thread, then `done` with its result, or `failed` with its AppError, in the thread of `owner`.

        Nothing is called once `owner` is destroyed. Any other exception is a bug and goes to `failed_unexpectedly`.
        """
        answer = _Answer(owner, done, failed, self)
        self._open.add(answer)
        self._pool.start(_Job(job, answer))

    def settle(self, answer: QObject) -> None:
        """The answer has arrived."""
        self._open.discard(answer)

    @property
    def is_busy(self) -> bool:
        """Whether a job runs or waits."""
        return self._pool.activeThreadCount() > 0

    def close(self) -> None:
        """Wait for what runs; drop what has not begun."""
        self._pool.clear()
        self._pool.waitForDone()
        self._open.clear()


class _Answer(QObject, Generic[T]):
    arrived = Signal(object, object)

    def __init__(
        self,
        owner: QObject,
        done: Callable[[T], None],
        failed: Callable[[AppError], None] | None,
        background: Background,
    ) -> None:
        super().__init__()
        self._owner, self._done, self._failed, self._background = ref(owner), done, failed, background
        self.arrived.connect(self._deliver)

    def _deliver(self, result: T, error: BaseException | None) -> None:
        self._background.settle(self)
        owner = self._owner()
        if owner is None or not isValid(owner):
            return
        if error is None:
            self._done(result)
        elif isinstance(error, AppError) and self._failed is not None:
            self._failed(error)
        else:
            self._background.failed_unexpectedly.emit(error)


class _Job(QRunnable, Generic[T]):
    def __init__(self, job: Callable[[], T], answer: _Answer[T]) -> None:
        super().__init__()
        self._job, self._answer = job, answer

    def run(self) -> None:
        try:
            result = self._job()
        except BaseException as error:  # noqa: BLE001  told to the window: a thread of the pool has nobody else to tell
            self._answer.arrived.emit(None, error)
        else:
            self._answer.arrived.emit(result, None)
