"""One connection for the questions that precede a reading: each new one costs a login, on a far server several round trips."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress

from dtaas_desktop.connectors.sqlserver.connecting import Asking
from dtaas_desktop.connectors.sqlserver.odbc import Control
from dtaas_desktop.domain.errors import AppError


class Talk:
    """Gives connections to ask over: while a talk is held always the same, else a new one each time.

    A connection is used by one thread at a time: whoever asks sees to that.
    """

    def __init__(self, connect: Callable[[], Control]) -> None:
        self._connect = connect
        self._holds = False
        self._asking: Asking | None = None
        self._look: Future[None] | None = None

    @contextmanager
    def held(self, look: Callable[[], None]) -> Iterator[None]:
        """Keep a connection from now on; `look` is done at once in a thread of its own."""
        self._holds = True
        try:
            with ThreadPoolExecutor(1, thread_name_prefix="look ahead") as thread:
                self._look = thread.submit(look)
                yield
        finally:  # the look is over then
            self._look = None
            self.end()

    def await_look(self) -> None:
        """Wait for the look ahead. Raises what it raised, to the first who waits: after that, all ask anew."""
        look = self._look
        if look is not None:
            try:
                look.result()
            finally:
                self._look = None

    @contextmanager
    def asking(self) -> Iterator[Asking]:
        if not self._holds:
            with closing(Asking(self._connect)) as asking:
                yield asking
            return
        if self._asking is None:
            self._asking = Asking(self._connect)
        try:
            yield self._asking
        except BaseException:
            self._hang_up()  # nobody knows what state it is in
            raise

    def end(self) -> None:
        """Keep nothing any more: a server cuts those who are silent for as long as a reading takes."""
        self._holds = False
        self._hang_up()

    def _hang_up(self) -> None:
        asking, self._asking = self._asking, None
        if asking is not None:
            with suppress(AppError):  # it may have broken since: nobody asks over it any more
                asking.close()
