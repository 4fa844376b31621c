"""SELECT as SQLite's SQL, with the names and T-SQL types of its columns."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tests.servers.sqlserver import (
    aggregates,
    functions_clr,
    functions_math,
    functions_meta,
    functions_server,
    functions_text,
    functions_time,
)

from tests.servers.sqlserver import functions, syntax as s  # isort: skip
from tests.servers.sqlserver.binder import Binder, Expr
from tests.servers.sqlserver.catalogue import TableInfo, fold
from tests.servers.sqlserver.errors import SqlError, not_understood
from tests.servers.sqlserver.expressions import Expressions
from tests.servers.sqlserver.scope import Scope
from tests.servers.sqlserver.sources import Named, Sources, star
from tests.servers.sqlserver.types import BIGINT, SqlType
from tests.servers.sqlserver.values import whole

LOADED = (
    aggregates,
    functions_math,
    functions_meta,
    functions_server,
    functions_text,
    functions_time,
)  # they enter their functions when imported


@dataclass(frozen=True, slots=True)
class ResultColumn:
    name: str
    type: SqlType
    nullable: bool
    identity: bool = False
    computed: bool = False


@dataclass(frozen=True)
class Bound:
    """A query ready to run: SQLite's SQL, the columns, and what it says of where its rows come from."""

    sql: str
    columns: list[ResultColumn]
    values: list[Expr]
    tables: list[TableInfo]
    assigned: list[str]  # the variables of SELECT @x = …
    single: "Single | None" = None


@dataclass(frozen=True)
class Single:
    """A query of one table alone, as replay needs to know it: the WHERE, ORDER BY and LIMIT apart from the columns."""

    table: TableInfo
    items: str
    source: str
    where: str
    order: str
    limit: str
    order_columns: tuple[str, ...]


