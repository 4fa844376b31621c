"""The functions of T-SQL by name, and how to add one."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from tests.servers.sqlserver import syntax as s
from tests.servers.sqlserver.binder import Expr
from tests.servers.sqlserver.errors import SqlError, not_understood
from tests.servers.sqlserver.expressions import Expressions
from tests.servers.sqlserver.scope import Scope
from tests.servers.sqlserver.types import INT, MAX, SqlType, Value
from tests.servers.sqlserver.values import raw, whole

Arguments = Sequence[Expr]
Handler = Callable[[Expressions, Scope, s.Call], Expr]
FUNCTIONS: dict[str, Handler] = {}


def function(*names: str) -> Callable[[Handler], Handler]:
    def add(handler: Handler) -> Handler:
        for name in names:
            FUNCTIONS[name] = handler
        return handler

    return add


def values(expressions: Expressions, scope: Scope, node: s.Call, least: int, most: int | None = None) -> list[Expr]:
    """The arguments, if there are as many as the function takes (error 174)."""
    if not least <= len(node.arguments) <= (most if most is not None else least):
        raise SqlError(174, f"The {node.name.lower()} function requires {least} argument(s).", severity=15)
    return [expressions.value(one, scope) for one in node.arguments]


def as_text(expressions: Expressions, value: Expr, *, wide: bool | None = None) -> Expr:
    """A value as text, char and nchar as they are; `wide` forces nvarchar."""
    kind = value.known
    if kind.family == "text" and kind.name not in {"text", "ntext", "xml"} and (wide is None or wide == kind.wide):
        return value
    name = "nvarchar" if wide or kind.wide else "varchar"
    length = MAX if kind.maximum else max(kind.length, 1) if kind.family == "text" else 4000 if name == "nvarchar" else 8000
    return expressions.binder.convert(value, SqlType(name, length, collation=kind.collation or expressions.binder.collation))


def number(value: Value) -> int:
    return whole(value)


def as_int(expressions: Expressions, value: Expr) -> Expr:
    return expressions.binder.convert(value, INT)


def text_type(kind: SqlType, length: int) -> SqlType:
    """A variable-length text type like `kind`, of this many characters; longer than the limit is max."""
    limit = 4000 if kind.wide else 8000
    return SqlType(
        "nvarchar" if kind.wide else "varchar",
        MAX if length == MAX or length > limit else max(length, 1),
        collation=kind.collation,
    )


def units(kind: SqlType) -> int:
    return 2 if kind.wide else 1


def trimmed(stored: Value, size: int) -> bytes:
    data = raw(stored)
    while data[-size:] == (b" \0" if size == 2 else b" "):
        data = data[:-size]
    return data


@function("ISNULL")
def isnull(e: Expressions, scope: Scope, node: s.Call) -> Expr:
    first, second = values(e, scope, node, 2)
    kind = first.type or second.type or INT
    first, second = e.binder.convert(first, kind), e.binder.convert(second, kind)
    return Expr(f"coalesce({first.sql}, {second.sql})", kind, second.nullable)


@function("COALESCE")
def coalesce(e: Expressions, scope: Scope, node: s.Call) -> Expr:
    every = values(e, scope, node, 1, 100)
    kind = e.unified(every)
    ready = [e.binder.convert(one, kind) for one in every]
    return Expr(f"coalesce({', '.join(one.sql for one in ready)}, NULL)", kind, all(one.nullable for one in every))


@function("NULLIF")
def nullif(e: Expressions, scope: Scope, node: s.Call) -> Expr:
    first, second = values(e, scope, node, 2)
    return Expr(f"CASE WHEN {e.compare('=', first, second)} THEN NULL ELSE {first.sql} END", first.type, True)


@function("CHOOSE")
def choose(e: Expressions, scope: Scope, node: s.Call) -> Expr:
    index, *rest = values(e, scope, node, 2, 50)
    kind = e.unified(rest)
    branches = " ".join(f"WHEN {at} THEN {e.binder.convert(one, kind).sql}" for at, one in enumerate(rest, 1))
    return Expr(f"CASE {as_int(e, index).sql} {branches} END", kind, True)


def call(node: s.Call, scope: Scope, e: Expressions) -> Expr:
    handler = FUNCTIONS.get(node.name.upper())
    if handler is None:
        raise not_understood(f"the function {node.name}") if not node.name.startswith("@@") else not_understood(node.name)
    if node.over is not None and node.name.upper() not in WINDOWED:
        raise not_understood(f"OVER after {node.name}")
    return handler(e, scope, node)


WINDOWED: set[str] = set()


def renamed(value: Expr, kind: SqlType) -> Expr:
    return replace(value, type=kind)
