"""Systems made of memory, for tests of the engine: they keep the promises of domain.ports and can be told to break them."""

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import pyarrow as pa

from dtaas_desktop.domain.changes import CHANGES, Changes, Kind, Lag, Operation
from dtaas_desktop.domain.connection import CheckStep
from dtaas_desktop.domain.errors import AppError, PositionLost, StagedLost, UserError
from dtaas_desktop.domain.plan import JobId, Plan, Progress, Resume
from dtaas_desktop.domain.ports import Budget, CaptureState
from dtaas_desktop.domain.table import CellPolicy, Column, Part, PartId, Rows, TableDescription, TableRef
from dtaas_desktop.domain.target import (
    Attempt,
    PlanId,
    Publication,
    Published,
    Staged,
    StagedFile,
    Target,
    TargetState,
)

Trouble = Callable[[str, str], None]  # (what is being done, to what): may raise


def no_trouble(_: str, __: str) -> None:
    pass


@dataclass
class MemorySource:
    """Tables as lists of batches; each batch is one part."""

    data: dict[str, list[pa.RecordBatch]]
    key: tuple[str, ...] = ("id",)
    exact_by_default: bool = False
    trouble: Trouble = no_trouble
    read: list[tuple[str, str]] = field(default_factory=list)
    columns_read: list[tuple[str, ...]] = field(default_factory=list)
    capture: "MemoryCapture | None" = None

    def check(self) -> Iterator[CheckStep]:
        yield CheckStep("Memory is there", ok=True)

    def tables(self) -> Sequence[TableRef]:
        return [TableRef(name) for name in self.data]

    def describe(self, table: TableRef, *, published: pa.Schema | None = None) -> TableDescription:
        self.trouble("describe", table.name)
        batches = self.data[table.name]
        columns = tuple(Column(f.name, f.type, f.nullable) for f in batches[0].schema)
        return TableDescription(table, columns, self.key, rows_estimate=sum(batch.num_rows for batch in batches))

    def split(self, table: TableDescription, parts: int, *, exact: bool) -> Sequence[Part]:
        return [Part(str(i), i, i + 1, batch.num_rows) for i, batch in enumerate(self.data[table.table.name])]

    @contextmanager
    def session(self, tables: Sequence[TableRef], *, exact: bool) -> Iterator["MemorySession"]:
        self.trouble("session", "exact" if exact else "resumable")
        yield MemorySession(self)


@dataclass
class MemoryCapture:
    """Net changes of a MemorySource: keys by table, in the order they were touched; a position is how many there were."""

    net: bool = True
    touched: dict[str, list[int]] = field(default_factory=dict)
    off: set[str] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)  # tables whose saved positions are of no use
    held: dict[tuple[str, str], int] = field(default_factory=dict)  # by consumer and table

    def at(self, table: str) -> str:
        return f"{len(self.touched.get(table, [])):08}"

    def state(self, table: TableRef) -> CaptureState:
        return CaptureState(table.name not in self.off, reason="It was never installed.")

    def script(self, tables: Sequence[TableRef]) -> str:
        return "\n".join(f"capture {table}" for table in tables)

    def enable(self, tables: Sequence[TableRef]) -> None:
        self.off -= {table.name for table in tables}

    def disable(self, tables: Sequence[TableRef]) -> None:
        self.off |= {table.name for table in tables}

    def hold(self, consumer: str, tables: Collection[TableRef]) -> None:
        for table in tables:
            self.held.setdefault((consumer, table.name), int(self.at(table.name)))

    def release(self, consumer: str, upto: Mapping[TableRef, str]) -> None:
        for table, position in upto.items():
            self.held[consumer, table.name] = int(position)

    def lag(self, since: Mapping[TableRef, str]) -> Mapping[TableRef, Lag]:
        return {table: Lag(int(self.at(table.name)) - int(position), None) for table, position in since.items()}


