"""The functions of the transformation *Apply function*: each turns values of a type into others, or says why it cannot."""

from dtaas_desktop.transforms.functions.choice import check, prepared
from dtaas_desktop.transforms.functions.coalescing import Coalescing, coalescing
from dtaas_desktop.transforms.functions.prepared import Prepared

__all__ = ["Coalescing", "Prepared", "check", "coalescing", "prepared"]
