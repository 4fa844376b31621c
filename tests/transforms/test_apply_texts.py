"""Apply function to text: against Python's own text methods, character by character."""

import re
import unicodedata

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from dtaas_desktop.domain.errors import UserError
from tests.transforms.every_type import batch, step, whole_and_in_pieces

# Letters whose case is the same in all versions of Unicode since long ago.
characters = st.sampled_from("aAzZ09 _-.'’,\t\nßẞéÉŁłǆǅǄİıſσςΣΑЖжё中ก\u0301\u00a0\u3000😀ﬁ\x00")
words = st.none() | st.text(characters, max_size=8)
columns = st.lists(words, max_size=8)
LONG = "Éa '" * 250_000


def applied(values: list[str | None], **function: object) -> list[object]:
    for_column = step("apply", columns=["t"], function=function)
    return list(whole_and_in_pieces(for_column, batch(t=pa.array(values, pa.string())), size=3).rows.column("t").to_pylist())


def upper_of(character: str) -> str:
    return "ß" if character == "ß" else character.upper() if len(character.upper()) == 1 else character


def lower_of(character: str) -> str:
    return "i" if character == "İ" else character.lower()


@settings(max_examples=150, deadline=None)
@given(columns)
def test_upper_and_lower_go_character_by_character(values: list[str | None]) -> None:
    assert applied(values, name="upper") == [v if v is None else "".join(map(upper_of, v)) for v in values]
    assert applied(values, name="lower") == [v if v is None else "".join(map(lower_of, v)) for v in values]


@settings(max_examples=150, deadline=None)
@given(columns, st.sampled_from(["both", "left", "right"]), st.sampled_from(["", " ", "a😀", "'\u0301"]))
def test_trim_takes_white_space_or_the_characters_named(values: list[str | None], side: str, taken: str) -> None:
    strip = {"both": str.strip, "left": str.lstrip, "right": str.rstrip}[side]
    expected = [v if v is None else strip(v, taken or None) for v in values]
    assert applied(values, name="trim", side=side, characters=taken) == expected


@settings(max_examples=200, deadline=None)
@given(columns, st.integers(-9, 9).filter(bool), st.none() | st.integers(0, 9))
def test_a_piece_is_the_characters_at_the_places_counted_from_either_end(
    values: list[str | None], start: int, length: int | None
) -> None:
    def piece(value: str) -> str:
        first = start - 1 if start > 0 else len(value) + start
        end = len(value) if length is None else first + length
        return "".join(character for place, character in enumerate(value) if first <= place < end)

    expected = [v if v is None else piece(v) for v in values]
    assert applied(values, name="substring", start=start, length=length) == expected


def test_no_character_has_the_number_0() -> None:
    with pytest.raises(ValidationError, match="counted from 1"):
        step("apply", columns=["t"], function={"name": "substring", "start": 0})


@settings(max_examples=150, deadline=None)
@given(columns, st.integers(1, 12), st.sampled_from(" 0😀é"), st.sampled_from(["left", "right", "both"]))
def test_padding_fills_up_to_a_length(values: list[str | None], width: int, fill: str, side: str) -> None:
    def padded(value: str) -> str:
        missing = max(width - len(value), 0)
        left = {"left": missing, "right": 0, "both": missing // 2}[side]
        return fill * left + value + fill * (missing - left)

    expected = [v if v is None else padded(v) for v in values]
    assert applied(values, name="pad", width=width, fill=fill, side=side) == expected


@settings(max_examples=100, deadline=None)
@given(columns)
def test_length_counts_characters_and_bytes(values: list[str | None]) -> None:
    assert applied(values, name="length") == [v if v is None else len(v) for v in values]
    raw = pa.array([v if v is None else v.encode() for v in values], pa.binary())
    done = whole_and_in_pieces(step("apply", columns=["t"], function={"name": "length"}), batch(t=raw))
    assert done.rows.column("t").to_pylist() == [v if v is None else len(v.encode()) for v in values]


@pytest.mark.parametrize(
    ("text", "titled"),
    [
        ("they're HERE", "They're Here"),
        ("o'neil and l’école", "O'neil And L’école"),
        ("'quoted' \"words\"", "'Quoted' \"Words\""),
        ("3rd of MAY", "3rd Of May"),
        ("snake_case-name", "Snake_Case-Name"),
        ("e\u0301cole ÉCOLE", "E\u0301cole École"),
        ("ßtraße STRAẞE", "ßtraße Straße"),
        ("ЖУК и ёж", "Жук И Ёж"),
        ("ΟΔΟΣ", "Οδοσ"),
        ("n725mq", "N725mq"),
        ("a 中b 😀c", "A 中b 😀C"),
        ("", ""),
    ],
)
def test_title_gives_each_word_one_capital(text: str, titled: str) -> None:
    assert applied([text, None, "PLAIN words"], name="title") == [titled, None, "Plain Words"]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text("abzAZ -.,\n", max_size=12), max_size=6))
