"""Every type with its edges: what pyodbc says is in the table, and what the product reads, against what was inserted."""

import uuid

import pyarrow as pa
import pytest

from dtaas_desktop.connectors.sqlserver import SqlServerSource
from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.table import CellPolicy, TableDescription, TableRef
from tests.connectors.sqlserver.type_cases import CASES, VARIANTS, Case, same_value
from tests.connectors.sqlserver.world import World


def made(world: World, declared: str, literals: list[str]) -> str:
    """A table of a key and one column with these values, and a last row without one."""
    name = f"t{uuid.uuid4().hex[:10]}"
    world.run(f"CREATE TABLE {world.name(name)} (id int NOT NULL PRIMARY KEY, c {declared} NULL)")
    for number, literal in enumerate([*literals, "NULL"]):
        world.run(f"INSERT INTO {world.name(name)} (id, c) VALUES ({number}, {literal})")
    return name


def read(source: SqlServerSource, ref: TableRef, cells: CellPolicy | None = None) -> tuple[TableDescription, pa.Table]:
    """The whole table in the order of its key."""
    table = source.describe(ref)
    (part,) = source.split(table, 1, exact=False)
    names = [column.name for column in table.columns]
    with (
        source.session([ref], exact=False) as session,
        session.read(table, part, columns=names, cells=cells or CellPolicy()) as stream,
    ):
        batches = [rows.batch for rows in stream]
    return table, pa.Table.from_batches(batches, table.schema).sort_by("id")


def stored(column: pa.ChunkedArray) -> list[object]:
    """What Arrow holds: whole units for dates and times."""
    kind = column.type
    if pa.types.is_date32(kind):
        return list(column.cast(pa.int32()).to_pylist())
    if pa.types.is_timestamp(kind) or pa.types.is_time64(kind):
        return list(column.cast(pa.int64()).to_pylist())
    return list(column.to_pylist())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_value_arrives_as_it_was_inserted(sql_server: World, case: Case) -> None:
    name = made(sql_server, case.declared, [literal for literal, _, _ in case.values])
    if case.plain:
        asked = sql_server.rows(f"SELECT {case.plain.format(c='c')} FROM {sql_server.name(name)} ORDER BY id")
        assert [row[0] for row in asked] == [*(text for _, _, text in case.values), None], "the server holds something else"
    table, found = read(sql_server.source(), sql_server.ref(name))
    values = stored(found.column("c"))
    for (literal, expected, _), value in zip(case.values, values, strict=False):
        assert same_value(value, expected), f"{literal[:100]}: {value!r:.200} instead of {expected!r:.200}"
    assert values[-1] is None
    assert len(values) == len(case.values) + 1
    for suffix, companions in case.companions.items():
        assert found.column(f"c{suffix}").to_pylist() == [*companions, None]
    (truth,) = [truth for truth in table.fidelity if truth.column == "c"]
    assert truth.truth in ("exact", "companion", "lossy")


def test_a_variant_is_the_exact_text_and_the_name_of_its_type(sql_server: World) -> None:
    name = made(sql_server, "sql_variant", [literal for _, literal, _ in VARIANTS])
    _, found = read(sql_server.source(), sql_server.ref(name))
    assert found.column("c__type").to_pylist() == [*(kind for kind, _, _ in VARIANTS), None]
    for (kind, _, expected), value in zip(VARIANTS, found.column("c").to_pylist(), strict=False):
        width = {"float": pa.float64(), "real": pa.float32()}.get(kind)
        if width is not None:
            assert pa.scalar(float(value), width) == pa.scalar(float(expected), width), kind
        elif kind == "smalldatetime":
            assert value.startswith(expected), kind
        else:
            assert value == expected, kind


def test_a_rowversion_is_eight_bytes_that_grow(sql_server: World) -> None:
    name = f"t{uuid.uuid4().hex[:10]}"
    sql_server.run(f"CREATE TABLE {sql_server.name(name)} (id int NOT NULL PRIMARY KEY, c rowversion)")
    for number in range(3):
        sql_server.run(f"INSERT INTO {sql_server.name(name)} (id) VALUES ({number})")
    table, found = read(sql_server.source(), sql_server.ref(name))
    asked = sql_server.rows(f"SELECT CAST(c AS binary(8)) FROM {sql_server.name(name)} ORDER BY id")
    values = found.column("c").to_pylist()
    assert table.schema.field("c").type == pa.binary(8)
    assert values == [row[0] for row in asked] == sorted(set(values))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"seven_digits": "text"}, ["2024-02-29 12:34:56.1234567", "9999-12-31 23:59:59.9999999", None]),
        ({"seven_digits": "microseconds"}, [1709210096123456, 253402300799999999, None]),
    ],
)
def test_the_seventh_digit_is_treated_as_chosen(sql_server: World, changes: dict[str, str], expected: list[object]) -> None:
    literals = ["CAST('2024-02-29T12:34:56.1234567' AS datetime2(7))", "CAST('9999-12-31T23:59:59.9999999' AS datetime2(7))"]
    name = made(sql_server, "datetime2(7)", literals)
    _, found = read(sql_server.source(**changes), sql_server.ref(name))
    assert stored(found.column("c")) == expected


