"""What a publication does to the tables of one open database, in the connection's transaction."""

from dataclasses import replace
from pathlib import Path

from dtaas_desktop.connectors.duckdb_file.database import Database, staged_rows, staged_source
from dtaas_desktop.connectors.duckdb_file.mirror import apply_changes, load_softly, refuse_duplicates
from dtaas_desktop.connectors.duckdb_file.records import TargetRecord, record_of
from dtaas_desktop.connectors.duckdb_file.shape import alterations, definition, harm, is_soft, wanted_columns
from dtaas_desktop.connectors.files.sql_types import duckdb_type, quoted
from dtaas_desktop.domain import faults
from dtaas_desktop.domain.changes import KEYED
from dtaas_desktop.domain.errors import TransientError, UserError
from dtaas_desktop.domain.table import REJECTED
from dtaas_desktop.domain.target import REJECTED_SUFFIX, Publication, Target, TargetState


def target_state(database: Database, target: Target) -> TargetState:
    record = record_of(database, target.name)
    if record is None:
        return TargetState(foreign=any(database.exists("main", name) for name in (target.name, target.name + REJECTED_SUFFIX)))
    return replace(record.state, harm=harm(database, target.name, record))


def refuse(database: Database, publication: Publication, record: TargetRecord | None, root: Path) -> None:
    """UserError if the publication cannot be applied to what is there. Changes nothing: others may be published without this one."""
    target = publication.target
    revision = record.state.revision if record else 0
    if revision != publication.after:
        raise UserError(
            f"“{target.name}” was published by someone else in the meantime: it is at revision {revision}, "
            f"this run was planned on revision {publication.after}.",
            remedy="Nothing was written. Run the task again.",
        )
    source = staged_source(publication, root)
    if publication.kind == "load" and target.write_mode in KEYED and source:
        refuse_duplicates(database, target, source)
    if replaces(publication):
        return
    if record is not None:
        _refuse_harmed(database, publication, record)
    alterations(database, target, record)
    if record is None and target.write_mode in KEYED and database.columns(target.name):
        refuse_duplicates(database, target, database.table(target.name))  # somebody else's table, taken over as it is


def _refuse_harmed(database: Database, publication: Publication, record: TargetRecord) -> None:
    target = publication.target
    done, columns = harm(database, target.name, record), database.columns(target.name)
    if publication.kind == "changes" and done:
        raise UserError(f"{done} Changes cannot be applied to that.", remedy=_anew(target))
    made_anew = not columns and target.write_mode in KEYED
    if columns != record.columns and not made_anew:
        raise UserError(done, remedy=f"Restore it. Or: {_anew(target)}")


def replaces(publication: Publication) -> bool:
    """Whether what is staged takes the place of everything before."""
    target = publication.target
    return target.write_mode == "replace" or (
        target.write_mode == "mirror" and publication.kind == "load" and not is_soft(target)
    )


def publish_rows(database: Database, publication: Publication, record: TargetRecord | None, root: Path) -> int:
    """Put what is staged into the target's tables. Returns how many rows (of changes to a mirror: keys) that were."""
    target = publication.target
    if replaces(publication):
        database.execute(f"DROP TABLE IF EXISTS {database.table(target.name)}")
        database.execute(f"CREATE TABLE {database.table(target.name)} ({definition(wanted_columns(target))})")
    else:
        for statement in alterations(database, target, record):
            database.execute(statement)
    faults.reach(f"publish:rows:{target.name}")
    rows = (_mirrored if target.write_mode in KEYED else _added)(database, publication, root)
    _rejected(database, publication, root)
    return rows


def _mirrored(database: Database, publication: Publication, root: Path) -> int:
    if publication.kind == "changes":
        return apply_changes(database, publication, root)
    if is_soft(publication.target):
        load_softly(database, publication, root)
        return staged_rows(publication)
    return _added(database, publication, root)


def _added(database: Database, publication: Publication, root: Path) -> int:
    """The staged rows, added to the target's table in the columns that it has."""
    target = publication.target
    names = (
        [field.name for field in target.staged_schema(publication.kind)]
        if target.write_mode == "history"
        else target.schema.names
    )
    return _insert(database, target.name, names, publication, root, "data")


def _rejected(database: Database, publication: Publication, root: Path) -> None:
    target = publication.target
    name = target.name + REJECTED_SUFFIX
    if replaces(publication) or (publication.kind == "load" and target.write_mode in KEYED):
        database.execute(f"DROP TABLE IF EXISTS {database.table(name)}")
    if staged_source(publication, root, "rejected") is not None:
        columns = {field.name: duckdb_type(field.type) or "VARCHAR" for field in REJECTED}
        database.execute(f"CREATE TABLE IF NOT EXISTS {database.table(name)} ({definition(columns)})")
        _insert(database, name, REJECTED.names, publication, root, "rejected")


def _insert(database: Database, name: str, columns: list[str], publication: Publication, root: Path, role: str) -> int:
    source, rows = staged_source(publication, root, role), staged_rows(publication, role)
    if source is None:
        return 0
    before = database.count(name)
    names = ", ".join(quoted(column) for column in columns)
    database.execute(f"INSERT INTO {database.table(name)} BY NAME SELECT {names} FROM {source}")
    after = database.count(name)
    if after != before + rows:
        raise TransientError(f"“{name}” holds {after} rows after loading, {before + rows} were expected; nothing was changed.")
    return rows


def _anew(target: Target) -> str:
    return "Run a full load." if target.write_mode in KEYED else "Run once with write mode “replace”."
