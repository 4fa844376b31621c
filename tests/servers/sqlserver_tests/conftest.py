"""One stand-in a worker, and the drivers that this machine has; without any the tests are skipped, saying so."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from tests.servers.sqlserver import SqlServer
from tests.servers.sqlserver.api import supported
from tests.servers.sqlserver.drivers import Driver, drivers

if TYPE_CHECKING:
    import pyodbc

NO_MANAGER = "pyodbc or its driver manager (Debian: unixodbc) is missing"
NO_DRIVER = "no ODBC driver for SQL Server: install the wheel mssql-python-odbc, or Debian's tdsodbc"
Connect = Callable[..., "pyodbc.Connection"]


@pytest.fixture(scope="session")
def driver() -> Driver:
    found = drivers()
    if not found:
        pytest.skip(NO_DRIVER)
    return found[0]


@pytest.fixture(scope="session")
def microsoft() -> Driver:
    found = [one for one in drivers() if one.microsoft]
    if not found:
        pytest.skip("Microsoft's ODBC driver is missing: install the wheel mssql-python-odbc")
    return found[0]


@pytest.fixture(scope="session")
def freetds() -> Driver:
    found = [one for one in drivers() if not one.microsoft]
    if not found:
        pytest.skip("FreeTDS is missing (Debian: tdsodbc)")
    return found[0]


@pytest.fixture(scope="session")
def server() -> Iterator[SqlServer]:
    if not supported():
        pytest.skip("the stand-in forks: it needs Linux or macOS")
    if not drivers():
        pytest.skip(NO_DRIVER)
    with SqlServer.started() as running:
        yield running


@pytest.fixture
def database(server: SqlServer, request: pytest.FixtureRequest) -> Iterator[str]:
    """A database of the test's own; faults that were not met are taken away after it."""
    name = f"d{abs(hash(request.node.nodeid)) % 10**12}"
    server.control.run(f"CREATE DATABASE {name}")
    yield name
    server.control.clear_faults()
    server.control.run(f"DROP DATABASE {name}")


@pytest.fixture
def connect(server: SqlServer, driver: Driver) -> Iterator[Connect]:
    """Opens connections with autocommit; they are closed after the test."""
    import pyodbc

    pyodbc.pooling = False
    opened: list[pyodbc.Connection] = []

    def open_one(
        database: str = "master", *, user: str = "sa", password: str | None = None, using: Driver | None = None, **more: str
    ) -> "pyodbc.Connection":
        text = server.connection_string(driver=(using or driver).name, user=user, password=password, database=database, **more)
        connection = pyodbc.connect(text, autocommit=True, timeout=20)
        opened.append(connection)
        return connection

    yield open_one
    for connection in opened:
        try:
            connection.close()
        except pyodbc.Error:  # the test broke it, or closed it
            continue
