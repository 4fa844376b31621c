"""Cleaning of staging areas: what dead runs left goes, what may still be wanted stays."""

import time
from collections.abc import Collection
from pathlib import Path

from dtaas_desktop.connectors.files import disk
from dtaas_desktop.connectors.files.layout import Places, component
from dtaas_desktop.domain.target import PlanId

FORGOTTEN = 7 * 24 * 3600.0  # seconds after which staging that nobody claims is taken for dead


def clean_staging(places: Places, workspace: str, *, keep: Collection[PlanId], needed: Collection[str]) -> None:
    """This target's staging by our workspace, all but the plans to keep; anybody's once nothing in it changed for a week.

    `needed`: staged files that a decision still needs; the plans they belong to stay.
    """
    root, area, ours = places.root, places.area, component(workspace)
    kept = {component(plan) for plan in keep}
    for plan in folders(root / area / ours):
        if plan not in kept:
            disk.remove_tree(root, f"{area}/{ours}/{plan}/{places.folder}")
    for owner in folders(root / area):
        for plan in folders(root / area / owner):
            relative = f"{area}/{owner}/{plan}"
            wanted = (owner == ours and plan in kept) or any(path.startswith(f"{relative}/") for path in needed)
            if not wanted and time.time() - disk.last_change(root / relative) > FORGOTTEN:
                disk.remove_tree(root, relative)


def folders(path: Path) -> list[str]:
    """The names of the real folders in `path`."""
    try:
        return sorted(entry.name for entry in path.iterdir() if entry.is_dir() and not entry.is_symlink())
    except FileNotFoundError:
        return []
