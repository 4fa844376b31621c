"""Numbers in plain text to integers and decimals, exactly: every digit counts, however many there are.

Arrow reads short texts well. What it does not read, or reads otherwise than we do (exponents, digits to be rounded, more digits
than a type has), goes through wider decimals, and at last through Python's, once for each distinct text.
"""

import decimal

import pyarrow as pa
import pyarrow.compute as pc

from dtaas_desktop.transforms.converted import Conversion, Converted, in_two_ways, without
from dtaas_desktop.transforms.numbers import (
    NOT_FINITE,
    WHOLE_BELOW,
    ExtraDigits,
    exactly,
    number_to_number,
)
from dtaas_desktop.transforms.texts import TEXT, plain_text

_SHORT_INTEGER = r"^[+-]?[0-9]{1,18}$"
_MIDDLE = r"^[+-]?[0-9]{0,19}(?:\.[0-9]{0,18})?$"
_MIDDLE_TYPE = pa.decimal128(37, 18)  # leaves room for the digit that rounding may add


def exact_texts(target: pa.DataType, extra: ExtraDigits) -> Conversion:
    """From large_string like -12.50 or 1e3, all of them numbers, to an integer type, decimal128 or decimal256."""
    from_integers = number_to_number(pa.int64(), target, extra)
    from_decimals = number_to_number(_MIDDLE_TYPE, target, extra)
    is_integer = pa.types.is_integer(target)
    short = _SHORT_INTEGER if is_integer else _short_decimal(target)

    def directly(texts: pa.Array) -> Converted:
        return from_integers(pc.utf8_ltrim(texts, "+").cast(pa.int64())) if is_integer else Converted(texts.cast(target))

    def by_decimals(texts: pa.Array) -> Converted:
        simple = pc.match_substring_regex(texts, _MIDDLE)
        return in_two_ways(
            texts,
            simple,
            fast=lambda some: from_decimals(some.cast(_MIDDLE_TYPE)),
            slow=lambda others: _by_python(others, target, extra),
        )

    return lambda texts: in_two_ways(texts, pc.match_substring_regex(texts, short), fast=directly, slow=by_decimals)


def float_to_decimal(source: pa.DataType, target: pa.DataType, extra: ExtraDigits) -> Conversion:
    """Fractional numbers as they are written (0.1 is 0.1); whole numbers beyond the type's own digits as they are held."""
    read = exact_texts(target, extra)
    limit = float(WHOLE_BELOW[source])

    def convert(values: pa.Array) -> Converted:
        finite = without(values, (pc.invert(pc.is_finite(values)), NOT_FINITE))
        texts = plain_text(finite.values)
        large = pc.fill_null(pc.greater_equal(pc.abs(finite.values), pa.scalar(limit, source)), False)
        if large.true_count:
            exact = pa.array([str(int(number)) for number in finite.values.filter(large).to_pylist()], TEXT)
            texts = pc.replace_with_mask(texts, large, exact)
        return finite.then(lambda _: read(texts))

    return convert


def _short_decimal(target: pa.DataType) -> str:
    """Which texts Arrow's cast reads without rounding."""
    whole = target.precision - target.scale
    zeros = (38 if target.bit_width == 128 else 76) - target.precision
    return rf"^[+-]?0*[0-9]{{0,{whole}}}(?:\.[0-9]{{0,{target.scale}}}0{{0,{zeros}}})?$"


def _by_python(texts: pa.Array, target: pa.DataType, extra: ExtraDigits) -> Converted:
    encoded = texts.dictionary_encode()
    numbers = [decimal.Decimal(text) for text in encoded.dictionary.to_pylist()]
    return exactly(numbers, target, extra).take(encoded.indices)
