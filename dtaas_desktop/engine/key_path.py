"""The way of a row's key to its target where nothing but the key is known: a row that is gone, or that does not reach the target."""

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from dtaas_desktop.engine.chain import Chain


@dataclass(frozen=True, slots=True)
class KeyPath:
    """Follows the source key through the steps that keep it distinct; all other columns are left aside."""

    chain: Chain
    source: pa.Schema
    target: pa.Schema

    def names(self) -> tuple[str, ...]:
        """The key's columns under their names at the target; empty if there is no key, or one of them does not arrive distinct."""
        names = list(self.chain.key)
        schema = self.source
        for step in self.chain.steps:
            lineage = step.transform.lineage(schema)
            images = {inputs[0]: output for output, inputs in lineage.inputs.items() if output in lineage.distinct}
            if any(name not in images for name in names):
                return ()
            names = [images[name] for name in names]
            schema = step.transform.output_schema(schema)
        return tuple(names)

    def rows(self, rows: pa.RecordBatch) -> tuple[pa.RecordBatch, pa.Array]:
        """The rows' keys in the target's columns, all others null, and which rows they are (indexes).

        A key that a step cannot convert never reached the target, so its row is left out.
        """
        names = list(self.chain.key)
        keys = {name: rows.column(name) for name in names}
        kept = pa.array(range(rows.num_rows), pa.int64())
        schema = self.source
        for step in self.chain.steps:
            lineage = step.transform.lineage(schema)
            following = step.transform.output_schema(schema)
            images = {inputs[0]: output for output, inputs in lineage.inputs.items() if output in lineage.distinct}
            if any(following.field(images[name]).type != schema.field(name).type for name in names):
                applied = step.transform.apply(_alone(keys, schema, len(kept)))
                keys = {images[name]: applied.rows.column(images[name]) for name in names}
                if applied.bad is not None and applied.bad.num_rows:
                    good = pc.invert(pc.is_in(pa.array(range(len(kept)), pa.int64()), value_set=applied.bad.column("row")))
                    keys, kept = {name: column.filter(good) for name, column in keys.items()}, kept.filter(good)
            else:
                keys = {images[name]: keys[name] for name in names}
            names = [images[name] for name in names]
            schema = following
        return _alone(keys, self.target, len(kept)), kept


def _alone(keys: dict[str, pa.Array], schema: pa.Schema, count: int) -> pa.RecordBatch:
    """The key's columns among all columns of the schema, the others null."""
    columns = [keys[field.name].cast(field.type) if field.name in keys else pa.nulls(count, field.type) for field in schema]
    return pa.RecordBatch.from_arrays(columns, schema=pa.schema([field.with_nullable(True) for field in schema]))
