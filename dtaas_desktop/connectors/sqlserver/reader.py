"""Rows of one part: one statement, and by key the few rows with cells too large for its buffer.

Under READ COMMITTED two statements see two moments. So the first alone decides which rows there are; a row fetched by key comes as it
is then, or not at all if it is gone: never twice, and whole.
"""

import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from dtaas_desktop.connectors.sqlserver import keys, sizes
from dtaas_desktop.connectors.sqlserver.errors import TooLarge
from dtaas_desktop.connectors.sqlserver.harm import HarmMeter
from dtaas_desktop.connectors.sqlserver.judgement import Judge
from dtaas_desktop.connectors.sqlserver.odbc import Bulk
from dtaas_desktop.connectors.sqlserver.relations import Relation
from dtaas_desktop.connectors.sqlserver.select import SelectList, Taken, replaced, statement
from dtaas_desktop.connectors.sqlserver.types import LONGEST_BOUNDED, Reading
from dtaas_desktop.domain.errors import AppError, TransientError
from dtaas_desktop.domain.table import CellPolicy, Part, Rows, TableDescription

_MOST_ROWS = 65_535
_PATIENCE = 1.0  # seconds until a fetch that does not come back is cut off
_FETCHED_AT_ONCE = 50
_TRIES = 3

Key = tuple[int | str, ...]


