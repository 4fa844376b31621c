"""Publishing a change turn: all tables that succeeded go to a destination in one call, so that it can make them one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dtaas_desktop.domain.errors import AppError, StagedLost, TransientError
from dtaas_desktop.domain.target import Published
from dtaas_desktop.engine.cancel import CancelToken
from dtaas_desktop.engine.retry import pauses
from dtaas_desktop.engine.stage_job import JobRoute
from dtaas_desktop.engine.table_run import Outcome, StagedParts, TableRun


@dataclass(slots=True)
class _Waiting:
    """A table run that is staged and not yet published."""

    run: TableRun
    route: JobRoute
    staged: StagedParts
    error: AppError | None = None


def publish_turn(
    runs: Sequence[tuple[TableRun, Mapping[str, StagedParts | AppError]]], *, retries: int, cancel: CancelToken
) -> dict[str, Outcome]:
    """Publish every route that was staged; the answer is by JobRoute.table_run. Raises Interrupted between two tries."""
    outcomes: dict[str, Outcome] = {}
    groups: dict[str, list[_Waiting]] = {}
    for run, staged in runs:
        for route in run.routes:
            parts = staged[route.plan.id]
            if isinstance(parts, AppError):
                outcomes[route.table_run] = parts
            else:
                groups.setdefault(route.plan.target.connection, []).append(_Waiting(run, route, parts))
    for group in groups.values():
        outcomes |= _published(group, retries=retries, cancel=cancel)
    for run, _ in runs:
        for route in run.routes:
            run.journal.published(run.plan_id, run.index, route.plan.id, outcomes[route.table_run])
    return outcomes


def _published(group: list[_Waiting], *, retries: int, cancel: CancelToken) -> dict[str, Outcome]:
    outcomes: dict[str, Outcome] = {}
    waiting = group
    for pause in [*pauses(retries), None]:
        cancel.check()
        answers = waiting[0].route.destination.publish([one.run.publication(one.route, one.staged) for one in waiting])
        again: list[_Waiting] = []
        for one, answer in zip(waiting, answers, strict=True):
            if isinstance(answer, Published):
                outcomes[one.route.table_run] = answer
            elif isinstance(answer, StagedLost):
                staged = one.run.staged_again(one.route, one.staged, answer)
                if isinstance(staged, AppError):
                    outcomes[one.route.table_run] = staged
                else:
                    again.append(_Waiting(one.run, one.route, staged, answer))
            elif isinstance(answer, TransientError):
                again.append(_Waiting(one.run, one.route, one.staged, answer))
            else:
                outcomes[one.route.table_run] = answer
        waiting = again
        if not waiting or pause is None:
            break
        if not all(isinstance(one.error, StagedLost) for one in waiting):
            waiting[0].run.tell_retry(waiting[0].error, pause)
            cancel.wait(pause)
    for one in waiting:
        assert one.error is not None
        outcomes[one.route.table_run] = one.error
    return outcomes
