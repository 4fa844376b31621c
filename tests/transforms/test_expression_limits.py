"""What user expressions may not hold, and where they run."""

import os
import pickle
import re
import subprocess
import sys
import threading

import duckdb
import pyarrow as pa
import pytest

from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.transforms.expression import Expression
from dtaas_desktop.transforms.expression.allowed import FUNCTIONS
from dtaas_desktop.transforms.expression.database import database

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

HOSTILE = [
    *("", "   ", ";", "a;", "a; select 2", "a; drop table t", "select a", "a, b", "a as y", "a y", "*", "a.*", "columns(*)"),
    *("(select 1)", "a in (select 1)", "exists (select 1)", "array(select 1)", "(table t)", "(values (1))", "a = any([1])"),
    *("a from t", "a from t --", "a from t /*", "a -- and nothing else", "a /* b */", "a from read_csv('/etc/passwd')"),
    *(
        "distinct a",
        "a limit 1",
        "a order by b",
        "a where true",
        "a group by a",
        "a union select 1",
        "a using sample 1",
        "a into t",
    ),
    *("copy (select 1) to '/tmp/x'", "attach 'x.db'", "pragma version", "with q as (select 1) select a", "set threads = 4"),
    *("read_csv('/etc/passwd')", "read_text('/etc/passwd')", "glob('*')", "getenv('HOME')", "current_setting('TimeZone')"),
    *("list_transform([1], z -> z + 1)", "list_transform([1], lambda z: z + 1)", "[z for z in [1]]", "lambda z: z", "z -> z"),
    *("sum(a)", "count(*)", "min(a)", "first(a)", "sum(distinct a)", "sum(a) over ()", "row_number() over (order by a)"),
    *("?", "$1", "$name", "#1", "default", "t.a", "x.y.z", "unnest([1, 2])", "grouping(a)", "struct_pack(k := a)", "{'k': a}"),
    *("random()", "now()", "current_date", "current_timestamp", "current_time", "localtimestamp", "today()", "age(ts)", "uuid()"),
    *(
        "nextval('s')",
        "currval('s')",
        "version()",
        "user",
        "current_user",
        "current_schema()",
        "txid_current()",
        "getvariable('v')",
    ),
    *(
        "error('x')",
        "sleep_ms(1)",
        "write_log('x')",
        "setseed(0.5)",
        "stats(a)",
        "hash(a)",
        "query('select 1')",
        "in_search_path('a', 'b')",
    ),
    *(
        "json_serialize_sql('select 1')",
        "json_execute_serialized_sql('x')",
        "pg_catalog.upper(x)",
        "main.upper(x)",
        "list_sum([1])",
    ),
    *("a::mood", "a::int[]", "x::json", "x::struct(k int)", "x collate nocase", "x COLLATE de", "round(f, precision := 2)"),
    *("a +", "(a", "a)", "'open", '"open', "a b c", "1 = 1 = 1", "case a", "cast(a as)", "x'1'", "e'\\xff'", "a\0", "'\ud800'"),
    *(
        "(" * 1000 + "a" + ")" * 1000,
        "(" * 4999 + "a" + ")" * 4999,
        "- " * 4999 + "a",
        "a" + "+a" * 4999,
        "abs(" * 2000 + "a" + ")" * 2000,
    ),
    *("[" * 4999 + "]" * 4999, "case when o then " * 400 + "a" + " end" * 400, "x" + "[1]" * 3000, "not " * 2400 + "o"),
    *("uper(x)", "upper()", "upper(x, x)", "o + 1", "d + d", "regexp_matches(x, '(')", "x + 1 + d", "upper(x) + b * d"),
    *("interval 1 day", "d - ts", "string_split(x, ',')", "[a, b]", "123456789" * 6, "a = 'x' = b"),
]


@pytest.mark.parametrize("text", HOSTILE, ids=[f"{number} {ascii(text)[:40]}" for number, text in enumerate(HOSTILE)])
def test_whatever_is_no_plain_expression_of_one_row_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(UserError) as refused:
        Expression(text).type_over(SCHEMA)
    message = str(refused.value)
    assert message.endswith(".")
    assert "\n" not in message
    assert len(message) < 600
    assert not re.search(r"LINE 1|\^\^|[A-Z][a-z]+ Error|TRY\(|column_[0-9]", message)


