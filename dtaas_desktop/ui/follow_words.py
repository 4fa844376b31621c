"""What finding new rows by a column comes to, in words, and what is wrong with how it is asked for. Nothing of Qt."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from dtaas_desktop.domain.changes import WriteMode
from dtaas_desktop.domain.ports import Measure
from dtaas_desktop.services.source_tables import GrowingOffer

FollowField = Literal["column", "look back"]
MEASURES: Mapping[Measure, str] = {"version": "a version that the server raises", "date": "a date", "number": "a number"}
_LOOK_BACKS: Mapping[Measure | None, str] = {
    "version": "",
    "date": "Hours, for rows that are committed late.",
    "number": "Units below the highest, for rows that are committed late.",
    None: "Hours for dates, units for numbers: for rows that are committed late.",
}


@dataclass(frozen=True, slots=True)
class Following:
    """What is asked for. `look_back` is the text that was typed; `offer` is None while nobody knows the tables' columns."""

    column: str
    look_back: str
    write_mode: WriteMode
    offer: GrowingOffer | None = None

    @property
    def measure(self) -> Measure | None:
        """What the column measures; None while nobody knows."""
        common = self.offer.common if self.offer is not None else ()
        return next((one.measure for one in common if one.name == self.column), None)

    @property
    def look_back_value(self) -> float | None:
        """In hours or units; None if it is no number that can be looked back by."""
        text = self.look_back.strip()
        if not text:
            return 0.0
        try:
            value = float(text)
        except ValueError:
            return None
        return value if math.isfinite(value) and value >= 0 else None


def look_back_help(measure: Measure | None) -> str:
    return _LOOK_BACKS[measure]


def column_help(following: Following) -> str:
    """What the column is, or which there are to choose from."""
    offer = following.offer
    if offer is None:
        return "A rowversion, a date or a number that every later change raises."
    one = next((one for one in offer.common if one.name == following.column), None)
    if one is not None:
        return f"{one.declared}: {MEASURES[one.measure]}."
    if not offer.common:
        return "The chosen tables have no such column in common: make a task for each."
    return "In every chosen table a rowversion, a date or a number that each later change raises."


def misses(following: Following) -> str:
    """What is not seen."""
    if following.measure == "version":
        return "Deleted rows are not seen: they stay at the destination."
    if following.write_mode == "append":
        return "Not seen: rows that are changed or deleted, rows without a value in the column, rows that are committed late."
    looks_back = bool(following.look_back_value)
    late = "rows that are committed later than the look-back" if looks_back else "rows that are committed late"
    return f"Not seen: deleted rows, rows changed without the column, rows without a value in it, {late}."


def follow_problems(following: Following) -> dict[FollowField, str]:
    """A sentence for each field that is wrong."""
    found: dict[FollowField, str] = {}
    offer = following.offer
    if not following.column:
        found["column"] = "Choose the column that says what is new."
    elif offer is not None and (without := offer.without(following.column)):
        others = f" and {len(without) - 1:,} more" if len(without) > 1 else ""
        found["column"] = (
            f"New rows of {without[0]}{others} cannot be found by “{following.column}”: choose another column, or other tables."
        )
    value = following.look_back_value
    if value is None:
        found["look back"] = "Enter a number, 0 or more."
    elif value and following.write_mode == "append" and following.measure != "version":
        found["look back"] = "Rows looked back at would be appended again: enter 0, or write with “mirror”."
    return found
