"""Every error of SQL Server and of the way to it: its sentence and its exit code on the command line, its sentence and its step in *Test*,
a second try where waiting helps, and the password nowhere.
"""

import base64
import io
import json
import socket
import struct
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pytest

from dtaas_desktop.cli import exit_codes
from dtaas_desktop.cli.main import main
from dtaas_desktop.domain.connection import CheckStep, Connection
from dtaas_desktop.domain.design import Design, Link, Node
from dtaas_desktop.domain.task import Task, TaskOptions
from dtaas_desktop.services import browse
from dtaas_desktop.services.workspace import Workspace, open_workspace
from tests.cli.house import House, until
from tests.cli.sqlserver_failures import FIX, REFUSED, SAID, STATEMENTS, WAIT
from tests.connectors.sqlserver.world import driver_or_skip
from tests.servers.sqlserver import Fault, SqlServer
from tests.servers.sqlserver.api import supported
from tests.servers.sqlserver.drivers import drivers

CANARY = "Kanarienvogel;x='y=1 z"
SECRET = "local:canary"
ROWS = [1, 2, 3, 4, 5]


@dataclass
class Town:
    """A server with a small table for each error of a statement, places where none answers, and a house with a task for each error."""

    server: SqlServer
    house: House
    workspace: Workspace
    ports: Mapping[str, int]
    said: list[str] = field(default_factory=list)

    def connection(self, changes: Mapping[str, object] | None = None) -> Connection:
        settings: dict[str, object] = {
            "server": self.server.host, "port": self.server.port, "database": "errors", "user": "sa", "password": SECRET,
            "encrypt": "no", "connect_seconds": 1,
        } | dict(changes or {})  # fmt: skip
        settings["port"] = self.ports.get(str(settings["port"]), settings["port"])
        if settings.get("driver") == "a library":
            settings["driver"] = next(str(path) for path in Path("/").glob("lib*/**/libm.so.6"))
        return Connection(f"c{uuid.uuid4().hex[:8]}", "sqlserver", settings)

    def task(
        self, tables: Sequence[str], settings: Mapping[str, object] | None = None, options: TaskOptions | None = None
    ) -> str:
        connection = self.connection(settings)
        self.workspace.connections.save(connection)
        source = Node("source", "source", {"connection": connection.name, "tables": [f"dbo.{table}" for table in tables]})
        design = Design((source, Node("to", "destination", {"connection": "duck"})), (Link("source", "to"),))
        name = f"Task {connection.name}"
        self.workspace.tasks.save(Task(str(uuid.uuid4()), name, design, options or TaskOptions(retries=0, parallel=12)))
        return name

    def run_here(self, task: str) -> tuple[int, str]:
        """The same as `run` within this process, which is quicker."""
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = main(["--workspace", str(self.house.workspace), "--run-task", task])
        self.said += [out.getvalue(), err.getvalue()]
        return code, out.getvalue() + err.getvalue()

    def run(self, task: str) -> tuple[int, str]:
        """Exit code, and all that was said, of the program in a process of its own."""
        code, out, err = self.house.run("--run-task", task)
        self.said += [out, err]
        return code, out + err

    def steps(self, connection: Connection) -> list[CheckStep]:
        found = list(browse.check(connection, workspace="", secret=self.workspace.secrets.resolve))
        self.said += map(repr, found)
        return found

    @contextmanager
    def faults(self, *faults: Fault) -> Iterator[None]:
        for fault in faults:
            self.server.control.fault(fault)
        try:
            yield
        finally:
            self.server.control.clear_faults()


@contextmanager
def nobody() -> Iterator[Mapping[str, int]]:
    """Ports by what one meets there."""
    with ExitStack() as stack:

        def listening(backlog: int) -> socket.socket:
            found = stack.enter_context(socket.socket())
            found.bind(("127.0.0.1", 0))
            found.listen(backlog)
            return found

        def port(of: socket.socket) -> int:
            return int(of.getsockname()[1])

        full, silent, resetting = listening(0), listening(50), listening(50)
        for _ in range(3):  # more wait than may: whoever comes now gets no answer
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(("127.0.0.1", port(full)))
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            free = port(closed)

        def reset() -> None:
            while True:
                try:
                    taken, _ = resetting.accept()
                except OSError:
                    return
                with taken:
                    taken.recv(8)
                    taken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

        thread = threading.Thread(target=reset)
        thread.start()
        try:
            yield {"full": port(full), "silent": port(silent), "resetting": port(resetting), "closed": free}
        finally:
            resetting.shutdown(socket.SHUT_RDWR)
            thread.join()


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    driver_or_skip()
    if not supported():
        pytest.skip("the stand-in for SQL Server forks, which this system cannot")
    house = House(tmp_path_factory.mktemp("town"))
    with SqlServer.started(password=CANARY) as server, nobody() as ports, open_in(house) as workspace:
        server.control.run("CREATE DATABASE errors")
        values = ", ".join(f"({row})" for row in ROWS)
        for number in [*STATEMENTS, "kill", "cut"]:
            server.control.run(
                f"CREATE TABLE dbo.e{number} (id int NOT NULL PRIMARY KEY); INSERT INTO dbo.e{number} VALUES {values}",
                database="errors",
            )
        workspace.secrets.store("canary", CANARY)
        workspace.connections.save(Connection("duck", "duckdb", {"path": str(house.duckdb)}))
        yield Town(server, house, workspace, ports)


