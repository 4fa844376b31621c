"""Where a PostgreSQL database is: an address without its password."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

# Set by us, or of no use in an address; and what is secret.
_NOT_OURS = frozenset({"client_encoding", "application_name", "fallback_application_name"})
_SECRET = frozenset({"password", "sslpassword", "oauth_client_secret"})
_PATTERN = "postgresql://user@host:port/database"


@dataclass(frozen=True, slots=True)
class PostgreSQLAddress:
    """An address that was looked at by `parsed`."""

    database: str
    server: str  # for people: host and port, or the folder of a socket
    user: str
    parameters: tuple[tuple[str, str], ...]  # what libpq is given

    def __str__(self) -> str:
        return f"The PostgreSQL database “{self.database}” on {self.server}"


def parsed(url: str) -> PostgreSQLAddress:
    """The address in a URL. Raises ValueError with a clause that never repeats what was typed: a password may be in it."""
    scheme, _, rest = url.strip().partition("://")
    if scheme not in ("postgresql", "postgres") or not rest:
        raise ValueError(f"an address looks like {_PATTERN}")
    if _holds_password(rest):
        raise ValueError("a password must not stand in the address: leave it out, and name it in the field for it")
    try:
        found = make_url(f"postgresql://{rest}")
        _ = urlsplit(f"postgresql://{rest}").port  # a port beyond 65535
    except (ArgumentError, ValueError):
        raise ValueError(f"it cannot be understood: an address looks like {_PATTERN}") from None
    if found.password is not None or _SECRET & set(found.query):
        raise ValueError("a secret must not stand in the address: leave it out, and name it in the field for it")
    if not found.database:
        raise ValueError(f"it names no database: an address looks like {_PATTERN}")
    return _address(found, found.database)


def _address(url: URL, database: str) -> PostgreSQLAddress:
    query = {name: value if isinstance(value, str) else value[-1] for name, value in url.query.items() if name not in _NOT_OURS}
    host = url.host or query.get("host", "")
    port = str(url.port or query.get("port", 5432))
    parameters = {**query, "dbname": database, "port": port}
    if host:
        parameters["host"] = host
    if url.username:
        parameters["user"] = url.username
    shown = f"[{host}]" if ":" in host else host
    server = host if host.startswith("/") else f"{shown}:{port}" if host else f"this machine, port {port}"
    return PostgreSQLAddress(database, server, parameters.get("user", ""), tuple(sorted(parameters.items())))


def _holds_password(rest: str) -> bool:
    # Up to the last @ before the query: a password may hold / and @ that should have been escaped.
    before = rest.partition("?")[0]
    login, at, _ = before.rpartition("@")
    return bool(at) and ":" in login
