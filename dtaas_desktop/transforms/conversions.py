"""Which conversion leads from one type to another."""

import decimal
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.type_names import is_binary, name_of_type
from dtaas_desktop.transforms.converted import Conversion, Converted, nulled, simple_cast, unchanged, without
from dtaas_desktop.transforms.date_texts import date_to_text, text_to_date
from dtaas_desktop.transforms.dates import date_to_date, number_to_timestamp, timestamp_to_number
from dtaas_desktop.transforms.decimal_widths import narrowed, wide_type, widened
from dtaas_desktop.transforms.exact_texts import float_to_decimal
from dtaas_desktop.transforms.number_texts import NumberFormat, number_to_text, text_to_number
from dtaas_desktop.transforms.numbers import ExtraDigits, number_to_number
from dtaas_desktop.transforms.texts import TEXT, decoded, decoded_type, plain_text
from dtaas_desktop.transforms.zones import require_known

_TRUE = ("true", "t", "yes", "y", "on", "1")
_FALSE = ("false", "f", "no", "n", "off", "0")


@dataclass(frozen=True, slots=True)
class Manner:
    """How a conversion reads and writes texts, and what it does with digits that do not fit."""

    date_format: str = ""
    number: NumberFormat = field(default_factory=NumberFormat)
    epoch_unit: str = "s"
    extra: ExtraDigits = "bad"
    empty_text_is_null: bool = False


def conversion(source: pa.DataType, target: pa.DataType, manner: Manner) -> Conversion:
    """The way from values of one type (dictionaries too) to another. Raises UserError if there is none, or the format is wrong."""
    plain = _handy_type(source)
    found = _between(plain, wide_type(target), manner)
    if found is None or target == pa.float16():
        raise UserError(
            f"{name_of_type(source)} cannot become {name_of_type(target)}.",
            remedy="Choose another type, or cast to text first.",
        )
    if plain == source and target == wide_type(target):
        return found

    def convert(values: pa.Array) -> Converted:
        wide = found(_handy(values))
        return Converted(narrowed(wide.values, target), wide.bad)

    return convert


def _handy_type(source: pa.DataType) -> pa.DataType:
    """The type of `_handy` values."""
    plain = wide_type(decoded_type(source))
    if pa.types.is_timestamp(plain) and plain.tz is not None:
        require_known(plain.tz)
    return pa.float32() if plain == pa.float16() else plain


def _handy(values: pa.Array) -> pa.Array:
    """Values without dictionaries, views and those narrow types for which Arrow has hardly a kernel."""
    values = widened(decoded(values))
    return values.cast(pa.float32()) if values.type == pa.float16() else values


def _between(source: pa.DataType, target: pa.DataType, manner: Manner) -> Conversion | None:
    if pa.types.is_null(source):
        return lambda values: Converted(pa.nulls(len(values), target))
    if source == TEXT:
        return _from_text(target, manner)
    if target == TEXT:
        return _to_text(source, manner)
    if source == target:
        return unchanged
    if is_binary(source):
        return _bytes_to_bytes(target) if is_binary(target) else None
    if pa.types.is_boolean(target):
        return _number_to_bool if _is_number(source) else None
    if _is_number(source) or pa.types.is_boolean(source):
        return _from_number(source, target, manner)
    if not _is_date(source):
        return None
    if pa.types.is_timestamp(source) and pa.types.is_integer(target):
        return timestamp_to_number(target, manner.epoch_unit, manner.extra)
    return date_to_date(source, target, manner.extra) if _is_date(target) else None


def _from_number(source: pa.DataType, target: pa.DataType, manner: Manner) -> Conversion | None:
    if pa.types.is_timestamp(target) and not pa.types.is_boolean(source):
        return number_to_timestamp(source, target, manner.epoch_unit, manner.extra)
    if not _is_number(target):
        return None
    if pa.types.is_floating(source) and pa.types.is_decimal(target):
        return float_to_decimal(source, target, manner.extra)
    return number_to_number(source, target, manner.extra)


def _is_number(data_type: pa.DataType) -> bool:
    if pa.types.is_decimal(data_type):
        return bool(data_type.scale >= 0)  # Arrow cannot convert decimals of whole hundreds
    return bool(pa.types.is_integer(data_type) or pa.types.is_floating(data_type))


