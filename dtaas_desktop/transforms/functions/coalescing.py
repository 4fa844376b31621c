"""The first value that is there, of several columns and a constant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from dtaas_desktop.domain.apply_settings import Coalesce
from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.type_names import name_of_type
from dtaas_desktop.transforms.constants import constant
from dtaas_desktop.transforms.decimal_widths import narrowed, wide_type, widened
from dtaas_desktop.transforms.functions.prepared import unsupported
from dtaas_desktop.transforms.texts import decoded, decoded_type


@dataclass(frozen=True, slots=True)
class Coalescing:
    """`default` is null where there is none; then the result is null where all columns are."""

    type: pa.DataType
    default: pa.Scalar

    def of(self, columns: Sequence[pa.Array]) -> pa.Array:
        plain = [widened(decoded(column)) for column in columns]
        if self.default.is_valid:
            return narrowed(pc.coalesce(*plain, self.default), self.type)
        return narrowed(pc.coalesce(*plain), self.type)


def coalescing(settings: Coalesce, data_type: pa.DataType, others: Mapping[str, pa.DataType]) -> Coalescing:
    """Raises UserError for a column of another type, or a constant that the type cannot hold."""
    plain = decoded_type(data_type)
    for name, other in others.items():
        if decoded_type(other) != plain:
            raise UserError(
                f"The other column “{name}” is {name_of_type(other)}, not {name_of_type(plain)}.",
                remedy="Cast one of the two first.",
            )
    default = constant(settings.default, wide_type(plain))
    try:
        pc.coalesce(pa.nulls(0, wide_type(plain)))
    except pa.ArrowNotImplementedError:
        raise unsupported("coalesce", plain, "columns of plain values") from None
    return Coalescing(plain, default)
