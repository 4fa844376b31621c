"""Rows in bulk: from an Arrow file into a table, and freezing a table for replay."""

import datetime as dt
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.servers.sqlserver.catalogue import TableInfo, fold
from tests.servers.sqlserver.changes import Changes
from tests.servers.sqlserver.collation import CATALOGUE, wide
from tests.servers.sqlserver.conversion import converter
from tests.servers.sqlserver.moments import DAY, Moment, moment_of
from tests.servers.sqlserver.session import Session
from tests.servers.sqlserver.types import MAX, SqlType, Value
from tests.servers.sqlserver.values import store

DAY_1970 = 719_162
_DIGITS = {"s": 0, "ms": 3, "us": 6, "ns": 9}


def load_arrow(session: Session, name: str, path: Path) -> int:
    """The rows of a Parquet file into a table that exists, by the columns' names."""
    import pyarrow.parquet as pq

    table = _table(session, name)
    file = pq.ParquetFile(path)
    names = file.schema_arrow.names
    columns = [one for one in table.columns if one.name in names]
    explicit = f"{table.database.id}.{table.id}" if any(one.identity for one in columns) else ""
    session.env.options["IDENTITY_INSERT"] = explicit
    count = 0
    for batch in file.iter_batches(batch_size=20_000, columns=[one.name for one in columns]):
        cells = [stored_values(one.type, batch.column(batch.schema.get_field_index(one.name))) for one in columns]
        count += Changes(session.env).add_rows(table, columns, zip(*cells, strict=True))
    return count


def stored_values(kind: SqlType, array: Any) -> list[Value]:
    """A column of Arrow as stored values: whole columns at once where that is simple, else value by value."""
    import pyarrow as pa

    own = array.type
    if pa.types.is_integer(own) and kind.family == "int":
        return array.to_pylist()  # type: ignore[no-any-return]
    if pa.types.is_date32(own) and kind.name == "date":
        return [None if day is None else day + DAY_1970 for day in array.cast(pa.int32()).to_pylist()]
    if pa.types.is_timestamp(own) and own.tz is None and kind.name == "datetime2" and kind.scale >= _DIGITS[own.unit]:
        factor = 10 ** (7 - _DIGITS[own.unit])
        return [None if one is None else one * factor + DAY_1970 * DAY for one in array.cast(pa.int64()).to_pylist()]
    if (
        pa.types.is_decimal128(own)
        and kind.family == "exact"
        and own.precision <= 18
        and own.scale <= kind.scale
        and kind.precision <= 19
    ):
        low = memoryview(array.buffers()[1]).cast("q")[2 * array.offset : 2 * (array.offset + len(array)) : 2].tolist()
        factor = 10 ** (kind.scale - own.scale)
        return [number * factor if valid else None for number, valid in zip(low, array.is_valid().to_pylist(), strict=True)]
    make = from_python(kind)
    if pa.types.is_string(own) or pa.types.is_decimal(own):  # few values, many times
        encoded = array.dictionary_encode()
        values = [None if value is None else make(value) for value in encoded.dictionary.to_pylist()]
        return [None if index is None else values[index] for index in encoded.indices.to_pylist()]
    return [None if value is None else make(value) for value in array.to_pylist()]


def from_python(kind: SqlType) -> Callable[[Any], Value]:
    """A Python value, as Arrow gives it, as stored."""
    if kind.family == "int":
        return int
    if kind.family == "moment":
        return lambda value: store(_moment(value), kind)
    if kind.family == "exact":
        return lambda value: store(value if isinstance(value, Decimal) else Decimal(str(value)), kind)
    if kind.family in {"float", "text"}:
        return lambda value: store(value, kind)
    if kind.family == "binary":
        return bytes
    change = converter(SqlType("nvarchar", MAX, collation=CATALOGUE), kind)
    return lambda value: change(wide(str(value))) if change else wide(str(value))


