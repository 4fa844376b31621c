"""Which rows stay: conditions in groups, or an expression."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.ports import Applied, Lineage
from dtaas_desktop.domain.table import Misfit
from dtaas_desktop.domain.transform_settings import Condition, FilterSettings, Group
from dtaas_desktop.domain.type_names import name_of_type
from dtaas_desktop.transforms.bad_cells import gathered
from dtaas_desktop.transforms.column_names import index_of
from dtaas_desktop.transforms.constants import constant
from dtaas_desktop.transforms.expression import Expression
from dtaas_desktop.transforms.regexes import checked
from dtaas_desktop.transforms.texts import TEXT, decoded, decoded_type, require_text

_COMPARISONS = {
    "equal": pc.equal,
    "not_equal": pc.not_equal,
    "less": pc.less,
    "less_equal": pc.less_equal,
    "greater": pc.greater,
    "greater_equal": pc.greater_equal,
}
_TEXT_OPERATORS = frozenset({"contains", "not_contains", "starts", "ends", "matches"})


@dataclass(frozen=True, slots=True)
class Filter:
    """Keeps the rows that match conditions.

    A cell without a value matches a condition only if its `empty_matches` says so; groups then know only true and false.
    Texts compare by their characters' numbers in Unicode; without case, in lower case.
    """

    settings: FilterSettings
    # Reading constants takes longer than comparing a batch with them: they are kept for each condition and type of column.
    _prepared: "dict[tuple[int, pa.DataType], _Prepared]" = field(default_factory=dict, init=False, repr=False, compare=False)
    on_bad: ClassVar[Misfit] = "fail"

    def __post_init__(self) -> None:
        for condition in _conditions(self.settings):
            if condition.operator == "matches" and isinstance(condition.value, str):
                checked(condition.value)

    def output_schema(self, schema: pa.Schema) -> pa.Schema:
        self._all_prepared(schema)
        return schema

    def lineage(self, schema: pa.Schema) -> Lineage:
        return _row_lineage(schema, [condition.column for condition in _conditions(self.settings)])

    def apply(self, rows: pa.RecordBatch) -> Applied:
        columns: dict[str, pa.Array] = {}
        masks: list[pa.Array] = []
        for condition, prepared in zip(_conditions(self.settings), self._all_prepared(rows.schema), strict=True):
            if condition.column not in columns:
                columns[condition.column] = _comparable(rows.column(index_of(rows.schema, condition.column)))
            masks.append(_condition_mask(columns[condition.column], prepared))
        return _kept(rows, _group_mask(self.settings, iter(masks), rows.num_rows))

    def _all_prepared(self, schema: pa.Schema) -> "list[_Prepared]":
        found = []
        for number, condition in enumerate(_conditions(self.settings)):
            data_type = schema.field(index_of(schema, condition.column)).type
            if (number, data_type) not in self._prepared:
                self._prepared[number, data_type] = _prepare(condition, data_type)
            found.append(self._prepared[number, data_type])
        return found


@dataclass(frozen=True, slots=True)
class ExpressionFilter:
    """Keeps the rows for which an expression is true. Where it cannot be computed, the row does not stay and is told as bad."""

    settings: FilterSettings
    expression: Expression

    @property
    def on_bad(self) -> Misfit:
        return self.settings.on_bad

    def output_schema(self, schema: pa.Schema) -> pa.Schema:
        found = self.expression.type_over(schema)
        if not pa.types.is_boolean(found):
            raise UserError(
                f"The expression gives {name_of_type(found)}, not true or false.", remedy="Compare it with something, like x > 0."
            )
        return schema

    def lineage(self, schema: pa.Schema) -> Lineage:
        return _row_lineage(schema, self.expression.columns(schema))

    def apply(self, rows: pa.RecordBatch) -> Applied:
        computed = self.expression.over(rows)
        applied = _kept(rows, pc.fill_null(computed.values, False))
        # A filter makes no cell: the first column that it reads stands for all of them.
        column = (self.expression.columns(rows.schema) or rows.schema.names)[0]
        return Applied(applied.rows, applied.kept, gathered(computed.bad(column, self.on_bad), self.on_bad))


def _conditions(group: FilterSettings | Group) -> list[Condition]:
    found: list[Condition] = []
    for member in group.conditions:
        found += [member] if isinstance(member, Condition) else _conditions(member)
    return found


def _row_lineage(schema: pa.Schema, deciders: list[str]) -> Lineage:
    return Lineage({name: (name,) for name in schema.names}, frozenset(schema.names), frozenset(deciders))


def _kept(rows: pa.RecordBatch, mask: pa.Array) -> Applied:
    if mask.true_count == len(mask):
        return Applied(rows)
    return Applied(rows.filter(mask), pc.indices_nonzero(mask).cast(pa.int64()))


def _group_mask(group: FilterSettings | Group, masks: Iterator[pa.Array], rows: int) -> pa.Array:
    """True or false for each row, never null, out of the masks of all conditions in their order."""
    combine = pc.and_ if group.match == "all" else pc.or_
    mask: pa.Array | None = None
    for member in group.conditions:
        one = next(masks) if isinstance(member, Condition) else _group_mask(member, masks, rows)
        mask = one if mask is None else combine(mask, one)
    if mask is None:
        return pa.repeat(pa.scalar(group.match != "any"), rows)
    return pc.invert(mask) if group.match == "none" else mask


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A condition for one type of column: its constants in the type compared in, lower case where case does not matter."""

    operator: str
    constants: pa.Array
    fold: bool
    empty_matches: bool


