"""Whether files can be added to those of a target: what is there is whole, and all of it can be read alike."""

from dtaas_desktop.connectors.files.commits import Record, State
from dtaas_desktop.connectors.files.formats import stored_schema
from dtaas_desktop.connectors.files.layout import Places
from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.target import Target
from dtaas_desktop.domain.widening import is_extension

_ALIKE = {"format", "compression", "json_style", "json_floats", "layout", "partition_by"}
_PLAIN = ("replace", "append")


def harm(places: Places, state: State) -> str:
    """What somebody did to the published files, as a sentence; empty if they are all there in their sizes."""
    for file in state.files:
        try:
            size = (places.root / file.path).stat().st_size
        except (FileNotFoundError, NotADirectoryError):
            return f"“{file.path}”, published in revision {file.revision} of “{places.name}”, is gone."
        if size != file.bytes:
            return f"“{file.path}”, published in revision {file.revision} of “{places.name}”, was changed: it has {size} bytes, not {file.bytes}."
    return ""


def refuse_missing(places: Places, state: State) -> None:
    """Adding to files of which some are gone would publish a manifest that lies."""
    if sentence := harm(places, state):
        raise UserError(f"{sentence} Nothing can be added to the rest.", remedy=f"Restore the file, or {_anew(state.last)}.")


def refuse_other_shape(name: str, target: Target, last: Record) -> None:
    """All files of a target are read alike: they have one format; older ones may lack columns, or have narrower types."""
    old, new = (settings.model_dump(include=_ALIKE) for settings in (last.settings, target.files))
    other = next((setting for setting in sorted(_ALIKE) if old[setting] != new[setting]), None)
    if other is not None:
        raise UserError(
            f"“{name}” was written with {other.replace('_', ' ')} “{old[other]}”, now it is “{new[other]}”; files of both kinds cannot be mixed.",
            remedy=f"Set it back, or {_anew(last)}.",
        )
    if last.write_mode != target.write_mode and not (last.write_mode in _PLAIN and target.write_mode in _PLAIN):
        raise UserError(
            f"“{name}” was written in write mode “{last.write_mode}”, now it is “{target.write_mode}”; files of both kinds cannot be mixed.",
            remedy="Set it back, choose another name, or run once with write mode “replace”.",
        )
    if target.write_mode == "mirror" and last.key != target.key:
        raise UserError(
            f"“{name}” was written with the key {', '.join(last.key)}, now it is {', '.join(target.key)}; changes cannot be told apart by both.",
            remedy="Set it back, or run a full load.",
        )
    was, now = stored_schema(last.schema), stored_schema(target.schema)
    if not is_extension(was, now):
        changed = sorted({field.name for field in {*was} ^ {*now}}) or now.names
        raise UserError(
            f"The columns of “{name}” are not those it was published with before: {', '.join(changed[:20])} changed.",
            remedy=f"Make them equal, or {_anew(last)}.",
        )


def _anew(last: Record | None) -> str:
    """How to begin again."""
    return "run a full load" if last is not None and last.write_mode == "mirror" else "run once with write mode “replace”"
