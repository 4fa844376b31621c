"""What a task can be made of: the tables of a source, whether their changes are captured, and which columns could tell what is new."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from dtaas_desktop.connectors.registry import open_source
from dtaas_desktop.domain.connection import Connection
from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.ports import Capture, CaptureState, ColumnFollower, GrowingColumn, conversation_with
from dtaas_desktop.domain.table import TableRef
from dtaas_desktop.domain.table_names import by_schema


@dataclass(frozen=True, slots=True)
class SourceTables:
    """The tables and views of a source in its own order. `captures`: it can capture changes at all; `follows`: it can find new rows
    by a column.
    """

    tables: tuple[TableRef, ...]
    captures: bool
    follows: bool = False


@dataclass(frozen=True, slots=True)
class GrowingOffer:
    """By which columns of some tables new rows could be found."""

    columns: Mapping[TableRef, tuple[GrowingColumn, ...]]

    @property
    def common(self) -> tuple[GrowingColumn, ...]:
        """Those that every table has, alike in what they measure; in the order of the first table."""
        first, *others = self.columns.values() or ((),)
        wanted = [{(one.name, one.measure) for one in columns} for columns in others]
        return tuple(one for one in first if all((one.name, one.measure) in names for names in wanted))

    def without(self, column: str) -> tuple[TableRef, ...]:
        """The tables in which this column cannot tell what is new."""
        return tuple(ref for ref, columns in self.columns.items() if all(one.name != column for one in columns))


@dataclass(frozen=True, slots=True)
class CaptureOffer:
    """Which of some tables are captured, and the script that would capture those that are not and can be."""

    states: Mapping[TableRef, CaptureState]
    script: str

    @property
    def missing(self) -> tuple[TableRef, ...]:
        return tuple(ref for ref, state in self.states.items() if not state.on and state.possible)

    @property
    def impossible(self) -> tuple[TableRef, ...]:
        return tuple(ref for ref, state in self.states.items() if not state.on and not state.possible)


def source_tables(connection: Connection, *, secret: Callable[[str], str]) -> SourceTables:
    """Ask the source."""
    source = open_source(connection, secret=secret)
    return SourceTables(by_schema(source.tables()), source.capture is not None, isinstance(source, ColumnFollower))


def growing_offer(connection: Connection, tables: Sequence[TableRef], *, secret: Callable[[str], str]) -> GrowingOffer:
    """Ask the source of each table. Raises UserError if the system cannot find new rows by a column."""
    source = open_source(connection, secret=secret)
    if not isinstance(source, ColumnFollower):
        raise UserError(f"“{connection.name}” cannot find new rows by a column.", remedy="Choose another transfer.")
    with conversation_with(source):
        return GrowingOffer({table: tuple(source.growing(table)) for table in tables})


def capture_offer(connection: Connection, tables: Sequence[TableRef], *, secret: Callable[[str], str]) -> CaptureOffer:
    """How it stands with the capture of these tables. Raises UserError if the system cannot capture changes."""
    capture = _capture(connection, secret)
    states = {table: capture.state(table) for table in tables}
    offer = CaptureOffer(states, "")
    return CaptureOffer(states, capture.script(offer.missing)) if offer.missing else offer


def enable_capture(connection: Connection, tables: Collection[TableRef], *, secret: Callable[[str], str]) -> None:
    """Capture the changes of these tables from now on."""
    _capture(connection, secret).enable(list(tables))


def _capture(connection: Connection, secret: Callable[[str], str]) -> Capture:
    capture = open_source(connection, secret=secret).capture
    if capture is None:
        raise UserError(f"“{connection.name}” cannot capture changes.", remedy="Choose the transfer “full load”.")
    return capture
