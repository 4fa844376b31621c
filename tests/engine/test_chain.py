"""Chains: what happens to rows, rejected rows and counts when steps filter, null, reject or fail."""

import json
from dataclasses import dataclass

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.ports import BAD_CELLS, Applied, Lineage
from dtaas_desktop.domain.table import Misfit
from dtaas_desktop.engine.chain import Chain, Step


@dataclass(frozen=True)
class Sieve:
    """Keeps ids that `keeps` divides not, and finds those bad that `spoils` divides; 0 divides nothing."""

    keeps: int
    spoils: int
    on_bad: Misfit

    def output_schema(self, schema: pa.Schema) -> pa.Schema:
        return schema

    def lineage(self, schema: pa.Schema) -> Lineage:
        return Lineage({name: (name,) for name in schema.names}, frozenset(schema.names), frozenset({"id"}))

    def apply(self, rows: pa.RecordBatch) -> Applied:
        ids = rows.column("id").to_pylist()
        kept = [i for i, value in enumerate(ids) if not (self.keeps and value % self.keeps == 0)]
        bad = [i for i, value in enumerate(ids) if self.spoils and value % self.spoils == 0]
        cells = pa.RecordBatch.from_pylist(
            [{"row": i, "column": "id", "value": str(ids[i]), "reason": "is spoilt"} for i in bad], schema=BAD_CELLS
        )
        return Applied(rows.take(pa.array(kept, pa.int64())), pa.array(kept, pa.int64()), cells)


sieves = st.builds(Sieve, st.integers(0, 7), st.integers(0, 7), st.sampled_from(["null", "reject"]))


def chain(*steps: Sieve) -> Chain:
    return Chain("t", ("id",), tuple(Step(f"step {i}", step) for i, step in enumerate(steps)))


@given(st.lists(sieves, max_size=4), st.lists(st.integers(0, 200), unique=True, max_size=60), st.integers(1, 60))
def test_every_row_is_written_filtered_or_rejected_wherever_batches_are_cut(
    steps: list[Sieve], ids: list[int], size: int
) -> None:
    whole = chain(*steps).apply(pa.record_batch({"id": pa.array(ids, pa.int64())}))
    assert whole.counts.balanced
    assert whole.counts.read == len(ids)

    alive, rejected = ids, []
    for step in steps:
        if step.on_bad == "reject":
            rejected += [i for i in alive if step.spoils and i % step.spoils == 0]
            alive = [i for i in alive if not (step.spoils and i % step.spoils == 0)]
        alive = [i for i in alive if not (step.keeps and i % step.keeps == 0)]
    assert whole.batch.column("id").to_pylist() == alive
    assert whole.counts.rejected == len(rejected)
    kept = whole.rejected.to_pylist() if whole.rejected is not None else []
    assert [json.loads(row["row"])["id"] for row in kept] == rejected
    assert [json.loads(row["key"]) for row in kept] == [{"id": i} for i in rejected]

    parts = [
        chain(*steps).apply(pa.record_batch({"id": pa.array(ids[i : i + size], pa.int64())})) for i in range(0, len(ids), size)
    ]
    assert [i for part in parts for i in part.batch.column("id").to_pylist()] == alive
    assert sum(part.counts.nulled for part in parts) == whole.counts.nulled


def test_a_bad_cell_under_fail_names_table_step_column_value_and_the_rows_own_key() -> None:
    steps = chain(Sieve(keeps=2, spoils=0, on_bad="null"), Sieve(keeps=0, spoils=5, on_bad="fail"))
    with pytest.raises(UserError) as failed:
        steps.apply(pa.record_batch({"id": [1, 2, 3, 4, 5, 6]}))
    assert str(failed.value).startswith('Table t, step “step 1”, column “id”: is spoilt (5), in the row with key {"id": 5}.')
