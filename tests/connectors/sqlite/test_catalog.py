"""What a database holds, under whatever names and declarations."""

import sqlite3
from pathlib import Path

import pyarrow as pa
import pytest

from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.table import CellPolicy, Part, TableDescription, TableRef
from tests.connectors.sqlite.databases import database, rows_of, source_of
from tests.contracts.source_contract import read_part

NAMES = [
    "two words",
    'quo"te',
    "back`tick",
    "[brackets]",
    "semi;colon",
    "order",
    "SELECT",
    "emoji 😀",
    "ünïcödé",
    "a.b",
    "a/b",
    "x" * 200,
    "'single'",
    "new\nline",
    "%",
    "_",
    "-- no",
    "0",
    "NULL",
    " leading",
    "rowid",
    "r",
    "id",
    "c0",
    "numbers",
    "table\ttab",
    "$1",
    "?",
    ":a",
]


def contents(path: Path, name: str, query: str = "") -> tuple[TableDescription, pa.Table]:
    source = source_of(path)
    table = source.describe(TableRef(name, query=query))
    with source.session([table.table], exact=True) as session:
        return table, read_part(session, table, Part("0"))


@pytest.mark.parametrize("name", NAMES)
def test_absurd_names_of_tables_and_columns(tmp_path: Path, name: str) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    path = database(
        tmp_path / "names é 😀 #%3f?.db" if name == "?" else tmp_path / "names.db",
        f"CREATE TABLE {quoted} (k INTEGER PRIMARY KEY, {quoted} TEXT, b BLOB)".replace("(k ", "(kk " if name == "k" else "(k "),
        f"INSERT INTO {quoted} VALUES (1, 'one', x'00'), (2, 2.5, NULL)",
        f"CREATE VIEW {('v ' + name).join(['[', ']']) if ']' not in name else 'v'} AS SELECT * FROM {quoted}",
    )
    source = source_of(path)
    assert TableRef(name) in source.tables()
    table, found = contents(path, name)
    assert [column.name for column in table.columns] == ["k", name, "b"]
    assert found.column(1).to_pylist() == ["one", "2.5"]
    assert contents(path, f"v {name}" if "]" not in name else "v")[1].column(1).to_pylist() == ["one", "2.5"]
    assert contents(path, "q", f"SELECT * FROM {quoted}")[1].column(1).to_pylist() == ["one", "2.5"]


@pytest.mark.parametrize("taken", [["rowid"], ["_rowid_", "OID"], ["rowid", "_ROWID_", "oid"]])
@pytest.mark.parametrize("key", ["", "k INTEGER PRIMARY KEY, "])
def test_columns_named_like_the_rowid_do_not_hide_it(tmp_path: Path, taken: list[str], key: str) -> None:
    columns = ", ".join(f"{name} TEXT" for name in taken)
    names = ", ".join(taken)
    path = database(
        tmp_path / "rowid.db",
        f"CREATE TABLE t ({key}{columns}, n INTEGER)",
        rows=[
            (
                f"INSERT INTO t ({names}, n) VALUES ({', '.join('?' * len(taken))}, ?)",
                [("same",) * len(taken) + (n,) for n in range(900)],
            )
        ],
    )
    source = source_of(path)
    table = source.describe(TableRef("t"))
    parts = source.split(table, 3, exact=True)
    assert len(parts) == (1 if len(taken) == 3 and not key else 3)
    with source.session([table.table], exact=True) as session:
        found = pa.concat_tables([read_part(session, table, part) for part in parts])
    assert sorted(found.column("n").to_pylist()) == list(range(900))


def test_keys_in_their_own_order_and_which_may_be_null(tmp_path: Path) -> None:
    path = database(
        tmp_path / "keys.db",
        "CREATE TABLE two (a TEXT, b TEXT NOT NULL, c INTEGER, PRIMARY KEY (c, b))",
        "CREATE TABLE one (a INTEGER PRIMARY KEY, b)",
        "CREATE TABLE other (a INT PRIMARY KEY)",
        "CREATE TABLE backwards (a INTEGER PRIMARY KEY DESC)",
        "CREATE TABLE without (a TEXT, b TEXT, PRIMARY KEY (b, a)) WITHOUT ROWID",
        "CREATE TABLE strict (a TEXT, b INTEGER NOT NULL, c ANY, PRIMARY KEY (a)) STRICT",
        "CREATE TABLE none (a)",
    )
    source = source_of(path)
    tables = {ref.name: source.describe(ref) for ref in source.tables()}
    assert {name: table.key for name, table in tables.items()} == {
        "two": ("c", "b"),
        "one": ("a",),
        "other": ("a",),
        "backwards": ("a",),
        "without": ("b", "a"),
        "strict": ("a",),
        "none": (),
    }
    noted = {name for name, table in tables.items() if any("may hold NULL" in note for note in table.notes)}
    assert noted == {"two", "other", "backwards"}
    never_null = {(name, c.name) for name, table in tables.items() for c in table.columns if not c.nullable}
    assert never_null == {("one", "a"), ("strict", "b")}
    stable = {name for name, table in tables.items() if len(source.split(table, 2, exact=False)) > 1}
    assert stable <= {"one"}


