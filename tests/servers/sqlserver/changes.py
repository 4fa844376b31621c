"""INSERT, UPDATE, DELETE, TRUNCATE TABLE."""

import re
import sqlite3
from collections.abc import Iterable, Sequence

from tests.servers.sqlserver import syntax as s
from tests.servers.sqlserver.binder import Binder, Expr
from tests.servers.sqlserver.catalogue import ColumnInfo, TableInfo
from tests.servers.sqlserver.conversion import converter
from tests.servers.sqlserver.engine import Engine
from tests.servers.sqlserver.environment import Environment
from tests.servers.sqlserver.errors import SqlError, invalid_column, invalid_object, not_understood
from tests.servers.sqlserver.parse import parse_value
from tests.servers.sqlserver.query import Bound, Queries
from tests.servers.sqlserver.types import MAX, SqlType, Value
from tests.servers.sqlserver.values import whole


class Changes:
    def __init__(self, env: Environment) -> None:
        self.env = env
        self.engine: Engine = env.engine

    def table(self, parts: tuple[str, ...], permission: str) -> TableInfo:
        database = self.env.database
        if len(parts) > 2 and parts[-3]:
            found_database = self.env.catalogue.database(parts[-3])
            if found_database is None:
                raise invalid_object(".".join(parts))
            database = found_database
        found = self.env.catalogue.table(database, parts[-2] if len(parts) > 1 and parts[-2] else "dbo", parts[-1])
        if found is None:
            raise invalid_object(".".join(parts))
        if found.type == "V":
            raise not_understood("changing rows through a view")
        if found.shared:
            raise not_understood(f"changing {found.name}, one of many empty copies of a table")
        self.env.rights.check(permission, found)
        if database.read_only or self.env.read_only_secondary:
            raise SqlError(3906, f'Failed to update database "{database.name}" because the database is read-only.')
        self.env.changed.add((database.id, found.id))
        return found

    # ---- INSERT

    def insert(self, node: s.Insert) -> int:
        table = self.table(node.table, "INSERT")
        columns = self._target_columns(table, node.columns)
        if node.defaults:
            rows: Iterable[Sequence[Value]] = [()]
            columns = []
        elif node.query is not None:
            rows = self._from_query(node.query, columns)
        else:
            rows = self._from_values(node, columns)
        return self.add_rows(table, columns, rows)

    def _target_columns(self, table: TableInfo, names: tuple[str, ...]) -> list[ColumnInfo]:
        explicit = self.env.options.get("IDENTITY_INSERT", "") == f"{table.database.id}.{table.id}"
        if not names:
            return [one for one in table.columns if self._writable(one) and (explicit or one.identity is None)]
        found = []
        for name in names:
            one = table.column(name)
            if one is None:
                raise invalid_column(name)
            if one.identity is not None and not explicit:
                raise SqlError(
                    544,
                    f"Cannot insert explicit value for identity column in table '{table.name}' when IDENTITY_INSERT is set to OFF.",
                )
            if one.computed:
                raise SqlError(
                    271,
                    f'The column "{one.name}" cannot be modified because it is either a computed column or is the result of a UNION operator.',
                )
            if one.type.name == "timestamp":
                raise SqlError(
                    273,
                    "Cannot insert an explicit value into a timestamp column. Use INSERT with a column list to exclude the timestamp column,"
                    " or insert a DEFAULT into the timestamp column.",
                )
            found.append(one)
        return found

    @staticmethod
    def _writable(one: ColumnInfo) -> bool:
        return not one.computed and one.type.name != "timestamp" and not one.generated

    def _from_query(self, query: s.Query, columns: list[ColumnInfo]) -> list[tuple[Value, ...]]:
        binder = Binder(self.env)
        bound = Queries(binder).bind(query)
        if len(bound.columns) != len(columns):
            raise self._counts(len(columns), len(bound.columns))
        cells = [
            self._assignable(binder, Expr(f"c{at}", value.type, value.nullable), info).sql
            for at, (value, info) in enumerate(zip(bound.values, columns, strict=True), 1)
        ]
        cursor = self.engine.run(f"SELECT {', '.join(cells)} FROM ({bound.sql})", binder.constants)
        return self.engine.rows(cursor, 1 << 30)

    @staticmethod
    def _counts(wanted: int, given: int) -> SqlError:
        if given > wanted:
            return SqlError(
                110, "There are fewer columns in the INSERT statement than values specified in the VALUES clause.", severity=15
            )
        return SqlError(
            109, "There are more columns in the INSERT statement than values specified in the VALUES clause.", severity=15
        )

    def _from_values(self, node: s.Insert, columns: list[ColumnInfo]) -> list[tuple[Value, ...]]:
        rows = []
        for cells in node.rows:
            if len(cells) != len(columns):
                raise self._counts(len(columns), len(cells))
            binder = Binder(self.env)
            queries = Queries(binder)
            values = [self._cell(binder, queries, cell, info) for cell, info in zip(cells, columns, strict=True)]
            if all(one.constant is not None for one in values):
                rows.append(tuple(one.constant[0] for one in values if one.constant))
            else:
                cursor = self.engine.run(f"SELECT {', '.join(one.sql for one in values)}", binder.constants)
                rows.extend(self.engine.rows(cursor, 1))
        return rows

    def _cell(self, binder: Binder, queries: Queries, cell: s.Node | None, info: ColumnInfo) -> Expr:
        if cell is None:
            if not info.default:
                return binder.constant(None, info.type)
            cell = parse_value(info.default)
        return self._assignable(binder, queries.scalar(cell), info)

    def _assignable(self, binder: Binder, value: Expr, info: ColumnInfo) -> Expr:
        """The value as the column's type, without the conversions that SQL Server does only on request."""
        kind, target = value.type, info.type
        if kind is not None and (
            (kind.family == "text" and target.family == "binary" and target.name != "timestamp")
            or (kind.family == "variant" and target.family != "variant")
            or (kind.name == "ntext" and not target.wide)
            or (kind.family == "binary" and target.family in {"text", "float"} and target.name != "xml")
        ):
            raise SqlError(
                257,
                f"Implicit conversion from data type {kind.name} to {target.name} is not allowed. Use the CONVERT function to run this query.",
                state=3,
            )
        try:
            return binder.convert(value, target, cut=False)
        except SqlError as error:
            if error.number == 2628:
                raise self._truncated(info, value) from error
            raise

    def _truncated(self, info: ColumnInfo, value: Expr) -> SqlError:
        shown = ""
        if value.constant and value.type:
            text = converter(value.type, SqlType("nvarchar", MAX, collation=value.type.collation))
            raw = text(value.constant[0]) if text else value.constant[0]
            shown = raw.decode("utf-16-le", "replace")[:100] if isinstance(raw, bytes) else ""
        return SqlError(
            2628,
            f"String or binary data would be truncated in table '{self.env.database.name}', column '{info.name}'. Truncated value: '{shown}'.",
        )

    def add_rows(self, table: TableInfo, columns: list[ColumnInfo], rows: Iterable[Sequence[Value]]) -> int:
        """Rows of stored values for these columns; identities, defaults and row versions are added."""
        given = {one.id for one in columns}
        identity = next((one for one in table.columns if one.identity and one.id not in given), None)
        version = next((one for one in table.columns if one.type.name == "timestamp"), None)
        defaults = [
            (one, self._default(one))
            for one in table.columns
            if one.id not in given and self._writable(one) and one is not identity
        ]
        targets = [*columns, *(one for one, _ in defaults), *((identity,) if identity else ()), *((version,) if version else ())]
        required = [(at, one) for at, one in enumerate(targets) if not one.nullable]
        fixed = tuple(value for _, value in defaults)
        next_identity = self._next_identity(table, identity) if identity else 0
        next_version = self._next_version(table) if version else 0
        ready: list[tuple[Value, ...]] = []
        for row in rows:
            full = (*row, *fixed)
            if identity is not None and identity.identity:
                full = (*full, next_identity)
                next_identity += identity.identity[1]
            if version is not None:
                full = (*full, next_version.to_bytes(8, "big"))
                next_version += 1
            for at, one in required:
                if full[at] is None:
                    raise null_not_allowed(table, one, "INSERT")
            ready.append(full)
        marks = ", ".join("?" * len(targets))
        names = ", ".join(one.stored for one in targets)
        sql = (
            f"INSERT INTO {table.storage}({names}) VALUES ({marks})" if targets else f"INSERT INTO {table.storage} DEFAULT VALUES"
        )
        self._many(table, sql, ready)
        if identity is not None and identity.identity and ready:
            last = next_identity - identity.identity[1]
            self.engine.run(
                "UPDATE c_column SET last = ? WHERE db = ? AND object = ? AND identity = 1", (last, table.database.id, table.id)
            )
            self.env.identity = last
        if version is not None:
            self._keep_version(table, next_version - 1)
        self.env.catalogue.touched(table)
        return len(ready)

    def _many(self, table: TableInfo, sql: str, rows: Sequence[Sequence[Value]]) -> None:
        try:
            self.engine.db.executemany(sql, rows)
        except sqlite3.IntegrityError as error:
            raise self._duplicate(table, str(error)) from error
        except sqlite3.Error as error:
            raise self.engine.translated(error) from error

    def _duplicate(self, table: TableInfo, text: str) -> SqlError:
        match = re.search(r"i_\d+_\d+_(\d+)", text)
        found = next((one for one in table.indexes if match and one.id == int(match[1])), None)
        if found is None:  # a key of plain columns: SQLite names them instead of the index
            columns = {int(number) for number in re.findall(r"\.c(\d+)", text)}
            found = next((one for one in table.indexes if one.unique and {column for column, _ in one.columns} == columns), None)
        name = found.name if found else "unknown"
        if found is not None and not found.primary and not self._is_constraint(table, found.id):
            return SqlError(
                2601,
                f"Cannot insert duplicate key row in object '{table.schema}.{table.name}' with unique index '{name}'. The duplicate key value is (…).",
                severity=14,
            )
        kind = "PRIMARY KEY" if found is not None and found.primary else "UNIQUE KEY"
        return SqlError(
            2627,
            f"Violation of {kind} constraint '{name}'. Cannot insert duplicate key in object '{table.schema}.{table.name}'. The duplicate key value is (…).",
            severity=14,
        )

    def _is_constraint(self, table: TableInfo, index: int) -> bool:
        row = self.engine.one(
            "SELECT is_constraint FROM c_index WHERE db = ? AND object = ? AND id = ?", (table.database.id, table.id, index)
        )
        return bool(row and row[0])

    def _default(self, one: ColumnInfo) -> Value:
        if not one.default:
            return None
        binder = Binder(self.env)
        value = binder.convert(Queries(binder).scalar(parse_value(one.default)), one.type)
        if value.constant is not None:
            return value.constant[0]
        found = self.engine.run(f"SELECT {value.sql}", binder.constants).fetchone()
        return found[0] if found else None

    def _next_identity(self, table: TableInfo, one: ColumnInfo) -> int:
        row = self.engine.one(
            "SELECT last, seed, increment FROM c_column WHERE db = ? AND object = ? AND id = ?",
            (table.database.id, table.id, one.id),
        )
        if row is None or row[0] is None:
            return one.identity[0] if one.identity else 1
        return whole(row[0]) + whole(row[2])

    def _next_version(self, table: TableInfo) -> int:
        row = self.engine.one("SELECT rowversion FROM c_database WHERE id = ?", (table.database.id,))
        first = whole(row[0]) + 1 if row else 1
        self.env.options.setdefault("first rowversion", str(first))
        return first

    def _keep_version(self, table: TableInfo, last: int) -> None:
        self.engine.run("UPDATE c_database SET rowversion = ? WHERE id = ?", (last, table.database.id))

    # ---- UPDATE and DELETE

    def _chosen(
        self, table: TableInfo, parts: tuple[str, ...], items: tuple[s.Item, ...], where: s.Node | None, top: s.Node | None
    ) -> tuple[Binder, Bound, str]:
        binder = Binder(self.env)
        bound = Queries(binder).bind(
            s.Query(s.Select(items or (s.Item(s.Literal("integer", "1")),), s.Table(parts), where, top=top))
        )
        if bound.single is None:
            raise not_understood("UPDATE or DELETE of this form")
        return binder, bound, bound.single.source.rsplit(" ", 1)[-1]

    def update(self, node: s.Update) -> int:
        table = self.table(node.table, "UPDATE")
        changes = [self._changed_column(table, name, value) for name, value in node.changes]
        items = tuple(s.Item(value) for _, value in changes)
        binder, bound, alias = self._chosen(table, node.table, items, node.where, node.top)
        cells = [self._assignable(binder, value, info).sql for value, (info, _) in zip(bound.values, changes, strict=True)]
        rows = self._rows(binder, bound, f"{alias}.rowid, {', '.join(cells)}")
        for row in rows:
            for (info, _), value in zip(changes, row[1:], strict=True):
                if value is None and not info.nullable:
                    raise null_not_allowed(table, info, "UPDATE")
        version = next((one for one in table.columns if one.type.name == "timestamp"), None)
        columns = [info.stored for info, _ in changes]
        if version is not None:
            columns.append(version.stored)
            first = self._next_version(table)
            rows = [(*row, (first + at).to_bytes(8, "big")) for at, row in enumerate(rows)]
            self._keep_version(table, first + len(rows) - 1)
        self._write(table, columns, rows, keyed={info.id for info, _ in changes})
        self.env.catalogue.touched(table)
        return len(rows)

    def _write(self, table: TableInfo, columns: list[str], rows: list[tuple[Value, ...]], keyed: set[int]) -> None:
        unique = any(one.unique and keyed & {column for column, _ in one.columns} for one in table.indexes)
        if not unique:
            sets = ", ".join(f"{name} = ?{at}" for at, name in enumerate(columns, 2))
            self._many(table, f"UPDATE {table.storage} SET {sets} WHERE rowid = ?1", rows)
            return
        # Keys are checked when all rows have theirs, so that two rows may swap: out with all of them, then in again.
        names = [name for _, name, *_ in self.engine.db.execute(f"PRAGMA table_info({table.storage})")]
        old = [
            self.engine.db.execute(f"SELECT {', '.join(names)} FROM {table.storage} WHERE rowid = ?", (row[0],)).fetchone()
            for row in rows
        ]
        self.engine.db.executemany(f"DELETE FROM {table.storage} WHERE rowid = ?", [(row[0],) for row in rows])
        new = [
            (
                row[0],
                *(dict(zip(columns, row[1:], strict=True)).get(name, value) for name, value in zip(names, before, strict=True)),
            )
            for row, before in zip(rows, old, strict=True)
        ]
        self._many(
            table, f"INSERT INTO {table.storage}(rowid, {', '.join(names)}) VALUES ({', '.join('?' * (len(names) + 1))})", new
        )

    def _rows(self, binder: Binder, bound: Bound, items: str) -> list[tuple[Value, ...]]:
        single = bound.single
        if single is None:
            return []
        where = f"WHERE {single.where}" if single.where else ""
        cursor = self.engine.run(f"SELECT {items} FROM {single.source} {where} {single.limit}", binder.constants)
        return self.engine.rows(cursor, 1 << 30)

    def _changed_column(self, table: TableInfo, name: str, value: s.Node | None) -> tuple[ColumnInfo, s.Node]:
        info = table.column(name)
        if info is None:
            raise invalid_column(name)
        if info.computed:
            raise SqlError(
                271,
                f'The column "{info.name}" cannot be modified because it is either a computed column or is the result of a UNION operator.',
            )
        if info.identity is not None:
            raise SqlError(8102, f"Cannot update identity column '{info.name}'.")
        if info.type.name == "timestamp":
            raise SqlError(272, "Cannot update a timestamp column.")
        if value is None:
            value = parse_value(info.default) if info.default else s.Literal("null", "")
        return info, value

    def delete(self, node: s.Delete) -> int:
        table = self.table(node.table, "DELETE")
        binder, bound, alias = self._chosen(table, node.table, (), node.where, node.top)
        rows = self._rows(binder, bound, f"{alias}.rowid")
        self.engine.db.executemany(f"DELETE FROM {table.storage} WHERE rowid = ?", rows)
        self.env.catalogue.touched(table)
        return len(rows)

    def truncate(self, node: s.Truncate) -> None:
        table = self.table(node.table, "DELETE")
        row = self.engine.one("SELECT cdc FROM c_object WHERE db = ? AND id = ?", (table.database.id, table.id))
        if row and row[0]:
            raise SqlError(
                4711,
                f"Cannot truncate table '{table.name}' because it is published for replication or enabled for Change Data Capture.",
            )
        self.engine.run(f"DELETE FROM {table.storage}")
        self.engine.run("UPDATE c_column SET last = NULL WHERE db = ? AND object = ?", (table.database.id, table.id))
        self.env.catalogue.touched(table)


def null_not_allowed(table: TableInfo, one: ColumnInfo, verb: str) -> SqlError:
    where = f"{table.database.name}.{table.schema}.{table.name}"
    return SqlError(
        515,
        f"Cannot insert the value NULL into column '{one.name}', table '{where}'; column does not allow nulls. {verb} fails.",
        state=2,
    )
