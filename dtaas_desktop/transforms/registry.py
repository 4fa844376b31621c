"""The table of transformations: which class does the work of which kind of node.

Their modules, and DuckDB with them, are imported when a task first has one: most runs have few of them, and wait for all.
"""

from collections.abc import Callable

from pydantic import BaseModel

from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.ports import Transform
from dtaas_desktop.domain.transform_settings import (
    AddColumnSettings,
    ApplySettings,
    CastSettings,
    ConcatenateSettings,
    DropSettings,
    FilterSettings,
    RenameSettings,
    ReplaceSettings,
    SelectSettings,
    SplitSettings,
)


def build(kind: str, settings: BaseModel, *, secret: Callable[[str], str]) -> Transform:
    """The transformation of this kind with these settings; `secret` gives what a reference stands for.

    What it gives is picklable. Raises UserError for settings that cannot work with any table.
    """
    match settings:
        case SelectSettings() | DropSettings() | RenameSettings():
            return _of_names(settings)
        case FilterSettings() | AddColumnSettings():
            return _of_rows(settings)
        case CastSettings():
            from dtaas_desktop.transforms.cast import Cast

            return Cast(settings)
        case ReplaceSettings():
            from dtaas_desktop.transforms.replace import Replace

            return Replace(settings)
        case ConcatenateSettings():
            from dtaas_desktop.transforms.concatenate import Concatenate

            return Concatenate(settings)
        case SplitSettings():
            from dtaas_desktop.transforms.split import Split

            return Split(settings)
        case ApplySettings():
            from dtaas_desktop.transforms.apply import applying

            return applying(settings, secret)
    raise UserError(
        f"“{kind}” is not a transformation that this version knows.", remedy="Update the application, or remove the node."
    )


def _of_names(settings: SelectSettings | DropSettings | RenameSettings) -> Transform:
    from dtaas_desktop.transforms.columns import Drop, Rename, Select

    match settings:
        case SelectSettings():
            return Select(settings)
        case DropSettings():
            return Drop(settings)
        case RenameSettings():
            return Rename(settings)


def _of_rows(settings: FilterSettings | AddColumnSettings) -> Transform:
    """Those that may hold an expression."""
    from dtaas_desktop.transforms.add_column import AddComputed, AddConstant
    from dtaas_desktop.transforms.expression import Expression
    from dtaas_desktop.transforms.rows import ExpressionFilter, Filter

    expression = Expression(settings.expression) if settings.expression else None
    match settings:
        case FilterSettings():
            return Filter(settings) if expression is None else ExpressionFilter(settings, expression)
        case AddColumnSettings():
            return AddConstant(settings) if expression is None else AddComputed(settings, expression)
