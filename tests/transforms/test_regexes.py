"""Regular expressions: checked early, and texts that stand for themselves."""

import re

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.transforms.regexes import checked, checked_replacement, quoted, quoted_replacement

texts = st.text("ab.\\*+?()[]{}|^$-/# \n\0é🙂1", max_size=8) | st.text(max_size=8)


@given(texts, texts)
def test_a_quoted_text_matches_itself_and_nothing_else(text: str, other: str) -> None:
    found = pc.match_substring_regex(pa.array([text, other], pa.large_string()), f"^(?s:{quoted(text)})$").to_pylist()
    assert found == [True, other == text]
    assert checked(quoted(text)) == quoted(text)


@given(texts, texts)
def test_a_quoted_replacement_stands_for_itself(text: str, before: str) -> None:
    checked_replacement("x", quoted_replacement(text))
    found = pc.replace_substring_regex(pa.array([before + "x"], pa.large_string()), "x$", quoted_replacement(text))
    assert found.to_pylist() == [before + text]


@pytest.mark.parametrize("pattern", ["(", "[a", "a{2,1}", "(?=a)", r"(a)\1", "*", r"\p{Nope}", "(?P<a>x", "a{2000}"])
def test_what_is_no_regular_expression_is_refused_with_its_reason(pattern: str) -> None:
    with pytest.raises(UserError, match=re.escape(f"“{pattern}” is not a regular expression: ")):
        checked(pattern)


@pytest.mark.parametrize("pattern", ["", "a|b", r"^\d+$", "(?i)é", r"\pL", "(?P<name>x)", "a{1000}"])
def test_regular_expressions_are_taken_as_they_are(pattern: str) -> None:
    assert checked(pattern) == pattern


@pytest.mark.parametrize(("pattern", "replacement"), [("a", r"\1"), ("(a)(b)", r"\3"), ("a", "\\"), ("a", r"\q")])
def test_a_replacement_with_a_group_that_is_not_there_is_refused(pattern: str, replacement: str) -> None:
    with pytest.raises(UserError, match=re.escape(f"“{replacement}” cannot replace what “{pattern}” finds")):
        checked_replacement(pattern, replacement)


@pytest.mark.parametrize(("pattern", "replacement"), [("(a)(b)", r"\2\1\0"), ("a", ""), ("a", r"\\")])
def test_a_replacement_with_groups_that_are_there_is_fine(pattern: str, replacement: str) -> None:
    checked_replacement(pattern, replacement)
