"""How truly columns arrive, as the window says it."""

import pyarrow as pa

from dtaas_desktop.domain.fidelity import Fidelity, companions, losses
from dtaas_desktop.domain.table import Column, TableDescription, TableRef
from dtaas_desktop.ui import fidelity_words

EXACT = Fidelity("id", "int", pa.int32(), "exact")
TWO = Fidelity("at", "datetimeoffset(3)", pa.timestamp("us", "UTC"), "companion", "the moment in UTC, its offset in “at__offset”")
LESS = Fidelity("made", "datetime2(7)", pa.timestamp("us"), "lossy", "the seventh digit is cut off")
TABLE = TableDescription(
    TableRef("orders", "dbo"),
    (
        Column("id", pa.int32(), nullable=False, declared="int", traits=("identity",)),
        Column("at", pa.timestamp("us", "UTC"), declared="datetimeoffset(3)"),
        Column("at__offset", pa.int16()),
        Column("made", pa.timestamp("us"), declared="datetime2(7)"),
    ),
    fidelity=(EXACT, TWO, LESS),
)


def test_a_table_is_summed_up_in_a_line() -> None:
    assert fidelity_words.summary(()) == ""
    assert fidelity_words.summary((EXACT,)) == "Every value arrives exactly."
    assert fidelity_words.summary(TABLE.fidelity) == "1 of 3 columns arrive exactly, 1 with a companion, 1 loses something."
    assert fidelity_words.summary((LESS, LESS)) == "No column arrives simply as it is, 2 lose something."


def test_each_column_has_a_mark_and_a_sentence_also_a_companion() -> None:
    told = fidelity_words.by_column(TABLE)
    marks = [fidelity_words.mark(column, told) for column in TABLE.columns]
    assert marks == [("Exact", "quiet"), ("Exact, in two", "accent"), ("Companion", "quiet"), ("Lossy", "amber")]
    sentences = [fidelity_words.sentence(column, told) for column in TABLE.columns]
    assert sentences[0] == "“id”: int, never NULL, identity. Arrives exactly as int32."
    assert sentences[2].startswith("“at__offset” accompanies “at”, datetimeoffset(3): ")
    assert sentences[3] == "“made”: datetime2(7). Loses something: the seventh digit is cut off."
    assert fidelity_words.mark(TABLE.columns[0], {}) == ("", "quiet")


def test_sentences_gather_the_columns_that_lose_the_same() -> None:
    also = Fidelity("seen", "datetime2(7)", pa.timestamp("us"), "lossy", LESS.note)
    assert losses((EXACT, LESS, also, TWO)) == ("Columns “made”, “seen”: the seventh digit is cut off.",)
    assert companions((EXACT, TWO)) == ("Column “at” arrives exactly: the moment in UTC, its offset in “at__offset”.",)
