"""How truly a column's values arrive, as far as its declaration tells: said before the first row is read."""

from collections.abc import Sequence

from dtaas_desktop.connectors.sqlserver.catalog import StoredColumn
from dtaas_desktop.connectors.sqlserver.types import MICROSECONDS, NANOSECONDS, Reading, is_known
from dtaas_desktop.domain.fidelity import Fidelity, Truth

_SEVENTH = "the seventh digit after the second is cut off"


def fidelity(column: StoredColumn, declared: str, readings: Sequence[Reading]) -> Fidelity:
    """What becomes of the column's values. `declared` is its type for people, `readings` what it is read as."""
    truth, note = _truth(column, readings[0], readings[1].name if len(readings) > 1 else "")
    return Fidelity(column.name, declared, readings[0].type, truth, note)


def _truth(column: StoredColumn, main: Reading, companion: str) -> tuple[Truth, str]:
    if column.encrypted:
        return "lossy", "encrypted by Always Encrypted: the encrypted bytes are read, which only a holder of the key can open"
    if column.masked:
        return "lossy", "masked: without the right UNMASK the masked values are read instead of the true ones"
    if column.type == "datetime2" and column.scale == 7 and main.type == MICROSECONDS:
        return "lossy", _SEVENTH
    if main.type == NANOSECONDS:
        return "lossy", "moments before 1677-09-21 and after 2262-04-11 do not fit"
    if column.type == "datetimeoffset":
        return _moment(column, companion)
    if column.type in ("geography", "geometry"):
        kept = f"its SRID in “{companion}”" if companion else "its SRID is not kept"
        return "lossy", f"the shape as WKB, {kept}; Z and M values have no place there"
    if column.type == "sql_variant":
        told = f"the type's name in “{companion}”" if companion else "its type is not kept"
        return ("companion" if companion else "lossy"), f"the exact text, {told}"
    if not is_known(column):
        return "companion", "the bytes as the server stores them"
    return "exact", ""


def _moment(column: StoredColumn, companion: str) -> tuple[Truth, str]:
    offset = f"its offset in “{companion}”" if companion else "its offset is not kept"
    if column.scale == 7:
        return "lossy", f"the moment in UTC, {offset}; {_SEVENTH}"
    return ("companion" if companion else "lossy"), f"the moment in UTC, {offset}"
