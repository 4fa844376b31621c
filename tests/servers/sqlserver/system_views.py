"""sys.* and INFORMATION_SCHEMA.* over the catalogue, with the columns and types that the documentation of each view gives.

A line is: name, type (`?`: may be NULL), and SQLite's expression. Texts are wrapped when they are read.
"""

import re
from dataclasses import dataclass
from functools import cache

from tests.servers.sqlserver.catalogue import fold
from tests.servers.sqlserver.collation import CATALOGUE
from tests.servers.sqlserver.system_view_texts import TEXTS
from tests.servers.sqlserver.types import SqlType, named


@dataclass(frozen=True)
class ViewColumn:
    name: str
    type: SqlType
    nullable: bool
    sql: str


@dataclass(frozen=True)
class SystemView:
    schema: str
    name: str
    columns: tuple[ViewColumn, ...]
    source: str
    needs: str  # a permission: "database" (VIEW DATABASE STATE) or "server" (VIEW SERVER STATE)

    @property
    def id(self) -> int:
        return view_id(self.schema, self.name) or 0


_TYPE = re.compile(r"(\w+)(?:\((\w+)(?:,(\d+))?\))?(\?)?")


def _type(text: str) -> tuple[SqlType, bool]:
    match = _TYPE.fullmatch(text)
    if match is None:
        raise ValueError(text)
    arguments = tuple(-1 if one == "max" else int(one) for one in match.group(2, 3) if one)
    return named(match[1], arguments, collation=CATALOGUE), match[4] is not None


@cache
def _views() -> dict[tuple[str, str], SystemView]:
    found = {}
    for text in TEXTS.strip().split("\n\n"):
        head, *lines = [line.strip() for line in text.splitlines() if line.strip()]
        names, _, source = head.partition(" FROM ")
        needs = ""
        if " NEEDS " in source:
            source, _, needs = source.partition(" NEEDS ")
        columns = []
        for line in lines:
            name, kind, sql = line.split(None, 2)
            columns.append(ViewColumn(name, *_type(kind), sql))
        for full in names.split(","):
            schema, _, name = full.strip().partition(".")
            found[fold(schema), fold(name)] = SystemView(schema, name, tuple(columns), source, needs)
    return found


def system_view(schema: str, name: str) -> SystemView | None:
    return _views().get((fold(schema), fold(name)))


def system_views() -> list[SystemView]:
    return list(_views().values())


def view_id(schema: str, name: str) -> int | None:
    """System objects have negative ids."""
    found = list(_views())
    key = (fold(schema), fold(name))
    return -(found.index(key) + 100) if key in found else None
