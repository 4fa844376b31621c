"""What a task reads from and writes to."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from dtaas_desktop.domain.ports import Destination, Source


@dataclass(frozen=True, slots=True)
class Systems:
    """The opened systems of a task by connection name, and how to resolve a reference to a secret."""

    sources: Mapping[str, Source]
    destinations: Mapping[str, Destination]
    secret: Callable[[str], str]
