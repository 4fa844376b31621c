"""Filters: which rows stay, judged by plain Python cell by cell."""

import datetime
import decimal
import math
import pickle
import re
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtaas_desktop.domain.errors import MissingColumn, UserError
from dtaas_desktop.domain.ports import Transform
from dtaas_desktop.domain.transform_settings import Condition, DropSettings, FilterSettings, Group
from dtaas_desktop.engine.chain import Chain, Step
from dtaas_desktop.transforms import build

UTC = datetime.UTC
D = decimal.Decimal


def no_secret(reference: str) -> str:
    raise AssertionError(reference)


def filter_of(**written: Any) -> Transform:
    return build("filter", FilterSettings.model_validate(written), secret=no_secret)


def kept(cells: list[Any], data_type: pa.DataType, **condition: Any) -> list[Any]:
    rows = pa.record_batch({"v": pa.array(cells, data_type)})
    applied = filter_of(conditions=[{"column": "v", **condition}]).apply(rows)
    return list(applied.rows.column("v").to_pylist())


# Cells of each type, and constants as settings write them with the value they mean.
CELLS: dict[str, tuple[pa.DataType, list[Any], list[tuple[Any, Any]]]] = {
    "int": (pa.int64(), [0, 1, -1, 7, 2**63 - 1, -(2**63)], [(0, 0), (7, 7), ("-1", -1), (7.0, 7), (2**63 - 1, 2**63 - 1)]),
    "uint64": (pa.uint64(), [0, 2**64 - 1, 5], [(2**64 - 1, 2**64 - 1), ("5", 5)]),
    "int8": (pa.int8(), [0, 127, -128], [(127, 127), (-128, -128)]),
    "float": (pa.float64(), [0.0, -0.0, 1.5, math.nan, math.inf, -math.inf, 1e300], [(0, 0.0), (-0.0, 0.0), (1.5, 1.5), ("inf", math.inf), ("nan", math.nan)]),
    "float32": (pa.float32(), [0.0, -0.0, 1.5, math.nan, 16777216.0], [(1.5, 1.5), (0, 0.0)]),
    "float16": (pa.float16(), [0.0, -0.0, 1.5, math.nan], [(1.5, 1.5), (0, 0.0)]),
    "decimal": (pa.decimal128(38, 10), [D("1.5"), D("9" * 28), D("-0.0000000001"), D(0)], [("1.50", D("1.5")), (0, D(0)), (1.5, D("1.5")), ("9" * 28, D("9" * 28))]),
    "decimal32": (pa.decimal32(5, 2), [D("1.5"), D("-999.99"), D(0)], [("1.50", D("1.5")), (0, D(0))]),
    "decimal256": (pa.decimal256(60, 2), [D("1.5"), D("9" * 28), D(0)], [("1.5", D("1.5")), ("9" * 28, D("9" * 28))]),
    "bool": (pa.bool_(), [True, False], [(True, True), ("false", False)]),
    "text": (pa.large_string(), ["", "a", "A", "äÖ", "ÄÖ", "👍🏽", "abc", "a.c", "x" * 1_000], [("a", "a"), ("", ""), ("ÄÖ", "ÄÖ"), ("a.c", "a.c"), ("👍", "👍")]),
    "small text": (pa.string(), ["", "a", "A", "abc"], [("a", "a"), ("B", "B")]),
    "dictionary": (pa.dictionary(pa.int8(), pa.string()), ["", "a", "A", "b"], [("a", "a"), ("A", "A")]),
    "binary": (pa.large_binary(), [b"", b"a", b"\xff"], [("a", b"a"), ("0xff", b"\xff")]),
    "binary(2)": (pa.binary(2), [b"ab", b"\xff\0"], [("ab", b"ab"), ("0xff00", b"\xff\0")]),
    "date": (
        pa.date32(),
        [datetime.date(1, 1, 1), datetime.date(2024, 2, 29), datetime.date(9999, 12, 31)],
        [("2024-02-29", datetime.date(2024, 2, 29)), ("0001-01-01", datetime.date(1, 1, 1))],
    ),
    "time": (pa.time64("us"), [datetime.time(0), datetime.time(23, 59, 59, 999_999)], [("23:59:59.999999", datetime.time(23, 59, 59, 999_999)), ("00:00", datetime.time(0))]),
    "timestamp": (
        pa.timestamp("us"),
        [datetime.datetime(1, 1, 1), datetime.datetime(2024, 2, 29, 12)],
        [("2024-02-29 12:00:00", datetime.datetime(2024, 2, 29, 12)), ("0001-01-01", datetime.datetime(1, 1, 1))],
    ),
    "timestamp(s)": (
        pa.timestamp("s"),
        [datetime.datetime(1, 1, 1), datetime.datetime(9999, 12, 31, 23, 59, 59)],
        [("9999-12-31T23:59:59", datetime.datetime(9999, 12, 31, 23, 59, 59))],
    ),
    "timestamp with zone": (
        pa.timestamp("us", "Europe/Paris"),
        [datetime.datetime(2024, 7, 1, tzinfo=UTC), datetime.datetime(2024, 6, 30, 22, tzinfo=UTC)],
        [("2024-07-01 00:00", datetime.datetime(2024, 6, 30, 22, tzinfo=UTC)), ("2024-07-01T00:00:00Z", datetime.datetime(2024, 7, 1, tzinfo=UTC))],
    ),
}  # fmt: skip

ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "equal": lambda cell, constant: cell == constant,
    "not_equal": lambda cell, constant: cell != constant,
    "less": lambda cell, constant: cell < constant,
    "less_equal": lambda cell, constant: cell <= constant,
    "greater": lambda cell, constant: cell > constant,
    "greater_equal": lambda cell, constant: cell >= constant,
}
TEXT: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda cell, constant: constant in cell,
    "not_contains": lambda cell, constant: constant not in cell,
    "starts": lambda cell, constant: cell.startswith(constant),
    "ends": lambda cell, constant: cell.endswith(constant),
}
TEXT_KINDS = frozenset({"text", "small text", "dictionary"})
Judge = Callable[[dict[str, Any]], bool]


