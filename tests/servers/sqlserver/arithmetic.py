"""+ - * / % and their types ("Precision, scale, and length (Transact-SQL)")."""

from decimal import ROUND_DOWN, Decimal

from tests.servers.sqlserver.binder import Expr
from tests.servers.sqlserver.errors import SqlError, overflow
from tests.servers.sqlserver.types import BIGINT, INT, SqlType, as_decimal, common, decimal_type
from tests.servers.sqlserver.values import EXACT


def negated(value: object) -> int | float | Decimal:
    if isinstance(value, Decimal):
        return value.copy_negate()  # `-value` would round to the context's digits
    if isinstance(value, (int, float)):
        return -value
    raise TypeError(f"a number was expected, not {value!r}")


def _digits(value: Expr) -> SqlType:
    """An int literal beside a decimal counts its own digits; everything else its type's."""
    if value.constant and value.known.family == "int" and isinstance(value.constant[0], int):
        return decimal_type(len(str(abs(value.constant[0]))), 0)
    return as_decimal(value.known)


def arithmetic_type(operator: str, left: Expr, right: Expr) -> SqlType:
    """ "Precision, scale, and length (Transact-SQL)"."""
    high = common(left.known, right.known)
    if high.family in {"int", "float"} or high.name in {"money", "smallmoney"}:
        return BIGINT if high == BIGINT else INT if high.name in {"bit", "tinyint", "smallint"} and operator != "%" else high
    one, two = _digits(left), _digits(right)
    whole_digits = max(one.precision - one.scale, two.precision - two.scale)
    scale = max(one.scale, two.scale)
    if operator in "+-":
        return decimal_type(whole_digits + scale + 1, scale)
    if operator == "*":
        return decimal_type(one.precision + two.precision + 1, one.scale + two.scale)
    if operator == "/":
        scale = max(6, one.scale + two.precision + 1)
        return decimal_type(one.precision - one.scale + two.scale + scale, scale)
    return decimal_type(min(one.precision - one.scale, two.precision - two.scale) + scale, scale)


def compute(operator: str, a: object, b: object, kind: SqlType) -> int | float | Decimal:
    if kind.family == "float":
        x, y = float(str(a)) if isinstance(a, Decimal) else float(a), float(b)  # type: ignore[arg-type]
        if operator in "/%" and y == 0:
            raise SqlError(8134, "Divide by zero error encountered.")
        try:
            return {"+": x + y, "-": x - y, "*": x * y}[operator] if operator in "+-*" else x / y
        except OverflowError:
            raise overflow("float") from None
    one, two = Decimal(str(a)) if not isinstance(a, Decimal) else a, Decimal(str(b)) if not isinstance(b, Decimal) else b
    if operator in "/%" and two == 0:
        raise SqlError(8134, "Divide by zero error encountered.")
    if operator == "/":
        quotient = EXACT.divide(one, two)
        return (
            int(quotient.to_integral_value(ROUND_DOWN))
            if kind.family == "int"
            else quotient.quantize(Decimal(1).scaleb(-kind.scale), ROUND_DOWN, EXACT)
        )
    result = {"+": EXACT.add, "-": EXACT.subtract, "*": EXACT.multiply, "%": EXACT.remainder}[operator](one, two)
    return int(result) if kind.family == "int" else result
