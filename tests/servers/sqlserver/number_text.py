"""Numbers as text, and text as numbers, as CAST and CONVERT do it ("float and real styles", "money styles")."""

import re
from decimal import ROUND_HALF_EVEN, Context, Decimal

from tests.servers.sqlserver.types import SqlType
from tests.servers.sqlserver.values import EXACT

_NUMBER = re.compile(r"\s*[-+]?\s*(?:\d+\.?\d*|\.\d+)\s*")
_FLOAT = re.compile(r"\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*")
_INTEGER = re.compile(r"\s*[-+]?\s*\d+\s*")
_MONEY = re.compile(r"\s*[-+]?\s*[$£€]?\s*[-+]?(?:[\d,]+\.?\d*|\.\d+)\s*")


def write_exact(value: Decimal, kind: SqlType, style: int) -> str:
    if kind.name in {"money", "smallmoney"}:
        digits = 4 if style in {2, 126} else 2
        rounded = value.quantize(Decimal(1).scaleb(-digits), context=EXACT)
        return f"{rounded:,.2f}" if style == 1 else f"{rounded:f}"
    return f"{value:f}"


def write_float(value: float, kind: SqlType, style: int) -> str:
    """Style 0: six digits; 1: eight, 2: sixteen, scientific; 3: seventeen (nine for real), exact both ways."""
    if style == 0:
        text = f"{value:.6g}"
        if "e" in text:
            return _scientific(text)
        return text.replace("-0", "0") if text == "-0" else text
    digits = {1: 7, 2: 15}.get(style, 8 if kind.name == "real" else 16)
    return _scientific(f"{value:.{digits}e}")


def _scientific(text: str) -> str:
    mantissa, exponent = text.split("e")
    return f"{mantissa}e{exponent[0]}{exponent[1:].rjust(3, '0')}"


def read_exact(text: str, kind: SqlType) -> Decimal | None:
    if kind.name in {"money", "smallmoney"}:
        if not text.strip():
            return Decimal(0)
        if not _MONEY.fullmatch(text):
            return None
        return Decimal(re.sub(r"[\s,$£€]", "", text))
    return Decimal(re.sub(r"\s", "", text)) if _NUMBER.fullmatch(text) else None


def read_float(text: str) -> float | None:
    if not text.strip():
        return 0.0
    return float(text) if _FLOAT.fullmatch(text) else None


def read_integer(text: str) -> int | None:
    if not text.strip():
        return 0
    return int(re.sub(r"\s", "", text)) if _INTEGER.fullmatch(text) else None


def float_decimal(value: float) -> Decimal:
    """A float as a decimal with the 17 digits that tell it from its neighbours."""
    return Context(prec=17, rounding=ROUND_HALF_EVEN).create_decimal(Decimal(value))
