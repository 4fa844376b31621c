"""Changes and what they come to, by hand: one list for Arrow, for SQL and for change files; and histories as a database logs them.

Rows are id → (v, lob). `lob` is a large object: an update may leave it alone without knowing it.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

Key = int | None
Values = tuple[str | None, str | None]
Rows = dict[Key, Values]

COLUMNS = pa.schema([("id", pa.int64()), ("v", pa.large_string()), ("lob", pa.large_string())])


@dataclass(frozen=True)
class Image:
    """A signed image. `same`: the large object is not known, and as it was."""

    sign: int
    transaction: str
    position: str
    key: Key
    values: Values = (None, None)
    same: bool = False


class Log:
    """Writes changes down in their order."""

    def __init__(self) -> None:
        self.images: list[Image] = []
        self._transaction, self._count = 0, 0

    def begin(self) -> "Log":
        self._transaction += 1
        return self

    def insert(self, key: Key, v: str | None = None, lob: str | None = None, *, same: bool = False) -> "Log":
        self._add([(1, (v, lob), same)], key)
        return self

    def delete(self, key: Key) -> "Log":
        self._add([(-1, (None, None), False)], key)
        return self

    def update(self, key: Key, v: str | None, lob: str | None = None, *, same: bool = False) -> "Log":
        self._add([(-1, (None, None), False), (1, (v, None if same else lob), same)], key)
        return self

    def _add(self, images: Sequence[tuple[int, Values, bool]], key: Key) -> None:
        self._count += 1
        transaction = f"{self._transaction:08X}"
        position = f"{transaction}-{self._count:012X}"
        self.images += [Image(sign, transaction, position, key, values, same) for sign, values, same in images]


@dataclass(frozen=True)
class Case:
    name: str
    before: Mapping[Key, Values]
    log: Log
    after: Mapping[Key, Values]

    def __str__(self) -> str:
        return self.name


def _updates(count: int) -> Log:
    log = Log().begin()
    for number in range(count):
        log.update(1, f"v{number}", f"l{number}")
    return log


A, B, C = ("a", "la"), ("b", "lb"), ("c", "lc")

CASES = (
    Case("an insert", {}, Log().begin().insert(1, *A), {1: A}),
    Case("a delete", {1: A, 2: B}, Log().begin().delete(1), {2: B}),
    Case("an update", {1: A, 2: B}, Log().begin().update(1, *C), {1: C, 2: B}),
    Case("nothing at all", {1: A}, Log(), {1: A}),
    Case("an update of a row that is not there", {2: B}, Log().begin().update(1, *C), {2: B}),
    Case("35: a delete of a row that is not there", {2: B}, Log().begin().delete(1), {2: B}),
    Case("4: insert and delete of one key in one transaction", {2: B}, Log().begin().insert(1, *A).delete(1), {2: B}),
    Case("4: delete and insert of one key in one transaction", {1: A}, Log().begin().delete(1).insert(1, *B), {1: B}),
    Case("4: insert and delete in one batch, two transactions", {}, Log().begin().insert(1, *A).begin().delete(1), {}),
    Case("4: a key changed twice", {1: A}, Log().begin().delete(1).insert(2, *A).delete(2).insert(3, *A), {3: A}),
    Case("4: a key changed and changed back", {1: A}, Log().begin().delete(1).insert(2, *A).delete(2).insert(1, *B), {1: B}),
    Case("4: a key changed and back in two", {1: A}, Log().begin().delete(1).insert(2, *A).begin().delete(2).insert(1, *B), {1: B}),
    Case("3: two keys swapped", {1: A, 2: B}, Log().begin().delete(1).insert(2, *A).delete(2).insert(1, *B), {1: B, 2: A}),
    Case("3: two keys swapped, inserts first", {1: A, 2: B}, Log().begin().insert(1, *B).insert(2, *A).delete(2).delete(1), {1: B, 2: A}),
    Case(
        "3: id = id + 1, upwards",
        {1: A, 2: B, 3: C},
        Log().begin().delete(1).insert(2, *A).delete(2).insert(3, *B).delete(3).insert(4, *C),
        {2: A, 3: B, 4: C},
    ),
    Case(
        "3: id = id + 1, downwards",
        {1: A, 2: B, 3: C},
        Log().begin().delete(3).insert(4, *C).delete(2).insert(3, *B).delete(1).insert(2, *A),
        {2: A, 3: B, 4: C},
    ),
    Case(
        "3: id = id + 1 twice, interleaved",
        {1: A, 2: B},
        Log().begin().insert(2, *A).delete(1).insert(3, *B).delete(2).begin().insert(3, *A).insert(4, *B).delete(3).delete(2),
        {3: A, 4: B},
    ),
    Case(
        "3: a swap within a transaction that inserted the key",
        {1: A},
        Log().begin().insert(2, *B).insert(2, *A).insert(1, *B).delete(2).delete(1),
        {1: B, 2: A},
    ),
    Case("5: many updates of one key", {1: A}, _updates(500), {1: ("v499", "l499")}),
    Case("6: a deferred update", {1: A, 2: B}, Log().begin().delete(1).delete(2).insert(1, *B).insert(2, *C), {1: B, 2: C}),
    Case("deleted, and back later", {1: A}, Log().begin().delete(1).begin().insert(1, *B), {1: B}),
    Case("back, and deleted again", {1: A}, Log().begin().delete(1).begin().insert(1, *B).begin().delete(1), {}),
    Case("gone in one transaction, in and out in the next", {1: A}, Log().begin().delete(1).begin().insert(1, *B).delete(1), {}),
    Case("16: the load came between a delete and the return", {}, Log().begin().delete(1).begin().insert(1, *B), {1: B}),
    Case("16: the load came between an insert and its delete", {1: A}, Log().begin().insert(1, *A).begin().delete(1), {}),
    Case("16: the load saw the end already", {1: B}, Log().begin().insert(1, *A).begin().update(1, *B), {1: B}),
    Case("inserted, then updated", {}, Log().begin().insert(1, *A).begin().update(1, *B), {1: B}),
    Case("13: a large object left alone", {1: A}, Log().begin().update(1, "x", same=True), {1: ("x", "la")}),
    Case("13: a large object set to null", {1: A}, Log().begin().update(1, "x", None), {1: ("x", None)}),
    Case("13: changed, then left alone", {1: A}, Log().begin().update(1, "x", "new").begin().update(1, "y", same=True), {1: ("y", "new")}),
    Case("13: set to null, then left alone", {1: A}, Log().begin().update(1, "x", None).begin().update(1, "y", same=True), {1: ("y", None)}),
    Case("13: left alone, then changed", {1: A}, Log().begin().update(1, "x", same=True).begin().update(1, "y", "new"), {1: ("y", "new")}),
    Case("13: inserted, then left alone", {}, Log().begin().insert(1, *A).begin().update(1, "y", same=True), {1: ("y", "la")}),
    Case("13: left alone where the row is not", {}, Log().begin().insert(1, "x", same=True), {1: ("x", None)}),
    Case("13: one left alone, one not", {1: A, 2: B}, Log().begin().update(1, "x", same=True).update(2, *C), {1: ("x", "la"), 2: C}),
    Case("36: a row leaves a filter, one enters", {1: A}, Log().begin().delete(1).insert(2, *B), {2: B}),
    Case("a null key is a key", {None: A, 1: B}, Log().begin().update(None, *C).insert(2, *A), {None: C, 1: B, 2: A}),
    Case("a null key deleted", {None: A, 1: B}, Log().begin().delete(None), {1: B}),
    Case("texts stay as they are", {}, Log().begin().insert(1, "", 'x"\n,é').insert(2, None, ""), {1: ("", 'x"\n,é'), 2: (None, "")}),
)  # fmt: skip


def images_table(images: Sequence[Image], *, marked: bool = True) -> pa.Table:
    """Signed images as a stage is given them."""
    beside = [("__sign", pa.int8()), ("__transaction", pa.string()), ("__position", pa.string())]
    marks = [("__same:lob", pa.bool_())] if marked else []
    schema = pa.schema([*beside, ("__committed_at", pa.timestamp("us", "UTC")), *marks, *COLUMNS])
    columns = [
        [image.sign for image in images],
        [image.transaction for image in images],
        [image.position for image in images],
        [None for image in images],
        *([[image.same for image in images]] if marked else []),
        [image.key for image in images],
        [image.values[0] for image in images],
        [image.values[1] for image in images],
    ]
    return pa.table(dict(zip(schema.names, columns, strict=True)), schema=schema)


def lettered_table(images: Sequence[Image]) -> pa.Table:
    """The same changes as a history is given them: both images of an update are one row."""
    rows = []
    positions: dict[str, list[Image]] = {}
    for image in images:
        positions.setdefault(image.position, []).append(image)
    for position, pair in positions.items():
        image = pair[-1]
        letter = "U" if len(pair) == 2 else "I" if image.sign > 0 else "D"
        rows.append((letter, position, image.transaction, image.key, *image.values))
    at = [int(row[2], 16) * 1_000_000 for row in rows]
    beside = {
        "__op": pa.array([row[0] for row in rows], pa.string()),
        "__position": pa.array([row[1] for row in rows], pa.string()),
        "__committed_at": pa.array(at, pa.int64()).cast(pa.timestamp("us", "UTC")),
    }
    values = {
        name: pa.array([row[3 + index] for row in rows], COLUMNS.field(name).type) for index, name in enumerate(COLUMNS.names)
    }
    return pa.table(beside | values)


def loaded_table(rows: Mapping[Key, Values]) -> pa.Table:
    """Rows of a load."""
    count = len(rows)
    beside = {
        "__op": pa.array(["L"] * count, pa.string()),
        "__position": pa.array(["0"] * count, pa.string()),
        "__committed_at": pa.nulls(count, pa.timestamp("us", "UTC")),
    }
    return pa.table(beside | dict(zip(COLUMNS.names, rows_table(rows).columns, strict=True)))


def rows_table(rows: Mapping[Key, Values]) -> pa.Table:
    columns = [list(rows), [v for v, _ in rows.values()], [lob for _, lob in rows.values()]]
    return pa.table(dict(zip(COLUMNS.names, columns, strict=True)), schema=COLUMNS)


@dataclass
class History:
    """A table's life: `log` the changes of each transaction, `states` the rows after each; `start` the rows before."""

    start: Rows
    log: list[list[Image]] = field(default_factory=list)
    states: list[Rows] = field(default_factory=list)

    def turns(self, cuts: Sequence[int]) -> Iterator[tuple[list[Image], Rows]]:
        """The changes between the cuts (numbers of transactions), and the rows after them."""
        ends = sorted({min(cut, len(self.log)) for cut in cuts} | {len(self.log)})
        for begin, end in zip([0, *ends], ends, strict=False):
            if end > begin:
                yield [image for images in self.log[begin:end] for image in images], self.states[end - 1]

    def loaded(self, seed: int, cuts: Sequence[int]) -> Rows:
        """What a load sees that lasts as long as the first turn: each key at some moment of it."""
        chance = random.Random(seed)
        end = min([*cuts, len(self.log)])
        moments = [self.start, *self.states[:end]]
        rows: Rows = {}
        for key in {key for moment in moments for key in moment}:
            moment = chance.choice(moments)
            if key in moment:
                rows[key] = moment[key]
        return rows


