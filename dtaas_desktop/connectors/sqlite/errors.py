"""SQLite's complaints as our errors. The only place that catches the driver's exceptions.

The driver passes SQLite's standard English messages on; they are part of SQLite's stable interface (sqlite3_errstr) and are told
apart by text because the driver drops the number.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import adbc_driver_manager
import pyarrow as pa

from dtaas_desktop.domain.errors import AppError, TransientError, UserError

# What the driver and pyarrow raise between them. A name that is not UTF-8 surfaces as UnicodeDecodeError.
DRIVER_ERRORS = (adbc_driver_manager.Error, pa.ArrowException, OSError, UnicodeDecodeError)


class NoTable(UserError):
    """The table, view or query names something that the database does not have."""


class Unwritable(UserError):
    """SQLite would have to write beside the database to read it, and may not."""


@contextmanager
def translated(path: Path, subject: str = "", *, ask: Callable[[], str] | None = None) -> Iterator[None]:
    """Turns the driver's exceptions into ours. `subject` is the table being read; `ask` finds SQLite's words where the driver
    gives none (it reports a failed step only for the commonest code)."""
    try:
        yield
    except DRIVER_ERRORS as error:
        message = str(error)
        if _is_mute(message) and ask is not None:
            message = ask() or message
        raise explained(path, subject, message) from error


def explained(path: Path, subject: str, message: str) -> AppError:
    """The error for one of SQLite's messages."""
    where = f"Table {subject} of “{path}”" if subject else f"“{path}”"
    brief = _brief(message)  # first: the query around it may say anything
    text = brief.casefold()
    for words, make in _KNOWN:
        if any(word in text for word in words):
            return make(where, brief)
    return UserError(
        f"{where} could not be read: {brief}.",
        remedy="Check the table or query in another SQLite tool.",
    )


def file_error(path: Path, error: OSError) -> AppError:
    """The error for a database file that the operating system does not give us."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return UserError(f"There is no file “{path}”.", remedy="Correct the path, or put the database there.")
    if isinstance(error, PermissionError):
        return UserError(f"You may not read “{path}”.", remedy="Ask its owner for the right to read it.")
    return TransientError(
        f"“{path}” could not be opened: {error.strerror}.", remedy="Check the path, the drive and its connection."
    )


def _brief(message: str) -> str:
    """SQLite's own words without what the driver puts around them."""
    text = message.split("\nquery: ", 1)[0].split("\nquery was: ", 1)[0]
    for prefix in ("Failed to prepare query:", "Failed to step query:", "failed to execute query:", "failed to execute:"):
        if prefix in text:
            text = text.split(prefix, 1)[1]
    return text.strip().rstrip(".") or "no reason was given"


def _is_mute(message: str) -> bool:
    """Whether the driver said only that something went wrong: its INTERNAL status without SQLite's message."""
    return message.strip() in {"INTERNAL", "IO", "UNKNOWN", ""}


def _missing_thing(where: str, brief: str) -> AppError:
    return NoTable(
        f"{where} cannot be read any more: {brief}.",
        remedy="Put it back, or choose the tables and columns of the task again.",
    )


def _malformed(where: str, brief: str) -> AppError:
    return UserError(
        f"{where} is damaged: {brief}.",
        remedy="Restore it from a backup, or rescue what is readable with SQLite's “.recover” command.",
    )


def _not_a_database(where: str, brief: str) -> AppError:
    return UserError(
        f"{where} is not a SQLite database, or it is encrypted ({brief}).",
        remedy="Choose another file; an encrypted database must be decrypted first.",
    )


def _locked(where: str, brief: str) -> AppError:
    return TransientError(
        f"{where} is being written by another program ({brief}).",
        remedy="It is tried again; if it stays so, close the program that writes.",
    )


def _unopened(where: str, brief: str) -> AppError:
    return Unwritable(
        f"{where} could not be opened ({brief}).",
        remedy="Check that the file exists and that you may read it and its folder.",
    )


def _read_only(where: str, brief: str) -> AppError:
    return Unwritable(
        f"{where} was left in the middle of a write by a program that ended, and may not be repaired here ({brief}).",
        remedy="Open it once with a program that may write to it and its folder; SQLite then repairs it by itself.",
    )


def _disk(where: str, brief: str) -> AppError:
    return TransientError(
        f"{where} could not be read from the disk or the network drive ({brief}).",
        remedy="It is tried again; if it stays so, check the drive and its connection.",
    )


def _full(where: str, brief: str) -> AppError:
    return UserError(
        f"{where} could not be read: there is no room for temporary files ({brief}).",
        remedy="Free some space in the folder for temporary files.",
    )


def _memory(where: str, brief: str) -> AppError:
    return UserError(
        f"{where} could not be read: there is not enough memory ({brief}).",
        remedy="Lower the largest cell allowed in the task's options, or read fewer columns.",
    )


def _module(where: str, brief: str) -> AppError:
    return UserError(
        f"{where} needs an extension of SQLite that is not built in ({brief}).",
        remedy="Leave this table out, or copy its rows into an ordinary table.",
    )


def _many_columns(where: str, brief: str) -> AppError:
    return UserError(f"{where} has more columns than SQLite returns at once ({brief}).", remedy="Choose fewer columns.")


def _wrong_name(where: str, brief: str) -> AppError:
    return UserError(
        f"{where} has a table or column whose name is not valid text ({brief}).",
        remedy="Rename it, or read it with a query that gives it another name.",
    )


_KNOWN: tuple[tuple[tuple[str, ...], Callable[[str, str], AppError]], ...] = (
    (("no such table", "no such column", "no such view", "has no column"), _missing_thing),
    (("malformed", "corrupt"), _malformed),
    (("file is not a database", "unsupported file format"), _not_a_database),
    (("locked", "busy", "locking protocol"), _locked),
    (("unable to open", "authorization denied", "access permission"), _unopened),
    (("readonly", "read-only"), _read_only),
    (("disk i/o error",), _disk),
    (("database or disk is full",), _full),
    (("out of memory", "too big", "malloc of size"), _memory),
    (("no such module", "no such function", "no such collation", "unknown tokenizer"), _module),
    (("too many columns",), _many_columns),
    (("codec can't decode",), _wrong_name),
)
