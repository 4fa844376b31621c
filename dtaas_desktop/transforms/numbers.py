"""Numbers to numbers: nothing wraps around, no digit is lost unless rounding was asked for."""

import decimal
from collections.abc import Sequence
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from dtaas_desktop.domain.type_names import name_of_type
from dtaas_desktop.transforms.converted import Conversion, Converted, in_two_ways, without
from dtaas_desktop.transforms.texts import plain_text

ExtraDigits = Literal["bad", "half_away", "half_even", "truncate", "floor", "ceiling"]

# Arrow's words: its “half towards infinity” rounds −2.5 to −3.
ROUND_MODES = {
    "bad": "towards_zero",
    "half_away": "half_towards_infinity",
    "half_even": "half_to_even",
    "truncate": "towards_zero",
    "floor": "down",
    "ceiling": "up",
}

_DECIMAL_ROUNDING = {
    "bad": decimal.ROUND_DOWN,
    "half_away": decimal.ROUND_HALF_UP,
    "half_even": decimal.ROUND_HALF_EVEN,
    "truncate": decimal.ROUND_DOWN,
    "floor": decimal.ROUND_FLOOR,
    "ceiling": decimal.ROUND_CEILING,
}
# Arrow rounds decimals of more digits than 128 bits hold to wrong numbers (499…9 of 60 digits), and rounding may add a digit.
_TRUSTED_DIGITS = 37
_MOST_DIGITS = 80  # no type holds a number this long, so it need not be computed

# Below these a float holds every whole number.
WHOLE_BELOW = {pa.float32(): 2**24, pa.float64(): 2**53}
# So many digits of a decimal always come back from a float, down to this scale.
_SAFE_DIGITS = {pa.float32(): (6, 30), pa.float64(): (15, 290)}
NOT_FINITE = "not a finite number"


def number_to_number(source: pa.DataType, target: pa.DataType, extra: ExtraDigits) -> Conversion:
    """Between integers, floats and decimals of all widths, and from bool.

    Floats do not become decimals here, but by their text: exact_texts.float_to_decimal. A float32 is the nearest one to a float64.
    """
    if pa.types.is_boolean(source):
        source, first = pa.int8(), pa.int8()
        following = number_to_number(source, target, extra)
        return lambda values: following(values.cast(first))
    if pa.types.is_integer(target):
        return _to_integer(source, target, extra)
    if pa.types.is_floating(target):
        return _to_float(source, target, extra)
    if pa.types.is_integer(source):
        digits = 20 if source == pa.uint64() else 19
        following = decimal_to_decimal(pa.decimal128(digits, 0), target, extra)
        return lambda values: following(values.cast(pa.int64() if digits == 19 else source).cast(pa.decimal128(digits, 0)))
    return decimal_to_decimal(source, target, extra)


def integer_bounds(target: pa.DataType) -> tuple[int, int]:
    """The least and the greatest value of an integer type."""
    if pa.types.is_unsigned_integer(target):
        return 0, int(2**target.bit_width - 1)
    return -int(2 ** (target.bit_width - 1)), int(2 ** (target.bit_width - 1) - 1)


def too_large(target: pa.DataType) -> str:
    return f"outside the range of {name_of_type(target)}"


def has_extra_digits(target: pa.DataType) -> str:
    return f"has digits that {name_of_type(target)} cannot hold"


def decimal_to_decimal(source: pa.DataType, target: pa.DataType, extra: ExtraDigits) -> Conversion:
    """Another precision or scale; fewer digits after the point are rounded or bad, too many before it are bad."""

    def by_arrow(values: pa.Array) -> Converted:
        values = _room_for_rounding(values)
        lost = Converted(values)
        if target.scale < source.scale:
            lost = _rounded(values, target, extra)
        return lost.then(lambda rounded: _fitted(rounded, target))

    if target.scale >= source.scale or source.precision <= _TRUSTED_DIGITS:
        return by_arrow
    if source.scale > _TRUSTED_DIGITS:
        return lambda values: exactly(values.to_pylist(), target, extra)

    narrow = pa.decimal128(_TRUSTED_DIGITS, source.scale)
    following = decimal_to_decimal(narrow, target, extra)
    limit = decimal.Decimal(10) ** (_TRUSTED_DIGITS - source.scale)

    def by_arrow_or_python(values: pa.Array) -> Converted:
        return in_two_ways(
            values,
            pc.less(pc.abs(values), pa.scalar(limit, values.type)),
            fast=lambda small: following(small.cast(narrow)),
            slow=lambda large: exactly(large.to_pylist(), target, extra),
        )

    return by_arrow_or_python


