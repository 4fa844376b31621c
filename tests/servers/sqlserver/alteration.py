"""ALTER TABLE: columns and keys added, changed, dropped, and Change Tracking."""

import time

from tests.servers.sqlserver import syntax as s
from tests.servers.sqlserver.binder import Binder, Expr
from tests.servers.sqlserver.catalogue import TableInfo
from tests.servers.sqlserver.definition import Definitions
from tests.servers.sqlserver.environment import Environment
from tests.servers.sqlserver.errors import SqlError
from tests.servers.sqlserver.parse import parse_value
from tests.servers.sqlserver.query import Queries


class Alterations:
    def __init__(self, env: Environment) -> None:
        self.env = env
        self.catalogue = env.catalogue
        self.run = env.engine.run
        self.tables = Definitions(env)

    def apply(self, node: s.AlterTable) -> None:
        table = self.tables.table(node.table)
        database = table.database
        self.env.rights.need(database, "ALTER")
        if node.action.endswith("change tracking"):
            on = node.action.startswith("enable")
            self.run("UPDATE c_object SET change_tracking = ? WHERE db = ? AND id = ?", (int(on), database.id, table.id))
        elif node.action == "drop column":
            for name in node.names:
                self._drop_column(table, name)
        elif node.action == "drop constraint":
            for name in node.names:
                self.tables.drop_key(table, name)
        elif node.action == "alter column":
            self._alter_column(table, node.columns[0])
        else:
            self._add(table, node)
        self.run("UPDATE c_object SET modified = ? WHERE db = ? AND id = ?", (time.time(), database.id, table.id))
        self.catalogue.touched(table)
        self.catalogue.changed()

    def _add(self, table: TableInfo, node: s.AlterTable) -> None:
        number = max((one.id for one in table.columns), default=0)
        highest = self.env.engine.db.execute(f"SELECT count(*) FROM pragma_table_info('{table.storage}')").fetchone()[0]
        number = max(number, highest)
        for column in node.columns:
            number += 1
            self.run(f"ALTER TABLE {table.storage} ADD COLUMN c{number}")
            if column.computed:
                self.tables.add_computed(table.database, table.id, number, column)
                continue
            self.tables.add_column(table.database, table.id, number, column)
            self._fill(table, number, column)
        self.catalogue.changed()
        self.tables.add_keys(self.catalogue.table_by_id(table.database, table.id), node.keys)

    def _fill(self, table: TableInfo, number: int, column: s.ColumnDefinition) -> None:
        """Rows that are there get the default where the column is NOT NULL, and identities and row versions of their own."""
        kind = self.tables.column_type(table.database, column)
        if column.identity is not None:
            seed, step = column.identity
            self.run(f"UPDATE {table.storage} SET c{number} = {seed} + (rowid - 1) * {step}")
            self.run(
                f"UPDATE c_column SET last = (SELECT max(c{number}) FROM {table.storage}) WHERE db = ? AND object = ? AND id = ?",
                (table.database.id, table.id, number),
            )
        elif column.nullable is False and column.default:
            binder = Binder(self.env)
            value = binder.convert(Queries(binder).scalar(parse_value(column.default)), kind)
            self.run(f"UPDATE {table.storage} SET c{number} = {value.sql}", binder.constants)
        elif column.nullable is False and self.env.engine.one(f"SELECT 1 FROM {table.storage} LIMIT 1") is not None:
            raise SqlError(
                4901,
                f"ALTER TABLE only allows columns to be added that can contain nulls, or have a DEFAULT definition specified: column '{column.name}'.",
            )

    def _drop_column(self, table: TableInfo, name: str) -> None:
        info = table.column(name)
        if info is None:
            raise SqlError(
                4924, f"ALTER TABLE DROP COLUMN failed because column '{name}' does not exist in table '{table.name}'."
            )
        if any(info.id == column for one in table.indexes for column, _ in one.columns):
            raise SqlError(5074, f"The index or constraint is dependent on column '{name}'.")
        self.run("DELETE FROM c_column WHERE db = ? AND object = ? AND id = ?", (table.database.id, table.id, info.id))
        self.run(f"UPDATE {table.storage} SET {info.stored} = NULL")

    def _alter_column(self, table: TableInfo, column: s.ColumnDefinition) -> None:
        info = table.column(column.name)
        if info is None:
            raise SqlError(
                4924, f"ALTER TABLE ALTER COLUMN failed because column '{column.name}' does not exist in table '{table.name}'."
            )
        kind = self.tables.column_type(table.database, column)
        nullable = column.nullable is not False
        binder = Binder(self.env)
        value = binder.convert(Expr(info.stored, info.type), kind, cut=False)
        if value.sql != info.stored:
            self.run(f"UPDATE {table.storage} SET {info.stored} = {value.sql}", binder.constants)
        if not nullable and self.env.engine.one(f"SELECT 1 FROM {table.storage} WHERE {info.stored} IS NULL LIMIT 1"):
            raise SqlError(
                515,
                f"Cannot insert the value NULL into column '{info.name}', table '{table.name}'; column does not allow nulls. UPDATE fails.",
                state=2,
            )
        row = {
            "type": kind.name, "length": kind.length, "precision": kind.precision, "scale": kind.scale,
            "collation": kind.collation.name if kind.collation else None, "nullable": int(nullable), **kind.catalogue_row,
        }  # fmt: skip
        where = (table.database.id, table.id, info.id)
        sets = ", ".join(f"{name} = ?" for name in row)
        self.run(f"UPDATE c_column SET {sets} WHERE db = ? AND object = ? AND id = ?", [*row.values(), *where])
        if kind.collation:
            self.run("INSERT OR IGNORE INTO c_collation VALUES (?)", (kind.collation.name,))
