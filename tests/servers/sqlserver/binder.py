"""Values of expressions as SQLite's SQL, and what one statement binds: constants, Python functions, sort keys."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from tests.servers.sqlserver.collation import Collation, collation, wide
from tests.servers.sqlserver.conversion import converter
from tests.servers.sqlserver.environment import Environment
from tests.servers.sqlserver.errors import SqlError, not_understood
from tests.servers.sqlserver.types import INT, SqlType, Value, plain
from tests.servers.sqlserver.values import raw


@dataclass(frozen=True, slots=True)
class Expr:
    """SQLite's SQL for a value in its stored form. `type` is None of a bare NULL; `constant` holds a value known beforehand."""

    sql: str
    type: SqlType | None
    nullable: bool = True
    constant: tuple[Value] | None = None

    @property
    def known(self) -> SqlType:
        return self.type or INT


class Binder:
    """One statement's constants and the environment in which it is read."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self.engine = environment.engine
        self.constants: dict[str, Value] = {}
        self.read_tables: list[tuple[int, int]] = []
        self.unlocked = False  # a NOLOCK was seen
        self.aliases = 0

    @property
    def collation(self) -> Collation:
        return collation(self.environment.database.collation)

    def constant(self, value: Value, kind: SqlType | None, *, nullable: bool | None = None) -> Expr:
        name = f"k{len(self.constants)}"
        self.constants[name] = value
        return Expr(f":{name}", kind, value is None if nullable is None else nullable, (value,))

    def text(self, text: str) -> Expr:
        kind = SqlType("nvarchar", max(1, min(len(text), 4000)), collation=self.collation)
        return self.constant(wide(text), kind)

    def apply(
        self,
        key: tuple[object, ...],
        kind: SqlType | None,
        compute: Callable[..., Value],
        arguments: Sequence[Expr],
        *,
        strict: bool = True,
    ) -> Expr:
        """A Python function of expressions; with `strict`, NULL as soon as one argument is."""

        def guarded(*values: Value) -> Value:
            return None if strict and None in values else compute(*values)

        nullable = any(one.nullable for one in arguments) or not strict
        if arguments and all(one.constant is not None for one in arguments):
            return self.constant(guarded(*(one.constant[0] for one in arguments if one.constant)), kind, nullable=nullable)
        name = self.engine.function(key, len(arguments), guarded)
        return Expr(f"{name}({', '.join(one.sql for one in arguments)})", kind, nullable)

    def convert(self, value: Expr, target: SqlType, *, style: int | None = None, tries: bool = False, cut: bool = True) -> Expr:
        if value.type is None:
            return replace(value, type=target)
        change = converter(value.type, target, style=style, tries=tries, cut=cut)
        if change is None:
            return replace(value, type=target)
        return replace(
            self.apply(("convert", value.type, target, style, tries, cut), target, change, [value]),
            nullable=value.nullable or tries,
        )

    def key(self, value: Expr) -> str:
        """SQL by which values are compared, sorted and grouped."""
        kind = value.known
        if kind.name in {"text", "ntext", "image"}:
            raise SqlError(
                306,
                "The text, ntext, and image data types cannot be compared or sorted, except when using IS NULL or LIKE operator.",
            )
        if kind.name == "xml" or kind.family == "spatial":
            raise SqlError(
                305, f"The {kind.name} data type cannot be compared or sorted, except when using the IS NULL operator."
            )
        if kind.family == "variant":
            raise not_understood("comparing or sorting values of sql_variant")
        if kind.name == "datetimeoffset":
            return f"substr({value.sql}, 1, 8)"
        if kind.family != "text":
            return value.sql
        order = kind.collation or self.collation
        if value.constant is not None:
            compute = order.key(wide=kind.wide)
            return self.constant(None if value.constant[0] is None else compute(raw(value.constant[0])), plain("image")).sql
        return f"{self.engine.order(order.name, wide=kind.wide)}({value.sql})"