class MemorySession:
    """Reads of a MemorySource, at the moment it was opened."""

    def __init__(self, source: MemorySource) -> None:
        self._source = source
        self._data = {name: list(batches) for name, batches in source.data.items()}
        capture = source.capture
        names = [name for name in source.data if capture and name not in capture.off]
        self._now = {TableRef(name): capture.at(name) for name in names} if capture else {}

    def now(self) -> Mapping[TableRef, str]:
        return self._now

    @contextmanager
    def read(
        self,
        table: TableDescription,
        what: Part | Changes,
        *,
        columns: Sequence[str],
        cells: CellPolicy,
        whole: Collection[str] = (),
    ) -> Iterator["MemoryStream | MemoryChanges"]:
        if isinstance(what, Changes):
            yield self._changes(table, what, columns)
        else:
            yield self._part(table, what, columns)

    def _changes(self, table: TableDescription, changes: Changes, columns: Sequence[str]) -> "MemoryChanges":
        source, name = self._source, table.table.name
        assert source.capture is not None
        source.trouble("changes", name)
        if name in source.capture.lost:
            raise PositionLost(f"Changes of {name} are gone.", remedy="Reload it.")
        (key,) = source.key
        touched = dict.fromkeys(source.capture.touched.get(name, [])[int(changes.after) : int(changes.upto)])
        rows = {row[key]: row for batch in self._data[name] for row in batch.to_pylist()}
        images = [rows.get(one, {key: one}) for one in touched]
        operations = [Operation.PRESENT if one in rows else Operation.ABSENT for one in touched]
        schema = pa.schema([table.schema.field(column).with_nullable(True) for column in columns])
        beside = {
            "operation": [int(operation) for operation in operations],
            "transaction": [changes.upto] * len(images),
            "position": [f"{changes.upto}-{number:08}" for number in range(len(images))],
            "committed_at": [None] * len(images),
        }
        batch = pa.RecordBatch.from_pylist([{column: image.get(column) for column in columns} for image in images], schema=schema)
        return MemoryChanges(batch, pa.RecordBatch.from_pydict(beside, schema=CHANGES))

    def _part(self, table: TableDescription, part: Part, columns: Sequence[str]) -> "MemoryStream":
        source, place = self._source, f"{table.table.name}/{part.id}"
        source.trouble("read", place)
        source.read.append((table.table.name, part.id))
        source.columns_read.append(tuple(columns))
        batch = self._data[table.table.name][int(part.id)].select(list(columns))
        return MemoryStream(batch, lambda: source.trouble("batch", place))


@dataclass
class MemoryStream:
    batch: pa.RecordBatch
    before: Callable[[], None]
    cancelled: bool = False

    @property
    def schema(self) -> pa.Schema:
        return self.batch.schema

    def __iter__(self) -> Iterator[Rows]:
        size = 10
        for start in range(0, self.batch.num_rows, size):
            if self.cancelled:
                return
            self.before()
            yield Rows(self.batch.slice(start, size))

    def cancel(self) -> None:
        self.cancelled = True


@dataclass
class MemoryChanges:
    batch: pa.RecordBatch
    changes: pa.RecordBatch

    @property
    def schema(self) -> pa.Schema:
        return self.batch.schema

    def __iter__(self) -> Iterator[Rows]:
        for start in range(0, self.batch.num_rows, 10):
            yield Rows(self.batch.slice(start, 10), changes=self.changes.slice(start, 10))

    def cancel(self) -> None:
        pass


