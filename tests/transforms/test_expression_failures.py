"""Rows for which a user expression cannot be computed."""

import datetime
import decimal
import math
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtaas_desktop.transforms.expression import Expression


def test_the_first_bad_row_has_its_own_reason_and_shows_what_the_row_gave() -> None:
    rows = pa.record_batch({"Text": ["1", None, "x", "y"], "n": [1, 2, 3, None]})
    computed = Expression("text::int + n").over(rows)
    assert computed.values.to_pylist() == [2, None, None, None]
    (first,) = computed.bad("out", "fail")
    assert first.mask.to_pylist() == [False, False, True, False]
    assert first.reason == "could not convert string 'x' to INT32 when casting from source column “text”"
    assert first.values[2].as_py() == "Text = x, n = 3"
    (every,) = computed.bad("out", "reject")
    assert every.mask.to_pylist() == [False, False, True, True]
    assert every.values[3].as_py() == "Text = y, n = empty"


def test_a_division_by_zero_cannot_be_computed_and_try_makes_it_empty() -> None:
    rows = pa.record_batch({"a": [1, 0, -1], "b": [0, 0, 2], "f": [1.5, 0.0, 0.0]})
    for text in ("a / b", "a // b", "a % b", "f / b", "a / 0.0", "mod(a, b)"):
        computed = Expression(text).over(rows)
        assert computed.failed is not None
        assert computed.failed.to_pylist()[:2] == [True, True]
        assert computed.bad("out", "fail")[0].reason == "division by zero"
    assert Expression("try(a / b)").over(rows).values.to_pylist() == [None, None, -0.5]
    assert Expression("sqrt(-1)").over(rows).bad("out", "fail")[0].reason == "cannot take square root of a negative number"


def test_values_beyond_what_our_types_hold_are_bad_cells() -> None:
    rows = pa.record_batch({"n": pa.array([0, 1], pa.int32())})
    for text, good, reason in (
        ("date '9999-12-31' + n", datetime.date(9999, 12, 31), "outside the years 1 to 9999"),
        ("timestamp '9999-12-31' + to_days(n)", datetime.datetime(9999, 12, 31), "outside the years 1 to 9999"),
        ("case when n = 0 then date '2000-01-01' else 'infinity' end", datetime.date(2000, 1, 1), "outside the years 1 to 9999"),
        ("if(n = 0, time '23:59:59', time '24:00:00')", datetime.time(23, 59, 59), "not a time of day"),
        ("99999999999999999999999999999999999999::hugeint + n", decimal.Decimal("9" * 38), None),
        ("9223372036854775807 + n", 2**63 - 1, None),
    ):
        computed = Expression(text).over(rows)
        assert computed.values.to_pylist() == [good, None]
        (bad,) = computed.bad("out", "null")
        assert bad.mask.to_pylist() == [False, True]
        assert reason in (bad.reason, None)


@pytest.mark.parametrize(
    ("text", "reason"),
    [("ts at time zone z", "Unknown TimeZone 'nowhere'"), ("z like z escape z", "Like pattern"), ("z ~ p", "missing )")],
)
def test_errors_that_try_lets_pass_are_found_row_by_row_too(text: str, reason: str) -> None:
    when = datetime.datetime(2024, 7, 1)
    good = {"ts": when, "z": "UTC", "p": "U"} if "zone" in text or "~" in text else {"ts": when, "z": None, "p": None}
    bad = {"ts": when, "z": "nowhere" if "zone" in text else "x", "p": "("}
    schema = pa.schema([("ts", pa.timestamp("us")), ("z", pa.large_string()), ("p", pa.large_string())])
    for numbers in ([0], [5000], [0, 1, 2047, 2048, 7000], list(range(0, 40, 3))):
        rows = pa.RecordBatch.from_pylist([bad if row in numbers else good for row in range(7001)], schema=schema)
        computed = Expression(text).over(rows)
        assert computed.failed is not None
        assert [row for row, failed in enumerate(computed.failed.to_pylist()) if failed] == numbers
        assert computed.values.null_count == (7001 if good["z"] is None else len(numbers))
        assert reason.lower() in computed.bad("out", "fail")[0].reason.lower()


