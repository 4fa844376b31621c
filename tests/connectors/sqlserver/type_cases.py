"""Every type of SQL Server with its edges: how a value is written in T-SQL, and what has to arrive, worked out in plain Python.

An expected value is what Arrow's storage holds: whole units since 1970 (or midnight) for dates and times, everything else itself.
`plain` is the same for whoever asks with pyodbc: the SQL that gives the value as text or bytes without a driver's conversion.
"""

import datetime as dt
import math
import struct
from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(frozen=True)
class Case:
    """A column's type and its values: (T-SQL, expected in Arrow, its text as the server itself writes it)."""

    declared: str
    values: tuple[tuple[str, object, str], ...]
    plain: str  # SQL of the text, {c} is the column
    companions: dict[str, tuple[object, ...]] = field(default_factory=dict)  # by suffix, for each value

    @property
    def name(self) -> str:
        return self.declared


def _micros(text: str) -> int:
    """Microseconds since 1970; further digits are cut off."""
    whole, _, fraction = text.partition(".")
    moment = dt.datetime.fromisoformat(whole)
    seconds = (moment - dt.datetime(1970, 1, 1)) // dt.timedelta(seconds=1)
    return seconds * 1_000_000 + int((fraction + "000000")[:6])


def _nanos_of_day(text: str) -> int:
    whole, _, fraction = text.partition(".")
    hours, minutes, seconds = map(int, whole.split(":"))
    return ((hours * 60 + minutes) * 60 + seconds) * 1_000_000_000 + int((fraction + "0" * 9)[:9])


def _days(text: str) -> int:
    return (dt.date.fromisoformat(text) - dt.date(1970, 1, 1)).days


def _same(*texts: str) -> tuple[tuple[str, object, str], ...]:
    return tuple((text, int(text), text) for text in texts)


def _decimals(*texts: str) -> tuple[tuple[str, object, str], ...]:
    return tuple((text, Decimal(text), text) for text in texts)


def _texts(*texts: str, prefix: str = "N") -> tuple[tuple[str, object, str], ...]:
    return tuple((prefix + "'" + text.replace("'", "''") + "'", text, text) for text in texts)


def _moments(kind: str, digits: int, *texts: str) -> tuple[tuple[str, object, str], ...]:
    return tuple((f"CAST('{text.replace(' ', 'T')}' AS {kind})", _micros(text), text) for text in texts)


def _offset_moments(*pairs: tuple[str, int]) -> tuple[tuple[str, object, str], ...]:
    found = []
    for text, minutes in pairs:
        sign, size = ("-" if minutes < 0 else "+"), abs(minutes)
        offset = f"{sign}{size // 60:02d}:{size % 60:02d}"
        found.append(
            (
                f"CAST('{text.replace(' ', 'T')}{offset}' AS datetimeoffset(7))",
                _micros(text) - minutes * 60_000_000,
                f"{text} {offset}",
            )
        )
    return tuple(found)


OFFSETS = (
    ("0001-01-01 14:00:00.0000000", 840),
    ("9999-12-31 09:59:59.9999999", -840),
    ("2024-02-29 12:00:00.1234567", 90),
    ("1999-12-31 23:59:59.9999999", 0),
)
MIN_GUID = "00000000-0000-0000-0000-000000000000"
GUID = "6F9619FF-8B86-D011-B42D-00C04FC964FF"
BYTES = bytes(range(256))
POINT = struct.pack("<BIdd", 1, 1, -122.34900, 47.65100)
LONG = "äß€𐍈" * 1000

