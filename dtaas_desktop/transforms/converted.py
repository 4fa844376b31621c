"""Conversions of one column: what they give, and the small steps they are made of."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

_LONG = 256  # bytes for each value


@dataclass(frozen=True, slots=True)
class Converted:
    """Values of the new type, null where they could not be made; and which those are (masks without nulls), with the reason."""

    values: pa.Array
    bad: tuple[tuple[pa.Array, str], ...] = ()

    def then(self, conversion: "Conversion") -> "Converted":
        """These values converted further."""
        after = conversion(self.values)
        return Converted(after.values, self.bad + after.bad)

    def in_words(self, reasons: Mapping[str, str]) -> "Converted":
        """The same, with other words for some of the reasons."""
        return Converted(self.values, tuple((mask, reasons.get(reason, reason)) for mask, reason in self.bad))

    def take(self, indices: pa.Array) -> "Converted":
        """The values at these indices; null, and not bad, where an index is null."""
        return Converted(
            self.values.take(indices), tuple((pc.fill_null(mask.take(indices), False), reason) for mask, reason in self.bad)
        )


Conversion = Callable[[pa.Array], Converted]


def without(values: pa.Array, *checks: tuple[pa.Array, str]) -> Converted:
    """The values with null wherever a check (a mask; null means false, and the reason) finds them bad; the first check counts."""
    found: list[tuple[pa.Array, str]] = []
    for mask, reason in checks:
        if not mask.true_count:
            continue
        if mask.null_count:
            mask = pc.fill_null(mask, False)
        for earlier, _ in found:
            mask = pc.and_not(mask, earlier)
        if mask.true_count:
            values = nulled(values, mask)
            found.append((mask, reason))
    return Converted(values, tuple(found))


def nulled(values: pa.Array, mask: pa.Array) -> pa.Array:
    """The values with null where the mask is true."""
    # Arrow widens narrow decimals here.
    cleared = pc.if_else(mask, pa.scalar(None, values.type), values)
    return cleared if cleared.type == values.type else cleared.cast(values.type)


def simple_cast(target: pa.DataType) -> Conversion:
    """Arrow's own cast, for pairs of types where it can neither fail nor lose anything."""
    return lambda values: Converted(values.cast(target))


def unchanged(values: pa.Array) -> Converted:
    return Converted(values)


def in_two_ways(values: pa.Array, simple: pa.Array, *, fast: Conversion, slow: Conversion) -> Converted:
    """`fast` for the values that are `simple` (a mask, null where they are), `slow` for the others; they must agree on types.

    Both may be given nulls.
    """
    there = len(values) - values.null_count
    if simple.true_count == there:
        return fast(values)
    if not simple.true_count:
        return slow(values)
    others = pc.fill_null(pc.invert(simple), False)
    most, rest = fast(nulled(values, others)), slow(values.filter(others))
    nowhere = pa.repeat(pa.scalar(False), len(values))
    bad = tuple((pc.replace_with_mask(nowhere, others, mask), reason) for mask, reason in rest.bad)
    return Converted(pc.replace_with_mask(most.values, others, rest.values), most.bad + bad)


def converted_over_unique(conversion: Conversion, values: pa.Array) -> Converted:
    """The conversion of each value, called with every distinct one once where that pays; it must not depend on other values."""
    encoded = _worth_encoding(values)
    return conversion(values) if encoded is None else conversion(encoded.dictionary).take(encoded.indices)


def over_unique(function: Callable[[pa.Array], pa.Array], values: pa.Array) -> pa.Array:
    """`function` of each value, called with every distinct one once where that pays; it must not depend on other values."""
    encoded = _worth_encoding(values)
    return function(values) if encoded is None else function(encoded.dictionary).take(encoded.indices)


def _worth_encoding(values: pa.Array) -> pa.DictionaryArray | None:
    if pa.types.is_decimal32(values.type) or pa.types.is_decimal64(values.type):
        return None  # Arrow has no such kernel
    if values.nbytes > _LONG * len(values):
        return None  # to compare long texts costs more than it saves
    encoded = values.dictionary_encode()
    return None if 2 * len(encoded.dictionary) > len(values) else encoded


def chunkless(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    """One array; kernels on texts may give several chunks."""
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
