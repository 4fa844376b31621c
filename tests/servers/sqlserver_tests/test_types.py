"""Every type's edge values go in as literals and come back exactly, by Microsoft's driver, FreeTDS, arrow-odbc and tsql."""

import datetime as dt
import shutil
import struct
import subprocess
from decimal import Decimal
from uuid import UUID

import pytest

from tests.servers.sqlserver import SqlServer
from tests.servers.sqlserver.drivers import Driver
from tests.servers.sqlserver_tests.conftest import NO_MANAGER, Connect

pytest.importorskip("pyodbc", reason=NO_MANAGER, exc_type=ImportError)

LONG_TEXT = "x" * 100_000
# declared type, literal, what pyodbc gives, the value's text by CAST (None: no such CAST).
CASES: list[tuple[str, str, object, str | None]] = [
    ("bit", "0", False, "0"),
    ("bit", "1", True, "1"),
    ("tinyint", "255", 255, "255"),
    ("smallint", "-32768", -32768, "-32768"),
    ("int", "-2147483648", -(2**31), "-2147483648"),
    ("bigint", "-9223372036854775808", -(2**63), "-9223372036854775808"),
    ("bigint", "9223372036854775807", 2**63 - 1, "9223372036854775807"),
    ("decimal(38,38)", "0." + "9" * 38, Decimal("0." + "9" * 38), "0." + "9" * 38),
    ("decimal(38,0)", "-" + "9" * 38, Decimal("-" + "9" * 38), "-" + "9" * 38),
    ("decimal(19,5)", "-12345678901234.56789", Decimal("-12345678901234.56789"), "-12345678901234.56789"),
    ("numeric(10,2)", "-12345678.91", Decimal("-12345678.91"), "-12345678.91"),
    ("money", "-922337203685477.5808", Decimal("-922337203685477.5808"), "-922337203685477.58"),
    ("money", "922337203685477.5807", Decimal("922337203685477.5807"), "922337203685477.58"),
    ("smallmoney", "-214748.3648", Decimal("-214748.3648"), "-214748.36"),
    ("real", "3.4028235e38", struct.unpack("<f", struct.pack("<f", 3.4028235e38))[0], "3.40282e+038"),
    ("float", "1.7976931348623157e308", 1.7976931348623157e308, "1.79769e+308"),
    ("float", "4.9406564584124654e-324", 5e-324, "4.94066e-324"),
    ("float", "0.1", 0.1, "0.1"),
    ("date", "'0001-01-01'", dt.date(1, 1, 1), "0001-01-01"),
    ("date", "'9999-12-31'", dt.date(9999, 12, 31), "9999-12-31"),
    ("time(7)", "'23:59:59.9999999'", dt.time(23, 59, 59, 999999), "23:59:59.9999999"),
    ("time(0)", "'23:59:59'", dt.time(23, 59, 59), "23:59:59"),
    ("datetime2(7)", "'9999-12-31 23:59:59.9999999'", dt.datetime(9999, 12, 31, 23, 59, 59, 999999), "9999-12-31 23:59:59.9999999"),
    ("datetime2(0)", "'0001-01-01'", dt.datetime(1, 1, 1), "0001-01-01 00:00:00"),
    ("datetime2(3)", "'2024-02-29 12:34:56.7894'", dt.datetime(2024, 2, 29, 12, 34, 56, 789000), "2024-02-29 12:34:56.789"),
    ("datetime", "'1753-01-01'", dt.datetime(1753, 1, 1), "Jan  1 1753 12:00AM"),
    ("datetime", "'9999-12-31 23:59:59.997'", dt.datetime(9999, 12, 31, 23, 59, 59, 997000), "Dec 31 9999 11:59PM"),
    ("datetime", "'2024-01-01 00:00:00.004'", dt.datetime(2024, 1, 1, 0, 0, 0, 3000), "Jan  1 2024 12:00AM"),
    ("smalldatetime", "'2079-06-06 23:59:29'", dt.datetime(2079, 6, 6, 23, 59), "Jun  6 2079 11:59PM"),
    ("char(5)", "'ab'", "ab   ", "ab   "),
    ("varchar(20)", "'trailing  '", "trailing  ", "trailing  "),
    ("varchar(20)", "''", "", ""),
    ("varchar(20)", "N'€ÿé'", "€ÿé", "€ÿé"),
    ("varchar(20) COLLATE Cyrillic_General_CI_AS", "N'Привет'", "Привет", "Привет"),
    ("varchar(20) COLLATE Latin1_General_100_CI_AS_SC_UTF8", "N'Привет😀'", "Привет😀", "Привет😀"),
    ("varchar(max)", "REPLICATE(CAST('x' AS varchar(max)), 100000)", LONG_TEXT, None),
    ("text", "'hello'", "hello", "hello"),
    ("nchar(4)", "N'ж'", "ж   ", "ж   "),
    ("nvarchar(20)", "N'😀 '", "😀 ", "😀 "),
    ("nvarchar(max)", "REPLICATE(CAST(N'жы' AS nvarchar(max)), 2000000)", "жы" * 2_000_000, None),
    ("ntext", "N'жук'", "жук", "жук"),
    ("binary(4)", "0x0102", b"\1\2\0\0", None),
    ("varbinary(8000)", "0x" + "ab" * 100, b"\xab" * 100, None),
    ("varbinary(10)", "0x", b"", None),
    ("varbinary(max)", "CAST(REPLICATE(CAST('x' AS varchar(max)), 3000000) AS varbinary(max))", b"x" * 3_000_000, None),
    ("image", "0x0102ff", b"\1\2\xff", None),
    ("uniqueidentifier", "'6F9619FF-8B86-D011-B42D-00C04FC964FF'", UUID("6F9619FF-8B86-D011-B42D-00C04FC964FF"), "6F9619FF-8B86-D011-B42D-00C04FC964FF"),
    ("xml", "N'<a b=\"1\">ж</a>'", '<a b="1">ж</a>', None),
]  # fmt: skip
IDS = [f"{kind}-{literal[:24]}" for kind, literal, _, _ in CASES]