CASES: tuple[Case, ...] = (
    Case("bit", (("0", False, "0"), ("1", True, "1")), "CAST({c} AS varchar(5))"),
    Case("tinyint", _same("0", "127", "128", "255"), "CAST({c} AS varchar(5))"),
    Case("smallint", _same("-32768", "-1", "0", "32767"), "CAST({c} AS varchar(10))"),
    Case("int", _same("-2147483648", "0", "2147483647"), "CAST({c} AS varchar(20))"),
    Case("bigint", _same("-9223372036854775808", "-1", "9007199254740993", "9223372036854775807"), "CAST({c} AS varchar(30))"),
    Case("decimal(1,0)", _decimals("-9", "0", "9"), "CAST({c} AS varchar(50))"),
    Case("decimal(9,2)", _decimals("-9999999.99", "0.00", "0.01", "9999999.99"), "CAST({c} AS varchar(50))"),
    Case(
        "decimal(38,0)",
        _decimals("-99999999999999999999999999999999999999", "1", "99999999999999999999999999999999999999"),
        "CAST({c} AS varchar(50))",
    ),
    Case(
        "decimal(38,38)",
        tuple(
            (text, Decimal(text), text)
            for text in ("-0.99999999999999999999999999999999999999", "0.00000000000000000000000000000000000001")
        ),
        "CAST({c} AS varchar(50))",
    ),
    Case("numeric(20,10)", _decimals("-1234567890.0123456789", "9999999999.9999999999"), "CAST({c} AS varchar(50))"),
    Case(
        "money",
        _decimals("-922337203685477.5808", "-0.0001", "0.0000", "922337203685477.5807"),
        "CONVERT(varchar(50), {c}, 2)",
    ),
    Case("smallmoney", _decimals("-214748.3648", "0.0000", "214748.3647"), "CONVERT(varchar(50), {c}, 2)"),
    Case(
        "real",
        (
            ("CAST(3.4028235E38 AS real)", 3.4028234663852886e38, ""),
            ("CAST(-1.18E-38 AS real)", struct.unpack("<f", struct.pack("<f", -1.18e-38))[0], ""),
            ("CAST(0.1 AS real)", struct.unpack("<f", struct.pack("<f", 0.1))[0], ""),
            ("CAST(0 AS real)", 0.0, ""),
        ),
        "",
    ),
    Case(
        "float",
        (
            ("1.7976931348623157E308", 1.7976931348623157e308, ""),
            ("-2.2250738585072014E-308", -2.2250738585072014e-308, ""),
            ("1E-1", 0.1, ""),
            ("-0E0", -0.0, ""),
            ("0E0", 0.0, ""),
        ),
        "",
    ),
    Case(
        "date",
        tuple(
            (f"CAST('{text}' AS date)", _days(text), text) for text in ("0001-01-01", "1582-10-10", "1970-01-01", "9999-12-31")
        ),
        "CONVERT(varchar(40), {c}, 23)",
    ),
    Case(
        "time(0)",
        tuple((f"'{text}'", _nanos_of_day(text), text) for text in ("00:00:00", "12:34:56", "23:59:59")),
        "CONVERT(varchar(40), {c}, 108)",
    ),
    Case(
        "time(3)",
        tuple((f"'{text}'", _nanos_of_day(text), text) for text in ("00:00:00.000", "12:34:56.007", "23:59:59.999")),
        "CONVERT(varchar(40), {c}, 121)",
    ),
    Case(
        "time(7)",
        tuple((f"'{text}'", _nanos_of_day(text), text) for text in ("00:00:00.0000000", "00:00:00.0000001", "23:59:59.9999999")),
        "CONVERT(varchar(40), {c}, 121)",
    ),
    Case(
        "smalldatetime",
        tuple(
            (f"CAST('{text.replace(' ', 'T')}' AS smalldatetime)", _micros(text) // 1_000_000, text)
            for text in ("1900-01-01 00:00:00", "2024-02-29 12:34:00", "2079-06-06 23:59:00")
        ),
        "CONVERT(varchar(40), {c}, 120)",
    ),
    Case(
        "datetime",
        tuple(
            (f"CAST('{text.replace(' ', 'T')}' AS datetime)", _micros(text) // 1000, text)
            for text in (
                "1753-01-01 00:00:00.000",
                "1969-12-31 23:59:59.997",
                "2024-02-29 12:34:56.003",
                "9999-12-31 23:59:59.997",
            )
        ),
        "CONVERT(varchar(40), {c}, 121)",
    ),
    Case(
        "datetime2(0)",
        _moments("datetime2(0)", 0, "0001-01-01 00:00:00", "9999-12-31 23:59:59"),
        "CONVERT(varchar(40), {c}, 120)",
    ),
    Case(
        "datetime2(6)",
        _moments("datetime2(6)", 6, "0001-01-01 00:00:00.000001", "1969-12-31 23:59:59.999999", "9999-12-31 23:59:59.999999"),
        "CONVERT(varchar(40), {c}, 121)",
    ),
    Case(
        "datetime2(7)",
        _moments(
            "datetime2(7)",
            7,
            "0001-01-01 00:00:00.0000000",
            "1677-09-21 00:12:43.1452241",
            "1969-12-31 23:59:59.9999999",
            "2024-02-29 12:34:56.1234567",
            "9999-12-31 23:59:59.9999999",
        ),
        "CONVERT(varchar(40), {c}, 121)",
    ),
    Case(
        "datetimeoffset(7)",
        _offset_moments(*OFFSETS),
        "CONVERT(varchar(40), {c}, 121)",
        {"__offset": tuple(minutes for _, minutes in OFFSETS)},
    ),
    Case(
        "char(5)",
        (("'a'", "a    ", "a    "), ("''", "     ", "     "), ("'abcde'", "abcde", "abcde")),
        "CAST({c} AS nvarchar(100))",
    ),
    Case(
        "varchar(20)",
        _texts("", "a", "trailing  ", "it''s".replace("''", "'"), "tab\tline\n", prefix=""),
        "CAST({c} AS nvarchar(100))",
    ),
    Case("varchar(30) COLLATE Latin1_General_CI_AS", _texts("é€ßÿ", "Œuvre"), "CAST({c} AS nvarchar(100))"),
    Case("varchar(30) COLLATE Cyrillic_General_CI_AS", _texts("Привет, мир"), "CAST({c} AS nvarchar(100))"),
    Case("varchar(30) COLLATE Japanese_CI_AS", _texts("日本語 テスト", "ｶﾀｶﾅ"), "CAST({c} AS nvarchar(100))"),
    Case("varchar(60) COLLATE Latin1_General_100_CI_AS_SC_UTF8", _texts("é€ß", "日本語", "𐍈😀"), "CAST({c} AS nvarchar(100))"),
    Case("nchar(4)", (("N'é'", "é   ", "é   "), ("N'😀'", "😀  ", "😀  "), ("N''", "    ", "    ")), "{c}"),
    Case("nvarchar(4000)", _texts("", " ", "é€日本語", "😀𐍈\U0010ffff", "x" * 4000, "\ufffd", "\u0301e"), "{c}"),
    Case("varchar(8000)", _texts("x" * 8000, "", prefix=""), "CAST({c} AS nvarchar(max))"),
    Case("varchar(max)", _texts("", "short", "y" * 20_000, prefix=""), "CAST({c} AS nvarchar(max))"),
    Case("nvarchar(max)", _texts("", "é", LONG, "z" * 30_000), "{c}"),
    Case("text", _texts("", "old", "o" * 9_000, prefix=""), "CAST({c} AS nvarchar(max))"),
    Case("ntext", _texts("", "älter", "ö" * 9_000), "CAST({c} AS nvarchar(max))"),
    Case(
        "xml",
        (
            ("N'<a b=\"1\">é</a>'", '<a b="1">é</a>', '<a b="1">é</a>'),
            ("N'<a/>'", "<a/>", "<a/>"),
        ),
        "CAST({c} AS nvarchar(max))",
    ),
    Case("binary(4)", (("0x00", b"\0\0\0\0", ""), ("0xDEADBEEF", b"\xde\xad\xbe\xef", "")), ""),
    Case("varbinary(300)", (("0x", b"", ""), (f"0x{BYTES.hex()}", BYTES, "")), ""),
    Case("varbinary(max)", (("0x", b"", ""), (f"0x{(BYTES * 50).hex()}", BYTES * 50, "")), ""),
    Case("image", (("0x", b"", ""), (f"0x{(BYTES * 40).hex()}", BYTES * 40, "")), ""),
    Case("uniqueidentifier", ((f"'{MIN_GUID}'", MIN_GUID, MIN_GUID), (f"'{GUID.lower()}'", GUID, GUID)), "CAST({c} AS char(36))"),
    Case(
        "hierarchyid",
        (("hierarchyid::Parse('/')", "/", "/"), ("hierarchyid::Parse('/1/2.5/-3/')", "/1/2.5/-3/", "/1/2.5/-3/")),
        "CAST({c}.ToString() AS nvarchar(4000))",
    ),
    Case(
        "geography",
        (("geography::STGeomFromText('POINT(-122.349 47.651)', 4326)", POINT, ""),),
        "",
        {"__srid": (4326,)},
    ),
    Case("geometry", (("geometry::STGeomFromText('POINT(-122.349 47.651)', 0)", POINT, ""),), "", {"__srid": (0,)}),
)

# The type of a value in a sql_variant, how it is written, and the exact text of it.
VARIANTS: tuple[tuple[str, str, str], ...] = (
    ("int", "CAST(-5 AS int)", "-5"),
    ("bigint", "CAST(9223372036854775807 AS bigint)", "9223372036854775807"),
    ("smallint", "CAST(-7 AS smallint)", "-7"),
    ("tinyint", "CAST(255 AS tinyint)", "255"),
    ("bit", "CAST(1 AS bit)", "1"),
    ("decimal", "CAST(1.50 AS decimal(9,2))", "1.50"),
    ("numeric", "CAST(-0.001 AS numeric(9,3))", "-0.001"),
    ("money", "CAST(922337203685477.5807 AS money)", "922337203685477.5807"),
    ("smallmoney", "CAST(-0.0001 AS smallmoney)", "-0.0001"),
    ("float", "CAST(1E-1 AS float)", repr(0.1)),
    ("real", "CAST(1E-1 AS real)", repr(struct.unpack("<f", struct.pack("<f", 0.1))[0])),
    ("date", "CAST('9999-12-31' AS date)", "9999-12-31"),
    ("time", "CAST('23:59:59.9999999' AS time(7))", "23:59:59.9999999"),
    ("datetime", "CAST('2024-02-29T12:34:56.003' AS datetime)", "2024-02-29 12:34:56.003"),
    ("smalldatetime", "CAST('2024-02-29T12:34:00' AS smalldatetime)", "2024-02-29 12:34:00"),
    ("datetime2", "CAST('0001-01-01T00:00:00.0000001' AS datetime2(7))", "0001-01-01 00:00:00.0000001"),
    ("datetimeoffset", "CAST('2024-02-29T12:00:00.1234567+01:30' AS datetimeoffset(7))", "2024-02-29 12:00:00.1234567 +01:30"),
    ("char", "CAST('ab' AS char(4))", "ab  "),
    ("varchar", "CAST('é' AS varchar(10))", "é"),
    ("nchar", "CAST(N'日' AS nchar(2))", "日 "),
    ("nvarchar", "CAST(N'日本語 😀' AS nvarchar(20))", "日本語 😀"),
    ("binary", "CAST(0x0102 AS binary(4))", "0x01020000"),
    ("varbinary", "CAST(0xDEADBEEF AS varbinary(10))", "0xDEADBEEF"),
    ("uniqueidentifier", f"CAST('{GUID}' AS uniqueidentifier)", GUID),
)


def same_value(found: object, expected: object) -> bool:
    """Equal, also in type and in the sign of a zero."""
    if isinstance(found, float) and isinstance(expected, float):
        return found == expected and math.copysign(1, found) == math.copysign(1, expected)
    return type(found) is type(expected) and found == expected
