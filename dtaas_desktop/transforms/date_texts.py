"""Text to dates and times and back, in ISO 8601 or a format of the user's. Independent of the system's language and zone."""

import pyarrow as pa
import pyarrow.compute as pc

from dtaas_desktop.domain.type_names import name_of_type
from dtaas_desktop.transforms.converted import Conversion, Converted, converted_over_unique, in_two_ways, over_unique, without
from dtaas_desktop.transforms.date_formats import (
    ISO_READ,
    ISO_TIME_READ,
    MONTHS,
    DateFormat,
    date_format,
    require_readable,
    require_writable,
)
from dtaas_desktop.transforms.dates import (
    DAY_SECONDS,
    NANOSECONDS,
    PER_SECOND,
    assembled,
    day_numbers,
    in_local_years,
    in_years,
    in_zone,
    local_parts,
    of_day,
    zoned,
)
from dtaas_desktop.transforms.numbers import ExtraDigits
from dtaas_desktop.transforms.texts import TEXT, plain_text

# A date that exists, in RE2's terms: month lengths and leap years of the Gregorian calendar.
_LEAP_YEAR = "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)"
_DAY = (
    "(?:[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
    f"|{_LEAP_YEAR}-02-29)"
)
_YEAR_OF_NANOSECONDS = "^(?:167[89]|16[89][0-9]|1[7-9]|2[01]|22[0-5]|226[01])"  # Arrow wraps others around
_EXAMPLES = {"date": "2024-12-31", "time": "23:59:59", "date and time": "2024-12-31 23:59:59"}
_FRACTION_DIGITS = {"s": 0, "ms": 3, "us": 6, "ns": 9}

# Where the letters stand in what Arrow writes of whole seconds.
_ISO_PATTERN = "0000-00-00 00:00:00"
_IN_ISO = {"Y": (0, 4), "y": (2, 4), "m": (5, 7), "d": (8, 10), "H": (11, 13), "M": (14, 16), "S": (17, 19)}
_MONTH_NAMES = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_WEEKDAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
# Letters that name one of few texts by a part of the moment: the kernel that gives the part, its least value, the texts.
_NAMED = {
    "B": (pc.month, 1, _MONTH_NAMES),
    "b": (pc.month, 1, tuple(name[:3] for name in _MONTH_NAMES)),
    "A": (pc.day_of_week, 0, _WEEKDAY_NAMES),
    "a": (pc.day_of_week, 0, tuple(name[:3] for name in _WEEKDAY_NAMES)),
    "e": (pc.day, 1, tuple(f"{day:2}" for day in range(1, 32))),
    "I": (pc.hour, 0, tuple(f"{hour % 12 or 12:02}" for hour in range(24))),
    "p": (pc.hour, 0, ("AM",) * 12 + ("PM",) * 12),
}


def text_to_date(target: pa.DataType, written: str, extra: ExtraDigits) -> Conversion:
    """From large_string to date, time and timestamp; white space around is ignored.

    A text without an offset is local time in the target's zone. A date may be read from a text with date and time.
    """
    if not written:
        return _from_iso(target, extra)
    form = date_format(written)
    is_time = pa.types.is_time(target)
    has_zone = pa.types.is_timestamp(target) and target.tz is not None
    require_readable(form, written, date=not is_time, time=is_time, zone=has_zone)
    reason = f"not a {_word(target)} in the format {written}"
    regex = form.regex

    def convert(texts: pa.Array) -> Converted:
        trimmed = pc.utf8_trim_whitespace(texts)
        return converted_over_unique(lambda distinct: _from_parts(distinct, regex, target, extra, reason), trimmed)

    return convert


