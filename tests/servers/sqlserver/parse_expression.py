"""T-SQL expressions and search conditions."""

from collections.abc import Callable

from tests.servers.sqlserver import syntax as s
from tests.servers.sqlserver.errors import not_understood
from tests.servers.sqlserver.lexer import LITERALS, Tokens

_COMPARISONS = {"=": "=", "<>": "<>", "!=": "<>", "<": "<", ">": ">", "<=": "<=", ">=": ">=", "!<": ">=", "!>": "<="}
_NILADIC = frozenset({"CURRENT_TIMESTAMP", "CURRENT_USER", "SESSION_USER", "SYSTEM_USER", "USER"})
_CLR_TYPES = frozenset({"GEOGRAPHY", "GEOMETRY", "HIERARCHYID"})


class ExpressionReader:
    """Reads expressions from `tokens`; `query` reads a query in parentheses (it lives in the reader of queries)."""

    def __init__(self, tokens: Tokens, query: Callable[[], s.Query]) -> None:
        self.tokens = tokens
        self.query = query

    # "Operator precedence": NOT, AND, OR are the lowest.
    def condition(self) -> s.Node:
        left = self._conjunction()
        while self.tokens.accept("OR"):
            left = s.Binary("or", left, self._conjunction())
        return left

    def _conjunction(self) -> s.Node:
        left = self._negation()
        while self.tokens.accept("AND"):
            left = s.Binary("and", left, self._negation())
        return left

    def _negation(self) -> s.Node:
        if self.tokens.accept("NOT"):
            return s.Unary("not", self._negation())
        return self._predicate()

    def _predicate(self) -> s.Node:
        t = self.tokens
        if t.accept("EXISTS"):
            t.expect("(")
            query = self.query()
            t.expect(")")
            return s.Exists(query)
        left = self.value()
        while True:
            sign = t.here.text if t.here.kind == "sign" else ""
            if sign in _COMPARISONS:
                t.take()
                if t.here.upper in {"ALL", "ANY", "SOME"}:
                    raise not_understood(t.statement())
                left = s.Binary(_COMPARISONS[sign], left, self.value())
                continue
            if t.accept("IS"):
                negated = t.accept("NOT")
                t.expect("NULL")
                left = s.IsNull(left, negated)
                continue
            negated = t.is_("NOT") and t.ahead().upper in {"BETWEEN", "IN", "LIKE"}
            if negated:
                t.take()
            if t.accept("BETWEEN"):
                low = self.value()
                t.expect("AND")
                left = s.Between(left, low, self.value(), negated)
            elif t.accept("IN"):
                left = self._in(left, negated)
            elif t.accept("LIKE"):
                pattern = self.value()
                left = s.Like(left, pattern, self.value() if t.accept("ESCAPE") else None, negated)
            else:
                return left

    def _in(self, left: s.Node, negated: bool) -> s.Node:
        t = self.tokens
        t.expect("(")
        if t.is_("SELECT") or t.is_("WITH"):
            query = self.query()
            t.expect(")")
            return s.InList(left, (), query, negated)
        choices = self.list(self.value)
        t.expect(")")
        return s.InList(left, choices, None, negated)

    def list(self, read: Callable[[], s.Node]) -> tuple[s.Node, ...]:
        found = [read()]
        while self.tokens.accept(","):
            found.append(read())
        return tuple(found)

    def value(self) -> s.Node:
        """+ - & ^ | share one level, * / % bind closer, ~ and signs closest."""
        left = self._product()
        while self.tokens.here.kind == "sign" and self.tokens.here.text in {"+", "-", "&", "|", "^"}:
            operator = self.tokens.take().text
            left = s.Binary(operator, left, self._product())
        return left

    def _product(self) -> s.Node:
        left = self._signed()
        while self.tokens.here.kind == "sign" and self.tokens.here.text in {"*", "/", "%"}:
            operator = self.tokens.take().text
            left = s.Binary(operator, left, self._signed())
        return left

    def _signed(self) -> s.Node:
        if self.tokens.here.kind == "sign" and self.tokens.here.text in {"+", "-", "~"}:
            operator = self.tokens.take().text
            return s.Unary(operator, self._signed())
        return self._suffixed(self._primary())

    def _suffixed(self, node: s.Node) -> s.Node:
        t = self.tokens
        while True:
            if t.accept("COLLATE"):
                node = s.Collate(node, t.name())
            elif t.is_("AT", "TIME", "ZONE"):
                t.at += 3
                node = s.AtTimeZone(node, self._primary())
            elif t.is_(".") and t.ahead().kind in {"word", "name"}:
                t.take()
                node = self._method(node, t.name())
            else:
                return node

    def _method(self, on: s.Node | str, name: str) -> s.Method:
        if self.tokens.accept("("):
            return s.Method(on, name, self._arguments())
        return s.Method(on, name, (), property=True)

    def _arguments(self) -> tuple[s.Node, ...]:
        if self.tokens.accept(")"):
            return ()
        arguments = self.list(self.value)
        self.tokens.expect(")")
        return arguments

    def _primary(self) -> s.Node:
        t = self.tokens
        token = t.here
        if token.kind in LITERALS:
            return t.literal()
        if token.kind == "variable":
            return s.Variable(t.take().text)
        if token.kind == "sign":
            return self._parenthesis()
        if token.upper == "NULL":
            t.take()
            return s.Literal("null", "")
        if token.upper == "CASE":
            return self._case()
        if token.upper in {"CAST", "TRY_CAST", "CONVERT", "TRY_CONVERT"} and t.ahead().text == "(":
            return self._cast()
        if token.upper in _NILADIC and t.ahead().text != "(":
            t.take()
            return s.Call(token.upper, ())
        if t.ahead().text == "(" and token.kind == "word":
            return self._call()
        if token.upper in _CLR_TYPES and t.ahead().text == "::":
            t.at += 2
            return self._method(token.upper.lower(), t.name())
        return self._column()

    def _column(self) -> s.Node:
        t = self.tokens
        parts = [t.name()]
        while t.is_("."):
            after = t.ahead()
            if after.text == "*" and after.kind == "sign":
                t.at += 2
                return s.Star(tuple(parts))
            t.take()
            if t.is_("."):
                parts.append("")
                continue
            name = t.name()
            if t.is_("(") and t.here.kind == "sign":  # column.Method(…), or schema.function(…), told apart when it is bound
                return self._method(s.Column(tuple(parts)), name)
            parts.append(name)
        return s.Column(tuple(parts))

    def _parenthesis(self) -> s.Node:
        t = self.tokens
        if t.is_("*"):
            t.take()
            return s.Star()
        if t.is_("{"):  # {fn …}, {d '…'}, {ts '…'} of ODBC
            raise not_understood(f"an ODBC escape in: {t.statement()}")
        t.expect("(")
        if t.is_("SELECT") or t.is_("WITH"):
            query = self.query()
            t.expect(")")
            return s.Scalar(query)
        inner = self.condition()
        t.expect(")")
        return inner

    def _case(self) -> s.Node:
        t = self.tokens
        t.expect("CASE")
        operand = None if t.is_("WHEN") else self.value()
        branches = []
        while t.accept("WHEN"):
            when = self.condition() if operand is None else self.value()
            t.expect("THEN")
            branches.append((when, self.value()))
        otherwise = self.value() if t.accept("ELSE") else None
        t.expect("END")
        return s.Case(operand, tuple(branches), otherwise)

    def _cast(self) -> s.Node:
        t = self.tokens
        word = t.take().upper
        t.expect("(")
        if word.endswith("CAST"):
            value = self.value()
            t.expect("AS")
            target, style = self.type_name(), None
        else:
            target = self.type_name()
            t.expect(",")
            value = self.value()
            style = self.value() if t.accept(",") else None
        t.expect(")")
        return s.Cast(value, target, style, tries=word.startswith("TRY_"))

    def _call(self) -> s.Node:
        t = self.tokens
        name = t.take().upper
        t.expect("(")
        if name == "IIF":
            condition = self.condition()
            t.expect(",")
            yes = self.value()
            t.expect(",")
            no = self.value()
            t.expect(")")
            return s.Case(None, ((condition, yes),), no)
        distinct = t.accept("DISTINCT")
        if t.accept(")"):
            arguments: tuple[s.Node, ...] = ()
        elif t.is_("*"):
            t.take()
            t.expect(")")
            arguments = (s.Star(),)
        elif name == "TRIM":
            arguments = (self.value(),)
            t.expect(")")
        else:
            arguments = self._arguments()
        within = self._within_group()
        over = self._over() if t.accept("OVER") else None
        return s.Call(name, arguments, distinct, over, within)

    def _within_group(self) -> tuple[s.Order, ...]:
        if not self.tokens.accept("WITHIN", "GROUP", "("):
            return ()
        order = self.order_by()
        self.tokens.expect(")")
        return order

    def _over(self) -> s.Over:
        t = self.tokens
        t.expect("(")
        partition: tuple[s.Node, ...] = ()
        if t.accept("PARTITION", "BY"):
            partition = self.list(self.value)
        order = self.order_by() if t.is_("ORDER") else ()
        frame = []
        if t.is_("ROWS") or t.is_("RANGE"):
            while not t.is_(")"):
                frame.append(t.take().upper)
        t.expect(")")
        return s.Over(partition, order, " ".join(frame))

    def order_by(self) -> tuple[s.Order, ...]:
        t = self.tokens
        t.expect("ORDER", "BY")
        found = []
        while True:
            value = self.value()
            descending = t.accept("DESC") or (t.accept("ASC") and False)
            found.append(s.Order(value, descending))
            if not t.accept(","):
                return tuple(found)

    def type_name(self) -> s.TypeName:
        t = self.tokens
        name = t.name()
        while t.accept("."):  # [sys].[int], dbo.sysname
            name = t.name()
        lower = name.lower()
        if lower == "double" and t.accept("PRECISION"):
            return s.TypeName("float")
        if lower == "national":
            lower = "n" + t.name().lower().replace("character", "char")
        if lower in {"char", "character", "nchar"} and t.accept("VARYING"):
            lower = {"nchar": "nvarchar"}.get(lower, "varchar")
        arguments: list[int] = []
        if t.accept("("):
            while True:
                arguments.append(-1 if t.accept("MAX") else t.integer())
                if not t.accept(","):
                    break
            t.expect(")")
        return s.TypeName(lower, tuple(arguments))
