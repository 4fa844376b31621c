"""Select, drop and rename: which columns there are, in which order and under which names."""

import fnmatch
import pickle
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtaas_desktop.domain.errors import MissingColumn, UserError
from dtaas_desktop.domain.ports import Lineage
from dtaas_desktop.domain.transform_settings import DropSettings, RenameSettings, SelectSettings
from dtaas_desktop.transforms.columns import Drop, Rename, Select

NAMES = ["id", "Name", "dep_delay", "dep_time", "arr_delay", "a*b", "a?b", "axb", "é", "zwei\nZeilen"]
ROWS = pa.RecordBatch.from_arrays(
    [pa.array([number, None]) for number in range(len(NAMES))],
    schema=pa.schema([pa.field(name, pa.int64(), metadata={"of": name}) for name in NAMES], {"of": "table"}),
)
entries = st.lists(st.sampled_from([*NAMES, "*", "dep_*", "*_delay", "?d", "a?b", "z*", "nothing*"]), min_size=1, max_size=5)


def select(*columns: str, others: bool = False) -> Select:
    return Select(SelectSettings(columns=columns, others=others))


def drop(*columns: str) -> Drop:
    return Drop(DropSettings(columns=columns))


def rename(names: dict[str, str] | None = None, **settings: Any) -> Rename:
    return Rename(RenameSettings(names=names or {}, **settings))


def names_after(step: Select | Drop | Rename, names: list[str] = NAMES) -> list[str]:
    """The names promised, after checking that rows get just these, with their values, types and metadata."""
    rows = ROWS
    if names is not NAMES:
        rows = pa.RecordBatch.from_arrays([pa.array([number, None]) for number in range(len(names))], names=names)
    promised = step.output_schema(rows.schema)
    applied = pickle.loads(pickle.dumps(step)).apply(rows)
    assert applied.kept is None
    assert applied.bad is None
    assert applied.rows.schema.equals(promised, check_metadata=True)
    assert step.apply(rows.slice(0, 0)).rows.schema.equals(promised, check_metadata=True)
    lineage = step.lineage(rows.schema)
    assert lineage == Lineage(lineage.inputs, frozenset(promised.names))
    assert list(lineage.inputs) == promised.names
    assert promised.metadata == rows.schema.metadata
    for name, (origin,) in lineage.inputs.items():
        assert applied.rows.column(name).equals(rows.column(origin))
        assert promised.field(name).equals(rows.schema.field(origin).with_name(name), check_metadata=True)
    return list(promised.names)


def meant(entry: str) -> list[str]:
    if entry in NAMES:
        return [entry]
    return [name for name in NAMES if fnmatch.fnmatchcase(name, entry)]


@given(entries, st.booleans())
def test_select_gives_the_columns_named_in_the_order_of_the_entries(columns: list[str], others: bool) -> None:
    expected: list[str] = []
    for entry in columns:
        expected += [name for name in meant(entry) if name not in expected and (entry == name or name not in columns)]
    if others:
        expected += [name for name in NAMES if name not in expected]
    if expected:
        assert names_after(select(*columns, others=others)) == expected
    else:
        with pytest.raises(UserError, match="No column is left"):
            select(*columns, others=others).output_schema(ROWS.schema)


@given(entries)
def test_drop_leaves_the_others_in_their_order(columns: list[str]) -> None:
    dropped = {name for entry in columns for name in meant(entry)}
    expected = [name for name in NAMES if name not in dropped]
    if expected:
        assert names_after(drop(*columns)) == expected
    else:
        with pytest.raises(UserError, match="No column is left"):
            drop(*columns).output_schema(ROWS.schema)


def test_a_name_stands_where_it_is_written_even_behind_a_pattern_that_fits_it() -> None:
    assert names_after(select("*", "id")) == [*NAMES[1:], "id"]
    assert names_after(select("dep_time", "*")) == ["dep_time", *(name for name in NAMES if name != "dep_time")]


@pytest.mark.parametrize(
    "step", [select("id", "gone"), drop("gone"), rename({"gone": "x"}), rename(rule="upper", columns=("gone",))]
)
def test_a_name_that_is_not_there_is_a_missing_column(step: Select | Drop | Rename) -> None:
    with pytest.raises(MissingColumn) as missing:
        step.output_schema(ROWS.schema)
    assert missing.value.column == "gone"


