"""What happens to a batch: each transformation is a pure function of rows, built from its settings by `build`."""

from dtaas_desktop.transforms.registry import build

__all__ = ["build"]
