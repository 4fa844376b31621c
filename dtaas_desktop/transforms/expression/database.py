"""DuckDB, locked: it can neither reach files nor load anything, sees no rows but those it is fed, and its settings are fixed."""

import json
import threading

import duckdb
import pyarrow as pa

from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.transforms.expression.messages import cannot_be_read, cannot_work, not_one_row, too_deep
from dtaas_desktop.transforms.expression.result_types import ResultType, result_type
from dtaas_desktop.transforms.expression.tree import CheckedTree, Json, checked, essence, filled

# What makes a row's answer independent of the machine: its time zone, calendar and number of cores. A division by zero and a
# root of −1 are errors, not infinity and NaN.
_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "threads": "1",
    "memory_limit": "1GB",
    "temp_directory": "",
    "autoload_known_extensions": "false",
    "autoinstall_known_extensions": "false",
    "allow_community_extensions": "false",
    "python_enable_replacements": "false",
    "arrow_large_buffer_size": "true",
    "ieee_floating_point_ops": "false",
    "error_on_division_by_zero": "true",
    "max_expression_depth": "400",  # DuckDB writes more parentheses than it reads; what is nested too deeply is refused before
}
# These exist only once there is a connection, or forbid some of the others; the last one locks all.
_SETTINGS_AFTER = (
    "TimeZone = 'UTC'",
    "Calendar = 'gregorian'",
    "enable_progress_bar = false",
    "enable_progress_bar_print = false",
    "enable_external_access = false",
    "lock_configuration = true",
)
_MOST_PLANS = 256

_of_thread = threading.local()


class _Feed:
    """What DuckDB scans: at each run the rows that are in it then."""

    def __init__(self, rows: pa.Table) -> None:
        self.rows = rows

    @property
    def schema(self) -> pa.Schema:
        return self.rows.schema

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.rows.__arrow_c_stream__(requested_schema)


class Plan:
    """An expression ready to run on rows of one schema, in the thread that made it."""

    def __init__(self, database: "Database", number: int, tree: CheckedTree, schema: pa.Schema) -> None:
        self._database, self._number, self._tree = database, number, tree
        self._empty = schema.empty_table()
        self._feed = _Feed(self._empty)
        self._prepared: set[str] = set()
        database.connection.register(f"rows_{number}", self._feed)
        sql = database.sql_of(f"SELECT hole AS value FROM rows_{number}", tree)
        try:
            relation = database.connection.sql(sql)
        except duckdb.Error as error:
            raise cannot_work(error, tree.names) from None
        self._result: ResultType = result_type(str(relation.types[0]))

    @property
    def type(self) -> pa.DataType:
        return self._result.type

    def run(self, rows: pa.RecordBatch) -> tuple[pa.Array, pa.Array | None]:
        """The value of each row, and which rows (a mask without nulls, None: none) have none because it cannot be computed."""
        if pa.types.is_null(self.type):
            return pa.nulls(rows.num_rows), None
        try:
            return self._executed("plain", rows), None
        except duckdb.Error as error:
            self._database.judge(error)
        framed = self._framed(rows)
        failed = framed.is_null()
        return framed.flatten()[0], failed if failed.true_count else None

    def _framed(self, rows: pa.RecordBatch) -> pa.Array:
        """A struct around each value, null where there is none: an empty value is not the same as none."""
        try:
            return self._executed("safe", rows)  # TRY: row by row where something fails
        except duckdb.Error as error:
            self._database.judge(error)
        # TRY lets some errors pass, such as those of an unknown time zone.
        if rows.num_rows == 1:
            return pa.nulls(1, pa.struct([("value", self.type)]))
        half = rows.num_rows // 2
        return pa.concat_arrays([self._framed(rows.slice(0, half)), self._framed(rows.slice(half))])

    def failure(self, row: pa.RecordBatch) -> str:
        """Why this single row has no value, in DuckDB's words."""
        try:
            self._executed("plain", row)
        except duckdb.Error as error:
            return not_one_row(error, self._tree.names)
        return ""

    def _executed(self, way: str, rows: pa.RecordBatch) -> pa.Array:
        name = f"{way}_{self._number}"
        if way not in self._prepared:
            value = f"CAST(hole AS {self._result.cast})" if self._result.cast else "hole"
            value = value if way == "plain" else f"TRY({{'value': {value}}})"
            sql = self._database.sql_of(f"SELECT {value} AS value FROM rows_{self._number}", self._tree)
            self._database.connection.execute(f"PREPARE {name} AS {sql}").fetchall()
            self._prepared.add(way)
        self._feed.rows = pa.Table.from_batches([rows])
        try:
            column = self._database.connection.sql(f"EXECUTE {name}").to_arrow_table().column(0)
        finally:
            self._feed.rows = self._empty
        if len(column) != rows.num_rows:
            raise AssertionError(f"{rows.num_rows} rows went into an expression, {len(column)} came out")
        return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


