"""Mirrors and histories in a DuckDB file."""

import dataclasses
import datetime as dt
import json
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from dtaas_desktop.connectors.duckdb_file import DuckDBDestination, destination, mirror
from dtaas_desktop.domain.connection import DuckDBSettings
from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.file_settings import FileSettings
from dtaas_desktop.domain.ports import Destination
from dtaas_desktop.domain.target import Deletes, Published, TargetState
from tests.contracts.changes_contract import A, B, C, HistoryContract, MirrorContract
from tests.contracts.publications import attempt_after, publication_of, publish_table, stage_table
from tests.domain.net_effect_cases import Key, Log, Rows, images_table, loaded_table


def asked(place: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(place / "x.duckdb")) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        if not sql.startswith(("SELECT", "FROM")):
            connection.execute(sql)
            return []
        # By way of Arrow: DuckDB's own rows need another package for moments with a zone.
        return [tuple(row.values()) for row in connection.sql(sql).to_arrow_table().to_pylist()]


class InDuckDB:
    def opened(self, place: Path, workspace: str = "w1") -> Destination:
        return DuckDBDestination(DuckDBSettings(path=str(place / "x.duckdb")), workspace=workspace)

    def damage(self, place: Path, name: str) -> None:
        asked(place, f'DELETE FROM "{name}" WHERE id = 1')

    def widened(self, place: Path, name: str) -> list[tuple[object, ...]]:
        return asked(place, f'SELECT id, ratio, price::VARCHAR, new FROM "{name}" ORDER BY id')


class TestMirror(InDuckDB, MirrorContract):
    def state(self, place: Path, name: str) -> Rows:
        rows = asked(place, f'SELECT * FROM "{name}"')
        assert len({row[0] for row in rows}) == len(rows)
        return {key: (v, lob) for key, v, lob in rows}


class TestSoftMirror(InDuckDB, MirrorContract):
    deletes = "soft"

    def state(self, place: Path, name: str) -> Rows:
        rows = asked(place, f'SELECT id, v, lob FROM "{name}" WHERE __deleted_at IS NULL')
        assert asked(place, f'SELECT count(*) FROM (SELECT id FROM "{name}" GROUP BY id HAVING count(*) > 1)') == [(0,)]
        with duckdb.connect(str(place / "x.duckdb")) as connection:
            (query,) = connection.execute("SELECT published FROM _dtaas.targets WHERE name = ?", [name]).fetchone() or ()
            (count,) = connection.execute(duckdb_query(query)).fetchone() or ()
        assert count == len(rows)
        return {key: (v, lob) for key, v, lob in rows}

    def test_37_deleted_rows_are_marked_and_a_key_that_comes_back_lives_again(self, tmp_path: Path) -> None:
        self.load(tmp_path, {1: A, 2: B, 3: C})
        when = dt.datetime(2024, 5, 6, tzinfo=dt.UTC)
        images = images_table(Log().begin().delete(1).delete(2).images)
        at = images.schema.get_field_index("__committed_at")
        images = images.set_column(at, images.schema.field(at), pa.array([when, None], images.schema.field(at).type))
        publish_table(self.opened(tmp_path), self.target(), images, kind="changes")
        assert self.state(tmp_path, "t") == {3: C}
        marks = dict(asked(tmp_path, "SELECT id, __deleted_at FROM t"))
        assert marks[1] == when
        assert marks[2] > when
        self.change(tmp_path, Log().begin().delete(1).update(2, *A).insert(4, *A).delete(4).images)  # of rows that are gone
        assert dict(asked(tmp_path, "SELECT id, __deleted_at FROM t")) == marks
        self.change(tmp_path, Log().begin().insert(1, "back", same=True).begin().insert(2, *C).begin().delete(2).images)
        assert self.state(tmp_path, "t") == {1: ("back", None), 3: C}
        assert asked(tmp_path, "SELECT v, lob FROM t WHERE id = 2") == [B]

    def test_a_load_marks_the_rows_that_it_does_not_bring(self, tmp_path: Path) -> None:
        self.load(tmp_path, {1: A, 2: B, 3: C, None: A})
        self.change(tmp_path, Log().begin().delete(3).images)
        marked = dict(asked(tmp_path, "SELECT id, __deleted_at FROM t"))[3]
        self.load(tmp_path, {2: C, 4: A, None: B})
        rows = {key: (v, at) for key, v, at in asked(tmp_path, "SELECT id, v, __deleted_at FROM t")}
        assert rows[3] == ("c", marked)
        assert rows[1][0] == "a"
        assert rows[1][1] > marked
        assert {key: rows[key] for key in (2, 4, None)} == {2: ("c", None), 4: ("a", None), None: ("b", None)}

    def test_a_mirror_may_begin_and_cease_to_mark(self, tmp_path: Path) -> None:
        hard = dataclasses.replace(self.target(), deletes="hard")
        publish_table(self.opened(tmp_path), hard, loaded_table({1: A, 2: B}))
        self.change(tmp_path, Log().begin().delete(1).images)
        assert self.state(tmp_path, "t") == {2: B}
        publish_table(self.opened(tmp_path), hard, images_table(Log().begin().insert(3, *C).images), kind="changes")
        assert sorted(asked(tmp_path, "FROM t")) == [(2, *B), (3, *C)]


