"""What user expressions give: the values, types and columns of one row."""

import calendar
import datetime
import decimal
import hashlib
import math
import re
from collections.abc import Callable
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtaas_desktop.domain.errors import MissingColumn, UserError
from dtaas_desktop.transforms.expression import Expression

UTC = datetime.UTC

SCHEMA = pa.schema(
    [
        ("a", pa.int64()),
        ("b", pa.int64()),
        ("f", pa.float64()),
        ("x", pa.large_string()),
        ("d", pa.date32()),
        ("ts", pa.timestamp("us")),
        ("tz", pa.timestamp("us", "Europe/Paris")),
        ("m", pa.decimal128(10, 2)),
        ("o", pa.bool_()),
    ]
)


def values(text: str, **columns: list[Any]) -> list[Any]:
    rows = pa.record_batch({name: pa.array(cells) for name, cells in columns.items()})
    computed = Expression(text).over(rows)
    assert computed.failed is None
    assert not computed.outside
    assert computed.values.type == Expression(text).type_over(rows.schema)
    return list(computed.values.to_pylist())


A = [5, -3, 0, None, 2**40]
B = [2, 7, 1, 4, None]
F = [0.5, -2.25, 1e10, None, 3.0]
X = ["Äpfel, Birnen", "", "👍🏽 ok", None, "a%b_c"]
D = [datetime.date(2024, 2, 29), datetime.date(1, 1, 1), datetime.date(9999, 12, 31), None, datetime.date(1970, 1, 1)]
T = [
    datetime.datetime(2024, 2, 29, 23, 59, 59, 999_999),
    datetime.datetime(1, 1, 1),
    datetime.datetime(9999, 12, 31, 12),
    None,
    datetime.datetime(1969, 12, 31, 23, 0, 0, 1),
]


