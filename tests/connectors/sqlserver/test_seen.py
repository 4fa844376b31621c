"""What a user sees of a SQL Server before and after a run: fidelity, what could tell what is new, databases, cost, and where to mend."""

import json

from dtaas_desktop.cli import check_report
from dtaas_desktop.connectors.registry import means
from dtaas_desktop.domain.connection import CheckStep, Connection
from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.harm import Harm
from dtaas_desktop.domain.ports import ColumnFollower, HoldsDatabases
from dtaas_desktop.domain.task import TaskOptions
from dtaas_desktop.services import browse
from dtaas_desktop.services.run_service import RunService
from dtaas_desktop.services.source_tables import growing_offer, source_tables
from tests.connectors.sqlserver.runs import Office
from tests.connectors.sqlserver.world import World


def connection(world: World, **changes: object) -> Connection:
    settings = world.settings.model_dump(mode="json", exclude_defaults=True) | changes
    return Connection("sql", "sqlserver", settings)


def checked(world: World, **changes: object) -> CheckStep:
    """The last step of *Test*."""
    return list(browse.check(connection(world, **changes), workspace="w", secret=world.secret))[-1]


def test_a_check_tells_column_by_column_what_is_lost_and_one_line_where_all_is_exact(
    desk: Office, sql_server: World, name: str
) -> None:
    sql_server.run(
        f"CREATE TABLE {sql_server.name(name)} (id int NOT NULL PRIMARY KEY, at datetimeoffset(3), made datetime2(7), t nvarchar(9))"
    )
    task = desk.task({"tables": [f"{sql_server.schema}.{name}"]}, [{"connection": "out"}])
    surveyed = RunService(desk.workspace).check(task)
    lines = check_report.as_text(surveyed, {}).splitlines()
    assert not any("warning" in line for line in lines), "what the fidelity tells is not told twice"
    at = lines.index("  Fidelity:")
    assert lines[at + 1] == f"    sql/{sql_server.schema}.{name}: 2 of 4 columns exact"
    assert lines[at + 2].startswith("      at, datetimeoffset(3) → timestamp(us, UTC): exact with a companion column: ")
    assert lines[at + 3] == ("      made, datetime2(7) → timestamp: lossy: the seventh digit after the second is cut off")
    told = json.loads(check_report.as_json(surveyed, {}))["tables"][0]["fidelity"]
    assert [(one["column"], one["truth"]) for one in told] == [
        ("id", "exact"),
        ("at", "companion"),
        ("made", "lossy"),
        ("t", "exact"),
    ]
    sql_server.run(f"ALTER TABLE {sql_server.name(name)} DROP COLUMN at", f"ALTER TABLE {sql_server.name(name)} DROP COLUMN made")
    quiet = check_report.as_text(RunService(desk.workspace).check(task), {})
    assert "  Fidelity: every value arrives exactly (2 columns)." in quiet.splitlines()


def test_a_run_keeps_what_it_cost_and_how_its_columns_arrived(desk: Office, sql_server: World, name: str) -> None:
    sql_server.run(
        f"CREATE TABLE {sql_server.name(name)} (id int NOT NULL PRIMARY KEY, made datetime2(7) NOT NULL, v rowversion)",
        f"INSERT INTO {sql_server.name(name)} (id, made) VALUES (1, '2026-01-02T03:04:05'), (2, '2026-01-02T03:04:06')",
    )
    task = desk.task(
        {"tables": [f"{sql_server.schema}.{name}"], "follow_column": "v"},
        [{"connection": "duck", "name": "t", "write_mode": "mirror"}],
        TaskOptions(transfer="incremental"),
    )
    history = desk.workspace.history
    uuid_ = desk.workspace.tasks.named(task).uuid

    def cost() -> Harm:
        latest = history.latest(uuid_)
        assert latest is not None
        (found,) = history.costs(latest.id).items()
        assert found[0] == "sql"
        return found[1]

    desk.run(task)
    first = cost()
    assert first.rows == 2
    assert first.statements >= 1
    assert first.longest_statement > 0
    latest = history.latest(uuid_)
    assert latest is not None
    (table,) = history.table_runs(latest.id)
    assert table.fidelity == "Column “made”: the seventh digit after the second is cut off."
    sql_server.run(f"UPDATE {sql_server.name(name)} SET made = '2026-01-02T03:04:07' WHERE id = 2")
    desk.run(task)
    assert cost().rows == 1


def test_columns_that_could_tell_what_is_new_are_offered_where_all_tables_have_them(sql_server: World, name: str) -> None:
    sql_server.run(
        f"CREATE TABLE {sql_server.name(name)} (id int IDENTITY NOT NULL PRIMARY KEY, n int, t nvarchar(9), at datetime2(3), v rowversion)",
        f"CREATE TABLE {sql_server.name(name + 'b')} (id int NOT NULL PRIMARY KEY, n date, at datetime)",
    )
    one, other = sql_server.ref(name), sql_server.ref(name + "b")
    found = source_tables(connection(sql_server), secret=sql_server.secret)
    assert found.follows
    assert not found.captures
    assert [table.schema for table in found.tables] == sorted(table.schema for table in found.tables)
    alone = growing_offer(connection(sql_server), [one], secret=sql_server.secret)
    assert [(column.name, column.measure) for column in alone.common] == [
        ("v", "version"),
        ("at", "date"),
        ("id", "number"),
        ("n", "number"),
    ]
    both = growing_offer(connection(sql_server), [one, other], secret=sql_server.secret)
    assert [column.name for column in both.common] == ["at", "id"]
    assert both.without("v") == (other,)
    assert isinstance(sql_server.source(), ColumnFollower)


def test_the_databases_of_the_server_are_listed_without_its_own(sql_server: World) -> None:
    assert isinstance(sql_server.source(), HoldsDatabases)
    found = browse.contents(connection(sql_server), secret=sql_server.secret).databases
    assert sql_server.settings.database in found
    assert not {"master", "tempdb", "model", "msdb"} & set(found)


def test_a_step_that_fails_names_the_fields_where_it_can_be_mended(sql_server: World) -> None:
    assert checked(sql_server, database="nowhere to be found").fields == ("database",)
    assert checked(sql_server, user="nobody").fields == ("user", "password", "database")
    assert checked(sql_server, server="no.such.machine.invalid").fields == ("server",)
    assert checked(sql_server, driver="no such driver").fields == ("driver",)
    assert checked(sql_server).fields == ()
    wrong = connection(sql_server, password="env:DTAAS_TEST_NOT_SET")

    def unset(reference: str) -> str:
        raise UserError(f"The variable of “{reference}” is not set.", remedy="Set it.")

    last = list(browse.check(wrong, workspace="w", secret=unset))[-1]
    assert (last.title, last.fields) == ("The password can be read", ("password",))


def test_the_driver_is_told_before_anything_is_filled_in(sql_server: World) -> None:
    assert means("sqlserver", {}).startswith("Driver: ")
    assert means("sqlite", {}) == ""
