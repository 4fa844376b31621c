"""One change turn: what happened at the sources since the positions of the targets, read in one go and published together."""

import time
from collections.abc import Sequence
from contextlib import ExitStack

from dtaas_desktop.domain import faults
from dtaas_desktop.domain.errors import PositionLost
from dtaas_desktop.domain.plan import Progress
from dtaas_desktop.engine.phase import Phase, only, positions_now, table_run_name
from dtaas_desktop.engine.plan import Positions
from dtaas_desktop.engine.survey import SurveyedRoute, SurveyedTable


def turn(phase: Phase, tables: Sequence[SurveyedTable]) -> None:
    """Bring the tables' targets to the sources' present positions. Raises Interrupted, and AppError where nothing could begin."""
    with ExitStack() as stack:
        settled = phase.settled(tables, set())
        phase.hold(only(settled, lambda _, run: run.state.position is None))
        sessions = phase.sessions(stack, settled, changes=True)
        as_of = time.time()
        upto = positions_now(sessions)
        moved = only(settled, lambda table, run: _moved(phase, table, run, upto))
        if not moved:
            return
        faults.reach("turn:plan")
        plan = phase.planner.turn(moved, upto)
        phase.journal.plan(plan)
        faults.reach("turn:stage")
        runs = phase.table_runs(plan, moved, sessions, Progress())
        phase.tables.turn(runs, as_of=as_of, retries=phase.task.options.retries, cancel=phase.cancel)
    faults.reach("turn:release")
    phase.release(runs)


def _moved(phase: Phase, table: SurveyedTable, run: SurveyedRoute, upto: Positions) -> bool:
    """Whether the source stands elsewhere than the target, or the target is to get another shape.

    One whose changes are not captured any more is told as failed.
    """
    ref = table.description.table
    now = upto.get((table.connection, ref))
    if now is None:
        error = PositionLost(
            f"Changes of table {ref} are not captured any more.",
            remedy="Switch their capture on again, then make a full reload of the table.",
        )
        phase.tables.refuse(str(ref), table_run_name(table.connection, ref, run.route.name), run.target, error)
        return False
    return run.state.position != now or run.drift.reshapes
