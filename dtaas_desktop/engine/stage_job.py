"""One job: a part, or the changes of a turn, is read once, and each of its routes transforms and stages the rows on its own."""

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field

import pyarrow as pa

from dtaas_desktop.domain.changes import CHANGE_MODES, Changes, Position, loaded
from dtaas_desktop.domain.errors import AppError, TransientError, UserError
from dtaas_desktop.domain.plan import RoutePlan
from dtaas_desktop.domain.ports import Budget, Destination, Session, Stage
from dtaas_desktop.domain.table import CellPolicy, Counts, Part, Rows, TableDescription
from dtaas_desktop.domain.target import Staged
from dtaas_desktop.engine.cancel import CancelToken
from dtaas_desktop.engine.chain import Chain
from dtaas_desktop.engine.change_rows import ChangeRows, Taken
from dtaas_desktop.engine.meter import Meter

_LARGE_BATCH = 16 * 1024 * 1024  # bytes: where cells are very large, no two parts hold one at the same time


@dataclass(frozen=True, slots=True)
class JobRoute:
    """A route as a job needs it."""

    table_run: str
    plan: RoutePlan
    chain: Chain
    destination: Destination


@dataclass(frozen=True, slots=True)
class TableJobs:
    """What all jobs of one table share. `left` holds the ids of routes that failed: no job works for them any more.

    `changes`: what to read instead of parts, in a change turn; `position`: what the targets hold afterwards.
    """

    description: TableDescription
    columns: tuple[str, ...]
    cells: CellPolicy
    changes: Changes | None
    position: Position | None
    whole: tuple[str, ...]
    session: Session
    budget: Budget
    cancel: CancelToken
    meter: Meter
    readers: AbstractContextManager[object]  # entered while a part is read: as many at a time as the task allows
    left: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def leave(self, route: str) -> None:
        with self.lock:
            self.left.add(route)


def stage_part(
    jobs: TableJobs, part: Part, routes: Sequence[JobRoute], *, begun: Callable[[], None]
) -> Mapping[str, Staged | AppError]:
    """Stage `part` for each route; the answer is by RoutePlan.id. A route that fails leaves the others undisturbed.

    It waits for its turn to read, and calls `begun` then. A failure to read is every route's. Raises Interrupted if the run was asked
    to stop.
    """
    results: dict[str, Staged | AppError] = {}
    with ExitStack() as stack:
        writers: dict[str, _Writer] = {}
        with jobs.readers:
            begun()
            for route in routes:
                if route.plan.id in jobs.left:
                    continue
                writer = _Writer(jobs, part, route)
                try:
                    writer.open()
                except AppError as error:
                    results[route.plan.id] = error
                    continue
                stack.callback(writer.drop)
                writers[route.plan.id] = writer
            try:
                largest = _read_into(jobs, part, writers, results)
            except AppError as error:
                results |= dict.fromkeys(writers, error)
                return results
            if largest > _LARGE_BATCH:
                _finish(writers, results)
                return results
        # The next part is read while this one is made durable.
        _finish(writers, results)
    return results


def _finish(writers: Mapping[str, "_Writer"], results: dict[str, Staged | AppError]) -> None:
    for name, writer in writers.items():
        try:
            results[name] = writer.finish()
        except AppError as error:
            results[name] = error


def _read_into(jobs: TableJobs, part: Part, writers: dict[str, "_Writer"], results: dict[str, Staged | AppError]) -> int:
    """The bytes of the largest batch."""
    largest = 0
    what = jobs.changes or part
    with (
        jobs.session.read(jobs.description, what, columns=jobs.columns, cells=jobs.cells, whole=jobs.whole) as stream,
        jobs.cancel.waking(stream.cancel),
    ):
        full_rows = _Placeholders(jobs.description.schema, stream.schema)
        for rows in stream:
            jobs.cancel.check()
            held: int = rows.batch.nbytes
            largest = max(largest, held)
            jobs.budget.charge(held)
            try:
                whole = full_rows.complete(rows.batch)
                for name in list(writers):
                    try:
                        writers[name].take(rows, whole)
                    except AppError as error:
                        writers.pop(name).drop()
                        results[name] = error
                        if not isinstance(error, TransientError):
                            jobs.leave(name)
            finally:
                jobs.budget.charge(-held)
            for name in jobs.left & writers.keys():
                writers.pop(name).drop()
            if not writers:
                return largest
            del rows, whole  # cells may be very large: the next are not read beside these
    jobs.cancel.check()  # a stream that was told to stop may simply end
    return largest


