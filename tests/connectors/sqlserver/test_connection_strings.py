"""Settings as what a driver is given, and the secret that nobody is shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from dtaas_desktop.connectors.sqlserver.connection_string import connection_string, escaped
from dtaas_desktop.connectors.sqlserver.drivers import Driver, chosen_driver
from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.sqlserver_settings import SqlServerSettings, extra_keywords

MICROSOFT = Driver("ODBC Driver 18 for SQL Server", "ODBC Driver 18 for SQL Server", "microsoft", 18)
FREETDS = Driver("FreeTDS", "FreeTDS", "freetds")
CANARY = "kanarienvogel}x;y'z={"


def settings(**values: object) -> SqlServerSettings:
    return SqlServerSettings.model_validate({"server": "sql.example.com", "user": "reader", "password": "env:PASSWORD"} | values)


def parsed(text: str) -> dict[str, str]:
    """A connection string by ODBC's grammar, written anew from its documentation."""
    found, at = {}, 0
    while at < len(text):
        equals = text.index("=", at)
        name, at = text[at:equals].strip().lower(), equals + 1
        if text[at : at + 1] == "{":
            value, at = "", at + 1
            while True:
                if text[at : at + 2] == "}}":
                    value, at = value + "}", at + 2
                elif text[at] == "}":
                    at += 1
                    break
                else:
                    value, at = value + text[at], at + 1
            assert text[at] == ";"
            at += 1
        else:
            end = text.index(";", at)
            value, at = text[at:end], end + 1
        assert name not in found
        found[name] = value
    return found


@given(
    st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=40), st.text(st.characters(exclude_categories=("Cs", "Cc")))
)
def test_a_driver_that_reads_by_odbcs_rule_gets_every_value_as_it_is(user: str, password: str) -> None:
    text = connection_string(settings(user=user or "u"), MICROSOFT, secret=password).text
    found = parsed(text)
    assert found["uid"] == (user or "u")
    assert found.get("pwd", "") == password
    assert found["server"] == "tcp:sql.example.com"
    assert found["app"] == "DTaaS Desktop"


@given(st.text("}{;='xyzä€ ", min_size=4).filter(str.strip))
def test_the_secret_is_in_no_message_in_any_of_its_forms(middle: str) -> None:
    secret = f"Q{middle}Q"
    string = connection_string(settings(), MICROSOFT, secret=secret)
    for message in (
        string.text,
        f"cannot connect with {secret}",
        f"PWD={escaped(secret)};UID=x",
        f"[08001] {string.text} failed",
    ):
        cleaned = string.scrubbed(message)
        assert secret not in cleaned
        assert secret.replace("}", "}}") not in cleaned
    assert secret not in repr(string)


def test_keywords_that_hold_secrets_are_blanked_whatever_they_hold() -> None:
    string = connection_string(settings(), MICROSOFT, secret=CANARY)
    assert "hidden" not in string.scrubbed("Driver=x;PWD={hid}}den};UID=reader")
    assert string.scrubbed("pwd = hidden;Server=x") == "pwd=•••;Server=x"


@pytest.mark.parametrize(
    ("values", "keyword", "expected"),
    [
        ({"port": 14330}, "server", "tcp:sql.example.com,14330"),
        ({"instance": "SQLEXPRESS"}, "server", "tcp:sql.example.com\\SQLEXPRESS"),
        ({"instance": "SQLEXPRESS", "port": 1500}, "server", "tcp:sql.example.com,1500"),
        ({"database": "a;b"}, "database", "a;b"),
        ({"encrypt": "no"}, "encrypt", "no"),
        ({"encrypt": "strict"}, "encrypt", "strict"),
        ({"trust_certificate": True}, "trustservercertificate", "yes"),
        ({}, "trustservercertificate", "no"),
        ({"certificate_host": "other.example.com"}, "hostnameincertificate", "other.example.com"),
        ({"server_certificate": "/certs/a b.pem"}, "servercertificate", "/certs/a b.pem"),
        ({}, "applicationintent", "ReadOnly"),
        ({"read_only": False}, "applicationintent", "ReadWrite"),
        ({"multi_subnet": True}, "multisubnetfailover", "Yes"),
        ({"keep_alive_seconds": 7}, "keepalive", "7"),
        ({"login": "windows", "user": "", "password": ""}, "trusted_connection", "yes"),
        ({"login": "entra service principal"}, "authentication", "ActiveDirectoryServicePrincipal"),
        ({"login": "entra managed identity", "user": "", "password": ""}, "authentication", "ActiveDirectoryMsi"),
        ({"login": "entra interactive", "user": "a@b", "password": ""}, "authentication", "ActiveDirectoryInteractive"),
        ({"extra": "Language={us;x};"}, "language", "us;x"),
    ],
)
def test_each_setting_is_its_keyword(values: dict[str, object], keyword: str, expected: str) -> None:
    assert parsed(connection_string(settings(**values), MICROSOFT, secret="s").text)[keyword] == expected


def test_freetds_has_keywords_of_its_own() -> None:
    found = parsed(connection_string(settings(trust_certificate=True, instance="I"), FREETDS, secret="s", port=1501).text)
    assert (found["server"], found["port"], found["encryption"], found["tds_version"]) == (
        "sql.example.com",
        "1501",
        "require",
        "7.4",
    )


@pytest.mark.parametrize(
    "values", [{}, {"encrypt": "no", "certificate_host": "x"}, {"login": "entra service principal", "trust_certificate": True}]
)
def test_freetds_is_not_asked_for_what_it_cannot_do(values: dict[str, object]) -> None:
    with pytest.raises(UserError) as caught:
        connection_string(settings(**values), FREETDS, secret="s")
    assert caught.value.remedy


@pytest.mark.parametrize(
    "values",
    [
        {"server": "host\\instance"},
        {"server": "host,1433"},
        {"server": "host;PWD=x"},
        {"instance": "a;b"},
        {"port": 0},
        {"user": ""},
        {"password": ""},
        {"password": "my secret"},
        {"user": "a\nb"},
        {"encrypt": "strict", "trust_certificate": True},
        {"extra": "PWD=x"},
        {"extra": "Trusted Connection=yes"},
        {"extra": "nonsense"},
        {"extra": "A={x"},
        {"unknown": 1},
    ],
)
def test_settings_that_cannot_work_are_refused_when_they_are_written(values: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        settings(**values)


def test_extra_keywords_keep_their_values() -> None:
    assert extra_keywords(" Regional = no ; A={b}};c} ; ") == (("Regional", "no"), ("A", "b};c"))


def test_the_newest_of_microsofts_drivers_is_taken_first() -> None:
    registered = [
        "SQLite3",
        "FreeTDS",
        "ODBC Driver 17 for SQL Server",
        "ODBC Driver 18 for SQL Server",
        "ODBC Driver 13 for SQL Server",
    ]
    assert chosen_driver("", registered) == MICROSOFT
    assert chosen_driver("odbc driver 17 for sql server", registered).version == 17
    assert chosen_driver("freetds", registered).family == "freetds"


def test_a_driver_that_is_not_there_is_named() -> None:
    with pytest.raises(UserError) as caught:
        chosen_driver("My driver", ["SQLite3"])
    assert "My driver" in caught.value.message
    assert "SQLite3" in caught.value.message
