"""What is asked of a run, by whoever starts it. Apart from the service that runs it: whoever only asks need not load the engine."""

from collections.abc import Collection
from dataclasses import dataclass, field

from dtaas_desktop.services.history import Origin


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What is asked of a run. `take_over` names targets whose present content or owner the user accepts, `reload` tables to be read
    whole again, `only` the tables to run, if not all of the task's; `follow`: go on with change turns until asked to stop; `origin`:
    who starts it.
    """

    task: str
    resume: bool = False
    take_over: Collection[str] = field(default=())
    reload: Collection[str] = field(default=())
    follow: bool = False
    only: Collection[str] = field(default=())
    origin: Origin = "command line"
