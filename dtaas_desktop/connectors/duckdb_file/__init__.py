"""Tables in a DuckDB database file: rows, position and owner in one transaction."""

from dtaas_desktop.connectors.duckdb_file.destination import DuckDBDestination

__all__ = ["DuckDBDestination"]
