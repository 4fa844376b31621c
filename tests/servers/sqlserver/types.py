"""SQL Server's types, with what sys.types and sys.columns say of each (documentation: sys.types, "Data types (Transact-SQL)")."""

from dataclasses import dataclass, replace

from tests.servers.sqlserver.collation import Collation
from tests.servers.sqlserver.errors import SqlError

Value = int | float | bytes | None
"""A value as it is stored (and sorts) here:

whole numbers and money (× 10,000) as int; decimals as int × 10^scale, above 18 digits as 17 bytes that sort; float and real as
float; date as days since 0001-01-01; time and datetime2 as 100 ns since midnight or 0001-01-01; datetime as 1/300 s, smalldatetime as
minutes since 1900-01-01; datetimeoffset as 8 bytes of UTC and 2 of offset, sorting; char and varchar as bytes of the code page; nchar,
nvarchar and xml as UTF-16; uniqueidentifier in the order in which SQL Server compares its bytes; sql_variant as MS-TDS
2.2.5.5.4 sends it; hierarchyid, geography, geometry as their CLR serialization.
"""

MAX = -1


@dataclass(frozen=True, slots=True)
class SqlType:
    name: str
    length: int = 0  # bytes of binary and char, characters of nchar; MAX
    precision: int = 0
    scale: int = 0
    collation: Collation | None = None
    alias: str = ""  # sysname

    @property
    def family(self) -> str:
        return FAMILY[self.name]

    @property
    def wide(self) -> bool:
        return self.name in WIDE_TEXT

    @property
    def small(self) -> bool:
        """A decimal that is stored as an int."""
        return self.precision <= 18

    @property
    def maximum(self) -> bool:
        return self.length == MAX or self.name in {"text", "ntext", "image", "xml", "geography", "geometry"}

    @property
    def max_length(self) -> int:
        """sys.columns.max_length."""
        if self.name in {"text", "ntext", "image"}:
            return 16
        if self.maximum:
            return -1
        if self.family in {"text", "binary"} and self.name != "timestamp":
            return self.length * 2 if self.wide else self.length
        return storage_bytes(self)

    @property
    def shown_precision(self) -> int:
        return self.precision or {"time": (8, 10), "datetime2": (19, 20), "datetimeoffset": (26, 27)}.get(self.name, (0, 0))[
            self.scale > 0
        ] + (self.scale if self.name in SCALED else 0)

    @property
    def catalogue_row(self) -> dict[str, int]:
        """What sys.columns says of the type in numbers."""
        system, user = TYPE_ROWS[self.name][:2]
        return {
            "type_id": system, "user_type": 256 if self.alias else user, "max_length": self.max_length,
            "shown_precision": self.shown_precision,
        }  # fmt: skip

    @property
    def words(self) -> str:
        if self.family == "text" or (self.family == "binary" and self.name not in {"timestamp", "image"}):
            return (
                self.name if self.name in {"text", "ntext", "xml"} else f"{self.name}({'max' if self.maximum else self.length})"
            )
        if self.name in {"decimal", "numeric"}:
            return f"{self.name}({self.precision},{self.scale})"
        return f"{self.name}({self.scale})" if self.name in SCALED else self.name


FAMILY = {
    "bit": "int", "tinyint": "int", "smallint": "int", "int": "int", "bigint": "int",
    "decimal": "exact", "numeric": "exact", "money": "exact", "smallmoney": "exact",
    "float": "float", "real": "float",
    "date": "moment", "time": "moment", "datetime2": "moment", "datetimeoffset": "moment", "datetime": "moment",
    "smalldatetime": "moment",
    "char": "text", "varchar": "text", "text": "text", "nchar": "text", "nvarchar": "text", "ntext": "text", "xml": "text",
    "binary": "binary", "varbinary": "binary", "image": "binary", "timestamp": "binary",
    "uniqueidentifier": "guid", "sql_variant": "variant",
    "hierarchyid": "hierarchyid", "geography": "spatial", "geometry": "spatial",
}  # fmt: skip
WIDE_TEXT = frozenset({"nchar", "nvarchar", "ntext", "xml"})
SCALED = frozenset({"time", "datetime2", "datetimeoffset"})
INTEGERS = {"bit": (0, 1), "tinyint": (0, 255), "smallint": (-(2**15), 2**15 - 1), "int": (-(2**31), 2**31 - 1)}
INTEGERS["bigint"] = (-(2**63), 2**63 - 1)

