"""The same value for the same cell, by full load and by change; keys in every form; cells that do not fit."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dtaas_desktop.connectors.sqlite import SqliteSource
from dtaas_desktop.connectors.sqlite.pages import ChunkSize
from dtaas_desktop.domain.changes import Operation, Position
from dtaas_desktop.domain.connection import SqliteSettings
from dtaas_desktop.domain.errors import TransientError, UserError
from dtaas_desktop.domain.table import CellPolicy, Misfit, Rows, TableDescription
from tests.connectors.sqlite.captured import T, changes, position, seen, sqlite, stored, write
from tests.connectors.sqlite.databases import database, rows_of, source_of
from tests.connectors.sqlite.judge import MISFIT, Stored, read, stored_rows
from tests.connectors.sqlite.test_every_cell import CHUNKS, made, tables

REJECT = CellPolicy(misfit="reject", oversize="reject")


@pytest.fixture
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp())
    yield path
    shutil.rmtree(path)


def everything(rows: list[Rows]) -> list[object]:
    """Rows, rejected rows and nulled cells, whatever the batches."""
    good = [tuple(repr(value) for value in row.values()) for part in rows for row in part.batch.to_pylist()]
    bad = [tuple(row.values()) for part in rows if part.rejected is not None for row in part.rejected.to_pylist()]
    return [sorted(good), sorted(bad, key=repr), sum(part.nulled for part in rows)]


def without_refused(rows: list[Rows]) -> tuple[list[Rows], list[object]]:
    kept, refused = [], []
    for part in rows:
        assert part.changes is not None
        operations = part.changes.column("operation").to_pylist()
        assert set(operations) <= {Operation.PRESENT, Operation.REFUSED}
        mask = pa.array([operation == Operation.PRESENT for operation in operations], pa.bool_())
        kept.append(Rows(part.batch.filter(mask), part.rejected, part.nulled))
        refused += [row for row, good in zip(part.batch.to_pylist(), mask.to_pylist(), strict=True) if not good]
    return kept, refused


@pytest.mark.parametrize("shape", ["key", "without rowid", "rowid"])
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(table=tables(), chunk=st.sampled_from(CHUNKS), misfit=st.sampled_from(["fail", "null", "reject"]))
def test_a_changed_row_is_read_as_by_a_full_load(
    folder: Path, shape: str, table: tuple[list[str], list[list[Stored]]], chunk: ChunkSize, misfit: Misfit
) -> None:
    declared, columns = table
    path = folder / "t.db"
    made(path, declared, columns, shape)
    if shape == "rowid":
        others = ", ".join(f"c{number} {kind}" for number, kind in enumerate(declared))
        write(path, "ALTER TABLE t RENAME TO s", f"CREATE TABLE t (id TEXT NOT NULL UNIQUE, {others})")
        write(path, "INSERT INTO t SELECT * FROM s", "DROP TABLE s")
    source = SqliteSource(SqliteSettings(path=str(path)), chunk=chunk)
    source.capture.enable([T])
    before, policy = position(source), CellPolicy(misfit=misfit)
    write(path, "UPDATE t SET id = id")
    try:
        loaded = everything(rows_of(source, T, policy))
    except UserError:
        with pytest.raises(UserError, match=r"Table t, column “c[0-3]”: the row with id = .* holds"):
            changes(source, before, cells=policy)
        return
    found, refused = without_refused(changes(source, before, cells=policy)[1])
    assert everything(found) == loaded
    rejected = [json.loads(row["row"])["id"] for part in found if part.rejected is not None for row in part.rejected.to_pylist()]
    assert sorted(row["id"] for row in refused) == sorted(rejected)  # type: ignore[index]


@pytest.mark.parametrize("large", ["fail", "reject"])
def test_a_cell_over_the_limit_is_refused_and_its_row_is_not_kept_stale(tmp_path: Path, large: str) -> None:
    path = database(tmp_path / "t.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)")
    source = source_of(path, ChunkSize(rows=3))
    source.capture.enable([T])
    before = position(source)
    write(
        path,
        "INSERT INTO t VALUES (1, 'x'), (2, 'y'), (3, 'z')",
        "UPDATE t SET a = replace(hex(zeroblob(50)), '0', 'x') WHERE id = 2",
    )
    if large == "fail":
        with pytest.raises(UserError, match="id = 2 holds a cell of more than 50 bytes"):
            changes(source, before, cells=CellPolicy(limit=50))
        return
    _, found = changes(source, before, cells=CellPolicy(limit=50, oversize="reject"))
    assert sorted(seen(found), key=lambda image: str(image[1]["id"])) == [
        (Operation.PRESENT, {"id": 1, "a": "x"}),
        (Operation.REFUSED, {"id": 2, "a": None}),
        (Operation.PRESENT, {"id": 3, "a": "z"}),
    ]
    (rejected,) = [row for part in found if part.rejected is not None for row in part.rejected.to_pylist()]
    assert json.loads(rejected["key"]) == {"id": 2}


@pytest.mark.parametrize("misfit", ["null", "reject"])
def test_a_key_that_does_not_fit_was_never_at_the_destination(tmp_path: Path, misfit: Misfit) -> None:
    path = database(tmp_path / "t.db", "CREATE TABLE t (d DATE NOT NULL, n INT NOT NULL, a TEXT, PRIMARY KEY (d, n))")
    source = source_of(path)
    source.capture.enable([T])
    before = position(source)
    write(path, "INSERT INTO t VALUES ('2024-01-31', 1, 'x'), ('soon', 2, 'y'), ('soon', 'two', 'z'), ('later', 3, 'w')")
    write(path, "DELETE FROM t WHERE d = 'later'")
    _, found = changes(source, before, cells=CellPolicy(misfit=misfit))
    assert [(operation, row["n"]) for operation, row in seen(found)] == [(Operation.PRESENT, 1)]
    rejected = [row for part in found if part.rejected is not None for row in part.rejected.to_pylist()]
    assert sorted(json.loads(row["row"])["a"] for row in rejected) == ["y", "z"]
    assert sum(part.nulled for part in found) == 0
    with pytest.raises(UserError, match="column “d”"):
        changes(source, before)


def test_columns_come_as_asked_also_without_the_key(tmp_path: Path) -> None:
    path = database(tmp_path / "t.db", "CREATE TABLE t (a TEXT, k TEXT PRIMARY KEY, b INTEGER NOT NULL)")
    source = source_of(path)
    source.capture.enable([T])
    before = position(source)
    write(path, "INSERT INTO t VALUES ('x', 'k', 1), ('y', 'l', 2)", "DELETE FROM t WHERE k = 'l'")
    for columns in (["b", "k"], ["b"], ["a", "b", "k"]):
        _, found = changes(source, before, columns=columns)
        assert [part.batch.schema.names for part in found] == [columns] * 2
        assert seen(found)[0] == (Operation.PRESENT, {name: {"a": "x", "k": "k", "b": 1}[name] for name in columns})
        assert seen(found)[1][1].get("b") is None


@pytest.mark.parametrize("kind", ["", "BLOB"])
def test_changes_of_two_thousand_columns(tmp_path: Path, kind: str) -> None:
    names = [f"c{number}" for number in range(1999)]
    path = database(
        tmp_path / "t.db", f"CREATE TABLE t ({', '.join(f'{name} {kind}' for name in names)}, k TEXT PRIMARY KEY) WITHOUT ROWID"
    )
    source = source_of(path, ChunkSize(rows=3))
    source.capture.enable([T])
    before = position(source)
    write(
        path,
        *(f"INSERT INTO t (k, c0, c1, c1998) VALUES ('k{number}', 1, x'00', 'x')" for number in range(7)),
        "DELETE FROM t WHERE k = 'k3'",
    )
    table = source.describe(T)
    _, found = changes(source, before, table=table, cells=CellPolicy(misfit="null"))
    assert len(seen(found)) == 7
    assert sum(part.nulled for part in found) == (6 if kind else 0)
    assert {len(row) for _, row in seen(found)} == {2000}


def test_a_cell_larger_than_a_chunk_is_read_alone(tmp_path: Path) -> None:
    path = database(tmp_path / "t.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, a BLOB)")
    source = source_of(path, ChunkSize(rows=100, bytes=1000))
    source.capture.enable([T])
    before = position(source)
    write(path, *(f"INSERT INTO t VALUES ({number}, zeroblob({number * 300}))" for number in range(9)))
    _, found = changes(source, before)
    assert sorted(len(bytes(row["a"])) for _, row in seen(found)) == [number * 300 for number in range(9)]  # type: ignore[call-overload]
    assert all(part.batch.num_rows == 1 or part.batch.nbytes < 2000 for part in found)
    assert max(part.batch.num_rows for part in found) > 1


def test_a_published_type_stays_where_none_is_declared(tmp_path: Path) -> None:
    path = database(tmp_path / "t.db", "CREATE TABLE t (k INTEGER PRIMARY KEY, a, b, c)", "INSERT INTO t VALUES (1, 1, 1, 1)")
    source = source_of(path)
    first = source.describe(T)
    write(path, "INSERT INTO t VALUES (2, 'x', 'x', 1.5)")
    assert [str(column.type) for column in source.describe(T).columns] == ["int64", "large_string", "large_string", "double"]
    published = first.schema.remove(2).set(2, pa.field("c", pa.date32()))
    kept = source.describe(T, published=published)
    assert [str(column.type) for column in kept.columns] == ["int64", "int64", "large_string", "double"]
    assert not any("“a”" in note for note in kept.notes)


# Keys that SQLite tells apart, or not, and Arrow types tell apart, or not.
FORMS: list[Stored] = [
    0, 1, 1.0, -1, 1.5, 2**53 + 1, b"1", b"1.0", b"\xff", b"",
]  # fmt: skip
TEXT_FORMS = [
    "1",
    "1.0",
    "1.5",
    "true",
    "T",
    "2024-01-31",
    "2024-01-31 00:00:00",
    "2024-01-31T00:00",
    "12:00",
    "12:00:00",
    "x",
    "X",
    "",
]
KEYS = [
    "",
    "BLOB",
    "TEXT",
    "BIGINT",
    "REAL",
    "NUMERIC",
    "DECIMAL(10,2)",
    "DATE",
    "TIMESTAMP",
    "TIMESTAMPTZ",
    "TIME",
    "BOOLEAN",
    "UUID",
]


@pytest.mark.parametrize("declared", KEYS)
@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**32), chunk=st.sampled_from([ChunkSize(rows=1), ChunkSize(rows=3), ChunkSize()]))
def test_keys_of_every_form_lead_to_the_source_as_it_is(declared: str, seed: int, chunk: ChunkSize) -> None:
    chance = Random(seed)
    collation = chance.choice(["", "", "COLLATE NOCASE"])
    with tempfile.TemporaryDirectory() as name:
        path = database(Path(name) / "t.db", f"CREATE TABLE t (k {declared} {collation} NOT NULL PRIMARY KEY, n INTEGER)")
        source = source_of(path, chunk)
        source.capture.enable([T])
        for _ in range(4):
            mess(path, chance)
        table = source.describe(T)
        copy: dict[object, object] = {}
        after = position_zero(source)
        for _ in range(4):
            found = typed(path, table, declared)
            if found is None:
                return  # two rows where the destination can have one
            after, rows = changes(source, after, table=table, cells=REJECT)
            for operation, row in seen(rows):
                if operation == Operation.PRESENT:
                    copy[row["k"]] = row["n"]
                else:
                    copy.pop(row["k"], None)
            assert copy == found
            for _ in range(3):
                mess(path, chance)
                if typed(path, table, declared) is None:
                    return


def position_zero(source: SqliteSource) -> Position:
    """The moment of installing."""
    instance, seq, _ = position(source).split(".")
    return f"{instance}.{'0' * len(seq)}.0"


def mess(path: Path, chance: Random) -> None:
    marks = [chance.choice(["?", "CAST(? AS TEXT)"]) for _ in range(2)]
    one, two = (chance.choice(FORMS if mark == "?" else TEXT_FORMS) for mark in marks)
    number = chance.randint(0, 99)
    with sqlite(path) as connection:
        match chance.randint(0, 5):
            case 0 | 1 | 2:
                connection.execute(f"INSERT OR REPLACE INTO t VALUES ({marks[0]}, {number})", (one,))
            case 3 | 4:
                some = "(SELECT min(rowid) FROM t)"
                connection.execute(f"UPDATE OR REPLACE t SET k = {marks[0]}, n = {number} WHERE rowid = {some}", (one,))
            case _:
                connection.execute(f"DELETE FROM t WHERE k = {marks[1]}", (two,))


def typed(path: Path, table: TableDescription, declared: str) -> dict[object, object] | None:
    """The table by its keys as they are to be read, without those that do not fit; None if two are read as the same."""
    kind = str(table.columns[0].type)
    rows = [(read(key, kind, declared=bool(declared)), number) for key, number in stored_rows(path, "SELECT k, n FROM t")]
    fit = [(key, number) for key, number in rows if key is not MISFIT]
    return dict(fit) if len(dict(fit)) == len(fit) else None


def test_keys_rewritten_in_another_form_are_the_same_rows(tmp_path: Path) -> None:
    path = database(tmp_path / "t.db", "CREATE TABLE t (s TEXT, at TIMESTAMP, v REAL, PRIMARY KEY (s, at))")
    source = source_of(path)
    source.capture.enable([T])
    write(
        path,
        "INSERT INTO t VALUES ('a', '2024-01-31T10:00:00', 1), ('a', '2024-01-31T11:00:00', 2), ('b', '2024-01-31T10:00:00', 3)",
    )
    loaded = position(source)
    write(path, "UPDATE t SET at = replace(at, 'T', ' ')", "DELETE FROM t WHERE s = 'b'")
    images = seen(changes(source, loaded)[1])
    assert [(operation, row["s"], row["v"]) for operation, row in images] == [
        (Operation.PRESENT, "a", 1.0),
        (Operation.PRESENT, "a", 2.0),
        (Operation.ABSENT, "b", None),
    ]
    write(path, "INSERT INTO t VALUES ('a', '2024-01-31T10:00:00', 9)", "UPDATE t SET v = 5")
    with pytest.raises(UserError, match=r"“s”, “at”.* are stored differently and read as the same"):
        changes(source, loaded)
    assert len(stored(path)) == 3


@pytest.mark.parametrize("first", ["'x'", "5"])
def test_a_number_key_that_becomes_another_kind_of_number(tmp_path: Path, first: str) -> None:
    path = database(
        tmp_path / "t.db", "CREATE TABLE t (k NOT NULL PRIMARY KEY, n INT)", f"INSERT INTO t VALUES ({first}, 0), (1, 1)"
    )
    source = source_of(path)
    source.capture.enable([T])
    before = position(source)
    write(path, "UPDATE t SET k = 1.0 WHERE k = 1")
    images = [(operation, row["k"]) for operation, row in seen(changes(source, before)[1])]
    as_text: list[tuple[Operation, object]] = [(Operation.PRESENT, "1.0"), (Operation.ABSENT, "1")]
    assert images == (as_text if first == "'x'" else [(Operation.PRESENT, 1)])


def test_a_column_that_comes_between_the_look_and_the_reading_is_not_left_behind(tmp_path: Path) -> None:
    path = database(tmp_path / "grown.db", "PRAGMA journal_mode = WAL", "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)")
    source = source_of(path)
    source.capture.enable([T])
    table = source.describe(T)
    after = position(source)
    write(path, "ALTER TABLE t ADD COLUMN b TEXT", "INSERT INTO t VALUES (1, 'x', 'y')")
    with pytest.raises(TransientError, match="got the column “b”"):
        changes(source, after, table=table)
    _, found = changes(source, after)
    assert [row for _, row in seen(found)] == [{"id": 1, "a": "x", "b": "y"}]