@st.composite
def conditions(draw: st.DrawFn) -> tuple[dict[str, Any], Judge]:
    """A condition as settings write it, and what it means for a row."""
    kind = draw(st.sampled_from(sorted(CELLS)))
    is_text = kind in TEXT_KINDS
    constants = st.sampled_from(CELLS[kind][2])
    operators = [*ORDER, "between", "in", "not_in", "is_empty", "is_not_empty"]
    operator = draw(st.sampled_from([*operators, *TEXT, "matches"] if is_text else operators))
    written: dict[str, Any] = {"column": kind, "operator": operator}
    if operator in ("is_empty", "is_not_empty"):
        wanted = operator == "is_empty"
        return written, lambda row: (row[kind] is None or (is_text and row[kind] == "")) == wanted
    empty = written["empty_matches"] = draw(st.booleans())
    fold: Callable[[Any], Any] = lambda value: value  # noqa: E731
    if is_text and draw(st.booleans()):
        written["case_sensitive"] = False
        fold = str.lower
    if operator == "matches":
        written["value"] = pattern = draw(st.sampled_from(["^a", "a.c", "[äÄ]", "👍", "^$", "b|x{3}"]))
        flags = re.IGNORECASE if "case_sensitive" in written else 0
        return written, lambda row: empty if row[kind] is None else re.search(pattern, row[kind], flags) is not None
    if operator in ("in", "not_in", "between"):
        several = draw(st.lists(constants, min_size=2, max_size=2) if operator == "between" else st.lists(constants, max_size=4))
        written["values"] = [constant for constant, _ in several]
        meant = [fold(value) for _, value in several]

        def among(row: dict[str, Any]) -> bool:
            if row[kind] is None:
                return empty
            cell = fold(row[kind])
            if operator == "between":
                return bool(meant[0] <= cell <= meant[1])
            return any(cell == value for value in meant) == (operator == "in")

        return written, among
    written["value"], value = draw(constants)
    compared = {**ORDER, **TEXT}[operator]
    return written, lambda row: empty if row[kind] is None else bool(compared(fold(row[kind]), fold(value)))


