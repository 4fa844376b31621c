"""Constants out of settings (JSON values) as values of a column's type, exactly."""

import pyarrow as pa

from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.transform_settings import Constant
from dtaas_desktop.domain.type_names import is_binary, name_of_type
from dtaas_desktop.transforms.conversions import Manner, conversion
from dtaas_desktop.transforms.texts import TEXT, decoded_type


def natural_type(value: Constant) -> pa.DataType:
    """The type of a constant of which nothing more is said: bool, int64, float64 or text."""
    if isinstance(value, bool):
        return pa.bool_()
    if isinstance(value, int):
        return pa.int64()
    return pa.float64() if isinstance(value, float) else TEXT


def constant(value: Constant, data_type: pa.DataType) -> pa.Scalar:
    """The value in this type; dictionaries and small texts give their plain kind.

    Text is read like a cast reads it (ISO dates, plain numbers); bytes are written as text, or as 0x and hexadecimal digits.
    Raises UserError for what the type cannot hold exactly.
    """
    plain = decoded_type(data_type)
    if value is None:
        return pa.scalar(None, plain)
    if is_binary(plain):
        return _bytes(value, plain)
    text = _text(value)
    if plain == TEXT:
        return pa.scalar(text, TEXT)
    # Numbers mean no true or false in JSON, and the reverse; only texts are looked into.
    mixed = not isinstance(value, str) and isinstance(value, bool) != pa.types.is_boolean(plain)
    refused = UserError(
        f"The value “{text[:100]}” cannot be {name_of_type(plain)} exactly.",
        remedy="Write a value of the column's type; dates like 2024-12-31, decimals as text.",
    )
    if mixed:
        raise refused
    converted = conversion(TEXT, plain, Manner())(pa.array([text], TEXT))
    # A text or a fractional number may be read as the nearest float, a whole number may not.
    rounded = isinstance(value, int) and pa.types.is_floating(plain) and converted.values[0].as_py() != value
    if converted.bad or rounded:
        raise refused
    return converted.values[0]


def _text(value: bool | int | float | str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else repr(value)


def _bytes(value: bool | int | float | str, plain: pa.DataType) -> pa.Scalar:
    if isinstance(value, str):
        try:
            data = bytes.fromhex(value[2:]) if value.startswith("0x") else value.encode()
            return pa.scalar(data, plain)
        except (ValueError, pa.ArrowInvalid):
            pass
    raise UserError(
        f"The value “{_text(value)[:100]}” cannot be {name_of_type(plain)}.",
        remedy="Write a text, or 0x and hexadecimal digits, of the right length.",
    )
