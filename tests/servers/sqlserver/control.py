"""The control connection: JSON lines, one request and one answer, for tests that steer the server from outside."""

import json
import os
import signal
import socket
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from tests.servers.sqlserver.bulk import copy_table, freeze, load_arrow
from tests.servers.sqlserver.catalogue import Catalogue, fold
from tests.servers.sqlserver.channel import Channel, Output
from tests.servers.sqlserver.configuration import Configuration
from tests.servers.sqlserver.definition import Definitions
from tests.servers.sqlserver.engine import Engine
from tests.servers.sqlserver.environment import Environment
from tests.servers.sqlserver.errors import SqlError
from tests.servers.sqlserver.execute import Executor
from tests.servers.sqlserver.faults import Fault, Faults
from tests.servers.sqlserver.parse import parse
from tests.servers.sqlserver.procedures import Procedures
from tests.servers.sqlserver.replay import Replay
from tests.servers.sqlserver.rights import Rights
from tests.servers.sqlserver.session import Session, all_sessions

Request = dict[str, Any]
_MARKS = {
    "object": {"cdc", "change_tracking", "memory_optimized", "temporal", "history", "external", "partitions", "durability", "filetable",
               "replicated", "node", "edge", "dropped_ledger", "shipped"},
    "database": {"cdc", "change_tracking", "snapshot", "rcsi", "read_only", "offline", "compatibility", "recovery"},
    "column": {"encryption", "masked", "hidden", "generated", "sparse", "column_set", "filestream"},
    "login": {"disabled", "expired", "locked", "admin"},
}  # fmt: skip


def answer_control(connection: socket.socket, folder: Path, server: int) -> None:
    with connection, connection.makefile("rwb") as stream:
        control = Control(folder, server)
        for line in stream:
            stream.write(json.dumps(control.answer(json.loads(line))).encode() + b"\n")
            stream.flush()


