"""The parts of a T-SQL batch, as read by the parser ("Transact-SQL reference")."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class TypeName:
    name: str
    arguments: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Literal:
    """kind: integer, decimal, float, money, text (N'…' is wide), binary, null."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Variable:
    name: str  # with @ or @@


@dataclass(frozen=True, slots=True)
class Column:
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Star:
    table: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unary:
    operator: str
    value: "Node"


@dataclass(frozen=True, slots=True)
class Binary:
    operator: str  # + - * / % & | ^ and or = <> < > <= >=
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Between:
    value: "Node"
    low: "Node"
    high: "Node"
    negated: bool


@dataclass(frozen=True, slots=True)
class InList:
    value: "Node"
    choices: tuple["Node", ...]
    query: "Query | None"
    negated: bool


@dataclass(frozen=True, slots=True)
class Like:
    value: "Node"
    pattern: "Node"
    escape: "Node | None"
    negated: bool


@dataclass(frozen=True, slots=True)
class IsNull:
    value: "Node"
    negated: bool


@dataclass(frozen=True, slots=True)
class Exists:
    query: "Query"


@dataclass(frozen=True, slots=True)
class Scalar:
    query: "Query"


@dataclass(frozen=True, slots=True)
class Case:
    operand: "Node | None"
    branches: tuple[tuple["Node", "Node"], ...]
    otherwise: "Node | None"


@dataclass(frozen=True, slots=True)
class Cast:
    value: "Node"
    target: TypeName
    style: "Node | None" = None
    tries: bool = False


@dataclass(frozen=True, slots=True)
class Collate:
    value: "Node"
    name: str


@dataclass(frozen=True, slots=True)
class AtTimeZone:
    value: "Node"
    zone: "Node"


@dataclass(frozen=True, slots=True)
class Order:
    value: "Node"
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Over:
    partition: tuple["Node", ...]
    order: tuple[Order, ...]
    frame: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    name: str
    arguments: tuple["Node", ...]
    distinct: bool = False
    over: Over | None = None
    within: tuple[Order, ...] = ()


@dataclass(frozen=True, slots=True)
class Method:
    """value.ToString(), or geography::Point(…) with the type's name as `value`."""

    value: "Node | str"
    name: str
    arguments: tuple["Node", ...]
    property: bool = False


