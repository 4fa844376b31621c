"""Numbers with fewer digits. Fractional numbers are rounded as they are written, not as the machine holds them."""

import decimal

import pyarrow as pa
import pyarrow.compute as pc

from dtaas_desktop.domain.apply_settings import Rounding
from dtaas_desktop.transforms.converted import Conversion, Converted, in_two_ways, over_unique, unchanged, without
from dtaas_desktop.transforms.functions.prepared import Prepared, is_number, unsupported
from dtaas_desktop.transforms.numbers import ROUND_MODES, decimal_to_decimal, number_to_number, too_large
from dtaas_desktop.transforms.texts import TEXT

_DECIMAL_MODES = {
    "half_away": decimal.ROUND_HALF_UP,
    "half_even": decimal.ROUND_HALF_EVEN,
    "truncate": decimal.ROUND_DOWN,
    "floor": decimal.ROUND_FLOOR,
    "ceiling": decimal.ROUND_CEILING,
}
_WHOLE = pa.decimal128(38, 0)
_MOST_OF_INT64 = 21  # at this digit every 64-bit integer rounds to 0 or out of range
_LONG = decimal.Context(prec=200)
_TRUSTED_DIGITS = 38  # Arrow rounds longer decimals wrongly
_EXACT_POWER = 21  # 10**22 is the last power of ten that a float64 holds exactly, and one digit more is needed for halves
_FIFTEEN_DIGITS = 9e13  # below it a tenth of the unit still makes at most fifteen digits, which name one float64 only
_NO_FRACTION = 2.0**52
_DIGITS_OF_FLOATS = 400  # enough for 1e308 with 38 decimals


def rounding_to(data_type: pa.DataType, digits: int, rounding: Rounding) -> Prepared:
    """The type stays; a number that grows out of it is bad. NaN and infinity stay, and −0.4 becomes 0."""
    if not is_number(data_type):
        raise unsupported("round", data_type, "numbers")
    if pa.types.is_integer(data_type):
        convert = unchanged if digits >= 0 else _integers(data_type, digits, rounding)
    elif pa.types.is_decimal(data_type):
        convert = unchanged if digits >= data_type.scale else _decimals(data_type, digits, rounding)
    else:
        convert = _floats(data_type, digits, rounding)
    return Prepared(data_type, convert, may_empty=convert is not unchanged)


def _integers(data_type: pa.DataType, digits: int, rounding: Rounding) -> Conversion:
    widen = number_to_number(data_type, _WHOLE, "bad")
    narrow = number_to_number(_WHOLE, data_type, "bad")
    ndigits = max(digits, -_MOST_OF_INT64)

    def convert(values: pa.Array) -> Converted:
        rounded = pc.round(widen(values).values, ndigits=ndigits, round_mode=ROUND_MODES[rounding])
        return narrow(rounded)

    return convert


def _decimals(data_type: pa.DataType, digits: int, rounding: Rounding) -> Conversion:
    precision, scale = data_type.precision, data_type.scale
    # Room for a carry, and for 10 to the number of digits, to which floor and ceiling may take a small number.
    room = min(precision + 2, _TRUSTED_DIGITS)
    beyond = precision + 2 > _TRUSTED_DIGITS
    if beyond and (scale >= room - 2 or digits < scale - room + 2):
        return _one_by_one(data_type, digits, rounding)
    wide = pa.decimal128(room, scale)
    narrow = decimal_to_decimal(wide, data_type, "bad")
    ndigits = max(digits, scale - room + 1)

    def by_arrow(values: pa.Array) -> Converted:
        return narrow(pc.round(values.cast(wide), ndigits=ndigits, round_mode=ROUND_MODES[rounding]))

    if not beyond:
        return by_arrow
    limit = decimal.Decimal(10) ** (room - 2 - scale)
    one_by_one = _one_by_one(data_type, digits, rounding)

    def by_arrow_or_python(values: pa.Array) -> Converted:
        small = pc.less(pc.abs(values), pa.scalar(limit, values.type))
        return in_two_ways(values, small, fast=by_arrow, slow=one_by_one)

    return by_arrow_or_python


