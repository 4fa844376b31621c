"""Functions of numbers ("Mathematical Functions (Transact-SQL)")."""

import math
import random
from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_UP, Decimal

from tests.servers.sqlserver import syntax as s
from tests.servers.sqlserver.binder import Expr
from tests.servers.sqlserver.expressions import Expressions
from tests.servers.sqlserver.functions import as_int, as_text, function, number, values
from tests.servers.sqlserver.number_text import read_float
from tests.servers.sqlserver.scope import Scope
from tests.servers.sqlserver.types import FLOAT, INT, SqlType, Value
from tests.servers.sqlserver.values import EXACT, load, store


def _numeric(e: Expressions, value: Expr) -> Expr:
    return value if value.known.family in {"int", "exact", "float"} else e.binder.convert(value, FLOAT)


def _same_type(compute: Callable[[Decimal], Decimal]) -> Callable[[Expressions, Scope, s.Call], Expr]:
    def handler(e: Expressions, scope: Scope, node: s.Call) -> Expr:
        value = _numeric(e, values(e, scope, node, 1)[0])
        kind = value.known

        def run(v: Value) -> Value:
            result = compute(Decimal(load(v, kind)))  # type: ignore[arg-type]
            return store(float(result) if kind.family == "float" else int(result) if kind.family == "int" else result, kind)

        return e.binder.apply((node.name, kind), kind, run, [value])

    return handler


function("ABS")(_same_type(lambda v: v.copy_abs()))
function("CEILING")(_same_type(lambda v: v.to_integral_value(ROUND_CEILING, EXACT)))
function("FLOOR")(_same_type(lambda v: v.to_integral_value(ROUND_FLOOR, EXACT)))
function("SIGN")(_same_type(lambda v: Decimal((v > 0) - (v < 0))))


@function("ROUND")
def round_(e: Expressions, scope: Scope, node: s.Call) -> Expr:
    value, places, *mode = values(e, scope, node, 2, 3)
    value = _numeric(e, value)
    kind = value.known

    def run(v: Value, n: Value, cut: Value = 0) -> Value:
        step = Decimal(1).scaleb(-number(n))
        parts = EXACT.divide(Decimal(load(v, kind)), step).to_integral_value(ROUND_DOWN if cut else ROUND_HALF_UP, EXACT)  # type: ignore[arg-type]
        result = EXACT.multiply(parts, step)
        return store(float(result) if kind.family == "float" else int(result) if kind.family == "int" else result, kind)

    return e.binder.apply(("round", kind, len(mode)), kind, run, [value, as_int(e, places), *(as_int(e, one) for one in mode)])


@function("POWER")
def power(e: Expressions, scope: Scope, node: s.Call) -> Expr:
    base, exponent = values(e, scope, node, 2)
    kind = _numeric(e, base).known
    sides = [e.binder.convert(one, FLOAT) for one in (base, exponent)]
    return e.binder.apply(
        ("power", kind),
        kind,
        lambda a, b: store(
            float(a) ** float(b)
            if kind.family == "float"
            else Decimal(float(a) ** float(b))
            if kind.family == "exact"
            else int(float(a) ** float(b)),
            kind,
        ),
        sides,
    )


@function("SQRT", "EXP", "LOG", "LOG10", "SIN", "COS", "SQUARE")
def real(e: Expressions, scope: Scope, node: s.Call) -> Expr:
    (value,) = values(e, scope, node, 1)
    compute: Callable[[float], float] = {
        "SQRT": math.sqrt, "EXP": math.exp, "LOG": math.log, "LOG10": math.log10, "SIN": math.sin, "COS": math.cos,
        "SQUARE": lambda v: v * v,
    }[node.name]  # fmt: skip
    return e.binder.apply((node.name,), FLOAT, lambda v: compute(float(v)), [e.binder.convert(value, FLOAT)])


@function("RAND")
def rand(e: Expressions, scope: Scope, node: s.Call) -> Expr:
    return e.binder.constant(random.random(), FLOAT)


@function("ISNUMERIC")
def isnumeric(e: Expressions, scope: Scope, node: s.Call) -> Expr:
    (value,) = values(e, scope, node, 1)
    text = as_text(e, value)
    kind: SqlType = text.known
    return e.binder.apply(("isnumeric", kind), INT, lambda v: int(read_float(str(load(v, kind))) is not None), [text])
