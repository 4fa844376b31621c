"""Whole runs: every type into every format, queries, faults in the middle, and a resume; judged by plain Python and DuckDB."""

import base64
import datetime as dt
import gc
import json
import re
import time
import uuid
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from dtaas_desktop.domain.events import Event, Notice, PartDone, TableFailed, TablePublished
from dtaas_desktop.domain.task import TaskOptions
from dtaas_desktop.engine.cancel import CancelToken
from dtaas_desktop.services.run_request import RunRequest
from dtaas_desktop.services.run_service import RunService
from tests.connectors.sqlserver.runs import Office
from tests.connectors.sqlserver.type_cases import CASES, same_value
from tests.connectors.sqlserver.world import World
from tests.servers.sqlserver import Fault

ROWS = 9
EPOCH = dt.datetime(1970, 1, 1)
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.(\d+))?(?:Z|\+00:00|\+00)?")


def expected() -> dict[str, list[object]]:
    """Each case's values in turn, the last row empty."""
    return {
        f"c{number}": [*(case.values[row % len(case.values)][1] for row in range(ROWS)), None]
        for number, case in enumerate(CASES)
    }


@pytest.fixture
def every_type(sql_server: World) -> str:
    name = f"t{uuid.uuid4().hex[:10]}"
    columns = ", ".join(f"c{number} {case.declared} NULL" for number, case in enumerate(CASES))
    sql_server.run(f"CREATE TABLE {sql_server.name(name)} (id int NOT NULL PRIMARY KEY, {columns})")
    listed = ", ".join(f"c{number}" for number in range(len(CASES)))
    for row in range(ROWS):
        values = ", ".join(case.values[row % len(case.values)][0] for case in CASES)
        sql_server.run(f"INSERT INTO {sql_server.name(name)} (id, {listed}) VALUES ({row}, {values})")
    sql_server.run(f"INSERT INTO {sql_server.name(name)} (id) VALUES ({ROWS})")
    return name


def moment(text: str) -> int:
    """Microseconds since 1970 of a text in UTC."""
    found = _MOMENT.fullmatch(text)
    assert found is not None, text
    at = dt.datetime.fromisoformat(f"{found[1]} {found[2]}")
    return (at - EPOCH) // dt.timedelta(seconds=1) * 1_000_000 + int(((found[3] or "") + "000000")[:6])


def from_text(text: object, sample: object, kind: str) -> object:
    """A cell of a CSV or JSON file as what was inserted, by the type that the column has at the source."""
    if text is None or isinstance(text, bool):
        return text
    if kind.startswith("time("):
        whole, _, fraction = str(text).partition(".")
        hours, minutes, seconds = map(int, whole.split(":"))
        return ((hours * 60 + minutes) * 60 + seconds) * 10**9 + int((fraction + "0" * 9)[:9])
    if kind.startswith(("datetime", "smalldatetime")):
        return moment(str(text)) // {"smalldatetime": 1_000_000, "datetime": 1000}.get(kind, 1)
    if kind == "date":
        return (dt.date.fromisoformat(str(text)) - dt.date(1970, 1, 1)).days
    if isinstance(sample, bool):
        return {"true": True, "false": False}[str(text)]
    if isinstance(sample, bytes):
        return bytes.fromhex(str(text).removeprefix("0x"))
    if isinstance(sample, Decimal | int | float):
        return type(sample)(str(text))
    return text


def compare(found: dict[str, list[object]], *, written: bool) -> None:
    for number, case in enumerate(CASES):
        name = f"c{number}"
        for value, wanted in zip(found[name], expected()[name], strict=True):
            read = from_text(value, case.values[0][1], case.declared) if written else value
            if isinstance(wanted, float) and case.declared == "real":
                assert pa.scalar(read, pa.float32()) == pa.scalar(wanted, pa.float32()), case.declared
            else:
                assert same_value(read, wanted), f"{case.declared}: {read!r:.200} instead of {wanted!r:.200}"


