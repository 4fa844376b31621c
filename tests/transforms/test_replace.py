"""Replace value: whole cells and within texts, against plain Python."""

import datetime
import decimal
import math
import re
from collections.abc import Sequence

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from dtaas_desktop.domain.errors import MissingColumn, UserError
from tests.transforms.every_type import batch, step, texts, whole_and_in_pieces

words = st.sampled_from(["", "a", "A", "b", "É", "é", "s", "ſ", "S", "ß", "ẞ", "İ", "i", "k", "K", "σ", "ς", "Σ", "a.b", "😀"])
pairs_of_text = st.lists(st.tuples(st.none() | words, st.none() | words), min_size=1, max_size=5)


def small(text: str) -> str:
    """Lower case, character by character."""
    return "".join("i" if character == "İ" else "σ" if character == "Σ" else character.lower() for character in text)


def as_pairs(pairs: Sequence[tuple[object, object]]) -> list[dict[str, object]]:
    return [{"find": find, "replace_with": put} for find, put in pairs]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.none() | words, max_size=10), pairs_of_text, st.booleans(), st.booleans())
def test_whole_texts_are_replaced_all_at_once_and_the_first_pair_that_fits_wins(
    values: list[str | None], pairs: list[tuple[str | None, str | None]], case: bool, encoded: bool
) -> None:
    def judged(value: str | None) -> str | None:
        for find, put in pairs:
            if find is None:
                if not value:
                    return put
            elif value is not None and (value == find if case else small(value) == small(find)):
                return put
        return value

    column = pa.array(values, pa.string())
    transform = step("replace", columns=["t"], pairs=as_pairs(pairs), case_sensitive=case)
    done = whole_and_in_pieces(transform, batch(t=column.dictionary_encode() if encoded else column))
    assert done.rows.column("t").to_pylist() == [judged(value) for value in values]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.none() | st.lists(words, max_size=5).map("".join), max_size=8),
    st.lists(st.tuples(words.filter(bool), words | st.just("\\0$&")), min_size=1, max_size=3),
    st.booleans(),
)
def test_within_texts_every_occurrence_is_replaced_one_pair_after_the_other(
    values: list[str | None], pairs: list[tuple[str, str]], case: bool
) -> None:
    def judged(value: str | None) -> str | None:
        for find, put in pairs if value is not None else []:
            assert value is not None
            if case:
                value = value.replace(find, put)
                continue
            at, result = 0, ""
            while at < len(value):
                here = small(value[at : at + len(find)]) == small(find)
                result += put if here else value[at]
                at += len(find) if here else 1
            value = result
        return value

    transform = step("replace", columns=["t"], mode="text", pairs=as_pairs(pairs), case_sensitive=case)
    done = whole_and_in_pieces(transform, batch(t=texts(values)))
    assert done.rows.column("t").to_pylist() == [judged(value) for value in values]


@pytest.mark.parametrize(
    ("pattern", "put"),
    [
        ("^N([0-9]+)", "\\1-"),
        ("(a)(b)?", "<\\2\\1>"),
        (r"\s+", " "),
        ("[aeiou]", ""),
        ("é|ß", "\\\\"),
        ("(?i)N1", "\\0\\0"),
        ("$", "!"),
    ],
)
def test_regular_expressions_with_groups(pattern: str, put: str) -> None:
    values = ["N123AB", "n1N1", "ab a b", "  x  ", "", "été ß", "a" * 100_000, None] * 2
    python_put = re.sub(r"\\(\d)", r"\\g<\1>", put)
    expected = [None if value is None else re.sub(pattern, python_put, value) for value in values]
    done = whole_and_in_pieces(
        step("replace", columns=["t"], mode="regex", pairs=as_pairs([(pattern, put)])), batch(t=texts(values)), size=7
    )
    assert done.rows.column("t").to_pylist() == expected


def test_a_text_of_a_megabyte_is_replaced_within() -> None:
    for mode in ("text", "regex"):
        transform = step("replace", columns=["t"], mode=mode, pairs=as_pairs([("é", "ee")]))
        assert transform.apply(batch(t=texts(["éa" * 500_000]))).rows.column("t").to_pylist() == ["eea" * 500_000]


def test_a_regular_expression_may_ignore_case() -> None:
    transform = step("replace", columns=["t"], mode="regex", case_sensitive=False, pairs=as_pairs([("É|n", "-")]))
    assert transform.apply(batch(t=texts(["éÉnN"]))).rows.column("t").to_pylist() == ["----"]


def test_two_values_change_places() -> None:
    transform = step("replace", columns=["x"], pairs=as_pairs([(1, 2), (2, 1), (None, 0)]))
    assert transform.apply(batch(x=pa.array([1, 2, 3, None], pa.int8()))).rows.column("x").to_pylist() == [2, 1, 3, 0]


