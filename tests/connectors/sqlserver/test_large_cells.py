"""Cells of any size: sized before they are read, never cut, fetched one by one where they are few."""

import uuid

import pyarrow as pa
import pytest

from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.table import CellPolicy, Part, TableRef
from tests.connectors.sqlserver.world import World

MB = 1024 * 1024


def table_of(world: World, rows: list[tuple[int, str | None, bytes | None]], *, key: bool = True) -> TableRef:
    name = f"t{uuid.uuid4().hex[:10]}"
    constraint = " PRIMARY KEY" if key else ""
    world.run(f"CREATE TABLE {world.name(name)} (id int NOT NULL{constraint}, text nvarchar(max), data varbinary(max))")
    with world.connection() as connection:
        for row in rows:
            connection.execute(f"INSERT INTO {world.name(name)} VALUES (?, ?, CAST(? AS varbinary(max)))", row)
    return world.ref(name)


def read(world: World, ref: TableRef, cells: CellPolicy | None = None) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """Rows by key, and rejected rows."""
    source = world.source()
    table = source.describe(ref)
    found: list[dict[str, object]] = []
    rejected: list[dict[str, object]] = []
    with (
        source.session([ref], exact=False) as session,
        session.read(
            table, source.split(table, 1, exact=False)[0], columns=["id", "text", "data"], cells=cells or CellPolicy()
        ) as stream,
    ):
        for rows in stream:
            found += rows.batch.to_pylist()
            rejected += [] if rows.rejected is None else pa.Table.from_batches([rows.rejected]).to_pylist()
    return sorted(found, key=lambda row: int(str(row["id"]))), rejected


def expected(rows: list[tuple[int, str | None, bytes | None]]) -> list[dict[str, object]]:
    return [{"id": number, "text": text, "data": data} for number, text, data in rows]


@pytest.mark.parametrize("key", [True, False])
def test_small_and_huge_cells_stand_side_by_side(sql_server: World, key: bool) -> None:
    rows: list[tuple[int, str | None, bytes | None]] = [
        (number, f"é{number}" * (number % 7), b"x" * number) for number in range(300)
    ]
    rows[17] = (17, "€" * 200_000, None)
    rows[40] = (40, None, bytes(range(256)) * 8000)
    rows[41] = (41, "😀" * 50_000, b"y" * 70_000)
    rows[299] = (299, "z" * 8001, b"")
    assert read(sql_server, table_of(sql_server, rows, key=key))[0] == expected(rows)


def test_a_cell_of_sixty_megabytes_arrives_whole(sql_server: World) -> None:
    text = "0123456789é€ab𐍈" * (30 * MB // 16)
    rows: list[tuple[int, str | None, bytes | None]] = [(1, "small", b"1"), (2, text, None), (3, None, b"3")]
    found, _ = read(sql_server, table_of(sql_server, rows))
    assert found[1]["text"] == text
    assert [row["id"] for row in found] == [1, 2, 3]


@pytest.mark.parametrize("key", [True, False])
def test_a_cell_over_the_limit_names_its_row_and_column(sql_server: World, key: bool) -> None:
    ref = table_of(sql_server, [(1, "a", b"b"), (2, "c", b"d" * 5000), (3, "e" * 3000, None)], key=key)
    with pytest.raises(UserError) as caught:
        read(sql_server, ref, CellPolicy(limit=4000))
    assert "column “" in caught.value.message
    assert "4,000 bytes" in caught.value.message
    if key:
        assert "id = " in caught.value.message
    found, rejected = read(sql_server, ref, CellPolicy(limit=4000, oversize="reject"))
    assert found == [{"id": 1, "text": "a", "data": b"b"}]
    assert sorted(str(row["column"]) for row in rejected) == ["data", "text"]
    assert all("too large, not read" in str(row["row"]) for row in rejected)


def test_a_column_that_nobody_wants_is_never_read(sql_server: World) -> None:
    ref = table_of(sql_server, [(1, "x" * 100_000, None), (2, None, b"y" * 100_000)])
    source = sql_server.source()
    table = source.describe(ref)
    with (
        source.session([ref], exact=False) as session,
        session.read(table, source.split(table, 1, exact=False)[0], columns=["id"], cells=CellPolicy(limit=10)) as stream,
    ):
        assert [rows.batch.to_pylist() for rows in stream] == [[{"id": 1}, {"id": 2}]]
        assert session.harm().bytes < 1000


def test_a_look_at_a_table_asks_for_no_sizes(sql_server: World) -> None:
    ref = table_of(sql_server, [(number, "t" * number * 100, None) for number in range(200)])
    source = sql_server.source()
    table = source.describe(ref)
    with (
        source.session([ref], exact=False) as session,
        session.read(table, Part("first", most=5), columns=["id", "text"], cells=CellPolicy()) as stream,
    ):
        assert sum(rows.batch.num_rows for rows in stream) == 5
    assert session.harm().statements == 1
