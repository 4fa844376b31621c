"""One client's connection from PRELOGIN to its end: the work of one process."""

import os
import signal
import socket
import sqlite3
import struct
import time
import traceback
from pathlib import Path
from types import FrameType

from tests.servers.sqlserver import tokens
from tests.servers.sqlserver.catalogue import Catalogue
from tests.servers.sqlserver.certificate import server_context
from tests.servers.sqlserver.channel import (
    ATTENTION,
    LOGIN,
    PRELOGIN,
    REPLY,
    RPC,
    SQL_BATCH,
    TRANSACTION,
    Channel,
    Disconnected,
    Output,
)
from tests.servers.sqlserver.collation import collation
from tests.servers.sqlserver.configuration import Configuration
from tests.servers.sqlserver.engine import Engine, Interrupted
from tests.servers.sqlserver.environment import Environment
from tests.servers.sqlserver.errors import SqlError, not_understood
from tests.servers.sqlserver.execute import Executor, Return, ends_transaction, known_error
from tests.servers.sqlserver.faults import AT_LOGIN, AT_STATEMENT, Fault, Faults
from tests.servers.sqlserver.login import (
    ENCRYPTION,
    FEDERATED,
    INSTANCE,
    MARS,
    OFF,
    ON,
    REQUIRED,
    THREAD,
    UNSUPPORTED,
    VERSION_OPTION,
    Login,
    authenticate,
    encryption_answer,
    failed,
    no_database,
    read_login,
    read_prelogin,
    write_prelogin,
)
from tests.servers.sqlserver.procedures import Procedures, read_requests, skip_headers
from tests.servers.sqlserver.replay import Replay
from tests.servers.sqlserver.rights import Rights
from tests.servers.sqlserver.session import Session, all_sessions
from tests.servers.sqlserver.wire_in import Reader

RESET = 0x08 | 0x10
_LEVELS = {1: "READ UNCOMMITTED", 2: "READ COMMITTED", 3: "REPEATABLE READ", 4: "SERIALIZABLE", 5: "SNAPSHOT"}


class Killed(BaseException):
    """KILL, or the server's end."""


def _killed(number: int, frame: FrameType | None) -> None:
    raise Killed


def serve(connection: socket.socket, spid: int, folder: Path) -> None:
    """Serve one client until it leaves; never raises."""
    signal.signal(signal.SIGTERM, _killed)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    channel = Channel(connection, spid)
    try:
        session = _enter(channel, folder, Configuration.read(folder))
        if session is not None:
            _converse(session)
    except Disconnected:
        pass
    except Killed:
        channel.reset()
    finally:
        (folder / "sessions" / f"{spid}.json").unlink(missing_ok=True)
        (folder / "locks" / str(spid)).unlink(missing_ok=True)
        connection.close()


def _enter(channel: Channel, folder: Path, configuration: Configuration) -> Session | None:
    faults = Faults(folder)
    if channel.socket.recv(1, socket.MSG_PEEK) == b"\x16":
        if configuration.tls == "unsupported":
            return None
        channel.handshake(server_context(folder, strict=True), wrapped=False)
    kind, data = channel.message()
    if kind != PRELOGIN:
        return None
    options = read_prelogin(data)
    asked = (options.get(ENCRYPTION) or bytes([UNSUPPORTED]))[0] & 0x0F
    answer = encryption_answer(configuration.tls, asked)
    if channel.tls is not None:
        answer = ON if asked != UNSUPPORTED else UNSUPPORTED
    reply = {
        VERSION_OPTION: tokens.PROGRAM_VERSION + b"\0\0",
        ENCRYPTION: bytes([answer]),
        INSTANCE: b"\0",
        THREAD: b"",
        MARS: b"\0",
    }
    if FEDERATED in options:
        reply[FEDERATED] = b"\0"
    body = write_prelogin(reply)
    channel.send([struct.pack(">BBHHBB", REPLY, 1, len(body) + 8, 0, 1, 0), body])
    encrypted = channel.tls is not None
    if answer in {OFF, ON, REQUIRED} and asked != UNSUPPORTED and not encrypted:
        channel.handshake(server_context(folder, strict=False), wrapped=True)
        encrypted = answer != OFF
    elif answer == REQUIRED:
        return None
    kind, data = channel.message()
    if answer == OFF and channel.tls is not None and not encrypted:
        channel.plain_again()
    if kind != LOGIN:
        return None
    return _log_in(channel, folder, configuration, read_login(data), faults, encrypted=encrypted)