def _moment(value: object) -> Moment:
    if isinstance(value, dt.datetime):
        local = value.replace(tzinfo=None)
        ticks = ((local.hour * 60 + local.minute) * 60 + local.second) * 10_000_000 + local.microsecond * 10
        offset = value.utcoffset()
        return moment_of((local.toordinal() - 1) * DAY + ticks, int(offset.total_seconds() // 60) if offset else 0)
    if isinstance(value, dt.date):
        return moment_of((value.toordinal() - 1) * DAY)
    if isinstance(value, dt.time):
        return Moment(
            0, ((value.hour * 60 + value.minute) * 60 + value.second) * 10_000_000 + value.microsecond * 10, has_date=False
        )
    raise TypeError(f"no date or time: {value!r}")


def _table(session: Session, name: str) -> TableInfo:
    schema, _, own = name.rpartition(".")
    found = session.catalogue.table(session.env.database, schema or "dbo", own)
    if found is None:
        raise ValueError(f"no table {name}")
    return found


def freeze(session: Session, name: str) -> None:
    """Bring the rows into the order of the clustered key, numbered without a gap, and let replay answer for them."""
    table = _table(session, name)
    clustered = next((one for one in table.indexes if one.clustered), None)
    engine = session.engine
    if clustered is not None:
        sql = engine.one("SELECT sql FROM sqlite_master WHERE name = ?", (f"i_{table.database.id}_{table.id}_{clustered.id}",))
        keys = str(sql[0]).split("(", 1)[1].rsplit(")", 1)[0] if sql else "rowid"
        columns = [str(row[1]) for row in engine.db.execute(f"PRAGMA table_info({table.storage})")]
        names = ", ".join(columns)
        engine.run(f"CREATE TEMP TABLE frozen AS SELECT {names} FROM {table.storage} ORDER BY {keys}")
        engine.run(f"DELETE FROM {table.storage}")
        engine.run(f"INSERT INTO {table.storage}(rowid, {names}) SELECT rowid, {names} FROM frozen ORDER BY rowid")
        engine.run("DROP TABLE frozen")
    engine.run("UPDATE c_object SET frozen = 1, version = version + 1 WHERE db = ? AND id = ?", (table.database.id, table.id))
    session.catalogue.changed()


def copy_table(session: Session, schema: str, name: str, copies: list[str]) -> None:
    """Empty tables like this one, made by copying its lines of the catalogue: thousands in a second. They stay empty."""
    table = _table(session, f"{schema}.{name}")
    db, old = table.database.id, table.id
    run = session.engine.db.execute
    lines = {
        "c_object": "db = ? AND (id = ? OR parent = ?)", "c_column": "db = ? AND object = ?", "c_index": "db = ? AND object = ?",
        "c_index_column": "db = ? AND object = ?",
    }  # fmt: skip
    names = {kind: [str(row[1]) for row in run(f"PRAGMA table_info({kind})")] for kind in lines}
    originals = {
        kind: run(f"SELECT * FROM {kind} WHERE {where}", (db, old, old)[: where.count("?")]).fetchall()
        for kind, where in lines.items()
    }
    inserts: dict[str, list[list[Any]]] = {kind: [] for kind in lines}
    for copy in copies:
        new = {old: session.catalogue.next_id()}
        for row in originals["c_object"]:
            new.setdefault(row[1], session.catalogue.next_id())
        for kind, rows in originals.items():
            for row in rows:
                fresh = dict(zip(names[kind], row, strict=True))
                for place in {"id", "object", "parent", "constraint_id"} & set(fresh):
                    if not (place == "id" and kind != "c_object"):
                        fresh[place] = new.get(fresh[place], fresh[place])
                for place in {"name", "folded"} & set(fresh):
                    if kind in {"c_object", "c_index"} and fresh[place]:
                        fresh[place] = fresh[place].replace(name, copy) if name in fresh[place] else f"{fresh[place]}_{copy}"
                inserts[kind].append(list(fresh.values()))
    for kind, rows in inserts.items():
        session.engine.db.executemany(f"INSERT INTO {kind} VALUES ({', '.join('?' * len(names[kind]))})", rows)
    run(
        "UPDATE c_object SET shared = ? WHERE db = ? AND type = 'U' AND folded IN (SELECT value FROM json_each(?))",
        (old, db, json.dumps(list(map(fold, copies)))),
    )
    session.catalogue.changed()
