"""Statements, one after the other, and their answers."""

import json
import os
import re
import signal
import sqlite3
import time
from collections.abc import Callable

from tests.servers.sqlserver import syntax as s
from tests.servers.sqlserver import tokens
from tests.servers.sqlserver.administration import Administration
from tests.servers.sqlserver.alteration import Alterations
from tests.servers.sqlserver.binder import Binder
from tests.servers.sqlserver.changes import Changes
from tests.servers.sqlserver.channel import Disconnected, Output
from tests.servers.sqlserver.collation import narrow_text
from tests.servers.sqlserver.conversion import converter
from tests.servers.sqlserver.definition import Definitions
from tests.servers.sqlserver.engine import Interrupted
from tests.servers.sqlserver.errors import ENDS_TRANSACTION, KNOWN, SqlError, not_understood
from tests.servers.sqlserver.faults import Fault
from tests.servers.sqlserver.functions import as_text
from tests.servers.sqlserver.parse import parse
from tests.servers.sqlserver.query import Bound, Queries
from tests.servers.sqlserver.scope import Scope
from tests.servers.sqlserver.session import Session
from tests.servers.sqlserver.settings import apply_option
from tests.servers.sqlserver.tokens import COUNT, SELECT_COMMAND, RowEncoder, metadata
from tests.servers.sqlserver.types import BIGINT, SqlType, Value, named
from tests.servers.sqlserver.values import raw, whole

_FETCH = 4000
_COMMANDS = {"insert": 0xC3, "update": 0xC5, "delete": 0xC4}


class Return(Exception):
    """RETURN ends the batch or procedure."""


