"""Where the new columns of a step go among those that are there."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.ports import Lineage
from dtaas_desktop.transforms.column_names import index_of, refuse_repeated


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns after a step, in order: the index of one that was there, or ~k for the k-th new one."""

    slots: tuple[int, ...]

    def schema(self, schema: pa.Schema, new: Sequence[pa.Field]) -> pa.Schema:
        return pa.schema([new[~slot] if slot < 0 else schema.field(slot) for slot in self.slots], metadata=schema.metadata)

    def rows(self, rows: pa.RecordBatch, new: Sequence[pa.Field], values: Sequence[pa.Array]) -> pa.RecordBatch:
        columns = [values[~slot] if slot < 0 else rows.column(slot) for slot in self.slots]
        return pa.RecordBatch.from_arrays(columns, schema=self.schema(rows.schema, new))

    def lineage(
        self, schema: pa.Schema, new: Mapping[str, tuple[str, ...]], *, deciders: Collection[str] = frozenset()
    ) -> Lineage:
        """`new`: for each new column, in order, the inputs it depends on. The columns that stay are the same values as before."""
        kept = [schema.names[slot] for slot in self.slots if slot >= 0]
        return Lineage({name: (name,) for name in kept} | dict(new), frozenset(kept), frozenset(deciders))


def layout(schema: pa.Schema, new: Sequence[tuple[str, int]], *, replace: bool, dropped: Collection[str] = frozenset()) -> Layout:
    """`new`: names, each with the index in `schema` that it goes before.

    With `replace` a column of the same name gives up its place. The name of a column that is dropped anyway is free.
    Raises UserError if a name is taken or comes twice.
    """
    refuse_repeated([name for name, _ in new])
    replaced: dict[int, int] = {}
    inserted: dict[int, list[int]] = {}
    for number, (name, place) in enumerate(new):
        if name in schema.names and replace:
            replaced[index_of(schema, name)] = number
        elif name in schema.names and name not in dropped:
            raise UserError(f"There is already a column “{name}”.", remedy="Choose another name, or let it be replaced.")
        else:
            inserted.setdefault(place, []).append(number)
    slots: list[int] = []
    for index in range(len(schema) + 1):
        slots += [~number for number in inserted.get(index, ())]
        if index in replaced:
            slots.append(~replaced[index])
        elif index < len(schema) and schema.names[index] not in dropped:
            slots.append(index)
    return Layout(tuple(slots))
