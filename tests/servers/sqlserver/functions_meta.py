"""Functions of the server, the session and the catalogue ("Metadata Functions", "Security Functions", "Configuration Functions")."""

import re
from collections.abc import Callable

from tests.servers.sqlserver import syntax as s
from tests.servers.sqlserver.binder import Expr
from tests.servers.sqlserver.catalogue import DatabaseInfo, TableInfo
from tests.servers.sqlserver.collation import narrow_text, wide
from tests.servers.sqlserver.environment import SERVER_NAME, VERSION_TEXT, Environment
from tests.servers.sqlserver.errors import not_understood
from tests.servers.sqlserver.expressions import Expressions
from tests.servers.sqlserver.functions import as_int, as_text, function, number, values
from tests.servers.sqlserver.scope import Scope
from tests.servers.sqlserver.types import INT, TYPE_ROWS, SqlType, Value, plain
from tests.servers.sqlserver.values import raw

Answer = str | int | None


def name_type(e: Expressions, length: int = 128) -> SqlType:
    return SqlType("nvarchar", length, collation=e.binder.collation)


def _constant(
    answer: Callable[[Environment], Answer], kind: SqlType | None = None
) -> Callable[[Expressions, Scope, s.Call], Expr]:
    def handler(e: Expressions, scope: Scope, node: s.Call) -> Expr:
        found = answer(e.binder.environment)
        if isinstance(found, str) or (found is None and kind is None):
            return e.binder.constant(wide(found) if isinstance(found, str) else None, kind or name_type(e))
        return e.binder.constant(found, kind or INT)

    return handler


def _user(env: Environment) -> str | None:
    user = env.rights.user(env.database)
    return user[1] if user else None


for _names, _answer in {
    "@@SPID": lambda env: env.spid, "@@TRANCOUNT": lambda env: env.depth, "@@ROWCOUNT": lambda env: env.rowcount,
    "@@ERROR": lambda env: env.error, "@@LOCK_TIMEOUT": lambda env: env.lock_timeout, "@@SERVERNAME": lambda _: SERVER_NAME,
    "@@VERSION": lambda _: VERSION_TEXT, "@@LANGUAGE": lambda _: "us_english", "@@MAX_PRECISION": lambda _: 38,
    "@@MICROSOFTVERSION": lambda _: 0x10000FA0, "@@DATEFIRST": lambda _: 7, "@@OPTIONS": lambda _: 5432, "@@SERVICENAME": lambda _: "MSSQLSERVER",
    "@@NESTLEVEL": lambda _: 0, "@@FETCH_STATUS": lambda _: 0, "@@TEXTSIZE": lambda _: 2147483647, "@@LANGID": lambda _: 0,
    "XACT_STATE": lambda env: int(env.depth > 0), "SUSER_SNAME SUSER_NAME ORIGINAL_LOGIN SYSTEM_USER": lambda env: env.login,
    "USER_NAME CURRENT_USER SESSION_USER USER": _user, "HOST_NAME": lambda env: env.host, "APP_NAME": lambda env: env.program,
    "ERROR_NUMBER": lambda env: env.caught[0] if env.caught else None, "ERROR_MESSAGE": lambda env: env.caught[1] if env.caught else None,
    "ERROR_SEVERITY": lambda env: env.caught[2] if env.caught else None, "ERROR_STATE": lambda env: env.caught[3] if env.caught else None,
}.items():  # fmt: skip
    function(*_names.split())(_constant(_answer, INT if _names.startswith("ERROR_") and "MESSAGE" not in _names else None))


function("ROWCOUNT_BIG")(_constant(lambda env: env.rowcount, SqlType("bigint")))


@function("SCOPE_IDENTITY", "@@IDENTITY")
def scope_identity(e: Expressions, scope: Scope, node: s.Call) -> Expr:
    kind = SqlType("numeric", precision=38, scale=0)
    found = e.binder.environment.identity
    from tests.servers.sqlserver.values import store_scaled

    return e.binder.constant(None if found is None else store_scaled(found, kind), kind)


@function("MIN_ACTIVE_ROWVERSION", "@@DBTS")
def rowversion(e: Expressions, scope: Scope, node: s.Call) -> Expr:
    """What is not committed is not seen here: all that is active lies above the database's committed counter."""
    env = e.binder.environment
    row = env.engine.one("SELECT rowversion FROM c_database WHERE id = ?", (env.database.id,))
    last = int(row[0] or 0) if row else 0
    if node.name == "MIN_ACTIVE_ROWVERSION":
        from_here = env.options.get("first rowversion")
        last = int(from_here) if from_here else last + 1
    return e.binder.constant(last.to_bytes(8, "big"), SqlType("varbinary", 8))


