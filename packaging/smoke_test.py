"""Tries the built application as a user would: both executables, the sample without a window, the window, a run started in it.

Every judgement is another program's: DuckDB counts the rows, /proc says which file a run's process is, sqlite3 reads the history.
"""

import argparse
import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

import duckdb
import psutil
from virtual_display import Display, NeverHappened, until, virtual_display

ROOT = Path(__file__).resolve().parent.parent
SUFFIX = ".exe" if sys.platform == "win32" else ""
FLOWN = 328_521  # of 336,776 flights: the sample leaves out those that were cancelled
TITLE = "DTaaS Desktop"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--application", type=Path, default=ROOT / "dist" / "dtaas-desktop", help="the folder that was built")
    parser.add_argument("--screenshots", type=Path, default=ROOT / "build" / "smoke-test", help="where pictures of the window go")
    options = parser.parse_args()
    window, console = (options.application / f"{name}{SUFFIX}" for name in ("dtaas-desktop", "dtaas-desktop-cli"))
    bare = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV", "QT_"))}
    try:
        print(f"size           {folder_size(options.application) / 1e6:,.0f} MB in {options.application.name}")
        for executable in (console, window):
            version(executable, bare)
        sample(console, bare)
        if sys.platform == "linux":
            from_sqlserver(console, bare)
        if sys.platform == "linux":
            with virtual_display() as display:
                run_from_the_window(window, console, display, options.screenshots)
    except NeverHappened as failure:
        print(f"FAILED: {failure}", file=sys.stderr)
        return 1
    print("smoke test passed")
    return 0


def version(executable: Path, environment: Mapping[str, str]) -> None:
    """Each executable says its version, quickly."""
    started = time.monotonic()
    done = subprocess.run([executable, "--version"], env=environment, capture_output=True, text=True, check=False, timeout=120)
    if done.returncode != 0 or TITLE not in done.stdout:
        raise NeverHappened(f"{executable.name} --version said {done.stdout!r} {done.stderr!r} ({done.returncode})")
    print(f"version        {executable.name}: {done.stdout.strip()}, in {time.monotonic() - started:.2f} s")


