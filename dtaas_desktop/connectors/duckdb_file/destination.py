"""The DuckDB destination: staging is Parquet beside the file, and the file itself is open only while publishing."""

import contextlib
import os
import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa

from dtaas_desktop.connectors.duckdb_file.database import Database
from dtaas_desktop.connectors.duckdb_file.errors import MemoryTooSmall, translated
from dtaas_desktop.connectors.duckdb_file.numbered_stage import numbered_staging
from dtaas_desktop.connectors.duckdb_file.records import make_records, move_record, record_of
from dtaas_desktop.connectors.duckdb_file.shape import is_soft, problem
from dtaas_desktop.connectors.duckdb_file.tables import publish_rows, refuse, target_state
from dtaas_desktop.connectors.files import disk
from dtaas_desktop.connectors.files.errors import translated as files_translated
from dtaas_desktop.connectors.files.layout import Places
from dtaas_desktop.connectors.files.sql_types import quoted
from dtaas_desktop.connectors.files.stage import Spot, staging
from dtaas_desktop.connectors.files.sweep import clean_staging
from dtaas_desktop.domain import faults
from dtaas_desktop.domain.changes import DELETED_AT, Kind
from dtaas_desktop.domain.connection import CheckStep, DuckDBSettings
from dtaas_desktop.domain.errors import AppError, StagedLost, UserError
from dtaas_desktop.domain.file_settings import FileSettings
from dtaas_desktop.domain.ports import Budget, Stage
from dtaas_desktop.domain.table import REJECTED, PartId
from dtaas_desktop.domain.target import REJECTED_SUFFIX, Attempt, PlanId, Publication, Published, Target, TargetState

# Staged rows are written once and read once: quick to pack counts more than small.
_STAGED = FileSettings(format="parquet", compression="snappy", file_size_mb=256)
_MEMORY = "1GB"
# Changes come while the rest of the application works, and their statements are cut to little; rows of thousands of columns need more.
_MEMORY_FOR_CHANGES = "300MB"
_MOST_MEMORY = "4GB"


class _Spoilt(Exception):
    """One publication of a transaction failed in its statements, for a reason of its own."""

    def __init__(self, index: int, error: UserError) -> None:
        super().__init__(str(error))
        self.index, self.error = index, error


@contextmanager
def _spoiling(index: int, file: Path) -> Iterator[None]:
    try:
        with translated("Publishing", file):
            yield
    except MemoryTooSmall:
        raise
    except UserError as error:
        raise _Spoilt(index, error) from error


