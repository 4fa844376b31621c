"""The metadata in a PostgreSQL database: for several machines, or where a server is looked after anyway.

Writers queue on an advisory lock taken when their transaction begins, as they do on BEGIN IMMEDIATE in SQLite: what a writer has read
is still so when it commits, nothing has to be tried again (a `with` block cannot be), and numbers of log lines are committed in their
order. Transactions take milliseconds, so that the queue costs less than repeating the losers of SERIALIZABLE would. Readers do not
queue: REPEATABLE READ gives them one state.
"""

from functools import partial

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.types.string import StrDumper
from sqlalchemy import Connection, create_engine, event

from dtaas_desktop.domain.errors import AppError, UserError
from dtaas_desktop.services.database import BUSY_SECONDS, Database
from dtaas_desktop.services.postgresql_address import PostgreSQLAddress
from dtaas_desktop.services.postgresql_errors import explained, explained_answer

OLDEST = 12  # server version
_WRITERS = 0x47AA5  # with its schema: the advisory lock that writers queue on

_CONNECTING = {
    "connect_timeout": "10",
    "application_name": "DTaaS Desktop",
    "client_encoding": "utf8",
    # A network that swallows packets is noticed within a minute.
    "keepalives_idle": "20",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "40000",
}
# The server lets go of a client that died without a word, and of one that fell asleep in a transaction.
_SESSION = {
    "lock_timeout": f"{BUSY_SECONDS}s",
    "idle_in_transaction_session_timeout": "60s",
    "tcp_keepalives_idle": "20",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}
_SET_SESSION = b"SELECT " + b", ".join(f"set_config('{name}', '{value}', false)".encode() for name, value in _SESSION.items())


class PostgreSQLServer:
    """Connects to one database. Holds the password, shows it nowhere."""

    def __init__(self, address: PostgreSQLAddress, password: str) -> None:
        self.address = address
        self._password = password

    def connect(self, *, autocommit: bool = False) -> "psycopg.Connection[tuple[object, ...]]":
        """A new connection. Raises psycopg.Error."""
        known = _CONNECTING | dict(self.address.parameters)
        if self._password:
            known["password"] = self._password
        connection = _connected(make_conninfo("", **known))
        connection.adapters.register_dumper(str, _StrWithoutNul)
        connection.execute(_SET_SESSION)
        connection.autocommit = autocommit
        return connection

    def explained(self, error: psycopg.Error) -> AppError:
        """What went wrong with a connection, in a sentence."""
        found = explained_answer(self.address, str(error), error.sqlstate or "", cut=True)
        assert found is not None  # as it was cut
        return found


def _connected(where: str) -> "psycopg.Connection[tuple[object, ...]]":
    try:
        return psycopg.connect(where, autocommit=True)
    except psycopg.Error as error:
        refused = type(error)(*error.args)
    # Not the driver's own: it carries the parameters of the connection, the password among them.
    raise refused


class _StrWithoutNul(StrDumper):
    """PostgreSQL keeps no U+0000, which a value quoted in a message may hold: its picture stands for it."""

    def dump(self, obj: str) -> "bytes | bytearray | memoryview | None":
        return super().dump(obj.replace("\0", "␀"))


def open_postgresql(server: PostgreSQLServer) -> Database:
    """The database with its tables made or upgraded as needed.

    Raises UserError for one that is newer, another application's, too old or not in UTF-8, or where we may not make tables;
    TransientError for a server that cannot be reached.
    """
    database = postgresql_database(server)
    try:
        _require_usable(server)
        # No copy is made before an upgrade: it happens in one transaction, or not at all.
        database.upgrade(before=lambda _: None)
    except BaseException:
        database.close()
        raise
    return database


def postgresql_database(server: PostgreSQLServer) -> Database:
    """The database as it is; nothing is connected yet."""
    engine = create_engine(
        "postgresql+psycopg://",
        creator=server.connect,
        pool_pre_ping=True,  # connections that a restart of the server has cut are replaced
        pool_size=3,
        max_overflow=7,
        pool_timeout=BUSY_SECONDS,
        isolation_level="READ COMMITTED",
        hide_parameters=True,
    )
    event.listen(engine, "begin", _begin)
    return Database(
        engine,
        place=str(server.address),
        reading={"dtaas_reading": True, "isolation_level": "REPEATABLE READ", "postgresql_readonly": True},
        explain=partial(explained, server.address),
    )


def usable_or_why(version: int, encoding: str | None) -> str:
    """Empty if a server of this version (as 150004) with this encoding will do, otherwise a clause that says why not."""
    if version < OLDEST * 10_000:
        return f"it is PostgreSQL {version // 10_000}, and {OLDEST} is the oldest that will do"
    return "" if encoding == "UTF8" else f"it keeps text as {encoding}, and only UTF8 will do"


def _require_usable(server: PostgreSQLServer) -> None:
    try:
        with server.connect() as connection:
            version, encoding = connection.info.server_version, connection.info.parameter_status("server_encoding")
    except psycopg.Error as error:
        raise server.explained(error) from None
    why = usable_or_why(version, encoding)
    if why:
        raise UserError(f"{server.address} cannot be used: {why}.", remedy="Choose another database for the metadata.")


def _begin(connection: Connection) -> None:
    if not connection.get_execution_options().get("dtaas_reading", False):
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s, hashtext(coalesce(current_schema(), '')))", (_WRITERS,))