def lifted(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function of values that gives nothing when one of them is nothing."""
    return lambda *given: None if None in given else function(*given)


def python_round(value: float) -> float:
    return float(decimal.Decimal(repr(value)).quantize(decimal.Decimal("0.1"), rounding=decimal.ROUND_HALF_UP))


GOOD: list[tuple[str, str, Callable[..., Any]]] = [
    ("a + b * 2 - 1", "ab", lifted(lambda a, b: a + b * 2 - 1)),
    ("-a", "a", lifted(lambda a: -a)),
    ("a / b", "ab", lifted(lambda a, b: a / b)),
    ("a // b", "ab", lifted(lambda a, b: int(a / b))),
    ("a % b", "ab", lifted(lambda a, b: int(math.fmod(a, b)))),
    ("a ** 2", "a", lifted(lambda a: float(a) ** 2)),
    ("abs(a) + sign(a)", "a", lifted(lambda a: abs(a) + (a > 0) - (a < 0))),
    ("greatest(a, b)", "ab", lambda a, b: max(v for v in (a, b) if v is not None)),
    ("case when a > b then 'more' when a < b then 'less' else 'none' end", "ab",
     lambda a, b: "none" if None in (a, b) or a == b else "more" if a > b else "less"),
    ("case a when 5 then 'five' end", "a", lambda a: "five" if a == 5 else None),
    ("if(a > 0, a, b)", "ab", lambda a, b: a if a is not None and a > 0 else b),
    ("coalesce(a, b, 0)", "ab", lambda a, b: a if a is not None else b if b is not None else 0),
    ("ifnull(a, 1)", "a", lambda a: 1 if a is None else a),
    ("nullif(a, 5)", "a", lambda a: None if a == 5 else a),
    ("a is null or b is not null", "ab", lambda a, b: a is None or b is not None),
    ("a is distinct from 5", "a", lambda a: a != 5),
    ("a in (5, 7, 0)", "a", lifted(lambda a: a in (5, 7, 0))),
    ("a not in (5, 7, 0)", "a", lifted(lambda a: a not in (5, 7, 0))),
    ("a between -3 and b", "ab", lambda a, b: False if a is not None and a < -3 else lifted(lambda p, q: -3 <= p <= q)(a, b)),
    ("not (a = 5)", "a", lifted(lambda a: a != 5)),
    ("f * 2.5", "f", lifted(lambda f: f * 2.5)),
    ("round(f / (b / 60.0), 1)", "fb", lifted(lambda f, b: python_round(f / (b / 60.0)))),
    ("floor(f) + ceil(f)", "f", lifted(lambda f: float(math.floor(f) + math.ceil(f)))),
    ("a::double", "a", lifted(float)),
    ("a::varchar", "a", lifted(str)),
    ("cast(f as decimal(38, 3))", "f", lifted(lambda f: decimal.Decimal(repr(f)).quantize(decimal.Decimal("0.001")))),
    ("try_cast(x as int)", "x", lambda x: None),
    ("x || '-' || a", "xa", lifted(lambda x, a: f"{x}-{a}")),
    ("concat(x, a)", "xa", lambda x, a: ("" if x is None else x) + ("" if a is None else str(a))),
    ("concat_ws('/', x, a)", "xa", lambda x, a: "/".join(str(v) for v in (x, a) if v is not None)),
    ("upper(x)", "x", lifted(str.upper)),
    ("lower(x)", "x", lifted(str.lower)),
    ("length(x)", "x", lifted(len)),
    ("substring(x, 2, 3)", "x", lifted(lambda x: x[1:4])),
    ("substring(x from 2 for 3)", "x", lifted(lambda x: x[1:4])),
    ("x[1]", "x", lifted(lambda x: x[:1])),
    ("left(x, 2) || right(x, 2)", "x", lifted(lambda x: x[:2] + x[-2:])),
    ("replace(x, 'a', 'bb')", "x", lifted(lambda x: x.replace("a", "bb"))),
    ("trim(both 'c' from x)", "x", lifted(lambda x: x.strip("c"))),
    ("lpad(x, 3, '*')", "x", lifted(lambda x: x[:3].rjust(3, "*"))),
    ("split_part(x, ', ', 2)", "x", lifted(lambda x: [*x.split(", "), ""][1])),
    ("string_split(x, ',')[1]", "x", lifted(lambda x: x.split(",")[0])),
    ("len(string_split(x, ','))", "x", lifted(lambda x: len(x.split(",")))),
    ("x like '%b_c'", "x", lifted(lambda x: re.fullmatch(".*b.c", x) is not None)),
    ("x like '%!%%' escape '!'", "x", lifted(lambda x: "%" in x)),
    ("x ilike 'äpfel%'", "x", lifted(lambda x: x.lower().startswith("äpfel"))),
    ("x not like '%k'", "x", lifted(lambda x: not x.endswith("k"))),
    ("regexp_matches(x, '^[^a]')", "x", lifted(lambda x: re.search("^[^a]", x) is not None)),
    ("regexp_replace(x, '[aeiou]', '.', 'g')", "x", lifted(lambda x: re.sub("[aeiou]", ".", x))),
    ("regexp_extract(x, '([a-z]+)', 1)", "x", lifted(lambda x: (re.search("([a-z]+)", x) or [""])[0])),
    ("starts_with(x, '👍')", "x", lifted(lambda x: x.startswith("👍"))),
    ("position('ok' in x)", "x", lifted(lambda x: x.find("ok") + 1)),
    ("md5(x)", "x", lifted(lambda x: hashlib.md5(x.encode(), usedforsecurity=False).hexdigest())),
    ("sha256(x)", "x", lifted(lambda x: hashlib.sha256(x.encode()).hexdigest())),
    ("hex(x)", "x", lifted(lambda x: x.encode().hex().upper())),
    ("x < 'b'", "x", lifted(lambda x: x.encode() < b"b")),
    ("year(d) * 10000 + month(d) * 100 + day(d)", "d", lifted(lambda d: d.year * 10000 + d.month * 100 + d.day)),
    ("extract(isodow from d)", "d", lifted(lambda d: d.isoweekday())),
    ("week(d)", "d", lifted(lambda d: d.isocalendar().week)),
    ("date_trunc('month', d)", "d", lifted(lambda d: datetime.datetime(d.year, d.month, 1))),
    ("date_diff('day', date '1970-01-01', d)", "d", lifted(lambda d: (d - datetime.date(1970, 1, 1)).days)),
    ("d >= '2000-01-01'", "d", lifted(lambda d: d >= datetime.date(2000, 1, 1))),
    ("strftime(d, '%d.%m.%Y')", "d", lifted(lambda d: f"{d.day:02}.{d.month:02}.{d.year:04}")),
    ("last_day(make_date(2024, 2, 1))", "", lambda: datetime.date(2024, 2, 29)),
    ("date_trunc('hour', t)", "t", lifted(lambda t: t.replace(minute=0, second=0, microsecond=0))),
    ("t::date", "t", lifted(lambda t: t.date())),
    ("t::time", "t", lifted(lambda t: t.time())),
    ("t - interval 1 minute < t", "t", lifted(lambda t: True)),
    ("epoch_us(t)", "t", lifted(lambda t: (t - datetime.datetime(1970, 1, 1)) // datetime.timedelta(microseconds=1))),
    ("date_part('microsecond', t)", "t", lifted(lambda t: t.second * 1_000_000 + t.microsecond)),
    ("t at time zone 'UTC'", "t", lifted(lambda t: t.replace(tzinfo=UTC))),
    ("dayname(d) || ', ' || monthname(d)", "d", lifted(lambda d: f"{calendar.day_name[d.weekday()]}, {calendar.month_name[d.month]}")),
    ("strptime('29.02.2024', '%d.%m.%Y')", "", lambda: datetime.datetime(2024, 2, 29)),
    ("timestamp '2024-06-01 12:00' at time zone 'Europe/Paris'", "", lambda: datetime.datetime(2024, 6, 1, 10, tzinfo=UTC)),
    ("encode(x)", "x", lifted(lambda x: x.encode())),
    ("'it''s \"quoted\" \\n'", "", lambda: "it's \"quoted\" \\n"),
    ("e'\\t\\n'", "", lambda: "\t\n"),
    ("1.10 + 2.205", "", lambda: decimal.Decimal("3.305")),
    ("99999999999999999999999999999999999999", "", lambda: decimal.Decimal("9" * 38)),
    ("true and null or false", "", lambda: None),
]  # fmt: skip


@pytest.mark.parametrize(("text", "names", "judge"), GOOD, ids=[text for text, _, _ in GOOD])
def test_expressions_give_what_plain_python_gives(text: str, names: str, judge: Callable[..., Any]) -> None:
    columns: dict[str, list[Any]] = {"a": A, "b": B, "f": F, "x": X, "d": D, "t": T}
    given = [columns[name] for name in names]
    assert values(text, **columns) == [judge(*(cells[row] for cells in given)) for row in range(5)]


def test_what_an_expression_names_is_what_it_reads_found_without_regard_to_case() -> None:
    schema = pa.schema(
        [("Dep Delay", pa.int64()), ('my "col"', pa.int64()), ("select", pa.int64()), ("👍", pa.int64()), ("Ä", pa.int64())]
    )
    rows = pa.record_batch([pa.array([10**n]) for n in range(5)], schema=schema)
    expression = Expression('"dep delay" + "my ""COL""" + "SELECT" + 👍 + ä + "Dep delay"')
    assert expression.columns(schema) == ["Dep Delay", 'my "col"', "select", "👍", "Ä"]
    assert expression.over(rows).values.to_pylist() == [11112]


def test_a_name_that_two_columns_have_but_for_case_is_refused_only_where_it_is_used() -> None:
    schema = pa.schema([("a", pa.int64()), ("A", pa.int64()), ("b", pa.int64())])
    rows = pa.record_batch([pa.array([1]), pa.array([2]), pa.array([3])], schema=schema)
    assert Expression("b + 1").over(rows).values.to_pylist() == [4]
    with pytest.raises(UserError, match="“a” and “A”"):
        Expression("a + b").columns(schema)
    with pytest.raises(MissingColumn, match="“nosuch”"):
        Expression("nosuch + b").type_over(schema)


def test_columns_that_are_not_named_do_not_disturb_whatever_their_type() -> None:
    rows = pa.record_batch({"a": pa.array([1]), "n": pa.array([[1]]), "w": pa.array([1], pa.decimal256(60, 0))})
    assert Expression("a * 2").over(rows).values.to_pylist() == [2]
    for name in ("n", "w"):
        with pytest.raises(UserError, match=f"Column “{name}” is .*expressions cannot hold"):
            Expression(f"{name} is null").type_over(rows.schema)


LAST = datetime.datetime(9999, 12, 31, 23, 59, 59, 999_999)
MAX = decimal.Decimal("9" * 28 + "." + "9" * 10)
HELD: list[tuple[pa.DataType, list[Any], pa.DataType]] = [
    (pa.bool_(), [True, False], pa.bool_()),
    *((t, [0, 2 ** (t.bit_width - 1) - 1, -(2 ** (t.bit_width - 1))], t) for t in (pa.int8(), pa.int16(), pa.int32(), pa.int64())),
    *((t, [0, 2**t.bit_width - 1], t) for t in (pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64())),
    (pa.float16(), [1.5, -math.inf], pa.float32()),
    (pa.float32(), [1.5, math.inf, -0.0], pa.float32()),
    (pa.float64(), [0.1, -math.inf, 5e-324, 1.7976931348623157e308], pa.float64()),
    (pa.decimal32(5, 2), [decimal.Decimal("-999.99")], pa.decimal128(5, 2)),
    (pa.decimal64(18, 0), [decimal.Decimal("9" * 18)], pa.decimal128(18, 0)),
    (pa.decimal128(38, 10), [MAX, MAX.copy_negate()], pa.decimal128(38, 10)),
    (pa.decimal256(38, 10), [MAX, MAX.copy_negate()], pa.decimal128(38, 10)),
    (pa.string(), ["", "👍🏽\0é", "x" * 1_000_000], pa.large_string()),
    (pa.large_string(), ["", "👍🏽\0é", "x" * 1_000_000], pa.large_string()),
    (pa.string_view(), ["", "👍🏽\0é"], pa.large_string()),
    (pa.dictionary(pa.int8(), pa.string()), ["a", "b"], pa.large_string()),
    (pa.dictionary(pa.int32(), pa.decimal128(5, 2)), [decimal.Decimal("1.25")], pa.decimal128(5, 2)),
    (pa.binary(), [b"", b"\xff\0"], pa.large_binary()),
    (pa.large_binary(), [b"", b"\xff\0" * 1000], pa.large_binary()),
    (pa.binary_view(), [b"", b"\xff\0"], pa.large_binary()),
    (pa.binary(2), [b"\xff\0"], pa.large_binary()),
    (pa.date32(), [datetime.date(1, 1, 1), datetime.date(9999, 12, 31)], pa.date32()),
    (pa.date64(), [datetime.date(1, 1, 1), datetime.date(9999, 12, 31)], pa.date32()),
    (pa.time32("s"), [datetime.time(23, 59, 59)], pa.time64("us")),
    (pa.time32("ms"), [datetime.time(23, 59, 59, 999_000)], pa.time64("us")),
    (pa.time64("us"), [datetime.time(), datetime.time(23, 59, 59, 999_999)], pa.time64("us")),
    (pa.time64("ns"), [datetime.time(23, 59, 59, 999_999)], pa.time64("ns")),
    (pa.timestamp("s"), [datetime.datetime(1, 1, 1), datetime.datetime(9999, 12, 31, 23, 59, 59)], pa.timestamp("s")),
    (pa.timestamp("ms"), [datetime.datetime(1, 1, 1), datetime.datetime(9999, 12, 31, 23, 59, 59)], pa.timestamp("ms")),
    (pa.timestamp("us"), [datetime.datetime(1, 1, 1), LAST], pa.timestamp("us")),
    (pa.timestamp("s", "Europe/Paris"), [datetime.datetime(2024, 7, 1, tzinfo=UTC)], pa.timestamp("us", "UTC")),
    (pa.timestamp("us", "UTC"), [datetime.datetime(1, 1, 1, tzinfo=UTC), LAST.replace(tzinfo=UTC)], pa.timestamp("us", "UTC")),
    (pa.timestamp("us", "+02:00"), [datetime.datetime(2024, 7, 1, tzinfo=UTC)], pa.timestamp("us", "UTC")),
]  # fmt: skip


@pytest.mark.parametrize(("given_type", "cells", "result"), HELD, ids=[str(held[0]) for held in HELD])
def test_values_of_every_type_go_in_and_come_out_unchanged(
    given_type: pa.DataType, cells: list[Any], result: pa.DataType
) -> None:
    plain = given_type.value_type if pa.types.is_dictionary(given_type) else given_type
    column = pa.array([*cells, None], plain)
    if plain != given_type:
        column = pa.DictionaryArray.from_arrays(pa.array(range(len(column)), given_type.index_type), column)
    rows = pa.record_batch({"v": column})
    for batch in (rows, rows.slice(len(cells)), rows.slice(0, 0)):
        computed = Expression("v").over(batch)
        assert computed.failed is None
        assert computed.values.type == Expression("v").type_over(batch.schema) == result
        assert computed.values.to_pylist() == ([*cells, None] if batch is rows else [None] * batch.num_rows)
    assert math.isnan(Expression("v").over(pa.record_batch({"v": [math.nan]})).values[0].as_py())


def test_nanoseconds_are_not_lost() -> None:
    for data_type, result in (
        (pa.timestamp("ns"), pa.timestamp("ns")),
        (pa.timestamp("ns", "Europe/Paris"), pa.timestamp("ns", "UTC")),
        (pa.time64("ns"), pa.time64("ns")),
    ):
        column = pa.array([1, 86_399_999_999_999], pa.int64()).cast(data_type)
        computed = Expression("v").over(pa.record_batch({"v": column}))
        assert computed.values.type == result
        assert computed.values.cast(pa.int64()).to_pylist() == [1, 86_399_999_999_999]


def test_what_a_column_cannot_be_is_refused_and_says_how_to_mend_it() -> None:
    for text in ("interval 1 day", "string_split(x, ',')", "ts - tz", "1 - 123456789012345678901234567890123456789012"):
        with pytest.raises(UserError, match=r"no column can be.*::TEXT"):
            Expression(text).type_over(SCHEMA)
    assert values("(interval 1 day)::text", a=[1]) == ["1 day"]


def test_an_expression_without_any_value_has_no_type_of_its_own() -> None:
    expression = Expression("null || x")
    assert expression.type_over(SCHEMA) == Expression("null").type_over(SCHEMA) == pa.null()
    assert Expression("null").over(pa.record_batch({"a": [1, 2]})).values.to_pylist() == [None, None]


NUMBER = st.recursive(
    st.sampled_from(["a", "b", "f", "m", "1", "2.5", "null", "length(x)", "year(d)"]),
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from("+-*"), inner),
        st.builds("{}({})".format, st.sampled_from(["abs", "-", "try", "floor"]), inner),
        st.builds("coalesce({}, {})".format, inner, inner),
        st.builds("case when {} > {} then {} else {} end".format, inner, inner, inner, inner),
        st.builds("cast({} as double)".format, inner),
    ),
    max_leaves=6,
)
ANYTHING = st.one_of(
    NUMBER,
    st.builds("({} {} {})".format, NUMBER, st.sampled_from(["<", "<=", "=", "<>", "is distinct from"]), NUMBER),
    st.builds("concat(x, {})".format, NUMBER),
    st.builds("x || ({})::text".format, NUMBER),  # of “-(a)::text” the text would be negated
    st.builds("{} in ({}, {})".format, NUMBER, NUMBER, NUMBER),
    st.builds("{} between {} and {}".format, NUMBER, NUMBER, NUMBER),
)
ROWS = pa.RecordBatch.from_pylist(
    [
        {"a": 3, "b": -2, "f": 0.5, "m": decimal.Decimal("12.34"), "x": "Ä'\"", "d": datetime.date(2024, 2, 29)},
        {"a": 0, "b": None, "f": -1e9, "m": decimal.Decimal("-99999999.99"), "x": "", "d": None},
        {"a": None, "b": 2**31, "f": None, "m": None, "x": None, "d": datetime.date(1, 1, 1)},
    ],
    schema=pa.schema([SCHEMA.field(name) for name in "abfmxd"]),
)


@settings(max_examples=80, deadline=None)
@given(ANYTHING)
def test_any_expression_gives_what_duckdb_gives_for_the_rows_and_the_type_it_promised(text: str) -> None:
    expression = Expression(text)
    promised = expression.type_over(ROWS.schema)
    plain = duckdb.connect()
    plain.register("given", pa.Table.from_batches([ROWS]))
    try:
        judged: list[Any] | None = [row[0] for row in plain.execute(f"SELECT {text} FROM given").fetchall()]
    except duckdb.Error:
        judged = None
    computed = expression.over(ROWS)
    assert computed.values.type == promised
    assert (computed.failed is not None) == (judged is None)
    if judged is not None:
        assert computed.values.to_pylist() == judged
