"""Which tasks are due by their schedules, and when the others will be."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from sqlalchemy import Connection, select

from dtaas_desktop.domain.schedule import Schedule, next_due
from dtaas_desktop.services import records
from dtaas_desktop.services.tasks import schedule_in


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A task that runs by itself. `handled_at`: every time up to here is done with (seconds since 1970); None if it never was looked at.

    `due`: the first time after that, which may be past; None for a continuous task.
    """

    task: str
    name: str
    schedule: Schedule
    follows: bool
    handled_at: float | None
    due: datetime | None


def scheduled_tasks(connection: Connection, now: datetime, zone: tzinfo) -> list[Scheduled]:
    """Every task with a schedule, by name."""
    table = records.tasks
    marks: Mapping[str, float] = {row.task: row.handled_at for row in connection.execute(select(records.schedule_marks))}
    found = []
    for row in connection.execute(select(table.c.uuid, table.c.name, table.c.options).order_by(table.c.name)):
        schedule = schedule_in(row.options)
        if schedule.kind == "on demand":
            continue
        handled_at = marks.get(row.uuid)
        after = now if handled_at is None else datetime.fromtimestamp(handled_at, UTC)
        follows = json.loads(row.options).get("transfer", "full load") != "full load"
        found.append(Scheduled(row.uuid, row.name, schedule, follows, handled_at, next_due(schedule, after, zone)))
    return found
