"""SQL of the DuckDB destination: our record of each target, and the statements that load one publication."""

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from dtaas_desktop.connectors.files.sql_types import duckdb_type, glob_text, literal, quoted
from dtaas_desktop.domain.arrow_json import schema_from_text, schema_to_text
from dtaas_desktop.domain.errors import TransientError, UserError
from dtaas_desktop.domain.table import REJECTED
from dtaas_desktop.domain.target import REJECTED_SUFFIX, Owner, Publication, Published, Target, TargetState

_RECORDS = """
CREATE SCHEMA IF NOT EXISTS {catalog}._dtaas;
CREATE TABLE IF NOT EXISTS {catalog}._dtaas.targets (
    name VARCHAR PRIMARY KEY, revision BIGINT NOT NULL, position VARCHAR, plan VARCHAR NOT NULL, owner VARCHAR NOT NULL,
    arrow_schema VARCHAR NOT NULL, rows BIGINT NOT NULL, published_at TIMESTAMP WITH TIME ZONE NOT NULL, published VARCHAR NOT NULL
)"""


@dataclass(frozen=True, slots=True)
class TargetRecord:
    """Our row about one target. `name` may differ from the target's by case: DuckDB takes such names for one."""

    name: str
    state: TargetState
    published: Published


class Tables:
    """The tables of one open database. Statements run in the connection's transaction, if there is one."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        (name,) = self._one("SELECT current_database()")
        self._catalog = quoted(str(name))

    def make_records(self) -> None:
        self._connection.execute(_RECORDS.format(catalog=self._catalog))

    def record(self, name: str) -> TargetRecord | None:
        if not self._exists("_dtaas", "targets"):
            return None
        sql = f"SELECT name, revision, position, plan, owner, arrow_schema, published FROM {self._catalog}._dtaas.targets WHERE lower(name) = lower(?)"
        found = self._connection.execute(sql, [name]).fetchall()
        if not found:
            return None
        known, revision, position, plan, owner, schema, published = found[0]
        state = TargetState(revision, position, plan, Owner(**json.loads(owner)), schema_from_text(schema))
        return TargetRecord(known, state, Published(**json.loads(published)))

    def state(self, target: Target) -> TargetState:
        record = self.record(target.name)
        if record is not None:
            return record.state
        return TargetState(foreign=any(self._exists("main", name) for name in (target.name, target.name + REJECTED_SUFFIX)))

    def columns(self, name: str) -> dict[str, str]:
        """Names and types of a table's columns in order; empty if there is no such table."""
        sql = (
            "SELECT column_name, data_type FROM duckdb_columns() WHERE database_name = current_database() AND schema_name = 'main' "
            "AND lower(table_name) = lower(?) ORDER BY column_index"
        )
        return dict(self._connection.execute(sql, [name]).fetchall())

    def load(self, publication: Publication, root: Path) -> int:
        """Put the staged rows into the target's tables, and count them there. Returns the target's rows now."""
        target = publication.target
        rows = self._load(target.name, target.schema, publication, root, "data")
        rejected = target.name + REJECTED_SUFFIX
        if any(file.role == "rejected" for staged in publication.staged for file in staged.files):
            self._load(rejected, REJECTED, publication, root, "rejected")
        elif target.write_mode == "replace":
            self._connection.execute(f"DROP TABLE IF EXISTS {self._table(rejected)}")
        return rows

    def move_record(self, publication: Publication, published: Published, rows: int) -> None:
        """Write position and revision, if the revision is still the one the publication was planned on."""
        target = publication.target
        values = [
            published.revision,
            publication.position,
            publication.attempt.plan,
            json.dumps(dataclasses.asdict(target.owner)),
            schema_to_text(target.schema.remove_metadata()),
            rows,
            json.dumps(dataclasses.asdict(published)),
        ]
        if publication.after:
            sql = (
                f"UPDATE {self._catalog}._dtaas.targets SET revision = ?, position = ?, plan = ?, owner = ?, arrow_schema = ?, rows = ?, "
                "published = ?, published_at = now() WHERE lower(name) = lower(?) AND revision = ?"
            )
            (changed,) = self._one(sql, [*values, target.name, publication.after])
        else:
            sql = (
                f"INSERT INTO {self._catalog}._dtaas.targets (revision, position, plan, owner, arrow_schema, rows, published, published_at, name) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, now(), ?)"
            )
            (changed,) = self._one(sql, [*values, target.name])
        if changed != 1:
            raise TransientError(f"The record of “{target.name}” changed while it was published.")

    def rows(self, name: str, limit: int) -> pa.Table:
        return self._connection.sql(f"FROM {self._table(name)} LIMIT {int(limit)}").to_arrow_table()

    def _load(self, name: str, schema: pa.Schema, publication: Publication, root: Path, role: str) -> int:
        table = self._table(name)
        if publication.target.write_mode == "replace":
            self._connection.execute(f"DROP TABLE IF EXISTS {table}")
        self._connection.execute(f"CREATE TABLE IF NOT EXISTS {table} ({_definition(schema)})")
        files = [file for staged in publication.staged for file in staged.files if file.role == role]
        (before,) = self._one(f"SELECT count(*) FROM {table}")
        if files:
            names = ", ".join(quoted(column) for column in schema.names)
            paths = ", ".join(literal(glob_text((root / file.staged).as_posix())) for file in files)
            self._connection.execute(
                f"INSERT INTO {table} BY NAME SELECT {names} FROM read_parquet([{paths}], hive_partitioning = false)"
            )
        (after,) = self._one(f"SELECT count(*) FROM {table}")
        expected = before + sum(file.rows for file in files)
        if after != expected:
            raise TransientError(f"“{name}” holds {after} rows after loading, {expected} were expected; nothing was changed.")
        return int(after)

    def _exists(self, schema: str, name: str) -> bool:
        sql = (
            "SELECT count(*) FROM (SELECT table_name AS name, schema_name, database_name FROM duckdb_tables() UNION ALL "
            "SELECT view_name, schema_name, database_name FROM duckdb_views()) "
            "WHERE database_name = current_database() AND schema_name = ? AND lower(name) = lower(?)"
        )
        (count,) = self._one(sql, [schema, name])
        return bool(count)

    def _table(self, name: str) -> str:
        return f"{self._catalog}.main.{quoted(name)}"

    def _one(self, sql: str, values: Sequence[object] = ()) -> tuple[int, ...]:
        # fetchall, though it is one row: a result that was not read to its end blocks the connection
        (row,) = self._connection.execute(sql, list(values)).fetchall()
        return row


