"""What PostgreSQL answers, in the user's words. No answer of the server holds the password, and no sentence here does."""

import re
from collections.abc import Callable, Mapping

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from dtaas_desktop.domain.errors import AppError, TransientError, UserError
from dtaas_desktop.services.postgresql_address import PostgreSQLAddress

_Answer = Callable[[PostgreSQLAddress, str], AppError]  # from the address, and the server's or driver's own words
_SERVER = "The PostgreSQL server at"


def explained(address: PostgreSQLAddress, error: DBAPIError) -> AppError | None:
    """The error in a sentence; None for one that only a fault of ours explains."""
    cause = error.orig
    state = getattr(cause, "sqlstate", None)
    fault = not isinstance(error, OperationalError | InterfaceError)
    known = state if isinstance(state, str) else ""
    return explained_answer(address, str(cause), known, cut=error.connection_invalidated, fault=fault)


def explained_answer(
    address: PostgreSQLAddress, message: str, state: str, *, cut: bool = False, fault: bool = False
) -> AppError | None:
    """The same from what is known of it: the driver's message, the SQLSTATE (empty: none came), whether the connection was cut, and
    whether it looks like a fault of ours unless we know better.
    """
    words = _own_words(message)
    for answer in (
        _BY_STATE.get(state),
        _BY_STATE.get(state[:2]),
        None if state else _by_words(message),
        _cut if cut else None,
    ):
        if answer is not None:
            return answer(address, words)
    return None if fault else UserError(f"{address} gave an error: {words}.", remedy="Check the address and the server.")


def _own_words(message: str) -> str:
    """The essence of what libpq says: its first line without its preamble, and without its own full stop."""
    last = message.strip().split("FATAL:")[-1].strip() if "FATAL:" in message else message.strip()
    line = last.splitlines()[0] if last else "no reason given"
    line = re.sub(r"^(connection failed: )?(connection to server (at|on) .*? failed: )?(ERROR:\s+)?", "", line)
    return line.strip().rstrip(".") or "no reason given"