def test_a_trailing_comment_cannot_hide_what_stands_behind_the_expression() -> None:
    for text in ("a from t --", "a from t -- \n", "a--", "a /* from t */"):
        with pytest.raises(UserError, match="comment"):
            Expression(text)
    rows = pa.record_batch({"x": ["a"]})
    assert Expression("x || ' -- none; /* at all */'").over(rows).values.to_pylist() == ["a -- none; /* at all */"]


def test_a_column_may_have_the_name_of_a_clock_and_is_then_meant() -> None:
    schema = pa.schema([("current_date", pa.int64()), ("user", pa.large_string())])
    rows = pa.record_batch([pa.array([7]), pa.array(["u"], pa.large_string())], schema=schema)
    assert Expression("current_date + 1").over(rows).values.to_pylist() == [8]
    assert Expression("user || '!'").over(rows).values.to_pylist() == ["u!"]


def test_the_connection_reaches_no_file_and_its_settings_are_fixed() -> None:
    connection = database().connection
    for sql in (
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "COPY (SELECT 1) TO '/tmp/never'",
        "ATTACH '/tmp/never.db'",
        "LOAD httpfs",
        "INSTALL httpfs",
        "SET enable_external_access = true",
        "SET lock_configuration = false",
        "SET TimeZone = 'Asia/Tokyo'",
    ):
        with pytest.raises(duckdb.Error):
            connection.execute(sql).fetchall()


def test_every_allowed_function_is_one_of_scalars_that_duckdb_calls_consistent() -> None:
    listed = duckdb.connect().execute("SELECT function_name, function_type, stability FROM duckdb_functions()").fetchall()
    kinds: dict[str, set[tuple[str, str | None]]] = {}
    for name, kind, stability in listed:
        kinds.setdefault(name, set()).add((kind, stability))
    in_the_grammar = {"~"} - kinds.keys()
    for name in FUNCTIONS - in_the_grammar:
        of_name = {kind for kind in kinds[name] if kind[0] in ("scalar", "macro")}
        assert of_name <= {("scalar", "CONSISTENT"), ("macro", None)}, name
        assert of_name, name


def test_threads_compute_side_by_side_each_with_a_connection_of_its_own() -> None:
    expression = Expression("a * 2 + length(x)")
    rows = pa.record_batch({"a": list(range(5000)), "x": ["abc"] * 5000})
    given_back: list[list[int]] = []
    connections = set()

    def work() -> None:
        given_back.extend(expression.over(rows).values.to_pylist() for _ in range(5))
        connections.add(id(database()))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert given_back == [[2 * n + 3 for n in range(5000)]] * 15
    assert id(database()) not in connections


def test_more_expressions_than_a_connection_keeps_still_work() -> None:
    rows = pa.record_batch({"a": [1]})
    first = Expression("a + 0")
    assert [Expression(f"a + {n}").over(rows).values[0].as_py() for n in range(300)] == [n + 1 for n in range(300)]
    assert first.over(rows).values.to_pylist() == [1]


def test_an_expression_can_go_to_another_process() -> None:
    expression = pickle.loads(pickle.dumps(Expression("a + 1")))
    assert expression.over(pa.record_batch({"a": [1]})).values.to_pylist() == [2]


def test_time_zone_and_language_of_the_machine_do_not_matter() -> None:
    program = (
        "import pyarrow as pa\n"
        "from dtaas_desktop.transforms.expression import Expression\n"
        "rows = pa.record_batch({'s': ['2024-07-01 00:30'], 'n': [1234567.5]})\n"
        "for text in ('s::timestamptz', \"strftime(s::timestamptz, '%A %d %B %H %Z')\", 'hour(s::timestamptz)', 'n::text',\n"
        '             "date_trunc(\'day\', s::timestamptz)::text", "s::timestamptz::timestamp::text", "printf(\'%.1f\', n)"):\n'
        "    print(Expression(text).over(rows).values.to_pylist()[0])\n"
    )
    outputs = []
    for zone, language in (("Asia/Tokyo", "th_TH.UTF-8"), ("America/New_York", "de_DE.UTF-8")):
        surroundings = {**os.environ, "TZ": zone, "LC_ALL": language, "LANG": language}
        ended = subprocess.run([sys.executable, "-c", program], env=surroundings, capture_output=True, text=True, check=True)
        assert ended.stderr == ""
        outputs.append(ended.stdout.splitlines())
    assert outputs[0] == outputs[1]
    assert outputs[0][0].startswith("2024-07-01 00:30:00+00:00")
    assert outputs[0][1:4] == ["Monday 01 July 00 UTC", "0", "1234567.5"]