def _log_in(
    channel: Channel, folder: Path, configuration: Configuration, login: Login, faults: Faults, *, encrypted: bool
) -> Session | None:
    output = Output(channel, watch=False)
    try:
        for fault in faults.take(login.user, AT_LOGIN):
            _login_fault(fault, login)
        engine = Engine(folder / "data.sqlite")
        catalogue = Catalogue(engine)
        catalogue.refresh()
        rights, default = authenticate(catalogue, login)
        session = _session(channel, folder, configuration, login, rights, login.database or default, faults)
    except SqlError as error:
        output.write(tokens.message(error))
        if error.number in {4060, 916, 942, 911}:
            output.write(tokens.message(failed(login.user)))
        output.hold(tokens.DONE, tokens.ERROR, 0, 0)
        output.end()
        return None
    session.env.encrypted = encrypted
    _welcome(session, login, output)
    return session


def _login_fault(fault: Fault, login: Login) -> None:
    if fault.kind == "login delay":
        time.sleep(fault.seconds)
    elif fault.kind == "login close":
        raise Disconnected
    else:
        raise known_error(fault, login.database or "master", 0)


def _session(
    channel: Channel, folder: Path, configuration: Configuration, login: Login, rights: Rights, wanted: str, faults: Faults
) -> Session:
    catalogue = rights.catalogue
    engine = catalogue.engine
    database = catalogue.database(wanted)
    if database is None or rights.user(database) is None or database.offline:
        raise no_database(wanted)
    if configuration.read_only_secondary and not login.read_only and database.id > 4:
        raise SqlError(
            978,
            f"The target database ('{database.name}') is in an availability group and is currently accessible"
            " for connections when the application intent is set to read only. For more information about application intent, see SQL Server Books Online.",
            severity=14,
        )
    env = Environment(
        engine, catalogue, rights, database, channel.spid, rights.login, login.host, login.program,
        read_only_secondary=configuration.read_only_secondary, sessions=lambda: all_sessions(folder),
    )  # fmt: skip
    description: dict[str, str | int | float | None] = {
        "spid": channel.spid, "process": os.getpid(), "login": rights.login, "host": login.host, "program": login.program,
        "interface": login.interface, "client_process": login.client_process, "login_time": time.time(), "encrypted": 0, "packet_size": login.packet_size,
    }  # fmt: skip
    return Session(env, catalogue, engine, channel, faults, Replay(folder, engine), folder, description)


def _welcome(session: Session, login: Login, output: Output) -> None:
    """The answer to a login (2.2.7.14 and its ENVCHANGEs)."""
    size = login.packet_size if 512 <= login.packet_size <= 32767 else 4096
    database = session.env.database
    output.write(tokens.change_text(1, database.name, "master"))
    output.write(tokens.information(5701, f"Changed database context to '{database.name}'.", state=2))
    output.write(tokens.change_collation(collation(database.collation)))
    output.write(tokens.change_text(2, "us_english", ""))
    output.write(tokens.information(5703, "Changed language setting to us_english."))
    output.write(tokens.login_ack())
    output.write(tokens.change_text(4, str(size), "4096"))
    if 0x0A in login.features:  # UTF-8 in char and varchar
        output.write(b"\xae\x0a\x01\0\0\0\x01\xff")
    output.hold(tokens.DONE, 0, 0, 0)
    output.end()
    session.description["encrypted"] = int(session.env.encrypted)
    session.channel.packet_size = size
    session.describe()
    session.engine.watch(session.channel.readable)


def _converse(session: Session) -> None:
    while True:
        kind, data = session.channel.message()
        if session.channel.first_status & RESET:
            _reset(session)
        if kind == ATTENTION:
            _finish(session, Output(session.channel), attention=True)
        elif kind in {SQL_BATCH, RPC, TRANSACTION}:
            _answer(session, kind, data)
        else:
            raise Disconnected


def _reset(session: Session) -> None:
    if session.in_transaction:
        session.abandon()
    session.env.options.clear()
    session.env.isolation = "READ COMMITTED"
    session.env.lock_timeout = -1
    session.prepared.clear()


def _answer(session: Session, kind: int, data: bytes) -> None:
    output = Output(session.channel)
    session.env.error = 0
    try:
        if kind == SQL_BATCH:
            _batch(session, data, output)
        elif kind == RPC:
            _calls(session, data, output)
        else:
            _transaction_request(session, data, output)
    except Interrupted:
        if session.env.options.get("XACT_ABORT") == "ON" and session.in_transaction:
            session.rollback(output)
        session.after_statement()
        if not output.interrupted and not session.channel.attention():
            raise Disconnected from None
        output.hold(tokens.DONE, tokens.ERROR, 0, 0)  # of what was interrupted; the acknowledgement follows
        _finish(session, output, attention=True)
        return
    except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError, sqlite3.Error) as error:
        traceback.print_exc()  # a fault of the stand-in: loud for whoever reads the test's output, and for the client
        _failed(session, output, not_understood(f"{error!r} (a fault of the stand-in itself)"), tokens.DONE)
        session.after_statement()
    _finish(session, output, attention=False)


