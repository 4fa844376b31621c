"""DuckDB's messages as one sentence for the user."""

import re
from collections.abc import Sequence

from dtaas_desktop.domain.errors import UserError

PLACE = "column_"  # what columns are called inside: column_0, column_1, …
_KIND = re.compile(r"^[A-Z][A-Za-z ]* Error: ")
# Advice about DuckDB's own settings and candidates, which are out of the user's reach or longer than a sentence.
_ADVICE = re.compile(
    r"( in expression |[.,]? Use \"?(TRY|SET|try)\b|[.,]? You might need|[.!?,:]? Candidate|[.!?] ?Did you mean|\. Explicit )"
)
_PLACED = re.compile(rf"\"?\b{PLACE}([0-9]+)\b\"?")
_LONGEST = 300


def cannot_be_read(message: str) -> UserError:
    """For a text that is no expression."""
    what = _sentence(message, ())
    return UserError(
        f"The expression cannot be read: {what}.",
        remedy="Write one expression in DuckDB's SQL, like distance / air_time * 60, with texts in 'single' and odd names in \"double\" quotes.",
    )


def too_deep() -> UserError:
    return cannot_be_read("it is nested too deeply")


def cannot_work(error: Exception, names: Sequence[str]) -> UserError:
    """For an expression that does not fit the types of its columns."""
    return UserError(
        f"The expression does not work with these columns: {_sentence(str(error), names)}.",
        remedy="Correct it, or cast its columns to the types that it needs.",
    )


def not_one_row(error: Exception, names: Sequence[str]) -> str:
    """For a row whose value cannot be computed."""
    return _sentence(str(error), names)


def _sentence(message: str, names: Sequence[str]) -> str:
    lines = [line for line in message.splitlines() if line.strip()] or [""]
    words = _ADVICE.split(_KIND.sub("", lines[0]))[0].strip().rstrip(".:!")
    words = _PLACED.sub(lambda found: f"“{names[int(found[1])]}”" if int(found[1]) < len(names) else found[0], words)
    words = words[:_LONGEST] + "…" if len(words) > _LONGEST else words
    return words[:1].lower() + words[1:] if words[1:2].islower() else words
