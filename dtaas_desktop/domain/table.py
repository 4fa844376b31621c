"""Tables as a source describes them, the parts they are read in, and the rows that come out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

from dtaas_desktop.domain.fidelity import Fidelity

PartId = str
Misfit = Literal["fail", "null", "reject"]
Bound = int | str | tuple[int | str, ...]


@dataclass(frozen=True, slots=True, order=True)
class TableRef:
    """One table, view or named query of a source. `query` is its SELECT, empty for a stored table or view."""

    name: str
    schema: str = ""
    query: str = ""

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}" if self.schema else self.name


@dataclass(frozen=True, slots=True)
class Column:
    """A source column: the Arrow type it is read as, and the type as the source declares it (for people).

    `prefilled`: when it was added, rows that were there already may have got a value in it, without being changed (a default, a
    computed column). `sparse`: changes may leave its value out where it did not change (changes.UNCHANGED). `traits`: words for
    people, such as identity, computed, masked, or a collation.
    """

    name: str
    type: pa.DataType
    nullable: bool = True
    declared: str = ""
    prefilled: bool = False
    sparse: bool = False
    traits: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TableDescription:
    """What a source knows of a table without reading it whole. `notes` are sentences for the user about declared losses.

    Where the source tells: `clustered`, the columns its rows are sorted by; `unique`, further unique keys; `traits`, words such as
    temporal or partitioned; `capture`, a sentence on the state of change capture; `fidelity`, how truly each column arrives.
    """

    table: TableRef
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    kind: Literal["table", "view", "query"] = "table"
    rows_estimate: int | None = None
    bytes_estimate: int | None = None
    notes: tuple[str, ...] = ()
    clustered: tuple[str, ...] = ()
    unique: tuple[tuple[str, ...], ...] = ()
    traits: tuple[str, ...] = ()
    capture: str = ""
    fidelity: tuple[Fidelity, ...] = ()

    @property
    def schema(self) -> pa.Schema:
        return pa.schema([pa.field(c.name, c.type, c.nullable) for c in self.columns])


@dataclass(frozen=True, slots=True)
class Part:
    """A range of a table: key values from `low` (inclusive) up to `high` (exclusive); None is open at that end.

    The meaning of the bounds belongs to the connector that made the part. Plain values, so that a stored plan can hold them.
    `most`: rows wanted at most, for a look at a table. `upto`: the position up to which rows are wanted, where a load goes on with
    what is new by a column. `by`: the columns whose values they are, where the connector chose among several; with more than one the bounds are tuples.
    """

    id: PartId
    low: Bound | None = None
    high: Bound | None = None
    rows_estimate: int | None = None
    by: tuple[str, ...] = ()
    most: int | None = None
    upto: str | None = None


@dataclass(frozen=True, slots=True)
class CellPolicy:
    """What happens to a source value that does not fit its column's type, and to one larger than `limit` bytes.

    An oversized cell is never cut: its row is rejected, or the table fails.
    """

    misfit: Misfit = "fail"
    limit: int = 64 * 1024 * 1024
    oversize: Literal["fail", "reject"] = "fail"


# Rejected rows: the source row and its key as JSON objects, the node and column that refused it, and why.
REJECTED = pa.schema(
    [
        pa.field("row", pa.large_string(), nullable=False),
        pa.field("key", pa.large_string()),
        pa.field("node", pa.string(), nullable=False),
        pa.field("column", pa.string()),
        pa.field("reason", pa.large_string(), nullable=False),
    ]
)


@dataclass(frozen=True, slots=True)
class Rows:
    """One batch from a source: good rows, rows refused while reading (REJECTED shape), and how many cells became null.

    `changes` stands beside the rows of a change stream (changes.CHANGES), row for row.
    """

    batch: pa.RecordBatch
    rejected: pa.RecordBatch | None = None
    nulled: int = 0
    changes: pa.RecordBatch | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows of one table run, or changes of one turn (an update is one). They must balance: read = written + filtered + rejected.

    A rejected or filtered change may still have removed a stale row. `nulled` counts cells.
    """

    read: int = 0
    filtered: int = 0
    rejected: int = 0
    written: int = 0
    nulled: int = 0

    @property
    def balanced(self) -> bool:
        return self.read == self.written + self.filtered + self.rejected

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.read + other.read,
            self.filtered + other.filtered,
            self.rejected + other.rejected,
            self.written + other.written,
            self.nulled + other.nulled,
        )

    def __sub__(self, other: "Counts") -> "Counts":
        return self + Counts(-other.read, -other.filtered, -other.rejected, -other.written, -other.nulled)


def total(counts: Sequence[Counts]) -> Counts:
    return sum(counts, Counts())
