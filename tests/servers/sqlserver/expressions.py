"""T-SQL expressions as SQLite's SQL, with their T-SQL types. A node that has no rule here is refused loudly."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal

from tests.servers.sqlserver import syntax as s
from tests.servers.sqlserver.arithmetic import arithmetic_type, compute, negated
from tests.servers.sqlserver.binder import Binder, Expr
from tests.servers.sqlserver.collation import CATALOGUE, collation, wide
from tests.servers.sqlserver.errors import SqlError, clash, not_understood
from tests.servers.sqlserver.scope import Scope
from tests.servers.sqlserver.types import (
    DATETIME,
    FLOAT,
    INT,
    MAX,
    SqlType,
    common,
    decimal_type,
    named,
    plain,
)
from tests.servers.sqlserver.values import load, raw, store, whole

_PROPERTIES = frozenset({"stsrid", "lat", "long", "stx", "sty", "hasz", "hasm"})
_BITWISE: dict[str, Callable[[int, int], int]] = {"&": int.__and__, "|": int.__or__, "^": int.__xor__}


class Expressions:
    def __init__(self, binder: Binder, query: Callable[[s.Query, Scope | None], tuple[str, list[Expr]]]) -> None:
        self.binder = binder
        self.query = query  # SQL and columns of a query in parentheses
        self.call: Callable[[s.Call, Scope, Expressions], Expr] = _no_function
        self.method: Callable[[s.Method, Scope, Expressions], Expr] = _no_function

    # ---- values

    def value(self, node: s.Node, scope: Scope) -> Expr:
        rule = _RULES.get(type(node))
        if rule is None:
            raise SqlError(
                4145,
                "An expression of non-boolean type specified in a context where a condition is expected, or one of boolean type elsewhere.",
                severity=15,
            )
        return rule(self, node, scope)

    def literal(self, node: s.Literal, scope: Scope) -> Expr:
        bind, text = self.binder.constant, node.text
        match node.kind:
            case "null":
                return Expr("NULL", None, True, (None,))
            case "integer":
                number = int(text)
                if number < 2**31:
                    return bind(number, INT)
                kind = decimal_type(len(text), 0)
                return bind(store(Decimal(number), kind), kind)
            case "decimal":
                return self._decimal_literal(text)
            case "float":
                return bind(float(text), FLOAT)
            case "money":
                return bind(store(Decimal(text[1:]), plain("money")), plain("money"))
            case "binary":
                data = bytes.fromhex(text[2:] if len(text) % 2 == 0 else "0" + text[2:])
                return bind(data, SqlType("varbinary", len(data) or 1 if len(data) <= 8000 else MAX))
            case "wide":
                length = len(wide(text)) // 2
                return bind(
                    wide(text), SqlType("nvarchar", MAX if length > 4000 else length or 1, collation=self.binder.collation)
                )
        stored = self.binder.collation.encode(text)
        return bind(stored, SqlType("varchar", MAX if len(stored) > 8000 else len(stored) or 1, collation=self.binder.collation))

    def _decimal_literal(self, text: str) -> Expr:
        whole_part, _, fraction = text.partition(".")
        digits = len(whole_part.lstrip("0")) + len(fraction)
        kind = SqlType("numeric", precision=max(digits, 1), scale=len(fraction))
        if kind.precision > 38:
            raise SqlError(
                1007, f"The number '{text}' is out of the range for numeric representation (maximum precision 38).", severity=15
            )
        return self.binder.constant(store(Decimal(text), kind), kind)

    def variable(self, node: s.Variable, scope: Scope) -> Expr:
        if node.name.startswith("@@"):
            return self.call(s.Call(node.name.upper(), ()), scope, self)
        found = self.binder.environment.variables.get(node.name.lower())
        if found is None:
            raise SqlError(137, f'Must declare the scalar variable "{node.name}".', severity=15, state=2)
        return self.binder.constant(found[1], found[0], nullable=True)

    def column(self, node: s.Column, scope: Scope) -> Expr:
        if self.is_property(node, scope):
            return self.method(s.Method(s.Column(node.parts[:-1]), node.parts[-1], (), property=True), scope, self)
        return scope.resolve(node.parts)

    @staticmethod
    def is_property(node: s.Column, scope: Scope) -> bool:
        """`shape.STSrid` reads like a column of a table named shape: it is one if there is such a table."""
        if len(node.parts) < 2 or node.parts[-1].lower() not in _PROPERTIES:
            return False
        try:
            scope.find(node.parts)
        except SqlError as error:
            return error.number == 4104
        return False

    def unary(self, node: s.Unary, scope: Scope) -> Expr:
        if node.operator == "not":
            raise SqlError(156, "Incorrect syntax near the keyword 'NOT'.", severity=15)
        inner = self.value(node.value, scope)
        kind = inner.known
        if node.operator == "+":
            return inner
        if node.operator == "~":
            return self.binder.apply(
                ("~", kind), kind, lambda v: store(~whole(v) if kind.name != "bit" else 1 - whole(v), kind), [inner]
            )
        if isinstance(node.value, s.Literal) and node.value.text == "2147483648":
            return self.binder.constant(-(2**31), INT)
        if kind.family not in {"int", "exact", "float"}:
            inner, kind = self.binder.convert(inner, INT), INT
        return self.binder.apply(("neg", kind), kind, lambda v: store(negated(load(v, kind)), kind), [inner])

    def binary(self, node: s.Binary, scope: Scope) -> Expr:
        if node.operator not in {"+", "-", "*", "/", "%", "&", "|", "^"}:
            raise SqlError(102, f"Incorrect syntax near '{node.operator}'.", severity=15)
        left, right = self.value(node.left, scope), self.value(node.right, scope)
        if left.type is None or right.type is None:
            known = left.type or right.type or INT
            return replace(self.binder.constant(None, known), type=known)
        if left.type.family in {"text", "binary"} and right.type.family in {"text", "binary"} and node.operator == "+":
            return self.concat(left, right)
        return self.arithmetic(node.operator, left, right)

    def concat(self, left: Expr, right: Expr) -> Expr:
        target = common(left.known, right.known)
        limit = 4000 if target.wide else 8000
        total = MAX if left.known.maximum or right.known.maximum else min(left.known.length + right.known.length, limit)
        name = {"char": "varchar", "nchar": "nvarchar", "binary": "varbinary"}.get(target.name, target.name)
        target = SqlType(name, total, collation=target.collation)
        sides = [self.binder.convert(one, replace(target, length=one.known.length)) for one in (left, right)]
        size = limit * (2 if target.wide else 1)
        cut = slice(None) if total == MAX else slice(size)
        return self.binder.apply(("concat", total == MAX, size), target, lambda a, b: (raw(a) + raw(b))[cut], sides)

    def arithmetic(self, operator: str, left: Expr, right: Expr) -> Expr:
        one, two = left.known, right.known
        if {one.name, two.name} & {"datetime", "smalldatetime"} and operator in "+-":
            return self._date_arithmetic(operator, left, right)
        for side in (one, two):
            if side.family not in {"int", "exact", "float", "text", "binary"}:
                raise clash(one.name, two.name)
        if one.family in {"text", "binary"} or two.family in {"text", "binary"}:
            target = two if one.family in {"text", "binary"} else one
            target = INT if target.family in {"text", "binary"} else target
            left, right = self.binder.convert(left, target), self.binder.convert(right, target)
            one = two = target
        if operator in _BITWISE:
            kind = common(one, two)
            bits = _BITWISE[operator]
            return self.binder.apply((operator, kind), kind, lambda a, b: store(bits(whole(a), whole(b)), kind), [left, right])
        kind = arithmetic_type(operator, left, right)
        return self.binder.apply(
            ("arithmetic", operator, one, two, kind),
            kind,
            lambda a, b: store(compute(operator, load(a, one), load(b, two), kind), kind),
            [left, right],
        )

    def _date_arithmetic(self, operator: str, left: Expr, right: Expr) -> Expr:
        kind = left.known if left.known.family == "moment" else right.known
        both = [self.binder.convert(one, DATETIME) for one in (left, right)]
        sign = 1 if operator == "+" else -1
        moved = self.binder.apply(("days", operator), DATETIME, lambda a, b: whole(a) + sign * whole(b), both)
        return self.binder.convert(moved, kind)

    def cast(self, node: s.Cast, scope: Scope) -> Expr:
        inner = self.value(node.value, scope)
        target = self.type(node.target, default_length=30)
        if target.family == "text" and inner.type is not None and inner.type.family == "text" and target.name != "xml":
            target = replace(target, collation=inner.type.collation or target.collation)
        style = None
        if node.style is not None:
            given = self.value(node.style, scope)
            style = whole(given.constant[0]) if given.constant else None
        return self.binder.convert(inner, target, style=style, tries=node.tries)

    def type(self, name: s.TypeName, *, default_length: int = 1) -> SqlType:
        return named(name.name, name.arguments, collation=self.binder.collation, default_length=default_length)

    def collate(self, node: s.Collate, scope: Scope) -> Expr:
        inner = self.value(node.value, scope)
        name = (
            self.binder.environment.database.collation
            if node.name.lower() in {"database_default", "catalog_default"}
            else node.name
        )
        target = replace(inner.known, collation=collation(name))
        if inner.known.family != "text":
            raise SqlError(447, f"Expression type {inner.known.name} is invalid for COLLATE clause.")
        return self.binder.convert(inner, target)

    def case(self, node: s.Case, scope: Scope) -> Expr:
        results = [self.value(value, scope) for _, value in node.branches]
        otherwise = self.value(node.otherwise, scope) if node.otherwise is not None else Expr("NULL", None, True, (None,))
        kind = self.unified([*results, otherwise])
        parts = ["CASE"]
        for (when, _), result in zip(node.branches, results, strict=True):
            condition = self.condition(when if node.operand is None else s.Binary("=", node.operand, when), scope)
            parts.append(f"WHEN {condition} THEN {self.binder.convert(result, kind).sql}")
        parts.append(f"ELSE {self.binder.convert(otherwise, kind).sql} END")
        return Expr(" ".join(parts), kind, any(one.nullable for one in (*results, otherwise)))

    def unified(self, values: Sequence[Expr]) -> SqlType:
        kinds = [one.type for one in values if one.type is not None]
        if not kinds:
            return INT
        kind = kinds[0]
        for other in kinds[1:]:
            kind = common(kind, other)
        return kind

    def scalar(self, node: s.Scalar, scope: Scope) -> Expr:
        sql, columns = self.query(node.query, scope)
        if len(columns) != 1:
            raise SqlError(
                116, "Only one expression can be specified in the select list when the subquery is not introduced with EXISTS."
            )
        return Expr(f"({sql})", columns[0].type, True)

    def at_time_zone(self, node: s.AtTimeZone, scope: Scope) -> Expr:
        raise not_understood("AT TIME ZONE")

    def called(self, node: s.Call, scope: Scope) -> Expr:
        return self.call(node, scope, self)

    def of_object(self, node: s.Method, scope: Scope) -> Expr:
        return self.method(node, scope, self)

    # ---- conditions

    def condition(self, node: s.Node, scope: Scope) -> str:
        match node:
            case s.Binary("and" | "or" as word, left, right):
                return f"({self.condition(left, scope)} {word.upper()} {self.condition(right, scope)})"
            case s.Unary("not", inner):
                return f"(NOT {self.condition(inner, scope)})"
            case s.Binary("=" | "<>" | "<" | ">" | "<=" | ">=" as operator, left, right):
                return self.compare(operator, self.value(left, scope), self.value(right, scope))
            case s.Between(value, low, high, negated):
                tested = self.value(value, scope)
                ends = self.compare(">=", tested, self.value(low, scope)), self.compare("<=", tested, self.value(high, scope))
                both = f"({' AND '.join(ends)})"
                return f"(NOT {both})" if negated else both
            case s.IsNull(value, negated):
                return f"({self.value(value, scope).sql} IS {'NOT ' if negated else ''}NULL)"
            case s.InList():
                return self._in(node, scope)
            case s.Like():
                return self._like(node, scope)
            case s.Exists(query):
                return f"EXISTS ({self.query(query, scope)[0]})"
        raise SqlError(
            4145, "An expression of non-boolean type specified in a context where a condition is expected.", severity=15
        )

    def compare(self, operator: str, left: Expr, right: Expr) -> str:
        kind = common(left.type or right.type or INT, right.type or left.type or INT)
        if {left.known.family, right.known.family} & {"text"} and left.known.family == right.known.family:
            self._same_collation(left, right)
        sides = [self.binder.key(self.binder.convert(one, kind)) for one in (left, right)]
        return f"({sides[0]} {operator} {sides[1]})"

    def _same_collation(self, left: Expr, right: Expr) -> None:
        one, two = left.known.collation, right.known.collation
        if one and two and one != two and left.constant is None and right.constant is None:
            raise SqlError(
                468, f'Cannot resolve the collation conflict between "{one.name}" and "{two.name}" in the equal to operation.'
            )

    def _in(self, node: s.InList, scope: Scope) -> str:
        word = "NOT IN" if node.negated else "IN"
        inner = self.value(node.value, scope)
        if node.query is not None:
            sql, columns = self.query(node.query, scope)
            other = replace(columns[0], sql="c1", constant=None)
            kind = common(inner.known, other.known)
            keyed = self.binder.key(self.binder.convert(other, kind))
            return f"({self.binder.key(self.binder.convert(inner, kind))} {word} (SELECT {keyed} FROM ({sql})))"
        parts = [self.compare("=", inner, self.value(choice, scope)) for choice in node.choices]
        return f"({'NOT ' if node.negated else ''}({' OR '.join(parts)}))"

    def _like(self, node: s.Like, scope: Scope) -> str:
        parts = [node.value, node.pattern] + ([node.escape] if node.escape is not None else [])
        target = SqlType("nvarchar", MAX, collation=CATALOGUE)
        exprs = [self.value(part, scope) for part in parts]
        order = exprs[0].known.collation or self.binder.collation
        ready = [self.binder.convert(one, target) for one in exprs]
        from tests.servers.sqlserver.functions_text import like

        found = self.binder.apply(("like", order.ignore_case, len(ready)), plain("bit"), like(order), ready)
        return f"({found.sql} = {0 if node.negated else 1})"


def _no_function(node: s.Call | s.Method, scope: Scope, expressions: Expressions) -> Expr:
    raise not_understood(f"the function {node.name}")


Rule = Callable[..., Expr]  # of Expressions, a node of its kind, and the scope
_RULES: dict[type, Rule] = {
    s.Literal: Expressions.literal, s.Variable: Expressions.variable, s.Column: Expressions.column, s.Unary: Expressions.unary,
    s.Binary: Expressions.binary, s.Cast: Expressions.cast, s.Collate: Expressions.collate, s.Case: Expressions.case,
    s.Scalar: Expressions.scalar, s.AtTimeZone: Expressions.at_time_zone, s.Call: Expressions.called, s.Method: Expressions.of_object,
}  # fmt: skip
