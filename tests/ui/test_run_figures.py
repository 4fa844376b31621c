"""The figures and words of a run, as plain values."""

import pytest

from dtaas_desktop.domain.table import Counts
from dtaas_desktop.services.runs_view import PartRecord, RunRecord, TableRunRecord
from dtaas_desktop.ui.run_live import newest, rates_of, told
from dtaas_desktop.ui.run_words import failure_of, report
from dtaas_desktop.ui.table_run_columns import COLUMNS, FILTERED, PROGRESS, REJECTED, UP_TO, hidden_columns


def table_run(**values: object) -> TableRunRecord:
    plain: dict[str, object] = {
        "name": "a",
        "source_table": "orders",
        "connection": "Lake",
        "target": "orders",
        "state": "running",
        "counts": Counts(),
        "bytes": 0,
        "files": 0,
        "parts": 4,
        "parts_done": 0,
        "rows_estimate": None,
        "rows_per_second": 0.0,
        "percent": None,
        "seconds_left": None,
        "seconds": None,
        "revision": None,
        "kind": "load",
        "position": None,
        "as_of": None,
        "location": "",
        "query": "",
        "failure": "",
        "message": "",
        "remedy": "",
        "began_at": 0.0,
    }
    return TableRunRecord(**plain | values)  # type: ignore[arg-type]


def test_figures_never_go_back_to_what_was_written_before() -> None:
    stored = table_run(counts=Counts(read=100, written=100))
    progress = {
        "event": "TableProgress",
        "table_run": "a",
        "counts": {"read": 250, "filtered": 0, "rejected": 0, "written": 250, "nulled": 0},
        "bytes": 9,
        "parts": 4,
        "parts_done": 2,
        "rows_per_second": 10.0,
        "percent": 50.0,
        "seconds_left": 3.0,
    }
    known = told({"a": stored}, progress)
    assert known["a"].counts.read == 250
    assert newest([stored], known, running=True)["a"].counts.read == 250
    assert newest([table_run(counts=Counts(read=300))], known, running=True)["a"].counts.read == 300
    assert newest([stored], known, running=False)["a"].counts.read == 100
    assert told({}, progress) == {}


def test_rates_add_up_to_the_rows_of_the_parts() -> None:
    parts = [PartRecord("a", "1", 0.0, 10.0, 1000), PartRecord("a", "2", 5.0, 5.0, 50), PartRecord("a", "3", 2.0, 4.0, 200)]
    rates = rates_of(parts, 0.0, 20.0, count=40)
    assert sum(rate * 0.5 for rate in rates) == pytest.approx(1250)
    assert rates[30:] == (0.0,) * 10
    assert rates_of([], 0.0, 20.0) == ()


def test_columns_that_say_nothing_give_way_first() -> None:
    plain = [table_run(source_table="dbo.OrderLines")]
    assert hidden_columns(plain, 2000) == {UP_TO}
    assert {FILTERED, REJECTED} <= hidden_columns(plain, 760)
    counted = [table_run(source_table="dbo.OrderLines", counts=Counts(read=5, filtered=2, rejected=1, written=2))]
    assert REJECTED not in hidden_columns(counted, 760)
    assert PROGRESS not in hidden_columns([table_run(source_table="x" * 80)], 600)
    assert len(COLUMNS) == 10


def test_a_bug_is_told_without_its_traceback() -> None:
    message = "Traceback (most recent call last):\n  File …"
    run = RunRecord("r", "t", "Orders", "failed", 0.0, 1.0, message, "", failures=frozenset({"bug"}))
    assert "Traceback" not in " ".join(failure_of(run))
    assert failure_of(run)[1]
    assert "Orders: failed" in report(run, [])