def date_to_text(source: pa.DataType, written: str) -> Conversion:
    """To large_string: ISO 8601 (with a zone in UTC, and Z behind), or the format (with a zone the local time)."""
    if not written:
        return lambda values: _known(values).then(lambda known: Converted(plain_text(known)))
    form = date_format(written)
    is_timestamp = pa.types.is_timestamp(source)
    require_writable(
        form,
        written,
        date=not pa.types.is_time(source),
        time=not pa.types.is_date(source),
        zone=is_timestamp and source.tz is not None,
    )

    def convert(values: pa.Array) -> Converted:
        known = _known(values)
        if is_timestamp and source.tz is not None:
            known = known.then(in_local_years)
        return known.then(lambda moments: Converted(over_unique(lambda distinct: _written(distinct, form), moments)))

    return convert


def _word(target: pa.DataType) -> str:
    return "date" if pa.types.is_date(target) else "time" if pa.types.is_time(target) else "date and time"


def _from_iso(target: pa.DataType, extra: ExtraDigits) -> Conversion:
    regex = ISO_TIME_READ if pa.types.is_time(target) else ISO_READ
    word = _word(target)
    reason = f"not a {word} like {_EXAMPLES[word]}"

    def by_parts(texts: pa.Array) -> Converted:
        return converted_over_unique(lambda distinct: _from_parts(distinct, regex, target, extra, reason), texts)

    direct = _direct_regex(target)
    if direct is None:
        return lambda texts: by_parts(pc.utf8_trim_whitespace(texts))

    def convert(texts: pa.Array) -> Converted:
        texts = pc.utf8_trim_whitespace(texts)
        simple = pc.match_substring_regex(texts, direct)
        if pa.types.is_timestamp(target) and target.unit == "ns":
            simple = pc.and_(simple, pc.match_substring_regex(texts, _YEAR_OF_NANOSECONDS))
        return in_two_ways(texts, simple, fast=lambda plain: _read_directly(plain, target), slow=by_parts)

    return convert


def _direct_regex(target: pa.DataType) -> str | None:
    """Which texts Arrow's own cast reads, and reads as we do; None if there are none."""
    if pa.types.is_date(target):
        return f"^{_DAY}$"
    if pa.types.is_time(target):
        return None
    digits = _FRACTION_DIGITS[target.unit]
    fraction = rf"(?:\.[0-9]{{1,{digits}}})?" if digits else ""
    return f"^{_DAY}(?:[T ](?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9]{fraction})?)?$"


def _read_directly(texts: pa.Array, target: pa.DataType) -> Converted:
    if pa.types.is_date(target):
        days = in_years(texts.cast(pa.date32()))
        return Converted(days.values.cast(target), days.bad)
    return in_years(texts.cast(pa.timestamp(target.unit))).then(in_zone(target))


def _from_parts(texts: pa.Array, regex: str, target: pa.DataType, extra: ExtraDigits, reason: str) -> Converted:
    parts = pc.extract_regex(texts, regex)
    known = without(texts, (pc.and_(pc.is_null(parts), pc.is_valid(texts)), reason))
    if pa.types.is_time(target):
        return _with(known.bad, of_day(_nanoseconds(parts), target, extra))
    iso = _iso_day(parts)
    exists = pc.match_substring_regex(iso, "^" + _DAY + "$")
    dated = without(iso, (pc.invert(exists), "not a day of the calendar"))
    days = in_years(dated.values.cast(pa.date32()))
    bad = known.bad + dated.bad + days.bad
    if pa.types.is_date(target):
        return Converted(days.values.cast(target), bad)
    nanoseconds = pc.if_else(pc.is_valid(days.values), _nanoseconds(parts), pa.scalar(None, pa.int64()))
    if "z" not in _names(parts):
        return _with(bad, assembled(days.values, nanoseconds, target.unit, extra).then(in_zone(target)))
    return _with(bad, _with_offsets(days.values, nanoseconds, _part(parts, "z"), target, extra))


