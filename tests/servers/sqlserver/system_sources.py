"""System views as sources of a query: rights, the rows that are not in the catalogue, and the texts wrapped as SQL Server's."""

from functools import lru_cache

from tests.servers.sqlserver.catalogue import DatabaseInfo, fold
from tests.servers.sqlserver.collation import wide
from tests.servers.sqlserver.environment import Environment
from tests.servers.sqlserver.errors import denied_in_database, denied_on_server
from tests.servers.sqlserver.moments import DAY, moment_of
from tests.servers.sqlserver.system_views import SystemView, ViewColumn
from tests.servers.sqlserver.types import DATETIME, INT, TYPE_ROWS, Value, decimal_type
from tests.servers.sqlserver.values import store_moment, store_scaled, whole
from tests.servers.sqlserver.wire import variant

PAGE = 8096


def check_rights(view: SystemView, env: Environment, database: DatabaseInfo) -> None:
    if view.needs == "database" and not env.rights.database_permission(database, "VIEW DATABASE STATE"):
        raise denied_in_database("VIEW DATABASE STATE", database.name)
    if view.needs == "server" and not env.rights.server_permission("VIEW SERVER STATE"):
        raise denied_on_server("VIEW SERVER STATE")


def rendered(view: SystemView, columns: list[ViewColumn], env: Environment, database: DatabaseInfo) -> str:
    """The view as a subquery that has only the columns which are used."""
    prepare(env)
    visible = _visible(env, database) if "{visible}" in view.source else ""
    words = {
        "db": database.id, "name": database.name.replace("'", "''"), "collation": database.collation, "visible": visible,
        "login": fold(env.login).replace("'", "''"), "spid": env.spid, "administrator": int(env.rights.administrator),
        "any_database": int(env.rights.server_permission("VIEW ANY DATABASE")),
        "server_state": int(env.rights.server_permission("VIEW SERVER STATE")),
    }  # fmt: skip
    if "session_rows" in view.source:
        _session_rows(env)
    chosen = ", ".join(f"{wrapped(one)} AS c{view.columns.index(one) + 1}" for one in columns) or "1 AS unused"
    # LIMIT keeps SQLite from flattening views whose keys are computed: it then joins by an index of its own.
    apart = " LIMIT -1" if "partition_id(" in chosen else ""
    return f"(SELECT {chosen} FROM {view.source}{apart})".format(**words)


def wrapped(column: ViewColumn) -> str:
    if column.type.family == "text":
        return f"wide_text({column.sql})" if column.type.wide else f"narrow_text({column.sql})"
    return f"unix_datetime({column.sql})" if column.type.name == "datetime" else column.sql


def _visible(env: Environment, database: DatabaseInfo) -> str:
    seen = env.rights.visible_objects(database)
    if seen is None:
        return "1"
    return f"(o.id IN ({','.join(map(str, sorted(seen)))}) OR o.parent IN ({','.join(map(str, sorted(seen)))}))" if seen else "0"


def prepare(env: Environment) -> None:
    """The functions and small tables that the views use, made once a connection."""
    db = env.engine.db
    if db.execute("SELECT 1 FROM temp.sqlite_master WHERE name = 'type_rows'").fetchone():
        return
    db.execute("CREATE TEMP TABLE type_rows(name, system_type_id, user_type_id, max_length, precision, scale)")
    rows = [(name, *row) for name, row in TYPE_ROWS.items()] + [("sysname", 231, 256, 256, 0, 0)]
    db.executemany("INSERT INTO type_rows VALUES (?, ?, ?, ?, ?, ?)", rows)
    db.execute("CREATE TEMP TABLE numbers(n INTEGER PRIMARY KEY)")
    db.executemany("INSERT INTO numbers VALUES (?)", [(n,) for n in range(1, 1001)])
    db.execute(
        "CREATE TEMP TABLE session_rows(spid, login_time, host, program, client_process, interface, login, database_id, isolation, depth,"
        " encrypted, packet_size, statement, statement_time)"
    )
    integer = decimal_type(38, 0)
    for name, count, compute in (
        ("wide_text", 1, _wide_text),
        ("narrow_text", 1, lambda text: None if text is None else text.encode("cp1252", "replace")),
        ("unix_datetime", 1, lambda seconds: None if seconds is None else unix_datetime(seconds)),
        ("partition_id", 3, lambda table, index, number: (72057594 << 32) + table * 65536 + index * 1024 + number),
        (
            "integer_variant",
            1,
            lambda n: None if n is None else variant(n, INT) if abs(n) < 2**31 else variant(store_scaled(n, integer), integer),
        ),
    ):
        db.create_function(name, count, compute, deterministic=True)
    db.create_function("row_count", 4, lambda *which: _part(_rows(env, which[0], which[1]), *which[2:]))
    db.create_function("page_count", 4, lambda *which: _part(_pages(env, which[0], which[1]), *which[2:]))


@lru_cache(65536)
def _wide_text(text: str | None) -> bytes | None:
    return None if text is None else wide(text)


def _part(total: int, parts: int, number: int) -> int:
    return total // parts + (number <= total % parts)


def unix_datetime(seconds: float) -> Value:
    return store_moment(moment_of(int(seconds * 10_000_000) + 719_162 * DAY), DATETIME)


def _rows(env: Environment, database: int, table: int) -> int:
    row = env.engine.one("SELECT type, coalesce(shared, id) FROM c_object WHERE db = ? AND id = ?", (database, table))
    if row is None or row[0] != "U":
        return 0
    found = env.engine.one(f"SELECT count(*) FROM t_{database}_{int(row[1] or 0)}")
    return whole(found[0]) if found else 0


def _pages(env: Environment, database: int, table: int) -> int:
    widths = env.engine.one(
        "SELECT sum(CASE WHEN length < 0 THEN 64 WHEN length > 0 THEN length ELSE 8 END) FROM c_column WHERE db = ? AND object = ?",
        (database, table),
    )
    rows = _rows(env, database, table)
    return (rows * (whole(widths[0] or 8) + 7) + PAGE - 1) // PAGE if widths else 0


def _session_rows(env: Environment) -> None:
    db = env.engine.db
    db.execute("DELETE FROM session_rows")
    for one in env.sessions():
        db.execute(
            "INSERT INTO session_rows VALUES (:spid, :login_time, :host, :program, :client_process, :interface, :login, :database_id,"
            " :isolation, :depth, :encrypted, :packet_size, :statement, :statement_time)",
            one,
        )