def _is_date(data_type: pa.DataType) -> bool:
    return bool(pa.types.is_date(data_type) or pa.types.is_time(data_type) or pa.types.is_timestamp(data_type))


def _from_text(target: pa.DataType, manner: Manner) -> Conversion | None:
    if target == TEXT:
        return unchanged
    if is_binary(target):
        to_bytes = _bytes_to_bytes(target)
        return lambda values: to_bytes(values.cast(pa.large_binary()))
    found: Conversion | None = None
    if pa.types.is_boolean(target):
        found = _text_to_bool
    elif _is_number(target):
        found = text_to_number(target, manner.number, manner.extra)
    elif _is_date(target):
        found = text_to_date(target, manner.date_format, manner.extra)
    if found is None or not manner.empty_text_is_null:
        return found
    convert = found
    return lambda texts: convert(nulled(texts, pc.fill_null(pc.equal(pc.utf8_trim_whitespace(texts), ""), False)))


def _to_text(source: pa.DataType, manner: Manner) -> Conversion | None:
    if pa.types.is_boolean(source):
        return lambda values: Converted(plain_text(values))
    if _is_number(source):
        return number_to_text(source, manner.number, manner.extra)
    if _is_date(source):
        return date_to_text(source, manner.date_format)
    return _bytes_to_text if is_binary(source) else None


def _text_to_bool(texts: pa.Array) -> Converted:
    words = pc.utf8_lower(pc.utf8_trim_whitespace(texts))
    true = pc.is_in(words, value_set=pa.array(_TRUE, TEXT))
    known = pc.or_(true, pc.is_in(words, value_set=pa.array(_FALSE, TEXT)))
    values = pc.if_else(pc.is_valid(texts), true, pa.scalar(None, pa.bool_()))
    return without(values, (pc.and_(pc.invert(known), pc.is_valid(texts)), "not true or false"))


def _number_to_bool(values: pa.Array) -> Converted:
    zero = pc.equal(values, _number(0, values.type))
    holds_one = not pa.types.is_decimal(values.type) or values.type.scale < values.type.precision
    one = pc.equal(values, _number(1, values.type)) if holds_one else pc.not_equal(values, values)
    return without(one, (pc.invert(pc.or_(one, zero)), "neither 0 nor 1"))


def _number(value: int, data_type: pa.DataType) -> pa.Scalar:
    return pa.scalar(decimal.Decimal(value) if pa.types.is_decimal(data_type) else value, data_type)


def _bytes_to_bytes(target: pa.DataType) -> Conversion:
    if not pa.types.is_fixed_size_binary(target):
        return simple_cast(target)
    width = target.byte_width

    def convert(values: pa.Array) -> Converted:
        values = values.cast(pa.large_binary())
        fitting = without(values, (pc.not_equal(pc.binary_length(values), width), f"not {width} bytes long"))
        return Converted(_of_width(fitting.values, target), fitting.bad)

    return convert


def _of_width(values: pa.Array, target: pa.DataType) -> pa.Array:
    # Arrow has no cast for this; the bytes of values that all have the right length need only another frame.
    filled = pc.fill_null(values, pa.scalar(bytes(target.byte_width), values.type))
    if not len(filled):
        return pa.array([], target)
    _, offsets, data = filled.buffers()
    start = pa.Array.from_buffers(pa.int64(), 1, [None, offsets], offset=filled.offset)[0].as_py()
    fixed = pa.FixedSizeBinaryArray.from_buffers(target, len(filled), [None, data.slice(start)])
    return fixed if values.null_count == 0 else pc.if_else(pc.is_valid(values), fixed, pa.scalar(None, target))


def _bytes_to_text(values: pa.Array) -> Converted:
    values = values.cast(pa.large_binary())
    try:
        return Converted(values.cast(TEXT))
    except pa.ArrowInvalid:
        # Arrow says that something is not UTF-8, not what.
        bad = pa.array([value is not None and not _is_utf8(value) for value in values.to_pylist()], pa.bool_())
        known = without(values, (bad, "not text in UTF-8"))
        return Converted(known.values.cast(TEXT), known.bad)


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True