def _prepare(condition: Condition, data_type: pa.DataType) -> _Prepared:
    plain = decoded_type(data_type)
    compared = _comparable_type(data_type)
    fold = plain == TEXT and not condition.case_sensitive
    constants = pa.array([], compared)
    if condition.operator not in ("is_empty", "is_not_empty") and not pa.types.is_null(plain):
        constants = _constants(condition, data_type, compared)
        if fold and condition.operator != "matches":
            constants = pc.utf8_lower(constants)
    return _Prepared(condition.operator, constants, fold, condition.empty_matches)


def _constants(condition: Condition, data_type: pa.DataType, compared: pa.DataType) -> pa.Array:
    if condition.operator in _TEXT_OPERATORS:
        require_text(data_type, condition.column)
        if not isinstance(condition.value, str):
            raise UserError(
                f"Column “{condition.column}”: “{condition.operator}” takes a text.", remedy="Write the value as text."
            )
    if pa.types.is_nested(compared) or pa.types.is_duration(compared) or pa.types.is_interval(compared):
        raise UserError(
            f"Column “{condition.column}” is {name_of_type(compared)}, which cannot be compared.", remedy="Choose another."
        )
    written = condition.values if condition.operator in ("between", "in", "not_in") else (condition.value,)
    try:
        return pa.array([constant(value, compared) for value in written], compared)
    except UserError as error:
        raise UserError(f"Column “{condition.column}”: {error.message}", remedy=error.remedy) from None


def _comparable_type(data_type: pa.DataType) -> pa.DataType:
    """The type of `_comparable` values: Arrow cannot compare all that it can hold."""
    plain = decoded_type(data_type)
    if pa.types.is_float16(plain):
        return pa.float32()
    if pa.types.is_binary_view(plain):
        return pa.large_binary()
    if pa.types.is_decimal(plain) and plain.bit_width < 128:
        return pa.decimal128(plain.precision, plain.scale)
    return plain


def _comparable(values: pa.Array) -> pa.Array:
    values = decoded(values)
    compared = _comparable_type(values.type)
    return values if values.type == compared else values.cast(compared)


def _condition_mask(values: pa.Array, prepared: _Prepared) -> pa.Array:
    """True or false for each value, never null."""
    if prepared.operator in ("is_empty", "is_not_empty"):
        empty = pc.is_null(values)
        if values.type == TEXT:
            empty = pc.or_(empty, pc.fill_null(pc.equal(values, ""), False))
        return empty if prepared.operator == "is_empty" else pc.invert(empty)
    if values.null_count == len(values):
        return pa.repeat(pa.scalar(prepared.empty_matches), len(values))
    mask = _compared(values, prepared)
    if values.null_count:
        mask = pc.if_else(pc.is_valid(values), mask, prepared.empty_matches)
    return mask


def _compared(values: pa.Array, prepared: _Prepared) -> pa.Array:
    operator, constants = prepared.operator, prepared.constants
    if operator == "matches":
        return pc.match_substring_regex(values, constants[0].as_py(), ignore_case=prepared.fold)
    if prepared.fold:
        values = pc.utf8_lower(values)
    if operator in _COMPARISONS:
        return _COMPARISONS[operator](values, constants[0])
    if operator == "between":
        return pc.and_(pc.greater_equal(values, constants[0]), pc.less_equal(values, constants[1]))
    if operator in ("in", "not_in"):
        mask = _is_in(values, constants)
        return mask if operator == "in" else pc.invert(mask)
    text = constants[0].as_py()
    if operator == "starts":
        return pc.starts_with(values, text)
    if operator == "ends":
        return pc.ends_with(values, text)
    found = pc.match_substring(values, text)
    return found if operator == "contains" else pc.invert(found)


def _is_in(values: pa.Array, constants: pa.Array) -> pa.Array:
    if pa.types.is_floating(values.type):
        # Arrow's set holds NaN equal to itself, and 0 and −0 apart; as comparisons go, NaN equals nothing, and the zeros are one.
        constants = constants.filter(pc.equal(constants, constants))
        zero = pa.scalar(0.0, values.type)
        values, constants = pc.add(values, zero), pc.add(constants, zero)
    return pc.is_in(values, value_set=constants)
