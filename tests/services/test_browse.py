"""Looking at connections that need not be saved: tests in steps, tables, rows, and what was written where."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from dtaas_desktop.domain.connection import CheckStep, Connection
from dtaas_desktop.domain.design import Design, Link, Node
from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.table import TableRef
from dtaas_desktop.domain.task import Task
from dtaas_desktop.engine.cancel import CancelToken
from dtaas_desktop.services import browse
from dtaas_desktop.services.run_request import RunRequest
from dtaas_desktop.services.run_service import RunService
from dtaas_desktop.services.workspace import Workspace


def no_secret(reference: str) -> str:
    raise AssertionError(f"{reference} is nothing that these connections need")


@pytest.fixture
def shop(tmp_path: Path) -> Connection:
    path = tmp_path / "shop.sqlite"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT NOT NULL, price DECIMAL(10,2))")
        database.executemany("INSERT INTO item (name, price) VALUES (?, ?)", [(f"item {at}", at / 4) for at in range(1, 251)])
        database.execute("CREATE TABLE odd (n INTEGER)")
        database.executemany("INSERT INTO odd VALUES (?)", [(1,), ("many",), (3,)])
        database.execute("CREATE TABLE blank (a TEXT, b BLOB)")
        database.execute("CREATE VIEW dear AS SELECT * FROM item WHERE price > 50")
        database.commit()
    return Connection("", "sqlite", {"path": str(path)})


def test_a_test_of_a_source_goes_step_by_step(shop: Connection) -> None:
    steps = list(browse.check(shop, workspace="w", secret=no_secret))
    assert [step.ok for step in steps] == [True, True, True]
    assert "4 tables" in steps[-1].detail


def test_steps_are_done_when_they_are_asked_for(shop: Connection) -> None:
    steps = browse.check(shop, workspace="w", secret=no_secret)
    Path(str(shop.settings["path"])).unlink()
    assert not next(steps).ok  # nothing was looked at before it was asked for


def test_a_failing_step_says_what_to_do() -> None:
    step = list(browse.check(Connection("", "sqlite", {"path": "/nowhere/x.sqlite"}), workspace="w", secret=no_secret))[-1]
    assert not step.ok
    assert "/nowhere/x.sqlite" in step.detail
    assert step.remedy


def test_settings_that_do_not_fit_are_a_step_that_fails() -> None:
    steps = list(browse.check(Connection("", "sqlite", {}), workspace="w", secret=no_secret))
    assert [step.ok for step in steps] == [False]
    assert isinstance(steps[0], CheckStep)


def test_a_destination_is_tested_without_leaving_anything(tmp_path: Path) -> None:
    steps = list(browse.check(Connection("", "folder", {"path": str(tmp_path / "out")}), workspace="w", secret=no_secret))
    assert all(step.ok for step in steps)
    assert not (tmp_path / "out").exists()
    assert list(tmp_path.iterdir()) == []


def test_tables_and_views_are_listed_and_described(shop: Connection) -> None:
    assert {table.name for table in browse.contents(shop, secret=no_secret).tables} == {"item", "odd", "blank", "dear"}
    described = browse.describe(shop, TableRef("item"), secret=no_secret)
    assert described.key == ("id",)
    assert [column.name for column in described.columns] == ["id", "name", "price"]


def test_a_destination_has_no_tables_to_read(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be used as a source"):
        browse.contents(Connection("Out", "folder", {"path": str(tmp_path)}), secret=no_secret)


def test_the_first_rows_are_those_and_no_more(shop: Connection) -> None:
    sample = browse.sample_source(shop, TableRef("item"), secret=no_secret)
    assert sample.rows.num_rows == 100
    assert sample.rows["id"].to_pylist() == list(range(1, 101))
    assert sample.nulled == 0
    assert browse.sample_source(shop, TableRef("item"), limit=3, secret=no_secret).rows["name"].to_pylist() == [
        "item 1",
        "item 2",
        "item 3",
    ]


def test_rows_of_a_view_can_be_looked_at(shop: Connection) -> None:
    assert browse.sample_source(shop, TableRef("dear"), limit=5, secret=no_secret).rows.num_rows == 5


def test_an_empty_table_has_its_columns(shop: Connection) -> None:
    sample = browse.sample_source(shop, TableRef("blank"), secret=no_secret)
    assert sample.rows.column_names == ["a", "b"]
    assert sample.rows.num_rows == 0


def test_cells_that_do_not_fit_are_null_and_counted(shop: Connection) -> None:
    sample = browse.sample_source(shop, TableRef("odd"), secret=no_secret)
    assert sample.rows["n"].to_pylist() == [1, None, 3]
    assert sample.nulled == 1


def test_looking_changes_nothing_in_the_source(shop: Connection) -> None:
    path = Path(str(shop.settings["path"]))
    before = path.read_bytes()
    list(browse.check(shop, workspace="w", secret=no_secret))
    browse.sample_source(shop, TableRef("item"), secret=no_secret)
    assert path.read_bytes() == before


def test_tasks_are_found_by_the_connections_they_name() -> None:
    def task(name: str, *connections: str) -> Task:
        nodes = tuple(Node(f"n{at}", "source", {"connection": one}) for at, one in enumerate(connections))
        return Task(name, name, Design(nodes))

    one, two = task("one", "A", "B"), task("two", "B", "B")
    assert browse.used_by([one, two]) == {"A": (one,), "B": (one, two)}


def test_what_tasks_wrote_is_told_once_per_target_newest_first(workspace: Workspace, shop: Connection, tmp_path: Path) -> None:
    out = Connection("Out", "duckdb", {"path": str(tmp_path / "out.duckdb")})
    workspace.connections.save(Connection("Shop", "sqlite", shop.settings))
    workspace.connections.save(out)
    design = Design(
        (
            Node("s", "source", {"connection": "Shop", "tables": ["item", "blank"]}),
            Node("d", "destination", {"connection": "Out"}),
        ),
        (Link("s", "d"),),
    )
    workspace.tasks.save(Task("11111111-1111-4111-8111-111111111111", "Nightly", design))
    for _ in range(2):
        RunService(workspace).run(RunRequest("Nightly"), emit=lambda event: None, cancel=CancelToken())
    written = browse.written_targets(workspace, "Out")
    assert sorted((one.name, one.task_name, one.rows, one.revision) for one in written) == [
        ("blank", "Nightly", 0, 2),
        ("item", "Nightly", 250, 2),
    ]
    assert browse.written_targets(workspace, "Shop") == []
