"""A default means as an expression what SQLite fills in."""

import sqlite3

import pytest

from dtaas_desktop.connectors.sqlite.declared import default_value, silences

DEFAULTS = [
    "5",
    "-5",
    "+.5",
    "1.5e-3",
    "'it''s'",
    "x'00ff'",
    "plain",
    '"in ""quotes"""',
    "[in brackets]",
    "`ticks`",
    "TRUE",
    "false",
    "CURRENT_DATE",
    "(1 + 2 -- three\n)",
    "('a' || 'b')",
    "(strftime('%Y', 'now'))",
    "(CAST('7' AS INTEGER))",
]


@pytest.mark.parametrize("declared", DEFAULTS)
@pytest.mark.parametrize("kind", ["", "TEXT", "INTEGER", "REAL"])
def test_a_default_is_told_as_an_expression(declared: str, kind: str) -> None:
    connection = sqlite3.connect(":memory:")
    # Columns called as the names that stand in the defaults: they must not be taken for these.
    connection.execute(f'CREATE TABLE t (a {kind} NOT NULL DEFAULT {declared}, plain, "in ""quotes""", ticks)')
    connection.execute("INSERT INTO t DEFAULT VALUES")
    (text,) = connection.execute("SELECT dflt_value FROM pragma_table_info('t') WHERE name = 'a'").fetchone()
    assert connection.execute(f"SELECT count(*) FROM t WHERE a = {default_value(text)}").fetchone() == (1,)
    connection.close()


@pytest.mark.parametrize("declared", ["random()", "lower(hex(randomblob(16)))", "uuid()", "1 + nosuch('x')"])
def test_what_differs_each_time_or_is_not_everywhere_is_no_value(declared: str) -> None:
    assert default_value(declared) == ""


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("CREATE TRIGGER x AFTER INSERT ON t BEGIN SELECT RAISE(IGNORE); END", True),
        ("CREATE TRIGGER x AFTER INSERT ON t BEGIN SELECT RAISE(FAIL, 'no'); END", True),
        ("CREATE TRIGGER x AFTER UPDATE ON t BEGIN SELECT RAISE(IGNORE); END", False),
        (
            'CREATE TRIGGER main."x y" /* ( */ after insert ON t BEGIN SELECT CASE WHEN 1 THEN raise -- \n (\nignore) END; END',
            True,
        ),
        ("CREATE TRIGGER x BEFORE INSERT ON t BEGIN SELECT RAISE(IGNORE); END", False),
        ("CREATE TRIGGER after DELETE ON t BEGIN SELECT RAISE(IGNORE); END", False),
        ("CREATE TRIGGER x AFTER INSERT ON t BEGIN SELECT RAISE(ABORT, 'RAISE(IGNORE)'); END", False),
    ],
)
def test_what_ends_a_statement_and_leaves_an_inserted_row_silences(sql: str, expected: bool) -> None:
    assert silences(sql) is expected
