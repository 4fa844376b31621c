"""The errors of SQL Server that this stand-in gives, with the numbers and words of sys.messages."""

from dataclasses import dataclass


@dataclass
class SqlError(Exception):
    """One ERROR token (MS-TDS 2.2.7.10). Severity 20 and more ends the connection, as the documentation says."""

    number: int
    text: str
    severity: int = 16
    state: int = 1

    def __str__(self) -> str:
        return f"Msg {self.number}, Level {self.severity}, State {self.state}: {self.text}"


def not_understood(what: str) -> SqlError:
    """What a real server might answer, and this one does not know: said loudly, never answered with nothing."""
    return SqlError(50001, f"The stand-in for SQL Server does not understand this: {what[:1500]}")


def syntax_error(near: str) -> SqlError:
    return SqlError(102, f"Incorrect syntax near '{near}'.", severity=15)


def invalid_column(name: str) -> SqlError:
    return SqlError(207, f"Invalid column name '{name}'.")


def invalid_object(name: str) -> SqlError:
    return SqlError(208, f"Invalid object name '{name}'.")


def denied(permission: str, table: str, database: str, schema: str) -> SqlError:
    text = f"The {permission} permission was denied on the object '{table}', database '{database}', schema '{schema}'."
    return SqlError(229, text, severity=14, state=5)


def denied_column(permission: str, column: str, table: str, database: str, schema: str) -> SqlError:
    text = (
        f"The {permission} permission was denied on the column '{column}' of the object '{table}',"
        f" database '{database}', schema '{schema}'."
    )
    return SqlError(230, text, severity=14)


def denied_in_database(permission: str, database: str) -> SqlError:
    return SqlError(262, f"{permission} permission denied in database '{database}'.", severity=14)


def denied_on_server(permission: str) -> SqlError:
    return SqlError(300, f"{permission} permission was denied on object 'server', database 'master'.", severity=14)


def overflow(type_name: str, what: str = "expression") -> SqlError:
    return SqlError(8115, f"Arithmetic overflow error converting {what} to data type {type_name}.", state=2)


def not_convertible(source: str, target: str) -> SqlError:
    return SqlError(8114, f"Error converting data type {source} to {target}.", state=5)


def no_conversion(source: str, target: str) -> SqlError:
    return SqlError(529, f"Explicit conversion from data type {source} to {target} is not allowed.", state=2)


def clash(first: str, second: str) -> SqlError:
    return SqlError(206, f"Operand type clash: {first} is incompatible with {second}", state=2)


# What a fault may raise without giving its words: numbers and texts as documented for the Database Engine and Azure SQL.
KNOWN: dict[int, tuple[int, str]] = {
    596: (21, "Cannot continue the execution because the session is in the kill state."),
    605: (21, "Attempt to fetch logical page (1:24) in database 5 failed. It belongs to allocation unit 1 not to 2."),
    701: (17, "There is insufficient system memory in resource pool 'default' to run this query."),
    824: (24, "SQL Server detected a logical consistency-based I/O error: incorrect checksum."),
    1204: (19, "The instance of the SQL Server Database Engine cannot obtain a LOCK resource at this time."),
    1205: (
        13,
        (
            "Transaction (Process ID {spid}) was deadlocked on lock resources with another process and has been chosen as the"
            " deadlock victim. Rerun the transaction."
        ),
    ),
    1222: (16, "Lock request time out period exceeded."),
    3947: (16, "The transaction was aborted because the secondary compute failed to catch up redo. Retry the transaction."),
    3952: (
        16,
        (
            "Snapshot isolation transaction failed accessing database '{database}' because snapshot isolation is not allowed in"
            " this database. Use ALTER DATABASE to allow snapshot isolation."
        ),
    ),
    3960: (
        16,
        (
            "Snapshot isolation transaction aborted due to update conflict. You cannot use snapshot isolation to access table"
            " 'dbo.t' directly or indirectly in database '{database}' to update, delete, or insert the row that has been modified"
            " or deleted by another transaction. Retry the transaction or change the isolation level for the update/delete"
            " statement."
        ),
    ),
    3961: (
        16,
        (
            "Snapshot isolation transaction failed in database '{database}' because the object accessed by the statement has been"
            " modified by a DDL statement in another concurrent transaction since the start of this transaction."
        ),
    ),
    4221: (16, "Login to read-secondary failed due to long wait on 'HADR_DATABASE_WAIT_FOR_TRANSITION_TO_VERSIONING'."),
    8645: (
        17,
        (
            "A timeout occurred while waiting for memory resources to execute the query in resource pool 'default' (2)."
            " Rerun the query."
        ),
    ),
    8651: (
        17,
        "Could not perform the operation because the requested memory grant was not available in resource pool 'default'.",
    ),
    8628: (17, "A time out occurred while waiting to optimize the query. Rerun the query."),
    9002: (17, "The transaction log for database '{database}' is full due to 'LOG_BACKUP'."),
    10928: (20, "Resource ID: 1. The request limit for the database is 60 and has been reached."),
    10929: (
        20,
        (
            "Resource ID: 1. The request minimum guarantee is 0, maximum limit is 60 and the current usage for the database is 60."
            " However, the server is currently too busy to support requests greater than 0 for this database."
        ),
    ),
    10936: (16, "Resource ID : 1. The request limit for the elastic pool is 60 and has been reached."),
    35217: (16, "The thread pool for Always On Availability Groups was unable to start a new worker thread."),
    40143: (20, "The service has encountered an error processing your request. Please try again."),
    40197: (20, "The service has encountered an error processing your request. Please try again. Error code 40540."),
    40501: (20, "The service is currently busy. Retry the request after 10 seconds. Incident ID: 1. Code: 131075."),
    40549: (16, "Session is terminated because you have a long-running transaction. Try shortening your transaction."),
    40550: (16, "The session has been terminated because it has acquired too many locks."),
    40551: (16, "The session has been terminated because of excessive TEMPDB usage."),
    40613: (
        17,
        (
            "Database '{database}' on server 'STANDIN' is not currently available. Please retry the connection later."
            " If the problem persists, contact customer support, and provide them the session tracing ID of '1'."
        ),
    ),
    49918: (16, "Cannot process request. Not enough resources to process request. Please retry you request later."),
    49919: (16, "Cannot process create or update request. Too many create or update operations in progress."),
    49920: (16, "Cannot process request. Too many operations in progress for subscription '1'. Please try again later."),
}
ENDS_TRANSACTION = frozenset({1205, 3960, 3961, 3952, 9002, 40549, 40550, 40551})
