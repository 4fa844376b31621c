"""SQL Server's complaints as our errors: one table by the server's number, one by SQLSTATE, one by the words of TLS libraries.

The numbers are documented (learn.microsoft.com, “Database engine events and errors”); where a number is known it decides, because
one SQLSTATE stands for many of them. Sentences quote the driver only where it may say something that the number does not.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from dtaas_desktop.domain.errors import AppError, PositionLost, TransientError, UserError


class NoTable(UserError):
    """A table, view, column or query names something that the database does not have, or does not show to this login."""


class NoLogin(UserError):
    """The server does not let this user in."""


class NoDatabase(UserError):
    """The user is known, but the database does not open for it."""


class NotEncrypted(UserError):
    """No encrypted connection came about, or one to somebody who cannot prove to be the server."""


class TooLarge(Exception):
    """A value did not fit into the buffer it was to be read into. Never leaves the connector."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """What a driver said: SQLSTATE, the server's number (0: not from the server), and its words without secrets."""

    state: str
    number: int
    words: str


@dataclass(frozen=True, slots=True)
class _Known:
    kind: type[AppError]
    says: str  # completed with {where} and {words}
    remedy: str


_AGAIN = "It is tried again; if it stays so, ask the database's administrator."
_AZURE_BUSY = "It is tried again; if it stays so, give the database more resources, or run fewer things at once."


def _user(says: str, remedy: str) -> _Known:
    return _Known(UserError, says, remedy)


def _wait(says: str, remedy: str = _AGAIN) -> _Known:
    return _Known(TransientError, says, remedy)


