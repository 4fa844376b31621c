"""Which types hold every value of another one, exactly: what a column may become without a reload."""

import pyarrow as pa

_UNITS = ("s", "ms", "us", "ns")
_MANTISSA = {16: 11, 32: 24, 64: 53}  # bits of whole numbers that a float of this width holds exactly


def is_wider(old: pa.DataType, new: pa.DataType) -> bool:
    """Whether each value of `old` is the same value in `new`; true for equal types, and for those that differ in layout only.

    Timestamps become finer down to microseconds; what lies beyond the years that fit is an error where it is cast, never bent.
    """
    old, new = _plain(old), _plain(new)
    if old == new:
        return True
    if pa.types.is_integer(old):
        return _holds_integer(old, new)
    if pa.types.is_floating(old):
        return bool(pa.types.is_floating(new) and new.bit_width > old.bit_width)
    if pa.types.is_decimal(old):
        return bool(pa.types.is_decimal(new) and new.scale >= old.scale and _whole_digits(new) >= _whole_digits(old))
    if _is_text(old):
        return _is_text(new)
    if _is_bytes(old):
        return bool(pa.types.is_binary(new) or pa.types.is_large_binary(new))
    if pa.types.is_timestamp(old):
        return bool(pa.types.is_timestamp(new) and new.tz == old.tz and new.unit != "ns" and _finer(old.unit, new.unit))
    if pa.types.is_time(old):
        return bool(pa.types.is_time(new) and _finer(old.unit, new.unit))
    return False


def is_extension(old: pa.Schema, new: pa.Schema) -> bool:
    """Whether rows of `old` are rows of `new`, once columns that they lack are null. The order of columns does not matter."""
    return all(field.name in new.names and is_wider(field.type, new.field(field.name).type) for field in old)


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _holds_integer(old: pa.DataType, new: pa.DataType) -> bool:
    bits = old.bit_width - (1 if pa.types.is_signed_integer(old) else 0)  # of the magnitude
    if pa.types.is_integer(new):
        signed = pa.types.is_signed_integer(new)
        return bool((signed or not pa.types.is_signed_integer(old)) and new.bit_width - (1 if signed else 0) >= bits)
    if pa.types.is_floating(new):
        return bool(_MANTISSA[new.bit_width] >= bits)
    return bool(pa.types.is_decimal(new) and new.scale >= 0 and _whole_digits(new) >= len(str(2**bits)))


def _whole_digits(kind: pa.DataType) -> int:
    return int(kind.precision - kind.scale)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_bytes(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind))


def _finer(old: str, new: str) -> bool:
    return _UNITS.index(new) >= _UNITS.index(old)
