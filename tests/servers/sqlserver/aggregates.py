"""Aggregates and window functions ("Aggregate Functions", "Ranking Functions", "OVER clause")."""

from decimal import Decimal

from tests.servers.sqlserver import syntax as s
from tests.servers.sqlserver.binder import Expr
from tests.servers.sqlserver.engine import Aggregate
from tests.servers.sqlserver.errors import SqlError, not_understood
from tests.servers.sqlserver.expressions import Expressions
from tests.servers.sqlserver.functions import WINDOWED, as_int, as_text, function, text_type, values
from tests.servers.sqlserver.scope import Scope
from tests.servers.sqlserver.types import BIGINT, INT, MAX, SqlType, Value, decimal_type
from tests.servers.sqlserver.values import EXACT, load, raw, store

AGGREGATES = frozenset({"COUNT", "COUNT_BIG", "SUM", "AVG", "MIN", "MAX", "STRING_AGG"})
WINDOWED |= AGGREGATES | {
    "ROW_NUMBER",
    "RANK",
    "DENSE_RANK",
    "NTILE",
    "PERCENT_RANK",
    "CUME_DIST",
    "LAG",
    "LEAD",
    "FIRST_VALUE",
    "LAST_VALUE",
}


def over(e: Expressions, scope: Scope, window: s.Over | None) -> str:
    if window is None:
        return ""
    parts = []
    if window.partition:
        parts.append("PARTITION BY " + ", ".join(e.binder.key(e.value(one, scope)) for one in window.partition))
    if window.order:
        parts.append("ORDER BY " + order_keys(e, scope, window.order))
    return f" OVER ({' '.join([*parts, window.frame])})"


def order_keys(e: Expressions, scope: Scope, order: tuple[s.Order, ...]) -> str:
    found = []
    for one in order:
        if isinstance(one.value, s.Scalar):  # ORDER BY (SELECT NULL): no order
            found.append("NULL")
            continue
        found.append(e.binder.key(e.value(one.value, scope)) + (" DESC" if one.descending else ""))
    return ", ".join(found)


@function("COUNT", "COUNT_BIG")
def count(e: Expressions, scope: Scope, node: s.Call) -> Expr:
    kind = INT if node.name == "COUNT" else BIGINT
    window = over(e, scope, node.over)
    if isinstance(node.arguments[0], s.Star):
        return Expr(f"count(*){window}", kind, False)
    (value,) = values(e, scope, node, 1)
    inner = e.binder.key(value) if node.distinct else value.sql
    return Expr(f"count({'DISTINCT ' if node.distinct else ''}{inner}){window}", kind, False)


class _Total(Aggregate):
    def __init__(self, kind: SqlType, result: SqlType, *, average: bool) -> None:
        self.kind, self.result_type, self.average = kind, result, average
        self.total, self.count = Decimal(0), 0
        self.floating = 0.0

    def step(self, *values: Value) -> None:
        if values[0] is None:
            return
        self.count += 1
        plain = load(values[0], self.kind)
        if isinstance(plain, float):
            self.floating += plain
        else:
            self.total = EXACT.add(self.total, Decimal(plain))  # type: ignore[arg-type]

    def result(self) -> Value:
        if not self.count:
            return None
        if self.kind.family == "float":
            return store(self.floating / self.count if self.average else self.floating, self.result_type)
        total = EXACT.divide(self.total, Decimal(self.count)) if self.average else self.total
        return store(int(total) if self.result_type.family == "int" else total, self.result_type)


@function("SUM", "AVG")
def total(e: Expressions, scope: Scope, node: s.Call) -> Expr:
    (value,) = values(e, scope, node, 1)
    kind = value.known
    if kind.family not in {"int", "exact", "float"}:
        raise SqlError(8117, f"Operand data type {kind.name} is invalid for {node.name.lower()} operator.")
    average = node.name == "AVG"
    result = kind
    if kind.family == "int":
        result = BIGINT if kind.name == "bigint" else INT
    elif kind.name in {"decimal", "numeric"}:
        result = decimal_type(38, max(kind.scale, 6) if average else kind.scale)
    if node.over is not None:
        if average or (kind.family == "exact" and not kind.small):
            raise not_understood(f"{node.name} OVER of {kind.name}")
        return Expr(f"sum({value.sql}){over(e, scope, node.over)}", result, True)
    name = e.binder.engine.aggregate(("total", kind, result, average), 1, lambda: _Total(kind, result, average=average))
    return Expr(f"{name}({'DISTINCT ' if node.distinct else ''}{value.sql})", result, True)


