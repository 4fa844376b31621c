"""Faults put in on purpose: kept in a file of the server's folder, which every session's process looks at before a statement."""

import fcntl
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

Kind = Literal["error", "kill", "slow", "count", "cut", "throttle", "wait", "login error", "login delay", "login close", "refuse"]


@dataclass(frozen=True)
class Fault:
    """What happens to the next `times` statements (or logins) whose text matches `pattern`.

    error: `number` with `text` instead of a result, or after `rows` rows · kill: the session ends after `rows` rows · slow: `seconds` of
    pause after each `rows` rows · count: DONE tells `rows` rows more than there were · cut: the connection breaks after `amount` bytes ·
    throttle: `amount` bytes a second · wait: `seconds` before the answer · login error, login delay, login close: at login, `pattern`
    matches the login's name · refuse: a connection is closed before anything is said.
    """

    kind: Kind
    pattern: str = ""
    times: int = 1
    number: int = 0
    text: str = ""
    severity: int = 0
    state: int = 1
    rows: int = 0
    seconds: float = 0.0
    amount: int = 0


AT_ACCEPT = frozenset({"refuse"})
AT_LOGIN = frozenset({"login error", "login delay", "login close"})
AT_STATEMENT = frozenset({"error", "kill", "slow", "count", "cut", "throttle", "wait"})


class Faults:
    def __init__(self, folder: Path) -> None:
        self.path = folder / "faults.json"
        self._seen: tuple[int, int] = (0, 0)
        self._known: list[Fault] = []

    @contextmanager
    def _locked(self) -> Iterator[list[Fault]]:
        """The faults, to be changed in place; other processes wait."""
        with (self.path.parent / "faults.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            found = self._read()
            before = list(found)
            yield found
            if found != before:
                fresh = self.path.with_suffix(".new")
                fresh.write_text(json.dumps([asdict(one) for one in found]))
                fresh.replace(self.path)

    def _read(self) -> list[Fault]:
        try:
            return [Fault(**row) for row in json.loads(self.path.read_text())]
        except FileNotFoundError:
            return []

    def add(self, fault: Fault) -> None:
        with self._locked() as found:
            found.append(fault)

    def clear(self) -> None:
        with self._locked() as found:
            found.clear()

    def left(self) -> list[dict[str, object]]:
        """Those that have still to happen."""
        with self._locked() as found:
            return [asdict(one) for one in found]

    def _any(self) -> bool:
        """Cheap: one stat where there are none, as is usual."""
        try:
            status = self.path.stat()
        except FileNotFoundError:
            return False
        mark = (status.st_mtime_ns, status.st_ino)
        if mark != self._seen:
            self._seen, self._known = mark, self._read()
        return bool(self._known)

    def take(self, text: str, kinds: frozenset[str]) -> list[Fault]:
        """The faults of these kinds that meet this statement or login, each counted down."""
        if not self._any():
            return []

        def meets(fault: Fault) -> bool:
            return fault.kind in kinds and re.search(fault.pattern, text, re.IGNORECASE | re.DOTALL) is not None

        if not any(map(meets, self._known)):
            return []
        met = []
        with self._locked() as found:
            for at in range(len(found) - 1, -1, -1):
                fault = found[at]
                if not meets(fault):
                    continue
                met.append(fault)
                if fault.times <= 1:
                    del found[at]
                else:
                    found[at] = Fault(**{**asdict(fault), "times": fault.times - 1})
        return met[::-1]
