"""Replay: the rows of a frozen table as ROW tokens in a file, made once for a select list and then sent as they are.

The pages are made by the same encoder that serves every other query, so they cannot differ from it. A query is answered from them if
it asks one frozen table for a contiguous piece of it: the rows that its WHERE takes (found by SQLite) lie between the first and last
of them without a gap, in the table's own order.
"""

import fcntl
import hashlib
import mmap
import os
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.sqlserver.binder import Binder
from tests.servers.sqlserver.engine import Engine
from tests.servers.sqlserver.query import Bound, Single
from tests.servers.sqlserver.tokens import RowEncoder
from tests.servers.sqlserver.values import whole

_STEP = 5000  # rows encoded at once


@dataclass
class Pages:
    rows: mmap.mmap
    offsets: memoryview  # of row i at offsets[i]; one more at the end

    def piece(self, first: int, last: int) -> memoryview:
        """The tokens of the rows first..last, counted from 1."""
        return memoryview(self.rows)[self.offsets[first - 1] : self.offsets[last]]


class Replay:
    def __init__(self, folder: Path, engine: Engine) -> None:
        self.folder = folder / "pages"
        self.folder.mkdir(exist_ok=True)
        self.engine = engine
        self._open: dict[str, Pages] = {}

    def piece(self, bound: Bound, binder: Binder) -> tuple[memoryview, int] | None:
        """The tokens and the number of rows of a query that pages can answer; None for any other."""
        single = bound.single
        if single is None or not single.table.frozen or not self._in_table_order(single):
            return None
        found = self._range(single, binder)
        if found is None:
            return None
        first, last = found
        if last < first:
            return memoryview(b""), 0
        return self._pages(bound, single, binder).piece(first, last), last - first + 1

    def _in_table_order(self, single: Single) -> bool:
        if not single.order:
            return True
        clustered = next((one for one in single.table.indexes if one.clustered), None)
        if clustered is None or any(descending for _, descending in clustered.columns):
            return False
        names = {one.id: one.name.casefold() for one in single.table.columns}
        keys = [names[column] for column, _ in clustered.columns]
        wanted = list(single.order_columns)
        return wanted == keys[: len(wanted)] or wanted[: len(keys)] == keys

    def _range(self, single: Single, binder: Binder) -> tuple[int, int] | None:
        """The first and last row number, if the WHERE takes all between them."""
        alias = single.source.rsplit(" ", 1)[-1]
        if "OFFSET" in single.limit or "(" in single.limit:
            return None
        if single.where or single.limit:
            order = f"ORDER BY {single.order}" if single.order and single.limit else ""
            where = f"WHERE {single.where}" if single.where else ""
            chosen = f"SELECT {alias}.rowid AS r FROM {single.source} {where} {order} {single.limit}"
            row = self._counted(chosen, single, binder)
        else:
            storage = single.table.storage
            newest = f"(SELECT max(rowid) FROM {storage})"
            row = self.engine.run(f"SELECT (SELECT min(rowid) FROM {storage}), {newest}, {newest}").fetchone()
        if row is None or row[0] is None:
            return 1, 0
        first, last, count = (whole(one) for one in row)
        if last - first + 1 != count:
            return None
        return first, last

    def _counted(self, chosen: str, single: Single, binder: Binder) -> Sequence[object] | None:
        """The first and the last row of a piece, and how many there are: counted once, as a server with an index need not at all."""
        asked = repr((single.table.database.id, single.table.id, single.table.version, chosen, sorted(binder.constants.items())))
        known = self.folder / f"{hashlib.sha256(asked.encode()).hexdigest()[:32]}.range"
        if known.exists():
            return [int(one) for one in known.read_text("ascii").split()]
        row: Sequence[object] | None = self.engine.run(
            f"SELECT min(r), max(r), count(*) FROM ({chosen})", binder.constants
        ).fetchone()
        if row is not None and row[0] is not None:
            fresh = known.with_suffix(f".{os.getpid()}")
            fresh.write_text(" ".join(str(whole(one)) for one in row), "ascii")
            fresh.replace(known)
        return row

    def _pages(self, bound: Bound, single: Single, binder: Binder) -> Pages:
        table = single.table
        alias = single.source.rsplit(" ", 1)[-1]
        shape = repr(
            (
                table.database.id,
                table.id,
                table.version,
                single.items.replace(f"{alias}.", ""),
                [(c.type, c.nullable) for c in bound.columns],
            )
        )
        shape += repr([(name, value) for name, value in binder.constants.items() if f":{name}" in single.items])
        key = hashlib.sha256(shape.encode()).hexdigest()[:32]
        pages = self._open.get(key)
        if pages is None:
            with self._lock(key):
                if not (self.folder / f"{key}.offsets").exists():
                    self._make(key, bound, single, binder)
            pages = self._map(key)
            self._open[key] = pages
        return pages

    @contextmanager
    def _lock(self, key: str) -> Iterator[None]:
        with (self.folder / f"{key}.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _make(self, key: str, bound: Bound, single: Single, binder: Binder) -> None:
        encoder = RowEncoder(bound.columns)
        cursor = self.engine.run(
            f"SELECT {single.items} FROM {single.source} ORDER BY {single.source.rsplit(' ', 1)[-1]}.rowid", binder.constants
        )
        at = 0
        with (self.folder / f"{key}.rows").open("wb") as rows, (self.folder / f"{key}.new").open("wb") as offsets:
            offsets.write(struct.pack("<q", 0))
            while chunk := self.engine.rows(cursor, _STEP):
                encoded = encoder.encode(chunk)
                ends = []
                for one in encoded:
                    at += len(one)
                    ends.append(at)
                rows.write(b"".join(encoded))
                offsets.write(struct.pack(f"<{len(ends)}q", *ends))
            if at == 0:
                rows.write(b"\0")
        (self.folder / f"{key}.new").replace(self.folder / f"{key}.offsets")

    def _map(self, key: str) -> Pages:
        with (self.folder / f"{key}.rows").open("rb") as file:
            rows = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        with (self.folder / f"{key}.offsets").open("rb") as file:
            offsets = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        return Pages(rows, memoryview(offsets).cast("q"))