@dataclass
class MemoryDestination:
    """Targets in a dictionary; staged tables in another, by file name. Of changes it can mirror net changes only."""

    publish_seconds: float = 0.0
    keeps_unchanged: bool = True
    together: list[list[str]] = field(default_factory=list)  # the targets of each call to publish
    trouble: Trouble = no_trouble
    tables: dict[str, pa.Table] = field(default_factory=dict)
    rejected: dict[str, pa.Table] = field(default_factory=dict)
    states: dict[str, TargetState] = field(default_factory=dict)
    staging: dict[str, pa.Table] = field(default_factory=dict)
    discarded: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def check(self) -> Iterator[CheckStep]:
        yield CheckStep("Memory is there", ok=True)

    def inspect(self, target: Target) -> TargetState:
        return self.states.get(target.name, TargetState())

    def settle(self, target: Target, keep: Collection[PlanId]) -> TargetState:
        with self.lock:
            for name in [n for n in self.staging if n.startswith(f"{target.name}/") and n.split("/")[1] not in keep]:
                del self.staging[name]
        return self.inspect(target)

    @contextmanager
    def stage(
        self, target: Target, part: PartId, *, attempt: Attempt, budget: Budget, kind: Kind = "load"
    ) -> Iterator["MemoryStage"]:
        self.trouble("stage", f"{target.name}/{part}")
        yield MemoryStage(self, target.staged_schema(kind), f"{target.name}/{attempt.plan}/{attempt.nonce}/{part}")

    def discard(self, target: Target, attempt: Attempt) -> None:
        self.discarded.append(target.name)
        self.settle(target, ())

    def publish(self, publications: Sequence[Publication]) -> Sequence[Published | AppError]:
        self.together.append([one.target.name for one in publications])
        return [self._publish(one) for one in publications]

    def _publish(self, one: Publication) -> Published | AppError:
        name = one.target.name
        try:
            self.trouble("publish", name)
        except AppError as error:
            return error
        with self.lock:
            state = self.inspect(one.target)
            if state.plan != one.attempt.plan:
                if state.revision != one.after:
                    return UserError(f"{name} has moved on")
                gone = [staged.part for staged in one.staged for file in staged.files if file.staged not in self.staging]
                if gone:
                    return StagedLost(gone, "Staged data is gone.")
                self.tables[name] = self._applied(one)
                self.rejected[name] = self._joined(one, "rejected", None)
                self.states[name] = TargetState(
                    one.after + 1,
                    one.position,
                    one.attempt.plan,
                    one.target.owner,
                    one.target.schema,
                    key=one.target.key,
                    steps=one.target.steps,
                    source=one.target.source,
                )
        rows = self.tables[name].num_rows
        return Published(name, self.states[name].revision, rows, len(one.staged), 0, "memory", "SELECT 1")

    def _applied(self, one: Publication) -> pa.Table:
        target = one.target
        staged = self._joined(one, "data", target.staged_schema(one.kind))
        if one.kind == "load":
            return staged.select(target.schema.names).cast(target.schema)
        assert target.write_mode == "mirror"
        (key,) = target.key
        known = self.tables[target.name].to_pylist() if target.name in self.tables else []
        rows = {row[key]: row for row in known}
        for row in staged.to_pylist():
            rows.pop(row[key], None)
            if row["__sign"] > 0:
                rows[row[key]] = {name: row[name] for name in target.schema.names}
        return pa.Table.from_pylist(list(rows.values()), schema=target.schema)

    def _joined(self, one: Publication, role: str, schema: pa.Schema | None) -> pa.Table:
        found = [self.staging[file.staged] for staged in one.staged for file in staged.files if file.role == role]
        return pa.concat_tables(found) if found else (schema or pa.schema([])).empty_table()

    def sample(self, target: Target, *, limit: int, rejected: bool = False) -> pa.Table:
        return (self.rejected if rejected else self.tables)[target.name].slice(0, limit)


class MemoryStage:
    def __init__(self, destination: MemoryDestination, schema: pa.Schema, name: str) -> None:
        self._destination, self._schema, self._name = destination, schema, name
        self._batches: list[pa.RecordBatch] = []
        self._rejected: list[pa.RecordBatch] = []

    def write(self, batch: pa.RecordBatch) -> None:
        self._destination.trouble("write", self._name)
        assert batch.schema == self._schema
        self._batches.append(batch)

    def reject(self, rejected: pa.RecordBatch) -> None:
        self._rejected.append(rejected)

    @property
    def bytes(self) -> int:
        return sum(batch.nbytes for batch in self._batches)

    def finish(self) -> Sequence[StagedFile]:
        files = []
        for role, batches in (("data", self._batches), ("rejected", self._rejected)):
            if batches:
                table = pa.Table.from_batches(batches)
                name = f"{self._name}/{role}"
                with self._destination.lock:
                    self._destination.staging[name] = table
                files.append(StagedFile(name, name, table.num_rows, table.nbytes, "", "data" if role == "data" else "rejected"))
        return files


@dataclass
class MemoryJournal:
    """Remembers, and gives it back for a resume."""

    plans: list[Plan] = field(default_factory=list)
    parts: dict[tuple[JobId, str], Staged] = field(default_factory=dict)
    done: set[tuple[int, str]] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def plan(self, plan: Plan) -> None:
        self.plans.append(plan)

    def staged(self, plan: PlanId, job: JobId, results: Mapping[str, Staged | AppError]) -> None:
        with self.lock:
            assert self.plans, "a part was staged before the plan was stored"
            self.parts |= {(job, route): one for route, one in results.items() if isinstance(one, Staged)}

    def published(self, plan: PlanId, table: int, route: str, outcome: Published | AppError) -> None:
        if isinstance(outcome, Published):
            self.done.add((table, route))

    def resume(self) -> Resume:
        staged = tuple((job, route, one) for (job, route), one in self.parts.items())
        return Resume(self.plans[-1], Progress(staged, frozenset(self.done)))