def duckdb_query(published: str) -> str:
    return str(json.loads(published)["query"])


class TestHistory(InDuckDB, HistoryContract):
    def state(self, place: Path, name: str) -> Rows:
        """By the rule itself, in Python: what a reader of the table must do."""
        rows = asked(place, f'SELECT id, v, lob, __op, __position, __committed_at FROM "{name}" ORDER BY __position')
        start = max((position for *_, op, position, _ in rows if op == "L"), default="")
        sums: dict[tuple[Key, Any], int] = {}
        there: set[Key] = set()
        values: Rows = {}
        for key, v, lob, op, position, at in rows:
            if position < start:
                continue
            step = {"L": 1, "I": 1, "U": 0, "D": -1}[op]
            sums[key, at] = sums.get((key, at), 0) + step
            if op != "D":
                values[key] = (v, lob)
        for (key, _), total in sums.items():
            if total:
                (there.add if total > 0 else there.discard)(key)
        return {key: values[key] for key in there}

    def log(self, place: Path, name: str) -> list[tuple[str, Key, str | None]]:
        return [(str(op), key, v) for op, key, v in asked(place, f'SELECT __op, id, v FROM "{name}" ORDER BY __position')]


def target_of(**changes: Any) -> Any:
    return dataclasses.replace(TestMirror().target(), **changes)


def test_a_load_whose_key_is_none_is_refused_by_example(tmp_path: Path) -> None:
    for deletes in ("hard", "soft"):
        twice = pa.concat_tables([loaded_table({1: A, 7: B}), loaded_table({7: C})])
        with pytest.raises(UserError, match=r"id is not a key of “t”: 2 rows have id = 7"):
            publish_table(InDuckDB().opened(tmp_path), target_of(deletes=deletes), twice)
    assert InDuckDB().opened(tmp_path).inspect(target_of()) == TargetState()


def test_a_refused_table_does_not_keep_the_others(tmp_path: Path) -> None:
    place = InDuckDB().opened(tmp_path)
    tables = {"a": loaded_table({1: A}), "b": pa.concat_tables([loaded_table({1: A})] * 2), "c": loaded_table({2: B})}
    publications = []
    for name, table in tables.items():
        target, attempt = target_of(name=name), attempt_after(TargetState())
        publications.append(publication_of(target, [stage_table(place, target, table, attempt)], after=0, attempt=attempt))
    assert [type(answer) for answer in place.publish(publications)] == [Published, UserError, Published]
    assert asked(tmp_path, "SELECT id FROM a UNION ALL SELECT id FROM c ORDER BY id") == [(1,), (2,)]


def test_somebody_elses_table_is_taken_over_with_its_rows(tmp_path: Path) -> None:
    asked(tmp_path, "CREATE TABLE t (LOB VARCHAR, id BIGINT PRIMARY KEY, v VARCHAR)")
    asked(tmp_path, "INSERT INTO t VALUES ('la', 1, 'a'), ('lb', 2, 'b')")
    place = InDuckDB().opened(tmp_path)
    assert place.inspect(target_of()).foreign
    images = images_table(Log().begin().delete(1).insert(1, *C).update(2, "x", same=True).insert(3, *A).images)
    publish_table(place, target_of(), images, kind="changes")
    assert sorted(asked(tmp_path, "SELECT id, v, lob FROM t")) == [(1, *C), (2, "x", "lb"), (3, *A)]


