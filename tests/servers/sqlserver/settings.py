"""SET options ("SET Statements (Transact-SQL)")."""

from tests.servers.sqlserver import syntax as s
from tests.servers.sqlserver.environment import Environment
from tests.servers.sqlserver.errors import SqlError, invalid_object, not_understood
from tests.servers.sqlserver.functions_meta import find_table

_SWITCHES = frozenset(
    """ANSI_NULLS ANSI_NULL_DFLT_ON ANSI_NULL_DFLT_OFF ANSI_PADDING ANSI_WARNINGS ANSI_DEFAULTS ARITHABORT ARITHIGNORE
    CONCAT_NULL_YIELDS_NULL CURSOR_CLOSE_ON_COMMIT IMPLICIT_TRANSACTIONS NOCOUNT NUMERIC_ROUNDABORT QUOTED_IDENTIFIER
    XACT_ABORT REMOTE_PROC_TRANSACTIONS FORCEPLAN""".split()  # noqa: SIM905 (a hundred quotes say nothing)
)
_VALUES = frozenset(
    {"TEXTSIZE", "DATEFORMAT", "DATEFIRST", "LANGUAGE", "DEADLOCK_PRIORITY", "LOCK_TIMEOUT", "ROWCOUNT", "CONTEXT_INFO"}
)


def apply_option(env: Environment, node: s.SetOption) -> None:
    if node.names[0] == "IDENTITY_INSERT":
        table = find_table(env, node.names[1])
        if table is None:
            raise invalid_object(node.names[1])
        env.options["IDENTITY_INSERT"] = f"{table.database.id}.{table.id}" if node.value == "ON" else ""
        return
    for name in node.names:
        value = node.value.upper()
        if name in _SWITCHES:
            if name in {"NOEXEC", "FMTONLY", "PARSEONLY", "IMPLICIT_TRANSACTIONS"} and value == "ON":
                raise not_understood(f"SET {name} ON")
            if value not in {"ON", "OFF"}:
                raise SqlError(102, f"Incorrect syntax near '{node.value}'.", severity=15)
            env.options[name] = value
        elif name == "LOCK_TIMEOUT":
            env.lock_timeout = int(value)
        elif name == "ROWCOUNT" and value == "0":
            continue
        elif name in _VALUES and name != "ROWCOUNT":
            if name == "LANGUAGE" and value not in {"US_ENGLISH", "ENGLISH"}:
                raise not_understood(f"SET LANGUAGE {node.value}")
            if name == "DATEFORMAT" and value != "MDY":
                raise not_understood(f"SET DATEFORMAT {node.value}")
            env.options[name] = node.value
        else:
            raise not_understood(f"SET {' '.join(node.names)} {node.value}")