def problem(target: Target) -> UserError | None:
    """What keeps the target from being a table of DuckDB's, whatever is in the file."""
    if target.name.lower().endswith(REJECTED_SUFFIX):
        return UserError(
            f"Names that end in “{REJECTED_SUFFIX}” are kept for rejected rows, so “{target.name}” cannot be used.",
            remedy="Choose another name.",
        )
    if "\0" in target.name or not target.name:
        return UserError("A table's name must be non-empty, without NUL.", remedy="Choose another name.")
    seen: dict[str, str] = {}
    for field in target.schema:
        twin = seen.get(field.name.lower())
        seen[field.name.lower()] = field.name
        if twin is not None:
            return UserError(
                f"The columns “{twin}” and “{field.name}” of “{target.name}” differ by case only; DuckDB takes them for one.",
                remedy="Rename one of them.",
            )
        if not field.name or "\0" in field.name:
            return UserError(f"“{target.name}” has a column without a name.", remedy="Rename it.")
        if duckdb_type(field.type) is None:
            return UserError(
                f"Column “{field.name}” has the type {field.type}, which DuckDB cannot hold exactly.",
                remedy="Cast it to another type.",
            )
    return None if seen else UserError(f"“{target.name}” has no columns.", remedy="Keep at least one column.")


def append_problem(target: Target, columns: dict[str, str], *, published: bool) -> UserError | None:
    """Why rows of the target cannot be added to the table with these columns as it is."""
    if not columns:
        if not published:
            return None
        return UserError(
            f"Table “{target.name}”, which was published here before, is gone.",
            remedy="Restore it, or run once with write mode “replace”.",
        )
    wanted = {field.name.lower(): (field.name, duckdb_type(field.type)) for field in target.schema}
    known = {name.lower(): (name, kind) for name, kind in columns.items()}
    missing = [name for key, (name, _) in wanted.items() if key not in known]
    extra = [name for key, (name, _) in known.items() if key not in wanted]
    other = [
        f"{name} ({known[key][1]}, not {kind})" for key, (name, kind) in wanted.items() if key in known and known[key][1] != kind
    ]
    findings = [("it lacks", missing), ("it has besides", extra), ("of another type is", other)]
    said = "; ".join(f"{what} {', '.join(names)}" for what, names in findings if names)
    if not said:
        return None
    return UserError(
        f"Rows cannot be appended to table “{target.name}”: {said}.",
        remedy="Make the columns equal, or run once with write mode “replace”.",
    )


def _definition(schema: pa.Schema) -> str:
    return ", ".join(f"{quoted(field.name)} {duckdb_type(field.type)}" for field in schema)
