"""Apply function: which columns it reads, where results go, what they depend on; and coalesce, which reads several."""

import datetime
import decimal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtaas_desktop.domain.errors import MissingColumn, UserError
from dtaas_desktop.engine.chain import Chain, Step
from tests.transforms.every_type import batch, step, texts, whole_and_in_pieces

ROWS = batch(a=texts(["x", None]), b=texts(["y", "z"]), n=pa.array([-1, -(2**63)]))
UPPER = {"name": "upper"}


def test_results_stand_in_place_or_behind_their_inputs() -> None:
    in_place = whole_and_in_pieces(step("apply", columns=["b", "a"], function=UPPER), ROWS)
    assert in_place.rows.to_pydict() == {"a": ["X", None], "b": ["Y", "Z"], "n": [-1, -(2**63)]}
    beside = whole_and_in_pieces(step("apply", columns=["?"], function={"name": "sha256"}, output="{column}_{column}"), ROWS)
    assert beside.rows.schema.names == ["a", "a_a", "b", "b_b", "n", "n_n"]
    replaced = whole_and_in_pieces(step("apply", columns=["a"], function=UPPER, output="b", replace=True), ROWS)
    assert replaced.rows.to_pydict() == {"a": ["x", None], "b": ["X", None], "n": [-1, -(2**63)]}
    nothing = whole_and_in_pieces(step("apply", columns=["q*"], function=UPPER), ROWS)
    assert nothing.rows == ROWS


def test_all_inputs_are_read_before_any_result_is_put() -> None:
    twice = batch(a=texts(["x"]), a_=texts(["y"]), a__=texts(["z"]))
    done = step("apply", columns=["a", "a_"], function=UPPER, output="{column}_", replace=True).apply(twice)
    assert done.rows.to_pydict() == {"a": ["x"], "a_": ["X"], "a__": ["Y"]}


def test_names_that_are_taken_missing_or_given_twice_are_refused() -> None:
    with pytest.raises(UserError, match="already a column “b”"):
        step("apply", columns=["a"], function=UPPER, output="b").output_schema(ROWS.schema)
    with pytest.raises(UserError, match="“c” would come twice"):
        step("apply", columns=["a", "b"], function=UPPER, output="c").output_schema(ROWS.schema)
    with pytest.raises(MissingColumn, match="no column “q”"):
        step("apply", columns=["q"], function=UPPER).output_schema(ROWS.schema)
    with pytest.raises(MissingColumn, match="no column “q”"):
        step("apply", columns=["a"], function={"name": "coalesce", "others": ["q"]}).output_schema(ROWS.schema)


def test_what_changes_is_no_longer_itself_and_new_columns_depend_on_what_they_read() -> None:
    lineage = step("apply", columns=["a"], function=UPPER).lineage(ROWS.schema)
    assert lineage.inputs == {"a": ("a",), "b": ("b",), "n": ("n",)}
    assert lineage.distinct == {"b", "n"}
    lineage = step("apply", columns=["a"], function={"name": "coalesce", "others": ["b", "a"]}, output="c").lineage(ROWS.schema)
    assert lineage.inputs == {"a": ("a",), "b": ("b",), "n": ("n",), "c": ("a", "b")}
    assert lineage.distinct == {"a", "b", "n"}


def test_a_column_dropped_after_it_was_read_is_still_needed() -> None:
    chain = Chain(
        "t",
        (),
        (
            Step("a", step("apply", columns=["a"], function=UPPER, output="c")),
            Step("b", step("concatenate", columns=["b"], name="d", keep_inputs=False)),
        ),
    )
    assert chain.unused(ROWS.schema) == frozenset()
    replaced = Chain("t", (), (Step("a", step("concatenate", columns=["b"], name="a", replace=True)),))
    assert replaced.unused(ROWS.schema) == {"a"}


def test_bad_cells_follow_the_policy_of_the_step() -> None:
    def passed(on_bad: str) -> Chain:
        return Chain("t", ("b",), (Step("abs", step("apply", columns=["n"], function={"name": "abs"}, on_bad=on_bad)),))

    with pytest.raises(
        UserError, match=r"step “abs”, column “n”: without its sign .*int64 \(-9223372036854775808\), in the row with key"
    ):
        passed("fail").apply(ROWS)
    emptied = passed("null").apply(ROWS)
    assert emptied.batch.column("n").to_pylist() == [1, None]
    assert emptied.counts.nulled == 1
    rejected = passed("reject").apply(ROWS)
    assert rejected.batch.column("b").to_pylist() == ["y"]
    assert rejected.rejected is not None
    assert rejected.counts.balanced


cells = st.none() | st.integers(-5, 5)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(cells, cells, cells), max_size=8), cells)
def test_coalesce_takes_the_first_value_that_is_there(rows: list[tuple[int | None, ...]], default: int | None) -> None:
    a, b, c = (pa.array([row[i] for row in rows], pa.int64()) for i in range(3))
    transform = step("apply", columns=["a"], function={"name": "coalesce", "others": ["b", "c"], "default": default})
    expected = [next((value for value in (*row, default) if value is not None), None) for row in rows]
    assert whole_and_in_pieces(transform, batch(a=a, b=b, c=c)).rows.column("a").to_pylist() == expected


def test_coalesce_takes_texts_in_any_layout_and_constants_exactly() -> None:
    rows = batch(
        a=pa.array(["x", None, None, ""]).dictionary_encode(),
        b=pa.array([None, "y", None, "z"], pa.string()),
        d=pa.array([None, decimal.Decimal("1.5")] * 2, pa.decimal32(5, 1)),
        t=pa.array([None, datetime.date(1, 1, 1)] * 2, pa.date32()),
        f=pa.array([float("nan"), None, 1.0, None]),
    )

    def first(column: str, **more: object) -> list[object]:
        transform = step("apply", columns=[column], function={"name": "coalesce", **more})
        done = whole_and_in_pieces(transform, rows)
        assert done.rows.schema.field(column).nullable == ("default" not in more)
        return list(done.rows.column(column).to_pylist())

    assert first("a", others=["b"], default="-") == ["x", "y", "-", ""]
    assert first("a", others=["b"]) == ["x", "y", None, ""]
    assert first("d", default="-0.5") == [decimal.Decimal("-0.5"), decimal.Decimal("1.5")] * 2
    assert first("t", default="9999-12-31") == [datetime.date(9999, 12, 31), datetime.date(1, 1, 1)] * 2
    assert str(first("f", default=0)) == "[nan, 0.0, 1.0, 0.0]"


def test_coalesce_refuses_other_types_and_constants_that_do_not_fit() -> None:
    with pytest.raises(UserError, match="Column “a”: The other column “n” is int64, not text"):
        step("apply", columns=["a"], function={"name": "coalesce", "others": ["n"]}).output_schema(ROWS.schema)
    with pytest.raises(UserError, match=r"Column “n”: The value “0\.5” cannot be int64 exactly"):
        step("apply", columns=["n"], function={"name": "coalesce", "default": 0.5}).output_schema(ROWS.schema)


def test_a_result_is_nullable_where_its_input_is_or_a_cell_may_be_bad() -> None:
    schema = pa.schema([pa.field("t", pa.string(), nullable=False), pa.field("n", pa.int64(), nullable=False)])

    def nullable(column: str, **function: object) -> bool:
        return bool(step("apply", columns=[column], function=function).output_schema(schema).field(column).nullable)

    assert not nullable("t", name="upper")
    assert not nullable("n", name="sign")
    assert nullable("n", name="abs")
    assert nullable("t", name="json_value")
    assert nullable("t", name="regex_extract", pattern="a")
