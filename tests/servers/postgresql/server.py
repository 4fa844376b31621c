"""A real PostgreSQL server for tests: a cluster in a folder of its own, on a port of loopback, ended by its process id."""

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

START_SECONDS = 60


class NoServer(Exception):
    """There is no PostgreSQL here; the message says what was looked for."""


@dataclass
class PostgreSQL:
    """A server that answers. `process` is None for one that somebody else runs."""

    host: str
    port: int
    user: str
    password: str
    folder: Path | None = None
    process: "subprocess.Popen[bytes] | None" = None
    made: list[str] = field(default_factory=list)

    def url(self, database: str, *, user: str | None = None) -> str:
        """The address of a database, without a password."""
        return f"postgresql://{user or self.user}@{self.host}:{self.port}/{database}"

    def connect(self, database: str = "postgres") -> "psycopg.Connection[tuple[object, ...]]":
        return psycopg.connect(
            make_conninfo(
                "", host=self.host, port=self.port, user=self.user, password=self.password, dbname=database, connect_timeout=10
            ),
            autocommit=True,
        )

    def sql(self, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """Run one statement as the owner; its rows."""
        with self.connect(database) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def database(self) -> Iterator[str]:
        """A new, empty database; its name."""
        name = f"dtaas_test_{uuid.uuid4().hex[:12]}"
        self.sql(f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0")
        try:
            yield name
        finally:
            self.sql(f"DROP DATABASE {name} WITH (FORCE)")

    def start(self) -> None:
        """Start it, on the port that it has."""
        assert self.folder is not None
        options = {
            "listen_addresses": self.host,
            "port": str(self.port),
            "unix_socket_directories": "",
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
            "shared_buffers": "16MB",
            "max_connections": "40",
        }
        arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        log = (self.folder / "log").open("ab")
        self.process = subprocess.Popen(
            [str(_binary("postgres")), "-D", str(self.folder / "data"), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            **_unprivileged(),  # type: ignore[call-overload]
        )
        log.close()
        self._wait()

    def stop(self) -> None:
        """End it; connections are cut."""
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(START_SECONDS)
            self.process = None

    def _wait(self) -> None:
        assert self.folder is not None
        deadline = time.monotonic() + START_SECONDS
        while True:
            assert self.process is not None
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start: {(self.folder / 'log').read_text()[-2000:]}")
            try:
                self.connect().close()
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return


@contextmanager
def running() -> Iterator[PostgreSQL]:
    """The server that DTAAS_TEST_POSTGRESQL (a connection string with a password) points to, otherwise one started here.

    Raises NoServer where there is none to be started.
    """
    given = os.environ.get("DTAAS_TEST_POSTGRESQL")
    if given:
        parts = {name: str(value) for name, value in conninfo_to_dict(given).items()}
        yield PostgreSQL(
            parts.get("host", "127.0.0.1"), int(parts.get("port", 5432)), parts.get("user", "postgres"), parts.get("password", "")
        )
        return
    _binary("initdb")
    folder = Path(tempfile.mkdtemp(prefix="dtaas-postgresql-"))
    server = PostgreSQL("127.0.0.1", _free_port(), "owner", secrets.token_hex(12), folder)
    try:
        _make_cluster(server, folder)
        server.start()
        yield server
    finally:
        with contextlib.suppress(OSError):
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _make_cluster(server: PostgreSQL, folder: Path) -> None:
    password = folder / "password"
    password.write_text(server.password)
    if os.geteuid() == 0:
        account = pwd.getpwnam(_account())
        for path in (folder, password):
            os.chown(path, account.pw_uid, account.pw_gid)
    made = subprocess.run(
        [
            str(_binary("initdb")),
            *("-D", str(folder / "data"), "-U", server.user, "--pwfile", str(password), "--auth=scram-sha-256"),
            *("--encoding=UTF8", "--locale=C", "--no-sync"),
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        **_unprivileged(),  # type: ignore[call-overload]
    )
    if made.returncode != 0:
        raise RuntimeError(f"initdb failed: {made.stderr.decode()[-2000:]}")


def _binary(name: str) -> Path:
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for folder in folders:
        if (folder / name).exists():
            return folder / name
    found = shutil.which(name)
    if found is None:
        raise NoServer("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    return Path(found)


def _unprivileged() -> dict[str, object]:
    """What lets a subprocess be somebody else where we are root, as whom PostgreSQL refuses to run."""
    if os.geteuid() != 0:
        return {"cwd": "/"}
    account = pwd.getpwnam(_account())
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": [], "cwd": "/", "env": {"LC_ALL": "C"}}


def _account() -> str:
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    raise NoServer("there is no account that PostgreSQL could run as")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