def _one_by_one(data_type: pa.DataType, digits: int, rounding: Rounding) -> Conversion:
    limit = decimal.Decimal(10) ** (data_type.precision - data_type.scale)
    unit = decimal.Decimal(1).scaleb(-data_type.scale)

    def in_range(number: decimal.Decimal) -> decimal.Decimal | None:
        # Arrow takes no 1E+20 for a whole number.
        return number.quantize(unit, context=_LONG) if number.copy_abs() < limit else None

    def rounded(values: pa.Array) -> pa.Array:
        numbers = values.to_pylist()
        found = [None if number is None else in_range(_rounded(number, digits, rounding)) for number in numbers]
        return pa.array(found, data_type)

    def convert(values: pa.Array) -> Converted:
        fitting = over_unique(rounded, values)
        return without(fitting, (pc.and_(pc.is_null(fitting), pc.is_valid(values)), too_large(data_type)))

    return convert


def _rounded(number: decimal.Decimal, digits: int, rounding: Rounding) -> decimal.Decimal:
    with decimal.localcontext(prec=_DIGITS_OF_FLOATS):
        return number.quantize(decimal.Decimal(1).scaleb(-digits), rounding=_DECIMAL_MODES[rounding])


def _floats(data_type: pa.DataType, digits: int, rounding: Rounding) -> Conversion:
    def convert(values: pa.Array) -> Converted:
        # The float64 next to what a float32 reads as is written like it.
        wide = values if data_type == pa.float64() else values.cast(TEXT).cast(pa.float64())
        quick = pc.less(pc.abs(wide), _FIFTEEN_DIGITS * 10.0**-digits if -_EXACT_POWER <= digits <= _EXACT_POWER else 0.0)
        result = pc.if_else(quick, _quickly(wide, digits, rounding), wide)
        slow = pc.and_(pc.is_finite(wide), pc.invert(quick))
        if digits >= 0:
            slow = pc.and_(slow, pc.less(pc.abs(wide), _NO_FRACTION))
        slow = pc.fill_null(slow, False)
        if slow.true_count:
            exact = over_unique(lambda distinct: _exactly(distinct, digits, rounding), wide.filter(slow))
            result = pc.replace_with_mask(result, slow, exact)
        narrow = result.cast(data_type)
        return without(narrow, (pc.and_(pc.is_inf(narrow), pc.is_finite(values)), too_large(data_type)))

    return convert


def _quickly(values: pa.Array, digits: int, rounding: Rounding) -> pa.Array:
    """float64 of few enough digits: comparing them with a bound's float64 then tells how the written number compares with it."""
    below = pc.floor(_at(values, -digits))
    below = pc.subtract(below, pc.greater(_at(below, digits), values).cast(pa.float64()))
    below = pc.add(below, pc.less_equal(_at(pc.add(below, 1.0), digits), values).cast(pa.float64()))
    if rounding == "floor":
        up = None
    elif rounding in ("ceiling", "truncate"):
        up = pc.less(_at(below, digits), values)
        if rounding == "truncate":
            up = pc.and_(up, pc.less(values, 0.0))
    else:
        half = _at(pc.add(pc.multiply(below, 10.0), 5.0), digits + 1)
        at_half = pc.greater(values, 0.0) if rounding == "half_away" else _is_odd(below)
        up = pc.or_(pc.greater(values, half), pc.and_(pc.equal(values, half), at_half))
    whole = below if up is None else pc.add(below, up.cast(pa.float64()))
    return pc.add(_at(whole, digits), 0.0)  # no −0


def _at(units: pa.Array, digits: int) -> pa.Array:
    """units / 10**digits, with the one power of ten that a float64 holds exactly."""
    if digits >= 0:
        return pc.divide(units, float(f"1e{digits}"))
    return pc.multiply(units, float(f"1e{-digits}"))


def _is_odd(whole: pa.Array) -> pa.Array:
    half = pc.multiply(whole, 0.5)
    return pc.not_equal(pc.floor(half), half)


def _exactly(values: pa.Array, digits: int, rounding: Rounding) -> pa.Array:
    numbers = [_rounded(decimal.Decimal(repr(value)), digits, rounding) for value in values.to_pylist()]
    return pc.add(pa.array([float(number) for number in numbers], pa.float64()), 0.0)
