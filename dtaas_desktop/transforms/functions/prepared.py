"""What a function is for values of one type."""

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa

from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.type_names import name_of_type
from dtaas_desktop.transforms.converted import Conversion, Converted


@dataclass(frozen=True, slots=True)
class Prepared:
    """A function of plain values (dictionaries decoded, decimals of at least 128 bits).

    `type` is the result's type, though narrow decimals may come as wide ones; `may_empty`: whether a value may give null.
    """

    type: pa.DataType
    convert: Conversion
    may_empty: bool


def always(data_type: pa.DataType, kernel: Callable[[pa.Array], pa.Array]) -> Prepared:
    """A function that gives a value for every value."""
    return Prepared(data_type, lambda values: Converted(kernel(values)), may_empty=False)


def is_number(data_type: pa.DataType) -> bool:
    """Whether functions of numbers take it."""
    floating = data_type in (pa.float32(), pa.float64())
    return bool(pa.types.is_integer(data_type) or floating or pa.types.is_decimal(data_type))


def unsupported(function: str, data_type: pa.DataType, takes: str) -> UserError:
    """The function does not take this type; `takes` says in the plural what it does."""
    return UserError(
        f"“{function}” works on {takes}, not on {name_of_type(data_type)}.", remedy="Choose other columns, or cast them first."
    )
