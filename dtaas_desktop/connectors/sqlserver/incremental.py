"""Changes by a column that grows, for those who may not use change capture: a rowversion, a date, or a number.

A turn reads the rows whose value lies after the saved one. What this cannot see is said in the table's notes: rows that were deleted,
rows that were changed without the column, and rows that are committed late under a value that was passed already; for those the look-back.
A rowversion needs none: what is below MIN_ACTIVE_ROWVERSION() is committed, and nothing can come there any more.
"""

import decimal
import math
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from dtaas_desktop.connectors.sqlserver import keys
from dtaas_desktop.connectors.sqlserver.connecting import Asking
from dtaas_desktop.connectors.sqlserver.relations import Relation, StoredColumn
from dtaas_desktop.connectors.sqlserver.select import statement
from dtaas_desktop.connectors.sqlserver.session import SqlServerSession
from dtaas_desktop.connectors.sqlserver.sql import column as qualified
from dtaas_desktop.connectors.sqlserver.sql import quoted
from dtaas_desktop.domain.changes import CHANGES, Changes, Lag, Operation, Position
from dtaas_desktop.domain.errors import PositionLost, UserError
from dtaas_desktop.domain.harm import Harm
from dtaas_desktop.domain.ports import CaptureState, GrowingColumn, Measure, RowStream
from dtaas_desktop.domain.table import CellPolicy, Part, Rows, TableDescription, TableRef

_ROWVERSION = {"timestamp", "rowversion"}
_DATES = {"date", "smalldatetime", "datetime", "datetime2", "datetimeoffset"}
_NUMBERS = {"tinyint", "smallint", "int", "bigint", "decimal", "numeric", "money", "smallmoney"}
_TELLING = re.compile("modif|updat|chang", re.IGNORECASE)
_EMPTY = ""  # the position of a table without any row
_DIGITS = 40
_SHIFT = decimal.Decimal(10) ** 38
_CONTEXT = decimal.Context(prec=90)


@dataclass(frozen=True, slots=True)
class Growth:
    """A column that grows, in one table. `look_back`: hours for dates, units for numbers. `once`: whether no row may come twice;
    `unique`: whether no two rows have the same value.
    """

    column: StoredColumn
    look_back: float = 0.0
    once: bool = False
    unique: bool = False

    @property
    def asked(self) -> str:
        """SQL for how far the table is now."""
        if self.column.type in _ROWVERSION:
            return "CONVERT(varchar(20), CAST(MIN_ACTIVE_ROWVERSION() AS binary(8)), 1)"
        return keys.plain(self.column, f"MAX({qualified(self.column.name)})")

    def position(self, found: object) -> Position:
        """What `asked` gave, as a position: a text that is greater for a greater value."""
        if found is None:
            return _EMPTY
        if self.column.type in _NUMBERS:
            return _sortable(decimal.Decimal(str(found).strip()))
        return str(found).strip()

    def condition(self, what: Changes) -> str:
        """The rows of a turn. Where a key absorbs them, those that stand at the last value come again: more may have got it since."""
        if not what.upto:
            return "1 = 0"
        if self.column.type in _ROWVERSION:
            return self._between(">=", what.after, "<", what.upto)
        if self.once:
            # Several rows may get one value, so that those with the newest wait until it is no longer the newest.
            return self._between(*((">", what.after, "<=") if self.unique else (">=", what.after, "<")), what.upto)
        return self._between(">=", what.after, "<=", what.upto)

    def loaded(self, upto: Position) -> str:
        """The rows of a load that is gone on with from a position; all of them where a key absorbs what comes again."""
        if not self.once:
            return ""
        c = qualified(self.column.name)
        if not upto:
            return f"{c} IS NULL"
        below = "<=" if self.unique and self.column.type not in _ROWVERSION else "<"
        return f"({c} {below} {self._literal(upto)} OR {c} IS NULL)"

    def _between(self, above: str, after: Position, below: str, upto: Position) -> str:
        c = qualified(self.column.name)
        conditions = [f"{c} {above} {self._earlier(self._literal(after))}"] if after else []
        return " AND ".join([*conditions, f"{c} {below} {self._literal(upto)}"])

    def _literal(self, position: Position) -> str:
        if self.column.type in _ROWVERSION:
            return f"CAST(0x{position.removeprefix('0x')} AS binary(8))"
        return keys.literal_of(self.column, _number(position) if self.column.type in _NUMBERS else position)

    def _earlier(self, value: str) -> str:
        """The value, so far back as is looked."""
        if not self.look_back:
            return value
        if self.column.type in _NUMBERS:
            return f"{value} - {decimal.Decimal(str(self.look_back)).normalize():f}"
        if self.column.type == "date":
            return f"DATEADD(day, {-math.ceil(self.look_back / 24)}, {value})"
        return f"DATEADD(second, {-round(self.look_back * 3600)}, {value})"