@contextmanager
def open_in(house: House) -> Iterator[Workspace]:
    workspace = open_workspace(house.workspace)
    try:
        yield workspace
    finally:
        workspace.close()


@pytest.fixture(scope="module")
def failed(town: Town) -> Mapping[int, tuple[int, str]]:
    """One run of each class: its exit code and its words, by the number of an error in it."""
    found: dict[int, tuple[int, str]] = {}
    for code in (FIX, WAIT):
        numbers = [number for number, (of, _) in STATEMENTS.items() if of == code]
        task = town.task([f"e{number}" for number in numbers])
        with town.faults(*(Fault("error", pattern=f"AS c0.*e{number}\\b", number=number) for number in numbers)):
            found |= dict.fromkeys(numbers, town.run(task))
    return found


@pytest.mark.parametrize("number", STATEMENTS)
def test_an_error_of_a_statement_is_its_sentence(town: Town, failed: Mapping[int, tuple[int, str]], number: int) -> None:
    code, says = STATEMENTS[number]
    got, output = failed[number]
    assert got == code
    lines = output.splitlines()
    (at,) = [at for at, line in enumerate(lines) if f"dbo.e{number} → e{number} FAILED: " in line]
    assert says in lines[at]
    assert lines[at + 1].startswith("    "), "what to do stands below"
    with town.faults(Fault("error", pattern="RTRIM\\(o.type\\)", number=number, times=9)):
        *good, last = town.steps(town.connection())
    assert all(step.ok for step in good)
    assert (last.ok, last.title) == (False, "Its tables can be read")
    assert says in last.detail
    assert last.remedy


@pytest.mark.parametrize("name", REFUSED)
def test_a_connection_that_does_not_come_about_is_its_sentence(town: Town, name: str) -> None:
    refused = REFUSED[name]
    if refused.of_microsoft and "tds" in driver_or_skip().lower():
        pytest.skip("FreeTDS does not tell it apart")
    task = town.task(["e207"], refused.settings)
    town.server.control.configure(tls=refused.tls)
    try:
        with town.faults(*([refused.fault] if refused.fault else [])):
            code, output = town.run_here(task)
            *good, last = town.steps(town.connection(refused.settings))
    finally:
        town.server.control.configure(tls="optional")
    assert code == refused.code, output
    assert refused.says in output
    assert len(output.strip().splitlines()) >= 2, "what to do is said as well"
    assert all(step.ok for step in good)
    assert (last.ok, last.title) == (False, refused.step)
    assert (refused.step_says or refused.says) in f"{last.detail} {last.remedy}"
    assert last.remedy


