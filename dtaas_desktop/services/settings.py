"""What the user set for the whole application, kept with the workspace."""

import json
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import delete, insert, select

from dtaas_desktop.domain.secret_ref import SecretStore
from dtaas_desktop.services import records
from dtaas_desktop.services.database import Database


class AppSettings(BaseModel):
    """The settings; those of a newer version are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    theme: Literal["system", "dark", "light"] = Field(
        "system",
        title="Theme",
        description="As the system: follows the desktop when it turns dark or light.",
        json_schema_extra={"words": {"system": "As the system"}},
    )
    scheduler: bool = Field(
        True, title="Run schedules", description="Start tasks when they are due, while a window of this workspace is open."
    )
    secret_store: SecretStore = Field(
        "keyring",
        title="Keep secrets in",
        description="Secrets that are typed in from now on; those that are kept already stay where they are.",
        json_schema_extra={
            "words": {"keyring": "The system’s keyring", "local": "This workspace, encrypted", "file": "A private file for each"}
        },
    )
    export_folder: str = Field(
        "",
        title="Export folder",
        description="Where exports of tasks are offered to be saved; empty: ask.",
        json_schema_extra={"path": "folder"},
    )
    parallel_runs: int = Field(
        2,
        ge=1,
        le=16,
        title="Runs at once",
        description="More that are due wait for one of these to end.",
        json_schema_extra={"row": "parallel"},
    )
    parallel_parts: int = Field(
        0,
        ge=0,
        le=256,
        title="Parts at once",
        description="Of each run, for new tasks; 0: as many as the machine has processors.",
        json_schema_extra={"row": "parallel"},
    )
    memory_mb: int = Field(
        256,
        ge=16,
        le=1_048_576,
        title="Memory (MB)",
        description="What the rows of one run may take, for new tasks.",
        json_schema_extra={"row": "parallel"},
    )
    history_days: int = Field(
        90, ge=1, le=3650, title="Keep history (days)", description="Runs that ended earlier are forgotten."
    )


class Settings:
    """Reads and changes them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self) -> AppSettings:
        """The settings. A value that does not fit (another version's) has its default."""
        table = records.settings
        with self._database.reading() as connection:
            stored = connection.execute(select(table.c.value).where(table.c.name == _NAME)).scalar()
        return AppSettings() if stored is None else _read(stored)

    def save(self, settings: AppSettings) -> None:
        table = records.settings
        with self._database.writing() as connection:
            connection.execute(delete(table).where(table.c.name == _NAME))
            connection.execute(insert(table).values(name=_NAME, value=settings.model_dump_json()))


_NAME = "application"


def _read(stored: str) -> AppSettings:
    values: dict[str, object] = json.loads(stored)
    try:
        return AppSettings.model_validate(values)
    except ValidationError as error:
        unfit = {mistake["loc"][0] for mistake in error.errors(include_url=False, include_input=False)}
    return AppSettings.model_validate({name: value for name, value in values.items() if name not in unfit})
