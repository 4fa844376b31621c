"""Rows in the shape that their target already has: the last step of a route whose table has got another one."""

from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa

from dtaas_desktop.domain.ports import Applied, Lineage
from dtaas_desktop.domain.table import Misfit
from dtaas_desktop.transforms.bad_cells import BadMask, gathered
from dtaas_desktop.transforms.conversions import Manner, conversion


@dataclass(frozen=True, slots=True)
class Conform:
    """Columns by name in the order of `schema`, in its types; those the rows lack are empty, others are left out.

    A value that does not fit the target's type fails the table.
    """

    schema: pa.Schema
    on_bad: ClassVar[Misfit] = "fail"

    def output_schema(self, schema: pa.Schema) -> pa.Schema:
        """Raises UserError for a type that cannot become the target's."""
        for field in self.schema:
            if field.name in schema.names and schema.field(field.name).type != field.type:
                conversion(schema.field(field.name).type, field.type, Manner())
        return self.schema

    def lineage(self, schema: pa.Schema) -> Lineage:
        known = [field.name for field in self.schema if field.name in schema.names]
        return Lineage({name: (name,) if name in known else () for name in self.schema.names}, frozenset(known))

    def apply(self, rows: pa.RecordBatch) -> Applied:
        columns, bad = [], []
        for field in self.schema:
            if field.name not in rows.schema.names:
                columns.append(pa.nulls(rows.num_rows, field.type))
                continue
            values = rows.column(field.name)
            if values.type != field.type:
                converted = conversion(values.type, field.type, Manner())(values)
                bad += [BadMask(mask, field.name, values, reason) for mask, reason in converted.bad]
                values = converted.values
            columns.append(values)
        return Applied(pa.RecordBatch.from_arrays(columns, schema=self.schema), bad=gathered(bad, self.on_bad))
