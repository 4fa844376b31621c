"""Our record of each target, in the database itself: what was published, and what the table looked like afterwards."""

import dataclasses
import json
from dataclasses import dataclass

from dtaas_desktop.connectors.duckdb_file.database import Database
from dtaas_desktop.domain.arrow_json import schema_from_text, schema_to_text
from dtaas_desktop.domain.errors import TransientError
from dtaas_desktop.domain.target import Owner, Publication, Published, TargetState

_RECORDS = """
CREATE SCHEMA IF NOT EXISTS {catalog}._dtaas;
CREATE TABLE IF NOT EXISTS {catalog}._dtaas.targets (
    name VARCHAR PRIMARY KEY, revision BIGINT NOT NULL, position VARCHAR, plan VARCHAR NOT NULL, owner VARCHAR NOT NULL,
    arrow_schema VARCHAR NOT NULL, key VARCHAR NOT NULL, steps VARCHAR NOT NULL, source_schema VARCHAR NOT NULL,
    columns VARCHAR NOT NULL, rows BIGINT NOT NULL, published VARCHAR NOT NULL, published_at TIMESTAMP WITH TIME ZONE NOT NULL
)"""
_VALUES = (
    "revision", "position", "plan", "owner", "arrow_schema", "key", "steps", "source_schema", "columns", "rows", "published",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class TargetRecord:
    """Our row about one target. `columns` (names and types) and `rows` are those of the table when it was published."""

    state: TargetState
    published: Published
    columns: dict[str, str]
    rows: int


def make_records(database: Database) -> None:
    database.execute(_RECORDS.format(catalog=database.catalog))


def record_of(database: Database, name: str) -> TargetRecord | None:
    """The record of a target; DuckDB takes names that differ by case for one."""
    if not database.exists("_dtaas", "targets"):
        return None
    found = database.all(
        f"SELECT {', '.join(_VALUES)} FROM {database.catalog}._dtaas.targets WHERE lower(name) = lower(?)", [name]
    )
    if not found:
        return None
    values = dict(zip(_VALUES, found[0], strict=True))
    text = {name: str(value) for name, value in values.items()}
    state = TargetState(
        revision=int(text["revision"]),
        position=None if values["position"] is None else text["position"],
        plan=text["plan"],
        owner=Owner(**json.loads(text["owner"])),
        schema=schema_from_text(text["arrow_schema"]),
        key=tuple(json.loads(text["key"])),
        steps=text["steps"],
        source=schema_from_text(text["source_schema"]),
    )
    return TargetRecord(state, Published(**json.loads(text["published"])), json.loads(text["columns"]), int(text["rows"]))


def move_record(database: Database, publication: Publication, published: Published) -> None:
    """Write position and revision, if the revision is still the one the publication was planned on."""
    target = publication.target
    values = [
        published.revision,
        publication.position,
        publication.attempt.plan,
        json.dumps(dataclasses.asdict(target.owner)),
        schema_to_text(target.schema.remove_metadata()),
        json.dumps(target.key),
        target.steps,
        schema_to_text(target.source.remove_metadata()),
        json.dumps(database.columns(target.name)),
        database.count(target.name),
        json.dumps(dataclasses.asdict(published)),
    ]
    if publication.after:
        sql = (
            f"UPDATE {database.catalog}._dtaas.targets SET {', '.join(f'{name} = ?' for name in _VALUES)}, published_at = now() "
            "WHERE lower(name) = lower(?) AND revision = ?"
        )
        (changed,) = database.one(sql, [*values, target.name, publication.after])
    else:
        sql = (
            f"INSERT INTO {database.catalog}._dtaas.targets ({', '.join(_VALUES)}, name, published_at) "
            f"VALUES ({', '.join('?' for _ in _VALUES)}, ?, now())"
        )
        (changed,) = database.one(sql, [*values, target.name])
    if changed != 1:
        raise TransientError(f"The record of “{target.name}” changed while it was published.")