def _with_offsets(days: pa.Array, nanoseconds: pa.Array, offset: pa.Array, target: pa.DataType, extra: ExtraDigits) -> Converted:
    """Instants: by the offset where the text has one, in the target's zone where it has none."""
    present = pc.is_valid(offset)
    if target.tz is None:
        refused = without(nanoseconds, (present, f"has a time zone, which {name_of_type(target)} cannot hold"))
        return _with(refused.bad, assembled(days, refused.values, target.unit, extra).then(in_zone(target)))
    shift = pc.multiply(pc.fill_null(_offset_minutes(offset), 0), 60 * NANOSECONDS)
    moments = assembled(days, pc.subtract(nanoseconds, shift), target.unit, extra)
    placed = in_two_ways(
        moments.values,
        pc.if_else(pc.is_valid(moments.values), present, pa.scalar(None, pa.bool_())),
        fast=lambda instants: zoned(instants, target),
        slow=in_zone(target),
    )
    return _with(moments.bad, placed)


def _offset_minutes(offset: pa.Array) -> pa.Array:
    plain = pc.replace_substring_regex(pc.replace_substring_regex(offset, "^[Zz]$", "+0000"), "[:+-]", "")
    digits = pc.utf8_rpad(plain, 4, "0").cast(pa.int64())  # +02 is +02:00
    minutes = pc.add(pc.multiply(pc.divide(digits, 100), 60), pc.subtract(digits, pc.multiply(pc.divide(digits, 100), 100)))
    return pc.if_else(pc.starts_with(offset, "-"), pc.negate(minutes), minutes)


def _names(parts: pa.Array) -> set[str]:
    return {parts.type.field(index).name for index in range(parts.type.num_fields)}


def _part(parts: pa.Array, name: str) -> pa.Array:
    """The texts of one part; null where it is not there."""
    texts = pc.struct_field(parts, name)
    return pc.if_else(pc.equal(texts, ""), pa.scalar(None, texts.type), texts)


def _number(parts: pa.Array, name: str) -> pa.Array:
    """The numbers of one part; 0 where it is not there."""
    if name not in _names(parts):
        return pa.repeat(pa.scalar(0, pa.int64()), len(parts))
    return pc.fill_null(pc.utf8_trim_whitespace(_part(parts, name)).cast(pa.int64()), 0)


def _iso_day(parts: pa.Array) -> pa.Array:
    names = _names(parts)
    if "Y" in names:
        year = _part(parts, "Y")
    else:
        short = _part(parts, "y")
        century = pc.if_else(pc.greater_equal(short.cast(pa.int64()), 69), pa.scalar("19", TEXT), pa.scalar("20", TEXT))
        year = _joined(century, short)
    if "m" in names:
        month = _part(parts, "m")
    else:
        name = pc.utf8_slice_codeunits(pc.utf8_lower(_part(parts, "b")), 0, 3)
        month = pc.add(pc.index_in(name, value_set=pa.array(MONTHS, TEXT)), 1).cast(TEXT)
    day = pc.utf8_trim_whitespace(_part(parts, "d"))
    dash = pa.scalar("-", TEXT)
    return _joined(year, dash, pc.utf8_lpad(month, 2, "0"), dash, pc.utf8_lpad(day, 2, "0"))


def _nanoseconds(parts: pa.Array) -> pa.Array:
    """Nanoseconds since midnight; null where the text was not read."""
    names = _names(parts)
    hour = _number(parts, "H")
    if "I" in names:
        hour = pc.subtract(_number(parts, "I"), pc.if_else(pc.equal(_number(parts, "I"), 12), 12, 0))
        hour = pc.add(hour, pc.if_else(pc.starts_with(pc.utf8_lower(_part(parts, "p")), "p"), 12, 0))
    seconds = pc.add(pc.add(pc.multiply(hour, 3600), pc.multiply(_number(parts, "M"), 60)), _number(parts, "S"))
    fraction = pa.repeat(pa.scalar(0, pa.int64()), len(parts))
    if "f" in names:
        fraction = pc.fill_null(pc.utf8_rpad(_part(parts, "f"), 9, "0").cast(pa.int64()), 0)
    total = pc.add(pc.multiply(seconds, NANOSECONDS), fraction)
    return pc.if_else(pc.is_valid(parts), total, pa.scalar(None, pa.int64()))


