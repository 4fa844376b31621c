"""The transformations of one table run, in order, with the user's policy for cells that cannot be made."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel

from dtaas_desktop.domain.errors import MissingColumn, UserError
from dtaas_desktop.domain.ports import Applied, Lineage, Transform
from dtaas_desktop.domain.rejects import key_json, plain_rows, rejected_rows
from dtaas_desktop.domain.table import Counts


@dataclass(frozen=True, slots=True)
class Step:
    """One transformation and the name of its node, for messages."""

    node: str
    transform: Transform


@dataclass(frozen=True, slots=True)
class Passed:
    """What became of one source batch: its rows' images and their rows in the source (None: the same ones), and the rows refused."""

    batch: pa.RecordBatch
    rejected: pa.RecordBatch | None
    counts: Counts
    origin: pa.Array | None
    refused: pa.Array


@dataclass(frozen=True, slots=True)
class Chain:
    """Steps applied to the batches of one table. `key` names the source columns that identify a row in messages."""

    table: str
    key: tuple[str, ...]
    steps: tuple[Step, ...]

    @property
    def may_reject(self) -> bool:
        return any(step.transform.on_bad == "reject" for step in self.steps)

    def output_schema(self, schema: pa.Schema) -> pa.Schema:
        """The schema after the last step. Raises UserError naming the step that cannot work."""
        for step in self.steps:
            schema = _step_schema(step, schema)
        return schema

    def unused(self, schema: pa.Schema) -> frozenset[str]:
        """Source columns that are dropped on the way without any step having looked at them: they need not be read."""
        carried = {name: name for name in schema.names}
        unused: set[str] = set()
        for step in self.steps:
            lineage = step.transform.lineage(schema)
            schema = step.transform.output_schema(schema)
            users: dict[str, list[str]] = {}
            for output, inputs in lineage.inputs.items():
                for name in inputs:
                    users.setdefault(name, []).append(output)
            following: dict[str, str] = {}
            for original, name in carried.items():
                used_by = users.get(name, [])
                if name in lineage.deciders or len(used_by) > 1 or any(output not in lineage.distinct for output in used_by):
                    continue
                if used_by:
                    following[original] = used_by[0]
                else:
                    unused.add(original)
            carried = following
        return frozenset(unused)

    def looked_at(self, schema: pa.Schema) -> frozenset[str]:
        """Source columns whose values decide which rows stay, or go into something that a step computes."""
        carried = {name: name for name in schema.names}  # column here → source column that it is an image of
        seen: set[str] = set()
        for step in self.steps:
            lineage = step.transform.lineage(schema)
            computed = {name for output, inputs in lineage.inputs.items() if output not in lineage.distinct for name in inputs}
            seen |= {carried[name] for name in computed | lineage.deciders if name in carried}
            carried = carried_on(carried, lineage)
            schema = step.transform.output_schema(schema)
        return frozenset(seen)

    def apply(self, source: pa.RecordBatch, *, lenient: bool = False) -> Passed:
        """One batch through all steps. Raises UserError at the first bad cell of a step whose policy is to fail.

        `lenient`: such rows are refused instead.
        """
        current = source
        origin: pa.Array | None = None  # for each row of `current`, its row in `source`; None: the same
        rejected: list[pa.RecordBatch] = []
        refusals: list[pa.Array] = []
        nulled = 0
        for step in self.steps:
            applied = step.transform.apply(current)
            current_origin = origin
            origin = _compose(origin, applied.kept)
            current = applied.rows
            if applied.bad is None or applied.bad.num_rows == 0:
                continue
            if step.transform.on_bad == "null":
                nulled += applied.bad.num_rows
                continue
            if step.transform.on_bad == "fail" and not lenient:
                raise self._bad_cell(step, source, current_origin, applied.bad)
            refused, good = _split_rejected(applied)
            rejected.append(self._rejects(step, source, current_origin, applied.bad, refused))
            refusals.append(refused if current_origin is None else current_origin.take(refused))
            current = current.filter(good)
            origin = origin.filter(good) if origin is not None else pc.indices_nonzero(good).cast(pa.int64())
        refused_rows = sum(batch.num_rows for batch in rejected)
        counts = Counts(
            read=source.num_rows,
            filtered=source.num_rows - refused_rows - current.num_rows,
            rejected=refused_rows,
            written=current.num_rows,
            nulled=nulled,
        )
        return Passed(current, _joined(rejected), counts, origin, pa.concat_arrays([pa.nulls(0, pa.int64()), *refusals]))

    def _bad_cell(self, step: Step, source: pa.RecordBatch, origin: pa.Array | None, bad: pa.RecordBatch) -> UserError:
        cell = bad.slice(0, 1).to_pylist()[0]
        row = plain_rows(source.slice(_source_row(origin, cell["row"]), 1))[0]
        key = key_json(row, self.key)
        where = f"the row with key {key}" if key else "a row of this table without a key"
        return UserError(
            f"Table {self.table}, step “{step.node}”, column “{cell['column']}”: {cell['reason']} ({cell['value']}), in {where}.",
            remedy="Correct the value at the source, or let this step write empty cells or reject such rows.",
        )

    def _rejects(
        self, step: Step, source: pa.RecordBatch, origin: pa.Array | None, bad: pa.RecordBatch, refused: pa.Array
    ) -> pa.RecordBatch:
        # One row may have several bad cells: it is rejected once, for the first of them.
        first = pc.index_in(refused, bad.column("row"))
        cells = bad.take(first).to_pylist()
        rows = refused if origin is None else origin.take(refused)
        return rejected_rows(
            source,
            rows,
            key=self.key,
            node=step.node,
            columns=[cell["column"] for cell in cells],
            reasons=[f"{cell['reason']}: {cell['value']}" for cell in cells],
        )


