"""The saved tasks of a workspace. What is saved is what runs; files are exports."""

import dataclasses
import json
import time
import uuid
from dataclasses import replace

from sqlalchemy import insert, select, update

from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.task import Task
from dtaas_desktop.domain.task_file import design_from_dict, design_to_dict, options_from_dict
from dtaas_desktop.services import records
from dtaas_desktop.services.database import Database


class Tasks:
    """Reads and changes them; each has a UUID for its identity and a unique name for people."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[Task]:
        """Every task, by name."""
        with self._database.reading() as connection:
            rows = connection.execute(select(records.tasks).order_by(records.tasks.c.name)).all()
        return [
            Task(row.uuid, row.name, design_from_dict(json.loads(row.design)), options_from_dict(json.loads(row.options)))
            for row in rows
        ]

    def named(self, name: str) -> Task:
        """The task of this name, whatever its case if only one fits. Raises UserError that lists the names there are."""
        tasks = self.all()
        found = [task for task in tasks if task.name == name] or [t for t in tasks if t.name.casefold() == name.casefold()]
        if len(found) != 1:
            known = ", ".join(f"“{task.name}”" for task in tasks) or "none yet"
            raise UserError(f"There is no task “{name}”.", remedy=f"The tasks here are: {known}.")
        return found[0]

    def save(self, task: Task) -> None:
        """Add it, or update the one with its UUID. Raises UserError if another task has its name."""
        values = {
            "name": task.name,
            "design": json.dumps(design_to_dict(task.design), ensure_ascii=False, allow_nan=False),
            "options": json.dumps(dataclasses.asdict(task.options)),
            "changed_at": time.time(),
        }
        with self._database.writing() as connection:
            table = records.tasks
            holder = connection.execute(select(table.c.uuid).where(table.c.name == task.name)).scalar()
            if holder is not None and holder != task.uuid:
                raise UserError(f"Another task is already called “{task.name}”.", remedy="Choose another name.")
            changed = connection.execute(update(table).where(table.c.uuid == task.uuid).values(**values))
            if changed.rowcount == 0:
                connection.execute(insert(table).values(uuid=task.uuid, **values))

    def copy_of(self, task: Task) -> Task:
        """The same under a new UUID and a name that is free."""
        taken = {known.name for known in self.all()}
        name = task.name
        number = 2
        while name in taken:
            name = f"{task.name} ({number})"
            number += 1
        return replace(task, uuid=str(uuid.uuid4()), name=name)
