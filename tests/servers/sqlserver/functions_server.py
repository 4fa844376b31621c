"""Properties of the server, databases, connections and variants, and who may do what ("Security Functions")."""

from tests.servers.sqlserver import syntax as s
from tests.servers.sqlserver.binder import Expr
from tests.servers.sqlserver.catalogue import fold
from tests.servers.sqlserver.collation import collation, narrow_text, wide
from tests.servers.sqlserver.environment import SERVER_NAME, VERSION, Environment
from tests.servers.sqlserver.errors import not_understood
from tests.servers.sqlserver.expressions import Expressions
from tests.servers.sqlserver.functions import as_text, function, values
from tests.servers.sqlserver.functions_meta import Answer, asked, find_table, name_type, split_name
from tests.servers.sqlserver.scope import Scope
from tests.servers.sqlserver.types import INT, VARIANT, Value, named
from tests.servers.sqlserver.values import raw
from tests.servers.sqlserver.wire import variant
from tests.servers.sqlserver.wire_in import variant_content


def _sql_variant(e: Expressions, found: Answer) -> Expr:
    if found is None:
        return e.binder.constant(None, VARIANT)
    kind = name_type(e) if isinstance(found, str) else INT
    return e.binder.constant(variant(wide(found) if isinstance(found, str) else found, kind), VARIANT)


def _constant_text(e: Expressions, value: Expr) -> str:
    text = as_text(e, value, wide=True)
    if text.constant is None:
        raise not_understood("a property's name that is not a constant")
    return narrow_text(raw(text.constant[0]))


@function("SERVERPROPERTY")
def serverproperty(e: Expressions, scope: Scope, node: s.Call) -> Expr:
    known: dict[str, Answer] = {
        "productversion": VERSION, "productlevel": "RTM", "productupdatelevel": "CU16", "edition": "Developer Edition (64-bit)",
        "engineedition": 3, "editionid": -2117995310, "servername": SERVER_NAME, "machinename": SERVER_NAME, "instancename": None,
        "collation": "SQL_Latin1_General_CP1_CI_AS", "isclustered": 0, "ishadrenabled": 0, "isintegratedsecurityonly": 0,
        "issingleuser": 0, "isfulltextinstalled": 0, "productmajorversion": "16", "productminorversion": "0", "productbuild": "4175",
        "isxtpsupported": 1, "ispolybaseinstalled": 0, "lcid": 1033, "sqlcharset": 1, "computernamephysicalnetbios": SERVER_NAME,
        "instancedefaultdatapath": "/data/", "processid": 1, "buildclrversion": "v4.0.30319",
    }  # fmt: skip
    return _sql_variant(e, known.get(_constant_text(e, values(e, scope, node, 1)[0]).lower()))


@function("DATABASEPROPERTYEX")
def databasepropertyex(e: Expressions, scope: Scope, node: s.Call) -> Expr:
    name, what = (_constant_text(e, one) for one in values(e, scope, node, 2))
    database = e.binder.environment.catalogue.database(name)
    if database is None:
        return _sql_variant(e, None)
    read_only = database.read_only or e.binder.environment.read_only_secondary
    known: dict[str, Answer] = {
        "collation": database.collation, "status": "OFFLINE" if database.offline else "ONLINE", "recovery": "FULL", "useraccess": "MULTI_USER",
        "updateability": "READ_ONLY" if read_only else "READ_WRITE", "version": 957, "lcid": 1033, "edition": None, "serviceobjective": None,
    }  # fmt: skip
    return _sql_variant(e, known.get(what.lower()))


@function("CONNECTIONPROPERTY")
def connectionproperty(e: Expressions, scope: Scope, node: s.Call) -> Expr:
    env = e.binder.environment
    known: dict[str, Answer] = {
        "net_transport": "TCP",
        "protocol_type": "TSQL",
        "auth_scheme": "SQL",
        "local_net_address": "127.0.0.1",
        "client_net_address": "127.0.0.1",
        "encrypt_option": str(env.encrypted).upper(),
    }
    return _sql_variant(e, known.get(_constant_text(e, values(e, scope, node, 1)[0]).lower()))


@function("COLLATIONPROPERTY")
def collationproperty(e: Expressions, scope: Scope, node: s.Call) -> Expr:
    name, what = values(e, scope, node, 2)

    def compute(given: Value, wanted: Value) -> bytes | None:
        order = collation(narrow_text(raw(given)))
        found = {"codepage": order.code_page, "lcid": order.lcid, "version": order.version}.get(narrow_text(raw(wanted)).lower())
        return None if found is None else variant(found, INT)

    return asked(e, VARIANT, [as_text(e, one, wide=True) for one in (name, what)], "collationproperty", compute)


