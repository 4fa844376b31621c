"""The peers, each as its users would write it: peers.py NAME DATABASE FOLDER moves `flights` from SQLite into Parquet (zstd).

Run by path, a process for each run; stands on its own.
"""

import sqlite3
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

THREADS = 2
ROW_GROUP_ROWS = 524_288
BATCH_ROWS = 65_536


def duckdb_scanner(database: Path, folder: Path, *, ordered: bool = True) -> None:
    """DuckDB's own way: COPY from its SQLite scanner. As it is set up, it keeps the order of rows with one reading thread."""
    import duckdb
    import duckdb_extension_sqlite_scanner as scanner

    extensions = Path(next(iter(scanner.__path__))) / "extensions"
    extension = extensions / f"v{duckdb.__version__}" / "sqlite_scanner.duckdb_extension"
    with duckdb.connect() as connection:
        connection.execute(f"LOAD {quoted(extension)}")
        connection.execute(f"SET threads = {THREADS}")
        connection.execute(f"SET preserve_insertion_order = {ordered}")
        connection.execute(
            f"COPY (FROM sqlite_scan({quoted(database)}, 'flights')) TO {quoted(folder / 'flights.parquet')}"
            " (FORMAT parquet, COMPRESSION zstd)"
        )


def duckdb_unordered(database: Path, folder: Path) -> None:
    """The same, reading with all threads and writing rows in any order."""
    duckdb_scanner(database, folder, ordered=False)


def connectorx(database: Path, folder: Path) -> None:
    """Each range is one table in memory, by connectorx' nature."""
    import connectorx as cx
    import pyarrow.parquet as pq

    def move(number: int, query: str) -> None:
        table = cx.read_sql(f"sqlite://{database}", query, return_type="arrow")
        pq.write_table(table, folder / f"flights-{number}.parquet", compression="zstd", row_group_size=ROW_GROUP_ROWS)

    in_threads(database, move)


def adbc(database: Path, folder: Path) -> None:
    """The driver types columns by its first rows; later values that do not fit are converted in silence."""
    import adbc_driver_manager
    import adbc_driver_sqlite
    import pyarrow as pa
    import pyarrow.parquet as pq

    batch_rows = adbc_driver_sqlite.StatementOptions.BATCH_ROWS.value

    def move(number: int, query: str) -> None:
        with (
            adbc_driver_sqlite.connect(str(database)) as opened,
            adbc_driver_manager.AdbcConnection(opened) as connection,
            adbc_driver_manager.AdbcStatement(connection) as statement,
        ):
            statement.set_options(**{batch_rows: str(BATCH_ROWS)})
            statement.set_sql_query(query)
            reader = pa.RecordBatchReader.from_stream(statement.execute_query()[0])
            with pq.ParquetWriter(folder / f"flights-{number}.parquet", reader.schema, compression="zstd") as writer:
                held: list[pa.RecordBatch] = []
                for batch in reader:
                    held.append(batch)
                    if len(held) * BATCH_ROWS >= ROW_GROUP_ROWS:
                        writer.write_table(pa.Table.from_batches(held))
                        held = []
                if held:
                    writer.write_table(pa.Table.from_batches(held))

    in_threads(database, move)


def plain(database: Path, folder: Path) -> None:
    """Python's sqlite3, and Arrow built column by column with the types said."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {"INTEGER": pa.int64(), "REAL": pa.float64(), "TEXT": pa.string(), "TIMESTAMP": pa.timestamp("us")}
    with closing(sqlite3.connect(database)) as connection:
        declared = connection.execute("SELECT name, type FROM pragma_table_info('flights')").fetchall()
        schema = pa.schema([(name, types[type_]) for name, type_ in declared])
        texts = [pa.string() if pa.types.is_timestamp(type_) else type_ for type_ in schema.types]
        cursor = connection.execute("SELECT * FROM flights")
        with pq.ParquetWriter(folder / "flights.parquet", schema, compression="zstd") as writer:
            while rows := cursor.fetchmany(BATCH_ROWS):
                columns = zip(zip(*rows, strict=True), texts, schema.types, strict=True)
                writer.write_batch(
                    pa.record_batch([pa.array(values, text).cast(type_) for values, text, type_ in columns], schema=schema)
                )


def quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def in_threads(database: Path, move: Callable[[int, str], None]) -> None:
    """Call `move` with a number and a query for each of two halves of the table, side by side."""
    with closing(sqlite3.connect(database)) as connection:
        (last,) = connection.execute("SELECT max(rowid) FROM flights").fetchone()
    half = last // 2
    queries = [f"SELECT * FROM flights WHERE rowid {condition}" for condition in (f"<= {half}", f"> {half}")]
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(move, range(THREADS), queries))


PEERS: dict[str, Callable[[Path, Path], None]] = {
    "DuckDB": duckdb_scanner,
    "DuckDB unordered": duckdb_unordered,
    "connectorx": connectorx,
    "ADBC unguarded": adbc,
    "sqlite3 + pyarrow": plain,
}

if __name__ == "__main__":
    PEERS[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]))
