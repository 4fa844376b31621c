"""Functions of text and bytes ("String Functions (Transact-SQL)")."""

import hashlib
import re
from collections.abc import Callable
from functools import lru_cache

from tests.servers.sqlserver import syntax as s
from tests.servers.sqlserver.binder import Expr
from tests.servers.sqlserver.collation import WIDE, Collation, narrow_text, wide
from tests.servers.sqlserver.errors import SqlError
from tests.servers.sqlserver.expressions import Expressions
from tests.servers.sqlserver.functions import as_int, as_text, function, number, text_type, trimmed, units, values
from tests.servers.sqlserver.scope import Scope
from tests.servers.sqlserver.types import BIGINT, INT, MAX, SqlType, Value
from tests.servers.sqlserver.values import fit_text, load, raw, whole


def like(order: Collation) -> Callable[..., Value]:
    """LIKE over nvarchar values: % _ [a-f] [^a-f], and an escape character."""

    def found(value: Value, pattern: Value, escape: Value = None) -> Value:
        text, wanted = narrow_text(raw(value)), narrow_text(raw(pattern))
        return int(
            _pattern(wanted, narrow_text(raw(escape)) if escape is not None else "", order.ignore_case).fullmatch(text)
            is not None
        )

    return found


@lru_cache(1024)
def _pattern(wanted: str, escape: str, ignore_case: bool) -> re.Pattern[str]:
    parts, at = [], 0
    while at < len(wanted):
        letter = wanted[at]
        if escape and letter == escape and at + 1 < len(wanted):
            parts.append(re.escape(wanted[at + 1]))
            at += 2
            continue
        if letter == "[" and "]" in wanted[at + 1 :]:
            end = wanted.index("]", at + 1)
            inner = wanted[at + 1 : end].replace("\\", "\\\\")
            parts.append(f"[{inner}]" if inner else "(?!)")
            at = end + 1
            continue
        parts.append({"%": ".*", "_": "."}.get(letter, re.escape(letter)))
        at += 1
    return re.compile("".join(parts), re.DOTALL | (re.IGNORECASE if ignore_case else 0))


