"""SQL Server as a source. `SqlServerSource` is all that others need to read; pyodbc and arrow-odbc stay in here."""

from dtaas_desktop.connectors.sqlserver.drivers import chosen_driver
from dtaas_desktop.connectors.sqlserver.odbc import registered_drivers
from dtaas_desktop.connectors.sqlserver.source import SqlServerSource

__all__ = ["SqlServerSource", "driver_title"]


def driver_title(wanted: str) -> str:
    """The driver that a connection would use, for people; `wanted` is that of its settings. Raises UserError if there is none."""
    return chosen_driver(wanted, registered_drivers()).title