_GRANT = "Ask the database's administrator for the right to read it (GRANT SELECT)."
_NUMBERS: Mapping[int, _Known] = {
    # Signing in. To the client the server gives one state for all reasons of 18456; the true one is in its log only.
    18456: _Known(
        NoLogin,
        "{where} refused the login: the user is unknown, the password is wrong, or the login may not use this database.",
        "Check user and password; the exact reason (its “state”) is in the server's own error log.",
    ),
    18452: _Known(
        NoLogin,
        "{where} does not take this Windows account: it comes from a domain that the server does not trust.",
        "Sign in with a SQL Server login, or ask for the account to be admitted.",
    ),
    18450: _Known(
        NoLogin,
        "{where} takes Windows accounts only.",
        "Sign in with a Windows account, or ask for SQL Server logins to be allowed.",
    ),
    18470: _Known(NoLogin, "{where} refused the login: it is disabled.", "Ask the server's administrator to enable it."),
    18486: _Known(
        NoLogin, "{where} refused the login: it is locked.", "Ask the server's administrator to unlock it, or wait until it is."
    ),
    18487: _Known(
        NoLogin, "{where} refused the login: its password has expired.", "Change the password, then store the new one here."
    ),
    18488: _Known(
        NoLogin, "{where} refused the login: its password must be changed first.", "Change it, then store the new one here."
    ),
    17892: _Known(
        NoLogin, "{where} refused the login: a trigger at the server does not let it in.", "Ask the server's administrator."
    ),
    4060: _Known(
        NoDatabase,
        "{where} has no database of that name, or this login may not open it.",
        "Check the database's name, and that the login has a user in it.",
    ),
    4064: _Known(
        NoDatabase, "The default database of this login at {where} cannot be opened.", "Name the database in the connection."
    ),
    911: _Known(NoDatabase, "{where} has no database of that name.", "Check the database's name."),
    916: _Known(
        NoDatabase,
        "{where}: this login has no user in the database.",
        "Ask for one (CREATE USER … FOR LOGIN …), and for the right to read (GRANT SELECT).",
    ),
    40615: _user("The firewall of {where} does not let this computer in.", "Add its address to the server's firewall rules."),
    40914: _user("{where} does not let this network in.", "Add it to the server's virtual network rules."),
    40532: _Known(NoLogin, "{where} is not a server that this login belongs to.", "Check the server's name, and the user's."),
    20: _Known(
        NotEncrypted,
        "{where} cannot encrypt.",
        "Choose the encryption “No” if you trust the network, or have encryption set up there.",
    ),
    # Rights
    229: _user("{where}: this login may not read it.", _GRANT),
    230: _user(
        "{where}: this login may not read one of its columns ({words}).",
        "Ask for the right, or leave the column out with a query.",
    ),
    262: _user("{where}: this login lacks a right ({words}).", "Ask the database's administrator for it."),
    297: _user("{where}: this login lacks a right ({words}).", "Ask the server's administrator for it."),
    300: _user("{where}: this login lacks a right ({words}).", "Ask the server's administrator for it."),
    15247: _user("{where}: this login lacks a right ({words}).", "Ask the database's administrator for it."),
    # Names and statements
    207: _Known(
        NoTable,
        "{where} no longer has a column that it had ({words}).",
        "Choose the tables and columns of the task again, or correct the query.",
    ),
    208: _Known(
        NoTable,
        "{where} is not there, or this login may not see it ({words}).",
        "It may have been renamed or dropped: choose the tables of the task again, or correct the query.",
    ),
    102: _user("{where} cannot be read: {words}.", "Correct the query."),
    156: _user("{where} cannot be read: {words}.", "Correct the query."),
    1033: _user("{where} is sorted, which a query that is read like a table cannot be.", "Leave ORDER BY out of the query."),
    8155: _user("{where} has a column without a name.", "Give every column of the query a name: … AS name."),
    8156: _user("{where} has two columns of one name ({words}).", "Give one of them another name: … AS name."),
    4506: _user("{where} has two columns of one name ({words}).", "Give one of them another name: … AS name."),
    245: _user("{where} converts a value that does not fit ({words}).", "Correct the view or the query."),
    241: _user("{where} converts a text that is no date ({words}).", "Correct the view or the query."),
    8114: _user("{where} converts a value that does not fit ({words}).", "Correct the view or the query."),
    8115: _user("{where} computes a number that is too large ({words}).", "Correct the view or the query."),
    8134: _user("{where} divides by zero.", "Correct the view or the query."),
    4413: _user("{where} is a view that no longer works ({words}).", "Have the view mended, or leave it out."),
    4502: _user("{where} is a view that no longer works ({words}).", "Have the view mended, or leave it out."),
    # Damage
    823: _user("{where} could not be read from the server's disk.", "Tell the server's administrator at once (error 823)."),
    824: _user("{where} is damaged on the server's disk.", "Tell the server's administrator at once (error 824, DBCC CHECKDB)."),
    605: _user("{where} is damaged on the server's disk.", "Tell the server's administrator at once (error 605, DBCC CHECKDB)."),
    # Snapshots
    3952: _user(
        "{where} does not allow snapshots, which reading everything at one moment needs.",
        "Ask for ALTER DATABASE … SET ALLOW_SNAPSHOT_ISOLATION ON, or choose the reading “resumable” and another isolation.",
    ),
    3960: _wait("{where}: the snapshot met a row that somebody else changed."),
    3961: _wait("{where}: somebody changed the table's definition while it was read."),
    3958: _wait("{where}: the server has no room to keep a snapshot (tempdb)."),
    3967: _wait("{where}: the server has no room to keep a snapshot (tempdb)."),
    3966: _wait("{where}: the server has no room to keep a snapshot (tempdb)."),
    # Locks and resources
    1205: _wait("{where}: the server ended the reading to resolve a deadlock (1205)."),
    1222: _wait(
        "{where}: rows are locked by somebody else for too long (1222).",
        "It is tried again; if it stays so, run it at a quieter time.",
    ),
    8645: _wait("{where}: the server has no memory to spare for the reading (8645)."),
    8651: _wait("{where}: the server has no memory to spare for the reading (8651)."),
    701: _wait("{where}: the server is out of memory (701)."),
    802: _wait("{where}: the server is out of memory (802)."),
    1204: _wait("{where}: the server has no locks left (1204)."),
    9002: _wait("{where}: a transaction log at the server is full (9002)."),
    1105: _wait("{where}: the server has no room left in a file (1105)."),
    845: _wait("{where}: the server's disks are too slow at the moment (845)."),
    # The server is going, coming or moving
    596: _wait("{where}: the server ended the session."),
    6005: _wait("{where} is being shut down."),
    6002: _wait("{where} is being shut down."),
    17142: _wait("{where} is paused and takes no new connections."),
    17187: _wait("{where} is just starting."),
    17197: _wait("{where} did not finish the login in time."),
    17809: _wait("{where} has as many connections as it takes."),
    922: _wait("The database of {where} is being recovered."),
    921: _wait("The database of {where} is not yet recovered."),
    927: _wait("The database of {where} is being restored."),
    942: _wait("The database of {where} is offline."),
    945: _wait("The database of {where} cannot be opened."),
    952: _wait("The database of {where} is changing its state."),
    976: _wait("{where} is a replica that may not be read.", "Connect to the listener, or to a replica that may be read."),
    978: _user("{where} is a replica that takes connections with read-only intent only.", "Switch “Read-only intent” on."),
    983: _wait("{where} is a replica that cannot be read at the moment."),
    988: _wait("{where} is a replica that cannot be read at the moment."),
    4221: _wait("{where} is a replica that is still catching up."),
    # Azure SQL
    10928: _wait("{where} runs as much at once as it may (10928).", _AZURE_BUSY),
    10929: _wait("{where} is too busy for more work (10929).", _AZURE_BUSY),
    40197: _wait("{where} had to break off (40197)."),
    40501: _wait("{where} is too busy at the moment (40501).", _AZURE_BUSY),
    40613: _wait("The database of {where} is not available at the moment (40613)."),
    40540: _wait("{where} broke the work off (40540)."),
    40549: _wait("{where} ended a transaction that ran for too long (40549)."),
    40550: _wait("{where} ended a transaction that held too many locks (40550)."),
    49918: _wait("{where} has no resources for the request (49918).", _AZURE_BUSY),
    49919: _wait("{where} is too busy for the request (49919).", _AZURE_BUSY),
    49920: _wait("{where} is too busy for the request (49920).", _AZURE_BUSY),
    # The network, as Windows numbers it
    10053: _wait("The connection to {where} was cut by this computer."),
    10054: _wait("The connection to {where} was cut."),
    10060: _wait(
        "{where} did not answer in time.",
        "Check address and port, that the server runs, and that no firewall is between. It is tried again.",
    ),
    10061: _wait(
        "Nothing answers at {where}.",
        "Check address and port, that the server runs and listens on TCP. It is tried again.",
    ),
    64: _wait("The connection to {where} was cut."),
    # FreeTDS has numbers of its own for the same (dblib: SYBETIME, SYBEREAD, SYBEWRIT, SYBESEOF, SYBEDDNE)
    20003: _wait("{where} did not answer in time."),
    20004: _wait("The connection to {where} was cut."),
    20006: _wait("The connection to {where} was cut."),
    20017: _wait("The connection to {where} was cut."),
    20047: _wait("The connection to {where} was cut."),
    121: _wait("The connection to {where} was cut."),
    233: _wait("{where} closed the connection before the login was done."),
}

