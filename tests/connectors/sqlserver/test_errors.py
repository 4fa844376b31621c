"""What the server and the drivers say, as what the user can do."""

import pytest

from dtaas_desktop.connectors.sqlserver.complaints import Complaint, brief, explained
from dtaas_desktop.connectors.sqlserver.errors import NoTable
from dtaas_desktop.connectors.sqlserver.odbc import _records, _rust_records
from dtaas_desktop.domain.errors import AppError, PositionLost, TransientError, UserError

USER = [18456, 18452, 18470, 18486, 18487, 18488, 4060, 911, 916, 229, 230, 262, 40615, 3952, 8134, 824]
WAIT = [
    *(1205, 1222, 3960, 3961, 8645, 701, 9002, 596, 6005, 10053, 10054, 10060, 10061, 10928, 10929, 40197, 40501, 40613),
    *(49918, 49919, 49920, 922, 976, 983, 4221),
]


@pytest.mark.parametrize(
    ("number", "kind"), [*((n, UserError) for n in USER), *((n, TransientError) for n in WAIT), (207, NoTable), (208, NoTable)]
)
def test_each_number_has_its_class_and_its_remedy(number: int, kind: type[AppError]) -> None:
    error = explained(
        Complaint("42000", number, "[Microsoft][ODBC Driver 18 for SQL Server][SQL Server]Words of the server."), "“s/d”"
    )
    assert isinstance(error, kind)
    assert error.message.endswith(".")
    assert error.remedy.endswith((".", ")"))
    assert "[Microsoft]" not in error.message
    assert "{" not in error.message


@pytest.mark.parametrize(
    ("state", "words", "kind", "said"),
    [
        ("HYT00", "Login timeout expired", TransientError, "in time"),
        ("HYT01", "Connection timeout expired", TransientError, "in time"),
        ("08S01", "TCP Provider: Error code 0x68", TransientError, "cut"),
        ("08001", "TCP Provider: Error code 0x2749", TransientError, "cannot be reached"),
        (
            "08001",
            "TCP Provider: No connection could be made because the target machine actively refused it.",
            TransientError,
            "answers",
        ),
        (
            "08001",
            "SSL Provider: [error:0A000086:SSL routines::certificate verify failed:self-signed certificate]",
            UserError,
            "proves",
        ),
        ("08001", "SSL Provider: [error:0A000102:SSL routines::unsupported protocol]", UserError, "encrypted"),
        ("IM002", "Data source name not found and no default driver specified", UserError, "not found"),
        ("IM003", "Specified driver could not be loaded", UserError, "could not be loaded"),
        ("01000", "Can't open lib '/x/libmsodbcsql.so' : file not found", UserError, "could not be loaded"),
        ("40001", "deadlock", TransientError, "deadlock"),
        ("HY000", "Unknown error", TransientError, "broken off"),
        ("28000", "Login failed", UserError, "refused"),
    ],
)
def test_without_a_number_state_and_words_decide(state: str, words: str, kind: type[AppError], said: str) -> None:
    error = explained(Complaint(state, 0, f"[Microsoft][ODBC Driver 18 for SQL Server]{words}"), "“s/d”")
    assert isinstance(error, kind)
    assert said in error.message
    assert error.remedy


def test_a_lost_position_is_told_apart() -> None:
    assert isinstance(explained(Complaint("42000", 313, ""), "Table t"), PositionLost)


def test_an_unknown_number_is_shown_with_its_words() -> None:
    error = explained(Complaint("42000", 4711, "[X][Y]Something odd happened."), "Table dbo.t at “s”")
    assert error.message == "Table dbo.t at “s” could not be read: Something odd happened (error 4711)."


def test_records_of_pyodbc_are_taken_apart() -> None:
    text = (
        "[08001] [Microsoft][ODBC Driver 18 for SQL Server]TCP Provider: Error code 0x2749 (10057) (SQLDriverConnect); "
        "[08001] [Microsoft][ODBC Driver 18 for SQL Server]Login timeout expired (0); "
        "[42000] [Microsoft][ODBC Driver 18 for SQL Server][SQL Server]Cannot open (it) database. (4060)"
    )
    found = _records(Exception("08001", text))
    assert [(record.state, record.number) for record in found] == [("08001", 10057), ("08001", 0), ("42000", 4060)]
    assert brief(found[2].words) == "Cannot open (it) database"


def test_a_record_of_arrow_odbc_is_taken_apart() -> None:
    text = "ODBC emitted an error calling 'SQLExecDirect':\nState: 42S02, Native error: 208, Message: [Microsoft][X][SQL Server]Invalid object name 'x'."
    assert _rust_records(text) == [Complaint("42S02", 208, "[Microsoft][X][SQL Server]Invalid object name 'x'.")]
