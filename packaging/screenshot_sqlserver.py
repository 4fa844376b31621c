"""A shop in SQL Server to look at, kept by the stand-in of the tests, and tasks and runs that read it."""

import sys
import uuid
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from dtaas_desktop.domain.connection import Connection
from dtaas_desktop.domain.design import Design, Link, Node
from dtaas_desktop.domain.task import Task, TaskOptions
from dtaas_desktop.engine.cancel import CancelToken
from dtaas_desktop.services.run_request import RunRequest
from dtaas_desktop.services.run_service import RunService
from dtaas_desktop.services.workspace import Workspace

if TYPE_CHECKING:
    from tests.servers.sqlserver import SqlServer

ROOT = Path(__file__).resolve().parent.parent
NAME = "Shop, SQL Server"
_TABLES = (
    "CREATE SCHEMA sales",
    "CREATE SCHEMA hr",
    (
        "CREATE TABLE sales.Orders (id int IDENTITY NOT NULL PRIMARY KEY, customer int NOT NULL, status nvarchar(20),"
        " amount decimal(12,2) NOT NULL, placed_at datetimeoffset(3) NOT NULL, modified_at datetime2(7) NOT NULL, note nvarchar(max),"
        " shop geography, version rowversion)"
    ),
    (
        "CREATE TABLE sales.OrderLines (order_id int NOT NULL, line smallint NOT NULL, product int, quantity int, price money,"
        " modified_at datetime2(3) NOT NULL, CONSTRAINT pk_lines PRIMARY KEY (order_id, line))"
    ),
    "CREATE TABLE sales.Prices (product int NOT NULL PRIMARY KEY, price money NOT NULL, valid_from date NOT NULL)",
    "CREATE TABLE hr.People (id int NOT NULL PRIMARY KEY, name nvarchar(80) NOT NULL, salary decimal(12,2), extra sql_variant)",
    "CREATE TABLE dbo.Customers (id int NOT NULL PRIMARY KEY, name nvarchar(80) NOT NULL, city nvarchar(60), since date)",
    "CREATE VIEW sales.OpenOrders AS SELECT id, customer, amount FROM sales.Orders WHERE status = N'open'",
)


def why_not() -> str:
    """Why there can be no such server here; empty if there can."""
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    from dtaas_desktop.domain.errors import UserError
    from tests.servers.sqlserver.api import supported

    if not supported():
        return "the stand-in for SQL Server needs Linux or macOS"
    try:
        from dtaas_desktop.connectors.sqlserver.drivers import chosen_driver
        from dtaas_desktop.connectors.sqlserver.odbc import registered_drivers

        chosen_driver("", registered_drivers())
    except ImportError as error:
        return f"{error.name} is not installed"
    except UserError as error:
        return str(error)
    return ""


def fill(workspace: Workspace, folder: Path, stack: ExitStack) -> dict[str, str]:
    """Start the server and fill the workspace; the ids of the tasks and runs by what they are."""
    from tests.servers.sqlserver import SqlServer

    server = stack.enter_context(SqlServer.started(password="Stand-in 1"))
    _make_shop(server)
    workspace.secrets.store("shop", "Stand-in 1")
    settings = {
        "server": server.host,
        "port": server.port,
        "database": "shop",
        "user": "sa",
        "password": "local:shop",
        "encrypt": "no",
    }
    workspace.connections.save(Connection(NAME, "sqlserver", settings))
    workspace.connections.save(Connection("Wrong port", "sqlserver", {**settings, "port": 9}))
    workspace.connections.save(Connection("Wrong password", "sqlserver", {**settings, "password": "local:wrong"}))
    workspace.secrets.store("wrong", "not this")
    workspace.connections.save(Connection("Data lake", "folder", {"path": str(folder / "sql lake")}))
    workspace.connections.save(Connection("Analytics", "duckdb", {"path": str(folder / "sql.duckdb")}))
    by_column = {"tables": ["sales.Orders", "sales.OrderLines"], "follow_column": "modified_at", "look_back": 2}
    orders = _task(workspace, "Orders by column", by_column, "Analytics", "mirror", TaskOptions(transfer="incremental"))
    whole = _task(workspace, "Shop to the lake", {"tables": ["*"]}, "Data lake", "replace", TaskOptions())
    RunService(workspace).run(RunRequest(whole.name), emit=lambda _: None, cancel=CancelToken())
    latest = workspace.history.latest(whole.uuid)
    assert latest is not None
    return {"by column": orders.uuid, "whole": whole.uuid, "measured": latest.id}


def _make_shop(server: "SqlServer") -> None:
    server.control.run("CREATE DATABASE shop")
    server.control.run("CREATE DATABASE reporting")
    for statement in _TABLES:
        server.control.run(statement, database="shop")
    for first in range(0, 2000, 500):
        orders = ", ".join(
            f"({i % 90}, N'{('open', 'shipped', 'returned')[i % 3]}', {i % 977}.{i % 100:02d},"
            f" '2026-11-{1 + i % 24:02d}T09:{i % 60:02d}:11.250 +01:00', '2026-11-{1 + i % 24:02d}T09:{i % 60:02d}:11.2500001')"
            for i in range(first, first + 500)
        )
        server.control.run(
            f"INSERT INTO sales.Orders (customer, status, amount, placed_at, modified_at) VALUES {orders}", database="shop"
        )
    lines = ", ".join(
        f"({i // 3}, {i % 3}, {i % 50}, {1 + i % 7}, 9.90, '2026-11-{1 + i % 24:02d}T10:00:00')" for i in range(900)
    )
    server.control.run(f"INSERT INTO sales.OrderLines VALUES {lines}", database="shop")
    people = ", ".join(f"({i}, N'{name}', {3000 + i}, {i})" for i, name in enumerate(("Åsa", "Zoë", "Ngọc", "Owen")))
    server.control.run(f"INSERT INTO hr.People VALUES {people}", database="shop")
    server.control.run(
        "INSERT INTO dbo.Customers VALUES (1, N'Kestrel Ltd', N'Göteborg', '2019-03-01'), (2, N'Café Zoë', N'Lyon', '2020-05-04')",
        database="shop",
    )
    server.control.mark("column", "hr.People.salary", database="shop", masked=1)
    server.control.mark("object", "sales.Orders", database="shop", cdc=1)


def _task(workspace: Workspace, name: str, source: dict[str, object], to: str, mode: str, options: TaskOptions) -> Task:
    nodes = (
        Node("source", "source", {"connection": NAME} | source),
        Node("to", "destination", {"connection": to, "write_mode": mode}),
    )
    task = Task(str(uuid.uuid4()), name, Design(nodes, (Link("source", "to"),)), options)
    workspace.tasks.save(task)
    return task
