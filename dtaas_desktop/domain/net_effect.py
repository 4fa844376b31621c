"""What many changes come to: for each key whether a row is there afterwards, and which values it has.

Within one transaction the order of changes says nothing about existence: a set-based swap of keys is logged as deletes and inserts
in any order. The sum of the signs does: +1 the key is there now, −1 it is gone, 0 as before. Across transactions the last sum that is
not 0 decides. The values are those of the image with sign +1 and the greatest position, column by column the last one that holds it
(changes.SAME).

Keys are compared as the databases do it that group by them: null equals null, NaN equals NaN, −0.0 equals 0.0, texts by their bytes.
All of it is done by whole columns; a table of n images takes memory for them, once more for the outcome, and about 100 bytes each.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from dtaas_desktop.domain.changes import LETTERED, SAME, SIGNED

_MOST = 127  # of the sign of an image that stands for several


@dataclass(frozen=True, slots=True)
class _Effects:
    """One entry for each group of images: indexes of rows (int64), null where there is no such row.

    `net`: +1, −1 or 0 by the last transaction that was not 0; `sum`: of all signs. `value`: the row with the values; `kept`: for each
    column that has marks the row that holds its value. `last`: the last row of all.
    """

    net: pa.Array
    sum: pa.Array
    value: pa.Array
    last: pa.Array
    kept: dict[str, pa.Array]


def net_effect(images: pa.Table, key: Sequence[str]) -> pa.Table:
    """One row for each key of the signed images: LETTERED columns, the marks (if the images have any), the target's columns.

    I: there now, U: changed where it is there, D: gone (holds the key only). A mark is true where no image holds the column's value:
    the one at the destination stays, and there is none where the row was not. Position and commit time are those of the key's
    last image.
    """
    images = _in_order(images)
    effects = _effects(images, _numbers([images[name] for name in key]))
    there = pc.is_valid(effects.value)
    gone = pc.less(effects.net, 0)
    letters = pc.if_else(gone, "D", pc.if_else(pc.equal(effects.net, 0), "U", "I"))
    value = pc.if_else(gone, pa.scalar(None, pa.int64()), effects.value)
    columns: dict[str, pa.Array | pa.ChunkedArray] = {
        "__op": letters,
        "__position": images["__position"].take(effects.last),
        "__committed_at": images["__committed_at"].take(effects.last),
    }
    for name, kept in effects.kept.items():
        columns[SAME + name] = pc.and_(pc.and_(there, pc.invert(gone)), pc.is_null(kept))
    for name in _values(images.schema):
        if name in key:
            columns[name] = images[name].take(effects.last)
        else:
            kept = effects.kept.get(name, value)
            columns[name] = images[name].take(pc.if_else(gone, pa.scalar(None, pa.int64()), kept))
    return pa.table(columns, schema=net_schema(images.schema))


def net_schema(images: pa.Schema) -> pa.Schema:
    """The schema of `net_effect` of such images."""
    return pa.schema([*LETTERED, *(images.field(index) for index in range(len(SIGNED), len(images)))])


def reduced(images: pa.Table, key: Sequence[str]) -> pa.Table:
    """Fewer images that come to the same, whatever images follow: at most four for each key, however many there were.

    Images must be given transaction by transaction: of those that follow, some may belong to the last transaction here, so that one
    is summed up apart. Signs may be greater than one afterwards, or 0.
    """
    images = _in_order(images)
    latest = images["__transaction"][-1] if images.num_rows else pa.scalar("")
    unfinished = pc.equal(images["__transaction"], latest)
    effects = _effects(images, _numbers([*(images[name] for name in key), unfinished]))
    there = pc.is_valid(effects.value)
    # A transaction that goes on may stand at any sum: a swap under way has given a key to two rows.
    total = pc.if_else(unfinished.take(effects.last), effects.sum, effects.net)
    sign = pc.if_else(there, pc.max_element_wise(total, 1), 0)  # whatever is left over must not look like a row with values
    rest = pc.subtract(total, sign)
    needed = pc.or_kleene(pc.not_equal(rest, 0), pc.or_kleene(pc.invert(there), pc.not_equal(effects.value, effects.last)))
    transaction = images["__transaction"].take(effects.last)
    values = _summed(images, effects, transaction, sign).filter(there)
    rests = _rests(images, key, effects.last, transaction, rest).filter(needed)
    return _in_order(pa.concat_tables([values, rests]))


def comparable(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column with one form for all values that are equal as keys."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_null(column.type):
        return column.cast(pa.string())
    if not pa.types.is_floating(column.type):
        return column
    column = pc.add(column.cast(pa.float64()), 0.0)  # −0.0 becomes 0.0
    return pc.if_else(pc.is_nan(column), pa.scalar(float("nan")), column)


def _numbers(columns: Sequence[pa.ChunkedArray]) -> pa.Array:
    """For each row the number of its group: equal exactly where all columns are; 0, 1, 2, … by first appearance."""
    numbers: pa.Array | None = None
    for column in columns:
        codes = comparable(column).combine_chunks().dictionary_encode(null_encoding="encode")
        indices = codes.indices.cast(pa.int64())
        if numbers is None:
            numbers = indices
            continue
        pairs = pc.add(pc.multiply(numbers, len(codes.dictionary)), indices)
        numbers = pairs.dictionary_encode().indices.cast(pa.int64())
    if numbers is None:
        raise ValueError("a net effect needs a key")
    return numbers


def _in_order(images: pa.Table) -> pa.Table:
    """The images by position; they usually are already."""
    positions = images["__position"]
    if images.num_rows < 2 or pc.all(pc.greater_equal(positions[1:], positions[:-1])).as_py():
        return images
    return images.take(pc.sort_indices(images, sort_keys=[("__position", "ascending"), ("__sign", "ascending")]))


def _effects(images: pa.Table, groups: pa.Array) -> _Effects:
    """`groups` are numbers by first appearance: so come what is aggregated by them, and rows of one group in their order."""
    rows = pc.cumulative_sum(pa.repeat(pa.scalar(1, pa.int64()), images.num_rows), start=-1)
    signs = images["__sign"].combine_chunks()
    after = pc.greater(signs, 0)
    nothing = pa.scalar(None, pa.int64())
    marked = [name.removeprefix(SAME) for name in images.schema.names if name.startswith(SAME)]
    table = pa.table(
        {
            "group": groups,
            "transaction": images["__transaction"].combine_chunks().dictionary_encode().indices,
            "sign": signs.cast(pa.int64()),
            "last": rows,
            "value": pc.if_else(after, rows, nothing),
            **{
                f"kept {index}": pc.if_else(pc.and_not(after, images[SAME + name].combine_chunks()), rows, nothing)
                for index, name in enumerate(marked)
            },
        }
    )
    greatest = ["last", "value", *(f"kept {index}" for index in range(len(marked)))]
    sums = table.group_by(["group", "transaction"], use_threads=False).aggregate(
        [("sign", "sum"), *((name, "max") for name in greatest)]
    )
    # The last row of a transaction and the sign of its sum in one number: the greatest of them tells the last sum.
    told = pc.add(pc.multiply(sums["last_max"], 2), pc.greater(sums["sign_sum"], 0).cast(pa.int64()))
    told = pc.if_else(pc.equal(sums["sign_sum"], 0), nothing, told)
    totals = (
        pa.table(
            {"group": sums["group"], "told": told, "sum": sums["sign_sum"], **{name: sums[f"{name}_max"] for name in greatest}}
        )
        .group_by("group", use_threads=False)
        .aggregate([("sum", "sum"), *((name, "max") for name in ("told", *greatest))])
    )
    sign = pc.subtract(pc.multiply(pc.bit_wise_and(totals["told_max"], 1), 2), 1)
    return _Effects(
        net=pc.coalesce(sign, pa.scalar(0, pa.int64())),
        sum=totals["sum_sum"],
        value=totals["value_max"],
        last=totals["last_max"],
        kept={name: totals[f"kept {index}_max"] for index, name in enumerate(marked)},
    )


def _summed(images: pa.Table, effects: _Effects, transaction: pa.ChunkedArray, sign: pa.ChunkedArray) -> pa.Table:
    """The images with the values, each column from where it is known."""
    columns = {
        "__sign": pc.min_element_wise(sign, _MOST).cast(pa.int8()),
        "__transaction": transaction,
        "__position": images["__position"].take(effects.value),
        "__committed_at": images["__committed_at"].take(effects.value),
    }
    for name, kept in effects.kept.items():
        columns[SAME + name] = pc.is_null(kept)
    for name in _values(images.schema):
        columns[name] = images[name].take(effects.kept.get(name, effects.value))
    return pa.table(columns, schema=images.schema)


def _rests(
    images: pa.Table, key: Sequence[str], last: pa.ChunkedArray, transaction: pa.ChunkedArray, rest: pa.ChunkedArray
) -> pa.Table:
    """Images of keys alone, with what is missing to the sums."""
    count = len(last)
    columns: dict[str, pa.Array | pa.ChunkedArray] = {
        "__sign": pc.max_element_wise(rest, -_MOST).cast(pa.int8()),
        "__transaction": transaction,
        "__position": images["__position"].take(last),
        "__committed_at": images["__committed_at"].take(last),
    }
    for field in images.schema:
        if field.name.startswith(SAME):
            columns[field.name] = pa.repeat(pa.scalar(False), count)
        elif field.name not in columns:
            columns[field.name] = images[field.name].take(last) if field.name in key else pa.nulls(count, field.type)
    return pa.table(columns, schema=images.schema)


def _values(schema: pa.Schema) -> list[str]:
    """The target's columns."""
    return [name for name in schema.names[len(SIGNED) :] if not name.startswith(SAME)]
