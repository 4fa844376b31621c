"""Settings as an ODBC connection string, and messages without the secrets in it."""

import locale
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field

from dtaas_desktop.connectors.sqlserver.drivers import Driver
from dtaas_desktop.connectors.sqlserver.errors import NoDriver, NotEncrypted
from dtaas_desktop.domain.sqlserver_settings import SqlServerSettings, extra_keywords

APPLICATION = "DTaaS Desktop"
_AUTHENTICATION = {
    "entra service principal": "ActiveDirectoryServicePrincipal",
    "entra managed identity": "ActiveDirectoryMsi",
    "entra interactive": "ActiveDirectoryInteractive",
}
_SHORTEST_SECRET = 3  # a shorter one would blank out half of every message, and is no secret
_HIDDEN = "•••"
_NAMED_SECRET = re.compile(
    r"(?i)\b(pwd|password|uid|user id|accesstoken|clientkey|keystoresecret)\s*=\s*(\{(?:[^}]|\}\})*\}?|[^;\s]*)"
)


@dataclass(frozen=True, slots=True)
class ConnectionString:
    """What is handed to the driver. Neither its repr nor anything cleaned by `scrubbed` holds the secret."""

    text: str = field(repr=False)
    _secret: str = field(default="", repr=False)

    def scrubbed(self, message: str) -> str:
        """A driver's message without this string, the secret in any of its forms, and keywords that hold secrets."""
        cleaned = message.replace(self.text, _HIDDEN)
        if len(self._secret) >= _SHORTEST_SECRET:
            for form in {self._secret, escaped(self._secret), self._secret.replace("}", "}}")}:
                cleaned = cleaned.replace(form, _HIDDEN)
        return _NAMED_SECRET.sub(lambda found: f"{found[1]}={_HIDDEN}", cleaned)


def connection_string(settings: SqlServerSettings, driver: Driver, *, secret: str, port: int | None = None) -> ConnectionString:
    """`port` is what is known of the instance's port, if the settings name none.

    Raises UserError for what the driver cannot do.
    """
    keywords = _microsoft(settings, driver) if driver.family == "microsoft" else _freetds(settings, port)
    written = escaped if driver.family == "microsoft" else _for_freetds
    parts = [f"Driver={{{driver.name}}}"]
    # Host, port and instance were checked by the settings, and a driver takes no braces around the comma between them.
    parts += [f"{name}={value if name == 'Server' else written(value)}" for name, value in keywords]
    parts += [f"{name}={written(value)}" for name, value in _login(settings, driver, secret)]
    parts += [f"{name}={written(value)}" for name, value in extra_keywords(settings.extra)]
    text = ";".join(parts) + ";"
    if not text.isascii() and not _takes_all_letters(driver):
        raise NoDriver(
            f"{driver.title} would not understand the letters outside of ASCII in these settings (user, password, database, …).",
            remedy="Use Microsoft's ODBC driver, with the language of this computer set to one in UTF-8 (LANG).",
        )
    return ConnectionString(text, secret)


def _takes_all_letters(driver: Driver) -> bool:
    """Whether a connection string in UTF-8 bytes, as arrow-odbc gives it but on Windows, is understood."""
    if sys.platform == "win32":
        return True
    return driver.family == "microsoft" and locale.nl_langinfo(locale.CODESET).upper() == "UTF-8"


def escaped(value: str) -> str:
    """A value by ODBC's rule: in braces if it holds anything special, } doubled."""
    if re.fullmatch(r"[A-Za-z0-9_.:/ -]*", value) and value == value.strip():
        return value
    return "{" + value.replace("}", "}}") + "}"


def _for_freetds(value: str) -> str:
    """FreeTDS takes braces off, but does not know that }} stands for one."""
    if "}" not in value:
        return escaped(value)
    if ";" in value or value != value.strip() or value.startswith("{"):
        raise NoDriver(
            "FreeTDS takes no value (user, password, database, …) with both } and ;.",
            remedy="Install Microsoft's ODBC driver, or choose another.",
        )
    return value


def _microsoft(settings: SqlServerSettings, driver: Driver) -> Iterator[tuple[str, str]]:
    server = f"tcp:{settings.server}"
    if settings.port is not None:
        server += f",{settings.port}"
    elif settings.instance:
        server += f"\\{settings.instance}"
    yield "Server", server
    if settings.database:
        yield "Database", settings.database
    if settings.encrypt == "strict" and 0 < driver.version < 18:
        raise NotEncrypted(
            "Strict encryption needs Microsoft's ODBC driver 18 or later.",
            remedy="Install a newer driver, or choose the encryption “Yes”.",
        )
    yield "Encrypt", settings.encrypt
    # Whoever asks for no encryption asks for no proof; a server that encrypts all the same need not have one.
    if settings.encrypt != "strict":
        yield "TrustServerCertificate", "yes" if settings.trust_certificate or settings.encrypt == "no" else "no"
    if settings.certificate_host:
        yield "HostnameInCertificate", settings.certificate_host
    if settings.server_certificate:
        yield "ServerCertificate", settings.server_certificate
    yield "APP", APPLICATION
    yield "ApplicationIntent", "ReadOnly" if settings.read_only else "ReadWrite"
    if settings.multi_subnet:
        yield "MultiSubnetFailover", "Yes"
    yield "KeepAlive", str(settings.keep_alive_seconds)
    # A connection that the driver mends behind our back would have another snapshot.
    yield "ConnectRetryCount", "0"


def _freetds(settings: SqlServerSettings, port: int | None) -> Iterator[tuple[str, str]]:
    if settings.encrypt == "yes" and not settings.trust_certificate:
        raise NotEncrypted(
            "FreeTDS encrypts, but does not prove which server answers.",
            remedy="Install Microsoft's ODBC driver, or switch on “Trust any certificate” if you trust the network.",
        )
    if settings.certificate_host or settings.server_certificate:
        raise NotEncrypted(
            "FreeTDS cannot check the server's certificate as these settings ask for.",
            remedy="Install Microsoft's ODBC driver, or leave the certificate's settings empty.",
        )
    yield "Server", settings.server
    yield "Port", str(settings.port or port or 1433)
    if settings.database:
        yield "Database", settings.database
    yield "TDS_Version", "8.0" if settings.encrypt == "strict" else "7.4"
    yield "Encryption", {"yes": "require", "strict": "strict", "no": "off"}[settings.encrypt]
    yield "ClientCharset", "UTF-8"
    yield "APP", APPLICATION
    yield "ApplicationIntent", "ReadOnly" if settings.read_only else "ReadWrite"


def _login(settings: SqlServerSettings, driver: Driver, secret: str) -> Iterator[tuple[str, str]]:
    if settings.login == "windows":
        yield "Trusted_Connection", "yes"
        return
    if settings.login != "sql":
        if driver.family != "microsoft":
            raise NoDriver(
                f"{driver.title} cannot sign in with Microsoft Entra.",
                remedy="Install Microsoft's ODBC driver 18 for SQL Server.",
            )
        yield "Authentication", _AUTHENTICATION[settings.login]
    if settings.user:
        yield "UID", settings.user
    if secret:
        yield "PWD", secret
