"""Rows found by a number, page by page: proven where the chunk's type proves a column, else read once more by storage class.

The number is a table's own row number, or that of another table through which the rows are found (Relation.joined).
"""

import threading
from collections.abc import Generator, Iterator, Mapping, MutableMapping, MutableSequence, Sequence

import pyarrow as pa

from dtaas_desktop.connectors.sqlite.catalog import Relation
from dtaas_desktop.connectors.sqlite.cells import MOST_COLUMNS, Cells, cell_results, cells_of
from dtaas_desktop.connectors.sqlite.connection import Connection
from dtaas_desktop.connectors.sqlite.judgement import Chunk
from dtaas_desktop.connectors.sqlite.pages import ChunkSize, Page, Pages
from dtaas_desktop.connectors.sqlite.proof import longest, proven
from dtaas_desktop.connectors.sqlite.sql import column, joined
from dtaas_desktop.connectors.sqlite.types import BINARY, has_real_affinity
from dtaas_desktop.domain.table import CellPolicy, Column, Part

ROWID = "rowid"
_COLUMNS_AT_ONCE = 1900  # SQLite returns at most 2,000 results
_ROWS_AT_ONCE = 500


class PagedRows:
    """Chunks of `columns` in the order of the relation's row numbers, each with those numbers.

    `key` names what a row is known by, and may be (ROWID,). The raw rows of the chunks also have the columns named in `extra`.
    """

    def __init__(
        self,
        connection: Connection,
        relation: Relation,
        columns: Sequence[Column],
        *,
        part: Part,
        key: Sequence[str],
        extra: Sequence[str] = (),
        policy: CellPolicy,
        size: ChunkSize,
        cancelled: threading.Event,
    ) -> None:
        self._connection, self._relation, self._columns = connection, relation, columns
        self._key, self._policy, self._cancelled = tuple(key), policy, cancelled
        names = [c.name for c in columns]
        self._raw_names = (*names, *extra)
        self._pages = Pages(connection, relation, names, part, limit=policy.limit, size=size)

    def chunks(self) -> Generator[tuple[pa.Array, Chunk], None, None]:
        for page in self._pages:
            if self._cancelled.is_set():
                return
            ids, arrays = self._page(page)
            self._pages.passed(ids[-1].as_py() if len(ids) else None, len(ids), page)
            if len(ids):
                yield ids, self._chunk(ids, arrays)

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
            take_apart(index, cells, self._columns[index], arrays, misfits, oversize)

        def raw(rows: Sequence[int]) -> Sequence[Mapping[str, object]]:
            return self._raw(ids.take(pa.array(rows, pa.int64())))

        return Chunk(self._columns, [array for array in arrays if array is not None], raw, misfits, oversize)

    def _exact(self, names: Sequence[str], ids: pa.Array) -> Iterator[Cells]:
        for start in range(0, len(names), MOST_COLUMNS):
            group = names[start : start + MOST_COLUMNS]
            results = [cell_results(name, self._policy.limit) for name in group]
            yield from cells_of(self._select(results, _between(self._relation, ids), len(ids)), skip=0)

    def _raw(self, ids: pa.Array) -> list[dict[str, object]]:
        names = self._raw_names
        rows: list[dict[str, object]] = []
        for first in range(0, len(ids), _ROWS_AT_ONCE):
            some = ids.slice(first, _ROWS_AT_ONCE).to_pylist()
            found: list[dict[str, object]] = [{ROWID: rowid} if self._key == (ROWID,) else {} for rowid in some]
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
            f"SELECT {', '.join(results)} FROM {self._relation.paged} WHERE {condition} ORDER BY {rowid} LIMIT {most}",
            most,
        )


def take_apart(
    index: int,
    cells: Cells,
    target: Column,
    arrays: MutableSequence[pa.Array | None],
    misfits: MutableMapping[int, pa.Array],
    oversize: MutableMapping[int, pa.Array],
) -> None:
    """Puts a column's fitted values in its place, and where it has cells that do not fit or were not loaded beside them."""
    arrays[index], bad = cells.fitted(target)
    if bad is not None:
        misfits[index] = bad
    if cells.oversize is not None:
        oversize[index] = cells.oversize


def _between(relation: Relation, ids: pa.Array) -> str:
    return f"{relation.rowid} >= {ids[0]} AND {relation.rowid} <= {ids[-1]}" if len(ids) else "0"
