"""Libraries that others look for and we do without.

pyarrow loads numpy when it starts, and pandas at the first Python value that it makes an array of, and gives pandas' types for
moments finer than microseconds. That costs a run half a second and 50 MB, and has it depend on what else is installed.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType


class _LeftOut(MetaPathFinder):
    def __init__(self, names: Sequence[str]) -> None:
        self._names = frozenset(names)

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name in self._names:
            raise ModuleNotFoundError(f"{name} is left out", name=name)
        return None


@contextmanager
def left_out(*names: str) -> Iterator[None]:
    """Within it whoever looks for these libraries is told that they are not installed; what is loaded stays."""
    finder = _LeftOut(names)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
