"""One table from source to targets: settle was done by the plan, here it is staged in parallel and published once."""

import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor, Future, wait
from dataclasses import dataclass

from dtaas_desktop.domain.errors import AppError, StagedLost, TransientError
from dtaas_desktop.domain.events import Notice, PartDone, TablePlanned, TableStarted
from dtaas_desktop.domain.fidelity import companions, losses
from dtaas_desktop.domain.plan import JobId, Progress, TablePlan
from dtaas_desktop.domain.ports import Journal
from dtaas_desktop.domain.table import Part, PartId, total
from dtaas_desktop.domain.target import PlanId, Publication, Published, Staged
from dtaas_desktop.engine.retry import pauses, retried
from dtaas_desktop.engine.stage_job import JobRoute, TableJobs, stage_part

Outcome = Published | AppError
StagedParts = dict[PartId, Staged]


class _Watch:
    """When a part began to be read, and for how long it has been worked on."""

    def __init__(self) -> None:
        self.start()

    def start(self) -> None:
        self.began_at = time.time()
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began


@dataclass(frozen=True, slots=True)
class TableRun:
    """A planned table with everything it needs to run. `done`: what an earlier run of the same plan already staged."""

    index: int
    plan_id: PlanId
    table: TablePlan
    routes: tuple[JobRoute, ...]
    jobs: TableJobs
    journal: Journal
    workers: Executor
    retries: int
    done: Progress

    def run(self) -> dict[str, Outcome]:
        """Stage all parts and publish every route; the answer is by RoutePlan.id. Raises Interrupted."""
        staged = self.stage()
        return {route.plan.id: self._publish(route, staged[route.plan.id]) for route in self.routes}

    def stage(self) -> dict[str, StagedParts | AppError]:
        """All parts of all routes, by RoutePlan.id. A route with one failed part has failed. Raises Interrupted."""
        self.jobs.cancel.check()
        self._begin()
        return self._stage(self._to_read())

    def publication(self, route: JobRoute, staged: StagedParts) -> Publication:
        """What one route has to publish."""
        plan = route.plan
        in_order = tuple(staged[part.id] for part in self._to_read())
        counts = total([one.counts for one in in_order])
        return Publication(plan.target, in_order, self.table.position, plan.after, plan.attempt, counts, self.table.kind)

    def staged_again(self, route: JobRoute, staged: StagedParts, lost: StagedLost) -> StagedParts | AppError:
        """The staged parts of a route with those that were lost staged anew."""
        self.jobs.meter.tell(Notice("warning", str(lost), str(self.table.table)))
        for part in (part for part in self.table.parts if part.id in lost.parts):
            result = self._stage_one(part, [route])[route.plan.id]
            if isinstance(result, AppError):
                return result
            staged = staged | {part.id: result}
        return staged

    def tell_planned(self) -> None:
        """Tell of the table runs that wait now; those that ran before in this run are known."""
        for route in self.routes:
            if not self.jobs.meter.knows(route.table_run):
                table, target, described = self.table, route.plan.target, self.jobs.description
                self.jobs.meter.tell(
                    TablePlanned(
                        route.table_run,
                        str(table.table),
                        target.name,
                        target.connection,
                        len(table.parts),
                        table.rows_estimate,
                        table.kind,
                        (*losses(described.fidelity), *companions(described.fidelity)),
                    )
                )

    def tell_retry(self, error: object, pause: float) -> None:
        self.jobs.meter.tell(Notice("warning", f"{error} Trying again in {pause:.1f} s.", str(self.table.table)))

    def _to_read(self) -> tuple[Part, ...]:
        """The parts; none for a target that only begins at a position."""
        changes = self.table.changes
        return () if changes is not None and changes.after == changes.upto else self.table.parts

    def _begin(self) -> None:
        for route in self.routes:
            done = self.done.of(self.index, route.plan.id)
            estimate, parts, target = self.table.rows_estimate, len(self.table.parts), route.plan.target
            name, kind = str(self.table.table), self.table.kind
            kept = total([staged.counts for staged in done.values()])
            if not self.jobs.meter.knows(route.table_run):
                self.jobs.meter.tell(
                    TableStarted(route.table_run, name, target.name, target.connection, parts, estimate, kind, kept, len(done))
                )
            self.jobs.meter.begin(
                route.table_run,
                table=name,
                target=target.name,
                parts=parts,
                parts_done=len(done),
                counts=kept,
                rows_estimate=estimate,
            )

    def _stage(self, parts: Iterable[Part]) -> dict[str, StagedParts | AppError]:
        results: dict[str, StagedParts | AppError] = {
            route.plan.id: self.done.of(self.index, route.plan.id) for route in self.routes
        }
        futures: list[Future[Mapping[str, Staged | AppError]]] = []
        for part in parts:
            missing = [route for route in self.routes if part.id not in self.done.of(self.index, route.plan.id)]
            if missing:
                futures.append(self.workers.submit(self._stage_one, part, missing))
        try:
            for future in futures:
                for name, result in future.result().items():
                    known = results[name]
                    if isinstance(result, AppError):
                        results[name] = result if not isinstance(known, AppError) else known
                    elif not isinstance(known, AppError):
                        known[result.part] = result
        finally:
            # After a pause, a cancel or a bug nobody collects the rest: those that have not begun never shall.
            for future in futures:
                future.cancel()
            wait(futures)
        return results

    def _stage_one(self, part: Part, routes: Sequence[JobRoute]) -> Mapping[str, Staged | AppError]:
        """One part, recorded as it completes; routes with a passing fault are tried again alone."""
        self.jobs.cancel.check()
        watch = _Watch()
        results = dict(stage_part(self.jobs, part, routes, begun=watch.start))
        for pause in pauses(self.retries):
            again = [route for route in routes if isinstance(results.get(route.plan.id), TransientError)]
            if not again:
                break
            self.tell_retry(results[again[0].plan.id], pause)
            self.jobs.cancel.wait(pause)
            results |= stage_part(self.jobs, part, again, begun=lambda: None)
        for name, result in results.items():
            if isinstance(result, AppError):
                self.jobs.leave(name)
        self.journal.staged(self.plan_id, JobId(self.index, part.id), results)
        seconds = watch.seconds
        for route in routes:
            staged = results.get(route.plan.id)
            if isinstance(staged, Staged):
                size = sum(file.bytes for file in staged.files)
                done = PartDone(
                    route.table_run, part.id, watch.began_at, seconds, staged.counts.read, size, str(self.table.table)
                )
                self.jobs.meter.part_done(done)
        return results

    def _publish(self, route: JobRoute, staged: StagedParts | AppError) -> Outcome:
        outcome = staged if isinstance(staged, AppError) else self._published(route, staged)
        self.journal.published(self.plan_id, self.index, route.plan.id, outcome)
        return outcome

    def _published(self, route: JobRoute, staged: StagedParts) -> Outcome:
        self.jobs.cancel.check()
        try:
            try:
                return self._try_to_publish(route, staged)
            except StagedLost as lost:
                again = self.staged_again(route, staged, lost)
                return again if isinstance(again, AppError) else self._try_to_publish(route, again)
        except AppError as error:
            return error

    def _try_to_publish(self, route: JobRoute, staged: StagedParts) -> Published:
        publication = self.publication(route, staged)

        def attempt() -> Published:
            (outcome,) = route.destination.publish([publication])
            if isinstance(outcome, AppError):
                raise outcome
            return outcome

        return retried(attempt, retries=self.retries, cancel=self.jobs.cancel, tell=self.tell_retry)
