"""How truly the columns of a task's tables will arrive, told before it runs."""

from collections.abc import Sequence

from dtaas_desktop.domain.fidelity import TRUTH_WORDS, Fidelity, losses
from dtaas_desktop.domain.type_names import name_of_type
from dtaas_desktop.engine.survey import SurveyedTable


def as_lines(tables: Sequence[SurveyedTable]) -> list[str]:
    """For people: one line if all is exact, nothing if no source says anything."""
    told = [table for table in tables if table.description.fidelity]
    if not told:
        return []
    mixed = [table for table in told if any(one.truth != "exact" for one in table.description.fidelity)]
    columns = sum(len(table.description.fidelity) for table in told)
    if not mixed:
        return [f"  Fidelity: every value arrives exactly ({_counted(columns, 'column')})."]
    lines = ["  Fidelity:"]
    for table in mixed:
        found = table.description.fidelity
        exact = sum(one.truth == "exact" for one in found)
        lines.append(f"    {table.connection}/{table.description.table}: {exact} of {_counted(len(found), 'column')} exact")
        lines += [f"      {_column(one)}" for one in found if one.truth != "exact"]
    if len(mixed) < len(told):
        rest = len(told) - len(mixed)
        lines.append(f"    All columns of the other {_counted(rest, 'table')} are exact.")
    return lines


def warnings_of(tables: Sequence[SurveyedTable]) -> frozenset[str]:
    """The warnings of a survey that say what the lines say, less exactly."""
    return frozenset(
        f"Table {table.description.table}: {loss}" for table in tables for loss in losses(table.description.fidelity)
    )


def as_values(found: Sequence[Fidelity]) -> list[dict[str, str]]:
    """For programs: every column, in its order."""
    return [
        {"column": one.column, "declared": one.declared, "type": str(one.type), "truth": one.truth, "note": one.note}
        for one in found
    ]


def _column(one: Fidelity) -> str:
    return f"{one.column}, {one.declared} → {name_of_type(one.type)}: {TRUTH_WORDS[one.truth]}: {one.note}"


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'s' if count != 1 else ''}"