@pytest.mark.parametrize("name", SAID)
def test_what_drivers_say_elsewhere_is_its_sentence(town: Town, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import pyodbc

    code, step, says, words = SAID[name]

    def refuse(text: str, **_: object) -> None:
        raise pyodbc.OperationalError(words[1:6], f"{words} (SQLDriverConnect); [01S00] about {text} (0)")

    monkeypatch.setattr(pyodbc, "connect", refuse)
    got, output = town.run_here(town.task(["e207"]))
    assert got == code
    assert says in output
    *good, last = town.steps(town.connection())
    assert all(step.ok for step in good)
    assert (last.ok, last.title) == (False, step)
    assert says in last.detail
    assert last.remedy
    assert CANARY not in output


def test_a_statement_that_takes_too_long_is_its_sentence(town: Town) -> None:
    """HYT00 of a statement, in a run; and that of *Test*."""
    task = town.task(["e207"], {"query_seconds": 1})
    with town.faults(Fault("wait", pattern="AS c0.*e207", seconds=30)):
        code, output = town.run_here(task)
    assert code == WAIT
    assert "table dbo.e207" in output.casefold()
    assert "did not answer in time" in output
    with town.faults(Fault("wait", pattern="RTRIM\\(o.type\\)", seconds=30)):
        last = town.steps(town.connection({"query_seconds": 1}))[-1]
    assert "did not answer in time" in last.detail


def test_what_waiting_helps_is_tried_again_and_doubles_no_row(town: Town) -> None:
    """Each error comes once, in the middle of its table's rows; so does a connection that is ended, and one that is cut."""
    numbers = [number for number, (code, _) in STATEMENTS.items() if code == WAIT]
    tables = [f"e{one}" for one in (*numbers, "kill", "cut")]
    task = town.task(tables, options=TaskOptions(retries=2, parallel=len(tables)))
    faults = [Fault("error", pattern=f"AS c0.*e{number}\\b", number=number, rows=2) for number in numbers]
    faults += [Fault("kill", pattern="AS c0.*ekill", rows=2), Fault("cut", pattern="AS c0.*ecut", amount=40)]
    with town.faults(*faults):
        code, output = town.run(task)
    assert code == exit_codes.DONE, output
    assert output.count("Trying again") == len(tables)
    with duckdb.connect(str(town.house.duckdb), read_only=True) as connection:
        for table in tables:
            rows = connection.execute(f'SELECT id FROM "{table}" ORDER BY id').fetchall()
            assert [row[0] for row in rows] == ROWS, table


def freetds() -> str:
    found = next((driver.name for driver in drivers() if not driver.microsoft), None)
    return found or pytest.skip("FreeTDS is not installed")


@pytest.mark.parametrize("driver", [driver_or_skip, freetds], ids=["Microsoft's", "FreeTDS"])
def test_the_password_is_found_nowhere(town: Town, driver: Callable[[], str], capfd: pytest.CaptureFixture[str]) -> None:
    """Whatever fails, whoever repeats it: the server's own words hold the connection string, and are said and kept without it."""
    settings = {"driver": driver()}
    text = town.server.connection_string(driver=driver(), database="errors")
    words = f"It was {text}; the password is {CANARY}, PWD={{{CANARY}}}"
    with town.faults(Fault("error", pattern="AS c0.*e207", number=4711, text=words)):
        code, output = town.run(town.task(["e207"], settings))
    assert (code, "4711" in output) == (FIX, True)
    for fault in (
        Fault("login error", number=4711, text=words, severity=14, times=9),
        Fault("error", pattern="RTRIM\\(o.type\\)", number=4711, text=words, times=9),
        Fault("login close", times=9),
    ):
        with town.faults(fault):
            town.run_here(town.task(["e207"], settings))
            town.steps(town.connection(settings))
    for changes in ({"encrypt": "strict"}, {"encrypt": "yes"}, {"user": "nobody"}, {"database": "nowhere"}):
        town.steps(town.connection(settings | changes))
    town.house.must("--export-task", town.task(["e207"], settings))
    captured = capfd.readouterr()
    assert CANARY not in "\n".join([*town.said, captured.out, captured.err])
    forms = [form for whole in (CANARY, json.dumps(CANARY)[1:-1]) for form in (whole.encode(), whole.encode("utf-16-le"))]
    forms.append(base64.b64encode(CANARY.encode()).rstrip(b"="))
    assert holding(town.house.folder, forms) == ""


_LOOK = """
import json, pathlib, sys
folder, forms = json.load(sys.stdin)
forms = [bytes.fromhex(form) for form in forms]
print(*(path for path in pathlib.Path(folder).rglob("*") if path.is_file() and any(form in path.read_bytes() for form in forms)))
"""


def holding(folder: Path, forms: Sequence[bytes]) -> str:
    """The files that hold one of these. Looked at by another process: SQLite's locks of this one would go with the files it closes."""
    asked = json.dumps([str(folder), [form.hex() for form in forms]])
    found = subprocess.run([sys.executable, "-I", "-c", _LOOK], input=asked, capture_output=True, text=True, check=True)
    return found.stdout.strip()


def test_no_argument_of_a_process_holds_the_password(town: Town) -> None:
    """While a run waits for the server, its process is looked at as any user of the computer could."""
    task = town.task(["e207"])
    with town.faults(Fault("wait", pattern="AS c0.*e207", seconds=60)):
        process = town.house.start("--run-task", task)
        try:
            until(lambda: not town.server.control.faults() or process.poll() is not None)
            assert process.poll() is None
            for of in Path("/proc").glob("[0-9]*/cmdline"):
                with of.open("rb") as file:
                    assert CANARY.encode() not in file.read()
            assert CANARY.encode() not in Path(f"/proc/{process.pid}/environ").read_bytes()
        finally:
            town.house.end()
