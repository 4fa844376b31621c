"""What the catalogue views say, to an administrator and to a login with few rights; masks; and replayed tables."""

from collections.abc import Iterator

import pytest

from tests.servers.sqlserver import SqlServer
from tests.servers.sqlserver.drivers import Driver, native_number
from tests.servers.sqlserver_tests.conftest import NO_MANAGER, Connect

pytest.importorskip("pyodbc", reason=NO_MANAGER, exc_type=ImportError)
import pyodbc

COLUMNS = (
    "SELECT c.name, ty.name, c.max_length, c.precision, c.scale, c.is_nullable, c.is_identity, c.is_computed, c.collation_name"
    " FROM sys.columns c JOIN sys.types ty ON ty.user_type_id = c.user_type_id WHERE c.object_id = OBJECT_ID(N'dbo.t') ORDER BY c.column_id"
)


def rows(connection: pyodbc.Connection, sql: str, *values: object) -> list[tuple[object, ...]]:
    return [tuple(row) for row in connection.execute(sql, *values)]


def test_columns_are_described_as_they_were_declared(connect: Connect, database: str) -> None:
    connection = connect(database)
    connection.execute(
        "CREATE TABLE t(a int IDENTITY NOT NULL, b decimal(38,10), c nvarchar(50) COLLATE Latin1_General_BIN2 NOT NULL, d varchar(max),"
        " e datetime2(3), f rowversion, g sysname, h AS (a * 2), i varbinary(16), j datetimeoffset, k xml, l geography, m money, n bit)"
    )
    default = "SQL_Latin1_General_CP1_CI_AS"
    assert rows(connection, COLUMNS) == [
        ("a", "int", 4, 10, 0, False, True, False, None),
        ("b", "decimal", 17, 38, 10, True, False, False, None),
        ("c", "nvarchar", 100, 0, 0, False, False, False, "Latin1_General_BIN2"),
        ("d", "varchar", -1, 0, 0, True, False, False, default),
        ("e", "datetime2", 7, 23, 3, True, False, False, None),
        ("f", "timestamp", 8, 0, 0, False, False, False, None),
        ("g", "sysname", 256, 0, 0, False, False, False, default),
        ("h", "int", 4, 10, 0, False, False, True, None),
        ("i", "varbinary", 16, 0, 0, True, False, False, None),
        ("j", "datetimeoffset", 10, 34, 7, True, False, False, None),
        ("k", "xml", -1, 0, 0, True, False, False, None),
        ("l", "geography", -1, 0, 0, True, False, False, None),
        ("m", "money", 8, 19, 4, True, False, False, None),
        ("n", "bit", 1, 1, 0, True, False, False, None),
    ]
    assert rows(connection, "SELECT CAST(seed_value AS int), CAST(increment_value AS int) FROM sys.identity_columns") == [(1, 1)]
    assert rows(connection, "SELECT name, definition, is_persisted FROM sys.computed_columns") == [("h", "((a * 2))", False)]
    query = "SELECT COLUMN_NAME, DATA_TYPE, CHARACTER_MAXIMUM_LENGTH, IS_NULLABLE FROM INFORMATION_SCHEMA.COLUMNS WHERE TABLE_NAME = 't' AND ORDINAL_POSITION < 5"
    assert rows(connection, query) == [
        ("a", "int", None, "NO"), ("b", "decimal", None, "YES"), ("c", "nvarchar", 50, "NO"), ("d", "varchar", -1, "YES"),
    ]  # fmt: skip


