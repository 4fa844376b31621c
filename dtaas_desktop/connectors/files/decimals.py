"""Decimal columns as plain text. Arrow writes small values as 1E-10, which some readers refuse."""

import pyarrow as pa
import pyarrow.compute as pc

_ALWAYS_PLAIN = 6  # up to this scale Arrow needs no exponent
_NOTHING = pa.scalar("", pa.large_string())


def needs_plain_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_decimal(kind) and kind.scale > _ALWAYS_PLAIN)


def plain_text(column: pa.Array) -> pa.Array:
    """Each value with all digits of its scale and without an exponent (large_string); null stays null."""
    kind = column.type
    whole = pa.decimal256(76, 0) if pa.types.is_decimal256(kind) else pa.decimal128(38, 0)
    unscaled = pa.Array.from_buffers(whole, len(column), column.buffers(), offset=column.offset)
    digits = pc.utf8_lpad(pc.abs(unscaled).cast(pa.large_string()), kind.scale + 1, "0")
    before = pc.utf8_slice_codeunits(digits, 0, -kind.scale)
    after = pc.utf8_slice_codeunits(digits, -kind.scale)
    sign = pc.if_else(pc.less(unscaled, pa.scalar(0, whole)), pa.scalar("-", pa.large_string()), _NOTHING)
    return pc.binary_join_element_wise(sign, before, pa.scalar(".", pa.large_string()), after, _NOTHING)