def test_internal_tables_are_hidden_and_virtual_ones_are_read(tmp_path: Path) -> None:
    path = database(
        tmp_path / "virtual.db",
        "CREATE TABLE a (n INTEGER PRIMARY KEY AUTOINCREMENT)",
        "INSERT INTO a VALUES (5)",
        "CREATE VIRTUAL TABLE words USING fts5(title, body)",
        "INSERT INTO words VALUES ('one', 'some text'), ('two', 'more text')",
        "CREATE VIRTUAL TABLE places USING rtree(id, low, high)",
        "INSERT INTO places VALUES (1, 2.5, 3.5)",
        "ANALYZE",
    )
    assert [ref.name for ref in source_of(path).tables()] == ["a", "places", "words"]
    assert contents(path, "words")[1].to_pylist() == [
        {"title": "one", "body": "some text"},
        {"title": "two", "body": "more text"},
    ]
    assert contents(path, "places")[1].to_pylist() == [{"id": 1, "low": 2.5, "high": 3.5}]


def test_generated_columns_are_read_like_others(tmp_path: Path) -> None:
    path = database(
        tmp_path / "generated.db",
        "CREATE TABLE t (a INTEGER, b INTEGER GENERATED ALWAYS AS (a * 2) STORED, c TEXT AS (a || '!') VIRTUAL)",
        "INSERT INTO t (a) VALUES (1), (2)",
    )
    assert contents(path, "t")[1].to_pylist() == [{"a": 1, "b": 2, "c": "1!"}, {"a": 2, "b": 4, "c": "2!"}]


@pytest.mark.parametrize("kind", ["", "INTEGER", "TEXT", "BLOB"])
def test_two_thousand_columns(tmp_path: Path, kind: str) -> None:
    path = database(
        tmp_path / "wide.db",
        f"CREATE TABLE wide ({', '.join(f'c{number} {kind}' for number in range(2000))})",
        rows=[("INSERT INTO wide (c0, c1, c1999) VALUES (?, ?, ?)", [(n, b"blob", "text") for n in range(50)])],
    )
    source = source_of(path)
    table = source.describe(TableRef("wide"))
    assert len(table.columns) == 2000
    assert len(table.notes) <= 4
    rows = rows_of(source, table.table, CellPolicy(misfit="null"))
    assert sum(part.batch.num_rows for part in rows) == 50
    assert sum(part.nulled for part in rows) == {"": 0, "INTEGER": 100, "TEXT": 50, "BLOB": 50}[kind]


def test_a_view_too_wide_to_be_read_exactly_is_refused_with_a_way_out(tmp_path: Path) -> None:
    names = [f"c{number}" for number in range(600)]
    path = database(tmp_path / "wide.db", f"CREATE TABLE t ({', '.join(names)})", "CREATE VIEW v AS SELECT * FROM t")
    with pytest.raises(UserError, match="600 columns") as caught:
        contents(path, "v")
    assert "fewer columns" in caught.value.remedy


def test_estimates_are_near_and_cheap(tmp_path: Path) -> None:
    path = database(
        tmp_path / "many.db",
        "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT)",
        rows=[("INSERT INTO t VALUES (?, 'some text')", [(number * number,) for number in range(20_000)])],
    )
    table, _ = contents(path, "t")
    assert table.rows_estimate == 20000
    assert table.bytes_estimate is not None
    assert 200_000 < table.bytes_estimate < 600_000
    assert contents(path, "q", "SELECT * FROM t")[0].rows_estimate is None


def test_queries_with_the_same_name_twice(tmp_path: Path) -> None:
    path = database(tmp_path / "q.db", "CREATE TABLE t (a INTEGER)", "INSERT INTO t VALUES (7)")
    _, found = contents(path, "q", 'SELECT a, a, a + 1, a AS "a:1", count(*) OVER () AS n FROM t')
    assert list(found.to_pylist()[0].values()) == [7, 7, 8, 7, 1]
    assert len(set(found.schema.names)) == 5


def test_a_database_in_utf_16(tmp_path: Path) -> None:
    path = database(
        tmp_path / "wide characters.db",
        "PRAGMA encoding = 'UTF-16le'",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b)",
        "INSERT INTO t VALUES (1, 'añ😀', 'añ😀'), (2, x'ff', x'00'), (3, 5, 2.5)",
    )
    with pytest.raises(UserError, match="id = 2"):
        contents(path, "t")
    _, found = contents(path, "q", "SELECT a, b FROM t WHERE id <> 2")
    assert found.to_pylist() == [{"a": "añ😀", "b": "añ😀"}, {"a": "5", "b": "2.5"}]
    _, found = contents(path, "q", "SELECT b FROM t ORDER BY id")
    assert found.column("b").to_pylist() == ["añ😀".encode(), b"\0", b"2.5"]


def test_types_changed_behind_sqlites_back_are_seen(tmp_path: Path) -> None:
    path = database(
        tmp_path / "t.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, a)", "INSERT INTO t VALUES (1, 2.123456789012), (2, 'x')"
    )
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA writable_schema = 1")
    connection.execute("UPDATE sqlite_schema SET sql = 'CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)'")
    connection.close()
    assert contents(path, "t")[1].column("a").to_pylist() == ["2.123456789012", "x"]