def _same(given: object, wanted: object) -> bool:
    if isinstance(wanted, UUID):
        return UUID(str(given)) == wanted
    return given == wanted and isinstance(given, type(wanted))


@pytest.mark.parametrize(("kind", "literal", "wanted", "text"), CASES, ids=IDS)
def test_a_value_comes_back_as_it_went_in(
    connect: Connect, database: str, microsoft: Driver, kind: str, literal: str, wanted: object, text: str | None
) -> None:
    connection = connect(database, using=microsoft)
    connection.execute(f"CREATE TABLE t(v {kind} NOT NULL, n {kind} NULL)")
    connection.execute(f"INSERT INTO t VALUES ({literal}, NULL)")
    value, null = connection.execute("SELECT v, n FROM t").fetchone()
    assert _same(value, wanted), repr(value)[:200]
    assert null is None
    if text is not None:
        assert connection.execute("SELECT CAST(v AS nvarchar(100)) FROM t").fetchval() == text


# FreeTDS (1.3) has no types of its own for these, or gives them as text.
OTHERWISE_IN_FREETDS = {"time(7)", "time(0)", "date", "datetime2(7)", "datetime2(0)", "datetime2(3)", "uniqueidentifier", "xml"}


@pytest.mark.parametrize(("kind", "literal", "wanted", "text"), CASES, ids=IDS)
def test_freetds_reads_the_same(
    connect: Connect, database: str, freetds: Driver, kind: str, literal: str, wanted: object, text: str | None
) -> None:
    connection = connect(database, using=freetds)
    connection.execute(f"CREATE TABLE t(v {kind} NOT NULL, n {kind} NULL)")
    connection.execute(f"INSERT INTO t VALUES ({literal}, NULL)")
    value, null = connection.execute("SELECT v, n FROM t").fetchone()
    assert null is None
    if kind in OTHERWISE_IN_FREETDS:
        assert text is None or connection.execute("SELECT CAST(v AS nvarchar(100)) FROM t").fetchval() == text
    elif kind == "real":
        assert value == pytest.approx(wanted)
    else:
        assert value == wanted, repr(value)[:200]


@pytest.mark.parametrize("scale", range(8))
def test_every_scale_of_time_keeps_its_last_digit(connect: Connect, database: str, microsoft: Driver, scale: int) -> None:
    connection = connect(database, using=microsoft)
    digits = "1234567"[:scale]
    connection.execute(f"CREATE TABLE t(a time({scale}), b datetime2({scale}), c datetimeoffset({scale}))")
    moment = f"2024-02-29 12:34:56{'.' if digits else ''}{digits}"
    connection.execute(f"INSERT INTO t VALUES ('{moment[11:]}', '{moment}', '{moment} -14:00')")
    row = connection.execute("SELECT CAST(a AS varchar(40)), CAST(b AS varchar(40)), CAST(c AS varchar(40)) FROM t").fetchone()
    assert tuple(row) == (moment[11:], moment, f"{moment} -14:00")


