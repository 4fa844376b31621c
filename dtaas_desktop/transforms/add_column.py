"""A new column: a constant, or what an expression gives for each row."""

from dataclasses import dataclass

import pyarrow as pa

from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.ports import Applied, Lineage
from dtaas_desktop.domain.table import Misfit
from dtaas_desktop.domain.transform_settings import AddColumnSettings
from dtaas_desktop.domain.type_names import type_from_name
from dtaas_desktop.transforms.bad_cells import BadMask, gathered
from dtaas_desktop.transforms.column_names import index_of, place_of
from dtaas_desktop.transforms.constants import constant, natural_type
from dtaas_desktop.transforms.conversions import Manner, conversion
from dtaas_desktop.transforms.converted import Conversion, unchanged
from dtaas_desktop.transforms.expression import Expression


@dataclass(frozen=True, slots=True)
class AddConstant:
    """The same value in every row."""

    settings: AddColumnSettings

    @property
    def on_bad(self) -> Misfit:
        return self.settings.on_bad

    def output_schema(self, schema: pa.Schema) -> pa.Schema:
        return _schema_with(schema, self.settings, self._value().type)

    def lineage(self, schema: pa.Schema) -> Lineage:
        return _lineage(schema, self.settings, [])

    def apply(self, rows: pa.RecordBatch) -> Applied:
        value = self._value()
        values = pa.repeat(value, rows.num_rows) if value.is_valid else pa.nulls(rows.num_rows, value.type)
        return Applied(_rows_with(rows, self.settings, values))

    def _value(self) -> pa.Scalar:
        settings = self.settings
        data_type = type_from_name(settings.type) if settings.type else natural_type(settings.value)
        try:
            return constant(settings.value, data_type)
        except UserError as error:
            raise UserError(f"Column “{settings.name}”: {error.message}", remedy=error.remedy) from None


@dataclass(frozen=True, slots=True)
class AddComputed:
    """What an expression gives for each row, in the type that is wanted. What cannot be made is a bad cell."""

    settings: AddColumnSettings
    expression: Expression

    @property
    def on_bad(self) -> Misfit:
        return self.settings.on_bad

    def output_schema(self, schema: pa.Schema) -> pa.Schema:
        given = self.expression.type_over(schema)
        if pa.types.is_null(given) and not self.settings.type:
            raise UserError("The expression is empty for every row.", remedy="Give the new column a type.")
        self._conversion(given)
        return _schema_with(schema, self.settings, type_from_name(self.settings.type) if self.settings.type else given)

    def lineage(self, schema: pa.Schema) -> Lineage:
        return _lineage(schema, self.settings, self.expression.columns(schema))

    def apply(self, rows: pa.RecordBatch) -> Applied:
        computed = self.expression.over(rows)
        converted = self._conversion(computed.values.type)(computed.values)
        name = self.settings.name
        bad = computed.bad(name, self.on_bad)
        bad += [BadMask(mask, name, computed.values, reason) for mask, reason in converted.bad]
        return Applied(_rows_with(rows, self.settings, converted.values), bad=gathered(bad, self.on_bad))

    def _conversion(self, given: pa.DataType) -> Conversion:
        if not self.settings.type:
            return unchanged
        try:
            return conversion(given, type_from_name(self.settings.type), Manner())
        except UserError as error:
            raise UserError(f"Column “{self.settings.name}”: {error.message}", remedy=error.remedy) from None


def _schema_with(schema: pa.Schema, settings: AddColumnSettings, data_type: pa.DataType) -> pa.Schema:
    field = pa.field(settings.name, data_type)
    replaced = _replaced(schema, settings)
    if replaced is not None:
        return schema.set(replaced, field)
    return schema.insert(place_of(schema, settings.position), field)


def _rows_with(rows: pa.RecordBatch, settings: AddColumnSettings, values: pa.Array) -> pa.RecordBatch:
    columns = rows.columns
    replaced = _replaced(rows.schema, settings)
    if replaced is not None:
        columns[replaced] = values
    else:
        columns.insert(place_of(rows.schema, settings.position), values)
    return pa.RecordBatch.from_arrays(columns, schema=_schema_with(rows.schema, settings, values.type))


def _replaced(schema: pa.Schema, settings: AddColumnSettings) -> int | None:
    """The index of the column whose place the new one takes. Raises UserError for one that must stay."""
    if settings.name not in schema.names:
        return None
    if not settings.replace:
        raise UserError(
            f"There is a column “{settings.name}” already.", remedy="Choose another name, or let the new column replace it."
        )
    return index_of(schema, settings.name)


def _lineage(schema: pa.Schema, settings: AddColumnSettings, inputs: list[str]) -> Lineage:
    others = [name for name in schema.names if name != settings.name]
    return Lineage({**{name: (name,) for name in others}, settings.name: tuple(inputs)}, frozenset(others))
