"""What every source must keep. A connector's test inherits SourceContract and gives it a world to read."""

import pickle
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pyarrow as pa
import pytest

from dtaas_desktop.domain.errors import AppError, UserError
from dtaas_desktop.domain.plan import Plan, TablePlan, plan_from_json, plan_to_json
from dtaas_desktop.domain.ports import Session, Source
from dtaas_desktop.domain.table import CellPolicy, Part, TableDescription, TableRef


@dataclass(frozen=True)
class KnownTable:
    """A table with a one-column key, of at least 500 rows with gaps between the keys.

    `rows` are what must be read, in order of the key, as pa.RecordBatch.to_pylist gives them. `change` adds, changes and removes
    rows from outside, by another process, and returns when that is committed.
    """

    ref: TableRef
    key: str
    rows: Sequence[dict[str, object]]
    change: Callable[[], None]


def read_part(session: Session, table: TableDescription, part: Part, columns: Sequence[str] | None = None) -> pa.Table:
    names = [column.name for column in table.columns] if columns is None else list(columns)
    with session.read(table, part, columns=names, cells=CellPolicy()) as stream:
        batches = []
        for rows in stream:
            assert rows.rejected is None
            assert rows.nulled == 0
            assert rows.batch.schema == stream.schema
            batches.append(rows.batch)
        return pa.Table.from_batches(batches, stream.schema)


def by_key(table: pa.Table, key: str) -> list[dict[str, object]]:
    return sorted(table.to_pylist(), key=lambda row: row[key])


class SourceContract:
    """Inherit, and define the fixtures `source` and `known`."""

    @pytest.fixture
    def source(self) -> Source:
        raise NotImplementedError

    @pytest.fixture
    def known(self) -> KnownTable:
        raise NotImplementedError

    def test_the_check_of_a_good_connection_has_only_good_steps(self, source: Source) -> None:
        steps = list(source.check())
        assert steps
        assert all(step.ok for step in steps), steps

    def test_tables_are_listed_once_and_described_as_they_are(self, source: Source, known: KnownTable) -> None:
        refs = source.tables()
        assert known.ref in refs
        assert len(set(refs)) == len(refs)
        table = source.describe(known.ref)
        assert table.table == known.ref
        assert table.key == (known.key,)
        assert [column.name for column in table.columns] == list(known.rows[0])
        assert table == source.describe(known.ref), "describing twice must give the same"

    def test_an_unknown_table_is_refused_with_a_sentence(self, source: Source) -> None:
        with pytest.raises(UserError) as caught:
            source.describe(TableRef("no such table here"))
        assert "no such table here" in caught.value.message
        assert caught.value.remedy

    @pytest.mark.parametrize("exact", [True, False])
    @pytest.mark.parametrize("wanted", [1, 2, 3, 7, 50])
    def test_parts_cover_the_table_exactly_once(self, source: Source, known: KnownTable, wanted: int, exact: bool) -> None:
        table = source.describe(known.ref)
        parts = source.split(table, wanted, exact=exact)
        assert 1 <= len(parts) <= wanted
        assert len({part.id for part in parts}) == len(parts)
        with source.session([known.ref], exact=exact) as session:
            found = pa.concat_tables([read_part(session, table, part) for part in parts])
        assert by_key(found, known.key) == list(known.rows)
        assert found.schema == table.schema

    def test_parts_survive_the_stored_plan(self, source: Source, known: KnownTable) -> None:
        table = source.describe(known.ref)
        parts = tuple(source.split(table, 5, exact=True))
        planned = TablePlan("connection", known.ref, table.schema, tuple(table.schema.names), table.key, parts, ())
        plan = Plan("id", "task", "hash", True, (planned,))
        assert plan_from_json(plan_to_json(plan)).tables[0].parts == parts
        assert pickle.loads(pickle.dumps(parts)) == parts

    def test_columns_come_as_asked_in_that_order(self, source: Source, known: KnownTable) -> None:
        table = source.describe(known.ref)
        names = [column.name for column in reversed(table.columns)][:2]
        with source.session([known.ref], exact=True) as session:
            found = read_part(session, table, source.split(table, 1, exact=True)[0], names)
        assert found.schema.names == names
        assert len(found) == len(known.rows)

    def test_an_exact_session_is_one_moment_for_all_threads(self, source: Source, known: KnownTable) -> None:
        table = source.describe(known.ref)
        parts = source.split(table, 6, exact=True)
        with source.session([known.ref], exact=True) as session, ThreadPoolExecutor(3) as pool:
            first = read_part(session, table, parts[0])
            known.change()
            rest = list(pool.map(lambda part: read_part(session, table, part), parts[1:]))
        assert by_key(pa.concat_tables([first, *rest]), known.key) == list(known.rows)

    def test_what_changed_is_seen_by_the_next_session(self, source: Source, known: KnownTable) -> None:
        table = source.describe(known.ref)
        with source.session([known.ref], exact=True):
            pass
        known.change()
        with source.session([known.ref], exact=True) as session:
            found = read_part(session, table, source.split(table, 1, exact=True)[0])
        assert by_key(found, known.key) != list(known.rows)

    def test_a_session_can_be_left_and_read_on_after_stopping_in_the_middle(self, source: Source, known: KnownTable) -> None:
        table = source.describe(known.ref)
        part = source.split(table, 1, exact=True)[0]
        names = [column.name for column in table.columns]
        with source.session([known.ref], exact=True) as session:
            for _ in range(40):  # more often than there can be connections
                with session.read(table, part, columns=names, cells=CellPolicy()) as stream:
                    next(iter(stream))
            assert len(read_part(session, table, part)) == len(known.rows)

    def test_a_cancelled_stream_ends_early(self, source: Source, known: KnownTable) -> None:
        table = source.describe(known.ref)
        part = source.split(table, 1, exact=True)[0]
        with (
            source.session([known.ref], exact=True) as session,
            session.read(table, part, columns=[known.key], cells=CellPolicy()) as stream,
        ):
            canceller = threading.Thread(target=stream.cancel)
            canceller.start()
            canceller.join()
            assert sum(rows.batch.num_rows for rows in stream) < len(known.rows)

    def test_without_capture_there_is_no_position(self, source: Source, known: KnownTable) -> None:
        with source.session([known.ref], exact=True) as session:
            position = session.now()
        assert position is None or known.ref in position

    def test_only_our_errors_escape(self, source: Source) -> None:
        with pytest.raises(AppError):
            source.describe(TableRef("q", query="this is no query"))