class DuckDBDestination:
    """Tables in one database file; see ports.Destination. Publications of one call are one transaction."""

    publish_seconds: float = 0.0
    keeps_unchanged: bool = True

    def __init__(self, settings: DuckDBSettings, *, workspace: str) -> None:
        self._file = Path(settings.path).expanduser().absolute()
        self._workspace = workspace
        self._root = self._file.with_name(self._file.name + ".dtaas")
        self._publishing = threading.Lock()
        self._rooting = threading.Lock()
        self._stages = 0  # open ones: the root is made for the first, and dropped by none of the others while it is in use

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
                Database(connection).columns("")
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
            return target_state(Database(connection), target)

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

    def stage(
        self, target: Target, part: PartId, *, attempt: Attempt, budget: Budget, kind: Kind = "load"
    ) -> AbstractContextManager[Stage]:
        self._refuse(target)
        places = self._places(target)
        with files_translated(f"Writing “{target.name}”", self._root):
            self._refuse_place()
        folder = places.attempt(self._workspace, attempt.plan, attempt.nonce)
        spot, schema = Spot(places, folder, part, attempt, revealed=False), target.staged_schema(kind)
        if target.write_mode == "mirror" and kind == "changes":
            return self._rooted(target, numbered_staging(spot, _STAGED, schema, budget))
        return self._rooted(target, staging(spot, _STAGED, schema, budget))

    @contextmanager
    def _rooted(self, target: Target, inner: AbstractContextManager[Stage]) -> Iterator[Stage]:
        with self._rooting:
            with files_translated(f"Writing “{target.name}”", self._root):
                self._root.mkdir(exist_ok=True)
            self._stages += 1
        try:
            with inner as stage:
                yield stage
        finally:
            with self._rooting:
                self._stages -= 1

    def discard(self, target: Target, attempt: Attempt) -> None:
        with files_translated(f"Cleaning up after “{target.name}”", self._root):
            disk.remove_tree(self._root, self._places(target).attempt(self._workspace, attempt.plan, attempt.nonce))
            self._drop_root()

    def publish(self, publications: Sequence[Publication]) -> Sequence[Published | AppError]:
        """All that can be published in one transaction; the others are answered with what keeps them."""
        harms = [self._harm(publication) for publication in publications]
        changes = any(publication.kind == "changes" for publication in publications)
        memories = [*([_MEMORY_FOR_CHANGES] if changes else []), _MEMORY, _MOST_MEMORY]
        answers: Sequence[Published | AppError] = []
        while memories:
            try:
                answers = self._transacted(publications, harms, memory=memories[0])
                break
            except _Spoilt as spoilt:  # once more, without the one that cannot be
                harms[spoilt.index] = spoilt.error
            except AppError as error:
                answers = [harm or error for harm in harms]
                memories = memories[1:] if isinstance(error, MemoryTooSmall) else []
        faults.reach("publish:clean")
        for publication, answer in zip(publications, answers, strict=True):
            if isinstance(answer, Published):
                self.discard(publication.target, publication.attempt)
        return answers

    def sample(self, target: Target, *, limit: int, rejected: bool = False) -> pa.Table:
        with self._open(f"Reading “{target.name}”", read_only=True) as connection:
            database, name = Database(connection), target.name + (REJECTED_SUFFIX if rejected else "")
            if rejected and not database.exists("main", name):
                return REJECTED.empty_table()
            return database.rows(name, limit)

    def _transacted(
        self, publications: Sequence[Publication], harms: Sequence[AppError | None], *, memory: str
    ) -> list[Published | AppError]:
        """One answer for each publication; the whole transaction goes, or nothing."""
        faults.reach("publish:open")
        pa.default_memory_pool().release_unused()  # what staging used: DuckDB takes its own
        # One after the other: two transactions of this process would only make one of them fail and try again.
        with self._publishing, self._open("Publishing", memory=memory) as connection:
            database = Database(connection)
            connection.begin()
            make_records(database)
            answers: list[Published | AppError] = []
            for index, (publication, harm) in enumerate(zip(publications, harms, strict=True)):
                with _spoiling(index, self._file):
                    answers.append(self._loaded(database, publication, harm))
            faults.reach("publish:commit")
            connection.commit()  # whatever is raised before this: closing the connection rolls back
            faults.reach("publish:close")
        return answers

    def _loaded(self, database: Database, publication: Publication, harm: AppError | None) -> Published | AppError:
        """The publication's rows and record written, or why they were left out."""
        name = publication.target.name
        record = record_of(database, name)
        if record is not None and record.state.plan == publication.attempt.plan:
            return record.published  # only the answer was lost
        if harm is not None:
            return harm
        try:
            refuse(database, publication, record, self._root)
        except UserError as error:
            return error
        faults.reach(f"publish:load:{name}")
        rows = publish_rows(database, publication, record, self._root)
        published = self._published(publication, rows)
        faults.reach(f"publish:position:{name}")
        move_record(database, publication, published)
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

    def _published(self, publication: Publication, rows: int) -> Published:
        files = [file for staged in publication.staged for file in staged.files if file.role == "data"]
        alive = f" WHERE {quoted(DELETED_AT)} IS NULL" if is_soft(publication.target) else ""
        name = publication.target.name
        return Published(
            target=name,
            revision=publication.after + 1,
            rows=rows,
            files=0,
            bytes=sum(file.bytes for file in files),
            location=f"{self._file}, table {name}",
            query=f"SELECT count(*) FROM {quoted(name)}{alive}",
        )

    @contextmanager
    def _open(self, doing: str, *, read_only: bool = False, memory: str = _MEMORY) -> Iterator[duckdb.DuckDBPyConnection]:
        with translated(doing, self._file):
            connection = duckdb.connect(str(self._file), read_only=read_only)
            try:
                # Spilled rows go where they are swept, should we die; an empty row order saves memory.
                connection.execute("SET temp_directory = ?", [str(self._root / "spill")])
                connection.execute(f"SET memory_limit = '{memory}'; SET preserve_insertion_order = false; SET TimeZone = 'UTC'")
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
        with self._rooting, contextlib.suppress(OSError):  # not empty: somebody else's staging
            if not self._stages:
                self._root.rmdir()
