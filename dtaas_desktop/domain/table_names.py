"""Which tables of a source the names and patterns in a task mean: with or without the schema, exact before any case, * and ?."""

import re
from collections.abc import Collection, Sequence

from dtaas_desktop.domain.table import TableRef


def matching(pattern: str, available: Sequence[TableRef]) -> list[TableRef]:
    """The tables that a name or pattern means."""
    # A table may really be called “a*”: an exact name wins over a pattern, and exact case over any case.
    for wanted, fold in ((pattern, str), (pattern.casefold(), str.casefold)):
        exact = [table for table in available if wanted in (fold(table.name), fold(str(table)))]
        if exact:
            return exact
    regex = re.compile("".join({"*": ".*", "?": "."}.get(c, re.escape(c)) for c in pattern), re.IGNORECASE | re.DOTALL)
    return [table for table in available if regex.fullmatch(table.name) or regex.fullmatch(str(table))]


def meant(names: Collection[str], exclude: Collection[str], available: Sequence[TableRef]) -> list[TableRef]:
    """The tables that names and patterns mean, without those that are left out, in the order of `available`."""
    wanted = {table for name in names for table in matching(name, available)}
    left_out = {table for name in exclude for table in matching(name, available)}
    return [table for table in available if table in wanted - left_out]


def split_names(names: Sequence[str], available: Sequence[TableRef]) -> tuple[list[TableRef], list[str]]:
    """Names that are single tables of the source, and what is left: patterns, and names that it does not have."""
    tables: dict[TableRef, None] = {}
    others = []
    for name in names:
        exact = [table for table in available if name in (table.name, str(table))]
        if len(exact) == 1:
            tables[exact[0]] = None
        else:
            others.append(name)
    return list(tables), others


def is_pattern(name: str) -> bool:
    return "*" in name or "?" in name


def by_schema(tables: Sequence[TableRef]) -> tuple[TableRef, ...]:
    """Tables of systems with schemas in the order of those; others in the order given."""
    if not any(table.schema for table in tables):
        return tuple(tables)
    return tuple(sorted(tables, key=lambda table: (table.schema.casefold(), table.name.casefold(), table)))
