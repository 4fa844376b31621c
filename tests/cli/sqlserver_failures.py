"""What may go wrong with SQL Server and on the way to it, with the exit code, the step of *Test* and a piece of the sentence for each."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from dtaas_desktop.cli import exit_codes
from tests.servers.sqlserver import Fault

FIX, WAIT = exit_codes.FIX, exit_codes.WAIT

# What a statement may end with: the exit code, and a piece of the sentence.
STATEMENTS: Mapping[int, tuple[int, str]] = {
    207: (FIX, "no longer has a column that it had"),
    208: (FIX, "is not there, or this login may not see it"),
    229: (FIX, "this login may not read it"),
    230: (FIX, "this login may not read one of its columns"),
    916: (FIX, "this login has no user in the database"),
    3952: (FIX, "does not allow snapshots"),
    6522: (FIX, "has a value that the server's own code cannot write"),
    8655: (FIX, "has a disabled index"),
    41332: (FIX, "memory-optimised table"),
    701: (WAIT, "out of memory (701)"),
    1205: (WAIT, "resolve a deadlock (1205)"),
    1222: (WAIT, "locked by somebody else for too long (1222)"),
    3960: (WAIT, "the snapshot met a row"),
    8645: (WAIT, "no memory to spare for the reading (8645)"),
    9002: (WAIT, "transaction log at the server is full (9002)"),
    10928: (WAIT, "runs as much at once as it may (10928)"),
    10929: (WAIT, "too busy for more work (10929)"),
    40197: (WAIT, "had to break off (40197)"),
    40501: (WAIT, "too busy at the moment (40501)"),
    40613: (WAIT, "is not available at the moment (40613)"),
    49918: (WAIT, "no resources for the request (49918)"),
    49919: (WAIT, "too busy for the request (49919)"),
    49920: (WAIT, "too busy for the request (49920)"),
}


@dataclass(frozen=True)
class Refused:
    """A connection that does not come about: what is set otherwise or put in, and what is said of it at which step."""

    code: int
    step: str
    says: str
    settings: Mapping[str, object] = field(default_factory=dict)
    fault: Fault | None = None
    tls: str = "optional"
    step_says: str = ""  # where *Test* finds it out by itself
    of_microsoft: bool = False  # what only Microsoft's driver tells apart


def _login(code: int, step: str, says: str, number: int, severity: int = 14) -> Refused:
    return Refused(code, step, says, fault=Fault("login error", number=number, text="Words.", severity=severity, times=99))


_PORT, _LOGIN, _DATABASE = "The server answers", "The login is accepted", "The database opens"
_TLS, _DRIVER, _NAME = "The connection is encrypted", "There is a driver", "The server's name is known"
REFUSED: Mapping[str, Refused] = {
    "18456": Refused(FIX, _LOGIN, "refused the login", {"user": "nobody"}),
    "18456, state 58": _login(FIX, _LOGIN, "refused the login", 18456),
    "18452": _login(FIX, _LOGIN, "does not take this Windows account", 18452),
    "18470": _login(FIX, _LOGIN, "it is disabled", 18470),
    "18486": _login(FIX, _LOGIN, "it is locked", 18486),
    "18487": _login(FIX, _LOGIN, "its password has expired", 18487),
    "18488": _login(FIX, _LOGIN, "must be changed first", 18488),
    "4060": Refused(FIX, _DATABASE, "has no database of that name", {"database": "nowhere"}, of_microsoft=True),
    "40613 at login": _login(WAIT, _DATABASE, "is not available at the moment (40613)", 40613, 17),
    "10928 at login": _login(WAIT, _PORT, "runs as much at once as it may (10928)", 10928, 17),
    "a name that nobody knows": Refused(
        FIX, _NAME, "is not known to the network", {"server": "no-such-host.invalid"}, step_says="No address is known"
    ),
    "10061: nothing listens": Refused(WAIT, _PORT, "Nothing answers at", {"port": "closed"}, step_says="refuses connections"),
    "10060: nobody takes the connection": Refused(
        WAIT, _PORT, "did not answer in time", {"port": "full"}, step_says="does not answer at port"
    ),
    "HYT00: nobody says anything": Refused(WAIT, _PORT, "did not answer in time", {"port": "silent"}),
    "10054: the connection is reset": Refused(
        WAIT, _PORT, "closed the connection before the login was done", {"port": "resetting"}, of_microsoft=True
    ),
    "08S01: cut at the login": Refused(WAIT, _PORT, "was cut", fault=Fault("login close", times=99), of_microsoft=True),
    "TLS: the server cannot": Refused(
        FIX, _TLS, "cannot encrypt", {"encrypt": "yes", "trust_certificate": True}, tls="unsupported", of_microsoft=True
    ),
    "TLS: the certificate proves nothing": Refused(
        FIX, _TLS, "its certificate proves nothing", {"encrypt": "yes"}, of_microsoft=True
    ),
    "TLS: strict, unknown there": Refused(
        WAIT, _PORT, "Strict encryption needs SQL Server 2022", {"encrypt": "strict"}, tls="unsupported", of_microsoft=True
    ),
    "01000: a driver that is none": Refused(FIX, _DRIVER, "The ODBC driver could not be loaded", {"driver": __file__}),
    "IM004: a library that is no driver": Refused(FIX, _DRIVER, "The ODBC driver does not start", {"driver": "a library"}),
}

# What no server can be made to bring about here: the words of drivers on other systems, as they are documented.
_MAKER = "[Microsoft][ODBC Driver 18 for SQL Server]"
SAID: Mapping[str, tuple[int, str, str, str]] = {
    "10053": (
        WAIT,
        _PORT,
        "was cut by this computer",
        f"[08S01] {_MAKER}TCP Provider: An established connection was aborted by the software in your host machine.\r\n (10053)",
    ),
    "10054": (
        WAIT,
        _PORT,
        "was cut",
        f"[08S01] {_MAKER}TCP Provider: An existing connection was forcibly closed by the remote host.\r\n (10054)",
    ),
    "10060": (
        WAIT,
        _PORT,
        "did not answer in time",
        f"[08001] {_MAKER}TCP Provider: A connection attempt failed because the connected party did not respond.\r\n (10060)",
    ),
    "10061": (
        WAIT,
        _PORT,
        "Nothing answers at",
        f"[08001] {_MAKER}TCP Provider: No connection could be made because the target machine actively refused it.\r\n (10061)",
    ),
    "HYT01": (WAIT, _PORT, "did not answer in time", f"[HYT01] {_MAKER}Connection timeout expired (0)"),
    "08001": (WAIT, _PORT, "cannot be reached: Words", f"[08001] {_MAKER}Words (0)"),
    "IM002": (
        FIX,
        _DRIVER,
        "The ODBC driver was not found",
        "[IM002] [Microsoft][ODBC Driver Manager] Data source name not found and no default driver specified (0)",
    ),
    "IM003": (
        FIX,
        _DRIVER,
        "The ODBC driver could not be loaded",
        "[IM003] [Microsoft][ODBC Driver Manager] Specified driver could not be loaded due to system error 126 (0)",
    ),
    "SCHANNEL": (
        FIX,
        _TLS,
        "its certificate proves nothing",
        f"[08001] {_MAKER}SSL Provider: The certificate chain was issued by an authority that is not trusted.\r\n (-2146893019)",
    ),
}