@pytest.mark.parametrize(
    "text", ["9999-12-31 23:59:59.9999999 +14:00", "0001-01-01 14:00:00.0000000 +14:00", "2024-06-01 00:00:00.1234567 -14:00"]
)
def test_an_offset_is_kept(connect: Connect, database: str, microsoft: Driver, text: str) -> None:
    connection = connect(database, using=microsoft)
    connection.add_output_converter(-155, bytes)
    raw = connection.execute(f"SELECT CAST('{text}' AS datetimeoffset(7))").fetchval()
    year, month, day, hour, minute, second, nanoseconds, zone_hour, zone_minute = struct.unpack("<hHHHHHIhh", raw)
    sign = "-" if zone_hour < 0 else "+"
    shown = f"{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{nanoseconds // 100:07} {sign}{abs(zone_hour):02}:{abs(zone_minute):02}"
    assert shown == text
    minutes = connection.execute(f"SELECT DATEPART(tz, CAST('{text}' AS datetimeoffset(7)))").fetchval()
    assert minutes == zone_hour * 60 + zone_minute


VARIANTS = [
    ("CAST(1 AS int)", "int", "1"),
    ("CAST(1 AS bit)", "bit", "1"),
    ("CAST(7 AS tinyint)", "tinyint", "7"),
    ("CAST(-7 AS smallint)", "smallint", "-7"),
    ("CAST(9223372036854775807 AS bigint)", "bigint", "9223372036854775807"),
    ("CAST(1.5 AS decimal(10,3))", "decimal", "1.500"),
    ("CAST(1.5 AS numeric(38,3))", "numeric", "1.500"),
    ("CAST(1.5 AS money)", "money", "1.50"),
    ("CAST(1.5 AS smallmoney)", "smallmoney", "1.50"),
    ("CAST(0.5 AS float)", "float", "0.5"),
    ("CAST(0.5 AS real)", "real", "0.5"),
    ("CAST('2024-01-01' AS date)", "date", "2024-01-01"),
    ("CAST('01:02:03.1234567' AS time(7))", "time", "01:02:03.1234567"),
    ("CAST('2024-01-01 01:02:03.123' AS datetime2(3))", "datetime2", "2024-01-01 01:02:03.123"),
    ("CAST('2024-01-01 01:02:03.12 +02:00' AS datetimeoffset(2))", "datetimeoffset", "2024-01-01 01:02:03.12 +02:00"),
    ("CAST('2024-01-01 01:02' AS datetime)", "datetime", "Jan  1 2024  1:02AM"),
    ("CAST('2024-01-01 01:02' AS smalldatetime)", "smalldatetime", "Jan  1 2024  1:02AM"),
    ("CAST('x' AS varchar(10))", "varchar", "x"),
    ("CAST('x' AS char(2))", "char", "x "),
    ("CAST(N'ж' AS nvarchar(10))", "nvarchar", "ж"),
    ("CAST(N'ж' AS nchar(2))", "nchar", "ж "),
    ("CAST('6F9619FF-8B86-D011-B42D-00C04FC964FF' AS uniqueidentifier)", "uniqueidentifier", "6F9619FF-8B86-D011-B42D-00C04FC964FF"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "base", "text"), VARIANTS, ids=[base for _, base, _ in VARIANTS])
def test_a_variant_keeps_its_base_type(connect: Connect, database: str, value: str, base: str, text: str) -> None:
    connection = connect(database)
    connection.execute("CREATE TABLE t(v sql_variant)")
    connection.execute(f"INSERT INTO t VALUES ({value}), (NULL)")
    query = (
        "SELECT CAST(SQL_VARIANT_PROPERTY(v, 'BaseType') AS varchar(30)), CAST(v AS nvarchar(60)) FROM t ORDER BY DATALENGTH(v)"
    )
    assert [tuple(row) for row in connection.execute(query)] == [(None, None), (base, text)]


def test_a_variant_of_bytes_keeps_them(connect: Connect, database: str) -> None:
    connection = connect(database)
    connection.execute("CREATE TABLE t(v sql_variant)")
    connection.execute("INSERT INTO t VALUES (CAST(0x0102 AS varbinary(5))), (CAST(0x0102 AS binary(3)))")
    assert [bytes(row[0]) for row in connection.execute("SELECT CAST(v AS varbinary(10)) FROM t")] == [b"\1\2", b"\1\2\0"]


