"""Casts of text, bytes and bool, and how bad cells are told."""

import pickle
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtaas_desktop.domain.errors import MissingColumn, UserError
from dtaas_desktop.domain.ports import Lineage
from dtaas_desktop.domain.transform_settings import CastColumn, CastSettings
from dtaas_desktop.transforms.cast import Cast
from tests.transforms.casting import Bad, applied, layouts, outcomes, step

TRUE = {"true", "t", "yes", "y", "on", "1"}
FALSE = {"false", "f", "no", "n", "off", "0"}
NOT_UTF8 = Bad("not text in UTF-8")


def text(values: Sequence[str | None]) -> pa.Array:
    return pa.array(values, pa.large_string())


def casting(*columns: tuple[str, str], **settings: Any) -> Cast:
    return Cast(CastSettings(columns=tuple(CastColumn(column=name, type=target) for name, target in columns), **settings))


@settings(max_examples=60)
@given(st.lists(st.sampled_from(sorted(TRUE | FALSE)) | st.text(max_size=4)), st.data())
def test_words_become_true_or_false_in_any_case(words: list[str], data: st.DataObject) -> None:
    written = [data.draw(st.sampled_from([word, word.upper(), word.title(), f" {word}\t"])) for word in words]
    lowered = [word.strip().lower() for word in written]
    expected = [True if word in TRUE else False if word in FALSE else Bad("not true or false") for word in lowered]
    assert outcomes(text(written), "bool") == expected


@pytest.mark.parametrize(
    "kind", [pa.int8(), pa.uint64(), pa.float32(), pa.float64(), pa.float16(), pa.decimal128(5, 2), pa.decimal32(5, 2)]
)
def test_only_0_and_1_become_bool(kind: pa.DataType) -> None:
    number: Callable[[int], Any] = Decimal if pa.types.is_decimal(kind) else float if pa.types.is_floating(kind) else int
    values = pa.array([number(0), number(1), number(2), None], kind)
    assert outcomes(values, "bool") == [False, True, Bad("neither 0 nor 1"), None]


def test_numbers_that_are_nearly_0_or_1_are_no_bool() -> None:
    neither = Bad("neither 0 nor 1")
    assert outcomes(pa.array([float("nan"), 0.5, -0.0, -1.0, float("inf")]), "bool") == [
        neither,
        neither,
        False,
        neither,
        neither,
    ]
    assert outcomes(pa.array(["0.00000", "0.00001"], pa.string()).cast(pa.decimal128(5, 5)), "bool") == [False, neither]


@given(st.lists(st.binary(max_size=12) | st.text(max_size=6).map(str.encode) | st.none()))
def test_bytes_become_the_text_they_are_in_utf_8_and_text_its_bytes(values: list[bytes | None]) -> None:
    expected: list[Any] = []
    for value in values:
        try:
            expected.append(None if value is None else value.decode())
        except UnicodeDecodeError:
            expected.append(NOT_UTF8)
    column = pa.array(values, pa.large_binary())
    assert outcomes(column, "text") == expected
    good = [cell for cell in expected if isinstance(cell, str)]
    assert outcomes(text(good), "binary") == [cell.encode() for cell in good]


@settings(max_examples=60)
@given(st.lists(st.binary(min_size=6, max_size=10) | st.just(b"8 bytes.") | st.just(b"") | st.none()))
def test_bytes_of_the_right_length_become_binary_of_that_length_in_any_layout(values: list[bytes | None]) -> None:
    expected = [None if cell is None else cell if len(cell) == 8 else Bad("not 8 bytes long") for cell in values]
    column = pa.array(values, pa.large_binary())
    for same in layouts(column):
        assert outcomes(same, "binary(8)") == expected
    right = pa.array([cell for cell in values if cell is None or len(cell) == 8], pa.binary(8))
    for same in layouts(right):
        assert outcomes(same, "binary") == right.to_pylist()
        assert outcomes(same, "binary(9)") == [None if cell is None else Bad("not 9 bytes long") for cell in right.to_pylist()]


def test_fixed_bytes_are_right_in_a_slice_behind_longer_and_empty_ones() -> None:
    column = pa.array([b"a much longer one", b"", None, b"8 bytes.", b"12345678"], pa.large_binary())
    assert outcomes(column.slice(3), "binary(8)") == [b"8 bytes.", b"12345678"]
    assert outcomes(text(["longer than that", "8 bytes.", "ééé€"]).slice(1), "binary(8)") == [
        b"8 bytes.",
        Bad("not 8 bytes long"),
    ]


