"""Asking a run to stop: from any thread, honoured at the next batch border."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

from dtaas_desktop.domain.errors import Interrupted

Request = Literal["pause", "cancel"]


class CancelToken:
    """One per run. A cancel overrides a pause, never the reverse."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        # Re-entrant: a signal handler may call `ask` while this very thread holds it.
        self._lock = threading.RLock()
        self._request: Request | None = None
        self._wake: set[Callable[[], None]] = set()

    @property
    def request(self) -> Request | None:
        return self._request

    def ask(self, request: Request) -> None:
        """Ask for it; the streams being read are told at once."""
        with self._lock:
            if self._request != "cancel":
                self._request = request
            self._asked.set()
            wake = list(self._wake)
        for call in wake:
            call()

    def check(self) -> None:
        """Raise Interrupted if somebody asked."""
        if self._request is not None:
            raise Interrupted(self._request)

    def wait(self, seconds: float) -> None:
        """Pause this thread; raise Interrupted as soon as somebody asks."""
        self._asked.wait(seconds)
        self.check()

    @contextmanager
    def waking(self, call: Callable[[], None]) -> Iterator[None]:
        """While inside, `ask` also calls `call` (which must be quick and callable from any thread)."""
        with self._lock:
            self._wake.add(call)
        try:
            self.check()
            yield
        finally:
            with self._lock:
                self._wake.discard(call)
