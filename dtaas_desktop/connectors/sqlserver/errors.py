"""SQL Server's complaints as our errors: one table by the server's number, one by SQLSTATE.

The numbers are documented (learn.microsoft.com, “Database engine events and errors”, and the lists of transient errors of Azure SQL and
of Microsoft's own clients). Sentences quote the driver only where it may say something that the number does not.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from dtaas_desktop.domain.errors import AppError, TransientError, UserError


class NoTable(UserError):
    """A table, view, column or query names something that the database does not have, or does not show to this login."""


class NoLogin(UserError):
    """The server does not let this user in."""


class NoDatabase(UserError):
    """The user is known, but the database does not open for it."""


class DatabaseAway(TransientError):
    """The server answers, but the database cannot be used at the moment."""


class NoDriver(UserError):
    """The driver is not there, or does not load."""


class NotEncrypted(UserError):
    """No encrypted connection came about, or one to somebody who cannot prove to be the server."""


class TooLarge(Exception):
    """A value did not fit into the buffer it was to be read into. Never leaves the connector."""


@dataclass(frozen=True, slots=True)
class Known:
    """What becomes of a complaint: its class, its sentence, and what to do."""

    kind: type[AppError]
    says: str  # completed with {where} (in the middle of a sentence {there}) and {words}
    remedy: str


_AGAIN = "It is tried again; if it stays so, ask the database's administrator."
_AZURE_BUSY = "It is tried again; if it stays so, give the database more resources, or run fewer things at once."


def _user(says: str, remedy: str) -> Known:
    return Known(UserError, says, remedy)


def _wait(says: str, remedy: str = _AGAIN) -> Known:
    return Known(TransientError, says, remedy)


def _away(says: str, remedy: str = _AGAIN) -> Known:
    return Known(DatabaseAway, says, remedy)


_GRANT = "Ask the database's administrator for the right to read it (GRANT SELECT)."
NUMBERS: Mapping[int, Known] = {
    # Signing in. To the client the server gives one state for all reasons of 18456; the true one is in its log only.
    18456: Known(
        NoLogin,
        "{where} refused the login: the user is unknown, the password is wrong, or the database is not there or not for this login.",
        "Check user, password and database; the exact reason (its “state”) is in the server's own error log.",
    ),
    18452: Known(
        NoLogin,
        "{where} does not take this Windows account: it comes from a domain that the server does not trust.",
        "Sign in with a SQL Server login, or ask for the account to be admitted.",
    ),
    18450: Known(
        NoLogin,
        "{where} takes Windows accounts only.",
        "Sign in with a Windows account, or ask for SQL Server logins to be allowed.",
    ),
    18470: Known(NoLogin, "{where} refused the login: it is disabled.", "Ask the server's administrator to enable it."),
    18486: Known(
        NoLogin, "{where} refused the login: it is locked.", "Ask the server's administrator to unlock it, or wait until it is."
    ),
    18487: Known(
        NoLogin, "{where} refused the login: its password has expired.", "Change the password, then store the new one here."
    ),
    18401: _wait("{where} is being upgraded and takes no logins yet."),
    18461: _wait("{where} is in single-user mode, and somebody else is in."),
    18488: Known(
        NoLogin, "{where} refused the login: its password must be changed first.", "Change it, then store the new one here."
    ),
    17892: Known(
        NoLogin, "{where} refused the login: a trigger at the server does not let it in.", "Ask the server's administrator."
    ),
    4060: Known(
        NoDatabase,
        "{where} has no database of that name, or this login may not open it.",
        "Check the database's name, and that the login has a user in it.",
    ),
    4064: Known(
        NoDatabase, "The default database of this login at {there} cannot be opened.", "Name the database in the connection."
    ),
    911: Known(NoDatabase, "{where} has no database of that name.", "Check the database's name."),
    916: Known(
        NoDatabase,
        "{where}: this login has no user in the database.",
        "Ask for one (CREATE USER … FOR LOGIN …), and for the right to read (GRANT SELECT).",
    ),
    40615: _user("The firewall of {there} does not let this computer in.", "Add its address to the server's firewall rules."),
    40914: _user("{where} does not let this network in.", "Add it to the server's virtual network rules."),
    40532: Known(NoLogin, "{where} is not a server that this login belongs to.", "Check the server's name, and the user's."),
    20: Known(
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
    207: Known(
        NoTable,
        "{where} no longer has a column that it had ({words}).",
        "Choose the tables and columns of the task again, or correct the query.",
    ),
    208: Known(
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
    3951: _user(
        "{where}: a snapshot cannot be begun in the middle of a transaction.",
        "Report it as a fault of the application (error 3951).",
    ),
    3953: _wait("{where}: snapshots are just being switched on or off."),
    3956: _wait("{where}: snapshots are just being switched on."),
    3957: _wait("{where}: snapshots were switched off when the reading began."),
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
    1203: _wait("{where}: the server lost count of its locks (1203)."),
    1221: _wait("{where}: the server lost count of its locks (1221)."),
    601: _wait("{where}: rows were moved while they were read (601)."),
    617: _wait("{where}: the server was rearranging its temporary tables (617)."),
    669: _wait("{where}: the server's versions of rows are inconsistent (669)."),
    3935: _wait("{where}: the server could not begin a snapshot (3935)."),
    3947: _wait("{where}: the replica could not follow, and broke the reading off (3947)."),
    8628: _wait("{where}: the server took too long to plan the reading (8628)."),
    8649: _user(
        "{where}: the server expects the reading to take longer than it allows (8649).",
        "Read fewer rows with a query, or ask for the query governor's limit to be raised.",
    ),
    8655: _user("{where} has a disabled index that it cannot be read without ({words}).", "Have the index rebuilt."),
    8657: _user(
        "{where}: the server has too little memory for such a reading (8657).", "Read fewer columns or rows with a query."
    ),
    # Tables in memory
    41301: _wait("{where}: the snapshot met a change that was not committed (41301)."),
    41302: _wait("{where}: the snapshot met a row that somebody else changed (41302)."),
    41305: _wait("{where}: what was read was changed before the reading was over (41305)."),
    41325: _wait("{where}: what was read was changed before the reading was over (41325)."),
    41839: _wait("{where}: the reading waited for too many changes that were not committed (41839)."),
    41332: _user(
        "{where} is, or shows, a memory-optimised table, which this isolation cannot read.",
        "Choose the isolation “Read committed” in the connection's advanced settings, and the reading “resumable” in the task.",
    ),
    41333: _user(
        "{where} is, or shows, a memory-optimised table, which this isolation cannot read.",
        "Choose the isolation “Read committed” in the connection's advanced settings, and the reading “resumable” in the task.",
    ),
    41368: _user(
        "{where} is, or shows, a memory-optimised table, which cannot be read within a transaction.",
        "Choose the isolation “Read committed” in the connection's advanced settings, and the reading “resumable” in the task.",
    ),
    # Values that the server cannot show
    6522: _user(
        "{where} has a value that the server's own code cannot write ({words}).",
        "Leave the column out, or have it mended with a query (MakeValid() for shapes).",
    ),
    10314: _user("{where} has a type whose code the server does not load ({words}).", "Leave the column out with a query."),
    33299: _user("{where} compares encrypted columns ({words}).", "Leave them as they are in the view or the query."),
    1934: _user("{where} needs other settings of the session ({words}).", "Report it as a fault of the application."),
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
    922: _away("The database of {there} is being recovered."),
    921: _away("The database of {there} is not yet recovered."),
    927: _away("The database of {there} is being restored."),
    942: _away("The database of {there} is offline."),
    945: _away("The database of {there} cannot be opened."),
    952: _away("The database of {there} is changing its state."),
    976: _away("{where} is a replica that may not be read.", "Connect to the listener, or to a replica that may be read."),
    978: _user("{where} is a replica that takes connections with read-only intent only.", "Switch “Read-only intent” on."),
    983: _away("{where} is a replica that cannot be read at the moment."),
    988: _away("{where} is a replica that cannot be read at the moment."),
    4221: _away("{where} is a replica that is still catching up."),
    # Azure SQL
    10928: _wait("{where} runs as much at once as it may (10928).", _AZURE_BUSY),
    10929: _wait("{where} is too busy for more work (10929).", _AZURE_BUSY),
    40197: _wait("{where} had to break off (40197)."),
    40501: _wait("{where} is too busy at the moment (40501).", _AZURE_BUSY),
    40613: _away("The database of {there} is not available at the moment (40613)."),
    40540: _wait("{where} broke the work off (40540)."),
    40143: _wait("{where} had to break off (40143)."),
    40166: _wait("{where} had to break off (40166)."),
    40551: _wait("{where} ended the session: it used too much room for temporary data (40551).", _AZURE_BUSY),
    40552: _wait("{where} ended the session: it used too much of the log (40552).", _AZURE_BUSY),
    40553: _wait("{where} ended the session: it used too much memory (40553).", _AZURE_BUSY),
    10922: _wait("{where} had to break off (10922)."),
    10936: _wait("{where} runs as much at once as its pool allows (10936).", _AZURE_BUSY),
    35217: _wait("{where}: the server could not start one more thread (35217)."),
    42108: _wait("{where}: the pool that the database lives in is paused (42108).", "Resume it; it is tried again."),
    42109: _wait("{where}: the pool that the database lives in is warming up (42109)."),
    42119: _user("{where}: the database has used up its free amount for the month (42119).", "Wait, or let it go on at cost."),
    40549: _wait("{where} ended a transaction that ran for too long (40549)."),
    40550: _wait("{where} ended a transaction that held too many locks (40550)."),
    49918: _wait("{where} has no resources for the request (49918).", _AZURE_BUSY),
    49919: _wait("{where} is too busy for the request (49919).", _AZURE_BUSY),
    49920: _wait("{where} is too busy for the request (49920).", _AZURE_BUSY),
    # The network, as Windows numbers it
    10053: _wait("The connection to {there} was cut by this computer."),
    10054: _wait("The connection to {there} was cut."),
    10060: _wait(
        "{where} did not answer in time.",
        "Check address and port, that the server runs, and that no firewall is between. It is tried again.",
    ),
    10061: _wait(
        "Nothing answers at {there}.",
        "Check address and port, that the server runs and listens on TCP. It is tried again.",
    ),
    64: _wait("The connection to {there} was cut."),
    # FreeTDS has numbers of its own for the same (dblib: SYBETIME, SYBEREAD, SYBEWRIT, SYBESEOF, SYBEDDNE)
    20003: _wait("{where} did not answer in time."),
    20004: _wait("The connection to {there} was cut."),
    20006: _wait("The connection to {there} was cut."),
    20009: _wait(
        "{where} cannot be reached.",
        "Check the server's name and port, and that it accepts remote connections. It is tried again.",
    ),
    20017: _wait("The connection to {there} was cut."),
    20047: _wait("The connection to {there} was cut."),
    121: _wait("The connection to {there} was cut."),
    233: _wait("{where} closed the connection before the login was done."),
}

# Lost positions of change capture: 313 and 208 come from the functions, 22837 and the like from the capture itself.
LOST: Mapping[int, str] = {
    313: "{where}: the saved position is outside of what the server still holds.",
    22837: "{where}: the change capture that the position belongs to is gone.",
}

STATES: Mapping[str, Known] = {
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
        "Check the server's name, port and encryption, and that it accepts remote connections. It is tried again.",
    ),
    "08S01": _wait("The connection to {there} was cut."),
    "08003": _wait("The connection to {there} was cut."),
    "08007": _wait("The connection to {there} was cut in the middle of a transaction."),
    "08004": _user("{where} refused the connection: {words}.", "Check user, password and database."),
    "28000": Known(NoLogin, "{where} refused the login: {words}.", "Check user and password."),
    "IM002": Known(NoDriver, "The ODBC driver was not found.", "Choose another driver in the connection's advanced settings."),
    "IM003": Known(
        NoDriver,
        "The ODBC driver could not be loaded: {words}.",
        "Install the libraries that it needs (on Debian: libltdl7, libkrb5-3, libgssapi-krb5-2, openssl), or choose another driver.",
    ),
    "IM004": Known(NoDriver, "The ODBC driver does not start: {words}.", "Install it anew, or choose another driver."),
    "IM005": Known(NoDriver, "The ODBC driver does not start: {words}.", "Install it anew, or choose another driver."),
    "01000": Known(NoDriver, "The ODBC driver could not be loaded: {words}.", "Install what it needs, or choose another driver."),
    "HY001": _user(
        "There is not enough memory on this computer to read {there}.", "Lower the largest cell allowed in the task's options."
    ),
    "HY008": _wait("The reading of {there} was cancelled."),
    "42S02": Known(NoTable, "{where} is not there, or this login may not see it.", "Choose the tables of the task again."),
    "42S22": Known(NoTable, "{where} no longer has a column that it had ({words}).", "Choose the columns of the task again."),
    # FreeTDS says no more than “Unknown error” when its connection breaks in the middle of a row.
    "HY000": _wait("The reading of {there} was broken off ({words})."),
    "40001": _wait("{where}: the server ended the reading to resolve a deadlock."),
}
