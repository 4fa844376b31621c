"""Random histories: transactions that another program writes, and runs that are stopped somewhere."""

from dataclasses import dataclass

from hypothesis import strategies as st

from tests.model.world import Transaction

IDS = st.integers(0, 4)
CODES = st.sampled_from(["'x'", "'y'", "'z'", "NULL"])
KEYS = st.sampled_from(["'k'", "'l'", "'K'"])
NUMBERS = st.integers(0, 9)
OR = st.sampled_from(["", "OR REPLACE", "OR IGNORE"])
ORS = st.sampled_from(["", "OR REPLACE"])

STATEMENTS = st.one_of(
    st.builds("INSERT {} INTO a (id, code, n) VALUES ({}, {}, {})".format, OR, IDS, CODES, NUMBERS),
    st.builds("UPDATE {} a SET n = {} WHERE id = {}".format, ORS, NUMBERS, IDS),
    st.builds("UPDATE {} a SET id = {} WHERE id = {}".format, ORS, IDS, IDS),
    st.builds("UPDATE {} a SET code = {} WHERE id = {}".format, ORS, CODES, IDS),
    st.just("UPDATE a SET id = -1 - id"),
    st.just("UPDATE a SET id = id + 1"),
    st.builds("DELETE FROM a WHERE id = {}".format, IDS),
    st.builds("INSERT {} INTO b (k, j, n) VALUES ({}, {}, {})".format, OR, KEYS, IDS, NUMBERS),
    st.builds("UPDATE {} b SET j = {} WHERE k = {}".format, ORS, IDS, KEYS),
    st.builds("UPDATE {} b SET k = {}, n = {} WHERE j = {}".format, ORS, KEYS, NUMBERS, IDS),
    st.builds("DELETE FROM b WHERE k = {}".format, KEYS),
    st.just("UPDATE a SET n = n - 1"),
    st.just("UPDATE b SET n = n + 1"),
)
ALTERATIONS = st.builds(
    "ALTER TABLE {} ADD COLUMN {}".format,
    st.sampled_from(["a", "b"]),
    st.sampled_from(["w INTEGER", "w TEXT DEFAULT 'w'", "v INTEGER NOT NULL DEFAULT 7"]),
)
ENDS = st.sampled_from(["COMMIT", "COMMIT", "COMMIT", "ROLLBACK"])
TRANSACTIONS: st.SearchStrategy[Transaction] = st.tuples(st.lists(STATEMENTS, min_size=1, max_size=5), ENDS)


@dataclass(frozen=True)
class Stretch:
    """Transactions, then perhaps another shape of a table, then a run: stopped before its nth named step (None: not), with a
    transaction of others before another one."""

    before: list[Transaction]
    alteration: str | None
    stopped: int | None
    during: Transaction | None
    when: int


STRETCHES = st.builds(
    Stretch,
    st.lists(TRANSACTIONS, max_size=4),
    st.one_of(st.none(), st.none(), st.none(), ALTERATIONS),
    st.one_of(st.none(), st.integers(0, 30)),
    st.one_of(st.none(), TRANSACTIONS),
    st.integers(0, 20),
)
HISTORIES = st.lists(STRETCHES, min_size=1, max_size=4)
