"""The byte budget of a run: what all batches and open writers hold together."""

import threading


class ByteBudget:
    """Counts bytes against one limit. Over it, whoever charged is told to close its largest writer; nobody ever waits."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held = 0
        self._peak = 0
        self._lock = threading.Lock()

    def charge(self, amount: int) -> bool:
        with self._lock:
            self._held += amount
            self._peak = max(self._peak, self._held)
            return self._held > self._limit

    @property
    def held(self) -> int:
        return self._held

    @property
    def peak(self) -> int:
        """The most that was ever held, in bytes; for benchmarks and tests."""
        return self._peak
