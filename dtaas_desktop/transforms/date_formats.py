"""Formats of dates and times in text: from the %-letters of settings to what reads and writes them.

Read: %Y %y %m %d %e %b %B %a %A %H %I %M %S %f %p %z %T %F %%. Written: the same. Names are English whatever the system's
language. One or two digits are read for month, day, hour, minute and second (two where another number follows or precedes at
once, because it would not be clear where one ends); two are written.
"""

import re
from dataclasses import dataclass

from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.transforms.regexes import quoted

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = (
    "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|"
    "sep(?:tember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?"
)
_WEEKDAYS = "mon(?:day)?|tue(?:sday)?|wed(?:nesday)?|thu(?:rsday)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?"
_SHORTHANDS = {"T": "%H:%M:%S", "F": "%Y-%m-%d"}

_OFFSET = "(?P<z>[Zz]|[+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?)"

# What each letter reads; a letter without a group is recognised and left aside.
_READ = {
    "Y": "(?P<Y>[0-9]{4})",
    "y": "(?P<y>[0-9]{2})",
    "m": "(?P<m>0?[1-9]|1[0-2])",
    "b": f"(?P<b>(?i:{_MONTHS}))",
    "B": f"(?P<b>(?i:{_MONTHS}))",
    "d": "(?P<d>0?[1-9]|[12][0-9]|3[01])",
    "e": "(?P<d> [1-9]|0?[1-9]|[12][0-9]|3[01])",
    "a": f"(?i:{_WEEKDAYS})",
    "A": f"(?i:{_WEEKDAYS})",
    "H": "(?P<H>[01]?[0-9]|2[0-3])",
    "I": "(?P<I>0?[1-9]|1[0-2])",
    "M": "(?P<M>[0-5]?[0-9])",
    "S": "(?P<S>[0-5]?[0-9])",
    "f": "(?P<f>[0-9]{1,9})",
    "p": "(?P<p>(?i:am|pm))",
    "z": _OFFSET,
}
# The same beside another number.
_READ_IN_FULL = {
    "m": "(?P<m>0[1-9]|1[0-2])",
    "d": "(?P<d>0[1-9]|[12][0-9]|3[01])",
    "e": "(?P<d>[ 0][1-9]|[12][0-9]|3[01])",
    "H": "(?P<H>[01][0-9]|2[0-3])",
    "I": "(?P<I>0[1-9]|1[0-2])",
    "M": "(?P<M>[0-5][0-9])",
    "S": "(?P<S>[0-5][0-9])",
}
_NUMBERS = frozenset("YymdeHIMSf")

ISO_READ = (
    "^(?P<Y>[0-9]{4})-(?P<m>0[1-9]|1[0-2])-(?P<d>0[1-9]|[12][0-9]|3[01])"
    "(?:[T ](?P<H>[01][0-9]|2[0-3]):(?P<M>[0-5][0-9])(?::(?P<S>[0-5][0-9])(?:[.,](?P<f>[0-9]{1,9}))?)? ?"
    f"{_OFFSET}?)?$"
)
ISO_TIME_READ = "^(?P<H>[01][0-9]|2[0-3]):(?P<M>[0-5][0-9])(?::(?P<S>[0-5][0-9])(?:[.,](?P<f>[0-9]{1,9}))?)?$"

_DATE_LETTERS = frozenset("YymbBdeaA")
_TIME_LETTERS = frozenset("HIMSfp")


@dataclass(frozen=True, slots=True)
class DateFormat:
    """A checked format: its pieces in order, each a letter after % or a piece of plain text (as text, False)."""

    pieces: tuple[tuple[str, bool], ...]

    @property
    def letters(self) -> frozenset[str]:
        return frozenset(text for text, is_letter in self.pieces if is_letter)

    @property
    def regex(self) -> str:
        """An RE2 pattern with one named group for each part that is read, for texts without white space around them."""
        pattern = "^"
        last = len(self.pieces) - 1
        for index, (text, is_letter) in enumerate(self.pieces):
            if is_letter:
                crowded = (index > 0 and _ends_in_number(self.pieces[index - 1])) or (
                    index < last and _begins_with_number(self.pieces[index + 1])
                )
                pattern += _READ_IN_FULL.get(text, _READ[text]) if crowded else _READ[text]
            else:
                text = text.lstrip() if index == 0 else text
                pattern += quoted(text.rstrip() if index == last else text)
        return pattern + "$"


def date_format(written: str) -> DateFormat:
    """The format. Raises UserError for an unknown letter."""
    pieces: list[tuple[str, bool]] = []
    for letter, text in re.findall(r"%(.?)|([^%]+)", written, re.DOTALL):
        if text or letter == "%":
            before = pieces.pop()[0] if pieces and not pieces[-1][1] else ""
            pieces.append((before + (text or letter), False))
        elif letter in _SHORTHANDS:
            pieces.extend(date_format(_SHORTHANDS[letter]).pieces)
        elif letter in _READ:
            pieces.append((letter, True))
        else:
            raise UserError(
                f"The format “{written}” uses %{letter}, which is not known.",
                remedy="Use %Y %y %m %d %e %b %B %a %A %H %I %M %S %f %p %z %T %F, and %% for a per cent sign.",
            )
    return DateFormat(tuple(pieces))


def require_readable(form: DateFormat, written: str, *, date: bool, time: bool, zone: bool) -> None:
    """Raises UserError unless a date and/or a time can be read with the format, each part once."""
    parts = [{"B": "b", "e": "d", "A": "a"}.get(text, text) for text, is_letter in form.pieces if is_letter]
    parts = [part for part in parts if part != "a"]
    repeated = [part for part in parts if parts.count(part) > 1]
    have = set(parts)
    if repeated or {"Y", "y"} <= have or {"m", "b"} <= have or {"H", "I"} <= have:
        raise UserError(f"The format “{written}” reads the same part twice.", remedy="Name each part of the date once.")
    missing = []
    if date:
        missing += [word for word, letters in (("year", "Yy"), ("month", "mb"), ("day", "d")) if not have & set(letters)]
    if (time or have & set("MSfp")) and not have & set("HI"):
        missing.append("hour")
    if missing:
        raise UserError(f"The format “{written}” lacks the {missing[0]}.", remedy="Add it: %Y year, %m month, %d day, %H hour.")
    if ("I" in have) != ("p" in have):
        raise UserError(f"The format “{written}” needs both %I and %p, or neither.", remedy="Use %H for an hour of twenty-four.")
    if "z" in have and not zone:
        raise UserError(
            f"The format “{written}” reads a time zone, which the type cannot hold.",
            remedy="Choose a type with a time zone, like timestamp(us, UTC).",
        )


def require_writable(form: DateFormat, written: str, *, date: bool, time: bool, zone: bool) -> None:
    """Raises UserError if the format asks for something that the values do not have."""
    lacking: set[str] = set()
    if not date:
        lacking |= form.letters & _DATE_LETTERS
    if not time:
        lacking |= form.letters & _TIME_LETTERS
    if not zone:
        lacking |= form.letters & {"z"}
    if lacking:
        raise UserError(f"The format “{written}” uses %{min(lacking)}, which these values do not have.", remedy="Leave it out.")


def _ends_in_number(piece: tuple[str, bool]) -> bool:
    text, is_letter = piece
    return text in _NUMBERS if is_letter else text[-1:].isdecimal()


def _begins_with_number(piece: tuple[str, bool]) -> bool:
    text, is_letter = piece
    return text in _NUMBERS if is_letter else text[:1].isdecimal()
