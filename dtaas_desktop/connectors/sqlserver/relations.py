"""Tables, views and queries as the server sees them: columns, indexes, sizes."""

from dataclasses import dataclass
from typing import Literal

from dtaas_desktop.domain.table import TableRef

MEMORY = "memory-optimised"


@dataclass(frozen=True, slots=True)
class StoredColumn:
    """A column as the server declares it. `type` is the name of its system type, in lower case; `max_length` is in bytes, −1 for
    (max); `encrypted`: by Always Encrypted, so that the server itself cannot read it."""

    name: str
    type: str
    max_length: int = 0
    precision: int = 0
    scale: int = 0
    collation: str = ""
    nullable: bool = True
    identity: bool = False
    computed: bool = False
    masked: bool = False
    encrypted: bool = False
    has_default: bool = False
    alias: str = ""  # the user-defined type's name

    @property
    def declared(self) -> str:
        """The type as it is written in a definition."""
        return self.alias or _declared(self)


@dataclass(frozen=True, slots=True)
class Index:
    """A unique or clustered index over rows; columns in key order."""

    columns: tuple[str, ...]
    unique: bool
    primary: bool
    clustered: bool


@dataclass(frozen=True, slots=True)
class Relation:
    """Something to select from, as the server sees it. `before` stands before SELECT, `source` after FROM (alias `r` follows)."""

    ref: TableRef
    kind: Literal["table", "view", "query"]
    source: str
    columns: tuple[StoredColumn, ...]
    before: str = ""
    indexes: tuple[Index, ...] = ()
    rows: int | None = None
    bytes: int | None = None
    heap: bool = False
    traits: tuple[str, ...] = ()
    change_data_capture: bool = False
    change_tracking: bool = False

    def column(self, name: str) -> StoredColumn:
        return next(column for column in self.columns if column.name == name)

    @property
    def key(self) -> tuple[str, ...]:
        """The primary key, or else a unique index of columns that are never empty, of few columns rather than many."""
        required = {column.name for column in self.columns if not column.nullable}
        usable = [index for index in self.indexes if index.unique and (index.primary or required.issuperset(index.columns))]
        usable.sort(key=lambda index: (not index.primary, len(index.columns), index.columns))
        return usable[0].columns if usable else ()

    @property
    def in_memory(self) -> bool:
        """Whether the rules of memory-optimised tables hold."""
        return MEMORY in self.traits

    @property
    def clustered(self) -> Index | None:
        return next((index for index in self.indexes if index.clustered), None)


@dataclass(frozen=True, slots=True)
class Database:
    """The database that was opened, and what it can do."""

    name: str
    version: str
    major: int
    edition: str
    engine: int  # 5: Azure SQL Database, 8: Managed Instance
    login: str
    default_schema: str
    snapshot: bool
    collation: str
    change_data_capture: bool
    read_only: bool = False  # a replica, or a database that is closed to changes: nobody's locks hold anything there


def _declared(column: StoredColumn) -> str:
    name = column.type
    if name in ("decimal", "numeric"):
        return f"{name}({column.precision},{column.scale})"
    if name in ("time", "datetime2", "datetimeoffset"):
        return f"{name}({column.scale})"
    if name in ("char", "varchar", "binary", "varbinary"):
        return f"{name}({'max' if column.max_length < 0 else column.max_length})"
    if name in ("nchar", "nvarchar"):
        return f"{name}({'max' if column.max_length < 0 else column.max_length // 2})"
    if name == "timestamp":
        return "rowversion"
    return name
