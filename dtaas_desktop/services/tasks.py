"""The saved tasks of a workspace. What is saved is what runs; files are exports."""

import dataclasses
import json
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.schedule import Schedule
from dtaas_desktop.domain.task import Task
from dtaas_desktop.domain.task_file import design_from_dict, design_to_dict, options_from_dict, schedule_from_dict
from dtaas_desktop.services import records
from dtaas_desktop.services.database import Database
from dtaas_desktop.services.upsert import upsert


class Tasks:
    """Reads and changes them; each has a UUID for its identity and a unique name for people."""

    def __init__(self, database: Database, is_running: Callable[[str], bool] | None = None) -> None:
        """`is_running` tells whether a task (UUID) runs in any process."""
        self._database = database
        self._is_running = is_running

    def all(self) -> list[Task]:
        """Every task, by name."""
        with self._database.reading() as connection:
            rows = connection.execute(select(records.tasks).order_by(records.tasks.c.name)).all()
        return [_task(row) for row in rows]

    def named(self, name: str) -> Task:
        """The task of this name, whatever its case if only one fits. Raises UserError that lists the names there are."""
        tasks = self.all()
        found = [task for task in tasks if task.name == name] or [t for t in tasks if t.name.casefold() == name.casefold()]
        if len(found) != 1:
            known = ", ".join(f"“{task.name}”" for task in tasks) or "none yet"
            raise UserError(f"There is no task “{name}”.", remedy=f"The tasks here are: {known}.")
        return found[0]

    def by_uuid(self, task: str) -> Task:
        """The task with this UUID. Raises UserError if it does not exist any more."""
        with self._database.reading() as connection:
            row = connection.execute(select(records.tasks).where(records.tasks.c.uuid == task)).first()
        if row is None:
            raise UserError("This task does not exist any more.", remedy="It was deleted meanwhile; its runs are still listed.")
        return _task(row)

    def save(self, task: Task) -> None:
        """Add it, or update the one with its UUID. Raises UserError if another task has its name.

        A schedule that is new or changed counts from now: times that it would have had before are not made up for.
        """
        now = time.time()
        values = {
            "name": task.name,
            "design": json.dumps(design_to_dict(task.design), ensure_ascii=False, allow_nan=False),
            "options": json.dumps(dataclasses.asdict(task.options) | {"schedule": dataclasses.asdict(task.schedule)}),
            "changed_at": now,
        }
        with self._database.writing() as connection:
            table = records.tasks
            holder = connection.execute(select(table.c.uuid).where(table.c.name == task.name)).scalar()
            if holder is not None and holder != task.uuid:
                raise UserError(f"Another task is already called “{task.name}”.", remedy="Choose another name.")
            before = _saved_schedule(connection, task.uuid)
            if before is None:
                connection.execute(insert(table).values(uuid=task.uuid, **values))
            else:
                connection.execute(update(table).where(table.c.uuid == task.uuid).values(**values))
            if before != task.schedule:
                upsert(connection, records.schedule_marks, {"task": task.uuid}, {"handled_at": now})

    def delete(self, task: str) -> None:
        """Delete the task (UUID) with what was planned for it; its runs stay in the history, its targets as they are.

        Raises UserError while it is running; does nothing if it does not exist.
        """
        with self._database.writing() as connection:
            row = connection.execute(select(records.tasks.c.name).where(records.tasks.c.uuid == task)).first()
            if row is None:
                return
            if self._runs(connection, task):
                raise UserError(f"Task “{row.name}” is running.", remedy="Cancel its run first, then delete the task.")
            for table in (records.plans, records.schedule_marks):
                connection.execute(delete(table).where(table.c.task == task))
            connection.execute(delete(records.settings).where(records.settings.c.name == dismissal(task)))
            connection.execute(delete(records.tasks).where(records.tasks.c.uuid == task))

    def copy_of(self, task: Task) -> Task:
        """The same under a new UUID and a name that is free."""
        taken = {known.name for known in self.all()}
        name = task.name
        number = 2
        while name in taken:
            name = f"{task.name} ({number})"
            number += 1
        return replace(task, uuid=str(uuid.uuid4()), name=name)

    def _runs(self, connection: Connection, task: str) -> bool:
        if self._is_running is not None:
            return self._is_running(task)
        table = records.runs
        running = select(table.c.id).where(table.c.task == task, table.c.state == "running").limit(1)
        return connection.execute(running).first() is not None


def dismissal(task: str) -> str:
    """The name of the setting that says what of a task (UUID) needs no attention any more."""
    return f"dismissed {task}"


def schedule_in(options: str) -> Schedule:
    """The schedule in the stored options of a task; on demand in those of before there were schedules."""
    return schedule_from_dict(json.loads(options).get("schedule", {}))


def _saved_schedule(connection: Connection, task: str) -> Schedule | None:
    options = connection.execute(select(records.tasks.c.options).where(records.tasks.c.uuid == task)).scalar()
    return None if options is None else schedule_in(options)


def _task(row: Row[Any]) -> Task:
    options = json.loads(row.options)
    schedule = schedule_from_dict(options.pop("schedule", {}))
    return Task(row.uuid, row.name, design_from_dict(json.loads(row.design)), options_from_dict(options), schedule)
