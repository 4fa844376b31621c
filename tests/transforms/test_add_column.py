"""New columns: constants and computed ones, their place, their type, and what cannot be made."""

import datetime
import decimal
import json
import pickle
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtaas_desktop.domain.errors import MissingColumn, UserError
from dtaas_desktop.domain.ports import Transform
from dtaas_desktop.domain.transform_settings import AddColumnSettings, SelectSettings, TransformSettings
from dtaas_desktop.engine.chain import Chain, Step, build_chain
from dtaas_desktop.transforms import build

UTC = datetime.UTC
D = decimal.Decimal
ROWS = pa.record_batch({"id": [1, 2, 3], "a": [10, 0, None], "t": ["7", "x", None]})


def no_secret(reference: str) -> str:
    raise AssertionError(reference)


def adding(**written: Any) -> Transform:
    return build("add_column", AddColumnSettings.model_validate({"name": "new", **written}), secret=no_secret)


def added(rows: pa.RecordBatch = ROWS, **written: Any) -> pa.Array:
    transform = adding(**written)
    applied = transform.apply(rows)
    assert applied.bad is None
    assert applied.kept is None
    assert applied.rows.schema == transform.output_schema(rows.schema)
    column = applied.rows.column(str(written.get("name", "new")))
    column.validate(full=True)
    return column


CONSTANTS: list[tuple[Any, str, pa.DataType, Any]] = [
    (None, "", pa.large_string(), None),
    ("text 👍🏽", "", pa.large_string(), "text 👍🏽"),
    ("", "", pa.large_string(), ""),
    ("x" * 1_000_000, "", pa.large_string(), "x" * 1_000_000),
    (True, "", pa.bool_(), True),
    (0, "", pa.int64(), 0),
    (-(2**63), "", pa.int64(), -(2**63)),
    (0.1, "", pa.float64(), 0.1),
    (1e22, "", pa.float64(), 1e22),
    (None, "decimal(38,10)", pa.decimal128(38, 10), None),
    (None, "binary(3)", pa.binary(3), None),
    (None, "timestamp(ns, Europe/Paris)", pa.timestamp("ns", "Europe/Paris"), None),
    (255, "uint8", pa.uint8(), 255),
    (2**64 - 1, "uint64", pa.uint64(), 2**64 - 1),
    (1, "float32", pa.float32(), 1.0),
    (1, "text", pa.large_string(), "1"),
    (True, "text", pa.large_string(), "true"),
    ("9" * 28 + "." + "9" * 10, "decimal(38,10)", pa.decimal128(38, 10), D("9" * 28 + "." + "9" * 10)),
    (1.1, "decimal(5,1)", pa.decimal128(5, 1), D("1.1")),
    ("9" * 76, "decimal(76,0)", pa.decimal256(76, 0), D("9" * 76)),
    ("no", "bool", pa.bool_(), False),
    ("abc", "binary", pa.large_binary(), b"abc"),
    ("0x00ff", "binary(2)", pa.binary(2), b"\x00\xff"),
    ("0001-01-01", "date", pa.date32(), datetime.date(1, 1, 1)),
    ("23:59:59.999999", "time", pa.time64("us"), datetime.time(23, 59, 59, 999_999)),
    ("23:59", "time(s)", pa.time32("s"), datetime.time(23, 59)),
    ("9999-12-31 23:59:59", "timestamp(s)", pa.timestamp("s"), datetime.datetime(9999, 12, 31, 23, 59, 59)),
    (
        "2024-07-01 02:00",
        "timestamp(us, Europe/Paris)",
        pa.timestamp("us", "Europe/Paris"),
        datetime.datetime(2024, 7, 1, tzinfo=UTC),
    ),
    ("NaN", "float64", pa.float64(), "nan"),
]


@pytest.mark.parametrize(
    ("value", "type_name", "data_type", "cell"), CONSTANTS, ids=[f"{n} {c[1]}" for n, c in enumerate(CONSTANTS)]
)
def test_a_constant_stands_in_every_row_exactly(value: Any, type_name: str, data_type: pa.DataType, cell: Any) -> None:
    column = added(value=value, type=type_name)
    assert column.type == data_type
    cells = [str(found) if cell == "nan" else found for found in column.to_pylist()]
    assert cells == [cell] * 3
    assert len(added(ROWS.slice(0, 0), value=value, type=type_name)) == 0


@pytest.mark.parametrize(
    ("value", "type_name"),
    [
        *(
            (256, "uint8"),
            (-1, "uint64"),
            (2**63, ""),
            (1.5, "int64"),
            ("", "int64"),
            ("1.234", "decimal(5,2)"),
            (1000, "decimal(5,2)"),
        ),
        *(
            ("2024-02-30", "date"),
            ("2023-03-26 02:30", "timestamp(us, Europe/Paris)"),
            ("abc", "binary(2)"),
            ("perhaps", "bool"),
            (1, "bool"),
        ),
        *((True, "int64"), (1, "date"), ("12:00:00.5", "time(s)"), (2**53 + 1, "float64")),
    ],
)
def test_a_constant_that_its_type_cannot_hold_is_refused_before_the_run(value: Any, type_name: str) -> None:
    with pytest.raises(UserError, match=r"Column “new”: .* cannot be"):
        adding(value=value, type=type_name).output_schema(ROWS.schema)


