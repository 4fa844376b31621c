"""Keys as they are read, where several stored values are read as one: '2024-01-31T10:00' and '2024-01-31 10:00' as a time, 1 and
'1' as text of a column without a type.

If an application rewrites its keys in another form, the old key is gone and the new one is there, but to the destination they are
the same: then the row that is there counts. A table that holds both at once has two rows where the destination can have one; that
is refused where both were touched in one turn, and cannot be seen otherwise without reading the whole table.
"""

from collections.abc import Sequence

import pyarrow as pa

from dtaas_desktop.connectors.sqlite.catalog import Relation
from dtaas_desktop.connectors.sqlite.connection import Connection
from dtaas_desktop.connectors.sqlite.types import BINARY, BOOL, DATE, TEXT, TIME, TIMESTAMP, TIMESTAMP_UTC, keeps_storage_class
from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.table import Column, TableRef

_READ, _ASKED = 'temp."_dtaas_read"', 'temp."_dtaas_asked"'


def has_several_forms(relation: Relation, key: Sequence[Column]) -> bool:
    """Whether different keys of the table can be read as the same."""
    return any(
        column.type in (BOOL, DATE, TIME, TIMESTAMP, TIMESTAMP_UTC, BINARY)
        or (column.type == TEXT and keeps_storage_class(column.declared, strict=relation.strict))
        for column in key
    )


class ReadKeys:
    """The keys of the rows read so far, in temporary tables."""

    def __init__(self, connection: Connection, key: Sequence[Column]) -> None:
        self._connection, self._key = connection, key
        self._names = [f"k{place}" for place in range(len(key))]
        names = ", ".join(self._names)
        self.close()
        connection.run(f"CREATE TEMP TABLE {_READ.removeprefix('temp.')} ({names})")
        connection.run(f"CREATE TEMP TABLE {_ASKED.removeprefix('temp.')} (at, {names})")

    def add(self, arrays: Sequence[pa.Array]) -> None:
        self._connection.insert(_READ, _plain(arrays, self._names))

    def refuse_repeated(self, table: TableRef) -> None:
        """Raises UserError if two rows had the same key. To be called between the last `add` and the first `new`."""
        names = ", ".join(self._names)
        self._connection.run(f'CREATE INDEX temp."_dtaas_read_keys" ON {_READ.removeprefix("temp.")} ({names})')
        if self._connection.rows(f"SELECT 1 AS found FROM {_READ} GROUP BY {names} HAVING count(*) > 1 LIMIT 1"):
            shown = ", ".join(f"“{column.name}”" for column in self._key)
            raise UserError(
                f"Table {table} has rows whose keys ({shown}) are stored differently and read as the same; one would overwrite the other.",
                remedy="Store each key in one form only, such as all times with a blank or all with a T.",
            )

    def new(self, arrays: Sequence[pa.Array]) -> pa.Array:
        """The indexes of keys that were not read before, the first of each; they are added."""
        rows = _plain(arrays, self._names)
        names = ", ".join(self._names)
        at = pa.array(range(rows.num_rows), pa.int64())
        self._connection.run(f"DELETE FROM {_ASKED}")
        self._connection.insert(_ASKED, pa.RecordBatch.from_arrays([at, *rows.columns], ["at", *self._names]))
        same = " AND ".join(f"b.{name} = a.{name}" for name in self._names)
        found = self._connection.whole(
            f"SELECT min(at) AS at FROM {_ASKED} AS a WHERE NOT EXISTS (SELECT 1 FROM {_READ} AS b WHERE {same})"
            f" GROUP BY {names} ORDER BY 1",
            rows.num_rows,
        ).column(0)
        self.add([array.take(found) for array in arrays])
        return found

    def close(self) -> None:
        for table in (_READ, _ASKED):
            self._connection.run(f"DROP TABLE IF EXISTS {table}")


def _plain(arrays: Sequence[pa.Array], names: Sequence[str]) -> pa.RecordBatch:
    """Values as SQLite has them, equal exactly where they were."""
    return pa.RecordBatch.from_arrays([_stored(array) for array in arrays], list(names))


def _stored(array: pa.Array) -> pa.Array:
    kind = array.type
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind):
        return array.cast(pa.int64())
    if pa.types.is_date32(kind):
        return array.cast(pa.int32()).cast(pa.int64())
    if pa.types.is_temporal(kind):
        return array.cast(pa.int64())
    if pa.types.is_decimal(kind):
        return array.cast(pa.string())
    return array