@function("SQL_VARIANT_PROPERTY")
def sql_variant_property(e: Expressions, scope: Scope, node: s.Call) -> Expr:
    value, what = values(e, scope, node, 2)
    wanted = _constant_text(e, what).lower()
    value = value if value.known.family == "variant" else e.binder.convert(value, VARIANT)

    def compute(v: Value) -> Value:
        kind, _ = variant_content(raw(v))
        found: dict[str, Answer] = {
            "basetype": kind.name, "precision": kind.shown_precision, "scale": kind.scale, "maxlength": kind.max_length,
            "collation": kind.collation.name if kind.collation else None, "totalbytes": len(raw(v)),
        }  # fmt: skip
        answer = found.get(wanted)
        if answer is None:
            return None
        return (
            variant(wide(answer), named("sysname", collation=e.binder.collation))
            if isinstance(answer, str)
            else variant(answer, INT)
        )

    return e.binder.apply(("variant property", wanted), VARIANT, compute, [value])


@function("HAS_DBACCESS")
def has_dbaccess(e: Expressions, scope: Scope, node: s.Call) -> Expr:
    env = e.binder.environment

    def compute(name: Value) -> Answer:
        found = env.catalogue.database(narrow_text(raw(name)))
        return None if found is None else int(not found.offline and env.rights.user(found) is not None)

    return asked(e, INT, [as_text(e, values(e, scope, node, 1)[0], wide=True)], "has_dbaccess", compute)


@function("IS_SRVROLEMEMBER", "IS_MEMBER", "IS_ROLEMEMBER")
def member(e: Expressions, scope: Scope, node: s.Call) -> Expr:
    given = values(e, scope, node, 1, 2)[:1]
    env = e.binder.environment

    def compute(role: Value) -> Answer:
        name = narrow_text(raw(role))
        if node.name == "IS_SRVROLEMEMBER":
            known = {
                "sysadmin",
                "serveradmin",
                "securityadmin",
                "dbcreator",
                "processadmin",
                "setupadmin",
                "diskadmin",
                "bulkadmin",
                "public",
            }
            return None if fold(name) not in known else int(env.rights.administrator or fold(name) == "public")
        found = env.rights.member_of(env.database, name)
        return None if found is None else int(found)

    return asked(e, INT, [as_text(e, one, wide=True) for one in given], node.name, compute)


@function("HAS_PERMS_BY_NAME")
def has_perms_by_name(e: Expressions, scope: Scope, node: s.Call) -> Expr:
    given = [as_text(e, one, wide=True) for one in values(e, scope, node, 3, 5)]
    env = e.binder.environment

    def compute(securable: Value, kind: Value, permission: Value, sub: Value = None, _sub_kind: Value = None) -> Value:
        texts = [narrow_text(raw(one)) if one is not None else "" for one in (securable, kind, permission, sub)]
        return _has_permission(env, *texts)

    kind = INT
    arguments = ", ".join(one.sql for one in given)
    if all(one.constant is not None for one in given):
        return e.binder.constant(compute(*(one.constant[0] for one in given if one.constant)), kind, nullable=True)
    name = e.binder.engine.function(("has_perms", len(given), env.database.name), len(given), compute, deterministic=False)
    return Expr(f"{name}({arguments})", kind, True)


def _has_permission(env: Environment, securable: str, kind: str, permission: str, column: str) -> int | None:
    kind, permission = kind.upper(), permission.upper()
    if kind in {"", "SERVER"}:
        return int(env.rights.server_permission(permission))
    if kind == "DATABASE":
        database = env.catalogue.database(split_name(securable)[-1]) if securable else env.database
        if database is None:
            return 0
        if permission in {"ANY", "CONNECT"}:
            return int(env.rights.user(database) is not None)
        return int(env.rights.database_permission(database, permission))
    if kind in {"OBJECT", "TABLE", "VIEW"}:
        table = find_table(env, securable)
        if table is None:
            return None
        one = table.column(column) if column else None
        if permission == "ANY":
            return 1
        whole_table = env.rights.may(permission, table)
        return int(whole_table or (one is not None and env.rights.may(permission, table, one.id)))
    if kind == "SCHEMA":
        return int(env.rights.database_permission(env.database, permission))
    return None
