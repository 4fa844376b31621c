"""Secrets in the keyring of the system.

A keyring can be missing, locked, or wait for its own password in a window that nobody sees; so it is asked in a thread, for a limited
time. One that keeps secrets in clear (keyrings.alt) counts as missing.
"""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotInTime
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from dtaas_desktop.domain.errors import UserError

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

SERVICE = "DTaaS Desktop"
CALL_SECONDS = 20.0  # time enough to type the keyring's password
_ELSEWHERE = "keep the secret encrypted in this workspace or in a file, or name a variable of the environment (env:NAME)."

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class KeyringState:
    """Whether the keyring can be used, what it calls itself, and if not, why (a sentence)."""

    usable: bool
    name: str
    reason: str = ""


class Keyring:
    """The system's keyring, for entries of this application."""

    def __init__(self, seconds: float = CALL_SECONDS) -> None:
        self._seconds = seconds
        self._turn = threading.Lock()
        self._asking: threading.Thread | None = None

    def read(self, name: str) -> str | None:
        """The secret of this name; None if there is none. Raises UserError for a keyring that is missing, locked or slow."""
        return self._ask(lambda backend: backend.get_password(SERVICE, name), self._seconds)

    def write(self, name: str, secret: str) -> None:
        """Keep a secret, replacing an older one. Raises UserError as `read`."""
        self._ask(lambda backend: backend.set_password(SERVICE, name, secret), self._seconds)

    def remove(self, name: str) -> None:
        """Forget a secret, if there is one. Raises UserError as `read`."""

        def remove(backend: "KeyringBackend") -> None:
            if backend.get_password(SERVICE, name) is not None:
                backend.delete_password(SERVICE, name)

        self._ask(remove, self._seconds)

    def state(self, seconds: float) -> KeyringState:
        """Whether it can be used, found by reading from it; takes at most these seconds."""
        names: list[str] = []

        def look(backend: "KeyringBackend") -> None:
            names.append(str(backend.name))
            backend.get_password(SERVICE, "is it unlocked?")

        try:
            self._ask(look, seconds)
        except UserError as error:
            return KeyringState(False, "".join(names[:1]), error.message)
        return KeyringState(True, names[0])

    def _ask(self, question: Callable[["KeyringBackend"], T], seconds: float) -> T:
        if not self._turn.acquire(timeout=seconds):
            raise _slow(seconds)
        try:
            if self._asking is not None:
                # The thread of a question that was given up may still wait: there is never more than one.
                self._asking.join(seconds)
                if self._asking.is_alive():
                    raise _slow(seconds)
            answer: Future[T] = Future()
            self._asking = threading.Thread(target=_answer, args=(question, answer), name="keyring", daemon=True)
            self._asking.start()
            return _outcome(answer, seconds)
        finally:
            self._turn.release()


def _answer(question: Callable[["KeyringBackend"], T], answer: "Future[T]") -> None:
    try:
        answer.set_result(question(_backend()))
    except Exception as error:  # noqa: BLE001  as an Executor does; backends of others raise what they like, and `_outcome` says it
        answer.set_exception(error)


def _outcome(answer: "Future[T]", seconds: float) -> T:
    try:
        error = answer.exception(seconds)
    except NotInTime:
        raise _slow(seconds) from None
    if error is None:
        return answer.result()
    if isinstance(error, UserError):
        raise error
    from keyring.errors import KeyringLocked, NoKeyringError

    if isinstance(error, NoKeyringError):
        raise _missing("none is installed")
    if isinstance(error, KeyringLocked):
        raise UserError("The system's keyring is locked.", remedy=f"Unlock it and try again; or {_ELSEWHERE}")
    # Only the name of the error: the words of a backend may quote the secret.
    raise UserError(f"The system's keyring gave an error ({type(error).__name__}).", remedy=f"Check the keyring; or {_ELSEWHERE}")


def _backend() -> "KeyringBackend":
    # Imported here, in the thread: looking for backends can wait for the desktop's services.
    import keyring
    from keyring.backends.chainer import ChainerBackend

    chosen = keyring.get_keyring()
    candidates: Iterable[KeyringBackend] = chosen.backends if isinstance(chosen, ChainerBackend) else (chosen,)
    reason = "none is installed, or its service does not run"
    for candidate in candidates:
        module = type(candidate).__module__
        if module.startswith("keyrings.alt"):
            reason = "the one there is keeps secrets readable in a file"
        elif module not in ("keyring.backends.fail", "keyring.backends.null"):
            return candidate
    raise _missing(reason)


def _missing(reason: str) -> UserError:
    return UserError(f"This system has no keyring that can be used: {reason}.", remedy=f"{_ELSEWHERE[0].upper()}{_ELSEWHERE[1:]}")


def _slow(seconds: float) -> UserError:
    return UserError(
        f"The system's keyring did not answer within {seconds:g} seconds: it may be locked, or be asking for its password.",
        remedy=f"Unlock it and try again; or {_ELSEWHERE}",
    )
