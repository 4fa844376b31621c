"""One world for all tests of a process; each makes tables of its own names."""

import os
import uuid
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from dtaas_desktop.domain.errors import UserError
from tests.connectors.sqlserver.runs import Office, office
from tests.connectors.sqlserver.world import REAL, World, world


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call() -> Generator[None, object, object]:
    """A database of somebody else's may not allow snapshots, and is left as it is."""
    try:
        return (yield)
    except UserError as error:
        if os.environ.get(REAL) and "does not allow snapshots" in error.message:
            pytest.skip("the database does not allow snapshots (ALTER DATABASE … SET ALLOW_SNAPSHOT_ISOLATION ON)")
        raise


@pytest.fixture(scope="session")
def sql_server() -> Iterator[World]:
    with world() as found:
        yield found


@pytest.fixture
def desk(tmp_path: Path, sql_server: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    with office(tmp_path, sql_server, monkeypatch) as found:
        yield found


@pytest.fixture
def name() -> str:
    return f"t{uuid.uuid4().hex[:10]}"