def sample(console: Path, environment: Mapping[str, str]) -> None:
    """The sample moves all flights, without a window and without a display."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.monotonic()
        words = [str(console), "--workspace", folder, "--run-sample"]
        done = subprocess.run(words, env=dict(environment), capture_output=True, text=True, check=False, timeout=600)
        if done.returncode != 0:
            raise NeverHappened(f"the sample ended with {done.returncode}: {done.stdout[-2000:]} {done.stderr[-2000:]}")
        database = Path(folder) / "sample" / "flights.duckdb"
        with duckdb.connect(str(database), read_only=True) as connection:
            counted = connection.execute("SELECT count(*) FROM flights").fetchone()
        if counted != (FLOWN,):
            raise NeverHappened(f"the sample's DuckDB file holds {counted} flights, not {FLOWN}")
        print(f"sample         {FLOWN:,} flights counted by DuckDB, in {time.monotonic() - started:.1f} s")


def from_sqlserver(console: Path, environment: Mapping[str, str]) -> None:
    """A table of the stand-in server arrives; it is left out where the system has no ODBC driver (the wheel's is not bundled)."""
    if not (Path("/etc/odbcinst.ini").exists() and any(Path("/usr/lib").glob("*/odbc/libtdsodbc.so"))):
        print("SQL Server     not tried: this system has no ODBC driver (apt install unixodbc tdsodbc)")
        return
    sys.path.insert(0, str(ROOT))
    from tests.servers.sqlserver import SqlServer

    with tempfile.TemporaryDirectory() as folder, SqlServer.started() as server:
        server.control.run("CREATE DATABASE shop")
        server.control.run("CREATE TABLE dbo.t(id int NOT NULL PRIMARY KEY, name nvarchar(20))", database="shop")
        server.control.run("INSERT dbo.t VALUES (1, N'one'), (2, N'zwölf'), (3, NULL)", database="shop")
        settings = {"server": "127.0.0.1", "port": server.port, "database": "shop", "login": "sql", "user": "sa"}
        settings |= {"password": "env:SMOKE_PASSWORD", "encrypt": "no"}
        file, output = Path(folder) / "task.json", Path(folder) / "output"
        file.write_text(json.dumps(task_file(settings, output)), encoding="utf-8")
        words = [str(console), "--workspace", str(Path(folder) / "workspace")]
        for command in (["--import-task", str(file)], ["--run-task", "From SQL Server"]):
            bare = {**environment, "SMOKE_PASSWORD": server.password}
            done = subprocess.run([*words, *command], env=bare, capture_output=True, text=True, check=False, timeout=120)
            if done.returncode != 0:
                raise NeverHappened(f"{command[0]} ended with {done.returncode}: {done.stdout[-2000:]} {done.stderr[-2000:]}")
        with duckdb.connect() as connection:
            rows = connection.execute(f"SELECT * FROM '{output}/*/*.parquet' ORDER BY id").fetchall()
        if rows != [(1, "one"), (2, "zwölf"), (3, None)]:
            raise NeverHappened(f"the rows from SQL Server are {rows}")
        print("SQL Server     a table read through the system's ODBC driver, its rows read back by DuckDB")


def task_file(settings: Mapping[str, object], output: Path) -> dict[str, object]:
    """A task that moves every table of the server into a folder."""
    source = {"id": "source", "kind": "source", "settings": {"connection": "server", "tables": ["*"]}}
    target = {"id": "target", "kind": "destination", "settings": {"connection": "out"}}
    return {
        "format": "dtaas-task",
        "version": 1,
        "uuid": str(uuid.uuid4()),
        "name": "From SQL Server",
        "options": {},
        "design": {"nodes": [source, target], "links": [["source", "target"]]},
        "connections": {
            "server": {"kind": "sqlserver", "settings": settings},
            "out": {"kind": "folder", "settings": {"path": str(output)}},
        },
    }


def run_from_the_window(window: Path, console: Path, display: Display, pictures: Path) -> None:
    """The window comes up, starts the sample by its palette, and the run is a child of the frozen executable."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.monotonic()
        with started_window([window, "--workspace", folder], display.environment) as process:
            display.window(TITLE)
            print(f"window         shown after {time.monotonic() - started:.2f} s, {resident_mb(process.pid):.0f} MB resident")
            time.sleep(1.0)  # nothing tells from outside that the first painting is over; only the picture needs it
            display.save_screenshot(pictures / "first-start.png")
            display.press("ctrl+k")
            display.write("try the sample")
            display.press("Return")
            child = until(lambda: child_of(process.pid, console), f"a child process running {console.name}")
            metadata = Path(folder) / "metadata.sqlite"
            until(lambda: finished_run(metadata, child), "the end of the run in the history", patience=180)
            files = until(lambda: sorted(Path(folder).glob("sample/output/**/*.parquet")), "Parquet files of the sample")
            print(f"run            by process {child} of {console.name}, {len(files)} Parquet files")
            time.sleep(1.5)  # as above
            display.save_screenshot(pictures / "after-the-run.png")
            display.press("ctrl+q")
            until(lambda: process.poll() is not None, "the end of the window")
            if process.returncode != 0:
                raise NeverHappened(f"the window ended with {process.returncode}, not with 0")


def child_of(parent: int, executable: Path) -> int:
    """The id of a process below `parent` that runs this file; 0 if there is none."""
    with contextlib.suppress(psutil.NoSuchProcess):
        for child in psutil.Process(parent).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                if Path(child.exe()).resolve() == executable.resolve():
                    return int(child.pid)
    return 0


def finished_run(metadata: Path, process: int) -> bool:
    """Whether the history says that the run of this process is done. Raises NeverHappened if it says anything else."""
    if not metadata.exists():
        return False
    with contextlib.closing(sqlite3.connect(f"file:{metadata}?mode=ro", uri=True, timeout=20)) as connection:
        row = connection.execute("SELECT state, message FROM run WHERE process = ?", (process,)).fetchone()
    if row is not None and row[0] not in ("running", "done"):
        raise NeverHappened(f"the run ended as {row[0]}: {row[1]}")
    return row is not None and row[0] == "done"


@contextlib.contextmanager
def started_window(command: list[str | Path], environment: Mapping[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    bare = {key: value for key, value in environment.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV"))}
    process = subprocess.Popen([str(word) for word in command], env=bare)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def resident_mb(process: int) -> float:
    return float(psutil.Process(process).memory_info().rss) / 1e6


def folder_size(folder: Path) -> int:
    return sum(file.lstat().st_size for file in folder.rglob("*") if file.is_file())


if __name__ == "__main__":
    sys.exit(main())
