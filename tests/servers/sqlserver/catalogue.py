"""What the server knows of its databases: kept in SQLite tables beside the rows, changed by DDL in the same transaction."""

import hashlib
import os
import time
from dataclasses import dataclass, field, replace

from tests.servers.sqlserver.collation import DEFAULT, collation
from tests.servers.sqlserver.engine import Engine
from tests.servers.sqlserver.errors import SqlError
from tests.servers.sqlserver.types import SqlType

SCHEMA = """
CREATE TABLE c_database(id INTEGER PRIMARY KEY, name TEXT, folded TEXT UNIQUE, collation TEXT, created REAL, snapshot INT DEFAULT 0,
  rcsi INT DEFAULT 0, read_only INT DEFAULT 0, cdc INT DEFAULT 0, change_tracking INT DEFAULT 0, offline INT DEFAULT 0,
  rowversion INT DEFAULT 2000, compatibility INT DEFAULT 160, recovery INT DEFAULT 1, fork BLOB);
CREATE TABLE c_schema(db INT, id INT, name TEXT, folded TEXT, owner INT DEFAULT 1, PRIMARY KEY(db, id)) WITHOUT ROWID;
CREATE UNIQUE INDEX c_schema_name ON c_schema(db, folded);
CREATE TABLE c_object(db INT, id INT, schema INT, name TEXT, folded TEXT, type TEXT, parent INT DEFAULT 0, created REAL,
  modified REAL, definition TEXT, cdc INT DEFAULT 0, change_tracking INT DEFAULT 0, memory_optimized INT DEFAULT 0,
  temporal INT DEFAULT 0, history INT, external INT DEFAULT 0, partitions INT DEFAULT 1, durability INT DEFAULT 0,
  lock_escalation INT DEFAULT 0, filetable INT DEFAULT 0, node INT DEFAULT 0, edge INT DEFAULT 0, replicated INT DEFAULT 0,
  dropped_ledger INT DEFAULT 0, shipped INT DEFAULT 0, version INT DEFAULT 0, frozen INT DEFAULT 0, shared INT, PRIMARY KEY(db, id)) WITHOUT ROWID;
CREATE UNIQUE INDEX c_object_name ON c_object(db, schema, folded);
CREATE TABLE c_column(db INT, object INT, id INT, name TEXT, folded TEXT, type TEXT, length INT, precision INT, scale INT,
  collation TEXT, alias TEXT, nullable INT, identity INT DEFAULT 0, seed INT, increment INT, last INT, computed TEXT,
  persisted INT DEFAULT 0, definition TEXT, masked TEXT, encryption INT DEFAULT 0, sparse INT DEFAULT 0, guid INT DEFAULT 0,
  hidden INT DEFAULT 0, generated INT DEFAULT 0, filestream INT DEFAULT 0, column_set INT DEFAULT 0, type_id INT, user_type INT,
  max_length INT, shown_precision INT,
  PRIMARY KEY(db, object, id)) WITHOUT ROWID;
CREATE TABLE c_index(db INT, object INT, id INT, name TEXT, type INT, is_unique INT, is_primary INT, is_constraint INT,
  filter TEXT, disabled INT DEFAULT 0, constraint_id INT, PRIMARY KEY(db, object, id)) WITHOUT ROWID;
CREATE TABLE c_index_column(db INT, object INT, index_id INT, position INT, column_id INT, key_ordinal INT, descending INT,
  included INT, PRIMARY KEY(db, object, index_id, position)) WITHOUT ROWID;
CREATE TABLE c_login(id INTEGER PRIMARY KEY, name TEXT, folded TEXT UNIQUE, password TEXT, disabled INT DEFAULT 0,
  default_database TEXT DEFAULT 'master', admin INT DEFAULT 0, sid BLOB, expired INT DEFAULT 0, locked INT DEFAULT 0);
CREATE TABLE c_server_permission(login INT, name TEXT, state TEXT, PRIMARY KEY(login, name));
CREATE TABLE c_principal(db INT, id INT, name TEXT, folded TEXT, type TEXT, login INT, default_schema TEXT DEFAULT 'dbo',
  PRIMARY KEY(db, id)) WITHOUT ROWID;
CREATE UNIQUE INDEX c_principal_name ON c_principal(db, folded);
CREATE TABLE c_member(db INT, role INT, member INT, PRIMARY KEY(db, role, member));
CREATE TABLE c_permission(db INT, principal INT, class INT, major INT, minor INT, name TEXT, state TEXT,
  PRIMARY KEY(db, principal, class, major, minor, name));
CREATE TABLE c_collation(name TEXT PRIMARY KEY);
CREATE TABLE c_counter(name TEXT PRIMARY KEY, value INT);
INSERT INTO c_counter VALUES ('object', 245575913);
"""
SYSTEM_DATABASES = ("master", "tempdb", "model", "msdb")
FIXED_ROLES = (
    ("public", 0), ("db_owner", 16384), ("db_accessadmin", 16385), ("db_securityadmin", 16386), ("db_ddladmin", 16387),
    ("db_backupoperator", 16389), ("db_datareader", 16390), ("db_datawriter", 16391), ("db_denydatareader", 16392),
    ("db_denydatawriter", 16393),
)  # fmt: skip


