"""How truly the columns of a table arrive, in words and tones. Nothing of Qt."""

from collections.abc import Mapping, Sequence

from dtaas_desktop.domain.fidelity import Fidelity, Truth
from dtaas_desktop.domain.table import Column, TableDescription
from dtaas_desktop.domain.type_names import name_of_type
from dtaas_desktop.ui.tokens import Tone

MARKS: Mapping[Truth, tuple[str, Tone]] = {
    "exact": ("Exact", "quiet"),
    "companion": ("Exact, in two", "accent"),
    "lossy": ("Lossy", "amber"),
}


def is_exact(found: Sequence[Fidelity]) -> bool:
    """Whether nothing is to be said: every column arrives as it is."""
    return all(one.truth == "exact" for one in found)


def summary(found: Sequence[Fidelity]) -> str:
    """How many columns arrive how; nothing if the source says nothing."""
    if not found:
        return ""
    counts = {truth: sum(one.truth == truth for one in found) for truth in MARKS}
    if counts["exact"] == len(found):
        return "Every value arrives exactly."
    said = [
        f"{counts['exact']} of {_columns(len(found))} arrive exactly" if counts["exact"] else "No column arrives simply as it is"
    ]
    if counts["companion"]:
        said.append(f"{counts['companion']} with a companion")
    if counts["lossy"]:
        said.append(f"{counts['lossy']} {'loses' if counts['lossy'] == 1 else 'lose'} something")
    return f"{', '.join(said)}."


def by_column(described: TableDescription) -> dict[str, Fidelity]:
    """What is said of each column that is read; a companion has what is said of the one it belongs to."""
    told = {one.column: one for one in described.fidelity}
    found: dict[str, Fidelity] = {}
    last: Fidelity | None = None
    for column in described.columns:
        last = told.get(column.name, last)
        if last is not None:
            found[column.name] = last
    return found


def mark(column: Column, told: Mapping[str, Fidelity]) -> tuple[str, Tone]:
    """A word or two for the column, with its tone."""
    one = told.get(column.name)
    if one is None:
        return "", "quiet"
    return MARKS[one.truth] if one.column == column.name else ("Companion", "quiet")


def sentence(column: Column, told: Mapping[str, Fidelity]) -> str:
    """What the column is at the source, and how it arrives."""
    one = told.get(column.name)
    if one is not None and one.column != column.name:
        return f"“{column.name}” accompanies “{one.column}”, {one.declared}: {one.note}."
    kinds = [column.declared or "declared without a type", "" if column.nullable else "never NULL", *column.traits]
    about = f"“{column.name}”: {', '.join(filter(None, kinds))}."
    if one is None:
        return about
    how = {"exact": "Arrives exactly", "companion": "Arrives exactly", "lossy": "Loses something"}[one.truth]
    return f"{about} {how}{f': {one.note}' if one.note else f' as {name_of_type(one.type)}'}."


def _columns(count: int) -> str:
    return f"{count:,} column{'s' if count != 1 else ''}"
