"""The peers, each as its users would write it: sqlserver_peers.py NAME CONNECTION TABLE FOLDER moves a table from SQL Server into
Parquet (zstd). CONNECTION is an ODBC connection string.

Run by path, a process for each run; stands on its own.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

THREADS = 2
BATCH_ROWS = 65_535
ROW_GROUP_ROWS = 524_288


def arrow_odbc(connection: str, table: str, folder: Path) -> None:
    """A buffer is filled by a thread of its own while the last one is written."""
    _arrow_odbc(connection, f"SELECT * FROM dbo.{table}", folder / "0.parquet")


def arrow_odbc_in_two(connection: str, table: str, folder: Path) -> None:
    """The same over two connections, each for half of the keys."""
    middle = int(table.rsplit("_", 1)[1]) // 2
    queries = [f"SELECT * FROM dbo.{table} WHERE id {condition}" for condition in (f"<= {middle}", f"> {middle}")]
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(_arrow_odbc, [connection] * 2, queries, [folder / f"{number}.parquet" for number in range(THREADS)]))


def _arrow_odbc(connection: str, query: str, file: Path) -> None:
    import arrow_odbc
    import pyarrow.parquet as pq

    reader = arrow_odbc.read_arrow_batches_from_odbc(
        query, connection, batch_size=BATCH_ROWS, max_bytes_per_batch=64 * 1024 * 1024, fetch_concurrently=True
    )
    with pq.ParquetWriter(file, reader.schema, compression="zstd") as writer:
        for batch in reader:
            writer.write_batch(batch)


def connectorx(connection: str, table: str, folder: Path) -> None:
    """Over a driver of its own; everything is one table in memory."""
    import connectorx as cx
    import pyarrow.parquet as pq

    words = dict(re.findall(r"(\w+)=([^;]*)", connection))
    host, port = words["Server"].split(",")
    address = f"mssql://{words['UID']}:{quote(words['PWD'])}@{host}:{port}/{words['Database']}?encrypt=false&trust_server_certificate=true"
    found = cx.read_sql(address, f"SELECT * FROM dbo.{table}", return_type="arrow")
    pq.write_table(found, folder / "0.parquet", compression="zstd", row_group_size=ROW_GROUP_ROWS)


def pandas(connection: str, table: str, folder: Path) -> None:
    """Everything is one frame in memory. Without coerce_float=False decimals would become floats."""
    import warnings

    import pandas as pd
    import pyodbc

    warnings.simplefilter("ignore", UserWarning)  # that only SQLAlchemy's connections are tested
    frame = pd.read_sql(f"SELECT * FROM dbo.{table}", pyodbc.connect(connection), coerce_float=False)
    frame.to_parquet(folder / "0.parquet", compression="zstd", row_group_size=ROW_GROUP_ROWS)


def odbc2parquet(connection: str, table: str, folder: Path) -> None:
    program = _odbc2parquet()
    assert program is not None
    options = ["--connection-string", connection, "--column-compression-default", "zstd"]
    subprocess.run([program, "--quiet", "query", *options, str(folder / "0.parquet"), f"SELECT * FROM dbo.{table}"], check=True)


def _odbc2parquet() -> str | None:
    return shutil.which("odbc2parquet") or shutil.which("odbc2parquet", path=str(Path.home() / ".cargo" / "bin"))


PEERS: dict[str, Callable[[str, str, Path], None]] = {
    "arrow-odbc + pyarrow": arrow_odbc,
    "arrow-odbc, two ranges": arrow_odbc_in_two,
    "odbc2parquet": odbc2parquet,
    "connectorx": connectorx,
    "pyodbc + pandas": pandas,
}


def present() -> Sequence[str]:
    """The names of those that this machine has."""
    return [name for name in PEERS if name != "odbc2parquet" or _odbc2parquet()]


if __name__ == "__main__":
    PEERS[sys.argv[1]](sys.argv[2], sys.argv[3], Path(sys.argv[4]))
