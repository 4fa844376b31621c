"""Staging one part: rows go into files that nobody can see, rotated by size, one set per partition folder."""

import contextlib
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pyarrow as pa

from dtaas_desktop.connectors.files import disk
from dtaas_desktop.connectors.files.errors import translated
from dtaas_desktop.connectors.files.formats import Encoder, Format, file_format, suffix
from dtaas_desktop.connectors.files.layout import Places
from dtaas_desktop.connectors.files.partitions import Partitions
from dtaas_desktop.domain import faults
from dtaas_desktop.domain.errors import TransientError
from dtaas_desktop.domain.file_settings import FileSettings
from dtaas_desktop.domain.ports import Budget
from dtaas_desktop.domain.table import REJECTED, PartId
from dtaas_desktop.domain.target import Attempt, StagedFile

_OPEN_FILES = 64
_PIECE_BYTES = 64 * 1024 * 1024  # given to an encoder at once
_WORTH_FLUSHING = 1024 * 1024
_MEGABYTE = 1_000_000
_RACES = 20

Role = Literal["data", "rejected"]


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a stage writes: its (relative) folder below the target's root, and what its files will be called.

    `revealed`: whether the files themselves are published, under final names; or only loaded from.
    """

    places: Places
    folder: str
    part: PartId
    attempt: Attempt
    revealed: bool = True

    def final(self, role: Role, partition: str, *, token: str, counter: int, ending: str) -> str:
        if not self.revealed:
            return ""
        return self.places.final(
            role, partition, revision=self.attempt.revision, part=self.part, token=token, counter=counter, ending=ending
        )


class _OpenFile:
    """One file being written."""

    def __init__(self, kind: Format, path: Path, staged: str, final: str, role: Role) -> None:
        self.staged, self.final, self.role = staged, final, role
        self.rows = 0
        self._path = path
        self._sink = pa.OSFile(str(path), "wb")
        self._encoder: Encoder = kind.open(self._sink)

    @property
    def size(self) -> int:
        return int(self._sink.tell())

    @property
    def buffered(self) -> int:
        return self._encoder.buffered

    def write(self, batch: pa.RecordBatch) -> None:
        self._encoder.write(batch)
        self.rows += batch.num_rows

    def flush(self) -> None:
        self._encoder.flush()

    def finish(self) -> StagedFile:
        """Close and make durable. The checksum is of the file as it lies on the disk."""
        self._encoder.close()
        self._sink.close()
        disk.sync_file(self._path)
        size, checksum = disk.digest(self._path)
        return StagedFile(self.staged, self.final, self.rows, size, checksum, self.role)

    def abandon(self) -> None:
        self._encoder.abandon()
        self._sink.close()


class _Files:
    """The files of one role (data or rejected rows) of one stage."""

    def __init__(self, spot: Spot, role: Role, token: str, settings: FileSettings, schema: pa.Schema) -> None:
        self._spot, self._role, self._token = spot, role, token
        self._suffix = suffix(settings)
        self._target_bytes = max(1, int(settings.file_size_mb * _MEGABYTE))
        self.format = file_format(settings, schema, lasting=spot.revealed)
        self._open: dict[str, _OpenFile] = {}
        self._count = 0
        self._given = 0  # bytes of Arrow memory written so far
        self._finished_bytes = 0
        self.finished: list[StagedFile] = []

    @property
    def buffered(self) -> int:
        return sum(file.buffered for file in self._open.values())

    @property
    def bytes(self) -> int:
        return self._finished_bytes + sum(file.size for file in self._open.values())

    def write(self, partition: str, rows: pa.RecordBatch) -> None:
        """Add rows to the partition's file; begin another file whenever one has its size."""
        while rows.num_rows:
            file = self._file(partition)
            fitting = self._fitting(file, rows)
            piece, rows = rows.slice(0, fitting), rows.slice(fitting)
            file.write(piece)
            self._given += piece.nbytes
            if file.size + file.buffered * self._density >= self._target_bytes:
                file.flush()
                if file.size >= 0.8 * self._target_bytes:
                    self._close(partition)

    def flush_largest(self) -> None:
        """Give back memory, where there is enough of it to be worth a smaller row group."""
        largest = max(self._open.values(), key=lambda file: file.buffered, default=None)
        if largest and largest.buffered >= _WORTH_FLUSHING:
            largest.flush()

    def finish(self) -> None:
        for partition in list(self._open):
            self._close(partition)

    def abandon(self) -> None:
        for file in self._open.values():
            file.abandon()
        self._open.clear()

    @property
    def _density(self) -> float:
        """Bytes of file for each byte in Arrow memory, as this stage has seen it so far."""
        encoded = self._given - self.buffered
        return max(self.bytes, 1) / encoded if encoded >= _WORTH_FLUSHING else self.format.density

    def _fitting(self, file: _OpenFile, rows: pa.RecordBatch) -> int:
        """How many of the rows to hand over at once: at least one, about as many as the file still has room for."""
        room = (self._target_bytes - file.size) / self._density - file.buffered
        each = max(1.0, rows.nbytes / rows.num_rows)
        return int(max(1, min(rows.num_rows, min(room, _PIECE_BYTES) // each)))

    def _file(self, partition: str) -> _OpenFile:
        file = self._open.pop(partition, None)
        if file is None:
            if len(self._open) >= _OPEN_FILES:
                self._close(next(iter(self._open)))  # the one that was used longest ago
            file = self._begin(partition)
        self._open[partition] = file  # last in the dict: most recently used
        return file

    def _begin(self, partition: str) -> _OpenFile:
        self._count += 1
        spot = self._spot
        # No suffix of the format: a reader's glob must not find it.
        name = f"{self._role}-{self._token}-{self._count:04}"
        final = spot.final(self._role, partition, token=self._token, counter=self._count, ending=self._suffix)
        for _ in range(_RACES):
            folder = disk.make_folders(spot.places.root, spot.folder)
            try:
                return _OpenFile(self.format, folder / name, f"{spot.folder}/{name}", final, self._role)
            except FileNotFoundError:  # another part of this attempt was dropped, and the empty folder with it
                continue
        raise TransientError(f"“{spot.places.root / spot.folder}” is removed again and again by another program.")

    def _close(self, partition: str) -> None:
        done = self._open[partition].finish()
        del self._open[partition]
        self._finished_bytes += done.bytes
        self.finished.append(done)


class FileStage:
    """One part being staged for one target; see ports.Stage."""

    def __init__(self, spot: Spot, settings: FileSettings, schema: pa.Schema, budget: Budget) -> None:
        self._spot, self._settings, self._schema, self._budget = spot, settings, schema, budget
        self._partitions = Partitions(settings, schema)
        self.token = uuid.uuid4().hex[:12]  # so that staging a part again never meets what an earlier try left
        self._data = _Files(spot, "data", self.token, settings, schema)
        self._rejected: _Files | None = None
        self._charged = 0
        self._finished: tuple[StagedFile, ...] | None = None

    @property
    def bytes(self) -> int:
        return self._data.bytes + (self._rejected.bytes if self._rejected else 0)

    def write(self, batch: pa.RecordBatch) -> None:
        faults.reach("stage:write")
        if batch.schema.names != self._schema.names:
            raise ValueError(f"a batch with columns {batch.schema.names} for a target with {self._schema.names}")
        with self._translated():
            for partition, rows in self._partitions.split(batch):
                self._data.write(partition, rows)
                self._settle_budget()

    def reject(self, rejected: pa.RecordBatch) -> None:
        faults.reach("stage:reject")
        with self._translated():
            if self._rejected is None:
                self._rejected = _Files(self._spot, "rejected", self.token, self._settings, REJECTED)
            self._rejected.write("", rejected)
            self._settle_budget()

    def finish(self) -> Sequence[StagedFile]:
        faults.reach("stage:finish")
        with self._translated():
            for files in self._all:
                files.finish()
                files.format.close()
                self._settle_budget()
            staged = tuple(file for files in self._all for file in files.finished)
            if staged:
                disk.sync_folder(self._spot.places.root / self._spot.folder)
        self._finished = staged
        return staged

    def close(self) -> None:
        """Drop everything unless the stage was finished."""
        if self._finished is not None:
            return
        places = self._spot.places
        for files in self._all:
            with contextlib.suppress(OSError):  # a full disk complains at closing, too
                files.abandon()
            files.format.close()
        self._budget.charge(-self._charged)
        self._charged = 0
        folder = places.root / self._spot.folder
        for path in folder.glob(f"*-{self.token}-*") if folder.is_dir() else ():
            with contextlib.suppress(OSError):  # settle comes by again
                path.unlink(missing_ok=True)
        disk.prune(places.root, self._spot.folder)

    @property
    def _all(self) -> list[_Files]:
        return [self._data] + ([self._rejected] if self._rejected else [])

    def _translated(self) -> contextlib.AbstractContextManager[None]:
        places = self._spot.places
        return translated(f"Writing “{places.name}”", places.root, needed=int(self._settings.file_size_mb * _MEGABYTE))

    def _settle_budget(self) -> None:
        over = self._recharge()
        if over:
            max(self._all, key=lambda files: files.buffered).flush_largest()
            self._recharge()

    def _recharge(self) -> bool:
        held = sum(files.buffered for files in self._all)
        change, self._charged = held - self._charged, held
        return self._budget.charge(change)


@contextlib.contextmanager
def staging(spot: Spot, settings: FileSettings, schema: pa.Schema, budget: Budget) -> Iterator[FileStage]:
    """An open stage; what it wrote is dropped unless it was finished."""
    faults.reach("stage:open")
    stage = FileStage(spot, settings, schema, budget)
    try:
        yield stage
    finally:
        stage.close()
