"""A database to test with: one of the stand-in, or of the server that DTAAS_TEST_SQLSERVER names by an ODBC connection string.

Everything is made with pyodbc and documented T-SQL, in a schema of its own; nothing here knows the product but its settings.
"""

import os
import re
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.servers.sqlserver import Fault, SqlServer

from dtaas_desktop.connectors.sqlserver import SqlServerSource
from dtaas_desktop.domain.sqlserver_settings import SqlServerSettings
from dtaas_desktop.domain.table import TableRef

REAL = "DTAAS_TEST_SQLSERVER"
DATABASE = "tests"
CANARY = "Kanarienvogel}x;y=1{z"
REFERENCE = "env:DTAAS_TEST_SQLSERVER_PASSWORD"


def driver_or_skip() -> str:
    """The driver that the product would choose; skips with the reason if there is none."""
    pytest.importorskip(
        "pyodbc", reason="pyodbc, or the ODBC driver manager that it needs, is not installed", exc_type=ImportError
    )
    pytest.importorskip("arrow_odbc", reason="arrow-odbc is not installed", exc_type=ImportError)
    from dtaas_desktop.connectors.sqlserver.drivers import chosen_driver
    from dtaas_desktop.connectors.sqlserver.odbc import registered_drivers
    from dtaas_desktop.domain.errors import UserError

    try:
        return chosen_driver("", registered_drivers()).name
    except UserError as error:
        pytest.skip(f"{error.message} {error.remedy}")


@dataclass(frozen=True)
class World:
    """A schema of a database, and how to reach it. `stand_in`: None on a real server."""

    driver: str
    settings: SqlServerSettings
    password: str
    schema: str
    stand_in: "SqlServer | None" = None

    def ref(self, name: str) -> TableRef:
        return TableRef(name, self.schema)

    def name(self, table: str) -> str:
        """The table's name in a statement."""
        return f"[{self.schema}].[{table.replace(']', ']]')}]"

    def secret(self, reference: str) -> str:
        assert reference == REFERENCE
        return self.password

    def source(self, **changes: object) -> SqlServerSource:
        settings = SqlServerSettings.model_validate(self.settings.model_dump() | changes)
        return SqlServerSource(settings, secret=self.secret)

    def connection_string(self, **changes: str) -> str:
        server = self.settings.server + (f",{self.settings.port}" if self.settings.port else "")
        words = {
            "Driver": "{" + self.driver + "}",
            "Server": f"tcp:{server}",
            "Database": self.settings.database,
            "UID": self.settings.user,
            "PWD": "{" + self.password.replace("}", "}}") + "}",
            "Encrypt": self.settings.encrypt,
            "TrustServerCertificate": "yes" if self.settings.trust_certificate else "no",
        }
        if "tds" in self.driver.lower():
            words |= {"Server": self.settings.server, "Port": str(self.settings.port or 1433), "TDS_Version": "7.4"}
            words |= {"Encrypt": "", "TrustServerCertificate": "", "ClientCharset": "UTF-8"}
        return ";".join(f"{name}={value}" for name, value in (words | changes).items() if value) + ";"

    @contextmanager
    def connection(self, *, autocommit: bool = True) -> Iterator[Any]:
        import pyodbc

        opened = pyodbc.connect(self.connection_string(), autocommit=autocommit, timeout=20)
        try:
            yield opened
        finally:
            opened.close()

    def run(self, *statements: str) -> None:
        with self.connection() as connection:
            for statement in statements:
                connection.execute(statement)

    def insert(self, table: str, rows: Sequence[Sequence[object]]) -> None:
        """Rows by parameters, some hundred in a statement."""
        if not rows:
            return
        marks = "(" + ", ".join("?" * len(rows[0])) + ")"
        at_once = max(1, min(500, 1000 // len(rows[0])))
        with self.connection(autocommit=False) as connection:
            for start in range(0, len(rows), at_once):
                some = rows[start : start + at_once]
                values = [value for row in some for value in row]
                connection.execute(f"INSERT INTO {self.name(table)} VALUES {', '.join([marks] * len(some))}", values)
            connection.commit()

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with self.connection() as connection:
            return [tuple(row) for row in connection.execute(sql).fetchall()]

    @contextmanager
    def fault(self, fault: "Fault") -> Iterator[None]:
        """A fault of the stand-in; on a real server the test is skipped."""
        if self.stand_in is None:
            pytest.skip("a fault cannot be put into a real server")
        self.stand_in.control.fault(fault)
        try:
            yield
        finally:
            self.stand_in.control.clear_faults()


@contextmanager
def world() -> Iterator[World]:
    """The stand-in, or the real server's database with a fresh schema."""
    driver = driver_or_skip()
    text = os.environ.get(REAL)
    schema = f"t{uuid.uuid4().hex[:10]}"
    if text:
        found = World(driver, _settings(text), _keywords(text).get("pwd", ""), schema)
        with _own_schema(found):
            yield found
        return
    from tests.servers.sqlserver import SqlServer
    from tests.servers.sqlserver.api import supported

    if not supported():
        pytest.skip(f"the stand-in for SQL Server forks, which this system cannot; set {REAL} to test with a real server")
    password = CANARY if "tds" not in driver.lower() else CANARY.replace("}", "")  # FreeTDS knows no way to write }
    with SqlServer.started(password=password) as server:
        server.control.run(f"CREATE DATABASE [{DATABASE}]")
        server.control.run(f"ALTER DATABASE [{DATABASE}] SET ALLOW_SNAPSHOT_ISOLATION ON")
        settings = SqlServerSettings(
            server=server.host, port=server.port, database=DATABASE, user="sa", password=REFERENCE, encrypt="no"
        )
        found = World(driver, settings, password, schema, server)
        with _own_schema(found):
            yield found


@contextmanager
def _own_schema(world: World) -> Iterator[None]:
    world.run(f"CREATE SCHEMA [{world.schema}]")
    try:
        yield
    finally:
        if world.stand_in is None:
            kinds = {"V": "VIEW", "U": "TABLE"}
            for kind, name in world.rows(
                "SELECT RTRIM(o.type), o.name FROM sys.objects AS o JOIN sys.schemas AS s ON s.schema_id = o.schema_id"
                f" WHERE s.name = '{world.schema}' AND o.type IN ('U', 'V') ORDER BY o.type DESC"
            ):
                world.run(f"DROP {kinds[kind]} {world.name(name)}")
            world.run(f"DROP SCHEMA [{world.schema}]")


def _keywords(text: str) -> dict[str, str]:
    found = re.findall(r"\s*([^=;]+?)\s*=\s*(\{(?:[^}]|\}\})*\}|[^;]*)", text)
    return {name.lower(): value[1:-1].replace("}}", "}") if value.startswith("{") else value for name, value in found}


def _settings(text: str) -> SqlServerSettings:
    words = _keywords(text)
    server, _, port = words["server"].removeprefix("tcp:").partition(",")
    host, _, instance = server.partition("\\")
    return SqlServerSettings(
        server=host,
        port=int(port) if port else None,
        instance=instance,
        database=words.get("database", ""),
        user=words.get("uid", ""),
        password=REFERENCE,
        encrypt="no" if words.get("encrypt", "yes").lower() in ("no", "optional") else "yes",
        trust_certificate=words.get("trustservercertificate", "no").lower() == "yes",
    )
