"""The net effect in Arrow: by hand-made cases and random histories, whole and summed up piece by piece."""

import itertools
import random
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtaas_desktop.domain.changes import LETTERED
from dtaas_desktop.domain.net_effect import net_effect, reduced
from tests.domain.net_effect_cases import CASES, COLUMNS, Case, Image, Key, Rows, Values, history, images_table

CUTS = st.lists(st.integers(1, 8), max_size=4)


def applied(rows: Mapping[Key, Values], net: pa.Table) -> Rows:
    """The rows after the net effect: what a destination does with it."""
    after = dict(rows)
    for row in net.to_pylist():
        key: Key = row["id"]
        if row["__op"] == "D":
            assert (row["v"], row["lob"], row["__same:lob"]) == (None, None, False)
            after.pop(key, None)
        elif row["__op"] == "I" or key in after:
            kept = after.get(key, (None, None))[1]
            after[key] = (row["v"], kept if row["__same:lob"] else row["lob"])
    return after


def in_pieces(images: Sequence[Image], places: Sequence[int]) -> pa.Table:
    """The images, summed up after each of some places."""
    table = images_table(images)
    state = table.slice(0, 0)
    ends = sorted({place % (len(images) + 1) for place in places} | {len(images)})
    for begin, end in itertools.pairwise([0, *ends]):
        state = reduced(pa.concat_tables([state, table.slice(begin, end - begin)]), ["id"])
    return state


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_changes_come_to(case: Case) -> None:
    assert applied(case.before, net_effect(images_table(case.log.images), ["id"])) == case.after


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_changes_come_to_is_the_same_when_every_image_is_summed_up_apart(case: Case) -> None:
    state = in_pieces(case.log.images[-40:], range(41))
    whole = images_table(case.log.images[-40:])
    assert net_effect(state, ["id"]).sort_by("__position") == net_effect(whole, ["id"]).sort_by("__position")


@given(st.integers(0, 2**32), CUTS)
@settings(max_examples=300, deadline=None)
def test_turn_by_turn_the_rows_are_those_of_the_source(seed: int, cuts: list[int]) -> None:
    made = history(seed)
    rows = made.loaded(seed, cuts)
    for images, expected in made.turns(cuts):
        rows = applied(rows, net_effect(images_table(images), ["id"]))
        assert rows == expected


@given(st.integers(0, 2**32), CUTS, st.lists(st.integers(0, 100), max_size=6))
@settings(max_examples=150, deadline=None)
def test_summed_up_anywhere_it_comes_to_the_same_and_stays_small(seed: int, cuts: list[int], places: list[int]) -> None:
    made = history(seed)
    for images, _ in made.turns(cuts):
        state = in_pieces(images, places)
        assert state.num_rows <= 4 * len({image.key for image in images})
        whole = net_effect(images_table(images), ["id"]).sort_by("__position")
        assert net_effect(state, ["id"]).sort_by("__position") == whole


@given(st.integers(0, 2**32))
@settings(max_examples=100, deadline=None)
def test_the_order_of_the_images_does_not_matter_their_positions_do(seed: int) -> None:
    images = [image for one in history(seed).log for image in one]
    shuffled = random.Random(seed).sample(images, len(images))
    order = [("__position", "ascending")]
    assert net_effect(images_table(shuffled), ["id"]).sort_by(order) == net_effect(images_table(images), ["id"]).sort_by(order)


def test_the_result_has_the_letters_the_last_position_and_the_columns() -> None:
    case = next(case for case in CASES if "inserts first" in case.name)
    images = images_table(case.log.images, marked=False)
    net = net_effect(images, ["id"])
    assert net.schema == pa.schema([*LETTERED, *COLUMNS])
    assert net.to_pydict()["__op"] == ["U", "U"]
    assert set(net.to_pydict()["__position"]) == {image.position for image in case.log.images if image.sign < 0}
    assert net_effect(images.slice(0, 0), ["id"]).schema == net.schema


KINDS: dict[str, tuple[pa.DataType, list[Any], list[Any]]] = {
    "float": (pa.float64(), [float("nan"), 0.0, 1.5, None], [float("nan"), -0.0, 1.5, None]),
    "float32": (pa.float32(), [float("nan"), 0.0, float("inf")], [float("nan"), -0.0, float("inf")]),
    "text": (pa.string(), ["a", "A", "a ", "ä", "a\u0308", ""], ["a", "A", "a ", "ä", "a\u0308", ""]),
    "bytes": (pa.binary(), [b"", b"\x00", b"\x00\x00", None], [b"", b"\x00", b"\x00\x00", None]),
    "bool": (pa.bool_(), [True, False, None], [True, False, None]),
    "dictionary": (pa.dictionary(pa.int32(), pa.string()), ["x", "y", None], ["x", "y", None]),
    "nothing": (pa.null(), [None], [None]),
    "moment": (pa.timestamp("us", "UTC"), [0, -1, None], [0, -1, None]),
    "decimal": (pa.decimal128(38, 2), [1, 2, None], [1, 2, None]),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("composite", [False, True])
def test_equal_keys_are_one_key_whatever_their_type(kind: str, composite: bool) -> None:
    data_type, old, new = KINDS[kind]
    other = [1 if composite else None] * len(old)
    beside = {
        "__sign": pa.array([-1] * len(old) + [1] * len(new), pa.int8()),
        "__transaction": pa.array(["1"] * 2 * len(old)),
        "__position": pa.array([f"{number:03}" for number in range(2 * len(old))]),
        "__committed_at": pa.nulls(2 * len(old), pa.timestamp("us", "UTC")),
    }
    images = pa.table({**beside, "other": pa.array([*other, *other], pa.int64()), "key": pa.array([*old, *new], data_type)})
    net = net_effect(images, ["other", "key"])
    assert net.to_pydict()["__op"] == ["U"] * len(old)
    assert net.schema.field("key").type == data_type


def test_a_net_effect_needs_a_key() -> None:
    with pytest.raises(ValueError, match="key"):
        net_effect(images_table([]), [])
