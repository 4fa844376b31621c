"""Changes at one target: whatever steps do to the images, the target ends equal to what a load of the new rows would make of it."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtaas_desktop.domain.changes import CHANGES, SAME, UNCHANGED, Operation, WriteMode
from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.ports import BAD_CELLS, Applied, Lineage
from dtaas_desktop.domain.table import Counts, Misfit, Rows
from dtaas_desktop.domain.target import Owner, Target
from dtaas_desktop.engine.chain import Chain, Step
from dtaas_desktop.engine.change_rows import ChangeRows

SOURCE = pa.schema([pa.field("id", pa.int64(), nullable=False), pa.field("n", pa.int64()), pa.field("text", pa.large_string())])
TARGET = pa.schema([pa.field("text", pa.large_string()), pa.field("key", pa.int64()), pa.field("tenfold", pa.int64())])
Row = dict[str, Any]
Logged = tuple[Operation, int, str, Row]  # operation, transaction, position, image


@dataclass(frozen=True)
class Sieve:
    """Lets no row through whose n can be divided by `keeps`; finds those bad whose n can be by `spoils`; 0 divides nothing."""

    keeps: int
    spoils: int
    on_bad: Misfit

    def output_schema(self, schema: pa.Schema) -> pa.Schema:
        return schema

    def lineage(self, schema: pa.Schema) -> Lineage:
        return Lineage({name: (name,) for name in schema.names}, frozenset(schema.names), frozenset({"n"}))

    def apply(self, rows: pa.RecordBatch) -> Applied:
        values = rows.column("n").to_pylist()
        kept = [i for i, n in enumerate(values) if not (self.keeps and n is not None and n % self.keeps == 0)]
        bad = [i for i in kept if self.spoils and values[i] is not None and values[i] % self.spoils == 0]
        cells = pa.RecordBatch.from_pylist(
            [{"row": i, "column": "n", "value": str(values[i]), "reason": "is spoilt"} for i in bad], schema=BAD_CELLS
        )
        return Applied(rows.take(pa.array(kept, pa.int64())), pa.array(kept, pa.int64()), cells)

    def passes(self, row: Row) -> bool:
        divides = row["n"] is not None and self.keeps and row["n"] % self.keeps == 0
        return not divides and not self.spoilt(row)

    def spoilt(self, row: Row) -> bool:
        return bool(row["n"] is not None and self.spoils and row["n"] % self.spoils == 0)


@dataclass(frozen=True)
class Rebuild:
    """Another order, another name for the key, and n computed anew."""

    on_bad: Misfit = "fail"

    def output_schema(self, schema: pa.Schema) -> pa.Schema:
        return TARGET

    def lineage(self, schema: pa.Schema) -> Lineage:
        return Lineage({"text": ("text",), "key": ("id",), "tenfold": ("n",)}, frozenset({"text", "key"}))

    def apply(self, rows: pa.RecordBatch) -> Applied:
        tenfold = pa.array([None if n is None else 10 * n for n in rows.column("n").to_pylist()], pa.int64())
        return Applied(pa.RecordBatch.from_arrays([rows.column("text"), rows.column("id"), tenfold], schema=TARGET))


def rebuilt(row: Row) -> Row:
    return {"text": row["text"], "key": row["id"], "tenfold": None if row["n"] is None else 10 * row["n"]}


def changes_of(sieves: Sequence[Sieve], write_mode: WriteMode, same: tuple[str, ...] = ()) -> ChangeRows:
    steps = [Step(f"sieve {i}", sieve) for i, sieve in enumerate(sieves)] + [Step("rebuild", Rebuild())]
    target = Target("to", "t", TARGET, ("key",), write_mode, Owner("task", "t", "node"), same=same)
    return ChangeRows(Chain("t", ("id",), tuple(steps)), SOURCE, target)


def batch_of(log: Sequence[Logged], marks: Sequence[bool] | None = None) -> tuple[Rows, pa.RecordBatch]:
    nullable = pa.schema([f.with_nullable(True) for f in SOURCE])
    rows = pa.RecordBatch.from_pylist([image for *_, image in log], schema=nullable)
    beside = pa.RecordBatch.from_pylist(
        [{"operation": int(o), "transaction": f"{t:06}", "position": p, "committed_at": None} for o, t, p, _ in log],
        schema=CHANGES,
    )
    if marks is not None:
        beside = beside.append_column(pa.field(UNCHANGED + "text", pa.bool_()), pa.array(marks))
    return Rows(rows, changes=beside), rows


def cut(log: Sequence[Logged], size: int) -> Iterable[Sequence[Logged]]:
    """Batches of about `size`, never between the two images of an update."""
    start = 0
    while start < len(log):
        end = min(start + size, len(log))
        if log[end - 1][0] == Operation.BEFORE:
            end += 1
        yield log[start:end]
        start = end


@dataclass
class Database:
    """A table with a change log as SQL Server writes it: whole transactions, both images of updates, key updates as they fall."""

    rows: dict[int, Row] = field(default_factory=dict)
    log: list[Logged] = field(default_factory=list)
    transaction: int = 0
    changes: int = 0

    def write(self, operation: Operation, image: Row, *, another: bool = True) -> None:
        self.changes += another
        self.log.append((operation, self.transaction, f"{self.changes:08}", dict(image)))

    def insert(self, key: int, n: int | None) -> None:
        if key not in self.rows:
            self.rows[key] = {"id": key, "n": n, "text": f"row {key} {n}"}
            self.write(Operation.INSERT, self.rows[key])

    def update(self, key: int, n: int | None, to: int) -> None:
        """Another n, and another key where `to` is free: logged as one update, as PostgreSQL does it."""
        if key in self.rows and (to == key or to not in self.rows):
            before = self.rows.pop(key)
            self.rows[to] = before | {"id": to, "n": n}
            self.write(Operation.BEFORE, before)
            self.write(Operation.AFTER, self.rows[to], another=False)

    def delete(self, key: int) -> None:
        if key in self.rows:
            self.write(Operation.DELETE, self.rows.pop(key))

    def shift(self, by: int) -> None:
        """UPDATE t SET id = id + by: delete and insert of each row, one after the other, whatever keys meet."""
        shifted = {}
        for row in self.rows.values():
            self.write(Operation.DELETE, row)
            shifted[row["id"] + by] = row | {"id": row["id"] + by}
            self.write(Operation.INSERT, shifted[row["id"] + by])
        self.rows = shifted


@dataclass
class Mirror:
    """A target that applies signed images by the rule, row for row."""

    rows: dict[int, Row] = field(default_factory=dict)

    def apply(self, staged: Sequence[Row]) -> None:
        nets: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        for row in staged:
            nets[row["key"]][row["__transaction"]] += row["__sign"]
        for key, by_transaction in nets.items():
            decided = [by_transaction[t] for t in sorted(by_transaction) if by_transaction[t]]
            assert all(net in (-1, 1) for net in decided)
            images = sorted((r for r in staged if r["key"] == key and r["__sign"] > 0), key=lambda r: r["__position"])
            there = decided[-1] > 0 if decided else key in self.rows
            if there and images:
                self.rows[key] = {name: images[-1][name] for name in TARGET.names}
            elif not there:
                self.rows.pop(key, None)


steps_of_a_transaction = st.lists(
    st.one_of(
        st.tuples(st.just("insert"), st.integers(0, 5), st.integers(0, 30)),
        st.tuples(st.just("update"), st.integers(0, 5), st.integers(0, 30), st.integers(0, 5)),
        st.tuples(st.just("delete"), st.integers(0, 5)),
        st.tuples(st.just("shift"), st.sampled_from([1, -1])),
    ),
    min_size=1,
    max_size=6,
)
in_order = steps_of_a_transaction.map(lambda steps: [step for step in steps if step[0] != "shift"])
turns_in_order = st.lists(st.lists(in_order, min_size=1, max_size=4), min_size=1, max_size=4)
turns = st.lists(st.lists(steps_of_a_transaction, min_size=1, max_size=4), min_size=1, max_size=4)
sieves = st.lists(st.builds(Sieve, st.integers(0, 4), st.integers(0, 4), st.just("reject")), max_size=2)


@given(turns, sieves, st.sampled_from([1, 3, 1000]))
def test_a_mirror_ends_equal_to_a_load_after_every_turn(turns: Any, sieves: list[Sieve], size: int) -> None:
    database, mirror, changes = Database(), Mirror(), changes_of(sieves, "mirror")
    for transactions in turns:
        start = len(database.log)
        perform(database, transactions)
        staged, counts, rejected = taken(changes, database.log[start:], size)
        mirror.apply(staged)
        assert mirror.rows == expected(database, sieves)
        assert counts.balanced
        assert counts.read == sum(operation != Operation.BEFORE for operation, *_ in database.log[start:])
        assert counts.rejected == len(rejected)


@given(turns_in_order, sieves, st.sampled_from([1, 3, 1000]))
def test_a_history_replayed_letter_by_letter_gives_the_same(turns: Any, sieves: list[Sieve], size: int) -> None:
    database, changes = Database(), changes_of(sieves, "history")
    rows: dict[int, Row] = {}
    for transactions in turns:
        start = len(database.log)
        perform(database, transactions)
        staged, counts, _ = taken(changes, database.log[start:], size)
        assert counts.balanced
        assert [row["__position"] for row in staged] == sorted(row["__position"] for row in staged)
        for row in staged:
            letter, key = row["__op"], row["key"]
            assert (key in rows) == (letter != "I")
            rows[key] = {name: row[name] for name in TARGET.names}
            if letter == "D":
                del rows[key]
        assert rows == expected(database, sieves)


def perform(database: Database, transactions: Any) -> None:
    for steps in transactions:
        database.transaction += 1
        for name, *arguments in steps:
            getattr(database, name)(*arguments)


def taken(changes: ChangeRows, log: Sequence[Logged], size: int) -> tuple[list[Row], Counts, list[Row]]:
    staged: list[Row] = []
    rejected: list[Row] = []
    counts = Counts()
    for piece in cut(log, size):
        one = changes.take(*batch_of(piece))
        staged += one.batch.to_pylist()
        rejected += one.rejected.to_pylist() if one.rejected is not None else []
        counts += one.counts
    return staged, counts, rejected


def expected(database: Database, sieves: Sequence[Sieve]) -> dict[int, Row]:
    return {key: rebuilt(row) for key, row in database.rows.items() if all(sieve.passes(row) for sieve in sieves)}


SPOILS = [Sieve(keeps=0, spoils=7, on_bad="reject")]


def test_an_update_that_is_rejected_takes_the_stale_row_away_and_keeps_the_refused_one() -> None:
    database = Database()
    database.insert(1, 5)
    database.update(1, 7, 1)
    staged, counts, rejected = taken(changes_of(SPOILS, "mirror"), database.log, 100)
    assert [(row["__sign"], row["key"]) for row in staged] == [(-1, 1), (1, 1)]
    assert (counts.read, counts.written, counts.rejected) == (2, 1, 1)
    assert json.loads(rejected[0]["row"])["n"] == 7
    history, _, _ = taken(changes_of(SPOILS, "history"), database.log, 100)
    assert [row["__op"] for row in history] == ["I", "D"]


def test_under_fail_only_an_image_that_is_to_be_written_fails_the_table() -> None:
    failing = [Sieve(keeps=0, spoils=7, on_bad="fail")]
    database = Database()
    database.insert(1, 7)
    with pytest.raises(UserError, match="is spoilt"):
        taken(changes_of(failing, "mirror"), database.log, 100)
    start = len(database.log)
    database.update(1, 8, 1)
    staged, _, _ = taken(changes_of(failing, "mirror"), database.log[start:], 100)
    assert [(row["__sign"], row["tenfold"]) for row in staged] == [(1, 80)]


def test_a_key_changed_by_an_update_is_a_delete_and_an_insert() -> None:
    database = Database()
    database.insert(1, 5)
    database.update(1, 6, 2)
    history, counts, _ = taken(changes_of([], "history"), database.log, 100)
    assert [(row["__op"], row["key"], row["tenfold"]) for row in history] == [("I", 1, 50), ("D", 1, 50), ("I", 2, 60)]
    assert (counts.read, counts.written) == (2, 2)


def test_net_changes_name_rows_that_are_there_gone_or_refused() -> None:
    log: list[Logged] = [
        (Operation.PRESENT, 9, "1", {"id": 1, "n": 1, "text": "there"}),
        (Operation.PRESENT, 9, "2", {"id": 2, "n": 7, "text": "spoilt"}),
        (Operation.ABSENT, 9, "3", {"id": 3}),
        (Operation.REFUSED, 9, "4", {"id": 4}),
        (Operation.PRESENT, 9, "5", {"id": 5, "n": 10, "text": "kept out"}),
    ]
    sieves = [Sieve(keeps=5, spoils=7, on_bad="reject")]
    staged, counts, rejected = taken(changes_of(sieves, "mirror"), log, 100)
    assert sorted((row["key"], row["__sign"]) for row in staged) == [(1, 1), (2, -1), (3, -1), (4, -1), (5, -1)]
    assert counts == Counts(read=4, written=2, filtered=1, rejected=1)  # the refused one is counted where it is kept
    assert len(rejected) == 1
    history, _, _ = taken(changes_of(sieves, "history"), log, 100)
    assert [(row["__op"], row["key"], row["text"]) for row in history] == [
        ("I", 1, "there"),
        *[("D", key, None) for key in (2, 3, 4, 5)],
    ]


def test_a_column_that_an_update_left_alone_is_marked_under_its_name_at_the_target() -> None:
    database = Database()
    database.insert(1, 5)
    start = len(database.log)
    database.update(1, 6, 1)
    changes = changes_of([], "mirror", same=("text",))
    staged = changes.take(*batch_of(database.log[start:], marks=[False, True])).batch.to_pylist()
    assert [(row["__sign"], row[SAME + "text"]) for row in staged] == [(-1, False), (1, True)]


def test_an_update_without_its_other_image_is_an_error_never_a_guess() -> None:
    database = Database()
    database.insert(1, 5)
    database.update(1, 6, 1)
    changes = changes_of([], "mirror")
    for broken in (database.log[:2], [database.log[2]], [database.log[2], database.log[1]]):
        with pytest.raises(ValueError, match="pair"):
            changes.take(*batch_of(broken))