class Database:
    """The locked connection of one thread, with what it has parsed and prepared."""

    def __init__(self) -> None:
        self.connection = duckdb.connect(":memory:", config=_SETTINGS)
        for setting in _SETTINGS_AFTER:
            self.connection.execute(f"SET {setting}").fetchall()
        self._trees: dict[str, CheckedTree] = {}
        self._plans: dict[tuple[str, pa.Schema], Plan] = {}

    @property
    def is_full(self) -> bool:
        return len(self._plans) >= _MOST_PLANS or len(self._trees) >= _MOST_PLANS

    def tree(self, text: str) -> CheckedTree:
        """The checked tree. Raises UserError for what is no expression or is not allowed."""
        found = self._trees.get(text)
        if found is None:
            _refuse_what_no_tree_shows(text)
            try:
                found = checked(self._tree_of(f"SELECT {text}"))
            except RecursionError:
                raise too_deep() from None
            self._trees[text] = found
        return found

    def plan(self, text: str, schema: pa.Schema) -> Plan:
        """The plan for rows of this schema (column_0, column_1, …). Raises UserError if the expression does not work on it."""
        key = (text, schema)
        found = self._plans.get(key)
        if found is None:
            found = self._plans[key] = Plan(self, len(self._plans), self.tree(text), schema)
        return found

    def sql_of(self, template: str, tree: CheckedTree) -> str:
        """The template's statement with the checked tree in its hole, written by DuckDB and read back to be the same."""
        statement = json.dumps(filled(self._tree_of(template), tree.node))
        rows = self.connection.execute("SELECT json_deserialize_sql(?::JSON)", [statement]).fetchall()
        sql = str(rows[0][0])
        # Python's own recursion is too shallow for trees, that of its JSON reader is not.
        if json.loads(self._serialized(sql), object_hook=essence) != json.loads(statement, object_hook=essence):
            raise UserError("DuckDB cannot write this expression as it reads it.", remedy="Write it in another way.")
        return sql

    def judge(self, error: duckdb.Error) -> None:
        """Raises what is not the fault of a row's values."""
        if isinstance(error, duckdb.OutOfMemoryException):
            raise UserError(
                "The expression needs more memory than expressions may use.", remedy="Let it make shorter texts."
            ) from None
        if isinstance(error, (duckdb.InternalException, duckdb.FatalException)):
            _of_thread.database = None
            raise error

    def _tree_of(self, sql: str) -> Json:
        tree: Json = json.loads(self._serialized(sql))
        if isinstance(tree, dict) and tree.get("error"):
            message = str(tree.get("error_message", ""))
            raise too_deep() if "expression depth" in message else cannot_be_read(message)
        return tree

    def _serialized(self, sql: str) -> str:
        return str(self.connection.execute("SELECT json_serialize_sql(?::VARCHAR)", [sql]).fetchall()[0][0])


def database() -> Database:
    """This thread's database; made when first asked for."""
    found: Database | None = getattr(_of_thread, "database", None)
    if found is None or found.is_full:
        found = _of_thread.database = Database()
    return found


def _refuse_what_no_tree_shows(text: str) -> None:
    """Comments, semicolons and characters that DuckDB would pass over."""
    if not text.strip():
        raise cannot_be_read("it is empty")
    if "\0" in text or not _is_unicode(text):
        raise cannot_be_read("it holds a character that no text can have")
    kinds = [kind for _, kind in duckdb.tokenize(text)]
    if duckdb.token_type.comment in kinds:
        raise cannot_be_read("it holds a comment")
    if text.rstrip().endswith(";"):
        raise cannot_be_read("it ends with a semicolon")


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
