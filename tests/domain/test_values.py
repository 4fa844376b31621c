"""Plans, errors, names: small values with large promises."""

import pickle

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtaas_desktop.domain.errors import MissingColumn, PositionLost, StagedLost, UserError
from dtaas_desktop.domain.file_settings import FileSettings, PartitionBy
from dtaas_desktop.domain.plan import Plan, RoutePlan, TablePlan, plan_from_json, plan_to_json, staged_from_json, staged_to_json
from dtaas_desktop.domain.rejects import rejected_rows
from dtaas_desktop.domain.table import REJECTED, Counts, Part, TableRef
from dtaas_desktop.domain.target import Attempt, Owner, Staged, StagedFile, Target, same_name_key, target_name

SCHEMA = pa.schema(
    [pa.field("id", pa.int64(), False), pa.field("Größe", pa.decimal128(38, 10)), pa.field("at", pa.timestamp("us", "UTC"))]
)


def test_a_plan_survives_being_stored() -> None:
    attempt = Attempt("w-1", "nonce", 4)
    files = FileSettings(layout="hive", partition_by=(PartitionBy(column="at", unit="month"),))
    target = Target("out", "t", SCHEMA, ("id",), "append", Owner("u", "t", "d"), files)
    table = TablePlan(
        "db", TableRef("t", "s", "SELECT 1"), SCHEMA, ("id", "at"), ("id",), (Part("0", None, 7), Part("1", 7, None, 3)),
        (RoutePlan("s → d", (), target, 3, attempt),), "0x01", 10,
    )  # fmt: skip
    plan = Plan("w-1", "u", "hash", True, (table,))
    assert plan_from_json(plan_to_json(plan)) == plan
    staged = Staged(
        "0", attempt, Counts(5, 1, 1, 3, 2), (StagedFile("a", "b", 3, 99, "ff"), StagedFile("c", "d", 1, 9, "ee", "rejected"))
    )
    assert staged_from_json(staged_to_json(staged)) == staged
    with pytest.raises(ValueError, match="validation error"):
        staged_from_json('{"part": 3}')


@pytest.mark.parametrize(
    "error",
    [UserError("a", remedy="b"), PositionLost("gone"), StagedLost(["1", "2"], "lost"), MissingColumn("x", ["a", "b"])],
)
def test_errors_come_whole_through_a_process_border(error: Exception) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert copy.__dict__ == error.__dict__
    assert str(copy) == str(error)


def test_counts_must_balance() -> None:
    assert Counts(read=10, filtered=3, rejected=2, written=5).balanced
    assert not Counts(read=10, written=9).balanced
    assert Counts(1, 0, 0, 1, 4) + Counts(2, 1, 0, 1) == Counts(3, 1, 0, 2, 4)


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("{table}", "a.b"),
        ("raw_{schema}_{table}", "raw_dbo_a.b"),
        ("{{{table}}}", "{a.b}"),
        ("{connection}/{task}", "db/Nightly"),
    ],
)
def test_names_are_filled_in(template: str, name: str) -> None:
    assert target_name(template, TableRef("a.b", "dbo"), connection="db", task="Nightly") == name


@pytest.mark.parametrize("template", ["{}", "{tabel}", "{table", "}", "{table!r}", "{table:>9}", "{schema}", "{table.__class__}"])
def test_a_template_that_cannot_be_filled_in_is_refused(template: str) -> None:
    with pytest.raises(UserError):
        target_name(template, TableRef("t"), connection="db", task="x")


@given(st.text(min_size=1))
def test_case_and_unicode_form_do_not_make_names_differ(name: str) -> None:
    assert same_name_key(name.upper().lower()) == same_name_key(same_name_key(name.upper().lower()))
    assert same_name_key("Straße") == same_name_key("STRASSE")
    assert same_name_key("é") == same_name_key("e\u0301")


def test_rejected_rows_are_kept_whole() -> None:
    batch = pa.record_batch({"id": [1, 2], "x": [float("nan"), 1.5], "b": [b"\x00\xff", None]})
    kept = rejected_rows(batch, pa.array([0]), key=("id",), node="Cast", columns=["x"], reasons=["not a number"])
    assert kept.schema == REJECTED
    assert kept.to_pylist() == [
        {"row": '{"id": 1, "x": "nan", "b": "AP8="}', "key": '{"id": 1}', "node": "Cast", "column": "x", "reason": "not a number"}
    ]


@pytest.mark.parametrize(
    "settings",
    [
        {"layout": "hive"},
        {"partition_by": [{"column": "a"}]},
        {"format": "csv", "compression": "snappy"},
        {"layout": "hive", "partition_by": [{"column": "a"}, {"column": "b", "name": "A"}]},
        {"file_size_mb": 0},
    ],
)
def test_file_settings_that_contradict_themselves_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        FileSettings.model_validate(settings)
