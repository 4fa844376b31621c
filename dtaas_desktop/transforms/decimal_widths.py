"""Decimals of 32 and 64 bits, for which Arrow has hardly a kernel, work as those of 128 bits and come back."""

import pyarrow as pa


def wide_type(data_type: pa.DataType) -> pa.DataType:
    """The type of `widened` values."""
    if pa.types.is_decimal(data_type) and data_type.bit_width < 128:
        return pa.decimal128(data_type.precision, data_type.scale)
    return data_type


def widened(values: pa.Array) -> pa.Array:
    """Narrow decimals as decimal128 of the same precision and scale; anything else as it is."""
    wide = wide_type(values.type)
    return values if wide == values.type else values.cast(wide)


def narrowed(values: pa.Array, data_type: pa.DataType) -> pa.Array:
    """Values that were widened, in their own type again."""
    return values if values.type == data_type else values.cast(data_type)
