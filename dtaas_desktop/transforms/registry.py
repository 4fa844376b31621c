"""The table of transformations: which class does the work of which kind of node."""

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
from dtaas_desktop.transforms.add_column import AddComputed, AddConstant
from dtaas_desktop.transforms.apply import applying
from dtaas_desktop.transforms.cast import Cast
from dtaas_desktop.transforms.columns import Drop, Rename, Select
from dtaas_desktop.transforms.concatenate import Concatenate
from dtaas_desktop.transforms.expression import Expression
from dtaas_desktop.transforms.replace import Replace
from dtaas_desktop.transforms.rows import ExpressionFilter, Filter
from dtaas_desktop.transforms.split import Split


def build(kind: str, settings: BaseModel, *, secret: Callable[[str], str]) -> Transform:
    """The transformation of this kind with these settings; `secret` gives what a reference stands for.

    What it gives is picklable. Raises UserError for settings that cannot work with any table.
    """
    match settings:
        case SelectSettings():
            return Select(settings)
        case DropSettings():
            return Drop(settings)
        case RenameSettings():
            return Rename(settings)
        case CastSettings():
            return Cast(settings)
        case FilterSettings():
            return ExpressionFilter(settings, Expression(settings.expression)) if settings.expression else Filter(settings)
        case AddColumnSettings():
            return AddComputed(settings, Expression(settings.expression)) if settings.expression else AddConstant(settings)
        case ReplaceSettings():
            return Replace(settings)
        case ConcatenateSettings():
            return Concatenate(settings)
        case SplitSettings():
            return Split(settings)
        case ApplySettings():
            return applying(settings, secret)
    raise UserError(
        f"“{kind}” is not a transformation that this version knows.", remedy="Update the application, or remove the node."
    )