def test_hierarchies_and_shapes_come_as_text_bytes_and_srid(connect: Connect, database: str) -> None:
    connection = connect(database)
    connection.execute("CREATE TABLE t(h hierarchyid, g geography, p geometry)")
    connection.execute(
        "INSERT INTO t VALUES ('/1/2.5/-7/', geography::Point(47.65, -122.34, 4326),"
        " geometry::STGeomFromText('POLYGON ((0 0, 1 0, 1 1, 0 0))', 7)), (NULL, NULL, NULL)"
    )
    row = connection.execute(
        "SELECT h.ToString(), CAST(h AS varbinary(892)), g.ToString(), g.STAsBinary(), g.STSrid, p.STAsText(), p.STSrid FROM t"
    ).fetchone()
    assert row[0] == "/1/2.5/-7/"
    assert (
        row[1].hex()
        == "5ba3" + connection.execute("SELECT CAST(CAST('/1/2.5/-7/' AS hierarchyid) AS varbinary(892))").fetchval().hex()[4:]
    )
    assert row[2] == "POINT (-122.34 47.65)"
    assert row[3] == struct.pack("<BI2d", 1, 1, -122.34, 47.65)
    assert (row[4], row[5], row[6]) == (4326, "POLYGON ((0 0, 1 0, 1 1, 0 0))", 7)
    assert connection.execute("SELECT CAST(CAST('/1/' AS hierarchyid) AS varbinary(10))").fetchval() == b"\x58"


def test_a_row_version_grows_with_every_change(connect: Connect, database: str) -> None:
    connection = connect(database)
    connection.execute("CREATE TABLE t(id int PRIMARY KEY, v rowversion)")
    connection.execute("INSERT INTO t(id) VALUES (1), (2)")
    first = [bytes(row[0]) for row in connection.execute("SELECT v FROM t ORDER BY id")]
    connection.execute("UPDATE t SET id = id WHERE id = 1")
    second = bytes(connection.execute("SELECT v FROM t WHERE id = 1").fetchval())
    assert first[0] < first[1] < second
    assert bytes(connection.execute("SELECT MIN_ACTIVE_ROWVERSION()").fetchval()) > second
    assert bytes(connection.execute("SELECT @@DBTS").fetchval()) == second


def test_a_lone_surrogate_is_kept(connect: Connect, database: str) -> None:
    connection = connect(database)
    connection.execute("CREATE TABLE t(v nvarchar(10))")
    connection.execute("INSERT INTO t VALUES (NCHAR(0xD83D) + N'x')")
    assert connection.execute("SELECT CAST(v AS varbinary(20)) FROM t").fetchval() == b"\x3d\xd8x\0"


def test_minus_zero_is_kept(connect: Connect, database: str) -> None:
    connection = connect(database)
    connection.execute("CREATE TABLE t(v float)")
    connection.execute("INSERT INTO t VALUES (-0e0)")
    assert struct.pack("<d", connection.execute("SELECT v FROM t").fetchval()) == struct.pack("<d", -0.0)


def test_arrow_odbc_reads_every_type_that_it_can(server: SqlServer, connect: Connect, database: str, microsoft: Driver) -> None:
    arrow_odbc = pytest.importorskip("arrow_odbc")
    connection = connect(database, using=microsoft)
    connection.execute(
        "CREATE TABLE t(a tinyint, b bigint, c decimal(38,10), d money, e float, f date, g datetime2(6), h datetimeoffset(7), i nvarchar(max),"
        " j varbinary(max), k uniqueidentifier, l xml, m sql_variant, n bit NOT NULL, o datetime)"
    )
    connection.execute(
        "INSERT INTO t VALUES (255, -1, 1.5, 2.5, 0.5, '2024-02-29', '2024-02-29 01:02:03.123456', '2024-02-29 01:02:03.1234567 +05:30', N'ж',"
        " 0x0102, '6F9619FF-8B86-D011-B42D-00C04FC964FF', N'<a/>', CAST(5 AS int), 1, '2024-01-01'),"
        " (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL)"
    )
    text = server.connection_string(driver=microsoft.name, database=database)
    batches = arrow_odbc.read_arrow_batches_from_odbc(
        "SELECT * FROM t", connection_string=text, max_text_size=4000, max_binary_size=4000
    )
    first, second = [row for batch in batches for row in batch.to_pylist()]
    assert (first["c"], first["g"], first["i"]) == (Decimal("1.5"), dt.datetime(2024, 2, 29, 1, 2, 3, 123456), "ж")
    assert first["h"] == "2024-02-29 01:02:03.1234567 +05:30"
    assert (first["l"], first["m"], first["j"], first["n"]) == ("<a/>", "5", b"\1\2", True)
    assert set(second.values()) == {None, False}


def test_tsql_of_freetds_reads_text_and_numbers(server: SqlServer) -> None:
    tool = shutil.which("tsql")
    if tool is None:
        pytest.skip("FreeTDS's tsql is missing (Debian: freetds-bin)")
    words = [tool, "-H", "127.0.0.1", "-p", str(server.port), "-U", "sa", "-P", server.password]
    query = "SELECT 1 AS a, N'жук' AS b, CAST(1.5 AS decimal(10,2)) AS c, CAST('2024-02-29' AS date) AS d\nGO\nexit\n"
    done = subprocess.run(words, input=query, text=True, capture_output=True, check=True, timeout=30)
    assert "1\tжук\t1.50\t" in done.stdout
