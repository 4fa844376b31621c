"""What the type of a column's chunk proves about its values, so that the exact but slow way is rarely needed.

The driver looks at every value of a chunk before it chooses the type (see Connection.whole). It begins with int64 and moves on to
double at the first real, to string at the first text and to binary at the first blob, carrying along what it has:

- int64: every value is an integer, or null. Nothing was converted.
- double: reals, and integers that became doubles: rounded above 2⁵³ only.
- string: texts; integers as their digits; reals printed with %e, so with six decimals, or as inf. No blob.
- binary: blobs; texts as they are, and numbers as above.
"""

import struct

import pyarrow as pa
import pyarrow.compute as pc

from dtaas_desktop.connectors.sqlite import fit
from dtaas_desktop.connectors.sqlite.types import BINARY, FLOAT64, TEXT
from dtaas_desktop.domain.table import Column

_PRINTED_REAL = r"^-?([0-9]\.[0-9]{6}e[+-][0-9]{2,3}|inf)$"
_SHORTEST_PRINTED_REAL = len("0.000000e+00")


def proven(values: pa.Array, target: Column, *, only_reals: bool, no_numbers: bool) -> pa.Array | None:
    """The values as `target`'s type if the chunk's type proves them all to fit and to be exact; else None.

    only_reals: SQLite's REAL affinity turns every integer of the column into a real. no_numbers: the query found none.
    """
    if values.null_count == len(values):
        return pa.nulls(len(values), target.type)
    if values.type == pa.int64():
        fitted = None if target.type == BINARY else fit.integers(values, target.type)
    elif values.type == pa.float64():
        fitted = _proven_reals(values, target.type, only_reals=only_reals)
    elif values.type == pa.string():
        fitted = _proven_texts(values, target.type, no_numbers=no_numbers)
    else:
        fitted = fit.blobs(values, target.type) if target.type == BINARY and no_numbers else None
    return fitted if fitted is not None and fitted.null_count == values.null_count else None


def longest(values: pa.Array) -> int:
    """The bytes of the longest text or blob; 0 for numbers."""
    if values.type not in (pa.string(), pa.binary()):
        return 0
    return int(pc.max(pc.binary_length(values)).as_py() or 0)


def _proven_reals(values: pa.Array, target: pa.DataType, *, only_reals: bool) -> pa.Array | None:
    if target != FLOAT64 and not pa.types.is_decimal(target):
        return None  # 2 and 2.0 differ as text, and here both are 2.0
    if not only_reals:
        extent = pc.min_max(values).as_py()
        if not -fit.EXACT_DOUBLE < extent["min"] <= extent["max"] < fit.EXACT_DOUBLE:
            return None
    return fit.reals(values, target)


def _proven_texts(values: pa.Array, target: pa.DataType, *, no_numbers: bool) -> pa.Array | None:
    if target == BINARY:
        return fit.texts(values, target) if no_numbers else None
    if target == TEXT and _may_hold_reals(values):
        return None
    if pa.types.is_decimal(target):
        return None  # 1.234567e+02 may be text or a real of more digits
    return fit.texts(values, target)  # no printed number is a date, a time or a word for true


def _may_hold_reals(values: pa.Array) -> bool:
    most = longest(values)
    if most < len("inf"):
        return False
    if most < _SHORTEST_PRINTED_REAL:
        return any(pc.index(values, text).as_py() >= 0 for text in ("inf", "-inf"))
    texts = _as_one_text(values)
    if not any(pc.match_substring(texts, sign)[0].as_py() for sign in ("e+", "e-", "inf")):
        return False
    return pc.any(pc.match_substring_regex(values.cast(pa.binary()), _PRINTED_REAL)).as_py() is True


def _as_one_text(values: pa.Array) -> pa.Array:
    """All texts of an array as a single binary value, without a copy: three times as fast to search."""
    data = values.buffers()[2]
    return pa.Array.from_buffers(pa.large_binary(), 1, [None, pa.py_buffer(struct.pack("=qq", 0, data.size)), data])
