"""Workspaces on both databases: a SQLite file, and a PostgreSQL server that is started once for a worker."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dtaas_desktop.services.metadata_place import MetadataSettings, save_place
from dtaas_desktop.services.workspace import Workspace, open_workspace
from tests.servers.postgresql.server import NoServer, PostgreSQL, running

PASSWORD = "DTAAS_TEST_METADATA_PASSWORD"


@pytest.fixture(scope="session")
def server() -> Iterator[PostgreSQL]:
    try:
        with running() as started:
            yield started
    except NoServer as missing:
        pytest.skip(str(missing))


@pytest.fixture
def postgresql(server: PostgreSQL, monkeypatch: pytest.MonkeyPatch) -> Iterator[MetadataSettings]:
    """An empty PostgreSQL database."""
    monkeypatch.setenv(PASSWORD, server.password)
    with server.database() as name:
        yield MetadataSettings(kind="postgresql", url=server.url(name), password=f"env:{PASSWORD}")


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest) -> MetadataSettings:
    """Each of the places where metadata can be."""
    if request.param == "sqlite":
        return MetadataSettings()
    chosen = request.getfixturevalue("postgresql")
    assert isinstance(chosen, MetadataSettings)
    return chosen


@pytest.fixture
def folder(tmp_path: Path, place: MetadataSettings) -> Path:
    """The folder of a workspace that was never opened."""
    made = tmp_path / "workspace"
    made.mkdir()
    save_place(made, place)
    return made


@pytest.fixture
def workspace(folder: Path) -> Iterator[Workspace]:
    opened = open_workspace(folder)
    yield opened
    opened.close()
