"""The server's process: listens, and forks a process for each connection; ends when its standard input is closed."""

import json
import os
import resource
import selectors
import signal
import socket
import sys
import tempfile
import traceback
from pathlib import Path
from types import FrameType

from tests.servers.sqlserver import catalogue, serve
from tests.servers.sqlserver.certificate import make_certificate
from tests.servers.sqlserver.configuration import Configuration
from tests.servers.sqlserver.control import answer_control
from tests.servers.sqlserver.engine import Engine
from tests.servers.sqlserver.faults import AT_ACCEPT, Faults

FIRST_SPID = 51


class Stopped(BaseException):
    pass


def _stop(number: int, frame: FrameType | None) -> None:
    raise Stopped


def _listener(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(256)
    listener.setblocking(False)
    return listener


class Server:
    def __init__(self, folder: Path, port: int, configuration: Configuration) -> None:
        self.folder = folder
        (folder / "sessions").mkdir(parents=True, exist_ok=True)
        for stale in (folder / "sessions").iterdir():
            stale.unlink()
        configuration.write(folder)
        make_certificate(folder)
        fresh = not (folder / "data.sqlite").exists()
        engine = Engine(folder / "data.sqlite")
        if fresh:
            catalogue.create(engine)
        engine.close()  # a connection of SQLite does not live through a fork
        self.clients = _listener(port)
        self.control = _listener(0)
        self.children: set[int] = set()
        self.next_spid = FIRST_SPID

    @property
    def addresses(self) -> dict[str, int | str]:
        return {"port": self.clients.getsockname()[1], "control": self.control.getsockname()[1], "folder": str(self.folder)}

    def run(self, *, until_input_ends: bool) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _stop)
        with selectors.DefaultSelector() as selector:
            selector.register(self.clients, selectors.EVENT_READ, self._serve)
            selector.register(self.control, selectors.EVENT_READ, self._control)
            if until_input_ends:
                selector.register(sys.stdin, selectors.EVENT_READ, None)
            try:
                while True:
                    for key, _ in selector.select(0.2):
                        if key.data is None:
                            return
                        self._accept(key.fileobj, key.data)  # type: ignore[arg-type]
                    self._reap()
            except Stopped:
                return
            finally:
                self._end()

    def _accept(self, listener: socket.socket, work: object) -> None:
        try:
            connection, _ = listener.accept()
        except BlockingIOError:
            return
        spid = self.next_spid
        if work == self._serve:
            self.next_spid = FIRST_SPID + (self.next_spid - FIRST_SPID + 1) % 32000
            if Faults(self.folder).take("", AT_ACCEPT):
                connection.close()
                return
        child = os.fork()
        if child:
            connection.close()
            self.children.add(child)
            return
        code = 1
        try:
            self._in_child()
            connection.setblocking(True)
            if work == self._serve:
                self._serve(connection, spid)
            else:
                self._control(connection, spid)
            code = 0
        except Exception:  # noqa: BLE001 (this process ends here: it says why, and never becomes a second server)
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)

    def _in_child(self) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        self.clients.close()
        self.control.close()

    def _serve(self, connection: socket.socket, spid: int) -> None:
        serve.serve(connection, spid, self.folder)

    def _control(self, connection: socket.socket, spid: int) -> None:
        answer_control(connection, self.folder, os.getppid())

    def _reap(self) -> None:
        for child in list(self.children):
            try:
                done, _ = os.waitpid(child, os.WNOHANG)
            except ChildProcessError:
                done = child
            if done:
                self.children.discard(child)

    def _end(self) -> None:
        self.clients.close()
        self.control.close()
        for number in (signal.SIGTERM, signal.SIGKILL):
            for child in self.children:
                try:
                    os.kill(child, number)
                except ProcessLookupError:
                    continue
            for _ in range(20):
                self._reap()
                if not self.children:
                    return
                signal.sigtimedwait([signal.SIGCHLD], 0.05)


def main(folder: Path | None, port: int, configuration: Configuration, *, until_input_ends: bool) -> None:
    """Run until told to end; tells its ports in one line of JSON when it is ready."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4096)), hard))
    with tempfile.TemporaryDirectory(prefix="sqlserver-stand-in-") as scratch:
        server = Server(folder or Path(scratch), port, configuration)
        sys.stdout.write(json.dumps(server.addresses) + "\n")
        sys.stdout.flush()
        server.run(until_input_ends=until_input_ends)
