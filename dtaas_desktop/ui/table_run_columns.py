"""The columns of a run's table runs."""

from collections.abc import Sequence

from dtaas_desktop.services.runs_view import TableRunRecord
from dtaas_desktop.ui.run_words import table_percent, table_state, up_to
from dtaas_desktop.ui.tables import Column
from dtaas_desktop.ui.tokens import Tone
from dtaas_desktop.ui.words import NOTHING, exact

TO, PROGRESS, READ, FILTERED, REJECTED, PARTS, UP_TO = 1, 3, 4, 5, 6, 8, 9
_GIVING_WAY = (PARTS, TO, FILTERED)  # which go first where names need the room
_AT_LAST = (READ, REJECTED, PROGRESS)  # which go only where names would have less than the least
_NAMES = (150, 236)  # pixels that the names of tables need at least and at most
_LETTER = 7.3  # pixels, of the names


def _tone(one: TableRunRecord) -> Tone:
    return table_state(one)[1]


def _figure(count: int, one: TableRunRecord) -> str:
    return NOTHING if one.state == "waiting" or (one.state == "failed" and not count) else exact(count)


def _progress(one: TableRunRecord) -> str:
    percent = table_percent(one)
    return NOTHING if percent is None else f"{int(percent)} %"


COLUMNS: tuple[Column[TableRunRecord], ...] = (
    Column("Table", lambda one: one.source_table, "mono"),
    Column("To", lambda one: one.connection, "dim", tip=lambda one: f"{one.connection} / {one.target}", width=116),
    Column("State", lambda one: table_state(one)[0], "pill", tone=_tone, width=108),
    Column("Progress", _progress, "bar", tone=_tone, percent=table_percent, width=148),
    Column("Read", lambda one: _figure(one.counts.read, one), "figure", width=88),
    Column("Filtered", lambda one: _figure(one.counts.filtered, one), "figure", width=78),
    Column("Rejected", lambda one: _figure(one.counts.rejected, one), "figure", width=80),
    Column("Written", lambda one: _figure(one.counts.written, one), "figure", width=88),
    Column("Parts", lambda one: f"{one.parts_done} / {one.parts}", "figure", width=68),
    Column("Up to", up_to, "figure", width=80),
)


def hidden_columns(records: Sequence[TableRunRecord], room: int) -> frozenset[int]:
    """The columns to hide in a table that is `room` pixels wide: what says nothing about these, then what gives way to the names."""
    hidden = set()
    if all(one.as_of is None for one in records):
        hidden.add(UP_TO)
    longest = max((len(one.source_table) for one in records), default=0)
    names = min(max(_NAMES[0], int(longest * _LETTER) + 24), _NAMES[1])
    dull = [
        column
        for column, says in (
            (REJECTED, any(one.counts.rejected for one in records)),
            (FILTERED, any(one.counts.filtered for one in records)),
        )
        if not says
    ]
    for column in (*dull, *_GIVING_WAY, *_AT_LAST):
        least = _NAMES[0] if column in _AT_LAST else names
        if room - sum(one.width for at, one in enumerate(COLUMNS) if at not in hidden) < least:
            hidden.add(column)
    return frozenset(hidden)
