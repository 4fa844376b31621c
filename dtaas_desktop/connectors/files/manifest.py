"""What readers find beside the data: `_manifest.json` (the files that count, their schema, how to read them) and `_SUCCESS`."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa

from dtaas_desktop.connectors.files import disk
from dtaas_desktop.connectors.files.commits import KeptFile, Record, State
from dtaas_desktop.connectors.files.current_state import current_state, mirror_count
from dtaas_desktop.connectors.files.formats import stored_schema, suffix
from dtaas_desktop.connectors.files.layout import MANIFEST, SUCCESS, Places
from dtaas_desktop.connectors.files.recipes import Reading, recipes
from dtaas_desktop.connectors.files.sql_types import duckdb_type, glob_text, literal
from dtaas_desktop.domain.arrow_json import schema_to_text
from dtaas_desktop.domain.changes import CHANGE_MODES, LETTERED, SAME
from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.target import Published

_MADE_BY = "DTaaS Desktop"


def publish_manifest(places: Places, state: State, *, scratch: str) -> None:
    """Put manifest and marker of the state's newest revision in the place of the old ones."""
    record = state.last
    if record is None:
        return
    folder = disk.make_folders(places.root, places.folder)
    temporary = disk.make_folders(places.root, scratch)
    text = json.dumps(_content(places, record, state), ensure_ascii=False, indent=1)
    disk.replace(folder / MANIFEST, text.encode(), scratch=temporary / f"manifest-{record.nonce}")
    disk.replace(folder / SUCCESS, b"", scratch=temporary / f"success-{record.nonce}")


def is_current(places: Places, state: State) -> bool:
    """Whether readers are shown the state's newest revision."""
    shown = _shown(places)
    return state.last is None or (
        shown is not None and shown.get("revision") == state.revision and (places.root / places.folder / SUCCESS).exists()
    )


def refuse_foreign_manifest(places: Places) -> None:
    """UserError if the target's folder has somebody else's manifest, which ours would overwrite."""
    path = places.root / places.folder / MANIFEST
    if path.exists() and (_shown(places) or {}).get("made_by") != _MADE_BY:
        raise UserError(f"“{path}” belongs to another program and would be overwritten.", remedy="Choose another name or folder.")


def published(places: Places, record: Record) -> Published:
    data = [file for file in record.files if file.role == "data"]
    return Published(
        target=record.target,
        revision=record.number,
        rows=sum(file.rows for file in data),
        files=len(data),
        bytes=sum(file.bytes for file in data),
        location=str(places.root / places.folder),
        query=query(places, record),
    )


def query(places: Places, record: Record) -> str:
    """A query for DuckDB to try, over all files of the target."""
    if record.write_mode == "mirror":
        reading = Reading(record.settings, stored_schema(record.schema), {}, places.folder, key=record.key)
        return mirror_count(reading, f"{glob_text(places.root.as_posix())}/{places.folder}")
    pattern = f"{glob_text(places.root.as_posix())}/{places.folder}/**/{places.folder}-*{suffix(record.settings)}"
    reader = {"parquet": "read_parquet", "csv": "read_csv", "json": "read_json"}[record.settings.format]
    options = ", hive_partitioning=true" if record.settings.layout == "hive" else ""
    return f"SELECT count(*) FROM {reader}({literal(pattern)}{options})"


def _shown(places: Places) -> dict[str, Any] | None:
    try:
        content = json.loads((places.root / places.folder / MANIFEST).read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def _content(places: Places, record: Record, state: State) -> dict[str, Any]:
    data = [file for file in state.files if file.role == "data"]
    rejected = [file for file in state.files if file.role == "rejected"]
    reading, number_of = _reading(places, record, state)
    older = [shape for number, shape in sorted(reading.shapes.items()) if number]
    return {
        "made_by": _MADE_BY,
        "format": 1,
        "target": record.target,
        "table": record.owner.table,
        "task": record.owner.task,
        "node": record.owner.node,
        "revision": record.number,
        "position": record.position,
        "published_at": record.published_at,
        "write_mode": record.write_mode,
        "key": list(record.key),
        "loaded_revision": state.loaded,
        "rows": sum(file.rows for file in data),
        "bytes": sum(file.bytes for file in data),
        "rejected_rows": sum(file.rows for file in rejected),
        "files": [_entry(places.folder, file) | {"kind": file.kind, "schema": number_of[state.shape_of(file)]} for file in data],
        "rejected_folder": f"../{places.rejected}" if rejected else None,
        "rejected_files": [_entry(places.rejected, file) for file in rejected],
        "schema": [
            {"column": field.name, "type": str(field.type), "sql": duckdb_type(field.type) or "VARCHAR"}
            for field in record.schema
        ],
        "arrow_schema": schema_to_text(reading.schema),
        "older_arrow_schemas": [schema_to_text(shape) for shape in older],
        "readers": recipes(reading) | ({"current_state": current_state(reading)} if _has_current_state(record) else {}),
    }


def _has_current_state(record: Record) -> bool:
    return record.write_mode in CHANGE_MODES and bool(record.key)


def _reading(places: Places, record: Record, state: State) -> tuple[Reading, list[int]]:
    """How all files are read, and for each of the state's shapes its number: 0 is the newest schema."""
    columns = stored_schema(record.schema)
    marks = dict.fromkeys(name for shape in state.shapes for name in shape.schema.names if name.startswith(SAME))
    beside = [*LETTERED, *(pa.field(name, pa.bool_()) for name in marks)] if record.write_mode in CHANGE_MODES else []
    newest = stored_schema(pa.schema([*beside, *columns]))
    numbers: list[int] = []
    shapes: dict[int, pa.Schema] = {}
    for shape in state.shapes:
        number = 0 if shape.schema.equals(newest) else max(numbers, default=0) + 1
        numbers.append(number)
        shapes[number] = shape.schema
    recent = {numbers[state.shape_of(file)] for file in state.files if file.role == "data" and file.revision >= state.loaded}
    reading = Reading(
        record.settings,
        newest,
        dict(sorted(shapes.items())),
        places.folder,
        columns=columns.names,
        key=record.key,
        since=state.loaded,
        recent=sorted(recent),
    )
    return reading, numbers


def _entry(folder: str, file: KeptFile) -> dict[str, Any]:
    path = Path(file.path).relative_to(folder).as_posix()
    return {"path": path, "rows": file.rows, "bytes": file.bytes, "sha256": file.sha256, "revision": file.revision}
