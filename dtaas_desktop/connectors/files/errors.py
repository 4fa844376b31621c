"""The only place where the file system's and Arrow's exceptions are caught: each becomes a sentence of ours."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from dtaas_desktop.domain.errors import AppError, TransientError, UserError

_FULL = {errno.ENOSPC, errno.EDQUOT}
_FORBIDDEN = {errno.EACCES, errno.EPERM}
_BUSY = {errno.EBUSY, errno.EAGAIN, errno.ETIMEDOUT, errno.EINTR, errno.ESTALE, errno.EMFILE, errno.ENFILE}
# Windows: sharing violation, lock violation: another program has the file open just now.
_BUSY_WINDOWS = {32, 33}


@contextmanager
def translated(doing: str, place: Path, *, needed: int = 0) -> Iterator[None]:
    """Exceptions of files and formats inside become AppErrors that say what was being done, where, and what to do.

    `needed`: about how many bytes the work still has to write; for the advice when the disk is full.
    """
    try:
        yield
    except OSError as error:
        raise _explained(error, doing, place, needed) from error
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowCapacityError) as error:
        raise UserError(
            f"{doing} in “{place}” failed: {_first_line(error)}.",
            remedy="Cast or drop the column, or choose another format.",
        ) from error


@contextmanager
def json_translated() -> Iterator[None]:
    """As `translated`, for what DuckDB says while it makes JSON text."""
    import duckdb  # here, because the other formats do without it

    try:
        yield
    except duckdb.Error as error:
        raise UserError(f"Rows cannot be written as JSON: {_first_line(error)}.", remedy="Choose another format.") from error


def _explained(error: OSError, doing: str, place: Path, needed: int) -> AppError:
    number = _number(error)
    if number in _FULL:
        amount = f"at least {max(1, -(-needed // 1_000_000))} MB"
        return UserError(
            f"{doing} in “{place}” failed: the disk is full.", remedy=f"Free {amount} there, or choose another folder."
        )
    if number == errno.EROFS:
        return UserError(f"{doing} in “{place}” failed: the place is read-only.", remedy="Choose a folder that can be written.")
    if getattr(error, "winerror", None) in _BUSY_WINDOWS or number in _BUSY:
        return TransientError(
            f"{doing} in “{place}” failed: it is in use just now ({_reason(error)}).", remedy="Close other programs that use it."
        )
    if number in _FORBIDDEN:
        return UserError(
            f"{doing} in “{place}” failed: it is not allowed ({_reason(error)}).",
            remedy="Ask for the right to write there, or choose another folder.",
        )
    if number in (errno.ENOTDIR, errno.EEXIST, errno.EISDIR):
        return UserError(
            f"{doing} in “{place}” failed: there is a file where a folder should be, or the reverse ({_reason(error)}).",
            remedy="Move it away, or choose another folder.",
        )
    if number == errno.ENOENT:
        return UserError(
            f"{doing} in “{place}” failed: the folder does not exist ({_reason(error)}).",
            remedy="Make the folder, or choose another one.",
        )
    if number in (errno.ENAMETOOLONG, errno.EINVAL, errno.ELOOP):
        return UserError(f"{doing} in “{place}” failed: {_reason(error)}.", remedy="Choose another folder or a shorter name.")
    return TransientError(f"{doing} in “{place}” failed: {_reason(error)}.", remedy="Check the disk or the network it is on.")


def _number(error: OSError) -> int | None:
    """The error's number; pyarrow sometimes has it in the text alone."""
    if error.errno is not None:
        return error.errno
    text = str(error)
    return next((code for code in (*_FULL, errno.EROFS, *_FORBIDDEN) if f"errno {code}]" in text.lower()), None)


def _reason(error: OSError) -> str:
    where = f": {error.filename}" if error.filename else ""
    return f"{error.strerror or _first_line(error)}{where}"


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0].rstrip(".")
