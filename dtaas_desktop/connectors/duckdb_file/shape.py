"""The columns of a target's table: what they should be, what others did to them, and how they follow the target's schema."""

from dtaas_desktop.connectors.duckdb_file.database import Database
from dtaas_desktop.connectors.duckdb_file.numbered_stage import NUMBER
from dtaas_desktop.connectors.duckdb_file.records import TargetRecord
from dtaas_desktop.connectors.files.reserved import reserved_problem
from dtaas_desktop.connectors.files.sql_types import duckdb_type, quoted
from dtaas_desktop.domain.changes import DELETED_AT, LETTERED
from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.target import REJECTED_SUFFIX, Target
from dtaas_desktop.domain.widening import is_wider

INSTANT = "TIMESTAMP WITH TIME ZONE"


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
    if not seen:
        return UserError(f"“{target.name}” has no columns.", remedy="Keep at least one column.")
    if target.write_mode == "mirror" and NUMBER in seen:
        return UserError(
            f"The column “{seen[NUMBER]}” of “{target.name}” has a name that a mirror in DuckDB needs for itself.",
            remedy="Rename it by a step before the destination.",
        )
    return reserved_problem(target)


def wanted_columns(target: Target) -> dict[str, str]:
    """Names and types of the columns that the target's table is to have."""
    fields = [*LETTERED, *target.schema] if target.write_mode == "history" else list(target.schema)
    columns = {field.name: duckdb_type(field.type) or "VARCHAR" for field in fields}
    return columns | ({DELETED_AT: INSTANT} if is_soft(target) else {})


def is_soft(target: Target) -> bool:
    return target.write_mode == "mirror" and target.deletes == "soft"


def definition(columns: dict[str, str]) -> str:
    return ", ".join(f"{quoted(name)} {kind}" for name, kind in columns.items())


def harm(database: Database, name: str, record: TargetRecord) -> str:
    """What somebody else did to the table since it was published, as a sentence; empty if it is as it was."""
    revision = record.state.revision
    columns = database.columns(name)
    if not columns:
        return f"Table “{name}”, which was published here before (revision {revision}), is gone."
    if columns != record.columns:
        return f"The columns of table “{name}” were altered since revision {revision}: {_difference(columns, record.columns)}."
    rows = database.count(name)
    if rows != record.rows:
        return f"Table “{name}” holds {rows} rows; after revision {revision} it held {record.rows}."
    return ""


def alterations(database: Database, target: Target, record: TargetRecord | None) -> list[str]:
    """Statements that give the table, as it is, the target's columns: renamed, added and widened ones. Changes nothing.

    UserError where that is not enough. Without a record of ours the table is somebody else's and must have the columns already.
    """
    table, wanted = database.table(target.name), wanted_columns(target)
    columns = database.columns(target.name)
    if not columns:
        return [f"CREATE TABLE {table} ({definition(wanted)})"]
    statements, columns = _renamed(table, columns, target if record is not None else None)
    if target.write_mode == "mirror" and not is_soft(target) and DELETED_AT in columns:
        # A mirror that deletes for good now has no use for the rows that it only marked before.
        statements.append(f"DELETE FROM {table} WHERE {quoted(DELETED_AT)} IS NOT NULL")
        statements.append(f"ALTER TABLE {table} DROP COLUMN {quoted(DELETED_AT)}")
        del columns[DELETED_AT]
    known, found = _by_lower(columns), dict(columns)
    for name, kind in wanted.items():
        there, was = known.get(name.lower(), (name, None))
        if was is None and (record is not None or name == DELETED_AT):
            statements.append(f"ALTER TABLE {table} ADD COLUMN {quoted(name)} {kind}")
        elif was is not None and was != kind and record is not None and _widens(target, record, name):
            statements.append(f"ALTER TABLE {table} ALTER COLUMN {quoted(there)} TYPE {kind}")
        else:
            continue
        columns[there] = kind
    if {name.lower(): kind for name, kind in columns.items()} != {name.lower(): kind for name, kind in wanted.items()}:
        raise UserError(
            f"Rows cannot be added to table “{target.name}”: {_difference(found, wanted)}.",
            remedy="Make the columns equal, or run once with write mode “replace”.",
        )
    return statements


def _renamed(table: str, columns: dict[str, str], target: Target | None) -> tuple[list[str], dict[str, str]]:
    """Statements that rename, and the columns afterwards. Through names that nothing has: two columns may have swapped theirs."""
    known = _by_lower(columns)
    renamed = target.renamed if target is not None else ()
    old_names = {old.lower() for old, _ in renamed}
    moves = {
        known[old.lower()][0]: new
        for old, new in renamed
        if old.lower() in known and (new.lower() not in known or new.lower() in old_names)
    }
    between = {old: f"__renamed {number}" for number, old in enumerate(moves)}
    statements = [f"ALTER TABLE {table} RENAME COLUMN {quoted(old)} TO {quoted(name)}" for old, name in between.items()]
    statements += [f"ALTER TABLE {table} RENAME COLUMN {quoted(between[old])} TO {quoted(new)}" for old, new in moves.items()]
    return statements, {moves.get(name, name): kind for name, kind in columns.items()}


def _widens(target: Target, record: TargetRecord, name: str) -> bool:
    """Whether the column's type of the last revision fits into the target's."""
    was = {new: old for old, new in target.renamed}.get(name, name)
    schema = record.state.schema
    if schema is None or name not in target.schema.names:
        return False
    old = {field.name.lower(): field.type for field in schema}.get(was.lower())
    return old is not None and is_wider(old, target.schema.field(name).type)


def _difference(columns: dict[str, str], wanted: dict[str, str]) -> str:
    known, needed = _by_lower(columns), _by_lower(wanted)
    missing = [name for key, (name, _) in needed.items() if key not in known]
    extra = [name for key, (name, _) in known.items() if key not in needed]
    other = [
        f"{name} ({known[key][1]}, not {kind})" for key, (name, kind) in needed.items() if key in known and known[key][1] != kind
    ]
    findings = [("it lacks", missing), ("it has besides", extra), ("of another type is", other)]
    said = "; ".join(f"{what} {', '.join(names)}" for what, names in findings if names)
    return said or "they stand in another order"


def _by_lower(columns: dict[str, str]) -> dict[str, tuple[str, str]]:
    return {name.lower(): (name, kind) for name, kind in columns.items()}