def test_it_goes_where_it_is_wanted() -> None:
    for position, names in (
        ({}, ["id", "a", "t", "new"]),
        ({"at": "first"}, ["new", "id", "a", "t"]),
        ({"at": "before", "column": "a"}, ["id", "new", "a", "t"]),
        ({"at": "after", "column": "a"}, ["id", "a", "new", "t"]),
    ):
        for what in ({"value": 1}, {"expression": "id + 0"}):
            applied = adding(position=position, **what).apply(ROWS)
            assert applied.rows.schema.names == names
            assert applied.rows.select(["id", "a", "t"]) == ROWS
    with pytest.raises(MissingColumn, match="“nosuch”"):
        adding(value=1, position={"at": "after", "column": "nosuch"}).output_schema(ROWS.schema)


def test_a_column_of_that_name_is_replaced_in_its_place_or_is_a_problem() -> None:
    with pytest.raises(UserError, match="a column “a” already"):
        adding(name="a", value=1).output_schema(ROWS.schema)
    for what, cells in (({"value": 1}, [1, 1, 1]), ({"expression": "a + 1"}, [11, 1, None])):
        transform = adding(name="a", replace=True, position={"at": "first"}, **what)
        applied = transform.apply(ROWS)
        assert applied.rows.schema.names == transform.output_schema(ROWS.schema).names == ["id", "a", "t"]
        assert applied.rows.column("a").to_pylist() == cells
    assert adding(name="A", value=1).output_schema(ROWS.schema).names == ["id", "a", "t", "A"]
    assert adding(replace=True, value=1).output_schema(ROWS.schema).names == ["id", "a", "t", "new"]


def test_what_other_columns_and_the_table_say_of_themselves_stays() -> None:
    schema = pa.schema([pa.field("id", pa.int64(), nullable=False, metadata={"k": "v"})], metadata={"of": "table"})
    rows = pa.record_batch([pa.array([1])], schema=schema)
    applied = adding(value=1).apply(rows)
    assert applied.rows.schema.field("id").equals(schema.field("id"), check_metadata=True)
    assert applied.rows.schema.metadata == schema.metadata
    assert applied.rows.schema.equals(adding(value=1).output_schema(schema), check_metadata=True)


def test_an_expression_is_computed_for_each_row_and_gives_its_own_type_or_the_one_wanted() -> None:
    assert added(expression="a * 2").to_pylist() == [20, 0, None]
    for type_name, data_type, cells in (
        ("", pa.int64(), [20, 0, None]),
        ("int8", pa.int8(), [20, 0, None]),
        ("text", pa.large_string(), ["20", "0", None]),
        ("decimal(10,2)", pa.decimal128(10, 2), [D(20), D(0), None]),
        ("float32", pa.float32(), [20.0, 0.0, None]),
        (
            "timestamp(us, UTC)",
            pa.timestamp("us", "UTC"),
            [datetime.datetime(1970, 1, 1, 0, 0, s, tzinfo=UTC) for s in (20, 0)] + [None],
        ),
    ):
        column = added(expression="a * 2", type=type_name)
        assert (column.type, column.to_pylist()) == (data_type, cells)
    assert added(expression="round(a / 8.0, 2)", type="decimal(10,2)").to_pylist() == [D("1.25"), D(0), None]
    assert added(expression="null", type="date").to_pylist() == [None] * 3
    with pytest.raises(UserError, match="empty for every row"):
        adding(expression="null").output_schema(ROWS.schema)
    with pytest.raises(UserError, match="Column “new”: bool cannot become date"):
        adding(expression="a > 1", type="date").output_schema(ROWS.schema)


def test_an_expression_is_checked_when_the_step_is_built_and_its_columns_when_a_table_comes() -> None:
    with pytest.raises(UserError, match="“random” is not available"):
        adding(expression="random()")
    with pytest.raises(MissingColumn, match="“nosuch”"):
        adding(expression="nosuch + 1").output_schema(ROWS.schema)


def chain(**written: Any) -> Chain:
    return Chain("t", ("id",), (Step("add", adding(**written)),))


def test_cells_that_cannot_be_computed_fail_with_key_and_inputs_or_are_null_or_reject_their_row() -> None:
    with pytest.raises(UserError) as failed:
        chain(expression="100 // a").apply(ROWS)
    assert str(failed.value).startswith(
        'Table t, step “add”, column “new”: division by zero (a = 0), in the row with key {"id": 2}.'
    )
    nulled = chain(expression="100 // a", on_bad="null").apply(ROWS)
    assert nulled.batch.column("new").to_pylist() == [10, None, None]
    assert (nulled.counts.balanced, nulled.counts.nulled, nulled.counts.written) == (True, 1, 3)
    rejected = chain(expression="100 // a", on_bad="reject").apply(ROWS)
    assert rejected.batch.column("id").to_pylist() == [1, 3]
    assert (rejected.counts.balanced, rejected.counts.rejected) == (True, 1)
    assert rejected.rejected is not None
    (row,) = rejected.rejected.to_pylist()
    assert (json.loads(row["key"]), row["column"], row["reason"]) == (
        {"id": 2},
        "new",
        "the expression cannot be computed: a = 0",
    )


