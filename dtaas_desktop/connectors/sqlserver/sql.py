"""Pieces of Transact-SQL as text. Names are quoted by its rule; every column is qualified by the alias `r`."""

import re
from collections.abc import Iterator

from dtaas_desktop.domain.errors import UserError


def quoted(name: str) -> str:
    return "[" + name.replace("]", "]]") + "]"


def column(name: str) -> str:
    return f"r.{quoted(name)}"


def literal(text: str) -> str:
    return "N'" + text.replace("'", "''") + "'"


def selectable(query: str) -> tuple[str, str]:
    """A user's query as what stands before SELECT, and what stands after FROM.

    A query that begins with WITH cannot stand in parentheses: its last SELECT becomes one more named part. Raises UserError for
    what is not one SELECT.
    """
    text = query.strip().removesuffix(";").rstrip()
    words = list(_outer_words(text))
    first = words[0][0] if words else ""
    if first == "SELECT":
        return "", f"(\n{text}\n)"  # the line break ends a comment in its last line
    if first == "WITH":
        for word, at in words:
            if word == "SELECT":
                return f"{text[:at].rstrip()},\n[the query itself] AS (\n{text[at:]}\n)\n", "[the query itself]"
    raise UserError("A query must be one SELECT statement.", remedy="Begin it with SELECT or WITH, and write nothing after it.")


_TOKENS = re.compile(
    r"--[^\n]*|/\*|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|\[(?:[^\]]|\]\])*\]|\(|\)|[A-Za-z_@#][\w@#$]*|.", re.DOTALL
)


def _outer_words(text: str) -> Iterator[tuple[str, int]]:
    """The words outside of parentheses, strings, quoted names and comments, in upper case, and where they begin."""
    depth, at = 0, 0
    while at < len(text):
        match = _TOKENS.match(text, at)
        assert match is not None
        token = match[0]
        if token == "/*":
            at = _comment_end(text, at)
            continue
        if token == "(":
            depth += 1
        elif token == ")":
            depth -= 1
        elif depth == 0 and (token[0].isalpha() or token[0] == "_"):
            yield token.upper(), at
        at = match.end()


def _comment_end(text: str, at: int) -> int:
    """Comments nest in Transact-SQL."""
    depth = 0
    for match in re.compile(r"/\*|\*/").finditer(text, at):
        depth += 1 if match[0] == "/*" else -1
        if depth == 0:
            return match.end()
    raise UserError("A comment in the query does not end.", remedy="Close it with */.")
