"""Remote procedure calls (MS-TDS 2.2.6.6) and the system procedures that drivers call."""

import re
from dataclasses import dataclass

from tests.servers.sqlserver import syntax as s
from tests.servers.sqlserver import tokens
from tests.servers.sqlserver.binder import Binder
from tests.servers.sqlserver.channel import Output
from tests.servers.sqlserver.collation import collation, narrow_text
from tests.servers.sqlserver.conversion import converter
from tests.servers.sqlserver.errors import SqlError, not_understood
from tests.servers.sqlserver.execute import Executor
from tests.servers.sqlserver.lexer import Tokens
from tests.servers.sqlserver.parse import parse
from tests.servers.sqlserver.parse_expression import ExpressionReader
from tests.servers.sqlserver.parse_query import QueryReader
from tests.servers.sqlserver.procedure_texts import TEXTS
from tests.servers.sqlserver.query import Queries
from tests.servers.sqlserver.session import Session
from tests.servers.sqlserver.types import INT, MAX, SqlType, Value, named
from tests.servers.sqlserver.values import raw, whole
from tests.servers.sqlserver.wire_in import Parameter, Reader, read_parameter

BY_NUMBER = {
    1: "sp_cursor", 2: "sp_cursoropen", 3: "sp_cursorprepare", 4: "sp_cursorexecute", 5: "sp_cursorprepexec",
    6: "sp_cursorunprepare", 7: "sp_cursorfetch", 8: "sp_cursoroption", 9: "sp_cursorclose", 10: "sp_executesql", 11: "sp_prepare",
    12: "sp_execute", 13: "sp_prepexec", 14: "sp_prepexecrpc", 15: "sp_unprepare",
}  # fmt: skip
_TEXT = SqlType("nvarchar", MAX)


@dataclass(frozen=True)
class Request:
    procedure: str
    parameters: tuple[Parameter, ...]


def read_requests(data: bytes, session: Session) -> list[Request]:
    """All calls of one message: executemany puts many into one."""
    reader = Reader(data)
    skip_headers(reader)
    found = []
    order = collation(session.env.database.collation)
    while reader.left:
        length = reader.number(2)
        name = BY_NUMBER.get(reader.number(2), "?") if length == 0xFFFF else reader.take(length * 2).decode("utf-16-le")
        reader.number(2)
        parameters = []
        while reader.left and reader.data[reader.at] not in {0x80, 0xFF, 0xFE}:
            parameters.append(read_parameter(reader, order))
        if reader.left:
            reader.number(1)
        found.append(Request(name, tuple(parameters)))
    return found


def skip_headers(reader: Reader) -> None:
    """ALL_HEADERS (2.2.5.3)."""
    reader.take(reader.number(4) - 4)


