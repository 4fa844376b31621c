"""Rows of one part, read fast and exactly.

Chunk by chunk: the driver types each chunk from all of its values, and that type proves most columns (`proof`). A column it does
not prove is read once more, taken apart by storage class (`cells`); so is everything that has no row number to page by.
"""

import threading
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing

import pyarrow as pa

from dtaas_desktop.connectors.sqlite.catalog import Relation
from dtaas_desktop.connectors.sqlite.cells import MOST_COLUMNS, RESULTS, TYPED_ROW, Cells, cell_results, cells_of
from dtaas_desktop.connectors.sqlite.connection import Connection
from dtaas_desktop.connectors.sqlite.judgement import Chunk, judged
from dtaas_desktop.connectors.sqlite.pages import ChunkSize, Page, Pages
from dtaas_desktop.connectors.sqlite.proof import longest, proven
from dtaas_desktop.connectors.sqlite.sql import column, joined, row_bytes
from dtaas_desktop.connectors.sqlite.types import BINARY, has_real_affinity
from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.table import CellPolicy, Column, Part, Rows, TableDescription

_COLUMNS_AT_ONCE = 1900  # SQLite returns at most 2,000 results
_ROWS_AT_ONCE = 500
_ROWID = "rowid"


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
        self._key = table.key or ((_ROWID,) if relation.rowid and _ROWID not in known else ())
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
                rows = judged(chunk, self._table, self._key, self.schema, self._policy)
                if rows.batch.num_rows or rows.rejected is not None:
                    yield rows

    # By row number

    def _paged(self) -> Generator[Chunk, None, None]:
        pages = Pages(
            self._connection,
            self._relation,
            [c.name for c in self._columns],
            self._part,
            limit=self._policy.limit,
            size=self._size,
        )
        for page in pages:
            if self._cancelled.is_set():
                return
            ids, arrays = self._page(page)
            pages.passed(ids[-1].as_py() if len(ids) else None, len(ids), page)
            if len(ids):
                yield self._chunk(ids, arrays)

    def _page(self, page: Page) -> tuple[pa.Array, list[pa.Array | None]]:
        """The page's row numbers, and the columns that are proven; None for the others."""
        if page.large:
            return self._select([f"{self._relation.rowid} AS id"], page.condition, page.rows).column(0), [None] * len(
                self._columns
            )
        ids: pa.Array | None = None
        arrays: list[pa.Array | None] = []
        condition = page.condition
        for start in range(0, len(self._columns), _COLUMNS_AT_ONCE):
            group = self._columns[start : start + _COLUMNS_AT_ONCE]
            binary = [f"typeof({column(c.name)}) IN ('integer', 'real')" for c in group if c.type == BINARY]
            results = [f"{self._relation.rowid} AS id", f"{joined(binary, 'OR') if binary else 0} AS numbers"]
            results += [f"{column(c.name)} AS c{index}" for index, c in enumerate(group)]
            batch = self._select(results, condition, page.rows)
            if ids is None:
                ids = batch.column(0)
                condition = _between(self._relation, ids)
            no_numbers = not binary or not any(batch.column(1).unique().to_pylist())
            for target, values in zip(group, batch.columns[2:], strict=True):
                only_reals = self._relation.tree is not None and has_real_affinity(target.declared)
                array = proven(values, target, only_reals=only_reals, no_numbers=no_numbers)
                # Also here, because a row may have grown since the largest was looked for.
                arrays.append(None if array is None or longest(values) > self._policy.limit else array)
            if not len(ids):
                break
        assert ids is not None
        return ids, arrays

    def _chunk(self, ids: pa.Array, arrays: list[pa.Array | None]) -> Chunk:
        unproven = [index for index, array in enumerate(arrays) if array is None]
        misfits: dict[int, pa.Array] = {}
        oversize: dict[int, pa.Array] = {}
        for index, cells in zip(unproven, self._exact([self._columns[i].name for i in unproven], ids), strict=True):
            _take_apart(index, cells, self._columns[index], arrays, misfits, oversize)

        def raw(rows: Sequence[int]) -> Sequence[Mapping[str, object]]:
            return self._raw(ids.take(pa.array(rows, pa.int64())))

        return Chunk(self._columns, [array for array in arrays if array is not None], raw, misfits, oversize)

    def _exact(self, names: Sequence[str], ids: pa.Array) -> Iterator[Cells]:
        for start in range(0, len(names), MOST_COLUMNS):
            group = names[start : start + MOST_COLUMNS]
            results = [cell_results(name, self._policy.limit) for name in group]
            yield from cells_of(self._select(results, _between(self._relation, ids), len(ids)), skip=0)

    def _raw(self, ids: pa.Array) -> list[dict[str, object]]:
        names = (*(c.name for c in self._columns), *self._extra)
        rows: list[dict[str, object]] = []
        for first in range(0, len(ids), _ROWS_AT_ONCE):
            some = ids.slice(first, _ROWS_AT_ONCE).to_pylist()
            found: list[dict[str, object]] = [{_ROWID: rowid} if self._key == (_ROWID,) else {} for rowid in some]
            for start in range(0, len(names), MOST_COLUMNS):
                group = names[start : start + MOST_COLUMNS]
                results = [cell_results(name, self._policy.limit) for name in group]
                batch = self._select(results, f"{self._relation.rowid} IN ({', '.join(map(str, some))})", len(some))
                for name, cells in zip(group, cells_of(batch, skip=0), strict=True):
                    for row, values in enumerate(found):
                        values[name] = cells.value(row)
            rows += found
        return rows

    def _select(self, results: Sequence[str], condition: str, most: int) -> pa.RecordBatch:
        rowid = self._relation.rowid
        return self._connection.whole(
            f"SELECT {', '.join(results)} FROM {self._relation.source} AS r NOT INDEXED"
            f" WHERE {condition} ORDER BY {rowid} LIMIT {most}",
            most,
        )

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
            _take_apart(index, cells[target.name], target, arrays, misfits, oversize)

        def raw(rows: Sequence[int]) -> Sequence[Mapping[str, object]]:
            return [{name: cells[name].value(row) for name in names} for row in rows]

        return Chunk(self._columns, [array for array in arrays if array is not None], raw, misfits, oversize)


def _take_apart(
    index: int,
    cells: Cells,
    target: Column,
    arrays: list[pa.Array | None],
    misfits: dict[int, pa.Array],
    oversize: dict[int, pa.Array],
) -> None:
    arrays[index], bad = cells.fitted(target)
    if bad is not None:
        misfits[index] = bad
    if cells.oversize is not None:
        oversize[index] = cells.oversize


def _between(relation: Relation, ids: pa.Array) -> str:
    return f"{relation.rowid} >= {ids[0]} AND {relation.rowid} <= {ids[-1]}" if len(ids) else "0"
