"""What the exit code of a run says; scripts and schedulers rely on it."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from dtaas_desktop.domain.errors import AppError
from dtaas_desktop.domain.events import State
from dtaas_desktop.engine.outcome import Failure, failure_class

if TYPE_CHECKING:
    from dtaas_desktop.engine.survey import Survey

DONE = 0
BUG = 1
FIX = 2
RELOAD = 3
WAIT = 4
PAUSED = 5
CANCELLED = 130

_BY_FAILURE: dict[Failure, int] = {"bug": BUG, "reload": RELOAD, "fix": FIX, "wait": WAIT}

HELP = """\
exit codes: 0 done · 1 a fault of the application · 2 something you can fix · 3 a table must be reloaded
            4 temporary, or already running · 5 paused · 130 cancelled"""


def of_run(state: State, failures: Collection[Failure]) -> int:
    """The first that applies of 130, 1, 3, 2, 4, 5, 0."""
    if state == "cancelled":
        return CANCELLED
    for failure, code in _BY_FAILURE.items():
        if failure in failures:
            return code
    return PAUSED if state == "paused" else DONE


def of_survey(survey: "Survey") -> int:
    """What a run would answer, as far as a look can tell."""
    if survey.errors:
        return FIX
    refusals = {failure_class(run.due) for table in survey.tables for run in table.routes if isinstance(run.due, AppError)}
    return of_run("done", refusals)


def of_error(error: AppError) -> int:
    """The exit code for what ended a command."""
    return _BY_FAILURE[failure_class(error)]
