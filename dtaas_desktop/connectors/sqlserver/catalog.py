"""What a database holds: its tables and views with their columns, keys and sizes, in a handful of set-based statements.

Views of the system lack columns in older versions and in compatible servers. Which there are is asked first; what is missing is
taken as “no such thing”. A login sees only what it has some right to: nothing here needs more than SELECT on the tables.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from dtaas_desktop.connectors.sqlserver.connecting import Asking
from dtaas_desktop.connectors.sqlserver.errors import NoTable
from dtaas_desktop.connectors.sqlserver.relations import Database, Index, Relation, StoredColumn
from dtaas_desktop.connectors.sqlserver.sql import literal, quoted, selectable
from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.table import TableRef

_VIEWS = (
    "databases",
    "tables",
    "columns",
    "indexes",
    "index_columns",
    "partitions",
    "allocation_units",
    "change_tracking_tables",
)
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
        flags = [f"d.{name}" if name in known else "0" for name in ("snapshot_isolation_state", "is_cdc_enabled")]
        collation = "d.collation_name" if "collation_name" in known else "NULL"
        row = self.connection.row(
            "SELECT DB_NAME(), CAST(SERVERPROPERTY('ProductVersion') AS nvarchar(128)), CAST(SERVERPROPERTY('Edition') AS nvarchar(128)),"
            " CAST(SERVERPROPERTY('EngineEdition') AS int), SUSER_SNAME(), SCHEMA_NAME(),"
            f" {flags[0]}, {flags[1]}, {collation} FROM sys.databases AS d WHERE d.name = DB_NAME()"
        )
        version = str(row[1] or "")
        major = version.split(".", 1)[0]
        self._default_schema = str(row[5] or "dbo")
        return Database(
            name=str(row[0]),
            version=version,
            major=int(major) if major.isdigit() else 0,
            edition=str(row[2] or ""),
            engine=int(row[3] or 0),
            login=str(row[4] or ""),
            default_schema=self._default_schema,
            snapshot=row[6] == 1,
            collation=str(row[8] or ""),
            change_data_capture=bool(row[7]),
        )

    def tables(self) -> list[TableRef]:
        """Tables and views that a person made and that this login may see."""
        return sorted(self._all_objects())

    def relation(self, ref: TableRef) -> Relation:
        """Looks a table, view or query up. Raises UserError if it is not there, or not for this login."""
        if ref in self._single:
            return self._single[ref]
        self.connection.about(str(ref))
        try:
            found = self._query(ref) if ref.query else self._stored(ref)
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
        rows, size, heap = self._sizes_of(only).get(found.id, (0, 0, False)) if found.kind == "table" else (None, None, False)
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
            tracked = "CASE WHEN k.object_id IS NULL THEN 0 ELSE 1 END" if tracking else "0"
            rows = self.connection.rows(
                "SELECT o.object_id, s.name, o.name, RTRIM(o.type),"
                f" {flag('is_tracked_by_cdc')}, {tracked}, {flag('temporal_type')}, {flag('is_memory_optimized')}, {flag('is_external')}"
                " FROM sys.objects AS o JOIN sys.schemas AS s ON s.schema_id = o.schema_id"
                " LEFT JOIN sys.tables AS t ON t.object_id = o.object_id"
                + (" LEFT JOIN sys.change_tracking_tables AS k ON k.object_id = o.object_id" if tracking else "")
                + " WHERE o.type IN ('U', 'V') AND o.is_ms_shipped = 0 AND s.name <> 'cdc'"
            )
            self._objects = {}
            for id_, schema, name, kind, captured, followed, temporal, memory, external in rows:
                ref = TableRef(name, schema)
                traits = [
                    word
                    for word, has in (
                        ("history of a temporal table", temporal == 1),
                        ("temporal", temporal == 2),
                        ("memory-optimised", memory),
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
        masked = "c.is_masked" if "is_masked" in known else "0"
        encrypted = "c.encryption_type" if "encryption_type" in known else "NULL"
        # Names of types are asked once: a database of 10,000 tables has hundreds of thousands of columns.
        rows = self.connection.rows(
            "SELECT c.object_id, c.name, c.system_type_id, c.user_type_id, c.max_length, c.precision, c.scale, c.collation_name,"
            f" c.is_nullable, c.is_identity, c.is_computed, {masked}, {encrypted}, c.default_object_id"
            " FROM sys.columns AS c JOIN sys.objects AS o ON o.object_id = c.object_id"
            f" WHERE o.type IN ('U', 'V') AND {_one_of('c', only)} ORDER BY c.object_id, c.column_id"
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
            rows = self.connection.rows("SELECT t.user_type_id, t.name, t.is_user_defined FROM sys.types AS t")
            self._types = {id_: (name, bool(own)) for id_, name, own in rows}
        return self._types

    def _stored_column(self, row: Sequence[Any]) -> StoredColumn:
        _, name, system, user, length, precision, scale, collation, nullable, identity, computed, masked, encrypted, default = row
        names = self._type_names()
        called, own = names.get(user, ("", False))
        # The server's own CLR types share one system type; they are known by the name of the user type.
        base, _ = names.get(system, (called, own))
        return StoredColumn(
            name=name,
            type=base.lower(),
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
            alias=called if own and called != base else "",
        )

    def _indexes_of(self, only: int | None) -> dict[int, list[Index]]:
        if self._indexes is not None:
            return self._indexes
        known = self._system_columns()["indexes"]
        whole = "i.has_filter = 0" if "has_filter" in known else "1 = 1"
        rows = self.connection.rows(
            "SELECT i.object_id, i.index_id, i.type, i.is_unique, i.is_primary_key, c.name"
            " FROM sys.indexes AS i JOIN sys.index_columns AS k ON k.object_id = i.object_id AND k.index_id = i.index_id"
            " JOIN sys.columns AS c ON c.object_id = k.object_id AND c.column_id = k.column_id"
            " JOIN sys.objects AS o ON o.object_id = i.object_id"
            f" WHERE o.type = 'U' AND k.key_ordinal > 0 AND i.is_disabled = 0 AND i.is_hypothetical = 0 AND {whole}"
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
        # A partition's pages come from several allocation units; its rows must not be counted once for each.
        rows = self.connection.rows(
            "SELECT p.object_id, SUM(CASE WHEN a.type = 1 OR a.type IS NULL THEN p.rows ELSE 0 END),"
            " SUM(CAST(ISNULL(a.used_pages, 0) AS bigint)), MIN(p.index_id)"
            " FROM sys.partitions AS p LEFT JOIN sys.allocation_units AS a ON a.container_id = p.partition_id"
            f" WHERE p.index_id IN (0, 1) AND {_one_of('p', only)} GROUP BY p.object_id"
        )
        found = {object_id: (int(count or 0), int(pages or 0) * 8192, lowest == 0) for object_id, count, pages, lowest in rows}
        if only is None:
            self._sizes = found
        return found

    # Queries

    def _query(self, ref: TableRef) -> Relation:
        before, source = selectable(ref.query)
        whole = f"{before}SELECT * FROM {source} AS r"
        rows = self.connection.rows(
            "SELECT d.name, d.system_type_id, d.system_type_name, d.max_length, d.precision, d.scale, d.collation_name, d.is_nullable,"
            " d.error_number, d.error_message"
            f" FROM sys.dm_exec_describe_first_result_set({literal(whole)}, NULL, 0) AS d"
            " WHERE ISNULL(d.is_hidden, 0) = 0 ORDER BY d.column_ordinal"
        )
        if not rows:
            raise UserError(f"Query “{ref.name}” gives no columns.", remedy="Write a SELECT that gives at least one.")
        wrong = next((row for row in rows if row[8] is not None), None)
        if wrong is not None:
            self.connection.run(f"{before}SELECT TOP (0) * FROM {source} AS r")  # the server's own error says it best
            raise UserError(f"Query “{ref.name}” cannot be read: {wrong[9]}.", remedy="Correct the query.")
        names = self._type_names()
        columns = tuple(
            StoredColumn(
                name=row[0] or "",
                type=names.get(row[1], (row[2] or "", False))[0].lower().split("(", 1)[0],
                max_length=row[3],
                precision=row[4],
                scale=row[5],
                collation=row[6] or "",
                nullable=row[7] is None or bool(row[7]),
            )
            for row in rows
        )
        unnamed = [column for column in columns if not column.name]
        if unnamed:
            raise UserError(f"Query “{ref.name}” has a column without a name.", remedy="Give every column a name: … AS name.")
        names_of_all = [column.name for column in columns]
        repeated = sorted({name for name in names_of_all if names_of_all.count(name) > 1})
        if repeated:
            raise UserError(
                f"Query “{ref.name}” has two columns “{repeated[0]}”.", remedy="Give one of them another name: … AS name."
            )
        return Relation(ref, "query", source, columns, before=before)

    def _names_of(self, view: str) -> list[str]:
        try:
            return self.connection.names(_look_at(view))[0]
        except NoTable:
            return []

    def _system_columns(self) -> Mapping[str, frozenset[str]]:
        if self._known is None:
            try:
                found = self.connection.names("; ".join(map(_look_at, _VIEWS)))
            except NoTable:  # a view is not there: which one has to be found out
                found = [self._names_of(view) for view in _VIEWS]
            self._known = {view: frozenset(names) for view, names in zip(_VIEWS, found, strict=True)}
        return self._known


def _look_at(view: str) -> str:
    return f"SELECT TOP (0) * FROM sys.{view}"


def _one_of(alias: str, only: int | None) -> str:
    return "1 = 1" if only is None else f"{alias}.object_id = {only}"


def _name(ref: TableRef) -> str:
    return f"{quoted(ref.schema)}.{quoted(ref.name)}"