@st.composite
def groups(draw: st.DrawFn, depth: int = 2) -> tuple[dict[str, Any], Judge]:
    match = draw(st.sampled_from(["all", "any", "none"]))
    member = conditions() if depth == 0 else st.one_of(conditions(), groups(depth - 1))
    members = draw(st.lists(member, min_size=1 if depth == 2 else 0, max_size=3))
    judges = [judge for _, judge in members]
    meanings: dict[str, Judge] = {
        "all": lambda row: all(judge(row) for judge in judges),
        "any": lambda row: any(judge(row) for judge in judges),
        "none": lambda row: not any(judge(row) for judge in judges),
    }
    return {"match": match, "conditions": [written for written, _ in members]}, meanings[match]


SCHEMA = pa.schema([(kind, data_type) for kind, (data_type, _, _) in CELLS.items()])
ROWS = st.fixed_dictionaries({kind: st.sampled_from([*cells, None]) for kind, (_, cells, _) in CELLS.items()})


def batch_of(rows: list[dict[str, Any]]) -> pa.RecordBatch:
    arrays = []
    for field in SCHEMA:
        plain = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        array = pa.array([row[field.name] for row in rows], plain)
        arrays.append(array.cast(field.type) if plain != field.type else array)
    return pa.record_batch(
        [pa.array(range(len(rows)), pa.int64()), *arrays], schema=SCHEMA.insert(0, pa.field("row", pa.int64()))
    )


@settings(max_examples=300, deadline=None)
@given(groups(), st.lists(ROWS, max_size=8), st.integers(1, 8))
def test_a_row_stays_if_plain_python_says_so_wherever_batches_are_cut(
    group: tuple[dict[str, Any], Judge], rows: list[dict[str, Any]], size: int
) -> None:
    written, judge = group
    batch = batch_of(rows)
    transform = filter_of(**written)
    assert transform.output_schema(batch.schema) == batch.schema
    expected = [number for number, row in enumerate(rows) if judge(row)]

    applied = transform.apply(batch)
    assert applied.rows.schema == batch.schema
    assert applied.rows.column("row").to_pylist() == expected
    assert (applied.kept.to_pylist() if applied.kept is not None else list(range(len(rows)))) == expected
    assert str(applied.rows.to_pylist()) == str(batch.take(pa.array(expected, pa.int64())).to_pylist())

    parts = [transform.apply(batch.slice(start, size)) for start in range(0, len(rows), size)]
    assert [number for part in parts for number in part.rows.column("row").to_pylist()] == expected

    sent = pickle.loads(pickle.dumps(transform))
    assert sent == transform
    assert sent.apply(batch).rows.column("row").to_pylist() == expected

    named = set(re.findall(r"'column': '([^']+)'", str(written)))
    lineage = transform.lineage(batch.schema)
    assert lineage.deciders == named
    assert lineage.distinct == set(batch.schema.names)
    assert lineage.inputs == {name: (name,) for name in batch.schema.names}


def test_nan_equals_nothing_and_the_two_zeros_are_one() -> None:
    cells = [math.nan, 0.0, -0.0, 1.0]
    for data_type in (pa.float64(), pa.float32()):
        assert kept(cells, data_type, operator="equal", value="nan") == []
        assert len(kept(cells, data_type, operator="not_equal", value="nan")) == 4
        assert kept(cells, data_type, operator="in", values=["nan", -0.0]) == [0.0, -0.0]
        assert [str(cell) for cell in kept(cells, data_type, operator="not_in", values=[0])] == ["nan", "1.0"]
        assert kept(cells, data_type, operator="between", values=["-inf", "inf"]) == [0.0, -0.0, 1.0]