def test_values_of_a_dictionary_that_no_row_has_do_not_fail() -> None:
    column = pa.DictionaryArray.from_arrays(pa.array([0, 0], pa.int8()), pa.array(["1", "no number"]))
    computed = Expression("v::int").over(pa.record_batch({"v": column}))
    assert (computed.values.to_pylist(), computed.failed) == ([1, 1], None)


def test_a_guard_protects_what_comes_after_it_in_long_batches_too() -> None:
    x = ["", "7", "3", None] * 25_000
    guarded = Expression("case when x <> '' and x::int > 5 then 1 else 0 end").over(pa.record_batch({"x": x}))
    assert guarded.failed is None
    assert guarded.values.to_pylist() == [0, 1, 0, 0] * 25_000


FALLIBLE: dict[str, Callable[[str | None, int | None, int | None], Any]] = {
    "x::int": lambda x, a, b: None if x is None else int(x),
    "a // b": lambda x, a, b: None if None in (a, b) else int(a / b),  # type: ignore[operator]
    "coalesce(b, x::int)": lambda x, a, b: b if b is not None else None if x is None else int(x),
    "case when b <> 0 then a % b else -1 end": lambda x, a, b: -1 if not b else None if a is None else int(math.fmod(a, b)),
    "make_date(2023, b, a)": lambda x, a, b: None if None in (a, b) else datetime.date(2023, b, a),  # type: ignore[arg-type]
    "a::tinyint * b::tinyint": lambda x, a, b: tinyint(a, b),
    "chr(a) || x": lambda x, a, b: character(a, x),
}


def tinyint(a: int | None, b: int | None) -> int | None:
    for number in (a, b, None if None in (a, b) else a * b):  # type: ignore[operator]
        if number is not None and not -128 <= number <= 127:
            raise OverflowError
    return None if a is None or b is None else a * b


def character(a: int | None, x: str | None) -> str | None:
    first = None if a is None else chr(a).encode().decode()
    return None if first is None or x is None else first + x


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(sorted(FALLIBLE)),
    st.lists(
        st.tuples(
            st.sampled_from(["1", "-20", "x", "", "999999999999", None]),
            st.sampled_from([0, 1, 12, 28, 31, -5, 127, 200, None]),
            st.sampled_from([0, 1, 2, -3, 13, 128, None]),
        ),
        max_size=40,
    ),
    st.integers(1, 40),
)
def test_which_rows_fail_is_what_plain_python_says_wherever_batches_are_cut(
    text: str, cells: list[tuple[str | None, int | None, int | None]], size: int
) -> None:
    expected: list[Any] = []
    for row in cells:
        try:
            expected.append((False, FALLIBLE[text](*row)))
        except (ValueError, ZeroDivisionError, OverflowError):
            expected.append((True, None))
    # A text too long for an int fails in DuckDB as it should; Python's int holds it.
    expected = [(True, None) if isinstance(v, int) and abs(v) >= 2**31 and "x::int" in text else (bad, v) for bad, v in expected]
    schema = pa.schema([("x", pa.large_string()), ("a", pa.int32()), ("b", pa.int32())])
    rows = pa.RecordBatch.from_pylist([dict(zip("xab", row, strict=True)) for row in cells], schema=schema)
    found: list[Any] = []
    for start in range(0, len(cells), size):
        computed = Expression(text).over(rows.slice(start, size))
        assert computed.values.type == Expression(text).type_over(schema)
        failed = computed.failed.to_pylist() if computed.failed is not None else [False] * len(computed.values)
        found += zip(failed, computed.values.to_pylist(), strict=True)
    assert found == expected