def history(seed: int, *, transactions: int = 6, keys: int = 6, marks: bool = True) -> History:
    """A random one in SQL Server's shape: statements (command ids) in transactions; within one, a change of keys by a whole set is
    logged as deletes and inserts in any order, an update in place as both images, a deferred one as delete and insert."""
    chance = random.Random(seed)
    value = iter(range(1_000_000))
    rows: Rows = {key: (f"v{next(value)}", f"l{next(value)}") for key in range(keys) if chance.random() < 0.6}
    made = History(dict(rows))
    for number in range(1, transactions + 1):
        images: list[Image] = []
        for command in range(chance.randint(1, 3)):
            changes = _statement(chance, rows, keys, value, marks=marks)
            for sequence, change in enumerate(changes):
                transaction = f"{number:08X}"
                position = f"{transaction}-{command:04X}-{sequence:06X}"
                images += [Image(sign, transaction, position, key, values, same) for sign, key, values, same in change]
        made.log.append(images)
        made.states.append(dict(rows))
    return made


_Change = list[tuple[int, Key, Values, bool]]


def _statement(chance: random.Random, rows: Rows, keys: int, value: Iterator[int], *, marks: bool) -> list[_Change]:
    """What one statement logs; `rows` are changed by it."""
    there = sorted(key for key in rows if key is not None)
    absent = [key for key in range(keys) if key not in rows]
    kind = chance.choice(["insert", "delete", "update", "deferred", "shift", "swap", "shift"])
    some = [key for key in there if chance.random() < 0.5]
    nothing: Values = (None, None)
    if kind == "insert" and absent:
        chosen = chance.sample(absent, chance.randint(1, len(absent)))
        rows.update({key: (f"v{next(value)}", f"l{next(value)}") for key in chosen})
        return [[(1, key, rows[key], False)] for key in chosen]
    if kind == "delete":
        for key in some:
            del rows[key]
        return [[(-1, key, nothing, False)] for key in some]
    if kind == "update":
        changes: list[_Change] = []
        for key in some:
            same = marks and chance.random() < 0.5
            lob = rows[key][1] if same else chance.choice([None, f"l{next(value)}"])
            rows[key] = (f"v{next(value)}", lob)
            image = (rows[key][0], None) if same else rows[key]
            changes.append([(-1, key, nothing, False), (1, key, image, same)])
        return changes
    moved = dict(zip(some, some, strict=True)) if kind == "deferred" else _moves(chance, kind, there)
    if len({*moved.values()}) < len(moved) or {*moved.values()} & ({*there} - {*moved}):
        return []
    old = {key: rows.pop(key) for key in moved}
    new: Rows = {moved[key]: (f"v{next(value)}", lob) for key, (_, lob) in old.items()}
    rows.update(new)
    logged: list[_Change] = [[(-1, key, nothing, False)] for key in old]
    logged += [[(1, key, values, False)] for key, values in new.items()]
    if kind != "deferred":
        chance.shuffle(logged)
    return logged


def _moves(chance: random.Random, kind: str, there: Sequence[int]) -> dict[int, int]:
    if kind == "swap" and len(there) > 1:
        one, other = chance.sample(list(there), 2)
        return {one: other, other: one}
    step, low = chance.choice([-1, 1]), chance.choice([0, 0, 2])
    return {key: key + step for key in there if key >= low}
