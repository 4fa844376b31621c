"""What the catalogue tells: columns and their traits, keys, sizes, capture, and what a login with few rights can see."""

from contextlib import AbstractContextManager
from typing import Any

import pytest

from dtaas_desktop.connectors.sqlserver import SqlServerSource
from dtaas_desktop.connectors.sqlserver.odbc import Control
from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.sqlserver_settings import SqlServerSettings
from dtaas_desktop.domain.table import TableRef
from tests.connectors.sqlserver.world import REFERENCE, World


def test_columns_tell_what_they_are(sql_server: World, name: str) -> None:
    sql_server.run(
        f"CREATE TABLE {sql_server.name(name)} (id int IDENTITY(1,1) NOT NULL PRIMARY KEY, net money NOT NULL,"
        " gross AS (net * 2), [odd ]] name] nvarchar(10) COLLATE Cyrillic_General_CI_AS NULL, state int NOT NULL DEFAULT 1)"
    )
    table = sql_server.source().describe(sql_server.ref(name))
    found = {column.name: column for column in table.columns}
    assert list(found) == ["id", "net", "gross", "odd ] name", "state"]
    assert found["id"].traits == ("identity",)
    assert found["gross"].traits == ("computed",)
    assert found["gross"].prefilled
    assert found["state"].prefilled
    assert found["odd ] name"].traits == ("collation Cyrillic_General_CI_AS",)
    assert [found[one].declared for one in ("id", "net", "odd ] name")] == ["int", "money", "nvarchar(10)"]
    assert [found[one].nullable for one in ("id", "net", "odd ] name")] == [False, False, True]
    assert table.key == ("id",)
    assert table.clustered == ("id",)
    assert table.capture == "Its changes are not captured."


@pytest.mark.parametrize(
    ("definition", "key", "unique", "clustered"),
    [
        ("a int NOT NULL, b int NOT NULL, PRIMARY KEY (b, a)", ("b", "a"), (), ("b", "a")),
        ("a int NOT NULL PRIMARY KEY NONCLUSTERED, b int NOT NULL UNIQUE CLUSTERED", ("a",), (("b",),), ("b",)),
        ("a int NULL UNIQUE, b int NOT NULL UNIQUE", ("b",), (("a",),), ()),
        ("a int NULL UNIQUE, b int NULL", (), (("a",),), ()),
        ("a int, b int", (), (), ()),
    ],
)
def test_the_key_is_the_primary_one_or_a_unique_one_that_is_never_empty(
    sql_server: World,
    name: str,
    definition: str,
    key: tuple[str, ...],
    unique: tuple[tuple[str, ...], ...],
    clustered: tuple[str, ...],
) -> None:
    sql_server.run(f"CREATE TABLE {sql_server.name(name)} ({definition})")
    table = sql_server.source().describe(sql_server.ref(name))
    assert (table.key, table.unique, table.clustered) == (key, unique, clustered)


def test_a_filtered_index_is_no_key(sql_server: World, name: str) -> None:
    sql_server.run(
        f"CREATE TABLE {sql_server.name(name)} (a int NOT NULL, b int NOT NULL)",
        f"CREATE UNIQUE INDEX [i] ON {sql_server.name(name)} (a) WHERE b > 0",
    )
    assert sql_server.source().describe(sql_server.ref(name)).key == ()


def test_rows_and_bytes_are_estimated(sql_server: World, name: str) -> None:
    sql_server.run(f"CREATE TABLE {sql_server.name(name)} (id int NOT NULL PRIMARY KEY, t nvarchar(100))")
    sql_server.insert(name, [(number, "text" * 10) for number in range(500)])
    table = sql_server.source().describe(sql_server.ref(name))
    assert table.rows_estimate == 500
    assert table.bytes_estimate is not None
    assert table.bytes_estimate > 0


def test_views_and_queries_are_described_by_what_they_give(sql_server: World, name: str) -> None:
    sql_server.run(f"CREATE TABLE {sql_server.name(name)} (id int NOT NULL PRIMARY KEY, price decimal(9,2), t varchar(5))")
    sql_server.run(f"CREATE VIEW {sql_server.name(name + 'v')} AS SELECT id, price * 2 AS twice FROM {sql_server.name(name)}")
    source = sql_server.source()
    view = source.describe(sql_server.ref(name + "v"))
    assert (view.kind, view.key, [column.name for column in view.columns]) == ("view", (), ["id", "twice"])
    for query in (
        f"SELECT t, id FROM {sql_server.name(name)} WHERE id > 0 -- the rest",
        f"WITH x AS (SELECT t, id FROM {sql_server.name(name)}) SELECT t, id FROM x;",
    ):
        found = source.describe(TableRef("mine", query=query))
        assert (found.kind, [column.name for column in found.columns]) == ("query", ["t", "id"])


@pytest.mark.parametrize("query", ["SELECT nothing FROM nowhere", "SELECT 1", "SELECT 1 AS a, 2 AS a", "SELECT FROM"])
def test_a_query_that_cannot_be_read_says_why(sql_server: World, query: str) -> None:
    with pytest.raises(UserError) as caught:
        sql_server.source().describe(TableRef("mine", query=query))
    assert "mine" in caught.value.message
    assert caught.value.remedy


def test_a_table_is_found_without_its_schema_and_in_another_case(sql_server: World, name: str) -> None:
    sql_server.run(f"CREATE TABLE {sql_server.name(name)} (id int)")
    source = sql_server.source()
    assert source.describe(TableRef(name)).columns[0].name == "id"
    assert source.describe(TableRef(name.upper(), sql_server.schema.upper())).columns[0].name == "id"


