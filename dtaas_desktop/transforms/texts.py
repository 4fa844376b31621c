"""Values as text: the plain, exact text of every type, and short texts for messages."""

import decimal

import pyarrow as pa
import pyarrow.compute as pc

from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.type_names import is_binary, is_text, name_of_type

TEXT = pa.large_string()
_PLAIN_DECIMAL_SCALE = 6  # Arrow writes smaller decimals as 1E-7


def decoded(values: pa.Array) -> pa.Array:
    """Dictionaries as plain values, text as large_string, and views of bytes as large_binary; anything else as it is."""
    if pa.types.is_dictionary(values.type):
        distinct = without_views(values.dictionary)
        if distinct.type != values.type.value_type:
            # Arrow cannot take from views, so they must be gone before the dictionary is.
            values = pa.DictionaryArray.from_arrays(values.indices, distinct)
        values = values.dictionary_decode()
    values = without_views(values)
    return values.cast(TEXT) if is_text(values.type) and values.type != TEXT else values


def decoded_type(data_type: pa.DataType) -> pa.DataType:
    """The type of `decoded` values."""
    if pa.types.is_dictionary(data_type):
        data_type = data_type.value_type
    if pa.types.is_binary_view(data_type):
        return pa.large_binary()
    return TEXT if is_text(data_type) else data_type


def require_text(data_type: pa.DataType, column: str) -> None:
    """Raises UserError if the column is not text."""
    if not is_text(decoded_type(data_type)):
        raise UserError(
            f"Column “{column}” is {name_of_type(data_type)}, and this works on text only.", remedy="Cast it to text first."
        )


def has_text(data_type: pa.DataType) -> bool:
    """Whether `plain_text` knows a text for values of this type that always exists (bytes need not be text)."""
    plain = decoded_type(data_type)
    return not (pa.types.is_nested(plain) or is_binary(plain) or pa.types.is_duration(plain) or pa.types.is_interval(plain)) and (
        plain != pa.float16()
    )


def plain_text(values: pa.Array) -> pa.Array:
    """The exact text of each value, as large_string: 1.50, true, 2024-12-31 23:59:59.000000, with a zone in UTC and a Z behind.

    Fractional numbers have as many digits as it takes to read them back; see `has_text` for the types.
    """
    values = decoded(values)
    if values.type == TEXT:
        return values
    if pa.types.is_decimal(values.type) and values.type.scale > _PLAIN_DECIMAL_SCALE:
        return _plain_decimals(values)
    if pa.types.is_timestamp(values.type) and values.type.tz not in (None, "UTC"):
        values = values.cast(pa.timestamp(values.type.unit, "UTC"))
    return values.cast(TEXT)


def without_views(values: pa.Array) -> pa.Array:
    """Views of text and bytes, of which Arrow can take nothing, in their large layouts; anything else as it is."""
    if pa.types.is_binary_view(values.type):
        return values.cast(pa.large_binary())
    return values.cast(TEXT) if pa.types.is_string_view(values.type) else values


def _plain_decimals(values: pa.Array) -> pa.Array:
    texts = values.cast(TEXT)
    scientific = pc.fill_null(pc.match_substring(texts, "E"), False)
    if not scientific.true_count:
        return texts
    encoded = texts.filter(scientific).dictionary_encode()
    written = pa.array([format(decimal.Decimal(text), "f") for text in encoded.dictionary.to_pylist()], TEXT)
    return pc.replace_with_mask(texts, scientific, written.take(encoded.indices))


def shown(values: pa.Array, characters: int) -> pa.Array:
    """Short texts of values for messages: at most so many characters and an ellipsis; bytes in hexadecimal. Null stays null."""
    values = decoded(values)
    if has_text(values.type):
        texts = plain_text(values)
    elif pa.types.is_duration(values.type):
        texts = values.cast(pa.int64()).cast(TEXT)
    else:
        texts = pa.array([None if value is None else _of_object(value, characters) for value in values.to_pylist()], TEXT)
    long = pc.greater(pc.utf8_length(texts), characters)
    if not long.true_count:
        return texts
    cut = pc.binary_join_element_wise(pc.utf8_slice_codeunits(texts, 0, characters), pa.scalar("…", TEXT), pa.scalar("", TEXT))
    return pc.if_else(long, cut, texts)


def _of_object(value: object, characters: int) -> str:
    return "0x" + value[: characters // 2 + 1].hex() if isinstance(value, bytes) else str(value)
