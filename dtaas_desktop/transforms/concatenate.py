"""One text out of several columns."""

from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.ports import Applied, Lineage
from dtaas_desktop.domain.table import Misfit
from dtaas_desktop.domain.transform_settings import ConcatenateSettings
from dtaas_desktop.domain.type_names import name_of_type
from dtaas_desktop.transforms.column_names import index_of, place_of
from dtaas_desktop.transforms.converted import nulled
from dtaas_desktop.transforms.new_columns import Layout, layout
from dtaas_desktop.transforms.texts import TEXT, has_text, plain_text


@dataclass(frozen=True, slots=True)
class Concatenate:
    """Joins the texts of several columns into a new one."""

    settings: ConcatenateSettings
    on_bad: ClassVar[Misfit] = "fail"

    def output_schema(self, schema: pa.Schema) -> pa.Schema:
        for name in self.settings.columns:
            data_type = schema.field(index_of(schema, name)).type
            if not has_text(data_type):
                raise UserError(
                    f"Column “{name}” is {name_of_type(data_type)}, which has no text.",
                    remedy="Leave it out, or cast it to text first.",
                )
        return self._layout(schema).schema(schema, [self._field])

    def lineage(self, schema: pa.Schema) -> Lineage:
        inputs = tuple(dict.fromkeys(self.settings.columns))
        return self._layout(schema).lineage(schema, {self.settings.name: inputs})

    def apply(self, rows: pa.RecordBatch) -> Applied:
        texts = [plain_text(rows.column(index_of(rows.schema, name))) for name in self.settings.columns]
        joined = self._skipping(texts) if self.settings.empties == "skip" else self._filling(texts)
        if self.settings.prefix or self.settings.suffix:
            joined = _joined(pa.scalar(self.settings.prefix, TEXT), joined, pa.scalar(self.settings.suffix, TEXT), separator="")
        return Applied(self._layout(rows.schema).rows(rows, [self._field], [joined]))

    @property
    def _field(self) -> pa.Field:
        return pa.field(self.settings.name, TEXT, nullable=self.settings.empties == "skip")

    def _layout(self, schema: pa.Schema) -> Layout:
        place = place_of(schema, self.settings.position)
        dropped = frozenset() if self.settings.keep_inputs else frozenset(self.settings.columns)
        return layout(schema, [(self.settings.name, place)], replace=self.settings.replace, dropped=dropped)

    def _skipping(self, texts: list[pa.Array]) -> pa.Array:
        texts = [nulled(text, empty) if empty.true_count else text for text in texts for empty in [pc.equal(text, "")]]
        all_empty = pc.is_null(texts[0])
        for text in texts[1:]:
            all_empty = pc.and_(all_empty, pc.is_null(text))
        if not all_empty.true_count:
            return _joined(*texts, separator=self.settings.separator, null_handling="skip")
        # Arrow 26 gives no element at all for a row of nulls only.
        filled = pc.if_else(all_empty, pa.scalar("", TEXT), texts[0])
        joined = _joined(filled, *texts[1:], separator=self.settings.separator, null_handling="skip")
        return nulled(joined, all_empty)

    def _filling(self, texts: list[pa.Array]) -> pa.Array:
        filling = pa.scalar(self.settings.empty_text, TEXT)
        filled = [pc.fill_null(text, filling) for text in texts]
        if self.settings.empty_text:
            filled = [pc.if_else(pc.equal(text, ""), filling, text) for text in filled]
        return _joined(*filled, separator=self.settings.separator)


def _joined(*texts: pa.Array | pa.Scalar, separator: str, null_handling: str = "emit_null") -> pa.Array:
    return pc.binary_join_element_wise(*texts, pa.scalar(separator, TEXT), null_handling=null_handling)
