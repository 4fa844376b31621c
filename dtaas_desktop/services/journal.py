"""The engine's memory in the metadata: plans, staged parts, published routes."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update

from dtaas_desktop.domain.errors import AppError, TransientError
from dtaas_desktop.domain.plan import (
    JobId,
    Plan,
    Progress,
    Resume,
    plan_from_json,
    plan_to_json,
    staged_from_json,
    staged_to_json,
)
from dtaas_desktop.domain.target import PlanId, Published, Staged
from dtaas_desktop.services import records
from dtaas_desktop.services.database import Database


@dataclass(frozen=True, slots=True)
class MetadataJournal:
    """The journal (domain.ports.Journal) of one run."""

    database: Database
    run: str

    def plan(self, plan: Plan) -> None:
        """Remember the plan as its task's only one; a resume gives the stored plan again."""
        table = records.plans
        with self.database.writing() as connection:
            connection.execute(delete(table).where(table.c.task == plan.task, table.c.id != plan.id))
            if connection.execute(select(table.c.id).where(table.c.id == plan.id)).first() is None:
                connection.execute(insert(table).values(id=plan.id, task=plan.task, exact=plan.exact, content=plan_to_json(plan)))
            connection.execute(update(records.runs).where(records.runs.c.id == self.run).values(plan=plan.id))

    def staged(self, plan: PlanId, job: JobId, results: Mapping[str, Staged | AppError]) -> None:
        table = records.staged_parts
        with self.database.writing() as connection:
            _require_current(connection, plan)
            for route, result in results.items():
                if isinstance(result, AppError):
                    continue
                row = {"plan": plan, "table_index": job.table, "part": job.part, "route": route}
                connection.execute(
                    delete(table).where(
                        table.c.plan == plan,
                        table.c.table_index == job.table,
                        table.c.part == job.part,
                        table.c.route == route,
                    )
                )
                connection.execute(insert(table).values(**row, content=staged_to_json(result)))

    def published(self, plan: PlanId, table: int, route: str, outcome: Published | AppError) -> None:
        if isinstance(outcome, AppError):
            return
        known = records.published_routes
        with self.database.writing() as connection:
            _require_current(connection, plan)
            connection.execute(delete(known).where(known.c.plan == plan, known.c.table_index == table, known.c.route == route))
            connection.execute(insert(known).values(plan=plan, table_index=table, route=route))


def _require_current(connection: Connection, plan: PlanId) -> None:
    """Raises TransientError if another run of the task, against its lock, has put its own plan in this one's place."""
    if connection.execute(select(records.plans.c.id).where(records.plans.c.id == plan)).first() is None:
        raise TransientError("Another run of this task began meanwhile.", remedy="This run ends here; the other one goes on.")


def stored_plan(database: Database, task: str) -> Resume | None:
    """The task's (UUID) newest plan with what is done of it; None if it has none."""
    with database.reading() as connection:
        row = connection.execute(select(records.plans).where(records.plans.c.task == task)).first()
        if row is None:
            return None
        parts = records.staged_parts
        staged = connection.execute(select(parts).where(parts.c.plan == row.id)).all()
        routes = records.published_routes
        published = connection.execute(select(routes).where(routes.c.plan == row.id)).all()
    progress = Progress(
        tuple((JobId(one.table_index, one.part), one.route, staged_from_json(one.content)) for one in staged),
        frozenset((one.table_index, one.route) for one in published),
    )
    return Resume(plan_from_json(row.content), progress)
