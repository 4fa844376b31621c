"""A user's query read like a table."""

import pytest

from dtaas_desktop.connectors.sqlserver.sql import selectable
from dtaas_desktop.domain.errors import UserError


def whole(query: str) -> str:
    before, source = selectable(query)
    return f"{before}SELECT r.[a] FROM {source} AS r"


def test_a_select_stands_in_parentheses() -> None:
    assert whole("select a from t; ") == "SELECT r.[a] FROM (\nselect a from t\n) AS r"


def test_a_comment_at_the_end_closes_nothing() -> None:
    assert whole("SELECT a FROM t -- all) of it").endswith("of it\n) AS r")


def test_with_keeps_its_parts_and_gets_one_more() -> None:
    found = whole(
        "/* a /* nested */ comment: SELECT */ WITH x AS (SELECT 1 AS a), [SELECT] AS (SELECT 'SELECT' AS a) SELECT a FROM x"
    )
    assert found.count("SELECT r.[a]") == 1
    assert ")," in found
    assert found.index("[the query itself] AS") > found.index("'SELECT' AS a)")
    assert found.endswith("SELECT a FROM x\n)\nSELECT r.[a] FROM [the query itself] AS r")


@pytest.mark.parametrize(
    "query",
    ["", ";", "DELETE FROM t", "EXEC p", "-- SELECT", "(SELECT 1 AS a)", "WITH x AS (SELECT 1 AS a) DELETE FROM x", "/* SELECT"],
)
def test_what_is_no_select_is_refused(query: str) -> None:
    with pytest.raises(UserError):
        selectable(query)
