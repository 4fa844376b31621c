"""Upper and lower case, character by character: independent of language, and no text changes its length in characters."""

import functools
import re
import unicodedata
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from dtaas_desktop.transforms.converted import over_unique
from dtaas_desktop.transforms.texts import TEXT

# An apostrophe, a letter after a digit, or anything but ASCII: where Arrow's idea of a word (They'Re, 3Rd) is not ours.
_OTHER_WORDS = r"['\x{80}-\x{10FFFF}]|[0-9][A-Za-z]"
_WORD_START = re.compile(r"(?<![^\W_])[^\W_]")
_APOSTROPHES = "'’"
_LAST_CASED = 0x20000  # no character from here on has a case


def upper(texts: pa.Array) -> pa.Array:
    """large_string in upper case; ß stays ß."""
    if not pc.match_substring(texts, "ß").true_count:
        return pc.utf8_upper(texts)
    # Arrow's ẞ is right in no word, so the pieces between ß are taken alone.
    pieces = pc.split_pattern(texts, "ß")
    raised = pa.ListArray.from_arrays(pieces.offsets, pc.utf8_upper(pieces.values), mask=pc.is_null(pieces))
    return pc.binary_join(raised, pa.scalar("ß", TEXT))


def lower(texts: pa.Array) -> pa.Array:
    """large_string in lower case."""
    return pc.utf8_lower(texts)


def title(texts: pa.Array) -> pa.Array:
    """large_string, each word with a capital first and small letters after; a word may hold digits, accents and apostrophes."""
    titled = pc.utf8_title(texts)
    others = pc.fill_null(pc.match_substring_regex(texts, _OTHER_WORDS), False)
    if not others.true_count:
        return titled
    return pc.replace_with_mask(titled, others, over_unique(_titled, pc.utf8_lower(texts.filter(others))))


def any_case(text: str) -> str:
    """A regular expression for all texts that are the same as this one in lower case."""
    alike = _alike()
    classes = [alike.get(character, character) for character in pc.utf8_lower(pa.scalar(text, TEXT)).as_py()]
    return "".join("[" + "".join(f"\\x{{{ord(character):x}}}" for character in members) + "]" for members in classes)


@functools.cache
def _alike() -> Mapping[str, str]:
    """For each character in lower case that others share: it and those others."""
    characters = [chr(code) for code in range(_LAST_CASED) if not 0xD800 <= code < 0xE000]
    found: dict[str, str] = {}
    for character, small in zip(characters, pc.utf8_lower(pa.array(characters, TEXT)).to_pylist(), strict=True):
        if character != small:
            found[small] = found.get(small, small) + character
    return found


def _titled(lowered: pa.Array) -> pa.Array:
    return pa.array([_with_capitals(text) for text in lowered.to_pylist()], TEXT)


def _with_capitals(text: str) -> str:
    return _WORD_START.sub(lambda found: _capital(found[0]) if _begins_word(text, found.start()) else found[0], text)


def _capital(character: str) -> str:
    capital = character.title()
    return capital if len(capital) == 1 else character


def _begins_word(text: str, at: int) -> bool:
    before = _base_before(text, at)
    if before >= 0 and text[before] in _APOSTROPHES:
        before = _base_before(text, before)
    return before < 0 or not text[before].isalnum()


def _base_before(text: str, at: int) -> int:
    """The index of the last character before `at` that is no combining mark; −1 if there is none."""
    at -= 1
    while at >= 0 and unicodedata.category(text[at]).startswith("M"):
        at -= 1
    return at
