"""Databases, schemas, logins, users, roles, and GRANT, DENY, REVOKE."""

from tests.servers.sqlserver import syntax as s
from tests.servers.sqlserver.catalogue import DatabaseInfo, fold, password_hash
from tests.servers.sqlserver.definition import Definitions
from tests.servers.sqlserver.environment import Environment
from tests.servers.sqlserver.errors import SqlError, denied_in_database, not_understood


def missing(what: str, name: str) -> SqlError:
    return SqlError(15151, f"Cannot find the {what} '{name}', because it does not exist or you do not have permission.")


class Administration:
    def __init__(self, env: Environment) -> None:
        self.env = env
        self.catalogue = env.catalogue
        self.run = env.engine.run
        self.tables = Definitions(env)

    def define(self, node: s.Define) -> None:
        rules = {
            ("create", "database"): self._create_database, ("alter", "database"): self._alter_database,
            ("create", "schema"): self._create_schema, ("create", "login"): self._login, ("alter", "login"): self._login,
            ("create", "user"): self._create_user, ("create", "role"): self._create_role, ("alter", "role"): self._alter_role,
            ("alter", "server role"): self._server_role,
        }  # fmt: skip
        rule = rules.get((node.verb, node.what))
        if rule is None:
            raise not_understood(f"{node.verb.upper()} {node.what.upper()}")
        if not (
            self.env.rights.administrator
            or (node.what in {"schema", "user", "role"} and self.env.rights.owner(self.env.database))
        ):
            raise denied_in_database(f"{node.verb} {node.what}".upper(), self.env.database.name)
        rule(node)
        self.catalogue.changed()

    def _create_database(self, node: s.Define) -> None:
        if self.catalogue.database(node.name) is not None:
            raise SqlError(1801, f"Database '{node.name}' already exists. Choose a different database name.")
        options = dict(node.options)
        unknown = set(options) - {"COLLATE"}
        if unknown:
            raise not_understood(f"CREATE DATABASE … {', '.join(unknown)}")
        self.catalogue.add_database(node.name, options.get("COLLATE", self.env.database.collation))

    def _alter_database(self, node: s.Define) -> None:
        database = self.env.database if node.name.upper() == "CURRENT" else self._database(node.name)
        for name, value in node.options:
            on = value.upper() in {"ON", ""}
            columns = {
                "ALLOW_SNAPSHOT_ISOLATION": ("snapshot", int(on)), "READ_COMMITTED_SNAPSHOT": ("rcsi", int(on)),
                "READ_ONLY": ("read_only", 1), "READ_WRITE": ("read_only", 0), "ONLINE": ("offline", 0), "OFFLINE": ("offline", 1),
                "CHANGE_TRACKING": ("change_tracking", int(value.upper() != "OFF")),
                "RECOVERY": ("recovery", {"FULL": 1, "BULK_LOGGED": 2}.get(value.upper(), 3)),
                "COMPATIBILITY_LEVEL": ("compatibility", int(value) if value.isdigit() else 160),
            }  # fmt: skip
            if name == "COLLATE":
                self.run("UPDATE c_database SET collation = ? WHERE id = ?", (value, database.id))
                continue
            if name in {"SINGLE_USER", "MULTI_USER", "AUTO_CLOSE", "AUTO_SHRINK", "PAGE_VERIFY", "WITH"}:
                continue
            if name not in columns:
                raise not_understood(f"ALTER DATABASE … SET {name}")
            column, number = columns[name]
            self.run(f"UPDATE c_database SET {column} = ? WHERE id = ?", (number, database.id))

    def _database(self, name: str) -> DatabaseInfo:
        found = self.catalogue.database(name)
        if found is None:
            raise SqlError(
                5011,
                f"User does not have permission to alter database '{name}', the database does not exist, or the database is not in a state that allows access checks.",
                severity=14,
            )
        return found

    def _create_schema(self, node: s.Define) -> None:
        database = self.env.database
        if self.catalogue.schema(database, node.name) is not None:
            raise SqlError(2714, f"There is already an object named '{node.name}' in the database.", state=6)
        self.run(
            "INSERT INTO c_schema SELECT ?, max(max(id), 4) + 1, ?, ?, 1 FROM c_schema WHERE db = ?",
            (database.id, node.name, fold(node.name), database.id),
        )

    def _login(self, node: s.Define) -> None:
        options = dict(node.options)
        if node.verb == "create":
            if self.env.engine.one("SELECT 1 FROM c_login WHERE folded = ?", (fold(node.name),)) is not None:
                raise SqlError(15025, f"The server principal '{node.name}' already exists.")
            self.catalogue.add_login(node.name, options.get("PASSWORD", ""))
        if self.env.engine.one("SELECT 1 FROM c_login WHERE folded = ?", (fold(node.name),)) is None:
            raise missing("login", node.name)
        for name, value in node.options:
            if name == "PASSWORD":
                self.run("UPDATE c_login SET password = ? WHERE folded = ?", (password_hash(value), fold(node.name)))
            elif name == "DEFAULT_DATABASE":
                self.run("UPDATE c_login SET default_database = ? WHERE folded = ?", (value.strip("[]"), fold(node.name)))
            elif name in {"DISABLE", "ENABLE"}:
                self.run("UPDATE c_login SET disabled = ? WHERE folded = ?", (int(name == "DISABLE"), fold(node.name)))
            elif name == "MUST_CHANGE":
                self.run("UPDATE c_login SET expired = 1 WHERE folded = ?", (fold(node.name),))
            elif name not in {"CHECK_POLICY", "CHECK_EXPIRATION", "DEFAULT_LANGUAGE", "UNLOCK"}:
                raise not_understood(f"{node.verb.upper()} LOGIN … {name}")

    def _create_user(self, node: s.Define) -> None:
        options = dict(node.options)
        login = None
        if "WITHOUT LOGIN" not in options:
            name = options.get("FOR LOGIN", node.name)
            row = self.env.engine.one("SELECT id FROM c_login WHERE folded = ?", (fold(name),))
            if row is None:
                raise SqlError(15007, f"'{name}' is not a valid login or you do not have permission.")
            login = int(row[0] or 0)
        self._principal(node.name, "S", login)

    def _principal(self, name: str, kind: str, login: int | None) -> None:
        database = self.env.database
        if self.env.engine.one("SELECT 1 FROM c_principal WHERE db = ? AND folded = ?", (database.id, fold(name))) is not None:
            raise SqlError(15023, f"User, group, or role '{name}' already exists in the current database.")
        self.run(
            "INSERT INTO c_principal SELECT ?, max(4, (SELECT coalesce(max(id), 4) FROM c_principal WHERE db = ? AND id < 16384)) + 1,"
            " ?, ?, ?, ?, 'dbo'",
            (database.id, database.id, name, fold(name), kind, login),
        )

    def _create_role(self, node: s.Define) -> None:
        self._principal(node.name, "R", None)

    def _alter_role(self, node: s.Define) -> None:
        for action, member in node.options:
            self._membership(self.principal(node.name), self.principal(member), add=action == "ADD MEMBER")

    def _membership(self, role: int, member: int, *, add: bool) -> None:
        database = self.env.database.id
        if add:
            self.run("INSERT OR IGNORE INTO c_member VALUES (?, ?, ?)", (database, role, member))
        else:
            self.run("DELETE FROM c_member WHERE db = ? AND role = ? AND member = ?", (database, role, member))

    def _server_role(self, node: s.Define) -> None:
        if fold(node.name) != "sysadmin":
            raise not_understood(f"the server role {node.name}")
        for action, member in node.options:
            self.run("UPDATE c_login SET admin = ? WHERE folded = ?", (int(action == "ADD MEMBER"), fold(member)))

    def principal(self, name: str) -> int:
        row = self.env.engine.one("SELECT id FROM c_principal WHERE db = ? AND folded = ?", (self.env.database.id, fold(name)))
        if row is None:
            raise missing("user", name)
        return int(row[0] or 0)

    def drop(self, node: s.Drop) -> None:
        for parts in node.names:
            self._drop_one(node.what, parts[-1], if_exists=node.if_exists)
        self.catalogue.changed()

    def _drop_one(self, what: str, name: str, *, if_exists: bool) -> None:
        database = self.env.database.id
        if what == "database":
            found = self.catalogue.database(name)
            if found is None:
                if if_exists:
                    return
                raise SqlError(
                    3701,
                    f"Cannot drop the database '{name}', because it does not exist or you do not have permission.",
                    severity=11,
                )
            rows = self.run("SELECT id FROM c_object WHERE db = ? AND type IN ('U', 'V')", (found.id,)).fetchall()
            for (identity,) in rows:
                self.tables.drop_table(self.catalogue.table_by_id(found, int(identity or 0)))
            for table in ("c_schema", "c_object", "c_principal", "c_member", "c_permission"):
                self.run(f"DELETE FROM {table} WHERE db = ?", (found.id,))
            self.run("DELETE FROM c_database WHERE id = ?", (found.id,))
            return
        tables = {"schema": "c_schema", "user": "c_principal", "role": "c_principal", "login": "c_login"}
        where = "folded = ?" if what == "login" else "folded = ? AND db = ?"
        arguments = (fold(name),) if what == "login" else (fold(name), database)
        done = self.run(f"DELETE FROM {tables[what]} WHERE {where}", arguments)
        if not done.rowcount and not if_exists:
            raise missing(what, name)

    def permission(self, node: s.Permission) -> None:
        if not self.env.rights.owner(self.env.database):
            raise missing("object", ".".join(node.securable) or "database")
        for name, columns in node.permissions:
            names = ["SELECT", "INSERT", "UPDATE", "DELETE"] if name in {"ALL", "ALL PRIVILEGES"} else [name]
            for principal in node.principals:
                for one in names:
                    self._one_permission(node, one, columns, principal)
        self.catalogue.changed()

    def _one_permission(self, node: s.Permission, name: str, columns: tuple[str, ...], principal: str) -> None:
        state = {"grant": "G", "deny": "D"}.get(node.verb)
        if node.level == "server":
            row = self.env.engine.one("SELECT id FROM c_login WHERE folded = ?", (fold(principal),))
            if row is None:
                raise missing("login", principal)
            self.run("DELETE FROM c_server_permission WHERE login = ? AND name = ?", (row[0], name))
            if state:
                self.run("INSERT INTO c_server_permission VALUES (?, ?, ?)", (row[0], name, state))
            return
        database = self.env.database.id
        kind, major, minors = 0, 0, [0]
        if node.level == "schema":
            schema = self.catalogue.schema(self.env.database, node.securable[-1])
            if schema is None:
                raise missing("schema", node.securable[-1])
            kind, major = 3, schema[0]
        elif node.level == "object":
            schema_name = node.securable[-2] if len(node.securable) > 1 else "dbo"
            table = self.catalogue.table(self.env.database, schema_name, node.securable[-1])
            if table is None:
                raise missing("object", node.securable[-1])
            kind, major = 1, table.id
            minors = [info.id for info in table.columns if fold(info.name) in {fold(one) for one in columns}] or [0]
        number = 0 if principal == "public" else self.principal(principal)
        for minor in minors:
            key = (database, number, kind, major, minor, name)
            self.run(
                "DELETE FROM c_permission WHERE db = ? AND principal = ? AND class = ? AND major = ? AND minor = ? AND name = ?",
                key,
            )
            if state:
                self.run("INSERT INTO c_permission VALUES (?, ?, ?, ?, ?, ?, ?)", (*key, state))
