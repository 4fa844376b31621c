"""The only place where DuckDB's exceptions are caught. DuckDB numbers no errors: they are told apart by class and words."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from dtaas_desktop.domain.errors import AppError, TransientError, UserError

_HOLDER = re.compile(r"held in (?P<program>.*?) \(PID (?P<pid>\d+)\)")
_WRITABLE = "Choose a file in a folder that can be written."


class MemoryTooSmall(UserError):
    """The statements need more memory than they were allowed; it may work with more."""


@contextmanager
def translated(doing: str, file: Path) -> Iterator[None]:
    """DuckDB's exceptions inside become AppErrors that say what was being done, in which file, and what to do."""
    try:
        yield
    except duckdb.Error as error:
        raise _explained(error, doing, file) from error


def _explained(error: duckdb.Error, doing: str, file: Path) -> AppError:
    text = str(error)
    start = f"{doing} in “{file}” failed"
    if holder := _HOLDER.search(text):
        program = f"{holder['program']} (process {holder['pid']})"
        return TransientError(f"{start}: the file is open in {program}.", remedy="Close it there.")
    if "Could not set lock" in text or "being used by another process" in text:
        return TransientError(f"{start}: another program has the file open.", remedy="Close it there.")
    if "different configuration" in text:
        return TransientError(f"{start}: this program has the file open for reading only just now.")
    if isinstance(error, duckdb.TransactionException) or "Conflict" in text or "conflict" in text:
        return TransientError(f"{start}: somebody else changed the same table at the same moment ({_first_line(text)}).")
    for words, what, remedy in _CASES:
        if words in text:
            return UserError(f"{start}: {what}.", remedy=remedy)
    if isinstance(error, duckdb.OutOfMemoryException):
        return MemoryTooSmall(
            f"{start}: memory or temporary disk space ran out.",
            remedy="Free disk space beside the file, or close other programs.",
        )
    return UserError(f"{start}: DuckDB says “{_first_line(text)}”.")


# First match counts.
_CASES = (
    ("No space left", "the disk is full", "Free space on its disk, or choose another file."),
    ("encrypted", "the file is encrypted", "Choose a file that is not."),
    ("ncryption", "the file is encrypted", "Choose a file that is not."),
    (
        "version number",
        "the file was written by another version of DuckDB",
        "Update the application, or export and import the database.",
    ),
    ("newer version", "the file was written by a newer version of DuckDB", "Update the application."),
    ("not a valid DuckDB", "it is not a DuckDB database", "Choose another file."),
    ("Corrupt", "the file is damaged", "Restore it from a backup, or choose another file."),
    ("orrupt", "the file is damaged", "Restore it from a backup, or choose another file."),
    ("Is a directory", "it is a folder", "Choose a file."),
    ("No such file", "its folder does not exist", "Make the folder, or choose another file."),
    ("Permission denied", "it is not allowed", _WRITABLE),
    ("Read-only file system", "the disk is read-only", _WRITABLE),
    ("read-only", "the file is read-only", _WRITABLE),
    ("Existing object", "there is something else of that name, perhaps a view", "Choose another name, or remove it."),
)


def _first_line(text: str) -> str:
    return text.partition("\n")[0].rstrip(". ")