def test_nanoseconds_hold_what_they_can_and_name_what_they_cannot(sql_server: World) -> None:
    source = sql_server.source(seven_digits="nanoseconds")
    within = ["CAST('1677-09-21T00:12:44' AS datetime2(7))", "CAST('2262-04-11T23:47:16.8547758' AS datetime2(7))"]
    _, found = read(source, sql_server.ref(made(sql_server, "datetime2(7)", within)))
    assert stored(found.column("c")) == [-9223372036000000000, 9223372036854775800, None]
    beyond = sql_server.ref(made(sql_server, "datetime2(7)", [within[0], "CAST('9999-12-31T00:00:00' AS datetime2(7))"]))
    with pytest.raises(UserError) as caught:
        read(source, beyond)
    assert "“c”" in caught.value.message
    assert "id = 1" in caught.value.message
    _, found = read(source, beyond, CellPolicy(misfit="null"))
    assert stored(found.column("c")) == [-9223372036000000000, None, None]


def test_companions_can_be_left_out(sql_server: World) -> None:
    name = made(sql_server, "datetimeoffset(3)", ["CAST('2024-02-29T12:00:00.123+01:00' AS datetimeoffset(3))"])
    table, found = read(sql_server.source(offsets=False), sql_server.ref(name))
    assert found.schema.names == ["id", "c"]
    assert [truth.truth for truth in table.fidelity] == ["exact", "lossy"]
    table, _ = read(sql_server.source(), sql_server.ref(name))
    assert [truth.truth for truth in table.fidelity] == ["exact", "companion"]


LONE = ["N'a' + NCHAR(55357) + N'b'", "NCHAR(56832)", "N'fine 😀'"]


def test_half_a_surrogate_pair_is_replaced_and_counted(sql_server: World) -> None:
    name = made(sql_server, "nvarchar(20)", LONE)
    source = sql_server.source()
    ref = sql_server.ref(name)
    table = source.describe(ref)
    with source.session([ref], exact=False) as session:
        with session.read(table, source.split(table, 1, exact=False)[0], columns=["id", "c"], cells=CellPolicy()) as stream:
            found = pa.Table.from_batches([rows.batch for rows in stream]).sort_by("id")
        assert session.harm().replaced == 2
    assert found.column("c").to_pylist() == ["a\ufffdb", "\ufffd", "fine 😀", None]


def test_half_a_surrogate_pair_follows_the_policy_if_asked_for(sql_server: World) -> None:
    ref = sql_server.ref(made(sql_server, "nvarchar(20)", [*LONE, "NCHAR(65533)"]))
    source = sql_server.source(lone_surrogates="misfit")
    with pytest.raises(UserError) as caught:
        read(source, ref)
    assert "surrogate" in caught.value.message
    _, found = read(source, ref, CellPolicy(misfit="null"))
    assert found.column("c").to_pylist() == [None, None, "fine 😀", "\ufffd", None]
    _, found = read(source, ref, CellPolicy(misfit="reject"))
    assert found.column("id").to_pylist() == [2, 3, 4]


def test_a_report_counts_what_is_lost(sql_server: World) -> None:
    lossy = ["CAST('0001-01-01T00:00:00' AS datetime2(7))", "CAST('2024-02-29T12:34:56.1234567' AS datetime2(7))"]
    source = sql_server.source()
    (_, truth) = source.measured(sql_server.ref(made(sql_server, "datetime2(7)", lossy)))
    assert truth.truth == "lossy"
    assert "0001-01-01 00:00:00.0000000 and 2024-02-29 12:34:56.1234567; 1 lose" in truth.note
    (_, truth) = source.measured(sql_server.ref(made(sql_server, "datetime2(7)", lossy[:1])))
    assert truth.truth == "exact"
    (_, truth) = sql_server.source(seven_digits="nanoseconds").measured(sql_server.ref(made(sql_server, "datetime2(7)", lossy)))
    assert (truth.truth, "1 lose" in truth.note) == ("lossy", True)
    offset = ["CAST('2024-01-01T00:00:00+01:00' AS datetimeoffset(7))"]
    (_, truth) = source.measured(sql_server.ref(made(sql_server, "datetimeoffset(7)", offset)))
    assert truth.truth == "companion"
