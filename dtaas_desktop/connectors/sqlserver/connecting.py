"""Connections as the settings describe them, set up the same way each time."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from dtaas_desktop.connectors.sqlserver.complaints import NAME_UNKNOWN, Complaint, explained
from dtaas_desktop.connectors.sqlserver.connection_string import connection_string
from dtaas_desktop.connectors.sqlserver.drivers import Driver, chosen_driver
from dtaas_desktop.connectors.sqlserver.odbc import Bulk, Control, Described, Place, registered_drivers
from dtaas_desktop.domain.errors import TransientError, UserError
from dtaas_desktop.domain.sqlserver_settings import SqlServerSettings

DEFAULT_PORT = 1433
_BROWSER_PORT = 1434
_ASKED = 3


class Connector:
    """Opens connections. Nothing is looked up before the first: no driver, no secret."""

    def __init__(self, settings: SqlServerSettings, secret: Callable[[str], str]) -> None:
        self._settings, self._secret = settings, secret
        self._place: Place | None = None

    @property
    def title(self) -> str:
        """The server, and the database if one is named, as people know them."""
        settings = self._settings
        server = settings.server + (f"\\{settings.instance}" if settings.instance else "")
        server += f",{settings.port}" if settings.port else ""
        return f"{server}/{settings.database}" if settings.database else server

    def driver(self) -> Driver:
        return chosen_driver(self._settings.driver, registered_drivers())

    def control(self) -> Control:
        with self._reaching():
            control = Control(self.place())
        try:
            _set_up(control, self._settings.lock_seconds, "read committed")
        except BaseException:
            control.close()
            raise
        return control

    def bulk(self, isolation: str = "") -> Bulk:
        """`isolation`: another than the settings name."""
        with self._reaching():
            bulk = Bulk(self.place())
        try:
            _set_up(bulk, self._settings.lock_seconds, isolation or self._settings.isolation)
        except BaseException:
            bulk.close()
            raise
        bulk.failed = False
        return bulk

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        """Where a driver only says that it could not connect in time, tell why: a name nobody knows, a refusal, silence."""
        try:
            yield
        except TransientError as failure:
            settings = self._settings
            if settings.encrypt == "strict":
                failure.remedy = (
                    f"Strict encryption needs SQL Server 2022 or later, or Azure SQL: others cut it. {failure.remedy}"
                )
            if settings.instance and settings.port is None:
                raise
            try:
                reached(settings.server, settings.port or DEFAULT_PORT, settings.connect_seconds)
            except OSError as error:
                number = 10061 if isinstance(error, ConnectionRefusedError) else 10060
                state = NAME_UNKNOWN if isinstance(error, socket.gaierror) else ""
                raise explained(Complaint(state, 0 if state else number, ""), f"“{self.title}”") from None
            raise

    def place(self) -> Place:
        """Where and how to connect. Raises UserError for a driver or a secret that is not there."""
        if self._place is None:
            settings = self._settings
            driver = self.driver()
            port = None
            if driver.family == "freetds" and settings.instance and settings.port is None:
                port = instance_port(settings.server, settings.instance, settings.connect_seconds)
            secret = self._secret(settings.password) if settings.password else ""
            string = connection_string(settings, driver, secret=secret, port=port)
            self._place = Place(string, self.title, settings.connect_seconds, settings.query_seconds)
        return self._place


# What views over XML, indexed views and computed columns need is set even where a driver or the server's own defaults do not. In a
# deadlock it is us who gives way.
_SETTINGS = (
    *(f"SET {name} ON" for name in ("ANSI_NULLS", "ANSI_PADDING", "ANSI_WARNINGS", "ARITHABORT", "CONCAT_NULL_YIELDS_NULL")),
    "SET QUOTED_IDENTIFIER ON",
    "SET NUMERIC_ROUNDABORT OFF",
    "SET IMPLICIT_TRANSACTIONS OFF",
    "SET NOCOUNT ON",
    "SET XACT_ABORT ON",
    "SET TEXTSIZE 2147483647",
    "SET DEADLOCK_PRIORITY LOW",
)


def _set_up(connection: Control | Bulk, lock_seconds: int, isolation: str) -> None:
    settings = [*_SETTINGS, f"SET LOCK_TIMEOUT {lock_seconds * 1000}"]
    level = f"SET TRANSACTION ISOLATION LEVEL {isolation.upper()}"
    try:
        connection.run("; ".join([*settings, level]))
    except UserError:
        # A compatible server may not know one of them, and then runs none.
        for setting in settings:
            with suppress(UserError):
                connection.run(setting)
        connection.run(level)


def reached(server: str, port: int, seconds: float) -> None:
    """Raises OSError if nobody takes a connection there."""
    with socket.create_connection((server, port), timeout=seconds):
        pass


class Asking:
    """A control connection that is opened when something is asked, if ever."""

    def __init__(self, connect: Callable[[], Control]) -> None:
        self._connect = connect
        self._control: Control | None = None
        self._subject = ""

    def about(self, subject: str) -> None:
        """Name the table that the next questions are about, for messages; empty for the database."""
        self._subject = subject
        if self._control is not None:
            self._control.subject = subject

    def open(self) -> None:
        """Connect now: what is raised later is about what was asked."""
        self._opened()

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self._opened().rows(sql)

    def row(self, sql: str) -> tuple[Any, ...]:
        return self._opened().row(sql)

    def run(self, sql: str) -> None:
        self._opened().run(sql)

    def names(self, sql: str) -> list[list[str]]:
        return self._opened().names(sql)

    def described(self, sql: str) -> list[Described]:
        return self._opened().described(sql)

    def close(self) -> None:
        control, self._control = self._control, None
        if control is not None:
            control.close()

    def _opened(self) -> Control:
        if self._control is None:
            self._control = self._connect()
            self._control.subject = self._subject
        return self._control


def instance_port(server: str, instance: str, seconds: float) -> int:
    """The TCP port of a named instance, asked from the SQL Server Browser (MC-SQLR 2.2.3: 0x04 and the name, ended by a zero; the
    answer is 0x05, its length, and “ServerName;x;InstanceName;y;…;tcp;1433;;”). Raises TransientError if it does not answer,
    UserError if it does not know."""
    answer = _browser_answer(server, b"\x04" + instance.encode("utf-8") + b"\0", seconds)
    if answer is None:
        raise TransientError(
            f"The SQL Server Browser of “{server}” does not tell the port of the instance “{instance}” (UDP {_BROWSER_PORT}).",
            remedy="Name the port in the connection, or have the service started and its port opened.",
        )
    words = answer[3:].decode("ascii", "replace").split(";")
    told = {name.casefold(): value for name, value in zip(words[::2], words[1::2], strict=False)}
    port = told.get("tcp", "")
    if not port.isdecimal() or not int(port):
        raise UserError(
            f"“{server}” has no instance “{instance}” that listens on TCP.",
            remedy="Check its name, or have TCP/IP switched on for it.",
        )
    return int(port)


def _browser_answer(server: str, question: bytes, seconds: float) -> bytes | None:
    """Each address is asked several times, because a datagram may be lost; None if nothing comes."""
    with suppress(OSError):
        addresses = socket.getaddrinfo(server, _BROWSER_PORT, type=socket.SOCK_DGRAM)
        for family, kind, protocol, _, address in addresses * _ASKED:
            with suppress(OSError), socket.socket(family, kind, protocol) as asked:
                asked.settimeout(max(0.1, seconds / (_ASKED * len(addresses))))
                asked.connect(address)
                asked.send(question)
                return asked.recv(65_535)
    return None
