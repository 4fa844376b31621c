"""How many rows to read at a time, so that a chunk stays small even where single cells are huge."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dtaas_desktop.connectors.sqlite.catalog import Relation
from dtaas_desktop.connectors.sqlite.connection import Connection
from dtaas_desktop.connectors.sqlite.sql import cell_bytes, literal, row_bytes
from dtaas_desktop.domain.table import Part

_BYTES_PER_CELL = 9  # of Arrow: a number or an offset, and a bit for null
_FEW_ROWS = 2048
_SURVEYED_BYTES = 1024 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ChunkSize:
    """Rows read at a time, and about how many bytes of them; largest_row: the bytes of the table's largest row, if known.

    What is read does not depend on it.
    """

    rows: int = 32_768
    bytes: int = 16 * 1024 * 1024
    largest_row: int | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Rows to read next: a condition on the row number and the number of rows at most. `large`: a cell is over the limit."""

    condition: str
    rows: int
    large: bool = False


class Pages:
    """The pages of a part, one after the other.

    Where the largest row of the table is small, a page is a number of rows. Elsewhere a look at the sizes, which loads no cell,
    comes before: then a page holds the bytes of a chunk, or one row.
    """

    def __init__(
        self,
        connection: Connection,
        relation: Relation,
        names: Sequence[str],
        part: Part,
        *,
        limit: int,
        size: ChunkSize,
    ) -> None:
        assert relation.rowid is not None
        self._connection, self._relation, self._names = connection, relation, names
        self._low, self._high = part.low, part.high
        self._limit, self._chunk_bytes = limit, size.bytes
        self._rowid = relation.rowid
        self._last: int | None = None
        self._ended = False
        width = _BYTES_PER_CELL * len(names)
        self._window = max(1, min(size.rows, size.bytes // width))
        largest = size.largest_row
        self._by_size = largest is None or largest > limit
        if largest is not None:
            rows = size.bytes // (width + largest)
            self._by_size = self._by_size or rows < min(_FEW_ROWS, self._window)
            if not self._by_size:
                self._window = min(self._window, rows)

    def __iter__(self) -> Iterator[Page]:
        while not self._ended:
            if self._by_size:
                yield from self._sized()
            else:
                yield Page(self._ahead(), self._window)

    def passed(self, last: int | None, rows: int, page: Page) -> None:
        """Tell where the page that was read ended."""
        if last is not None:
            self._last = last
        if not self._by_size and rows < page.rows:
            self._ended = True

    def _ahead(self) -> str:
        conditions = []
        if self._last is not None:
            conditions.append(f"{self._rowid} > {self._last}")
        elif self._low is not None:
            conditions.append(f"{self._rowid} >= {self._low}")
        if self._high is not None:
            conditions.append(f"{self._rowid} < {self._high}")
        return " AND ".join(conditions) or "1"

    def _sized(self) -> Iterator[Page]:
        largest = joined_largest(self._names)
        sizes = self._connection.whole(
            f"SELECT {self._rowid} AS id, {row_bytes(self._names)} AS size, {largest} > {self._limit} AS large"
            f" FROM {self._relation.paged} WHERE {self._ahead()} ORDER BY {self._rowid} LIMIT {self._window}",
            self._window,
        )
        if sizes.num_rows < self._window:
            self._ended = True
        run: list[int] = []
        held = 0
        for rowid, size, large in zip(*(column.to_pylist() for column in sizes.columns), strict=True):
            if run and (large or held + size > self._chunk_bytes):
                yield self._run(run)
                run, held = [], 0
            if large:
                yield self._run([rowid], large=True)
                continue
            run.append(rowid)
            held += size
        if run:
            yield self._run(run)

    def _run(self, rowids: Sequence[int], *, large: bool = False) -> Page:
        return Page(f"{self._rowid} >= {rowids[0]} AND {self._rowid} <= {rowids[-1]}", len(rowids), large)


def joined_largest(names: Sequence[str]) -> str:
    """The size of a row's largest cell. max() takes a limited number of arguments."""
    sizes = [cell_bytes(name) for name in names]
    while len(sizes) > 1:
        groups = [sizes[start : start + 100] for start in range(0, len(sizes), 100)]
        sizes = [f"max({', '.join(group)})" if len(group) > 1 else group[0] for group in groups]
    return sizes[0]


def largest_row(connection: Connection, relation: Relation) -> int | None:
    """The bytes of the table's largest row, from the pages' headers (25 ns a row); None if finding out would take too long."""
    file_bytes = connection.row("SELECT page_count * page_size AS n FROM pragma_page_count, pragma_page_size")["n"]
    if relation.tree is None or file_bytes > _SURVEYED_BYTES:
        return None
    found = connection.row(f"SELECT max(mx_payload) AS n FROM dbstat('main', 1) WHERE name = {literal(relation.tree)}")
    return int(found["n"] or 0)