def _joined(*pieces: pa.Array | pa.Scalar) -> pa.Array:
    return pc.binary_join_element_wise(*pieces, pa.scalar("", TEXT))


def _with(bad: tuple[tuple[pa.Array, str], ...], converted: Converted) -> Converted:
    return Converted(converted.values, bad + converted.bad)


def _known(values: pa.Array) -> Converted:
    return Converted(values) if pa.types.is_time(values.type) else in_years(values)


def _written(values: pa.Array, form: DateFormat) -> pa.Array:
    seconds, rest, unit = _clock(values)
    moments = seconds.cast(pa.timestamp("s"))
    iso = moments.cast(TEXT) if form.letters & _IN_ISO.keys() else None
    pieces: list[pa.Array | pa.Scalar] = []
    for piece in _merged(form):
        if isinstance(piece, slice):
            pieces.append(pc.utf8_slice_codeunits(iso, piece.start, piece.stop))
            continue
        text, is_letter = piece
        if not is_letter:
            pieces.append(pa.scalar(text, TEXT))
        elif text == "f":
            pieces.append(_fraction(rest, unit))
        elif text == "z":
            pieces.append(_colon_offset(pc.subtract(seconds, _utc_seconds(values))))
        else:
            part, least, names = _NAMED[text]
            pieces.append(pa.array(names, TEXT).take(pc.subtract(part(moments), least)))
    whole = _joined(*pieces)
    if any(isinstance(piece, pa.Array) for piece in pieces):
        return whole
    return pc.if_else(pc.is_valid(values), whole, pa.scalar(None, TEXT))


def _merged(form: DateFormat) -> list[slice | tuple[str, bool]]:
    """The format's pieces; what stands together as in ISO 8601 is one slice of that."""
    merged: list[slice | tuple[str, bool]] = []
    for text, is_letter in form.pieces:
        if is_letter and text in _IN_ISO:
            start, stop = _IN_ISO[text]
            before, between = merged[-2:] if len(merged) > 1 else (None, None)
            if isinstance(before, slice) and between == (_ISO_PATTERN[before.stop : start], False):
                merged[-2:] = [slice(before.start, stop)]
            else:
                merged.append(slice(start, stop))
        else:
            merged.append((text, is_letter))
    return merged


def _clock(values: pa.Array) -> tuple[pa.Array, pa.Array, str]:
    """Seconds on the local clock (of times of day: since midnight), the rest in the unit, and the unit."""
    if pa.types.is_date(values.type):
        days = day_numbers(values)
        return pc.multiply(days, DAY_SECONDS), pc.multiply(days, 0), "s"
    unit = values.type.unit
    if pa.types.is_time(values.type):
        ticks = values.cast(pa.int32()).cast(pa.int64()) if values.type.bit_width == 32 else values.cast(pa.int64())
        values = ticks.cast(pa.timestamp(unit))
    seconds, rest = local_parts(values)
    return seconds, rest, unit


def _utc_seconds(values: pa.Array) -> pa.Array:
    return local_parts(values.cast(pa.timestamp(values.type.unit, "UTC")))[0]


def _fraction(rest: pa.Array, unit: str) -> pa.Array:
    """Digits after the second: six, or nine where the values count nanoseconds."""
    digits = 9 if unit == "ns" else 6
    return pc.utf8_lpad(pc.multiply(rest, 10**digits // PER_SECOND[unit]).cast(TEXT), digits, "0")


def _colon_offset(seconds: pa.Array) -> pa.Array:
    """+02:00; whole minutes, as offsets before 1900 had seconds."""
    encoded = seconds.dictionary_encode()
    texts = [
        f"{'-' if offset < 0 else '+'}{abs(offset) // 3600:02}:{abs(offset) // 60 % 60:02}"
        for offset in encoded.dictionary.to_pylist()
    ]
    return pa.array(texts, TEXT).take(encoded.indices)
