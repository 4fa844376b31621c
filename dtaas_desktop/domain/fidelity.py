"""How truly a source's values arrive: said of each column before the first row is read."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

Truth = Literal["exact", "companion", "lossy"]

# What each is called where there is room for a word or two.
TRUTH_WORDS: Mapping[Truth, str] = {"exact": "exact", "companion": "exact with a companion column", "lossy": "lossy"}
_SHOWN = 10  # columns that a sentence names


@dataclass(frozen=True, slots=True)
class Fidelity:
    """What becomes of one column: as the source declares it, the type it is read as, and whether every value arrives as it was.

    companion: exactly, together with what a second column holds. lossy: `note` says what is lost. Notes are clauses, not sentences.
    """

    column: str
    declared: str
    type: pa.DataType
    truth: Truth
    note: str = ""


def losses(columns: Iterable[Fidelity]) -> tuple[str, ...]:
    """A sentence for each kind of loss, naming the columns that it is about."""
    return tuple(f"{named}: {note}." for named, note in _by_note(columns, "lossy"))


def companions(columns: Iterable[Fidelity]) -> tuple[str, ...]:
    """A sentence for each way in which values arrive exactly, but not as one column of their own type."""
    told = _by_note(columns, "companion")
    return tuple(f"{named} {'arrive' if named.startswith('Columns') else 'arrives'} exactly: {note}." for named, note in told)


def _by_note(columns: Iterable[Fidelity], truth: Truth) -> list[tuple[str, str]]:
    found: dict[str, list[str]] = {}
    for one in columns:
        if one.truth == truth:
            found.setdefault(one.note, []).append(one.column)
    return [(_named(names), note) for note, names in found.items()]


def _named(names: Sequence[str]) -> str:
    shown = ", ".join(f"“{name}”" for name in names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
    return f"Column {shown}" if len(names) == 1 else f"Columns {shown}"
