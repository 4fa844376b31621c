"""A table as the engine plans with it: columns under their Arrow types, keys, sizes, and what the user should know before it runs."""

from collections.abc import Sequence

from dtaas_desktop.connectors.sqlserver.fidelity import fidelity
from dtaas_desktop.connectors.sqlserver.relations import Relation, StoredColumn
from dtaas_desktop.connectors.sqlserver.types import Reading, readings
from dtaas_desktop.domain.fidelity import Fidelity, losses
from dtaas_desktop.domain.sqlserver_settings import SqlServerSettings
from dtaas_desktop.domain.table import Column, TableDescription


def description(relation: Relation, settings: SqlServerSettings, *, collation: str) -> TableDescription:
    """`collation` is the database's own; columns with another one say so."""
    columns: list[Column] = []
    truths: list[Fidelity] = []
    for stored, read in zip(relation.columns, readings(relation.columns, settings), strict=True):
        declared = stored.declared
        truths.append(fidelity(stored, declared, read))
        columns += [_column(reading, stored, declared if reading is read[0] else "", collation) for reading in read]
    key = relation.key
    clustered = relation.clustered
    return TableDescription(
        relation.ref,
        tuple(columns),
        key,
        relation.kind,
        rows_estimate=relation.rows,
        bytes_estimate=relation.bytes,
        notes=_notes(relation, truths),
        clustered=clustered.columns if clustered else (),
        unique=tuple(index.columns for index in relation.indexes if index.unique and index.columns != key),
        traits=(*relation.traits, *(("heap",) if relation.heap else ())),
        capture=_capture(relation),
        fidelity=tuple(truths),
    )


def _column(reading: Reading, stored: StoredColumn, declared: str, collation: str) -> Column:
    traits = [
        word
        for word, has in (
            ("identity", stored.identity),
            ("computed", stored.computed),
            ("masked", stored.masked),
            ("encrypted", stored.encrypted),
            (f"collation {stored.collation}", stored.collation and stored.collation != collation),
        )
        if has
    ]
    return Column(
        reading.name,
        reading.type,
        nullable=reading.nullable,
        declared=declared,
        prefilled=stored.computed or stored.has_default,
        traits=tuple(traits),
    )


def _notes(relation: Relation, truths: Sequence[Fidelity]) -> tuple[str, ...]:
    """One sentence for each kind of loss, and on how the table has to be read."""
    notes = list(losses(truths))
    if relation.kind == "table" and relation.heap and (relation.rows or 0) > 0 and not relation.key:
        notes.append("It has no key: it is read as one part, and from the beginning after an interruption.")
    return tuple(notes)


def _capture(relation: Relation) -> str:
    if relation.kind != "table":
        return ""
    on = [
        name
        for name, has in (("Change data capture", relation.change_data_capture), ("Change Tracking", relation.change_tracking))
        if has
    ]
    return (
        f"{' and '.join(on)} {'are' if len(on) > 1 else 'is'} switched on at the server."
        if on
        else "Its changes are not captured."
    )
