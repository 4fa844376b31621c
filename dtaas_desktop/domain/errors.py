"""Errors, by what the user can do about them.

    AppError
    ├── UserError        fix it: a wrong name, a refused place, a value that does not fit
    │   ├── MissingColumn    a step names a column that its table does not have
    │   └── ShapeChanged     a source table has got another shape, and the task is not to go on by itself
    ├── PositionLost     reload: the source no longer holds what comes after the saved position
    └── TransientError   wait: the network, a lock, a busy server; retried with back-off
        └── StagedLost       staged data is gone or damaged: those parts are staged again
    Interrupted          not an error: somebody asked the run to pause or to cancel

Anything else that escapes is a bug of ours and is reported as one. A message says what happened and to what;
`remedy` says what to do next. Neither ever holds a secret.
"""

from collections.abc import Sequence
from typing import Any, Literal


class AppError(Exception):
    """Something that we can explain. `message` and `remedy` are whole sentences in the user's words."""

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()

    def __reduce__(self) -> tuple[Any, ...]:
        # The default would lose keyword-only arguments on the way between processes.
        return (_rebuild, (type(self), self.__dict__))


class UserError(AppError):
    """The user can mend this: a setting, a name, a right, a value."""


class MissingColumn(UserError):
    """A step names a column that the rows reaching it do not have."""

    def __init__(self, column: str, available: Sequence[str]) -> None:
        shown = ", ".join(available[:20]) + (", …" if len(available) > 20 else "")
        super().__init__(
            f"There is no column “{column}”; the columns here are: {shown}.",
            remedy="Choose one of them, or let tables without the column skip this step.",
        )
        self.column = column


class ShapeChanged(UserError):
    """The columns or the key of a source table differ from what was published, in a way that somebody has to decide on."""


class PositionLost(AppError):
    """The changes after the saved position are gone; only a reload of the table brings it up to date."""


class TransientError(AppError):
    """It may work in a moment; the engine tries again, with growing pauses, a bounded number of times."""


class StagedLost(TransientError):
    """Staged data is missing or damaged. `parts` are the ids of the parts to stage again."""

    def __init__(self, parts: Sequence[str], message: str) -> None:
        super().__init__(message, remedy="They are staged again.")
        self.parts = tuple(parts)


class Interrupted(Exception):
    """The run was asked to stop at the next batch border; `request` says how."""

    def __init__(self, request: Literal["pause", "cancel"]) -> None:
        super().__init__(request)
        self.request = request


def _rebuild(cls: type[AppError], state: dict[str, Any]) -> AppError:
    error = cls.__new__(cls)
    error.__dict__.update(state)
    error.args = (state["message"],)
    return error