def test_keys_indexes_and_sizes(connect: Connect, database: str) -> None:
    connection = connect(database)
    connection.execute(
        "CREATE TABLE t(a int NOT NULL, b int NOT NULL, c varchar(10), CONSTRAINT pk PRIMARY KEY NONCLUSTERED (a),"
        " CONSTRAINT uq UNIQUE CLUSTERED (b DESC, a))"
    )
    connection.execute("CREATE INDEX ix ON t(c) INCLUDE (b) WHERE c IS NOT NULL")
    connection.execute("CREATE TABLE heap(a int)")
    connection.execute("INSERT INTO t VALUES (1, 1, 'x'), (2, 2, NULL)")
    assert rows(
        connection,
        "SELECT i.name, i.type_desc, i.is_unique, i.is_primary_key, i.has_filter FROM sys.indexes i WHERE i.object_id = OBJECT_ID('t') ORDER BY i.index_id",
    ) == [
        ("uq", "CLUSTERED", True, False, False),
        ("pk", "NONCLUSTERED", True, True, False),
        ("ix", "NONCLUSTERED", False, False, True),
    ]
    assert rows(
        connection,
        "SELECT i.name, c.name, k.key_ordinal, k.is_descending_key, k.is_included_column FROM sys.index_columns k"
        " JOIN sys.indexes i ON i.object_id = k.object_id AND i.index_id = k.index_id"
        " JOIN sys.columns c ON c.object_id = k.object_id AND c.column_id = k.column_id ORDER BY i.name, k.index_column_id",
    ) == [
        ("ix", "c", 1, False, False), ("ix", "b", 0, False, True), ("pk", "a", 1, False, False), ("uq", "b", 1, True, False),
        ("uq", "a", 2, False, False),
    ]  # fmt: skip
    assert rows(connection, "SELECT name, type FROM sys.key_constraints ORDER BY name") == [("pk", "PK"), ("uq", "UQ")]
    query = (
        "SELECT o.name, i.type_desc, SUM(p.rows), SUM(a.used_pages) FROM sys.objects o JOIN sys.indexes i ON i.object_id = o.object_id"
        " JOIN sys.partitions p ON p.object_id = i.object_id AND p.index_id = i.index_id JOIN sys.allocation_units a ON a.container_id = p.partition_id"
        " WHERE i.index_id IN (0, 1) GROUP BY o.name, i.type_desc ORDER BY o.name"
    )
    assert rows(connection, query) == [("heap", "HEAP", 0, 1), ("t", "CLUSTERED", 2, 2)]
    assert rows(
        connection, "SELECT SUM(row_count) FROM sys.dm_db_partition_stats WHERE object_id = OBJECT_ID('t') AND index_id < 2"
    ) == [(2,)]


def test_marks_show_what_ddl_here_does_not_make(server: SqlServer, connect: Connect, database: str) -> None:
    connection = connect(database)
    connection.execute("CREATE TABLE t(a int NOT NULL PRIMARY KEY, b varchar(20))")
    server.control.mark("object", "dbo.t", database=database, memory_optimized=1, cdc=1, partitions=3)
    server.control.mark("database", database, cdc=1)
    server.control.mark("column", "dbo.t.b", database=database, encryption=2)
    assert rows(connection, "SELECT is_memory_optimized, is_tracked_by_cdc FROM sys.tables") == [(True, True)]
    assert rows(connection, "SELECT is_cdc_enabled FROM sys.databases WHERE name = DB_NAME()") == [(True,)]
    assert rows(connection, "SELECT COUNT(*) FROM sys.partitions WHERE index_id < 2") == [(3,)]
    assert rows(connection, "SELECT encryption_type_desc FROM sys.columns WHERE name = 'b'") == [("RANDOMIZED",)]
    connection.execute(f"ALTER DATABASE {database} SET CHANGE_TRACKING = ON (CHANGE_RETENTION = 2 DAYS, AUTO_CLEANUP = ON)")
    connection.execute("ALTER TABLE t ENABLE CHANGE_TRACKING WITH (TRACK_COLUMNS_UPDATED = OFF)")
    assert rows(connection, "SELECT COUNT(*) FROM sys.change_tracking_tables") == [(1,)]
    assert rows(connection, "SELECT COUNT(*) FROM sys.change_tracking_databases WHERE database_id = DB_ID()") == [(1,)]


@pytest.fixture
def reader(server: SqlServer, connect: Connect, database: str) -> Iterator[pyodbc.Connection]:
    """A login that may select from one table, and two columns of another; a third it does not see."""
    server.control.run("CREATE LOGIN reader WITH PASSWORD = 'r'")
    server.control.run(
        "CREATE TABLE open_to_all(a int); CREATE TABLE partly(a int, b int, c int); CREATE TABLE hidden(a int);"
        " CREATE TABLE denied(a int); INSERT INTO open_to_all VALUES (1); INSERT INTO partly VALUES (1, 2, 3);"
        " CREATE USER reader FOR LOGIN reader; GRANT SELECT ON dbo.open_to_all TO reader; GRANT SELECT ON dbo.partly(a, b) TO reader;"
        " GRANT SELECT ON dbo.denied TO reader; DENY SELECT ON dbo.denied TO reader",
        database=database,
    )
    try:
        yield connect(database, user="reader", password="r")
    finally:
        server.control.run("DROP LOGIN reader")