@pytest.mark.parametrize(
    "target", ["int8", "float64", "decimal(5,2)", "bool", "date", "time", "timestamp", "timestamp(ns, Europe/Paris)"]
)
def test_empty_text_is_a_bad_cell_or_an_empty_one_as_set(target: str) -> None:
    column = text(["", " \t\u00a0", None])
    strict, lenient = outcomes(column, target), outcomes(column, target, empty_text="null")
    assert [type(cell) for cell in strict] == [Bad, Bad, type(None)]
    assert lenient == [None, None, None]
    assert applied(column, target, empty_text="null").bad is None


def test_empty_text_stays_as_text_and_as_bytes() -> None:
    assert outcomes(text(["", " "]), "text", empty_text="null") == ["", " "]
    assert outcomes(text(["", " "]), "binary", empty_text="null") == [b"", b" "]


def test_texts_of_a_megabyte_are_read_written_and_told_in_short() -> None:
    huge = "é" * 500_000
    column = text(["1", huge, "7" * 1_000_000, None, "0" * 1_000_000 + "7", "0." + "3" * 1_000_000])
    result = applied(column, "int16")
    assert result.rows.column("c").to_pylist() == [1, None, None, None, 7, None]
    assert result.bad is not None
    told = result.bad.to_pylist()
    assert [cell["reason"] for cell in told] == [
        "not a number",
        "outside the range of int16",
        "has digits that int16 cannot hold",
    ]
    assert [cell["value"] for cell in told] == ["é" * 200 + "…", "7" * 200 + "…", "0." + "3" * 198 + "…"]
    assert [type(cell) for cell in outcomes(column, "decimal(38,10)")] == [str, Bad, Bad, type(None), str, Bad]
    for target in ("float64", "date", "timestamp(us, UTC)", "time", "bool"):
        assert isinstance(outcomes(column, target)[1], Bad)
    assert outcomes(column, "date", format="%d.%m.%Y")[1] == Bad("not a date in the format %d.%m.%Y")
    assert outcomes(column, "binary")[1] == huge.encode()
    assert outcomes(pa.array([huge.encode(), huge.encode()[1:]]), "text") == [huge, NOT_UTF8]


@pytest.mark.parametrize(
    ("values", "target", "shown"),
    [
        (pa.array([300]), "int8", "300"),
        (pa.array([1.25]), "int8", "1.25"),
        (pa.array([float("nan")]), "int8", "nan"),
        (pa.array([b"\xff\x00"]), "text", "0xff00"),
        (pa.array([b"\xff\x00"], pa.binary_view()), "text", "0xff00"),
        (pa.array(["x"], pa.string_view()), "int8", "x"),
        (pa.array(["x"]).dictionary_encode(), "int8", "x"),
        (pa.DictionaryArray.from_arrays(pa.array([0]), pa.array(["x"], pa.string_view())), "int8", "x"),
        (pa.array(["0.0000001"]).cast(pa.decimal128(20, 10)), "decimal(5,2)", "0.0000001000"),
        (pa.array([2**62]).view(pa.timestamp("s")), "date", "<value out of range: 4611686018427387904>"),
        (pa.array([1_711_852_200]).view(pa.timestamp("s")), "timestamp(s, Europe/Paris)", "2024-03-31 02:30:00"),
    ],
)
def test_a_bad_cell_shows_the_value_it_was_made_of(values: pa.Array, target: str, shown: str) -> None:
    bad = applied(values, target).bad
    assert bad is not None
    assert [cell["value"] for cell in bad.to_pylist()] == [shown]


def test_bad_cells_of_several_columns_come_by_row_and_then_as_the_columns_are_cast() -> None:
    rows = pa.record_batch({"a": ["1", "x", "900"], "b": ["y", "z", "1"]})
    applied_rows = casting(("b", "int8"), ("a", "int8"), on_bad="reject").apply(rows)
    assert applied_rows.rows.to_pydict() == {"a": [1, None, None], "b": [None, None, 1]}
    assert applied_rows.bad is not None
    told = [(cell["row"], cell["column"], cell["value"]) for cell in applied_rows.bad.to_pylist()]
    assert told == [(0, "b", "y"), (1, "b", "z"), (1, "a", "x"), (2, "a", "900")]


