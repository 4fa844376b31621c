"""Finding columns in a schema by the names and patterns of settings, and putting new ones in."""

import re
from collections.abc import Sequence

import pyarrow as pa

from dtaas_desktop.domain.errors import MissingColumn, UserError
from dtaas_desktop.domain.transform_settings import Position


def index_of(schema: pa.Schema, name: str) -> int:
    """The column's index. Raises MissingColumn, or UserError if the name comes twice."""
    indices = schema.get_all_field_indices(name)
    if not indices:
        raise MissingColumn(name, schema.names)
    if len(indices) > 1:
        raise UserError(f"The column name “{name}” comes {len(indices)} times here.", remedy="Rename the columns apart first.")
    return int(indices[0])


def chosen(schema: pa.Schema, names_or_patterns: Sequence[str]) -> dict[str, str]:
    """The columns that are meant → the entry that means them, in the order of the entries.

    A column's exact name wins over patterns; a pattern may match nothing. Raises MissingColumn for a name that is not there.
    """
    found: dict[str, str] = {}
    names = schema.names
    exact = set(names).intersection(names_or_patterns)
    for entry in names_or_patterns:
        if entry in exact:
            index_of(schema, entry)
            found[entry] = entry
        elif is_pattern(entry):
            regex = re.compile("".join({"*": ".*", "?": "."}.get(c, re.escape(c)) for c in entry), re.DOTALL)
            for name in names:
                if name not in exact and name not in found and regex.fullmatch(name):
                    index_of(schema, name)
                    found[name] = entry
        else:
            raise MissingColumn(entry, names)
    return found


def is_pattern(entry: str) -> bool:
    return "*" in entry or "?" in entry


def with_replaced(schema: pa.Schema, fields: dict[str, pa.Field]) -> pa.Schema:
    """The schema with other fields in the places of those named."""
    return pa.schema([fields.get(field.name, field) for field in schema], metadata=schema.metadata)


def place_of(schema: pa.Schema, position: Position) -> int:
    """The index at which a new column goes in. Raises MissingColumn for a neighbour that is not there."""
    if position.at == "last":
        return len(schema)
    if position.at == "first":
        return 0
    return index_of(schema, position.column) + (position.at == "after")


def refuse_repeated(names: Sequence[str]) -> None:
    """Raises UserError if a name comes twice."""
    if len(set(names)) < len(names):
        repeated = next(name for name in names if names.count(name) > 1)
        raise UserError(
            f"The column name “{repeated}” would come twice.",
            remedy="Choose another name, or drop one of the columns first.",
        )