class _Nowhere(Channel):
    """Takes the answers of statements that nobody reads."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        super().__init__(ours, 0)
        self.other = theirs

    def send(self, parts: object) -> None:
        return


class Control:
    def __init__(self, folder: Path, server: int) -> None:
        self.folder = folder
        self.server = server
        self.faults = Faults(folder)
        self._session: Session | None = None

    def answer(self, request: Request) -> Request:
        rules: dict[str, Callable[[Request], object]] = {
            "fault": self._fault, "clear faults": lambda _: self.faults.clear(), "faults": lambda _: self.faults.left(), "configure": self._configure, "mark": self._mark,
            "run": self._run, "load": self._load, "freeze": self._freeze, "warm": self._warm,
            "databases": lambda _: self.session().catalogue.databases(), "sessions": lambda _: all_sessions(folder=self.folder),
            "kill": self._kill, "cpu": lambda _: cpu_seconds(self.server), "count columns": self._many_tables,
        }  # fmt: skip
        rule = rules.get(request.pop("do"))
        if rule is None:
            return {"error": "an unknown request"}
        try:
            return {"answer": rule(request)}
        except SqlError as error:
            return {"error": str(error), "number": error.number}
        except (ValueError, KeyError, OSError, TypeError) as error:
            return {"error": repr(error)}

    def session(self, database: str = "master") -> Session:
        if self._session is None:
            engine = Engine(self.folder / "data.sqlite")
            known = Catalogue(engine)
            master = known.database("master")
            if master is None:
                raise ValueError("no master")
            env = Environment(engine, known, Rights(known, 1, "sa", administrator=True), master, 0, "sa")
            self._session = Session(
                env,
                known,
                engine,
                _Nowhere(),
                self.faults,
                Replay(self.folder, engine),
                self.folder,
                {"spid": 0, "process": os.getpid()},
            )
            self._session._described = "never"
            self._session.describe = lambda statement=None: None  # type: ignore[method-assign]
        self._session.use(database, None)
        self._session.refresh()
        return self._session

    def _fault(self, request: Request) -> None:
        self.faults.add(Fault(**request))

    def _configure(self, request: Request) -> object:
        changed = replace(Configuration.read(self.folder), **request)
        changed.write(self.folder)
        return asdict(changed)

    def _run(self, request: Request) -> None:
        session = self.session(request.get("database", "master"))
        output = Output(session.channel, watch=False)
        executor = Executor(session, output, in_procedure=False)
        executor.call = Procedures(session, output).from_statement
        session.env.variables = {}
        executor.batch(request["sql"])

    def _mark(self, request: Request) -> int:
        """Set what DDL here cannot: flags of a database, table, column or login, as the catalogue views show them."""
        what, name, database = request["what"], request["name"], request.get("database", "master")
        unknown = set(request["flags"]) - _MARKS[what]
        if unknown:
            raise ValueError(f"no such flag: {sorted(unknown)}")
        session = self.session(database)
        sets = ", ".join(f"{one} = ?" for one in request["flags"])
        values = list(request["flags"].values())
        where = "folded = ?"
        keys: list[str | int] = [fold(name)]
        table = "c_login" if what == "login" else f"c_{what}"
        if what in {"object", "column"}:
            schema, _, own = name.partition(".")
            own, _, column = own.partition(".")
            found = session.catalogue.table(session.env.database, schema, own)
            if found is None:
                raise ValueError(f"no table {name}")
            where, keys = ("db = ? AND id = ?", [found.database.id, found.id])
            if what == "column":
                where, keys = "db = ? AND object = ? AND folded = ?", [found.database.id, found.id, fold(column)]
        session.before_write()
        count = session.engine.run(f"UPDATE {table} SET {sets} WHERE {where}", [*values, *keys]).rowcount
        session.catalogue.changed()
        session.after_statement()
        return count

    def _load(self, request: Request) -> int:
        session = self.session(request["database"])
        session.before_write()
        count = load_arrow(session, request["table"], Path(request["path"]))
        session.after_statement()
        return count

    def _freeze(self, request: Request) -> None:
        session = self.session(request["database"])
        session.before_write()
        freeze(session, request["table"])
        session.after_statement()

    def _warm(self, request: Request) -> None:
        """Answer a query once, so that its pages are there."""
        self._run(request)

    def _many_tables(self, request: Request) -> int:
        """Many empty tables at once, as a large catalogue has: `tables` × `columns` of various types."""
        session = self.session(request["database"])
        session.before_write()
        kinds = (
            "int",
            "bigint",
            "nvarchar(50)",
            "decimal(18,4)",
            "datetime2(3)",
            "varchar(20)",
            "bit",
            "uniqueidentifier",
            "float",
            "date",
        )
        schema, columns = request.get("schema", "dbo"), request["columns"]
        definition = ", ".join(f"c{at} {kinds[at % len(kinds)]}{' NOT NULL' if at == 0 else ''}" for at in range(columns))
        statement = parse(f"CREATE TABLE [{schema}].[table_00000]({definition}, PRIMARY KEY (c0))")[0]
        Definitions(session.env).create_table(statement)  # type: ignore[arg-type]
        copy_table(session, schema, "table_00000", [f"table_{number:05}" for number in range(1, request["tables"])])
        session.after_statement()
        return int(request["tables"])

    def _kill(self, request: Request) -> None:
        found = json.loads((self.folder / "sessions" / f"{request['spid']}.json").read_text())
        os.kill(found["process"], signal.SIGTERM)


def cpu_seconds(server: int) -> float:
    """CPU time of the server's process, of its sessions that have ended, and of those that run (Linux)."""
    tick = os.sysconf("SC_CLK_TCK")

    def used(process: str, first: int, last: int) -> int:
        fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
        return sum(int(one) for one in fields[first:last])

    total = used(str(server), 11, 15)
    children = Path(f"/proc/{server}/task/{server}/children").read_text().split()
    for child in children:
        try:
            total += used(child, 11, 13)
        except OSError:
            continue
    return total / tick
