"""Functions of numbers that need no rounding."""

import pyarrow as pa
import pyarrow.compute as pc

from dtaas_desktop.transforms.converted import Converted, without
from dtaas_desktop.transforms.functions.prepared import Prepared, always, is_number, unsupported
from dtaas_desktop.transforms.numbers import integer_bounds, too_large


def absolute(data_type: pa.DataType) -> Prepared:
    """Without the sign; the least of the signed integers has no counterpart."""
    if not is_number(data_type):
        raise unsupported("abs", data_type, "numbers")
    if not pa.types.is_signed_integer(data_type):
        return always(data_type, pc.abs)
    least = pa.scalar(integer_bounds(data_type)[0], data_type)

    def convert(values: pa.Array) -> Converted:
        fitting = without(values, (pc.equal(values, least), f"without its sign {too_large(data_type)}"))
        return Converted(pc.abs(fitting.values), fitting.bad)

    return Prepared(data_type, convert, may_empty=True)


def sign(data_type: pa.DataType) -> Prepared:
    """−1, 0 or 1 as int8."""
    if not is_number(data_type):
        raise unsupported("sign", data_type, "numbers")
    if not pa.types.is_floating(data_type):
        return always(pa.int8(), lambda values: pc.sign(values).cast(pa.int8()))

    def convert(values: pa.Array) -> Converted:
        known = without(values, (pc.is_nan(values), "NaN has no sign"))
        return Converted(pc.sign(known.values).cast(pa.int8()), known.bad)

    return Prepared(pa.int8(), convert, may_empty=True)
