"""What reading cost the sources of a run, as it is kept with it."""

import dataclasses

from sqlalchemy import Connection, select

from dtaas_desktop.domain.events import SourceCost
from dtaas_desktop.domain.harm import Harm
from dtaas_desktop.services import records
from dtaas_desktop.services.upsert import upsert


def add_cost(connection: Connection, run: str, event: SourceCost) -> None:
    """Add to what is known of the source. In a transaction that writes."""
    known = costs_of(connection, run).get(event.connection, Harm())
    key = {"run": run, "connection": event.connection}
    upsert(connection, records.source_costs, key, dataclasses.asdict(known + event.harm))


def costs_of(connection: Connection, run: str) -> dict[str, Harm]:
    """By connection, in the order of their names."""
    table = records.source_costs
    rows = connection.execute(select(table).where(table.c.run == run).order_by(table.c.connection)).all()
    names = [field.name for field in dataclasses.fields(Harm)]
    return {row.connection: Harm(**{name: getattr(row, name) for name in names}) for row in rows}
