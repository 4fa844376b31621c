"""Whatever others write, and wherever the program stops: what is published is what the source held at that position."""

import contextlib
import itertools
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.model.histories import HISTORIES, Stretch
from tests.model.other_program import OtherProgram
from tests.model.world import Crash, World

EXAMPLES = int(os.environ.get("DTAAS_HISTORIES", "0"))  # more than the suite has time for


@pytest.fixture(scope="module")
def program() -> Iterator[OtherProgram]:
    started = OtherProgram.started()
    yield started
    started.end()


@pytest.fixture(autouse=True)
def _no_syncing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda handle: None)  # it matters to power cuts only, which no test can make


def lived(world: World, stretch: Stretch) -> None:
    """One stretch, and what must hold after it."""
    world.write(stretch.before)
    if stretch.alteration is not None:
        world.alter(stretch.alteration)
    count = itertools.count()

    def hook(step: str) -> None:
        number = next(count)
        if number == stretch.when and stretch.during is not None:
            world.write([stretch.during])
        if number == stretch.stopped:
            raise Crash(step)

    with contextlib.suppress(Crash):  # a worker's is told as a fault of the program, the run's own comes up to here
        world.run(hook)
    world.check()


def lived_through(world: World, history: list[Stretch]) -> None:
    for stretch in history:
        lived(world, stretch)
    outcome = world.run()
    assert outcome.state == "done", world.failures()
    together = set.intersection(*world.check())
    assert len(world.moments) - 1 in together, "the last run did not come up to the end"


def settled(examples: int) -> settings:
    checks = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
    phases = [Phase.explicit, Phase.reuse, Phase.generate, *([] if EXAMPLES else [Phase.shrink])]  # by hand the seed is enough
    return settings(max_examples=EXAMPLES or examples, deadline=None, suppress_health_check=checks, phases=phases)


@pytest.mark.timeout(3600)
@settled(430)
@given(HISTORIES, st.sampled_from([1, 3, 32_768]), st.booleans())
def test_a_folder_follows_whatever_happens(program: OtherProgram, history: list[Stretch], fetch: int, recursive: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lived_through(World(Path(folder), program, "folder", fetch=fetch, recursive=recursive), history)


@pytest.mark.timeout(3600)
@settled(70)
@given(HISTORIES, st.sampled_from([1, 3, 32_768]), st.booleans())
def test_a_duckdb_file_follows_whatever_happens(
    program: OtherProgram, history: list[Stretch], fetch: int, recursive: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lived_through(World(Path(folder), program, "duckdb", fetch=fetch, recursive=recursive), history)