def _quoted(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def _unreachable(address: PostgreSQLAddress, words: str) -> AppError:
    return TransientError(
        f"{_SERVER} {address.server} cannot be reached: {words}.",
        remedy="Check that it runs, that the address is right and that the network lets us through; then try again.",
    )


def _cut(address: PostgreSQLAddress, words: str) -> AppError:
    return TransientError(
        f"The connection to the PostgreSQL server at {address.server} was cut: {words}.", remedy="Try again in a moment."
    )


def _stopped(address: PostgreSQLAddress, words: str) -> AppError:
    return TransientError(f"{address} stopped what we did: {words}.", remedy="Try again in a moment.")


def _busy(address: PostgreSQLAddress, words: str) -> AppError:
    return TransientError(f"{address} is in use by another process.", remedy="Try again in a moment.")


def _full(address: PostgreSQLAddress, words: str) -> AppError:
    return TransientError(
        f"{_SERVER} {address.server} takes no more connections: {words}.",
        remedy="Try again in a moment; if it stays so, raise its max_connections or the limit of the user or database.",
    )


def _starting(address: PostgreSQLAddress, words: str) -> AppError:
    return TransientError(f"{_SERVER} {address.server} is not ready: {words}.", remedy="Try again in a moment.")


def _wrong_login(address: PostgreSQLAddress, words: str) -> AppError:
    user = f"“{address.user}”" if address.user else "us"
    return UserError(
        f"{_SERVER} {address.server} does not let {user} in: the user or the password is wrong.",
        remedy="Correct the user in the address, or the secret that its password refers to.",
    )


def _no_password(address: PostgreSQLAddress, words: str) -> AppError:
    return UserError(
        f"{_SERVER} {address.server} asks for a password, and none is given.",
        remedy="Name one: env:NAME, file:PATH or keyring:NAME.",
    )


def _not_allowed_in(address: PostgreSQLAddress, words: str) -> AppError:
    return UserError(
        f"{_SERVER} {address.server} does not let us in: {words}.",
        remedy="Its administrator decides in pg_hba.conf who may connect, from where, and whether with TLS (sslmode=require).",
    )


def _no_database(address: PostgreSQLAddress, words: str) -> AppError:
    return UserError(
        f"There is no database “{address.database}” on the PostgreSQL server at {address.server}.",
        remedy=f"Correct the address, or have it made: CREATE DATABASE {_quoted(address.database)} ENCODING 'UTF8' TEMPLATE template0.",
    )


def _no_right(address: PostgreSQLAddress, words: str) -> AppError:
    user = _quoted(address.user or "the user")
    return UserError(
        f"{address} does not allow what is needed: {words}.",
        remedy=f"The user must own the tables and may make new ones: GRANT CREATE, USAGE ON SCHEMA public TO {user}.",
    )


def _read_only(address: PostgreSQLAddress, words: str) -> AppError:
    return UserError(f"{address} can only be read: {words}.", remedy="Use the primary server, not a standby.")


def _tls(address: PostgreSQLAddress, words: str) -> AppError:
    return UserError(
        f"No secure connection to the PostgreSQL server at {address.server}: {words}.",
        remedy="Check sslmode and sslrootcert in the address, and the server's certificate.",
    )


def _bad_address(address: PostgreSQLAddress, words: str) -> AppError:
    return UserError(
        f"The address of the metadata database is not understood: {words}.", remedy="Correct what stands after the “?”."
    )


def _disk_full(address: PostgreSQLAddress, words: str) -> AppError:
    return UserError(f"{address} cannot grow: {words}.", remedy="Free some space on the server.")


def _too_long(address: PostgreSQLAddress, words: str) -> AppError:
    return UserError(f"{address} cannot keep a text that is this long: {words}.", remedy="Choose a shorter name.")


def _no_tables(address: PostgreSQLAddress, words: str) -> AppError:
    return UserError(
        f"{address} has lost tables of the workspace: {words}.", remedy="Restore a copy of it, or choose another --workspace."
    )


def _exhausted(address: PostgreSQLAddress, words: str) -> AppError:
    return TransientError(f"{_SERVER} {address.server} has not enough of something: {words}.", remedy="Try again in a moment.")


# SQLSTATEs and classes of them (appendix A of PostgreSQL's documentation).
_BY_STATE: Mapping[str, _Answer] = {
    "08": _cut,
    "22001": _too_long,
    "25006": _read_only,
    "25P03": _stopped,  # idle in transaction for too long: the machine slept
    "28P01": _wrong_login,
    "28": _not_allowed_in,
    "3D000": _no_database,
    "3F000": _no_right,
    "40": _busy,
    "42501": _no_right,
    "42P01": _no_tables,
    "53100": _disk_full,
    "53300": _full,
    "53": _exhausted,
    "54000": _too_long,
    "55P03": _busy,
    "57014": _stopped,
    "57P03": _starting,
    "57P05": _cut,
    "57": _cut,
    "58": _exhausted,
}

# A refused connection comes without its SQLSTATE. An older or translated server falls through to its own words.
_BY_WORDS: tuple[tuple[str, _Answer], ...] = (
    ("password authentication failed|no such user|role .* does not exist|authentication failed", _wrong_login),
    ("no password supplied|fe_sendauth", _no_password),
    ("no pg_hba.conf entry|is not permitted to log in|permission denied for database", _not_allowed_in),
    ("database .* does not exist", _no_database),
    ("too many connections|too many clients|remaining connection slots", _full),
    ("starting up|shutting down|recovery mode|not accepting connections", _starting),
    ("certificate|SSL|TLS", _tls),
    ("server closed the connection|terminating connection|connection .*(closed|lost)|reset by peer|broken pipe|EOF", _cut),
    (
        "refused|resolve host|translate host|timeout|timed out|unreachable|No such file or directory|could not connect|no route|No route",
        _unreachable,
    ),
    ("invalid connection option|invalid URI|invalid .* value|invalid integer value|invalid value", _bad_address),
)


def _by_words(message: str) -> _Answer | None:
    return next((answer for pattern, answer in _BY_WORDS if re.search(pattern, message)), None)
