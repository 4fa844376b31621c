"""A stand-in for Microsoft SQL Server: TDS 7.4 over loopback, for tests and benchmarks. See README.md beside this file.

with SqlServer.started(tls="optional") as server:
    connection = pyodbc.connect(server.connection_string(driver=…))
"""

from tests.servers.sqlserver.api import SqlServer
from tests.servers.sqlserver.faults import Fault

__all__ = ["Fault", "SqlServer"]