@function("LEN")
def length(e: Expressions, scope: Scope, node: s.Call) -> Expr:
    (value,) = values(e, scope, node, 1)
    kind = value.known
    if kind.family == "binary":
        return e.binder.apply(("len",), BIGINT if kind.maximum else INT, lambda v: len(raw(v)), [value])
    text = as_text(e, value)
    size = units(text.known)
    return e.binder.apply(("len", size), BIGINT if kind.maximum else INT, lambda v: len(trimmed(v, size)) // size, [text])


@function("DATALENGTH")
def datalength(e: Expressions, scope: Scope, node: s.Call) -> Expr:
    from tests.servers.sqlserver.wire import body
    from tests.servers.sqlserver.wire_in import variant_content

    (value,) = values(e, scope, node, 1)
    kind = value.known
    result = BIGINT if kind.maximum else INT
    if kind.family in {"text", "binary", "hierarchyid", "spatial"}:
        return e.binder.apply(("length of bytes",), result, lambda v: len(raw(v)), [value])
    if kind.family == "variant":

        def inside(v: Value) -> Value:
            inner, content = variant_content(raw(v))
            return len(body(inner)(content))

        return e.binder.apply(("datalength", kind), result, inside, [value])
    encode = body(kind)
    return e.binder.apply(("datalength", kind), result, lambda v: len(encode(v)), [value])


def _mapped(change: Callable[[str], str]) -> Callable[[Expressions, Scope, s.Call], Expr]:
    def handler(e: Expressions, scope: Scope, node: s.Call) -> Expr:
        (value,) = values(e, scope, node, 1)
        text = as_text(e, value)
        kind = text_type(text.known, text.known.length)
        return e.binder.apply(
            (node.name, text.known, kind), kind, lambda v: fit_text(change(str(load(v, text.known))), kind), [text]
        )

    return handler


function("UPPER")(_mapped(str.upper))
function("LOWER")(_mapped(str.lower))
function("LTRIM")(_mapped(lambda text: text.lstrip(" ")))
function("RTRIM")(_mapped(lambda text: text.rstrip(" ")))
function("TRIM")(_mapped(lambda text: text.strip(" ")))
function("REVERSE")(_mapped(lambda text: text[::-1]))


@function("LEFT", "RIGHT")
def side(e: Expressions, scope: Scope, node: s.Call) -> Expr:
    value, count = values(e, scope, node, 2)
    text = as_text(e, value)
    size = units(text.known)

    def left(v: Value, n: Value) -> Value:
        if number(n) < 0:
            raise SqlError(536, f"Invalid length parameter passed to the {node.name.lower()} function.", state=1)
        return raw(v)[: number(n) * size]

    def right(v: Value, n: Value) -> Value:
        return raw(v)[max(len(raw(v)) - number(n) * size, 0) :]

    compute = left if node.name == "LEFT" else right
    return e.binder.apply((node.name, size), text_type(text.known, text.known.length), compute, [text, as_int(e, count)])


@function("SUBSTRING")
def substring(e: Expressions, scope: Scope, node: s.Call) -> Expr:
    value, start, count = values(e, scope, node, 3)
    if value.known.family != "binary":
        value = as_text(e, value)
    size = units(value.known)
    kind = (
        text_type(value.known, value.known.length) if value.known.family == "text" else SqlType("varbinary", value.known.length)
    )

    def compute(v: Value, first: Value, n: Value) -> Value:
        if number(n) < 0:
            raise SqlError(537, "Invalid length parameter passed to the LEFT or SUBSTRING function.", state=3)
        begin, end = number(first) - 1, number(first) - 1 + number(n)
        return raw(v)[max(begin, 0) * size : max(end, 0) * size]

    return e.binder.apply(("substring", size), kind, compute, [value, as_int(e, start), as_int(e, count)])


@function("REPLACE")
def replace(e: Expressions, scope: Scope, node: s.Call) -> Expr:
    texts = [as_text(e, one) for one in values(e, scope, node, 3)]
    use_wide = any(one.known.wide for one in texts)
    ready = [as_text(e, one, wide=use_wide) for one in texts]
    kind = text_type(ready[0].known, MAX if ready[0].known.length == MAX else 8000 if not use_wide else 4000)
    flags = re.IGNORECASE if (kind.collation or e.binder.collation).ignore_case else 0

    def compute(v: Value, old: Value, new: Value) -> Value:
        text, a, b = (str(load(one, expr.known)) for one, expr in zip((v, old, new), ready, strict=True))
        return fit_text(re.sub(re.escape(a), lambda _: b, text, flags=flags) if a else text, kind)

    return e.binder.apply(("replace", *(one.known for one in ready)), kind, compute, ready)


@function("CHARINDEX")
def charindex(e: Expressions, scope: Scope, node: s.Call) -> Expr:
    wanted, text, *start = values(e, scope, node, 2, 3)
    a, b = as_text(e, wanted, wide=True), as_text(e, text, wide=True)
    ignore_case = (text.known.collation or e.binder.collation).ignore_case

    def compute(x: Value, y: Value, first: Value = 1) -> Value:
        needle, hay = narrow_text(raw(x)), narrow_text(raw(y))
        if ignore_case:
            needle, hay = needle.lower(), hay.lower()
        return hay.find(needle, max(number(first) - 1, 0)) + 1 if needle else 0

    return e.binder.apply(("charindex", ignore_case, len(start)), INT, compute, [a, b, *(as_int(e, one) for one in start)])


@function("CONCAT", "CONCAT_WS")
def concat(e: Expressions, scope: Scope, node: s.Call) -> Expr:
    every = values(e, scope, node, 2, 254)
    use_wide = any(one.known.wide for one in every)
    ready = [as_text(e, one, wide=use_wide) for one in every]
    kind = text_type(ready[0].known, MAX if any(one.known.maximum for one in ready) else 4000 if use_wide else 8000)
    if node.name == "CONCAT":
        return e.binder.apply(
            ("concat all",), kind, lambda *v: b"".join(raw(one) for one in v if one is not None), ready, strict=False
        )
    return e.binder.apply(
        ("concat_ws",),
        kind,
        lambda separator, *v: raw(separator or b"").join(raw(one) for one in v if one is not None),
        ready,
        strict=False,
    )


@function("REPLICATE")
def replicate(e: Expressions, scope: Scope, node: s.Call) -> Expr:
    value, count = values(e, scope, node, 2)
    text = as_text(e, value)
    limit = None if text.known.maximum else 8000

    def compute(v: Value, n: Value) -> Value:
        return None if number(n) < 0 else (raw(v) * number(n))[:limit]

    kind = text_type(text.known, MAX if limit is None else 8000 // units(text.known))
    return e.binder.apply(("replicate", limit), kind, compute, [text, as_int(e, count)])


@function("SPACE")
def space(e: Expressions, scope: Scope, node: s.Call) -> Expr:
    (count,) = values(e, scope, node, 1)
    kind = SqlType("varchar", 8000, collation=e.binder.collation)
    return e.binder.apply(("space",), kind, lambda n: b" " * min(number(n), 8000), [as_int(e, count)])


@function("STUFF")
def stuff(e: Expressions, scope: Scope, node: s.Call) -> Expr:
    value, start, count, new = values(e, scope, node, 4)
    use_wide = value.known.wide or new.known.wide
    text, other = as_text(e, value, wide=use_wide), as_text(e, new, wide=use_wide)
    size = units(text.known)

    def compute(v: Value, first: Value, n: Value, inserted: Value) -> Value:
        data, begin = raw(v), (number(first) - 1) * size
        if not 0 <= begin < len(data):
            return None
        return data[:begin] + raw(inserted) + data[begin + number(n) * size :]

    kind = text_type(text.known, MAX if text.known.maximum else 4000 if use_wide else 8000)
    return e.binder.apply(("stuff", size), kind, compute, [text, as_int(e, start), as_int(e, count), other])


@function("QUOTENAME")
def quotename(e: Expressions, scope: Scope, node: s.Call) -> Expr:
    value, *mark = values(e, scope, node, 1, 2)
    text = as_text(e, value, wide=True)
    kind = SqlType("nvarchar", 258, collation=e.binder.collation)

    def compute(v: Value, m: Value = None) -> Value:
        left = narrow_text(raw(m)) if m is not None else "["
        right = {"[": "]", "(": ")", "<": ">", "{": "}"}.get(left, left)
        return wide(left + narrow_text(raw(v)).replace(right, right * 2) + right)

    return e.binder.apply(("quotename", len(mark)), kind, compute, [text, *(as_text(e, one, wide=True) for one in mark)])


@function("PARSENAME")
def parsename(e: Expressions, scope: Scope, node: s.Call) -> Expr:
    value, part = values(e, scope, node, 2)

    def compute(v: Value, n: Value) -> Value:
        parts = re.findall(r"\[[^\]]*\]|[^.]+", narrow_text(raw(v)))
        index = len(parts) - number(n)
        return wide(parts[index].strip("[]")) if 0 <= index < len(parts) else None

    return e.binder.apply(
        ("parsename",),
        SqlType("nvarchar", 128, collation=e.binder.collation),
        compute,
        [as_text(e, value, wide=True), as_int(e, part)],
    )


@function("ASCII", "UNICODE")
def code(e: Expressions, scope: Scope, node: s.Call) -> Expr:
    (value,) = values(e, scope, node, 1)
    text = as_text(e, value, wide=True if node.name == "UNICODE" else None)
    size = units(text.known) if node.name == "UNICODE" else 1
    return e.binder.apply((node.name, size), INT, lambda v: int.from_bytes(raw(v)[:size], "little") if v else None, [text])


@function("NCHAR", "CHAR")
def of_code(e: Expressions, scope: Scope, node: s.Call) -> Expr:
    (value,) = values(e, scope, node, 1)
    size = 2 if node.name == "NCHAR" else 1
    kind = SqlType("nchar" if size == 2 else "char", 1, collation=e.binder.collation)

    def compute(v: Value) -> Value:
        return whole(v).to_bytes(size, "little") if 0 <= whole(v) < 256**size else None

    return e.binder.apply((node.name,), kind, compute, [as_int(e, value)])


@function("HASHBYTES")
def hashbytes(e: Expressions, scope: Scope, node: s.Call) -> Expr:
    name, value = values(e, scope, node, 2)
    names = {"MD5": "md5", "SHA1": "sha1", "SHA": "sha1", "SHA2_256": "sha256", "SHA2_512": "sha512"}

    def compute(algorithm: Value, v: Value) -> Value:
        return hashlib.new(names[raw(algorithm).decode(WIDE).upper()], raw(v), usedforsecurity=False).digest()

    return e.binder.apply(("hashbytes",), SqlType("varbinary", 8000), compute, [as_text(e, name, wide=True), value])


@function("CHECKSUM", "BINARY_CHECKSUM")
def checksum(e: Expressions, scope: Scope, node: s.Call) -> Expr:
    every = values(e, scope, node, 1, 100)
    keys = [Expr(e.binder.key(one), SqlType("image", MAX), one.nullable) for one in every]

    def compute(*v: Value) -> Value:
        digest = hashlib.blake2b(repr(v).encode(), digest_size=4).digest()
        return int.from_bytes(digest, "little", signed=True)

    return e.binder.apply(("checksum", len(keys)), INT, compute, keys, strict=False)
