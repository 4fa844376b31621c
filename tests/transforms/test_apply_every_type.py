"""Every one of these steps on every type: refused before the run with a sentence, or done as promised."""

import pickle
from typing import Any

import pyarrow as pa
import pytest

from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.ports import Transform
from tests.transforms.every_type import batch, layouts_of, step, values_of_every_type, whole_and_in_pieces


def _apply(**function: Any) -> Transform:
    return step("apply", columns=["x"], function=function, on_bad="null")


_PARTS = ("year", "quarter", "month", "day", "weekday", "day_of_year", "iso_week", "iso_year")
_TIMES = ("hour", "minute", "second", "millisecond", "microsecond")
_UNITS = ("year", "quarter", "month", "week", "day", "hour", "minute", "second")
_ROUNDINGS = ("half_away", "half_even", "truncate", "floor", "ceiling")
_FUNCTIONS: dict[str, Transform] = {
    "trim": _apply(name="trim"),
    "trim x": _apply(name="trim", side="left", characters="x "),
    "upper": _apply(name="upper"),
    "lower": _apply(name="lower"),
    "title": _apply(name="title"),
    "length": _apply(name="length"),
    "substring": _apply(name="substring", start=-2, length=1),
    "pad": _apply(name="pad", width=5, fill="😀", side="both"),
    "remove accents": _apply(name="remove_accents"),
    "abs": _apply(name="abs"),
    "sign": _apply(name="sign"),
    "sha256": _apply(name="sha256"),
    "sha256 binary": _apply(name="sha256", result="binary"),
    "hmac": _apply(name="hmac", key="env:K"),
    "coalesce": _apply(name="coalesce"),
    "coalesce text": _apply(name="coalesce", default="2024-01-01"),
    "coalesce number": _apply(name="coalesce", default=1),
    "coalesce others": _apply(name="coalesce", others=["x", "y"]),
    "extract": _apply(name="regex_extract", pattern="([a-z]),(.)", group=2),
    "json": _apply(name="json_value", path="$.a"),
    "beside": step("apply", columns=["*"], function={"name": "sha256"}, output="{column}_hash"),
    **{f"round {r} {d}": _apply(name="round", digits=d, rounding=r) for r in _ROUNDINGS for d in (-38, -1, 1)},
    "round 38": _apply(name="round", digits=38),
    **{f"part {part}": _apply(name="date_part", part=part) for part in _PARTS + _TIMES},
    **{f"truncate {unit}": _apply(name="truncate_date", unit=unit) for unit in _UNITS},
    **{
        f"add {amount} {unit}": _apply(name="add_interval", unit=unit, amount=amount)
        for unit in (*_UNITS, "millisecond", "microsecond")
        for amount in (-1, 10**12)
    },
}
_OTHERS: dict[str, Transform] = {
    "replace text": step("replace", columns=["x"], pairs=[{"find": "n/a", "replace_with": None}, {"find": None, "replace_with": "x"}]),
    "replace number": step("replace", columns=["x"], pairs=[{"find": 0, "replace_with": 1}, {"find": None, "replace_with": 1}]),
    "replace date": step("replace", columns=["x"], pairs=[{"find": "1970-01-01", "replace_with": "2024-02-29"}]),
    "replace all numbers": step("replace", of_type="number", pairs=[{"find": 1, "replace_with": 0}, {"find": "NaN", "replace_with": None}]),
    "replace all texts": step("replace", of_type="text", pairs=[{"find": None, "replace_with": "none"}]),
    "replace all dates": step("replace", of_type="date", pairs=[{"find": "9999-12-31", "replace_with": None}, {"find": 1, "replace_with": 2}]),
    "replace all bools": step("replace", of_type="bool", pairs=[{"find": True, "replace_with": False}]),
    "replace nothing": step("replace", columns=["x"], pairs=[{"find": None, "replace_with": None}]),
    "replace within": step("replace", columns=["x"], mode="text", case_sensitive=False, pairs=[{"find": "É", "replace_with": "e"}]),
    "replace regex": step("replace", columns=["x"], mode="regex", pairs=[{"find": "[a-z]", "replace_with": "<\\0>"}]),
    "concatenate": step("concatenate", columns=["x", "y", "x"], name="z", separator="-", keep_inputs=False),
    "concatenate all": step("concatenate", columns=["x"], name="x", prefix="(", suffix=")", empties="text", replace=True),
    "split": step("split", column="x", into=["a", "b"], separator=","),
    "split regex": step("split", column="x", into=["a", "b"], by="regex", separator=",|x*", too_many="reject", trim=True),
    "split width": step("split", column="x", into=["x", "b"], by="width", widths=[2, 1], too_few="reject", keep_input=False),
}  # fmt: skip


def refusal(transform: Transform, schema: pa.Schema) -> str | None:
    """The sentences with which the step refuses the schema; None if it takes it."""
    try:
        transform.output_schema(schema)
    except UserError as refused:
        return f"{refused.message} {refused.remedy}"
    return None


@pytest.mark.parametrize("name", [*_FUNCTIONS, *_OTHERS])
def test_each_step_refuses_a_type_or_gives_what_it_promised_wherever_batches_are_cut(name: str) -> None:
    transform = (_FUNCTIONS | _OTHERS)[name]
    done = 0
    for data_type, values in values_of_every_type().items():
        for layout in layouts_of(values):
            y = layout.take(pa.array(range(len(layout))[::-1], pa.int64())) if "view" not in str(data_type) else layout
            rows = batch(x=layout, y=y).replace_schema_metadata({"kept": "yes"})
            if refusal(transform, rows.schema) is None:
                whole_and_in_pieces(transform, rows)
                done += 1
    assert done


def test_a_step_can_go_to_another_process_and_does_the_same_there() -> None:
    rows = batch(x=pa.array(["a,b", None, "É"]), y=pa.array(["1", "2", "3"]))
    for name, transform in (_FUNCTIONS | _OTHERS).items():
        sent = pickle.loads(pickle.dumps(transform))
        assert sent == transform, name
        assert refusal(sent, rows.schema) == refusal(transform, rows.schema)
        if refusal(transform, rows.schema) is None:
            assert sent.apply(rows).rows == transform.apply(rows).rows
