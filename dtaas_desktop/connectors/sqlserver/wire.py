"""The socket under a driver's connection, so that a fetch that waits for a silent server can be ended.

ODBC's own way (SQLCancel) needs the statement's handle, which arrow-odbc does not give away. Where the system tells a process its
open sockets (Linux, macOS), the one that appeared while the driver connected is the connection's; elsewhere there is none to cut.
"""

import os
import socket
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_DESCRIPTORS = Path("/dev/fd")
# Two connections that open at once could not be told apart; the table of descriptors is the process's, and so is this lock.
_ONE_AT_A_TIME = threading.Lock()


class Wire:
    """A second handle of a connected socket."""

    def __init__(self, descriptor: int) -> None:
        self._socket: socket.socket | None = socket.socket(fileno=os.dup(descriptor))
        self._lock = threading.Lock()

    def cut(self) -> None:
        with self._lock, suppress(OSError):
            if self._socket is not None:
                self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        with self._lock:
            if self._socket is not None:
                self._socket.close()
                self._socket = None


@dataclass
class Opened:
    """What was found when a connection had been opened."""

    found: Wire | None = None


@contextmanager
def opened_wire() -> Iterator[Opened]:
    """Finds the socket that is connected within this context; none if that is not certain."""
    opened = Opened()
    with _ONE_AT_A_TIME:
        before = _sockets()
        yield opened
        new = [
            descriptor for descriptor, inode in _sockets().items() if before.get(descriptor) != inode and _connected(descriptor)
        ]
        if len(new) == 1:
            with suppress(OSError):
                opened.found = Wire(new[0])


def _sockets() -> dict[int, int]:
    """The process's sockets by descriptor, with a number that tells a new one under an old descriptor."""
    found = {}
    with suppress(OSError):
        for entry in _DESCRIPTORS.iterdir():
            with suppress(OSError, ValueError):
                status = os.fstat(int(entry.name))
                if stat.S_ISSOCK(status.st_mode):
                    found[int(entry.name)] = status.st_ino
    return found


def _connected(descriptor: int) -> bool:
    with suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as handle:
        return handle.family in (socket.AF_INET, socket.AF_INET6) and bool(handle.getpeername())
    return False
