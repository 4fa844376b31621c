"""Connections as the settings describe them, set up the same way each time."""

import socket
from collections.abc import Callable
from typing import Any

from dtaas_desktop.connectors.sqlserver.connection_string import connection_string
from dtaas_desktop.connectors.sqlserver.drivers import Driver, chosen_driver
from dtaas_desktop.connectors.sqlserver.odbc import Bulk, Control, Place, registered_drivers
from dtaas_desktop.domain.errors import TransientError, UserError
from dtaas_desktop.domain.sqlserver_settings import SqlServerSettings

DEFAULT_PORT = 1433
_BROWSER_PORT = 1434


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
        control = Control(self.place())
        control.run(self._set_up("read committed"))
        return control

    def bulk(self) -> Bulk:
        bulk = Bulk(self.place())
        try:
            bulk.run(self._set_up(self._settings.isolation))
        except BaseException:
            bulk.close()
            raise
        return bulk

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

    def _set_up(self, isolation: str) -> str:
        # In a deadlock it is us who gives way.
        return (
            "SET NOCOUNT ON; SET XACT_ABORT ON; SET TEXTSIZE 2147483647; SET DEADLOCK_PRIORITY LOW;"
            f" SET LOCK_TIMEOUT {self._settings.lock_seconds * 1000}; SET TRANSACTION ISOLATION LEVEL {isolation.upper()};"
        )


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

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self._opened().rows(sql)

    def row(self, sql: str) -> tuple[Any, ...]:
        return self._opened().row(sql)

    def run(self, sql: str) -> None:
        self._opened().run(sql)

    def names(self, sql: str) -> list[list[str]]:
        return self._opened().names(sql)

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
    """The TCP port of a named instance, asked from the SQL Server Browser (MC-SQLR: 0x04 and the name; the answer is
    “ServerName;x;InstanceName;y;…;tcp;1433;…”). Raises TransientError if it does not answer, UserError if it does not know."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(server, _BROWSER_PORT, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind, protocol) as asked:
            asked.settimeout(seconds)
            asked.sendto(b"\x04" + instance.encode("ascii", "replace"), address)
            answer = asked.recv(4096)
    except OSError:
        raise TransientError(
            f"The SQL Server Browser of “{server}” does not tell the port of the instance “{instance}” (UDP {_BROWSER_PORT}).",
            remedy="Name the port in the connection, or have the service started and its port opened.",
        ) from None
    words = answer[3:].decode("ascii", "replace").split(";")
    ports = [words[at + 1] for at, word in enumerate(words[:-1]) if word.casefold() == "tcp"]
    if not ports or not ports[0].isdecimal():
        raise UserError(
            f"“{server}” has no instance “{instance}” that listens on TCP.",
            remedy="Check its name, or have TCP/IP switched on for it.",
        )
    return int(ports[0])