class PartStream:
    """The rows of a part. `cancel` ends it at the next batch, or within a second or two where the server is silent."""

    def __init__(
        self,
        bulk: Bulk,
        relation: Relation,
        table: TableDescription,
        part: Part,
        readings: Sequence[Reading],
        *,
        condition: str = "",
        cells: CellPolicy,
        keeps_broken: bool,
        buffer: int,
        harm: HarmMeter,
    ) -> None:
        self.schema = pa.schema([pa.field(reading.name, reading.type, reading.nullable) for reading in readings])
        self._bulk, self._relation, self._table = bulk, relation, table
        self._readings, self._cells, self._buffer, self._harm = tuple(readings), cells, buffer, harm
        self._keeps_broken, self._most = keeps_broken, part.most
        ranged = keys.within([relation.column(name) for name in part.by], part)
        self._condition = " AND ".join(one for one in (ranged, condition) if one)
        key = [relation.column(name) for name in relation.key]
        self._key = tuple(key) if all(keys.comparable(column) for column in key) else ()
        if self._most is not None and not self._key:  # what is too large for a look could not be fetched afterwards
            self._cells = cells = replace(cells, limit=min(cells.limit, LONGEST_BOUNDED))
        self._judge = Judge(str(table.table), self.schema, table.key, cells)
        self._cancelled = threading.Event()
        self._ending = threading.Lock()  # of what follows: a stream may be cancelled while it ends by itself
        self._closed = False
        self._cutting: threading.Timer | None = None
        self._running: Generator[Rows, None, None] | None = None

    def cancel(self) -> None:
        with self._ending:
            if self._cancelled.is_set() or self._closed:
                return
            self._cancelled.set()
            self._cutting = threading.Timer(_PATIENCE, self._cut)
            self._cutting.start()

    def __iter__(self) -> Iterator[Rows]:
        self._running = self._rows()
        return self._running

    def close(self) -> None:
        """End the reading: the connection is free for another part."""
        if self._running is not None:
            self._running.close()
        with self._ending:
            self._closed = True
        if self._cutting is not None:
            self._cutting.cancel()
            self._cutting.join()

    def _cut(self) -> None:
        self._bulk.failed = True
        self._bulk.cut()

    def _rows(self) -> Generator[Rows, None, None]:
        try:
            caps = self._caps()
            large: list[tuple[Key, dict[int, int]]] = []
            select = SelectList(self._readings, caps, self._key if caps else (), not self._keeps_broken)
            wanted = select.sql if self._most is None else f"TOP ({self._most}) {select.sql}"
            for taken in self._batches(select, statement(self._relation, wanted, self._condition)):
                if self._cancelled.is_set():
                    return
                kept, beyond = self._beyond(taken, select)
                large += beyond
                rows = self._judge.rows(kept)
                if rows.batch.num_rows or rows.rejected is not None:
                    yield rows
            yield from self._fetched(large, select)
        except AppError:
            if not self._cancelled.is_set():
                raise  # otherwise it is our own doing

    def _caps(self) -> dict[int, int]:
        large = [index for index, reading in enumerate(self._readings) if reading.large]
        if not large or self._most is not None:  # for a look at a few rows the sizes of all are not asked
            return dict.fromkeys(large, min(LONGEST_BOUNDED, self._cells.limit))
        with self._harm.statement():
            return dict(
                sizes.caps(
                    self._bulk,
                    self._relation,
                    self._readings,
                    self._condition,
                    limit=self._cells.limit,
                    fetchable=bool(self._key),
                )
            )

    def _batches(self, select: SelectList, sql: str) -> Generator[Taken, None, None]:
        fetch = select.fetch(_MOST_ROWS, self._buffer)
        with self._harm.statement():
            try:
                with closing(self._bulk.stream(sql, select.schema, fetch)) as batches:
                    for batch in batches:
                        self._harm.read(rows=batch.num_rows, size=batch.nbytes)
                        taken = select.taken(batch)
                        if self._keeps_broken:
                            found = replaced(taken, self._readings)
                            self._harm.replaced(sum(pc.sum(mask).as_py() or 0 for mask in found.values()))
                        yield taken
            except TooLarge:
                raise TransientError(
                    f"Table {self._table.table}: a value grew beyond the room that had been made for it.",
                    remedy="The part is read again.",
                ) from None

    def _beyond(self, taken: Taken, select: SelectList) -> tuple[Taken, list[tuple[Key, dict[int, int]]]]:
        """The rows whose cells all came or are refused for their size anyway, and the keys of the others with the sizes there."""
        missing = [pc.fill_null(pc.less_equal(column, self._cells.limit), False) for column in taken.sizes.values()]
        if not missing:
            return taken, []
        mask = missing[0]
        for more in missing[1:]:
            mask = pc.or_(mask, more)
        rows = pc.indices_nonzero(mask).to_pylist()
        if not rows:
            return taken, []
        if not self._key:
            raise TransientError(
                f"Table {self._table.table}: a value grew beyond the room that had been made for it.",
                remedy="The part is read again.",
            )
        found: list[tuple[Key, dict[int, int]]] = []
        for row in rows:
            values = [keys.value_of(column, texts[row].as_py()) for column, texts in zip(select.key, taken.keys, strict=True)]
            grown = {index: size for index, column in taken.sizes.items() if (size := column[row].as_py()) is not None}
            found.append((self._whole_key(values), grown))
        return _filtered(taken, pc.invert(mask)), found

    def _whole_key(self, values: Sequence[int | str | None]) -> Key:
        key = tuple(value for value in values if value is not None)
        if len(key) < len(values):
            raise TransientError(
                f"Table {self._table.table}: a row with a very large cell has a key that cannot be written down.",
                remedy="Leave the large column out, or raise the largest cell allowed.",
            )
        return key

    def _fetched(self, large: list[tuple[Key, dict[int, int]]], select: SelectList) -> Generator[Rows, None, None]:
        """Rows by their keys, as many at a time as fit. One that grows while it is fetched is tried again."""
        for _ in range(_TRIES):
            waiting, large = large, []
            for group in _groups(waiting, self._buffer):
                caps = dict(select.caps)
                for _, grown in group:
                    for index, size in grown.items():
                        caps[index] = max(caps[index], size)
                wanted = replace(select, caps=caps)
                condition = " OR ".join(f"({keys.equal(self._key, key)})" for key, _ in group)
                sql = statement(self._relation, wanted.sql, condition)
                for taken in list(self._batches(wanted, sql)):  # the buffers are gone before the rows are worked on
                    if self._cancelled.is_set():
                        return
                    kept, beyond = self._beyond(taken, wanted)
                    large += beyond
                    del taken
                    yield self._judge.rows(kept)
                    del kept  # or it would lie beside the buffer of the next
            if not large:
                return
        raise TransientError(
            f"Table {self._table.table}: values grow faster than they can be read.", remedy="The part is read again."
        )


def _groups(rows: Sequence[tuple[Key, dict[int, int]]], buffer: int) -> Iterator[list[tuple[Key, dict[int, int]]]]:
    """Neighbours that fit into a buffer together, each at the size of the largest."""
    group: list[tuple[Key, dict[int, int]]] = []
    largest = 0
    for row in rows:
        size = max(sum(row[1].values()), largest)
        if group and (size * (len(group) + 1) > buffer or len(group) == _FETCHED_AT_ONCE):
            yield group
            group, size = [], sum(row[1].values())
        group.append(row)
        largest = size
    if group:
        yield group


def _filtered(taken: Taken, kept: pa.Array) -> Taken:
    def of(masks: "dict[int, pa.Array]") -> "dict[int, pa.Array]":
        return {index: mask.filter(kept) for index, mask in masks.items()}

    return Taken(
        tuple(array.filter(kept) for array in taken.arrays),
        of(dict(taken.sizes)),
        of(dict(taken.misfits)),
        of(dict(taken.broken)),
        tuple(array.filter(kept) for array in taken.keys),
    )