# name → system_type_id, user_type_id, precision, scale as sys.types shows them.
TYPE_ROWS: dict[str, tuple[int, int, int, int, int]] = {  # ids, max_length, precision, scale
    "image": (34, 34, 16, 0, 0), "text": (35, 35, 16, 0, 0), "uniqueidentifier": (36, 36, 16, 0, 0),
    "date": (40, 40, 3, 10, 0), "time": (41, 41, 5, 16, 7), "datetime2": (42, 42, 8, 27, 7),
    "datetimeoffset": (43, 43, 10, 34, 7), "tinyint": (48, 48, 1, 3, 0), "smallint": (52, 52, 2, 5, 0),
    "int": (56, 56, 4, 10, 0), "smalldatetime": (58, 58, 4, 16, 0), "real": (59, 59, 4, 24, 0),
    "money": (60, 60, 8, 19, 4), "datetime": (61, 61, 8, 23, 3), "float": (62, 62, 8, 53, 0),
    "sql_variant": (98, 98, 8016, 0, 0), "ntext": (99, 99, 16, 0, 0), "bit": (104, 104, 1, 1, 0),
    "decimal": (106, 106, 17, 38, 38), "numeric": (108, 108, 17, 38, 38), "smallmoney": (122, 122, 4, 10, 4),
    "bigint": (127, 127, 8, 19, 0), "hierarchyid": (240, 128, 892, 0, 0), "geometry": (240, 129, -1, 0, 0),
    "geography": (240, 130, -1, 0, 0), "varbinary": (165, 165, 8000, 0, 0), "varchar": (167, 167, 8000, 0, 0),
    "binary": (173, 173, 8000, 0, 0), "char": (175, 175, 8000, 0, 0), "timestamp": (189, 189, 8, 0, 0),
    "nvarchar": (231, 231, 8000, 0, 0), "nchar": (239, 239, 8000, 0, 0), "xml": (241, 241, -1, 0, 0),
}  # fmt: skip

_SYNONYMS = {
    "integer": "int", "dec": "decimal", "rowversion": "timestamp", "character": "char",
    "charvarying": "varchar", "double": "float",
}  # fmt: skip

# "Data type precedence (Transact-SQL)", highest first.
PRECEDENCE = (
    "hierarchyid", "geography", "geometry", "sql_variant", "xml", "datetimeoffset", "datetime2", "datetime", "smalldatetime",
    "date", "time", "float", "real", "decimal", "numeric", "money", "smallmoney", "bigint", "int", "smallint", "tinyint", "bit",
    "ntext", "text", "image", "timestamp", "uniqueidentifier", "nvarchar", "nchar", "varchar", "char", "varbinary", "binary",
)  # fmt: skip


def storage_bytes(kind: SqlType) -> int:
    if kind.name in {"decimal", "numeric"}:
        return 5 if kind.precision <= 9 else 9 if kind.precision <= 19 else 13 if kind.precision <= 28 else 17
    if kind.name in SCALED:
        return {"time": 3, "datetime2": 6, "datetimeoffset": 8}[kind.name] + (kind.scale > 2) + (kind.scale > 4)
    return TYPE_ROWS[kind.name][2]


