"""What reading cost a source: kept with the run, so that whoever owns the server can see it."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class Harm:
    """Seconds of the longest statement and of the longest transaction, how many statements, and the rows and bytes that came.

    `replaced`: cells in which something that the destination's text cannot hold was replaced.
    """

    statements: int = 0
    longest_statement: float = 0.0
    longest_transaction: float = 0.0
    rows: int = 0
    bytes: int = 0
    replaced: int = 0

    def __add__(self, other: "Harm") -> "Harm":
        return Harm(
            self.statements + other.statements,
            max(self.longest_statement, other.longest_statement),
            max(self.longest_transaction, other.longest_transaction),
            self.rows + other.rows,
            self.bytes + other.bytes,
            self.replaced + other.replaced,
        )

    @property
    def words(self) -> str:
        """One sentence or two for the run's log."""
        transaction = f", the longest transaction {self.longest_transaction:,.1f} s" if self.longest_transaction else ""
        told = (
            f"Read {self.rows:,} rows ({self.bytes / 1_000_000:,.1f} MB) with {self.statements:,} statements; the longest took "
            f"{self.longest_statement:,.1f} s{transaction}."
        )
        if self.replaced:
            told += f" {self.replaced:,} cells hold � in the place of what UTF-8 cannot hold, or because it is in the source."
        return told


@runtime_checkable
class Measured(Protocol):
    """A session that measures what it costs its server."""

    def harm(self) -> Harm: ...
