"""Parts cover a table exactly once, whatever its key is made of: gaps, skew, collations, ties and missing values."""

import datetime as dt
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dtaas_desktop.connectors.sqlserver import SqlServerSource
from dtaas_desktop.domain.plan import Plan, TablePlan, plan_from_json, plan_to_json
from dtaas_desktop.domain.ports import Session
from dtaas_desktop.domain.table import CellPolicy, Part, TableDescription, TableRef
from tests.connectors.sqlserver.world import World

EXAMPLES = settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
WORDS = ["a", "A", "á", "ä", "Z", "z", "ss", "ß", "co-op", "coop", "", "e\u0301", "é", "10", "9", "_", "ñ", "æ", "ø"]


@dataclass(frozen=True)
class Key:
    """The columns of a key with their types, how values of it are drawn, and how it is declared."""

    columns: Sequence[str]
    values: st.SearchStrategy[tuple[object, ...]]
    declared: str = "PRIMARY KEY CLUSTERED"
    unique: bool = True


def one(column: str, values: st.SearchStrategy[object], **more: object) -> Key:
    return Key([column], values.map(lambda value: (value,)), **more)  # type: ignore[arg-type]


skewed = st.one_of(st.integers(0, 30), st.integers(10**6, 10**6 + 20), st.integers(-(2**31), 2**31 - 1))
words = st.lists(st.sampled_from(WORDS), min_size=0, max_size=4).map("".join)
KEYS = {
    "int": one("int", skewed),
    "bigint": one("bigint", st.one_of(st.sampled_from([-(2**63), 2**63 - 1, 0]), st.integers(-(2**63), 2**63 - 1))),
    "smallint": one("smallint", st.integers(-(2**15), 2**15 - 1)),
    "decimal": one("decimal(20,3)", st.decimals(-(10**15), 10**15, places=3, allow_nan=False)),
    "money": one("money", st.decimals(-100, 100, places=4, allow_nan=False)),
    "date": one("date", st.dates()),
    "datetime2(7)": one("datetime2(7)", st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2100, 1, 1))),
    "datetime": one(
        "datetime", st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2100, 1, 1)).map(lambda at: at.replace(microsecond=0))
    ),
    "smalldatetime": one(
        "smalldatetime",
        st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2079, 6, 6)).map(lambda at: at.replace(second=0, microsecond=0)),
    ),
    "datetimeoffset": one(
        "datetimeoffset(7)",
        st.builds(
            lambda at, minutes: (
                f"{at:%Y-%m-%dT%H:%M:%S}.1234567{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
            ),
            st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2100, 1, 1)),
            st.integers(-840, 840),
        ),
    ),
    "varchar, UTF-8": one("varchar(60) COLLATE Latin1_General_100_CI_AS_SC_UTF8", words),
    "nvarchar, by case": one("nvarchar(20) COLLATE Latin1_General_CS_AS", words),
    "uniqueidentifier": one("uniqueidentifier", st.uuids().map(str)),
    "varbinary": one("varbinary(10)", st.binary(min_size=1, max_size=10)),
    "nvarchar": one("nvarchar(20)", words),
    "nvarchar, binary": one("nvarchar(20) COLLATE Latin1_General_BIN2", words),
    "nvarchar, any character": one(
        "nvarchar(20) COLLATE Latin1_General_BIN2", st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
    ),
    "varchar": one(
        "varchar(20) COLLATE Latin1_General_CI_AS", st.lists(st.sampled_from("abcABC é ßÿ€-_1"), max_size=6).map("".join)
    ),
    "char": one("char(3)", st.text("abAB ", max_size=3)),
    "composite": Key(["int", "nvarchar(10)"], st.tuples(st.integers(-3, 3), words.map(lambda word: word[:10]))),
    "composite, one leading value": Key(["int", "date", "int"], st.tuples(st.just(7), st.dates(), st.integers(0, 3))),
    "clustered, not unique": one("int", st.sampled_from([1, 1, 1, 2, 3, 500]), declared="CLUSTERED", unique=False),
    "clustered, with nothing": one("int NULL", st.one_of(st.none(), st.integers(-5, 50)), declared="CLUSTERED", unique=False),
    "unique, on a heap": one("int", skewed, declared="UNIQUE NONCLUSTERED"),
    "unique, with nothing": one("int NULL", st.one_of(st.none(), st.integers(-100, 100)), declared="UNIQUE NONCLUSTERED"),
}


def table_of(world: World, key: Key, rows: Sequence[tuple[object, ...]]) -> TableRef:
    """Rows numbered by a last column; those that the server takes for the same key are left out by the server's own word."""
    name = f"t{uuid.uuid4().hex[:10]}"
    names = [f"k{number}" for number in range(len(key.columns))]
    columns = ", ".join(
        f"{name} {declared}{'' if 'NULL' in declared else ' NOT NULL'}" for name, declared in zip(names, key.columns, strict=True)
    )
    listed = ", ".join(names)
    if key.unique:
        end = f", {key.declared} ({listed})"
        world.run(f"CREATE TABLE {world.name(name)} ({columns}, n int NOT NULL{end})")
    else:
        world.run(f"CREATE TABLE {world.name(name)} ({columns}, n int NOT NULL)")
        world.run(f"CREATE {key.declared} INDEX [i] ON {world.name(name)} ({listed})")
    import pyodbc

    marks = ", ".join("CAST(? AS varbinary(10))" if "binary" in declared else "?" for declared in key.columns)
    with world.connection() as connection:
        for number, row in enumerate(rows):
            try:
                connection.execute(f"INSERT INTO {world.name(name)} VALUES ({marks}, ?)", (*row, number))
            except pyodbc.IntegrityError:
                continue
    return world.ref(name)