@settings(max_examples=60)
@given(st.lists(st.tuples(*[st.sampled_from(["1", "x", "999", "1.5", None])] * 3), min_size=1, max_size=12))
def test_under_fail_only_the_first_bad_cell_is_told(rows: list[tuple[str | None, ...]]) -> None:
    batch = pa.RecordBatch.from_arrays([text(list(cells)) for cells in zip(*rows, strict=True)], names=["a", "b", "c"])
    columns = [("a", "int8"), ("c", "date"), ("b", "decimal(3,1)")]
    every = casting(*columns, on_bad="null").apply(batch)
    failing = casting(*columns, on_bad="fail").apply(batch)
    assert failing.rows.equals(every.rows)
    if every.bad is None:
        assert failing.bad is None
    else:
        assert failing.bad is not None
        assert failing.bad.equals(every.bad.slice(0, 1))


def test_a_name_wins_over_patterns_and_the_first_pattern_over_later_ones() -> None:
    schema = pa.schema([(name, pa.int64()) for name in ("a1", "a2", "b1", "other")])
    cast = casting(("*1", "int8"), ("a*", "text"), ("b1", "float64"))
    expected = [("a1", pa.int8()), ("a2", pa.large_string()), ("b1", pa.float64()), ("other", pa.int64())]
    assert cast.output_schema(schema) == pa.schema(expected)
    assert cast.lineage(schema) == Lineage({name: (name,) for name in schema.names}, frozenset({"other"}))


def test_a_missing_column_is_told_as_such_and_a_pattern_without_columns_is_fine() -> None:
    schema = pa.schema([("a", pa.int64())])
    with pytest.raises(MissingColumn):
        casting(("b", "int8")).output_schema(schema)
    assert casting(("b*", "int8")).output_schema(schema) == schema


def test_settings_that_cannot_work_are_refused() -> None:
    with pytest.raises(UserError, match="cast twice"):
        casting(("a", "int8"), ("a", "text")).output_schema(pa.schema([("a", pa.int64())]))
    with pytest.raises(UserError, match="comes 2 times"):
        casting(("a", "int8")).output_schema(pa.schema([("a", pa.int64()), ("a", pa.int64())]))
    with pytest.raises(ValueError, match="is not a type"):
        CastColumn(column="a", type="int63")
    with pytest.raises(ValueError, match="must differ"):
        CastColumn(column="a", type="int8", decimal_point=",", thousands=",")


def test_other_columns_keep_their_metadata_and_cast_ones_lose_what_was_said_of_the_old_type() -> None:
    schema = pa.schema(
        [pa.field("a", pa.int64(), False, {"k": "v"}), pa.field("b", pa.int64(), False, {"k": "v"})], {"of": "table"}
    )
    expected = pa.schema([pa.field("a", pa.int64(), False, {"k": "v"}), pa.field("b", pa.int8())], {"of": "table"})
    cast = casting(("b", "int8"))
    assert cast.output_schema(schema).equals(expected, check_metadata=True)
    rows = pa.RecordBatch.from_arrays([pa.array([1]), pa.array([2])], schema=schema)
    assert cast.apply(rows).rows.schema.equals(expected, check_metadata=True)


def test_a_cast_can_go_to_another_process() -> None:
    cast = step("timestamp(us, Europe/Paris)", format="%d.%m.%Y %H:%M")
    rows = pa.record_batch({"c": ["31.03.2024 02:30", "31.12.2099 12:00"]})
    there = pickle.loads(pickle.dumps(cast)).apply(rows)
    assert there.rows.equals(cast.apply(rows).rows)
    assert there.bad is not None


@settings(max_examples=30)
@given(st.lists(st.sampled_from(["2024-01-01", "1.1.2024", "x", "", None]), max_size=30), st.integers(1, 7))
def test_texts_read_the_same_however_often_they_come_and_wherever_batches_are_cut(cells: list[str | None], size: int) -> None:
    column = text(cells)
    for manner in ({}, {"format": "%d.%m.%Y"}, {"empty_text": "null"}):
        whole = outcomes(column, "date", **manner)
        cut = [cell for at in range(0, len(cells), size) for cell in outcomes(column.slice(at, size), "date", **manner)]
        assert whole == cut
        assert outcomes(pa.concat_arrays([column] * 4), "date", **manner) == whole * 4
