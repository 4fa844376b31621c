"""Split: columns out of a text, against Python's str.split, re.split and slices."""

import re

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtaas_desktop.domain.errors import MissingColumn, UserError
from dtaas_desktop.engine.chain import Chain, Step
from tests.transforms.every_type import bad_cells, batch, step, texts, whole_and_in_pieces

pieces = st.sampled_from(["", ",", ";", "a", " b ", "é😀", "e\u0301", "\x00", "\x01", ",,"])
rows_of_text = st.lists(st.none() | st.lists(pieces, max_size=6).map("".join), max_size=10)
policies = st.tuples(st.sampled_from(["keep", "reject"]), st.sampled_from(["empty", "reject"]))


def check(given_texts: list[str | None], parts: list[list[str] | None], rests: list[str | None], more: dict[str, object]) -> None:
    """`parts`: all parts of each text; `rests`: what the last column holds if it keeps the rest."""
    into = more["into"]
    assert isinstance(into, list)
    expected: list[list[str | None]] = []
    bad = []
    for row, (found, rest) in enumerate(zip(parts, rests, strict=True)):
        if found is None:
            expected.append([None] * len(into))
            continue
        columns: list[str | None] = [*found[: len(into)], *[None] * (len(into) - len(found))]
        if len(found) > len(into):
            columns[-1] = None if more["too_many"] == "reject" else rest
            if more["too_many"] == "reject":
                bad.append((row, into[-1], given_texts[row], f"has more than {len(into)} parts"))
        if len(found) < len(into) and more["too_few"] == "reject":
            bad.append((row, into[-1], given_texts[row], f"has fewer than {len(into)} parts"))
        expected.append([value.strip() if value is not None and more["trim"] else value for value in columns])
    done = whole_and_in_pieces(step("split", column="t", **more), batch(t=pa.array(given_texts, pa.string())))
    assert [list(row.values())[1:] for row in done.rows.to_pylist()] == expected
    shown = [(row, column, str(text)[:200] + ("…" if len(str(text)) > 200 else ""), reason) for row, column, text, reason in bad]
    assert bad_cells(done) == shown


@settings(max_examples=120, deadline=None)
@given(rows_of_text, st.sampled_from([",", ";", ",,", "é😀", "\x00"]), st.integers(1, 4), policies, st.booleans())
def test_by_separator(values: list[str | None], separator: str, count: int, policy: tuple[str, str], trim: bool) -> None:
    parts = [None if value is None else value.split(separator) for value in values]
    rests = [None if value is None else value.split(separator, count - 1)[-1] for value in values]
    more = {"into": [f"c{i}" for i in range(count)], "separator": separator, "too_many": policy[0], "too_few": policy[1]}
    check(values, parts, rests, {**more, "trim": trim})


@settings(max_examples=120, deadline=None)
@given(
    rows_of_text, st.sampled_from(["[,;]", ",+", "a|b", "(,)(;)?", " *, *", "(?i)A"]), st.integers(1, 4), policies, st.booleans()
)
def test_by_regular_expression(values: list[str | None], pattern: str, count: int, policy: tuple[str, str], trim: bool) -> None:
    parts: list[list[str] | None] = []
    rests: list[str | None] = []
    for value in values:
        if value is None:
            parts.append(None)
            rests.append(None)
            continue
        spans = [found.span() for found in re.finditer(pattern, value)]
        starts = [0, *[end for _, end in spans]]
        parts.append([value[start:end] for start, end in zip(starts, [*[start for start, _ in spans], len(value)], strict=True)])
        rests.append(value[starts[count - 1] :] if count <= len(starts) else None)
    more = {"into": [f"c{i}" for i in range(count)], "by": "regex", "separator": pattern, "too_many": policy[0]}
    check(values, parts, rests, {**more, "too_few": policy[1], "trim": trim})


