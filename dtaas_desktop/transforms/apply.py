"""A function applied to columns."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pyarrow as pa

from dtaas_desktop.domain.apply_settings import Coalesce, Hmac
from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.ports import Applied, Lineage
from dtaas_desktop.domain.table import Misfit
from dtaas_desktop.domain.transform_settings import ApplySettings
from dtaas_desktop.transforms.bad_cells import BadMask, gathered
from dtaas_desktop.transforms.column_names import chosen, index_of
from dtaas_desktop.transforms.decimal_widths import narrowed, wide_type, widened
from dtaas_desktop.transforms.functions import Coalescing, Prepared, check, coalescing, prepared
from dtaas_desktop.transforms.new_columns import Layout, layout
from dtaas_desktop.transforms.texts import decoded, decoded_type


@dataclass(frozen=True, slots=True)
class Apply:
    """Applies a function to columns, each on its own. `key` is the secret of a keyed hash, and shown nowhere."""

    settings: ApplySettings
    key: bytes = field(default=b"", repr=False)

    def __post_init__(self) -> None:
        check(self.settings.function)

    @property
    def on_bad(self) -> Misfit:
        return self.settings.on_bad

    def output_schema(self, schema: pa.Schema) -> pa.Schema:
        fields = [self._field(schema, column, output) for column, output in self._outputs(schema).items()]
        return self._layout(schema).schema(schema, fields)

    def lineage(self, schema: pa.Schema) -> Lineage:
        inputs = {output: (column, *self._others) for column, output in self._outputs(schema).items()}
        return self._layout(schema).lineage(schema, {name: tuple(dict.fromkeys(used)) for name, used in inputs.items()})

    def apply(self, rows: pa.RecordBatch) -> Applied:
        fields: list[pa.Field] = []
        results: list[pa.Array] = []
        bad: list[BadMask] = []
        for column, output in self._outputs(rows.schema).items():
            fields.append(self._field(rows.schema, column, output))
            values = decoded(rows.column(index_of(rows.schema, column)))
            function = self._function(rows.schema, column)
            if isinstance(function, Coalescing):
                others = [rows.column(index_of(rows.schema, name)) for name in self._others]
                results.append(function.of([values, *others]))
                continue
            converted = function.convert(widened(values))
            results.append(narrowed(converted.values, function.type))
            bad += [BadMask(mask, output, values, reason) for mask, reason in converted.bad]
        return Applied(self._layout(rows.schema).rows(rows, fields, results), bad=gathered(bad, self.on_bad))

    @property
    def _others(self) -> tuple[str, ...]:
        function = self.settings.function
        return function.others if isinstance(function, Coalesce) else ()

    def _outputs(self, schema: pa.Schema) -> dict[str, str]:
        """Input column → result column."""
        pattern = self.settings.output or "{column}"
        return {column: pattern.replace("{column}", column) for column in chosen(schema, self.settings.columns)}

    def _layout(self, schema: pa.Schema) -> Layout:
        new = [(output, index_of(schema, column) + 1) for column, output in self._outputs(schema).items()]
        return layout(schema, new, replace=self.settings.replace or not self.settings.output)

    def _function(self, schema: pa.Schema, column: str) -> Prepared | Coalescing:
        function = self.settings.function
        others = {name: schema.field(index_of(schema, name)).type for name in self._others}
        data_type = decoded_type(schema.field(index_of(schema, column)).type)
        try:
            if isinstance(function, Coalesce):
                return coalescing(function, data_type, others)
            found = prepared(function, wide_type(data_type), key=self.key)
        except UserError as error:
            raise UserError(f"Column “{column}”: {error.message}", remedy=error.remedy) from None
        # What keeps a decimal's type keeps its width too.
        return Prepared(data_type, found.convert, found.may_empty) if found.type == wide_type(data_type) else found

    def _field(self, schema: pa.Schema, column: str, output: str) -> pa.Field:
        function = self._function(schema, column)
        nullable = schema.field(index_of(schema, column)).nullable
        if isinstance(function, Coalescing):
            others = [schema.field(index_of(schema, name)).nullable for name in self._others]
            return pa.field(output, function.type, nullable and all(others) and not function.default.is_valid)
        return pa.field(output, function.type, nullable or function.may_empty)


def applying(settings: ApplySettings, secret: Callable[[str], str]) -> Apply:
    """The step with its key, if its function needs one. Raises UserError if the secret is missing or empty."""
    if not isinstance(settings.function, Hmac):
        return Apply(settings)
    key = secret(settings.function.key)
    if not key:
        raise UserError("The secret key of a keyed hash is empty.", remedy="Set the secret to a long random text.")
    return Apply(settings, key.encode())
