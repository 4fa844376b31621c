"""Where the files are that are shipped beside the code: sample data, icons, help."""

from pathlib import Path


def resources_folder() -> Path:
    """In an installed copy inside the package, in a checkout beside it."""
    package = Path(__file__).parent.parent
    installed = package / "resources"
    return installed if installed.is_dir() else package.parent / "resources"