def test_nanoseconds_compare_exactly() -> None:
    for data_type, text in (
        (pa.timestamp("ns"), "1970-01-01 00:00:00.000000002"),
        (pa.timestamp("ns", "UTC"), "1970-01-01 00:00:00.000000002Z"),
        (pa.time64("ns"), "00:00:00.000000002"),
    ):
        rows = pa.record_batch({"v": pa.array([1, 2, 3], pa.int64()).cast(data_type)})
        for operator, written, expected in (
            ("less", {"value": text}, [1]),
            ("equal", {"value": text}, [2]),
            ("in", {"values": [text, text]}, [2]),
        ):
            applied = filter_of(conditions=[{"column": "v", "operator": operator, **written}]).apply(rows)
            assert applied.rows.column("v").cast(pa.int64()).to_pylist() == expected


def test_a_column_of_nulls_only_matches_as_empty_cells_do() -> None:
    rows = pa.record_batch({"v": pa.nulls(3)})
    for condition, stays in (
        ({"operator": "equal", "value": 1}, 0),
        ({"operator": "not_equal", "value": "x", "empty_matches": True}, 3),
        ({"operator": "contains", "value": "x"}, 0),
        ({"operator": "is_empty"}, 3),
    ):
        transform = filter_of(conditions=[{"column": "v", **condition}])
        assert transform.output_schema(rows.schema) == rows.schema
        assert transform.apply(rows).rows.num_rows == stays


def test_many_values_and_large_texts_are_found() -> None:
    cells = ["x" * 1_000_000, "y", "👍" * 1000]
    assert kept(cells, pa.large_string(), operator="in", values=[*map(str, range(3000)), cells[0]]) == [cells[0]]
    assert kept(cells, pa.large_string(), operator="ends", value="👍👍") == [cells[2]]


@pytest.mark.parametrize(
    ("data_type", "condition", "message"),
    [
        (pa.int8(), {"value": 128}, "Column “v”: The value “128” cannot be int8 exactly"),
        (pa.int64(), {"value": 1.5}, "cannot be int64 exactly"),
        (pa.int64(), {"value": True}, "cannot be int64 exactly"),
        (pa.int64(), {"value": "x"}, "cannot be int64 exactly"),
        (pa.bool_(), {"value": 1}, "cannot be bool exactly"),
        (pa.decimal128(10, 2), {"value": "1.234"}, r"cannot be decimal\(10,2\) exactly"),
        (pa.date32(), {"value": "2024-02-30"}, "cannot be date exactly"),
        (pa.timestamp("s"), {"value": "2024-01-01 00:00:00.5"}, r"cannot be timestamp\(s\) exactly"),
        (pa.binary(2), {"value": "abc"}, r"cannot be binary\(2\)"),
        (pa.int64(), {"operator": "contains", "value": "1"}, "works on text only"),
        (pa.large_string(), {"operator": "starts", "value": 1}, "takes a text"),
        (pa.list_(pa.int64()), {"value": 1}, "cannot be compared"),
        (pa.duration("us"), {"value": 1}, "cannot be compared"),
        (pa.int64(), {"operator": "between", "values": [1, "x"]}, "cannot be int64 exactly"),
    ],
)
def test_a_constant_that_the_column_cannot_hold_is_refused_before_the_run(
    data_type: pa.DataType, condition: dict[str, Any], message: str
) -> None:
    transform = filter_of(conditions=[{"column": "v", **condition}])
    with pytest.raises(UserError, match=message):
        transform.output_schema(pa.schema([("v", data_type)]))


def test_wrong_patterns_and_columns_that_are_not_there_are_named() -> None:
    with pytest.raises(UserError, match="not a regular expression"):
        filter_of(conditions=[{"column": "v", "operator": "matches", "value": "("}])
    for written in (
        {"conditions": [{"match": "any", "conditions": [{"column": "nosuch", "value": 1}]}]},
        {"expression": "nosuch > 1"},
    ):
        with pytest.raises(MissingColumn, match="“nosuch”"):
            filter_of(**written).output_schema(pa.schema([("v", pa.int64())]))


