"""What an event changes in the record of its table run."""

from dtaas_desktop.domain.events import Event, TableFailed, TablePlanned, TableProgress, TablePublished, TableStarted
from dtaas_desktop.domain.table import Counts

# What a new record needs besides.
NEW: dict[str, object] = {"source_table": "", "target": "", "state": "running"}


def values_of(event: Event, at: float) -> tuple[str | None, dict[str, object]]:
    """The name of the table run that an event (at `at`) is about, and the columns of records.table_runs that it changes."""
    match event:
        case TablePlanned():
            return event.table_run, _described(event) | {"state": "waiting", "fidelity": "\n".join(event.fidelity)}
        case TableStarted():
            begun = {"state": "running", "began_at": at, "parts_done": event.parts_kept}
            return event.table_run, _described(event) | begun | _counted(event.kept)
        case TableProgress():
            return event.table_run, _progress(event)
        case TablePublished():
            return event.table_run, _published(event)
        case TableFailed():
            return event.table_run, {
                "source_table": event.table,
                "target": event.target,
                "state": "failed",
                "failure": "drift" if event.drift else event.kind,
                "message": event.message,
                "remedy": event.remedy,
                "rows_per_second": 0.0,
                "seconds_left": None,
            }
        case _:
            return None, {}


def _described(event: TablePlanned | TableStarted) -> dict[str, object]:
    return {
        "source_table": event.table,
        "target": event.target,
        "connection": event.connection,
        "parts": event.parts,
        "rows_estimate": event.rows_estimate,
        "kind": event.kind,
    }


def _progress(event: TableProgress) -> dict[str, object]:
    values = _counted(event.counts) | {
        "bytes": event.bytes,
        "parts_done": event.parts_done,
        "rows_per_second": event.rows_per_second,
        "seconds_left": event.seconds_left,
    }
    # A change turn after a load cannot say how far it is: what the load came to stays.
    return values if event.percent is None else values | {"percent": event.percent}


def _published(event: TablePublished) -> dict[str, object]:
    published = event.published
    # Counts and bytes are those of the whole run, and come with the progress that was told just before.
    return {
        "state": "done",
        "seconds": event.seconds,
        "revision": published.revision,
        "files": published.files,
        "kind": event.kind,
        "position": event.position,
        "as_of": event.as_of,
        "location": published.location,
        "query": published.query,
        "failure": "",
        "message": "",
        "remedy": "",
        "percent": 100.0,
        "seconds_left": None,
        "rows_per_second": event.counts.read / max(event.seconds, 1e-3),
    }


def _counted(counts: Counts) -> dict[str, object]:
    return {
        "rows_read": counts.read,
        "rows_filtered": counts.filtered,
        "rows_rejected": counts.rejected,
        "rows_written": counts.written,
        "cells_nulled": counts.nulled,
    }