def fold(name: str) -> str:
    return name.casefold().rstrip(" ")


def password_hash(password: str) -> str:
    return hashlib.sha256(b"stand-in:" + password.encode("utf-16-le", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class ColumnInfo:
    id: int
    name: str
    type: SqlType
    nullable: bool
    identity: tuple[int, int] | None = None
    computed: str = ""
    persisted: bool = False
    default: str = ""
    masked: str = ""
    encryption: int = 0
    hidden: bool = False
    generated: int = 0

    @property
    def stored(self) -> str:
        return f"c{self.id}"


@dataclass(frozen=True, slots=True)
class IndexInfo:
    id: int
    name: str
    columns: tuple[tuple[int, bool], ...]  # column id, descending
    unique: bool
    primary: bool
    clustered: bool


@dataclass(frozen=True, slots=True)
class TableInfo:
    database: "DatabaseInfo"
    id: int
    schema_id: int
    schema: str
    name: str
    type: str
    columns: tuple[ColumnInfo, ...]
    definition: str = ""
    frozen: bool = False
    version: int = 0
    shared: int = 0  # the table whose (empty) rows it shows: one of many copies
    indexes: tuple[IndexInfo, ...] = field(default=())
    in_memory: bool = False

    @property
    def storage(self) -> str:
        return f"t_{self.database.id}_{self.shared or self.id}"

    def column(self, name: str) -> ColumnInfo | None:
        folded = fold(name)
        return next((one for one in self.columns if fold(one.name) == folded), None)


@dataclass(frozen=True, slots=True)
class DatabaseInfo:
    id: int
    name: str
    collation: str
    snapshot: bool
    rcsi: bool
    read_only: bool
    offline: bool


def create(engine: Engine) -> None:
    engine.db.executescript(SCHEMA)
    engine.run("BEGIN IMMEDIATE")
    for name in SYSTEM_DATABASES:
        Catalogue(engine).add_database(name, DEFAULT)
    Catalogue(engine).add_login("sa", "", admin=True, identity=1)
    engine.run("COMMIT")


class Catalogue:
    """Reads and changes the catalogue; whoever changes holds a write transaction and calls `changed`."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._tables: dict[tuple[int, int], TableInfo] = {}
        self._known_version = -1

    @property
    def version(self) -> int:
        row = self.engine.one("PRAGMA user_version")
        return int(row[0] or 0) if row else 0

    def changed(self) -> None:
        self.engine.run(f"PRAGMA user_version={self.version + 1}")

    def next_id(self) -> int:
        row = self.engine.one("UPDATE c_counter SET value = value + 16 WHERE name = 'object' RETURNING value")
        return int(row[0] or 0) if row else 0

    # ---- databases and schemas

    def add_database(self, name: str, collation_name: str) -> int:
        collation(collation_name)
        run = self.engine.db.execute
        taken = self.engine.one("SELECT coalesce(max(id), 0) + 1 FROM c_database")
        number = int(taken[0] or 0) if taken else 1
        run(
            "INSERT INTO c_database(id, name, folded, collation, created, fork) VALUES (?, ?, ?, ?, ?, ?)",
            (number, name, fold(name), collation_name, time.time(), os.urandom(16)),
        )
        for schema, identity in (("dbo", 1), ("guest", 2), ("INFORMATION_SCHEMA", 3), ("sys", 4)):
            run("INSERT INTO c_schema VALUES (?, ?, ?, ?, ?)", (number, identity, schema, fold(schema), identity))
            kind = "S"
            run("INSERT INTO c_principal VALUES (?, ?, ?, ?, ?, ?, 'dbo')", (number, identity, schema, fold(schema), kind, None))
        for role, identity in FIXED_ROLES:
            run("INSERT INTO c_principal VALUES (?, ?, ?, ?, 'R', NULL, NULL)", (number, identity, role, fold(role)))
        if name == "msdb" or name in {"master", "tempdb"}:
            run("INSERT INTO c_permission VALUES (?, 2, 0, 0, 0, 'CONNECT', 'G')", (number,))
        self.changed()
        return number

    def database(self, name: str) -> DatabaseInfo | None:
        row = self.engine.one(
            "SELECT id, name, collation, snapshot, rcsi, read_only, offline FROM c_database WHERE folded = ?", (fold(name),)
        )
        if row is None:
            return None
        snapshot, rcsi, read_only, offline = (bool(one) for one in row[3:])
        return DatabaseInfo(int(row[0] or 0), str(row[1]), str(row[2]), snapshot, rcsi, read_only, offline)

    def databases(self) -> list[str]:
        return [str(name) for (name,) in self.engine.run("SELECT name FROM c_database ORDER BY id")]

    def schema(self, database: DatabaseInfo, name: str) -> tuple[int, str] | None:
        row = self.engine.one("SELECT id, name FROM c_schema WHERE db = ? AND folded = ?", (database.id, fold(name)))
        return None if row is None else (int(row[0] or 0), str(row[1]))

    # ---- tables and views

    def table(self, database: DatabaseInfo, schema: str, name: str) -> TableInfo | None:
        row = self.engine.one(
            "SELECT o.id FROM c_object o JOIN c_schema s ON s.db = o.db AND s.id = o.schema"
            " WHERE o.db = ? AND s.folded = ? AND o.folded = ? AND o.type IN ('U', 'V')",
            (database.id, fold(schema), fold(name)),
        )
        return None if row is None else self.table_by_id(database, int(row[0] or 0))

    def table_by_id(self, database: DatabaseInfo, identity: int) -> TableInfo:
        self.refresh()
        found = self._tables.get((database.id, identity))
        if found is None:
            found = self._read(database, identity)
            self._tables[database.id, identity] = found
        return replace(found, database=database) if found.database != database else found

    def refresh(self) -> None:
        """Forget what is old, and know the orders of text that indexes are made of."""
        version = self.version
        if version != self._known_version:
            self._tables.clear()
            self._known_version = version
            for (name,) in self.engine.db.execute("SELECT name FROM c_collation").fetchall():
                for wide in (False, True):
                    self.engine.order(name, wide=wide)

    def _read(self, database: DatabaseInfo, identity: int) -> TableInfo:
        row = self.engine.one(
            "SELECT o.schema, s.name, o.name, o.type, o.definition, o.frozen, o.version, o.shared, o.memory_optimized FROM c_object o"
            " JOIN c_schema s ON s.db = o.db AND s.id = o.schema WHERE o.db = ? AND o.id = ?",
            (database.id, identity),
        )
        if row is None:
            raise SqlError(208, f"Invalid object name '{identity}'.")
        return TableInfo(
            database, identity, int(row[0] or 0), str(row[1]), str(row[2]), str(row[3]), self._columns(database, identity),
            definition=str(row[4] or ""), frozen=bool(row[5]), version=int(row[6] or 0), shared=int(row[7] or 0), indexes=self._indexes(database, identity),
            in_memory=bool(row[8]),
        )  # fmt: skip

    def _columns(self, database: DatabaseInfo, identity: int) -> tuple[ColumnInfo, ...]:
        rows = self.engine.db.execute(
            "SELECT id, name, type, length, precision, scale, collation, alias, nullable, identity, seed, increment, computed,"
            " persisted, definition, masked, encryption, hidden, generated FROM c_column WHERE db = ? AND object = ? ORDER BY id",
            (database.id, identity),
        ).fetchall()
        return tuple(
            ColumnInfo(
                row[0], row[1],
                SqlType(row[2], row[3], row[4], row[5], collation(row[6]) if row[6] else None, row[7] or ""),
                nullable=bool(row[8]), identity=(row[10], row[11]) if row[9] else None, computed=row[12] or "",
                persisted=bool(row[13]), default=row[14] or "", masked=row[15] or "", encryption=row[16], hidden=bool(row[17]),
                generated=row[18],
            )
            for row in rows
        )  # fmt: skip

    def _indexes(self, database: DatabaseInfo, identity: int) -> tuple[IndexInfo, ...]:
        rows = self.engine.db.execute(
            "SELECT id, name, type, is_unique, is_primary FROM c_index WHERE db = ? AND object = ? AND id > 0 ORDER BY id",
            (database.id, identity),
        ).fetchall()
        found = []
        for number, name, kind, unique, primary in rows:
            columns = self.engine.db.execute(
                "SELECT column_id, descending FROM c_index_column WHERE db = ? AND object = ? AND index_id = ? AND included = 0"
                " ORDER BY key_ordinal",
                (database.id, identity, number),
            ).fetchall()
            keys = tuple((column, bool(descending)) for column, descending in columns)
            found.append(IndexInfo(number, name, keys, bool(unique), bool(primary), kind == 1))
        return tuple(found)

    def touched(self, table: TableInfo) -> None:
        """The rows of a table have changed: pages of rows kept of it are stale."""
        if table.frozen:
            self.engine.run("UPDATE c_object SET version = version + 1 WHERE db = ? AND id = ?", (table.database.id, table.id))
            self.changed()

    # ---- logins

    def add_login(self, name: str, password: str, *, admin: bool = False, identity: int | None = None) -> int:
        cursor = self.engine.run(
            "INSERT INTO c_login(id, name, folded, password, admin, sid) VALUES (?, ?, ?, ?, ?, ?)",
            (identity, name, fold(name), password_hash(password), int(admin), b"\1" if identity == 1 else os.urandom(16)),
        )
        return int(cursor.lastrowid or 0)
