"""How truly a source's values arrive: said of each column before the first row is read."""

from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

Truth = Literal["exact", "companion", "lossy"]


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
