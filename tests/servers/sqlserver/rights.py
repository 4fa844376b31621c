"""Who may do what: logins, users, roles, GRANT and DENY ("Permissions (Database Engine)", "Metadata Visibility Configuration")."""

from dataclasses import dataclass

from tests.servers.sqlserver.catalogue import Catalogue, DatabaseInfo, TableInfo, fold
from tests.servers.sqlserver.errors import SqlError, denied, denied_column, denied_in_database

_WRITES = frozenset({"INSERT", "UPDATE", "DELETE"})
_VISIBLE = ("SELECT", "INSERT", "UPDATE", "DELETE", "VIEW DEFINITION", "REFERENCES", "ALTER", "CONTROL", "VIEW CHANGE TRACKING")


@dataclass(frozen=True)
class Rights:
    """Of one login. An administrator (sa) may do everything; so may a db_owner in its database."""

    catalogue: Catalogue
    login_id: int
    login: str
    administrator: bool

    def user(self, database: DatabaseInfo) -> tuple[int, str] | None:
        """The principal that the login is in a database: its user, dbo, or guest where guest may connect."""
        if self.administrator:
            return 1, "dbo"
        engine = self.catalogue.engine
        row = engine.one("SELECT id, name FROM c_principal WHERE db = ? AND login = ?", (database.id, self.login_id))
        if row is None:
            guest = "SELECT 2, 'guest' FROM c_permission WHERE db = ? AND principal = 2 AND name = 'CONNECT' AND state = 'G'"
            row = engine.one(guest, (database.id,))
        return None if row is None else (int(row[0] or 0), str(row[1]))

    def principals(self, database: DatabaseInfo) -> tuple[int, ...]:
        """The user, public, and every role it is in, directly or by another role."""
        user = self.user(database)
        if user is None:
            return (0,)
        rows = self.catalogue.engine.run(
            "WITH RECURSIVE r(id) AS (SELECT ? UNION SELECT m.role FROM c_member m JOIN r ON m.member = r.id WHERE m.db = ?)"
            " SELECT id FROM r",
            (user[0], database.id),
        )
        return (0, *(int(one or 0) for (one,) in rows))

    def owner(self, database: DatabaseInfo) -> bool:
        return self.administrator or bool({1, 16384} & set(self.principals(database)))

    def _states(self, database: DatabaseInfo, permission: str, table: TableInfo | None) -> set[tuple[int, int, str]]:
        """(class, minor, state) of every GRANT and DENY that bears on this."""
        mine = self.principals(database)
        marks = ",".join("?" * len(mine))
        where = "class = 0"
        arguments: list[int | str] = [database.id, *mine, permission]
        if table is not None:
            where = "(class = 0 OR (class = 3 AND major = ?) OR (class = 1 AND major = ?))"
            arguments += [table.schema_id, table.id]
        rows = self.catalogue.engine.run(
            f"SELECT class, minor, state FROM c_permission WHERE db = ? AND principal IN ({marks})"
            f" AND name IN (?, 'CONTROL') AND {where}",
            arguments,
        )
        found = {(int(kind or 0), int(minor or 0), str(state)) for kind, minor, state in rows}
        if permission == "SELECT" and 16390 in mine:
            found.add((0, 0, "G"))
        if permission in _WRITES and 16391 in mine:
            found.add((0, 0, "G"))
        if (permission == "SELECT" and 16392 in mine) or (permission in _WRITES and 16393 in mine):
            found.add((0, 0, "D"))
        return found

    def database_permission(self, database: DatabaseInfo, permission: str) -> bool:
        if self.owner(database):
            return True
        states = self._states(database, permission, None)
        if any(state == "D" for _, _, state in states):
            return False
        if any(state == "G" for _, _, state in states):
            return True
        return permission == "VIEW DATABASE STATE" and self.server_permission("VIEW SERVER STATE")

    def server_permission(self, permission: str) -> bool:
        if self.administrator:
            return True
        row = self.catalogue.engine.one(
            "SELECT 1 FROM c_server_permission WHERE login = ? AND name IN (?, 'CONTROL SERVER') AND state = 'G'",
            (self.login_id, permission),
        )
        return row is not None or (permission == "VIEW ANY DATABASE" and self._sees_all_databases())

    def _sees_all_databases(self) -> bool:
        """public has VIEW ANY DATABASE unless it was taken away from this login."""
        row = self.catalogue.engine.one(
            "SELECT 1 FROM c_server_permission WHERE login = ? AND name = 'VIEW ANY DATABASE' AND state = 'D'", (self.login_id,)
        )
        return row is None

    def may(self, permission: str, table: TableInfo, column: int = 0) -> bool:
        if self.owner(table.database):
            return True
        states = self._states(table.database, permission, table)
        if any(state == "D" and (kind != 1 or minor in {0, column}) for kind, minor, state in states):
            return False
        return any(state == "G" and (kind != 1 or minor in {0, column}) for kind, minor, state in states)

    def check(self, permission: str, table: TableInfo, columns: set[int] | None = None) -> None:
        """229 if nothing of the table may be touched; 230 for a column that may not, where others may."""
        if self.owner(table.database):
            return
        where = (table.name, table.database.name, table.schema)
        if self.may(permission, table) and not any(
            state == "D" for _, _, state in self._states(table.database, permission, table) - {(0, 0, "G")}
        ):
            return
        allowed = {one.id for one in table.columns if self.may(permission, table, one.id)}
        if not allowed:
            raise denied(permission, *where)
        for one in table.columns:
            if one.id not in allowed and (columns is None or one.id in columns):
                raise denied_column(permission, one.name, *where)

    def sees(self, table: TableInfo) -> bool:
        """Metadata is seen of what one owns or has any permission on."""
        return (
            self.owner(table.database)
            or self.database_permission(table.database, "VIEW DEFINITION")
            or any(any(state == "G" for _, _, state in self._states(table.database, one, table)) for one in _VISIBLE)
        )

    def visible_objects(self, database: DatabaseInfo) -> set[int] | None:
        """The ids of the tables and views whose metadata are seen; None: all."""
        if self.owner(database) or self.database_permission(database, "VIEW DEFINITION"):
            return None
        mine = self.principals(database)
        marks, names = ",".join("?" * len(mine)), ",".join("?" * len(_VISIBLE))
        granted = f"db = ? AND principal IN ({marks}) AND state = 'G' AND name IN ({names})"
        words: tuple[int | str, ...] = (database.id, *mine, *_VISIBLE)
        if {16390, 16391} & set(mine) or self.catalogue.engine.one(
            f"SELECT 1 FROM c_permission WHERE {granted} AND class = 0", words
        ):
            return None
        rows = self.catalogue.engine.run(
            f"SELECT major FROM c_permission WHERE {granted} AND class = 1 UNION SELECT id FROM c_object"
            f" WHERE db = ? AND schema IN (SELECT major FROM c_permission WHERE {granted} AND class = 3)",
            (*words, database.id, *words),
        )
        return {int(one or 0) for (one,) in rows}

    def need(self, database: DatabaseInfo, permission: str) -> None:
        if not self.database_permission(database, permission):
            raise denied_in_database(permission, database.name)

    def member_of(self, database: DatabaseInfo, role: str) -> bool | None:
        row = self.catalogue.engine.one(
            "SELECT id FROM c_principal WHERE db = ? AND folded = ? AND type = 'R'", (database.id, fold(role))
        )
        if row is None:
            return None
        return self.administrator or row[0] in self.principals(database)


def not_under_context(login: str, database: str) -> SqlError:
    text = f'The server principal "{login}" is not able to access the database "{database}" under the current security context.'
    return SqlError(916, text, severity=14)
