"""The benchmarks' data: the sample's flights as a SQLite table, once or several times over, made once."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parent.parent.parent
WORK = ROOT / "bench-work"
FLIGHTS = ROOT / "resources" / "sample" / "flights.parquet"
TABLE = "flights"
_BATCH_ROWS = 20_000


def flights(copies: int) -> Path:
    """The database with so many copies of all flights; made if it is not there."""
    WORK.mkdir(exist_ok=True)
    path = WORK / f"flights-{copies}.sqlite"
    if not path.exists():
        make_database(path, pq.read_table(FLIGHTS), copies)
    return path


def few_flights(rows: int) -> Path:
    """A database with the first flights only."""
    WORK.mkdir(exist_ok=True)
    path = WORK / f"flights-first-{rows}.sqlite"
    if not path.exists():
        make_database(path, pq.read_table(FLIGHTS).slice(0, rows), 1)
    return path


def make_database(path: Path, table: pa.Table, copies: int) -> None:
    """Write `table` so many times, one copy after the other, as the table `flights` of a new file.

    Declared types, values and the lack of a key are those of the product's sample. The file appears when it is whole.
    """
    unfinished = path.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    with closing(sqlite3.connect(unfinished)) as connection:
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        columns = ", ".join(f'"{field.name}" {declared(field.type)}' for field in table.schema)
        connection.execute(f'CREATE TABLE "{TABLE}" ({columns})')
        holes = ", ".join("?" * table.num_columns)
        for batch in table.to_batches(max_chunksize=_BATCH_ROWS):
            values = [_plain(column).to_pylist() for column in batch.columns]
            connection.executemany(f'INSERT INTO "{TABLE}" VALUES ({holes})', zip(*values, strict=True))
        for _ in range(copies - 1):
            connection.execute(f'INSERT INTO "{TABLE}" SELECT * FROM "{TABLE}" WHERE rowid <= {table.num_rows}')
        connection.execute("ANALYZE")
        connection.commit()
    unfinished.replace(path)


def declared(type_: pa.DataType) -> str:
    """What a column of this type is called in SQLite."""
    if pa.types.is_integer(type_):
        return "INTEGER"
    if pa.types.is_floating(type_):
        return "REAL"
    return "TIMESTAMP" if pa.types.is_timestamp(type_) else "TEXT"


def _plain(column: pa.Array) -> pa.Array:
    if pa.types.is_timestamp(column.type):  # SQLite has no type for moments: ISO text is its convention
        return pc.strftime(column.cast(pa.timestamp("s")), "%Y-%m-%d %H:%M:%S")
    return column