# Lost positions of change capture: 313 and 208 come from the functions, 22837 and the like from the capture itself.
_LOST: Mapping[int, str] = {
    313: "{where}: the saved position is outside of what the server still holds.",
    22837: "{where}: the change capture that the position belongs to is gone.",
}

_STATES: Mapping[str, _Known] = {
    "HYT00": _wait(
        "{where} did not answer in time.",
        "It is tried again; raise the times in the connection's advanced settings if it stays so.",
    ),
    "HYT01": _wait(
        "{where} did not answer in time.",
        "It is tried again; raise the times in the connection's advanced settings if it stays so.",
    ),
    "08001": _wait(
        "{where} cannot be reached: {words}.",
        "Check the server's name, port and network, and that the server accepts remote connections. It is tried again.",
    ),
    "08S01": _wait("The connection to {where} was cut."),
    "08003": _wait("The connection to {where} was cut."),
    "08007": _wait("The connection to {where} was cut in the middle of a transaction."),
    "08004": _user("{where} refused the connection: {words}.", "Check user, password and database."),
    "28000": _Known(NoLogin, "{where} refused the login: {words}.", "Check user and password."),
    "IM002": _user("The ODBC driver was not found.", "Choose another driver in the connection's advanced settings."),
    "IM003": _user(
        "The ODBC driver could not be loaded: {words}.",
        "Install the libraries that it needs (on Debian: libltdl7, libkrb5-3, libgssapi-krb5-2, openssl), or choose another driver.",
    ),
    "01000": _user("The ODBC driver could not be loaded: {words}.", "Install what it needs, or choose another driver."),
    "HY001": _user(
        "There is not enough memory on this computer to read {where}.", "Lower the largest cell allowed in the task's options."
    ),
    "HY008": _wait("The reading of {where} was cancelled."),
    "42S02": _Known(NoTable, "{where} is not there, or this login may not see it.", "Choose the tables of the task again."),
    "42S22": _Known(NoTable, "{where} no longer has a column that it had ({words}).", "Choose the columns of the task again."),
    # FreeTDS says no more than “Unknown error” when its connection breaks in the middle of a row.
    "HY000": _wait("The reading of {where} was broken off ({words})."),
    "40001": _wait("{where}: the server ended the reading to resolve a deadlock."),
}