class Executor:
    def __init__(self, session: Session, output: Output, *, in_procedure: bool) -> None:
        self.session = session
        self.env = session.env
        self.output = output
        self.token = tokens.DONE_IN_PROC if in_procedure else tokens.DONE
        self.rules: dict[type, Callable[..., None]] = {
            s.SelectStatement: self._select, s.Insert: self._change, s.Update: self._change, s.Delete: self._change,
            s.Truncate: self._truncate, s.CreateTable: self._define_table, s.CreateIndex: self._define_table,
            s.AlterTable: self._define_table, s.CreateView: self._define_table, s.Define: self._administer,
            s.Drop: self._administer, s.Permission: self._administer, s.Declare: self._declare, s.Assign: self._assign,
            s.SetOption: self._option, s.Isolation: self._isolation, s.Transaction: self._transaction, s.Execute: self._execute,
            s.If: self._if, s.While: self._while, s.Block: self._block, s.TryCatch: self._try, s.Say: self._say,
        }  # fmt: skip
        self.call: Callable[[Executor, s.Execute], None] | None = None
        self.faults: list[Fault] = []  # that go with the rows of what runs now

    # ---- a batch

    def batch(self, sql: str) -> None:
        """All statements of a batch; SqlError ends it."""
        for statement in parse(sql):
            self.statement(statement, sql)

    def statement(self, node: s.Statement, sql: str) -> None:
        self.session.refresh()
        self.session.describe(sql)
        try:
            self.rules[type(node)](node)
        except SqlError:
            self._undo_statement()
            raise
        finally:
            self.session.after_statement()

    def _undo_statement(self) -> None:
        if self.session.writing:
            if not self.session.in_transaction:
                self.session.abandon()
            elif self.env.options.get("savepoint"):
                self.env.engine.run("ROLLBACK TO statement")
                self.env.engine.run("RELEASE statement")
        self.env.options.pop("savepoint", None)

    def _writing(self, work: Callable[[], int | None]) -> int | None:
        """Work within a write transaction; a failing statement leaves nothing behind, the transaction goes on."""
        self.session.before_write()
        self.env.engine.run("SAVEPOINT statement")
        self.env.options["savepoint"] = "1"
        count = work()
        self.session.hold_rows()
        self.env.engine.run("RELEASE statement")
        self.env.options.pop("savepoint", None)
        return count

    # ---- SELECT

    def _select(self, node: s.SelectStatement) -> None:
        binder = Binder(self.env)
        bound = Queries(binder).bind(node.query)
        if not binder.unlocked:
            self.session.wait_for_rows(binder.read_tables)
        self.session.before_read()
        if self.env.options.pop("table lock", "") and self.session.in_transaction:
            self.session.before_write()  # held to the transaction's end; here it keeps out readers that lock as well
        if bound.assigned:
            self._assign_from(bound, binder)
            return
        self.answer(bound, binder)

    def _assign_from(self, bound: Bound, binder: Binder) -> None:
        rows = self.env.engine.rows(self.env.engine.run(bound.sql, binder.constants), 1 << 30)
        self.env.rowcount = len(rows)
        for at, name in enumerate(bound.assigned):
            if rows:
                self._keep(name, bound.columns[at].type, rows[-1][at])

    def answer(self, bound: Bound, binder: Binder) -> None:
        table = [bound.tables[0].database.name, bound.tables[0].schema, bound.tables[0].name] if bound.tables else []
        faults = self.faults
        piece = None if faults else self.session.replay.piece(bound, binder)
        head = metadata(bound.columns, self.env.database.name, table)
        if piece:
            count = piece[1]
            self.output.write(head)
            self.output.write_pages(piece[0])
        else:
            cursor = self.env.engine.run(bound.sql, binder.constants)
            self.output.write(head)
            count = self._rows(bound, cursor, faults)
        self.env.rowcount = count
        wrong = sum(fault.rows for fault in faults if fault.kind == "count")
        self.done(COUNT, command=SELECT_COMMAND, rows=count + wrong)

    def _rows(self, bound: Bound, cursor: sqlite3.Cursor, faults: list[Fault]) -> int:
        encoder = RowEncoder(bound.columns)
        count = 0
        size = min([_FETCH, *(fault.rows for fault in faults if fault.rows > 0 and fault.kind != "count")])
        wide = sum(1 for one in bound.columns if one.type.maximum)
        rows = self.env.engine.rows(cursor, 1)
        while rows:
            self.output.write(b"".join(encoder.encode(rows)))
            count += len(rows)
            if self.output.interrupted:
                raise Interrupted
            self._after_rows(faults, count)
            rows = self.env.engine.rows(cursor, max(1, min(size, 50 if wide else size)))
        return count

    def _after_rows(self, faults: list[Fault], count: int) -> None:
        for fault in faults:
            if fault.kind == "kill" and count >= fault.rows:
                self.output.flush()
                self.session.channel.hang_up()
                raise Disconnected
            if fault.kind == "slow" and count % max(fault.rows, 1) == 0:
                self.pause(fault.seconds)
            if fault.kind == "error" and fault.rows and count >= fault.rows:
                raise known_error(fault, self.env.database.name, self.env.spid)

    def pause(self, seconds: float) -> None:
        """Waits, and ends early when the client asks to."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if self.session.channel.attention():
                self.output.interrupted = True
                raise Interrupted
            time.sleep(min(left, 0.01))

    def done(self, status: int = 0, *, command: int = 0, rows: int = 0) -> None:
        self.output.hold(self.token, status, command, rows)

    # ---- changes

    def _change(self, node: s.Insert | s.Update | s.Delete) -> None:
        changes = Changes(self.env)
        work: Callable[[], int]
        if isinstance(node, s.Insert):
            work, verb = (lambda: changes.insert(node)), "insert"
        elif isinstance(node, s.Update):
            work, verb = (lambda: changes.update(node)), "update"
        else:
            work, verb = (lambda: changes.delete(node)), "delete"
        count = self._writing(work) or 0
        self.env.rowcount = count
        if self.env.options.get("NOCOUNT") != "ON":
            self.done(COUNT, command=_COMMANDS[verb], rows=count)

    def _truncate(self, node: s.Truncate) -> None:
        self._writing(lambda: Changes(self.env).truncate(node))
        self.done()

    def _define_table(self, node: s.CreateTable | s.CreateIndex | s.AlterTable | s.CreateView) -> None:
        definitions = Definitions(self.env)
        match node:
            case s.CreateTable():
                self._writing(lambda: definitions.create_table(node))
            case s.CreateIndex():
                self._writing(lambda: definitions.create_index(node))
            case s.AlterTable():
                self._writing(lambda: Alterations(self.env).apply(node))
            case s.CreateView():
                self._writing(lambda: definitions.create_view(node))
        self.done()

    def _administer(self, node: s.Define | s.Drop | s.Permission) -> None:
        administration = Administration(self.env)
        if isinstance(node, s.Define):
            self._writing(lambda: administration.define(node))
        elif isinstance(node, s.Permission):
            self._writing(lambda: administration.permission(node))
        elif node.what in {"table", "view", "index"}:
            self._writing(lambda: administration.tables.drop(node))
        else:
            self._writing(lambda: administration.drop(node))
        self.done()

    # ---- variables and settings

    def value(self, node: s.Node, kind: SqlType | None = None) -> tuple[SqlType, Value]:
        """An expression's value, computed now."""
        self.session.before_read()
        binder = Binder(self.env)
        found = Queries(binder).scalar(node)
        if kind is not None:
            found = binder.convert(found, kind)
        if found.constant is not None:
            return found.known, found.constant[0]
        row = self.env.engine.rows(self.env.engine.run(f"SELECT {found.sql}", binder.constants), 1)
        return found.known, row[0][0]

    def text(self, node: s.Node) -> str:
        binder = Binder(self.env)
        queries = Queries(binder)
        found = as_text(queries.expressions, queries.scalar(node), wide=True)
        stored = (
            found.constant[0]
            if found.constant is not None
            else self.env.engine.rows(self.env.engine.run(f"SELECT {found.sql}", binder.constants), 1)[0][0]
        )
        return "" if stored is None else narrow_text(raw(stored))

    def _declare(self, node: s.Declare) -> None:
        for name, type_name, value in node.variables:
            kind = named(type_name.name, type_name.arguments, collation=Binder(self.env).collation)
            self.env.variables[name.lower()] = (kind, None if value is None else self.value(value, kind)[1])

    def _assign(self, node: s.Assign) -> None:
        known = self.env.variables.get(node.name.lower())
        if known is None:
            raise SqlError(137, f'Must declare the scalar variable "{node.name}".', severity=15, state=2)
        self._keep(node.name, *self.value(node.value, known[0]))

    def _keep(self, name: str, kind: SqlType, value: Value) -> None:
        known = self.env.variables.get(name.lower())
        if known is None:
            raise SqlError(137, f'Must declare the scalar variable "{name}".', severity=15, state=2)
        change = converter(kind, known[0])
        self.env.variables[name.lower()] = (known[0], change(value) if change else value)

    def _option(self, node: s.SetOption) -> None:
        apply_option(self.env, node)
        self.done()

    def _isolation(self, node: s.Isolation) -> None:
        if (
            node.level == "SNAPSHOT"
            and self.session.in_transaction
            and self.env.isolation != "SNAPSHOT"
            and (self.session.reading or self.session.writing)
        ):
            raise SqlError(
                3951,
                f"Transaction failed in database '{self.env.database.name}' because the statement was run under snapshot"
                " isolation but the transaction did not start in snapshot isolation.",
            )
        self.env.isolation = node.level
        self.done()

    def _transaction(self, node: s.Transaction) -> None:
        if node.action == "begin":
            self.session.begin(self.output)
        elif node.action == "commit":
            self.session.commit(self.output)
        elif node.action == "save":
            self.session.before_write()
            self.env.engine.run(f'SAVEPOINT "u_{node.name}"')
            self.session.savepoints.append(node.name)
        elif node.name and node.name in self.session.savepoints:
            self.env.engine.run(f'ROLLBACK TO "u_{node.name}"')
        else:
            self.session.rollback(self.output)
        self.done()

    # ---- flow

    def _condition(self, node: s.Node) -> bool:
        self.session.before_read()
        binder = Binder(self.env)
        sql = Queries(binder).expressions.condition(node, Scope())
        row = self.env.engine.rows(self.env.engine.run(f"SELECT {sql}", binder.constants), 1)
        return bool(row[0][0])

    def _if(self, node: s.If) -> None:
        if self._condition(node.condition):
            self.statement(node.then, "")
        elif node.otherwise is not None:
            self.statement(node.otherwise, "")

    def _while(self, node: s.While) -> None:
        while self._condition(node.condition):
            self.statement(node.body, "")

    def _block(self, node: s.Block) -> None:
        for one in node.statements:
            self.statement(one, "")

    def _try(self, node: s.TryCatch) -> None:
        try:
            self._block(node.attempt)
        except SqlError as error:
            self.env.caught = (error.number, error.text, error.severity, error.state)
            try:
                self._block(node.rescue)
            finally:
                self.env.caught = None

    def _execute(self, node: s.Execute) -> None:
        if node.text is not None:
            inner = Executor(self.session, self.output, in_procedure=True)
            inner.call = self.call
            inner.batch(self.text(node.text))
            return
        if self.call is None:
            raise not_understood(f"EXEC {'.'.join(node.procedure)}")
        self.call(self, node)

    def _say(self, node: s.Say) -> None:
        match node.verb:
            case "USE":
                self.session.use(node.name, self.output)
            case "PRINT":
                self.output.write(tokens.information(0, self.text(node.arguments[0])))
            case "RAISERROR":
                self._raise_error(node)
            case "THROW":
                self._throw(node)
            case "WAITFOR":
                hours, minutes, seconds = (*(float(part) for part in self.text(node.arguments[0]).split(":")), 0.0)[:3]
                self.pause(hours * 3600 + minutes * 60 + seconds)
            case "KILL":
                self._kill(whole(self.value(node.arguments[0], BIGINT)[1]))
            case "RETURN":
                raise Return
            case "BREAK" | "CONTINUE":
                raise not_understood(node.verb)
        self.done()

    def _raise_error(self, node: s.Say) -> None:
        text = self.text(node.arguments[0])
        severity, state = (whole(self.value(one, BIGINT)[1]) for one in node.arguments[1:3])
        for one in node.arguments[3:]:
            text = re.sub(r"%[-+0-9.]*[sdiuxX]", lambda _, one=one: self.text(one), text, count=1)  # type: ignore[misc]
        if severity <= 10:
            self.output.write(tokens.information(50000, text, severity=severity, state=state))
            return
        raise SqlError(50000, text, severity, state)

    def _throw(self, node: s.Say) -> None:
        if not node.arguments:
            if self.env.caught is None:
                raise SqlError(10704, "To rethrow an error, a THROW statement must be used inside a CATCH block.", severity=15)
            number, text, severity, state = self.env.caught
            raise SqlError(number, text, severity, state)
        number = whole(self.value(node.arguments[0], BIGINT)[1])
        raise SqlError(number, self.text(node.arguments[1]), 16, whole(self.value(node.arguments[2], BIGINT)[1]))

    def _kill(self, spid: int) -> None:
        if not self.env.rights.server_permission("ALTER ANY CONNECTION"):
            raise SqlError(6102, "User does not have permission to use the KILL statement.", severity=14)
        if spid == self.env.spid:
            raise SqlError(6104, "Cannot use KILL to kill your own process.")
        try:
            found = json.loads((self.session.folder / "sessions" / f"{spid}.json").read_text())
        except FileNotFoundError:
            raise SqlError(6106, f"Process ID {spid} is not an active process ID.") from None
        os.kill(found["process"], signal.SIGTERM)


def known_error(fault: Fault, database: str, spid: int) -> SqlError:
    severity, text = KNOWN.get(fault.number, (16, f"Error {fault.number}, put in by a fault of the stand-in."))
    words = (fault.text or text).replace("{database}", database).replace("{spid}", str(spid))
    return SqlError(fault.number, words, fault.severity or severity, fault.state)


def ends_transaction(error: SqlError, *, xact_abort: bool) -> bool:
    return error.number in ENDS_TRANSACTION or error.severity >= 20 or (xact_abort and error.severity > 10)
