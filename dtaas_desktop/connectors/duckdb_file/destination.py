"""The DuckDB destination: staging is Parquet beside the file, and the file itself is open only while publishing."""

import contextlib
import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa

from dtaas_desktop.connectors.duckdb_file.errors import translated
from dtaas_desktop.connectors.duckdb_file.tables import Tables, append_problem, problem
from dtaas_desktop.connectors.files import disk
from dtaas_desktop.connectors.files.errors import translated as files_translated
from dtaas_desktop.connectors.files.layout import Places
from dtaas_desktop.connectors.files.sql_types import quoted
from dtaas_desktop.connectors.files.stage import FileStage, Spot, staging
from dtaas_desktop.connectors.files.sweep import clean_staging
from dtaas_desktop.domain import faults
from dtaas_desktop.domain.connection import CheckStep, DuckDBSettings
from dtaas_desktop.domain.errors import AppError, StagedLost, UserError
from dtaas_desktop.domain.file_settings import FileSettings
from dtaas_desktop.domain.ports import Budget
from dtaas_desktop.domain.table import PartId
from dtaas_desktop.domain.target import REJECTED_SUFFIX, Attempt, PlanId, Publication, Published, Target, TargetState

# Staged rows are written once and read once: quick to pack counts more than small.
_STAGED = FileSettings(format="parquet", compression="snappy", file_size_mb=256)
_MEMORY = "1GB"


