"""The folder destination: files below one folder, each target with its log (see publishing)."""

import contextlib
import os
import shutil
import uuid
from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import pyarrow as pa

from dtaas_desktop.connectors.files import disk
from dtaas_desktop.connectors.files.commits import Log, State
from dtaas_desktop.connectors.files.errors import translated
from dtaas_desktop.connectors.files.layout import OURS, Places
from dtaas_desktop.connectors.files.publishing import Publishing, target_state
from dtaas_desktop.connectors.files.reserved import reserved_problem
from dtaas_desktop.connectors.files.sample import sample
from dtaas_desktop.connectors.files.shapes import harm
from dtaas_desktop.connectors.files.stage import Spot, staging
from dtaas_desktop.connectors.files.sweep import clean_staging, folders
from dtaas_desktop.domain import faults
from dtaas_desktop.domain.changes import Kind
from dtaas_desktop.domain.connection import CheckStep, FolderSettings
from dtaas_desktop.domain.errors import AppError, UserError
from dtaas_desktop.domain.ports import Budget, Stage
from dtaas_desktop.domain.table import PartId
from dtaas_desktop.domain.target import Attempt, PlanId, Publication, Published, Target, TargetState


class FolderDestination:
    """Tables as files below one folder. `workspace` names ours among all that may stage here; see ports.Destination."""

    publish_seconds: float = 60.0  # each publication leaves files of its own
    keeps_unchanged: bool = True  # by marks in the change files, which the recipes follow

    def __init__(self, settings: FolderSettings, *, workspace: str) -> None:
        self._root = Path(settings.path).expanduser().absolute()
        self._workspace = workspace

    def check(self) -> Iterator[CheckStep]:
        root = self._root
        probe = root if root.is_dir() else root.parent
        yield CheckStep(
            "The folder exists, or can be made",
            probe.is_dir(),
            str(root),
            "" if probe.is_dir() else f"Make “{root.parent}”, or choose another folder.",
        )
        if not probe.is_dir():
            return
        folder = probe / f".dtaas-probe-{uuid.uuid4().hex}"
        try:
            with translated("Writing", probe):
                folder.mkdir()
                first = disk.create_new(folder / "one", b"1", scratch=folder / "scratch")
                second = disk.create_new(folder / "one", b"2", scratch=folder / "scratch")
                disk.replace(folder / "one", b"3", scratch=folder / "scratch")
        except AppError as error:
            yield CheckStep("Files can be written", False, error.message, error.remedy)
            return
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        yield CheckStep("Files can be written", True)
        safe = first and not second
        yield CheckStep("A file is never replaced by accident", safe, remedy="" if safe else "Choose a folder on another disk.")
        free = shutil.disk_usage(probe).free
        yield CheckStep("There is space", free > 0, f"{free / 1e9:.1f} GB free", "" if free else "Free some space.")

    def inspect(self, target: Target) -> TargetState:
        places = self._places(target)
        self._refuse_columns(target)
        with translated(f"Looking at “{target.name}”", self._root):
            self._refuse_place()
            self._refuse_links(places)
            state = Log(self._root, places.log).state()
            return target_state(state, foreign=self._foreign(places, state), harm=harm(places, state))

    def settle(self, target: Target, keep: Collection[PlanId]) -> TargetState:
        places = self._places(target)
        with translated(f"Settling “{target.name}”", self._root):
            self._refuse_place()
            self._refuse_links(places)
            state = self._publishing(places).settled()
            faults.reach("settle:staging")
            clean_staging(places, self._workspace, keep=keep, needed=self._decided_staging())
            return target_state(state, foreign=self._foreign(places, state), harm=harm(places, state))

    def stage(
        self, target: Target, part: PartId, *, attempt: Attempt, budget: Budget, kind: Kind = "load"
    ) -> AbstractContextManager[Stage]:
        places = self._places(target)
        self._refuse_columns(target)
        with translated(f"Writing “{target.name}”", self._root):
            self._refuse_links(places)
            self._refuse_place()
            self._root.mkdir(exist_ok=True)
        folder = places.attempt(self._workspace, attempt.plan, attempt.nonce)
        spot, schema = Spot(places, folder, part, attempt), target.staged_schema(kind)
        if target.write_mode == "mirror" and kind == "changes":
            # Here, because nothing else of a folder needs DuckDB, whose import every run would wait for.
            from dtaas_desktop.connectors.files.net_stage import net_staging

            return net_staging(spot, target.files, schema, key=target.key, budget=budget)
        return staging(spot, target.files, schema, budget)

    def discard(self, target: Target, attempt: Attempt) -> None:
        places = self._places(target)
        with translated(f"Cleaning up after “{target.name}”", self._root):
            decided = Log(self._root, places.log).state().pending
            if decided is None or decided.nonce != attempt.nonce:
                disk.remove_tree(self._root, places.attempt(self._workspace, attempt.plan, attempt.nonce))

    def publish(self, publications: Sequence[Publication]) -> Sequence[Published | AppError]:
        return [self._published(publication) for publication in publications]

    def sample(self, target: Target, *, limit: int, rejected: bool = False) -> pa.Table:
        places = self._places(target)
        with translated(f"Reading “{target.name}”", self._root):
            return sample(self._root, Log(self._root, places.log).state(), limit=limit, rejected=rejected)

    def _published(self, publication: Publication) -> Published | AppError:
        places = self._places(publication.target)
        try:
            self._refuse_columns(publication.target)
            with translated(f"Publishing “{publication.target.name}”", self._root):
                self._refuse_links(places)
                self._refuse_place()
                self._root.mkdir(exist_ok=True)
                return self._publishing(places).publish(publication)
        except AppError as error:
            return error

    def _places(self, target: Target) -> Places:
        return Places(self._root, target.name)

    def _publishing(self, places: Places) -> Publishing:
        return Publishing(places, workspace=self._workspace)

    def _refuse_columns(self, target: Target) -> None:
        if error := reserved_problem(target):
            raise error

    def _refuse_place(self) -> None:
        if self._root.exists() and not self._root.is_dir():
            raise UserError(f"“{self._root}” is a file, where a folder should be.", remedy="Choose another folder.")
        if not self._root.parent.is_dir():
            raise UserError(f"The folder “{self._root.parent}” does not exist.", remedy="Make it, or choose another folder.")

    def _refuse_links(self, places: Places) -> None:
        for relative in (OURS, places.folder, places.rejected):
            path = self._root / relative
            if path.is_symlink():
                raise UserError(
                    f"“{path}” is a symbolic link; rows are not written through links.",
                    remedy="Replace it by a real folder, or choose another name.",
                )
            if path.exists() and not path.is_dir():
                raise UserError(f"“{path}” is a file, where a folder should be.", remedy="Move it away, or choose another name.")

    def _foreign(self, places: Places, state: State) -> bool:
        """Whether the target's place holds files without any record of ours, those of a decision under way left out."""
        if state.last is not None:
            return False
        ours = {file.final for record in (state.pending, *state.leftovers, *state.recent) if record for file in record.files}
        for relative in (places.folder, places.rejected):
            for folder, _, names in os.walk(self._root / relative):
                inside = Path(folder).relative_to(self._root).as_posix()
                if any(f"{inside}/{name}" not in ours for name in names):
                    return True
        return False

    def _decided_staging(self) -> set[str]:
        """Staged files that a pending record of any target still needs."""
        found: set[str] = set()
        for name in folders(self._root / OURS / "targets"):
            with contextlib.suppress(UserError):  # another target's damaged log is not this target's business
                pending = Log(self._root, f"{OURS}/targets/{name}").state().pending
                found |= {file.staged for file in pending.files} if pending else set()
        return found
