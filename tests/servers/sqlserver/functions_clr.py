"""Methods of hierarchyid, geography, geometry and xml ("Spatial Types", "hierarchyid Data Type Method Reference")."""

from collections.abc import Callable

from tests.servers.sqlserver import syntax as s
from tests.servers.sqlserver.binder import Expr
from tests.servers.sqlserver.collation import CATALOGUE, narrow_text, wide
from tests.servers.sqlserver.errors import SqlError, not_understood
from tests.servers.sqlserver.expressions import Expressions
from tests.servers.sqlserver.functions import as_int, as_text
from tests.servers.sqlserver.hierarchy import level, read_hierarchy, write_hierarchy
from tests.servers.sqlserver.scope import Scope
from tests.servers.sqlserver.spatial import Shape, from_clr, read_wkt, to_clr, to_wkb, to_wkt
from tests.servers.sqlserver.types import FLOAT, INT, MAX, SqlType, Value, plain
from tests.servers.sqlserver.values import raw

_TEXT, _BYTES = SqlType("nvarchar", MAX, collation=CATALOGUE), SqlType("varbinary", MAX)


def method(node: s.Method, scope: Scope, e: Expressions) -> Expr:
    if isinstance(node.value, str):
        return _static(node, node.value, scope, e)
    value = e.value(node.value, scope)
    family = value.known.family
    if family == "hierarchyid":
        return _of_hierarchy(node, value, scope, e)
    if family == "spatial":
        return _of_shape(node, value, e)
    raise not_understood(f"the method {node.name} of the type {value.known.name}")


def _static(node: s.Method, kind: str, scope: Scope, e: Expressions) -> Expr:
    arguments = [e.value(one, scope) for one in node.arguments]
    target = plain(kind)
    name = node.name.lower()
    if kind == "hierarchyid":
        if name == "getroot":
            return e.binder.constant(b"", target)
        if name == "parse":
            return e.binder.apply(
                ("parse hierarchy",), target, lambda v: read_hierarchy(narrow_text(raw(v))), [as_text(e, arguments[0], wide=True)]
            )
    geography = kind == "geography"
    if name == "point":
        one, two, srid = arguments
        ends = [e.binder.convert(part, FLOAT) for part in (one, two)]

        def build(a: Value, b: Value, number: Value) -> Value:
            position = (float(b or 0), float(a or 0)) if geography else (float(a or 0), float(b or 0))
            return to_clr(Shape(1, ((position,),)), int(number or 0), geography=geography)

        return e.binder.apply(("point", kind), target, build, [*ends, as_int(e, srid)])
    if name in {"parse", "stgeomfromtext"}:
        text = e.binder.convert(arguments[0], _TEXT)
        srid = as_int(e, arguments[1]) if len(arguments) > 1 else e.binder.constant(4326 if geography else 0, INT)
        return e.binder.apply(
            ("from text", kind),
            target,
            lambda v, n: to_clr(read_wkt(narrow_text(raw(v))), int(n or 0), geography=geography),
            [text, srid],
        )
    raise not_understood(f"{kind}::{node.name}")


def _of_hierarchy(node: s.Method, value: Expr, scope: Scope, e: Expressions) -> Expr:
    name = node.name.lower()
    if name == "tostring":
        return e.binder.apply(
            ("hierarchy text",), SqlType("nvarchar", 4000, collation=CATALOGUE), lambda v: wide(write_hierarchy(raw(v))), [value]
        )
    if name == "getlevel":
        return e.binder.apply(("hierarchy level",), plain("smallint"), lambda v: level(raw(v)), [value])
    raise not_understood(f"the method {node.name} of hierarchyid")


def _of_shape(node: s.Method, value: Expr, e: Expressions) -> Expr:
    geography = value.known.name == "geography"
    answers: dict[str, tuple[SqlType, Callable[[Shape, int], Value]]] = {
        "tostring": (_TEXT, lambda shape, _: wide(to_wkt(shape))),
        "stastext": (_TEXT, lambda shape, _: wide(to_wkt(shape))),
        "stasbinary": (_BYTES, lambda shape, _: to_wkb(shape)),
        "stsrid": (INT, lambda _, srid: srid),
        "lat": (FLOAT, lambda shape, _: shape.figures[0][0][1]),
        "long": (FLOAT, lambda shape, _: shape.figures[0][0][0]),
        "stx": (FLOAT, lambda shape, _: shape.figures[0][0][0]),
        "sty": (FLOAT, lambda shape, _: shape.figures[0][0][1]),
        "stgeometrytype": (_TEXT, lambda shape, _: wide(to_wkt(shape).split(" ", 1)[0].title())),
        "hasz": (plain("bit"), lambda _shape, _srid: 0),
        "hasm": (plain("bit"), lambda _shape, _srid: 0),
        "stisempty": (plain("bit"), lambda shape, _: int(not shape.figures and not shape.parts)),
    }
    name = node.name.lower()
    if name not in answers:
        raise SqlError(
            6506,
            f"Could not find method '{node.name}' for type 'Microsoft.SqlServer.Types.Sql{value.known.name.title()}', or it is not known here.",
        )
    kind, compute = answers[name]
    return e.binder.apply((name, geography), kind, lambda v: compute(*from_clr(raw(v), geography=geography)), [value])
