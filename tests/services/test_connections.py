"""Connections: renamed with the tasks that use them, copied and deleted with their own secrets."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from pydantic import BaseModel, ConfigDict, Field

from dtaas_desktop.domain.connection import CONNECTION_KINDS, Connection, ConnectionKind
from dtaas_desktop.domain.design import Design, Link, Node
from dtaas_desktop.domain.errors import TransientError, UserError
from dtaas_desktop.domain.secret_ref import SecretRef, secret_fields
from dtaas_desktop.domain.task import Task
from dtaas_desktop.engine.cancel import CancelToken
from dtaas_desktop.services.run_request import RunRequest
from dtaas_desktop.services.run_service import RunService
from dtaas_desktop.services.workspace import Workspace

UUID = "00000000-0000-4000-8000-00000000000a"


class BankSettings(BaseModel):
    """A kind that needs secrets."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field(title="Host")
    password: SecretRef = Field("", title="Password", description="A reference.")
    key: SecretRef = ""


@pytest.fixture(autouse=True)
def _bank(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CONNECTION_KINDS, "bank", ConnectionKind("bank", "Bank", frozenset({"source"}), BankSettings))


def bank(name: str, password: str = "", key: str = "") -> Connection:
    return Connection(name, "bank", {"host": "h", "password": password, "key": key})


def task(name: str, source: str, destination: str = "out", uuid: str = UUID, **options: object) -> Task:
    nodes = (
        Node("s", "source", {"connection": source, "tables": ["*"]}),
        Node("f", "later", {"connection": source}),
        Node("d", "destination", {"connection": destination, **options}),
    )
    return Task(uuid, name, Design(nodes, (Link("s", "d"),)))


def kept(workspace: Workspace, secret: str = "s3cret") -> str:
    return workspace.secrets.keep(secret, name="Sales password", where="local")


def is_gone(workspace: Workspace, reference: str) -> bool:
    try:
        workspace.secrets.resolve(reference)
    except UserError:
        return True
    return False


def test_fields_that_refer_to_secrets_are_known_by_their_mark() -> None:
    assert secret_fields(BankSettings) == ("password", "key")
    assert BankSettings.model_json_schema()["properties"]["password"]["secret"] is True


def test_a_secret_typed_in_the_place_of_a_reference_is_refused_without_repeating_it(workspace: Workspace) -> None:
    with pytest.raises(UserError, match="password: this names a secret and does not hold it") as refused:
        workspace.connections.save(bank("Sales", "hunter2"))
    assert "hunter2" not in str(refused.value)


def test_a_replaced_secret_is_forgotten_when_nobody_uses_it(workspace: Workspace) -> None:
    first, second = kept(workspace), kept(workspace)
    workspace.connections.save(bank("Sales", first))
    workspace.connections.save(bank("Other", key=first))
    workspace.connections.save(bank("Sales", second))
    assert not is_gone(workspace, first)
    workspace.connections.save(bank("Other"))
    assert is_gone(workspace, first)
    assert not is_gone(workspace, second)


def test_a_connection_is_deleted_with_its_own_secrets_only(workspace: Workspace) -> None:
    workspace.secrets.store("shared", "x")
    own = kept(workspace)
    workspace.connections.save(bank("Sales", own, "local:shared"))
    workspace.connections.delete("Sales")
    assert workspace.connections.all() == {}
    assert is_gone(workspace, own)
    assert workspace.secrets.resolve("local:shared") == "x"
    with pytest.raises(UserError, match="There is no connection “Sales”"):
        workspace.connections.delete("Sales")


def test_a_used_connection_is_not_deleted_and_its_tasks_are_named(workspace: Workspace) -> None:
    workspace.connections.save(bank("Sales"))
    workspace.tasks.save(task("Weekly", "Sales"))
    workspace.tasks.save(task("nightly", "Else", "Sales", UUID.replace("a", "b")))
    workspace.tasks.save(task("Third", "Else", uuid=UUID.replace("a", "c")))
    assert workspace.connections.used_by("Sales") == ["nightly", "Weekly"]
    with pytest.raises(UserError, match="“Sales” is used by the tasks “nightly” and “Weekly”"):
        workspace.connections.delete("Sales")
    assert list(workspace.connections.all()) == ["Sales"]
    assert workspace.connections.used_by("out") == ["Third", "Weekly"]