def exactly(numbers: Sequence[decimal.Decimal | None], target: pa.DataType, extra: ExtraDigits) -> Converted:
    """The same by Python's arithmetic, to integers too: slow, but for numbers of any length."""
    exact = [(None, None) if number is None else _exactly(number, target, extra) for number in numbers]
    values = pa.array([value for value, _ in exact], target)
    reasons = pa.array([reason for _, reason in exact], pa.string())
    masks = [(pc.fill_null(pc.equal(reasons, reason), False), reason) for reason in reasons.unique().drop_null().to_pylist()]
    return Converted(values, tuple(masks))


def _exactly(number: decimal.Decimal, target: pa.DataType, extra: ExtraDigits) -> tuple[decimal.Decimal | int | None, str | None]:
    """The number for the target type, or None and why not."""
    if number and number.adjusted() > _MOST_DIGITS:
        return None, too_large(target)
    integer = pa.types.is_integer(target)
    unit = decimal.Decimal(1).scaleb(0 if integer else -target.scale)
    with decimal.localcontext(prec=2 * _MOST_DIGITS):
        rounded = number.quantize(unit, rounding=_DECIMAL_ROUNDING[extra])
    if extra == "bad" and rounded != number:
        return None, has_extra_digits(target)
    if integer:
        low, high = integer_bounds(target)
        return (int(rounded), None) if low <= rounded <= high else (None, too_large(target))
    limit = decimal.Decimal(10) ** (target.precision - target.scale)
    return (rounded, None) if rounded.copy_abs() < limit else (None, too_large(target))  # abs() would round


def _room_for_rounding(values: pa.Array) -> pa.Array:
    """The same decimals with one digit more before the point, and at least 128 bits wide: Arrow rounds no narrower ones."""
    precision, scale = min(values.type.precision + 1, 76), values.type.scale
    return values.cast(pa.decimal128(precision, scale) if precision <= 38 else pa.decimal256(precision, scale))


def _rounded(values: pa.Array, target: pa.DataType, extra: ExtraDigits) -> Converted:
    rounded = pc.round(values, ndigits=target.scale, round_mode=ROUND_MODES[extra])
    if extra != "bad":
        return Converted(rounded)
    return without(rounded, (pc.not_equal(rounded, values), has_extra_digits(target)))


def _fitted(values: pa.Array, target: pa.DataType) -> Converted:
    whole_digits = target.precision - target.scale
    fitting = Converted(values)
    if values.type.precision - values.type.scale > whole_digits:
        limit = pa.scalar(decimal.Decimal(10) ** whole_digits, values.type)
        fitting = without(values, (pc.greater_equal(pc.abs(values), limit), too_large(target)))
    if target.bit_width < 128:
        return Converted(fitting.values.cast(pa.decimal128(target.precision, target.scale)).cast(target), fitting.bad)
    return Converted(fitting.values.cast(target), fitting.bad)