def stored(table: pa.Table) -> dict[str, list[object]]:
    found: dict[str, list[object]] = {}
    for field in table.schema:
        column = table.column(field.name)
        if pa.types.is_date32(field.type):
            column = column.cast(pa.int32())
        elif pa.types.is_timestamp(field.type) or pa.types.is_time64(field.type):
            column = column.cast(pa.int64())
        found[field.name] = column.to_pylist()
    return found


def seconds_as_such(found: dict[str, list[object]], schema: pa.Schema) -> dict[str, list[object]]:
    """Parquet has no timestamps in seconds: they come back in milliseconds."""
    for number, case in enumerate(CASES):
        if case.declared == "smalldatetime" and schema.field(f"c{number}").type == pa.timestamp("ms"):
            values = found[f"c{number}"]
            found[f"c{number}"] = [None if value is None else int(str(value)) // 1000 for value in values]
    return found


def file_of(desk: Office, target: str) -> Path:
    (found,) = (desk.folder / "out").rglob(f"{target}-*")
    return found


class Exact(str):
    """A JSON number as it is written."""

    __slots__ = ()


def test_every_type_arrives_in_every_format(desk: Office, every_type: str, sql_server: World) -> None:
    name = desk.task(
        {"tables": [f"{sql_server.schema}.{every_type}"]},
        [
            {"connection": "out", "name": "asparquet"},
            {"connection": "out", "name": "ascsv", "files": {"format": "csv"}},
            {"connection": "out", "name": "asjson", "files": {"format": "json"}},
            {"connection": "duck", "name": "asduck"},
        ],
    )
    outcome = desk.run(name)
    assert outcome.state == "done", [event for event in desk.events if isinstance(event, TableFailed)]
    parquet = pq.read_table(file_of(desk, "asparquet")).sort_by("id")
    names = parquet.schema.names
    compare(seconds_as_such(stored(parquet), parquet.schema), written=False)
    text = pa.csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True, quoted_strings_can_be_null=False
    )
    in_csv = pa.csv.read_csv(
        file_of(desk, "ascsv"), convert_options=text, parse_options=pa.csv.ParseOptions(newlines_in_values=True)
    )
    rows = sorted(in_csv.to_pylist(), key=lambda row: int(row["id"]))
    compare({name: [row[name] for row in rows] for name in names}, written=True)
    lines = file_of(desk, "asjson").read_text(encoding="utf-8").splitlines()
    rows = sorted((json.loads(line, parse_float=Exact) for line in lines), key=lambda row: int(row["id"]))
    plain = [{name: str(cell) if isinstance(cell, Exact) else cell for name, cell in row.items()} for row in rows]
    compare({name: [row[name] for row in plain] for name in names}, written=True)
    with duckdb.connect(str(desk.duckdb), read_only=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        found = {}
        for number, case in enumerate(CASES):
            asked = in_units(f"c{number}", case.declared)
            found[f"c{number}"] = [row[0] for row in connection.execute(f"SELECT {asked} FROM asduck ORDER BY id").fetchall()]
    compare(found, written=False)


def in_units(column: str, declared: str) -> str:
    """DuckDB's SQL for what the type cases expect: whole units since 1970 or midnight for dates and times, everything else itself."""
    if declared == "date":
        return f"CAST(date_diff('day', DATE '1970-01-01', {column}) AS bigint)"
    if declared.startswith("time("):
        return f"epoch_ns({column})"
    unit = {"smalldatetime": 1_000_000, "datetime": 1000}.get(declared, 1)
    return f"epoch_us({column}) // {unit}" if "datetime" in declared else column


@pytest.fixture
def numbers(sql_server: World) -> str:
    if sql_server.stand_in is None:
        pytest.skip("it would take too long to fill a table of a real server")
    name = f"t{uuid.uuid4().hex[:10]}"
    sql_server.run(f"CREATE TABLE {sql_server.name(name)} (id int NOT NULL PRIMARY KEY, word nvarchar(20) NOT NULL)")
    rows = pa.table({"id": pa.array(range(120_000), pa.int32()), "word": pa.array([f"word {n % 977}" for n in range(120_000)])})
    sql_server.stand_in.control.load(f"{sql_server.schema}.{name}", rows, database=sql_server.settings.database)
    return name


def judged(desk: Office, name: str) -> tuple[int, int, int]:
    with duckdb.connect(str(desk.duckdb), read_only=True) as connection:
        (found,) = connection.execute(f'SELECT count(*), count(DISTINCT id), sum(id) FROM "{name}"').fetchall()
        return int(found[0]), int(found[1]), int(found[2])


WHOLE = (120_000, 120_000, sum(range(120_000)))


@pytest.mark.parametrize(
    "fault",
    [
        Fault("error", number=1205, text="deadlock", rows=20_000),
        Fault("kill", rows=20_001),
        Fault("cut", amount=400_000),
        Fault("error", number=40613, text="not available"),
    ],
    ids=lambda fault: f"{fault.kind} {fault.number}",
)
def test_a_fault_in_the_middle_of_a_part_doubles_no_row(desk: Office, sql_server: World, numbers: str, fault: Fault) -> None:
    name = desk.task(
        {"tables": [f"{sql_server.schema}.{numbers}"]}, [{"connection": "duck", "name": "n"}], TaskOptions(parallel=4)
    )
    put = Fault(**{**fault.__dict__, "pattern": f"AS c0.*{numbers}", "times": 2})
    with sql_server.fault(put):
        outcome = desk.run(name)
    assert outcome.state == "done"
    assert any(isinstance(event, Notice) and "Trying again" in event.message for event in desk.events)
    assert judged(desk, "n") == WHOLE
    (published,) = [event for event in desk.events if isinstance(event, TablePublished)]
    assert published.counts.read == published.counts.written == 120_000


def test_a_paused_run_is_resumed_without_its_finished_parts(
    desk: Office, sql_server: World, numbers: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dtaas_desktop.engine.plan.ROWS_PER_PART", 20_000)
    monkeypatch.setattr("dtaas_desktop.engine.task_run._FINISHING", 0)  # parts are counted: each is over before the next is read
    name = desk.task(
        {"tables": [f"{sql_server.schema}.{numbers}"]}, [{"connection": "duck", "name": "n"}], TaskOptions(parallel=1)
    )
    cancel = CancelToken()
    finished: list[str] = []

    def pause_after_the_first(event: Event) -> None:
        if isinstance(event, PartDone):
            finished.append(event.part)
            cancel.ask("pause")

    outcome = RunService(desk.workspace).run(RunRequest(name), emit=pause_after_the_first, cancel=cancel)
    assert (outcome.state, len(finished)) == ("paused", 1)
    assert desk.run(name, resume=True).state == "done"
    again = [event.part for event in desk.events if isinstance(event, PartDone)]
    assert len(again) == 5
    assert not set(again) & set(finished)
    assert judged(desk, "n") == WHOLE


@pytest.mark.parametrize("stop", range(1, 6))
def test_a_run_stopped_at_any_border_reads_at_most_again_what_was_in_flight(
    desk: Office, sql_server: World, numbers: str, stop: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dtaas_desktop.engine.plan.ROWS_PER_PART", 20_000)
    monkeypatch.setattr("dtaas_desktop.engine.task_run._FINISHING", 0)  # parts are counted: each is over before the next is read
    name = desk.task(
        {"tables": [f"{sql_server.schema}.{numbers}"]}, [{"connection": "duck", "name": "n"}], TaskOptions(parallel=2)
    )
    cancel, finished = CancelToken(), list[str]()

    def emit(event: Event) -> None:
        desk.events.append(event)
        if isinstance(event, PartDone):
            finished.append(event.part)
            if len(finished) == stop:
                cancel.ask("pause")

    outcome = RunService(desk.workspace).run(RunRequest(name), emit=emit, cancel=cancel)
    if outcome.state == "paused":  # with two at once the last may have been on its way
        before = list(finished)
        assert desk.run(name, resume=True).state == "done"
        again = [event.part for event in desk.events if isinstance(event, PartDone)]
        assert not set(again) & set(before)
        assert len(again) + len(before) == 6
    else:
        assert outcome.state == "done", [event.message for event in desk.events if isinstance(event, Notice | TableFailed)]
    assert judged(desk, "n") == WHOLE


def sessions(world: World) -> set[int]:
    """Those of the product."""
    query = "SELECT session_id FROM sys.dm_exec_sessions WHERE program_name = 'DTaaS Desktop'"
    return {row[0] for row in world.rows(query)}


@pytest.mark.parametrize("end", ["done", "cancelled", "failed"])
def test_no_session_at_the_server_outlives_a_run(
    desk: Office, sql_server: World, numbers: str, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dtaas_desktop.engine.plan.ROWS_PER_PART", 20_000)
    monkeypatch.setattr("dtaas_desktop.engine.task_run._FINISHING", 0)  # parts are counted: each is over before the next is read
    before = sessions(sql_server)
    name = desk.task(
        {"tables": [f"{sql_server.schema}.{numbers}"]},
        [{"connection": "duck", "name": "n"}],
        TaskOptions(parallel=3, retries=1),
    )
    cancel, seen = CancelToken(), set[int]()

    def emit(event: Event) -> None:
        seen.update(sessions(sql_server) - before)
        if end == "cancelled" and isinstance(event, PartDone):
            cancel.ask("cancel")

    faults = {
        "done": Fault("error", pattern=f"AS c0.*{numbers}", number=1205, rows=10_000),  # and tried again
        "cancelled": Fault("wait", pattern=f"AS c0.*{numbers}", seconds=60),  # one of three is silent, and has to be cut
        "failed": Fault("error", pattern=f"AS c0.*{numbers}", number=229, rows=10_000),
    }
    gc.disable()  # nothing may depend on when it comes
    try:
        with sql_server.fault(faults[end]):
            outcome = RunService(desk.workspace).run(RunRequest(name), emit=emit, cancel=cancel)
        assert outcome.state == end
        assert len(seen) >= 3
        deadline = time.monotonic() + 20
        while left := sessions(sql_server) - before:
            assert time.monotonic() < deadline, left
    finally:
        gc.enable()


def test_a_query_runs_like_a_table_and_the_harm_is_in_the_log(desk: Office, sql_server: World, numbers: str) -> None:
    query = f"SELECT word, COUNT(*) AS times FROM {sql_server.name(numbers)} GROUP BY word"
    name = desk.task({"queries": [{"name": "words", "sql": query}]}, [{"connection": "duck"}])
    assert desk.run(name).state == "done"
    with duckdb.connect(str(desk.duckdb), read_only=True) as connection:
        assert connection.execute("SELECT count(*), sum(times) FROM words").fetchall() == [(977, 120_000)]
    harm = [event.message for event in desk.events if isinstance(event, Notice) and "longest took" in event.message]
    assert harm
    assert "977 rows" in harm[0]


def test_the_secret_is_nowhere_in_the_workspace(desk: Office, sql_server: World, every_type: str) -> None:
    source = {"tables": [f"{sql_server.schema}.{every_type}"]}
    assert desk.run(desk.task(source, [{"connection": "duck", "name": "t"}])).state == "done"
    text = f"It is {sql_server.connection_string()} with {sql_server.password}"
    with sql_server.fault(Fault("error", pattern=f"AS c0.*{every_type}", number=4711, text=text, times=9)):
        assert desk.run(desk.task(source, [{"connection": "duck", "name": "u"}])).state == "failed"
    assert any("4711" in str(event) for event in desk.events)
    assert all(sql_server.password not in str(event) for event in desk.events)
    secrets = [
        sql_server.password.encode(),
        base64.b64encode(sql_server.password.encode()),
        sql_server.password.encode("utf-16-le"),
    ]
    for path in desk.folder.rglob("*"):
        if path.is_file():
            assert not any(secret in path.read_bytes() for secret in secrets), path
