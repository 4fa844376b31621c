"""DDL of tables, indexes and views ("CREATE TABLE", "ALTER TABLE", "CREATE INDEX", "CREATE VIEW")."""

import time
from dataclasses import replace

from tests.servers.sqlserver import syntax as s
from tests.servers.sqlserver.binder import Binder, Expr
from tests.servers.sqlserver.catalogue import ColumnInfo, DatabaseInfo, TableInfo, fold
from tests.servers.sqlserver.collation import collation
from tests.servers.sqlserver.environment import Environment
from tests.servers.sqlserver.errors import SqlError, not_understood
from tests.servers.sqlserver.parse import parse_value
from tests.servers.sqlserver.query import Queries
from tests.servers.sqlserver.types import SqlType, named


class Definitions:
    def __init__(self, env: Environment) -> None:
        self.env = env
        self.catalogue = env.catalogue
        self.run = env.engine.run

    # ---- names

    def database(self, parts: tuple[str, ...]) -> DatabaseInfo:
        if len(parts) < 3 or not parts[-3]:
            return self.env.database
        found = self.catalogue.database(parts[-3])
        if found is None:
            raise SqlError(911, f"Database '{parts[-3]}' does not exist. Make sure that the name is entered correctly.")
        return found

    def schema(self, database: DatabaseInfo, parts: tuple[str, ...]) -> tuple[int, str]:
        name = parts[-2] if len(parts) > 1 and parts[-2] else "dbo"
        found = self.catalogue.schema(database, name)
        if found is None:
            raise SqlError(
                2760, f'The specified schema name "{name}" either does not exist or you do not have permission to use it.'
            )
        return found

    def table(self, parts: tuple[str, ...], *, view: bool = False) -> TableInfo:
        database = self.database(parts)
        found = self.catalogue.table(database, self.schema(database, parts)[1], parts[-1])
        if found is None or (found.type == "V") != view:
            raise SqlError(
                4902, f'Cannot find the object "{".".join(parts)}" because it does not exist or you do not have permissions.'
            )
        return found

    # ---- CREATE TABLE

    def create_table(self, node: s.CreateTable) -> None:
        if node.table[-1].startswith("#"):
            raise not_understood("temporary tables")
        database = self.database(node.table)
        schema = self.schema(database, node.table)
        self.env.rights.need(database, "CREATE TABLE")
        identity = self._new_object(database, schema[0], node.table[-1], "U")
        self.run(f"CREATE TABLE t_{database.id}_{identity}({', '.join(f'c{at}' for at in range(1, len(node.columns) + 1))})")
        primary = {fold(name) for key in node.keys if key.kind == "primary" for name, _ in key.columns}
        for at, column in enumerate(node.columns, 1):
            if not column.computed:
                self.add_column(database, identity, at, column, required=fold(column.name) in primary)
        for at, column in enumerate(node.columns, 1):
            if column.computed:
                self.add_computed(database, identity, at, column)
        self._options(database, identity, node.options)
        self.catalogue.changed()
        table = self.catalogue.table_by_id(database, identity)
        if len({fold(one.name) for one in table.columns}) != len(table.columns):
            raise SqlError(
                2705, f"Column names in each table must be unique. A column in table '{table.name}' is specified more than once."
            )
        self.add_keys(table, node.keys)

    def _options(self, database: DatabaseInfo, identity: int, options: tuple[tuple[str, str], ...]) -> None:
        changes: dict[str, int] = {}
        for name, text in options:
            if name == "MEMORY_OPTIMIZED":
                changes["memory_optimized"] = int(text.upper() == "ON")
            elif name == "DURABILITY":
                changes["durability"] = int(text.upper() == "SCHEMA_ONLY")
            elif name == "SYSTEM_VERSIONING":
                changes["temporal"] = 2
            elif name == "PARTITION":
                changes["partitions"] = 4
            elif name not in {"PERIOD", "DATA_COMPRESSION"}:
                raise not_understood(f"the table option {name}")
        for name, value in changes.items():
            self.run(f"UPDATE c_object SET {name} = ? WHERE db = ? AND id = ?", (value, database.id, identity))

    def _new_object(
        self, database: DatabaseInfo, schema: int, name: str, kind: str, definition: str = "", parent: int = 0
    ) -> int:
        taken = self.env.engine.one(
            "SELECT 1 FROM c_object WHERE db = ? AND schema = ? AND folded = ?", (database.id, schema, fold(name))
        )
        if taken is not None:
            raise SqlError(2714, f"There is already an object named '{name}' in the database.", state=6)
        identity = self.catalogue.next_id()
        now = time.time()
        self.run(
            "INSERT INTO c_object(db, id, schema, name, folded, type, parent, created, modified, definition) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (database.id, identity, schema, name, fold(name), kind, parent, now, now, definition or None),
        )
        return identity

    def column_type(self, database: DatabaseInfo, column: s.ColumnDefinition) -> SqlType:
        if column.type is None:
            raise SqlError(173, f"The definition for column '{column.name}' must include a data type.", severity=15)
        name = column.collation if column.collation and column.collation.lower() != "database_default" else database.collation
        return named(column.type.name, column.type.arguments, collation=collation(name))

    def add_column(
        self, database: DatabaseInfo, table: int, number: int, column: s.ColumnDefinition, *, required: bool = False
    ) -> None:
        kind = self.column_type(database, column)
        always = (
            required
            or column.identity is not None
            or kind.name == "timestamp"
            or kind.alias == "sysname"
            or bool(column.generated)
        )
        nullable = (not always) if column.nullable is None else (column.nullable and not required)
        if column.default:
            parse_value(column.default)
        encryption = {"": 0, "DETERMINISTIC": 1}.get(column.encrypted.upper(), 2)
        self._insert_column(
            database, table, number, column, kind, nullable,
            {"encryption": encryption, "definition": column.default or None, "masked": column.masked or None},
        )  # fmt: skip

    def add_computed(self, database: DatabaseInfo, table: int, number: int, column: s.ColumnDefinition) -> None:
        self.catalogue.changed()
        info = self.catalogue.table_by_id(database, table)
        value = self._value_in(info, parse_value(column.computed))
        nullable = value.nullable if column.nullable is None else column.nullable
        extra: dict[str, str | int | None] = {"computed": column.computed, "persisted": int(column.persisted)}
        self._insert_column(database, table, number, column, value.known, nullable, extra)

    def _value_in(self, table: TableInfo, node: s.Node) -> Expr:
        query = s.Query(s.Select((s.Item(node),), s.Table((table.database.name, table.schema, table.name))))
        return Queries(Binder(self.env)).bind(query).values[0]

    def _insert_column(
        self,
        database: DatabaseInfo,
        table: int,
        number: int,
        column: s.ColumnDefinition,
        kind: SqlType,
        nullable: bool,
        extra: dict[str, str | int | None],
    ) -> None:
        row: dict[str, str | int | None] = {
            "db": database.id, "object": table, "id": number, "name": column.name, "folded": fold(column.name), "type": kind.name,
            "length": kind.length, "precision": kind.precision, "scale": kind.scale,
            "collation": kind.collation.name if kind.collation else None, "alias": kind.alias, "nullable": int(nullable),
            "identity": int(column.identity is not None), "seed": column.identity[0] if column.identity else None,
            "increment": column.identity[1] if column.identity else None, "sparse": int(column.sparse), "guid": int(column.rowguidcol), "hidden": int(column.hidden),
            "generated": {"start": 1, "end": 2}.get(column.generated, 0), **kind.catalogue_row, **extra,
        }  # fmt: skip
        self.run(f"INSERT INTO c_column({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", list(row.values()))
        if kind.collation:
            self.run("INSERT OR IGNORE INTO c_collation VALUES (?)", (kind.collation.name,))

    # ---- keys and indexes

    def add_keys(self, table: TableInfo, keys: tuple[s.KeyDefinition, ...]) -> None:
        explicit = any(key.clustered for key in keys)
        if not any(one.clustered for one in table.indexes) and not self._heap(table):
            self.run("INSERT INTO c_index VALUES (?, ?, 0, NULL, 0, 0, 0, 0, NULL, 0, NULL)", (table.database.id, table.id))
        for key in sorted(keys, key=lambda one: one.kind != "primary"):
            clustered = (
                key.clustered
                if key.clustered is not None
                else key.kind == "primary" and not explicit and not table_clustered(table)
            )
            self.add_key(table, key, clustered=clustered)
            self.catalogue.changed()
            table = self.catalogue.table_by_id(table.database, table.id)

    def _heap(self, table: TableInfo) -> bool:
        return (
            self.env.engine.one("SELECT 1 FROM c_index WHERE db = ? AND object = ? AND id = 0", (table.database.id, table.id))
            is not None
        )

    def add_key(self, table: TableInfo, key: s.KeyDefinition, *, clustered: bool) -> None:
        database = table.database
        if clustered and table_clustered(table):
            raise SqlError(
                1902,
                f"Cannot create more than one clustered index on table '{table.name}'. Drop the existing clustered index before creating another.",
            )
        number = 1 if clustered else max([1, *(one.id for one in table.indexes)]) + 1
        prefix = {"primary": "PK", "unique": "UQ"}.get(key.kind, "IX")
        name = key.name or f"{prefix}__{table.name[:9]}__{table.id:08X}{number:08X}"
        if any(fold(one.name) == fold(name) for one in table.indexes):
            raise SqlError(
                1913,
                f"The operation failed because an index or statistics with name '{name}' already exists on table '{table.name}'.",
            )
        columns = [self._key_column(table, one, key) for one, _ in key.columns]
        constraint = 0
        if key.kind != "index":
            constraint = self._new_object(database, table.schema_id, name, prefix, parent=table.id)
        kind = (5 if clustered else 6) if key.columnstore else 1 if clustered else 2
        self.run(
            "INSERT INTO c_index VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?)",
            (database.id, table.id, number, name, kind, int(key.unique), int(key.kind == "primary"), int(key.kind == "unique"),
             key.filter or None, constraint or None),
        )  # fmt: skip
        if clustered:
            self.run("DELETE FROM c_index WHERE db = ? AND object = ? AND id = 0", (database.id, table.id))
        position = 0
        for at, (info, (_, descending)) in enumerate(zip(columns, key.columns, strict=True), 1):
            position += 1
            self.run(
                "INSERT INTO c_index_column VALUES (?, ?, ?, ?, ?, ?, ?, 0)",
                (database.id, table.id, number, position, info.id, at, int(descending)),
            )
            if key.kind == "primary" and info.nullable:
                raise SqlError(8111, f"Cannot define PRIMARY KEY constraint on nullable column in table '{table.name}'.")
        for included in key.included:
            position += 1
            info = self._key_column(table, included, replace(key, kind="included"))
            self.run(
                "INSERT INTO c_index_column VALUES (?, ?, ?, ?, ?, 0, 0, 1)", (database.id, table.id, number, position, info.id)
            )
        if not key.columnstore:
            self._sqlite_index(table, number, columns, key)

    def _key_column(self, table: TableInfo, name: str, key: s.KeyDefinition) -> ColumnInfo:
        info = table.column(name)
        if info is None:
            raise SqlError(1911, f"Column name '{name}' does not exist in the target table or view.")
        if info.computed:
            raise not_understood("an index on a computed column")
        if key.kind != "included" and (info.type.maximum or info.type.family == "spatial"):
            raise SqlError(
                1919, f"Column '{name}' in table '{table.name}' is of a type that is invalid for use as a key column in an index."
            )
        return info

    def _sqlite_index(self, table: TableInfo, number: int, columns: list[ColumnInfo], key: s.KeyDefinition) -> None:
        binder = Binder(self.env)
        parts = [
            binder.key(Expr(one.stored, one.type)) + (" DESC" if descending else "")
            for one, (_, descending) in zip(columns, key.columns, strict=True)
        ]
        name = f"i_{table.database.id}_{table.id}_{number}"
        nullable = any(one.nullable for one in columns)
        unique = key.unique and not nullable and not key.filter
        try:
            self.run(f"CREATE {'UNIQUE ' if unique else ''}INDEX {name} ON {table.storage}({', '.join(parts)})")
            if key.unique and nullable and not key.filter:  # SQL Server holds two NULLs for equal, SQLite does not
                alike = [f"ifnull({part.removesuffix(' DESC')}, 'null')" for part in parts]
                self.run(f"CREATE UNIQUE INDEX {name}_n ON {table.storage}({', '.join(alike)})")
        except Exception as error:
            if "UNIQUE" in str(error):
                raise SqlError(
                    1505,
                    f"The CREATE UNIQUE INDEX statement terminated because a duplicate key was found for the object name"
                    f" '{table.schema}.{table.name}' and the index name '{key.name}'.",
                ) from error
            raise

    def create_index(self, node: s.CreateIndex) -> None:
        table = self.table(node.table)
        self.env.rights.need(table.database, "ALTER")
        self.add_key(table, node.key, clustered=bool(node.key.clustered))
        self.catalogue.changed()

    def drop_key(self, table: TableInfo, name: str) -> None:
        found = next((one for one in table.indexes if fold(one.name) == fold(name)), None)
        if found is None:
            raise SqlError(3728, f"'{name}' is not a constraint.")
        where = (table.database.id, table.id, found.id)
        self.run("DELETE FROM c_index WHERE db = ? AND object = ? AND id = ?", where)
        self.run("DELETE FROM c_index_column WHERE db = ? AND object = ? AND index_id = ?", where)
        self.run("DELETE FROM c_object WHERE db = ? AND parent = ? AND folded = ?", (table.database.id, table.id, fold(name)))
        for suffix in ("", "_n"):
            self.run(f"DROP INDEX IF EXISTS i_{table.database.id}_{table.id}_{found.id}{suffix}")
        if found.clustered:
            self.run("INSERT INTO c_index VALUES (?, ?, 0, NULL, 0, 0, 0, 0, NULL, 0, NULL)", (table.database.id, table.id))
        self.catalogue.changed()

    # ---- views

    def create_view(self, node: s.CreateView) -> None:
        database = self.database(node.view)
        schema = self.schema(database, node.view)
        self.env.rights.need(database, "CREATE VIEW")
        bound = Queries(Binder(self.env)).bind(node.query)
        old = self.catalogue.table(database, schema[1], node.view[-1])
        if old is not None and node.replace and old.type == "V":
            self.drop_table(old)
        identity = self._new_object(database, schema[0], node.view[-1], "V", node.text)
        names = node.columns or tuple(one.name for one in bound.columns)
        for number, (name, one) in enumerate(zip(names, bound.columns, strict=True), 1):
            if not name:
                raise SqlError(4511, f"Create View or Function failed because no column name was specified for column {number}.")
            self._insert_column(database, identity, number, s.ColumnDefinition(name), one.type, one.nullable, {})
        self.catalogue.changed()

    def drop_table(self, table: TableInfo) -> None:
        for name in ("c_column", "c_index", "c_index_column"):
            self.run(f"DELETE FROM {name} WHERE db = ? AND object = ?", (table.database.id, table.id))
        self.run("DELETE FROM c_object WHERE db = ? AND (id = ? OR parent = ?)", (table.database.id, table.id, table.id))
        self.run("DELETE FROM c_permission WHERE db = ? AND class = 1 AND major = ?", (table.database.id, table.id))
        if table.type == "U" and not table.shared:
            self.run(f"DROP TABLE IF EXISTS {table.storage}")
        self.catalogue.changed()

    def drop(self, node: s.Drop) -> None:
        for parts in node.names:
            if node.what == "index":
                self.drop_key(self.table(node.table), parts[-1])
                continue
            database = self.database(parts)
            schema = self.catalogue.schema(database, parts[-2] if len(parts) > 1 and parts[-2] else "dbo")
            found = self.catalogue.table(database, schema[1], parts[-1]) if schema else None
            if found is None or (found.type == "V") != (node.what == "view"):
                if node.if_exists:
                    continue
                raise SqlError(
                    3701,
                    f"Cannot drop the {node.what} '{'.'.join(parts)}', because it does not exist or you do not have permission.",
                    severity=11,
                    state=5,
                )
            self.env.rights.need(database, "ALTER")
            self.drop_table(found)


def table_clustered(table: TableInfo) -> bool:
    return any(one.clustered for one in table.indexes)
