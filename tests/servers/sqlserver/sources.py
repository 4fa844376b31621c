"""FROM: tables, views, derived tables and joins as SQLite's SQL. The text is made last, when it is known which columns are used."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

from tests.servers.sqlserver import syntax as s
from tests.servers.sqlserver.binder import Binder, Expr
from tests.servers.sqlserver.catalogue import ColumnInfo, DatabaseInfo, TableInfo, fold
from tests.servers.sqlserver.collation import narrow_text
from tests.servers.sqlserver.environment import Environment
from tests.servers.sqlserver.errors import SqlError, invalid_object, not_understood
from tests.servers.sqlserver.expressions import Expressions
from tests.servers.sqlserver.masking import masked
from tests.servers.sqlserver.parse import parse_query, parse_value
from tests.servers.sqlserver.rights import not_under_context
from tests.servers.sqlserver.scope import Scope, Source, SourceColumn, use
from tests.servers.sqlserver.system_sources import check_rights, rendered
from tests.servers.sqlserver.system_views import SystemView, ViewColumn, system_view
from tests.servers.sqlserver.table_functions import Describe, table_function
from tests.servers.sqlserver.types import MAX, SqlType
from tests.servers.sqlserver.values import raw

Render = Callable[[], str]
Named = dict[str, tuple[tuple[str, ...], s.Query]]


@dataclass
class Sources:
    """Binds the FROM clause of one query; `bind_query` binds a query within it."""

    expressions: Expressions
    bind_query: Callable[[s.Query, Scope | None, Named], tuple[str, list[Expr], list[str]]]
    named: Named
    describe: Describe
    trusted: bool = False  # inside a view: its owner's rights
    tables: list[TableInfo] = field(default_factory=list)
    used: dict[int, set[int]] = field(default_factory=dict)  # columns read, by table's place in `tables`

    @property
    def binder(self) -> Binder:
        return self.expressions.binder

    def alias(self) -> str:
        self.binder.aliases += 1
        return f"s{self.binder.aliases}"

    def bind(self, node: s.Source, scope: Scope) -> Render:
        match node:
            case s.Table():
                return self._table(node, scope)
            case s.Derived(query, alias, names):
                return self._derived(query, alias, names, scope)
            case s.Values():
                return self._values(node, scope)
            case s.Join():
                return self._join(node, scope)
        return self._function(node, scope)

    def _join(self, node: s.Join, scope: Scope) -> Render:
        if node.kind in {"cross apply", "outer apply"} and not isinstance(node.right, s.Values):
            raise not_understood("APPLY")
        left, right = self.bind(node.left, scope), self.bind(node.right, scope)
        word = {"inner": "JOIN", "left": "LEFT JOIN", "right": "RIGHT JOIN", "full": "FULL JOIN"}.get(node.kind, "CROSS JOIN")
        if node.on is None:
            return lambda: f"{left()} {word} {right()}"
        on = self.expressions.condition(node.on, scope)
        nested = isinstance(node.right, s.Join)
        return lambda: f"{left()} {word} {f'({right()})' if nested else right()} ON {on}"

    def _derived(self, query: s.Query, name: str, names: tuple[str, ...], scope: Scope, *, outer: bool = False) -> Render:
        sql, columns, own = self.bind_query(query, scope.outer, self.named)
        alias = self.alias()
        titles = names or tuple(own)
        found = [
            SourceColumn(title, replace(one, sql=f"{alias}.c{at}", constant=None))
            for at, (title, one) in enumerate(zip(titles, columns, strict=True), 1)
        ]
        scope.sources.append(Source(((name,),) if name else (), found))
        return lambda: f"({sql}) {alias}"

    def _values(self, node: s.Values, scope: Scope) -> Render:
        rows = [[self.expressions.value(cell, scope) for cell in row] for row in node.rows]
        kinds = [self.expressions.unified([row[at] for row in rows]) for at in range(len(rows[0]))]
        parts = [
            "SELECT " + ", ".join(f"{self.binder.convert(cell, kinds[at]).sql} AS c{at + 1}" for at, cell in enumerate(row))
            for row in rows
        ]
        alias = self.alias()
        columns = [SourceColumn(title, Expr(f"{alias}.c{at}", kinds[at - 1])) for at, title in enumerate(node.columns, 1)]
        scope.sources.append(Source(((node.alias,),), columns))
        return lambda: f"({' UNION ALL '.join(parts)}) {alias}"

    def _function(self, node: s.TableFunction, scope: Scope) -> Render:
        texts: list[str | None] = []
        for argument in node.arguments:
            value = self.expressions.value(argument, scope)
            text = self.binder.convert(value, SqlType("nvarchar", MAX, collation=value.known.collation))
            if text.constant is None:
                raise not_understood(f"an argument of {'.'.join(node.parts)} that is no constant")
            texts.append(None if text.constant[0] is None else narrow_text(raw(text.constant[0])))
        columns, rows = table_function(".".join(node.parts).lower(), texts, self.binder.environment, self.describe)
        alias = self.alias()
        found = [SourceColumn(name, Expr(f"{alias}.c{at}", kind)) for at, (name, kind) in enumerate(columns, 1)]
        scope.sources.append(Source(((node.alias or node.parts[-1],),), found))
        lines = [[self.binder.constant(cell, None).sql for cell in row] for row in rows] or [["NULL"] * len(columns)]
        parts = ["SELECT " + ", ".join(f"{cell} AS c{at}" for at, cell in enumerate(line, 1)) for line in lines]
        return lambda: f"({' UNION ALL '.join(parts)}{'' if rows else ' LIMIT 0'}) {alias}"

    def _table(self, node: s.Table, scope: Scope) -> Render:
        if len(node.parts) == 1 and fold(node.parts[0]) in self.named:
            names, query = self.named[fold(node.parts[0])]
            return self._derived(query, node.alias or node.parts[0], names, scope)
        if {"TABLOCK", "HOLDLOCK"} <= set(node.hints):
            self.binder.environment.options["table lock"] = "held"
        if {"NOLOCK", "READUNCOMMITTED"} & set(node.hints):
            self.binder.unlocked = True
        database = self.database(node.parts)
        schema = node.parts[-2] if len(node.parts) > 1 and node.parts[-2] else "dbo"
        view = system_view(schema, node.parts[-1])
        if view is not None:
            return self._system(view, database, node, scope)
        table = self.binder.environment.catalogue.table(database, schema, node.parts[-1])
        if table is None:
            raise invalid_object(".".join(node.parts))
        if table.type == "V":
            self._mark(table)
            return self._view(table, node, scope)
        return self._stored(table, node, scope)

    def database(self, parts: tuple[str, ...]) -> DatabaseInfo:
        env = self.binder.environment
        if len(parts) > 3:
            raise SqlError(
                7202, f"Could not find server '{parts[0]}' in sys.servers. Verify that the correct server name was specified."
            )
        if len(parts) < 3 or not parts[-3]:
            return env.database
        found = env.catalogue.database(parts[-3])
        if found is None:
            raise invalid_object(".".join(parts))
        if env.rights.user(found) is None:
            raise not_under_context(env.login, found.name)
        return found

    def _names(self, node: s.Table, database: str, schema: str, name: str) -> tuple[tuple[str, ...], ...]:
        return ((node.alias,),) if node.alias else ((name,), (schema, name), (database, schema, name))

    def _system(self, view: SystemView, database: DatabaseInfo, node: s.Table, scope: Scope) -> Render:
        env = self.binder.environment
        check_rights(view, env, database)
        alias = self.alias()
        used: list[ViewColumn] = []
        columns = [
            SourceColumn(
                one.name, Expr(f"{alias}.c{at}", one.type, one.nullable), on_use=partial(_note, used, one)
            )
            for at, one in enumerate(view.columns, 1)
        ]  # fmt: skip
        scope.sources.append(Source(self._names(node, database.name, view.schema, view.name), columns))
        return lambda: f"{rendered(view, used, env, database)} {alias}"

    def _mark(self, table: TableInfo) -> int:
        self.tables.append(table)
        self.used[len(self.tables) - 1] = set()
        return len(self.tables) - 1

    def _view(self, table: TableInfo, node: s.Table, scope: Scope) -> Render:
        place = len(self.tables) - 1
        env = self.binder.environment
        here, env.database = env.database, table.database  # the view's names are those of its own database
        try:
            sql, columns, _ = self.bind_query(
                parse_query(table.definition), None, {"\0trusted": ((), parse_query(table.definition))}
            )
        finally:
            env.database = here
        alias = self.alias()
        found = [
            SourceColumn(
                info.name,
                replace(one, sql=f"{alias}.c{at}", constant=None),
                on_use=partial(self.used[place].add, info.id),
            )
            for at, (info, one) in enumerate(zip(table.columns, columns, strict=True), 1)
        ]  # fmt: skip
        scope.sources.append(Source(self._names(node, table.database.name, table.schema, table.name), found))
        return lambda: f"({sql}) {alias}"

    def _stored(self, table: TableInfo, node: s.Table, scope: Scope) -> Render:
        place = self._mark(table)
        if table.in_memory:
            _check_isolation(self.binder.environment, set(node.hints))
        self.binder.read_tables.append((table.database.id, table.id))
        alias = self.alias()
        mine = Source(self._names(node, table.database.name, table.schema, table.name), [])
        unmask = self.trusted or self.binder.environment.rights.database_permission(table.database, "UNMASK")
        own_scope = Scope([mine])

        def column(info: ColumnInfo) -> SourceColumn:
            stored = Expr(f"{alias}.{info.stored}", info.type, info.nullable)
            value: Expr | Callable[[], Expr] = stored
            if info.computed:
                value = lambda: self.binder.convert(self.expressions.value(parse_value(info.computed), own_scope), info.type)  # noqa: E731
            if info.masked and not unmask:
                value = masked(self.binder, stored, info.masked)
            if info.encryption:
                value = _encrypted(self.binder, stored)
            return SourceColumn(
                info.name, value, identity=info.identity is not None, computed=bool(info.computed) or info.type.name == "timestamp",
                hidden=info.hidden, on_use=lambda: self.used[place].add(info.id),
            )  # fmt: skip

        mine.columns = [column(info) for info in table.columns]
        mine.__post_init__()
        scope.sources.append(mine)
        sampled = _sample(node, table.storage)
        return lambda: f"{f'(SELECT * FROM {table.storage} {sampled})' if sampled else table.storage} {alias}"

    def check_rights(self) -> None:
        if self.trusted:
            return
        for place, table in enumerate(self.tables):
            self.binder.environment.rights.check("SELECT", table, self.used[place])


def _sample(node: s.Table, storage: str) -> str:
    """TABLESAMPLE takes whole pages: here runs of fifty rows, chosen by a hash of their number."""
    if node.sample is None:
        return ""
    amount, unit = node.sample
    if unit == "rows":
        return f"WHERE rowid % max(1, (SELECT max(rowid) FROM {storage}) / {max(int(amount), 1)}) = 0"
    seed = node.repeatable or 1
    # The numbers first, then the rows: of a large table only those that are taken are looked at.
    return (
        f"WHERE rowid IN (WITH RECURSIVE page(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM page WHERE n < (SELECT max(rowid) FROM {storage}) / 50),"
        " line(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM line WHERE i < 49) SELECT n * 50 + i FROM page, line"
        f" WHERE (n * 2654435761 + {seed} * 40503) / 65536 % 10000 < {int(amount * 100)})"
    )


def _note(used: list[ViewColumn], one: ViewColumn) -> None:
    if one not in used:
        used.append(one)


def _encrypted(binder: Binder, stored: Expr) -> Expr:
    """A client without the key sees a column of Always Encrypted as varbinary."""

    def cipher(*values: object) -> bytes:
        return b"\1" + bytes(byte ^ 0x5A for byte in repr(values).encode())

    return binder.apply(("cipher",), SqlType("varbinary", 8000), cipher, [stored])


def star(sources: list[Source], table: tuple[str, ...]) -> list[tuple[SourceColumn, Expr]]:
    chosen = [source for source in sources if not table or source.called(table)]
    if not chosen:
        text = f"The column prefix '{'.'.join(table)}' does not match with a table name or alias name used in the query."
        raise SqlError(107 if table else 263, text if table else "Must specify table to select from.", severity=15)
    return [(column, use(column)) for source in chosen for column in source.columns if not column.hidden]


def _check_isolation(env: Environment, hints: set[str]) -> None:
    """“Transactions with memory-optimized tables”: which isolation may read them, by the session's level and the hints."""
    if env.isolation == "SNAPSHOT":
        raise SqlError(
            41332,
            "Memory optimized tables and natively compiled modules cannot be accessed or created when the session"
            " TRANSACTION ISOLATION LEVEL is set to SNAPSHOT.",
        )
    if "TABLOCK" in hints:
        raise SqlError(10794, "The table option 'tablock' is not supported with memory optimized tables.")
    if env.isolation in {"REPEATABLE READ", "SERIALIZABLE"} and "SNAPSHOT" not in hints:
        raise SqlError(
            41333,
            "The following transactions must access memory optimized tables and natively compiled modules under snapshot"
            " isolation: RepeatableRead transactions, Serializable transactions, and transactions that access tables that are not"
            " memory optimized in RepeatableRead or Serializable isolation.",
        )
    if env.depth and not hints & {"SNAPSHOT", "REPEATABLEREAD", "SERIALIZABLE", "HOLDLOCK"}:
        raise SqlError(
            41368,
            "Accessing memory optimized tables using the READ COMMITTED isolation level is supported only for autocommit"
            " transactions. It is not supported for explicit or implicit transactions. Provide a supported isolation level for the"
            " memory optimized table using a table hint, such as WITH (SNAPSHOT).",
        )