def growth_of(relation: Relation, column: str, look_back: float, *, once: bool) -> Growth:
    """Raises UserError if the table has no such column, or one that cannot tell what is new."""
    stored = next((one for one in relation.columns if one.name == column), None)
    if stored is None:
        raise UserError(
            f"Table {relation.ref} has no column “{column}” to find new rows by.",
            remedy="Name another column, or leave the table out.",
        )
    if _measure(stored) is None:
        raise UserError(
            f"Column “{column}” of table {relation.ref} is {stored.declared}: new rows cannot be found by it.",
            remedy="Name a rowversion, a date or a number that grows.",
        )
    if stored.type in _ROWVERSION:
        look_back = 0.0
    if once and look_back:
        raise UserError(
            f"Rows of table {relation.ref} that are looked back at would be appended again.",
            remedy="Set the look-back to 0, or write the table with “mirror”.",
        )
    unique = any(index.unique and index.columns == (column,) for index in relation.indexes)
    return Growth(stored, look_back, once, unique)


def growing(relation: Relation) -> tuple[GrowingColumn, ...]:
    """The columns that can tell what is new: a rowversion, then dates, then numbers. Those come first that are counted by the server,
    or called as columns are that each change raises.
    """
    found = [(column, measure) for column in relation.columns if (measure := _measure(column)) is not None]
    order: tuple[Measure, ...] = ("version", "date", "number")
    found.sort(key=lambda one: (order.index(one[1]), not (one[0].identity or _TELLING.search(one[0].name))))
    return tuple(GrowingColumn(column.name, column.declared, measure) for column, measure in found)


def _measure(column: StoredColumn) -> Measure | None:
    if column.encrypted or column.masked:
        return None
    if column.type in _ROWVERSION:
        return "version"
    return "date" if column.type in _DATES else "number" if column.type in _NUMBERS else None


def said(growth: Growth) -> str:
    """What following the column misses, as a sentence."""
    name = growth.column.name
    if growth.column.type in _ROWVERSION:
        return f"New and changed rows are found by “{name}”; deleted rows are not seen and stay at the target."
    if growth.once and not growth.unique:
        return (
            f"New rows are found by “{name}”; those with its newest value come with a later run, as more rows may still get it. Not seen are "
            "deleted and changed rows, rows without a value in it, and rows that arrive late."
        )
    unit = "hours" if growth.column.type in _DATES else "units"
    late = f"more than {growth.look_back:g} {unit} late" if growth.look_back else "late"
    return (
        f"New rows are found by “{name}”; not seen are deleted rows, rows changed without it, rows without a value in it, and rows that "
        f"arrive {late}."
    )