_TLS = re.compile(
    r"ssl|tls|certificate|handshake|encryption not supported|unsupported protocol|self.signed|schannel|secur(?:e|ity) channel",
    re.IGNORECASE,
)
_UNPROVEN = re.compile(
    r"verify|self.signed|not trusted|untrusted|authority|chain|issuer|expired|name.*(?:match|incorrect)|hostname", re.IGNORECASE
)
_REFUSED = re.compile(r"refused|0x274D|0x6F\b|10061|111\b", re.IGNORECASE)
_SILENT = re.compile(r"timeout|timed out|0x274C|0x2B02|10060", re.IGNORECASE)
_NOT_THERE = re.compile(r"0x2AF9|0x2726|11001|name or service not known|no such host|could not be resolved", re.IGNORECASE)


def known_number(number: int) -> bool:
    return number in _NUMBERS or number in _LOST


def explained(complaint: Complaint, where: str) -> AppError:
    """The error for a complaint. `where` names the server, or the table at it, and begins a sentence."""
    words = brief(complaint.words)
    lost = _LOST.get(complaint.number)
    if lost is not None:
        return PositionLost(lost.format(where=where), remedy="The table has to be read again.")
    known = _NUMBERS.get(complaint.number)
    if known is None and (complaint.number <= 0 or complaint.state != "HY000"):
        known = _from_network(complaint) or _STATES.get(complaint.state)
    if known is None:
        number = f" (error {complaint.number})" if complaint.number > 0 else f" ({complaint.state})" if complaint.state else ""
        return UserError(
            f"{where} could not be read: {words}{number}.", remedy="Check the table or query in another tool for SQL Server."
        )
    return known.kind(known.says.format(where=where, words=words), remedy=known.remedy)


def _from_network(complaint: Complaint) -> _Known | None:
    """What a failed connection is about: the drivers tell TLS, silence and refusal apart only in their words."""
    if not complaint.state.startswith(("08", "HYT", "S1T")):
        return None
    if _TLS.search(complaint.words):
        if _UNPROVEN.search(complaint.words):
            return _Known(
                NotEncrypted,
                "{where} encrypts, but its certificate proves nothing: {words}.",
                "Use the name that is in the certificate, install the authority that signed it, or switch on “Trust any certificate” if you "
                "trust the network.",
            )
        return _Known(
            NotEncrypted,
            "No encrypted connection to {where} came about: {words}.",
            "Try another setting of “Encryption”; old servers know only old versions of TLS, which this computer may refuse.",
        )
    if not complaint.state.startswith("08001") and not complaint.state.startswith("HYT"):
        return None
    if _NOT_THERE.search(complaint.words):
        return _user("The name of {where} is not known to the network.", "Check the server's name.")
    if _REFUSED.search(complaint.words):
        return _NUMBERS[10061]
    if _SILENT.search(complaint.words) and complaint.state != "HYT00":
        return _NUMBERS[10060]
    return None


_BRACKETS = re.compile(r"^(?:\s*\[[^\]]*\])+")


def brief(words: str) -> str:
    """A driver's message without the bracketed names in front, the call and the number behind, and a full stop."""
    text = words.strip().split("\n", 1)[0]
    text = _BRACKETS.sub("", text)
    text = re.sub(r"\s*\(-?\d+\)\s*(?:\(SQL\w+\))?\s*(?:;.*)?$", "", text, flags=re.DOTALL)
    text = text.strip().rstrip(".")
    return (text if len(text) <= 300 else f"{text[:300]}…") or "no reason was given"