def carried_on(origin: Mapping[str, str], lineage: Lineage) -> dict[str, str]:
    """Which column before all steps each column is an image of, after one step more; computed columns are left out."""
    return {output: origin[lineage.inputs[output][0]] for output in lineage.distinct if lineage.inputs[output][0] in origin}


def build_chain(
    nodes: Sequence[tuple[str, str, BaseModel]],
    schema: pa.Schema,
    *,
    table: str,
    key: tuple[str, ...],
    build: Callable[[str, BaseModel], Transform],
    skips: Callable[[BaseModel, MissingColumn], bool],
) -> Chain:
    """The chain for one table from (node name, kind, settings); steps whose column is missing and that may skip are left out."""
    steps: list[Step] = []
    for name, kind, settings in nodes:
        step = Step(name, build(kind, settings))
        try:
            schema = step.transform.output_schema(schema)
        except MissingColumn as error:
            if skips(settings, error):
                continue
            raise UserError(f"Table {table}, step “{name}”: {error.message}", remedy=error.remedy) from None
        except UserError as error:
            raise UserError(f"Table {table}, step “{name}”: {error.message}", remedy=error.remedy) from None
        steps.append(step)
    return Chain(table, key, tuple(steps))


def _step_schema(step: Step, schema: pa.Schema) -> pa.Schema:
    try:
        return step.transform.output_schema(schema)
    except UserError as error:
        raise UserError(f"Step “{step.node}”: {error.message}", remedy=error.remedy) from None


def _compose(origin: pa.Array | None, kept: pa.Array | None) -> pa.Array | None:
    if kept is None:
        return origin
    return kept if origin is None else origin.take(kept)


def _source_row(origin: pa.Array | None, row: int) -> int:
    return row if origin is None else int(origin[row].as_py())


def _split_rejected(applied: Applied) -> tuple[pa.Array, pa.Array]:
    """The input rows to reject (distinct, in order), and which of the output rows stay."""
    assert applied.bad is not None
    refused = pc.unique(applied.bad.column("row"))
    rows = applied.kept if applied.kept is not None else pa.array(range(applied.rows.num_rows), pa.int64())
    return refused, pc.invert(pc.is_in(rows, value_set=refused))


def _joined(batches: list[pa.RecordBatch]) -> pa.RecordBatch | None:
    if not batches:
        return None
    return pa.Table.from_batches(batches).combine_chunks().to_batches()[0] if len(batches) > 1 else batches[0]
