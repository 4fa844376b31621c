"""What every destination promises of changes, mirrors and histories; each connector's tests inherit these classes.

The judges (`state`, `log`) are written by the heir and share no code with the product.
"""

import dataclasses
import os
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtaas_desktop.domain.changes import Kind, WriteMode
from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.file_settings import FileSettings
from dtaas_desktop.domain.ports import Destination
from dtaas_desktop.domain.target import Deletes, Published, Target, TargetState
from tests.contracts.publications import OWNER, attempt_after, publication_of, publish_table, stage_table
from tests.domain.net_effect_cases import (
    CASES,
    COLUMNS,
    Image,
    Key,
    Log,
    Rows,
    Values,
    history,
    images_table,
    lettered_table,
    loaded_table,
)

A, B, C = ("a", "la"), ("b", "lb"), ("c", "lc")


class ChangesContract:
    """What mirrors and histories have in common."""

    files: FileSettings = FileSettings()
    mode: ClassVar[WriteMode]
    deletes: ClassVar[Deletes] = "hard"

    @abstractmethod
    def opened(self, place: Path, workspace: str = "w1") -> Destination: ...
    @abstractmethod
    def state(self, place: Path, name: str) -> Rows:
        """The rows that are there now. An error if two ways of reading disagree."""

    @abstractmethod
    def damage(self, place: Path, name: str) -> None:
        """What somebody else might do: rows of the target are gone."""

    @pytest.fixture(autouse=True)
    def _quick(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(os, "fsync", lambda handle: None)  # it matters to power cuts only, which no test can make

    def target(self, name: str = "t", schema: pa.Schema = COLUMNS) -> Target:
        same = ("lob",) if self.mode == "mirror" and "lob" in schema.names else ()
        return Target("here", name, schema, ("id",), self.mode, OWNER, self.files, self.deletes, same=same)

    def staged(self, images: Sequence[Image]) -> pa.Table:
        return images_table(images) if self.mode == "mirror" else lettered_table(images)

    def load(self, place: Path, rows: Mapping[Key, Values], name: str = "t", *, position: str = "0") -> Published:
        return publish_table(self.opened(place), self.target(name), loaded_table(rows), position=position)

    def change(self, place: Path, images: Sequence[Image], name: str = "t", *, position: str = "1") -> Published:
        return publish_table(self.opened(place), self.target(name), self.staged(images), kind="changes", position=position)

    def test_what_changes_come_to(self, tmp_path: Path) -> None:
        # A history is given whole rows: nothing is left alone in it.
        cases = {f"case {n}": case for n, case in enumerate(CASES) if self.mode == "mirror" or not case.name.startswith("13")}
        self._publish_all(tmp_path, {name: loaded_table(case.before) for name, case in cases.items()}, "load")
        self._publish_all(tmp_path, {name: self.staged(case.log.images) for name, case in cases.items()}, "changes")
        for name, case in cases.items():
            assert self.state(tmp_path, name) == case.after, case

    def _publish_all(self, place: Path, tables: Mapping[str, pa.Table], kind: Kind) -> None:
        destination = self.opened(place)
        publications = []
        for name, table in tables.items():
            target = self.target(name)
            state = destination.inspect(target) if kind == "changes" else TargetState()
            attempt = attempt_after(state)
            staged = stage_table(destination, target, table, attempt, kind=kind)
            publications.append(publication_of(target, [staged], after=state.revision, attempt=attempt, kind=kind))
        for answer in destination.publish(publications):
            assert isinstance(answer, Published), answer

    def test_turn_by_turn_the_rows_are_those_of_the_source(self, tmp_path_factory: pytest.TempPathFactory) -> None:
        @given(seed=st.integers(0, 2**32), cuts=st.lists(st.integers(1, 8), max_size=3))
        @settings(max_examples=8, deadline=None)
        def turn_by_turn(seed: int, cuts: list[int]) -> None:
            place = tmp_path_factory.mktemp("turns")
            made = history(seed, marks=self.mode == "mirror")
            # What no key can absorb (a history) is loaded at one moment.
            self.load(place, made.loaded(seed, cuts) if self.mode == "mirror" else made.start)
            for images, expected in made.turns(cuts):
                self.change(place, images)
                assert self.state(place, "t") == expected

        turn_by_turn()

    def test_a_turn_without_changes_moves_position_and_revision_only(self, tmp_path: Path) -> None:
        destination, target = self.opened(tmp_path), self.target()
        self.load(tmp_path, {1: A})
        for number in (2, 3):
            attempt = attempt_after(destination.settle(target, ()))
            publication = publication_of(target, [], after=number - 1, attempt=attempt, position=f"p{number}", kind="changes")
            (answer,) = destination.publish([publication])
            assert isinstance(answer, Published), answer
            assert (answer.revision, answer.rows) == (number, 0)
            assert destination.publish([publication]) == [answer]
            state = destination.inspect(target)
            assert (state.revision, state.position, state.harm) == (number, f"p{number}", "")
        assert self.state(tmp_path, "t") == {1: A}

    def test_a_task_of_changes_only_begins_with_an_empty_table(self, tmp_path: Path) -> None:
        destination, target = self.opened(tmp_path), self.target()
        attempt = attempt_after(TargetState())
        (answer,) = destination.publish([publication_of(target, [], after=0, attempt=attempt, position="5", kind="changes")])
        assert isinstance(answer, Published), answer
        assert self.state(tmp_path, "t") == {}
        assert set(destination.sample(target, limit=5).column_names) >= set(COLUMNS.names)
        self.change(tmp_path, Log().begin().insert(1, *A).update(2, *B).delete(3).images)
        assert self.state(tmp_path, "t") == {1: A}

    def test_what_was_published_is_told_with_key_steps_and_source(self, tmp_path: Path) -> None:
        target = dataclasses.replace(self.target(), steps="abc", source=pa.schema([("other", pa.int8())]))
        publish_table(self.opened(tmp_path), target, loaded_table({1: A}), position="7")
        state = self.opened(tmp_path).inspect(target)
        assert (state.key, state.steps, state.source, state.position) == (("id",), "abc", target.source, "7")
        assert state.schema == COLUMNS

    def test_harm_by_others_is_said_and_no_change_is_applied_to_it(self, tmp_path: Path) -> None:
        self.load(tmp_path, {1: A, 2: B})
        destination, target = self.opened(tmp_path), self.target()
        assert destination.inspect(target).harm == ""
        self.damage(tmp_path, "t")
        assert "t" in destination.inspect(target).harm
        with pytest.raises(UserError):
            self.change(tmp_path, Log().begin().insert(3, *A).images)
        assert destination.inspect(target).revision == 1

    def test_a_plan_that_was_published_is_answered_not_applied_twice(self, tmp_path: Path) -> None:
        self.load(tmp_path, {1: A})
        destination, target = self.opened(tmp_path), self.target()
        attempt = attempt_after(destination.settle(target, ()))
        staged = stage_table(destination, target, self.staged(Log().begin().delete(1).images), attempt, kind="changes")
        publication = publication_of(target, [staged], after=1, attempt=attempt, kind="changes")
        (first,) = destination.publish([publication])
        assert isinstance(first, Published)
        assert self.opened(tmp_path).publish([publication]) == [first]
        assert self.state(tmp_path, "t") == {}

    @pytest.mark.parametrize("name", ["__op", "__Position", "__DELETED_AT", "__sign", "__same:x"])
    def test_columns_that_changes_need_for_themselves_are_refused(self, tmp_path: Path, name: str) -> None:
        target = self.target(schema=pa.schema([("id", pa.int64()), (name, pa.string())]))
        with pytest.raises(UserError, match="for itself"):
            self.opened(tmp_path).inspect(target)
        with pytest.raises(UserError, match="for itself"):
            self.opened(tmp_path).stage(target, "p0", attempt=attempt_after(TargetState()), budget=None)  # type: ignore[arg-type]

    def test_columns_are_added_and_widened_on_the_way(self, tmp_path: Path) -> None:
        narrow = pa.schema([("id", pa.int32()), ("price", pa.decimal128(4, 1)), ("ratio", pa.float32())])
        wide = pa.schema([("id", pa.int64()), ("ratio", pa.float64()), ("price", pa.decimal128(8, 2)), ("new", pa.string())])
        destination = self.opened(tmp_path)
        rows = pa.table({"id": [1, 2], "price": [None, "123.4"], "ratio": [0.1, 0.2]}).cast(narrow)
        load = loaded_table({1: A, 2: B}).select([0, 1, 2])
        for name, column in zip(narrow.names, rows.columns, strict=True):
            load = load.append_column(narrow.field(name), column)
        publish_table(destination, self.target(schema=narrow), load)
        beside = self.staged(Log().begin().insert(2**40, None, None).images).drop_columns(COLUMNS.names)
        if self.mode == "mirror":
            beside = beside.drop_columns(["__same:lob"])
        new = pa.table({"id": [2**40], "ratio": [0.1], "price": ["123456.78"], "new": ["x"]}).cast(wide)
        for name, column in zip(wide.names, new.columns, strict=True):
            beside = beside.append_column(wide.field(name), column)
        publish_table(destination, self.target(schema=wide), beside, kind="changes")
        assert destination.inspect(self.target()).schema == wide
        assert self.widened(tmp_path, "t") == [
            (1, pa.scalar(0.1, pa.float32()).as_py(), None, None),
            (2, pa.scalar(0.2, pa.float32()).as_py(), "123.40", None),
            (2**40, 0.1, "123456.78", "x"),
        ]

    @abstractmethod
    def widened(self, place: Path, name: str) -> list[tuple[object, ...]]:
        """(id, ratio, price as text, new) of all rows that are there, by id."""

    def test_columns_that_are_not_wider_are_refused(self, tmp_path: Path) -> None:
        self.load(tmp_path, {1: A})
        fewer = self.target(schema=pa.schema([("id", pa.int64()), ("v", pa.large_string())]))
        images = self.staged(Log().begin().insert(2, *B).images)
        images = images.drop_columns([name for name in images.column_names if name.endswith("lob")])
        with pytest.raises(UserError, match="lob"):
            publish_table(self.opened(tmp_path), fewer, images, kind="changes")
        assert self.state(tmp_path, "t") == {1: A}


class MirrorContract(ChangesContract):
    mode = "mirror"

    def test_a_load_leaves_only_what_it_brings(self, tmp_path: Path) -> None:
        self.load(tmp_path, {1: A, 2: B, None: C})
        self.change(tmp_path, Log().begin().delete(2).insert(3, *C).images)
        self.load(tmp_path, {3: A, 4: B, None: A})
        assert self.state(tmp_path, "t") == {3: A, 4: B, None: A}
        self.load(tmp_path, {})
        assert self.state(tmp_path, "t") == {}
        self.change(tmp_path, Log().begin().insert(3, *C).update(4, *A).images)
        assert self.state(tmp_path, "t") == {3: C}

    def test_a_load_mends_harm(self, tmp_path: Path) -> None:
        self.load(tmp_path, {1: A, 2: B})
        self.damage(tmp_path, "t")
        self.load(tmp_path, {1: B, 3: C})
        assert self.state(tmp_path, "t") == {1: B, 3: C}
        assert self.opened(tmp_path).inspect(self.target()).harm == ""

    def test_a_column_that_is_left_alone_is_not_that_of_an_earlier_life(self, tmp_path: Path) -> None:
        self.load(tmp_path, {1: A, 2: B})
        self.change(tmp_path, Log().begin().delete(1).delete(2).images)
        self.change(tmp_path, Log().begin().insert(2, *C).delete(2).images)
        self.change(tmp_path, Log().begin().insert(1, "x", same=True).insert(2, "y", same=True).images)
        assert self.state(tmp_path, "t") == {1: ("x", None), 2: ("y", None)}
        self.change(tmp_path, Log().begin().update(1, "z", "new").images)
        self.change(tmp_path, Log().begin().update(1, "zz", same=True).images)
        assert self.state(tmp_path, "t") == {1: ("zz", "new"), 2: ("y", None)}

    def test_rows_are_counted_by_key(self, tmp_path: Path) -> None:
        self.load(tmp_path, {1: A})
        log = Log().begin().update(1, *B).begin().update(1, *C).insert(2, *A).delete(9)
        assert self.change(tmp_path, log.images).rows == 3

    def test_a_mirror_needs_a_key(self, tmp_path: Path) -> None:
        target = dataclasses.replace(self.target(), key=())
        with pytest.raises(UserError, match="key"):
            self.opened(tmp_path).inspect(target)


class HistoryContract(ChangesContract):
    mode = "history"

    @abstractmethod
    def log(self, place: Path, name: str) -> list[tuple[str, Key, str | None]]:
        """(letter, id, v) of all rows, in the order of their positions."""

    def test_every_change_is_kept_in_order(self, tmp_path: Path) -> None:
        self.load(tmp_path, {1: A})
        log = Log().begin()
        for number in range(8000):
            log.update(1, f"v{number}")
        self.change(tmp_path, log.begin().delete(1).begin().insert(1, *B).images)
        expected = [("L", 1, "a"), *(("U", 1, f"v{number}") for number in range(8000)), ("D", 1, None), ("I", 1, "b")]
        assert self.log(tmp_path, "t") == expected

    def test_another_load_is_added(self, tmp_path: Path) -> None:
        self.load(tmp_path, {1: A, 2: B})
        self.change(tmp_path, Log().begin().delete(1).images)
        self.load(tmp_path, {3: C})
        assert sorted(self.log(tmp_path, "t")) == sorted([("L", 1, "a"), ("L", 2, "b"), ("D", 1, None), ("L", 3, "c")])