class ColumnCapture:
    """What the engine needs of a capture; nothing is installed, held or purged."""

    net = False

    def __init__(self, column: str, growth: Callable[[TableRef], Growth]) -> None:
        self._column, self._growth = column, growth

    def state(self, table: TableRef) -> CaptureState:
        try:
            self._growth(table)
        except UserError as error:
            return CaptureState(False, possible=False, reason=error.message, remedy=error.remedy)
        return CaptureState(True)

    def script(self, tables: Sequence[TableRef]) -> str:
        return f"-- Nothing to install: new rows are found by the column {quoted(self._column)}.\n"

    def enable(self, tables: Sequence[TableRef]) -> None:
        """Nothing to do."""

    def disable(self, tables: Sequence[TableRef]) -> None:
        """Nothing to do."""

    def hold(self, consumer: str, tables: Collection[TableRef]) -> None:
        """Rows stay in the table of themselves."""

    def release(self, consumer: str, upto: Mapping[TableRef, Position]) -> None:
        """Rows stay in the table of themselves."""

    def lag(self, since: Mapping[TableRef, Position]) -> Mapping[TableRef, Lag]:
        return {}  # only reading would tell


class IncrementalSession:
    """A session whose positions are values of the column, and whose changes are the rows that have got a later one."""

    def __init__(
        self, inner: SqlServerSession, tables: Mapping[TableRef, Growth], ask: Callable[[], Mapping[TableRef, Position]]
    ) -> None:
        self._inner, self._tables, self._ask = inner, tables, ask

    def now(self) -> Mapping[TableRef, Position]:
        return self._ask()

    def harm(self) -> Harm:
        return self._inner.harm()

    @contextmanager
    def read(
        self,
        table: TableDescription,
        what: Part | Changes,
        *,
        columns: Sequence[str],
        cells: CellPolicy,
        whole: Collection[str] = (),
    ) -> Iterator[RowStream]:
        growth = self._tables.get(table.table)
        if isinstance(what, Part):
            beside = growth.loaded(what.upto) if growth is not None and what.upto is not None else ""
            with self._inner.read_where(table, what, beside, columns=columns, cells=cells) as stream:
                yield stream
            return
        if growth is None:
            raise PositionLost(
                f"Table {table.table} is no longer followed by a column.", remedy="Make a full reload of the table."
            )
        with self._inner.read_where(table, Part("0"), growth.condition(what), columns=columns, cells=cells) as stream:
            yield _Changed(stream, what.upto)


class _Changed:
    """Rows as images of net changes: each is there now, as it is."""

    def __init__(self, stream: RowStream, position: Position) -> None:
        self._stream, self._position = stream, position
        self.schema = stream.schema

    def cancel(self) -> None:
        self._stream.cancel()

    def __iter__(self) -> Iterator[Rows]:
        number = 0
        for rows in self._stream:
            count = rows.batch.num_rows
            numbers = pc.utf8_lpad(pa.array(range(number, number + count), pa.int64()).cast(pa.string()), 12, "0")
            places = pc.binary_join_element_wise(self._position, numbers, " ")
            number += count
            changes = pa.RecordBatch.from_arrays(
                [
                    pa.repeat(pa.scalar(Operation.PRESENT.value, pa.int8()), count),
                    pa.repeat(pa.scalar(self._position), count),
                    places,
                    pa.nulls(count, CHANGES.field("committed_at").type),
                ],
                schema=CHANGES,
            )
            yield replace(rows, changes=changes)


def positions(asking: Asking, tables: Mapping[TableRef, tuple[Relation, Growth]]) -> Mapping[TableRef, Position]:
    """How far each table is now."""
    found = {}
    for ref, (relation, growth) in tables.items():
        asking.about(str(ref))
        if growth.column.type in _ROWVERSION:
            found[ref] = growth.position(asking.row(f"SELECT {growth.asked}")[0])
        else:
            found[ref] = growth.position(asking.row(statement(relation, growth.asked))[0])
    return found


def _sortable(number: decimal.Decimal) -> str:
    """A number as digits that compare like it: shifted above zero, and of equal length."""
    whole = _CONTEXT.add(number, _SHIFT).quantize(decimal.Decimal(1), rounding=decimal.ROUND_FLOOR, context=_CONTEXT)
    fraction = _CONTEXT.subtract(_CONTEXT.add(number, _SHIFT), whole)
    return f"{whole:0{_DIGITS}f}" + (f"{fraction:f}"[1:] if fraction else "")


def _number(position: Position) -> str:
    return f"{_CONTEXT.subtract(decimal.Decimal(position), _SHIFT):f}"
