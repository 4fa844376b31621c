"""What every destination promises of full loads, whatever it is; each connector's tests inherit this class."""

import contextlib
from pathlib import Path

import pytest

from dtaas_desktop.domain.errors import StagedLost, UserError
from dtaas_desktop.domain.target import Owner, Published, TargetState
from tests.contracts.crash_matrix import CrashMatrix
from tests.contracts.publications import (
    OWNER,
    Crash,
    Unlimited,
    attempt_after,
    lettered,
    publication_of,
    publish_table,
    rejected_of,
    stage_table,
    table_of,
)


class DestinationContract(CrashMatrix):
    """What holds for full loads."""

    def test_what_was_published_is_there_with_position_plan_and_owner(self, tmp_path: Path) -> None:
        destination, target = self.opened(tmp_path), self.target()
        assert destination.inspect(target) == TargetState()
        table = table_of(*range(100))
        published = publish_table(destination, target, table, plan="plan-1", position="lsn-7")
        assert (published.target, published.revision, published.rows) == ("people", 1, 100)
        state = self.opened(tmp_path).inspect(target)
        assert (state.revision, state.position, state.plan, state.owner, state.foreign) == (1, "lsn-7", "plan-1", OWNER, False)
        assert state.schema is not None
        assert state.schema.names == ["id", "name", "half"]
        assert self.rows(tmp_path, "people") == self.expected(table)
        assert self.debris(tmp_path) == []

    def test_a_second_revision_replaces_or_adds(self, tmp_path: Path) -> None:
        destination, target = self.opened(tmp_path), self.target()
        first, second = table_of(*range(50)), table_of(*range(40, 90))
        publish_table(destination, target, first)
        assert publish_table(destination, target, second).revision == 2
        assert self.rows(tmp_path, "people") == self.expected(first, second)
        assert self.debris(tmp_path) == []

    def test_nothing_staged_can_be_seen(self, tmp_path: Path) -> None:
        destination, target = self.opened(tmp_path), self.target()
        state = destination.settle(target, ())
        stage_table(destination, target, table_of(1, 2, 3), attempt_after(state))
        assert self.shown(tmp_path, "people") is None
        assert destination.inspect(target) == TargetState()

    def test_a_stage_that_is_left_leaves_nothing(self, tmp_path: Path) -> None:
        destination, target, budget = self.opened(tmp_path), self.target(), Unlimited()
        attempt = attempt_after(destination.settle(target, ()))
        with contextlib.suppress(Crash), destination.stage(target, "p0", attempt=attempt, budget=budget) as stage:
            stage.write(lettered("L", table_of(1, 2)).select(target.staged_schema("load").names).to_batches()[0])
            stage.reject(rejected_of(9))
            raise Crash
        assert budget.held == 0
        destination.settle(target, ())
        assert self.debris(tmp_path) == []

    def test_an_empty_table_has_its_columns_and_no_rows(self, tmp_path: Path) -> None:
        destination, target = self.opened(tmp_path), self.target()
        published = publish_table(destination, target, table_of())
        assert (published.revision, published.rows) == (1, 0)
        assert self.rows(tmp_path, "people") == []
        assert destination.sample(target, limit=10).column_names[-3:] == ["id", "name", "half"]
        full = table_of(1, 2, 3)
        publish_table(destination, target, full)
        assert self.rows(tmp_path, "people") == self.expected(table_of(), full)
        publish_table(destination, target, table_of())
        assert self.rows(tmp_path, "people") == self.expected(table_of(), full, table_of())
        assert self.debris(tmp_path) == []

    def test_rejected_rows_belong_to_the_publication(self, tmp_path: Path) -> None:
        destination, target = self.opened(tmp_path), self.target()
        publish_table(destination, target, table_of(1), rejected=rejected_of(7, 8))
        assert [row[0] for row in self.rows(tmp_path, "people", rejected=True)] == ['{"id":7}', '{"id":8}']
        assert destination.sample(target, limit=1, rejected=True).column("reason").to_pylist() == ["odd"]
        publish_table(destination, target, table_of(2))
        assert len(self.rows(tmp_path, "people", rejected=True)) == (2 if self.mode in ("append", "history") else 0)
        assert self.debris(tmp_path) == []

    def test_a_runner_that_slept_is_refused(self, tmp_path: Path) -> None:
        sleeper, target = self.opened(tmp_path, "laptop-1"), self.target()
        publish_table(sleeper, target, table_of(1))
        attempt = attempt_after(sleeper.settle(target, ()))
        staged = stage_table(sleeper, target, table_of(2), attempt)
        publish_table(self.opened(tmp_path, "laptop-2"), target, table_of(3))
        (answer,) = sleeper.publish([publication_of(target, [staged], after=1, attempt=attempt)])
        assert isinstance(answer, UserError)
        assert "meantime" in answer.message
        assert self.rows(tmp_path, "people") == self.expected(table_of(1), table_of(3))
        sleeper.discard(target, attempt)
        assert self.debris(tmp_path) == []

    def test_a_plan_that_was_published_is_answered_not_repeated(self, tmp_path: Path) -> None:
        destination, target = self.opened(tmp_path), self.target()
        attempt = attempt_after(destination.settle(target, ()))
        publication = publication_of(
            target, [stage_table(destination, target, table_of(1, 2), attempt)], after=0, attempt=attempt
        )
        (first,) = destination.publish([publication])
        (again,) = self.opened(tmp_path).publish([publication])
        assert isinstance(first, Published)
        assert first == again
        assert self.rows(tmp_path, "people") == self.expected(table_of(1, 2))
        assert self.debris(tmp_path) == []

    def test_lost_and_damaged_parts_are_named(self, tmp_path: Path) -> None:
        destination, target = self.opened(tmp_path), self.target()
        attempt = attempt_after(destination.settle(target, ()))
        parts = [stage_table(destination, target, table_of(i), attempt, part=f"p{i}") for i in range(3)]
        found = [
            path
            for path in tmp_path.rglob("*")
            if path.is_file() and path.name in {Path(part.files[0].staged).name for part in parts[:2]}
        ]
        assert len(found) == 2
        for path in found:
            if path.name == Path(parts[0].files[0].staged).name:
                path.unlink()
            else:
                path.write_bytes(path.read_bytes()[:-1] + b"?")
        (answer,) = destination.publish([publication_of(target, parts, after=0, attempt=attempt)])
        assert isinstance(answer, StagedLost)
        assert answer.parts == ("p0", "p1")
        parts[:2] = [stage_table(destination, target, table_of(i), attempt, part=f"p{i}") for i in range(2)]
        (answer,) = destination.publish([publication_of(target, parts, after=0, attempt=attempt)])
        assert isinstance(answer, Published)
        assert self.rows(tmp_path, "people") == self.expected(table_of(0, 1, 2))
        assert self.debris(tmp_path) == []

    def test_settling_keeps_what_is_to_be_kept_and_drops_the_rest(self, tmp_path: Path) -> None:
        destination, target = self.opened(tmp_path), self.target()
        kept, dead = attempt_after(TargetState(), "kept"), attempt_after(TargetState(), "dead")
        staged = stage_table(destination, target, table_of(1), kept)
        stage_table(destination, target, table_of(2), dead)
        stage_table(self.opened(tmp_path, "another workspace"), target, table_of(3), dead)
        before = set(self.debris(tmp_path))
        destination.settle(target, ["kept"])
        left = set(self.debris(tmp_path))
        assert len(before - left) == 1  # ours and dead; what others stage is not touched
        (answer,) = destination.publish([publication_of(target, [staged], after=0, attempt=kept)])
        assert isinstance(answer, Published)
        self.opened(tmp_path, "another workspace").settle(target, ())
        assert self.debris(tmp_path) == []

    def test_somebody_elses_things_are_reported_as_foreign(self, tmp_path: Path) -> None:
        self.occupy(tmp_path, "people")
        destination, target = self.opened(tmp_path), self.target()
        assert destination.inspect(target).foreign
        assert destination.settle(target, ()).foreign

    def test_the_owner_is_the_one_of_the_last_publication(self, tmp_path: Path) -> None:
        destination, other = self.opened(tmp_path), Owner("other task", "t", "n")
        publish_table(destination, self.target(), table_of(1))
        publish_table(destination, self.target(owner=other), table_of(2))
        assert destination.inspect(self.target()).owner == other

    @pytest.mark.parametrize(
        "name", ["it's", 'a "b"', "a.b", "a/b\\c", "😀 é", "select", "x" * 200, "CON", "_dtaas", "a%41", "..", "[a]*?"]
    )
    def test_absurd_names_are_only_names(self, tmp_path: Path, name: str) -> None:
        destination = self.opened(tmp_path)
        target, table = self.target(name), table_of(1, 2)
        published = publish_table(destination, target, table, rejected=rejected_of(5))
        assert published.target == name
        assert destination.inspect(target).revision == 1
        assert self.rows(tmp_path, name) == self.expected(table)
        assert len(self.rows(tmp_path, name, rejected=True)) == 1
        assert self.debris(tmp_path) == []
