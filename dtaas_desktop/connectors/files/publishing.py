"""The act of publishing one target, and finishing what somebody else had decided (DESIGN §6).

verify     all that is staged is there, unharmed
pending    the decision: a record with the next number, created without replacing; the number is the fence
reveal     each file is renamed to its final name
commit     the record again, as done (or void, if it cannot be done)
manifest   readers are pointed to the new revision
remove     what it replaces goes
clean      staging, the pending record, old commits
"""

import datetime
import os
import uuid
from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa

from dtaas_desktop.connectors.files import disk, manifest, shapes
from dtaas_desktop.connectors.files.commits import Log, Record, State
from dtaas_desktop.connectors.files.formats import file_format, suffix, written_schema
from dtaas_desktop.connectors.files.layout import Places
from dtaas_desktop.connectors.files.partitions import NO_VALUE
from dtaas_desktop.domain import faults
from dtaas_desktop.domain.errors import StagedLost, TransientError, UserError
from dtaas_desktop.domain.target import Publication, Published, StagedFile, TargetState

_ATTEMPTS = 10


class Publishing:
    """Publications of one target. `workspace` says whose scratch folder is used."""

    def __init__(self, places: Places, *, workspace: str) -> None:
        self.places = places
        self.log = Log(places.root, places.log)
        self._workspace = workspace

    def publish(self, publication: Publication) -> Published:
        """The publication's rows visible, or an AppError and nothing visible."""
        attempt = publication.attempt
        state = self.settled()
        known = state.of_plan(attempt.plan)
        if known is None:
            self._refuse_moved(publication, state)
            files = self._verified(publication, state)
            record = self._record(publication, state, files or self._empty_file(publication, state))
            known = self._completed(record, "publish", publication) if self._decide(record) else self._outrun(publication)
        disk.remove_tree(self.places.root, self.places.attempt(self._workspace, attempt.plan, attempt.nonce))
        return manifest.published(self.places, known)

    def settled(self) -> State:
        """The state after everything decided is finished, its leftovers cleaned."""
        for _ in range(_ATTEMPTS):
            state = self.log.state()
            if state.pending is None:
                break
            self._completed(state.pending, "settle", None)
        else:
            raise TransientError(f"“{self.places.name}” is being published by others again and again.")
        for record in state.leftovers:
            self._clean_leftover(state, record)
        if not manifest.is_current(self.places, state):
            faults.reach("settle:manifest")
            assert state.last is not None
            self._show(self._scratch(state.last))
            disk.remove_tree(self.places.root, self._scratch(state.last))
        return state

    # What `publish` consists of.

    def _refuse_moved(self, publication: Publication, state: State) -> None:
        if state.revision != publication.after:
            raise UserError(
                f"“{self.places.name}” was published by someone else in the meantime: it is at revision {state.revision}, "
                f"this run was planned on revision {publication.after}.",
                remedy="Nothing was written. Run the task again.",
            )

    def _verified(self, publication: Publication, state: State) -> tuple[StagedFile, ...]:
        """All staged files, each as it was when it was finished. Raises StagedLost with the parts whose files are not."""
        faults.reach("publish:verify")
        lost: list[str] = []
        for staged in publication.staged:
            if staged.attempt.nonce != publication.attempt.nonce:
                raise ValueError(f"part {staged.part} was staged under another attempt")
            if not all(disk.unharmed(self.places.root, file) for file in staged.files):
                lost.append(staged.part)
        if lost:
            raise StagedLost(lost, f"Staged files of “{self.places.name}” are missing or damaged (parts {', '.join(lost)}).")
        if not _replaces(publication):
            if state.last is not None:
                shapes.refuse_other_shape(self.places.name, publication.target, state.last)
            shapes.refuse_missing(self.places, state)
        return tuple(file for staged in publication.staged for file in staged.files)

    def _empty_file(self, publication: Publication, state: State) -> tuple[StagedFile, ...]:
        """One file without rows, so that readers of a target without any see its columns; nothing if there are files that stay."""
        target, attempt = publication.target, publication.attempt
        if not _replaces(publication) and any(file.role == "data" for file in state.files):
            return ()
        faults.reach("publish:empty")
        kind = file_format(target.files, written_schema(target, publication.kind))
        token = uuid.uuid4().hex[:12]
        relative = self.places.attempt(self._workspace, attempt.plan, attempt.nonce)
        path = disk.make_folders(self.places.root, relative) / f"empty-{token}"
        with pa.OSFile(str(path), "wb") as sink:
            kind.open(sink).close()
        kind.close()
        disk.sync_file(path)
        size, checksum = disk.digest(path)
        partition = "/".join(f"{folder}={NO_VALUE}" for folder in (level.folder for level in target.files.partition_by))
        final = self.places.final(
            "data", partition, revision=attempt.revision, part="empty", token=token, counter=1, ending=suffix(target.files)
        )
        return (StagedFile(f"{relative}/{path.name}", final, 0, size, checksum),)

    def _record(self, publication: Publication, state: State, files: tuple[StagedFile, ...]) -> Record:
        target, attempt = publication.target, publication.attempt
        if state.last is None:
            manifest.refuse_foreign_manifest(self.places)
        return Record(
            number=state.newest + 1,
            token=uuid.uuid4().hex,
            target=target.name,
            owner=target.owner,
            plan=attempt.plan,
            nonce=attempt.nonce,
            workspace=self._workspace,
            position=publication.position,
            write_mode=target.write_mode,
            kind=publication.kind,
            schema=target.schema.remove_metadata(),
            written=written_schema(target, publication.kind),
            key=target.key,
            steps=target.steps,
            source=target.source.remove_metadata(),
            settings=target.files,
            counts=publication.counts,
            published_at=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            files=files,
            removed=tuple(file.path for file in state.files) if _replaces(publication) else (),
        )

    def _decide(self, record: Record) -> bool:
        """Whether the record won its number, so that from now on it must be finished, by us or by others."""
        faults.reach("publish:pending")
        won = self.log.decide(record, scratch=self._scratch(record))
        faults.reach("publish:look")
        # Look past the number: whoever slept since reading the state may have taken a number long used, and cleaned, by others.
        now = self.log.state()
        if won and any(known is not None and known.token == record.token for known in (now.pending, now.at(record.number))):
            return True
        if won:
            self.log.drop_pending(record.number)
        return False

    def _outrun(self, publication: Publication) -> Record:
        """Somebody else was first: what our plan published through them, or a refusal."""
        state = self.settled()
        known = state.of_plan(publication.attempt.plan)
        if known is not None:
            return known
        self._refuse_moved(publication, state)
        raise TransientError(f"“{self.places.name}” was being published by someone else at the same moment.")

    def _completed(self, record: Record, who: str, publication: Publication | None) -> Record:
        """Everything after the decision. Each step may have been done already, by us or by others."""
        missing = self._reveal(record, who)
        faults.reach(f"{who}:commit")
        outcome = self.log.commit(replace(record, outcome="void") if missing else record, scratch=self._scratch(record))
        if outcome is not None and outcome.outcome == "void":
            self._undo(record, who)
            if publication is not None:
                raise StagedLost(self._gone(publication), f"Staged files of “{self.places.name}” were lost while publishing.")
            return record
        faults.reach(f"{who}:manifest")
        self._show(self._scratch(record))
        self._finish(record, who)
        return record

    def _gone(self, publication: Publication) -> list[str]:
        """The parts of which files are no longer staged: lost, or revealed and taken back."""
        root = self.places.root
        return [staged.part for staged in publication.staged if not all((root / file.staged).exists() for file in staged.files)]

    def _reveal(self, record: Record, who: str) -> frozenset[str]:
        """Rename what is staged to its final name. Returns the final names of files that are in neither place."""
        missing: set[str] = set()
        folders: set[str] = set()
        for index, file in enumerate(record.files):
            faults.reach(f"{who}:reveal:{index}")
            if not self._revealed(file):
                missing.add(file.final)
            folders.add(file.final.rpartition("/")[0])
        for folder in folders if not missing else ():
            # The files were made durable when they were finished; now their names are.
            disk.sync_folder(self.places.root / folder)
        return frozenset(missing)

    def _revealed(self, file: StagedFile) -> bool:
        root = self.places.root
        for _ in range(_ATTEMPTS):
            try:
                if (root / file.final).stat().st_size == file.bytes:
                    return True
            except FileNotFoundError:
                pass
            if not (root / file.staged).exists() and not (root / file.final).exists():
                return False
            disk.make_folders(root, file.final.rpartition("/")[0])
            try:
                os.rename(root / file.staged, root / file.final)
            except (FileNotFoundError, FileExistsError):
                continue  # renamed by somebody else who finishes it, or the folder was pruned just now: look again
        return False

    def _show(self, scratch: str) -> None:
        """Write the manifest of the newest state; again, if that moved while we wrote: the last one to write must be right."""
        for _ in range(_ATTEMPTS):
            state = self.log.state()
            try:
                manifest.publish_manifest(self.places, state, scratch=scratch)
            except FileNotFoundError:
                continue  # somebody who finished it for us cleaned the scratch folder
            if self.log.state().revision == state.revision:
                return

    def _finish(self, record: Record, who: str) -> None:
        faults.reach(f"{who}:remove")
        self._remove(record.removed)
        faults.reach(f"{who}:clean")
        self.log.fold(self.log.state(), scratch=self._scratch(record))
        disk.remove_tree(self.places.root, self._scratch(record))
        disk.remove_tree(self.places.root, self.places.attempt(record.workspace, record.plan, record.nonce))
        faults.reach(f"{who}:drop")
        self.log.drop_pending(record.number)  # last: as long as it is there, somebody comes and does the rest

    def _undo(self, record: Record, who: str) -> None:
        """Take back what a void or worthless record revealed."""
        faults.reach(f"{who}:undo")
        self._remove([file.final for file in record.files])
        disk.remove_tree(self.places.root, self._scratch(record))
        faults.reach(f"{who}:drop")
        self.log.drop_pending(record.number)

    def _clean_leftover(self, state: State, record: Record) -> None:
        """A pending at or below the newest number: published but not cleaned, void, or withdrawn."""
        done = state.at(record.number)
        if done is None or done.token != record.token:
            self.log.drop_pending(record.number)
        elif done.outcome == "void":
            self._undo(record, "settle")
        else:
            faults.reach("settle:manifest")
            self._show(self._scratch(record))
            self._finish(record, "settle")

    def _remove(self, relatives: Sequence[str]) -> None:
        for folder in (self.places.folder, self.places.rejected):
            inside = [path for path in relatives if path.startswith(f"{folder}/")]
            disk.remove_files(self.places.root, inside, keep=folder)
        disk.prune(self.places.root, self.places.rejected)

    def _scratch(self, record: Record) -> str:
        """A folder of our own workspace for files being made: swept with its attempt, or by us."""
        return self.places.attempt(self._workspace, record.plan, record.nonce) + "/scratch"


def target_state(state: State, *, foreign: bool, harm: str) -> TargetState:
    record = state.last
    if record is None:
        return TargetState(foreign=foreign)
    return TargetState(
        record.number,
        record.position,
        record.plan,
        record.owner,
        record.schema,
        key=record.key,
        steps=record.steps,
        source=record.source,
        harm=harm,
    )


def _replaces(publication: Publication) -> bool:
    """Whether what is staged takes the place of everything before."""
    mode = publication.target.write_mode
    return mode == "replace" or (mode == "mirror" and publication.kind == "load")
