"""T-SQL text as tokens."""

import re
from dataclasses import dataclass

from tests.servers.sqlserver.errors import SqlError, not_understood, syntax_error
from tests.servers.sqlserver.syntax import Literal

_TOKEN = re.compile(
    r"""(?P<blank>\s+|--[^\n]*)
    |(?P<comment>/\*)
    |(?P<wide>[Nn]'(?:[^']|'')*')
    |(?P<text>'(?:[^']|'')*')
    |(?P<bracket>\[(?:[^\]]|\]\])*\])
    |(?P<quoted>"(?:[^"]|"")*")
    |(?P<binary>0[xX][0-9A-Fa-f]*)
    |(?P<float>(?:\d+\.?\d*|\.\d+)[eE][+-]?\d+)
    |(?P<decimal>\d+\.\d*|\.\d+)
    |(?P<integer>\d+)
    |(?P<money>[$£€]\d+(?:\.\d*)?)
    |(?P<variable>@@?[\w$#@]+)
    |(?P<word>[^\W\d][\w$#@]*|\#\#?[\w$#@]+|\$[A-Za-z]\w*)
    |(?P<sign><>|!=|<=|>=|!<|!>|::|\+=|-=|\*=|/=|[-+*/%&|^~=<>(),.;{}?:])""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Token:
    kind: str  # word, name (bracketed or quoted), variable, sign, literal kinds, end
    text: str
    start: int
    end: int
    upper: str


def tokens(sql: str) -> list[Token]:
    found: list[Token] = []
    at, length, match = 0, len(sql), _TOKEN.match
    while at < length:
        hit = match(sql, at)
        if hit is None:
            if sql[at] in "'\"[":
                raise SqlError(105, f"Unclosed quotation mark after the character string '{sql[at + 1 : at + 60]}'.", severity=15)
            raise syntax_error(sql[at])
        kind, text, end = hit.lastgroup or "", hit.group(), hit.end()
        if kind == "comment":
            at = _end_of_comment(sql, at)
            continue
        if kind != "blank":
            found.append(_token(kind, text, at, end))
        at = end
    found.append(Token("end", "", length, length, ""))
    return found


def _token(kind: str, text: str, start: int, end: int) -> Token:
    if kind == "bracket":
        return Token("name", text[1:-1].replace("]]", "]"), start, end, "")
    if kind == "quoted":
        return Token("name", text[1:-1].replace('""', '"'), start, end, "")
    if kind == "text":
        return Token(kind, text[1:-1].replace("''", "'"), start, end, "")
    if kind == "wide":
        return Token(kind, text[2:-1].replace("''", "'"), start, end, "")
    return Token(kind, text, start, end, text.upper())


def _end_of_comment(sql: str, at: int) -> int:
    depth, here = 0, at
    while here < len(sql):
        if sql.startswith("/*", here):
            depth, here = depth + 1, here + 2
        elif sql.startswith("*/", here):
            depth, here = depth - 1, here + 2
            if depth == 0:
                return here
        else:
            here += 1
    raise SqlError(113, "Missing end comment mark '*/'.", severity=15)


LITERALS = frozenset({"text", "wide", "binary", "float", "decimal", "integer", "money"})

RESERVED = frozenset(
    """ADD ALL ALTER AND ANY AS ASC AUTHORIZATION BACKUP BEGIN BETWEEN BREAK BROWSE BULK BY CASCADE CASE CHECK
    CHECKPOINT CLOSE CLUSTERED COALESCE COLLATE COLUMN COMMIT COMPUTE CONSTRAINT CONTAINS CONTINUE CONVERT CREATE CROSS
    CURRENT CURRENT_DATE CURRENT_TIMESTAMP CURRENT_USER CURSOR DATABASE DBCC DEALLOCATE DECLARE DEFAULT DELETE DENY DESC
    DISTINCT DROP ELSE END ERRLVL ESCAPE EXCEPT EXEC EXECUTE EXISTS EXIT FETCH FOR FOREIGN FREETEXT FROM FULL FUNCTION
    GOTO GRANT GROUP HAVING HOLDLOCK IDENTITY IDENTITY_INSERT IF IN INDEX INNER INSERT INTERSECT INTO IS JOIN KEY KILL
    LEFT LIKE MERGE NOCHECK NONCLUSTERED NOT NULL NULLIF OF OFF OPEN OPTION OR ORDER OUTER OVER PERCENT PIVOT PLAN
    PRIMARY PRINT PROC PROCEDURE PUBLIC RAISERROR READ RECONFIGURE REFERENCES REPLICATION RESTORE RETURN REVERT REVOKE
    RIGHT ROLLBACK ROWCOUNT ROWGUIDCOL SAVE SCHEMA SELECT SESSION_USER SET SETUSER SHUTDOWN SOME SYSTEM_USER TABLE
    TABLESAMPLE TEXTSIZE THEN TO TOP TRAN TRANSACTION TRIGGER TRUNCATE TRY_CONVERT UNION UNIQUE UNPIVOT UPDATE USE USER
    VALUES VIEW WAITFOR WHEN WHERE WHILE WITH""".split()  # noqa: SIM905 (a hundred quotes say nothing)
)


class Tokens:
    """The tokens of a batch, taken one after the other."""

    def __init__(self, sql: str) -> None:
        self.sql = sql
        self.all = tokens(sql)
        self.at = 0
        self.first = 0  # of the statement that is being read

    @property
    def here(self) -> Token:
        return self.all[self.at]

    def ahead(self, steps: int = 1) -> Token:
        return self.all[min(self.at + steps, len(self.all) - 1)]

    def take(self) -> Token:
        token = self.all[self.at]
        if token.kind != "end":
            self.at += 1
        return token

    def is_(self, *words: str) -> bool:
        return all(self.ahead(step).upper == word for step, word in enumerate(words))

    def accept(self, *words: str) -> bool:
        if self.is_(*words):
            self.at += len(words)
            return True
        return False

    def one_of(self, *words: str) -> str:
        """The word that is next if it is one of these, taken; else nothing."""
        word = self.here.upper
        if word and word in words:
            self.at += 1
            return word
        return ""

    def expect(self, *words: str) -> None:
        for word in words:
            if not self.accept(word):
                raise self.wrong()

    def name(self) -> str:
        """An identifier: a word that is not reserved, or anything in brackets or double quotes."""
        token = self.here
        if token.kind == "name" or (token.kind == "word" and token.upper not in RESERVED):
            self.at += 1
            return token.text
        raise self.wrong()

    def dotted(self) -> tuple[str, ...]:
        """A name of one to four parts; a part left out (db..table) is empty."""
        parts = [self.name()]
        while self.accept("."):
            parts.append("" if self.here.text == "." and self.here.kind == "sign" else self.name())
        return tuple(parts)

    def is_name(self) -> bool:
        token = self.here
        return token.kind == "name" or (token.kind == "word" and token.upper not in RESERVED)

    def integer(self) -> int:
        negative = self.accept("-")
        token = self.take()
        if token.kind != "integer":
            raise self.wrong(token)
        return -int(token.text) if negative else int(token.text)

    def text_literal(self) -> str:
        token = self.take()
        if token.kind not in {"text", "wide"}:
            raise self.wrong(token)
        return token.text

    def literal(self) -> Literal:
        token = self.take()
        return Literal(token.kind, token.text)

    def wrong(self, token: Token | None = None) -> SqlError:
        """102 for what cannot be T-SQL as far as this reader knows; loud in its own words for a keyword it has not learnt."""
        token = token or self.here
        if token.kind == "word" and token.upper in RESERVED and token.upper not in _PLAIN_MISTAKES:
            return not_understood(f"“{token.text}” in: {self.statement()}")
        return syntax_error(token.text or self.all[max(self.at - 1, 0)].text)

    def statement(self) -> str:
        return self.sql[self.all[self.first].start :].strip()


_PLAIN_MISTAKES = frozenset(
    {"FROM", "WHERE", "SELECT", "BY", "AND", "OR", "ORDER", "ELSE", "END", "THEN", "AS", "INTO", "ON", "IN"}
)