def asked(e: Expressions, kind: SqlType, arguments: list[Expr], key: str, compute: Callable[..., Answer | bytes]) -> Expr:
    """A function that asks the catalogue for each row."""

    def run(*given: Value) -> Value:
        found = None if None in given else compute(*given)
        return wide(found) if isinstance(found, str) else found

    if all(one.constant is not None for one in arguments):
        return e.binder.constant(run(*(one.constant[0] for one in arguments if one.constant)), kind, nullable=True)
    env = e.binder.environment
    name = e.binder.engine.function((key, len(arguments), env.database.name), len(arguments), run, deterministic=False)
    return Expr(f"{name}({', '.join(one.sql for one in arguments)})", kind, True)


def _database(env: Environment, identity: Value = None) -> DatabaseInfo | None:
    if identity is None:
        return env.database
    row = env.engine.one("SELECT name FROM c_database WHERE id = ?", (identity,))
    return env.catalogue.database(str(row[0])) if row else None


@function("DB_NAME")
def db_name(e: Expressions, scope: Scope, node: s.Call) -> Expr:
    given = [as_int(e, one) for one in values(e, scope, node, 0, 1)]
    env = e.binder.environment

    def compute(identity: Value = None) -> Answer:
        found = _database(env, identity)
        return found.name if found else None

    return asked(e, name_type(e), given, "db_name", compute)


@function("DB_ID")
def db_id(e: Expressions, scope: Scope, node: s.Call) -> Expr:
    given = [as_text(e, one, wide=True) for one in values(e, scope, node, 0, 1)]
    env = e.binder.environment

    def compute(name: Value = None) -> Answer:
        found = env.database if name is None else env.catalogue.database(narrow_text(raw(name)))
        return found.id if found else None

    return asked(e, plain("smallint"), given, "db_id", compute)


def split_name(text: str) -> list[str]:
    parts = re.findall(r"\[((?:[^\]]|\]\])*)\]|\"([^\"]*)\"|([^.\[\]\"]+)|(?<=\.)()(?=\.)", text)
    return [(a.replace("]]", "]") or b or c).strip() for a, b, c, _ in parts]


def find_table(env: Environment, text: str) -> TableInfo | None:
    """A table or view by a name of one to three parts, if its metadata may be seen."""
    parts = split_name(text)
    database = env.catalogue.database(parts[-3]) if len(parts) > 2 else env.database
    if database is None or not parts:
        return None
    found = env.catalogue.table(database, parts[-2] if len(parts) > 1 and parts[-2] else "dbo", parts[-1])
    return found if found and env.rights.sees(found) else None


@function("OBJECT_ID")
def object_id(e: Expressions, scope: Scope, node: s.Call) -> Expr:
    given = [as_text(e, one, wide=True) for one in values(e, scope, node, 1, 2)]
    env = e.binder.environment

    def compute(name: Value, kind: Value = None) -> Answer:
        found = find_table(env, narrow_text(raw(name)))
        wanted = narrow_text(raw(kind)).strip().upper() if kind is not None else ""
        if found is None:
            from tests.servers.sqlserver.system_views import view_id

            parts = split_name(narrow_text(raw(name)))
            return view_id(parts[-2], parts[-1]) if len(parts) > 1 and wanted in {"", "V"} else None
        return found.id if wanted in {"", found.type} else None

    return asked(e, INT, given, "object_id", compute)


def _object(env: Environment, identity: Value) -> TableInfo | None:
    row = env.engine.one("SELECT type FROM c_object WHERE db = ? AND id = ?", (env.database.id, identity))
    if row is None:
        return None
    found = env.catalogue.table_by_id(env.database, number(identity))
    return found if env.rights.sees(found) else None


@function("OBJECT_NAME", "OBJECT_SCHEMA_NAME")
def object_name(e: Expressions, scope: Scope, node: s.Call) -> Expr:
    given = [as_int(e, one) for one in values(e, scope, node, 1, 2)]
    env = e.binder.environment

    def compute(identity: Value, _database_id: Value = None) -> Answer:
        found = _object(env, identity)
        return None if found is None else found.name if node.name == "OBJECT_NAME" else found.schema

    return asked(e, name_type(e), given, node.name, compute)


@function("SCHEMA_NAME")
def schema_name(e: Expressions, scope: Scope, node: s.Call) -> Expr:
    given = [as_int(e, one) for one in values(e, scope, node, 0, 1)]
    env = e.binder.environment

    def compute(identity: Value = 1) -> Answer:
        row = env.engine.one("SELECT name FROM c_schema WHERE db = ? AND id = ?", (env.database.id, identity))
        return str(row[0]) if row else None

    return asked(e, name_type(e), given, "schema_name", compute)


@function("SCHEMA_ID")
def schema_id(e: Expressions, scope: Scope, node: s.Call) -> Expr:
    given = [as_text(e, one, wide=True) for one in values(e, scope, node, 0, 1)]
    env = e.binder.environment

    def compute(name: Value = None) -> Answer:
        found = env.catalogue.schema(env.database, "dbo" if name is None else narrow_text(raw(name)))
        return found[0] if found else None

    return asked(e, INT, given, "schema_id", compute)


