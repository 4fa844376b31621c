"""What tests of destinations stage and publish: tables whose content follows from their ids, and their way to a target."""

import uuid
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from dtaas_desktop.domain.changes import Kind, WriteMode
from dtaas_desktop.domain.file_settings import FileSettings
from dtaas_desktop.domain.ports import Destination
from dtaas_desktop.domain.table import REJECTED, Counts
from dtaas_desktop.domain.target import Attempt, Owner, Publication, Published, Staged, Target, TargetState

Row = tuple[Any, ...]
OWNER = Owner("11111111-1111-1111-1111-111111111111", "main.people", "node-1")


class Unlimited:
    """A budget that is never used up."""

    def __init__(self) -> None:
        self.held = 0

    def charge(self, amount: int) -> bool:
        self.held += amount
        return False


class Crash(Exception):
    """The program stops here."""


def table_of(*ids: int) -> pa.Table:
    """Rows whose content follows from their ids; `half` splits them in two."""
    return pa.table(
        {
            "id": pa.array(ids, pa.int64()),
            "name": pa.array([None if i % 7 == 3 else f"name {i}, “x”\n" * (i % 3) for i in ids], pa.large_string()),
            "half": pa.array([f"h{i % 2}" for i in ids], pa.string()),
        }
    )


def lettered(letter: str, table: pa.Table, *, start: int = 0) -> pa.Table:
    """The rows as a history, or a load of a mirror, is given them; each change has a position of its own, those of a load have one."""
    count = table.num_rows
    beside = {
        "__op": pa.array([letter] * count, pa.string()),
        "__position": pa.array(["0" if letter == "L" else f"{start + number:08}" for number in range(count)], pa.string()),
        "__committed_at": pa.nulls(count, pa.timestamp("us", "UTC")),
    }
    return pa.table(beside | dict(zip(table.column_names, table.columns, strict=True)))


def signed(signs: Sequence[int], table: pa.Table, *, start: int) -> pa.Table:
    """The rows as images of a mirror, each row a transaction; an update is a −1 and a +1 beside each other."""
    count = table.num_rows
    places = [f"{start + number:08}" for number in range(count)]
    beside = {
        "__sign": pa.array(signs, pa.int8()),
        "__transaction": pa.array(places, pa.string()),
        "__position": pa.array(places, pa.string()),
        "__committed_at": pa.nulls(count, pa.timestamp("us", "UTC")),
    }
    return pa.table(beside | dict(zip(table.column_names, table.columns, strict=True)))


def keys_alone(table: pa.Table) -> pa.Table:
    """The rows with nothing but their key."""
    return pa.table(
        {name: table[name] if name == "id" else pa.nulls(len(table), table[name].type) for name in table.column_names}
    )


def rejected_of(*ids: int) -> pa.RecordBatch:
    rows: dict[str, list[Any]] = {
        "row": [f'{{"id":{i}}}' for i in ids],
        "key": [None] * len(ids),
        "node": ["cast"] * len(ids),
        "column": ["id"] * len(ids),
        "reason": ["odd"] * len(ids),
    }
    return pa.RecordBatch.from_pydict(rows, schema=REJECTED)


def target_for(
    name: str, schema: pa.Schema, *, mode: WriteMode = "replace", files: FileSettings | None = None, owner: Owner = OWNER
) -> Target:
    key = ("id",) if mode == "mirror" else ()
    return Target("here", name, schema, key, mode, owner, files or FileSettings())


def attempt_after(state: TargetState, plan: str = "") -> Attempt:
    return Attempt(plan or uuid.uuid4().hex, uuid.uuid4().hex[:12], state.revision + 1)


def stage_table(
    destination: Destination,
    target: Target,
    table: pa.Table,
    attempt: Attempt,
    *,
    part: str = "p0",
    rejected: pa.RecordBatch | None = None,
    kind: Kind = "load",
) -> Staged:
    if target.write_mode in ("mirror", "history") and kind == "load" and "__op" not in table.column_names:
        table = lettered("L", table)
    with destination.stage(target, part, attempt=attempt, budget=Unlimited(), kind=kind) as stage:
        for batch in table.to_batches(max_chunksize=50_000):
            stage.write(batch)
        if rejected is not None:
            stage.reject(rejected)
        files = tuple(stage.finish())
    refused = rejected.num_rows if rejected is not None else 0
    return Staged(part, attempt, Counts(read=table.num_rows + refused, written=table.num_rows, rejected=refused), files)


def publication_of(
    target: Target,
    staged: Sequence[Staged],
    *,
    after: int,
    attempt: Attempt,
    position: str | None = None,
    kind: Kind = "load",
) -> Publication:
    return Publication(target, tuple(staged), position, after, attempt, sum((part.counts for part in staged), Counts()), kind)


def publish_table(
    destination: Destination,
    target: Target,
    table: pa.Table,
    *,
    plan: str = "",
    rejected: pa.RecordBatch | None = None,
    position: str | None = None,
    kind: Kind = "load",
) -> Published:
    """Stage the table as one part and publish it."""
    state = destination.settle(target, ())
    attempt = attempt_after(state, plan)
    staged = [stage_table(destination, target, table, attempt, rejected=rejected, kind=kind)]
    (answer,) = destination.publish(
        [publication_of(target, staged, after=state.revision, attempt=attempt, position=position, kind=kind)]
    )
    if not isinstance(answer, Published):
        raise answer
    return answer
