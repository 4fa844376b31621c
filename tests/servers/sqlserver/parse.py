"""A T-SQL batch as statements."""

from functools import lru_cache

from tests.servers.sqlserver import syntax as s
from tests.servers.sqlserver.errors import not_understood, syntax_error
from tests.servers.sqlserver.lexer import Token, Tokens
from tests.servers.sqlserver.parse_definition import DefinitionReader
from tests.servers.sqlserver.parse_query import QueryReader


@lru_cache(512)
def parse(sql: str) -> tuple[s.Statement, ...]:
    """Raises SqlError: 102 and its kin for wrong syntax, 50001 for what this reader has not learnt."""
    return _Reader(sql).batch()


@lru_cache(512)
def parse_value(text: str) -> s.Node:
    """An expression alone, as a computed column or a default has it."""
    reader = QueryReader(Tokens(text))
    node = reader.expressions.value()
    if reader.tokens.here.kind != "end":
        raise reader.tokens.wrong()
    return node


@lru_cache(512)
def parse_query(text: str) -> s.Query:
    reader = QueryReader(Tokens(text))
    return reader.query()


_WITHOUT_EFFECT = frozenset({"CHECKPOINT", "RETURN", "BREAK", "CONTINUE"})


class _Reader:
    def __init__(self, sql: str) -> None:
        self.tokens = Tokens(sql)
        self.queries = QueryReader(self.tokens)
        self.definitions = DefinitionReader(self.tokens, self.queries)
        self.value = self.queries.expressions.value

    def batch(self) -> tuple[s.Statement, ...]:
        found: list[s.Statement] = []
        t = self.tokens
        while t.accept(";"):
            pass
        while t.here.kind != "end":
            found.append(self.statement())
            while t.accept(";"):
                pass
        return tuple(found)

    def statement(self) -> s.Statement:  # noqa: C901, PLR0911, PLR0912 (one line a word)
        t = self.tokens
        t.first = t.at
        word = t.here.upper
        if word in {"SELECT", "WITH"} or word == "(":
            return self._query()
        match word:
            case "INSERT":
                return self._insert()
            case "UPDATE":
                return self._update()
            case "DELETE":
                return self._delete()
            case "TRUNCATE":
                t.take()
                t.expect("TABLE")
                return s.Truncate(t.dotted())
            case "CREATE":
                return self.definitions.create()
            case "ALTER":
                return self.definitions.alter()
            case "DROP":
                return self.definitions.drop()
            case "GRANT" | "DENY" | "REVOKE":
                return self.definitions.permission()
            case "SET":
                return self._set()
            case "DECLARE":
                return self._declare()
            case "BEGIN":
                return self._begin()
            case "COMMIT" | "ROLLBACK" | "SAVE":
                return self._transaction()
            case "IF":
                return self._if()
            case "WHILE":
                t.take()
                return s.While(self.queries.expressions.condition(), self._one())
            case "EXEC" | "EXECUTE":
                return self._execute()
        return self._small(word)

    def _query(self) -> s.SelectStatement:
        return s.SelectStatement(self.queries.query())

    def _one(self) -> s.Statement:
        found = self.statement()
        self.tokens.accept(";")
        return found

    def _insert(self) -> s.Insert:
        t = self.tokens
        t.expect("INSERT")
        t.accept("INTO")
        table = t.dotted()
        self.queries.hints()
        columns = self.queries.names() if t.is_("(") and t.ahead().upper != "SELECT" else ()
        if t.accept("DEFAULT", "VALUES"):
            return s.Insert(table, columns, defaults=True)
        if t.is_("VALUES"):
            return s.Insert(table, columns, self.queries.value_rows())
        if t.is_("SELECT") or t.is_("WITH") or t.is_("("):
            return s.Insert(table, columns, query=self.queries.query())
        raise t.wrong() if t.here.upper != "OUTPUT" else not_understood(t.statement())

    def _top(self) -> s.Node | None:
        if not self.tokens.accept("TOP", "("):
            return None
        top = self.value()
        self.tokens.expect(")")
        return top

    def _update(self) -> s.Update:
        t = self.tokens
        t.expect("UPDATE")
        top = self._top()
        table = t.dotted()
        self.queries.hints()
        t.expect("SET")
        changes: list[tuple[str, s.Node | None]] = []
        while True:
            name = t.dotted()[-1]
            operator = t.take().text
            if operator not in {"=", "+=", "-=", "*=", "/="}:
                raise t.wrong()
            value = None if t.accept("DEFAULT") else self.value()
            if value is not None and operator != "=":
                value = s.Binary(operator[0], s.Column((name,)), value)
            changes.append((name, value))
            if not t.accept(","):
                break
        if t.is_("FROM") or t.is_("OUTPUT"):
            raise not_understood(t.statement())
        where = self.queries.expressions.condition() if t.accept("WHERE") else None
        return s.Update(table, tuple(changes), where, top)

    def _delete(self) -> s.Delete:
        t = self.tokens
        t.expect("DELETE")
        top = self._top()
        t.accept("FROM")
        table = t.dotted()
        self.queries.hints()
        if t.is_("FROM") or t.is_("OUTPUT"):
            raise not_understood(t.statement())
        where = self.queries.expressions.condition() if t.accept("WHERE") else None
        return s.Delete(table, where, top)

    def _set(self) -> s.Statement:
        t = self.tokens
        t.expect("SET")
        if t.here.kind == "variable":
            name = t.take().text
            operator = t.take().text
            if operator not in {"=", "+=", "-=", "*=", "/="}:
                raise t.wrong()
            value = self.value()
            return s.Assign(name, value if operator == "=" else s.Binary(operator[0], s.Variable(name), value))
        if t.accept("TRANSACTION", "ISOLATION", "LEVEL"):
            words = [t.take().upper]
            if words[0] in {"READ", "REPEATABLE"}:
                words.append(t.take().upper)
            level = " ".join(words)
            if level not in {"READ UNCOMMITTED", "READ COMMITTED", "REPEATABLE READ", "SNAPSHOT", "SERIALIZABLE"}:
                raise t.wrong()
            return s.Isolation(level)
        if t.accept("IDENTITY_INSERT"):
            table = ".".join(t.dotted())
            return s.SetOption(("IDENTITY_INSERT", table), t.take().upper)
        names = [t.take().upper]
        if names[0] == "STATISTICS":
            names[0] += " " + t.take().upper
        while t.accept(","):
            names.append(t.take().upper)
        sign = "-" if t.accept("-") else ""
        return s.SetOption(tuple(names), sign + t.take().text)

    def _declare(self) -> s.Declare:
        t = self.tokens
        t.expect("DECLARE")
        found = []
        while True:
            name: Token = t.take()
            if name.kind != "variable":
                raise t.wrong(name)
            t.accept("AS")
            if t.is_("TABLE") or t.is_("CURSOR"):
                raise not_understood(t.statement())
            kind = self.queries.expressions.type_name()
            found.append((name.text, kind, self.value() if t.accept("=") else None))
            if not t.accept(","):
                return s.Declare(tuple(found))

    def _begin(self) -> s.Statement:
        t = self.tokens
        if t.ahead().upper in {"TRAN", "TRANSACTION"}:
            return self._transaction()
        t.expect("BEGIN")
        if t.accept("TRY"):
            attempt = self._until("TRY")
            t.accept(";")
            t.expect("BEGIN", "CATCH")
            return s.TryCatch(attempt, self._until("CATCH"))
        return self._until("")

    def _until(self, word: str) -> s.Block:
        t = self.tokens
        found: list[s.Statement] = []
        while True:
            while t.accept(";"):
                pass
            if t.accept("END"):
                if word:
                    t.expect(word)
                return s.Block(tuple(found))
            if t.here.kind == "end":
                raise t.wrong()
            found.append(self.statement())

    def _transaction(self) -> s.Transaction:
        t = self.tokens
        action = t.take().upper.lower()
        t.one_of("TRAN", "TRANSACTION", "WORK")
        name = t.take().text if t.here.kind == "variable" or (t.is_name() and t.here.upper != "THROW") else ""
        return s.Transaction(action, name)

    def _if(self) -> s.If:
        t = self.tokens
        t.expect("IF")
        condition = self.queries.expressions.condition()
        then = self._one()
        return s.If(condition, then, self._one() if t.accept("ELSE") else None)

    def _execute(self) -> s.Execute:
        t = self.tokens
        t.one_of("EXEC", "EXECUTE")
        if t.accept("("):
            text = self.value()
            t.expect(")")
            return s.Execute((), text=text)
        returned = ""
        if t.here.kind == "variable" and t.ahead().text == "=":
            returned = t.take().text
            t.take()
        procedure = t.dotted()
        arguments: list[tuple[str, s.Node, bool]] = []
        while not self._after_arguments():
            name = ""
            if t.here.kind == "variable" and t.ahead().text == "=":
                name = t.take().text
                t.take()
            plain = t.is_name() and t.here.kind == "word"
            value = s.Literal("wide", t.name()) if plain else self.value()
            arguments.append((name, value, bool(t.one_of("OUTPUT", "OUT"))))
            if not t.accept(","):
                break
        return s.Execute(procedure, tuple(arguments), returned=returned)

    def _after_arguments(self) -> bool:
        t = self.tokens
        starts = {
            "SELECT",
            "EXEC",
            "SET",
            "IF",
            "END",
            "DECLARE",
            "INSERT",
            "CREATE",
            "DROP",
            "ALTER",
            "BEGIN",
            "COMMIT",
            "PRINT",
        }
        return t.here.kind == "end" or t.is_(";") or t.here.upper in starts

    def _small(self, word: str) -> s.Statement:
        t = self.tokens
        if word == "USE":
            t.take()
            return s.Say("USE", name=t.name())
        if word == "PRINT":
            t.take()
            return s.Say("PRINT", (self.value(),))
        if word == "KILL":
            t.take()
            return s.Say("KILL", (self.value(),))
        if word == "RAISERROR":
            t.take()
            t.expect("(")
            arguments = self.queries.expressions.list(self.value)
            t.expect(")")
            options = (t.take().upper,) if t.accept("WITH") else ()
            return s.Say("RAISERROR", arguments, options=options)
        if word == "THROW":
            t.take()
            rethrow = t.here.kind == "end" or t.is_(";") or t.is_("END")
            return s.Say("THROW", () if rethrow else self.queries.expressions.list(self.value))
        if word == "WAITFOR":
            t.take()
            t.expect("DELAY")
            return s.Say("WAITFOR", (self.value(),))
        if word in _WITHOUT_EFFECT and word != "":
            t.take()
            return s.Say(word)
        if t.is_name() and t.at == 0:  # the first statement of a batch may leave EXEC out
            return self._execute()
        raise syntax_error(t.here.text) if t.is_name() else t.wrong()
