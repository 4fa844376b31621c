"""DuckDB's own syntax tree of an expression, checked node by node: what is not known here is refused.

The tree is the JSON of DuckDB's `json_serialize_sql`. The checked tree holds only fields that were looked at, and its columns
are named by place (column_0, column_1, …), so that it is the same for every table.
"""

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.transforms.expression.allowed import CAST_TYPES, FEWEST_ARGUMENTS, FUNCTIONS
from dtaas_desktop.transforms.expression.messages import PLACE, too_deep

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
Node = dict[str, Json]

_DEEPEST = 120

_OPERATOR_TYPES = """
OPERATOR_NOT OPERATOR_IS_NULL OPERATOR_IS_NOT_NULL OPERATOR_COALESCE OPERATOR_TRY COMPARE_IN COMPARE_NOT_IN
ARRAY_EXTRACT ARRAY_SLICE ARRAY_CONSTRUCTOR
"""
_OPERATORS = frozenset(_OPERATOR_TYPES.split())

_REFUSED = {
    "SUBQUERY": "a subquery",
    "WINDOW": "a window function",
    "STAR": "“*” for several columns",
    "PARAMETER": "a parameter",
    "LAMBDA": "a function of its own (a lambda)",
    "POSITIONAL_REFERENCE": "a column by its number",
    "DEFAULT": "the word “default”",
    "COLLATE": "a collation",
}

_NOT_ESSENTIAL = frozenset({"query_location", "query_location_length", "is_operator"})

# What else a statement may hold, and the value that says it does not.
_NOTHING_ELSE: Mapping[str, Json] = {
    "type": "SELECT_NODE",
    "modifiers": [],
    "cte_map": {"map": []},
    "where_clause": None,
    "group_expressions": [],
    "group_sets": [],
    "aggregate_handling": "STANDARD_HANDLING",
    "having": None,
    "sample": None,
    "qualify": None,
}


@dataclass(frozen=True, slots=True)
class CheckedTree:
    """An expression of which every node is allowed. `names`: its columns as first written, for column_0, column_1, …"""

    node: Node
    names: tuple[str, ...]


def checked(serialized: Json) -> CheckedTree:
    """The one expression of a serialized `SELECT <expression>`. Raises UserError for anything more, and for what is not allowed."""
    check = _Check()
    node = check.expression(_only_item(serialized))
    return CheckedTree(node, tuple(check.places.values()))


def filled(template: Json, node: Node) -> Json:
    """A serialized statement with `node` in the place of its column “hole”."""
    if isinstance(template, list):
        return [filled(item, node) for item in template]
    if not isinstance(template, dict):
        return template
    if template.get("column_names") == ["hole"]:
        return {**node, "alias": template["alias"]}
    return {key: filled(value, node) for key, value in template.items()}


def essence(node: Node) -> Node:
    """The node without what does not change its meaning: places in the text, and whether a function was written as an operator."""
    return {key: value for key, value in node.items() if key not in _NOT_ESSENTIAL}


def _only_item(serialized: Json) -> Json:
    match serialized:
        case {"statements": [{"node": dict(select), **statement}]}:
            pass
        case _:
            raise _refused("The expression is more than one statement.")
    origin, items = select.pop("from_table", None), select.pop("select_list", None)
    if not (isinstance(origin, dict) and origin.get("type") == "EMPTY" and not origin.get("alias") and not origin.get("sample")):
        raise _refused("The expression has a FROM.")
    if select != _NOTHING_ELSE:
        raise _refused("The expression is a whole query.")
    if statement != {"named_param_map": []}:
        raise _not_allowed(_REFUSED["PARAMETER"])
    if not isinstance(items, list) or len(items) != 1:
        raise _refused("The expression gives several values.")
    return items[0]


