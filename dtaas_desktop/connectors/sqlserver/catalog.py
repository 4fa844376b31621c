"""What a database holds: its tables and views with their columns, keys and sizes, in a handful of set-based statements.

Views of the system lack columns in older versions and in compatible servers. Which there are is asked first; what is missing is
taken as “no such thing”. A login sees only what it has some right to: nothing here needs more than SELECT on the tables.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from dtaas_desktop.connectors.sqlserver.connecting import Asking
from dtaas_desktop.connectors.sqlserver.errors import NoTable
from dtaas_desktop.connectors.sqlserver.queries import query_relation
from dtaas_desktop.connectors.sqlserver.relations import MEMORY, Database, Index, Relation, StoredColumn
from dtaas_desktop.connectors.sqlserver.sql import quoted
from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.table import TableRef

_VIEWS = (
    "databases",
    "objects",
    "tables",
    "columns",
    "types",
    "indexes",
    "index_columns",
    "partitions",
    "allocation_units",
    "change_tracking_tables",
)
# Columns that a graph table keeps for itself: they are listed, but cannot be selected (sys.columns.graph_type).
_NOT_TO_BE_READ = "1, 3, 4, 6, 7"
_CLUSTERED = 1
_ONE_BY_ONE = 1


@dataclass(frozen=True, slots=True)
class _Object:
    id: int
    ref: TableRef
    kind: Literal["table", "view"]
    traits: tuple[str, ...]
    captured: bool
    tracked: bool


@dataclass
class Catalog:
    """The catalogue as one connection sees it, read when it is asked for and kept: a survey of 10,000 tables reads it once.

    The first table is looked up alone, because a window that shows one need not read about all.
    """

    connection: Asking
    _known: Mapping[str, frozenset[str]] | None = None
    _objects: dict[TableRef, _Object] | None = None
    _columns: dict[int, list[tuple[Any, ...]]] | None = None
    _indexes: dict[int, list[Index]] | None = None
    _sizes: dict[int, tuple[int, int, bool]] | None = None
    _types: Mapping[int, tuple[str, bool]] | None = None
    _single: dict[TableRef, Relation] = field(default_factory=dict)
    _default_schema: str = ""

    def database(self) -> Database:
        known = self._system_columns()["databases"]
        name, version, edition, engine, login, schema, updates = self._about_server()
        snapshot, captured, collation = self._about_database(known)
        major = version.split(".", 1)[0]
        self._default_schema = schema or "dbo"
        return Database(
            name=name,
            version=version,
            major=int(major) if major.isdigit() else 0,
            edition=edition,
            engine=int(engine) if engine.isdigit() else 0,
            login=login,
            default_schema=self._default_schema,
            snapshot=snapshot == "1",
            collation=collation,
            change_data_capture=captured == "1",
            read_only=updates == "READ_ONLY",
        )

    def _about_server(self) -> list[str]:
        asked = (
            "SUSER_SNAME()",
            "SCHEMA_NAME()",
            "SERVERPROPERTY('ProductVersion')",
            "SERVERPROPERTY('Edition')",
            "SERVERPROPERTY('EngineEdition')",
            "DATABASEPROPERTYEX(DB_NAME(), 'Updateability')",
        )
        texts = [f"CAST({one} AS nvarchar(128))" for one in ("DB_NAME()", *asked)]
        try:
            found = self.connection.row(f"SELECT {', '.join(texts)}")
        except UserError:  # a compatible server may lack one of them; without the first there is nothing to work with
            found = (*self.connection.row(f"SELECT {texts[0]}"), *map(self._if_known, texts[1:]))
        name, login, schema, version, edition, engine, updates = (str(one or "") for one in found)
        return [name, version, edition, engine, login, schema, updates]

    def _if_known(self, expression: str) -> object:
        try:
            return self.connection.row(f"SELECT {expression}")[0]
        except UserError:
            return None

    def _about_database(self, known: frozenset[str]) -> list[str]:
        """Whether snapshots are allowed and changes captured, and the collation; empty for what is not known."""
        asked = [name if name in known else "NULL" for name in ("snapshot_isolation_state", "is_cdc_enabled", "collation_name")]
        if "name" not in known:
            return ["", "", ""]
        columns = ", ".join(f"CAST({one} AS nvarchar(128))" for one in asked)
        rows = self.connection.rows(f"SELECT {columns} FROM sys.databases WHERE name = DB_NAME()")
        return ["" if one is None else str(one) for one in (rows[0] if rows else (None, None, None))]

    def tables(self) -> list[TableRef]:
        """Tables and views that a person made and that this login may see."""
        return sorted(self._all_objects())

    def relation(self, ref: TableRef) -> Relation:
        """Looks a table, view or query up. Raises UserError if it is not there, or not for this login."""
        if ref in self._single:
            return self._single[ref]
        self.connection.about(str(ref))
        try:
            found = query_relation(self.connection, ref, self._type) if ref.query else self._stored(ref)
        finally:
            self.connection.about("")
        self._single[ref] = found
        return found

    # Tables and views

    def _stored(self, ref: TableRef) -> Relation:
        fresh = self._objects is None
        found = self._all_objects().get(ref) or self._by_likeness(ref)
        if found is None and not fresh:  # it may have been made since
            self._objects = self._columns = self._indexes = self._sizes = None
            found = self._all_objects().get(ref) or self._by_likeness(ref)
        if found is None:
            raise NoTable(
                f"There is no table or view “{ref}” in the database, or this login may not see it.",
                remedy="It may have been renamed or dropped: choose the tables of the task again, or ask for the right to read it.",
            )
        whole = len(self._single) >= _ONE_BY_ONE
        only = None if whole or self._columns is not None else found.id
        columns = tuple(map(self._stored_column, self._columns_of(found.id, only)))
        if not columns:
            raise NoTable(
                f"The columns of “{ref}” are not shown to this login.", remedy="Ask for the right to read it (GRANT SELECT)."
            )
        # What keeps no rows of its own has no size here: views, external tables, tables in memory.
        rows, size, heap = (
            self._sizes_of(only).get(found.id, (None, None, False)) if found.kind == "table" else (None, None, False)
        )
        external = "external" in found.traits
        return Relation(
            ref,
            found.kind,
            f"{_name(found.ref)}",
            columns,
            indexes=tuple(self._indexes_of(only).get(found.id, ())),
            rows=None if external else rows,
            bytes=None if external else size,
            heap=heap,
            traits=found.traits,
            change_data_capture=found.captured,
            change_tracking=found.tracked,
        )

    def _by_likeness(self, ref: TableRef) -> _Object | None:
        """A name without a schema means the login's own schema, then dbo, then the only one; other case is forgiven if one fits."""
        objects = self._all_objects().values()
        if not ref.schema:
            if not self._default_schema:
                self.database()
            same = {one.ref.schema: one for one in objects if one.ref.name == ref.name}
            for schema in (self._default_schema, "dbo"):
                if schema in same:
                    return same[schema]
            return next(iter(same.values())) if len(same) == 1 else None
        wanted = (ref.schema.casefold(), ref.name.casefold())
        alike = [one for one in objects if (one.ref.schema.casefold(), one.ref.name.casefold()) == wanted]
        return alike[0] if len(alike) == 1 else None

    def _all_objects(self) -> dict[TableRef, _Object]:
        if self._objects is None:
            known = self._system_columns()["tables"]

            def flag(name: str) -> str:
                return f"ISNULL(t.{name}, 0)" if name in known else "0"

            tracking = self._system_columns()["change_tracking_tables"]
            shipped = "o.is_ms_shipped = 0" if "is_ms_shipped" in self._system_columns()["objects"] else "1 = 1"
            flags = [flag(one) for one in ("is_tracked_by_cdc", "temporal_type", "is_memory_optimized", "is_external")]
            tracked = "CASE WHEN k.object_id IS NULL THEN 0 ELSE 1 END" if tracking else "0"
            rows = self.connection.rows(
                f"SELECT o.object_id, s.name, o.name, RTRIM(o.type), {flags[0]}, {tracked}, {', '.join(flags[1:])}"
                " FROM sys.objects AS o JOIN sys.schemas AS s ON s.schema_id = o.schema_id"
                + (" LEFT JOIN sys.tables AS t ON t.object_id = o.object_id" if known else "")
                + (" LEFT JOIN sys.change_tracking_tables AS k ON k.object_id = o.object_id" if tracking else "")
                + f" WHERE o.type IN ('U', 'V') AND {shipped} AND s.name <> 'cdc'"
            )
            self._objects = {}
            for id_, schema, name, kind, captured, followed, temporal, memory, external in rows:
                ref = TableRef(name, schema)
                traits = [
                    word
                    for word, has in (
                        ("history of a temporal table", temporal == 1),
                        ("temporal", temporal == 2),
                        (MEMORY, memory),
                        ("external", external),
                    )
                    if has
                ]
                known_as: Literal["table", "view"] = "table" if kind == "U" else "view"
                self._objects[ref] = _Object(id_, ref, known_as, tuple(traits), bool(captured), bool(followed))
        return self._objects

    def _columns_of(self, id_: int, only: int | None) -> list[tuple[Any, ...]]:
        if self._columns is not None:
            return self._columns.get(id_, [])
        known = self._system_columns()["columns"]

        def one(name: str, otherwise: str = "0") -> str:
            return f"c.{name}" if name in known else otherwise

        traits = ", ".join(map(one, ("is_identity", "is_computed", "is_masked")))
        kept = f"ISNULL(c.graph_type, 0) NOT IN ({_NOT_TO_BE_READ})" if "graph_type" in known else "1 = 1"
        # Names of types are asked once: a database of 10,000 tables has hundreds of thousands of columns.
        rows = self.connection.rows(
            "SELECT c.object_id, c.name, c.system_type_id, c.user_type_id, c.max_length, c.precision, c.scale,"
            f" {one('collation_name', 'NULL')}, c.is_nullable, {traits}, {one('encryption_type', 'NULL')}, {one('default_object_id')}"
            " FROM sys.columns AS c JOIN sys.objects AS o ON o.object_id = c.object_id"
            f" WHERE o.type IN ('U', 'V') AND {kept} AND {_one_of('c', only)} ORDER BY c.object_id, c.column_id"
        )
        found: dict[int, list[tuple[Any, ...]]] = {}
        for row in rows:
            found.setdefault(row[0], []).append(row)
        if only is None:
            self._columns = found
        return found.get(id_, [])

    def _type_names(self) -> Mapping[int, tuple[str, bool]]:
        """The names of types by their id, and whether somebody made them here."""
        if self._types is None:
            own = "t.is_user_defined" if "is_user_defined" in self._system_columns()["types"] else "0"
            rows = self.connection.rows(f"SELECT t.user_type_id, t.name, {own} FROM sys.types AS t")
            self._types = {id_: (name, bool(own)) for id_, name, own in rows}
        return self._types

    def _type(self, system: int, user: int | None) -> tuple[str, str]:
        """The name of the server's own type, and the one that somebody gave it here. The server's CLR types share one system type,
        and a vector has that of varbinary: those are known by their own name; only sysname is no type of its own."""
        names = self._type_names()
        called, own = names.get(system if user is None else user, ("", False))
        if called and not own and called != "sysname":
            return called.lower(), ""
        base, _ = names.get(system, (called, own))
        return base.lower(), called if own and called != base else ""

    def _stored_column(self, row: Sequence[Any]) -> StoredColumn:
        _, name, system, user, length, precision, scale, collation, nullable, identity, computed, masked, encrypted, default = row
        kind, alias = self._type(system, user)
        return StoredColumn(
            name=name,
            type=kind,
            max_length=length,
            precision=precision,
            scale=scale,
            collation=collation or "",
            nullable=bool(nullable),
            identity=bool(identity),
            computed=bool(computed),
            masked=bool(masked),
            encrypted=encrypted is not None,
            has_default=bool(default),
            alias=alias,
        )

    def _indexes_of(self, only: int | None) -> dict[int, list[Index]]:
        if self._indexes is not None:
            return self._indexes
        known = self._system_columns()["indexes"]
        if not known or "key_ordinal" not in self._system_columns()["index_columns"]:
            return {}
        usable = " AND ".join(f"i.{name} = 0" for name in ("is_disabled", "is_hypothetical", "has_filter") if name in known)
        primary = "i.is_primary_key" if "is_primary_key" in known else "0"
        rows = self.connection.rows(
            f"SELECT i.object_id, i.index_id, i.type, i.is_unique, {primary}, c.name"
            " FROM sys.indexes AS i JOIN sys.index_columns AS k ON k.object_id = i.object_id AND k.index_id = i.index_id"
            " JOIN sys.columns AS c ON c.object_id = k.object_id AND c.column_id = k.column_id"
            " JOIN sys.objects AS o ON o.object_id = i.object_id"
            f" WHERE o.type = 'U' AND k.key_ordinal > 0 AND {usable or '1 = 1'}"
            f" AND (i.is_unique = 1 OR i.type = {_CLUSTERED}) AND {_one_of('i', only)}"
            " ORDER BY i.object_id, i.index_id, k.key_ordinal"
        )
        grouped: dict[tuple[int, int], list[tuple[Any, ...]]] = {}
        for row in rows:
            grouped.setdefault((row[0], row[1]), []).append(row)
        found: dict[int, list[Index]] = {}
        for (object_id, _), of_one in grouped.items():
            first = of_one[0]
            columns = tuple(row[5] for row in of_one)
            found.setdefault(object_id, []).append(Index(columns, bool(first[3]), bool(first[4]), first[2] == _CLUSTERED))
        if only is None:
            self._indexes = found
        return found

    def _sizes_of(self, only: int | None) -> dict[int, tuple[int, int, bool]]:
        """Rows, bytes, and whether the table is a heap, by object. Estimates that the server keeps for itself."""
        if self._sizes is not None:
            return self._sizes
        if "rows" not in self._system_columns()["partitions"]:
            return {}
        # A partition's pages come from several allocation units, or none (columnstore): added up first, so that no row counts twice.
        pages, units = "0", ""
        if "used_pages" in self._system_columns()["allocation_units"]:
            pages = "SUM(CAST(ISNULL(a.pages, 0) AS bigint))"
            units = (
                " LEFT JOIN (SELECT u.container_id, SUM(u.used_pages) AS pages FROM sys.allocation_units AS u GROUP BY u.container_id)"
                " AS a ON a.container_id = p.partition_id"
            )
        rows = self.connection.rows(
            f"SELECT p.object_id, SUM(p.rows), {pages}, MIN(p.index_id) FROM sys.partitions AS p{units}"
            f" WHERE p.index_id IN (0, 1) AND {_one_of('p', only)} GROUP BY p.object_id"
        )
        found = {object_id: (int(count or 0), int(size or 0) * 8192, lowest == 0) for object_id, count, size, lowest in rows}
        if only is None:
            self._sizes = found
        return found

    def _names_of(self, view: str) -> list[str]:
        try:
            return self.connection.names(_look_at(view))[0]
        except UserError:
            return []

    def _system_columns(self) -> Mapping[str, frozenset[str]]:
        if self._known is None:
            self.connection.open()
            try:
                found = self.connection.names("; ".join(map(_look_at, _VIEWS)))
            except UserError:  # a view is not there, or not shown: which one has to be found out
                found = [self._names_of(view) for view in _VIEWS]
            self._known = {view: frozenset(names) for view, names in zip(_VIEWS, found, strict=True)}
        return self._known


def _look_at(view: str) -> str:
    return f"SELECT TOP (0) * FROM sys.{view}"


def _one_of(alias: str, only: int | None) -> str:
    return "1 = 1" if only is None else f"{alias}.object_id = {only}"


def _name(ref: TableRef) -> str:
    return f"{quoted(ref.schema)}.{quoted(ref.name)}"
