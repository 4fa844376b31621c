"""The names that an expression sees: sources, their columns, and those of the queries around it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.servers.sqlserver.catalogue import fold
from tests.servers.sqlserver.errors import SqlError, invalid_column

if TYPE_CHECKING:
    from tests.servers.sqlserver.binder import Expr


@dataclass(frozen=True, slots=True)
class SourceColumn:
    name: str
    value: "Expr | Callable[[], Expr]"  # called where it is used: computed and masked columns
    identity: bool = False
    computed: bool = False
    hidden: bool = False
    on_use: Callable[[], None] | None = None  # marks the column as read, for its permission


@dataclass
class Source:
    names: tuple[tuple[str, ...], ...]  # every way to call it: its alias, or the table's name with and without schema
    columns: list[SourceColumn]
    by_name: dict[str, SourceColumn] = field(init=False)

    def __post_init__(self) -> None:
        self.by_name = {fold(one.name): one for one in reversed(self.columns)}

    def called(self, parts: Sequence[str]) -> bool:
        wanted = tuple(fold(part) for part in parts)
        return any(wanted == tuple(fold(one) for one in name) for name in self.names)


@dataclass
class Scope:
    sources: list[Source] = field(default_factory=list)
    outer: "Scope | None" = None

    def find(self, parts: Sequence[str]) -> SourceColumn:
        *table, name = parts
        found = [
            source.by_name[fold(name)]
            for source in self.sources
            if fold(name) in source.by_name and (not table or source.called(table))
        ]
        if len(found) > 1:
            raise SqlError(209, f"Ambiguous column name '{name}'.")
        if found:
            return found[0]
        if self.outer is not None:
            return self.outer.find(parts)
        if table:
            known = any(source.called(table) for source in self.sources)
            if not known:
                raise SqlError(4104, f'The multi-part identifier "{".".join(parts)}" could not be bound.')
        raise invalid_column(name)

    def resolve(self, parts: Sequence[str]) -> "Expr":
        return use(self.find(parts))


def use(column: SourceColumn) -> "Expr":
    if column.on_use is not None:
        column.on_use()
    return column.value() if callable(column.value) else column.value