class _Check:
    """One walk over a tree; `places` collects its columns, by their names in lower case."""

    def __init__(self) -> None:
        self.places: dict[str, str] = {}
        self._depth = 0
        self._known: dict[str, Callable[[Node], Node]] = {
            "COLUMN_REF": self._column,
            "CONSTANT": self._constant,
            "FUNCTION": self._function,
            "CAST": self._cast,
            "CASE": self._case,
            "OPERATOR": self._operator,
            "COMPARISON": lambda node: self._fields(node, "left", "right"),
            "BETWEEN": lambda node: self._fields(node, "input", "lower", "upper"),
            "CONJUNCTION": lambda node: self._fields(node, children="children"),
        }

    def expression(self, node: Json) -> Node:
        if not isinstance(node, dict) or not isinstance(node.get("class"), str):
            raise _not_allowed("something")
        kind = str(node["class"])
        if kind not in self._known:
            raise _not_allowed(_REFUSED.get(kind, f"something ({kind.lower()})"))
        if node.get("alias"):
            raise _refused(f"The expression gives its result or a part of it a name (“{node['alias']}”).")
        if self._depth == _DEEPEST:
            raise too_deep()
        self._depth += 1
        result = self._known[kind](node)
        self._depth -= 1
        return result

    def _fields(self, node: Node, *names: str, children: str = "") -> Node:
        """The node with these fields, each an expression, and a list of expressions in the field `children`."""
        _require_fields(node, *names, *([children] if children else []))
        result: Node = {name: self.expression(node[name]) for name in names}
        if children:
            result[children] = [self.expression(child) for child in _list(node[children])]
        return {"class": node["class"], "type": node["type"], "alias": "", **result}

    def _column(self, node: Node) -> Node:
        _require_fields(node, "column_names")
        match node["column_names"]:
            case [str(name)]:
                pass
            case _:
                parts = ".".join(str(part) for part in _list(node["column_names"]))
                raise _refused(f"The expression names a table or a part of a column (“{parts}”).")
        folded = name.lower()
        self.places.setdefault(folded, name)
        place = f"{PLACE}{list(self.places).index(folded)}"
        return {"class": "COLUMN_REF", "type": "COLUMN_REF", "alias": "", "column_names": [place]}

    def _constant(self, node: Node) -> Node:
        _require_fields(node, "literal")
        match node["literal"]:
            case {"kind": str(kind), "text": str(text), **rest} if not rest:
                return {**_head(node), "literal": {"kind": kind, "text": text}}
        raise _not_allowed("a constant of an unknown kind")

    def _function(self, node: Node) -> Node:
        name = node.get("function_name")
        if not isinstance(name, str):
            raise _not_allowed("something")
        if name not in FUNCTIONS:
            raise _unknown_function(name)
        plain: Node = {
            "function_name": name,
            "schema": "",
            "catalog": "",
            "qualified_name": {"path": [name]},
            "filter": None,
            "order_bys": {"type": "ORDER_MODIFIER", "orders": []},
            "distinct": False,
            "export_state": False,
        }
        _require_fields(node, *plain, "is_operator", "arguments")
        if any(node[field] != value for field, value in plain.items()):
            raise _refused(f"The function “{name}” is called with a schema, or as an aggregate.")
        arguments = _list(node["arguments"])
        if len(arguments) < FEWEST_ARGUMENTS.get(name, 0):
            raise _refused(f"The function “{name}” with {len(arguments)} argument depends on more than the row.")
        checked_arguments: list[Json] = [self._argument(argument, name) for argument in arguments]
        return {**_head(node), **plain, "is_operator": node["is_operator"] is True, "arguments": checked_arguments}

    def _argument(self, argument: Json, function: str) -> Node:
        match argument:
            case {"name": "", "expression": expression, **rest} if not rest:
                return {"name": "", "expression": self.expression(expression)}
        raise _refused(f"The function “{function}” is called with an argument by its name.")

    def _cast(self, node: Node) -> Node:
        _require_fields(node, "child", "try_cast", "type_expr")
        target = node["type_expr"]
        if not isinstance(target, dict):
            raise _not_allowed("a cast to an unknown type")
        child = self.expression(node["child"])
        return {**_head(node), "child": child, "try_cast": node["try_cast"] is True, "type_expr": self._cast_type(target)}

    def _cast_type(self, target: Node) -> Node:
        name = target.get("type_name")
        if target.get("class") != "TYPE" or not isinstance(name, str):
            raise _not_allowed("a cast to an unknown type")
        plain: Node = {"type_name": name, "schema": "", "catalog": "", "qualified_name": {"path": [name]}}
        _require_fields(target, *plain, "children")
        if name.lower() not in CAST_TYPES or any(target[field] != value for field, value in plain.items()):
            raise _refused(f"The expression casts to “{name.lower()}”, which is no type for a column.")
        numbers: list[Json] = [self.expression(child) for child in _list(target["children"])]
        return {**_head(target), **plain, "children": numbers}

    def _case(self, node: Node) -> Node:
        _require_fields(node, "case_checks", "else_expr")
        checks: list[Json] = []
        for check in _list(node["case_checks"]):
            match check:
                case {"when_expr": when, "then_expr": then, **rest} if not rest:
                    checks.append({"when_expr": self.expression(when), "then_expr": self.expression(then)})
                case _:
                    raise _not_allowed("a CASE of an unknown kind")
        return {**_head(node), "case_checks": checks, "else_expr": self.expression(node["else_expr"])}

    def _operator(self, node: Node) -> Node:
        if node.get("type") not in _OPERATORS:
            raise _not_allowed(f"something ({str(node.get('type')).lower()})")
        return self._fields(node, children="children")


def _head(node: Node) -> Node:
    return {"class": node["class"], "type": node["type"], "alias": ""}


def _require_fields(node: Mapping[str, Json], *names: str) -> None:
    """Raises UserError if the node has other fields than these and those that every node has."""
    every = {"class", "type", "alias", "query_location", "query_location_length"}
    if node.keys() - every != set(names):
        raise _not_allowed(f"something ({str(node.get('type')).lower()})")


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _unknown_function(name: str) -> UserError:
    similar = difflib.get_close_matches(name, FUNCTIONS, 1, 0.85)
    meant = f"Did you mean “{similar[0]}”? " if similar else ""
    return UserError(
        f"The function “{name[:100]}” is not available in expressions.",
        remedy=f"{meant}Functions see the values of one row: no sums over rows, no clock, no chance, no files.",
    )


def _not_allowed(what: str) -> UserError:
    return _refused(f"The expression holds {what}, which is not allowed.")


def _refused(message: str) -> UserError:
    return UserError(message, remedy="Write one expression over the columns of the same row, like distance / air_time * 60.")
