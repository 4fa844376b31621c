"""What has changed in the shape of a table since its target was published, and what becomes of that (DESIGN §7).

Columns are matched by name. A rename is recognised where SQL's own would leave it: at the same place, with the same type, and not the
last column, for which “dropped, and another one added” looks the same.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import pyarrow as pa

from dtaas_desktop.domain.errors import AppError, ShapeChanged, UserError
from dtaas_desktop.domain.table import TableDescription
from dtaas_desktop.domain.target import TargetState
from dtaas_desktop.domain.task import DriftPolicy
from dtaas_desktop.domain.type_names import name_of_type
from dtaas_desktop.domain.widening import is_wider
from dtaas_desktop.engine.chain import Chain
from dtaas_desktop.engine.change_rows import images_of_columns

What = Literal["added", "dropped", "renamed", "widened", "narrowed", "retyped", "key"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference. `column` is the target's; `detail` and `action` are clauses for people: what it is, what is done about it."""

    what: What
    column: str
    detail: str
    action: str

    def __str__(self) -> str:
        return f"{self.detail}: {self.action}"


@dataclass(frozen=True, slots=True)
class Drift:
    """All differences of one target, and the schema that its rows get. `reload`: why its present rows no longer do, if so.

    `reshapes`: whether columns are added, renamed or widened at the target.
    """

    schema: pa.Schema
    findings: tuple[Finding, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()
    reload: str = ""
    reshapes: bool = False
    refused: AppError | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Shape:
    """A table as it would be published now: its description, its steps, and the key's columns at the target."""

    description: TableDescription
    chain: Chain
    key: tuple[str, ...]

    @property
    def schema(self) -> pa.Schema:
        return self.chain.output_schema(self.description.schema).remove_metadata()


def drift(now: Shape, state: TargetState, *, policy: DriftPolicy, keeps: bool, changes: bool) -> Drift:
    """`keeps`: the target's present rows stay; `changes`: what comes is only what changed, not every row."""
    fresh = now.schema
    if state.schema is None:
        return Drift(fresh)
    renamed = _renamed(now, state) if policy == "evolve" and keeps else {}
    findings = tuple(_findings(fresh, state.schema, renamed, policy=policy, keeps=keeps))
    if not findings and _same_key(state, now.key, renamed):
        return Drift(_kept(fresh, state.schema, renamed, policy=policy) if keeps else fresh)
    if policy == "pause" and findings:
        said = "; ".join(finding.detail for finding in findings)
        refused = ShapeChanged(
            f"Table {now.description.table} has changed since it was published: {said}.",
            remedy="The task pauses on such changes: let it “evolve” or “ignore” them, or undo them at the source.",
        )
        return Drift(fresh, findings, refused=refused)
    if not keeps and policy != "ignore":
        return Drift(fresh, findings)
    reshapes = policy == "evolve" and any(finding.what in ("added", "renamed", "widened") for finding in findings)
    schema = _kept(fresh, state.schema, renamed, policy=policy)
    result = Drift(schema, findings, tuple(renamed.items()), reshapes=reshapes)
    if not _same_key(state, now.key, renamed):
        known, key = ", ".join(state.key) or "none", ", ".join(now.key) or "none"
        finding = Finding(
            "key", key, f"the key was {known} and is {key}", "every row has to be read again" if changes else "kept"
        )
        result = replace(result, findings=(*findings, finding))
        if changes:
            result = replace(result, reload=f"its key was {known} and is {key}")
    retyped = [finding for finding in findings if finding.what == "retyped"]
    if retyped and policy == "evolve":
        refused = ShapeChanged(
            f"Table {now.description.table}: {retyped[0].detail}, which the rows already published cannot become.",
            remedy="Cast the column to its old type, or make a full reload of the table.",
        )
        return replace(result, refused=refused)
    if changes and policy == "evolve" and not result.reload:
        result = replace(result, reload=_unlogged(now, state))
    return result


def _findings(
    fresh: pa.Schema, published: pa.Schema, renamed: Mapping[str, str], *, policy: DriftPolicy, keeps: bool
) -> Iterator[Finding]:
    keeping = keeps or policy == "ignore"
    for old in published:
        name = renamed.get(old.name, old.name)
        if name != old.name:
            yield Finding("renamed", name, f"column “{old.name}” is now called “{name}”", "renamed at the target")
        if name not in fresh.names:
            action = "it stays at the target and is empty from now on" if keeping else "the target loses it with this load"
            yield Finding("dropped", name, f"column “{name}” is gone", action)
        else:
            yield from _type_findings(name, old.type, fresh.field(name).type, policy=policy, keeping=keeping)
    known = {renamed.get(name, name) for name in published.names}
    for new in fresh:
        if new.name not in known:
            action = "ignored" if policy == "ignore" else "added at the target"
            yield Finding("added", new.name, f"column “{new.name}” ({name_of_type(new.type)}) is new", action)


def _type_findings(name: str, old: pa.DataType, new: pa.DataType, *, policy: DriftPolicy, keeping: bool) -> Iterator[Finding]:
    was, now = name_of_type(old), name_of_type(new)
    if was == now:
        return
    detail = f"column “{name}” was {was} and is {now}"
    if not keeping:
        what: What = "widened" if is_wider(old, new) else "narrowed" if is_wider(new, old) else "retyped"
        yield Finding(what, name, detail, "the target gets the new type with this load")
    elif policy == "ignore":
        yield Finding("retyped", name, detail, f"its values must fit {was}")
    elif is_wider(old, new):
        yield Finding("widened", name, detail, "widened at the target")
    elif is_wider(new, old):
        yield Finding("narrowed", name, detail, f"the target stays {was}")
    else:
        yield Finding("retyped", name, detail, "not possible for the rows already published")


def _kept(fresh: pa.Schema, published: pa.Schema, renamed: Mapping[str, str], *, policy: DriftPolicy) -> pa.Schema:
    """The published columns in their order, in types that hold old and new values, then (if the target evolves) the new ones."""
    fields = []
    for old in published:
        name = renamed.get(old.name, old.name)
        new = fresh.field(name) if name in fresh.names else None
        wider = new is not None and policy == "evolve" and is_wider(old.type, new.type)
        nullable = old.nullable or new is None or new.nullable
        fields.append(pa.field(name, new.type if wider and new is not None else old.type, nullable))
    known = {one.name for one in fields}
    if policy == "evolve":
        fields += [new.with_nullable(True) for new in fresh if new.name not in known]
    return pa.schema(fields)


def _same_key(state: TargetState, key: tuple[str, ...], renamed: Mapping[str, str]) -> bool:
    return {renamed.get(name, name) for name in state.key} == set(key)


def _renamed(now: Shape, state: TargetState) -> dict[str, str]:
    """Columns of the target whose source columns were renamed: old name → new."""
    if state.source is None:
        return {}
    pairs = source_renames(state.source, now.description.schema)
    if not pairs:
        return {}
    new_images = {origin: name for name, origin in images_of_columns(now.chain, now.description.schema).items()}
    try:
        old_images = {origin: name for name, origin in images_of_columns(now.chain, state.source).items()}
    except UserError:  # the steps know the new names only
        return {}
    found = {old_images[old]: new_images[new] for old, new in pairs.items() if old in old_images and new in new_images}
    published = state.schema.names if state.schema is not None else []
    return {old: new for old, new in found.items() if old != new and old in published and new not in published}


def source_renames(before: pa.Schema, after: pa.Schema) -> dict[str, str]:
    """Source columns that were surely renamed: old name → new."""
    if len(after) < len(before):
        return {}
    found: dict[str, str] = {}
    for index, old in enumerate(before):
        new = after.field(index)
        if new.name == old.name:
            continue
        last = index == len(before) - 1
        if new.name in before.names or old.name in after.names or new.type != old.type or last:
            return {}
        found[old.name] = new.name
    return found


def _unlogged(now: Shape, state: TargetState) -> str:
    """Why rows that did not change may hold values that the target lacks; empty if they do not."""
    if state.source is None:
        return ""
    after = now.description.schema
    renames = source_renames(state.source, after)
    used = set(after.names) - now.chain.unused(after)
    added = [c for c in now.description.columns if c.name in used - set(state.source.names) - set(renames.values())]
    dropped = set(state.source.names) - set(after.names) - set(renames)
    for column in added:
        if column.prefilled:
            return f"column “{column.name}” is new, and rows that were there before have got a value in it"
        if dropped:
            return f"column “{column.name}” is new and “{min(dropped)}” is gone; it may be the same under another name"
    return ""
