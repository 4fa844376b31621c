"""Binary columns as hexadecimal text, a whole column at once."""

import binascii

import pyarrow as pa
import pyarrow.compute as pc


def hexadecimal(column: pa.Array) -> pa.Array:
    """The bytes of each value as lower-case hexadecimal digits (large_string); null stays null."""
    column = column.cast(pa.large_binary())
    _, offsets, data = column.buffers()
    starts = pa.Array.from_buffers(pa.int64(), len(column) + 1, [None, offsets], offset=column.offset)
    first, end = starts[0].as_py(), starts[-1].as_py()
    digits = binascii.hexlify(memoryview(data)[first:end]) if data else b""
    doubled = pc.multiply(pc.subtract(starts, first), 2)
    text = pa.Array.from_buffers(pa.large_string(), len(column), [None, doubled.buffers()[1], pa.py_buffer(digits)])
    return pc.if_else(column.is_valid(), text, pa.scalar(None, pa.large_string())) if column.null_count else text


def is_binary(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind))
