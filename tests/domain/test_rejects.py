"""Rejected rows keep what Python's own types have no room for, with pandas and without it."""

import json
import subprocess
import sys

import pyarrow as pa

from dtaas_desktop.domain.rejects import key_json, plain_rows, rejected_rows, row_json

_MOMENT = 1_600_000_000_123_456_700  # nanoseconds


def test_parts_of_a_microsecond_are_kept_as_text() -> None:
    rows = pa.record_batch(
        {
            "at": pa.array([_MOMENT, None], pa.timestamp("ns")),
            "zoned": pa.array([_MOMENT, None], pa.timestamp("ns", "UTC")),
            "time": pa.array([3_600_000_000_100, None], pa.int64()).cast(pa.time64("ns")),
            "name": ["a", "b"],
        }
    )
    first, second = plain_rows(rows)
    assert first == {
        "at": "2020-09-13 12:26:40.123456700",
        "zoned": "2020-09-13 12:26:40.123456700Z",
        "time": "01:00:00.000000100",
        "name": "a",
    }
    assert second == {"at": None, "zoned": None, "time": None, "name": "b"}
    assert json.loads(key_json(first, ["at"]) or "") == {"at": "2020-09-13 12:26:40.123456700"}


def test_whole_microseconds_read_as_those_of_a_coarser_column() -> None:
    fine = pa.record_batch({"at": pa.array([_MOMENT // 1000 * 1000], pa.timestamp("ns"))})
    coarse = pa.record_batch({"at": pa.array([_MOMENT // 1000], pa.timestamp("us"))})
    assert [row_json(row) for row in plain_rows(fine)] == [row_json(row) for row in coarse.to_pylist()]


def test_a_row_is_rejected_where_pandas_is_left_out() -> None:
    """A table with datetime2(7) could not have a row rejected on a computer without pandas."""
    program = f"""
import sys
from dtaas_desktop.domain.left_out import left_out
with left_out("numpy", "pandas"):
    import pyarrow as pa
    from dtaas_desktop.domain.rejects import rejected_rows
    rows = pa.record_batch({{"at": pa.array([{_MOMENT}], pa.timestamp("ns"))}})
    found = rejected_rows(rows, pa.array([0]), key=["at"], node="n", columns=["at"], reasons=["too fine"])
    print(found.column("key")[0], *{{"numpy", "pandas"}} & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-P", "-c", program], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout == '{"at": "2020-09-13 12:26:40.123456700"}\n'


def test_the_row_the_key_and_the_reason_stand_beside_each_other() -> None:
    rows = pa.record_batch({"id": [1, 2], "size": [1.5, float("inf")]})
    found = rejected_rows(rows, pa.array([1]), key=["id"], node="n", columns=["size"], reasons=["no number"])
    assert found.to_pylist() == [
        {"row": '{"id": 2, "size": "inf"}', "key": '{"id": 2}', "node": "n", "column": "size", "reason": "no number"}
    ]
