"""The log of one target: what was decided, what was published, and the state that follows.

    pending/<number>      decided, and finished by whoever comes next; created without replacing: the number is the fence
    commits/<number>      done: published, or void (decided, but its files were lost)
    checkpoint/<number>   the state up to and with that number; the commits it covers are removed

Numbers count publications of the target, void ones included, and are never used twice.
"""

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import TypeAdapter, ValidationError

from dtaas_desktop.connectors.files import disk
from dtaas_desktop.domain.arrow_json import ArrowSchema
from dtaas_desktop.domain.changes import Kind, WriteMode
from dtaas_desktop.domain.errors import TransientError, UserError
from dtaas_desktop.domain.file_settings import FileSettings
from dtaas_desktop.domain.table import Counts
from dtaas_desktop.domain.target import Owner, StagedFile

FORMAT = 1
KEPT_COMMITS = 50  # the newest ones stay readable one by one
_READ_ATTEMPTS = 20


@dataclass(frozen=True, slots=True)
class Record:
    """One publication of one target, whole: whoever finds it pending can finish it. Paths are relative to the root.

    `token` tells this very decision from any other, also from one that a second process makes for the same attempt. `schema` is the
    target's, `written` that of the data files: with what stands beside changes, the way files hold it.
    """

    number: int
    token: str
    target: str
    owner: Owner
    plan: str
    nonce: str
    workspace: str
    position: str | None
    write_mode: WriteMode
    kind: Kind
    schema: ArrowSchema
    written: ArrowSchema
    key: tuple[str, ...]
    steps: str
    source: ArrowSchema
    settings: FileSettings
    counts: Counts
    published_at: str
    files: tuple[StagedFile, ...]
    removed: tuple[str, ...]
    outcome: Literal["published", "void"] = "published"
    format: int = FORMAT


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file that belongs to the target now, and the revision that brought it."""

    path: str
    rows: int
    bytes: int
    sha256: str
    role: Literal["data", "rejected"]
    revision: int
    kind: Kind


@dataclass(frozen=True, slots=True)
class Shape:
    """The columns of the data files of one revision, and of later ones up to the next shape."""

    revision: int
    schema: ArrowSchema


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state up to and with `number`. `last` is the newest record that was published, `loaded` the revision of the newest load."""

    number: int
    last: Record | None
    files: tuple[KeptFile, ...]
    shapes: tuple[Shape, ...] = ()
    loaded: int = 0
    format: int = FORMAT


@dataclass(frozen=True, slots=True)
class State:
    """What the log says. `newest` is the highest number used; `recent` the commits above the checkpoint, oldest first. `shapes` are
    those that data files have, oldest first; `loaded` is the revision of the newest load, 0 if there was none.

    `pending` is decided and must be finished; `leftovers` are pendings at or below `newest`: finished but not cleaned, or
    withdrawn.
    """

    newest: int
    last: Record | None
    files: tuple[KeptFile, ...]
    shapes: tuple[Shape, ...] = ()
    loaded: int = 0
    recent: tuple[Record, ...] = ()
    pending: Record | None = None
    leftovers: tuple[Record, ...] = ()

    @property
    def revision(self) -> int:
        """The newest revision that was published; void numbers change nothing."""
        return self.last.number if self.last else 0

    def of_plan(self, plan: str) -> Record | None:
        """What this plan published here, as far as the log reaches back."""
        known = (*self.recent, self.last) if self.last else self.recent
        return next((record for record in known if record.plan == plan and record.outcome == "published"), None)

    def at(self, number: int) -> Record | None:
        """The commit with this number, unless it is folded into the checkpoint."""
        return next((record for record in self.recent if record.number == number), None)

    def shape_of(self, file: KeptFile) -> int:
        """Which of the shapes a data file has."""
        return max(index for index, shape in enumerate(self.shapes) if shape.revision <= file.revision)


_Value = TypeVar("_Value")
_RECORD: TypeAdapter[Record] = TypeAdapter(Record)
_CHECKPOINT: TypeAdapter[Checkpoint] = TypeAdapter(Checkpoint)


