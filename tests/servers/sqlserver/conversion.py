"""CAST, CONVERT and implicit conversion: stored value of one type → stored value of another ("CAST and CONVERT")."""

import struct
import uuid
from collections.abc import Callable
from dataclasses import replace
from decimal import ROUND_DOWN, Decimal

from tests.servers.sqlserver.collation import CATALOGUE, WIDE
from tests.servers.sqlserver.errors import SqlError, clash, no_conversion, not_convertible, not_understood, overflow
from tests.servers.sqlserver.hierarchy import read_hierarchy, write_hierarchy
from tests.servers.sqlserver.moments import DAY, DAY_1900, Moment, moment_of, read_moment, write_moment
from tests.servers.sqlserver.number_text import float_decimal, read_exact, read_float, read_integer, write_exact, write_float
from tests.servers.sqlserver.spatial import from_clr, read_wkt, to_clr, to_wkt
from tests.servers.sqlserver.types import SqlType, Value
from tests.servers.sqlserver.values import (
    EXACT,
    Plain,
    datetimeoffset_out,
    fit,
    fit_text,
    guid_in,
    guid_out,
    load,
    load_moment,
    raw,
    store,
    store_float,
    store_integer,
)
from tests.servers.sqlserver.wire import body, variant
from tests.servers.sqlserver.wire_in import from_body, variant_content

Convert = Callable[[Value], Value]

_FAILURES = frozenset(
    {220, 241, 242, 245, 295, 8114, 8115, 8169, 9420, 517, 6522, 2628, 232, 234}
)  # for which TRY_CONVERT gives NULL


def converter(
    source: SqlType, target: SqlType, *, style: int | None = None, tries: bool = False, cut: bool = True
) -> Convert | None:
    """None where the stored value is the same in both. `cut` is false where too long a text is an error (INSERT)."""
    if style is None and _same_storage(source, target):
        return None
    inner = _converter(source, target, style if style is not None else _default_style(source, target), cut=cut)

    def convert(value: Value) -> Value:
        return None if value is None else inner(value)

    def attempt(value: Value) -> Value:
        try:
            return None if value is None else inner(value)
        except SqlError as error:
            if error.number in _FAILURES:
                return None
            raise

    return attempt if tries else convert


def _default_style(source: SqlType, target: SqlType) -> int:
    return 121 if source.name in {"datetime2", "datetimeoffset", "date", "time"} else 0


def _same_storage(source: SqlType, target: SqlType) -> bool:
    if source == target:
        return True
    if source.family == target.family == "int":
        order = ("bit", "tinyint", "smallint", "int", "bigint")
        return order.index(source.name) <= order.index(target.name)
    if source.family == target.family == "text" and source.wide == target.wide:
        same_page = source.wide or (source.collation or CATALOGUE).codec == (target.collation or CATALOGUE).codec
        fits = target.maximum or (not source.maximum and source.length <= target.length)
        keeps = target.name not in {"char", "nchar"} or (source.length == target.length and source.name == target.name)
        return same_page and fits and keeps and target.name != "xml"
    if source.family == target.family == "binary":
        fits = target.maximum or (not source.maximum and source.length <= target.length)
        return fits and (target.name != "binary" or source.length == target.length)
    if source.name in {"decimal", "numeric"} and target.name in {"decimal", "numeric"}:
        return source.scale == target.scale and source.small == target.small and source.precision <= target.precision
    if source.name == target.name and source.name in {"time", "datetime2", "datetimeoffset"}:
        return source.scale <= target.scale
    return (source.name, target.name) in {("real", "float"), ("smallmoney", "money")}


def _converter(source: SqlType, target: SqlType, style: int, *, cut: bool) -> Callable[[Value], Value]:
    if target.family == "variant":
        if source.maximum or source.family in {"spatial", "hierarchyid"} or source.name in {"timestamp", "xml"}:
            raise clash(source.name, "sql_variant")
        return lambda value: variant(value, source)
    if source.family == "variant":
        return lambda value: _from_variant(value, target, style, cut=cut)
    to = {
        "text": _to_text, "int": _to_integer, "exact": _to_exact, "float": _to_float, "moment": _to_moment, "binary": _to_binary,
        "guid": _to_guid, "hierarchyid": _to_hierarchy, "spatial": _to_spatial,
    }[target.family]  # fmt: skip
    return to(source, target, style, cut=cut)


