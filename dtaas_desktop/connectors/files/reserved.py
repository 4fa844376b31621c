"""Names and keys that a mirror or a history cannot have."""

from dtaas_desktop.domain.changes import CHANGE_MODES, KEYED, RESERVED, SAME
from dtaas_desktop.domain.errors import MissingColumn, UserError
from dtaas_desktop.domain.target import Target


def reserved_problem(target: Target) -> UserError | None:
    """Why the target's columns cannot stand beside those of changes; readers may take names that differ by case for one."""
    if target.write_mode not in CHANGE_MODES:
        return None
    for name in target.schema.names:
        if name.lower() in RESERVED or name.lower().startswith(SAME):
            return UserError(
                f"The column “{name}” of “{target.name}” has a name that write mode “{target.write_mode}” needs for itself.",
                remedy="Rename it by a step before the destination.",
            )
    if target.write_mode in KEYED and not target.key:
        return UserError(
            f"“{target.name}” has no key, and write mode “mirror” finds rows by their key.",
            remedy="Name the key's columns, or choose write mode “history” or “replace”.",
        )
    return next((MissingColumn(name, target.schema.names) for name in target.key if name not in target.schema.names), None)
