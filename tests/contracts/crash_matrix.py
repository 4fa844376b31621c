"""Publishing that is stopped at every step, and made good by whoever comes next; each connector's tests inherit this class.

The judges (`rows`, `shown`, `debris`) are written by the heir and share no code with the product.
"""

import os
from abc import abstractmethod
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pyarrow as pa
import pytest

from dtaas_desktop.domain import faults
from dtaas_desktop.domain.changes import Kind, WriteMode
from dtaas_desktop.domain.file_settings import FileSettings
from dtaas_desktop.domain.ports import Destination
from dtaas_desktop.domain.target import Attempt, Owner, Published, Staged, Target
from tests.contracts.publications import (
    OWNER,
    Crash,
    Row,
    keys_alone,
    lettered,
    publication_of,
    publish_table,
    rejected_of,
    signed,
    stage_table,
    table_of,
    target_for,
)


class CrashMatrix:
    """Inherit, and say how to open the destination at a place and what independent readers see there: a target is published, then,
    by a `second` load or by changes, published again; stopped at every step of that, whoever comes next makes it good."""

    files: FileSettings = FileSettings()
    mode: WriteMode = "replace"
    second: Kind = "load"
    stopped_twice = True
    published_at_once = True

    @abstractmethod
    def opened(self, place: Path, workspace: str = "w1") -> Destination:
        """A new destination object at `place`, as another process would make it."""

    @abstractmethod
    def rows(self, place: Path, name: str, *, rejected: bool = False) -> list[Row]:
        """All rows an outsider finds, sorted, of a mirror those that are there now, without what stands beside changes; an error if
        two ways of reading disagree."""

    @abstractmethod
    def shown(self, place: Path, name: str) -> list[Row] | None:
        """The rows that careful readers (of the log or the manifest) see, also in the middle of things; None if no table is there."""

    @abstractmethod
    def debris(self, place: Path) -> list[str]:
        """Files that should not be there once all is settled."""

    @abstractmethod
    def occupy(self, place: Path, name: str) -> Callable[[], bool]:
        """Put something of somebody else's in the target's place; returns whether it is still there, untouched."""

    @pytest.fixture(autouse=True)
    def _quick_and_tidy(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        monkeypatch.setattr(os, "fsync", lambda handle: None)  # it matters to power cuts only, which no test can make
        yield
        faults.hook = None

    def target(self, name: str = "people", table: pa.Table | None = None, *, owner: Owner = OWNER) -> Target:
        return target_for(name, (table or table_of(1)).schema, mode=self.mode, files=self.files, owner=owner)

    def expected(self, *tables: pa.Table) -> list[Row]:
        """What should be visible after these tables were published one after the other."""
        visible = tables if self.mode in ("append", "history") else tables[-1:]
        return sorted((tuple(row.values()) for table in visible for row in table.to_pylist()), key=repr)

    def test_stopped_at_any_step_then_settled_and_repeated(self, tmp_path: Path) -> None:
        self._matrix(tmp_path, self._settle_and_publish)

    def test_stopped_at_any_step_then_published_again_at_once(self, tmp_path: Path) -> None:
        if not self.published_at_once:
            pytest.skip("published again at once only where another format, layout or mode makes a difference to it")
        self._matrix(tmp_path, self._publish_again)

    def test_stopped_at_any_step_then_stopped_again_while_settling(self, tmp_path: Path) -> None:
        if not self.stopped_twice:
            pytest.skip("stopped twice only where another format or layout makes a difference to it")
        for step in range(len(self._steps(tmp_path / "dry"))):
            for again in range(100):
                place = tmp_path / f"{step}-{again}"
                place.mkdir()
                self._stopped_run(place, step)
                if not self._stopped(partial(self._settle_and_publish, place, None), again):
                    break
                self._settle_and_publish(place, None)
                self._verify(place, f"step {step}, then {again}")

    # How the matrix works.

    FIRST, SECOND = table_of(*range(10)), table_of(*range(5, 30))
    GONE, CHANGED, ADDED = keys_alone(table_of(*range(5))), table_of(*range(5, 10)), table_of(*range(10, 30))

    def _second_parts(self) -> list[pa.Table]:
        """A load comes in parts, changes in one."""
        if self.second == "load":
            return [self.SECOND.slice(0, 12), self.SECOND.slice(12)]
        if self.mode == "history":
            return [
                pa.concat_tables(
                    [lettered("D", self.GONE, start=1), lettered("U", self.CHANGED, start=9), lettered("I", self.ADDED, start=20)]
                )
            ]
        updates = pa.concat_tables([keys_alone(self.CHANGED), self.CHANGED])
        images = [([-1] * 5, self.GONE, 1), ([-1] * 5 + [1] * 5, updates, 9), ([1] * 20, self.ADDED, 20)]
        return [pa.concat_tables([signed(signs, rows, start=start) for signs, rows, start in images])]

    def after_second(self) -> list[Row]:
        """What should be visible when all is done."""
        if self.mode == "history" and self.second == "changes":
            return self.expected(self.FIRST, self.GONE, self.CHANGED, self.ADDED)
        return self.expected(self.FIRST, self.SECOND)

    def _run(self, place: Path, journal: list[Staged] | None = None) -> None:
        """Publish SECOND, or the changes to it, with rejected rows on top of FIRST."""
        destination, target = self.opened(place), self.target()
        state = destination.settle(target, ["plan-2"])
        attempt = Attempt("plan-2", "nonce-2", state.revision + 1)
        staged = [
            stage_table(
                destination, target, rows, attempt, part=f"p{part}", rejected=None if part else rejected_of(1), kind=self.second
            )
            for part, rows in enumerate(self._second_parts())
        ]
        if journal is not None:
            journal.extend(staged)
        (answer,) = destination.publish(
            [publication_of(target, staged, after=state.revision, attempt=attempt, position="second", kind=self.second)]
        )
        if not isinstance(answer, Published):
            raise answer

    def _steps(self, place: Path) -> list[str]:
        place.mkdir()
        publish_table(self.opened(place), self.target(), self.FIRST, position="first")
        steps: list[str] = []
        faults.hook = steps.append
        self._run(place)
        faults.hook = None
        return steps

    def _stopped(self, work: Callable[[], None], step: int) -> bool:
        """Whether the work was stopped at its step number `step`; False if it has fewer."""
        remaining = step

        def hook(_: str) -> None:
            nonlocal remaining
            remaining -= 1
            if remaining < 0:
                raise Crash

        faults.hook = hook
        try:
            work()
        except Crash:
            return True
        finally:
            faults.hook = None
        return False

    def _stopped_run(self, place: Path, step: int) -> list[Staged]:
        publish_table(self.opened(place), self.target(), self.FIRST, position="first")
        journal: list[Staged] = []
        assert self._stopped(lambda: self._run(place, journal), step)
        return journal

    def _matrix(self, tmp_path: Path, recover: Callable[[Path, list[Staged] | None], None]) -> None:
        steps = self._steps(tmp_path / "dry")
        assert len(steps) > 8
        old, new = self.expected(self.FIRST), self.after_second()
        for number, name in enumerate(steps):
            place = tmp_path / str(number)
            place.mkdir()
            journal = self._stopped_run(place, number)
            assert self.shown(place, "people") in (old, new), f"half of it was visible after {name}"
            recover(place, journal or None)
            self._verify(place, f"stopped at {name}")

    def _settle_and_publish(self, place: Path, journal: list[Staged] | None) -> None:
        """As a new run does that knows the plan, but not what was staged."""
        destination, target = self.opened(place), self.target()
        state = destination.settle(target, ())
        if state.plan != "plan-2":
            self._run(place)

    def _publish_again(self, place: Path, journal: list[Staged] | None) -> None:
        """As a resume does that knows what was staged; what is lost is staged again."""
        if journal is None:
            return self._settle_and_publish(place, None)
        destination, target = self.opened(place), self.target()
        publication = publication_of(target, journal, after=1, attempt=journal[0].attempt, position="second", kind=self.second)
        (answer,) = destination.publish([publication])
        assert isinstance(answer, Published), answer
        return None

    def _verify(self, place: Path, what: str) -> None:
        destination, target = self.opened(place), self.target()
        state = destination.settle(target, ())
        assert (state.plan, state.position, state.revision) == ("plan-2", "second", 2), what
        assert self.rows(place, "people") == self.after_second(), what
        assert len(self.rows(place, "people", rejected=True)) == 1, what
        assert self.debris(place) == [], what
