"""The same row by full load and by change, through random chains of all transformations."""

import datetime
import decimal
from typing import Any

import pyarrow as pa
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from dtaas_desktop.domain.changes import CHANGES, Operation
from dtaas_desktop.domain.design import Node
from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.kinds import KINDS, settings_of
from dtaas_desktop.domain.table import Rows
from dtaas_desktop.domain.target import Owner, Target
from dtaas_desktop.engine.chain import Chain, build_chain
from dtaas_desktop.engine.change_rows import ChangeRows
from dtaas_desktop.engine.key_path import KeyPath
from dtaas_desktop.transforms import build

SCHEMA = pa.schema(
    [
        pa.field("id", pa.int64(), nullable=False),
        pa.field("n", pa.int64()),
        pa.field("price", pa.decimal128(18, 4)),
        pa.field("x", pa.float64()),
        pa.field("name", pa.large_string()),
        pa.field("at", pa.timestamp("us")),
        pa.field("day", pa.date32()),
        pa.field("flag", pa.bool_()),
    ]
)
STEPS: list[tuple[str, dict[str, Any]]] = [
    ("filter", {"conditions": [{"column": "n", "operator": "greater", "value": 2}]}),
    ("filter", {"match": "any", "conditions": [{"column": "name", "operator": "contains", "value": "a", "empty_matches": True}]}),
    ("filter", {"expression": "n % 3 <> 0 OR flag"}),
    ("add_column", {"name": "made", "value": 7}),
    ("add_column", {"name": "sum", "expression": "n * 2 + length(name)", "on_bad": "null"}),
    ("add_column", {"name": "ratio", "expression": "100 / n", "on_bad": "reject"}),
    ("rename", {"rule": "upper"}),
    ("rename", {"names": {"id": "key", "name": "title"}}),
    ("rename", {"rule": "prefix", "text": "p_", "columns": ["*"]}),
    ("drop", {"columns": ["flag"]}),
    ("select", {"columns": ["name", "id"], "others": True}),
    ("cast", {"columns": [{"column": "n", "type": "int8"}], "on_bad": "reject"}),
    ("cast", {"columns": [{"column": "price", "type": "text", "decimals": 2}], "extra_digits": "half_even"}),
    ("cast", {"columns": [{"column": "name", "type": "int64"}], "on_bad": "null"}),
    ("cast", {"columns": [{"column": "at", "type": "text", "format": "%d.%m.%Y %H:%M"}]}),
    ("replace", {"columns": ["name"], "pairs": [{"find": "a", "replace_with": "b"}, {"find": None, "replace_with": "none"}]}),
    ("replace", {"of_type": "number", "pairs": [{"find": 3, "replace_with": None}]}),
    ("replace", {"columns": ["name"], "mode": "regex", "pairs": [{"find": "([a-z])", "replace_with": "<\\1>"}]}),
    ("concatenate", {"columns": ["name", "n"], "name": "both", "separator": "-", "empties": "text", "empty_text": "?"}),
    ("split", {"column": "name", "into": ["one", "two"], "separator": "a", "too_few": "reject"}),
    ("apply", {"columns": ["name"], "function": {"name": "sha256"}, "output": "{column}_hash"}),
    ("apply", {"columns": ["name"], "function": {"name": "hmac", "key": "env:KEY"}}),
    ("apply", {"columns": ["at", "day"], "function": {"name": "date_part", "part": "month"}, "output": "{column}_month"}),
    ("apply", {"columns": ["x"], "function": {"name": "sign"}, "on_bad": "reject"}),
    ("apply", {"columns": ["day"], "function": {"name": "add_interval", "amount": 1, "unit": "year"}, "on_bad": "null"}),
]
ROWS = st.fixed_dictionaries(
    {
        "n": st.one_of(st.none(), st.integers(-3, 9), st.just(2**40)),
        "price": st.one_of(st.none(), st.decimals(-999, 999, places=4)),
        "x": st.one_of(st.none(), st.floats(allow_nan=False)),
        "name": st.one_of(st.none(), st.sampled_from(["", "a", "banana", "12", "é😀", "x-a-y"])),
        "at": st.one_of(st.none(), st.datetimes(datetime.datetime(1, 1, 1), datetime.datetime(9999, 12, 31))),
        "day": st.one_of(st.none(), st.dates()),
        "flag": st.one_of(st.none(), st.booleans()),
    }
)
CHAINS = st.lists(st.sampled_from(STEPS), max_size=5)


