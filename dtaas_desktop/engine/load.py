"""The load of a run: tables read whole, after a stored plan if one can be gone on with."""

import time
from collections.abc import Sequence
from contextlib import ExitStack

from dtaas_desktop.domain import faults
from dtaas_desktop.domain.events import Notice
from dtaas_desktop.domain.plan import Plan, Progress, Resume
from dtaas_desktop.engine.phase import Phase, positions_now
from dtaas_desktop.engine.plan import covers
from dtaas_desktop.engine.survey import SurveyedTable


def load(phase: Phase, tables: Sequence[SurveyedTable], resume: Resume | None) -> None:
    """Read the tables whole and publish them; of a plan to go on with, only these tables. Raises Interrupted, and AppError where nothing could begin."""
    with ExitStack() as stack:
        keep = {resume.plan.id} if resume and not resume.plan.exact else set()
        tables = phase.settled(tables, keep)
        if phase.task.options.transfer != "full load":
            phase.hold(tables)
        sessions = phase.sessions(stack, tables, changes=False)
        # The position is read before the first row: after it, changes made during the scan would be lost.
        as_of = time.time()
        plan = phase.planner.load(tables, positions_now(sessions))
        progress = Progress()
        if resume:
            stale = _why_not(resume, plan, tables)
            if stale is None:
                plan, progress = resume.plan, resume.progress
                phase.meter.tell(Notice("info", _resumed(resume, tables)))
            else:
                phase.meter.tell(Notice("warning", f"Everything is read again: {stale}"))
                phase.settled(tables, set())
        if plan.id != (resume.plan.id if resume else None):
            phase.meter.tell(Notice("info", _planned(plan)))
        faults.reach("load:plan")
        phase.journal.plan(plan)
        faults.reach("load:stage")
        runs = phase.table_runs(plan, tables, sessions, progress)
        phase.tables.run_all(runs, as_of=as_of)
    faults.reach("load:release")
    phase.release(runs)


def _planned(plan: Plan) -> str:
    parts, count = sum(len(table.parts) for table in plan.tables), len(plan.tables)
    said = f"Planned: {count} table{'s' if count != 1 else ''} in {parts} part{'s' if parts != 1 else ''}"
    positions = {table.position for table in plan.tables if table.position is not None}
    if positions:
        said += f", up to position {max(positions)}"
    return said + (", all as of one moment." if plan.exact else ".")


def _resumed(resume: Resume, tables: Sequence[SurveyedTable]) -> str:
    wanted = {(table.connection, table.description.table) for table in tables}
    parts = {
        (index, route.id, part.id)
        for index, table in enumerate(resume.plan.tables)
        if (table.connection, table.table) in wanted
        for route in table.routes
        for part in table.parts
    }
    kept = sum((job.table, route, job.part) in parts for job, route, _ in resume.progress.staged)
    return f"Resumed: {kept} of {len(parts)} part{'s' if len(parts) != 1 else ''} are kept from the run before."


def _why_not(resume: Resume, fresh: Plan, tables: Sequence[SurveyedTable]) -> str | None:
    """Why a stored plan cannot be gone on with; None if it can."""
    stored = resume.plan
    if stored.exact:
        return "this task reads everything as of one moment, and that moment is over."
    if not covers(stored, fresh):
        return "the design, the tables or the formats have changed since, or the last run was one of other tables."
    states = {(r.target.connection, r.target.name): r.state for table in tables for r in table.routes}
    for index, table in enumerate(stored.tables):
        for route in table.routes:
            state = states.get((route.target.connection, route.target.name))
            published = (index, route.id) in resume.progress.published
            if state is not None and state.revision != route.after and state.plan != stored.id and not published:
                return f"“{route.target.name}” was published by another run since."
    return None