def test_groups_without_members_match_all_and_none_but_not_any() -> None:
    always = {"column": "v", "operator": "is_not_empty"}
    for match, stays in (("all", 2), ("none", 2), ("any", 0)):
        transform = build("filter", FilterSettings(conditions=(Condition(**always), Group(match=match))), secret=no_secret)
        assert transform.apply(pa.record_batch({"v": [1, 2]})).rows.num_rows == stays


# --- expressions ----------------------------------------------------------------------------------------------------------


def test_rows_stay_for_which_the_expression_is_true() -> None:
    rows = pa.record_batch({"a": [1, 2, None, 4], "B": [2, 1, 1, None], "c": ["x", "y", "z", "w"]})
    transform = filter_of(expression="a > b or c = 'w'")
    assert transform.output_schema(rows.schema) == rows.schema
    applied = transform.apply(rows)
    assert applied.rows.to_pylist() == [{"a": 2, "B": 1, "c": "y"}, {"a": 4, "B": None, "c": "w"}]
    assert applied.kept is not None
    assert applied.kept.to_pylist() == [1, 3]
    assert applied.bad is None
    lineage = transform.lineage(rows.schema)
    assert lineage.deciders == lineage.distinct == {"a", "B", "c"}
    assert pickle.loads(pickle.dumps(transform)).apply(rows).rows == applied.rows


def test_an_expression_that_is_neither_true_nor_false_is_refused() -> None:
    for text, given_type in (("a + 1", "int64"), ("'true'", "text"), ("null", "null")):
        with pytest.raises(UserError, match=f"gives {given_type}, not true or false"):
            filter_of(expression=text).output_schema(pa.schema([("a", pa.int64())]))


IDS = pa.record_batch({"id": [1, 2, 3, 4, 5], "t": ["7", "x", "9", None, "y"]})


def chain(on_bad: str) -> Chain:
    return Chain("t", ("id",), (Step("big ones", filter_of(expression="t::int > 7", on_bad=on_bad)),))


def test_rows_whose_expression_cannot_be_computed_fail_leave_or_are_rejected_and_counts_balance() -> None:
    with pytest.raises(UserError) as failed:
        chain("fail").apply(IDS)
    assert str(failed.value).startswith(
        "Table t, step “big ones”, column “t”: could not convert string 'x' to INT32 when casting from source column “t” (t = x), "
        'in the row with key {"id": 2}.'
    )
    nulled = chain("null").apply(IDS)
    assert nulled.batch.column("id").to_pylist() == [3]
    assert (nulled.counts.balanced, nulled.counts.filtered, nulled.counts.nulled) == (True, 4, 2)

    rejected = chain("reject").apply(IDS)
    assert rejected.batch.column("id").to_pylist() == [3]
    assert (rejected.counts.balanced, rejected.counts.filtered, rejected.counts.rejected) == (True, 2, 2)
    assert rejected.rejected is not None
    assert rejected.rejected.column("reason").to_pylist() == [f"the expression cannot be computed: t = {v}" for v in "xy"]


def test_columns_that_decide_are_read_even_when_they_are_dropped_later() -> None:
    drop = build("drop", DropSettings(columns=("t",)), secret=no_secret)
    schema = IDS.schema
    by_expression = Chain("t", ("id",), (Step("f", filter_of(expression="t is not null")), Step("d", drop)))
    by_condition = Chain(
        "t", ("id",), (Step("f", filter_of(conditions=[{"column": "t", "operator": "is_empty"}])), Step("d", drop))
    )
    by_other = Chain("t", ("id",), (Step("f", filter_of(expression="id > 1")), Step("d", drop)))
    assert by_expression.unused(schema) == by_condition.unused(schema) == frozenset()
    assert by_other.unused(schema) == {"t"}