def test_a_reader_sees_only_what_it_may_read(reader: pyodbc.Connection) -> None:
    assert rows(reader, "SELECT name FROM sys.tables ORDER BY name") == [("open_to_all",), ("partly",)]
    assert rows(reader, "SELECT COUNT(*) FROM sys.columns") == [(4,)]
    assert rows(reader, "SELECT OBJECT_ID('dbo.hidden'), HAS_PERMS_BY_NAME('dbo.open_to_all', 'OBJECT', 'SELECT'), HAS_PERMS_BY_NAME('dbo.hidden', 'OBJECT', 'SELECT')") == [
        (None, 1, None)
    ]  # fmt: skip
    assert rows(
        reader,
        "SELECT HAS_PERMS_BY_NAME(NULL, NULL, 'VIEW SERVER STATE'), HAS_PERMS_BY_NAME(DB_NAME(), 'DATABASE', 'VIEW DATABASE STATE')",
    ) == [(0, 0)]
    assert rows(reader, "SELECT a FROM open_to_all") == [(1,)]
    assert rows(reader, "SELECT a, b FROM partly") == [(1, 2)]
    assert rows(reader, "SELECT permission_name FROM fn_my_permissions(NULL, 'DATABASE')") == [("CONNECT",)]


@pytest.mark.parametrize(
    ("sql", "number"),
    [
        ("SELECT * FROM hidden", 229),
        ("SELECT * FROM denied", 229),
        ("SELECT * FROM partly", 230),
        ("SELECT a FROM partly WHERE c = 3", 230),
        ("INSERT INTO open_to_all VALUES (1)", 229),
        ("CREATE TABLE mine(a int)", 262),
        ("SELECT * FROM sys.dm_db_partition_stats", 262),
        ("SELECT * FROM sys.dm_exec_connections", 300),
        ("USE model", 916),
        ("SELECT * FROM model.dbo.x", 916),
        ("KILL 51", 6102),
    ],
)
def test_what_a_reader_may_not_has_its_number(reader: pyodbc.Connection, sql: str, number: int) -> None:
    with pytest.raises(pyodbc.Error) as refused:
        reader.execute(sql).fetchall()
    assert native_number(refused.value) == number


def test_state_may_be_seen_once_it_is_granted(server: SqlServer, database: str, reader: pyodbc.Connection) -> None:
    server.control.run("GRANT VIEW DATABASE STATE TO reader", database=database)
    assert rows(reader, "SELECT SUM(row_count) FROM sys.dm_db_partition_stats") == [(2,)]
    server.control.run("ALTER ROLE db_datareader ADD MEMBER reader", database=database)
    assert rows(reader, "SELECT COUNT(*) FROM hidden") == [(0,)]
    with pytest.raises(pyodbc.Error):
        reader.execute("SELECT * FROM denied")


def test_masks_are_for_those_who_may_not_unmask(
    server: SqlServer, connect: Connect, database: str, reader: pyodbc.Connection
) -> None:
    server.control.run(
        "CREATE TABLE m(a int MASKED WITH (FUNCTION = 'default()'), b varchar(30) MASKED WITH (FUNCTION = 'email()'),"
        " c varchar(30) MASKED WITH (FUNCTION = 'partial(1,\"--\",2)')); INSERT INTO m VALUES (42, 'ann@example.org', 'abcdef');"
        " GRANT SELECT ON dbo.m TO reader",
        database=database,
    )
    assert rows(reader, "SELECT * FROM m") == [(0, "aXXX@XXXX.com", "a--ef")]
    assert rows(connect(database), "SELECT * FROM m") == [(42, "ann@example.org", "abcdef")]
    assert rows(reader, "SELECT name, masking_function FROM sys.masked_columns WHERE name = 'b'") == [("b", "email()")]


def test_views_read_with_their_owners_rights(
    server: SqlServer, connect: Connect, database: str, reader: pyodbc.Connection
) -> None:
    server.control.run("CREATE VIEW seen AS SELECT c AS secret FROM dbo.partly", database=database)
    server.control.run("GRANT SELECT ON dbo.seen TO reader", database=database)
    assert rows(reader, "SELECT secret FROM seen") == [(3,)]
    assert rows(reader, "SELECT TABLE_NAME, TABLE_TYPE FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_NAME = 'seen'") == [
        ("seen", "VIEW")
    ]


