"""Letters without their accents."""

import functools
import re
import unicodedata
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from dtaas_desktop.transforms.converted import over_unique
from dtaas_desktop.transforms.texts import TEXT

_LATIN = ((0x00C0, 0x0250), (0x1E00, 0x1F00), (0x212A, 0x212C), (0x2C60, 0x2C80), (0xA720, 0xA800))
_GREEK_AND_CYRILLIC = ((0x0370, 0x0530), (0x1F00, 0x2000), (0xA640, 0xA6A0))
_OF_TWO_LETTERS = {
    "ß": "ss", "ẞ": "SS", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ĳ": "ij", "Ĳ": "IJ", "þ": "th", "Þ": "TH",
}  # fmt: skip
_OTHERS = {"ð": "d", "Ð": "D", "ı": "i", "ŋ": "n", "Ŋ": "N", "ſ": "s", "ĸ": "q", "ŉ": "n"}
# Marks that stand behind a letter of these alphabets; those of other scripts (वि, が) are letters of their own kind.
_MARKS = re.compile("([A-Za-z\u00c0-\u024f\u0370-\u052f\u1e00-\u1fff])[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff]+")


def without_accents(texts: pa.Array) -> pa.Array:
    """large_string without accents on letters of Latin, Greek and Cyrillic; everything else as it is."""
    ascii_only = pc.fill_null(pc.string_is_ascii(texts), True)
    if ascii_only.true_count == len(texts):
        return texts
    others = pc.invert(ascii_only)
    return pc.replace_with_mask(texts, others, over_unique(_stripped, texts.filter(others)))


def _stripped(texts: pa.Array) -> pa.Array:
    bases = _bases()
    return pa.array([_MARKS.sub(r"\1", text).translate(bases) for text in texts.to_pylist()], TEXT)


@functools.cache
def _bases() -> Mapping[int, str]:
    bases = {ord(letter): base for letter, base in (_OF_TWO_LETTERS | _OTHERS).items()}
    for ranges, by_name in ((_LATIN, True), (_GREEK_AND_CYRILLIC, False)):
        for code in (code for first, end in ranges for code in range(first, end)):
            base = _base(chr(code), by_name=by_name)
            if base != chr(code) and code not in bases:
                bases[code] = "".join(bases.get(ord(letter), letter) for letter in base)
    return bases


def _base(letter: str, *, by_name: bool) -> str:
    if not unicodedata.category(letter).startswith("L"):
        return letter
    base = "".join(part for part in unicodedata.normalize("NFD", letter) if not unicodedata.combining(part))
    if base != letter or not by_name:
        return base
    # Strokes and hooks are part of the letter to Unicode, and only its name tells of them. “D WITH SMALL LETTER Z” is two letters.
    plain, _, rest = unicodedata.name(letter, "").partition(" WITH ")
    if not rest or "LETTER" in rest or not re.fullmatch("LATIN (?:SMALL|CAPITAL) LETTER [A-Z]", plain):
        return letter
    return unicodedata.lookup(plain)