@pytest.mark.parametrize(
    "columns", ["id BIGINT, v VARCHAR", "id INTEGER, v VARCHAR, lob VARCHAR", "id BIGINT, v VARCHAR, lob VARCHAR, x INT"]
)
def test_somebody_elses_table_of_another_shape_is_refused(tmp_path: Path, columns: str) -> None:
    asked(tmp_path, f"CREATE TABLE t ({columns})")
    with pytest.raises(UserError, match="“t”"):
        publish_table(InDuckDB().opened(tmp_path), target_of(), images_table(Log().begin().insert(3, *A).images), kind="changes")


def test_somebody_elses_table_without_that_key_is_refused(tmp_path: Path) -> None:
    asked(tmp_path, "CREATE TABLE t AS SELECT 1::BIGINT AS id, 'a' AS v, 'b' AS lob FROM range(2)")
    with pytest.raises(UserError, match="id = 1"):
        publish_table(InDuckDB().opened(tmp_path), target_of(), images_table(Log().begin().insert(3, *A).images), kind="changes")


@pytest.mark.parametrize(
    "harm", ["DROP TABLE t", "ALTER TABLE t DROP lob", "ALTER TABLE t RENAME v TO w", "INSERT INTO t VALUES (9, 'x', 'y')"]
)
def test_each_harm_is_said(tmp_path: Path, harm: str) -> None:
    publish_table(InDuckDB().opened(tmp_path), target_of(), loaded_table({1: A}))
    asked(tmp_path, harm)
    assert InDuckDB().opened(tmp_path).inspect(target_of()).harm
    with pytest.raises(UserError, match="cannot be applied"):
        publish_table(InDuckDB().opened(tmp_path), target_of(), images_table(Log().begin().delete(1).images), kind="changes")
    publish_table(InDuckDB().opened(tmp_path), target_of(), loaded_table({1: B}))
    assert asked(tmp_path, "FROM t") == [(1, *B)]


def test_columns_are_renamed_even_when_two_swap_their_names(tmp_path: Path) -> None:
    publish_table(InDuckDB().opened(tmp_path), target_of(), loaded_table({1: A, 2: B}))
    swapped = pa.schema([("id", pa.int64()), ("lob", pa.large_string()), ("v", pa.large_string())])
    target = target_of(schema=swapped, renamed=(("v", "lob"), ("lob", "v")), same=())
    images = images_table(Log().begin().delete(2).images, marked=False)
    publish_table(InDuckDB().opened(tmp_path), target, images.select([*images.column_names[:4], *swapped.names]), kind="changes")
    assert asked(tmp_path, "SELECT id, v, lob FROM t") == [(1, "la", "a")]
    named = pa.schema([("id", pa.int64()), ("V", pa.large_string()), ("new", pa.large_string())])
    target = target_of(schema=named, renamed=(("v", "V"), ("lob", "new")), same=())
    publish_table(
        InDuckDB().opened(tmp_path),
        target,
        images.rename_columns([*images.column_names[:4], *named.names]).slice(0, 0),
        kind="changes",
    )
    with duckdb.connect(str(tmp_path / "x.duckdb")) as connection:
        assert connection.sql("FROM t").columns == ["id", "new", "V"]


