"""What goes wrong at the server or on the way, as the sentence for it: in the steps of *Test*, in a run, and never with a secret."""

import os
import uuid
from dataclasses import dataclass

import pyarrow as pa
import pytest

from dtaas_desktop.connectors.sqlserver import SqlServerSource
from dtaas_desktop.domain.errors import AppError, TransientError, UserError
from dtaas_desktop.domain.sqlserver_settings import SqlServerSettings
from dtaas_desktop.domain.table import CellPolicy, TableRef
from tests.connectors.sqlserver.world import REFERENCE, World
from tests.servers.sqlserver import Fault

USER = [207, 208, 229, 230, 916, 3952]
WAIT = [1205, 1222, 3960, 701, 8645, 9002, 40197, 40501, 40613, 10928, 10929, 49918, 49919, 49920]
LOGIN = {
    18456: ("The login is accepted", UserError),
    4060: ("The database opens", UserError),
    18486: ("The login is accepted", UserError),
    18487: ("The login is accepted", UserError),
    40613: ("The database opens", TransientError),
    10928: ("The server answers", TransientError),
    49918: ("The server answers", TransientError),
}


@pytest.fixture
def ref(sql_server: World) -> TableRef:
    name = f"t{uuid.uuid4().hex[:10]}"
    sql_server.run(f"CREATE TABLE {sql_server.name(name)} (id int NOT NULL PRIMARY KEY, t nvarchar(40))")
    sql_server.insert(name, [(number, "text") for number in range(2000)])
    return sql_server.ref(name)


def read(source: SqlServerSource, ref: TableRef) -> list[int]:
    table = source.describe(ref)
    with (
        source.session([ref], exact=False) as session,
        session.read(table, source.split(table, 1, exact=False)[0], columns=["id", "t"], cells=CellPolicy()) as stream,
    ):
        return list(pa.Table.from_batches([rows.batch for rows in stream], stream.schema).column("id").to_pylist())


@pytest.mark.parametrize("number", USER + WAIT)
def test_an_error_while_reading_is_its_sentence_and_the_next_try_is_whole(sql_server: World, ref: TableRef, number: int) -> None:
    source = sql_server.source()
    with sql_server.fault(Fault("error", pattern=f"AS c0.*{ref.name}", number=number, text=f"Words of {number}.", rows=0)):
        with pytest.raises(AppError) as caught:
            read(source, ref)
        assert isinstance(caught.value, TransientError if number in WAIT else UserError)
        assert caught.value.remedy
        assert ref.name in caught.value.message
        assert "[Microsoft]" not in str(caught.value)
        assert "[FreeTDS]" not in str(caught.value)
    assert sorted(read(source, ref)) == list(range(2000))


@pytest.mark.parametrize("kind", ["error", "kill", "cut"])
def test_a_connection_lost_in_the_middle_is_tried_again_without_a_doubled_row(
    sql_server: World, ref: TableRef, kind: str
) -> None:
    source = sql_server.source()
    fault = {
        "error": Fault("error", pattern=f"AS c0.*{ref.name}", number=1205, text="deadlock", rows=700),
        "kill": Fault("kill", pattern=f"AS c0.*{ref.name}", rows=700),
        "cut": Fault("cut", pattern=f"AS c0.*{ref.name}", amount=9000),
    }[kind]
    with sql_server.fault(fault), pytest.raises(TransientError) as caught:
        read(source, ref)
    assert caught.value.remedy
    assert sorted(read(source, ref)) == list(range(2000))


@pytest.mark.parametrize("number", LOGIN)
def test_a_refused_login_fails_at_its_step(sql_server: World, number: int) -> None:
    step, kind = LOGIN[number]
    with sql_server.fault(Fault("login error", number=number, text=f"Words of {number}.", times=50)):
        steps = list(sql_server.source().check())
        with pytest.raises(kind):
            sql_server.source().tables()
    assert [one.ok for one in steps] == [True] * (len(steps) - 1) + [False], steps
    assert steps[-1].title == step
    assert steps[-1].remedy


@dataclass(frozen=True)
class Wrong:
    changes: dict[str, object]
    step: str
    words: str


