"""One world for all tests of a process; each makes tables of its own names."""

from collections.abc import Iterator

import pytest

from tests.connectors.sqlserver.world import World, world


@pytest.fixture(scope="session")
def sql_server() -> Iterator[World]:
    with world() as found:
        yield found
