"""Rows of one part, read fast and exactly.

Chunk by chunk: the driver types each chunk from all of its values, and that type proves most columns (`proof`). A column it does
not prove is read once more, taken apart by storage class (`cells`); so is everything that has no row number to page by (`paged`).
"""

import threading
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing

import pyarrow as pa

from dtaas_desktop.connectors.sqlite.catalog import Relation
from dtaas_desktop.connectors.sqlite.cells import MOST_COLUMNS, RESULTS, TYPED_ROW, cell_results, cells_of
from dtaas_desktop.connectors.sqlite.connection import Connection
from dtaas_desktop.connectors.sqlite.judgement import Chunk, judged
from dtaas_desktop.connectors.sqlite.paged import ROWID, PagedRows, take_apart
from dtaas_desktop.connectors.sqlite.pages import ChunkSize
from dtaas_desktop.connectors.sqlite.sql import row_bytes
from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.table import CellPolicy, Part, Rows, TableDescription


class PartStream:
    """The rows of a part, in chunks. SQLite is not asked to stop within one, so `cancel` waits for the end of a chunk; that is
    long only for a query that has to sort or to group before its first row."""

    def __init__(
        self,
        connection: Connection,
        relation: Relation,
        table: TableDescription,
        part: Part,
        *,
        columns: Sequence[str],
        cells: CellPolicy,
        size: ChunkSize,
    ) -> None:
        assert columns
        known = {c.name: c for c in table.columns}
        self._columns = tuple(known[name] for name in columns)
        self.schema = pa.schema([pa.field(c.name, c.type, c.nullable) for c in self._columns])
        self._connection, self._relation, self._table, self._part = connection, relation, table, part
        self._policy, self._size = cells, size
        self._extra = tuple(name for name in table.key if name not in set(columns))
        self._key = table.key or ((ROWID,) if relation.rowid and ROWID not in known else ())
        self._cancelled = threading.Event()
        self._running: Generator[Rows, None, None] | None = None

    def cancel(self) -> None:
        self._cancelled.set()

    def __iter__(self) -> Iterator[Rows]:
        self._running = self._rows()
        return self._running

    def close(self) -> None:
        """End the reading: the connection is free for another part."""
        if self._running is not None:
            self._running.close()

    def _rows(self) -> Generator[Rows, None, None]:
        with closing(self._paged() if self._relation.rowid else self._streamed()) as chunks:
            for chunk in chunks:
                if self._cancelled.is_set():
                    return
                rows = judged(chunk, self._table, self._key, self.schema, self._policy).rows
                if rows.batch.num_rows or rows.rejected is not None:
                    yield rows

    def _paged(self) -> Generator[Chunk, None, None]:
        found = PagedRows(
            self._connection,
            self._relation,
            self._columns,
            part=self._part,
            key=self._key,
            extra=self._extra,
            policy=self._policy,
            size=self._size,
            cancelled=self._cancelled,
        )
        with closing(found.chunks()) as chunks:
            for _, chunk in chunks:
                yield chunk

    # Without row numbers

    def _streamed(self) -> Generator[Chunk, None, None]:
        names = [c.name for c in self._columns] + list(self._extra)
        if len(names) > MOST_COLUMNS:
            raise UserError(
                f"{self._table.table} has {len(names)} columns; of views, queries, virtual tables and tables without row "
                f"numbers at most {MOST_COLUMNS} can be read.",
                remedy="Choose fewer columns, for example with a query.",
            )
        rows = self._rows_at_once(names)
        if rows == 0:
            return
        results = ", ".join(cell_results(name, self._policy.limit) for name in names)
        types = ", ".join([TYPED_ROW] * len(names))
        sql = f"SELECT {types} UNION ALL SELECT {results} FROM {self._relation.source} AS r"
        with closing(self._connection.stream(sql, rows)) as batches:
            for number, batch in enumerate(batches):
                yield self._streamed_chunk(batch if number else batch.slice(1), names)

    def _rows_at_once(self, names: Sequence[str]) -> int:
        """Rows of a batch so that even of the largest ones it stays small; 0 if there are none. Asks for all sizes first, unless
        the table's pages tell."""
        largest = self._size.largest_row
        if largest is None:
            found = self._connection.row(f"SELECT max({row_bytes(names)}) AS n FROM {self._relation.source} AS r")
            largest = found["n"]
        if largest is None:
            return 0
        return int(max(1, min(self._size.rows, self._size.bytes // (9 * RESULTS * len(names) + int(largest)))))

    def _streamed_chunk(self, batch: pa.RecordBatch, names: Sequence[str]) -> Chunk:
        cells = dict(zip(names, cells_of(batch, skip=0), strict=True))
        arrays: list[pa.Array | None] = [None] * len(self._columns)
        misfits: dict[int, pa.Array] = {}
        oversize: dict[int, pa.Array] = {}
        for index, target in enumerate(self._columns):
            take_apart(index, cells[target.name], target, arrays, misfits, oversize)

        def raw(rows: Sequence[int]) -> Sequence[Mapping[str, object]]:
            return [{name: cells[name].value(row) for name in names} for row in rows]

        return Chunk(self._columns, [array for array in arrays if array is not None], raw, misfits, oversize)