WRONG = {
    "a driver that is not there": Wrong({"driver": "No such driver"}, "There is a driver", "No such driver"),
    "a name that nobody knows": Wrong({"server": "no-such-host.invalid"}, "The server's name is known", "no-such-host.invalid"),
    "a port where nothing listens": Wrong({"port": 1}, "The server answers", "port 1"),
    "a database that is not there": Wrong({"database": "nowhere"}, "The database opens", "no database"),
    "a user that is not there": Wrong({"user": "nobody"}, "The login is accepted", "refused the login"),
    "a certificate of its own making": Wrong({"encrypt": "yes"}, "The connection is encrypted", "certificate"),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_what_is_set_wrongly_fails_at_its_step_with_what_to_do(sql_server: World, wrong: Wrong) -> None:
    if sql_server.stand_in is None and "encrypt" in wrong.changes:
        pytest.skip("a real server may have a good certificate")
    if "tds" in sql_server.driver.lower() and "encrypt" in wrong.changes:
        pytest.skip("FreeTDS checks no certificate, and is refused before")
    if "tds" in sql_server.driver.lower() and "database" in wrong.changes:
        pytest.skip("FreeTDS calls it a wrong login")
    steps = list(sql_server.source(**wrong.changes).check())
    assert not steps[-1].ok, steps
    assert steps[-1].title == wrong.step
    assert wrong.words in steps[-1].detail
    assert steps[-1].remedy


def test_an_encrypted_connection_to_a_trusted_server_is_good(sql_server: World) -> None:
    steps = list(sql_server.source(encrypt="yes", trust_certificate=True).check())
    assert all(step.ok for step in steps), steps
    assert any("certificate was not checked" in step.detail for step in steps)


def test_a_server_that_cannot_encrypt_is_told_apart(sql_server: World) -> None:
    if sql_server.stand_in is None:
        pytest.skip("a real server is left as it is")
    if "tds" in sql_server.driver.lower():
        pytest.skip("FreeTDS does not say why it cannot connect")
    control = sql_server.stand_in.control
    control.configure(tls="unsupported")
    try:
        steps = list(sql_server.source(encrypt="yes", trust_certificate=True).check())
    finally:
        control.configure(tls="optional")
    assert not steps[-1].ok
    assert steps[-1].title == "The connection is encrypted"


def test_a_login_that_takes_too_long_is_given_up(sql_server: World) -> None:
    with (
        sql_server.fault(Fault("login delay", seconds=8, times=5)),
        pytest.raises(TransientError) as caught,
    ):
        sql_server.source(connect_seconds=1).tables()
    assert "in time" in caught.value.message


def test_a_statement_that_takes_too_long_is_given_up(sql_server: World, ref: TableRef) -> None:
    with (
        sql_server.fault(Fault("wait", pattern=f"AS c0.*{ref.name}", seconds=30)),
        pytest.raises(TransientError) as caught,
    ):
        read(sql_server.source(query_seconds=1), ref)
    assert "in time" in caught.value.message


def test_the_secret_is_found_nowhere(sql_server: World, ref: TableRef, capfd: pytest.CaptureFixture[str]) -> None:
    said: list[str] = []
    sources = [sql_server.source(connect_seconds=1, **wrong.changes) for wrong in WRONG.values()] + [
        sql_server.source(),
        SqlServerSource(
            SqlServerSettings.model_validate(sql_server.settings.model_dump() | {"user": "nobody"}),
            secret=lambda reference: {REFERENCE: sql_server.password}[reference],
        ),
    ]
    for source in sources:
        said += [f"{step}" for step in source.check()]
        try:
            source.tables()
        except AppError as error:
            said += [repr(error), str(error), repr(error.__dict__), repr(error.__cause__), repr(error.__context__)]
        said.append(repr(source.__dict__))
    with sql_server.fault(
        Fault(
            "error",
            pattern=f"AS c0.*{ref.name}",
            number=4711,
            text=f"It is {sql_server.connection_string()} with {sql_server.password}",
        )
    ):
        try:
            read(sql_server.source(), ref)
        except AppError as error:
            said.append(str(error))
    output = capfd.readouterr()
    everything = "\n".join([*said, output.out, output.err])
    assert "4711" in everything
    for form in (sql_server.password, sql_server.password.replace("}", "}}")):
        assert form not in everything
    assert sql_server.password not in os.environ.values()
