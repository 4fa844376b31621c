"""What holds for every test."""

import faulthandler
import os
import tempfile
from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path

import pytest
from hypothesis import settings

# No test asserts a time: the first example of a test may import a library.
settings.register_profile("any time", deadline=None)
settings.load_profile("any time")

_CRASH = pytest.StashKey[TextIOWrapper]()
_FOLDER = Path(tempfile.gettempdir())


@pytest.hookimpl(trylast=True)  # after pytest's own, which writes to a standard error that nobody keeps
def pytest_configure(config: pytest.Config) -> None:
    """A worker that crashes leaves the stacks of its threads, for the summary of the run."""
    if worker := os.environ.get("PYTEST_XDIST_WORKER"):
        config.stash[_CRASH] = (_FOLDER / f"dtaas-tests-{os.getppid()}-{worker}.crash").open("w", encoding="utf-8")
        faulthandler.enable(config.stash[_CRASH])


def pytest_unconfigure(config: pytest.Config) -> None:
    if _CRASH in config.stash:
        faulthandler.disable()
        config.stash[_CRASH].close()


@pytest.hookimpl(wrapper=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Iterator[None]:
    yield
    for path in sorted(_FOLDER.glob(f"dtaas-tests-{os.getpid()}-*.crash")):
        if text := path.read_text(encoding="utf-8"):
            terminalreporter.section(f"stacks of a worker that crashed: {path.stem}")
            terminalreporter.line(text[:20_000])
        path.unlink()