class _Extreme(Aggregate):
    """The value whose key is smallest or largest."""

    def __init__(self, smallest: bool) -> None:
        self.smallest = smallest
        self.best: tuple[bytes, Value] | None = None

    def step(self, *values: Value) -> None:
        key, value = values
        if value is not None and (self.best is None or ((raw(key) < self.best[0]) == self.smallest and raw(key) != self.best[0])):
            self.best = (raw(key), value)

    def result(self) -> Value:
        return None if self.best is None else self.best[1]


@function("MIN", "MAX")
def extreme(e: Expressions, scope: Scope, node: s.Call) -> Expr:
    (value,) = values(e, scope, node, 1)
    key = e.binder.key(value)
    if value.known.name == "bit":
        raise SqlError(8117, f"Operand data type bit is invalid for {node.name.lower()} operator.")
    if key == value.sql or value.known.name == "datetimeoffset":
        return Expr(f"{node.name.lower()}({value.sql}){over(e, scope, node.over)}", value.type, True)
    if node.over is not None:
        raise not_understood(f"{node.name} OVER of text")
    smallest = node.name == "MIN"
    name = e.binder.engine.aggregate(("extreme", smallest), 2, lambda: _Extreme(smallest))
    return Expr(f"{name}({key}, {value.sql})", value.type, True)


class _Joined(Aggregate):
    def __init__(self) -> None:
        self.rows: list[tuple[tuple[Value, ...], bytes, bytes]] = []

    def step(self, *values: Value) -> None:
        if values[0] is not None:
            self.rows.append((values[2:], raw(values[0]), raw(values[1] or b"")))

    def result(self) -> Value:
        if not self.rows:
            return None
        if self.rows[0][0]:
            self.rows.sort(key=lambda row: tuple((one is not None, one) for one in row[0]))
        return self.rows[0][1] + b"".join(separator + value for _, value, separator in self.rows[1:])


@function("STRING_AGG")
def string_agg(e: Expressions, scope: Scope, node: s.Call) -> Expr:
    value, separator = values(e, scope, node, 2)
    text = as_text(e, value)
    ready = [text, as_text(e, separator, wide=text.known.wide)]
    if any(one.descending for one in node.within):
        raise not_understood("STRING_AGG … WITHIN GROUP (ORDER BY … DESC)")
    keys = [e.binder.key(e.value(one.value, scope)) for one in node.within]
    name = e.binder.engine.aggregate(("joined", len(keys)), 2 + len(keys), _Joined)
    kind = text_type(text.known, MAX if text.known.maximum else 4000 if text.known.wide else 8000)
    return Expr(f"{name}({', '.join([*(one.sql for one in ready), *keys])})", kind, True)


@function("ROW_NUMBER", "RANK", "DENSE_RANK", "NTILE", "PERCENT_RANK", "CUME_DIST")
def ranking(e: Expressions, scope: Scope, node: s.Call) -> Expr:
    if node.over is None or not node.over.order:
        raise SqlError(4112, f"The function '{node.name.lower()}' must have an OVER clause with ORDER BY.", severity=15)
    inner = as_int(e, e.value(node.arguments[0], scope)).sql if node.arguments else ""
    kind = BIGINT if node.name in {"ROW_NUMBER", "RANK", "DENSE_RANK", "NTILE"} else SqlType("float", precision=53)
    return Expr(f"{node.name.lower()}({inner}){over(e, scope, node.over)}", kind, True)


@function("LAG", "LEAD", "FIRST_VALUE", "LAST_VALUE")
def neighbour(e: Expressions, scope: Scope, node: s.Call) -> Expr:
    every = [e.value(one, scope) for one in node.arguments]
    rest = [as_int(e, one).sql for one in every[1:2]] + [e.binder.convert(one, every[0].known).sql for one in every[2:]]
    return Expr(f"{node.name.lower()}({', '.join([every[0].sql, *rest])}){over(e, scope, node.over)}", every[0].type, True)
