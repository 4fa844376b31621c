"""Typed wrappers around the two bindings of ODBC, and the only module that imports them.

Both are given the same connection string. pyodbc asks (catalogue, probes: few rows, exact errors); arrow-odbc reads (many rows, on
a thread of its own without Python's lock). Autocommit is on in both: with it off a driver begins a transaction before the
isolation level can be chosen; transactions are begun and ended by statements.
"""

import re
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from dtaas_desktop.connectors.sqlserver.complaints import Complaint, explained, known_number
from dtaas_desktop.connectors.sqlserver.connection_string import ConnectionString
from dtaas_desktop.connectors.sqlserver.drivers import how_to_install
from dtaas_desktop.connectors.sqlserver.errors import TooLarge
from dtaas_desktop.connectors.sqlserver.wire import Wire, opened_wire
from dtaas_desktop.domain.errors import AppError, TransientError, UserError

if TYPE_CHECKING:
    import arrow_odbc
    import pyodbc

_RECORD = re.compile(r"\[(\w{5})\]\s*(.*?)\s*\((-?\d+)\)(?:\s*\(SQL\w+\))?(?=;\s*\[|\s*$)", re.DOTALL)
_RUST_RECORD = re.compile(r"State:\s*(\w{5}),\s*Native error:\s*(-?\d+),\s*Message:\s*(.*)", re.DOTALL)
_CUT_SHORT = re.compile(r"too large to be written into the allocated buffer|TooLargeValueForBuffer", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Place:
    """Where to connect, and how patient to be."""

    string: ConnectionString
    title: str  # the server as people know it
    connect_seconds: int
    query_seconds: int


@dataclass(frozen=True, slots=True)
class Fetch:
    """How an answer is fetched: rows of a buffer, and of columns without a bound the longest text (in UTF-16 units) and the longest
    binary (in bytes). `ahead`: whether the next buffer is filled while the last is worked on."""

    rows: int
    text: int
    binary: int
    ahead: bool = True


@dataclass(frozen=True, slots=True)
class Described:
    """A result column as the driver describes it: the Python type of its values, digits or letters or bytes (0: no bound), and digits
    after the point."""

    name: str
    kind: type
    size: int
    scale: int


def registered_drivers() -> Sequence[str]:
    """The names of the installed ODBC drivers. Raises UserError if ODBC itself is missing."""
    found: list[str] = _pyodbc().drivers()
    return found


def make_ready() -> None:
    """Load what rows are read with. Raises UserError if it is missing."""
    _arrow_odbc()


class Control:
    """A connection to ask with. Used by one thread at a time; `cancel` from any."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self.subject = ""  # the table that is asked about, for messages
        module = _pyodbc()
        # Pooled connections come back with the isolation level of whoever had them last.
        module.pooling = False
        with self._translated():
            self._handle = module.connect(place.string.text, autocommit=True, timeout=place.connect_seconds)
            self._handle.timeout = place.query_seconds
        self._cursor: pyodbc.Cursor | None = None

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """The whole of a small answer."""
        with self._translated(), self._executed(sql) as cursor:
            return [tuple(row) for row in cursor.fetchall()]

    def row(self, sql: str) -> tuple[Any, ...]:
        """The first row of an answer that has one."""
        return self.rows(sql)[0]

    def run(self, sql: str) -> None:
        with self._translated(), self._executed(sql):
            pass

    def names(self, sql: str) -> list[list[str]]:
        """The names of the result columns of each SELECT in a batch."""
        with self._translated(), self._executed(sql) as cursor:
            found = [[str(column[0]) for column in cursor.description]]
            while cursor.nextset():
                found.append([str(column[0]) for column in cursor.description])
            return found

    def described(self, sql: str) -> list[Described]:
        """The result columns of a statement."""
        with self._translated(), self._executed(sql) as cursor:
            return [Described(str(one[0]), one[1], int(one[3] or 0), int(one[5] or 0)) for one in cursor.description or ()]

    def cancel(self) -> None:
        """End the statement that runs in another thread, if one does."""
        cursor = self._cursor
        if cursor is not None:
            with self._translated():
                cursor.cancel()

    def close(self) -> None:
        with self._translated():
            self._handle.close()

    @contextmanager
    def _executed(self, sql: str) -> "Iterator[pyodbc.Cursor]":
        cursor = self._cursor = self._handle.cursor()
        try:
            cursor.execute(sql)
            yield cursor
        finally:
            self._cursor = None
            cursor.close()

    def _translated(self) -> "_Translated":
        return _Translated(_pyodbc().Error, self._error_of)

    def _error_of(self, error: BaseException) -> AppError:
        return _explained(self._place, self.subject, _records(error))


class Bulk:
    """A connection to read with. Used by one thread at a time; `cut` from any."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self.subject = ""  # the table that is read, for messages
        self.failed = False  # then nobody knows what state the session is in
        module = _arrow_odbc()
        with self._translated(), opened_wire() as wire:
            self._handle: arrow_odbc.Connection | None = module.connect(
                place.string.text, login_timeout_sec=place.connect_seconds, autocommit=True
            )
        self._wire: Wire | None = wire.found

    def run(self, sql: str) -> None:
        with self._translated():
            self._open.execute(
                _in_ascii(sql), query_timeout_sec=self._place.query_seconds or None, payload_text_encoding=_utf16()
            )

    def stream(self, sql: str, schema: pa.Schema, fetch: Fetch) -> Generator[pa.RecordBatch, None, None]:
        """The answer in batches of `schema`, all of it nullable whatever the server says.

        Closing the generator early tells the server to stop. Raises TooLarge for a value beyond the fetch's bounds, TransientError
        for an answer that ends too early: when the connection breaks in the middle of a buffer, Microsoft's driver gives what has come
        and then “no more rows”. So the server is asked afterwards how many there were.
        """
        rows = 0
        for batch in self._batches(sql, schema, fetch):
            rows += batch.num_rows
            yield batch
        sent = self.numbers("SELECT ROWCOUNT_BIG() AS n", 1)[0]
        if sent and rows != sent:  # 0 of some: a compatible server that forgets the number with the batch; but it has answered
            self.failed = True
            raise TransientError(
                f"Of {sent:,} rows that “{self._place.title}” sent, {rows:,} arrived.", remedy="They are read again."
            )

    def _batches(self, sql: str, schema: pa.Schema, fetch: Fetch) -> Generator[pa.RecordBatch, None, None]:
        with self._translated():
            reader = self._open.read_arrow_batches(
                _in_ascii(sql),
                batch_size=fetch.rows,
                max_bytes_per_batch=None,  # the rows were chosen by their size
                max_text_size=fetch.text,
                max_binary_size=fetch.binary,
                schema=schema,
                fetch_concurrently=fetch.ahead,
                query_timeout_sec=self._place.query_seconds or None,
                payload_text_encoding=_utf16(),
            )
            try:
                yield from reader
            finally:
                del reader

    def numbers(self, sql: str, count: int) -> list[int]:
        """The first row of an answer of `count` whole numbers; nothing counts as 0."""
        schema = pa.schema([pa.field(f"n{number}", pa.int64()) for number in range(count)])
        with closing(self._batches(sql, schema, Fetch(rows=1, text=1, binary=1, ahead=False))) as batches:
            row = next(batches, None)
        if row is None:
            self.failed = True
            raise TransientError(f"The connection to “{self._place.title}” was cut.", remedy="It is tried again.")
        return [int(column[0].as_py() or 0) for column in row.columns]

    def cut(self) -> None:
        """Shut the connection under a fetch that does not come back. The server ends what it was doing when it sees that."""
        if self._wire is not None:
            self._wire.cut()

    def close(self) -> None:
        self._handle = None
        if self._wire is not None:
            self._wire.close()

    @property
    def _open(self) -> "arrow_odbc.Connection":
        if self._handle is None:
            raise AssertionError("the connection is closed")
        return self._handle

    def _translated(self) -> "_Translated":
        return _Translated(_arrow_odbc().Error, self._error_of)

    def _error_of(self, error: Any) -> Exception:
        message = error.message()
        if _CUT_SHORT.search(message):
            return TooLarge()
        self.failed = True
        return _explained(self._place, self.subject, _rust_records(message))


class _Translated:
    """Within it a driver's errors become ours, and nothing of theirs is kept: a traceback holds the frames it came through, those hold
    the connection, and it would stay open for as long as somebody keeps the error."""

    def __init__(self, kind: type[Exception], ours: Callable[[Any], Exception]) -> None:
        self._kind, self._ours = kind, ours

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, trace: object) -> None:
        del trace, _
        if isinstance(error, self._kind):
            error.__traceback__ = None
            found = self._ours(error)
            del error
            raise found from None


