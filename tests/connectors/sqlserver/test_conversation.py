"""The questions before a reading share a connection, which is opened ahead; nothing is kept while rows are read."""

from collections.abc import Iterator

import pytest

from dtaas_desktop.connectors.sqlserver.connecting import Connector
from dtaas_desktop.connectors.sqlserver.odbc import Control
from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.table import CellPolicy, TableRef
from tests.connectors.sqlserver.world import World


class Logins:
    """Counts the connections to ask with: tried, and open now."""

    def __init__(self) -> None:
        self.tried = 0
        self.open = 0


@pytest.fixture
def logins(monkeypatch: pytest.MonkeyPatch) -> Logins:
    counted = Logins()
    connect, close = Connector.control, Control.close

    def counting(connector: Connector) -> Control:
        counted.tried += 1
        made = connect(connector)
        counted.open += 1
        return made

    def closing(control: Control) -> None:
        counted.open -= 1
        close(control)

    monkeypatch.setattr(Connector, "control", counting)
    monkeypatch.setattr(Control, "close", closing)
    return counted


@pytest.fixture
def words(sql_server: World) -> Iterator[TableRef]:
    sql_server.run(f"CREATE TABLE {sql_server.name('words')}(id int NOT NULL PRIMARY KEY, word nvarchar(20))")
    sql_server.run(f"INSERT INTO {sql_server.name('words')} VALUES (1, N'one'), (2, N'two')")
    yield sql_server.ref("words")
    sql_server.run(f"DROP TABLE {sql_server.name('words')}")


def test_the_questions_of_a_conversation_share_one_connection_which_ends_with_the_first_row(
    sql_server: World, words: TableRef, logins: Logins
) -> None:
    source = sql_server.source()
    with source.conversation([str(words)]):
        assert words in source.tables()
        described = source.describe(words)
        parts = source.split(described, 2, exact=False)
        assert (logins.tried, logins.open) == (1, 1)
        with source.session([words], exact=False) as session:
            names = [column.name for column in described.columns]
            rows = []
            for part in parts:
                with session.read(described, part, columns=names, cells=CellPolicy()) as stream:
                    rows += [row for batch in stream for row in batch.batch.to_pylist()]
                assert logins.open == 0
        source.split(described, 2, exact=False)
        assert (logins.tried, logins.open) == (2, 0)
    assert rows == [{"id": 1, "word": "one"}, {"id": 2, "word": "two"}]


def test_without_a_conversation_each_question_has_a_connection_of_its_own(
    sql_server: World, words: TableRef, logins: Logins
) -> None:
    source = sql_server.source()
    source.split(source.describe(words), 2, exact=False)
    assert (logins.tried, logins.open) == (2, 0)


def test_a_conversation_that_nobody_uses_leaves_nothing_open(sql_server: World, words: TableRef, logins: Logins) -> None:
    with sql_server.source().conversation([str(words)]):
        pass
    assert (logins.tried, logins.open) == (1, 0)


def test_a_refused_login_is_tried_once_and_told_to_whoever_asks_first(sql_server: World, logins: Logins) -> None:
    source = sql_server.source(user="nobody_of_that_name")
    with source.conversation(["words"]):
        with pytest.raises(UserError, match="refused"):
            source.tables()
        assert logins.tried == 1
        with pytest.raises(UserError, match="refused"):
            source.tables()
        assert logins.tried == 2
    assert logins.open == 0


def test_a_table_that_is_not_there_is_told_when_it_is_asked_for(sql_server: World, words: TableRef, logins: Logins) -> None:
    source = sql_server.source()
    with source.conversation(["no_such_table"]):
        assert words in source.tables()
        with pytest.raises(UserError, match="no_such_table"):
            source.describe(sql_server.ref("no_such_table"))
        assert source.describe(words).key == ("id",)
    assert logins.open == 0