class Procedures:
    """Runs one request; `texts` are the statements it ran, for faults that look for them."""

    def __init__(self, session: Session, output: Output) -> None:
        self.session = session
        self.output = output
        self.executor = Executor(session, output, in_procedure=True)
        self.executor.call = self.from_statement
        self.returned: list[bytes] = []

    def run(self, request: Request) -> None:
        name = request.procedure.lower().removeprefix("[sys].").removeprefix("sys.").strip("[]")
        handler = {
            "sp_executesql": self._executesql, "sp_prepexec": self._prepexec, "sp_prepare": self._prepare,
            "sp_execute": self._execute, "sp_unprepare": self._unprepare, "sp_describe_undeclared_parameters": self._undeclared,
            "sp_reset_connection": self._reset,
        }.get(name)  # fmt: skip
        if handler is not None:
            handler(list(request.parameters))
            return
        text = TEXTS.get(name)
        if text is None:
            if name.startswith("sp_cursor"):
                raise not_understood(f"the server cursor call {name}: read with a default result set")
            raise SqlError(2812, f"Could not find stored procedure '{request.procedure}'.", state=62)
        self._with_variables(text, self._named_arguments(name, list(request.parameters)))

    # ---- the statement behind a request

    @staticmethod
    def statement_of(request: Request, session: Session) -> str:
        """The SQL text that a request will run, as far as it is known beforehand."""
        if request.procedure == "sp_execute" and request.parameters:
            prepared = session.prepared.get(whole(request.parameters[0].value or 0))
            return prepared[1] if prepared else ""
        at = {"sp_executesql": 0, "sp_prepexec": 2, "sp_prepare": 2}.get(request.procedure.lower())
        if at is None or len(request.parameters) <= at:
            return request.procedure
        value = request.parameters[at].value
        return narrow_text(value) if isinstance(value, bytes) else ""

    def _executesql(self, parameters: list[Parameter]) -> None:
        if not parameters:
            raise SqlError(201, "Procedure or function 'sp_executesql' expects parameter '@statement', which was not supplied.")
        statement = self._text(parameters[0])
        declaration = self._text(parameters[1]) if len(parameters) > 1 else ""
        self._with_variables(statement, self._declared(declaration, parameters[2:]), parameters[2:])

    def _prepexec(self, parameters: list[Parameter]) -> None:
        declaration, statement = self._text(parameters[1]), self._text(parameters[2])
        handle = self._keep(declaration, statement)
        self.returned.append(tokens.return_value(parameters[0].name, INT, handle, 0))
        self._with_variables(statement, self._declared(declaration, parameters[3:]), parameters[3:])

    def _prepare(self, parameters: list[Parameter]) -> None:
        declaration, statement = self._text(parameters[1]), self._text(parameters[2])
        handle = self._keep(declaration, statement)
        parsed = parse(statement)
        if len(parsed) == 1 and isinstance(parsed[0], s.SelectStatement):
            env = self.session.env
            kept, env.variables = env.variables, self._declared(declaration, [])
            try:
                bound = Queries(Binder(env)).bind(parsed[0].query)
            finally:
                env.variables = kept
            self.output.write(tokens.metadata(bound.columns, env.database.name))
            self.executor.done()
        self.returned.append(tokens.return_value(parameters[0].name, INT, handle, 0))

    def _execute(self, parameters: list[Parameter]) -> None:
        handle = whole(parameters[0].value or 0)
        prepared = self.session.prepared.get(handle)
        if prepared is None:
            raise SqlError(8179, f"Could not find prepared statement with handle {handle}.")
        declaration, statement = prepared
        self._with_variables(statement, self._declared(declaration, parameters[1:]), parameters[1:])

    def _unprepare(self, parameters: list[Parameter]) -> None:
        self.session.prepared.pop(whole(parameters[0].value or 0), None)

    def _undeclared(self, parameters: list[Parameter]) -> None:
        raise SqlError(11503, "The stand-in does not tell the types of undeclared parameters.", state=2)

    def _reset(self, parameters: list[Parameter]) -> None:
        self.session.env.options.clear()

    def _keep(self, declaration: str, statement: str) -> int:
        handle = max(self.session.prepared, default=0) + 1
        self.session.prepared[handle] = (declaration, statement)
        return handle

    def _text(self, parameter: Parameter) -> str:
        if parameter.value is None:
            return ""
        change = converter(parameter.type, SqlType("nvarchar", MAX, collation=parameter.type.collation))
        return narrow_text(raw(change(parameter.value) if change else parameter.value))

    def _declared(self, declaration: str, parameters: list[Parameter]) -> dict[str, tuple[SqlType, Value]]:
        """The variables of “@P1 int, @P2 nvarchar(10)” with the values given, by name or in turn."""
        reader = Tokens(declaration)
        expressions: ExpressionReader = QueryReader(reader).expressions
        order = collation(self.session.env.database.collation)
        by_name = {one.name.lower(): one for one in parameters if one.name}
        in_turn = iter([one for one in parameters if not one.name])
        found: dict[str, tuple[SqlType, Value]] = {}
        while reader.here.kind == "variable":
            name = reader.take().text
            type_name = expressions.type_name()
            reader.one_of("OUTPUT", "OUT")
            reader.accept(",")
            kind = named(type_name.name, type_name.arguments, collation=order)
            given = by_name.get(name.lower()) or next(in_turn, None)
            value: Value = None
            if given is not None and given.value is not None:
                change = converter(given.type, kind)
                value = change(given.value) if change else given.value
            found[name.lower()] = (kind, value)
        return found

    def _with_variables(
        self, statement: str, variables: dict[str, tuple[SqlType, Value]], given: list[Parameter] | None = None
    ) -> None:
        env = self.session.env
        kept, env.variables = env.variables, variables
        try:
            self.executor.batch(statement)
            for at, (parameter, (name, (kind, value))) in enumerate(zip(given or [], variables.items(), strict=False)):
                if parameter.output:
                    self.returned.append(tokens.return_value(parameter.name or name, kind, value, at))
        finally:
            env.variables = kept

    # ---- catalogue procedures and EXEC

    def _named_arguments(self, name: str, parameters: list[Parameter]) -> dict[str, tuple[SqlType, Value]]:
        """The documented parameters of the procedure, given by name or in turn; what is not given is NULL."""
        names = re.findall(r"^--\s*(@\w+)", TEXTS[name], re.MULTILINE)
        found: dict[str, tuple[SqlType, Value]] = {one: (SqlType("nvarchar", 384), None) for one in names}
        for at, parameter in enumerate(parameters):
            wanted = parameter.name.lower() or (names[at] if at < len(names) else "")
            if wanted in found and parameter.value is not None:
                text = SqlType("nvarchar", MAX, collation=collation(self.session.env.database.collation))
                change = converter(parameter.type, text)
                found[wanted] = (text, change(parameter.value) if change else parameter.value)
        order = collation(self.session.env.database.collation)
        return {name: (SqlType("nvarchar", MAX, collation=order), value) for name, (_, value) in found.items()}

    def from_statement(self, executor: Executor, node: s.Execute) -> None:
        """EXEC name …"""
        parameters = []
        for name, value, output in node.arguments:
            kind, stored = executor.value(value)
            parameters.append(Parameter(name, kind, stored, output))
        inner = Procedures(self.session, self.output)
        inner.run(Request(node.procedure[-1], tuple(parameters)))
        if node.returned:
            self.session.env.variables[node.returned.lower()] = (INT, 0)