def _explained(place: Place, subject: str, records: Sequence[Complaint]) -> AppError:
    """The error for the records of one failure: the first that the table of numbers knows decides."""
    chosen = next((record for record in records if known_number(record.number)), records[0])
    words = chosen.words if known_number(chosen.number) else "; ".join(record.words for record in records)
    scrubbed = place.string.scrubbed(words)
    where = f"Table {subject} at “{place.title}”" if subject else f"“{place.title}”"
    return explained(Complaint(chosen.state, chosen.number, scrubbed), where)


def _records(error: BaseException) -> list[Complaint]:
    """The records in a pyodbc error: its text is “[state] [maker][driver][server]words (number) (call); [state] …”."""
    state = str(error.args[0]) if error.args else ""
    text = str(error.args[1]) if len(error.args) > 1 else str(error)
    found = [Complaint(match[1], int(match[3]), match[2]) for match in _RECORD.finditer(text)]
    return found or [Complaint(state, 0, text)]


def _rust_records(message: str) -> list[Complaint]:
    match = _RUST_RECORD.search(message)
    return [Complaint(match[1], int(match[2]), match[3])] if match else [Complaint("", 0, message)]


def _pyodbc() -> Any:
    try:
        import pyodbc
    except ImportError as error:
        raise _no_odbc(error, "pyodbc") from None
    return pyodbc


def _arrow_odbc() -> Any:
    try:
        import arrow_odbc
    except (ImportError, OSError) as error:
        raise _no_odbc(error, "arrow-odbc") from None
    return arrow_odbc


def _in_ascii(sql: str) -> str:
    """The same statement in ASCII: arrow-odbc hands over bytes, which drivers take for Latin-1 or whatever this computer speaks."""
    if sql.isascii():
        return sql
    return f"DECLARE @q nvarchar(max) = CAST(0x{sql.encode('utf-16-le').hex()} AS nvarchar(max)); EXEC sys.sp_executesql @q"


def _utf16() -> "arrow_odbc.TextEncoding":
    # What a driver makes of text in its narrow form depends on the language settings of this computer.
    found: arrow_odbc.TextEncoding = _arrow_odbc().TextEncoding.UTF16
    return found


def _no_odbc(error: Exception, package: str) -> UserError:
    if isinstance(error, ModuleNotFoundError):
        return UserError(f"The package {package} is not installed.", remedy=f"Install it with “pip install {package}”.")
    return UserError(f"ODBC is not installed on this computer ({error}).", remedy=f"Install unixODBC. {how_to_install()}")
