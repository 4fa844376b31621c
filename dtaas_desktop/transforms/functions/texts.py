"""Functions of text: ends, pieces, filling and what a regular expression finds."""

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from dtaas_desktop.domain.apply_settings import Pad, RegexExtract, Substring, Trim
from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.transforms.converted import over_unique
from dtaas_desktop.transforms.regexes import checked
from dtaas_desktop.transforms.texts import TEXT

TextFunction = Callable[[pa.Array], pa.Array]


def trimming(settings: Trim) -> TextFunction:
    if settings.characters:
        kernel = {"both": pc.utf8_trim, "left": pc.utf8_ltrim, "right": pc.utf8_rtrim}[settings.side]
        return lambda texts: kernel(texts, characters=settings.characters)
    plain: TextFunction = {
        "both": pc.utf8_trim_whitespace,
        "left": pc.utf8_ltrim_whitespace,
        "right": pc.utf8_rtrim_whitespace,
    }[settings.side]
    return plain


def piece(settings: Substring) -> TextFunction:
    start = settings.start - 1 if settings.start > 0 else settings.start
    stop = None if settings.length is None else start + settings.length
    if stop is not None and start < 0 <= stop:
        stop = None  # counted from the end, 0 would be the beginning
    return lambda texts: pc.utf8_slice_codeunits(texts, start, stop)


def padding(settings: Pad) -> TextFunction:
    kernel = {"left": pc.utf8_lpad, "right": pc.utf8_rpad, "both": pc.utf8_center}[settings.side]
    return lambda texts: kernel(texts, width=settings.width, padding=settings.fill)


def extraction(settings: RegexExtract) -> TextFunction:
    """Raises UserError for what is no regular expression, or lacks the group."""
    pattern = _whole(settings)
    put = f"\\{settings.group or 1}"
    try:
        pc.replace_substring_regex(pa.array([""], TEXT), pattern, put)
    except pa.ArrowInvalid:
        raise UserError(
            f"“{settings.pattern[:200]}” has no group {settings.group}.",
            remedy="Groups are the parts in parentheses, counted by their opening ones from 1.",
        ) from None

    def extracted(texts: pa.Array) -> pa.Array:
        found = pc.match_substring_regex(texts, pattern)
        return pc.if_else(found, pc.replace_substring_regex(texts, pattern, put), pa.scalar(None, TEXT))

    return lambda texts: over_unique(extracted, texts)


def _whole(settings: RegexExtract) -> str:
    """A regular expression for whole texts with a match in them. It names no groups: Arrow extracts none that have no names."""
    checked(settings.pattern)
    case = "" if settings.case_sensitive else "(?i)"
    opening = "(" if settings.group == 0 else "(?:"
    # An open \Q in the pattern would quote what follows it.
    for end in ("", "\\E"):
        pattern = rf"{case}\A(?s:.*?){opening}{settings.pattern}{end})(?s:.*)\z"
        try:
            return checked(pattern)
        except UserError:
            if end:
                raise
    raise AssertionError