class _Writer:
    """One route's side of a job: transform, check, stage, count."""

    def __init__(self, jobs: TableJobs, part: Part, route: JobRoute) -> None:
        self._jobs, self._part, self._route = jobs, part, route
        self._changes = ChangeRows(route.chain, jobs.description.schema, route.plan.target) if jobs.changes else None
        self._schema = route.plan.target.staged_schema("changes" if jobs.changes else "load")
        self._counts = Counts()
        self._given = 0
        self._bytes = 0
        self._context: AbstractContextManager[Stage] | None = None
        self._stage: Stage | None = None

    def open(self) -> None:
        plan = self._route.plan
        context = self._route.destination.stage(
            plan.target,
            self._part.id,
            attempt=plan.attempt,
            budget=self._jobs.budget,
            kind="changes" if self._jobs.changes else "load",
        )
        self._stage = context.__enter__()
        self._context = context

    def take(self, rows: Rows, whole: pa.RecordBatch) -> None:
        assert self._stage is not None
        taken = self._changes.take(rows, whole) if self._changes else self._loaded(whole)
        counts = taken.counts + Counts(nulled=rows.nulled)
        if taken.batch.num_rows:
            self._stage.write(_as_promised(taken.batch, self._schema))
            self._given += taken.batch.num_rows
        for rejected in (rows.rejected, taken.rejected):
            if rejected is not None and rejected.num_rows:
                self._stage.reject(rejected)
        if rows.rejected is not None:
            counts += Counts(read=rows.rejected.num_rows, rejected=rows.rejected.num_rows)
        self._counts += counts
        written = self._stage.bytes
        self._jobs.meter.add(self._route.table_run, counts, written - self._bytes)
        self._bytes = written

    def _loaded(self, whole: pa.RecordBatch) -> Taken:
        passed = self._route.chain.apply(whole)
        target = self._route.plan.target
        batch = passed.batch
        if target.write_mode in CHANGE_MODES and batch.num_rows:
            batch = loaded(_as_promised(batch, target.schema), self._jobs.position)
        return Taken(batch, passed.rejected, passed.counts)

    def finish(self) -> Staged:
        assert self._stage is not None
        files = tuple(self._stage.finish())
        self._close()
        staged = sum(file.rows for file in files if file.role == "data")
        # Of changes a destination may stage the net effect, which is less.
        expected = self._counts.written if self._changes is None else min(staged, self._given)
        if staged != expected or not self._counts.balanced:
            raise AssertionError(f"part {self._part.id} counted {self._counts} but staged {staged} rows")
        self._jobs.meter.add(self._route.table_run, Counts(), sum(file.bytes for file in files) - self._bytes)
        return Staged(self._part.id, self._route.plan.attempt, self._counts, files)

    def drop(self) -> None:
        """Forget what was written and counted, unless it is finished."""
        if self._context is not None:
            self._close()
            self._jobs.meter.add(self._route.table_run, Counts() - self._counts, -self._bytes)

    def _close(self) -> None:
        context, self._context = self._context, None
        if context is not None:
            context.__exit__(None, None, None)


class _Placeholders:
    """Puts nulls where columns were not read because no step looks at them, so that steps that name them still find them."""

    def __init__(self, schema: pa.Schema, read: pa.Schema) -> None:
        self._schema = schema
        self._missing = [field for field in schema if field.name not in set(read.names)]
        self._completed = pa.schema([read.field(f.name) if f.name in read.names else f.with_nullable(True) for f in schema])
        self._nulls: dict[str, pa.Array] = {}

    def complete(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        if not self._missing:
            return batch
        columns = {name: batch.column(i) for i, name in enumerate(batch.schema.names)}
        for missing in self._missing:
            nulls = self._nulls.get(missing.name)
            if nulls is None or len(nulls) < batch.num_rows:
                nulls = self._nulls[missing.name] = pa.nulls(batch.num_rows, missing.type)
            columns[missing.name] = nulls.slice(0, batch.num_rows)
        return pa.RecordBatch.from_arrays([columns[field.name] for field in self._schema], schema=self._completed)


def _as_promised(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """The batch under exactly the target's schema; a difference in names or types is a bug of a transformation."""
    if batch.schema.equals(schema):
        return batch
    if batch.schema.names != schema.names or batch.schema.types != schema.types:
        raise AssertionError(f"promised {schema}, given {batch.schema}")
    for promised, column in zip(schema, batch.columns, strict=True):
        if not promised.nullable and column.null_count:
            raise UserError(
                f"Column “{promised.name}” holds an empty value although its source declares that it never does.",
                remedy="Correct the row at the source, or declare the column as one that may be empty.",
            )
    return pa.RecordBatch.from_arrays(batch.columns, schema=schema)
