"""What a task can be made of: the tables of a source, and whether their changes are captured."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from dtaas_desktop.connectors.registry import open_source
from dtaas_desktop.domain.connection import Connection
from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.ports import Capture, CaptureState
from dtaas_desktop.domain.table import TableRef


@dataclass(frozen=True, slots=True)
class SourceTables:
    """The tables and views of a source in its own order. `captures`: it can capture changes at all."""

    tables: tuple[TableRef, ...]
    captures: bool


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
    return SourceTables(tuple(source.tables()), source.capture is not None)


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