def test_values_that_the_wanted_type_cannot_hold_are_bad_cells_beside_those_that_cannot_be_computed() -> None:
    rows = pa.record_batch({"id": [1, 2, 3, 4], "t": ["300", "x", None, "7"]})
    for on_bad, bad in (("fail", [(0, "300")]), ("null", [(0, "300"), (1, "t = x")])):
        applied = adding(expression="t::int", type="int8", on_bad=on_bad).apply(rows)
        assert applied.rows.column("new").to_pylist() == [None, None, None, 7]
        assert applied.bad is not None
        assert [(cell["row"], cell["value"]) for cell in applied.bad.to_pylist()] == bad
        reasons = applied.bad.column("reason").to_pylist()
        assert "int8" in reasons[0]
        assert reasons[1:] == ["the expression cannot be computed"] * (len(bad) - 1)
    first = adding(expression="t::int", type="int8").apply(rows.slice(1))
    assert first.bad is not None
    assert first.bad.to_pylist()[0]["reason"].startswith("could not convert string 'x'")


def test_lineage_names_what_is_read_and_nothing_else() -> None:
    lineage = adding(expression="A + length(t)").lineage(ROWS.schema)
    assert lineage.inputs == {"id": ("id",), "a": ("a",), "t": ("t",), "new": ("a", "t")}
    assert lineage.distinct == {"id", "a", "t"}
    assert not lineage.deciders
    replaced = adding(name="a", replace=True, expression="id * 2").lineage(ROWS.schema)
    assert replaced.inputs == {"id": ("id",), "t": ("t",), "a": ("id",)}
    assert replaced.distinct == {"id", "t"}
    assert adding(value=1).lineage(ROWS.schema).inputs["new"] == ()


def test_columns_nobody_needs_are_not_read_and_those_of_an_expression_are() -> None:
    select = build("select", SelectSettings(columns=("id", "new")), secret=no_secret)
    computed = Chain("t", ("id",), (Step("a", adding(expression="a + 1")), Step("s", select)))
    constant = Chain("t", ("id",), (Step("a", adding(value=1)), Step("s", select)))
    replaced = Chain("t", ("id",), (Step("a", adding(name="a", replace=True, expression="id")),))
    assert computed.unused(ROWS.schema) == {"t"}
    assert constant.unused(ROWS.schema) == {"a", "t"}
    assert replaced.unused(ROWS.schema) == {"a"}


def test_a_table_without_a_column_of_the_expression_skips_the_step_where_that_is_wanted() -> None:
    def chain_for(missing_column: str) -> Chain:
        written = AddColumnSettings.model_validate({"name": "new", "expression": "nosuch + 1", "missing_column": missing_column})
        return build_chain(
            [("add", "add_column", written)],
            ROWS.schema,
            table="t",
            key=("id",),
            build=lambda kind, given: build(kind, given, secret=no_secret),
            skips=lambda given, _: isinstance(given, TransformSettings) and given.missing_column == "skip",
        )

    assert chain_for("skip").steps == ()
    with pytest.raises(UserError, match="Table t, step “add”: There is no column “nosuch”"):
        chain_for("error")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([0, 1, -7, 127, 2**40, None]), st.sampled_from(["1", "-2", "x", "", None])), max_size=30),
    st.integers(1, 30),
    st.sampled_from(["a // t::int", "t::int", "a", "concat(t, a)", "a / 3"]),
    st.sampled_from(["", "int8", "text", "float64"]),
    st.sampled_from(["null", "reject"]),
)
def test_the_answer_does_not_depend_on_where_batches_are_cut(
    cells: list[tuple[int | None, str | None]], size: int, expression: str, type_name: str, on_bad: str
) -> None:
    schema = pa.schema([("id", pa.int64()), ("a", pa.int64()), ("t", pa.large_string())])
    rows = pa.RecordBatch.from_pylist([{"id": n, "a": a, "t": t} for n, (a, t) in enumerate(cells)], schema=schema)
    steps = chain(expression=expression, type=type_name, on_bad=on_bad)
    promised = steps.output_schema(schema)
    whole = steps.apply(rows)
    parts = [pickle.loads(pickle.dumps(steps)).apply(rows.slice(start, size)) for start in range(0, len(cells), size)]
    assert all(passed.batch.schema == promised and passed.counts.balanced for passed in [whole, *parts])
    assert [row for part in parts for row in part.batch.to_pylist()] == whole.batch.to_pylist()
    assert sum(part.counts.nulled for part in parts) == whole.counts.nulled
    told = [row for part in parts if part.rejected is not None for row in part.rejected.to_pylist()]
    assert told == (whole.rejected.to_pylist() if whole.rejected is not None else [])