@settings(max_examples=120, deadline=None)
@given(rows_of_text, st.lists(st.integers(1, 4), min_size=1, max_size=4), policies, st.booleans())
def test_by_width(values: list[str | None], widths: list[int], policy: tuple[str, str], trim: bool) -> None:
    parts: list[list[str] | None] = []
    rests: list[str | None] = []
    for value in values:
        if value is None:
            parts.append(None)
            rests.append(None)
            continue
        starts = [sum(widths[:i]) for i in range(len(widths) + 1)]
        cut = [value[start:end] for start, end in zip(starts, [*starts[1:], None], strict=True)]
        parts.append([cut[0], *[part for part in cut[1:] if part]])
        rests.append(value[starts[-2] :])
    more = {"into": [f"c{i}" for i in range(len(widths))], "by": "width", "widths": widths, "too_many": policy[0]}
    check(values, parts, rests, {**more, "too_few": policy[1], "trim": trim})


def test_a_regular_expression_that_matches_no_characters_comes_to_an_end() -> None:
    done = step("split", column="t", into=["a", "b", "c"], by="regex", separator="x*").apply(batch(t=texts(["qrs", ""])))
    assert [list(row.values())[1:] for row in done.rows.to_pylist()] == [["", "q", "rs"], ["", "", None]]


def test_one_width_holds_for_all_columns() -> None:
    done = step("split", column="t", into=["a", "b"], by="width", widths=[2], keep_input=False).apply(batch(t=texts(["abcde"])))
    assert done.rows.to_pylist() == [{"a": "ab", "b": "cde"}]


def test_a_text_of_a_megabyte_with_very_many_parts() -> None:
    long = "é," * 300_000
    done = step("split", column="t", into=["a", "b"], separator=",").apply(batch(t=texts([long, "x"])))
    assert done.rows.to_pylist() == [{"t": long, "a": "é", "b": long[2:]}, {"t": "x", "a": "x", "b": None}]


def test_rejected_rows_leave_the_chain_with_their_reason_and_the_others_stay() -> None:
    split = step("split", column="t", into=["a", "b"], separator=",", too_few="reject", too_many="reject")
    assert split.on_bad == "reject"
    passed = Chain("t", (), (Step("cut", split),)).apply(batch(t=texts(["1,2", "1", None, "1,2,3"])))
    assert passed.batch.to_pylist() == [{"t": "1,2", "a": "1", "b": "2"}, {"t": None, "a": None, "b": None}]
    assert passed.rejected is not None
    assert passed.rejected.column("reason").to_pylist() == ["has fewer than 2 parts: 1", "has more than 2 parts: 1,2,3"]
    assert passed.counts.balanced


def test_new_columns_stand_behind_the_old_one_or_where_told() -> None:
    schema = batch(a=texts([]), t=texts([]), z=texts([])).schema

    def names(**more: object) -> list[str]:
        return list(step("split", **({"column": "t", "into": ["p", "q"], "separator": ","} | more)).output_schema(schema).names)

    assert names() == ["a", "t", "p", "q", "z"]
    assert names(keep_input=False) == ["a", "p", "q", "z"]
    assert names(position={"at": "last"}) == ["a", "t", "z", "p", "q"]
    assert names(into=["z", "q"], replace=True) == ["a", "t", "q", "z"]
    assert names(into=["t", "q"], keep_input=False) == ["a", "t", "q", "z"]
    with pytest.raises(UserError, match="already a column “z”"):
        names(into=["z"])
    with pytest.raises(UserError, match="“p” would come twice"):
        names(into=["p", "p"])
    with pytest.raises(MissingColumn, match="no column “u”"):
        names(column="u")


def test_what_cannot_be_split_is_refused_before_any_row() -> None:
    with pytest.raises(UserError, match=r"“\(” is not a regular expression"):
        step("split", column="t", into=["a"], by="regex", separator="(")
    with pytest.raises(UserError, match="Column “t” is int64"):
        step("split", column="t", into=["a"], separator=",").output_schema(batch(t=pa.array([1])).schema)


def test_new_columns_depend_on_the_text_which_decides_rows_where_they_are_rejected() -> None:
    schema = batch(a=texts([]), t=texts([]), b=texts([])).schema
    lineage = step("split", column="t", into=["b", "c"], separator=",", replace=True).lineage(schema)
    assert lineage.inputs == {"a": ("a",), "t": ("t",), "b": ("t",), "c": ("t",)}
    assert lineage.distinct == {"a", "t"}
    assert lineage.deciders == frozenset()
    assert step("split", column="t", into=["c"], separator=",", too_many="reject").lineage(schema).deciders == {"t"}
