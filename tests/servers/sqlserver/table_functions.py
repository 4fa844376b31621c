"""Table-valued functions of the system whose arguments are constants: their rows are known when the query is bound."""

from collections.abc import Callable, Sequence

from tests.servers.sqlserver import syntax as s
from tests.servers.sqlserver.binder import Binder
from tests.servers.sqlserver.catalogue import DatabaseInfo
from tests.servers.sqlserver.collation import CATALOGUE, wide
from tests.servers.sqlserver.environment import Environment
from tests.servers.sqlserver.errors import not_understood
from tests.servers.sqlserver.parse import parse
from tests.servers.sqlserver.types import BIT, INT, SqlType, Value, named, plain

Columns = list[tuple[str, SqlType]]
Rows = list[tuple[Value, ...]]
Describe = Callable[
    [s.Query, Binder], Sequence[tuple[str, SqlType, bool, bool, bool]]
]  # name, type, nullable, identity, computed

_NAME = named("sysname", collation=CATALOGUE)
_DESCRIBED: Columns = [
    ("is_hidden", BIT), ("column_ordinal", INT), ("name", _NAME), ("is_nullable", BIT), ("system_type_id", INT),
    ("system_type_name", SqlType("nvarchar", 256, collation=CATALOGUE)), ("max_length", plain("smallint")), ("precision", plain("tinyint")),
    ("scale", plain("tinyint")), ("collation_name", _NAME), ("user_type_id", INT), ("is_identity_column", BIT),
    ("is_computed_column", BIT), ("is_updateable", BIT), ("error_number", INT), ("error_message", SqlType("nvarchar", 4000, collation=CATALOGUE)),
]  # fmt: skip


def table_function(name: str, arguments: list[str | None], env: Environment, describe: Describe) -> tuple[Columns, Rows]:
    if name == "sys.dm_exec_describe_first_result_set":
        return _DESCRIBED, _described(arguments[0] or "", env, describe)
    if name == "string_split":
        text, separator = arguments[0], arguments[1] or ""
        parts = [] if text is None else text.split(separator)
        return [("value", SqlType("nvarchar", 4000, collation=CATALOGUE))], [(wide(part),) for part in parts]
    if name in {"sys.fn_my_permissions", "fn_my_permissions"}:
        return _permissions(arguments, env)
    raise not_understood(f"the table-valued function {name}")


def _described(sql: str, env: Environment, describe: Describe) -> Rows:
    for statement in parse(sql):
        if isinstance(statement, s.SelectStatement):
            found = describe(statement.query, Binder(env))
            return [_described_row(at, *column) for at, column in enumerate(found, 1)]
    return []


def _described_row(at: int, name: str, kind: SqlType, nullable: bool, identity: bool, computed: bool) -> tuple[Value, ...]:
    numbers = kind.catalogue_row
    clr = kind.name in {"hierarchyid", "geometry", "geography"}  # known by the user's type alone, as is documented
    order = wide(kind.collation.name) if kind.collation else None
    return (
        0, at, wide(name) if name else None, int(nullable), numbers["type_id"], None if clr else wide(kind.words), numbers["max_length"],
        numbers["shown_precision"], kind.scale, order, numbers["user_type"] if kind.alias or clr else None, int(identity), int(computed),
        int(not computed and not identity), None, None,
    )  # fmt: skip


_DATABASE = (
    "CONNECT",
    "SELECT",
    "INSERT",
    "UPDATE",
    "DELETE",
    "EXECUTE",
    "CREATE TABLE",
    "VIEW DATABASE STATE",
    "VIEW DEFINITION",
    "ALTER",
    "CONTROL",
)


def _permissions(arguments: list[str | None], env: Environment) -> tuple[Columns, Rows]:
    columns: Columns = [
        ("entity_name", _NAME),
        ("subentity_name", _NAME),
        ("permission_name", SqlType("nvarchar", 60, collation=CATALOGUE)),
    ]
    securable, kind = arguments[0], (arguments[1] or "").upper()
    if kind == "DATABASE":
        here: DatabaseInfo = env.database
        held = [one for one in _DATABASE if one == "CONNECT" or env.rights.database_permission(here, one)]
        return columns, [(wide("database"), wide(""), wide(one)) for one in held]
    if kind == "SERVER":
        names = ("CONNECT SQL", "VIEW ANY DATABASE", "VIEW SERVER STATE", "CONTROL SERVER")
        held = [one for one in names if one == "CONNECT SQL" or env.rights.server_permission(one)]
        return columns, [(wide("server"), wide(""), wide(one)) for one in held]
    raise not_understood(f"fn_my_permissions({securable}, {kind})")