def test_every_kind_of_transformation_is_in_the_pool() -> None:
    assert {kind for kind, _ in STEPS} == {kind.name for kind in KINDS.values() if kind.category == "transformation"}


def chain_of(steps: list[tuple[str, dict[str, Any]]]) -> Chain:
    nodes = []
    for number, (kind, chosen) in enumerate(steps):
        # A step that an earlier one took its column from leaves the table alone.
        settings = settings_of(Node(f"{number}", kind, {"missing_column": "skip", **chosen}))
        nodes.append((f"step {number}", kind, settings))
    return build_chain(
        nodes,
        SCHEMA,
        table="t",
        key=("id",),
        build=lambda kind, settings: build(kind, settings, secret=lambda _: "secret"),
        skips=lambda settings, error: True,
    )


def batch(rows: list[dict[str, Any]]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(rows, schema=pa.schema([field.with_nullable(True) for field in SCHEMA]))


def plain(row: dict[str, Any]) -> tuple[str, ...]:
    """A row that equals itself, NaN and all."""
    return tuple(f"{name}={format(value, 'f') if isinstance(value, decimal.Decimal) else value!r}" for name, value in row.items())


@settings(max_examples=400, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow], deadline=None)
@given(CHAINS, st.lists(st.tuples(ROWS, ROWS), min_size=1, max_size=8), st.integers(1, 5), st.booleans())
def test_a_row_is_the_same_by_load_by_net_change_and_by_update(
    steps: list[tuple[str, dict[str, Any]]], pairs: list[tuple[dict[str, Any], dict[str, Any]]], size: int, net: bool
) -> None:
    try:
        chain = chain_of(steps)
        schema = chain.output_schema(SCHEMA)
    except UserError:  # a step does not work on what an earlier one made
        assume(False)
    key = KeyPath(chain, SCHEMA, schema).names()
    assume(key)
    old = [{"id": number, **row} for number, (row, _) in enumerate(pairs)]
    new = [{"id": number, **row} for number, (_, row) in enumerate(pairs)]
    by_load = {row[key[0]]: plain(row) for row in chain.apply(batch(new)).batch.to_pylist()}
    before = {row[key[0]] for row in chain.apply(batch(old)).batch.to_pylist()}

    target = Target("to", "t", schema, key, "mirror", Owner("task", "t", "node"))
    changes = ChangeRows(chain, SCHEMA, target)
    by_change: dict[Any, tuple[str, ...]] = {}
    gone: set[Any] = set()
    for start in range(0, len(pairs), size):
        some = range(start, min(start + size, len(pairs)))
        images = [new[i] for i in some] if net else [row for i in some for row in (old[i], new[i])]
        operations = [Operation.PRESENT] if net else [Operation.BEFORE, Operation.AFTER]
        beside = [
            {"operation": int(operation), "transaction": "t", "position": f"{i:04}", "committed_at": None}
            for i in some
            for operation in operations
        ]
        rows = batch(images)
        staged = changes.take(Rows(rows, changes=pa.RecordBatch.from_pylist(beside, schema=CHANGES)), rows).batch
        assert staged.schema == target.staged_schema("changes")
        for row in staged.to_pylist():
            if row["__sign"] > 0:
                by_change[row[key[0]]] = plain({name: row[name] for name in schema.names})
            else:
                gone.add(row[key[0]])
    assert by_change == by_load
    keys = {KeyPath(chain, SCHEMA, schema).rows(batch([row]))[0].column(key[0])[0].as_py() for row in new}
    assert gone == (keys - by_load.keys() if net else before)
