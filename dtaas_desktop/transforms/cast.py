"""Columns that get another type."""

from dataclasses import dataclass

import pyarrow as pa

from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.ports import Applied, Lineage
from dtaas_desktop.domain.table import Misfit
from dtaas_desktop.domain.transform_settings import CastColumn, CastSettings
from dtaas_desktop.domain.type_names import type_from_name
from dtaas_desktop.transforms.bad_cells import BadMask, gathered
from dtaas_desktop.transforms.column_names import chosen, index_of, with_replaced
from dtaas_desktop.transforms.conversions import Manner, conversion
from dtaas_desktop.transforms.converted import Conversion
from dtaas_desktop.transforms.number_texts import NumberFormat


@dataclass(frozen=True, slots=True)
class Cast:
    """Gives columns another type; what does not fit exactly is a bad cell."""

    settings: CastSettings

    @property
    def on_bad(self) -> Misfit:
        return self.settings.on_bad

    def output_schema(self, schema: pa.Schema) -> pa.Schema:
        casts = self._casts(schema)
        for name, cast in casts.items():
            self._conversion(schema, name, cast)
        return _schema_after(schema, casts)

    def lineage(self, schema: pa.Schema) -> Lineage:
        return Lineage({name: (name,) for name in schema.names}, frozenset(schema.names) - self._casts(schema).keys())

    def apply(self, rows: pa.RecordBatch) -> Applied:
        columns = rows.columns
        casts = self._casts(rows.schema)
        bad: list[BadMask] = []
        for name, cast in casts.items():
            index = index_of(rows.schema, name)
            values = columns[index]
            converted = self._conversion(rows.schema, name, cast)(values)
            columns[index] = converted.values
            bad += [BadMask(mask, name, values, reason) for mask, reason in converted.bad]
        changed = pa.RecordBatch.from_arrays(columns, schema=_schema_after(rows.schema, casts))
        return Applied(changed, bad=gathered(bad, self.on_bad))

    def _casts(self, schema: pa.Schema) -> dict[str, CastColumn]:
        entries = [cast.column for cast in self.settings.columns]
        by_entry = dict(zip(entries, self.settings.columns, strict=True))
        if len(by_entry) < len(entries):
            repeated = next(entry for entry in entries if entries.count(entry) > 1)
            raise UserError(f"“{repeated}” is cast twice.", remedy="Remove one of the two.")
        return {name: by_entry[entry] for name, entry in chosen(schema, entries).items()}

    def _conversion(self, schema: pa.Schema, name: str, cast: CastColumn) -> Conversion:
        source = schema.field(index_of(schema, name)).type
        try:
            return conversion(source, type_from_name(cast.type), self._manner(cast))
        except UserError as error:
            raise UserError(f"Column “{name}”: {error.message}", remedy=error.remedy) from None

    def _manner(self, cast: CastColumn) -> Manner:
        return Manner(
            date_format=cast.format,
            number=NumberFormat(cast.decimal_point, cast.thousands, cast.decimals),
            epoch_unit=cast.epoch_unit,
            extra=self.settings.extra_digits,
            empty_text_is_null=self.settings.empty_text == "null",
        )


def _schema_after(schema: pa.Schema, casts: dict[str, CastColumn]) -> pa.Schema:
    # What the metadata of a field says of its old type no longer holds.
    return with_replaced(schema, {name: pa.field(name, type_from_name(cast.type)) for name, cast in casts.items()})
