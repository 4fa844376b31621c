"""pyarrow by itself.

Where pandas is installed, pyarrow imports it at the first Python value it makes an array of, and gives its types for moments finer
than microseconds. That costs a run half a second and 35 MB, and has it depend on what else is installed.
"""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

import pyarrow as pa


class _NoPandas(MetaPathFinder):
    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name == "pandas":
            raise ModuleNotFoundError(name=name)
        return None


def leave_pandas_out() -> None:
    """Have pyarrow find no pandas in this process, unless it is loaded already. Only a conversion to pandas itself looks again."""
    finder = _NoPandas()
    sys.meta_path.insert(0, finder)
    try:
        pa.array([0])
    finally:
        sys.meta_path.remove(finder)
