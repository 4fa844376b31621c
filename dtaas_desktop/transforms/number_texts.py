"""Text to numbers and numbers to text, with decimal point and thousands as people write them."""

import decimal
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from dtaas_desktop.transforms.converted import Conversion, Converted, in_two_ways, unchanged, without
from dtaas_desktop.transforms.exact_texts import exact_texts
from dtaas_desktop.transforms.numbers import ExtraDigits, number_to_number, too_large
from dtaas_desktop.transforms.regexes import quoted
from dtaas_desktop.transforms.texts import TEXT, plain_text

NOT_A_NUMBER = "not a number"
_NUMBER = r"^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?0*[0-9]{1,9})?$"
_NOT_FINITE = r"^[+-]?(?i:nan|inf|infinity)$"
_NARROW_SPACES = "[\u00a0\u2009\u202f]"
_SHORT_DECIMALS = 16  # so many leave 22 digits before the point; Arrow writes longer floats with an exponent
_PADDING = "x"  # stands before digits while they are grouped


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """How numbers are written. `decimals`: digits after the point when writing; None: as many as there are."""

    point: str = "."
    thousands: str = ""
    decimals: int | None = None


def text_to_number(target: pa.DataType, written: NumberFormat, extra: ExtraDigits) -> Conversion:
    """From large_string to integers, floats (NaN and infinity in words too) and decimals; white space around is ignored.

    A float is the nearest one to the number written.
    """
    if pa.types.is_floating(target):
        return lambda texts: _floats(_plain(texts, written), target)
    exact = exact_texts(target, extra)

    def convert(texts: pa.Array) -> Converted:
        plain = _plain(texts, written)
        return without(plain, (pc.invert(pc.match_substring_regex(plain, _NUMBER)), NOT_A_NUMBER)).then(exact)

    return convert


def number_to_text(source: pa.DataType, written: NumberFormat, extra: ExtraDigits) -> Conversion:
    """From any number to large_string."""
    texts: Conversion | None = None
    if written.decimals is not None:
        fixed = pa.types.is_floating(source)
        texts = _fixed_floats(written.decimals, extra) if fixed else _fixed(source, written.decimals, extra)

    def convert(values: pa.Array) -> Converted:
        found = Converted(plain_text(values)) if texts is None else texts(values)
        plain = found.values
        if written.point != ".":
            plain = pc.replace_substring(plain, ".", written.point)
        return Converted(_grouped(plain, written.thousands) if written.thousands else plain, found.bad)

    return convert


def _plain(texts: pa.Array, written: NumberFormat) -> pa.Array:
    """Numbers the way Arrow reads them; what is written wrongly becomes something that is no number."""
    texts = pc.utf8_trim_whitespace(texts)
    if written.thousands:
        texts = _ungrouped(texts, written)
    if written.point != ".":
        # A point would otherwise pass for the decimal point that it is not.
        texts = pc.replace_substring(pc.replace_substring(texts, ".", "?"), written.point, ".")
    return texts


def _ungrouped(texts: pa.Array, written: NumberFormat) -> pa.Array:
    mark, point = quoted(written.thousands), quoted(written.point)
    if written.thousands == " ":
        texts = pc.replace_substring_regex(texts, _NARROW_SPACES, " ")
    grouped = pc.match_substring_regex(texts, rf"^[+-]?[0-9]{{1,3}}(?:{mark}[0-9]{{2,3}})*{mark}[0-9]{{3}}(?:{point}[0-9]*)?$")
    return pc.if_else(grouped, pc.replace_substring(texts, written.thousands, ""), texts)


def _grouped(texts: pa.Array, mark: str) -> pa.Array:
    """The digits before the point in groups of three."""
    parts = pc.extract_regex(texts, "^(?P<sign>[+-]?)(?P<whole>[0-9]{4,})(?P<rest>(?:[^0-9].*)?)$")
    long = pc.is_valid(parts)
    if not long.true_count:
        return texts
    sign, whole, rest = (pc.struct_field(parts, name) for name in ("sign", "whole", "rest"))
    groups = -(-pc.max(pc.binary_length(whole)).as_py() // 3)
    padded = pc.utf8_lpad(whole, 3 * groups, _PADDING)
    pieces = [pc.utf8_slice_codeunits(padded, 3 * group, 3 * group + 3) for group in range(groups)]
    marked = pc.binary_join_element_wise(*pieces, pa.scalar(mark, TEXT))
    whole = pc.utf8_ltrim(marked, _PADDING + mark)
    return pc.if_else(long, pc.binary_join_element_wise(sign, whole, rest, pa.scalar("", TEXT)), texts)


def _floats(plain: pa.Array, target: pa.DataType) -> Converted:
    numbers = pc.match_substring_regex(plain, _NUMBER)
    known = plain
    refused: Converted | None = None
    if numbers.true_count < len(plain) - plain.null_count:
        not_finite = pc.match_substring_regex(plain, _NOT_FINITE)
        refused = without(plain, (pc.invert(pc.or_(numbers, not_finite)), NOT_A_NUMBER))
        known = refused.values
    values = pc.utf8_ltrim(known, "+").cast(target)
    fitting = without(values, (pc.and_(pc.is_inf(values), numbers), too_large(target)))
    return Converted(fitting.values, (refused.bad if refused else ()) + fitting.bad)


def _fixed(source: pa.DataType, decimals: int, extra: ExtraDigits) -> Conversion:
    """Integers and decimals with just so many digits after the point."""
    scale = source.scale if pa.types.is_decimal(source) else 0
    if scale > decimals:
        precision = min(max(source.precision - scale + decimals + 1, 1), 76)
        rounded = number_to_number(source, _decimal_type(max(precision, decimals), decimals), extra)
        return lambda values: _told(rounded(values), decimals).then(lambda numbers: Converted(plain_text(numbers)))
    zeros = pa.scalar(("." if scale <= 0 < decimals else "") + "0" * (decimals - max(scale, 0)), TEXT)
    return lambda values: Converted(pc.binary_join_element_wise(plain_text(values), zeros, pa.scalar("", TEXT)))


def _fixed_floats(decimals: int, extra: ExtraDigits) -> Conversion:
    """Fractional numbers with just so many digits after the point, rounded as they are written; NaN and infinity in words."""
    target = _decimal_type(38 if decimals <= _SHORT_DECIMALS else 76, decimals)
    exact = exact_texts(target, extra)

    def written(texts: pa.Array) -> Converted:
        huge = pc.match_substring(texts, "e+")
        return in_two_ways(
            texts,
            pc.invert(huge),
            fast=lambda some: _told(exact(some), decimals).then(lambda numbers: Converted(plain_text(numbers))),
            slow=lambda others: Converted(_written_out(others, decimals)),
        )

    return lambda values: in_two_ways(plain_text(values), pc.is_finite(values), fast=written, slow=unchanged)


def _written_out(texts: pa.Array, decimals: int) -> pa.Array:
    """1e+22 with all its zeros."""
    numbers = (None if text is None else decimal.Decimal(text) for text in texts.to_pylist())
    return pa.array([None if number is None else format(number, f".{decimals}f") for number in numbers], TEXT)


def _told(converted: Converted, decimals: int) -> Converted:
    """With the reason in the words of the setting; the type in between was never the user's."""
    reason = f"has more than {decimals} digits after the point"
    return Converted(converted.values, tuple((mask, reason) for mask, _ in converted.bad))


def _decimal_type(precision: int, scale: int) -> pa.DataType:
    return pa.decimal128(precision, scale) if precision <= 38 else pa.decimal256(precision, scale)
