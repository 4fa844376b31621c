"""What every source must keep. A connector's test inherits SourceContract, and CaptureContract if it captures changes, and gives
them a world to read."""

import pickle
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pyarrow as pa
import pytest

from dtaas_desktop.domain.changes import CHANGES, Changes, Operation, Position
from dtaas_desktop.domain.errors import AppError, PositionLost, UserError
from dtaas_desktop.domain.plan import Plan, TablePlan, plan_from_json, plan_to_json
from dtaas_desktop.domain.ports import Capture, Session, Source
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

    @pytest.mark.parametrize("exact", [True, False])
    def test_without_capture_there_is_no_position(self, source: Source, known: KnownTable, exact: bool) -> None:
        with source.session([known.ref], exact=exact) as session:
            assert session.now() == {}

    def test_only_our_errors_escape(self, source: Source) -> None:
        with pytest.raises(AppError):
            source.describe(TableRef("q", query="this is no query"))


def changed_rows(session: Session, table: TableDescription, what: Changes) -> list[tuple[Operation, dict[str, object]]]:
    """Images with their operations, as they come."""
    names = [column.name for column in table.columns]
    found: list[tuple[Operation, dict[str, object]]] = []
    with session.read(table, what, columns=names, cells=CellPolicy()) as stream:
        for rows in stream:
            assert rows.changes is not None
            assert rows.changes.schema == CHANGES
            assert rows.changes.num_rows == rows.batch.num_rows
            assert rows.batch.schema == stream.schema
            assert not any(position is None for position in rows.changes.column("position").to_pylist())
            operations = [Operation(number) for number in rows.changes.column("operation").to_pylist()]
            found += zip(operations, rows.batch.to_pylist(), strict=True)
    return found


def position_of(source: Source, ref: TableRef) -> Position:
    with source.session([ref], exact=True) as session:
        return session.now()[ref]


def turn_of(source: Source, ref: TableRef, after: Position) -> tuple[Position, list[tuple[Operation, dict[str, object]]]]:
    table = source.describe(ref)
    with source.session([ref], exact=True) as session:
        upto = session.now()[ref]
        return upto, changed_rows(session, table, Changes(after, upto))


class CaptureContract:
    """For sources that capture changes; inherit it beside SourceContract, with the same fixtures."""

    @pytest.fixture
    def capture(self, source: Source, known: KnownTable) -> Capture:
        """Switched on for the known table."""
        assert source.capture is not None
        source.capture.enable([known.ref])
        return source.capture

    def test_capture_is_off_until_it_is_asked_for(self, source: Source, known: KnownTable) -> None:
        capture = source.capture
        assert capture is not None
        state = capture.state(known.ref)
        assert (state.on, state.possible) == (False, True)
        assert state.reason
        assert state.remedy
        assert capture.script([known.ref]).strip()
        assert not capture.state(known.ref).on, "showing the script changes nothing"
        capture.enable([known.ref])
        assert capture.state(known.ref).on
        listed = source.tables()
        capture.disable([known.ref])
        assert not capture.state(known.ref).on
        assert source.tables() == listed
        capture.disable([known.ref])

    def test_enabling_twice_keeps_positions(self, source: Source, known: KnownTable, capture: Capture) -> None:
        before = position_of(source, known.ref)
        capture.enable([known.ref])
        assert position_of(source, known.ref) == before
        assert turn_of(source, known.ref, before) == (before, [])

    def test_a_load_and_then_changes_are_the_table(self, source: Source, known: KnownTable, capture: Capture) -> None:
        capture.hold("reader", [known.ref])
        table = source.describe(known.ref)
        with source.session([known.ref], exact=True) as session:
            loaded = session.now()[known.ref]
            rows = {row[known.key]: row for row in known.rows}
        known.change()
        after, images = turn_of(source, known.ref, loaded)
        assert after > loaded
        for operation, row in images:
            rows.pop(row[known.key], None)
            if operation in (Operation.INSERT, Operation.AFTER, Operation.PRESENT):
                rows[row[known.key]] = row
        with source.session([known.ref], exact=True) as session:
            now = read_part(session, table, source.split(table, 1, exact=True)[0])
        assert sorted(rows.values(), key=lambda row: str(row[known.key])) == sorted(
            now.to_pylist(), key=lambda row: str(row[known.key])
        )
        assert turn_of(source, known.ref, after) == (after, [])
        if capture.net:
            keys = [row[known.key] for _, row in images]
            assert len(set(keys)) == len(keys)

    def test_the_boundary_of_an_exact_session_is_its_snapshot(self, source: Source, known: KnownTable, capture: Capture) -> None:
        table = source.describe(known.ref)
        with source.session([known.ref], exact=True) as session:
            before = session.now()[known.ref]
            known.change()
            assert session.now()[known.ref] == before
            assert changed_rows(session, table, Changes(before, before)) == []
        with source.session([known.ref], exact=False) as session:
            assert session.now()[known.ref] > before
        assert turn_of(source, known.ref, before)[1]

    def test_switching_capture_off_and_on_loses_positions_in_so_many_words(
        self, source: Source, known: KnownTable, capture: Capture
    ) -> None:
        before = position_of(source, known.ref)
        capture.disable([known.ref])
        with source.session([known.ref], exact=True) as session:
            assert session.now() == {}
        capture.enable([known.ref])
        with pytest.raises(PositionLost) as caught:
            turn_of(source, known.ref, before)
        assert known.ref.name in caught.value.message
        assert caught.value.remedy

    def test_what_was_released_by_all_is_gone_and_what_is_held_is_not(
        self, source: Source, known: KnownTable, capture: Capture
    ) -> None:
        for consumer in ("one", "other"):
            capture.hold(consumer, [known.ref])
        before = position_of(source, known.ref)
        known.change()
        after = position_of(source, known.ref)
        capture.release("one", {known.ref: after})
        assert turn_of(source, known.ref, before)[1]
        capture.release("other", {known.ref: after})
        assert turn_of(source, known.ref, after) == (after, [])
        with pytest.raises(PositionLost):
            turn_of(source, known.ref, before)

    def test_lag_is_what_waits(self, source: Source, known: KnownTable, capture: Capture) -> None:
        before = position_of(source, known.ref)
        assert capture.lag({known.ref: before})[known.ref].changes == 0
        known.change()
        waiting = capture.lag({known.ref: before})[known.ref]
        assert waiting.changes is not None
        assert waiting.changes >= len(turn_of(source, known.ref, before)[1])
        assert waiting.oldest is not None
        assert capture.lag({known.ref: position_of(source, known.ref)})[known.ref].changes == 0
