"""Sums over minutes and hours, written while runs go on, so that charts of a month need not read a million runs."""

from dataclasses import dataclass

from sqlalchemy import Connection, case, delete

from dtaas_desktop.services import records
from dtaas_desktop.services.upsert import upsert

MINUTE = 60
HOUR = 3600
MINUTES_KEPT_DAYS = 3
HOURS_KEPT_DAYS = 62  # two months, so that a month can be compared with the one before


@dataclass(frozen=True, slots=True)
class RunEnd:
    """A run that ended: how long it took, and whether it failed, wholly or in part, or was interrupted."""

    seconds: float
    bad: bool


def add_to_activity(
    connection: Connection,
    task: str,
    at: float,
    *,
    rows: int = 0,
    size: int = 0,
    rate: float = 0.0,
    ended: RunEnd | None = None,
) -> None:
    """Add to the minute and the hour of `at`. A row of it also says that the task was running in that minute."""
    table = records.activity
    added: dict[str, float] = {"rows_written": rows, "bytes": size}
    if ended is not None:
        added |= {"runs": 1, "failed": int(ended.bad), "seconds": ended.seconds}
    for span in (MINUTE, HOUR):
        changes: dict[str, object] = {name: table.c[name] + amount for name, amount in added.items()}
        if rate > 0:
            changes["peak"] = case((table.c.peak < rate, rate), else_=table.c.peak)
        key = {"span": span, "began_at": int(at) // span * span, "task": task}
        upsert(connection, table, key, changes, new=added | {"peak": rate})


def prune_activity(connection: Connection, now: float, days: int) -> None:
    """Drop minutes after three days, and hours after `days` or two months, whichever is longer."""
    table = records.activity
    for span, kept in ((MINUTE, MINUTES_KEPT_DAYS), (HOUR, max(days, HOURS_KEPT_DAYS))):
        connection.execute(delete(table).where(table.c.span == span, table.c.began_at < int(now) - kept * 86_400))