@pytest.mark.parametrize("step", [select("a"), select("*"), drop("a"), rename({"a": "b"})])
def test_a_name_that_comes_twice_cannot_be_meant(step: Select | Drop | Rename) -> None:
    with pytest.raises(UserError, match="comes 2 times"):
        step.output_schema(pa.schema([("a", pa.int8()), ("a", pa.int8()), ("b", pa.int8())]))


@given(st.permutations(NAMES), st.integers(0, len(NAMES)))
def test_columns_change_names_all_at_once(shuffled: list[str], count: int) -> None:
    names = dict(zip(NAMES, shuffled, strict=True))
    some = dict(list(names.items())[:count])
    expected = [some.get(name, name) for name in NAMES]
    if not some:
        return
    if len(set(expected)) == len(NAMES):
        assert names_after(rename(some)) == expected
    else:
        with pytest.raises(UserError, match="would come twice"):
            rename(some).output_schema(ROWS.schema)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"rule": "upper"}, ["DEP DELAY", "ÉTÉ", "X1"]),
        ({"rule": "lower"}, ["dep delay", "été", "x1"]),
        ({"rule": "prefix", "text": "src_"}, ["src_dep Delay", "src_Été", "src_x1"]),
        ({"rule": "suffix", "text": " (old)"}, ["dep Delay (old)", "Été (old)", "x1 (old)"]),
        ({"rule": "upper", "columns": ("x*",)}, ["dep Delay", "Été", "X1"]),
        ({"rule": "upper", "columns": ("dep*",), "names": {"dep Delay": "delay"}}, ["delay", "Été", "x1"]),
        ({"rule": "upper", "names": {"x1": "dep"}}, ["DEP DELAY", "ÉTÉ", "dep"]),
        ({"rule": "regex", "pattern": r"(\w+) (\w+)", "replacement": r"\2-\1"}, ["Delay-dep", "Été", "x1"]),
        ({"rule": "regex", "pattern": "[0-9]", "replacement": r"<\0>"}, ["dep Delay", "Été", "x<1>"]),
    ],
)
def test_rules_change_the_names_they_are_for(settings: dict[str, Any], expected: list[str]) -> None:
    assert names_after(rename(**settings), ["dep Delay", "Été", "x1"]) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("DepDelay", "dep_delay"),
        ("depDelay", "dep_delay"),
        ("dep_delay", "dep_delay"),
        ("HTTPServer", "http_server"),
        ("userID", "user_id"),
        ("ID", "id"),
        ("v2Beta", "v2_beta"),
        ("SHA256Hash", "sha256_hash"),
        ("Dep. delay (min)", "dep_delay_min"),
        ("  __weird-- name__ ", "weird_name"),
        ("ÉtéDernier", "été_dernier"),
        ("E\u0301te\u0301Dernier", "été_dernier"),
        ("ЦенаТовара", "цена_товара"),
        ("列名", "列名"),
        ("%%", "%%"),
    ],
)
def test_snake_case_splits_words_where_people_see_them(name: str, expected: str) -> None:
    assert names_after(rename(rule="snake"), [name]) == [expected]


@given(st.text(min_size=1))
def test_snake_case_of_snake_case_is_the_same(name: str) -> None:
    (once,) = names_after(rename(rule="snake"), [name])
    assert names_after(rename(rule="snake"), [once]) == [once]


def test_rules_that_give_two_columns_one_name_or_none_are_refused() -> None:
    with pytest.raises(UserError, match="“id” would come twice"):
        rename(rule="lower").output_schema(pa.schema([("ID", pa.int8()), ("id", pa.int8())]))
    with pytest.raises(UserError, match="leaves nothing of the name “id”"):
        rename(rule="regex", pattern=".*", replacement="").output_schema(pa.schema([("id", pa.int8())]))


@pytest.mark.parametrize(("pattern", "replacement"), [("(", ""), ("a", r"\1"), ("a", "\\"), ("(?=a)", "")])
def test_a_wrong_regular_expression_is_refused_when_the_step_is_built(pattern: str, replacement: str) -> None:
    with pytest.raises(UserError):
        rename(rule="regex", pattern=pattern, replacement=replacement)


@pytest.mark.parametrize(
    "settings", [{}, {"rule": "prefix"}, {"rule": "suffix"}, {"rule": "regex"}, {"names": {"": "x"}}, {"names": {"x": ""}}]
)
def test_renames_without_an_aim_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="RenameSettings"):
        RenameSettings(**settings)
