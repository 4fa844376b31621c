"""A client's session: its settings, its transaction, and its statements' answers."""

import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.servers.sqlserver import tokens
from tests.servers.sqlserver.catalogue import Catalogue
from tests.servers.sqlserver.channel import Channel, Output
from tests.servers.sqlserver.collation import collation
from tests.servers.sqlserver.engine import Engine, Interrupted
from tests.servers.sqlserver.environment import Environment
from tests.servers.sqlserver.errors import KNOWN, SqlError
from tests.servers.sqlserver.faults import Faults
from tests.servers.sqlserver.replay import Replay
from tests.servers.sqlserver.rights import not_under_context

ISOLATION = {"READ UNCOMMITTED": 1, "READ COMMITTED": 2, "REPEATABLE READ": 3, "SERIALIZABLE": 4, "SNAPSHOT": 5}


@dataclass
class Session:
    env: Environment
    catalogue: Catalogue
    engine: Engine
    channel: Channel
    faults: Faults
    replay: Replay
    folder: Path
    description: dict[str, str | int | float | None] = field(default_factory=dict)
    descriptor: bytes = b""  # of the open transaction
    writing: bool = False  # SQLite's write transaction is open
    reading: bool = False  # a snapshot of SQLite is held
    held: set[tuple[int, int]] = field(default_factory=set)  # tables (database, id) with rows that this transaction has changed
    savepoints: list[str] = field(default_factory=list)
    prepared: dict[int, tuple[str, str]] = field(default_factory=dict)
    _described: str = ""
    _file: int = -1

    # ---- databases

    def use(self, name: str, output: Output | None) -> None:
        """Error 911 for an unknown database, 916 for one that this login may not enter."""
        database = self.catalogue.database(name)
        if database is None:
            raise SqlError(911, f"Database '{name}' does not exist. Make sure that the name is entered correctly.")
        if self.env.rights.user(database) is None:
            raise not_under_context(self.env.login, database.name)
        if database.offline:
            raise SqlError(942, f"Database '{name}' cannot be opened because it is offline.", severity=14, state=4)
        old, self.env.database = self.env.database, database
        if output is not None:
            output.write(tokens.change_text(1, database.name, old.name))
            output.write(tokens.change_collation(collation(database.collation)))
            output.write(tokens.information(5701, f"Changed database context to '{database.name}'.", state=2))
        self.describe()

    def refresh(self) -> None:
        """What other sessions have changed of the current database."""
        self.catalogue.refresh()
        self.env.now = time.time()
        found = self.catalogue.database(self.env.database.name)
        if found is None:
            raise SqlError(
                911, f"Database '{self.env.database.name}' does not exist. Make sure that the name is entered correctly."
            )
        self.env.database = found

    # ---- transactions

    @property
    def in_transaction(self) -> bool:
        return self.env.depth > 0

    def begin(self, output: Output) -> None:
        self.env.depth += 1
        if self.env.depth == 1:
            self.descriptor = os.urandom(8)
            output.write(tokens.change_bytes(8, self.descriptor, b""))
            self.describe()

    def commit(self, output: Output) -> None:
        if not self.env.depth:
            raise SqlError(3902, "The COMMIT TRANSACTION request has no corresponding BEGIN TRANSACTION.")
        self.env.depth -= 1
        if self.env.depth == 0:
            self._end("COMMIT")
            output.write(tokens.change_bytes(9, b"", self.descriptor))
            self.describe()

    def rollback(self, output: Output) -> None:
        if not self.env.depth:
            raise SqlError(3903, "The ROLLBACK TRANSACTION request has no corresponding BEGIN TRANSACTION.")
        self.abandon()
        output.write(tokens.change_bytes(10, b"", self.descriptor))
        self.describe()

    def abandon(self) -> None:
        self.env.depth = 0
        self._end("ROLLBACK")

    def _end(self, word: str) -> None:
        if self.writing or self.reading:
            self.engine.run(word)
        self.writing = self.reading = False
        self.let_rows_go()
        self.savepoints.clear()
        self.env.options.pop("first rowversion", None)

    def before_read(self) -> None:
        """SNAPSHOT, REPEATABLE READ and SERIALIZABLE hold one view of the data from their first statement on."""
        if (
            self.env.isolation == "SNAPSHOT"
            and self.in_transaction
            and not self.env.database.snapshot
            and self.env.database.id > 4
        ):
            text = KNOWN[3952][1].format(database=self.env.database.name)
            raise SqlError(3952, text)
        if self.in_transaction and ISOLATION[self.env.isolation] >= 3 and not (self.writing or self.reading):
            self.engine.run("BEGIN")
            self.engine.one("SELECT count(*) FROM c_counter")
            self.reading = True

    # ---- locks of rows, each table as a whole

    def hold_rows(self) -> None:
        """What this transaction has changed, readers of the current state have to wait for."""
        changed, self.env.changed = self.env.changed, set()
        if self.in_transaction and not changed <= self.held:
            self.held |= changed
            (self.folder / "locks").mkdir(exist_ok=True)
            (self.folder / "locks" / str(self.env.spid)).write_text(json.dumps(sorted(self.held)))

    def let_rows_go(self) -> None:
        self.env.changed.clear()
        if self.held:
            self.held.clear()
            (self.folder / "locks" / str(self.env.spid)).unlink(missing_ok=True)

    def wait_for_rows(self, tables: Sequence[tuple[int, int]]) -> None:
        """Without row versions a reader waits for whoever has changed a row, as long as LOCK_TIMEOUT says (error 1222)."""
        versions = self.env.isolation in {"SNAPSHOT", "READ UNCOMMITTED"} or (
            self.env.isolation == "READ COMMITTED" and self.env.database.rcsi
        )
        deadline = None if self.env.lock_timeout < 0 else time.monotonic() + self.env.lock_timeout / 1000
        while not versions and self._held_by_others(tables):
            if deadline is not None and time.monotonic() >= deadline:
                raise SqlError(1222, KNOWN[1222][1])
            if self.channel.readable():
                raise Interrupted
            time.sleep(0.005)

    def _held_by_others(self, tables: Sequence[tuple[int, int]]) -> bool:
        try:
            names = [path.name for path in (self.folder / "locks").iterdir()]
        except FileNotFoundError:
            return False
        for name in names:
            if name == str(self.env.spid):
                continue
            try:
                held = json.loads((self.folder / "locks" / name).read_text())
            except (FileNotFoundError, ValueError):  # it has just gone, or just come
                continue
            if any(tuple(one) in tables for one in held):
                return True
        return False

    def before_write(self) -> None:
        """Waits for the other writer, as long as LOCK_TIMEOUT says (error 1222)."""
        self.before_read()
        if self.writing:
            return
        deadline = None if self.env.lock_timeout < 0 else time.monotonic() + self.env.lock_timeout / 1000
        while True:
            try:
                if self.reading:
                    self.engine.run("UPDATE c_counter SET value = value WHERE name = ''")
                else:
                    self.engine.run("BEGIN IMMEDIATE")
                self.writing, self.reading = True, False
                return
            except SqlError as error:
                if error.number != 1222 or (deadline is not None and time.monotonic() >= deadline):
                    raise
            if self.channel.readable():
                raise Interrupted
            time.sleep(0.005)

    def after_statement(self) -> None:
        """Autocommit."""
        if not self.in_transaction and (self.writing or self.reading):
            self._end("COMMIT")

    # ---- sys.dm_exec_sessions

    def describe(self, statement: str | None = None) -> None:
        """Write what others may see of this session, where it has changed."""
        self.description.update(
            database_id=self.env.database.id, isolation=ISOLATION[self.env.isolation], depth=self.env.depth, statement=statement,
            statement_time=self.env.now if statement else None,
        )  # fmt: skip
        text = json.dumps(self.description)
        if text == self._described.rstrip():
            return
        if self._file < 0:
            self._file = os.open(self.folder / "sessions" / f"{self.env.spid}.json", os.O_WRONLY | os.O_CREAT, 0o600)
        os.pwrite(
            self._file, text.ljust(len(self._described)).encode(), 0
        )  # one write: a reader sees the old text or the new one
        self._described = text.ljust(len(self._described))


def all_sessions(folder: Path) -> list[dict[str, int | float | bytes | str | None]]:
    found = []
    for path in sorted((folder / "sessions").glob("*.json"), key=lambda one: int(one.stem)):
        try:
            found.append(json.loads(path.read_text()))
        except (FileNotFoundError, ValueError):  # it has just gone, or just come
            continue
    return found
