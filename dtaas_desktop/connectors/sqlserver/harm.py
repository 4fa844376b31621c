"""What a session cost the server, measured where it happens."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from dtaas_desktop.domain.harm import Harm


class HarmMeter:
    """Adds up over all connections of a session; every method is thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._harm = Harm()

    @property
    def harm(self) -> Harm:
        with self._lock:
            return self._harm

    @contextmanager
    def statement(self) -> Iterator[None]:
        began = time.monotonic()
        try:
            yield
        finally:
            self._add(Harm(statements=1, longest_statement=time.monotonic() - began))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        began = time.monotonic()
        try:
            yield
        finally:
            self._add(Harm(longest_transaction=time.monotonic() - began))

    def read(self, *, rows: int, size: int) -> None:
        self._add(Harm(rows=rows, bytes=size))

    def replaced(self, cells: int) -> None:
        self._add(Harm(replaced=cells))

    def _add(self, more: Harm) -> None:
        with self._lock:
            self._harm += more