def test_databases_schemas_and_other_databases_tables(server: SqlServer, connect: Connect, database: str) -> None:
    connection = connect()
    server.control.run("CREATE SCHEMA [a b]", database=database)
    server.control.run("CREATE TABLE [a b].[t 1]([x ]]y] int); INSERT INTO [a b].[t 1] VALUES (5)", database=database)
    assert rows(connection, f"SELECT [x ]]y] FROM {database}.[a b].[t 1]") == [(5,)]
    assert rows(
        connection,
        f"SELECT s.name, t.name FROM {database}.sys.tables t JOIN {database}.sys.schemas s ON s.schema_id = t.schema_id",
    ) == [("a b", "t 1")]
    assert rows(connection, "SELECT name FROM sys.databases WHERE database_id <= 4") == [
        ("master",),
        ("tempdb",),
        ("model",),
        ("msdb",),
    ]


def test_a_large_catalogue_answers(server: SqlServer, connect: Connect, database: str) -> None:
    server.control.many_tables(500, 20, database=database)
    connection = connect(database)
    assert rows(connection, "SELECT COUNT(*) FROM sys.tables") == [(500,)]
    query = "SELECT t.name, c.name, ty.name FROM sys.tables t JOIN sys.columns c ON c.object_id = t.object_id JOIN sys.types ty ON ty.user_type_id = c.user_type_id"
    assert len(rows(connection, query)) == 10_000
    assert rows(connection, "SELECT COUNT(*) FROM dbo.table_00499") == [(0,)]


def test_a_frozen_table_answers_with_the_same_bytes(
    server: SqlServer, connect: Connect, database: str, microsoft: Driver
) -> None:
    connection = connect(database, using=microsoft)
    connection.execute("CREATE TABLE t(id int NOT NULL PRIMARY KEY, name nvarchar(20), amount decimal(20,4), gone date)")
    values = ",".join(
        f"({n * 7 % 3001}, N'name {n}', {n}.25, {'NULL' if n % 5 else chr(39) + '2024-01-01' + chr(39)})" for n in range(3000)
    )
    connection.execute(f"INSERT INTO t VALUES {values}")
    queries = [
        "SELECT * FROM t ORDER BY id",
        "SELECT name, id FROM t WHERE id >= 100 AND id < 2000 ORDER BY id",
        "SELECT TOP (50) id, amount FROM t WHERE id > 500 ORDER BY id",
        "SELECT id, CAST(amount AS varchar(30)) FROM t WHERE id > 2990 ORDER BY id",
        "SELECT id FROM t WHERE id % 2 = 0 ORDER BY id",
        "SELECT id FROM t WHERE id < 0",
        "SELECT id FROM t ORDER BY id DESC",
    ]
    before = [rows(connection, query) for query in queries]
    server.control.freeze("dbo.t", database=database)
    for _ in range(2):
        assert [rows(connection, query) for query in queries] == before
    connection.execute("UPDATE t SET name = N'new' WHERE id = 101")
    assert rows(connection, "SELECT name FROM t WHERE id = 101") == [("new",)]
    assert rows(connection, "SELECT name, id FROM t WHERE id >= 101 AND id < 102 ORDER BY id") == [("new", 101)]


def test_rows_are_loaded_from_arrow(server: SqlServer, connect: Connect, database: str) -> None:
    pa = pytest.importorskip("pyarrow")
    server.control.run(
        "CREATE TABLE t(id int NOT NULL PRIMARY KEY, name nvarchar(20), price decimal(10,2), moment datetime2(6), data varbinary(10))",
        database=database,
    )
    table = pa.table(
        {
            "id": [1, 2],
            "name": ["жук", None],
            "price": pa.array([None, "2.50"]).cast(pa.decimal128(10, 2)),
            "moment": pa.array([1, None], pa.timestamp("us")),
            "data": [b"\1", None],
        }
    )
    assert server.control.load("dbo.t", table, database=database) == 2
    given = rows(
        connect(database), "SELECT id, name, CAST(price AS varchar(20)), CAST(moment AS varchar(40)), data FROM t ORDER BY id"
    )
    assert given == [(1, "жук", None, "1970-01-01 00:00:00.000001", b"\1"), (2, None, "2.50", None, None)]
