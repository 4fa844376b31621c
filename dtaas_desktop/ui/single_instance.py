"""One window per workspace: whoever comes second raises the first one's window."""

import hashlib
from pathlib import Path

from filelock import FileLock, Timeout
from PySide6.QtCore import QObject, Signal
from PySide6.QtNetwork import QLocalServer, QLocalSocket

_PATIENCE_MILLISECONDS = 3000


class SingleInstance(QObject):
    """The lock is free the moment its process dies, so a window that crashed never keeps the next one out."""

    raised = Signal()  # a second start wants this window to come to the front

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._lock = FileLock(folder / "locks" / "window.lock")
        self._name = server_name(folder)
        self._server: QLocalServer | None = None

    def claim(self) -> bool:
        """Be the one for this workspace; False if another process is. Raises OSError where the folder cannot be written."""
        Path(self._lock.lock_file).parent.mkdir(parents=True, exist_ok=True)
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            return False
        # The lock is ours: a socket file that is still there belongs to a window that has died.
        QLocalServer.removeServer(self._name)
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._answer)
        self._server.listen(self._name)
        return True

    def call(self) -> bool:
        """Ask the process that has the workspace to raise its window; False if it does not answer."""
        socket = QLocalSocket()
        socket.connectToServer(self._name)
        answered = socket.waitForConnected(_PATIENCE_MILLISECONDS)
        socket.abort()
        return answered

    def release(self) -> None:
        """Leave the workspace to others."""
        if self._server is not None:
            self._server.close()
            self._server = None
        if self._lock.is_locked:
            self._lock.release()

    def _answer(self) -> None:
        if self._server is None:
            return
        while (socket := self._server.nextPendingConnection()) is not None:
            socket.disconnected.connect(socket.deleteLater)
            socket.disconnectFromServer()
            self.raised.emit()


def server_name(folder: Path) -> str:
    """The name of the local server of the workspace in this folder; the same for every way to write the path."""
    resolved = str(folder.resolve()).casefold() if folder.drive else str(folder.resolve())
    return f"dtaas-desktop-{hashlib.sha256(resolved.encode()).hexdigest()[:24]}"
