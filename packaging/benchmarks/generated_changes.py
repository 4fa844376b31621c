"""A source made of arithmetic: a table, and a log of single-row changes in SQL Server's shape, each a transaction of its own.

Key k has, in round r, the turn c = (k + r) mod 10: 8 deletes it, 9 inserts it again, everything else updates it (both images). Keys of
which the first round is a 9 are not there at the beginning. Each round goes over all keys in another order.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from dtaas_desktop.domain.changes import CHANGES, Changes, Lag, Operation, Position
from dtaas_desktop.domain.connection import CheckStep
from dtaas_desktop.domain.ports import CaptureState
from dtaas_desktop.domain.table import CellPolicy, Column, Part, Rows, TableDescription, TableRef

TABLE = TableRef("t")
BATCH = 32_768
_STRIDE = 7_919  # a prime: walks over all keys in an order that looks like none
_DELETES, _INSERTS = 8, 9


@dataclass
class Generated:
    """`keys` rows and `changes` changes of them; as a source, its own capture and its own session."""

    keys: int
    changes: int
    done: int  # how many changes have happened
    net: bool = False
    exact_by_default: bool = True

    @property
    def capture(self) -> "Generated":
        return self

    def check(self) -> Iterator[CheckStep]:
        yield CheckStep("Arithmetic works", ok=True)

    def tables(self) -> Sequence[TableRef]:
        return [TABLE]

    def describe(self, table: TableRef, *, published: pa.Schema | None = None) -> TableDescription:
        types = {"id": pa.int64(), "n": pa.int64(), "amount": pa.float64(), "name": pa.large_string()}
        return TableDescription(
            TABLE, tuple(Column(name, kind) for name, kind in types.items()), ("id",), rows_estimate=self.keys
        )

    def split(self, table: TableDescription, parts: int, *, exact: bool) -> Sequence[Part]:
        return [Part("0")]

    @contextmanager
    def session(self, tables: Sequence[TableRef], *, exact: bool) -> Iterator["Generated"]:
        yield self

    def now(self) -> Mapping[TableRef, Position]:
        return {TABLE: f"{self.done:012}"}

    @contextmanager
    def read(
        self,
        table: TableDescription,
        what: Part | Changes,
        *,
        columns: Sequence[str],
        cells: CellPolicy,
        whole: Collection[str] = (),
    ) -> Iterator["_Stream"]:
        batches = self._rows() if isinstance(what, Part) else self._changes(int(what.after), int(what.upto))
        yield _Stream(table.schema, batches)

    def _rows(self) -> Iterator[Rows]:
        for first in range(0, self.keys, BATCH):
            ids = _numbers(first, min(first + BATCH, self.keys))
            there = pc.not_equal(_mod(ids, 10), _INSERTS)
            yield Rows(_row(ids.filter(there), _zeros(ids).filter(there)))

    def _changes(self, after: int, upto: int) -> Iterator[Rows]:
        for first in range(after, upto, BATCH):
            numbers = _numbers(first, min(first + BATCH, upto))
            rounds = pc.divide(numbers, self.keys)
            ids = _mod(pc.add(pc.multiply(numbers, _STRIDE), rounds), self.keys)
            turns = _mod(pc.add(ids, rounds), 10)
            # Two images of each change; the one that it does not have is left out.
            updates = pc.less(turns, _DELETES)
            before = pc.if_else(updates, Operation.BEFORE.value, pc.if_else(pc.equal(turns, _DELETES), Operation.DELETE.value, 0))
            after_ = pc.if_else(updates, Operation.AFTER.value, pc.if_else(pc.equal(turns, _INSERTS), Operation.INSERT.value, 0))
            old = _row(ids, pc.subtract(numbers, self.keys))
            new = _row(ids, pc.add(numbers, 1))
            count = len(numbers)
            order = _interleaved(count)
            operations = pa.concat_arrays([before.cast(pa.int8()), after_.cast(pa.int8())]).take(order)
            kept = pc.greater(operations, 0)
            positions = pa.concat_arrays([_padded(numbers)] * 2).take(order).filter(kept)
            images = pa.concat_batches([old, new]).take(order).filter(kept)
            nothing = pa.nulls(len(positions), CHANGES.field("committed_at").type)
            beside = pa.RecordBatch.from_arrays([operations.filter(kept), positions, positions, nothing], schema=CHANGES)
            yield Rows(images, changes=beside)

    def expected(self) -> tuple[int, int]:
        """Rows at the end, and the sum of n over them. Whole rounds only."""
        rounds = self.changes // self.keys
        rows = total = 0
        for first in range(0, self.keys, BATCH):
            ids = _numbers(first, min(first + BATCH, self.keys))
            last = _mod(pc.add(ids, rounds - 1), 10)
            there = ids.filter(pc.not_equal(last, _DELETES))
            # The number at which the last round comes to a key: the order is undone by the inverse of the stride.
            inverse = pow(_STRIDE, -1, self.keys)
            offset = (rounds - 1) * self.keys
            place = _mod(
                pc.multiply(_mod(pc.subtract(pc.subtract(there, rounds - 1), offset * _STRIDE % self.keys), self.keys), inverse),
                self.keys,
            )
            rows += len(there)
            total += pc.sum(pc.add(pc.add(place, offset), 1)).as_py() or 0
        return rows, total

    # As a capture

    def state(self, table: TableRef) -> CaptureState:
        return CaptureState(on=True)

    def script(self, tables: Sequence[TableRef]) -> str:
        return ""

    def enable(self, tables: Sequence[TableRef]) -> None:
        pass

    def disable(self, tables: Sequence[TableRef]) -> None:
        pass

    def hold(self, consumer: str, tables: Collection[TableRef]) -> None:
        pass

    def release(self, consumer: str, upto: Mapping[TableRef, Position]) -> None:
        pass

    def lag(self, since: Mapping[TableRef, Position]) -> Mapping[TableRef, Lag]:
        return {table: Lag(self.done - int(position), None) for table, position in since.items()}


@dataclass(frozen=True)
class _Stream:
    schema: pa.Schema
    batches: Iterator[Rows]

    def __iter__(self) -> Iterator[Rows]:
        return self.batches

    def cancel(self) -> None:
        pass


_COUNT = pa.array(range(2 * BATCH), pa.int64())


def _numbers(first: int, end: int) -> pa.Array:
    return pc.add(_COUNT.slice(0, end - first), first)


def _interleaved(count: int) -> pa.Array:
    """0, count, 1, count + 1, …"""
    numbers = _COUNT.slice(0, 2 * count)
    return pc.add(pc.divide(numbers, 2), pc.multiply(_mod(numbers, 2), count))


def _mod(values: pa.Array, divisor: int) -> pa.Array:
    rest = pc.subtract(values, pc.multiply(pc.divide(values, divisor), divisor))
    return pc.if_else(pc.less(rest, 0), pc.add(rest, divisor), rest)


def _zeros(values: pa.Array) -> pa.Array:
    return pc.multiply(values, 0)


def _padded(numbers: pa.Array) -> pa.Array:
    return pc.utf8_lpad(numbers.cast(pa.string()), 12, "0")


def _row(ids: pa.Array, numbers: pa.Array) -> pa.RecordBatch:
    amount = pc.divide(numbers.cast(pa.float64()), 4.0)
    start, nothing = pa.scalar("customer ", pa.large_string()), pa.scalar("", pa.large_string())
    names = pc.binary_join_element_wise(start, ids.cast(pa.large_string()), nothing)
    return pa.RecordBatch.from_arrays([ids, numbers, amount, names], ["id", "n", "amount", "name"])
