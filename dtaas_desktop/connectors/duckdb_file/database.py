"""An open DuckDB database as the destination uses it: names written out in full, rows read to their end."""

from collections.abc import Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from dtaas_desktop.connectors.files.sql_types import glob_text, literal, quoted
from dtaas_desktop.domain.target import Publication


class Database:
    """Statements run in the connection's transaction, if there is one."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        (name,) = self.one("SELECT current_database()")
        self.catalog = quoted(str(name))

    def execute(self, sql: str, values: Sequence[object] = ()) -> None:
        self._connection.execute(sql, list(values))

    def all(self, sql: str, values: Sequence[object] = ()) -> list[tuple[object, ...]]:
        return list(self._connection.execute(sql, list(values)).fetchall())

    def one(self, sql: str, values: Sequence[object] = ()) -> tuple[int, ...]:
        # fetchall, though it is one row: a result that was not read to its end blocks the connection
        (row,) = self._connection.execute(sql, list(values)).fetchall()
        return tuple(row)

    def table(self, name: str) -> str:
        return f"{self.catalog}.main.{quoted(name)}"

    def count(self, name: str) -> int:
        return int(self.one(f"SELECT count(*) FROM {self.table(name)}")[0])

    def columns(self, name: str) -> dict[str, str]:
        """Names and types of a table's columns in order; empty if there is no such table."""
        sql = (
            "SELECT column_name, data_type FROM duckdb_columns() WHERE database_name = current_database() AND schema_name = 'main' "
            "AND lower(table_name) = lower(?) ORDER BY column_index"
        )
        return {str(column): str(kind) for column, kind in self.all(sql, [name])}

    def exists(self, schema: str, name: str) -> bool:
        """Whether there is a table or view of this name."""
        sql = (
            "SELECT count(*) FROM (SELECT table_name AS name, schema_name, database_name FROM duckdb_tables() UNION ALL "
            "SELECT view_name, schema_name, database_name FROM duckdb_views()) "
            "WHERE database_name = current_database() AND schema_name = ? AND lower(name) = lower(?)"
        )
        return bool(self.one(sql, [schema, name])[0])

    def rows(self, name: str, limit: int) -> pa.Table:
        return self._connection.sql(f"FROM {self.table(name)} LIMIT {int(limit)}").to_arrow_table()


def staged_rows(publication: Publication, role: str = "data") -> int:
    """How many rows were staged."""
    return sum(file.rows for staged in publication.staged for file in staged.files if file.role == role)


def staged_source(publication: Publication, root: Path, role: str = "data") -> str | None:
    """The staged rows as a table function; None if there are no files."""
    files = [file for staged in publication.staged for file in staged.files if file.role == role]
    paths = ", ".join(literal(glob_text((root / file.staged).as_posix())) for file in files)
    return f"read_parquet([{paths}], hive_partitioning = false)" if files else None