def _to_integer(source: pa.DataType, target: pa.DataType, extra: ExtraDigits) -> Conversion:
    low, high = integer_bounds(target)

    def from_integer(values: pa.Array) -> Converted:
        source_low, source_high = integer_bounds(source)
        checks = []
        if source_high > high:
            checks.append((pc.greater(values, pa.scalar(high, source)), too_large(target)))
        if source_low < low:
            checks.append((pc.less(values, pa.scalar(low, source)), too_large(target)))
        fitting = without(values, *checks)
        return Converted(fitting.values.cast(target), fitting.bad)

    def from_float(values: pa.Array) -> Converted:
        values = values.cast(pa.float64())
        finite = without(values, (pc.invert(pc.is_finite(values)), NOT_FINITE))
        rounded = pc.round(finite.values, ndigits=0, round_mode=ROUND_MODES[extra])
        checks = [
            (pc.greater_equal(rounded, float(high + 1)), too_large(target)),
            (pc.less(rounded, float(low)), too_large(target)),
        ]
        if extra == "bad":
            checks.insert(0, (pc.not_equal(rounded, finite.values), has_extra_digits(target)))
        fitting = without(rounded, *checks)
        return Converted(fitting.values.cast(target), finite.bad + fitting.bad)

    def from_decimal(values: pa.Array) -> Converted:
        wide = pa.decimal128(20, 0)
        whole = decimal_to_decimal(source, wide, extra)(values)
        reasons = {too_large(wide): too_large(target), has_extra_digits(wide): has_extra_digits(target)}
        beyond = without(
            whole.values,
            (pc.greater(whole.values, pa.scalar(decimal.Decimal(high), wide)), too_large(target)),
            (pc.less(whole.values, pa.scalar(decimal.Decimal(low), wide)), too_large(target)),
        )
        return Converted(beyond.values.cast(target), whole.in_words(reasons).bad + beyond.bad)

    if pa.types.is_integer(source):
        return from_integer
    return from_float if pa.types.is_floating(source) else from_decimal


def _to_float(source: pa.DataType, target: pa.DataType, extra: ExtraDigits) -> Conversion:
    if pa.types.is_floating(source):
        return _float_to_float(source, target)
    if pa.types.is_decimal(source):
        return _decimal_to_float(source, target, extra)
    exact_below = WHOLE_BELOW[target]

    def from_integer(values: pa.Array) -> Converted:
        floats = values.cast(target, safe=False)
        if extra != "bad" or integer_bounds(source)[1] <= exact_below:
            return Converted(floats)
        wide = pa.decimal128(38, 0)
        whole = values.cast(pa.decimal128(20, 0)).cast(wide)
        return without(floats, (pc.not_equal(floats.cast(pa.float64()).cast(wide), whole), has_extra_digits(target)))

    return from_integer


def _float_to_float(source: pa.DataType, target: pa.DataType) -> Conversion:
    def convert(values: pa.Array) -> Converted:
        floats = values.cast(target)
        if target.bit_width >= source.bit_width:
            return Converted(floats)
        return without(floats, (pc.and_(pc.is_inf(floats), pc.is_finite(values)), too_large(target)))

    return convert


def _decimal_to_float(source: pa.DataType, target: pa.DataType, extra: ExtraDigits) -> Conversion:
    """The nearest float. Unless rounding was asked for, the decimal's digits must come back from it."""
    digits, scale = _SAFE_DIGITS[target]
    safe = source.precision <= digits and source.scale <= scale

    def convert(values: pa.Array) -> Converted:
        # Through text, because reading a text gives the nearest float and Arrow's arithmetic need not.
        floats = plain_text(values).cast(target)
        fitting = without(floats, (pc.is_inf(floats), too_large(target)))
        if extra != "bad" or safe:
            return fitting
        lost = without(fitting.values, (_digits_lost(values, fitting.values, digits, scale), has_extra_digits(target)))
        return Converted(lost.values, fitting.bad + lost.bad)

    return convert


def _digits_lost(decimals: pa.Array, floats: pa.Array, digits: int, scale: int) -> pa.Array:
    """Where the decimal nearest to the float is another one."""
    places = decimals.type.scale
    doubtful = pc.is_valid(floats)
    if places <= scale and decimals.type.precision > digits:
        limit = pa.scalar(decimal.Decimal(1).scaleb(digits - places), decimals.type)
        doubtful = pc.and_(doubtful, pc.greater_equal(pc.abs(decimals), limit))
    doubtful = pc.fill_null(doubtful, False)
    if not doubtful.true_count:
        return doubtful
    unit = decimal.Decimal(1).scaleb(-places)
    pairs = zip(decimals.filter(doubtful).to_pylist(), floats.filter(doubtful).to_pylist(), strict=True)
    with decimal.localcontext(prec=400):
        lost = [decimal.Decimal(number).quantize(unit, rounding=decimal.ROUND_HALF_EVEN) != value for value, number in pairs]
    return pc.replace_with_mask(doubtful, doubtful, pa.array(lost, pa.bool_()))
