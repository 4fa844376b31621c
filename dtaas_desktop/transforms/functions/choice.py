"""Which function the settings mean, for values of a type."""

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from dtaas_desktop.domain.apply_settings import (
    Abs,
    AddInterval,
    Coalesce,
    DatePart,
    Function,
    Hmac,
    JsonValue,
    Length,
    Lower,
    Pad,
    RegexExtract,
    RemoveAccents,
    Round,
    Sha256,
    Sign,
    Substring,
    Title,
    Trim,
    TruncateDate,
    Upper,
)
from dtaas_desktop.domain.type_names import is_binary
from dtaas_desktop.transforms.functions.accents import without_accents
from dtaas_desktop.transforms.functions.date_parts import date_part, truncation
from dtaas_desktop.transforms.functions.hashes import hmac_hashing, sha256_hashing
from dtaas_desktop.transforms.functions.intervals import addition
from dtaas_desktop.transforms.functions.json_values import json_value
from dtaas_desktop.transforms.functions.numbers import absolute, sign
from dtaas_desktop.transforms.functions.prepared import Prepared, always, unsupported
from dtaas_desktop.transforms.functions.rounding import rounding_to
from dtaas_desktop.transforms.functions.texts import extraction, padding, piece, trimming
from dtaas_desktop.transforms.letter_case import lower, title, upper
from dtaas_desktop.transforms.texts import TEXT

# Functions of one column; Coalesce has several.
ColumnFunction = (
    Trim | Upper | Lower | Title | Length | Substring | Pad | RemoveAccents | Round | Abs | Sign | Sha256 | Hmac
    | DatePart | TruncateDate | AddInterval | RegexExtract | JsonValue
)  # fmt: skip


def check(function: Function) -> None:
    """Raises UserError for settings that cannot work with any column."""
    if not isinstance(function, Coalesce) and not isinstance(function, _OTHER_FUNCTIONS):
        prepared(function, TEXT)


def prepared(function: ColumnFunction, data_type: pa.DataType, *, key: bytes = b"") -> Prepared:
    """The function for plain values of this type (dictionaries decoded). Raises UserError if it does not take them."""
    if isinstance(function, _OTHER_FUNCTIONS):
        return _of_other_values(function, data_type, key)
    if isinstance(function, Length):
        return _length(data_type)
    if data_type != TEXT:
        raise unsupported(function.name, data_type, "text")
    if isinstance(function, RegexExtract):
        return Prepared(TEXT, always(TEXT, extraction(function)).convert, may_empty=True)
    if isinstance(function, JsonValue):
        return Prepared(TEXT, json_value(function.path), may_empty=True)
    return always(TEXT, _of_text(function))


_OtherFunction = Round | Abs | Sign | Sha256 | Hmac | DatePart | TruncateDate | AddInterval
_OTHER_FUNCTIONS = (Round, Abs, Sign, Sha256, Hmac, DatePart, TruncateDate, AddInterval)


def _of_other_values(function: _OtherFunction, data_type: pa.DataType, key: bytes) -> Prepared:
    match function:
        case Round():
            return rounding_to(data_type, function.digits, function.rounding)
        case Abs():
            return absolute(data_type)
        case Sign():
            return sign(data_type)
        case Sha256():
            return sha256_hashing(data_type, function.result)
        case Hmac():
            return hmac_hashing(data_type, function.result, key=key)
        case DatePart():
            return date_part(data_type, function.part)
        case TruncateDate():
            return truncation(data_type, function.unit)
        case AddInterval():
            return addition(data_type, function)


def _of_text(function: Trim | Upper | Lower | Title | Substring | Pad | RemoveAccents) -> Callable[[pa.Array], pa.Array]:
    match function:
        case Trim():
            return trimming(function)
        case Upper():
            return upper
        case Lower():
            return lower
        case Title():
            return title
        case Substring():
            return piece(function)
        case Pad():
            return padding(function)
        case RemoveAccents():
            return without_accents


def _length(data_type: pa.DataType) -> Prepared:
    if data_type == TEXT:
        return always(pa.int64(), lambda texts: pc.utf8_length(texts).cast(pa.int64()))
    if is_binary(data_type):
        return always(pa.int64(), lambda values: pc.binary_length(values.cast(pa.large_binary())).cast(pa.int64()))
    raise unsupported("length", data_type, "text and bytes")
