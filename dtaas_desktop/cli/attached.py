"""A run that a window started: it tells in JSON lines, and never waits for whoever reads them."""

import contextlib
import json
import os
import signal
import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from dtaas_desktop.domain.events import Event, Notice, PartDone, TableProgress, to_dict

INTERVAL_SECONDS = 0.1
MOST_WAITING = 500
LAST_SECONDS = 2.0
_NICENESS = 10

Line = dict[str, Any]


class DetachedLines:
    """Events as JSON lines, written by a thread of its own in batches, at most ten a second.

    Progress that waits is replaced by newer progress of the same table run; where too much waits, notices and parts are dropped.
    When the reader is gone, everything is. At the end the reader gets two seconds for what is left.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._waiting: OrderedDict[object, Line] = OrderedDict()
        self._minor: OrderedDict[object, None] = OrderedDict()  # keys of what may be dropped, oldest first
        self._number = 0
        self._changed = threading.Condition()
        self._ending = threading.Event()
        self._gone = False
        # A daemon: one that is stuck in a full pipe must not keep the process alive.
        self._thread = threading.Thread(target=self._keep_writing, name="attached", daemon=True)

    def __enter__(self) -> "DetachedLines":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._ending.set()
            self._changed.notify()
        self._thread.join(LAST_SECONDS)

    def tell(self, event: Event) -> None:
        """Never blocks."""
        key = ("progress", event.table_run) if isinstance(event, TableProgress) else None
        self._put(to_dict(event), key, minor=isinstance(event, TableProgress | Notice | PartDone))

    def say(self, line: Mapping[str, Any]) -> None:
        """Something that is no event. Never blocks."""
        self._put(dict(line), None, minor=False)

    def _put(self, line: Line, key: object, *, minor: bool) -> None:
        with self._changed:
            if self._gone:
                return
            if key is None:
                self._number += 1
                key = self._number
            self._waiting[key] = line
            self._waiting.move_to_end(key)
            if minor:
                self._minor[key] = None
            if len(self._waiting) > MOST_WAITING and self._minor:
                dropped, _ = self._minor.popitem(last=False)
                del self._waiting[dropped]
            self._changed.notify()

    def _keep_writing(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._ending.is_set())
                lines = list(self._waiting.values())
                self._waiting.clear()
                self._minor.clear()
            if not lines:
                return
            try:
                _write(self._descriptor, lines)
            except OSError:
                with self._changed:
                    self._gone = True
                    self._waiting.clear()
                return
            self._ending.wait(INTERVAL_SECONDS)


def _write(descriptor: int, lines: list[Line]) -> None:
    rest = memoryview("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode("utf-8", "replace"))
    while rest:
        # Not through sys.stdout: what is left in its buffer would be written at exit, and could block there.
        rest = rest[os.write(descriptor, rest) :]


def settle_in() -> None:
    """Be a good neighbour of the window: lower priority, and deaf to what a terminal sends."""
    if hasattr(os, "nice"):
        with contextlib.suppress(OSError):
            os.nice(_NICENESS)
    for name in ("SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