def test_many_images_in_many_files_are_netted_in_passes_with_the_same_outcome(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before: Rows = {key: (f"v{key}", f"l{key}") for key in range(200)}
    log = Log().begin()
    for key in range(200):
        if key % 3 == 0:
            log.delete(key)
        else:
            log.update(key, f"new {key}", same=key % 2 == 0)
    log.insert(1000, *A)
    states = []
    for name, most in (("one", 4_000_000), ("many", 50)):
        monkeypatch.setattr(mirror, "IMAGES_AT_ONCE", most)
        monkeypatch.setattr(destination, "_STAGED", FileSettings(file_size_mb=256 if name == "one" else 0.002))
        publish_table(InDuckDB().opened(tmp_path), target_of(name=name), loaded_table(before))
        target, place = target_of(name=name), InDuckDB().opened(tmp_path)
        attempt = attempt_after(place.inspect(target))
        staged = stage_table(place, target, images_table(log.images), attempt, kind="changes")
        assert (len(staged.files) > 1) == (name == "many")
        (answer,) = place.publish([publication_of(target, [staged], after=1, attempt=attempt, kind="changes")])
        assert isinstance(answer, Published), answer
        states.append(sorted(asked(tmp_path, f"FROM {name}")))
    assert states[0] == states[1]
    assert len(states[0]) == 134
    assert states[0][0] == (1, "new 1", None)
    assert states[0][1] == (2, "new 2", "l2")


ODD = [
    "rowid",
    "file_index",
    "file_row_number",
    "filename",
    "row",
    "effect",
    "k0",
    "number",
    "act",
    "__present",
    "images",
    "value",
]


@pytest.mark.parametrize("deletes", ["hard", "soft"])
def test_columns_may_be_called_like_anything_that_databases_use(tmp_path: Path, deletes: Deletes) -> None:
    schema = pa.schema([("id", pa.int64()), *((name, pa.int64()) for name in ODD)])
    target = target_of(schema=schema, deletes=deletes, same=("rowid", "value"))
    rows = pa.table({"id": [1, 2, 3], **{name: [7, 7, 7] for name in ODD}}, schema=schema)
    publish_table(InDuckDB().opened(tmp_path), target, _beside(loaded_table({1: A, 2: B, 3: C}).select([0, 1, 2]), rows))
    log = Log().begin().delete(1).update(2, None).insert(4)
    marks = pa.table({f"__same:{name}": [False, True, True, False] for name in ("rowid", "value")})
    images = _beside(images_table(log.images, marked=False).select([0, 1, 2, 3]), marks)
    new = pa.table(
        {"id": [1, 2, 2, 4], **{name: [None, None, None if name in ("rowid", "value") else 8, 8] for name in ODD}}, schema=schema
    )
    publish_table(InDuckDB().opened(tmp_path), target, _beside(images, new), kind="changes")
    live = "" if deletes == "hard" else "WHERE __deleted_at IS NULL"
    found = asked(tmp_path, f"SELECT id, {', '.join(ODD)} FROM t {live} ORDER BY id")
    assert found == [
        (2, *(7 if name in ("rowid", "value") else 8 for name in ODD)),
        (3, *(7 for _ in ODD)),
        (4, *(8 for _ in ODD)),
    ]
    publish_table(InDuckDB().opened(tmp_path), target, _beside(loaded_table({2: A}).select([0, 1, 2]), rows.slice(1, 1)))
    assert asked(tmp_path, f"SELECT id FROM t {live}") == [(2,)]
    with pytest.raises(UserError, match="__row"):
        InDuckDB().opened(tmp_path).inspect(target_of(schema=pa.schema([("id", pa.int64()), ("__row", pa.int64())])))


def test_keys_are_compared_as_the_rule_says(tmp_path: Path) -> None:
    schema = pa.schema([("id", pa.float64()), ("text", pa.string()), ("v", pa.string())])
    target = target_of(schema=schema, key=("id", "text"), same=())
    beside = loaded_table({1: A, 2: B, 3: C, 4: A}).select([0, 1, 2])
    rows = pa.table({"id": [float("nan"), 0.0, 1.0, 1.0], "text": [None, "a", "a", "A"], "v": ["old"] * 4}, schema=schema)
    publish_table(InDuckDB().opened(tmp_path), target, _beside(beside, rows))
    images = images_table(Log().begin().insert(1).insert(2).insert(3).images, marked=False).select([0, 1, 2, 3])
    new = pa.table({"id": [float("nan"), -0.0, 1.0], "text": [None, "a", "A"], "v": ["new"] * 3}, schema=schema)
    publish_table(InDuckDB().opened(tmp_path), target, _beside(images, new), kind="changes")
    assert sorted(asked(tmp_path, "SELECT id::VARCHAR, text, v FROM t"), key=repr) == [
        ("-0.0", "a", "new"),
        ("1.0", "A", "new"),
        ("1.0", "a", "old"),
        ("nan", None, "new"),
    ]


def _beside(first: pa.Table, second: pa.Table) -> pa.Table:
    names = [*first.column_names, *second.column_names]
    return pa.table(dict(zip(names, [*first.columns, *second.columns], strict=True)))