Node = (
    Literal | Variable | Column | Star | Unary | Binary | Between | InList | Like | IsNull | Exists | Scalar | Case | Cast
    | Collate | AtTimeZone | Call | Method
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Table:
    parts: tuple[str, ...]
    alias: str = ""
    hints: tuple[str, ...] = ()
    sample: tuple[float, str] | None = None  # (10.0, "percent" | "rows")
    repeatable: int | None = None


@dataclass(frozen=True, slots=True)
class Derived:
    query: "Query"
    alias: str
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Values:
    rows: tuple[tuple[Node, ...], ...]
    alias: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TableFunction:
    parts: tuple[str, ...]
    arguments: tuple[Node, ...]
    alias: str


@dataclass(frozen=True, slots=True)
class Join:
    kind: str  # inner, left, right, full, cross, cross apply, outer apply
    left: "Source"
    right: "Source"
    on: Node | None


Source = Table | Derived | Values | TableFunction | Join


@dataclass(frozen=True, slots=True)
class Item:
    value: Node
    alias: str = ""
    variable: str = ""  # SELECT @x = …


@dataclass(frozen=True, slots=True)
class Select:
    items: tuple[Item, ...]
    source: Source | None = None
    where: Node | None = None
    group: tuple[Node, ...] = ()
    having: Node | None = None
    distinct: bool = False
    top: Node | None = None
    percent: bool = False
    ties: bool = False
    into: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Combined:
    operator: str  # union, union all, except, intersect
    left: "Select | Combined | Query"
    right: "Select | Combined | Query"


@dataclass(frozen=True, slots=True)
class Query:
    body: "Select | Combined | Query"
    order: tuple[Order, ...] = ()
    offset: Node | None = None
    fetch: Node | None = None
    named: tuple[tuple[str, tuple[str, ...], "Query"], ...] = ()


# ---- statements


@dataclass(frozen=True, slots=True)
class SelectStatement:
    query: Query


@dataclass(frozen=True, slots=True)
class Insert:
    table: tuple[str, ...]
    columns: tuple[str, ...]
    rows: tuple[tuple[Node | None, ...], ...] = ()  # None is DEFAULT
    query: Query | None = None
    defaults: bool = False


@dataclass(frozen=True, slots=True)
class Update:
    table: tuple[str, ...]
    changes: tuple[tuple[str, Node | None], ...]
    where: Node | None
    top: Node | None = None


@dataclass(frozen=True, slots=True)
class Delete:
    table: tuple[str, ...]
    where: Node | None
    top: Node | None = None


@dataclass(frozen=True, slots=True)
class Truncate:
    table: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ColumnDefinition:
    name: str
    type: TypeName | None = None
    nullable: bool | None = None
    collation: str = ""
    identity: tuple[int, int] | None = None
    computed: str = ""
    persisted: bool = False
    default: str = ""
    masked: str = ""
    encrypted: str = ""
    generated: str = ""  # start, end
    sparse: bool = False
    rowguidcol: bool = False
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class KeyDefinition:
    name: str
    kind: str  # primary, unique, index
    columns: tuple[tuple[str, bool], ...]  # name, descending
    clustered: bool | None = None
    included: tuple[str, ...] = ()
    unique: bool = False
    filter: str = ""
    columnstore: bool = False


@dataclass(frozen=True, slots=True)
class CreateTable:
    table: tuple[str, ...]
    columns: tuple[ColumnDefinition, ...]
    keys: tuple[KeyDefinition, ...]
    options: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class CreateIndex:
    table: tuple[str, ...]
    key: KeyDefinition


@dataclass(frozen=True, slots=True)
class AlterTable:
    table: tuple[str, ...]
    action: str  # add, add key, drop column, drop constraint, alter column, enable/disable change tracking
    columns: tuple[ColumnDefinition, ...] = ()
    keys: tuple[KeyDefinition, ...] = ()
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CreateView:
    view: tuple[str, ...]
    columns: tuple[str, ...]
    text: str
    query: Query
    replace: bool


@dataclass(frozen=True, slots=True)
class Define:
    """CREATE and ALTER of databases, schemas, logins, users, roles: what, its name, and the words after it."""

    verb: str  # create, alter
    what: str
    name: str
    options: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Drop:
    what: str
    names: tuple[tuple[str, ...], ...]
    if_exists: bool
    table: tuple[str, ...] = ()  # of an index


@dataclass(frozen=True, slots=True)
class Permission:
    verb: str  # grant, deny, revoke
    permissions: tuple[tuple[str, tuple[str, ...]], ...]  # name, columns
    level: str  # object, schema, database, server
    securable: tuple[str, ...]
    principals: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Declare:
    variables: tuple[tuple[str, TypeName, Node | None], ...]


@dataclass(frozen=True, slots=True)
class Assign:
    name: str
    value: Node


@dataclass(frozen=True, slots=True)
class SetOption:
    names: tuple[str, ...]
    value: str


@dataclass(frozen=True, slots=True)
class Isolation:
    level: str


@dataclass(frozen=True, slots=True)
class Transaction:
    action: str  # begin, commit, rollback, save
    name: str = ""


@dataclass(frozen=True, slots=True)
class Execute:
    procedure: tuple[str, ...]
    arguments: tuple[tuple[str, Node, bool], ...] = ()  # name or "", value, output
    text: Node | None = None  # EXEC ('…')
    returned: str = ""


@dataclass(frozen=True, slots=True)
class If:
    condition: Node
    then: "Statement"
    otherwise: "Statement | None"


@dataclass(frozen=True, slots=True)
class While:
    condition: Node
    body: "Statement"


@dataclass(frozen=True, slots=True)
class Block:
    statements: tuple["Statement", ...]


@dataclass(frozen=True, slots=True)
class TryCatch:
    attempt: Block
    rescue: Block


@dataclass(frozen=True, slots=True)
class Say:
    """PRINT, RAISERROR, THROW, WAITFOR DELAY, USE, KILL, and the words without effect (CHECKPOINT, RETURN, …)."""

    verb: str
    arguments: tuple[Node, ...] = ()
    name: str = ""
    options: tuple[str, ...] = field(default=())


Statement = (
    SelectStatement | Insert | Update | Delete | Truncate | CreateTable | CreateIndex | AlterTable | CreateView | Define | Drop
    | Permission | Declare | Assign | SetOption | Isolation | Transaction | Execute | If | While | Block | TryCatch | Say
)  # fmt: skip