def test_title_of_plain_words_is_pythons(values: list[str]) -> None:
    assert applied(list(values), name="title") == [value.title() for value in values]


def test_accents_go_and_letters_of_other_scripts_stay() -> None:
    pairs = {
        "Éléonore çà": "Eleonore ca",
        "e\u0301\u0323x": "ex",
        "Łódź Straße STRAẞE": "Lodz Strasse STRASSE",
        "Ærø œuvre þing": "AEro oeuvre thing",
        "ǽ Ấ ǿ ĳ ŉ ﬁ": "ae A o ij n ﬁ",
        "Đđ Ħħ ı ſ": "Dd Hh i s",
        "άΈϋΐᾷ": "αΕυια",
        "Ёжик й ѝ": "Ежик и и",
        "हिन्दी ガギ 한국어 نَص שָׁלוֹם": "हिन्दी ガギ 한국어 نَص שָׁלוֹם",
        "か\u3099 😀 ½ ²": "か\u3099 😀 ½ ²",
        "ǲ Ǆ": "ǲ Ǆ",
        "plain": "plain",
    }
    assert applied([*pairs, None, ""], name="remove_accents") == [*pairs.values(), None, ""]


def test_every_letter_that_unicode_builds_from_a_base_and_accents_loses_them() -> None:
    letters = [chr(code) for code in [*range(0xC0, 0x250), *range(0x370, 0x530), *range(0x1E00, 0x2000)]]
    letters = [letter for letter in letters if unicodedata.category(letter).startswith("L")]
    built = [
        letter
        for letter in letters
        if unicodedata.normalize("NFD", letter)[0].isascii() and len(unicodedata.normalize("NFD", letter)) > 1
    ]
    assert len(built) > 400
    assert applied(list(built), name="remove_accents") == [unicodedata.normalize("NFD", letter)[0] for letter in built]


@pytest.mark.parametrize(
    ("pattern", "group"),
    [
        ("[0-9]+", 0),
        ("([a-z])([0-9])?", 2),
        ("a|ab", 0),
        ("(?i)(N)([0-9]+)", 2),
        ("^x", 0),
        (r"(\w)$", 1),
        ("x*", 0),
        ("(?s)b.c", 0),
        (r"\(", 0),
    ],
)
def test_the_first_match_or_a_group_of_it_is_taken_out(pattern: str, group: int) -> None:
    values = [None, "", "ab12", "xn7N88", "b\nc", "(a)b2", "é9😀", "x" * 1000]
    found = [None if value is None else re.search(pattern, value) for value in values]
    expected = [None if match is None else match[group] or "" for match in found]
    assert applied(values, name="regex_extract", pattern=pattern, group=group) == expected


def test_extracting_may_ignore_case_and_knows_quotes_that_are_left_open() -> None:
    assert applied(["xABy"], name="regex_extract", pattern="ab", case_sensitive=False) == ["AB"]
    assert applied(["x(a)b"], name="regex_extract", pattern=r"\Q(a)") == ["(a)"]


def test_what_cannot_be_extracted_is_refused_at_once() -> None:
    with pytest.raises(UserError, match="“a” has no group 1"):
        step("apply", columns=["t"], function={"name": "regex_extract", "pattern": "a", "group": 1})
    for pattern in ("(", "a)|(b", "(?=a)"):
        with pytest.raises(UserError, match="not a regular expression"):
            step("apply", columns=["t"], function={"name": "regex_extract", "pattern": pattern})


def test_a_text_of_a_megabyte_is_changed_whole() -> None:
    assert applied([LONG], name="upper") == [LONG.upper()]
    assert applied([LONG], name="title") == ["Éa '" * 250_000]
    assert applied([LONG], name="remove_accents") == ["Ea '" * 250_000]
    assert applied([LONG], name="length") == [1_000_000]
    assert applied([LONG], name="substring", start=-3, length=2) == ["a "]
