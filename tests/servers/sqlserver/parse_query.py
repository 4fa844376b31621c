"""T-SQL queries: SELECT with its sources ("SELECT (Transact-SQL)", "FROM clause plus JOIN, APPLY")."""

from tests.servers.sqlserver import syntax as s
from tests.servers.sqlserver.errors import not_understood
from tests.servers.sqlserver.lexer import Tokens
from tests.servers.sqlserver.parse_expression import ExpressionReader

_HINTS = frozenset(
    """NOLOCK READUNCOMMITTED READCOMMITTED READCOMMITTEDLOCK REPEATABLEREAD SERIALIZABLE HOLDLOCK SNAPSHOT READPAST
    ROWLOCK PAGLOCK TABLOCK TABLOCKX UPDLOCK XLOCK NOWAIT NOEXPAND FORCESEEK FORCESCAN KEEPIDENTITY KEEPDEFAULTS INDEX""".split()  # noqa: SIM905 (a hundred quotes say nothing)
)
_AFTER_SOURCE = frozenset({"TABLESAMPLE", "FOR", "OPTION", "OFFSET", "FETCH", "CROSS", "OUTER", "SET", "GO", "ON", "THROW"})


class QueryReader:
    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens
        self.expressions = ExpressionReader(tokens, self.query)

    def query(self) -> s.Query:
        t = self.tokens
        named: list[tuple[str, tuple[str, ...], s.Query]] = []
        if t.accept("WITH"):
            while True:
                name = t.name()
                columns = self.names() if t.is_("(") else ()
                t.expect("AS", "(")
                named.append((name, columns, self.query()))
                t.expect(")")
                if not t.accept(","):
                    break
        body = self._combined()
        order: tuple[s.Order, ...] = ()
        offset = fetch = None
        if t.is_("ORDER"):
            order = self.expressions.order_by()
            if t.accept("OFFSET"):
                offset = self.expressions.value()
                t.one_of("ROW", "ROWS")
                if t.accept("FETCH"):
                    t.one_of("NEXT", "FIRST")
                    fetch = self.expressions.value()
                    t.one_of("ROW", "ROWS")
                    t.expect("ONLY")
        if t.is_("FOR"):
            raise not_understood(t.statement())
        if t.accept("OPTION"):
            self._skip_parentheses()
        return s.Query(body, order, offset, fetch, tuple(named))

    def _combined(self) -> s.Select | s.Combined | s.Query:
        t = self.tokens
        left = self._intersected()
        while word := t.one_of("UNION", "EXCEPT"):
            operator = "union all" if word == "UNION" and t.accept("ALL") else word.lower()
            left = s.Combined(operator, left, self._intersected())
        return left

    def _intersected(self) -> s.Select | s.Combined | s.Query:
        left = self._one()
        while self.tokens.accept("INTERSECT"):
            left = s.Combined("intersect", left, self._one())
        return left

    def _one(self) -> s.Select | s.Combined | s.Query:
        if self.tokens.accept("("):
            inner = self.query()
            self.tokens.expect(")")
            return inner
        return self._select()

    def _select(self) -> s.Select:
        t = self.tokens
        t.expect("SELECT")
        distinct = t.accept("DISTINCT") or (t.accept("ALL") and False)
        top, percent, ties = self._top()
        items = [self._item()]
        while t.accept(","):
            items.append(self._item())
        into = t.dotted() if t.accept("INTO") else ()
        source = self.sources() if t.accept("FROM") else None
        where = self.expressions.condition() if t.accept("WHERE") else None
        group = self.expressions.list(self.expressions.value) if t.accept("GROUP", "BY") else ()
        having = self.expressions.condition() if t.accept("HAVING") else None
        return s.Select(tuple(items), source, where, group, having, distinct, top, percent, ties, into)

    def _top(self) -> tuple[s.Node | None, bool, bool]:
        t = self.tokens
        if not t.accept("TOP"):
            return None, False, False
        if t.accept("("):
            top = self.expressions.value()
            t.expect(")")
        else:
            top = t.literal() if t.here.kind in {"integer", "decimal", "float"} else s.Variable(t.take().text)
        percent = t.accept("PERCENT")
        return top, percent, t.accept("WITH", "TIES")

    def _item(self) -> s.Item:
        t = self.tokens
        if t.is_("*"):
            t.take()
            return s.Item(s.Star())
        if t.here.kind == "variable" and t.ahead().text == "=":
            name = t.take().text
            t.take()
            return s.Item(self.expressions.value(), variable=name)
        if t.is_name() and t.ahead().text == "=" and t.ahead().kind == "sign":
            alias = t.name()
            t.take()
            return s.Item(self.expressions.value(), alias)
        value = self.expressions.value()
        if t.accept("AS"):
            return s.Item(value, t.text_literal() if t.here.kind in {"text", "wide"} else t.name())
        if t.here.kind in {"text", "wide"}:
            return s.Item(value, t.text_literal())
        if t.is_name() and t.here.upper not in _AFTER_SOURCE:
            return s.Item(value, t.name())
        return s.Item(value)

    def sources(self) -> s.Source:
        left = self._joined()
        while self.tokens.accept(","):
            left = s.Join("cross", left, self._joined(), None)
        return left

    def _joined(self) -> s.Source:
        t = self.tokens
        left = self._source()
        while True:
            if t.accept("CROSS", "JOIN"):
                left = s.Join("cross", left, self._source(), None)
            elif t.accept("CROSS", "APPLY"):
                left = s.Join("cross apply", left, self._source(), None)
            elif t.accept("OUTER", "APPLY"):
                left = s.Join("outer apply", left, self._source(), None)
            elif kind := self._join_kind():
                right = self._joined() if t.is_("(") else self._source()
                t.expect("ON")
                left = s.Join(kind, left, right, self.expressions.condition())
            else:
                return left

    def _join_kind(self) -> str:
        t = self.tokens
        if t.accept("JOIN"):
            return "inner"
        for word in ("INNER", "LEFT", "RIGHT", "FULL"):
            if t.is_(word):
                t.take()
                t.accept("OUTER")
                t.one_of("HASH", "LOOP", "MERGE", "REMOTE")
                t.expect("JOIN")
                return word.lower()
        return ""

    def _source(self) -> s.Source:
        t = self.tokens
        if t.accept("("):
            if t.is_("VALUES"):
                return self._values()
            if t.is_("SELECT") or t.is_("WITH"):
                query = self.query()
                t.expect(")")
                alias = self._alias()
                return s.Derived(query, alias, self.names() if t.is_("(") else ())
            inner = self._joined()
            t.expect(")")
            return inner
        parts = t.dotted()
        if t.is_("("):
            t.take()
            arguments: list[s.Node] = []
            while not t.accept(")"):
                arguments.append(s.Literal("null", "") if t.accept("DEFAULT") else self.expressions.value())
                t.accept(",")
            return s.TableFunction(parts, tuple(arguments), self._alias())
        return self._table(parts)

    def _values(self) -> s.Source:
        t = self.tokens
        rows = self.value_rows()
        t.expect(")")
        alias = self._alias()
        plain = tuple(tuple(s.Literal("null", "") if cell is None else cell for cell in row) for row in rows)
        return s.Values(plain, alias, self.names())

    def value_rows(self) -> tuple[tuple[s.Node | None, ...], ...]:
        t = self.tokens
        t.expect("VALUES")
        rows: list[tuple[s.Node | None, ...]] = []
        while True:
            t.expect("(")
            cells: list[s.Node | None] = []
            while True:
                cells.append(None if t.accept("DEFAULT") else self.expressions.value())
                if not t.accept(","):
                    break
            t.expect(")")
            rows.append(tuple(cells))
            if not t.accept(","):
                return tuple(rows)

    def _table(self, parts: tuple[str, ...]) -> s.Table:
        t = self.tokens
        sample = repeatable = None
        alias = self._alias()
        if t.accept("TABLESAMPLE"):
            t.accept("SYSTEM")
            t.expect("(")
            amount = float(t.take().text)
            unit = (t.one_of("PERCENT", "ROWS") or "PERCENT").lower()
            t.expect(")")
            sample = (amount, unit)
            if t.accept("REPEATABLE", "("):
                repeatable = t.integer()
                t.expect(")")
        alias = alias or self._alias()
        return s.Table(parts, alias, self.hints(), sample, repeatable)

    def hints(self) -> tuple[str, ...]:
        t = self.tokens
        if not (t.is_("WITH", "(") or (t.is_("(") and t.ahead().upper in _HINTS)):
            return ()
        t.accept("WITH")
        t.expect("(")
        found = []
        while not t.accept(")"):
            word = t.take()
            if word.upper not in _HINTS:
                raise t.wrong(word)
            found.append(word.upper)
            if word.upper == "INDEX":
                if t.accept("="):
                    t.take()
                else:
                    self._skip_parentheses()
            t.accept(",")
        return tuple(found)

    def _alias(self) -> str:
        t = self.tokens
        if t.accept("AS"):
            return t.name()
        return t.name() if t.is_name() and t.here.upper not in _AFTER_SOURCE else ""

    def names(self) -> tuple[str, ...]:
        t = self.tokens
        t.expect("(")
        found = [t.name()]
        while t.accept(","):
            found.append(t.name())
        t.expect(")")
        return tuple(found)

    def _skip_parentheses(self) -> None:
        self.tokens.expect("(")
        depth = 1
        while depth:
            token = self.tokens.take()
            if token.kind == "end":
                raise self.tokens.wrong()
            depth += (token.text == "(" and token.kind == "sign") - (token.text == ")" and token.kind == "sign")