def _from_variant(value: Value, target: SqlType, style: int, *, cut: bool) -> Value:
    kind, inner = variant_content(raw(value))
    change = converter(kind, target, style=style or None, cut=cut)
    return inner if change is None else change(inner)


def _to_text(source: SqlType, target: SqlType, style: int, *, cut: bool) -> Convert:
    family = source.family
    if family == "text":
        if source.wide == target.wide and (source.wide or source.collation == target.collation):
            return lambda value: _checked_xml(fit(raw(value), target, cut=cut), target)
        return lambda value: _checked_xml(fit_text(str(load(value, source)), target, cut=cut), target)
    if family == "binary" and style in {1, 2}:
        prefix = "0x" if style == 1 else ""
        return lambda value: fit_text(prefix + raw(value).hex().upper(), target)
    if family == "binary":
        return lambda value: _checked_xml(fit(raw(value), target), target)
    writers: dict[str, Callable[[Value], str]] = {
        "int": str,
        "exact": lambda value: write_exact(_decimal(value, source), source, style),
        "float": lambda value: write_float(float(value), source, style),  # type: ignore[arg-type]
        "guid": lambda value: str(uuid.UUID(bytes_le=guid_out(raw(value)))).upper(),
        "moment": lambda value: _moment_text(value, source, style),
        "hierarchyid": lambda value: write_hierarchy(raw(value)),
        "spatial": lambda value: to_wkt(from_clr(raw(value), geography=source.name == "geography")[0]),
    }
    write = writers[family]

    def convert(value: Value) -> Value:
        text = write(value)
        if not target.maximum and len(text) > target.length:
            if family in {"int", "exact", "float"}:
                return _too_short(source, target)
            if family == "guid":
                raise SqlError(8170, "Insufficient result space to convert uniqueidentifier value to char.")
        return fit_text(text, target)

    return convert


def _too_short(source: SqlType, target: SqlType) -> Value:
    if source.family == "int" and not target.wide:
        return fit_text("*", target)
    raise overflow(target.name, f"{'numeric' if source.family == 'exact' else source.name}")


def _checked_xml(stored: bytes, target: SqlType) -> bytes:
    if target.name != "xml":
        return stored
    text = stored.decode(WIDE, "surrogatepass")
    if text.count("<") != text.count(">") and "CDATA" not in text and "<!--" not in text:
        raise SqlError(9400, "XML parsing: line 1, character 1, unexpected end of input")
    if text.startswith("<?xml") and "?>" in text:
        text = text[text.index("?>") + 2 :]
    return text.encode(WIDE, "surrogatepass")


def _moment_text(value: Value, source: SqlType, style: int) -> str:
    text = write_moment(load_moment(value, source), source, style)
    if text is None:
        raise SqlError(281, f"{style} is not a valid style number when converting from {source.name} to a character string.")
    return text


def _decimal(value: Value, kind: SqlType) -> Decimal:
    number = load(value, kind)
    return number if isinstance(number, Decimal) else Decimal(str(number))


def _to_integer(source: SqlType, target: SqlType, style: int, *, cut: bool) -> Convert:
    family = source.family
    if family == "text":
        return lambda value: _integer_of_text(str(load(value, source)), source, target)
    if family == "int":
        return lambda value: store_integer(int(value or 0), target)
    if family == "exact":
        half = source.name in {"money", "smallmoney"}
        return lambda value: store_integer(_whole(_decimal(value, source), rounds=half), target)
    if family == "float":
        return lambda value: store_integer(int(float(value)), target)  # type: ignore[arg-type]
    if family == "binary":
        size = {"bit": 1, "tinyint": 1, "smallint": 2, "int": 4, "bigint": 8}[target.name]
        return lambda value: from_body(target, raw(value)[-size:].rjust(size, b"\0")[::-1])
    if source.name in {"datetime", "smalldatetime"}:
        return lambda value: store_integer(round(_days_since_1900(value, source)), target)
    raise no_conversion(source.name, target.name)


