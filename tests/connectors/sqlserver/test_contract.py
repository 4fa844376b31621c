"""SQL Server keeps what every source must keep."""

import uuid

import pytest

from dtaas_desktop.connectors.sqlserver import SqlServerSource
from tests.connectors.sqlserver.world import World
from tests.contracts.source_contract import KnownTable, SourceContract


class TestSqlServer(SourceContract):
    @pytest.fixture
    def known(self, sql_server: World) -> KnownTable:
        name = f"things {uuid.uuid4().hex[:8]}"
        table = sql_server.name(name)
        rows = [(key * key - 5000, f"name {key}", key / 7 if key % 5 else None) for key in range(600)]
        sql_server.run(f"CREATE TABLE {table} (id int NOT NULL PRIMARY KEY, name nvarchar(40) NOT NULL, amount float)")
        sql_server.insert(name, rows)

        def change() -> None:
            sql_server.run(
                f"DELETE FROM {table} WHERE id % 3 = 0",
                f"UPDATE {table} SET name = N'changed'",
                f"INSERT INTO {table} VALUES (-6000, N'new', 1)",
            )

        return KnownTable(
            sql_server.ref(name), "id", [dict(zip(("id", "name", "amount"), row, strict=True)) for row in rows], change
        )

    @pytest.fixture
    def source(self, sql_server: World, known: KnownTable) -> SqlServerSource:
        return sql_server.source()