def test_a_copy_has_copies_of_the_secrets_that_are_its_own(workspace: Workspace) -> None:
    own = kept(workspace)
    workspace.connections.save(bank("Sales", own, "env:KEY"))
    copied = workspace.connections.duplicate("Sales")
    assert copied.name == "Sales (2)"
    assert workspace.connections.all()["Sales (2)"] == copied
    assert copied.settings["key"] == "env:KEY"
    assert copied.settings["password"] != own
    workspace.connections.delete("Sales")
    assert workspace.secrets.resolve(str(copied.settings["password"])) == "s3cret"
    with pytest.raises(UserError, match="There is no connection “Sales”"):
        workspace.connections.duplicate("Sales")
    workspace.connections.save(bank("Sales (3)"))
    assert workspace.connections.duplicate("Sales (2)").name == "Sales (2) (2)"


def test_a_renamed_connection_is_renamed_in_every_design(workspace: Workspace) -> None:
    own = kept(workspace)
    workspace.connections.save(bank("Sales", own))
    workspace.connections.save(bank("Taken"))
    workspace.tasks.save(task("Weekly", "Sales", "Sales"))
    workspace.connections.rename("Sales", "Verkäufe")
    assert list(workspace.connections.all()) == ["Taken", "Verkäufe"]
    nodes = workspace.tasks.named("Weekly").design.nodes
    # A kind that is not known yet keeps what it says.
    assert [node.settings["connection"] for node in nodes] == ["Verkäufe", "Sales", "Verkäufe"]
    assert workspace.secrets.resolve(own) == "s3cret"
    assert workspace.connections.used_by("Verkäufe") == ["Weekly"]
    with pytest.raises(UserError, match="already called “Taken”"):
        workspace.connections.rename("Verkäufe", "Taken")
    with pytest.raises(UserError, match="There is no connection “Sales”"):
        workspace.connections.rename("Sales", "New")
    with pytest.raises(UserError, match="has no name"):
        workspace.connections.rename("Verkäufe", " ")
    with pytest.raises(UserError, match="longer than 200"):
        workspace.connections.save(bank("n" * 201))


def test_a_connection_is_not_renamed_under_a_run(workspace: Workspace) -> None:
    workspace.connections.save(bank("Sales"))
    workspace.tasks.save(task("Weekly", "Sales"))
    with workspace.task_lock(UUID, "Weekly"), pytest.raises(TransientError, match="“Weekly” is already running"):
        workspace.connections.rename("Sales", "New")
    assert list(workspace.connections.all()) == ["Sales"]


def test_a_task_goes_on_into_its_targets_after_its_connections_were_renamed(workspace: Workspace, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "source.sqlite")) as source:
        source.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)")
        source.execute("INSERT INTO t VALUES (1)")
        source.commit()
    output = tmp_path / "out"
    workspace.connections.save(Connection("in", "sqlite", {"path": str(tmp_path / "source.sqlite")}))
    workspace.connections.save(Connection("out", "folder", {"path": str(output)}))
    nodes = (
        Node("s", "source", {"connection": "in", "tables": ["t"]}),
        Node("d", "destination", {"connection": "out", "write_mode": "append"}),
    )
    workspace.tasks.save(Task(UUID, "Weekly", Design(nodes, (Link("s", "d"),))))
    service = RunService(workspace)
    for old, new in (("in", "source"), ("out", "target")):
        assert service.run(RunRequest("Weekly"), emit=lambda _: None, cancel=CancelToken()).state == "done"
        workspace.connections.rename(old, new)
    assert service.run(RunRequest("Weekly"), emit=lambda _: None, cancel=CancelToken()).state == "done"
    assert sum(pq.read_table(file).num_rows for file in output.rglob("t-*.parquet")) == 3