def _whole(value: Decimal, *, rounds: bool) -> int:
    return int(value.to_integral_value(context=EXACT)) if rounds else int(value.to_integral_value(ROUND_DOWN))


def _integer_of_text(text: str, source: SqlType, target: SqlType) -> Value:
    if target.name == "bit" and text.strip().lower() in {"true", "false"}:
        return int(text.strip().lower() == "true")
    number = read_integer(text)
    if number is None:
        if target.name == "bigint":
            raise not_convertible(source.name, target.name)
        raise SqlError(245, f"Conversion failed when converting the {source.name} value '{text}' to data type {target.name}.")
    if not -(2**63) <= number < 2**63:
        raise SqlError(248, f"The conversion of the {source.name} value '{text}' overflowed an int column.")
    return store_integer(number, target)


def _to_exact(source: SqlType, target: SqlType, style: int, *, cut: bool) -> Convert:
    family = source.family
    if family == "text":

        def from_text(value: Value) -> Value:
            number = read_exact(str(load(value, source)), target)
            if number is None:
                raise not_convertible(source.name, "numeric" if target.name == "decimal" else target.name)
            return store(number, target)

        return from_text
    if family in {"int", "exact"}:
        return lambda value: store(_decimal(value, source), target)
    if family == "float":
        return lambda value: store(float_decimal(float(value)), target)  # type: ignore[arg-type]
    if family == "binary" and target.name in {"money", "smallmoney"}:
        size = 8 if target.name == "money" else 4
        return lambda value: int.from_bytes(raw(value)[-size:].rjust(size, b"\0"), "big", signed=True)
    if source.name in {"datetime", "smalldatetime"}:
        return lambda value: store(Decimal(_days_since_1900(value, source)), target)
    raise no_conversion(source.name, target.name)


def _to_float(source: SqlType, target: SqlType, style: int, *, cut: bool) -> Convert:
    family = source.family
    if family == "text":

        def from_text(value: Value) -> Value:
            number = read_float(str(load(value, source)))
            if number is None:
                raise not_convertible(source.name, target.name)
            return store_float(number, target)

        return from_text
    if family in {"int", "exact", "float"}:
        return lambda value: store_float(load(value, source), target)
    if source.name in {"datetime", "smalldatetime"}:
        return lambda value: store_float(_days_since_1900(value, source), target)
    raise no_conversion(source.name, target.name)


def _days_since_1900(value: Value, source: SqlType) -> float:
    per_day = 25_920_000 if source.name == "datetime" else 1440
    return int(value or 0) / per_day


def _to_moment(source: SqlType, target: SqlType, style: int, *, cut: bool) -> Convert:
    if source.family == "text":

        def from_text(value: Value) -> Value:
            text = str(load(value, source))
            moment = read_moment(text, style)
            if moment is None:
                raise SqlError(241, "Conversion failed when converting date and/or time from character string.")
            return store(_kept(moment, target, from_text=True), target)

        return from_text
    if source.family == "moment":
        if {source.name, target.name} == {"date", "time"}:
            raise no_conversion(source.name, target.name)
        return lambda value: store(_kept(load_moment(value, source), target), target)
    if source.family in {"int", "exact", "float"} and target.name in {"datetime", "smalldatetime"}:
        return lambda value: store(moment_of(DAY_1900 * DAY + round(float(_decimal(value, source)) * DAY)), target)
    if source.family == "binary" and target.name in {"datetime", "smalldatetime"}:
        return lambda value: _moment_of_bytes(raw(value), target)
    raise no_conversion(source.name, target.name)


def _moment_of_bytes(data: bytes, target: SqlType) -> Value:
    half = 4 if target.name == "datetime" else 2
    data = data[-2 * half :].rjust(2 * half, b"\0")
    days, parts = struct.unpack(">iI" if half == 4 else ">HH", data)
    return int(days * (25_920_000 if half == 4 else 1440) + parts)


