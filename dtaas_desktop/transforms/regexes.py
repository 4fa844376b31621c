"""Regular expressions (RE2) and texts looked for, checked before a run."""

import pyarrow as pa
import pyarrow.compute as pc

from dtaas_desktop.domain.errors import UserError

_SPECIAL = str.maketrans({character: "\\" + character for character in "\\.+*?()|[]{}^$"})


def checked(pattern: str) -> str:
    """The pattern itself. Raises UserError if it is not a regular expression."""
    try:
        pc.match_substring_regex(pa.array([""], pa.large_string()), pattern)
    except pa.ArrowInvalid as error:
        raise _not_a_regex(pattern, error) from None
    return pattern


def checked_replacement(pattern: str, replacement: str) -> None:
    """Raises UserError if either is wrong, or the replacement names a group that the pattern lacks."""
    checked(pattern)
    try:
        pc.replace_substring_regex(pa.array([""], pa.large_string()), pattern, replacement)
    except pa.ArrowInvalid as error:
        raise UserError(
            f"“{replacement}” cannot replace what “{pattern}” finds: {_reason(error)}.",
            remedy="\\1 stands for the first group in parentheses, \\\\ for a backslash.",
        ) from None


def quoted(text: str) -> str:
    """A regular expression that matches just this text."""
    return text.translate(_SPECIAL)


def quoted_replacement(text: str) -> str:
    """A replacement that stands for just this text."""
    return text.replace("\\", "\\\\")


def _not_a_regex(pattern: str, error: Exception) -> UserError:
    return UserError(
        f"“{pattern[:200]}” is not a regular expression: {_reason(error)}.",
        remedy="The syntax is that of RE2: no look-around and no back-references.",
    )


def _reason(error: Exception) -> str:
    return str(error).removeprefix("Invalid regular expression: ").strip().rstrip(".")
