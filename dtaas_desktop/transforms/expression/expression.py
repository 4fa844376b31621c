"""An expression of the user's and what it gives for rows."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from dtaas_desktop.domain.errors import MissingColumn, UserError
from dtaas_desktop.domain.table import Misfit
from dtaas_desktop.transforms.bad_cells import BadMask
from dtaas_desktop.transforms.converted import without
from dtaas_desktop.transforms.dates import DAY_SECONDS, PER_SECOND, YEARS
from dtaas_desktop.transforms.expression.allowed import SESSION_WORDS
from dtaas_desktop.transforms.expression.database import Plan, database
from dtaas_desktop.transforms.expression.messages import PLACE
from dtaas_desktop.transforms.expression.result_types import given_type
from dtaas_desktop.transforms.texts import TEXT, shown

_CANNOT = "the expression cannot be computed"
_SHOWN_CHARACTERS = 80


@dataclass(frozen=True, slots=True)
class Computed:
    """One value for each row, null where it could not be made.

    `failed` (a mask without nulls; None: none) says where DuckDB could not compute it; `outside` where the value is none that a
    column can hold, each mask with its reason.
    """

    values: pa.Array
    failed: pa.Array | None
    outside: tuple[tuple[pa.Array, str], ...]
    _inputs: Callable[[pa.Array], pa.Array] = field(repr=False)
    _reason: Callable[[int], str] = field(repr=False)

    def bad(self, column: str, on_bad: Misfit) -> list[BadMask]:
        """The bad cells, told as those of the output `column`; the values shown are the row's inputs.

        Under “fail” only the first counts, and it has its own reason; the others share one, for each own reason costs a run.
        """
        masks = [BadMask(mask, column, self._inputs(mask), reason) for mask, reason in self.outside]
        if self.failed is None:
            return masks
        failed, reason = self.failed, _CANNOT
        if on_bad == "fail":
            first = pc.indices_nonzero(failed)[0].as_py()
            failed = _only(first, len(failed))
            reason = self._reason(first)
        return [*masks, BadMask(failed, column, self._inputs(failed), reason)]


@dataclass(frozen=True, slots=True)
class Expression:
    """DuckDB's SQL over the columns of one row. Raises UserError if it is none, or uses what is not allowed."""

    text: str

    def __post_init__(self) -> None:
        database().tree(self.text)

    def columns(self, schema: pa.Schema) -> list[str]:
        """The columns that it reads, found without regard to case. Raises MissingColumn; UserError if several have a name."""
        return [schema.names[index] for index in self._indices(schema)]

    def type_over(self, schema: pa.Schema) -> pa.DataType:
        """The type of its values, null if it has none in any row. Raises UserError if it does not work with the columns' types."""
        return self._plan(schema).type

    def over(self, rows: pa.RecordBatch) -> Computed:
        """Its value for each row, each by itself."""
        plan = self._plan(rows.schema)
        given = self._given(rows)
        values, failed = plan.run(given)
        fitting = without(values, *_limits(values))

        def inputs(mask: pa.Array) -> pa.Array:
            named = [(rows.schema.names[index], rows.column(index)) for index in self._indices(rows.schema)]
            return _shown_inputs(named, mask, self.text)

        def reason(row: int) -> str:
            return plan.failure(given.slice(row, 1)) or _CANNOT

        return Computed(fitting.values, failed, fitting.bad, inputs, reason)

    def _indices(self, schema: pa.Schema) -> list[int]:
        return [_index_of(schema, name) for name in database().tree(self.text).names]

    def _plan(self, schema: pa.Schema) -> Plan:
        fields = [schema.field(index) for index in self._indices(schema)]
        types = [given_type(field.name, field.type) for field in fields]
        return database().plan(self.text, _given_schema(types))

    def _given(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        columns = [rows.column(index) for index in self._indices(rows.schema)]
        types = [given_type("", column.type) for column in columns]
        given = [_as_type(column, data_type) for column, data_type in zip(columns, types, strict=True)]
        schema = _given_schema(types)
        return pa.RecordBatch.from_arrays(given or [pa.nulls(rows.num_rows, pa.bool_())], schema=schema)


def _given_schema(types: list[pa.DataType]) -> pa.Schema:
    # DuckDB knows no rows without columns.
    return pa.schema([(f"{PLACE}{place}", data_type) for place, data_type in enumerate(types or [pa.bool_()])])


def _as_type(column: pa.Array, data_type: pa.DataType) -> pa.Array:
    # Only values that occur may be computed with; a dictionary may hold others.
    plain = column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
    return plain if plain.type == data_type else plain.cast(data_type)


def _index_of(schema: pa.Schema, name: str) -> int:
    folded = name.lower()
    found = [index for index, other in enumerate(schema.names) if other.lower() == folded]
    if len(found) == 1:
        return found[0]
    if found:
        several = " and ".join(f"“{schema.names[index]}”" for index in found)
        raise UserError(
            f"“{name}” in the expression can mean {several}: expressions do not tell upper from lower case.",
            remedy="Rename the columns apart first.",
        )
    if folded in SESSION_WORDS:
        raise UserError(
            f"“{name}” depends on more than the row, so that the same row would not always give the same value.",
            remedy="Write a constant instead.",
        )
    raise MissingColumn(name, schema.names)


def _only(row: int, rows: int) -> pa.Array:
    no = pa.scalar(False)
    return pa.concat_arrays([pa.repeat(no, row), pa.array([True]), pa.repeat(no, rows - row - 1)])


def _limits(values: pa.Array) -> list[tuple[pa.Array, str]]:
    """What DuckDB's types hold and ours do not: years of six digits, infinity, and 24:00."""
    if pa.types.is_date(values.type) or pa.types.is_timestamp(values.type):
        return [YEARS.outside(values)]
    if pa.types.is_time(values.type):
        end = DAY_SECONDS * PER_SECOND[values.type.unit]
        return [(pc.greater_equal(values.cast(pa.int64()), end), "not a time of day")]
    return []


def _shown_inputs(named: list[tuple[str, pa.Array]], mask: pa.Array, text: str) -> pa.Array:
    """Where the mask is true what the row gave to the expression, like “a = 1, b = empty”; anything elsewhere."""
    parts = []
    for name, column in named:
        values = pc.fill_null(shown(column.filter(mask), _SHOWN_CHARACTERS), "empty")
        parts.append(pc.binary_join_element_wise(pa.scalar(f"{name} = ", TEXT), values, pa.scalar("", TEXT)))
    if not parts:
        return pa.repeat(pa.scalar(text, TEXT), len(mask))
    told = pc.binary_join_element_wise(*parts, pa.scalar(", ", TEXT))
    return pc.replace_with_mask(pa.nulls(len(mask), TEXT), mask, told)
