"""Names of types: what people write becomes Arrow's type, and back."""

import zoneinfo

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.type_names import is_binary, is_text, name_of_type, type_from_name

KNOWN = {
    "bool": pa.bool_(),
    "Boolean": pa.bool_(),
    "int8": pa.int8(),
    "tinyint": pa.uint8(),
    "INTEGER": pa.int64(),
    " bigint ": pa.int64(),
    "smallint": pa.int16(),
    "uint64": pa.uint64(),
    "real": pa.float32(),
    "double": pa.float64(),
    "text": pa.large_string(),
    "varchar": pa.large_string(),
    "binary": pa.large_binary(),
    "binary(8)": pa.binary(8),
    "date": pa.date32(),
    "decimal(18,2)": pa.decimal128(18, 2),
    "Decimal ( 18 , 2 )": pa.decimal128(18, 2),
    "numeric(5)": pa.decimal128(5, 0),
    "decimal(38,38)": pa.decimal128(38, 38),
    "decimal(39,0)": pa.decimal256(39, 0),
    "decimal(76,76)": pa.decimal256(76, 76),
    "time": pa.time64("us"),
    "time(s)": pa.time32("s"),
    "time(ns)": pa.time64("ns"),
    "timestamp": pa.timestamp("us"),
    "datetime(ms)": pa.timestamp("ms"),
    "timestamp(US, Europe/Paris)": pa.timestamp("us", "Europe/Paris"),
    "timestamp(ns,+02:00)": pa.timestamp("ns", "+02:00"),
    "timestamp(, UTC)": pa.timestamp("us", "UTC"),
    "duration(ms)": pa.duration("ms"),
}


@pytest.mark.parametrize("name", KNOWN)
def test_what_people_write_becomes_the_type_they_mean(name: str) -> None:
    assert type_from_name(name) == KNOWN[name]


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "int63",
        "decimal",
        "decimal()",
        "decimal(0,0)",
        "decimal(77,0)",
        "decimal(5,6)",
        "decimal(5,-1)",
        "decimal(5,2,1)",
        "text(20)",
        "varchar(max)",
        "binary(0)",
        "binary(9999999)",
        "binary(²)",
        "decimal(٥,٢)",
        "timestamp(h)",
        "timestamp(us, UTC, x)",
        "time(us, UTC)",
        "duration",
        "list<int64>",
        "date(us)",
        "int8(",
        "int8)",
        "int8 int8",
        "int\n8",
        "float128",
        "x" * 100_000,
    ],
)
def test_what_is_no_type_is_refused(name: str) -> None:
    with pytest.raises(UserError, match="is not a type") as refused:
        type_from_name(name)
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize(
    "zone", ["", "Europe/Atlantis", "+2:00", "+15:00", "02:00", "posix/Europe/Paris", "right/UTC", "../UTC", "Factory", "\0"]
)
def test_a_zone_that_is_not_known_is_refused(zone: str) -> None:
    with pytest.raises(UserError, match="There is no time zone"):
        type_from_name(f"timestamp(us, {zone})")


def test_every_zone_that_is_taken_works_in_arrow() -> None:
    taken = 0
    for zone in sorted(zoneinfo.available_timezones()):
        try:
            kind = type_from_name(f"timestamp(s, {zone})")
        except UserError:
            continue
        assert pc.local_timestamp(pa.array([0], kind))[0].is_valid
        taken += 1
    assert taken > 400


types = (
    st.sampled_from([kind for name, kind in KNOWN.items()])
    | st.builds(
        lambda p, s: pa.decimal256(p, min(p, s)) if p > 38 else pa.decimal128(p, min(p, s)),
        st.integers(1, 76),
        st.integers(0, 76),
    )
    | st.builds(
        pa.timestamp, st.sampled_from(["s", "ms", "us", "ns"]), st.sampled_from([None, "UTC", "America/New_York", "-09:30"])
    )
    | st.sampled_from(
        [pa.time32("s"), pa.time32("ms"), pa.time64("us"), pa.time64("ns"), pa.duration("ns"), pa.binary(1), pa.binary(1 << 20)]
    )
)


@given(types)
def test_the_name_of_a_type_gives_that_type(kind: pa.DataType) -> None:
    assert type_from_name(name_of_type(kind)) == kind


@pytest.mark.parametrize(
    ("kind", "held_by"),
    [
        (pa.string(), pa.large_string()),
        (pa.string_view(), pa.large_string()),
        (pa.binary_view(), pa.large_binary()),
        (pa.dictionary(pa.int8(), pa.string()), pa.large_string()),
        (pa.dictionary(pa.int8(), pa.timestamp("s", "UTC")), pa.timestamp("s", "UTC")),
        (pa.decimal32(9, 2), pa.decimal128(9, 2)),
        (pa.decimal64(18, 0), pa.decimal128(18, 0)),
        (pa.decimal256(20, 2), pa.decimal128(20, 2)),
        (pa.decimal128(3, 5), pa.decimal128(5, 5)),
        (pa.date64(), pa.date32()),
    ],
)
def test_other_layouts_have_the_name_of_a_type_that_holds_the_same_values(kind: pa.DataType, held_by: pa.DataType) -> None:
    assert type_from_name(name_of_type(kind)) == held_by


@pytest.mark.parametrize(
    "kind", [pa.list_(pa.int8()), pa.struct([]), pa.null(), pa.float16(), pa.month_day_nano_interval(), pa.decimal128(5, -2)]
)
def test_types_without_a_name_of_ours_come_in_arrows_words(kind: pa.DataType) -> None:
    assert name_of_type(kind) == str(kind)


def test_text_and_bytes_are_known_in_every_layout() -> None:
    texts = [pa.string(), pa.large_string(), pa.string_view()]
    data = [pa.binary(), pa.large_binary(), pa.binary_view(), pa.binary(4)]
    others = [pa.int8(), pa.null(), pa.dictionary(pa.int8(), pa.string()), pa.list_(pa.string())]
    assert [is_text(kind) for kind in texts + data + others] == [True] * 3 + [False] * 8
    assert [is_binary(kind) for kind in texts + data + others] == [False] * 3 + [True] * 4 + [False] * 4
