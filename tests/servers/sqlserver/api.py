"""Starting the server from a test, and steering it."""

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.servers.sqlserver.configuration import Tls
from tests.servers.sqlserver.faults import Fault

ROOT = Path(__file__).parents[3]
SA_PASSWORD = ""


class ControlError(Exception):
    """The server could not do what it was told; `number` is SQL Server's, where there is one."""

    def __init__(self, text: str, number: int | None) -> None:
        super().__init__(text)
        self.number = number


class Control:
    """The control connection of a running server. Not for several threads at once."""

    def __init__(self, port: int, folder: Path) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._stream = self._socket.makefile("rwb")
        self._folder = folder

    def close(self) -> None:
        self._stream.close()
        self._socket.close()

    def _ask(self, do: str, **words: object) -> Any:
        self._stream.write(json.dumps({"do": do, **words}).encode() + b"\n")
        self._stream.flush()
        line = self._stream.readline()
        if not line:
            raise ControlError("the control connection was closed", None)
        answer = json.loads(line)
        if "error" in answer:
            raise ControlError(answer["error"], answer.get("number"))
        return answer["answer"]

    def fault(self, fault: Fault) -> None:
        """From now on, for as many statements or logins as the fault says."""
        self._ask("fault", **asdict(fault))

    def clear_faults(self) -> None:
        self._ask("clear faults")

    def faults(self) -> list[dict[str, Any]]:
        """Those that have still to happen."""
        found: list[dict[str, Any]] = self._ask("faults")
        return found

    def configure(self, **changes: object) -> None:
        """tls, read_only_secondary: for connections from now on."""
        self._ask("configure", **changes)

    def run(self, sql: str, *, database: str = "master") -> None:
        """A batch of T-SQL as sa, without a driver; what it selects is thrown away."""
        self._ask("run", sql=sql, database=database)

    def has_database(self, name: str) -> bool:
        return name in self._ask("databases")

    def mark(self, what: str, name: str, *, database: str = "master", **flags: int | str) -> None:
        """Flags that DDL here does not set: what is "object" (name "dbo.t"), "column" ("dbo.t.c"), "database" or "login"."""
        if self._ask("mark", what=what, name=name, database=database, flags=flags) != 1:
            raise ControlError(f"there is no {what} {name}", None)

    def load(self, table: str, rows: Any, *, database: str) -> int:
        """Append a pyarrow.Table (or a Parquet file's path) to a table that exists; returns the number of rows."""
        if isinstance(rows, Path):
            return int(self._ask("load", table=table, path=str(rows), database=database))
        import pyarrow.parquet as pq

        with tempfile.NamedTemporaryFile(dir=self._folder, suffix=".parquet") as file:
            pq.write_table(rows, file.name)
            return int(self._ask("load", table=table, path=file.name, database=database))

    def freeze(self, table: str, *, database: str) -> None:
        """Let replay answer for this table: its rows are encoded once for each select list, and then sent as they are."""
        self._ask("freeze", table=table, database=database)

    def warm(self, sql: str, *, database: str) -> None:
        """Encode what this query selects now, so that a measurement does not."""
        self._ask("warm", sql=sql, database=database)

    def many_tables(self, tables: int, columns: int, *, database: str, schema: str = "dbo") -> None:
        self._ask("count columns", tables=tables, columns=columns, database=database, schema=schema)

    def sessions(self) -> list[dict[str, Any]]:
        """What sys.dm_exec_sessions shows, with each session's process."""
        found: list[dict[str, Any]] = self._ask("sessions")
        return found

    def kill(self, spid: int) -> None:
        self._ask("kill", spid=spid)

    def cpu_seconds(self) -> float:
        """CPU time of all processes of the server up to now (Linux)."""
        return float(self._ask("cpu"))


class SqlServer:
    """A running server; it ends with the `with` block, or with this process."""

    def __init__(self, process: "subprocess.Popen[bytes]", addresses: dict[str, Any]) -> None:
        self.process = process
        self.host = "127.0.0.1"
        self.port = int(addresses["port"])
        self.folder = Path(addresses["folder"])
        self.certificate = self.folder / "certificate.pem"
        self.control = Control(int(addresses["control"]), self.folder)

    @classmethod
    @contextmanager
    def started(
        cls,
        *,
        tls: Tls = "optional",
        port: int = 0,
        folder: Path | None = None,
        password: str = "Stand-in 1",
        python: str | Path = sys.executable,
    ) -> Iterator["SqlServer"]:
        """A server of its own in a process of its own, run by `python`. `folder` keeps its databases from one start to the next."""
        if not supported():
            raise OSError("the stand-in for SQL Server forks: it needs Linux or macOS")
        command = [str(python), "-P", "-m", "tests.servers.sqlserver", "--port", str(port), "--tls", tls, "--quiet"]
        if folder is not None:
            command += ["--folder", str(folder)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, env=environment)
        try:
            line = process.stdout.readline() if process.stdout else b""
            if not line:
                raise OSError("the stand-in for SQL Server did not start")
            server = cls(process, json.loads(line))
            server.password = password
            quoted = password.replace("'", "''")
            server.control.run(f"ALTER LOGIN sa WITH PASSWORD = '{quoted}'")
            try:
                yield server
            finally:
                server.control.close()
        finally:
            if process.stdin:
                process.stdin.close()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout:
                process.stdout.close()

    password = SA_PASSWORD

    def connection_string(
        self,
        *,
        driver: str,
        user: str = "sa",
        password: str | None = None,
        database: str = "master",
        encrypt: str = "no",
        **more: str,
    ) -> str:
        """An ODBC connection string; `driver` is a driver's file or registered name."""
        secret = self.password if password is None else password
        words = {
            "Driver": driver,
            "Server": f"{self.host},{self.port}",
            "UID": user,
            "PWD": secret,
            "Database": database,
            "Encrypt": encrypt,
            **more,
        }
        if "tdsodbc" in driver.lower() or driver.lower() == "freetds":
            words = {
                "Driver": driver,
                "Server": self.host,
                "Port": str(self.port),
                "UID": user,
                "PWD": secret,
                "Database": database,
                "TDS_Version": "7.4",
                **more,
            }
        return ";".join(f"{name}={_quoted(value)}" for name, value in words.items())

    def cpu_seconds(self) -> float:
        return self.control.cpu_seconds()


def _quoted(value: str) -> str:
    """By ODBC's rule: braces where the value has signs that mean something."""
    plain = (value == value.strip() and not set(value) & set("[]{}(),;?*=!@")) or value.startswith("127.0.0.1")
    return value if plain else "{" + value.replace("}", "}}") + "}"


def supported() -> bool:
    return hasattr(os, "fork")
