"""Drift: what is found when a table has got another shape, what is done about it, and the schema that follows."""

from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.table import Column, TableDescription, TableRef
from dtaas_desktop.domain.target import TargetState
from dtaas_desktop.domain.transform_settings import RenameSettings
from dtaas_desktop.engine.chain import Chain, Step
from dtaas_desktop.engine.drift import Drift, Shape, drift, source_renames
from dtaas_desktop.transforms.columns import Rename

BEFORE = pa.schema([("id", pa.int64()), ("name", pa.large_string()), ("size", pa.int32()), ("last", pa.int64())])
UPPER = Chain("t", ("id",), (Step("upper", Rename(RenameSettings(rule="upper"))),))


def published(schema: pa.Schema = BEFORE, *, key: tuple[str, ...] = ("id",), source: pa.Schema | None = None) -> TargetState:
    return TargetState(1, "p", "plan", None, schema, key=key, source=schema if source is None else source)


def shape(schema: pa.Schema, *, prefilled: str = "", key: tuple[str, ...] = ("id",), chain: Chain | None = None) -> Shape:
    columns = tuple(Column(f.name, f.type, prefilled=f.name == prefilled) for f in schema)
    return Shape(TableDescription(TableRef("t"), columns, ("id",)), chain or Chain("t", ("id",), ()), key)


def found(now: Shape, state: TargetState | None = None, **how: Any) -> Drift:
    settings: dict[str, Any] = {"policy": "evolve", "keeps": True, "changes": True} | how
    return drift(now, state or published(), **settings)


def kinds(drift: Drift) -> list[tuple[str, str]]:
    return [(finding.what, finding.column) for finding in drift.findings]


def changed(name: str, field: pa.Field | None = None) -> pa.Schema:
    """BEFORE with one column replaced, or gone."""
    return pa.schema([field if f.name == name else f for f in BEFORE if f.name != name or field is not None])


def test_nothing_has_changed() -> None:
    assert found(shape(BEFORE)) == Drift(BEFORE)


def test_a_target_that_was_never_published_has_no_drift() -> None:
    assert found(shape(BEFORE), TargetState()) == Drift(BEFORE)


def test_a_new_column_goes_to_the_end_of_what_the_target_has() -> None:
    result = found(shape(BEFORE.insert(1, pa.field("new", pa.date32()))))
    assert kinds(result) == [("added", "new")]
    assert result.schema.names == [*BEFORE.names, "new"]
    assert not result.reload


def test_a_dropped_column_stays_and_is_empty_from_now_on() -> None:
    result = found(shape(changed("name")))
    assert kinds(result) == [("dropped", "name")]
    assert result.schema == BEFORE
    assert "stays at the target" in str(result.findings[0])


def test_a_column_renamed_in_its_place_is_renamed_at_the_target_too() -> None:
    result = found(shape(changed("name", pa.field("title", pa.large_string()))))
    assert kinds(result) == [("renamed", "title")]
    assert result.renamed == (("name", "title"),)
    assert result.schema.names == ["id", "title", "size", "last"]
    assert not result.reload


def test_a_rename_is_followed_through_the_steps() -> None:
    state = published(pa.schema([f.with_name(f.name.upper()) for f in BEFORE]), key=("ID",), source=BEFORE)
    result = found(shape(changed("name", pa.field("title", pa.large_string())), key=("ID",), chain=UPPER), state)
    assert result.renamed == (("NAME", "TITLE"),)


@pytest.mark.parametrize(
    "after",
    [
        pa.field("other", pa.int64()),  # the last column: it may have been dropped, and another one added
        pa.field("other", pa.float64()),
    ],
)
def test_what_may_be_a_rename_or_not_makes_the_table_be_read_again(after: pa.Field) -> None:
    result = found(shape(changed("last", after)))
    assert kinds(result) == [("dropped", "last"), ("added", "other")]
    assert result.schema.names == [*BEFORE.names, "other"]
    assert "may be the same under another name" in result.reload


def test_a_column_that_filled_itself_makes_the_table_be_read_again_unless_it_is_left_out() -> None:
    wide = BEFORE.append(pa.field("new", pa.int64()))
    assert "got a value in it" in found(shape(wide, prefilled="new")).reload
    assert not found(shape(wide, prefilled="new"), keeps=False, changes=False).reload


@pytest.mark.parametrize(
    ("after", "what", "kept"),
    [
        (pa.int64(), "widened", pa.int64()),
        (pa.float64(), "widened", pa.float64()),
        (pa.int16(), "narrowed", pa.int32()),
    ],
)
def test_types_widen_at_the_target_and_never_narrow(after: pa.DataType, what: str, kept: pa.DataType) -> None:
    result = found(shape(changed("size", pa.field("size", after))))
    assert kinds(result) == [(what, "size")]
    assert result.schema.field("size").type == kept
    assert result.refused is None


def test_a_type_that_fits_neither_way_is_refused_with_the_ways_out() -> None:
    result = found(shape(changed("size", pa.field("size", pa.large_string()))))
    assert isinstance(result.refused, UserError)
    assert "“size” was int32 and is text" in str(result.refused)
    assert "a full reload" in str(result.refused)


def test_a_load_that_replaces_everything_takes_the_new_shape_as_it_is() -> None:
    after = changed("size", pa.field("size", pa.large_string()))
    result = found(shape(after), keeps=False, changes=False)
    assert result.schema == after
    assert result.refused is None
    assert "with this load" in str(result.findings[0])


def test_another_key_makes_the_table_be_read_again() -> None:
    result = found(shape(BEFORE, key=("name",)))
    assert kinds(result) == [("key", "name")]
    assert "its key was id and is name" in result.reload
    assert not found(shape(BEFORE, key=("name",)), changes=False).reload


def test_ignore_keeps_the_old_shape_whatever_comes() -> None:
    after = pa.schema([("id", pa.int64()), ("size", pa.large_string()), ("new", pa.int64())])
    result = found(shape(after, prefilled="new"), policy="ignore")
    assert result.schema == BEFORE
    assert not result.reload
    assert result.refused is None
    assert {what for what, _ in kinds(result)} == {"added", "dropped", "retyped"}


def test_pause_stops_and_says_everything_that_changed() -> None:
    result = found(shape(changed("name", pa.field("title", pa.large_string()))), policy="pause")
    assert "column “name” is gone; column “title” (text) is new" in str(result.refused)


def test_layouts_of_text_are_no_drift() -> None:
    state = replace(published(), schema=changed("name", pa.field("name", pa.string())))
    assert found(shape(BEFORE), state).findings == ()


@pytest.mark.parametrize(
    ("after", "renames"),
    [
        (["id", "x", "size", "last"], {"name": "x"}),
        (["id", "x", "y", "last"], {"name": "x", "size": "y"}),
        (["id", "x", "size", "last", "added"], {"name": "x"}),
        (["id", "size", "name", "last"], {}),  # another order: nobody knows
        (["id", "name", "size"], {}),
        (["id", "name", "size", "x"], {}),
    ],
)
def test_renames_are_recognised_only_where_they_are_sure(after: list[str], renames: dict[str, str]) -> None:
    before = pa.schema([(name, pa.int64()) for name in BEFORE.names])
    assert source_renames(before, pa.schema([(name, pa.int64()) for name in after])) == renames
