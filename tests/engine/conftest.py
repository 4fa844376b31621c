"""What the tests of the engine share."""

import pytest


@pytest.fixture(autouse=True)
def _a_part_is_over_before_the_next_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """They count parts one by one. That two may be in flight is the business of the crash tests in tests/cli."""
    monkeypatch.setattr("dtaas_desktop.engine.task_run._FINISHING", 0)
