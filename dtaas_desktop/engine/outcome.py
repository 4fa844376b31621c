"""How a run, or one of its tables, ended."""

from dataclasses import dataclass
from typing import Literal

from dtaas_desktop.domain.errors import AppError, PositionLost, TransientError
from dtaas_desktop.domain.events import State

Failure = Literal["bug", "fix", "reload", "wait"]


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """How a run ended: its state, and the class of every failure."""

    state: State
    failures: frozenset[Failure] = frozenset()


def failure_class(error: AppError) -> Failure:
    """What the user can do about an error."""
    if isinstance(error, PositionLost):
        return "reload"
    return "wait" if isinstance(error, TransientError) else "fix"
