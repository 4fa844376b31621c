"""Tasks without change capture: new rows found by a column that grows, exactly as far as such a column can tell."""

from decimal import Decimal

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtaas_desktop.connectors.sqlserver.incremental import Growth, _number, _sortable
from dtaas_desktop.connectors.sqlserver.relations import StoredColumn
from dtaas_desktop.domain.changes import Changes
from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.events import Notice, TablePublished
from dtaas_desktop.domain.task import TaskOptions
from tests.connectors.sqlserver.runs import Office
from tests.connectors.sqlserver.world import World

INCREMENTAL = TaskOptions(transfer="incremental")


def task_of(desk: Office, name: str, mode: str, **source: object) -> str:
    return desk.task(
        {"tables": [f"{desk.world.schema}.{name}"]} | source,
        [{"connection": "duck", "name": "t", "write_mode": mode}],
        INCREMENTAL,
    )


def target(desk: Office, columns: str = "*") -> list[tuple[object, ...]]:
    with duckdb.connect(str(desk.duckdb), read_only=True) as connection:
        return connection.execute(f"SELECT {columns} FROM t ORDER BY 1, 2").fetchall()


def read(desk: Office) -> int:
    """Rows that the last run read."""
    return sum(event.counts.read for event in desk.events if isinstance(event, TablePublished))


def test_a_rowversion_finds_what_is_new_and_what_was_changed(desk: Office, sql_server: World, name: str) -> None:
    table = sql_server.name(name)
    sql_server.run(
        f"CREATE TABLE {table} (id int NOT NULL PRIMARY KEY, t nvarchar(20), v rowversion)",
        f"INSERT INTO {table} (id, t) VALUES (1, N'one'), (2, N'two'), (3, N'three')",
    )
    task = task_of(desk, name, "mirror", follow_column="v")
    assert desk.run(task).state == "done"
    assert target(desk, "id, t") == [(1, "one"), (2, "two"), (3, "three")]
    assert any(isinstance(event, Notice) and "deleted rows are not seen" in event.message for event in desk.events)
    assert desk.run(task).state == "done"
    assert read(desk) == 0
    sql_server.run(
        f"UPDATE {table} SET t = N'zwei' WHERE id = 2",
        f"INSERT INTO {table} (id, t) VALUES (4, N'four')",
        f"DELETE FROM {table} WHERE id = 1",
    )
    assert desk.run(task).state == "done"
    assert read(desk) == 2
    assert target(desk, "id, t") == [(1, "one"), (2, "zwei"), (3, "three"), (4, "four")]
    assert desk.run(task, reload=[f"{sql_server.schema}.{name}"]).state == "done"
    assert target(desk, "id, t") == [(2, "zwei"), (3, "three"), (4, "four")]


def test_dates_look_back_for_rows_that_arrive_late(desk: Office, sql_server: World, name: str) -> None:
    table = sql_server.name(name)
    sql_server.run(f"CREATE TABLE {table} (id int NOT NULL PRIMARY KEY, at datetime2(3) NULL)")
    sql_server.insert(name, [(1, "2024-01-31T12:00:00.123"), (2, "2024-01-31T18:00:00"), (3, None)])
    task = task_of(desk, name, "mirror", follow_column="at", look_back=2)
    assert desk.run(task).state == "done"
    sql_server.insert(name, [(4, "2024-01-31T16:30:00"), (5, "2024-01-31T12:00:00"), (6, "2024-02-01T00:00:00")])
    assert desk.run(task).state == "done"
    assert [row[0] for row in target(desk)] == [1, 2, 3, 4, 6], "5 came more than two hours late"


@pytest.mark.parametrize("declared", ["int", "decimal(20,4)", "date", "datetime", "datetimeoffset(7)", "int UNIQUE"])
def test_appended_rows_come_once(desk: Office, sql_server: World, name: str, declared: str) -> None:
    """Those with the newest value wait for a later one, unless no other row can get it."""
    table = sql_server.name(name)
    unique = declared.endswith("UNIQUE")

    def value(number: int) -> str:
        return str(number * 7 - 20) if declared[:3] in ("int", "dec") else f"CAST('2024-01-{number + 1:02d}' AS {declared})"

    column = f"g {declared.removesuffix('UNIQUE')} NOT NULL{' UNIQUE' if unique else ''}"
    sql_server.run(f"CREATE TABLE {table} (id int NOT NULL PRIMARY KEY, {column})")
    task = task_of(desk, name, "append", follow_column="g")
    there = 0
    for upto in (0, 3, 3, 7):
        sql_server.run(*(f"INSERT INTO {table} VALUES ({number}, {value(number)})" for number in range(there, upto)))
        there = upto
        assert desk.run(task).state == "done"
        assert [row[0] for row in target(desk)] == list(range(upto if unique else max(0, upto - 1)))
    if not unique:
        sql_server.run(f"INSERT INTO {table} VALUES (100, {value(6)})", f"INSERT INTO {table} VALUES (101, {value(9)})")
        assert desk.run(task).state == "done"
        assert [row[0] for row in target(desk)] == [*range(7), 100]


@pytest.mark.parametrize(
    ("source", "mode", "said"),
    [
        ({"follow_column": "v"}, "replace", "cannot be written with “replace”"),
        ({"follow_column": "v"}, "history", "cannot be written with “history”"),
        ({"follow_column": "nothing"}, "mirror", "no column “nothing”"),
        ({"follow_column": "t"}, "mirror", "cannot be found by it"),
        ({"follow_column": "id", "look_back": 1}, "append", "would be appended again"),
        ({}, "mirror", "no column says what is new"),
    ],
)
def test_what_cannot_be_followed_is_refused(
    desk: Office, sql_server: World, name: str, source: dict[str, object], mode: str, said: str
) -> None:
    sql_server.run(f"CREATE TABLE {sql_server.name(name)} (id int NOT NULL PRIMARY KEY, t nvarchar(20), v rowversion)")
    with pytest.raises(UserError) as caught:
        desk.run(task_of(desk, name, mode, **source))
    assert said in caught.value.message
    assert caught.value.remedy


@given(st.lists(st.decimals(-(10**34), 10**34, places=4, allow_nan=False), min_size=2, max_size=10))
def test_positions_of_numbers_compare_like_the_numbers(numbers: list[Decimal]) -> None:
    assert sorted(numbers) == [Decimal(_number(text)) for text in sorted(map(_sortable, numbers))]


def test_a_look_back_is_worked_out_by_the_server() -> None:
    growth = Growth(StoredColumn("at", "datetime2", scale=3), 1.5)
    assert "DATEADD(second, -5400, CAST(" in growth.condition(Changes("2024-01-31T12:00:00", "2024-02-01T00:00:00"))
    growth = Growth(StoredColumn("n", "int"), 10)
    assert "r.[n] >= 5 - 10" in growth.condition(Changes(_sortable(Decimal(5)), _sortable(Decimal(9))))