def test_a_table_made_later_is_found(sql_server: World, name: str) -> None:
    source = sql_server.source()
    source.tables()
    sql_server.run(f"CREATE TABLE {sql_server.name(name)} (id int)")
    assert source.describe(sql_server.ref(name)).columns[0].name == "id"


@pytest.mark.parametrize(
    ("flags", "trait"),
    [
        ({"temporal": 2}, "temporal"),
        ({"temporal": 1}, "history of a temporal table"),
        ({"memory_optimized": 1}, "memory-optimised"),
        ({"external": 1}, "external"),
    ],
)
def test_unusual_tables_are_called_so(sql_server: World, name: str, flags: dict[str, int], trait: str) -> None:
    if sql_server.stand_in is None:
        pytest.skip("such tables cannot be made on every server")
    sql_server.run(f"CREATE TABLE {sql_server.name(name)} (id int)")
    database = sql_server.settings.database
    sql_server.stand_in.control.mark("object", f"{sql_server.schema}.{name}", database=database, **flags)
    assert trait in sql_server.source().describe(sql_server.ref(name)).traits


def test_masked_and_encrypted_columns_are_told_before_the_run(sql_server: World, name: str) -> None:
    if sql_server.stand_in is None:
        pytest.skip("such columns cannot be made on every server")
    sql_server.run(f"CREATE TABLE {sql_server.name(name)} (id int, secret nvarchar(20), sealed varbinary(100))")
    for column, flag in (("secret", "masked"), ("sealed", "encryption")):
        sql_server.stand_in.control.mark(
            "column", f"{sql_server.schema}.{name}.{column}", database=sql_server.settings.database, **{flag: 1}
        )
    table = sql_server.source().describe(sql_server.ref(name))
    assert any("“secret”: masked" in note for note in table.notes)
    assert any("“sealed”: encrypted" in note for note in table.notes)
    assert {truth.column: truth.truth for truth in table.fidelity} == {"id": "exact", "secret": "lossy", "sealed": "lossy"}


def test_ten_thousand_tables_take_a_dozen_statements(sql_server: World, monkeypatch: pytest.MonkeyPatch) -> None:
    if sql_server.stand_in is None:
        pytest.skip("a real server is not filled with ten thousand tables")
    control = sql_server.stand_in.control
    control.run("CREATE DATABASE [wide]")
    control.many_tables(10_000, 20, database="wide")
    asked: list[str] = []
    executed = Control._executed

    def counted(self: Control, sql: str) -> AbstractContextManager[Any]:
        asked.append(sql)
        return executed(self, sql)

    monkeypatch.setattr(Control, "_executed", counted)
    source = sql_server.source(database="wide")
    with source.conversation([]):
        tables = source.tables()
        described = [source.describe(table) for table in tables]
    assert len(described) == 10_000
    assert all(len(table.columns) == 20 for table in described)
    assert len(asked) <= 12, asked  # with the settings of the connection
    control.run("DROP DATABASE [wide]")


class TestFewRights:
    """A login that may read two tables, and nothing else."""

    @pytest.fixture
    def reader(self, sql_server: World, name: str) -> SqlServerSource:
        if sql_server.stand_in is None:
            pytest.skip("no logins are made on a real server")
        sql_server.run(
            *(f"CREATE TABLE {sql_server.name(name + end)} (id int NOT NULL PRIMARY KEY, t nvarchar(10))" for end in "abc"),
            f"INSERT INTO {sql_server.name(name + 'a')} VALUES (1, N'one'), (2, NULL)",
            f"CREATE LOGIN [{name}] WITH PASSWORD = 'Reader pass 1'",
            f"CREATE USER [{name}] FOR LOGIN [{name}]",
            f"GRANT SELECT ON {sql_server.name(name + 'a')} TO [{name}]",
            f"GRANT SELECT ON {sql_server.name(name + 'b')} TO [{name}]",
        )
        settings = SqlServerSettings.model_validate(sql_server.settings.model_dump() | {"user": name})
        return SqlServerSource(settings, secret=lambda reference: {REFERENCE: "Reader pass 1"}[reference])

    def test_it_sees_what_it_may_read(self, sql_server: World, name: str, reader: SqlServerSource) -> None:
        mine = [table for table in reader.tables() if table.name.startswith(name)]
        assert mine == [sql_server.ref(name + "a"), sql_server.ref(name + "b")]
        table = reader.describe(mine[0])
        assert table.key == ("id",)
        assert table.rows_estimate == 2

    def test_all_steps_of_its_test_are_good(self, reader: SqlServerSource) -> None:
        steps = list(reader.check())
        assert all(step.ok for step in steps), steps
        assert "not shown to this login" in steps[-1].detail

    def test_what_it_may_not_see_is_refused_with_a_sentence(self, sql_server: World, name: str, reader: SqlServerSource) -> None:
        with pytest.raises(UserError) as caught:
            reader.describe(sql_server.ref(name + "c"))
        assert "may not see it" in caught.value.message

    def test_a_query_over_what_it_may_not_read_is_refused(self, sql_server: World, name: str, reader: SqlServerSource) -> None:
        with pytest.raises(UserError) as caught:
            reader.describe(TableRef("mine", query=f"SELECT id FROM {sql_server.name(name + 'c')}"))
        assert "may not" in caught.value.message or "not there" in caught.value.message