def _kept(moment: Moment, target: SqlType, *, from_text: bool = False) -> Moment:
    """The offset goes with every type but datetimeoffset: local time stays (of a text too)."""
    if target.name == "datetimeoffset":
        return moment
    if moment.offset and from_text and target.name in {"datetime", "smalldatetime"}:
        raise SqlError(241, "Conversion failed when converting date and/or time from character string.")
    return replace(moment, offset=0)


def _to_binary(source: SqlType, target: SqlType, style: int, *, cut: bool) -> Convert:
    family = source.family
    if family == "text":
        if style in {1, 2}:
            return lambda value: fit(_unhex(str(load(value, source)), style), target, cut=cut)
        return lambda value: fit(raw(value), target, cut=cut)
    if family in {"binary", "hierarchyid", "spatial"}:
        return lambda value: fit(raw(value), target, cut=cut)
    if family == "guid":
        return lambda value: fit(guid_out(raw(value)), target)
    if family in {"int", "float"} or source.name in {"money", "smallmoney"}:
        # Numbers are cut and padded at the left, most telling byte first. A bit is one byte.
        width = {"money": 8, "smallmoney": 4}.get(source.name, 0)
        encode = body(source)

        def from_number(value: Value) -> Value:
            data = int(value or 0).to_bytes(width, "big", signed=True) if width else encode(value)[::-1]
            size = len(data) if target.maximum else target.length
            return data[-size:] if size <= len(data) else (data.rjust(size, b"\0") if target.name == "binary" else data)

        return from_number
    if family == "moment" and source.name in {"datetime", "smalldatetime"}:
        per_day, form = (25_920_000, ">iI") if source.name == "datetime" else (1440, ">HH")
        return lambda value: fit(struct.pack(form, *divmod(int(value or 0), per_day)), target)
    if family == "moment":
        encode = body(source)
        scale = bytes([source.scale]) if source.name != "date" else b""
        return lambda value: fit(scale + encode(value), target)
    if source.name in {"decimal", "numeric"}:
        return lambda value: fit(bytes([source.precision, source.scale, 0]) + body(source)(value), target)
    raise no_conversion(source.name, target.name)


def _unhex(text: str, style: int) -> bytes:
    try:
        if style == 1:
            if not text.startswith("0x"):
                raise ValueError(text)
            text = text[2:]
        return bytes.fromhex(text.strip())
    except ValueError:
        raise not_convertible("varchar", "varbinary") from None


def _to_guid(source: SqlType, target: SqlType, style: int, *, cut: bool) -> Convert:
    if source.family == "binary":
        return lambda value: guid_in(raw(value)[:16].ljust(16, b"\0"))
    if source.family != "text":
        raise no_conversion(source.name, target.name)

    def from_text(value: Value) -> Value:
        text = str(load(value, source)).strip()
        plain = text[1:-1] if text.startswith("{") else text
        try:
            if len(plain) < 36 or plain[8] != "-":
                raise ValueError(plain)
            return guid_in(uuid.UUID(plain[:36]).bytes_le)
        except ValueError:
            raise SqlError(
                8169, "Conversion failed when converting from a character string to uniqueidentifier.", state=2
            ) from None

    return from_text


def _to_hierarchy(source: SqlType, target: SqlType, style: int, *, cut: bool) -> Convert:
    if source.family == "text":
        return lambda value: read_hierarchy(str(load(value, source)))
    if source.family == "binary":
        return raw
    raise clash(source.name, target.name)


def _to_spatial(source: SqlType, target: SqlType, style: int, *, cut: bool) -> Convert:
    geography = target.name == "geography"
    if source.family == "text":
        srid = 4326 if geography else 0
        return lambda value: to_clr(read_wkt(str(load(value, source))), srid, geography=geography)
    if source.family == "binary":
        return raw
    raise clash(source.name, target.name)


def offset_of(value: Value) -> int:
    return datetimeoffset_out(raw(value))[1]


def literal_value(kind: SqlType, value: Plain) -> Value:
    if kind.family in {"hierarchyid", "spatial"}:
        raise not_understood(f"a literal of the type {kind.name}")
    return store(value, kind)