class Log:
    """The log in the folder `relative` below `root`. Reading changes nothing; `scratch` folders hold files being made."""

    def __init__(self, root: Path, relative: str) -> None:
        self._root = root
        self._relative = relative
        self._folder = root / relative

    def state(self) -> State:
        """The state now, however many others are writing."""
        # Pendings before commits: a pending seen first, whose number then has no commit, won its number. The other way round, a
        # sleeper's worthless pending could be taken for a decision.
        pendings = [record for number in self._numbers("pending") if (record := self._read("pending", number, _RECORD))]
        for _ in range(_READ_ATTEMPTS):
            state = self._committed()
            if state is not None:
                break
        else:
            raise UserError(
                f"The log in “{self._folder}” has gaps: files of it are missing.",
                remedy="Restore the folder “_dtaas”, or remove the target.",
            )
        decided = next((record for record in pendings if record.number == state.newest + 1), None)
        leftovers = tuple(record for record in pendings if record.number <= state.newest)
        return replace(state, pending=decided, leftovers=leftovers)

    def decide(self, record: Record, *, scratch: str) -> bool:
        """Create the pending record; False if its number is taken."""
        return self._create("pending", record.number, _RECORD.dump_json(record), scratch)

    def commit(self, record: Record, *, scratch: str) -> Record | None:
        """Create the commit, or read the one that holds the number already. None: it is folded since."""
        if self._create("commits", record.number, _RECORD.dump_json(record), scratch):
            return record
        return self._read("commits", record.number, _RECORD)

    def drop_pending(self, number: int) -> None:
        path = self._path("pending", number)
        if path.exists():
            path.unlink(missing_ok=True)
            disk.sync_folder(path.parent)

    def fold(self, state: State, *, scratch: str) -> None:
        """Move old commits into a checkpoint, and remove what a checkpoint covers."""
        if len(state.recent) >= 2 * KEPT_COMMITS:
            number = state.recent[-KEPT_COMMITS - 1].number
            base = self._checkpoint()
            folded = tuple(record for record in state.recent if base.number < record.number <= number)
            if folded and folded[0].number == base.number + 1:
                checkpoint = _applied(base, folded)
                # Never replaced: a checkpoint made long ago by a sleeper is lower than the present one and thereby ignored.
                self._create("checkpoint", number, _CHECKPOINT.dump_json(checkpoint), scratch)
        newest = max(self._numbers("checkpoint"), default=0)
        for kind, covered in (("commits", newest + 1), ("checkpoint", newest)):
            for number in self._numbers(kind):
                if number < covered:
                    self._path(kind, number).unlink(missing_ok=True)

    def _committed(self) -> State | None:
        """Checkpoint and commits; None if a fold came between, so that they do not fit together."""
        try:
            base = self._checkpoint()
        except FileNotFoundError:
            return None
        numbers = [number for number in self._numbers("commits") if number > base.number]
        records = [self._read("commits", number, _RECORD) for number in numbers]
        if numbers != list(range(base.number + 1, base.number + 1 + len(numbers))) or None in records:
            return None
        recent = tuple(record for record in records if record)
        now = _applied(base, recent)
        return State(now.number, now.last, now.files, now.shapes, now.loaded, recent)

    def _checkpoint(self) -> Checkpoint:
        number = max(self._numbers("checkpoint"), default=None)
        if number is None:
            return Checkpoint(0, None, ())
        found = self._read("checkpoint", number, _CHECKPOINT)
        if found is None:
            raise FileNotFoundError(number)
        return found

    def _path(self, kind: str, number: int) -> Path:
        return self._folder / kind / f"{number:020}"

    def _numbers(self, kind: str) -> list[int]:
        try:
            return sorted(int(entry.name) for entry in (self._folder / kind).iterdir() if entry.name.isdecimal())
        except FileNotFoundError:
            return []

    def _create(self, kind: str, number: int, data: bytes, scratch: str) -> bool:
        disk.make_folders(self._root, f"{self._relative}/{kind}")
        for _ in range(_READ_ATTEMPTS):
            folder = disk.make_folders(self._root, scratch)
            try:
                return disk.create_new(self._path(kind, number), data, scratch=folder / f"record-{uuid.uuid4().hex}")
            except FileNotFoundError:  # somebody who finishes for us cleaned the scratch folder
                continue
        raise TransientError(f"“{self._root / scratch}” is removed again and again by another program.")

    def _read(self, kind: str, number: int, adapter: TypeAdapter[_Value]) -> _Value | None:
        """The value in a file of the log; None if it is gone. Files of the log appear whole, so a torn one is damage."""
        path = self._path(kind, number)
        try:
            text = path.read_bytes()
        except FileNotFoundError:
            return None
        try:
            raw = json.loads(text)
            if raw["format"] > FORMAT:
                raise UserError(f"“{path}” was written by a newer version of the application.", remedy="Update the application.")
            return adapter.validate_json(text)
        except (ValueError, KeyError, TypeError, ValidationError) as error:
            raise UserError(
                f"“{path}” is damaged and cannot be read.", remedy="Restore it from a backup, or remove the target."
            ) from error


def _applied(base: Checkpoint, records: tuple[Record, ...]) -> Checkpoint:
    """What follows from `records`, the next ones after `base`."""
    last, loaded, shapes = base.last, base.loaded, list(base.shapes)
    kept = {file.path: file for file in base.files}
    for record in records:
        if record.outcome == "void":
            continue
        last = record
        loaded = record.number if record.kind == "load" else loaded
        for path in record.removed:
            kept.pop(path, None)
        for new in record.files:
            kept[new.final] = KeptFile(new.final, new.rows, new.bytes, new.sha256, new.role, record.number, record.kind)
        if any(file.role == "data" for file in record.files) and not (shapes and shapes[-1].schema.equals(record.written)):
            shapes.append(Shape(record.number, record.written))
    files = tuple(kept.values())
    return Checkpoint(base.number + len(records), last, files, _worn(shapes, files), loaded)


def _worn(shapes: Sequence[Shape], files: Sequence[KeptFile]) -> tuple[Shape, ...]:
    """The shapes that some data file still has."""
    revisions = {file.revision for file in files if file.role == "data"}
    ends = [*(shape.revision for shape in shapes[1:]), None][: len(shapes)]
    return tuple(
        shape
        for shape, end in zip(shapes, ends, strict=True)
        if any(shape.revision <= revision and (end is None or revision < end) for revision in revisions)
    )
