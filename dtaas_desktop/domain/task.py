"""Tasks: a design with the choices that decide how it runs."""

from dataclasses import dataclass, field
from typing import Literal

from dtaas_desktop.domain.design import Design
from dtaas_desktop.domain.schedule import Schedule
from dtaas_desktop.domain.table import CellPolicy

Reading = Literal["default", "one moment", "resumable"]
Transfer = Literal["full load", "changes", "full load, then changes", "incremental"]
DriftPolicy = Literal["evolve", "ignore", "pause"]


@dataclass(frozen=True, slots=True)
class TaskOptions:
    """How a task runs.

    transfer: “full load” reads everything again each time; “changes” reads what happened since the last run, beginning at the first
    one; “full load, then changes” does both, the load once; “incremental” is the same where a column of the table has to tell what is
    new (kinds.SourceSettings.follow_column). drift: what happens when a source table has got another shape: “evolve”
    adds columns and widens types at the destination, “ignore” goes on in the old shape, “pause” stops before anything is written.
    reading: “one moment” reads all tables of a source in one snapshot and cannot be resumed in the middle; “resumable” reads
    parts at different moments and can; “default” leaves it to the source. Sizes are in bytes; `retries` come after the first try.
    """

    transfer: Transfer = "full load"
    drift: DriftPolicy = "evolve"
    reading: Reading = "default"
    cells: CellPolicy = field(default_factory=CellPolicy)
    parallel: int = 0  # parts at a time; 0: as many as there are processors
    memory: int = 256 * 1024 * 1024  # all batches and open writers together
    retries: int = 3

    @property
    def loads_first(self) -> bool:
        """Whether a table is read whole once, and from then on what is new."""
        return self.transfer in ("full load, then changes", "incremental")


@dataclass(frozen=True, slots=True)
class Task:
    """A design with its options and when it runs by itself. `uuid` is its identity at every destination; `name` is unique in a
    workspace.
    """

    uuid: str
    name: str
    design: Design
    options: TaskOptions = field(default_factory=TaskOptions)
    schedule: Schedule = field(default_factory=Schedule)