class DuckDBDestination:
    """Tables in one database file; see ports.Destination. Publications of one call are one transaction."""

    def __init__(self, settings: DuckDBSettings, *, workspace: str) -> None:
        self._file = Path(settings.path).expanduser().absolute()
        self._workspace = workspace
        self._root = self._file.with_name(self._file.name + ".dtaas")

    def check(self) -> Iterator[CheckStep]:
        there = self._file.parent.is_dir()
        yield CheckStep(
            "The folder exists", there, str(self._file.parent), "" if there else "Make the folder, or choose another file."
        )
        if not there:
            return
        allowed = os.access(self._file if self._file.exists() else self._file.parent, os.W_OK)
        yield CheckStep(
            "The file can be written", allowed, str(self._file), "" if allowed else "Choose a file that can be written."
        )
        if not self._file.exists():
            yield CheckStep("The file is made by the first run", True)
            return
        try:
            with self._open("Testing", read_only=True) as connection:
                Tables(connection).columns("")
        except AppError as error:
            yield CheckStep("The file is a DuckDB database, and free", False, error.message, error.remedy)
            return
        yield CheckStep("The file is a DuckDB database, and free", True)

    def inspect(self, target: Target) -> TargetState:
        self._refuse(target)
        self._refuse_place()
        if not self._file.exists():
            return TargetState()
        with self._open(f"Looking at “{target.name}”", read_only=True) as connection:
            return Tables(connection).state(target)

    def settle(self, target: Target, keep: Collection[PlanId]) -> TargetState:
        self._refuse(target)
        if self._file.with_name(self._file.name + ".wal").exists() and self._file.exists():
            with self._open("Recovering"):  # a run died in the middle: opening to write takes the log in
                faults.reach("settle:recover")
        state = self.inspect(target)
        faults.reach("settle:staging")
        with files_translated(f"Cleaning up after “{target.name}”", self._root):
            self._clean(target, keep)
        return state

    def stage(self, target: Target, part: PartId, *, attempt: Attempt, budget: Budget) -> AbstractContextManager[FileStage]:
        self._refuse(target)
        places = self._places(target)
        with files_translated(f"Writing “{target.name}”", self._root):
            self._refuse_place()
            self._root.mkdir(exist_ok=True)
        folder = places.attempt(self._workspace, attempt.plan, attempt.nonce)
        return staging(Spot(places, folder, part, attempt, revealed=False), _STAGED, target.schema, budget)

    def discard(self, target: Target, attempt: Attempt) -> None:
        with files_translated(f"Cleaning up after “{target.name}”", self._root):
            disk.remove_tree(self._root, self._places(target).attempt(self._workspace, attempt.plan, attempt.nonce))
            self._drop_root()

    def publish(self, publications: Sequence[Publication]) -> Sequence[Published | AppError]:
        """All that can be published in one transaction; the others are answered with what keeps them."""
        harms = [self._harm(publication) for publication in publications]
        try:
            answers = self._transacted(publications, harms)
        except AppError as error:
            answers = [harm or error for harm in harms]
        faults.reach("publish:clean")
        for publication, answer in zip(publications, answers, strict=True):
            if isinstance(answer, Published):
                self.discard(publication.target, publication.attempt)
        return answers

    def sample(self, target: Target, *, limit: int, rejected: bool = False) -> pa.Table:
        with self._open(f"Reading “{target.name}”", read_only=True) as connection:
            return Tables(connection).rows(target.name + (REJECTED_SUFFIX if rejected else ""), limit)

    def _transacted(self, publications: Sequence[Publication], harms: Sequence[AppError | None]) -> list[Published | AppError]:
        """One answer for each publication; the whole transaction goes, or nothing."""
        faults.reach("publish:open")
        with self._open("Publishing") as connection:
            tables = Tables(connection)
            connection.begin()
            tables.make_records()
            answers = [self._loaded(tables, publication, harm) for publication, harm in zip(publications, harms, strict=True)]
            faults.reach("publish:commit")
            connection.commit()  # whatever is raised before this: closing the connection rolls back
            faults.reach("publish:close")
        return answers

    def _loaded(self, tables: Tables, publication: Publication, harm: AppError | None) -> Published | AppError:
        """The publication's rows and record written, or why they were left out."""
        name = publication.target.name
        record = tables.record(name)
        if record is not None and record.state.plan == publication.attempt.plan:
            return record.published  # only the answer was lost
        refused = harm or _refusal(tables, publication, revision=record.state.revision if record else 0)
        if refused is not None:
            return refused
        faults.reach(f"publish:load:{name}")
        rows = tables.load(publication, self._root)
        published = self._published(publication)
        faults.reach(f"publish:position:{name}")
        tables.move_record(publication, published, rows)
        return published

    def _harm(self, publication: Publication) -> AppError | None:
        """StagedLost with the parts whose files are not as they were finished."""
        faults.reach("publish:verify")
        name = publication.target.name
        if error := problem(publication.target):
            return error
        try:
            with files_translated(f"Verifying “{name}”", self._root):
                lost = [
                    staged.part
                    for staged in publication.staged
                    if not all(disk.unharmed(self._root, file) for file in staged.files)
                ]
        except AppError as error:
            return error
        return StagedLost(lost, f"Staged files of “{name}” are missing or damaged (parts {', '.join(lost)}).") if lost else None

    def _published(self, publication: Publication) -> Published:
        files = [file for staged in publication.staged for file in staged.files if file.role == "data"]
        name = publication.target.name
        return Published(
            target=name,
            revision=publication.after + 1,
            rows=sum(file.rows for file in files),
            files=0,
            bytes=sum(file.bytes for file in files),
            location=f"{self._file}, table {name}",
            query=f"SELECT count(*) FROM {quoted(name)}",
        )

    @contextmanager
    def _open(self, doing: str, *, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
        with translated(doing, self._file):
            connection = duckdb.connect(str(self._file), read_only=read_only)
            try:
                # Spilled rows go where they are swept, should we die; an empty row order saves memory.
                connection.execute("SET temp_directory = ?", [str(self._root / "spill")])
                connection.execute(f"SET memory_limit = '{_MEMORY}'; SET preserve_insertion_order = false; SET TimeZone = 'UTC'")
                yield connection
            finally:
                connection.close()

    def _refuse(self, target: Target) -> None:
        if error := problem(target):
            raise error

    def _refuse_place(self) -> None:
        if not self._file.parent.is_dir():
            raise UserError(f"The folder “{self._file.parent}” does not exist.", remedy="Make it, or choose another file.")
        if self._file.is_dir():
            raise UserError(f"“{self._file}” is a folder.", remedy="Choose a file.")

    def _places(self, target: Target) -> Places:
        return Places(self._root, target.name, area="staging")

    def _clean(self, target: Target, keep: Collection[PlanId]) -> None:
        if self._root.is_dir():
            clean_staging(self._places(target), self._workspace, keep=keep, needed=())
            disk.remove_tree(self._root, "spill")
            self._drop_root()

    def _drop_root(self) -> None:
        with contextlib.suppress(OSError):  # not empty: somebody else's staging
            self._root.rmdir()


def _refusal(tables: Tables, publication: Publication, *, revision: int) -> AppError | None:
    target = publication.target
    if revision != publication.after:
        return UserError(
            f"“{target.name}” was published by someone else in the meantime: it is at revision {revision}, "
            f"this run was planned on revision {publication.after}.",
            remedy="Nothing was written. Run the task again.",
        )
    if target.write_mode == "append":
        return append_problem(target, tables.columns(target.name), published=revision > 0)
    return None
