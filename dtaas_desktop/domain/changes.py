"""Changes of a table as they travel: images of rows, and beside each what happened, where in the stream, and when.

**Positions** are texts that a source makes and that only it understands whole; compared byte by byte, a later one is greater. The
position saved at a target says how far the source was read for it; the position of a change (column `position`) orders it within
its table and differs from that of every other change, while both images of an update share it.

**Images.** A change log gives both images of an update, before and after; a source that knows only which keys were touched
(*net changes*) gives each key once, with the row as it is now or with nothing. The engine sends the images through the
transformations, whatever they are, and counts afterwards: an image that was at the target before has the sign −1, one that is to
be there has +1. A row that leaves a filter, one that enters it, one that changes its key, an update that is rejected: each is a sum
of these, and `net_effect` adds them up.

**At a destination.** *mirror* takes signed images (SIGNED columns, then the target's); *history*, and every load of the two, takes
rows under a letter (LETTERED columns, then the target's): L loaded, I inserted, U updated, D deleted. What *mirror* leaves in files
has the letters of the net effect: I is there now, U changed where it is there, D is gone.
"""

import enum
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

Position = str


class Operation(enum.IntEnum):
    """What an image is. The first four have the numbers of SQL Server's `__$operation`."""

    DELETE = 1  # the row as it was
    INSERT = 2
    BEFORE = 3  # an update's row as it was; its AFTER is the next row of the same batch
    AFTER = 4
    PRESENT = 5  # net changes: the row as it is now
    ABSENT = 6  # net changes: no row has this key now; only the key's columns hold values
    REFUSED = 7  # net changes: a row has this key now, but reading it was refused (it is among the rejected); only the key


@dataclass(frozen=True, slots=True)
class Changes:
    """What a change turn reads of a table: everything after one position, up to and with another."""

    after: Position
    upto: Position


@dataclass(frozen=True, slots=True)
class Lag:
    """What waits after a position: how many changes, and since when the oldest does (seconds since 1970); None if unknown."""

    changes: int | None
    oldest: float | None


# What stands beside each image of a batch. A column whose value an image does not carry although it exists (a large object that an
# update left alone) has besides a bool column here, UNCHANGED + its name, true where that is so; its cell in the batch is null.
CHANGES = pa.schema(
    [
        pa.field("operation", pa.int8(), nullable=False),
        pa.field("transaction", pa.string(), nullable=False),  # equal within a transaction, greater in later ones
        pa.field("position", pa.string(), nullable=False),
        pa.field("committed_at", pa.timestamp("us", "UTC")),
    ]
)
UNCHANGED = "unchanged:"

# What stands before the target's columns in the rows that a destination is given.
SIGNED = pa.schema(
    [
        pa.field("__sign", pa.int8(), nullable=False),  # +1 or −1; rows with −1 need hold no more than the key
        pa.field("__transaction", pa.string(), nullable=False),
        pa.field("__position", pa.string(), nullable=False),
        pa.field("__committed_at", pa.timestamp("us", "UTC")),
    ]
)
LETTERED = pa.schema(
    [
        pa.field("__op", pa.string(), nullable=False),
        pa.field("__position", pa.string()),
        pa.field("__committed_at", pa.timestamp("us", "UTC")),
    ]
)
SAME = "__same:"  # before a column's name: the bool column of signed images that says which keep the destination's value
DELETED_AT = "__deleted_at"  # the column of a soft delete: when, null for rows that live
RESERVED = frozenset({*SIGNED.names, *LETTERED.names, DELETED_AT})

Kind = Literal["load", "changes"]
WriteMode = Literal["replace", "append", "mirror", "history"]
KEYED: frozenset[WriteMode] = frozenset({"mirror"})
CHANGE_MODES: frozenset[WriteMode] = frozenset({"mirror", "history"})


def staged_schema(schema: pa.Schema, write_mode: WriteMode, kind: Kind, *, same: Collection[str] = ()) -> pa.Schema:
    """The rows that a stage is given for a target with `schema`; `same` names the columns that may keep the destination's value."""
    if write_mode not in CHANGE_MODES:
        return schema
    if write_mode == "history" or kind == "load":
        return pa.schema([*LETTERED, *(field.with_nullable(True) for field in schema)])
    marks = [pa.field(SAME + field.name, pa.bool_(), nullable=False) for field in schema if field.name in same]
    return pa.schema([*SIGNED, *marks, *(field.with_nullable(True) for field in schema)])


def loaded(rows: pa.RecordBatch, position: Position | None) -> pa.RecordBatch:
    """Rows of a full load under the letter L and the load's position."""
    count = rows.num_rows
    columns = [
        pa.repeat(pa.scalar("L"), count),
        pa.repeat(pa.scalar(position, pa.string()), count),
        pa.nulls(count, LETTERED.field(2).type),
        *rows.columns,
    ]
    schema = pa.schema([*LETTERED, *(field.with_nullable(True) for field in rows.schema)])
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def refuse_unpaired(changes: pa.RecordBatch) -> None:
    """Raises ValueError unless each BEFORE is followed by the AFTER of the same position, and none of them stands alone."""
    import pyarrow.compute as pc  # here: the window shows what this module names, and computes nothing with it

    operations = changes.column("operation")
    befores = pc.indices_nonzero(pc.equal(operations, Operation.BEFORE.value))
    afters = pc.indices_nonzero(pc.equal(operations, Operation.AFTER.value))
    if len(befores) != len(afters) or not pc.add(befores, pa.scalar(1, befores.type)).equals(afters):
        raise ValueError("an update's images do not stand in pairs, before and after")
    positions = changes.column("position")
    if not positions.take(befores).equals(positions.take(afters)):
        raise ValueError("two images of different changes stand as a pair")
