"""T-SQL that defines: tables, columns, keys, indexes, views, databases, principals and permissions."""

from tests.servers.sqlserver import syntax as s
from tests.servers.sqlserver.errors import not_understood
from tests.servers.sqlserver.lexer import Tokens
from tests.servers.sqlserver.parse_query import QueryReader


class DefinitionReader:
    def __init__(self, tokens: Tokens, queries: QueryReader) -> None:
        self.tokens = tokens
        self.queries = queries

    def create(self) -> s.Statement:
        t = self.tokens
        if t.accept("CREATE", "OR", "ALTER", "VIEW"):
            return self._view(replace=True)
        t.expect("CREATE")
        if t.accept("TABLE"):
            return self._table()
        if t.accept("VIEW"):
            return self._view(replace=False)
        unique = t.accept("UNIQUE")
        clustered = self._clustered()
        columnstore = t.accept("COLUMNSTORE")
        if t.accept("INDEX"):
            return self._index(unique, clustered, columnstore)
        return self._define("create")

    def alter(self) -> s.Statement:
        t = self.tokens
        t.expect("ALTER")
        if t.accept("TABLE"):
            return self._alter_table()
        if t.accept("VIEW"):
            return self._view(replace=True)
        return self._define("alter")

    def _clustered(self) -> bool | None:
        if self.tokens.accept("CLUSTERED"):
            return True
        return False if self.tokens.accept("NONCLUSTERED") else None

    def _table(self) -> s.CreateTable:
        t = self.tokens
        table = t.dotted()
        t.expect("(")
        columns: list[s.ColumnDefinition] = []
        keys: list[s.KeyDefinition] = []
        options: list[tuple[str, str]] = []
        while True:
            if t.accept("PERIOD", "FOR", "SYSTEM_TIME"):
                options.append(("PERIOD", ",".join(self.queries.names())))
            elif key := self.key():
                keys.append(key)
            else:
                column, its_keys = self.column()
                columns.append(column)
                keys.extend(its_keys)
            if not t.accept(","):
                break
        t.expect(")")
        while t.accept("ON") or t.accept("TEXTIMAGE_ON"):
            where = t.name()
            if t.accept("("):
                options.append(("PARTITION", f"{where},{t.name()}"))
                t.expect(")")
        if t.accept("WITH"):
            options.extend(self._options())
        return s.CreateTable(table, tuple(columns), tuple(keys), tuple(options))

    def _options(self) -> list[tuple[str, str]]:
        """(NAME = VALUE, NAME = ON (…)), as words."""
        t = self.tokens
        t.expect("(")
        found = []
        while not t.accept(")"):
            name = t.take().upper
            words, depth = [], 0
            t.accept("=")
            while depth or t.here.text not in {",", ")"}:
                token = t.take()
                if token.kind == "end":
                    raise t.wrong(token)
                depth += (token.text == "(") - (token.text == ")")
                words.append(token.text)
            found.append((name, " ".join(words)))
            t.accept(",")
        return found

    def key(self) -> s.KeyDefinition | None:
        """A constraint of a table, or an index within it; None if a column comes next."""
        t = self.tokens
        name = t.name() if t.accept("CONSTRAINT") else ""
        if t.accept("PRIMARY", "KEY"):
            return self._key_columns(name, "primary", unique=True)
        if t.accept("UNIQUE"):
            return self._key_columns(name, "unique", unique=True)
        if t.is_("INDEX"):
            t.take()
            name = t.name()
            return self._key_columns(name, "index", unique=t.accept("UNIQUE"))
        if name or t.is_("CHECK") or t.is_("FOREIGN"):
            raise not_understood(f"CHECK and FOREIGN KEY constraints: {t.statement()}")
        return None

    def _key_columns(self, name: str, kind: str, *, unique: bool) -> s.KeyDefinition:
        t = self.tokens
        clustered = self._clustered()
        columnstore = t.accept("COLUMNSTORE")
        columns = self._sorted_names() if t.is_("(") else ()
        included = self.queries.names() if t.accept("INCLUDE") else ()
        start = t.here.start
        condition = ""
        if t.accept("WHERE"):
            start = t.here.start
            self.queries.expressions.condition()
            condition = t.sql[start : t.all[t.at - 1].end]
        if t.is_("WITH", "("):
            t.take()
            self._options()
        if t.accept("ON"):
            t.name()
        return s.KeyDefinition(name, kind, columns, clustered, included, unique, condition, columnstore)

    def _sorted_names(self) -> tuple[tuple[str, bool], ...]:
        t = self.tokens
        t.expect("(")
        found = []
        while True:
            name = t.name()
            found.append((name, t.accept("DESC") or (t.accept("ASC") and False)))
            if not t.accept(","):
                break
        t.expect(")")
        return tuple(found)

    def column(self) -> tuple[s.ColumnDefinition, list[s.KeyDefinition]]:
        t = self.tokens
        name = t.name()
        if t.accept("AS"):
            start = t.here.start
            self.queries.expressions.value()
            text = t.sql[start : t.all[t.at - 1].end]
            persisted = t.accept("PERSISTED")
            nullable = False if t.accept("NOT", "NULL") else None
            return s.ColumnDefinition(name, computed=text, persisted=persisted, nullable=nullable), self._inline_keys(name)
        if t.is_name():
            kind = self.queries.expressions.type_name()
        else:
            raise t.wrong()
        return self._column_options(name, kind)

    def _column_options(self, name: str, kind: s.TypeName) -> tuple[s.ColumnDefinition, list[s.KeyDefinition]]:  # noqa: C901, PLR0912 (a list of words)
        t = self.tokens
        nullable: bool | None = None
        identity: tuple[int, int] | None = None
        texts = dict.fromkeys(("collation", "default", "masked", "encrypted", "generated"), "")
        sparse = guid = hidden = False
        keys: list[s.KeyDefinition] = []
        while True:
            if t.accept("COLLATE"):
                texts["collation"] = t.name()
            elif t.accept("NOT", "NULL"):
                nullable = False
            elif t.accept("NULL"):
                nullable = True
            elif t.accept("IDENTITY"):
                identity = self._identity()
            elif t.accept("SPARSE"):
                sparse = True
            elif t.accept("ROWGUIDCOL"):
                guid = True
            elif t.accept("MASKED", "WITH", "(", "FUNCTION", "="):
                texts["masked"] = t.text_literal()
                t.expect(")")
            elif t.accept("ENCRYPTED", "WITH"):
                texts["encrypted"] = dict(self._options()).get("ENCRYPTION_TYPE", "RANDOMIZED")
            elif t.accept("GENERATED", "ALWAYS", "AS", "ROW"):
                texts["generated"] = t.one_of("START", "END").lower()
                hidden = t.accept("HIDDEN")
            elif t.is_("DEFAULT") or (t.is_("CONSTRAINT") and t.ahead(2).upper == "DEFAULT"):
                texts["default"] = self._default()
            elif found := self._inline_keys(name):
                keys.extend(found)
                nullable = False if found[0].kind == "primary" else nullable
            else:
                break
        column = s.ColumnDefinition(
            name, kind, nullable, identity=identity, sparse=sparse, rowguidcol=guid, hidden=hidden,
            collation=texts["collation"], default=texts["default"], masked=texts["masked"], encrypted=texts["encrypted"],
            generated=texts["generated"],
        )  # fmt: skip
        return column, keys

    def _default(self) -> str:
        t = self.tokens
        if t.accept("CONSTRAINT"):
            t.name()
        t.expect("DEFAULT")
        start = t.here.start
        self.queries.expressions.value()
        return t.sql[start : t.all[t.at - 1].end]

    def _identity(self) -> tuple[int, int]:
        t = self.tokens
        if not t.accept("("):
            return 1, 1
        seed = t.integer()
        t.expect(",")
        increment = t.integer()
        t.expect(")")
        return seed, increment

    def _inline_keys(self, column: str) -> list[s.KeyDefinition]:
        t = self.tokens
        name = ""
        if t.is_("CONSTRAINT") and t.ahead(2).upper in {"PRIMARY", "UNIQUE"}:
            t.take()
            name = t.name()
        kind = "primary" if t.accept("PRIMARY", "KEY") else "unique" if t.accept("UNIQUE") else ""
        if not kind:
            if t.is_("REFERENCES") or t.is_("CHECK"):
                raise not_understood(f"CHECK and FOREIGN KEY constraints: {t.statement()}")
            return []
        clustered = self._clustered()
        return [s.KeyDefinition(name, kind, ((column, False),), clustered, unique=True)]

    def _index(self, unique: bool, clustered: bool | None, columnstore: bool) -> s.CreateIndex:
        t = self.tokens
        name = t.name()
        t.expect("ON")
        table = t.dotted()
        key = self._key_columns(name, "index", unique=unique)
        full = s.KeyDefinition(name, "index", key.columns, bool(clustered), key.included, unique, key.filter, columnstore)
        return s.CreateIndex(table, full)

    def _alter_table(self) -> s.AlterTable:
        t = self.tokens
        table = t.dotted()
        for verb in ("ENABLE", "DISABLE"):
            if t.accept(verb, "CHANGE_TRACKING"):
                if t.accept("WITH"):
                    self._options()
                return s.AlterTable(table, f"{verb.lower()} change tracking")
        if t.accept("DROP"):
            what = "constraint" if t.accept("CONSTRAINT") else "column"
            if what == "column":
                t.expect("COLUMN")
            t.accept("IF", "EXISTS")
            names = [t.name()]
            while t.accept(","):
                names.append(t.name())
            return s.AlterTable(table, f"drop {what}", names=tuple(names))
        if t.accept("ALTER", "COLUMN"):
            name = t.name()
            column, _ = self._column_options(name, self.queries.expressions.type_name())
            return s.AlterTable(table, "alter column", (column,))
        if t.accept("WITH"):
            t.one_of("CHECK", "NOCHECK")
        t.expect("ADD")
        columns: list[s.ColumnDefinition] = []
        keys: list[s.KeyDefinition] = []
        while True:
            if key := self.key():
                keys.append(key)
            else:
                column, its = self.column()
                columns.append(column)
                keys.extend(its)
            if not t.accept(","):
                return s.AlterTable(table, "add", tuple(columns), tuple(keys))

    def _view(self, *, replace: bool) -> s.CreateView:
        t = self.tokens
        view = t.dotted()
        columns = self.queries.names() if t.is_("(") else ()
        if t.accept("WITH"):
            t.one_of("SCHEMABINDING", "VIEW_METADATA", "ENCRYPTION")
        t.expect("AS")
        start = t.here.start
        query = self.queries.query()
        return s.CreateView(view, columns, t.sql[start : t.all[t.at - 1].end], query, replace)

    def _define(self, verb: str) -> s.Define:
        """Databases, schemas, logins, users, roles: NAME and the options that the stand-in knows, as words."""
        t = self.tokens
        what = t.one_of("DATABASE", "SCHEMA", "LOGIN", "USER", "ROLE", "SYNONYM").lower()
        if t.is_("SERVER", "ROLE"):
            t.at += 2
            what = "server role"
        if what in {"", "synonym"}:
            raise not_understood(t.statement())
        name = (t.take().text if t.is_("CURRENT") else t.name()) if what != "schema" or not t.is_("AUTHORIZATION") else ""
        options: list[tuple[str, str]] = []
        while not self._ends():
            options.append(self._option())
            t.accept(",")
        return s.Define(verb, what, name, tuple(options))

    def _option(self) -> tuple[str, str]:
        t = self.tokens
        if t.accept("COLLATE"):
            return "COLLATE", t.name()
        if t.accept("AUTHORIZATION"):
            return "AUTHORIZATION", t.name()
        if member := t.one_of("ADD", "DROP"):
            t.expect("MEMBER")
            return f"{member} MEMBER", t.name()
        if t.accept("FOR", "LOGIN") or t.accept("FROM", "LOGIN"):
            return "FOR LOGIN", t.name()
        if t.accept("WITHOUT", "LOGIN"):
            return "WITHOUT LOGIN", ""
        t.one_of("WITH", "SET")
        name = t.take()
        if name.kind != "word":
            raise t.wrong(name)
        t.accept("=")
        if t.is_("("):
            return name.upper, " ".join(f"{one} {two}" for one, two in self._options())
        if self._ends() or t.is_(","):
            return name.upper, ""
        value = t.take().text
        if t.is_("("):
            self._options()
        if t.accept("WITH", "ROLLBACK"):
            t.take()
        return name.upper, value

    def _ends(self) -> bool:
        t = self.tokens
        return (
            t.here.kind == "end"
            or t.is_(";")
            or t.here.upper in {"CREATE", "ALTER", "GRANT", "USE", "SELECT", "EXEC", "INSERT", "DENY"}
        )

    def drop(self) -> s.Drop:
        t = self.tokens
        t.expect("DROP")
        what = t.one_of("TABLE", "VIEW", "SCHEMA", "DATABASE", "LOGIN", "USER", "ROLE", "INDEX", "PROCEDURE").lower()
        if what in {"", "procedure"}:
            raise not_understood(t.statement())
        if_exists = t.accept("IF", "EXISTS")
        names = [t.dotted()]
        while t.accept(","):
            names.append(t.dotted())
        table = t.dotted() if what == "index" and t.accept("ON") else ()
        return s.Drop(what, tuple(names), if_exists, table)

    def permission(self) -> s.Permission:
        t = self.tokens
        verb = t.take().upper.lower()
        t.accept("GRANT", "OPTION", "FOR")
        permissions: list[tuple[str, tuple[str, ...]]] = []
        while True:
            words = []
            while not (t.is_("(") or t.is_(",") or t.is_("ON") or t.is_("TO") or t.is_("FROM")):
                token = t.take()
                if token.kind != "word":
                    raise t.wrong(token)
                words.append(token.upper)
            permissions.append((" ".join(words), self.queries.names() if t.is_("(") else ()))
            if not t.accept(","):
                break
        level, securable = self._securable(permissions[0][0])
        if t.is_("("):
            columns = self.queries.names()
            permissions = [(name, columns) for name, _ in permissions]
        t.one_of("TO", "FROM")
        principals = [t.name() if not t.accept("PUBLIC") else "public"]
        while t.accept(","):
            principals.append(t.name())
        t.accept("WITH", "GRANT", "OPTION")
        t.accept("CASCADE")
        return s.Permission(verb, tuple(permissions), level, securable, tuple(principals))

    def _securable(self, permission: str) -> tuple[str, tuple[str, ...]]:
        t = self.tokens
        if not t.accept("ON"):
            server = permission in {
                "VIEW SERVER STATE",
                "VIEW ANY DATABASE",
                "CONTROL SERVER",
                "VIEW ANY DEFINITION",
                "ALTER ANY CONNECTION",
            }
            return ("server" if server else "database"), ()
        if t.is_("DATABASE", "::") or t.is_("SCHEMA", "::") or t.is_("OBJECT", "::"):
            level = t.take().upper.lower()
            t.take()
            return level, t.dotted()
        return "object", t.dotted()