def test_numbers_dates_and_decimals_are_found_exactly() -> None:
    big = "99999999999999999999999999999999999.999"
    rows = batch(
        d=pa.array([decimal.Decimal(big), decimal.Decimal("0.001"), None], pa.decimal128(38, 3)),
        w=pa.array([decimal.Decimal("1.5"), decimal.Decimal("0.1"), None], pa.decimal32(5, 1)),
        t=pa.array([datetime.date(9999, 12, 31), datetime.date(1, 1, 1), None], pa.date32()),
        z=pa.array([0, 1, None], pa.int64()).cast(pa.timestamp("ns", "Europe/Paris")),
        b=pa.array([True, False, None]),
    )

    def changed(column: str, find: object, put: object) -> list[object]:
        transform = step("replace", columns=[column], pairs=as_pairs([(find, put)]))
        assert transform.output_schema(rows.schema).field(column).type == rows.schema.field(column).type
        return list(whole_and_in_pieces(transform, rows).rows.column(column).to_pylist())

    assert changed("d", big, "-0.5") == [decimal.Decimal("-0.5"), decimal.Decimal("0.001"), None]
    assert changed("w", "0.1", 2) == [decimal.Decimal("1.5"), decimal.Decimal(2), None]
    assert changed("t", "0001-01-01", None) == [datetime.date(9999, 12, 31), None, None]
    assert changed("b", False, None) == [True, None, None]
    transform = step("replace", columns=["z"], pairs=as_pairs([("1970-01-01 01:00:00.000000001", "1970-01-01 01:00")]))
    assert transform.apply(rows).rows.column("z").cast(pa.int64()).to_pylist() == [0, 0, None]


def test_zero_is_found_with_either_sign_and_nan_by_its_name() -> None:
    rows = batch(x=pa.array([0.0, -0.0, math.nan, -math.nan, math.inf, None, -math.inf]))
    found = step("replace", columns=["x"], pairs=as_pairs([(0, 1), ("NaN", 2), ("inf", 3)])).apply(rows)
    assert found.rows.column("x").to_pylist() == [1, 1, 2, 2, 3, None, -math.inf]
    put = step("replace", columns=["x"], pairs=as_pairs([(None, "NaN")])).apply(rows).rows.column("x").to_pylist()
    assert math.isnan(put[5])


def test_all_columns_of_a_type_change_besides_those_named_and_each_pair_only_where_it_can_occur() -> None:
    rows = batch(
        i=pa.array([1000, 7], pa.int64()),
        s=pa.array([7, 8], pa.int8()),
        f=pa.array([1000.0, 0.5]),
        t=texts(["1000", "7"]),
        e=texts(["x", "7"]),
    )
    transform = step("replace", columns=["e"], of_type="number", pairs=as_pairs([(1000, 2000), (7, 8), (0.5, 1)]))
    assert whole_and_in_pieces(transform, rows).rows.to_pydict() == {
        "i": [2000, 8], "s": [8, 8], "f": [2000.0, 1.0], "t": ["1000", "7"], "e": ["x", "8"],
    }  # fmt: skip


def test_a_pair_that_does_not_fit_its_column_is_refused_before_any_row() -> None:
    schema = batch(s=pa.array([], pa.int8())).schema
    with pytest.raises(UserError, match="Column “s”: The value “1000” cannot be int8"):
        step("replace", columns=["s"], pairs=as_pairs([(1000, 1)])).output_schema(schema)
    with pytest.raises(UserError, match="Column “s”: The value “1000” cannot be int8"):
        step("replace", of_type="number", pairs=as_pairs([(1, 1000)])).output_schema(schema)
    with pytest.raises(UserError, match="Column “s” is int8, and this works on text only"):
        step("replace", columns=["s"], mode="text", pairs=as_pairs([("a", "b")])).output_schema(schema)
    with pytest.raises(MissingColumn, match="no column “q”"):
        step("replace", columns=["q"], pairs=as_pairs([("a", "b")])).output_schema(schema)
    with pytest.raises(UserError, match=r"cannot replace what “a” finds"):
        step("replace", columns=["s"], mode="regex", pairs=as_pairs([("a", "\\1")]))
    with pytest.raises(UserError, match="not a regular expression"):
        step("replace", columns=["s"], mode="regex", pairs=as_pairs([("(", "")]))
    with pytest.raises(ValidationError, match="only columns of text"):
        step("replace", of_type="number", mode="text", pairs=as_pairs([("a", "b")]))


def test_a_column_is_nullable_where_it_was_or_where_values_become_empty() -> None:
    schema = pa.schema([pa.field("t", pa.string(), nullable=False)])
    assert not step("replace", columns=["t"], pairs=as_pairs([("a", "b")])).output_schema(schema).field("t").nullable
    assert step("replace", columns=["t"], pairs=as_pairs([("a", None)])).output_schema(schema).field("t").nullable


def test_only_columns_that_may_change_lose_their_identity() -> None:
    schema = batch(a=texts([]), n=pa.array([], pa.int64()), b=pa.array([], pa.bool_())).schema
    lineage = step("replace", columns=["a"], of_type="number", pairs=as_pairs([("x", "y")])).lineage(schema)
    assert lineage.inputs == {"a": ("a",), "n": ("n",), "b": ("b",)}
    assert lineage.distinct == {"n", "b"}