def numbers(session: Session, table: TableDescription, part: Part) -> list[int]:
    with session.read(table, part, columns=["n"], cells=CellPolicy()) as stream:
        return list(pa.Table.from_batches([rows.batch for rows in stream], stream.schema).column("n").to_pylist())


def all_numbers(world: World, ref: TableRef) -> list[int]:
    return sorted(row[0] for row in world.rows(f"SELECT n FROM {world.name(ref.name)}"))


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
@EXAMPLES
@given(st.data())
def test_parts_are_the_table_exactly_once(sql_server: World, key: Key, data: st.DataObject) -> None:
    rows = data.draw(st.lists(key.values, max_size=40, unique=key.unique))
    wanted = data.draw(st.sampled_from([1, 2, 3, 5, 8, 64]))
    ref = table_of(sql_server, key, rows)
    source = sql_server.source()
    table = source.describe(ref)
    parts = source.split(table, wanted, exact=False)
    assert 1 <= len(parts) <= wanted
    assert stored(table, parts) == tuple(parts)
    with source.session([ref], exact=False) as session:
        found = [number for part in parts for number in numbers(session, table, part)]
    assert Counter(found) == Counter(all_numbers(sql_server, ref))


def stored(table: TableDescription, parts: Sequence[Part]) -> tuple[Part, ...]:
    """The parts after a day in the metadata."""
    planned = TablePlan("c", table.table, table.schema, tuple(table.schema.names), table.key, tuple(parts), ())
    return plan_from_json(plan_to_json(Plan("id", "task", "hash", False, (planned,)))).tables[0].parts


@pytest.mark.parametrize("name", ["int", "uniqueidentifier", "nvarchar", "composite, one leading value"])
def test_a_reading_stopped_at_any_border_is_gone_on_with_exactly(sql_server: World, name: str) -> None:
    rows: dict[str, list[tuple[object, ...]]] = {
        "int": [(number * number,) for number in range(60)],
        "uniqueidentifier": [(str(uuid.UUID(int=number * 2**100 + number)),) for number in range(60)],
        "nvarchar": [(f"{WORDS[number % 19]}{number}",) for number in range(60)],
        "composite, one leading value": [(7, dt.date(2024, 1, 1 + number % 28), number) for number in range(60)],
    }
    ref = table_of(sql_server, KEYS[name], rows[name])
    source = sql_server.source()
    table = source.describe(ref)
    parts = source.split(table, 6, exact=False)
    assert len(parts) == 6
    whole = all_numbers(sql_server, ref)
    for stop in range(len(parts) + 1):
        with source.session([ref], exact=False) as session:
            before = [number for part in parts[:stop] for number in numbers(session, table, part)]
        later = sql_server.source()
        with later.session([ref], exact=False) as session:
            after = [number for part in stored(table, parts)[stop:] for number in numbers(session, later.describe(ref), part)]
        assert sorted([*before, *after]) == whole


def sizes(world: World, source: SqlServerSource, ref: TableRef, wanted: int) -> list[int]:
    table = source.describe(ref)
    with source.session([ref], exact=False) as session:
        return [len(numbers(session, table, part)) for part in source.split(table, wanted, exact=False)]


def test_parts_are_of_like_size_whatever_the_gaps(sql_server: World) -> None:
    rows = [(number if number < 900 else 10**9 + number * 1000,) for number in range(1000)]
    ref = table_of(sql_server, KEYS["int"], rows)
    found = sizes(sql_server, sql_server.source(), ref, 10)
    assert len(found) == 10
    assert max(found) <= 110


def test_one_leading_value_is_cut_by_the_columns_after_it(sql_server: World) -> None:
    rows = [(7, dt.date(2024, 1, 1), number) for number in range(200)]
    ref = table_of(sql_server, KEYS["composite, one leading value"], rows)
    found = sizes(sql_server, sql_server.source(), ref, 4)
    assert found == [50, 50, 50, 50]


def test_a_table_without_a_key_is_one_part(sql_server: World) -> None:
    name = f"t{uuid.uuid4().hex[:10]}"
    sql_server.run(f"CREATE TABLE {sql_server.name(name)} (n int NOT NULL, x float)")
    sql_server.insert(name, [(number, Decimal(number)) for number in range(20)])
    source = sql_server.source()
    table = source.describe(sql_server.ref(name))
    assert [part.by for part in source.split(table, 5, exact=False)] == [()]
    assert any("no key" in note for note in table.notes)


def test_a_sampled_table_is_cut_into_like_parts(sql_server: World) -> None:
    if sql_server.stand_in is None:
        pytest.skip("it would take too long to fill a table of a real server")
    name = f"t{uuid.uuid4().hex[:10]}"
    sql_server.run(f"CREATE TABLE {sql_server.name(name)} (id int NOT NULL PRIMARY KEY, n int NOT NULL)")
    ids = pa.array([number * 3 if number < 50_000 else 10**8 + number for number in range(80_000)], pa.int32())
    rows = pa.table({"id": ids, "n": pa.array(range(80_000), pa.int32())})
    sql_server.stand_in.control.load(f"{sql_server.schema}.{name}", rows, database=sql_server.settings.database)
    found = sizes(sql_server, sql_server.source(), sql_server.ref(name), 8)
    assert len(found) == 8
    assert sum(found) == 80_000
    assert max(found) < 20_000
