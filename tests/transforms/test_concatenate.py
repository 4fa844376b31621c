"""Concatenate: one text out of several columns, against plain Python."""

import datetime
import decimal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtaas_desktop.domain.errors import MissingColumn, UserError
from tests.transforms.every_type import batch, step, texts, whole_and_in_pieces

words = st.none() | st.sampled_from(["", "a", " ", "é😀", "e\u0301", "x,y"]) | st.text(max_size=5)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(words, st.none() | st.integers(-999, 999), words), max_size=12),
    st.permutations(["a", "n", "b"]).flatmap(lambda names: st.integers(1, 3).map(lambda count: names[:count])),
    st.sampled_from(["", " ", ", ", "😀"]),
    st.sampled_from(["", "<"]),
    st.sampled_from(["", ">"]),
    st.sampled_from(["skip", "text"]),
    st.sampled_from(["", "NULL"]),
)
def test_texts_are_joined_with_empties_left_out_or_told(
    rows: list[tuple[str | None, int | None, str | None]],
    names: list[str],
    separator: str,
    before: str,
    after: str,
    empties: str,
    empty_text: str,
) -> None:
    columns = dict(zip("anb", zip(*rows, strict=True) if rows else ((), (), ()), strict=True))
    given_rows = batch(a=texts(list(columns["a"])), n=pa.array(columns["n"], pa.int64()), b=pa.array(columns["b"], pa.string()))
    expected: list[str | None] = []
    for row in range(len(rows)):
        values = ["" if columns[name][row] is None else str(columns[name][row]) for name in names]
        filled = [value or empty_text for value in values]
        values = filled if empties == "text" else [value for value in values if value]
        expected.append(before + separator.join(values) + after if values else None)
    transform = step(
        "concatenate",
        columns=names,
        name="z",
        separator=separator,
        prefix=before,
        suffix=after,
        empties=empties,
        empty_text=empty_text,
    )
    assert whole_and_in_pieces(transform, given_rows).rows.column("z").to_pylist() == expected


def test_rows_without_any_value_keep_their_place() -> None:
    rows = batch(a=texts(["x", None, "", None]), b=texts([None, None, None, "y"]))
    done = step("concatenate", columns=["a", "b"], name="z", separator="-").apply(rows)
    assert done.rows.column("z").to_pylist() == ["x", None, None, "y"]


def test_values_of_other_types_become_their_exact_text() -> None:
    rows = batch(
        d=pa.array([decimal.Decimal("1.50")], pa.decimal128(38, 10)),
        t=pa.array([datetime.datetime(9999, 12, 31, 23, 59, 59)], pa.timestamp("s")),
        f=pa.array([0.1]),
        b=pa.array([True]),
        c=pa.array(["red"]).dictionary_encode(),
    )
    done = step("concatenate", columns=["d", "t", "f", "b", "c"], name="z", separator="|").apply(rows)
    assert done.rows.column("z").to_pylist() == ["1.5000000000|9999-12-31 23:59:59|0.1|true|red"]


def test_a_text_of_a_megabyte_is_joined_whole() -> None:
    long = "é" * 500_000
    done = step("concatenate", columns=["a", "b"], name="z", separator="-").apply(
        batch(a=texts([long, None]), b=texts([long, "b"]))
    )
    assert done.rows.column("z").to_pylist() == [f"{long}-{long}", "b"]


def test_the_new_column_goes_where_it_is_told_and_inputs_go_if_told() -> None:
    rows = batch(a=texts(["1"]), b=texts(["2"]), c=texts(["3"]))

    def names(**more: object) -> list[str]:
        return list(step("concatenate", columns=["a", "b"], **({"name": "z"} | more)).output_schema(rows.schema).names)

    assert names() == ["a", "b", "c", "z"]
    assert names(position={"at": "first"}) == ["z", "a", "b", "c"]
    assert names(position={"at": "before", "column": "b"}) == ["a", "z", "b", "c"]
    assert names(position={"at": "after", "column": "b"}, keep_inputs=False) == ["z", "c"]
    assert names(name="b", replace=True) == ["a", "b", "c"]
    assert names(name="b", replace=True, keep_inputs=False) == ["b", "c"]
    assert names(name="a", keep_inputs=False) == ["c", "a"]
    with pytest.raises(UserError, match=r"There is already a column “c”."):
        names(name="c")
    with pytest.raises(MissingColumn, match="no column “q”"):
        names(position={"at": "after", "column": "q"})


def test_bytes_have_no_text_and_are_refused_by_name() -> None:
    transform = step("concatenate", columns=["a"], name="z")
    with pytest.raises(UserError, match="Column “a” is binary, which has no text"):
        transform.output_schema(batch(a=pa.array([b""])).schema)


def test_the_result_comes_from_its_inputs_and_other_columns_stay_themselves() -> None:
    schema = batch(a=texts([]), b=texts([]), c=texts([])).schema
    lineage = step("concatenate", columns=["a", "b", "a"], name="c", replace=True).lineage(schema)
    assert lineage.inputs == {"a": ("a",), "b": ("b",), "c": ("a", "b")}
    assert lineage.distinct == {"a", "b"}
