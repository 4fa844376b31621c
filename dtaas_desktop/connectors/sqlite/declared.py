"""What SQLite's schema keeps as text alone: the conditions of partial indexes, the values of defaults, and what a trigger does."""

import re

from dtaas_desktop.connectors.sqlite.sql import literal

_TOKEN = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|--[^\n]*|/\*.*?(?:\*/|\Z)|\w+|.""", re.DOTALL)
_NUMBER = re.compile(r"\d\w*")
_WORDS = {"CURRENT_TIMESTAMP", "CURRENT_DATE", "CURRENT_TIME"}
# Functions that every SQLite has, and that give the same value twice within one statement.
_STEADY = {"DATETIME", "DATE", "TIME", "JULIANDAY", "STRFTIME", "LOWER", "UPPER", "HEX", "ABS", "CAST", "AS"}
_TYPES = {"INTEGER", "INT", "TEXT", "REAL", "NUMERIC", "BLOB"}


def condition(index_sql: str) -> str:
    """The text after WHERE of a CREATE INDEX statement; a condition that always holds if there is none."""
    depth, listed = 0, False
    for token in _TOKEN.finditer(index_sql):
        word = token[0]
        depth += {"(": 1, ")": -1}.get(word, 0)
        listed = listed or (word == ")" and depth == 0)
        if listed and word.upper() == "WHERE":
            return index_sql[token.end() :].strip()
    return "1"


def default_value(text: str) -> str:
    """A column's DEFAULT as an expression that means the same in a statement about any table; empty if there is none such.

    A name that stands alone is a string there (https://www.sqlite.org/lang_createtable.html#dfltval), but a column in a trigger. An
    expression that gives another value each time, as random() does, or by a function that only some programs have, is none.
    """
    words = _words(text)
    if len(words) == 1 and words[0].upper() not in _WORDS:
        word = words[0]
        if word.upper() in {"TRUE", "FALSE"}:
            return "1" if word.upper() == "TRUE" else "0"
        if word[0] in '"`[':
            return literal(word[1:-1].replace(word[0] * 2, word[0]))
        if not word.startswith("'") and not _NUMBER.fullmatch(word):
            return literal(word)
    known = all(
        word[0] == "'" or _NUMBER.fullmatch(word) or word.upper() in _WORDS | _STEADY | _TYPES | {"X"}
        for word in words
        if word[0] in "'\"`[" or word[0].isalnum() or word[0] == "_"
    )
    return "".join(" " if _is_comment(token) else token for token in _TOKEN.findall(text)) if known else ""


def silences(trigger_sql: str) -> bool:
    """Whether a trigger can end a statement that has inserted a row and leave the row there, so that triggers which come after it do
    not act (https://www.sqlite.org/lang_createtrigger.html#raise)."""
    words = [word.upper() for word in _words(trigger_sql)]
    name = 4 if words[3:4] == ["."] else 2
    raised = {words[place + 2] for place in range(name, len(words) - 2) if words[place : place + 2] == ["RAISE", "("]}
    return words[name + 1 : name + 3] == ["AFTER", "INSERT"] and bool(raised & {"IGNORE", "FAIL"})


def _words(text: str) -> list[str]:
    """The tokens, without blanks and comments."""
    return [token for token in _TOKEN.findall(text) if not token.isspace() and not _is_comment(token)]


def _is_comment(token: str) -> bool:
    return token.startswith(("--", "/*"))