def _finish(session: Session, output: Output, *, attention: bool) -> None:
    if attention:
        output.hold(tokens.DONE, tokens.ATTENTION, 0, 0)
    output.end()
    if output.interrupted and not attention:  # it came when all was said already
        last = Output(session.channel)
        last.hold(tokens.DONE, tokens.ATTENTION, 0, 0)
        last.end()
    session.describe()


def _failed(session: Session, output: Output, error: SqlError, token: int) -> None:
    session.env.error = error.number
    output.write(tokens.message(error))
    if session.in_transaction and ends_transaction(error, xact_abort=session.env.options.get("XACT_ABORT") == "ON"):
        session.rollback(output)
    output.hold(token, tokens.ERROR, 0, 0)
    if error.severity >= 20:
        output.end()
        raise Disconnected


def _before(session: Session, text: str, output: Output) -> list[Fault]:
    """The faults that meet this text; those of the connection take hold at once, the others go with the rows."""
    met = session.faults.take(text, AT_STATEMENT)
    rest = []
    for fault in met:
        if fault.kind == "error" and not fault.rows:
            raise known_error(fault, session.env.database.name, session.env.spid)
        if fault.kind == "cut":
            session.channel.cut_after = session.channel.sent + fault.amount
        elif fault.kind == "throttle":
            session.channel.bytes_per_second = fault.amount
        elif fault.kind == "wait":
            executor = Executor(session, output, in_procedure=False)
            executor.pause(fault.seconds)
        elif fault.kind == "kill" and not fault.rows:
            session.channel.reset()
            raise Disconnected
        else:
            rest.append(fault)
    return rest


def _batch(session: Session, data: bytes, output: Output) -> None:
    reader = Reader(data)
    skip_headers(reader)
    text = reader.take(reader.left).decode("utf-16-le", "surrogatepass")
    procedures = Procedures(session, output)
    executor = Executor(session, output, in_procedure=False)
    executor.call = procedures.from_statement
    kept, session.env.variables = session.env.variables, {}
    try:
        executor.faults = _before(session, text, output)
        executor.batch(text)
    except SqlError as error:
        _failed(session, output, error, tokens.DONE)
    except Return:
        output.hold(tokens.DONE, 0, 0, 0)
    else:
        if not output.holds:
            output.hold(tokens.DONE, 0, 0, 0)
    finally:
        session.env.variables = kept


def _calls(session: Session, data: bytes, output: Output) -> None:
    for request in read_requests(data, session):
        procedures = Procedures(session, output)
        status = 0
        try:
            text = procedures.statement_of(request, session)
            procedures.executor.faults = _before(session, text, output)
            procedures.run(request)
        except SqlError as error:
            status = tokens.ERROR
            _failed(session, output, error, tokens.DONE_IN_PROC)
        except Return:
            pass
        output.write(tokens.return_status(0))
        for value in procedures.returned:
            output.write(value)
        output.hold(tokens.DONE_PROC, status, 0, 0)


def _transaction_request(session: Session, data: bytes, output: Output) -> None:
    """Transaction manager requests (2.2.6.9): 5 begin, 7 commit, 8 roll back, 9 save."""
    reader = Reader(data)
    skip_headers(reader)
    kind = reader.number(2)
    status = 0
    try:
        session.refresh()
        if kind == 5:
            _begin_with(session, reader, output)
        elif kind in {7, 8}:
            reader.take(reader.number(1) * 2)
            again = reader.number(1) & 1
            if session.in_transaction or not again:
                session.commit(output) if kind == 7 else session.rollback(output)
            if again:
                _begin_with(session, reader, output)
        elif kind == 9:
            session.savepoints.append(reader.text(1))
        else:
            raise SqlError(
                50001, f"The stand-in does not know the transaction manager request {kind}: no distributed transactions."
            )
    except SqlError as error:
        output.write(tokens.message(error))
        status = tokens.ERROR
    output.hold(tokens.DONE, status, 0, 0)


def _begin_with(session: Session, reader: Reader, output: Output) -> None:
    level = reader.number(1)
    if level in _LEVELS:
        session.env.isolation = _LEVELS[level]
    session.begin(output)