def named(name: str, arguments: tuple[int, ...] = (), *, collation: Collation, default_length: int = 1) -> SqlType:
    """The type of a declaration such as `decimal(10, 2)`; -1 stands for `max`. `default_length` is 30 in CAST."""
    name = _SYNONYMS.get(name.lower(), name.lower())
    if name == "sysname":
        return SqlType("nvarchar", 128, collation=collation, alias="sysname")
    if name not in FAMILY:
        raise SqlError(243, f"Type {name} is not a defined system type.")
    if name in {"decimal", "numeric"}:
        precision, scale = (*arguments, 18, 0)[0], (*arguments, 0)[1] if len(arguments) > 1 else 0
        if not 1 <= precision <= 38 or not 0 <= scale <= precision:
            raise SqlError(2750, f"Column or parameter: Specified column precision {precision} is greater than 38 or wrong.")
        return SqlType(name, precision=precision, scale=scale)
    if name in SCALED:
        scale = arguments[0] if arguments else 7
        if not 0 <= scale <= 7:
            raise SqlError(1002, f"Line 1: Specified scale {scale} is invalid.", severity=15)
        return SqlType(name, scale=scale)
    if name == "float" and arguments and arguments[0] <= 24:
        name = "real"
    if FAMILY[name] in {"text", "binary"} and name != "timestamp":
        whole = name in {"text", "ntext", "xml", "image"}
        length = MAX if whole else arguments[0] if arguments else default_length
        return _with_length(name, length, None if FAMILY[name] == "binary" or name == "xml" else collation)
    return plain(name)


def _with_length(name: str, length: int, collation: Collation | None) -> SqlType:
    limit = 4000 if name in WIDE_TEXT else 8000
    if length > limit or length == 0:
        text = f"The size ({length}) given to the type '{name}' exceeds the maximum allowed ({limit})."
        raise SqlError(131, text, severity=15)
    return SqlType(name, length, collation=collation)


def plain(name: str) -> SqlType:
    """A type that takes no arguments and no collation."""
    return SqlType(name, 8 if name == "timestamp" else 0, precision=TYPE_ROWS[name][3], scale=TYPE_ROWS[name][4])


BIT, TINYINT, SMALLINT, INT, BIGINT = (plain(name) for name in ("bit", "tinyint", "smallint", "int", "bigint"))
FLOAT, DATETIME, DATE, VARIANT = plain("float"), plain("datetime"), plain("date"), plain("sql_variant")
GUID = plain("uniqueidentifier")


def decimal_type(precision: int, scale: int) -> SqlType:
    """The type of a result, cut to 38 digits by the documented rule: whole digits first, at least 6 of the scale."""
    if precision > 38:
        scale = max(min(scale, 38 - (precision - scale)), min(scale, 6))
        precision = 38
    return SqlType("decimal", precision=precision, scale=scale)


def as_decimal(kind: SqlType) -> SqlType:
    """The decimal that holds every value of an exact number's type."""
    digits = {"bit": 1, "tinyint": 3, "smallint": 5, "int": 10, "bigint": 19}.get(kind.name)
    return SqlType("decimal", precision=digits or kind.precision, scale=0 if digits else kind.scale)


def common(first: SqlType, second: SqlType) -> SqlType:
    """The type to which both sides of a comparison, a CASE or a UNION are brought."""
    if first == second:
        return first
    high, low = sorted((first, second), key=lambda kind: PRECEDENCE.index(kind.name))
    if high.family == "exact" and low.family in {"exact", "int"} and high.name in {"decimal", "numeric"}:
        one, two = as_decimal(high), as_decimal(low)
        scale = max(one.scale, two.scale)
        return decimal_type(max(one.precision - one.scale, two.precision - two.scale) + scale, scale)
    if high.family == low.family == "text" or high.family == low.family == "binary":
        if high.name in {"text", "ntext", "xml", "image"}:
            return high
        length = MAX if MAX in (high.length, low.length) else max(high.length, low.length)
        name = high.name if high.family == "binary" else ("n" if high.wide else "") + "varchar"
        limit = 4000 if high.wide else 8000
        joined = high.collation or low.collation
        return SqlType(
            "varbinary" if name in {"binary", "timestamp"} and high.name != low.name else name,
            MAX if length > limit else length,
            collation=joined,
        )
    if high.name in SCALED and low.name in {*SCALED, "datetime", "smalldatetime"}:
        finest = {"datetime": 7, "smalldatetime": 0}.get(low.name, low.scale)
        return replace(high, scale=max(high.scale, finest))
    return high
