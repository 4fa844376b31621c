"""Pieces of SQLite's SQL as text. Names are quoted by its rule; every column is qualified by the alias `r`.

Qualified, because SQLite takes an unknown "name" standing alone for a string literal instead of failing.
"""

import re
from collections.abc import Sequence

from dtaas_desktop.domain.errors import UserError

_COMMENTS = re.compile(r"(?:\s+|--[^\n]*(?:\n|$)|/\*.*?\*/)*", re.DOTALL)


def quoted(name: str) -> str:
    if "\0" in name:
        raise UserError("A name with a NUL character cannot be read.", remedy="Correct the name.")
    return '"' + name.replace('"', '""') + '"'


def column(name: str) -> str:
    return f"r.{quoted(name)}"


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def subselect(query: str) -> str:
    """A user's query as something to select from. Raises UserError for what is not one SELECT, VALUES or WITH."""
    text = query.strip().removesuffix(";").strip()
    start = _COMMENTS.match(text)
    words = re.match(r"[A-Za-z]+", text[start.end() if start else 0 :])
    if words is None or words[0].upper() not in {"SELECT", "VALUES", "WITH"}:
        raise UserError(
            "A query must be one SELECT statement.", remedy="Begin it with SELECT, VALUES or WITH, and write nothing after it."
        )
    return f"(\n{text}\n)"  # the line break ends a comment in its last line; a second statement is a syntax error in here


def joined(parts: Sequence[str], operator: str) -> str:
    """a + b + c … as a balanced tree: SQLite allows expressions a thousand deep, and tables two thousand columns wide."""
    if len(parts) == 1:
        return parts[0]
    middle = len(parts) // 2
    return f"({joined(parts[:middle], operator)} {operator} {joined(parts[middle:], operator)})"


def cell_bytes(name: str) -> str:
    """The bytes of a cell; for texts and blobs known from the row's header, without loading them. Numbers count 8."""
    cell = column(name)
    return f"iif(typeof({cell}) IN ('text', 'blob'), octet_length({cell}), 8)"


def row_bytes(names: Sequence[str]) -> str:
    return joined([cell_bytes(name) for name in names], "+")
