"""Targets: one table, prefix or folder at a destination, what lies there, and what is staged for it."""

import string
import unicodedata
from dataclasses import dataclass, field
from typing import Literal

import pyarrow as pa

from dtaas_desktop.domain.arrow_json import ArrowSchema
from dtaas_desktop.domain.changes import Kind, Position, WriteMode, staged_schema
from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.file_settings import FileSettings
from dtaas_desktop.domain.table import Counts, PartId, TableRef

PlanId = str
Deletes = Literal["hard", "soft"]
REJECTED_SUFFIX = "__rejected"


@dataclass(frozen=True, slots=True)
class Owner:
    """Who may write a target: task (UUID), source table and destination node. Recorded at the target itself."""

    task: str
    table: str
    node: str


@dataclass(frozen=True, slots=True)
class Target:
    """Where one table run ends. `key` names output columns; `files` matters to file destinations only, `deletes` to mirrors.

    `steps` is a short name for how rows become what they are here (transformations, write mode): other steps, other rows.
    `source` is the schema of the source table, `renamed` what columns of an earlier revision are called now (old, new).
    """

    connection: str
    name: str
    schema: ArrowSchema
    key: tuple[str, ...]
    write_mode: WriteMode
    owner: Owner
    files: FileSettings = field(default_factory=FileSettings)
    deletes: Deletes = "hard"
    steps: str = ""
    source: ArrowSchema = field(default_factory=lambda: pa.schema([]))
    renamed: tuple[tuple[str, str], ...] = ()
    same: tuple[str, ...] = ()  # columns that a change may leave as they are at the destination, without knowing them

    def staged_schema(self, kind: Kind) -> pa.Schema:
        """The rows that its stages are given."""
        return staged_schema(self.schema, self.write_mode, kind, same=self.same)


@dataclass(frozen=True, slots=True)
class TargetState:
    """What a destination says of a target. Revision 0 with `foreign` false: nothing is there.

    `foreign`: the place holds something that carries no record of ours. `key`, `steps`, `source` as Target had them when it was
    published last. `harm`: what somebody else did to what we published (gone, altered, rows missing), as a sentence; changes can
    not be applied to that.
    """

    revision: int = 0
    position: Position | None = None
    plan: PlanId | None = None
    owner: Owner | None = None
    schema: pa.Schema | None = None
    foreign: bool = False
    key: tuple[str, ...] = ()
    steps: str = ""
    source: pa.Schema | None = None
    harm: str = ""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at staging for one target: nothing with another nonce is mixed in. `revision` is the number it will publish."""

    plan: PlanId
    nonce: str
    revision: int


@dataclass(frozen=True, slots=True)
class StagedFile:
    """A finished, checksummed, still invisible file. `staged` and `final` are paths relative to the destination's root."""

    staged: str
    final: str
    rows: int
    bytes: int
    sha256: str
    role: Literal["data", "rejected"] = "data"


@dataclass(frozen=True, slots=True)
class Staged:
    """What one part left in staging for one target; small and picklable."""

    part: PartId
    attempt: Attempt
    counts: Counts
    files: tuple[StagedFile, ...] = ()


@dataclass(frozen=True, slots=True)
class Publication:
    """Everything a destination needs to make one target's new revision visible in one act.

    `after` is the revision the plan was made on; if the target has moved since, the publication is refused. A load makes the target
    hold what is staged (replace, mirror) or adds it (append, history); changes are applied to what is there.
    """

    target: Target
    staged: tuple[Staged, ...]
    position: Position | None
    after: int
    attempt: Attempt
    counts: Counts
    kind: Kind = "load"


@dataclass(frozen=True, slots=True)
class Published:
    """What became visible. `location` is where to look; `query` a DuckDB query to try."""

    target: str
    revision: int
    rows: int
    files: int
    bytes: int
    location: str
    query: str


def target_name(template: str, table: TableRef, *, connection: str, task: str) -> str:
    """The target's name. Placeholders: {table}, {schema}, {connection}, {task}.

    Raises UserError for an unknown placeholder, a malformed template or an empty result.
    """
    values = {"table": table.name, "schema": table.schema, "connection": connection, "task": task}
    try:
        parts = list(string.Formatter().parse(template))
    except ValueError as error:
        raise UserError(
            f"The name template “{template}” is malformed: {error}.", remedy="Write for example {schema}_{table}."
        ) from None
    pieces: list[str] = []
    for literal, placeholder, spec, conversion in parts:
        pieces.append(literal)
        if placeholder is None:
            continue
        if placeholder not in values or spec or conversion:
            raise UserError(
                f"The name template “{template}” uses {{{placeholder}}}, which does not exist.",
                remedy="Use {table}, {schema}, {connection} or {task}.",
            )
        pieces.append(values[placeholder])
    name = "".join(pieces)
    if not name.strip():
        raise UserError(f"The name template “{template}” gives an empty name for table {table}.", remedy="Include {table}.")
    return name


def same_name_key(name: str) -> str:
    """Two names with equal keys differ at most by case or Unicode form: some systems hold them to be one."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFKC", name).casefold())
