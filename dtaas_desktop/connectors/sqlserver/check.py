"""The steps of *Test*: each is tried only when those before it went well, and says what to do if it fails."""

import socket
from collections.abc import Iterator
from contextlib import closing

from dtaas_desktop.connectors.sqlserver.catalog import Catalog
from dtaas_desktop.connectors.sqlserver.connecting import DEFAULT_PORT, Asking, Connector, instance_port, reached
from dtaas_desktop.connectors.sqlserver.errors import DatabaseAway, NoDatabase, NoDriver, NoLogin, NotEncrypted
from dtaas_desktop.connectors.sqlserver.odbc import Control
from dtaas_desktop.connectors.sqlserver.relations import Database
from dtaas_desktop.domain.connection import CheckStep
from dtaas_desktop.domain.errors import AppError, UserError
from dtaas_desktop.domain.sqlserver_settings import SqlServerSettings

_DRIVER, _SECRET, _NAME, _PORT = (
    "There is a driver",
    "The password can be read",
    "The server's name is known",
    "The server answers",
)
_TLS, _LOGIN, _DATABASE = "The connection is encrypted", "The login is accepted", "The database opens"
_RIGHTS, _VERSION = "Its tables can be read", "The version is known"
_AT_STEP: dict[type[AppError], str] = {
    NoDriver: _DRIVER,
    NotEncrypted: _TLS,
    NoLogin: _LOGIN,
    NoDatabase: _DATABASE,
    DatabaseAway: _DATABASE,
}
_FIELDS: dict[str, tuple[str, ...]] = {
    _SECRET: ("password",),
    _NAME: ("server",),
    _PORT: ("port", "server"),
    _LOGIN: ("user", "password", "database"),
    _DATABASE: ("database",),
}
_OLDEST = 11  # SQL Server 2012
_AZURE = (5, 8)


def check_steps(settings: SqlServerSettings, connector: Connector) -> Iterator[CheckStep]:
    try:
        driver = connector.driver()
    except AppError as error:
        # Without one that is named, only installing one helps.
        yield _failed(_DRIVER, error, ("driver",) if settings.driver else ())
        return
    yield CheckStep(_DRIVER, True, driver.title)
    for step in _network(settings):
        yield step
        if not step.ok:
            return
    try:
        connector.place()
    except UserError as error:
        yield _failed(_AT_STEP.get(type(error), _SECRET), error)
        return
    except AppError as error:
        yield _failed(_PORT, error)
        return
    try:
        control = connector.control()
    except AppError as error:
        yield from _refused(settings, error)
        return
    with closing(control):
        yield from _inside(settings, control)


def _network(settings: SqlServerSettings) -> Iterator[CheckStep]:
    try:
        addresses = socket.getaddrinfo(settings.server, settings.port or DEFAULT_PORT, type=socket.SOCK_STREAM)
    except OSError as error:
        yield CheckStep(
            _NAME,
            False,
            f"No address is known for “{settings.server}” ({error.strerror or error}).",
            "Check the server's name, and that this computer is in the right network (VPN).",
            _FIELDS[_NAME],
        )
        return
    yield CheckStep(_NAME, True, ", ".join(dict.fromkeys(str(address[4][0]) for address in addresses)))
    try:
        port = settings.port or (
            instance_port(settings.server, settings.instance, settings.connect_seconds) if settings.instance else DEFAULT_PORT
        )
    except AppError as error:
        yield _failed(_PORT, error, ("instance", "port"))
        return
    try:
        reached(settings.server, port, settings.connect_seconds)
    except OSError as error:
        silent = isinstance(error, TimeoutError)
        yield CheckStep(
            _PORT,
            False,
            f"“{settings.server}” {'does not answer' if silent else 'refuses connections'} at port {port}.",
            "Check the port, that the server runs and listens on TCP, and that no firewall is between.",
            _FIELDS[_PORT],
        )
        return
    yield CheckStep(_PORT, True, f"port {port}")


def _refused(settings: SqlServerSettings, error: AppError) -> Iterator[CheckStep]:
    """The steps up to the one that a refused connection failed at."""
    title = _AT_STEP.get(type(error))
    if title in (_LOGIN, _DATABASE):
        yield _encrypted(settings)
    if title == _DATABASE:
        yield CheckStep(_LOGIN, True, settings.user)
    if title == _TLS:
        # Another certificate than the server's own helps only where it is the certificate that proves nothing.
        yield _failed(_TLS, error, ("server_certificate",) if "certificate" in error.message else ("encrypt",))
        return
    yield _failed(title or _PORT, error)


def _inside(settings: SqlServerSettings, control: Control) -> Iterator[CheckStep]:
    yield _encrypted(settings)
    catalog = Catalog(Asking(lambda: control))
    try:
        database = catalog.database()
        yield CheckStep(_LOGIN, True, database.login)
        yield CheckStep(_DATABASE, True, database.name)
    except AppError as error:
        yield _failed(_DATABASE, error)
        return
    yield _version(database)
    try:
        yield _rights(catalog, control)
    except AppError as error:
        yield _failed(_RIGHTS, error)


def _version(database: Database) -> CheckStep:
    named = f"{database.edition} {database.version}".strip()
    snapshot = "snapshots are allowed" if database.snapshot else "snapshots are not allowed: “one moment” needs them"
    if 0 < database.major < _OLDEST and database.engine not in _AZURE:
        return CheckStep(
            _VERSION, False, f"{named} is older than SQL Server 2012.", "Read it with another tool, or have the server updated."
        )
    return CheckStep(_VERSION, True, f"{named}; {snapshot}")


def _rights(catalog: Catalog, control: Control) -> CheckStep:
    found = catalog.tables()
    if not found:
        return CheckStep(
            _RIGHTS,
            False,
            "This login sees no table in the database.",
            "Ask the database's administrator for the right to read (GRANT SELECT), or check the database's name.",
            _FIELDS[_DATABASE],
        )
    try:
        readable = control.row(
            "SELECT SUM(HAS_PERMS_BY_NAME(QUOTENAME(s.name) + '.' + QUOTENAME(o.name), 'OBJECT', 'SELECT'))"
            " FROM sys.objects AS o JOIN sys.schemas AS s ON s.schema_id = o.schema_id"
            " WHERE o.type IN ('U', 'V') AND o.is_ms_shipped = 0 AND s.name <> 'cdc'"
        )[0]
    except UserError:  # a compatible server may have none of this
        return CheckStep(_RIGHTS, True, f"{len(found):,} tables and views; the server does not say whether they may be read")
    if not readable:
        return CheckStep(
            _RIGHTS, False, f"This login may read none of {len(found):,} tables.", "Ask for the right to read (GRANT SELECT)."
        )
    hidden = len(found) - int(readable)
    unreadable = f"; {hidden:,} more are visible, but may not be read as a whole" if hidden else ""
    return CheckStep(
        _RIGHTS, True, f"{int(readable):,} tables and views{unreadable}; what is not shown to this login is not counted"
    )


def _encrypted(settings: SqlServerSettings) -> CheckStep:
    if settings.encrypt == "no":
        return CheckStep("Nothing is encrypted, as set", True, "rows and password travel in clear")
    proof = (
        "the server's certificate was not checked, as set" if settings.trust_certificate else "the server's certificate is good"
    )
    return CheckStep(_TLS, True, proof)


def _failed(title: str, error: AppError, fields: tuple[str, ...] | None = None) -> CheckStep:
    return CheckStep(title, False, error.message, error.remedy, _FIELDS.get(title, ()) if fields is None else fields)
