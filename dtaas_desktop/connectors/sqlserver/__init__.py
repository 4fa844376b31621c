"""SQL Server as a source. `SqlServerSource` is all that others need; pyodbc and arrow-odbc stay in here."""

from dtaas_desktop.connectors.sqlserver.source import SqlServerSource

__all__ = ["SqlServerSource"]
