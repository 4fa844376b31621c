"""Dynamic data masking: what who has no UNMASK sees ("Dynamic Data Masking", masking functions)."""

import re

from tests.servers.sqlserver.binder import Binder, Expr
from tests.servers.sqlserver.errors import not_understood
from tests.servers.sqlserver.moments import DAY_1900, Moment
from tests.servers.sqlserver.types import SqlType, Value
from tests.servers.sqlserver.values import fit_text, load, store


def masked(binder: Binder, stored: Expr, mask: str) -> Expr:
    kind = stored.known
    match = re.fullmatch(r"\s*(\w+)\s*\((.*)\)\s*", mask)
    if match is None:
        raise not_understood(f"the mask {mask}")
    name, arguments = match[1].lower(), match[2]
    if name == "default":
        return binder.apply(("mask", kind), kind, lambda _: _default(kind), [stored])
    if kind.family != "text" or name not in {"email", "partial"}:
        raise not_understood(f"the mask {mask} of a column of the type {kind.name}")
    if name == "email":
        return binder.apply(
            ("mask email", kind), kind, lambda v: fit_text(str(load(v, kind))[:1] + "XXX@XXXX.com", kind), [stored]
        )
    parts = re.fullmatch(r'\s*(\d+)\s*,\s*"([^"]*)"\s*,\s*(\d+)\s*', arguments)
    if parts is None:
        raise not_understood(f"the mask {mask}")
    first, middle, last = int(parts[1]), parts[2], int(parts[3])

    def partial(value: Value) -> Value:
        text = str(load(value, kind))
        shown = text[:first] + middle + (text[-last:] if last else "") if len(text) > first + last else middle
        return fit_text(shown, kind)

    return binder.apply(("mask partial", kind, mask), kind, partial, [stored])


def _default(kind: SqlType) -> Value:
    if kind.family == "text":
        return fit_text("xxxx"[: kind.length] if kind.length > 0 else "xxxx", kind)
    if kind.family == "moment":
        return store(Moment(DAY_1900, 0), kind)
    if kind.family == "float":
        return 0.0
    if kind.family in {"int", "exact"}:
        return store(0, kind)
    return b"0" if kind.family == "binary" else b"\0" * 16
