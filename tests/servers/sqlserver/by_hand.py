"""The server by hand, with the sample's five tables in the database `sample`, for whoever wants to try the road from SQL Server."""

import sys
from pathlib import Path

from tests.servers.sqlserver.api import SqlServer
from tests.servers.sqlserver.configuration import Tls

SAMPLE = Path(__file__).parents[3] / "resources" / "sample"
PASSWORD = "Stand-in 1"
TABLES = {
    "airlines": "carrier varchar(2) NOT NULL PRIMARY KEY, name nvarchar(40) NOT NULL",
    "airports": "faa varchar(3) NOT NULL PRIMARY KEY, name nvarchar(80) NOT NULL, lat float NOT NULL, lon float NOT NULL, alt int, tz int,"
    " dst char(1), tzone varchar(40)",
    "planes": "tailnum varchar(6) NOT NULL PRIMARY KEY, year smallint, type nvarchar(40), manufacturer nvarchar(40), model nvarchar(40),"
    " engines tinyint, seats smallint, speed smallint, engine nvarchar(20)",
    "weather": "id int IDENTITY NOT NULL PRIMARY KEY, origin varchar(3), year smallint, month tinyint, day tinyint, hour tinyint, temp float,"
    " dewp float, humid float, wind_dir smallint, wind_speed float, wind_gust float, precip float, pressure float, visib float,"
    " time_hour datetime2(6)",
    "flights": "id int IDENTITY NOT NULL PRIMARY KEY, year smallint, month tinyint, day tinyint, dep_time smallint, sched_dep_time smallint,"
    " dep_delay smallint, arr_time smallint, sched_arr_time smallint, arr_delay smallint, carrier varchar(2), flight int,"
    " tailnum varchar(6), origin varchar(3), dest varchar(3), air_time smallint, distance int, hour tinyint, minute tinyint,"
    " time_hour datetime2(6)",
}


def add_sample(server: SqlServer, database: str = "sample") -> None:
    """The tables of resources/sample, with types as somebody would choose them in SQL Server."""
    server.control.run(f"CREATE DATABASE {database}")
    server.control.run(f"ALTER DATABASE {database} SET ALLOW_SNAPSHOT_ISOLATION ON")
    for name, columns in TABLES.items():
        server.control.run(f"CREATE TABLE dbo.{name}({columns})", database=database)
        server.control.load(f"dbo.{name}", SAMPLE / f"{name}.parquet", database=database)


def run_with_sample(port: int, tls: Tls, folder: Path | None) -> int:
    """Serve the sample until interrupted; a folder that holds the sample already is served as it is."""
    with SqlServer.started(tls=tls, port=port, folder=folder, password=PASSWORD) as server:
        if not server.control.has_database("sample"):
            sys.stdout.write("Loading the sample (some seconds)…\n")
            sys.stdout.flush()
            add_sample(server)
        sys.stdout.write(
            f"A stand-in for SQL Server listens on 127.0.0.1, port {server.port}; database “sample”, user “sa”, password “{PASSWORD}”.\n"
            f"Encryption: {tls}; its certificate is {server.certificate}. Ctrl+C ends it.\n"
        )
        sys.stdout.flush()
        try:
            server.process.wait()
        except KeyboardInterrupt:
            return 0
        return server.process.returncode