@function("TYPE_NAME")
def type_name(e: Expressions, scope: Scope, node: s.Call) -> Expr:
    names = {row[1]: name for name, row in TYPE_ROWS.items()} | {256: "sysname"}
    return asked(
        e, name_type(e), [as_int(e, values(e, scope, node, 1)[0])], "type_name", lambda identity: names.get(number(identity))
    )


@function("TYPE_ID")
def type_id(e: Expressions, scope: Scope, node: s.Call) -> Expr:
    def compute(name: Value) -> Answer:
        row = TYPE_ROWS.get(split_name(narrow_text(raw(name)).lower())[-1])
        return row[1] if row else None

    return asked(e, INT, [as_text(e, values(e, scope, node, 1)[0], wide=True)], "type_id", compute)


@function("COL_NAME")
def col_name(e: Expressions, scope: Scope, node: s.Call) -> Expr:
    env = e.binder.environment

    def compute(table: Value, column: Value) -> Answer:
        found = _object(env, table)
        return next((one.name for one in found.columns if one.id == column), None) if found else None

    return asked(e, name_type(e), [as_int(e, one) for one in values(e, scope, node, 2)], "col_name", compute)


@function("COL_LENGTH")
def col_length(e: Expressions, scope: Scope, node: s.Call) -> Expr:
    env = e.binder.environment

    def compute(table: Value, column: Value) -> Answer:
        found = find_table(env, narrow_text(raw(table)))
        one = found.column(narrow_text(raw(column))) if found else None
        return one.type.max_length if one else None

    return asked(e, plain("smallint"), [as_text(e, one, wide=True) for one in values(e, scope, node, 2)], "col_length", compute)


@function("COLUMNPROPERTY")
def columnproperty(e: Expressions, scope: Scope, node: s.Call) -> Expr:
    table, column, what = values(e, scope, node, 3)
    env = e.binder.environment

    def compute(identity: Value, name: Value, wanted: Value) -> Answer:
        found = _object(env, identity)
        one = found.column(narrow_text(raw(name))) if found else None
        if one is None:
            return None
        known = {
            "allowsnull": int(one.nullable), "columnid": one.id, "iscomputed": int(bool(one.computed)), "isidentity": int(bool(one.identity)),
            "ishidden": int(one.hidden), "precision": one.type.shown_precision, "scale": one.type.scale, "isrowguidcol": 0, "issparse": 0,
            "iscolumnset": 0, "generatedalwaystype": one.generated,
        }  # fmt: skip
        key = narrow_text(raw(wanted)).lower()
        if key not in known:
            raise not_understood(f"COLUMNPROPERTY '{key}'")
        return known[key]

    texts = [as_text(e, one, wide=True) for one in (column, what)]
    return asked(e, INT, [as_int(e, table), *texts], "columnproperty", compute)


@function("OBJECTPROPERTY", "OBJECTPROPERTYEX")
def objectproperty(e: Expressions, scope: Scope, node: s.Call) -> Expr:
    table, what = values(e, scope, node, 2)
    env = e.binder.environment

    def compute(identity: Value, wanted: Value) -> Answer:
        found = _object(env, identity)
        if found is None:
            return None
        clustered = any(one.clustered for one in found.indexes)
        known = {
            "istable": found.type == "U", "isusertable": found.type == "U", "isview": found.type == "V", "ismsshipped": False,
            "tablehasprimarykey": any(one.primary for one in found.indexes), "tablehasclustindex": clustered,
            "tablehasidentity": any(one.identity for one in found.columns), "tableistemporal": False,
            "schemaid": found.schema_id,
        }  # fmt: skip
        key = narrow_text(raw(wanted)).lower()
        if key not in known:
            raise not_understood(f"OBJECTPROPERTY '{key}'")
        return int(known[key])

    return asked(e, INT, [as_int(e, table), as_text(e, what, wide=True)], "objectproperty", compute)


@function("IDENT_CURRENT")
def ident_current(e: Expressions, scope: Scope, node: s.Call) -> Expr:
    from tests.servers.sqlserver.values import store_scaled

    env, kind = e.binder.environment, SqlType("numeric", precision=38, scale=0)

    def compute(name: Value) -> bytes | int | None:
        found = find_table(env, narrow_text(raw(name)))
        row = (
            env.engine.one(
                "SELECT coalesce(last, seed) FROM c_column WHERE db = ? AND object = ? AND identity = 1",
                (found.database.id, found.id),
            )
            if found
            else None
        )
        stored = store_scaled(int(row[0] or 0), kind) if row else None
        return stored if not isinstance(stored, float) else None

    return asked(e, kind, [as_text(e, values(e, scope, node, 1)[0], wide=True)], "ident_current", compute)