class Queries:
    def __init__(self, binder: Binder) -> None:
        self.binder = binder
        self.expressions = Expressions(binder, self._inner)
        self.expressions.call = functions.call
        self.expressions.method = functions_clr.method
        self._tables: list[TableInfo] = []
        self._named: list[Named] = [{}]

    def bind(self, query: s.Query) -> Bound:
        self._assigned: list[str] = []
        self._single: Single | None = None
        sql, values, columns = self._query(query, None, {})
        return Bound(sql, columns, values, self._tables, self._assigned, self._single)

    def scalar(self, node: s.Node) -> Expr:
        return self.expressions.value(node, Scope())

    def _inner(self, query: s.Query, scope: Scope | None) -> tuple[str, list[Expr]]:
        sql, values, _ = self._query(query, scope, self._named[-1])
        return sql, values

    def _for_source(self, query: s.Query, scope: Scope | None, named: Named) -> tuple[str, list[Expr], list[str]]:
        sql, values, columns = self._query(query, scope, named)
        return sql, values, [one.name for one in columns]

    def _query(self, query: s.Query, outer: Scope | None, named: Named) -> tuple[str, list[Expr], list[ResultColumn]]:
        if query.named:
            named = dict(named)
            for name, columns, inner in query.named:
                if f"Table(parts=({name!r},)" in repr(inner):
                    raise not_understood("a common table expression that refers to itself")
                named[fold(name)] = (columns, inner)
        self._named.append(named)
        try:
            if isinstance(query.body, s.Select):
                return self._select(query.body, query, outer, named)
            if isinstance(query.body, s.Query) and not query.order:
                return self._query(query.body, outer, named)
            return self._combined(query, outer, named)
        finally:
            self._named.pop()

    # ---- UNION, EXCEPT, INTERSECT

    def _combined(self, query: s.Query, outer: Scope | None, named: Named) -> tuple[str, list[Expr], list[ResultColumn]]:
        body = query.body
        if not isinstance(body, s.Combined):
            raise not_understood("a query in parentheses with an ORDER BY of its own")
        sides = [self._query(s.Query(side), outer, named) for side in (body.left, body.right)]
        if len(sides[0][1]) != len(sides[1][1]):
            raise SqlError(
                205,
                "All queries combined using a UNION, INTERSECT or EXCEPT operator must have an equal number of expressions in their target lists.",
            )
        kinds = [self.expressions.unified([one, two]) for one, two in zip(sides[0][1], sides[1][1], strict=True)]
        texts = []
        for sql, values, _ in sides:
            cells = [
                self.binder.convert(replace(value, sql=f"c{at}", constant=None), kinds[at - 1]).sql
                for at, value in enumerate(values, 1)
            ]
            texts.append(f"SELECT {', '.join(f'{cell} AS c{at}' for at, cell in enumerate(cells, 1))} FROM ({sql})")
        nullable = [one.nullable or two.nullable for one, two in zip(sides[0][1], sides[1][1], strict=True)]
        values = [Expr(f"c{at}", kind, nulls) for at, (kind, nulls) in enumerate(zip(kinds, nullable, strict=True), 1)]
        sql = self._distinct_rows(body.operator, texts, values)
        columns = [
            replace(one, type=kind, nullable=nulls, identity=False, computed=False)
            for one, kind, nulls in zip(sides[0][2], kinds, nullable, strict=True)
        ]
        if query.order or query.offset is not None:
            sql = f"SELECT * FROM ({sql}) {self._order_by_output(query.order, columns, values)} {self._limit(query, None)}"
        self._single = None
        return sql, values, columns

    def _distinct_rows(self, operator: str, texts: list[str], values: list[Expr]) -> str:
        keyed = any(self.binder.key(value) != value.sql for value in values) if operator != "union all" else False
        if not keyed:
            return f" {operator.upper()} ".join(texts)
        if operator != "union":
            raise not_understood(f"{operator.upper()} of texts")
        return f"SELECT * FROM ({' UNION ALL '.join(texts)}) GROUP BY {', '.join(self.binder.key(value) for value in values)}"

    def _order_by_output(self, order: Sequence[s.Order], columns: list[ResultColumn], values: list[Expr]) -> str:
        keys = []
        for one in order:
            value = self._output(one.value, columns, values)
            if value is None:
                raise SqlError(
                    104,
                    "ORDER BY items must appear in the select list if the statement contains a UNION, INTERSECT or EXCEPT operator.",
                    severity=15,
                )
            keys.append(self.binder.key(value) + (" DESC" if one.descending else ""))
        return f"ORDER BY {', '.join(keys)}" if keys else ""

    def _output(self, node: s.Node, columns: list[ResultColumn], values: list[Expr]) -> Expr | None:
        """The column of the select list that an ORDER BY item names, by number or by name."""
        if isinstance(node, s.Literal) and node.kind == "integer":
            number = int(node.text)
            if not 1 <= number <= len(values):
                raise SqlError(
                    108,
                    f"The ORDER BY position number {number} is out of range of the number of items in the select list.",
                    severity=15,
                )
            return values[number - 1]
        if isinstance(node, s.Column) and len(node.parts) == 1:
            return next(
                (value for one, value in zip(columns, values, strict=True) if one.name and fold(one.name) == fold(node.parts[0])),
                None,
            )
        return None

    # ---- SELECT

    def _select(
        self, select: s.Select, query: s.Query, outer: Scope | None, named: Named
    ) -> tuple[str, list[Expr], list[ResultColumn]]:
        trusted = "\0trusted" in named
        if select.into or select.ties:
            raise not_understood("SELECT … INTO" if select.into else "TOP … WITH TIES")
        scope = Scope(outer=outer)
        sources = Sources(self.expressions, self._for_source, named, _describe, trusted=trusted)
        render = sources.bind(select.source, scope) if select.source is not None else None
        columns, values = self._items(select, scope)
        where = self.expressions.condition(select.where, scope) if select.where is not None else ""
        group = ", ".join(self.binder.key(self.expressions.value(one, scope)) for one in select.group)
        having = self.expressions.condition(select.having, scope) if select.having is not None else ""
        if select.distinct and not group:
            keys = [self.binder.key(value) for value in values]
            group, distinct = (", ".join(keys), False) if keys != [value.sql for value in values] else ("", True)
        else:
            distinct = False
        order = self._order(query.order, columns, values, scope)
        sources.check_rights()
        self._tables.extend(sources.tables)
        source = render() if render is not None else ""
        items = ", ".join(f"{value.sql} AS c{at}" for at, value in enumerate(values, 1))
        core = f"SELECT {'DISTINCT ' if distinct else ''}{items}"
        tail = "".join(
            f" {word} {text}"
            for word, text in (("FROM", source), ("WHERE", where), ("GROUP BY", group), ("HAVING", having))
            if text
        )
        if not source and where:
            tail = f" FROM (SELECT 1) WHERE {where}"
        limit = self._limit(query, select, f"{core}{tail}")
        self._note_single(select, query, sources, (items, source, where, order, limit), group or distinct)
        return f"{core}{tail}{f' ORDER BY {order}' if order else ''} {limit}", values, columns

    def _note_single(
        self, select: s.Select, query: s.Query, sources: Sources, texts: tuple[str, str, str, str, str], grouped: object
    ) -> None:
        self._single = None
        plain = isinstance(select.source, s.Table) and len(sources.tables) == 1 and sources.tables[0].type == "U"
        if plain and not grouped and not select.source.sample and not any(map(_aggregates, select.items)):  # type: ignore[union-attr]
            order = tuple(
                fold(one.value.parts[-1]) if isinstance(one.value, s.Column) and not one.descending else "" for one in query.order
            )
            self._single = Single(sources.tables[0], *texts, order_columns=order)

    def _items(self, select: s.Select, scope: Scope) -> tuple[list[ResultColumn], list[Expr]]:
        columns: list[ResultColumn] = []
        values: list[Expr] = []
        for item in select.items:
            if isinstance(item.value, s.Star):
                for column, value in star(scope.sources, item.value.table):
                    columns.append(ResultColumn(column.name, value.known, value.nullable, column.identity, column.computed))
                    values.append(value)
                continue
            value = self.expressions.value(item.value, scope)
            if item.variable:
                self._assigned.append(item.variable)
            name, identity, computed = item.alias, False, True
            if isinstance(item.value, s.Column) and not self.expressions.is_property(item.value, scope):
                found = scope.find(item.value.parts)
                name, identity, computed = item.alias or found.name, found.identity, found.computed
            columns.append(ResultColumn(name, value.known, value.nullable, identity, computed))
            values.append(value)
        return columns, values

    def _order(self, order: Sequence[s.Order], columns: list[ResultColumn], values: list[Expr], scope: Scope) -> str:
        keys = []
        for one in order:
            if isinstance(one.value, s.Scalar):
                continue
            value = self._output(one.value, columns, values) or self.expressions.value(one.value, scope)
            keys.append(self.binder.key(value) + (" DESC" if one.descending else ""))
        return ", ".join(keys)

    def _limit(self, query: s.Query, select: s.Select | None, sql: str = "") -> str:
        if select is not None and select.top is not None:
            value = self.scalar(select.top)
            if select.percent:
                share = self.binder.convert(value, SqlType("float", precision=53)).sql
                return f"LIMIT (SELECT CAST(ceil(count(*) * {share} / 100.0) AS INTEGER) FROM ({sql}))"
            count = self.binder.convert(value, BIGINT)
            if count.constant and whole(count.constant[0] or 0) < 0:
                raise SqlError(1060, "A TOP or FETCH clause contains an invalid value.", severity=15)
            return f"LIMIT {count.sql}"
        if query.offset is None:
            return ""
        fetch = self.binder.convert(self.scalar(query.fetch), BIGINT).sql if query.fetch is not None else "-1"
        return f"LIMIT {fetch} OFFSET {self.binder.convert(self.scalar(query.offset), BIGINT).sql}"


def _describe(query: s.Query, binder: Binder) -> list[tuple[str, SqlType, bool, bool, bool]]:
    columns = Queries(binder).bind(query).columns
    return [(one.name, one.type, one.nullable, one.identity, one.computed) for one in columns]


def _aggregates(item: s.Item) -> bool:
    return isinstance(item.value, s.Call) and (item.value.name in aggregates.AGGREGATES or item.value.over is not None)
