"""How truly a column's values arrive: said before the first row is read, from its declaration, and on request from its values."""

from collections.abc import Sequence
from dataclasses import replace

from dtaas_desktop.connectors.sqlserver.connecting import Asking
from dtaas_desktop.connectors.sqlserver.relations import Relation, StoredColumn
from dtaas_desktop.connectors.sqlserver.select import statement
from dtaas_desktop.connectors.sqlserver.sql import column as qualified
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


def measured(asking: Asking, relation: Relation, said: Sequence[Fidelity]) -> tuple[Fidelity, ...]:
    """What was said of the columns, with the least and the greatest value, and how many lose something, where that matters."""
    stored = {column.name: column for column in relation.columns}
    # Neither a cipher text nor a mask has a least and a greatest value.
    plain = {name for name, column in stored.items() if column.scale == 7 and not column.encrypted and not column.masked}
    open_ = [truth for truth in said if truth.truth == "lossy" and truth.column in plain]
    if not open_:
        return tuple(said)
    asked = []
    for number, truth in enumerate(open_):
        c = qualified(truth.column)
        asked += [
            f"CONVERT(varchar(40), MIN({c}), 121) AS a{number}",
            f"CONVERT(varchar(40), MAX({c}), 121) AS b{number}",
            f"SUM(CASE WHEN {_loses(truth, c)} THEN CAST(1 AS bigint) ELSE 0 END) AS n{number}",
        ]
    row = asking.row(statement(relation, ", ".join(asked)))
    found = {truth.column: _judged(truth, *row[3 * number : 3 * number + 3]) for number, truth in enumerate(open_)}
    return tuple(found.get(truth.column, truth) for truth in said)


def _loses(truth: Fidelity, c: str) -> str:
    if truth.type == NANOSECONDS:
        return f"{c} < '1677-09-21T00:12:44' OR {c} > '2262-04-11T23:47:16.8547758'"
    return f"DATEPART(nanosecond, {c}) % 1000 <> 0"


def _judged(truth: Fidelity, least: str | None, greatest: str | None, losing: int | None) -> Fidelity:
    if least is None:
        return replace(truth, note=f"{truth.note} (there are no values)")
    between = f"values lie between {least} and {greatest}"
    if losing:
        return replace(truth, note=f"{truth.note} ({between}; {int(losing):,} lose something)")
    return replace(truth, truth="companion" if "offset in" in truth.note else "exact", note=f"{between}; none loses anything")
